/* What the sources of credentials share. */
#include "config.h"

#include "transfers/s3_source.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/net/url.h"
#include "transfers/s3_source_int.h"
#include "transfers/s3_time.h"

void
mf_s3_wipe(struct mf_buf *b)
{
	if (b->data != NULL)
		sodium_memzero(b->data, b->capacity);
	mf_buf_fini(b);
}

int
mf_s3_ask(const struct mf_s3_fetch *f, struct mf_s3_fetch_request r, bool direct, const char *who,
    int *http_status, struct mf_buf *answer, struct mf_error *e)
{
	r.max_bytes = MF_S3_ANSWER_MAX;
	r.direct = direct;
	if (mf_buf_reserve(answer, MF_S3_ANSWER_MAX + 1) != 0)
		return mf_error_nomem(e, "credentials");
	if (f->fetch(f->arg, &r, http_status, answer, e) != 0)
		return mf_error_while(e, "asking %s for credentials", who);
	return mf_buf_cstr(answer) != NULL ? 0 : mf_error_nomem(e, "credentials");
}

int
mf_s3_ask_failed(const char *who, int http_status, struct mf_error *e)
{
	const bool later = http_status == 408 || http_status == 429 || http_status >= 500;

	mf_error_set(e, later ? MF_ETRANSFER : MF_EPERM, "%s gives no credentials (HTTP %d)", who,
	    http_status);
	if (e != NULL)
		e->http_status = http_status;
	return -1;
}

/* JSON */

static const char *
string_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
wipe_string(const json_t *object, const char *name)
{
	const char *text = string_of(object, name);

	if (text != NULL)
		sodium_memzero((char *)(uintptr_t)text, strlen(text));
}

static int
expiry_of(const json_t *object, const char *origin, int64_t *expires_unix_s, struct mf_error *e)
{
	const char *text = string_of(object, "Expiration");
	int64_t us;

	*expires_unix_s = MF_S3_NEVER;
	if (text == NULL || text[0] == '\0')
		return 0;
	if (mf_s3_time_parse(text, &us) != 0)
		return mf_error_set(e, MF_ETRANSFER, "the answer of %s has an expiration that "
		    "cannot be read", origin);
	*expires_unix_s = us / 1000000;
	return 0;
}

static struct mf_s3_credentials *
of_object(const json_t *object, const char *origin, struct mf_error *e)
{
	const char *code = string_of(object, "Code");
	struct mf_s3_credentials_params p = {.key_id = string_of(object, "AccessKeyId"),
	    .secret = string_of(object, "SecretAccessKey"),
	    .token = string_of(object, "Token"),
	    .origin = origin};

	if (code != NULL && strcmp(code, "Success") != 0) {
		mf_error_set(e, MF_EPERM, "%s gives no credentials: %s", origin, code);
		return NULL;
	}
	if (p.key_id == NULL || p.secret == NULL) {
		mf_error_set(e, MF_ETRANSFER, "the answer of %s has no credentials in it", origin);
		return NULL;
	}
	if (expiry_of(object, origin, &p.expires_unix_s, e) != 0)
		return NULL;
	return mf_s3_credentials_new(&p, e);
}

struct mf_s3_credentials *
mf_s3_json_credentials(const struct mf_buf *answer, const char *origin, struct mf_error *e)
{
	json_t *object = json_loadb((const char *)answer->data, answer->len, 0, NULL);
	struct mf_s3_credentials *c;

	if (!json_is_object(object)) {
		json_decref(object);
		mf_error_set(e, MF_ETRANSFER, "the answer of %s is no JSON object", origin);
		return NULL;
	}
	c = of_object(object, origin, e);
	wipe_string(object, "SecretAccessKey");
	wipe_string(object, "Token");
	json_decref(object);
	return c;
}

/* Files */

/* The text without its line end, which may be followed by nothing. */
static struct mf_secret *
one_line(const struct mf_secret *text, const char *path, const char *what, struct mf_error *e)
{
	const char *at = (const char *)mf_secret_view(text);
	const char *end = memchr(at, '\n', mf_secret_len(text));
	size_t n = end != NULL ? (size_t)(end - at) : mf_secret_len(text);
	struct mf_secret *line;

	if (end != NULL && (size_t)(end - at) + 1 < mf_secret_len(text)) {
		mf_error_set(e, MF_EPERM, "%s %s has more than one line", what, path);
		return NULL;
	}
	if (n > 0 && at[n - 1] == '\r')
		n--;
	if (n == 0 || memchr(at, '\0', n) != NULL) {
		mf_error_set(e, MF_EPERM, "%s %s has no text in it", what, path);
		return NULL;
	}
	if ((line = mf_secret_new(n + 1, e)) != NULL) {
		memcpy(mf_secret_bytes(line), at, n);
		mf_secret_freeze(line);
	}
	return line;
}

struct mf_secret *
mf_s3_read_line(const char *path, size_t max, const char *what, struct mf_error *e)
{
	struct mf_secret *text, *line;
	struct mf_error why;

	if ((text = mf_secret_read_file(path, max + 2, what, &why)) == NULL) {
		if (why.code == MF_EKEY) /* no matter of the repository's keys */
			why.code = MF_EPERM;
		if (e != NULL)
			*e = why;
		return NULL;
	}
	line = one_line(text, path, what, e);
	mf_secret_free(text);
	return line;
}

/* URLs */

int
mf_s3_check_url(const char *url, const char *const *hosts, const char *what, struct mf_error *e)
{
	char host[MF_URL_HOST_MAX + 1];
	struct mf_url u;
	bool fine;

	if (mf_url_parse(&u, url, e) != 0)
		return mf_error_while(e, "reading %s", what);
	fine = u.tls || mf_url_is_loopback(&u);
	for (; !fine && hosts != NULL && *hosts != NULL; hosts++)
		fine = strcmp(u.host, *hosts) == 0;
	(void)snprintf(host, sizeof host, "%s", u.host);
	mf_url_fini(&u);
	if (fine)
		return 0;
	mf_error_set(e, MF_EUSAGE, "%s would send credentials over http to %s", what, host);
	return mf_error_hint(e, "https, or an address of this machine, is fine");
}
