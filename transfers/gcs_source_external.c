/*
 * Tokens for the token of another identity provider: workload identity federation. The subject
 * token is exchanged at Google's security token service (RFC 8693), and what comes of that, where
 * the file says so, for a token of a service account.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "transfers/gcs_json.h"
#include "transfers/gcs_source_int.h"
#include "transfers/gcs_token.h"

#define ORIGIN_BYTES 512
/* What is needed to ask for a service account's token, which has a scope of its own. */
#define PLATFORM_SCOPE "https://www.googleapis.com/auth/cloud-platform"

/* ---- the subject token ---- */

/* The token in n bytes: a member of a JSON object, or the one line. */
static struct mf_secret *
find_token(const struct mf_gcs_external_account *x, const char *text, size_t n, const char *where,
    struct mf_error *e)
{
	struct mf_secret *token = NULL;
	json_t *object;
	const char *field;

	if (x->field == NULL) {
		while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
			n--;
		if (n == 0 || n > MF_S3_TOKEN_MAX || memchr(text, '\n', n) != NULL ||
		    memchr(text, '\0', n) != NULL)
			mf_error_set(e, MF_EPERM, "%s gives no subject token of one line", where);
		else if ((token = mf_secret_new(n + 1, e)) != NULL)
			memcpy(mf_secret_bytes(token), text, n);
		return token;
	}
	object = mf_gcs_json_read(text, n);
	field = mf_gcs_json_text(object, x->field);
	if (field == NULL || strlen(field) > MF_S3_TOKEN_MAX)
		mf_error_set(e, MF_EPERM, "%s gives no JSON object with a subject token \"%.60s\"",
		    where, x->field);
	else
		token = mf_gcs_json_secret(field, e);
	mf_gcs_json_free(object);
	return token;
}

static struct mf_secret *
subject_of_file(const struct mf_gcs_external_account *x, struct mf_error *e)
{
	struct mf_error why = {0};
	struct mf_secret *text, *token;

	if ((text = mf_secret_read_file(x->path, MF_GCS_FILE_MAX, "subject token file", &why)) ==
	    NULL) {
		if (why.code == MF_EKEY)
			why.code = MF_EPERM;
		if (e != NULL)
			*e = why;
		return NULL;
	}
	token = find_token(x, (const char *)mf_secret_view(text), mf_secret_len(text), x->path, e);
	mf_secret_free(text);
	return token;
}

static struct mf_secret *
subject_of_url(
    const struct mf_gcs_external_account *x, const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	static const char who[] = "the source of subject tokens";
	struct mf_s3_header headers[MF_GCS_SUBJECT_HEADERS_MAX];
	struct mf_s3_fetch_request r = {.method = "GET",
	    .url = x->url,
	    .headers = headers,
	    .n_headers = x->n_headers,
	    .timeout_us = MF_GCS_TIMEOUT_US,
	    .hide_path = true};
	struct mf_buf answer = MF_BUF_INIT;
	struct mf_secret *token = NULL;
	int http_status;
	size_t i;

	for (i = 0; i < x->n_headers; i++)
		headers[i] = (struct mf_s3_header){
		    x->headers[i].name, (const char *)mf_secret_view(x->headers[i].value)};
	if (mf_s3_ask(fetch, r, x->url_is_local, who, &http_status, &answer, e) != 0)
		goto out;
	if (http_status != 200)
		mf_gcs_token_refused(who, http_status, answer.data, answer.len, e);
	else
		token = find_token(x, (const char *)answer.data, answer.len, who, e);
out:
	mf_s3_wipe(&answer);
	return token;
}

/* ---- exchanging it ---- */

static int
exchange(const struct mf_gcs_asking *a, const struct mf_secret *subject, const char *origin,
    struct mf_s3_credentials **out, struct mf_error *e)
{
	const struct mf_gcs_external_account *x = &a->file->external;
	struct mf_buf form = MF_BUF_INIT;
	int rc = -1;

