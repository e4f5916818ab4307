/* The temporary credentials of a role, from AWS STS (API Reference, version 2011-06-15). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "src/net/url.h"
#include "transfers/s3_error.h"
#include "transfers/s3_source_int.h"
#include "transfers/s3_time.h"
#include "transfers/s3_xml_int.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define TIMEOUT_US 30000000u
#define URL_BYTES 512
#define ORIGIN_BYTES 512
#define BODY_BYTES ((size_t)4 * MF_S3_TOKEN_MAX)

struct sts {
	struct mf_s3_source source;
	struct mf_s3_fetch fetch;
	char *arn, *session, *external_id, *region, *endpoint;
	uint64_t duration_s;
	char *token_path;           /* web identity; or NULL */
	struct mf_s3_source *inner; /* who signs; or NULL */
};

/* The answer */

enum field { KEY_ID, SECRET, TOKEN, EXPIRATION };

#define CREDENTIALS(action)                                                           \
	{action "Response/" action "Result/Credentials/AccessKeyId", KEY_ID},         \
	    {action "Response/" action "Result/Credentials/SecretAccessKey", SECRET}, \
	    {action "Response/" action "Result/Credentials/SessionToken", TOKEN},     \
	{                                                                             \
		action "Response/" action "Result/Credentials/Expiration", EXPIRATION \
	}

/* Wiped when it has been read. */
struct reply {
	char key_id[MF_S3_KEY_ID_MAX + 2]; /* one more than may be, to be refused for it */
	char secret[MF_S3_SECRET_MAX + 2];
	char token[MF_S3_TOKEN_MAX + 2];
	int64_t expires_unix_s;
};

static const struct mf_xml_document reply_document;

static int
take(void *arg, int field, const char *text, size_t n, struct mf_error *e)
{
	struct reply *r = arg;
	int64_t us;

	switch ((enum field)field) {
	case KEY_ID: mf_xml_copy(r->key_id, sizeof r->key_id, text, n); break;
	case SECRET: mf_xml_copy(r->secret, sizeof r->secret, text, n); break;
	case TOKEN: mf_xml_copy(r->token, sizeof r->token, text, n); break;
	case EXPIRATION:
		if (mf_s3_time_parse(text, &us) != 0)
			return mf_xml_bad(&reply_document, "its expiration cannot be read", e);
		r->expires_unix_s = us / 1000000;
		break;
	}
	return 0;
}

static const struct mf_xml_field reply_fields[] = {
    CREDENTIALS("AssumeRole"), CREDENTIALS("AssumeRoleWithWebIdentity")};

static const struct mf_xml_document reply_document = {"the credentials of a role", reply_fields,
    LENGTH(reply_fields), take, MF_S3_TOKEN_MAX + 1, false, true};

static int
read_reply(const struct sts *s, const struct mf_buf *answer, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	struct reply *r = calloc(1, sizeof *r);
	char origin[ORIGIN_BYTES];
	struct mf_s3_credentials_params p = {.origin = origin};
	int rc = -1;

	if (r == NULL)
		return mf_error_nomem(e, "credentials");
	r->expires_unix_s = MF_S3_NEVER;
	if (mf_xml_read(&reply_document, r, answer->data, answer->len, e) != 0)
		goto out;
	if (r->key_id[0] == '\0' || r->secret[0] == '\0' || r->token[0] == '\0') {
		mf_xml_bad(&reply_document, "a part of them is missing", e);
		goto out;
	}
	(void)snprintf(origin, sizeof origin, "role %s", s->arn);
	p.key_id = r->key_id;
	p.secret = r->secret;
	p.token = r->token;
	p.expires_unix_s = r->expires_unix_s;
	*out = mf_s3_credentials_new(&p, e);
	rc = *out != NULL ? 0 : -1;
out:
	sodium_memzero(r, sizeof *r);
	free(r);
	return rc;
}

static int
refused(const struct sts *s, int http_status, const struct mf_buf *answer, struct mf_error *e)
{
	struct mf_s3_refusal refusal = {
	    .doing = "assuming role", .object = s->arn, .http_status = http_status};
	struct mf_s3_error_answer a;

	if (mf_s3_xml_error(answer->data, answer->len, &a, NULL) == 0)
		refusal.answer = &a;
	mf_s3_refused(&refusal, e);
	if (e == NULL || mf_error_row(e->code)->retryable)
		return -1;
	e->code = MF_EPERM; /* of a role, whatever an S3 store would mean by it */
	return mf_error_hint(e, "check the role's trust policy, and that %s",
	    s->token_path != NULL ? "it trusts the token in the file"
				  : "the keys that ask may assume it");
}

