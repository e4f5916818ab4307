/* Credential files of Google Cloud, what token endpoints answer, and assertions. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "tests/unit/crypto/rfc7515.h"
#include "transfers/gcs_file.h"
#include "transfers/gcs_jwt.h"
#include "transfers/gcs_token.h"
#include "transfers/s3_source_int.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define NOW 1772368496
#define SERVICE \
	"\"type\":\"service_account\",\"client_email\":\"a@b.example\",\"private_key\":\"PEM\""
#define EXTERNAL                                                                            \
	"\"type\":\"external_account\",\"audience\":\"//iam/pool\",\"subject_token_type\":" \
	"\"urn:jwt\",\"token_url\":\"https://sts.example/v1/token\""

static int
parse(const char *text, struct mf_gcs_file *f, struct mf_error *e)
{
	return mf_gcs_file_parse(text, strlen(text), "x.json", f, e);
}

static const char *
secret(const struct mf_secret *s)
{
	return (const char *)mf_secret_view(s);
}

static void
service_account(void **state)
{
	struct mf_gcs_file f;

	(void)state;
	assert_int_equal(parse("{" SERVICE "}", &f, NULL), 0);
	assert_int_equal(f.type, MF_GCS_SERVICE_ACCOUNT);
	assert_string_equal(f.service.email, "a@b.example");
	assert_null(f.service.key_id);
	assert_string_equal(secret(f.service.private_key), "PEM");
	assert_string_equal(f.token_url, "https://oauth2.googleapis.com/token");
	mf_gcs_file_fini(&f);
	assert_int_equal(parse("{" SERVICE ",\"private_key_id\":\"k\",\"token_uri\":"
			       "\"http://127.0.0.1:80/t\",\"universe_domain\":\"googleapis.com\"}",
			     &f, NULL),
	    0);
	assert_string_equal(f.service.key_id, "k");
	assert_string_equal(f.token_url, "http://127.0.0.1:80/t");
	mf_gcs_file_fini(&f);
}

static void
authorized_user(void **state)
{
	struct mf_gcs_file f;

	(void)state;
	assert_int_equal(parse("{\"type\":\"authorized_user\",\"client_id\":\"c\","
			       "\"client_secret\":\"s\",\"refresh_token\":\"1//r\"}",
			     &f, NULL),
	    0);
	assert_int_equal(f.type, MF_GCS_AUTHORIZED_USER);
	assert_string_equal(f.user.client_id, "c");
	assert_string_equal(secret(f.user.client_secret), "s");
	assert_string_equal(secret(f.user.refresh_token), "1//r");
	mf_gcs_file_fini(&f);
}

static void
external_account(void **state)
{
	struct mf_gcs_file f;

	(void)state;
	assert_int_equal(
	    parse("{" EXTERNAL ",\"credential_source\":{\"file\":\"/t\"}}", &f, NULL), 0);
	assert_int_equal(f.type, MF_GCS_EXTERNAL_ACCOUNT);
	assert_string_equal(f.external.path, "/t");
	assert_null(f.external.url);
	assert_null(f.external.impersonation);
	assert_null(f.external.field);
	mf_gcs_file_fini(&f);
	assert_int_equal(
	    parse("{" EXTERNAL ",\"credential_source\":{\"url\":\"http://169.254.169.254/m?a=b\","
		  "\"headers\":{\"Metadata\":\"True\"},\"format\":{\"type\":\"json\","
		  "\"subject_token_field_name\":\"access_token\"}},"
		  "\"service_account_impersonation_url\":\"https://iam.example/a:generate\","
		  "\"service_account_impersonation\":{\"token_lifetime_seconds\":1200}}",
		&f, NULL),
	    0);
	assert_string_equal(f.external.url, "http://169.254.169.254/m?a=b");
	assert_true(f.external.url_is_local);
	assert_int_equal(f.external.n_headers, 1);
	assert_string_equal(f.external.headers[0].name, "Metadata");
	assert_string_equal(secret(f.external.headers[0].value), "True");
	assert_string_equal(f.external.field, "access_token");
	assert_string_equal(f.external.impersonation, "https://iam.example/a:generate");
	assert_int_equal(f.external.lifetime_s, 1200);
	mf_gcs_file_fini(&f);
}

static void
refused_files(void **state)
{
	static const struct {
		const char *text, *says;
		enum mf_code code;
	} cases[] = {
	    {"", "no JSON object", MF_EUSAGE},
	    {"[]", "no JSON object", MF_EUSAGE},
	    {"{\"type\":\"a\",\"type\":\"b\"}", "no JSON object", MF_EUSAGE},
	    {"{}", "no \"type\"", MF_EUSAGE},
	    {"{\"type\":7}", "no \"type\"", MF_EUSAGE},
	    {"{\"type\":\"impersonated_service_account\"}", "impersonated_service_account",
		MF_EUNSUPPORTED},
	    {"{\"type\":\"service_account\"}", "lacks \"client_email\"", MF_EUSAGE},
	    {"{\"type\":\"service_account\",\"client_email\":\"a\"}", "lacks \"private_key\"",
		MF_EUSAGE},
	    {"{" SERVICE ",\"token_uri\":\"http://evil.example/\"}", "over http to evil.example",
		MF_EUSAGE},
	    {"{" SERVICE ",\"token_uri\":\"file:///etc/passwd\"}", "token_uri", MF_EUSAGE},
	    {"{" SERVICE ",\"universe_domain\":\"other.example\"}", "universe_domain",
		MF_EUNSUPPORTED},
	    {"{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"\"}",
		"lacks \"client_secret\"", MF_EUSAGE},
	    {"{" EXTERNAL "}", "neither one file nor one url", MF_EUSAGE},
	    {"{" EXTERNAL ",\"credential_source\":{\"file\":\"a\",\"url\":\"https://b.example\"}}",
		"neither one file nor one url", MF_EUSAGE},
	    {"{" EXTERNAL ",\"credential_source\":{\"environment_id\":\"aws1\"}}", "environment_id",
		MF_EUNSUPPORTED},
	    {"{" EXTERNAL ",\"credential_source\":{\"executable\":{\"command\":\"rm\"}}}",
		"executable", MF_EUNSUPPORTED},
	    {"{" EXTERNAL ",\"credential_source\":{\"url\":\"http://b.example/\"}}",
		"over http to b.example", MF_EUSAGE},
	    {"{" EXTERNAL ",\"credential_source\":{\"url\":\"https://b.example/\","
	     "\"headers\":{\"a b\":\"c\"}}}",
		"header", MF_EUSAGE},
	    {"{" EXTERNAL ",\"credential_source\":{\"file\":\"a\",\"format\":{\"type\":\"xml\"}}}",
		"unknown format", MF_EUNSUPPORTED},
	    {"{" EXTERNAL ",\"credential_source\":{\"file\":\"a\"},"
	     "\"service_account_impersonation\":{\"token_lifetime_seconds\":5}}",
		"token_lifetime_seconds", MF_EUSAGE},
	    {"{" EXTERNAL ",\"workforce_pool_user_project\":\"p\"}", "workforce", MF_EUNSUPPORTED},
	};
	char said[2048];
	struct mf_gcs_file f;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		mf_error_clear(&e);
		assert_int_equal(parse(cases[i].text, &f, &e), -1);
		(void)mf_error_text(&e, said, sizeof said);
		if (strstr(said, cases[i].says) == NULL || e.code != cases[i].code)
			fail_msg("%s: %s", cases[i].text, said);
		assert_non_null(strstr(said, "x.json"));
	}
	assert_int_equal(mf_gcs_file_read("/nonexistent/x.json", &f, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

/* ---- answers ---- */

