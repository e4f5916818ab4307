#include "config.h"

#include <string.h>
#include <strings.h>

#include "src/net/http_int.h"

#define RETRY_AFTER_MAX_S 86400
#define DATE_BYTES 32 /* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), with the NUL */
#define DATE_MAX_S INT64_C(253402300799) /* the end of the year 9999 */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": the status, or -1. */
static int
status_of(const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);
	const char *s = space == NULL ? line : space + 1;

	if (space == NULL || n - (size_t)(s - line) < 3 || !is_digit(s[0]) || !is_digit(s[1]) ||
	    !is_digit(s[2]))
		return -1;
	return (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
}

/* A head begins; one before it was interim (100 Continue). */
static enum mf_http_failure
begin_head(struct mf_http_head *h, const char *line, size_t n, struct mf_error *e)
{
	const int status = status_of(line, n);

	h->done = false;
	mf_http_headers_clear(&h->r->headers);
	if (status < 100) {
		mf_error_set(e, MF_ETRANSFER, "the answer of %s is no HTTP", h->host);
		return MF_HTTP_PROTOCOL;
	}
	h->r->status = status;
	return MF_HTTP_OK;
}

/* Digits only, at most max; -1: no number. */
static int64_t
number_of(const char *s, int64_t max)
{
	int64_t v = 0;

	if (s == NULL || !is_digit(*s))
		return -1;
	for (; is_digit(*s); s++)
		v = v > (max - 9) / 10 ? max : v * 10 + (*s - '0');
	return *s == '\0' ? v : -1;
}

/* The answers of one second have the same Date, and reading it takes as long as all else of a short
 * answer's head. */
static int64_t
date_of(const char *s)
{
	static _Thread_local char last[DATE_BYTES];
	static _Thread_local int64_t last_unix_s;
	int64_t unix_s;

	if (s == NULL)
		return -1;
	if (last[0] != '\0' && strcmp(s, last) == 0)
		return last_unix_s;
	unix_s = (int64_t)curl_getdate(s, NULL);
	if (unix_s < 0 || unix_s > DATE_MAX_S)
		return -1;
	if (strlen(s) < sizeof last) {
		memcpy(last, s, strlen(s) + 1);
		last_unix_s = unix_s;
	}
	return unix_s;
}

/* Seconds, or a date, which counts from the server's own. */
static int64_t
retry_after_of(const char *s, int64_t date_unix_s)
{
	int64_t v = number_of(s, RETRY_AFTER_MAX_S), at;

	if (v >= 0 || s == NULL || date_unix_s < 0 || (at = date_of(s)) < 0)
		return v > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : v;
	if (at <= date_unix_s)
		return 0;
	return at - date_unix_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : at - date_unix_s;
}

static void
end_head(struct mf_http_head *h)
{
	struct mf_http_response *r = h->r;

	h->done = r->status >= 200;
	r->content_length =
	    number_of(mf_http_headers_get(&r->headers, "Content-Length"), INT64_MAX);
	r->date_unix_s = date_of(mf_http_headers_get(&r->headers, "Date"));
	r->retry_after_s =
	    retry_after_of(mf_http_headers_get(&r->headers, "Retry-After"), r->date_unix_s);
}

static enum mf_http_failure
add_header(struct mf_http_head *h, const char *line, size_t n, struct mf_error *e)
{
	const char *colon = memchr(line, ':', n);
	struct mf_error why;

	if (colon == NULL || !mf_http_is_token(line, (size_t)(colon - line))) {
		mf_error_set(e, MF_ETRANSFER, "%s answered with a header that is none", h->host);
		return MF_HTTP_PROTOCOL;
	}
	if (mf_http_headers_add_n(&h->r->headers, line, (size_t)(colon - line), colon + 1,
		n - (size_t)(colon + 1 - line), &why) == 0)
		return MF_HTTP_OK;
	if (why.code == MF_ENOMEM) {
		mf_error_set(e, MF_ENOMEM, "out of memory for an answer");
		return MF_HTTP_OTHER;
	}
	mf_error_set(e, MF_ETRANSFER, "the answer of %s: %s", h->host, why.message);
	return MF_HTTP_LARGE;
}

/* Trailers come behind the body; nobody asked for any, and not for endless ones. */
static enum mf_http_failure
skip_trailer(struct mf_http_head *h, size_t n, struct mf_error *e)
{
	h->trailer_bytes += n;
	if (h->trailer_bytes <= MF_HTTP_HEADER_BYTES_MAX)
		return MF_HTTP_OK;
	mf_error_set(e, MF_ETRANSFER, "the answer of %s has no end", h->host);
	return MF_HTTP_LARGE;
}

enum mf_http_failure
mf_http_head_line(struct mf_http_head *h, const char *line, size_t n, struct mf_error *e)
{
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	/* whatever it looks like: the head is being read by whoever takes the body */
	if (h->done)
		return skip_trailer(h, n, e);
	if (n >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
		return begin_head(h, line, n, e);
	if (n > 0)
		return add_header(h, line, n, e);
	end_head(h);
	return MF_HTTP_OK;
}

int
mf_http_answer_line(struct mf_http_job *job, const char *line, size_t n)
{
	struct mf_error why = {0};
	const enum mf_http_failure failure = mf_http_head_line(&job->head, line, n, &why);

	if (failure == MF_HTTP_OK)
		return 0;
	return mf_http_cut(job, failure, why.code, "%s", why.message);
}

void
mf_http_response_clear(struct mf_http_response *r)
{
	struct mf_http_headers headers = r->headers;
	struct mf_buf body = r->body;

	mf_http_headers_clear(&headers);
	mf_buf_clear(&body);
	*r = MF_HTTP_RESPONSE_INIT;
	r->headers = headers;
	r->body = body;
	r->content_length = r->date_unix_s = r->retry_after_s = -1;
}

const char *
mf_http_response_header(const struct mf_http_response *r, const char *name)
{
	return mf_http_headers_get(&r->headers, name);
}

void
mf_http_response_fini(struct mf_http_response *r)
{
	mf_http_headers_fini(&r->headers);
	mf_buf_fini(&r->body);
	*r = MF_HTTP_RESPONSE_INIT;
}
