#include "config.h"

#include "src/traffic/redirect.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "src/net/url.h"

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Characters of a scheme that text begins with; 0: it is a relative reference. */
static size_t
scheme_of(const char *text)
{
	size_t n = 0;

	if (!isalpha((unsigned char)text[0]))
		return 0;
	while (isalnum((unsigned char)text[n]) || strchr("+-.", text[n]) != NULL) {
		if (text[n] == '\0')
			return 0;
		n++;
	}
	return text[n] == ':' ? n : 0;
}

/* Take the last segment of what is in b after `floor` away, and the slash before it. */
static void
drop_segment(struct mf_buf *b, size_t floor)
{
	while (b->len > floor && b->data[b->len - 1] != '/')
		b->len--;
	if (b->len > floor)
		b->len--;
}

/* Append the path without "." and ".." (RFC 3986, 5.2.4). n characters, beginning with '/'. */
static void
put_path(struct mf_buf *b, const char *path, size_t n)
{
	const size_t floor = b->len;
	const char *end = path + n, *segment, *next;
	size_t bytes;

	for (segment = path; segment < end; segment = next) {
		next = memchr(segment + 1, '/', (size_t)(end - segment - 1));
		next = next != NULL ? next : end;
		bytes = (size_t)(next - segment);
		if (bytes == 2 && segment[1] == '.') {
			if (next == end)
				mf_buf_put_u8(b, '/');
		} else if (bytes == 3 && segment[1] == '.' && segment[2] == '.') {
			drop_segment(b, floor);
			if (next == end)
				mf_buf_put_u8(b, '/');
		} else {
			mf_buf_put(b, segment, bytes);
		}
	}
	if (b->len == floor)
		mf_buf_put_u8(b, '/');
}

/* scheme://host:port of base. */
static void
put_origin(struct mf_buf *b, const struct mf_url *base)
{
	char authority[MF_URL_AUTHORITY_BYTES];

	mf_buf_printf(
	    b, "%s://%s", base->tls ? "https" : "http", mf_url_authority(base, authority));
}

/* A reference without scheme and host, n characters: a path, a query, both or none. */
static void
put_reference(struct mf_buf *b, const struct mf_url *base, const char *text, size_t n)
{
	const char *query = memchr(text, '?', n);
	const size_t path_bytes = query != NULL ? (size_t)(query - text) : n;
	const char *last = strrchr(base->path, '/');
	struct mf_buf path = MF_BUF_INIT;

	put_origin(b, base);
	if (path_bytes == 0) {
		mf_buf_printf(b, "%s", base->path);
		if (query == NULL && base->query != NULL)
			mf_buf_printf(b, "?%s", base->query);
	} else {
		if (text[0] != '/' && last != NULL)
			mf_buf_put(&path, base->path, (size_t)(last + 1 - base->path));
		mf_buf_put(&path, text, path_bytes);
		if (!path.failed)
			put_path(b, (const char *)path.data, path.len);
		b->failed = b->failed || path.failed;
	}
	if (query != NULL)
		mf_buf_put(b, query, n - path_bytes);
	mf_buf_fini(&path);
}

static int
resolve(const struct mf_url *base, const char *location, struct mf_buf *b, struct mf_error *e)
{
	const size_t n = strcspn(location, "#"); /* what follows is not for the server */
	const size_t scheme = scheme_of(location);

	mf_buf_clear(b);
	if (scheme > 0 && !(scheme == 4 && strncasecmp(location, "http", 4) == 0) &&
	    !(scheme == 5 && strncasecmp(location, "https", 5) == 0))
		return mf_error_set(e, MF_EFAIL, "is redirected to what is neither http nor https");
	if (scheme > 0)
		mf_buf_put(b, location, n);
	else if (strncmp(location, "//", 2) == 0) {
		mf_buf_printf(b, "%s:", base->tls ? "https" : "http");
		mf_buf_put(b, location, n);
	} else
		put_reference(b, base, location, n);
	return mf_buf_cstr(b) != NULL ? 0 : mf_error_nomem(e, "a redirect");
}

static int
judge(const struct mf_url *base, struct mf_redirect *out, struct mf_error *e)
{
	struct mf_url next = MF_URL_INIT;
	bool down;

	if (mf_url_parse(&next, mf_buf_cstr(&out->url), NULL) != 0)
		return mf_error_set(e, MF_EFAIL, "is redirected to what is no URL");
	out->same_origin =
	    next.tls == base->tls && next.port == base->port && strcmp(next.host, base->host) == 0;
	down = base->tls && !next.tls;
	mf_url_fini(&next);
	return down ? mf_error_set(e, MF_EFAIL, "is redirected from https to http") : 1;
}

int
mf_redirect_next(const char *url, const char *method, int status, const char *location,
    struct mf_redirect *out, struct mf_error *e)
{
	struct mf_url base = MF_URL_INIT;
	int rc;

	if (!is_redirect(status) || location == NULL || location[0] == '\0')
		return 0;
	if (mf_url_parse(&base, url, e) != 0)
		return -1;
	out->keep_body = status >= 307;
	out->method = status >= 307 || strcmp(method, "HEAD") == 0 ? method : "GET";
	rc = resolve(&base, location, &out->url, e);
	if (rc == 0)
		rc = judge(&base, out, e);
	mf_url_fini(&base);
	return rc;
}

void
mf_redirect_fini(struct mf_redirect *r)
{
	mf_buf_fini(&r->url);
}
