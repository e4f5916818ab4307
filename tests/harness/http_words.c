#include "config.h"

#include "tests/harness/http_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/net/url.h"

void
harness_die(const char *what)
{
	(void)fprintf(stderr, "test server: %s\n", what);
	abort();
}

void
harness_date(char out[HARNESS_DATE_BYTES], time_t t)
{
	struct tm tm;

	(void)strftime(out, HARNESS_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
}

void
harness_iso_date(char out[HARNESS_DATE_BYTES], time_t t)
{
	struct tm tm;

	(void)strftime(out, HARNESS_DATE_BYTES, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&t, &tm));
}

void
harness_head(struct mf_buf *out, int status, time_t now, const char *headers)
{
	char date[HARNESS_DATE_BYTES];

	harness_date(date, now);
	mf_buf_printf(out, "HTTP/1.1 %d Words\r\nDate: %s\r\nServer: fake\r\n", status, date);
	mf_buf_put(out, headers, strlen(headers));
	if (out->failed)
		harness_die("no memory");
}

/* Behind "name=" in the query, or NULL. */
static const char *
find_param(const struct http_seen *q, const char *name)
{
	const char *at = strchr(q->target, '?');
	const size_t n = strlen(name);

	for (; at != NULL; at = strchr(at, '&')) {
		at++;
		if (strncmp(at, name, n) == 0 && strchr("=&", at[n]) != NULL)
			return at + n + (at[n] == '=');
	}
	return NULL;
}

bool
harness_has_param(const struct http_seen *q, const char *name)
{
	return find_param(q, name) != NULL;
}

static void
decode(const char *text, size_t text_n, char *out, size_t n)
{
	struct mf_buf value = MF_BUF_INIT;

	if (mf_url_decode(&value, text, text_n) != 0 || mf_buf_cstr(&value) == NULL)
		harness_die("a target that cannot be read");
	(void)snprintf(out, n, "%s", mf_buf_cstr(&value));
	mf_buf_fini(&value);
}

const char *
harness_param(const struct http_seen *q, const char *name, char *out, size_t n)
{
	const char *at = find_param(q, name);

	out[0] = '\0';
	if (at != NULL)
		decode(at, strcspn(at, "&"), out, n);
	return out;
}

void
harness_path(const struct http_seen *q, char *out, size_t n)
{
	decode(q->target + 1, strcspn(q->target + 1, "?"), out, n);
}

int
harness_range(const char *text, size_t n, size_t *first, size_t *last)
{
	unsigned long long a, b;

	if (sscanf(text, "bytes=%llu-%llu", &a, &b) != 2 || b < a)
		return -1;
	*first = (size_t)a;
	*last = b < n ? (size_t)b : n - 1;
	return a >= n;
}

void
harness_put_child(struct mf_buf *out, const char *key, size_t n, const char **last)
{
	const size_t end = (size_t)(strchr(key + n, '/') + 1 - key);

	if (*last != NULL && strncmp(*last, key, end) == 0)
		return;
	*last = key;
	mf_buf_printf(out, "<CommonPrefixes><Prefix>");
	mf_url_encode(out, key, end, "/");
	mf_buf_printf(out, "</Prefix></CommonPrefixes>");
}

FILE *
harness_create(const char *dir, const char *name, const char *mode)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	if ((file = fopen(path, mode)) == NULL)
		harness_die(path);
	return file;
}

void
harness_announce(const char *dir, const char *url)
{
	char from[4096], to[4096];
	FILE *file = harness_create(dir, "url.new", "w");

	(void)fprintf(file, "%s\n", url);
	(void)snprintf(from, sizeof from, "%s/url.new", dir);
	(void)snprintf(to, sizeof to, "%s/url", dir);
	if (fclose(file) != 0 || rename(from, to) != 0)
		harness_die(to);
}
