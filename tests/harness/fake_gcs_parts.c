/* Uploads in parts ("XML API multipart uploads"). */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/buf.h"
#include "tests/harness/fake_gcs_int.h"

#define PART_BYTES_MIN ((size_t)5 << 20) /* but of the last one */

struct fake_part {
	struct fake_part *next; /* in the order of their numbers */
	unsigned number;
	uint8_t *bytes;
	size_t n;
	char etag[33];
};

struct fake_upload {
	struct fake_upload *next;
	char *path, *head;
	char id[32];
	time_t begun;
	struct fake_part *parts;
};

static struct fake_upload **
find(struct fake_gcs *f, const char *path, const char *id)
{
	struct fake_upload **at = &f->uploads;

	while (*at != NULL && (strcmp((*at)->path, path) != 0 || strcmp((*at)->id, id) != 0))
		at = &(*at)->next;
	return at;
}

static void
drop(struct fake_upload **at)
{
	struct fake_upload *u = *at;
	struct fake_part *p;

	*at = u->next;
	while ((p = u->parts) != NULL) {
		u->parts = p->next;
		free(p->bytes);
		free(p);
	}
	free(u->path);
	free(u->head);
	free(u);
}

void
fake_drop_uploads(struct fake_gcs *f)
{
	while (f->uploads != NULL)
		drop(&f->uploads);
}

static bool
begin(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path)
{
	struct fake_upload *u = calloc(1, sizeof *u), **at = &f->uploads;
	char text[256];

	if (u == NULL)
		harness_die("no memory");
	u->path = fake_copy_text(path);
	u->head = fake_copy_text(q->head);
	u->begun = time(NULL);
	(void)snprintf(u->id, sizeof u->id, "upload-%llu", (unsigned long long)++f->n_uploads);
	while (*at != NULL && strcmp((*at)->path, path) <= 0)
		at = &(*at)->next;
	u->next = *at;
	*at = u;
	(void)snprintf(text, sizeof text,
	    "<?xml version='1.0' encoding='UTF-8'?><InitiateMultipartUploadResult>"
	    "<UploadId>%s</UploadId></InitiateMultipartUploadResult>",
	    u->id);
	return fake_say(c, q, 200, "", text, strlen(text));
}

static bool
take_part(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, struct fake_upload *u,
    uint8_t *body, size_t n)
{
	struct fake_part **at = &u->parts, *p;
	char number[32], headers[128];
	uint8_t md5[16];
	size_t i;

	if (!fake_may_put(f, c, q, false, body, n)) {
		free(body);
		return true;
	}
	harness_param(q, "partNumber", number, sizeof number);
	if ((p = calloc(1, sizeof *p)) == NULL ||
	    EVP_Digest(body, n, md5, NULL, EVP_md5(), NULL) != 1)
		harness_die("no memory");
	p->number = (unsigned)strtoul(number, NULL, 10);
	p->bytes = body;
	p->n = n;
	for (i = 0; i < sizeof md5; i++)
		(void)snprintf(p->etag + 2 * i, 3, "%02x", md5[i]);
	while (*at != NULL && (*at)->number < p->number)
		at = &(*at)->next;
	p->next = *at;
	if (*at != NULL && (*at)->number == p->number) { /* the last one counts */
		p->next = (*at)->next;
		free((*at)->bytes);
		free(*at);
	}
	*at = p;
	(void)snprintf(headers, sizeof headers, "ETag: \"%s\"\r\n", p->etag);
	return fake_say(c, q, 200, headers, "", 0);
}

/* Is what the client lists what there is? */
static const char *
check_list(const struct fake_upload *u, const char *body)
{
	const struct fake_part *p;
	const char *at = body;
	char want[64];

	for (p = u->parts; p != NULL; p = p->next) {
		(void)snprintf(want, sizeof want, "<PartNumber>%u</PartNumber>", p->number);
		if ((at = strstr(at, want)) == NULL || strstr(at, p->etag) == NULL)
			return "InvalidPart";
		if (p->next != NULL && p->n < PART_BYTES_MIN)
			return "EntityTooSmall";
	}
	return u->parts != NULL ? NULL : "InvalidPart";
}

static bool
complete(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q,
    struct fake_upload **at, const char *body)
{
	struct fake_upload *u = *at;
	const char *why = check_list(u, body);
	const struct fake_object *o;
	const struct fake_part *p;
	size_t n = 0, n_parts = 0;
	uint8_t *all;
	char text[256];

	const bool fails = atomic_load(&f->fail_completions) > 0;

