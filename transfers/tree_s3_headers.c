/* What headers say of objects, in the words of each dialect. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/crc32c.h"
#include "src/base/units.h"
#include "transfers/s3_time.h"
#include "transfers/tree_s3_int.h"

#define GIB ((uint64_t)1 << 30)

static const struct s3_tree_words aws = {
    .meta = "x-amz-meta-",
    .mtime = "x-amz-meta-mtime",
    .md5 = "x-amz-meta-md5chksum",
    .part_bytes = "x-amz-meta-modelferry-part-bytes",
    .directive = "x-amz-metadata-directive",
    .copy_source = "x-amz-copy-source",
    .copy_source_match = "x-amz-copy-source-if-match",
    .copy_range = "x-amz-copy-source-range",
    .copy_slash = "/",
    .copy_bytes_max = 5 * GIB,
    .storage_class = "x-amz-storage-class",
    .batches = true,
};

/* Google unpacks objects of the encoding gzip for whoever does not take that. The ETag of what was
 * put in parts "is not based on an MD5 hash" (XML API, complete multipart upload), whatever it
 * looks like; but every object has a CRC-32C. */
static const struct s3_tree_words google = {
    .meta = "x-goog-meta-",
    .mtime = "x-goog-meta-mtime",
    .md5 = "x-goog-meta-md5chksum",
    .mtime_s = "x-goog-meta-goog-reserved-file-mtime",
    .directive = "x-goog-metadata-directive",
    .copy_source = "x-goog-copy-source",
    .copy_source_match = "x-goog-copy-source-if-match",
    .copy_slash = "",
    .stored_bytes = "x-goog-stored-content-length",
    .storage_class = "x-goog-storage-class",
    .as_stored = {"Accept-Encoding", "gzip"},
};

const struct s3_tree_words *
s3_tree_words_of(const struct mf_s3_dialect *d)
{
	return d == &mf_s3_goog4 ? &google : &aws;
}

/* ---- reading ---- */