static void
tokens(void **state)
{
	static const char plain[] =
	    "{\"access_token\":\"ya29.x\",\"expires_in\":3599,\"token_type\":\"Bearer\"}";
	static const char endless[] = "{\"access_token\":\"ya29.x\"}";
	static const char other[] =
	    "{\"accessToken\":\"ya29.y\",\"expireTime\":\"2026-03-01T13:34:56Z\"}";
	struct mf_s3_credentials *c;

	(void)state;
	assert_non_null(c = mf_gcs_token_parse(plain, strlen(plain), NOW, "me", NULL));
	assert_null(mf_s3_credentials_key_id(c));
	assert_string_equal(mf_s3_credentials_token(c), "ya29.x");
	assert_int_equal(mf_s3_credentials_expires(c), NOW + 3599);
	mf_s3_credentials_unref(c);
	assert_non_null(c = mf_gcs_token_parse(endless, strlen(endless), NOW, "me", NULL));
	assert_true(mf_s3_credentials_expires(c) == MF_S3_NEVER);
	mf_s3_credentials_unref(c);
	assert_non_null(c = mf_gcs_impersonated_parse(other, strlen(other), "me", NULL));
	assert_string_equal(mf_s3_credentials_token(c), "ya29.y");
	assert_int_equal(mf_s3_credentials_expires(c), NOW + 3600);
	mf_s3_credentials_unref(c);
}