	if (why != NULL)
		return fake_refuse(c, q, 400, why, "");
	if (fails)
		atomic_fetch_sub(&f->fail_completions, 1);
	if (fails && !atomic_load(&f->carries_out))
		return fake_say(c, q, 502, "", "", 0);
	for (p = u->parts; p != NULL; p = p->next, n_parts++)
		n += p->n;
	if ((all = malloc(n + 1)) == NULL)
		harness_die("no memory");
	for (n = 0, p = u->parts; p != NULL; n += p->n, p = p->next)
		memcpy(all + n, p->bytes, p->n);
	o = fake_keep(f, u->path, fake_copy_text(u->head), all, n, n_parts);
	drop(at);
	if (fails)
		return fake_say(c, q, 502, "", "", 0);
	(void)snprintf(text, sizeof text,
	    "<?xml version='1.0' encoding='UTF-8'?><CompleteMultipartUploadResult>"
	    "<ETag>\"%s\"</ETag></CompleteMultipartUploadResult>",
	    o->etag);
	return fake_say(c, q, 200, "", text, strlen(text));
}

static bool
list(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *bucket)
{
	char prefix[1024], begins[2200], date[64];
	struct mf_buf body = MF_BUF_INIT;
	const struct fake_upload *u;
	struct tm tm;

	harness_param(q, "prefix", prefix, sizeof prefix);
	(void)snprintf(begins, sizeof begins, "%s/%s", bucket, prefix);
	mf_buf_printf(&body,
	    "<?xml version='1.0' encoding='UTF-8'?><ListMultipartUploadsResult>"
	    "<Bucket>%s</Bucket><IsTruncated>false</IsTruncated>",
	    bucket);
	for (u = f->uploads; u != NULL; u = u->next) {
		if (strncmp(u->path, begins, strlen(begins)) != 0)
			continue;
		(void)strftime(
		    date, sizeof date, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&u->begun, &tm));
		mf_buf_printf(&body,
		    "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated>"
		    "</Upload>",
		    u->path + strlen(bucket) + 1, u->id, date);
	}
	mf_buf_printf(&body, "</ListMultipartUploadsResult>");
	if (body.failed)
		harness_die("no memory");
	fake_say(c, q, 200, "", body.data, body.len);
	mf_buf_fini(&body);
	return true;
}

static bool
list_parts(struct http_conn *c, const struct http_seen *q, const struct fake_upload *u)
{
	struct mf_buf body = MF_BUF_INIT;
	const struct fake_part *p;

	mf_buf_printf(&body, "<?xml version='1.0' encoding='UTF-8'?><ListPartsResult>");
	for (p = u->parts; p != NULL; p = p->next)
		mf_buf_printf(&body,
		    "<Part><PartNumber>%u</PartNumber><ETag>\"%s\"</ETag><Size>%zu</Size></Part>",
		    p->number, p->etag, p->n);
	mf_buf_printf(&body, "<IsTruncated>false</IsTruncated></ListPartsResult>");
	if (body.failed)
		harness_die("no memory");
	fake_say(c, q, 200, "", body.data, body.len);
	mf_buf_fini(&body);
	return true;
}

/* A request of an upload that has an id. The body is given up. */
static bool
go_on(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path,
    uint8_t *body, size_t n)
{
	struct fake_upload **at;
	char id[64];

	at = find(f, path, harness_param(q, "uploadId", id, sizeof id));
	if (*at != NULL && strcmp(q->method, "PUT") == 0 &&
	    strcasestr(q->head, "\r\nx-goog-copy-source:") == NULL)
		return take_part(f, c, q, *at, body, n);
	if (*at == NULL)
		fake_refuse(c, q, 404, "NoSuchUpload", "");
	else if (strcmp(q->method, "POST") == 0)
		complete(f, c, q, at, (const char *)body);
	else if (strcmp(q->method, "GET") == 0)
		list_parts(c, q, *at);
	else if (strcmp(q->method, "DELETE") == 0) {
		drop(at);
		fake_say(c, q, 204, "", "", 0);
	} else
		fake_refuse(c, q, 400, "InvalidArgument", "");
	free(body);
	return true;
}

bool
fake_parts(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path,
    uint8_t *body, size_t n)
{
	if (harness_has_param(q, "uploadId"))
		return go_on(f, c, q, path, body, n);
	if (!harness_has_param(q, "uploads"))
		return false;
	free(body);
	if (strcmp(q->method, "POST") == 0 && strchr(path, '/') != NULL)
		return begin(f, c, q, path);
	if (strcmp(q->method, "GET") == 0 && strchr(path, '/') == NULL)
		return list(f, c, q, path);
	return fake_refuse(c, q, 400, "InvalidArgument", "");
}
