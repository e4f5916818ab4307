/* Each source of credentials by itself, against services that are a script. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "tests/unit/transfers/s3_fetch_script.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/s3_ini.h"
#include "transfers/s3_profile.h"
#include "transfers/s3_source.h"
#include "transfers/s3_source_int.h"

#define NOW 1772368496 /* 2026-03-01 12:34:56 */
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static char scratch[SCRATCH_PATH];

static int
make_scratch(void **state)
{
	(void)state;
	scratch_make(scratch);
	return 0;
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_remove(scratch);
	return 0;
}

/* Write a file of the scratch directory; its path. */
static const char *
put(const char *name, const char *text)
{
	static char paths[8][SCRATCH_PATH + 64];
	static size_t n;
	char *path = paths[n++ % LENGTH(paths)];
	FILE *f;

	snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* Ask a source for credentials, which must look like this. */
static void
assert_gives(struct mf_s3_source *s, const char *id, const char *secret, const char *token,
    int64_t expires)
{
	struct mf_s3_credentials *c = NULL;
	struct mf_error e;

	mf_error_clear(&e);
	if (s == NULL || s->fetch(s, NOW, &c, &e) != 0)
		fail_msg("no credentials: %s", e.message);
	assert_string_equal(mf_s3_credentials_key_id(c), id);
	assert_string_equal(mf_s3_credentials_secret(c), secret);
	if (token == NULL)
		assert_null(mf_s3_credentials_token(c));
	else
		assert_string_equal(mf_s3_credentials_token(c), token);
	assert_true(mf_s3_credentials_expires(c) == expires);
	mf_s3_credentials_unref(c);
}

/* It gives none, with that code, and says so with these words and without the secret. */
static void
assert_fails(struct mf_s3_source *s, enum mf_code code, const char *words)
{
	struct mf_s3_credentials *c = NULL;
	struct mf_error e;
	char text[4096];

	assert_non_null(s);
	assert_int_equal(s->fetch(s, NOW, &c, &e), -1);
	mf_error_text(&e, text, sizeof text);
	if (e.code != code || strstr(text, words) == NULL || strstr(text, "hush") != NULL)
		fail_msg("code %d instead of %d: %s", (int)e.code, (int)code, text);
}

static void
key_files(void **state)
{
	const char *id = put("id", "AKID\n"), *secret = put("secret", "hush/+=");
	const char *token = put("token", "hush-token\r\n");
	struct mf_s3_source *s = mf_s3_source_key_files(id, secret, token, NULL);

	(void)state;
	assert_gives(s, "AKID", "hush/+=", "hush-token", MF_S3_NEVER);
	put("id", "AKID2"); /* a Secret that was changed: read again */
	put("secret", "hush2");
	assert_gives(s, "AKID2", "hush2", "hush-token", MF_S3_NEVER);
	put("secret", "hush\nhush\n");
	assert_fails(s, MF_EPERM, "more than one line");
	put("secret", "");
	assert_fails(s, MF_EPERM, "is empty");
	put("secret", "\n");
	assert_fails(s, MF_EPERM, "no text");
	put("secret", "hu sh");
	assert_fails(s, MF_EPERM, "white space");
	assert_int_equal(remove(secret), 0);
	assert_fails(s, MF_EPERM, "cannot be opened");
	mf_s3_source_free(s);
}

static void
ini_files(void **state)
{
	static const char text[] = "\xef\xbb\xbf# a comment\r\n"
				   "; another\r\n"
				   "\r\n"
				   "[default]\r\n"
				   "Aws_Access_Key_Id = AKID  # behind white space\r\n"
				   "aws_secret_access_key=a#b;c==\t; too\r\n"
				   "empty =\r\n"
				   "s3 =\r\n"
				   "  addressing_style = path\r\n"
				   "\tregion = nested\r\n"
				   "[ profile   \"two words\" ] # so\r\n"
				   "region = first\r\n"
				   "region = second\r\n"
				   "[default]\r\n"
				   "region = eu-west-1";
	static const struct {
		const char *text, *words;
	} bad[] = {{"key = hush\n", "line 1: it stands before any [section]"},
	    {"[a]\nhush\n", "line 2: it is neither"}, {"[a]\n= hush\n", "line 2: it is neither"},
	    {"[a\nhush = 1\n", "line 1: a section's name"},
	    {"[a] hush\n", "line 1: a section's name"}};
	struct mf_s3_ini *i;
	struct mf_error e;
	char long_text[70000] = "[a]\n";
	size_t k;

	(void)state;
	assert_int_equal(mf_s3_ini_read(put("ini", text), &i, &e), 0);
	assert_string_equal(mf_s3_ini_get(i, "default", "aws_access_key_id"), "AKID");
	assert_string_equal(mf_s3_ini_get(i, "default", "aws_secret_access_key"), "a#b;c==");
	assert_string_equal(mf_s3_ini_get(i, "default", "empty"), "");
	assert_string_equal(mf_s3_ini_get(i, "default", "region"), "eu-west-1");
	assert_null(mf_s3_ini_get(i, "default", "addressing_style"));
	assert_string_equal(mf_s3_ini_get(i, "profile two words", "region"), "second");
	assert_true(mf_s3_ini_has(i, "default"));
	assert_false(mf_s3_ini_has(i, "two words"));
	mf_s3_ini_free(i);
	for (k = 0; k < LENGTH(bad); k++) {
		assert_int_equal(mf_s3_ini_read(put("ini", bad[k].text), &i, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, bad[k].words) == NULL || strstr(e.message, "hush") != NULL)
			fail_msg("%s", e.message);
	}
	assert_int_equal(mf_s3_ini_read(put("ini", ""), &i, &e), 1);
	assert_int_equal(mf_s3_ini_read("/nonexistent/file", &i, &e), 1);
	assert_null(i);
	assert_false(mf_s3_ini_has(NULL, "default"));
	assert_null(mf_s3_ini_get(NULL, "default", "key"));
	for (k = 0; k < 5000; k++)
		strcpy(long_text + 4 + 4 * k, "k=v\n");
	assert_int_equal(mf_s3_ini_read(put("ini", long_text), &i, &e), -1);
	assert_non_null(strstr(e.message, "more than"));
}

static void
profiles(void **state)
{
	const char *credentials =
	    put("credentials", "[default]\naws_access_key_id = DEF\n"
			       "aws_secret_access_key = hush\n"
			       "[both]\naws_access_key_id = CRED\naws_secret_access_key = hush1\n"
			       "aws_session_token = hush2\n"
			       "[half]\naws_access_key_id = HALF\n"
			     "[mixed]\naws_access_key_id = M\naws_secret_access_key = hush\n");
	const char *config = put("config",
	    "[default]\nregion = r1\n"
	    "[profile both]\nregion = r2\naws_access_key_id = CONF\naws_secret_access_key = x\n"
	    "[profile conf]\naws_access_key_id = CONF\naws_secret_access_key = hush3\n"
	    "[profile mixed]\naws_session_token = of-other-keys\n"
		       "[not-a-profile]\nregion = r3\n");
	struct mf_s3_profile_keys keys;
	struct mf_s3_profiles *p = mf_s3_profiles_read(credentials, config, NULL);
	struct mf_s3_source *s;
	struct mf_error e;

	(void)state;
	assert_non_null(p);
	assert_true(mf_s3_profiles_has(p, "default"));
	assert_true(mf_s3_profiles_has(p, "half"));
	assert_true(mf_s3_profiles_has(p, "conf"));
	assert_false(mf_s3_profiles_has(p, "not-a-profile"));
	assert_string_equal(mf_s3_profiles_get(p, "default", "region"), "r1");
	assert_string_equal(mf_s3_profiles_get(p, "both", "region"), "r2");
	assert_null(mf_s3_profiles_get(p, "not-a-profile", "region"));
	assert_int_equal(mf_s3_profiles_keys(p, "both", &keys, &e), 0);
	assert_string_equal(keys.key_id, "CRED");
	assert_int_equal(mf_s3_profiles_keys(p, "mixed", &keys, &e), 0);
	assert_string_equal(keys.key_id, "M");
	assert_null(keys.token); /* what is in the other file is not theirs */
	assert_int_equal(mf_s3_profiles_keys(p, "nobody", &keys, &e), 1);
	assert_int_equal(mf_s3_profiles_keys(p, "half", &keys, &e), -1);
	assert_non_null(strstr(e.message, "no aws_secret_access_key"));
	mf_s3_profiles_free(p);

	s = mf_s3_source_profile(credentials, config, "both", NULL);
	assert_gives(s, "CRED", "hush1", "hush2", MF_S3_NEVER);
	put("credentials", "[both]\naws_access_key_id = NEW\naws_secret_access_key = hush4\n");
	assert_gives(s, "NEW", "hush4", NULL, MF_S3_NEVER);
	put("credentials", "");
	assert_gives(s, "CONF", "x", NULL, MF_S3_NEVER);
	put("config", "");
	assert_fails(s, MF_EUSAGE, "profile both has no keys");
	mf_s3_source_free(s);
}

#define STS_REPLY(action, expiration)                                                    \
	"<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"       \
	"<" action "Result><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials>" \
	"<SessionToken>hush-session/+=</SessionToken>"                                   \
	"<SecretAccessKey>hush-secret</SecretAccessKey>"                                 \
	"<Expiration>" expiration "</Expiration><AccessKeyId>ASIA1</AccessKeyId>"        \
	"</Credentials></" action "Result></" action "Response>"

static void
web_identity(void **state)
{
	static const struct fetch_step steps[] = {
	    {"POST", "https://sts.eu-west-1.amazonaws.com",
		"Content-Type: application/x-www-form-urlencoded",
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
		"RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=modelferry&"
		"WebIdentityToken=hush.jwt-1",
		true, 200, STS_REPLY("AssumeRoleWithWebIdentity", "2026-03-01T13:34:56Z")},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, "WebIdentityToken=hush.jwt-2",
		true, 400,
		"<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token expired: "
		"current date/time 1 must be before 0</Message></Error></ErrorResponse>"},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 400,
		"<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>"},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 403,
		"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 400,
		"<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>"},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 503, "busy"},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 0, NULL},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 200, "<html/>"},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 200,
		"<AssumeRoleWithWebIdentityResponse/>"},
	    {"POST", "https://sts.eu-west-1.amazonaws.com", NULL, NULL, true, 200,
		STS_REPLY("AssumeRoleWithWebIdentity", "soon")},
	};
	const struct mf_s3_role role = {.arn = "arn:aws:iam::1:role/r", .region = "eu-west-1"};
	struct fetch_script script = {steps, LENGTH(steps), 0, ""};
	const struct mf_s3_fetch fetch = fetch_by_script(&script);
	const char *file = put("jwt", "hush.jwt-1");
	struct mf_s3_source *s = mf_s3_source_web_identity(&role, file, &fetch, NULL);

	(void)state;
	assert_gives(s, "ASIA1", "hush-secret", "hush-session/+=", NOW + 3600);
	assert_string_equal(script.last_header, ""); /* the token is all */
	put("jwt", "hush.jwt-2\n");                  /* the kubelet has renewed it */
	assert_fails(s, MF_EPERM, "ExpiredTokenException");
	assert_fails(s, MF_ETRANSFER, "IDPCommunicationError");
	assert_fails(s, MF_EPERM, "trust policy");
	assert_fails(s, MF_EPERM, "ValidationError");
	assert_fails(s, MF_ETRANSFER, "HTTP 503");
	assert_fails(s, MF_ETRANSFER, "connection refused");
	assert_fails(s, MF_ETRANSFER, "another kind of document");
	assert_fails(s, MF_ETRANSFER, "missing");
	assert_fails(s, MF_ETRANSFER, "expiration");
	assert_int_equal(script.done, script.n);
	remove(file);
	assert_fails(s, MF_EPERM, "web identity token file");
	mf_s3_source_free(s);
}