static bool
has_foreign_tag(const struct mf_http_response *r)
{
	static const char *const keys[] = {"x-amz-server-side-encryption-customer-algorithm",
	    "x-goog-encryption-kms-key-name", "x-goog-encryption-algorithm"};
	const char *sse = mf_http_response_header(r, "x-amz-server-side-encryption");
	size_t i;

	if (sse != NULL && strncmp(sse, "aws:kms", 7) == 0)
		return true;
	for (i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (mf_http_response_header(r, keys[i]) != NULL)
			return true;
	return false;
}

void
s3_tree_note_keys(struct s3_tree *t, const struct mf_http_response *r)
{
	if (has_foreign_tag(r))
		atomic_store(&t->no_md5, true);
}

/* The MD5 that a checksum header tells of the object. */
static bool
read_sum(const struct s3_tree *t, const struct mf_http_response *r, uint8_t md5[MF_TREE_MD5_BYTES])
{
	char text[S3_TREE_MD5_BYTES];

	return s3_sum_told(t->s, r, "md5=", text, sizeof text) && s3_tree_parse_md5(text, md5) == 0;
}

static void
read_md5(struct s3_tree *t, const struct mf_http_response *r, struct mf_tree_entry *out)
{
	const char *md5 = mf_http_response_header(r, t->words->md5);
	uint8_t tag[MF_TREE_MD5_BYTES];
	const bool told = read_sum(t, r, out->md5);
	const bool is_md5 = s3_tree_tag_is_md5(out->tag, tag);

	s3_tree_note_keys(t, r);
	if (told && is_md5 && memcmp(tag, out->md5, sizeof tag) != 0)
		atomic_store(&t->no_md5, true);
	out->has_md5 = told || (md5 != NULL && s3_tree_parse_md5(md5, out->md5) == 0);
	if (out->has_md5 || !is_md5 || atomic_load(&t->no_md5))
		return;
	memcpy(out->md5, tag, sizeof tag);
	out->has_md5 = true;
}

static void
read_mtime(const struct s3_tree *t, const struct mf_http_response *r, struct mf_tree_entry *out)
{
	const struct s3_tree_words *w = t->words;
	const char *mtime = mf_http_response_header(r, w->mtime);
	const char *seconds = w->mtime_s != NULL ? mf_http_response_header(r, w->mtime_s) : NULL;

	out->has_mtime =
	    mtime != NULL &&
	    (s3_tree_parse_mtime(mtime, &out->mtime_ns) == 0 ||
		(w->mtime_s != NULL && s3_tree_parse_rfc3339(mtime, &out->mtime_ns) == 0));
	if (!out->has_mtime && seconds != NULL)
		out->has_mtime = s3_tree_parse_mtime(seconds, &out->mtime_ns) == 0;
}

void
s3_tree_read_headers(struct s3_tree *t, const struct mf_http_response *r, struct mf_tree_entry *out)
{
	const char *etag = mf_http_response_header(r, "ETag");
	const char *modified = mf_http_response_header(r, "Last-Modified");

	s3_tree_copy_tag(etag != NULL ? etag : "", out->tag);
	read_md5(t, r, out);
	s3_tree_read_parts(t, r, out);
	read_mtime(t, r, out);
	if (modified == NULL || mf_s3_time_parse_http(modified, &out->stored_us) != 0)
		out->stored_us = 0;
}

int64_t
s3_tree_read_size(const struct s3_tree *t, const struct mf_http_response *r)
{
	const char *stored = t->words->stored_bytes != NULL
				 ? mf_http_response_header(r, t->words->stored_bytes)
				 : NULL;
	uint64_t size;

	if (stored != NULL && mf_parse_u64(stored, INT64_MAX, &size, NULL) == 0)
		return (int64_t)size;
	return r->content_length;
}

/* ---- writing ---- */

static void
add_mtime(struct s3_tree_mtimes *out, const char *name)
{
	out->headers[out->n] = (struct mf_s3_header){name, out->texts[out->n]};
	out->n++;
}

void
s3_tree_print_mtimes(const struct s3_tree *t, int64_t ns, struct s3_tree_mtimes *out)
{
	const struct s3_tree_words *w = t->words;

	out->n = 0;
	if (w->mtime_s == NULL) {
		s3_tree_print_mtime(ns, out->texts[0]);
		add_mtime(out, w->mtime);
		return;
	}
	s3_tree_print_rfc3339(ns, out->texts[0]);
	add_mtime(out, w->mtime);
	/* the second that it lies in, also before 1970 */
	(void)snprintf(out->texts[1], sizeof out->texts[1], "%" PRId64,
	    ns / 1000000000 - (ns % 1000000000 < 0));
	add_mtime(out, w->mtime_s);
}

void
s3_tree_put_headers(
    const struct s3_tree *t, int64_t mtime_ns, const uint8_t *md5, struct s3_tree_headers *out)
{
	size_t i;

	memcpy(out->headers, t->s->headers, t->s->n_headers * sizeof out->headers[0]);
	out->n = t->s->n_headers;
	s3_tree_print_mtimes(t, mtime_ns, &out->mtimes);
	for (i = 0; i < out->mtimes.n; i++)
		out->headers[out->n++] = out->mtimes.headers[i];
	if (md5 == NULL)
		return;
	s3_tree_print_md5(md5, out->md5);
	out->headers[out->n++] = (struct mf_s3_header){t->words->md5, out->md5};
}

uint32_t
s3_tree_add_sum(const struct s3_tree *t, const void *bytes, size_t n, struct s3_tree_headers *out)
{
	const char *name = t->s->dialect->sum_header;
	uint32_t sum;

	if (name == NULL)
		return 0;
	sum = mf_crc32c(0, bytes, n);
	out->headers[out->n++] = (struct mf_s3_header){name, s3_sum_print(sum, out->sum)};
	return sum;
}

int
s3_tree_check_sum(const struct s3_tree *t, const char *path, const struct mf_http_response *r,
    const void *bytes, size_t n, struct mf_error *e)
{
	if (s3_sum_fits(t->s, r, bytes, n))
		return 0;
	return mf_error_set(e, MF_ETRANSFER,
	    "%s/%s arrived as something else than was sent, by its checksum", t->s->label, path);
}
