#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "transfers/s3_error.h"

/* What the stores say, and what is to follow. */
static const struct {
	int status;
	const char *code;
	enum mf_s3_class class;
	enum mf_code mf;
} rows[] = {
    {503, "SlowDown", MF_S3_THROTTLE, MF_ETRANSFER},
    {503, "ServiceUnavailable", MF_S3_THROTTLE, MF_ETRANSFER},
    {503, "", MF_S3_THROTTLE, MF_ETRANSFER},
    {503, "SomethingNew", MF_S3_THROTTLE, MF_ETRANSFER},
    {429, NULL, MF_S3_THROTTLE, MF_ETRANSFER},
    {400, "ThrottlingException", MF_S3_THROTTLE, MF_ETRANSFER},
    {400, "KMS.ThrottlingException", MF_S3_THROTTLE, MF_ETRANSFER},
    {400, "RequestTimeout", MF_S3_RETRY, MF_ETRANSFER},
    {500, "InternalError", MF_S3_RETRY, MF_ETRANSFER},
    {200, "InternalError", MF_S3_RETRY, MF_ETRANSFER},
    {200, "SlowDown", MF_S3_THROTTLE, MF_ETRANSFER},
    {200, "SomethingNew", MF_S3_RETRY, MF_ETRANSFER},
    {200, "AccessDenied", MF_S3_FINAL, MF_EPERM},
    {500, NULL, MF_S3_RETRY, MF_ETRANSFER},
    {502, NULL, MF_S3_RETRY, MF_ETRANSFER},
    {504, NULL, MF_S3_RETRY, MF_ETRANSFER},
    {599, "SomethingNew", MF_S3_RETRY, MF_ETRANSFER},
    {400, "BadDigest", MF_S3_RETRY, MF_ETRANSFER},
    {400, "XAmzContentSHA256Mismatch", MF_S3_RETRY, MF_ETRANSFER},
    {409, "OperationAborted", MF_S3_RETRY, MF_ETRANSFER},
    {400, "ExpiredToken", MF_S3_REFRESH, MF_EPERM},
    {403, "InvalidAccessKeyId", MF_S3_REFRESH, MF_EPERM},
    {401, NULL, MF_S3_REFRESH, MF_EPERM},
    {403, "SignatureDoesNotMatch", MF_S3_FINAL, MF_EPERM},
    {403, "RequestTimeTooSkewed", MF_S3_CLOCK_SKEW, MF_EPERM},
    {403, "AccessDenied", MF_S3_FINAL, MF_EPERM},
    {403, NULL, MF_S3_FINAL, MF_EPERM},
    {403, "InvalidObjectState", MF_S3_FINAL, MF_EPERM},
    {400, "ObjectLocked", MF_S3_FINAL, MF_EPERM},
    {400, "KMS.DisabledException", MF_S3_FINAL, MF_EPERM},
    {500, "KMS.KMSInternalException", MF_S3_RETRY, MF_ETRANSFER},
    {301, "PermanentRedirect", MF_S3_REDIRECT, MF_EUSAGE},
    {301, NULL, MF_S3_REDIRECT, MF_EUSAGE},
    {307, "TemporaryRedirect", MF_S3_REDIRECT, MF_EUSAGE},
    {400, "AuthorizationHeaderMalformed", MF_S3_REDIRECT, MF_EUSAGE},
    {404, "NoSuchBucket", MF_S3_FINAL, MF_ENOTFOUND},
    {404, "NoSuchKey", MF_S3_NOT_FOUND, MF_ENOTFOUND},
    {404, "NoSuchUpload", MF_S3_NOT_FOUND, MF_ENOTFOUND},
    {404, NULL, MF_S3_NOT_FOUND, MF_ENOTFOUND},
    {412, "PreconditionFailed", MF_S3_PRECONDITION, MF_ECONFLICT},
    {412, NULL, MF_S3_PRECONDITION, MF_ECONFLICT},
    {409, "ConditionalRequestConflict", MF_S3_RACE, MF_ECONFLICT},
    {403, "QuotaExceeded", MF_S3_FINAL, MF_ENOSPC},
    {507, NULL, MF_S3_FINAL, MF_ENOSPC},
    {400, "EntityTooLarge", MF_S3_FINAL, MF_EUNSUPPORTED},
    {413, NULL, MF_S3_FINAL, MF_EUNSUPPORTED},
    {501, "NotImplemented", MF_S3_UNSUPPORTED, MF_EUNSUPPORTED},
    {501, NULL, MF_S3_UNSUPPORTED, MF_EUNSUPPORTED},
    {405, "MethodNotAllowed", MF_S3_UNSUPPORTED, MF_EUNSUPPORTED},
    {400, "InvalidPart", MF_S3_FINAL, MF_ETRANSFER},
    {400, "InvalidArgument", MF_S3_FINAL, MF_EFAIL},
    {400, NULL, MF_S3_FINAL, MF_EFAIL},
    {418, NULL, MF_S3_FINAL, MF_EFAIL},
};

static void
refuse(int status, const struct mf_s3_error_answer *a, struct mf_error *e)
{
	const struct mf_s3_refusal r = {
	    .doing = "putting", .object = "s3://b/k", .http_status = status, .answer = a};

	assert_int_equal(mf_s3_refused(&r, e), -1);
}

