/* Who asks: tokens, those that give them, and signatures by HMAC keys. */
#include "config.h"

#include <jansson.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/base/hex.h"
#include "src/net/url.h"
#include "tests/harness/fake_gcs_int.h"
#include "tests/unit/crypto/rfc7515.h"

#define EMAIL "ferry@project.example"
#define HMAC_ID "GOOG1EXAMPLE"
#define HMAC_SECRET "aGVsbG8gdGhlcmU+Lw"
#define SUBJECT "subject-token-1"
#define IMPERSONATE "/v1/projects/-/serviceAccounts/" EMAIL ":generateAccessToken"
#define METADATA "/computeMetadata/v1/instance/service-accounts/default/token"

void
fake_make_key(struct fake_gcs *f)
{
	BIO *bio = BIO_new_mem_buf(rfc7515_pem, -1);

	if (bio == NULL || (f->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)) == NULL)
		harness_die("no key");
	(void)BIO_free(bio);
}

/* ---- giving tokens ---- */

static bool
give(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *headers)
{
	const unsigned nth = f->n_tokens++;
	char text[256];

	if (nth >= FAKE_TOKENS)
		harness_die("too many tokens");
	atomic_fetch_add(&f->counts[FAKE_GCS_TOKENS], 1);
	if (strcmp(q->target, IMPERSONATE) == 0)
		(void)snprintf(text, sizeof text,
		    "{\"accessToken\":\"ya29.%u\",\"expireTime\":\"2099-01-01T00:00:00Z\"}", nth);
	else
		(void)snprintf(text, sizeof text,
		    "{\"access_token\":\"ya29.%u\",\"expires_in\":3599,\"token_type\":\"Bearer\"}",
		    nth);
	return fake_say(c, q, 200, headers, text, strlen(text));
}

static bool
refuse_grant(struct http_conn *c, const struct http_seen *q, const char *why)
{
	char text[256];

	(void)snprintf(
	    text, sizeof text, "{\"error\":\"invalid_grant\",\"error_description\":\"%s\"}", why);
	return fake_say(c, q, 400, "", text, strlen(text));
}

/* Of a form; "" where there is none. */
static const char *
field(const char *form, const char *name, char *out, size_t n)
{
	struct http_seen *q = calloc(1, sizeof *q);

	if (q == NULL || strlen(form) + 2 > sizeof q->target)
		harness_die("a form is too long");
	(void)snprintf(q->target, sizeof q->target, "?%s", form);
	harness_param(q, name, out, n);
	free(q);
	return out;
}

