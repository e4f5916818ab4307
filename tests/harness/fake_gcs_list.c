/* Listing: ListObjectsV2 in the words of the XML API. With a delimiter, which is a '/', nothing is
 * truncated. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/buf.h"
#include "src/net/url.h"
#include "tests/harness/fake_gcs_int.h"

static void
put_object(struct mf_buf *out, const struct fake_object *o, const char *key)
{
	char date[HARNESS_DATE_BYTES];

	harness_iso_date(date, o->changed);
	mf_buf_printf(out, "<Contents><Key>");
	mf_url_encode(out, key, strlen(key), "/");
	mf_buf_printf(out,
	    "</Key><Generation>%llu</Generation><MetaGeneration>1</MetaGeneration>"
	    "<LastModified>%s</LastModified><ETag>\"%s\"</ETag><Size>%zu</Size></Contents>",
	    (unsigned long long)o->generation, date, o->etag, o->n);
}

bool
fake_list(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *bucket)
{
	char prefix[1024], after[1024], max[32], delimiter[8], begin[2200];
	const struct fake_object *o, *last = NULL;
	struct mf_buf body = MF_BUF_INIT, contents = MF_BUF_INIT;
	unsigned page = f->params.page != 0 ? f->params.page : 1000, n = 0;
	const char *key, *child = NULL;

	harness_param(q, "prefix", prefix, sizeof prefix);
	if (harness_param(q, "continuation-token", after, sizeof after)[0] == '\0')
		harness_param(q, "start-after", after, sizeof after);
	harness_param(q, "delimiter", delimiter, sizeof delimiter);
	if (strcmp(harness_param(q, "list-type", max, sizeof max), "2") != 0)
		return fake_refuse(c, q, 400, "InvalidArgument", "");
	if (atoi(harness_param(q, "max-keys", max, sizeof max)) < (int)page && max[0] != '\0')
		page = (unsigned)atoi(max);
	(void)snprintf(begin, sizeof begin, "%s/%s", bucket, prefix);
	for (o = f->objects; o != NULL; o = o->next) {
		key = o->path + strlen(bucket) + 1;
		if (strncmp(o->path, begin, strlen(begin)) != 0 ||
		    (after[0] != '\0' && strcmp(key, after) <= 0))
			continue;
		if (delimiter[0] != '\0' && strchr(key + strlen(prefix), '/') != NULL) {
			harness_put_child(&contents, key, strlen(prefix), &child);
			continue;
		}
		if (n++ == page && delimiter[0] == '\0')
			break;
		put_object(&contents, o, key);
		last = o;
	}
	mf_buf_printf(&body,
	    "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult "
	    "xmlns='http://doc.s3.amazonaws.com/2006-03-01'><Name>%s</Name>"
	    "<EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>",
	    bucket, o != NULL ? "true" : "false");
	if (o != NULL && last != NULL)
		mf_buf_printf(&body, "<NextContinuationToken>%s</NextContinuationToken>",
		    last->path + strlen(bucket) + 1);
	mf_buf_put(&body, contents.data, contents.len);
	mf_buf_printf(&body, "</ListBucketResult>");
	if (body.failed || contents.failed)
		harness_die("no memory");
	atomic_fetch_add(&f->counts[FAKE_GCS_PAGES], 1);
	fake_say(c, q, 200, "Content-Type: application/xml\r\n", body.data, body.len);
	mf_buf_fini(&body);
	mf_buf_fini(&contents);
	return true;
}