/* The question */

static void
put_field(struct mf_buf *body, const char *name, const char *value)
{
	if (value == NULL)
		return;
	mf_buf_printf(body, "%s%s=", body->len > 0 ? "&" : "", name);
	mf_s3_uri_encode(body, value, strlen(value), false);
}

/* The form that is posted; it holds the web identity's token. */
static int
put_body(const struct sts *s, struct mf_buf *body, struct mf_error *e)
{
	struct mf_secret *token = NULL;
	char duration[24] = "";

	if (mf_buf_reserve(body, BODY_BYTES) != 0)
		return mf_error_nomem(e, "credentials");
	if (s->token_path != NULL && (token = mf_s3_read_line(s->token_path, MF_S3_TOKEN_MAX,
					  "web identity token file", e)) == NULL)
		return -1;
	if (s->duration_s > 0)
		(void)snprintf(duration, sizeof duration, "%llu",
		    (unsigned long long)s->duration_s);
	put_field(body, "Action", token != NULL ? "AssumeRoleWithWebIdentity" : "AssumeRole");
	put_field(body, "Version", "2011-06-15");
	put_field(body, "RoleArn", s->arn);
	put_field(body, "RoleSessionName", s->session);
	put_field(body, "DurationSeconds", duration[0] != '\0' ? duration : NULL);
	put_field(body, "ExternalId", s->external_id);
	if (token != NULL)
		put_field(body, "WebIdentityToken", (const char *)mf_secret_view(token));
	mf_secret_free(token);
	return body->failed ? mf_error_nomem(e, "credentials") : 0;
}

static int
sign(const struct sts *s, int64_t now, const struct mf_buf *body,
    const struct mf_s3_credentials *signer, const struct mf_s3_header *type,
    struct mf_s3_signed *out, struct mf_error *e)
{
	char authority[MF_URL_AUTHORITY_BYTES];
	uint8_t digest[MF_SHA256_BYTES];
	struct mf_url u;
	struct mf_s3_request r = {.credentials = signer,
	    .region = s->region != NULL ? s->region : "us-east-1",
	    .service = "sts",
	    .now_unix_s = now,
	    .method = "POST",
	    .host = authority,
	    .path = "/",
	    .headers = type,
	    .n_headers = 1,
	    .payload = MF_S3_HASHED_PAYLOAD,
	    .payload_sha256 = digest};

	mf_sha256(body->data, body->len, digest);
	if (mf_url_parse(&u, s->endpoint, e) != 0)
		return -1;
	mf_url_authority(&u, authority);
	mf_url_fini(&u);
	return mf_s3_sign(&r, out, e);
}

/* Post the body, signed by signer's credentials where there is one. */
static int
ask(const struct sts *s, int64_t now, const struct mf_buf *body,
    const struct mf_s3_credentials *signer, int *http_status, struct mf_buf *answer,
    struct mf_error *e)
{
	struct mf_s3_header headers[1 + MF_S3_ADDED_HEADERS] = {
	    {"Content-Type", "application/x-www-form-urlencoded"}};
	struct mf_s3_fetch_request r = {.method = "POST",
	    .url = s->endpoint,
	    .headers = headers,
	    .n_headers = 1,
	    .body = body->data,
	    .body_len = body->len,
	    .timeout_us = TIMEOUT_US};
	struct mf_s3_signed sig = {0};
	size_t i;
	int rc;

	if (signer != NULL && sign(s, now, body, signer, &headers[0], &sig, e) != 0)
		return -1;
	for (i = 0; i < sig.n_added; i++)
		headers[r.n_headers++] = sig.added[i];
	rc = mf_s3_ask(&s->fetch, r, false, "STS", http_status, answer, e);
	mf_s3_signed_fini(&sig);
	return rc;
}

