/* Requests, and those to whole objects. */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/hex.h"
#include "tests/harness/memory_s3_int.h"

#define PAGE_KEYS 1000

static const char *const op_names[S3_OPS] = {"put", "get", "head", "delete", "list", "begin",
    "part", "complete", "abort", "uploads", "parts", "other"};

const char *
s3_op_name(enum s3_op op)
{
	return op_names[op];
}

static enum s3_op
op_of(const struct http_seen *seen, bool object)
{
	const char *method = seen->method;
	const bool upload = harness_has_param(seen, "uploadId");

	if (!object && strcmp(method, "GET") == 0)
		return harness_has_param(seen, "uploads") ? S3_UPLOADS : S3_LIST;
	if (strcmp(method, "HEAD") == 0)
		return S3_HEAD;
	if (!object)
		return S3_OTHER;
	if (strcmp(method, "PUT") == 0)
		return upload ? S3_PART : S3_PUT;
	if (strcmp(method, "DELETE") == 0)
		return upload ? S3_ABORT : S3_DELETE;
	if (strcmp(method, "GET") == 0)
		return upload ? S3_LIST_PARTS : S3_GET;
	if (strcmp(method, "POST") == 0 && harness_has_param(seen, "uploads"))
		return S3_BEGIN;
	return strcmp(method, "POST") == 0 && upload ? S3_COMPLETE : S3_OTHER;
}

void
s3_query_read(struct s3_query *q, const struct http_seen *seen)
{
	q->seen = seen;
	harness_path(seen, q->path, sizeof q->path);
	q->op = op_of(seen, strchr(q->path, '/') != NULL);
}

/* ---- replies ---- */

void
s3_reply_fini(struct s3_reply *reply)
{
	mf_buf_fini(&reply->headers);
	mf_buf_fini(&reply->body);
}

void
s3_refuse(const struct s3_query *q, struct s3_reply *reply, int status, const char *code,
    const char *more)
{
	mf_buf_clear(&reply->headers);
	mf_buf_clear(&reply->body);
	reply->status = status;
	mf_buf_printf(&reply->headers, "Content-Type: application/xml\r\n");
	mf_buf_printf(&reply->body,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>No."
	    "</Message>%s</Error>",
	    code, more);
	reply->length = reply->body.len;
	if (q->op == S3_HEAD)
		mf_buf_clear(&reply->body);
}

void
s3_say_xml(const struct s3_query *q, struct s3_reply *reply, struct mf_buf *body)
{
	(void)q;
	if (body->failed)
		harness_die("no memory");
	reply->status = 200;
	mf_buf_printf(&reply->headers, "Content-Type: application/xml\r\n");
	mf_buf_put(&reply->body, body->data, body->len);
	reply->length = reply->body.len;
	mf_buf_fini(body);
}

static void
say_nothing(struct s3_reply *reply, int status)
{
	reply->status = status;
	reply->length = 0;
}

/* ---- sums ---- */

void
s3_md5(const void *bytes, size_t n, uint8_t md5[16])
{
	if (EVP_Digest(bytes, n, md5, NULL, EVP_md5(), NULL) != 1)
		harness_die("no MD5");
}

void
s3_etag(const void *bytes, size_t n, char out[S3_ETAG_BYTES])
{
	uint8_t md5[16];

	s3_md5(bytes, n, md5);
	mf_hex_encode(out, md5, sizeof md5);
}

/* Is the body what the signature says? */
static bool
arrived_whole(const struct s3_query *q)
{
	uint8_t sha256[32];
	char told[128], hex[65];

	http_seen_header(q->seen, "x-amz-content-sha256", told, sizeof told);
	if (EVP_Digest(q->body, q->n, sha256, NULL, EVP_sha256(), NULL) != 1)
		harness_die("no SHA-256");
	mf_hex_encode(hex, sha256, sizeof sha256);
	return strcmp(told, hex) == 0;
}

/* The same of Content-MD5, where there is one. */
static bool
has_its_md5(const struct s3_query *q)
{
	uint8_t md5[16];
	unsigned char text[32];
	char told[64];

	if (http_seen_header(q->seen, "Content-MD5", told, sizeof told)[0] == '\0')
		return true;
	s3_md5(q->body, q->n, md5);
	(void)EVP_EncodeBlock(text, md5, sizeof md5);
	return strcmp(told, (const char *)text) == 0;
}

/* ---- objects; under the lock ---- */