static size_t
unbase64(const char *text, size_t n, void *out, size_t bytes)
{
	size_t len = 0;

	if (sodium_base642bin(out, bytes, text, n, NULL, &len, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return 0;
	return len;
}

/* Why the assertion does not hold, or NULL. */
static const char *
check_assertion(const struct fake_gcs *f, const char *jwt)
{
	char claims[2048], audience[128];
	const char *first = strchr(jwt, '.'),
		   *second = first != NULL ? strchr(first + 1, '.') : NULL;
	uint8_t signature[1024];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const char *why = NULL;
	json_t *object;
	size_t n;
	int ok;

	if (second == NULL || ctx == NULL) {
		EVP_MD_CTX_free(ctx);
		return "no JWT";
	}
	n = unbase64(second + 1, strlen(second + 1), signature, sizeof signature);
	ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, f->key) == 1 &&
	     EVP_DigestVerify(ctx, signature, n, (const uint8_t *)jwt, (size_t)(second - jwt)) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return "Invalid JWT Signature.";
	n = unbase64(first + 1, (size_t)(second - first - 1), claims, sizeof claims);
	object = json_loadb(claims, n, 0, NULL);
	(void)snprintf(audience, sizeof audience, "%s/token", f->url);
	if (strcmp(json_string_value(json_object_get(object, "aud")), audience) != 0)
		why = "Invalid audience";
	else if (strcmp(json_string_value(json_object_get(object, "iss")), EMAIL) != 0)
		why = "account not found";
	else if (json_integer_value(json_object_get(object, "exp")) -
		     json_integer_value(json_object_get(object, "iat")) >
		 3600)
		why = "must be short-lived";
	json_decref(object);
	return why;
}

static bool
answer_token(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *form)
{
	char grant[128], value[4096];
	const char *why = NULL;

	field(form, "grant_type", grant, sizeof grant);
	if (strcmp(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer") == 0)
		why = check_assertion(f, field(form, "assertion", value, sizeof value));
	else if (strcmp(grant, "refresh_token") == 0)
		why = strcmp(field(form, "refresh_token", value, sizeof value), "1//refresh") == 0
			  ? NULL
			  : "Token has been expired or revoked.";
	else if (strcmp(grant, "urn:ietf:params:oauth:grant-type:token-exchange") == 0)
		why = strcmp(field(form, "subject_token", value, sizeof value), SUBJECT) == 0
			  ? NULL
			  : "not the subject token";
	else
		why = "no such grant_type";
	return why == NULL ? give(f, c, q, "") : refuse_grant(c, q, why);
}

bool
fake_give_token(
    struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *body)
{
	char value[256];

	if (strcmp(q->target, "/token") == 0 && strcmp(q->method, "POST") == 0)
		return answer_token(f, c, q, body);
	if (strcmp(q->target, METADATA) == 0) {
		http_seen_header(q, "Metadata-Flavor", value, sizeof value);
		if (strcmp(value, "Google") != 0)
			return fake_say(c, q, 403, "", "", 0);
		return give(f, c, q, "Metadata-Flavor: Google\r\n");
	}
	if (strcmp(q->target, IMPERSONATE) == 0) {
		http_seen_header(q, "Authorization", value, sizeof value);
		if (strncmp(value, "Bearer ya29.", 12) != 0)
			return fake_say(c, q, 401, "", "", 0);
		return give(f, c, q, "");
	}
	return false;
}

/* ---- signatures (Cloud Storage documentation, "Canonical requests" and "Signatures") ---- */

static void
mac(uint8_t key[32], size_t key_n, const char *text, uint8_t out[32])
{
	unsigned n = 32;

	if (HMAC(EVP_sha256(), key, (int)key_n, (const uint8_t *)text, strlen(text), out, &n) ==
	    NULL)
		harness_die("no HMAC");
}

static void
put_hash(struct mf_buf *out, const void *bytes, size_t n)
{
	uint8_t digest[32];
	char hex[65];

	(void)SHA256(bytes, n, digest);
	mf_hex_encode(hex, digest, sizeof digest);
	mf_buf_printf(out, "%s", hex);
}

/* "name:value\n" of each signed header, as the front end passes it on. */
static void
put_signed(struct mf_buf *out, const struct http_seen *q, const char *names)
{
	char name[128], value[2048];
	size_t n;

	for (; *names != '\0'; names += n + (names[n] == ';')) {
		n = strcspn(names, ";");
		(void)snprintf(name, sizeof name, "%.*s", (int)n, names);
		http_seen_header(q, name, value, sizeof value);
		mf_buf_printf(out, "%s:%s%s\n", name, value,
		    strcmp(name, "accept-encoding") == 0 ? ",gzip(gfe)" : "");
	}
}

static bool
check_signature(const struct http_seen *q, const char *authorization, const void *body, size_t n)
{
	char names[1024], scope[128], told[80], date[32], hash[80], day[16];
	struct mf_buf canonical = MF_BUF_INIT, text = MF_BUF_INIT;
	const char *query = strchr(q->target, '?');
	uint8_t key[64];
	char hex[65];
	bool fits;

	if (sscanf(authorization,
		"GOOG4-HMAC-SHA256 Credential=" HMAC_ID "/%127[^,], "
		"SignedHeaders=%1023[^,], Signature=%79s",
		scope, names, told) != 3)
		return false;
	http_seen_header(q, "x-goog-date", date, sizeof date);
	http_seen_header(q, "x-goog-content-sha256", hash, sizeof hash);
	(void)snprintf(day, sizeof day, "%.8s", date);
	mf_buf_printf(&canonical, "%s\n%.*s\n%s\n", q->method, (int)strcspn(q->target, "?"),
	    q->target, query != NULL ? query + 1 : "");
	put_signed(&canonical, q, names);
	mf_buf_printf(&canonical, "\n%s\n", names);
	put_hash(&canonical, body, n);
	mf_buf_printf(&text, "GOOG4-HMAC-SHA256\n%s\n%s\n", date, scope);
	put_hash(&text, canonical.data, canonical.len);
	memcpy(key, "GOOG4" HMAC_SECRET, strlen("GOOG4" HMAC_SECRET));
	mac(key, strlen("GOOG4" HMAC_SECRET), day, key);
	mac(key, 32, "auto", key);
	mac(key, 32, "storage", key);
	mac(key, 32, "goog4_request", key);
	mac(key, 32, mf_buf_cstr(&text), key);
	mf_hex_encode(hex, key, 32);
	fits = strcmp(hex, told) == 0 && strstr(names, "x-goog-content-sha256") != NULL &&
	       (strstr(q->head, "x-goog-if-generation-match") == NULL ||
		   strstr(names, "x-goog-if-generation-match") != NULL);
	mf_buf_fini(&canonical);
	mf_buf_fini(&text);
	return fits;
}

/* ---- letting in ---- */

static bool
is_good_token(struct fake_gcs *f, const char *authorization)
{
	unsigned nth;

	if (sscanf(authorization, "Bearer ya29.%u", &nth) != 1 || nth < f->first_token ||
	    nth >= f->n_tokens)
		return false;
	return f->params.token_uses == 0 || f->uses[nth]++ < f->params.token_uses;
}

bool
fake_authorize(
    struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const void *body, size_t n)
{
	char value[4096];

	if (http_seen_header(q, "x-goog-user-project", value, sizeof value)[0] != '\0')
		atomic_fetch_add(&f->counts[FAKE_GCS_BILLED], 1);
	if (strcasestr(q->head, "\r\nx-amz-") != NULL)
		return !fake_refuse(c, q, 400, "MalformedSecurityHeader", "");
	http_seen_header(q, "Authorization", value, sizeof value);
	if (strncmp(value, "Bearer ", 7) == 0) {
		if (is_good_token(f, value))
			return true;
		atomic_fetch_add(&f->counts[FAKE_GCS_EXPIRED], 1);
		return !fake_refuse(c, q, 401, "AuthenticationRequired", "");
	}
	if (!check_signature(q, value, body, n))
		return !fake_refuse(c, q, 403, "SignatureDoesNotMatch", "");
	atomic_fetch_add(&f->counts[FAKE_GCS_SIGNED], 1);
	return true;
}

/* ---- credential files ---- */

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	if ((file = fopen(path, "w")) == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		harness_die(path);
}

static void
write_object(const char *dir, const char *name, json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2));

	if (text == NULL)
		harness_die("no JSON");
	write_file(dir, name, text);
	free(text);
	json_decref(object);
}

static json_t *
external(const char *token_url, const char *subject)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "type", "external_account", "audience",
	    "//iam.example/pool", "subject_token_type", "urn:ietf:params:oauth:token-type:jwt",
	    "token_url", token_url, "credential_source", "file", subject);
}

void
fake_gcs_write_credentials(const struct fake_gcs *f, const char *dir)
{
	char token_url[128], other_url[256], subject[4096];
	json_t *impersonated;

	(void)snprintf(token_url, sizeof token_url, "%s/token", f->url);
	(void)snprintf(other_url, sizeof other_url, "%s" IMPERSONATE, f->url);
	(void)snprintf(subject, sizeof subject, "%s/subject-token", dir);
	write_object(dir, "service.json",
	    json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "service_account", "client_email", EMAIL,
		"private_key_id", "k1", "private_key", rfc7515_pem, "token_uri", token_url));
	write_object(dir, "user.json",
	    json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "authorized_user", "client_id",
		"c.example", "client_secret", "s3cret", "refresh_token", "1//refresh", "token_uri",
		token_url));
	write_object(dir, "external.json", external(token_url, subject));
	impersonated = external(token_url, subject);
	(void)json_object_set_new(
	    impersonated, "service_account_impersonation_url", json_string(other_url));
	write_object(dir, "impersonated.json", impersonated);
	write_file(dir, "subject-token", SUBJECT "\n");
	write_file(dir, "hmac-id", HMAC_ID "\n");
	write_file(dir, "hmac-secret", HMAC_SECRET "\n");
}