static int
sts_fetch(struct mf_s3_source *source, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	const struct sts *s = (const struct sts *)source;
	struct mf_buf body = MF_BUF_INIT, answer = MF_BUF_INIT;
	struct mf_s3_credentials *signer = NULL;
	int http_status, rc = -1;

	if (s->inner != NULL && s->inner->fetch(s->inner, now_unix_s, &signer, e) != 0)
		goto out;
	if (put_body(s, &body, e) != 0 ||
	    ask(s, now_unix_s, &body, signer, &http_status, &answer, e) != 0)
		goto out;
	rc = http_status == 200 ? read_reply(s, &answer, out, e)
				: refused(s, http_status, &answer, e);
out:
	mf_s3_wipe(&body);
	mf_s3_wipe(&answer);
	mf_s3_credentials_unref(signer);
	return rc;
}

/* Setting up */

static void
sts_free(struct mf_s3_source *source)
{
	struct sts *s = (struct sts *)source;

	mf_s3_source_free(s->inner);
	free(s->arn);
	free(s->session);
	free(s->external_id);
	free(s->region);
	free(s->endpoint);
	free(s->token_path);
	free(s);
}

/* A copy of text, or of other where that is NULL; NULL for NULL. */
static int
copy(char **out, const char *text, const char *other)
{
	if (text == NULL)
		text = other;
	return text == NULL || (*out = strdup(text)) != NULL ? 0 : -1;
}

/* A URL with a path or a query is none that AWS or a look-alike has. */
static int
check_endpoint(const char *endpoint, struct mf_error *e)
{
	struct mf_url u;
	bool plain;

	if (mf_s3_check_url(endpoint, NULL, "the endpoint of STS", e) != 0 ||
	    mf_url_parse(&u, endpoint, e) != 0)
		return -1;
	plain = strcmp(u.path, "/") == 0 && u.query == NULL;
	mf_url_fini(&u);
	if (plain)
		return 0;
	return mf_error_set(e, MF_EUSAGE, "the endpoint of STS has a path: %s", endpoint);
}

/* https://sts.REGION.amazonaws.com, with the partition of China its own domain. */
static int
default_endpoint(const char *region, char out[URL_BYTES], struct mf_error *e)
{
	if (region == NULL) {
		(void)snprintf(out, URL_BYTES, "https://sts.amazonaws.com");
		return 0;
	}
	if (region[0] == '\0' || strlen(region) >= MF_S3_REGION_BYTES ||
	    strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(region))
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is no region", region);
	(void)snprintf(out, URL_BYTES, "https://sts.%s.amazonaws.com%s", region,
	    strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	return 0;
}

static struct sts *
sts_new(const struct mf_s3_role *role, const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	char endpoint[URL_BYTES];
	struct sts *s;

	if (role->endpoint == NULL && default_endpoint(role->region, endpoint, e) != 0)
		return NULL;
	if (role->endpoint != NULL && check_endpoint(role->endpoint, e) != 0)
		return NULL;
	if ((s = calloc(1, sizeof *s)) == NULL)
		goto nomem;
	s->source = (struct mf_s3_source){sts_fetch, sts_free};
	s->fetch = *fetch;
	s->duration_s = role->duration_s;
	if (copy(&s->arn, role->arn, NULL) == 0 &&
	    copy(&s->session, role->session, "modelferry") == 0 &&
	    copy(&s->external_id, role->external_id, NULL) == 0 &&
	    copy(&s->region, role->region, NULL) == 0 &&
	    copy(&s->endpoint, role->endpoint, endpoint) == 0)
		return s;
	sts_free(&s->source);
nomem:
	mf_error_nomem(e, "credentials");
	return NULL;
}

struct mf_s3_source *
mf_s3_source_web_identity(const struct mf_s3_role *role, const char *token_path,
    const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	struct sts *s = sts_new(role, fetch, e);

	if (s == NULL)
		return NULL;
	if (copy(&s->token_path, token_path, NULL) != 0) {
		mf_error_nomem(e, "credentials");
		sts_free(&s->source);
		return NULL;
	}
	return &s->source;
}

struct mf_s3_source *
mf_s3_source_role_take(const struct mf_s3_role *role, struct mf_s3_source *inner,
    const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	struct sts *s = sts_new(role, fetch, e);

	if (s == NULL)
		return NULL;
	s->inner = inner;
	return &s->source;
}