static void
assumed_role(void **state)
{
	static const struct fetch_step steps[] = {
	    {"POST", "https://sts.cn-north-1.amazonaws.com.cn", "x-amz-date: 20260301T123456Z",
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn&RoleSessionName=me&"
		"DurationSeconds=900&ExternalId=e%2Fx",
		true, 200, STS_REPLY("AssumeRole", "2026-03-01T12:49:56.123Z")},
	    {"POST", "https://sts.cn-north-1.amazonaws.com.cn", NULL, NULL, true, 500, ""},
	};
	const struct mf_s3_role role = {.arn = "arn",
	    .session = "me",
	    .external_id = "e/x",
	    .duration_s = 900,
	    .region = "cn-north-1"};
	struct fetch_script script = {steps, LENGTH(steps), 0, ""};
	const struct mf_s3_fetch fetch = fetch_by_script(&script);
	struct mf_s3_source *s, *inner;

	(void)state;
	inner = mf_s3_source_key_files(put("id", "AKID"), put("secret", "hush"), NULL, NULL);
	s = mf_s3_source_role_take(&role, inner, &fetch, NULL);
	assert_gives(s, "ASIA1", "hush-secret", "hush-session/+=", NOW + 900);
	/* Python's hmac and hashlib sign the same. */
	assert_string_equal(script.last_header,
	    "AWS4-HMAC-SHA256 Credential=AKID/20260301/cn-north-1/sts/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, "
	    "Signature=cd438b3e530f8012680620f8d9650f8fb3de5e64eb00498a10dcdcf727cd2556");
	assert_fails(s, MF_ETRANSFER, "HTTP 500");
	put("id", "");
	assert_fails(s, MF_EPERM, "access key file");
	mf_s3_source_free(s);
}