static void
no_tokens(void **state)
{
	static const char *const bad[] = {"", "null", "{}", "{\"access_token\":\"\"}",
	    "{\"access_token\":7}", "{\"access_token\":\"a\",\"expires_in\":\"soon\"}",
	    "{\"access_token\":\"a\",\"expires_in\":-1}",
	    "{\"access_token\":\"a\",\"expires_in\":9223372036854775807}",
	    "{\"access_token\":\"a\",\"token_type\":\"mac\"}"};
	static const char *const other[] = {"{\"accessToken\":\"a\"}",
	    "{\"accessToken\":\"a\",\"expireTime\":\"never\"}", "{\"expireTime\":\"x\"}"};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(bad); i++) {
		assert_null(mf_gcs_token_parse(bad[i], strlen(bad[i]), NOW, "me", &e));
		assert_int_equal(e.code, MF_ETRANSFER);
	}
	for (i = 0; i < LENGTH(other); i++) {
		assert_null(mf_gcs_impersonated_parse(other[i], strlen(other[i]), "me", &e));
		assert_int_equal(e.code, MF_ETRANSFER);
	}
	/* A line end in a token would end the header that it becomes. */
	assert_null(mf_gcs_token_parse("{\"access_token\":\"a\\nb\"}", 23, NOW, "me", &e));
	assert_int_equal(e.code, MF_EPERM);
	assert_null(strstr(e.message, "a\nb"));
}

static void
refusals(void **state)
{
	static const struct {
		int status;
		const char *answer, *message;
		enum mf_code code;
	} cases[] = {
	    {400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT.\"}",
		"x gives no token: invalid_grant, Invalid JWT (HTTP 400)", MF_EPERM},
	    {403, "{\"error\":{\"code\":403,\"message\":\"No\\u001b[1m\",\"status\":\"DENIED\"}}",
		"x gives no token: DENIED, No [1m (HTTP 403)", MF_EPERM},
	    {401, "<html>", "x gives no token (HTTP 401)", MF_EPERM},
	    {503, "", "x gives no token (HTTP 503)", MF_ETRANSFER},
	    {429, "{}", "x gives no token (HTTP 429)", MF_ETRANSFER},
	};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		mf_error_clear(&e);
		assert_int_equal(mf_gcs_token_refused("x", cases[i].status, cases[i].answer,
				     strlen(cases[i].answer), &e),
		    -1);
		assert_string_equal(e.message, cases[i].message);
		assert_int_equal(e.code, cases[i].code);
		assert_int_equal(e.http_status, cases[i].status);
	}
}

/* ---- assertions ---- */

