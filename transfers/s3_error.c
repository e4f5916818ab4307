#include "config.h"

#include "transfers/s3_error.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

#define HINT_POLICY                                                                           \
	"ask whoever runs the bucket whether these credentials may do this: its policy, the " \
	"identity's, or a block of public access decides"
#define HINT_KEYS "check the access key id, and that the credentials belong to this endpoint"
#define HINT_SECRET                                                                            \
	"check the secret access key; else something on the way (a proxy, a gateway) changes " \
	"headers or paths that are signed"
#define HINT_CLOCK "set this machine's clock: it and the store's are more than 15 minutes apart"
#define HINT_REGION "name the bucket's region: AWS_REGION, or region in the profile"
#define HINT_LOCK "the object is under a retention period or a legal hold: until that ends it stays"
#define HINT_ARCHIVE \
	"the object lies in an archive storage class: restore it there first, which takes hours"
#define HINT_KMS "check that the encryption key of the bucket is enabled and may be used"
#define HINT_SPACE "raise the quota of the bucket or the user, or prune"
#define HINT_SIZE "the store takes no request of that size"
#define HINT_BUCKET "check its name; modelferry makes no buckets"
#define HINT_PROJECT "whoever asks pays for this bucket: name a project, --gcs-user-project"
#define HINT_TOKEN "the credentials have run out: renew them"

struct row {
	const char *code;
	enum mf_s3_class class;
	enum mf_code mf;
	const char *hint; /* NULL: the one of the code, if any */
};