static void
role_endpoints(void **state)
{
	static const struct {
		const char *region, *endpoint, *url; /* NULL: refused */
	} rows[] = {{NULL, NULL, "https://sts.amazonaws.com"},
	    {"us-east-2", NULL, "https://sts.us-east-2.amazonaws.com"},
	    {"x", "https://minio.example:9000/", "https://minio.example:9000/"},
	    {NULL, "http://127.0.0.1:9000", "http://127.0.0.1:9000"},
	    {NULL, "http://minio.example:9000", NULL}, {NULL, "minio.example", NULL},
	    {"evil.example/", NULL, NULL}, {"", NULL, NULL}};
	struct fetch_step step = {"POST", NULL, NULL, NULL, true, 200,
	    STS_REPLY("AssumeRoleWithWebIdentity", "2026-03-01T13:34:56Z")};
	struct fetch_script script = {&step, 1, 0, ""};
	const struct mf_s3_fetch fetch = fetch_by_script(&script);
	struct mf_s3_source *s;
	struct mf_error e;
	size_t i;

	(void)state;
	put("jwt", "jwt");
	for (i = 0; i < LENGTH(rows); i++) {
		const struct mf_s3_role role = {
		    .arn = "arn", .region = rows[i].region, .endpoint = rows[i].endpoint};

		s = mf_s3_source_web_identity(&role, put("jwt", "jwt"), &fetch, &e);
		if (rows[i].url == NULL) {
			assert_null(s);
			assert_int_equal(e.code, MF_EUSAGE);
			continue;
		}
		step.url = rows[i].url;
		script.done = 0;
		assert_gives(s, "ASIA1", "hush-secret", "hush-session/+=", NOW + 3600);
		mf_s3_source_free(s);
	}
}

