/* Uploads in parts. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "src/net/url.h"
#include "tests/harness/memory_s3_int.h"

void
s3_forget_upload(struct s3_upload **at)
{
	struct s3_upload *u = *at;
	unsigned i;

	*at = u->next;
	for (i = 0; i < S3_PARTS; i++)
		free(u->parts[i].bytes);
	free(u->path);
	free(u->head);
	free(u);
}

/* The one that the request names. NULL: it was refused. */
static struct s3_upload **
find(struct memory_s3 *m, const struct s3_query *q, struct s3_reply *reply)
{
	struct s3_upload **at = &m->uploads;
	char id[32];

	harness_param(q->seen, "uploadId", id, sizeof id);
	while (*at != NULL &&
	       ((*at)->id != (unsigned)strtoul(id, NULL, 10) || strcmp((*at)->path, q->path) != 0))
		at = &(*at)->next;
	if (*at != NULL)
		return at;
	s3_refuse(q, reply, 404, "NoSuchUpload", "");
	return NULL;
}

void
s3_begin_upload(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct s3_upload *u = calloc(1, sizeof *u);
	struct mf_buf body = MF_BUF_INIT;

	if (u == NULL || (u->path = strdup(q->path)) == NULL ||
	    (u->head = strdup(q->seen->head)) == NULL)
		harness_die("no memory");
	u->id = ++m->n_uploads;
	u->begun = q->now;
	u->next = m->uploads;
	m->uploads = u;
	mf_buf_printf(&body,
	    "<InitiateMultipartUploadResult><UploadId>%u</UploadId>"
	    "</InitiateMultipartUploadResult>",
	    u->id);
	s3_say_xml(q, reply, &body);
}

void
s3_put_part(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct s3_upload **at = find(m, q, reply);
	char number[16];
	unsigned long i;

	if (at == NULL)
		return;
	i = strtoul(harness_param(q->seen, "partNumber", number, sizeof number), NULL, 10) - 1;
	if (i >= S3_PARTS) {
		s3_refuse(q, reply, 400, "InvalidArgument", "");
		return;
	}
	free((*at)->parts[i].bytes);
	(*at)->parts[i].bytes = q->body;
	(*at)->parts[i].n = q->n;
	s3_etag(q->body, q->n, (*at)->parts[i].etag);
	q->body = NULL;
	reply->status = 200;
	mf_buf_printf(&reply->headers, "ETag: \"%s\"\r\n", (*at)->parts[i].etag);
}

/* Two a page, so that clients must go on. */
void
s3_list_parts(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct s3_upload **at = find(m, q, reply);
	struct mf_buf body = MF_BUF_INIT;
	unsigned i, n = 0, next = 0;
	bool truncated = false;
	char marker[16];

	if (at == NULL)
		return;
	harness_param(q->seen, "part-number-marker", marker, sizeof marker);
	mf_buf_printf(&body, "<ListPartsResult>");
	for (i = (unsigned)strtoul(marker, NULL, 10); i < S3_PARTS && !truncated; i++) {
		if ((*at)->parts[i].bytes == NULL)
			continue;
		truncated = n == 2;
		if (truncated)
			break;
		next = i + 1;
		n++;
		mf_buf_printf(&body,
		    "<Part><PartNumber>%u</PartNumber><ETag>&quot;%s&quot;</ETag><Size>%zu</Size>"
		    "</Part>",
		    next, (*at)->parts[i].etag, (*at)->parts[i].n);
	}
	mf_buf_printf(&body,
	    "<IsTruncated>%s</IsTruncated><NextPartNumberMarker>%u</NextPartNumberMarker>"
	    "</ListPartsResult>",
	    truncated ? "true" : "false", next);
	s3_say_xml(q, reply, &body);
}

/* The MD5 of the MD5s of its parts, and their number. */
static void
composite(const struct s3_upload *u, unsigned n, char out[S3_ETAG_BYTES])
{
	struct mf_buf all = MF_BUF_INIT;
	uint8_t md5[16];
	unsigned i;

	for (i = 0; i < n; i++) {
		s3_md5(u->parts[i].bytes, u->parts[i].n, md5);
		mf_buf_put(&all, md5, sizeof md5);
	}
	s3_etag(all.data, all.len, out);
	(void)snprintf(out + 32, S3_ETAG_BYTES - 32, "-%u", n);
	mf_buf_fini(&all);
}

/* Parts 1 to n are there, and named as they are: how many; 0: they are not. */
static unsigned
named_parts(const struct s3_upload *u, const char *document)
{
	const char *at = document;
	unsigned n = 0;

	for (; (at = strstr(at, "<ETag>")) != NULL; at++, n++)
		if (n == S3_PARTS || u->parts[n].bytes == NULL ||
		    strncmp(at + 6 + strcspn(at + 6, "0123456789abcdef"), u->parts[n].etag, 32) !=
			0)
			return 0;
	return n;
}

void
s3_complete_upload(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct s3_upload **at = find(m, q, reply);
	struct mf_buf all = MF_BUF_INIT, body = MF_BUF_INIT;
	struct harness_object *o;
	unsigned i, n;
	uint8_t *bytes;
	size_t len;

	if (at == NULL)
		return;
	if ((n = named_parts(*at, (const char *)q->body)) == 0) {
		s3_refuse(q, reply, 400, "InvalidPart", "");
		return;
	}
	for (i = 0; i < n; i++)
		mf_buf_put(&all, (*at)->parts[i].bytes, (*at)->parts[i].n);
	if ((bytes = mf_buf_take(&all, &len)) == NULL)
		harness_die("no memory");
	o = harness_keep(
	    harness_find(&m->objects, q->path), q->path, (*at)->head, bytes, len, q->now);
	composite(*at, n, o->etag);
	s3_forget_upload(at);
	mf_buf_printf(&body,
	    "<CompleteMultipartUploadResult><ETag>&quot;%s&quot;</ETag>"
	    "</CompleteMultipartUploadResult>",
	    o->etag);
	s3_say_xml(q, reply, &body);
}

void
s3_abort_upload(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	struct s3_upload **at = find(m, q, reply);

	if (at == NULL)
		return;
	s3_forget_upload(at);
	reply->status = 204;
}

void
s3_list_uploads(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	const size_t skip = strlen(q->path) + 1;
	struct mf_buf body = MF_BUF_INIT;
	char date[HARNESS_DATE_BYTES], prefix[1100];
	const struct s3_upload *u;

	harness_param(q->seen, "prefix", prefix, sizeof prefix);
	mf_buf_printf(&body, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>");
	for (u = m->uploads; u != NULL; u = u->next) {
		if (strncmp(u->path + skip, prefix, strlen(prefix)) != 0)
			continue;
		harness_iso_date(date, u->begun);
		mf_buf_printf(&body, "<Upload><Key>");
		mf_url_encode(&body, u->path + skip, strlen(u->path + skip), "/");
		mf_buf_printf(&body,
		    "</Key><UploadId>%u</UploadId><Initiated>%s</Initiated></Upload>", u->id, date);
	}
	mf_buf_printf(&body, "</ListMultipartUploadsResult>");
	s3_say_xml(q, reply, &body);
}