	if (mf_gcs_form_init(&form,
		mf_secret_len(subject) + strlen(x->audience) + strlen(x->token_type), e) == 0) {
		mf_gcs_put_field(
		    &form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
		mf_gcs_put_field(
		    &form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
		mf_gcs_put_field(&form, "audience", x->audience);
		mf_gcs_put_field(
		    &form, "scope", x->impersonation != NULL ? PLATFORM_SCOPE : MF_GCS_SCOPE);
		mf_gcs_put_field(&form, "subject_token_type", x->token_type);
		mf_gcs_put_field(&form, "subject_token", (const char *)mf_secret_view(subject));
		rc = mf_gcs_post_form(a, &form, origin, out, e);
	}
	mf_s3_wipe(&form);
	return rc;
}

/* ---- the service account ---- */

/* Ask for its token by the one that the exchange gave. */
static int
ask_impersonation(const struct mf_gcs_asking *a, const struct mf_s3_credentials *by,
    int *http_status, struct mf_buf *answer, struct mf_error *e)
{
	const struct mf_gcs_external_account *x = &a->file->external;
	const char *token = mf_s3_credentials_token(by);
	struct mf_s3_header headers[] = {
	    {"Content-Type", "application/json"}, {"Authorization", NULL}};
	struct mf_s3_fetch_request r = {.method = "POST",
	    .url = x->impersonation,
	    .headers = headers,
	    .n_headers = 2,
	    .timeout_us = MF_GCS_TIMEOUT_US};
	struct mf_buf bearer = MF_BUF_INIT;
	char body[256];
	int rc = -1;

	(void)snprintf(body, sizeof body, "{\"scope\":[\"%s\"],\"lifetime\":\"%" PRIu64 "s\"}",
	    MF_GCS_SCOPE, x->lifetime_s);
	r.body = body;
	r.body_len = strlen(body);
	if (mf_buf_reserve(&bearer, strlen(token) + sizeof "Bearer ") == 0)
		mf_buf_printf(&bearer, "Bearer %s", token);
	if ((headers[1].value = mf_buf_cstr(&bearer)) == NULL)
		mf_error_nomem(e, "credentials");
	else
		rc = mf_s3_ask(
		    a->fetch, r, false, "the service account's endpoint", http_status, answer, e);
	mf_s3_wipe(&bearer);
	return rc;
}

static int
impersonate(const struct mf_gcs_asking *a, const struct mf_s3_credentials *by,
    struct mf_s3_credentials **out, struct mf_error *e)
{
	const char *slash = strrchr(a->file->external.impersonation, '/');
	struct mf_buf answer = MF_BUF_INIT;
	char origin[ORIGIN_BYTES];
	int http_status, rc = -1;

	/* ".../serviceAccounts/NAME:generateAccessToken" */
	(void)snprintf(
	    origin, sizeof origin, "service account %.*s", (int)strcspn(slash + 1, ":"), slash + 1);
	if (ask_impersonation(a, by, &http_status, &answer, e) != 0)
		goto out;
	if (http_status != 200) {
		mf_gcs_token_refused(origin, http_status, answer.data, answer.len, e);
		mf_error_hint(e, "the federated identity needs the role Service Account Token "
				 "Creator or Workload Identity User there");
		goto out;
	}
	*out = mf_gcs_impersonated_parse(answer.data, answer.len, origin, e);
	rc = *out != NULL ? 0 : -1;
out:
	mf_s3_wipe(&answer);
	return rc;
}

int
mf_gcs_by_external_account(
    const struct mf_gcs_asking *a, struct mf_s3_credentials **out, struct mf_error *e)
{
	const struct mf_gcs_external_account *x = &a->file->external;
	struct mf_s3_credentials *federated = NULL;
	char origin[ORIGIN_BYTES];
	struct mf_secret *subject =
	    x->path != NULL ? subject_of_file(x, e) : subject_of_url(x, a->fetch, e);
	int rc;

	if (subject == NULL)
		return mf_error_while(e, "reading what %s names", a->path);
	(void)snprintf(origin, sizeof origin, "the external account of %s", a->path);
	rc = exchange(a, subject, origin, &federated, e);
	mf_secret_free(subject);
	if (rc != 0)
		return -1;
	if (x->impersonation == NULL) {
		*out = federated;
		return 0;
	}
	rc = impersonate(a, federated, out, e);
	mf_s3_credentials_unref(federated);
	return rc;
}
