/* Listing: ListObjectsV2, whose continuation tokens are the last keys. With a delimiter, which is a
 * '/', nothing is truncated. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/net/url.h"
#include "tests/harness/memory_s3_int.h"

static void
put_object(struct mf_buf *out, const struct harness_object *o, const char *key)
{
	char date[HARNESS_DATE_BYTES];

	harness_iso_date(date, o->changed);
	mf_buf_printf(out, "<Contents><Key>");
	mf_url_encode(out, key, strlen(key), "/");
	mf_buf_printf(out,
	    "</Key><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag><Size>%zu</Size>"
	    "<StorageClass>STANDARD</StorageClass></Contents>",
	    date, o->etag, o->n);
}

/* A number of keys that the request wants at most. */
static unsigned
page_of(const struct memory_s3 *m, const struct s3_query *q)
{
	char text[32];
	unsigned long n;

	if (harness_param(q->seen, "max-keys", text, sizeof text)[0] == '\0')
		return m->page;
	n = strtoul(text, NULL, 10);
	return n < m->page ? (unsigned)n : m->page;
}

void
s3_list(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply)
{
	char prefix[1100], after[1100], begin[S3_PATH_BYTES + 1100], type[8], delimiter[8];
	const size_t skip = strlen(q->path) + 1;
	const char *child = NULL;
	struct mf_buf body = MF_BUF_INIT, contents = MF_BUF_INIT;
	const struct harness_object *o, *last = NULL;
	unsigned n = 0, page = page_of(m, q);

	if (strcmp(harness_param(q->seen, "list-type", type, sizeof type), "2") != 0) {
		s3_refuse(q, reply, 501, "NotImplemented", "");
		return;
	}
	harness_param(q->seen, "prefix", prefix, sizeof prefix);
	if (harness_param(q->seen, "continuation-token", after, sizeof after)[0] == '\0')
		harness_param(q->seen, "start-after", after, sizeof after);
	harness_param(q->seen, "delimiter", delimiter, sizeof delimiter);
	(void)snprintf(begin, sizeof begin, "%s/%s", q->path, prefix);
	for (o = m->objects; o != NULL; o = o->next) {
		if (strncmp(o->path, begin, strlen(begin)) != 0 ||
		    (after[0] != '\0' && strcmp(o->path + skip, after) <= 0))
			continue;
		if (delimiter[0] != '\0' && strchr(o->path + strlen(begin), '/') != NULL) {
			harness_put_child(&contents, o->path + skip, strlen(prefix), &child);
			continue;
		}
		if (n == page && delimiter[0] == '\0')
			break;
		n++;
		put_object(&contents, last = o, o->path + skip);
	}
	mf_buf_printf(&body,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
	    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>%s</Name>"
	    "<EncodingType>url</EncodingType><KeyCount>%u</KeyCount><IsTruncated>%s</IsTruncated>",
	    q->path, n, o != NULL ? "true" : "false");
	if (o != NULL && last != NULL)
		mf_buf_printf(
		    &body, "<NextContinuationToken>%s</NextContinuationToken>", last->path + skip);
	mf_buf_put(&body, contents.data, contents.len);
	mf_buf_printf(&body, "</ListBucketResult>");
	mf_buf_fini(&contents);
	s3_say_xml(q, reply, &body);
}