/* One part of a JWT. */
static json_t *
part(const char *at)
{
	char text[1024];
	size_t n = 0;

	assert_int_equal(sodium_base642bin((uint8_t *)text, sizeof text, at, strcspn(at, "."), NULL,
			     &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	    0);
	return json_loadb(text, n, 0, NULL);
}

static void
check_text(const json_t *o, const char *name, const char *value)
{
	assert_string_equal(json_string_value(json_object_get(o, name)), value);
}

static void
assertion(void **state)
{
	const struct mf_gcs_jwt claims = {.issuer = "a\"@b.example",
	    .key_id = "k1",
	    .audience = "https://t.example/token",
	    .scope = "s",
	    .now_unix_s = NOW};
	struct mf_secret *key = mf_secret_of(rfc7515_pem, sizeof rfc7515_pem, NULL);
	struct mf_buf out = MF_BUF_INIT;
	json_t *head, *body;
	const char *jwt, *dot;

	(void)state;
	assert_non_null(key);
	assert_int_equal(mf_gcs_jwt_make(&claims, key, "x", &out, NULL), 0);
	assert_non_null(jwt = mf_buf_cstr(&out));
	assert_non_null(head = part(jwt));
	check_text(head, "alg", "RS256");
	check_text(head, "typ", "JWT");
	check_text(head, "kid", "k1");
	dot = strchr(jwt, '.');
	assert_non_null(body = part(dot + 1));
	check_text(body, "iss", "a\"@b.example");
	check_text(body, "aud", "https://t.example/token");
	check_text(body, "scope", "s");
	assert_int_equal(json_integer_value(json_object_get(body, "iat")), NOW);
	assert_int_equal(json_integer_value(json_object_get(body, "exp")), NOW + 3600);
	assert_int_equal(strlen(strrchr(jwt, '.') + 1), 342); /* 2048 bits */
	json_decref(head);
	json_decref(body);
	mf_buf_fini(&out);
	mf_secret_free(key);
}

/* A key without an id, and one that is none. */
static void
assertion_without(void **state)
{
	const struct mf_gcs_jwt claims = {
	    .issuer = "a", .audience = "https://t.example/", .scope = "s", .now_unix_s = NOW};
	struct mf_secret *key = mf_secret_of(rfc7515_pem, sizeof rfc7515_pem, NULL);
	struct mf_secret *none = mf_secret_of("none", sizeof "none", NULL);
	struct mf_buf out = MF_BUF_INIT;
	struct mf_error e;
	json_t *head;

	(void)state;
	assert_int_equal(mf_gcs_jwt_make(&claims, key, "x", &out, NULL), 0);
	assert_non_null(head = part(mf_buf_cstr(&out)));
	check_text(head, "typ", "JWT");
	assert_null(json_object_get(head, "kid"));
	json_decref(head);
	assert_int_equal(mf_gcs_jwt_make(&claims, none, "x.json", &out, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "x.json"));
	mf_buf_fini(&out);
	mf_secret_free(key);
	mf_secret_free(none);
}

/* RFC 7515, appendices A.1 and C. */
static void
base64url(void **state)
{
	static const uint8_t bytes[] = {3, 236, 255, 224, 193};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	mf_gcs_base64url(&b, bytes, sizeof bytes);
	assert_string_equal(mf_buf_cstr(&b), "A-z_4ME");
	mf_buf_clear(&b);
	mf_gcs_base64url(&b, "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", 30);
	assert_string_equal(mf_buf_cstr(&b), "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9");
	mf_buf_fini(&b);
}

static int
start(void **state)
{
	(void)state;
	return mf_crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(service_account),
	    cmocka_unit_test(authorized_user), cmocka_unit_test(external_account),
	    cmocka_unit_test(refused_files), cmocka_unit_test(tokens), cmocka_unit_test(no_tokens),
	    cmocka_unit_test(refusals), cmocka_unit_test(assertion),
	    cmocka_unit_test(assertion_without), cmocka_unit_test(base64url)};

	return cmocka_run_group_tests_name("gcs_file", tests, start, NULL);
}