static void
put(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct harness_object **at = harness_find(&m->objects, q->path), *o;
	char value[64];

	http_seen_header(q->seen, "If-None-Match", value, sizeof value);
	if (strcmp(value, "*") == 0 && harness_is_there(at, q->path)) {
		s3_refuse(q, reply, 412, "PreconditionFailed", "");
		return;
	}
	if (http_seen_header(q->seen, "x-amz-copy-source", value, sizeof value)[0] != '\0') {
		s3_refuse(q, reply, 501, "NotImplemented", "");
		return;
	}
	o = harness_keep(at, q->path, q->seen->head, q->body, q->n, q->now);
	q->body = NULL;
	s3_etag(o->bytes, o->n, o->etag);
	say_nothing(reply, 200);
	mf_buf_printf(&reply->headers, "ETag: \"%s\"\r\n", o->etag);
}

/* The metadata that it was put with. */
static void
put_metadata(struct mf_buf *out, const struct harness_object *o)
{
	const char *line, *end;

	for (line = o->head; (end = strstr(line, "\r\n")) != NULL; line = end + 2)
		if (strncasecmp(line, "x-amz-meta-", 11) == 0)
			mf_buf_put(out, line, (size_t)(end + 2 - line));
}

static void
get(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct harness_object **at = harness_find(&m->objects, q->path), *o = *at;
	char value[128], date[HARNESS_DATE_BYTES], quoted[S3_ETAG_BYTES + 2];
	size_t first = 0, last;
	int rc = -1;

	if (strchr(q->path, '/') == NULL) { /* HEAD of the bucket */
		say_nothing(reply, 200);
		return;
	}
	if (!harness_is_there(at, q->path)) {
		s3_refuse(q, reply, 404, "NoSuchKey", "");
		return;
	}
	(void)snprintf(quoted, sizeof quoted, "\"%s\"", o->etag);
	http_seen_header(q->seen, "If-Match", value, sizeof value);
	if (value[0] != '\0' && strcmp(value, quoted) != 0) {
		s3_refuse(q, reply, 412, "PreconditionFailed", "");
		return;
	}
	last = o->n - 1;
	if (http_seen_header(q->seen, "Range", value, sizeof value)[0] != '\0')
		rc = harness_range(value, o->n, &first, &last);
	if (rc > 0) {
		s3_refuse(q, reply, 416, "InvalidRange", "");
		return;
	}
	reply->status = rc == 0 ? 206 : 200;
	harness_date(date, o->changed);
	mf_buf_printf(&reply->headers, "Last-Modified: %s\r\nETag: %s\r\n", date, quoted);
	put_metadata(&reply->headers, o);
	if (rc == 0)
		mf_buf_printf(
		    &reply->headers, "Content-Range: bytes %zu-%zu/%zu\r\n", first, last, o->n);
	reply->length = o->n > 0 ? last - first + 1 : 0;
	if (q->op == S3_GET && o->n > 0)
		mf_buf_put(&reply->body, o->bytes + first, reply->length);
}

static void
del(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct harness_object **at = harness_find(&m->objects, q->path);

	if (harness_is_there(at, q->path))
		harness_forget(at);
	say_nothing(reply, 204);
}

static void
refuse_other(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	(void)m;
	s3_refuse(q, reply, 501, "NotImplemented", "");
}

/* ---- all of it ---- */

void
memory_s3_serve(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	static void (*const serve[S3_OPS])(
	    struct memory_s3 *, struct s3_query *, struct s3_reply *) = {
	    [S3_PUT] = put,
	    [S3_GET] = get,
	    [S3_HEAD] = get,
	    [S3_DELETE] = del,
	    [S3_LIST] = s3_list,
	    [S3_BEGIN] = s3_begin_upload,
	    [S3_PART] = s3_put_part,
	    [S3_COMPLETE] = s3_complete_upload,
	    [S3_ABORT] = s3_abort_upload,
	    [S3_UPLOADS] = s3_list_uploads,
	    [S3_LIST_PARTS] = s3_list_parts,
	    [S3_OTHER] = refuse_other,
	};

	if (!arrived_whole(q)) {
		s3_refuse(q, reply, 400, "XAmzContentSHA256Mismatch", "");
		return;
	}
	if (!has_its_md5(q)) {
		s3_refuse(q, reply, 400, "BadDigest", "");
		return;
	}
	pthread_mutex_lock(&m->lock);
	serve[q->op](m, q, reply);
	pthread_mutex_unlock(&m->lock);
	if (reply->headers.failed || reply->body.failed)
		harness_die("no memory");
}

struct memory_s3 *
memory_s3_new(unsigned page)
{
	struct memory_s3 *m = calloc(1, sizeof *m);

	if (m == NULL)
		harness_die("no memory");
	(void)pthread_mutex_init(&m->lock, NULL);
	m->page = page > 0 ? page : PAGE_KEYS;
	return m;
}

void
memory_s3_free(struct memory_s3 *m)
{
	while (m->objects != NULL)
		harness_forget(&m->objects);
	while (m->uploads != NULL)
		s3_forget_upload(&m->uploads);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