static const struct row by_code[] = {
    /* it may work later */
    {"InternalError", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"InternalFailure", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"InternalServerError", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"ServiceFailure", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"RequestTimeout", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"RequestTimeoutException", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"OperationAborted", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"IncompleteBody", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"BadDigest", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"XAmzContentSHA256Mismatch", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"XAmzContentChecksumMismatch", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"ClientDisconnected", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"XMinioServerNotInitialized", MF_S3_RETRY, MF_ETRANSFER, NULL},
    {"IDPCommunicationError", MF_S3_RETRY, MF_ETRANSFER, NULL},
    /* and slower */
    {"SlowDown", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"SlowDownRead", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"SlowDownWrite", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"Busy", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"ServiceUnavailable", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"BandwidthLimitExceeded", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"PriorRequestNotComplete", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"RateLimitExceeded", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"RequestLimitExceeded", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"RequestThrottled", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"RequestThrottledException", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"Throttling", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"ThrottlingException", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"ThrottledException", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"TooManyRequests", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"TooManyRequestsException", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"UserRateLimitExceeded", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    {"KMS.ThrottlingException", MF_S3_THROTTLE, MF_ETRANSFER, NULL},
    /* credentials */
    {"ExpiredToken", MF_S3_REFRESH, MF_EPERM, HINT_TOKEN},
    {"ExpiredTokenException", MF_S3_REFRESH, MF_EPERM, HINT_TOKEN},
    {"TokenRefreshRequired", MF_S3_REFRESH, MF_EPERM, HINT_TOKEN},
    {"RequestExpired", MF_S3_REFRESH, MF_EPERM, HINT_TOKEN},
    {"InvalidToken", MF_S3_REFRESH, MF_EPERM, HINT_KEYS},
    {"InvalidAccessKeyId", MF_S3_REFRESH, MF_EPERM, HINT_KEYS},
    {"InvalidClientTokenId", MF_S3_REFRESH, MF_EPERM, HINT_KEYS},
    {"UnrecognizedClientException", MF_S3_REFRESH, MF_EPERM, HINT_KEYS},
    {"AuthenticationRequired", MF_S3_REFRESH, MF_EPERM, HINT_KEYS},
    {"SignatureDoesNotMatch", MF_S3_FINAL, MF_EPERM, HINT_SECRET},
    {"RequestTimeTooSkewed", MF_S3_CLOCK_SKEW, MF_EPERM, HINT_CLOCK},
    {"RequestInTheFuture", MF_S3_CLOCK_SKEW, MF_EPERM, HINT_CLOCK},
    /* permission */
    {"AccessDenied", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"AccessDeniedException", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"AccessForbidden", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"Forbidden", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"UnauthorizedAccess", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"UserProjectMissing", MF_S3_FINAL, MF_EUSAGE, HINT_PROJECT},
    {"UserProjectInvalid", MF_S3_FINAL, MF_EUSAGE, HINT_PROJECT},
    {"UserProjectAccessDenied", MF_S3_FINAL, MF_EPERM, HINT_PROJECT},
    {"AllAccessDisabled", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"AccountProblem", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"NotSignedUp", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"UserSuspended", MF_S3_FINAL, MF_EPERM, HINT_POLICY},
    {"MissingSecurityHeader", MF_S3_FINAL, MF_EPERM, HINT_KEYS},
    {"ObjectLocked", MF_S3_FINAL, MF_EPERM, HINT_LOCK},
    {"ObjectUnderActiveHold", MF_S3_FINAL, MF_EPERM, HINT_LOCK},
    {"RetentionPolicyNotMet", MF_S3_FINAL, MF_EPERM, HINT_LOCK},
    {"InvalidObjectState", MF_S3_FINAL, MF_EPERM, HINT_ARCHIVE},
    {"RestoreAlreadyInProgress", MF_S3_FINAL, MF_EPERM, HINT_ARCHIVE},
    /* elsewhere */
    {"PermanentRedirect", MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION},
    {"TemporaryRedirect", MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION},
    {"Redirect", MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION},
    {"AuthorizationHeaderMalformed", MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION},
    {"IllegalLocationConstraintException", MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION},
    /* not there */
    {"NoSuchBucket", MF_S3_FINAL, MF_ENOTFOUND, HINT_BUCKET},
    {"NoSuchKey", MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL},
    {"NoSuchUpload", MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL},
    {"NoSuchVersion", MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL},
    {"NoSuchTagSet", MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL},
    {"NoSuchObjectLockConfiguration", MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL},
    {"ObjectLockConfigurationNotFoundError", MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL},
    {"ServerSideEncryptionConfigurationNotFoundError", MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL},
    /* conditions */
    {"PreconditionFailed", MF_S3_PRECONDITION, MF_ECONFLICT, NULL},
    {"NotModified", MF_S3_PRECONDITION, MF_ECONFLICT, NULL},
    {"ConditionalRequestConflict", MF_S3_RACE, MF_ECONFLICT, NULL},
    /* limits */
    {"QuotaExceeded", MF_S3_FINAL, MF_ENOSPC, HINT_SPACE},
    {"StorageQuotaExceeded", MF_S3_FINAL, MF_ENOSPC, HINT_SPACE},
    {"InsufficientStorage", MF_S3_FINAL, MF_ENOSPC, HINT_SPACE},
    {"XMinioAdminBucketQuotaExceeded", MF_S3_FINAL, MF_ENOSPC, HINT_SPACE},
    {"XMinioStorageFull", MF_S3_FINAL, MF_ENOSPC, NULL},
    {"EntityTooLarge", MF_S3_FINAL, MF_EUNSUPPORTED, HINT_SIZE},
    {"EntityTooSmall", MF_S3_FINAL, MF_EUNSUPPORTED, HINT_SIZE},
    {"KeyTooLongError", MF_S3_FINAL, MF_EUNSUPPORTED, NULL},
    /* what an upload consists of has changed: the whole upload may be tried again */
    {"InvalidPart", MF_S3_FINAL, MF_ETRANSFER, NULL},
    {"InvalidPartOrder", MF_S3_FINAL, MF_ETRANSFER, NULL},
    /* what the store cannot do, or takes for nonsense */
    {"NotImplemented", MF_S3_UNSUPPORTED, MF_EUNSUPPORTED, NULL},
    {"MethodNotAllowed", MF_S3_UNSUPPORTED, MF_EUNSUPPORTED, NULL},
    {"NotSupported", MF_S3_UNSUPPORTED, MF_EUNSUPPORTED, NULL},
    {"UnsupportedOperation", MF_S3_UNSUPPORTED, MF_EUNSUPPORTED, NULL},
    {"InvalidStorageClass", MF_S3_FINAL, MF_EUSAGE, NULL},
    {"InvalidBucketName", MF_S3_FINAL, MF_EUSAGE, HINT_BUCKET},
    {"InvalidLocationConstraint", MF_S3_FINAL, MF_EUSAGE, HINT_REGION},
    {"InvalidRegion", MF_S3_FINAL, MF_EUSAGE, HINT_REGION},
    {"InvalidEncryptionAlgorithmError", MF_S3_FINAL, MF_EUSAGE, HINT_KMS},
};

static const struct {
	int status;
	struct row row;
} by_status[] = {
    {301, {NULL, MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION}},
    {302, {NULL, MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION}},
    {304, {NULL, MF_S3_PRECONDITION, MF_ECONFLICT, NULL}},
    {307, {NULL, MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION}},
    {308, {NULL, MF_S3_REDIRECT, MF_EUSAGE, HINT_REGION}},
    {401, {NULL, MF_S3_REFRESH, MF_EPERM, HINT_KEYS}},
    {403, {NULL, MF_S3_FINAL, MF_EPERM, HINT_POLICY}},
    {404, {NULL, MF_S3_NOT_FOUND, MF_ENOTFOUND, NULL}},
    {405, {NULL, MF_S3_UNSUPPORTED, MF_EUNSUPPORTED, NULL}},
    {407, {NULL, MF_S3_FINAL, MF_EPERM, "the proxy wants to know who asks"}},
    {408, {NULL, MF_S3_RETRY, MF_ETRANSFER, NULL}},
    {409, {NULL, MF_S3_RACE, MF_ECONFLICT, NULL}},
    {412, {NULL, MF_S3_PRECONDITION, MF_ECONFLICT, NULL}},
    {413, {NULL, MF_S3_FINAL, MF_EUNSUPPORTED, HINT_SIZE}},
    {425, {NULL, MF_S3_RETRY, MF_ETRANSFER, NULL}},
    {429, {NULL, MF_S3_THROTTLE, MF_ETRANSFER, NULL}},
    {501, {NULL, MF_S3_UNSUPPORTED, MF_EUNSUPPORTED, NULL}},
    {503, {NULL, MF_S3_THROTTLE, MF_ETRANSFER, NULL}},
    {507, {NULL, MF_S3_FINAL, MF_ENOSPC, HINT_SPACE}},
    {509, {NULL, MF_S3_THROTTLE, MF_ETRANSFER, NULL}},
};

static const struct row any_kms = {NULL, MF_S3_FINAL, MF_EPERM, HINT_KMS};
static const struct row any_server_error = {NULL, MF_S3_RETRY, MF_ETRANSFER, NULL};
static const struct row any_other = {NULL, MF_S3_FINAL, MF_EFAIL, NULL};

static const struct row *
row_of_status(int http_status)
{
	size_t i;

	for (i = 0; i < LENGTH(by_status); i++)
		if (by_status[i].status == http_status)
			return &by_status[i].row;
	return http_status >= 500 ? &any_server_error : &any_other;
}

static const struct row *
row_of(int http_status, const char *code)
{
	size_t i;

	if (code == NULL || code[0] == '\0')
		return row_of_status(http_status);
	for (i = 0; i < LENGTH(by_code); i++)
		if (strcmp(by_code[i].code, code) == 0)
			return &by_code[i];
	if (strncmp(code, "KMS.", 4) == 0 && http_status < 500)
		return &any_kms;
	/* An error in a 200 was begun in good faith: what it could not know in advance. */
	return http_status < 300 ? &any_server_error : row_of_status(http_status);
}

enum mf_s3_class
mf_s3_classify(int http_status, const char *code)
{
	return row_of(http_status, code)->class;
}

bool
mf_s3_wants_md5(int http_status, const struct mf_s3_error_answer *answer)
{
	return http_status == 400 && (strcmp(answer->code, "MissingContentMD5") == 0 ||
					 (strcasestr(answer->message, "Content-MD5") != NULL &&
					     strstr(answer->message, "required") != NULL));
}

bool
mf_s3_refuses_sum(int http_status, const struct mf_s3_error_answer *answer)
{
	if (http_status == 501)
		return true;
	return http_status == 400 && row_of(http_status, answer->code)->class == MF_S3_FINAL &&
	       strcasestr(answer->message, "x-amz-checksum-") != NULL &&
	       !mf_s3_wants_md5(http_status, answer);
}

/* Amazon's locked objects are an AccessDenied whose message tells. */
static bool
speaks_of_lock(const char *message)
{
	return strstr(message, "object lock") != NULL || strstr(message, "Object Lock") != NULL ||
	       strstr(message, "WORM") != NULL;
}

static void
set_hint(const struct row *row, const struct mf_s3_error_answer *a, struct mf_error *e)
{
	if (a != NULL && row->class == MF_S3_REDIRECT && a->region[0] != '\0')
		mf_error_hint(e,
		    "the bucket is in region %s: name it with AWS_REGION, or as region "
		    "in the profile",
		    a->region);
	else if (a != NULL && row->class == MF_S3_REDIRECT && a->endpoint[0] != '\0')
		mf_error_hint(e, "the bucket is at the endpoint %s", a->endpoint);
	else if (a != NULL && row->mf == MF_EPERM && speaks_of_lock(a->message))
		mf_error_hint(e, "%s", HINT_LOCK);
	else if (row->hint != NULL)
		mf_error_hint(e, "%s", row->hint);
}

int
mf_s3_refused(const struct mf_s3_refusal *r, struct mf_error *e)
{
	const struct mf_s3_error_answer *a = r->answer;
	const struct row *row = row_of(r->http_status, a != NULL ? a->code : NULL);
	char said[512] = "", request[160] = "";
	size_t n;

	if (a != NULL && a->code[0] != '\0')
		(void)snprintf(said, sizeof said, "%s%s%s", a->code,
		    a->message[0] != '\0' ? ", " : "", a->message);
	else
		(void)snprintf(said, sizeof said, "the store refused it");
	n = strlen(said);
	if (said[n - 1] == '.')
		said[n - 1] = '\0';
	if (a != NULL && a->request_id[0] != '\0')
		(void)snprintf(request, sizeof request, ", request %s", a->request_id);
	mf_error_set(e, row->mf, "%s %s: %s (HTTP %d%s)", r->doing, r->object, said, r->http_status,
	    request);
	if (e != NULL)
		e->http_status = r->http_status;
	set_hint(row, a, e);
	return -1;
}
