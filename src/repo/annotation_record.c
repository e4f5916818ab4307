/*
 * The bytes of an annotation:
 *	u32 format, digest[32] of the root it is about, u64 time_us, u8 rejected (0 nothing,
 *	1 rejected, 2 cleared), string reason, string by, u32 tags {string key, value}
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/annotation_int.h"

#define ANNOTATION_FORMAT 1
#define REASON_MAX_BYTES 65536
#define BY_MAX_BYTES 1024

void
mf_annotation_record_fini(struct mf_annotation_record *x)
{
	size_t i;

	for (i = 0; i < x->n_tags; i++) {
		free(x->tags[i].key);
		free(x->tags[i].value);
	}
	free(x->tags);
	free(x->reason);
	free(x->by);
	*x = (struct mf_annotation_record){0};
}

/* What a reader would refuse must not be written: it would stand beside the version for ever. */
int
mf_annotation_check(const struct mf_annotation *a, struct mf_error *e)
{
	if (a->reason != NULL && strlen(a->reason) > REASON_MAX_BYTES)
		return mf_error_set(
		    e, MF_EUSAGE, "the reason is longer than %d bytes", REASON_MAX_BYTES);
	if (a->by != NULL && strlen(a->by) > BY_MAX_BYTES)
		return mf_error_set(
		    e, MF_EUSAGE, "the name of who does it is longer than %d bytes", BY_MAX_BYTES);
	return mf_root_check_tags(a->tags, a->n_tags, e);
}

int
mf_annotation_encode(const struct mf_annotation *a, const uint8_t digest[32], int64_t time_us,
    struct mf_buf *out, struct mf_error *e)
{
	size_t i;

	if (mf_annotation_check(a, e) != 0)
		return -1;
	mf_buf_put_u32(out, ANNOTATION_FORMAT);
	mf_buf_put(out, digest, 32);
	mf_buf_put_u64(out, (uint64_t)time_us);
	mf_buf_put_u8(out, a->rejected == 1 ? 1 : a->rejected == -1 ? 2 : 0);
	mf_buf_put_string(out, a->reason ? a->reason : "");
	mf_buf_put_string(out, a->by ? a->by : "");
	mf_buf_put_u32(out, (uint32_t)a->n_tags);
	for (i = 0; i < a->n_tags; i++) {
		mf_buf_put_string(out, a->tags[i].key);
		mf_buf_put_string(out, a->tags[i].value);
	}
	return out->failed ? mf_error_nomem(e, "an annotation") : 0;
}

static void
get_tags(struct mf_reader *r, struct mf_annotation_record *out)
{
	uint32_t n = mf_reader_u32(r), i;

	if (r->failed || n > MF_PAIRS_MAX) {
		r->failed = true;
		return;
	}
	if ((out->tags = calloc(n + 1, sizeof(*out->tags))) == NULL) {
		r->failed = r->no_memory = true;
		return;
	}
	for (i = 0; i < n && !r->failed; i++) {
		out->tags[i].key = mf_reader_string(r, MF_PAIR_KEY_MAX_BYTES);
		out->tags[i].value = mf_reader_string(r, MF_PAIR_VALUE_MAX_BYTES);
		out->n_tags = i + 1;
	}
}

int
mf_annotation_decode(
    const uint8_t *bytes, size_t n, struct mf_annotation_record *out, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *p;
	unsigned rejected;

	*out = (struct mf_annotation_record){0};
	if (!r.failed && format != ANNOTATION_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "annotation of format %u", format);
	if ((p = mf_reader_bytes(&r, sizeof(out->digest))) != NULL)
		memcpy(out->digest, p, sizeof(out->digest));
	out->time_us = (int64_t)mf_reader_u64(&r);
	rejected = mf_reader_u8(&r);
	out->rejected = rejected == 2 ? -1 : (int)rejected;
	out->reason = mf_reader_string(&r, REASON_MAX_BYTES);
	out->by = mf_reader_string(&r, BY_MAX_BYTES);
	get_tags(&r, out);
	if (r.failed || r.left != 0 || rejected > 2) {
		mf_annotation_record_fini(out);
		return mf_reader_error(&r, e, "annotation of a shape that cannot be");
	}
	return 0;
}