#define JSON_REPLY                                                            \
	"{\"Code\": \"Success\", \"LastUpdated\": \"2026-03-01T12:00:00Z\", " \
	"\"Type\": \"AWS-HMAC\", \"AccessKeyId\": \"ASIA2\", "                \
	"\"SecretAccessKey\": \"hush-json\", \"Token\": \"hush-token\", "     \
	"\"Expiration\": \"2026-03-01T18:34:56Z\"}"

static void
container(void **state)
{
	static const char url[] = "http://169.254.170.2/v2/credentials/uuid";
	static const struct fetch_step steps[] = {
	    {"GET", url, "Authorization: Basic hush-1", NULL, false, 200, JSON_REPLY},
	    {"GET", url, "Authorization: Basic hush-2", NULL, false, 200,
		"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\"}"},
	    {"GET", url, NULL, NULL, false, 404, "{\"code\": \"x\"}"},
	    {"GET", url, NULL, NULL, false, 429, ""},
	    {"GET", url, NULL, NULL, false, 200, "not JSON hush"},
	    {"GET", url, NULL, NULL, false, 200, "[\"hush\"]"},
	    {"GET", url, NULL, NULL, false, 200, "{\"SecretAccessKey\": \"hush\"}"},
	    {"GET", url, NULL, NULL, false, 200,
		"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": 7}"},
	    {"GET", url, NULL, NULL, false, 200,
		"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hush\", \"Expiration\": \"x\"}"},
	    {"GET", url, NULL, NULL, false, 0, NULL},
	};
	struct fetch_script script = {steps, LENGTH(steps), 0, ""};
	const struct mf_s3_fetch fetch = fetch_by_script(&script);
	const char *file = put("authorization", "Basic hush-1\n");
	struct mf_s3_source *s = mf_s3_source_container(url, NULL, file, &fetch, NULL);

	(void)state;
	assert_gives(s, "ASIA2", "hush-json", "hush-token", NOW + 6 * 3600);
	put("authorization", "Basic hush-2");
	assert_gives(s, "A", "s", NULL, MF_S3_NEVER);
	assert_fails(s, MF_EPERM, "HTTP 404");
	assert_fails(s, MF_ETRANSFER, "HTTP 429");
	assert_fails(s, MF_ETRANSFER, "no JSON object");
	assert_fails(s, MF_ETRANSFER, "no JSON object");
	assert_fails(s, MF_ETRANSFER, "no credentials in it");
	assert_fails(s, MF_ETRANSFER, "no credentials in it");
	assert_fails(s, MF_ETRANSFER, "expiration");
	assert_fails(s, MF_ETRANSFER, "connection refused");
	assert_int_equal(script.done, script.n);
	mf_s3_source_free(s);
	script.done = 0;
	s = mf_s3_source_container(url, "Basic hush-1", NULL, &fetch, NULL);
	assert_gives(s, "ASIA2", "hush-json", "hush-token", NOW + 6 * 3600);
	mf_s3_source_free(s);
	script.done = 3;
	s = mf_s3_source_container(url, NULL, NULL, &fetch, NULL);
	assert_fails(s, MF_ETRANSFER, "HTTP 429");
	assert_string_equal(script.last_header, "");
	mf_s3_source_free(s);
}

