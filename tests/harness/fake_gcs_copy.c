/* Copies within the store ("PUT Object - Copy" of the XML API). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/net/url.h"
#include "tests/harness/fake_gcs_int.h"

/* "bucket/key" of the header. */
static const char *
source_path(const struct http_seen *q, char out[2048])
{
	struct mf_buf decoded = MF_BUF_INIT;
	char value[4096];
	const char *at;

	http_seen_header(q, "x-goog-copy-source", value, sizeof value);
	if (mf_url_decode(&decoded, value, strlen(value)) != 0 || mf_buf_cstr(&decoded) == NULL)
		harness_die("a copy source that cannot be read");
	at = mf_buf_cstr(&decoded);
	(void)snprintf(out, 2048, "%s", at + (*at == '/'));
	mf_buf_fini(&decoded);
	return out;
}

static bool
is_another(const struct http_seen *q, const struct fake_object *o)
{
	char match[128], etag[80];

	(void)snprintf(etag, sizeof etag, "\"%s\"", o->etag);
	http_seen_header(q, "x-goog-copy-source-if-match", match, sizeof match);
	return match[0] != '\0' && strcmp(match, etag) != 0;
}

bool
fake_copy(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path)
{
	char from[2048], directive[32], text[256], headers[FAKE_HEAD_BYTES];
	const struct fake_object *o, *copy;
	struct fake_object **at = fake_find(f, source_path(q, from));
	bool replace;

	if (!fake_is_there(at, from))
		return fake_refuse(c, q, 404, "NoSuchKey", "");
	o = *at;
	http_seen_header(q, "x-goog-metadata-directive", directive, sizeof directive);
	replace = strcmp(directive, "REPLACE") == 0;
	if (!replace && strcmp(from, path) == 0)
		return fake_refuse(c, q, 400, "InvalidRequest", "");
	if (is_another(q, o))
		return fake_refuse(c, q, 412, "PreconditionFailed", "");
	copy = fake_keep(f, path, fake_copy_text(replace ? q->head : o->head),
	    fake_copy_bytes(o->bytes, o->n), o->n, o->n_parts);
	fake_put_head(copy, headers);
	(void)snprintf(text, sizeof text,
	    "<?xml version='1.0' encoding='UTF-8'?><CopyObjectResult><ETag>\"%s\"</ETag>"
	    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></CopyObjectResult>",
	    copy->etag);
	return fake_say(c, q, 200, headers, text, strlen(text));
}
