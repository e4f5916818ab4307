/* Objects. */
#include "config.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "src/base/buf.h"
#include "src/base/crc32c.h"
#include "src/net/url.h"
#include "tests/harness/fake_gcs_int.h"

#define BODY_MAX ((size_t)256 << 20)

/* ---- answers ---- */

/* In one piece: the rest of an answer in pieces waits for the client's acknowledgement. */
bool
fake_say(struct http_conn *c, const struct http_seen *q, int status, const char *headers,
    const void *body, size_t n)
{
	struct mf_buf all = MF_BUF_INIT;

	harness_head(&all, status, time(NULL), headers);
	if (status != 204)
		mf_buf_printf(&all, "Content-Length: %zu\r\n", n);
	mf_buf_printf(&all, "\r\n");
	if (strcmp(q->method, "HEAD") != 0 && status != 204)
		mf_buf_put(&all, body, n);
	if (all.failed)
		harness_die("no memory");
	http_say_bytes(c, all.data, all.len);
	mf_buf_fini(&all);
	return true;
}

bool
fake_refuse(struct http_conn *c, const struct http_seen *q, int status, const char *code,
    const char *headers)
{
	char text[512];

	(void)snprintf(text, sizeof text,
	    "<?xml version='1.0' encoding='UTF-8'?><Error><Code>%s</Code><Message>No.</Message>"
	    "<Details>none</Details></Error>",
	    code);
	return fake_say(c, q, status, headers, text, strlen(text));
}

/* ---- objects; under the lock ---- */

struct fake_object **
fake_find(struct fake_gcs *f, const char *path)
{
	struct fake_object **at = &f->objects;

	while (*at != NULL && strcmp((*at)->path, path) < 0)
		at = &(*at)->next;
	return at;
}

bool
fake_is_there(struct fake_object *const *at, const char *path)
{
	return *at != NULL && strcmp((*at)->path, path) == 0;
}