/* Secrets go to this machine, to the addresses that mean it, or by TLS. */
static void
container_urls(void **state)
{
	static const char *const good[] = {"http://169.254.170.2/x", "http://169.254.170.23/v1/c",
	    "http://[fd00:ec2::23]/x", "http://localhost:8080/x", "http://127.0.0.1:8080/x",
	    "http://127.1.2.3", "http://[::1]:80/x", "https://example.org/x", "HTTPS://EXAMPLE.org",
	    "http://LocalHost/"};
	static const char *const bad[] = {"", "/x", "ftp://localhost/", "http://", "http:///x",
	    "http://example.org/", "http://169.254.170.3/", "http://169.254.169.254/",
	    "http://169.254.170.2.example.org/", "http://169.254.170.2@example.org/",
	    "http://localhost@example.org/", "http://127.0.0.1.example.org/",
	    "http://127.evil.org/", "http://example.org\\@localhost/", "http://[::1", "http://[]/",
	    "http://example.org?localhost", "http://example.org#@localhost", "http://local host/",
	    "https://user@example.org/"};
	struct fetch_script script = {NULL, 0, 0, ""};
	const struct mf_s3_fetch fetch = fetch_by_script(&script);
	struct mf_s3_source *s;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(good); i++) {
		if ((s = mf_s3_source_container(good[i], NULL, NULL, &fetch, &e)) == NULL)
			fail_msg("%s: %s", good[i], e.message);
		mf_s3_source_free(s);
	}
	for (i = 0; i < LENGTH(bad); i++) {
		if (mf_s3_source_container(bad[i], NULL, NULL, &fetch, &e) != NULL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.code, MF_EUSAGE);
	}
	assert_null(mf_s3_source_container(good[0], "a\r\nHost: b", NULL, &fetch, &e));
	assert_int_equal(e.code, MF_EUSAGE);
}

#define IMDS "http://169.254.169.254/latest/"
#define ROLES IMDS "meta-data/iam/security-credentials/"
#define TOKEN_STEP                                                                                 \
	{                                                                                          \
		"PUT", IMDS "api/token", "x-aws-ec2-metadata-token-ttl-seconds: 300", NULL, false, \
		    200, "hush-imds=="                                                             \
	}
#define IMDS_HEADER "x-aws-ec2-metadata-token: hush-imds=="

