#include "config.h"

#include "transfers/gcs_token.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "transfers/gcs_json.h"
#include "transfers/s3_time.h"

#define LIFETIME_MAX_S ((json_int_t)10 * 365 * 86400)
#define WORDS_BYTES 256

static struct mf_s3_credentials *
bad(const char *origin, const char *why, struct mf_error *e)
{
	mf_error_set(e, MF_ETRANSFER, "the token endpoint's answer for %s %s", origin, why);
	return NULL;
}

static struct mf_s3_credentials *
of_object(const json_t *object, int64_t now_unix_s, const char *origin, struct mf_error *e)
{
	const char *type = mf_gcs_json_text(object, "token_type");
	const json_t *lifetime = json_object_get(object, "expires_in");
	struct mf_s3_credentials_params p = {.token = mf_gcs_json_text(object, "access_token"),
	    .expires_unix_s = MF_S3_NEVER,
	    .origin = origin};

	if (p.token == NULL)
		return bad(origin, "has no access token in it", e);
	if (type != NULL && strcasecmp(type, "Bearer") != 0)
		return bad(origin, "has a token that is no bearer token", e);
	if (lifetime != NULL) {
		if (!json_is_integer(lifetime) || json_integer_value(lifetime) < 0 ||
		    json_integer_value(lifetime) > LIFETIME_MAX_S)
			return bad(origin, "has an expiration that cannot be read", e);
		p.expires_unix_s = now_unix_s + json_integer_value(lifetime);
	}
	return mf_s3_credentials_new(&p, e);
}

struct mf_s3_credentials *
mf_gcs_token_parse(
    const void *answer, size_t n, int64_t now_unix_s, const char *origin, struct mf_error *e)
{
	json_t *object = mf_gcs_json_read(answer, n);
	struct mf_s3_credentials *c;

	if (object == NULL)
		return bad(origin, "is no JSON object", e);
	c = of_object(object, now_unix_s, origin, e);
	mf_gcs_json_free(object);
	return c;
}

static struct mf_s3_credentials *
of_impersonated(const json_t *object, const char *origin, struct mf_error *e)
{
	const char *until = mf_gcs_json_text(object, "expireTime");
	struct mf_s3_credentials_params p = {
	    .token = mf_gcs_json_text(object, "accessToken"), .origin = origin};
	int64_t us;

	if (p.token == NULL)
		return bad(origin, "has no access token in it", e);
	if (until == NULL || mf_s3_time_parse(until, &us) != 0)
		return bad(origin, "has an expiration that cannot be read", e);
	p.expires_unix_s = us / 1000000;
	return mf_s3_credentials_new(&p, e);
}

struct mf_s3_credentials *
mf_gcs_impersonated_parse(const void *answer, size_t n, const char *origin, struct mf_error *e)
{
	json_t *object = mf_gcs_json_read(answer, n);
	struct mf_s3_credentials *c;

	if (object == NULL)
		return bad(origin, "is no JSON object", e);
	c = of_impersonated(object, origin, e);
	mf_gcs_json_free(object);
	return c;
}

/* ": invalid_grant, Token has been revoked" or "". */
static void
put_words(const json_t *object, char out[WORDS_BYTES])
{
	const json_t *inner = json_object_get(object, "error");
	const char *code = json_string_value(inner), *text;
	size_t i;

	if (json_is_object(inner)) {
		code = mf_gcs_json_text(inner, "status");
		text = mf_gcs_json_text(inner, "message");
	} else {
		text = mf_gcs_json_text(object, "error_description");
	}
	if (code != NULL || text != NULL)
		(void)snprintf(out, WORDS_BYTES, ": %s%s%s", code != NULL ? code : "",
		    code != NULL && text != NULL ? ", " : "", text != NULL ? text : "");
	for (i = 0; out[i] != '\0'; i++)
		if (iscntrl((unsigned char)out[i]))
			out[i] = ' ';
	if (i > 0 && out[i - 1] == '.')
		out[i - 1] = '\0';
}

int
mf_gcs_token_refused(
    const char *who, int http_status, const void *answer, size_t n, struct mf_error *e)
{
	const bool later = http_status == 408 || http_status == 429 || http_status >= 500;
	json_t *object = mf_gcs_json_read(answer, n);
	char words[WORDS_BYTES] = "";

	put_words(object, words);
	mf_gcs_json_free(object);
	mf_error_set(e, later ? MF_ETRANSFER : MF_EPERM, "%s gives no token%s (HTTP %d)", who,
	    words, http_status);
	if (e != NULL)
		e->http_status = http_status;
	return -1;
}