static void
put_sum(uint32_t crc, char out[16])
{
	const uint8_t big[4] = {
	    (uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};

	(void)sodium_bin2base64(out, 16, big, 4, sodium_base64_VARIANT_ORIGINAL);
}

/* A header that was put with an object, if it is one that comes back with it. */
static bool
comes_back(const char *line)
{
	static const char *const names[] = {"x-goog-meta-", "x-goog-custom-time:", "Content-Type:",
	    "Content-Encoding:", "Cache-Control:", "x-goog-storage-class:"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncasecmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

void
fake_put_head(const struct fake_object *o, char out[FAKE_HEAD_BYTES])
{
	char date[64], text[32];
	const char *line;
	size_t n, len;

	harness_date(date, o->changed);
	put_sum(o->crc, text);
	n = (size_t)snprintf(out, FAKE_HEAD_BYTES,
	    "Last-Modified: %s\r\nETag: \"%s\"\r\nx-goog-generation: %llu\r\n"
	    "x-goog-hash: crc32c=%s\r\n"
	    "x-goog-stored-content-encoding: identity\r\nx-goog-stored-content-length: %zu\r\n",
	    date, o->etag, (unsigned long long)o->generation, text, o->n);
	if (o->n_parts == 0) {
		(void)sodium_bin2base64(
		    text, sizeof text, o->md5, sizeof o->md5, sodium_base64_VARIANT_ORIGINAL);
		n +=
		    (size_t)snprintf(out + n, FAKE_HEAD_BYTES - n, "x-goog-hash: md5=%s\r\n", text);
	}
	for (line = strstr(o->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		len = strcspn(line, "\r");
		if (comes_back(line) && n + len + 3 < FAKE_HEAD_BYTES)
			n += (size_t)snprintf(
			    out + n, FAKE_HEAD_BYTES - n, "%.*s\r\n", (int)len, line);
	}
}

char *
fake_copy_text(const char *text)
{
	return fake_copy_bytes(text, strlen(text));
}

void *
fake_copy_bytes(const void *bytes, size_t n)
{
	char *copy = malloc(n + 1);

	if (copy == NULL)
		harness_die("no memory");
	memcpy(copy, bytes, n);
	copy[n] = '\0';
	return copy;
}

static void
forget(struct fake_object **at)
{
	struct fake_object *o = *at;

	*at = o->next;
	free(o->path);
	free(o->bytes);
	free(o->head);
	free(o);
}

const struct fake_object *
fake_keep(struct fake_gcs *f, const char *path, char *head, uint8_t *body, size_t n, size_t n_parts)
{
	struct fake_object **at = fake_find(f, path), *o = calloc(1, sizeof *o);
	size_t i;

	if (o == NULL || EVP_Digest(body, n, o->md5, NULL, EVP_md5(), NULL) != 1)
		harness_die("no memory");
	o->path = fake_copy_text(path);
	o->head = head;
	if (fake_is_there(at, path))
		forget(at);
	o->next = *at;
	o->bytes = body;
	o->n = n;
	o->n_parts = n_parts;
	o->crc = mf_crc32c_table(0, body, n);
	o->generation = ++f->generation;
	o->changed = time(NULL);
	for (i = 0; i < sizeof o->md5; i++)
		(void)snprintf(o->etag + 2 * i, 3, "%02x", o->md5[i]);
	if (n_parts > 0)
		(void)snprintf(
		    o->etag, sizeof o->etag, "-C%llu=", (unsigned long long)o->generation);
	return *at = o;
}

/* ---- requests ---- */

bool
fake_may_put(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, bool there,
    const uint8_t *body, size_t n)
{
	char value[256], sum[16];

	http_seen_header(q, "x-goog-if-generation-match", value, sizeof value);
	if (value[0] != '\0' && strcmp(value, "0") != 0)
		return !fake_refuse(c, q, 400, "InvalidArgument", "");
	if (value[0] != '\0' && there && !f->params.ignore_conditions) {
		atomic_fetch_add(&f->counts[FAKE_GCS_CONDITIONS], 1);
		return !fake_refuse(c, q, 412, "PreconditionFailed", "");
	}
	http_seen_header(q, "x-goog-hash", value, sizeof value);
	if (value[0] == '\0')
		return true;
	atomic_fetch_add(&f->counts[FAKE_GCS_SUMS], 1);
	put_sum(mf_crc32c_table(0, body, n), sum);
	if (strncmp(value, "crc32c=", 7) == 0 && strcmp(value + 7, sum) == 0)
		return true;
	return !fake_refuse(c, q, 400, "BadDigest", "");
}

static bool
put(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path,
    uint8_t *body, size_t n)
{
	char headers[FAKE_HEAD_BYTES];

	if (!fake_may_put(f, c, q, fake_is_there(fake_find(f, path), path), body, n)) {
		free(body);
		return true;
	}
	fake_put_head(fake_keep(f, path, fake_copy_text(q->head), body, n, 0), headers);
	return fake_say(c, q, 200, headers, "", 0);
}

/* "bytes=1-2" within n bytes: 0; 1: behind the end; -1: none that is known. */
static int
parse_range(const char *text, size_t n, size_t *first, size_t *last)
{
	unsigned long long a, b;

	if (sscanf(text, "bytes=%llu-%llu", &a, &b) != 2 || b < a)
		return -1;
	*first = (size_t)a;
	*last = b < n ? (size_t)b : n - 1;
	return a >= n;
}

static bool
get(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path)
{
	struct fake_object **at = fake_find(f, path);
	char headers[FAKE_HEAD_BYTES], range[128], match[128], etag[80];
	size_t first = 0, last;
	uint8_t *copy;
	int rc = -1;

	if (!fake_is_there(at, path))
		return fake_refuse(c, q, 404, "NoSuchKey", "");
	(void)snprintf(etag, sizeof etag, "\"%s\"", (*at)->etag);
	if (http_seen_header(q, "If-Match", match, sizeof match)[0] != '\0' &&
	    strcmp(match, etag) != 0)
		return fake_refuse(c, q, 412, "PreconditionFailed", "");
	fake_put_head(*at, headers);
	if (strcasestr(headers, "\r\nContent-Encoding: gzip") != NULL &&
	    strcmp(http_seen_header(q, "Accept-Encoding", match, sizeof match), "gzip") != 0)
		return fake_say(c, q, 200, "ETag: \"unpacked\"\r\n", "unpacked", 8);
	last = (*at)->n - 1;
	if (http_seen_header(q, "Range", range, sizeof range)[0] != '\0')
		rc = parse_range(range, (*at)->n, &first, &last);
	if (rc > 0)
		return fake_refuse(c, q, 416, "InvalidRange", "");
	if (rc == 0)
		(void)snprintf(headers + strlen(headers), sizeof headers - strlen(headers),
		    "Content-Range: bytes %zu-%zu/%zu\r\n", first, last, (*at)->n);
	if ((*at)->n == 0 || strcmp(q->method, "HEAD") == 0)
		return fake_say(c, q, 200, headers, "", (*at)->n);
	if ((copy = malloc(last - first + 1)) == NULL)
		harness_die("no memory");
	memcpy(copy, (*at)->bytes + first, last - first + 1);
	if (atomic_load(&f->corrupt) > 0) {
		atomic_fetch_sub(&f->corrupt, 1);
		copy[0] ^= 1;
	}
	fake_say(c, q, rc == 0 ? 206 : 200, headers, copy, last - first + 1);
	free(copy);
	return true;
}

static bool
del(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path)
{
	struct fake_object **at = fake_find(f, path);

	if (!fake_is_there(at, path))
		return fake_refuse(c, q, 404, "NoSuchKey", "");
	forget(at);
	return fake_say(c, q, 204, "", "", 0);
}

/* "/bucket/key" or "/bucket", by a request that is allowed. The body is given up. */
static bool
serve(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, uint8_t *body, size_t n)
{
	struct mf_buf decoded = MF_BUF_INIT;
	char path[2048];
	bool object;

	if (mf_url_decode(&decoded, q->target + 1, strcspn(q->target + 1, "?")) != 0 ||
	    mf_buf_cstr(&decoded) == NULL)
		harness_die("a target that cannot be read");
	(void)snprintf(path, sizeof path, "%s", mf_buf_cstr(&decoded));
	mf_buf_fini(&decoded);
	object = strchr(path, '/') != NULL;
	if (fake_parts(f, c, q, path, body, n))
		return true;
	if (strcmp(q->method, "PUT") == 0 && object &&
	    strcasestr(q->head, "\r\nx-goog-copy-source:") == NULL)
		return put(f, c, q, path, body, n);
	free(body);
	if (strcmp(q->method, "PUT") == 0 && object)
		return fake_copy(f, c, q, path);
	if (strcmp(q->method, "GET") == 0 && !object)
		return fake_list(f, c, q, path);
	if (strcmp(q->method, "HEAD") == 0 && !object)
		return fake_say(c, q, 200, "", "", 0);
	if ((strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0) && object)
		return get(f, c, q, path);
	if (strcmp(q->method, "DELETE") == 0 && object)
		return del(f, c, q, path);
	return fake_refuse(c, q, 400, "InvalidArgument", ""); /* POST ?delete, and others */
}

/* The nth request in a row is one too many. */
static bool
is_too_many(struct fake_gcs *f, unsigned *nth)
{
	*nth = ++f->n_requests;
	return f->params.refuse_every > 0 && *nth % f->params.refuse_every == 0;
}

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct fake_gcs *f = arg;
	const size_t n = (size_t)q->content_length;
	uint8_t *body;
	unsigned nth;

	if (n > BODY_MAX || (body = calloc(1, n + 1)) == NULL)
		return false;
	if (http_read_body(c, body, n) < n) {
		free(body);
		return false;
	}
	pthread_mutex_lock(&f->lock);
	if (fake_give_token(f, c, q, (const char *)body)) {
		free(body);
	} else if (is_too_many(f, &nth)) {
		free(body);
		atomic_fetch_add(&f->counts[FAKE_GCS_REFUSED], 1);
		if (nth / f->params.refuse_every % 2 == 0)
			fake_refuse(c, q, 429, "RateLimitExceeded", "Retry-After: 1\r\n");
		else
			fake_refuse(c, q, 503, "ServiceUnavailable", "Retry-After: 1\r\n");
	} else if (!fake_authorize(f, c, q, body, n)) {
		free(body);
	} else {
		serve(f, c, q, body, n);
	}
	pthread_mutex_unlock(&f->lock);
	return true;
}

/* ---- all of it ---- */

struct fake_gcs *
fake_gcs_start(const struct fake_gcs_params *p)
{
	struct fake_gcs *f = calloc(1, sizeof *f);

	if (f == NULL)
		harness_die("no memory");
	f->params = *p;
	(void)pthread_mutex_init(&f->lock, NULL);
	fake_make_key(f);
	f->server = http_server_start(play, f);
	(void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u", http_server_port(f->server));
	return f;
}

void
fake_gcs_stop(struct fake_gcs *f)
{
	http_server_stop(f->server);
	while (f->objects != NULL)
		forget(&f->objects);
	fake_drop_uploads(f);
	EVP_PKEY_free(f->key);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

const char *
fake_gcs_url(const struct fake_gcs *f)
{
	return f->url;
}

const char *
fake_gcs_host(const struct fake_gcs *f)
{
	return f->url + strlen("http://");
}

unsigned
fake_gcs_count(const struct fake_gcs *f, enum fake_gcs_count what)
{
	return atomic_load(&f->counts[what]);
}

void
fake_gcs_corrupt(struct fake_gcs *f, unsigned n)
{
	atomic_store(&f->corrupt, n);
}

void
fake_gcs_fail_completions(struct fake_gcs *f, unsigned n, bool carried_out)
{
	atomic_store(&f->carries_out, carried_out);
	atomic_store(&f->fail_completions, n);
}

void
fake_gcs_end_tokens(struct fake_gcs *f)
{
	pthread_mutex_lock(&f->lock);
	f->first_token = f->n_tokens;
	pthread_mutex_unlock(&f->lock);
}

const char *
fake_gcs_put_header(struct fake_gcs *f, const char *path, const char *name)
{
	static char value[1024];
	struct http_seen *q = calloc(1, sizeof *q);
	struct fake_object **at = fake_find(f, path);

	value[0] = '\0';
	if (q == NULL)
		harness_die("no memory");
	if (fake_is_there(at, path)) {
		(void)snprintf(q->head, sizeof q->head, "%s", (*at)->head);
		http_seen_header(q, name, value, sizeof value);
	}
	free(q);
	return value;
}