static void
instance(void **state)
{
	static const struct fetch_step steps[] = {
	    /* slow to start: the first request is made twice */
	    {"PUT", IMDS "api/token", NULL, NULL, false, 0, NULL},
	    TOKEN_STEP,
	    {"GET", ROLES, IMDS_HEADER, NULL, false, 200, "my-role_1\nother"},
	    {"GET", ROLES "my-role_1", IMDS_HEADER, NULL, false, 200, JSON_REPLY},
	    /* no role */
	    TOKEN_STEP,
	    {"GET", ROLES, IMDS_HEADER, NULL, false, 404, "<html/>"},
	    /* names that would lead elsewhere */
	    TOKEN_STEP,
	    {"GET", ROLES, IMDS_HEADER, NULL, false, 200, "../../user-data"},
	    TOKEN_STEP,
	    {"GET", ROLES, IMDS_HEADER, NULL, false, 200, "\nrole"},
	    /* the service has none for the role */
	    TOKEN_STEP,
	    {"GET", ROLES, IMDS_HEADER, NULL, false, 200, "r"},
	    {"GET", ROLES "r", IMDS_HEADER, NULL, false, 200,
		"{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"m\"}"},
	    TOKEN_STEP,
	    {"GET", ROLES, IMDS_HEADER, NULL, false, 200, "r"},
	    {"GET", ROLES "r", IMDS_HEADER, NULL, false, 503, ""},
	    /* version 2 is refused: there is no fall back to 1 */
	    {"PUT", IMDS "api/token", NULL, NULL, false, 403, ""},
	    {"PUT", IMDS "api/token", NULL, NULL, false, 200, ""},
	    /* gone after it was there: may come back */
	    {"PUT", IMDS "api/token", NULL, NULL, false, 0, NULL},
	    {"PUT", IMDS "api/token", NULL, NULL, false, 0, NULL},
	};
	struct fetch_script script = {steps, LENGTH(steps), 0, ""};
	const struct mf_s3_fetch fetch = fetch_by_script(&script);
	struct mf_s3_source *s = mf_s3_source_instance(NULL, 0, 0, &fetch, NULL);

	(void)state;
	assert_gives(s, "ASIA2", "hush-json", "hush-token", NOW + 6 * 3600);
	assert_fails(s, MF_EPERM, "has no role");
	assert_fails(s, MF_ETRANSFER, "names no role");
	assert_fails(s, MF_ETRANSFER, "names no role");
	assert_fails(s, MF_EPERM, "AssumeRoleUnauthorizedAccess");
	assert_fails(s, MF_ETRANSFER, "HTTP 503");
	assert_fails(s, MF_EPERM, "(HTTP 403)\nHINT: it was asked since no credentials are set");
	assert_fails(s, MF_ETRANSFER, "no token");
	assert_fails(s, MF_ETRANSFER, "connection refused");
	assert_int_equal(script.done, script.n);
	mf_s3_source_free(s);
}

/* On a machine without such a service the message is about the credentials, and final. */
static void
no_instance(void **state)
{
	static const struct fetch_step steps[] = {
	    {"PUT", "http://[fd00:ec2::254]/latest/api/token", NULL, NULL, false, 0, NULL}};
	struct fetch_script script = {steps, LENGTH(steps), 0, ""};
	const struct mf_s3_fetch fetch = fetch_by_script(&script);
	struct mf_s3_source *s;
	struct mf_error e;

	(void)state;
	s = mf_s3_source_instance("http://[fd00:ec2::254]/", 5, 1, &fetch, NULL);
	assert_fails(s, MF_EPERM, "set AWS_ACCESS_KEY_ID");
	mf_s3_source_free(s);
	assert_null(mf_s3_source_instance("http://example.org/", 0, 0, &fetch, &e));
	assert_int_equal(e.code, MF_EUSAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_files),
	    cmocka_unit_test(ini_files),
	    cmocka_unit_test(profiles),
	    cmocka_unit_test(web_identity),
	    cmocka_unit_test(assumed_role),
	    cmocka_unit_test(role_endpoints),
	    cmocka_unit_test(container),
	    cmocka_unit_test(container_urls),
	    cmocka_unit_test(instance),
	    cmocka_unit_test(no_instance),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