static void
classes_and_codes(void **state)
{
	struct mf_s3_error_answer a = {.code = ""};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *code = rows[i].code != NULL ? rows[i].code : "";

		snprintf(a.code, sizeof a.code, "%s", code);
		if (mf_s3_classify(rows[i].status, rows[i].code) != rows[i].class)
			fail_msg("class of %d %s", rows[i].status, code);
		refuse(rows[i].status, rows[i].code != NULL ? &a : NULL, &e);
		if (e.code != rows[i].mf)
			fail_msg("code of %d %s: %d", rows[i].status, code, (int)e.code);
		assert_int_equal(e.http_status, rows[i].status);
	}
}

/* What is tried again must have a code that says so, or the decorators above give up. */
static void
what_is_retried_is_retryable(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].class == MF_S3_RETRY || rows[i].class == MF_S3_THROTTLE ||
		    rows[i].class == MF_S3_RACE)
			assert_true(mf_error_row(rows[i].mf)->retryable);
}

static void
messages(void **state)
{
	struct mf_s3_error_answer a = {
	    .code = "SlowDown", .message = "Reduce your request rate.", .request_id = "4442"};
	struct mf_error e;

	(void)state;
	refuse(503, &a, &e);
	assert_string_equal(e.message,
	    "putting s3://b/k: SlowDown, Reduce your request rate (HTTP 503, request 4442)");
	refuse(404, &(struct mf_s3_error_answer){.code = "NoSuchKey"}, &e);
	assert_string_equal(e.message, "putting s3://b/k: NoSuchKey (HTTP 404)");
	refuse(500, NULL, &e);
	assert_string_equal(e.message, "putting s3://b/k: the store refused it (HTTP 500)");
	refuse(403, &(struct mf_s3_error_answer){.message = "x"}, &e);
	assert_string_equal(e.message, "putting s3://b/k: the store refused it (HTTP 403)");
	refuse(500, NULL, NULL);
}

static void
wants_md5(void **state)
{
	static const struct {
		int status;
		struct mf_s3_error_answer answer;
		bool yes;
	} cases[] = {
	    {400,
		{"InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for "
				   "Put Object requests with Object Lock parameters"},
		true},
	    {400,
		{"InvalidRequest", "Content-MD5 HTTP header is required for Put Part requests with "
				   "Object Lock parameters"},
		true},
	    {400, {"MissingContentMD5", "Missing required header for this request: Content-Md5."},
		true},
	    {400, {"InvalidDigest", "The Content-MD5 you specified is not valid."}, false},
	    {400, {"InvalidRequest", "A header is required"}, false},
	    {400, {"", ""}, false},
	    {403, {"MissingContentMD5", "Content-MD5 is required"}, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(mf_s3_wants_md5(cases[i].status, &cases[i].answer), cases[i].yes);
}

static void
refuses_sum(void **state)
{
	static const struct {
		int status;
		struct mf_s3_error_answer answer;
		bool yes;
	} cases[] = {
	    {400,
		{"InvalidArgument",
		    "Unsupported header 'x-amz-checksum-mode' received for this API call."},
		true},
	    {501,
		{"NotImplemented",
		    "Header 'x-amz-checksum-algorithm' with value 'CRC32C' not implemented"},
		true},
	    {501, {"NotImplemented", ""}, true},
	    {400,
		{"XAmzContentChecksumMismatch", "The provided 'x-amz-checksum-crc32c' header does "
						"not match what was computed."},
		false},
	    {400,
		{"InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for "
				   "Put Object requests with Object Lock parameters"},
		false},
	    {400, {"InvalidArgument", "Unsupported header 'x-amz-acl'"}, false},
	    {403, {"AccessDenied", "x-amz-checksum-mode"}, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(
		    mf_s3_refuses_sum(cases[i].status, &cases[i].answer), cases[i].yes);
}

static void
hints(void **state)
{
	struct mf_s3_error_answer a = {
	    .code = "AuthorizationHeaderMalformed", .region = "eu-west-1"};
	struct mf_error e;

	(void)state;
	refuse(400, &a, &e);
	assert_non_null(strstr(e.hint, "in region eu-west-1"));
	a = (struct mf_s3_error_answer){.code = "PermanentRedirect", .endpoint = "b.example"};
	refuse(301, &a, &e);
	assert_non_null(strstr(e.hint, "endpoint b.example"));
	a = (struct mf_s3_error_answer){.code = "AccessDenied",
	    .message = "Access Denied because object protected by object lock."};
	refuse(403, &a, &e);
	assert_non_null(strstr(e.hint, "legal hold"));
	a.message[0] = '\0';
	refuse(403, &a, &e);
	assert_non_null(strstr(e.hint, "policy"));
	a = (struct mf_s3_error_answer){.code = "RequestTimeTooSkewed"};
	refuse(403, &a, &e);
	assert_non_null(strstr(e.hint, "clock"));
	refuse(412, NULL, &e);
	assert_string_equal(e.hint, ""); /* the default of the code */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(classes_and_codes),
	    cmocka_unit_test(what_is_retried_is_retryable),
	    cmocka_unit_test(messages),
	    cmocka_unit_test(wants_md5),
	    cmocka_unit_test(refuses_sum),
	    cmocka_unit_test(hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
