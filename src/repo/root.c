/*
 * The bytes of a manifest root, and its signature.
 *
 *	u32 format, repository id[32], string model, version, parent, u64 created_us,
 *	u64 scanned_us, string tool, u32 flags, u64 entries, files, bytes, chunks,
 *	u32 tags {string key, value}, u32 metrics {string name, u64 IEEE 754 bits},
 *	u32 segments {id[32], u64 generation, u32 plaintext length},
 *	where flags has MF_ROOT_SHARD: u32 shard, u32 shards, u8 rules, digest of the listing[32],
 *	u8 signed, and if 1: public key[32], signature[64]
 *
 * The signature covers the domain string and every byte before `signed`. Segments are named
 * by a keyed hash of their plaintext and chunks likewise inside them, so that it covers all.
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/manifest.h"
#include "src/repo/signing_int.h"

#define NAME_MAX_BYTES MF_PAIR_KEY_MAX_BYTES
#define SIGNATURE_PART_BYTES (1 + 32 + 64)

void
mf_root_fini(struct mf_root *r)
{
	size_t i;

	free(r->model);
	free(r->version);
	free(r->parent);
	free(r->tool);
	for (i = 0; i < r->n_tags; i++) {
		free(r->tags[i].key);
		free(r->tags[i].value);
	}
	free(r->tags);
	for (i = 0; i < r->n_metrics; i++)
		free(r->metrics[i].name);
	free(r->metrics);
	free(r->segments);
	*r = (struct mf_root){0};
}

int
mf_root_check_tags(const struct mf_tag *tags, size_t n, struct mf_error *e)
{
	size_t i;

	if (n > MF_PAIRS_MAX)
		return mf_error_set(e, MF_EUSAGE, "%zu tags: a version has at most %d", n,
		    MF_PAIRS_MAX);
	for (i = 0; i < n; i++)
		if (strlen(tags[i].key) > MF_PAIR_KEY_MAX_BYTES ||
		    strlen(tags[i].value) > MF_PAIR_VALUE_MAX_BYTES)
			return mf_error_set(e, MF_EUSAGE,
			    "the tag %.100s is too long: a key has at most %d bytes, a value %d",
			    tags[i].key, MF_PAIR_KEY_MAX_BYTES, MF_PAIR_VALUE_MAX_BYTES);
	return 0;
}

int
mf_root_check_metrics(const struct mf_metric *metrics, size_t n, struct mf_error *e)
{
	size_t i;

	if (n > MF_PAIRS_MAX)
		return mf_error_set(e, MF_EUSAGE, "%zu metrics: a version has at most %d", n,
		    MF_PAIRS_MAX);
	for (i = 0; i < n; i++)
		if (strlen(metrics[i].name) > NAME_MAX_BYTES)
			return mf_error_set(e, MF_EUSAGE,
			    "the metric %.100s is too long: a name has at most %d bytes",
			    metrics[i].name, NAME_MAX_BYTES);
	return 0;
}

static void
put_body(const struct mf_root *r, struct mf_buf *b)
{
	uint64_t bits;
	size_t i;

	mf_buf_put_u32(b, MF_MANIFEST_FORMAT);
	mf_buf_put(b, r->repo_id, sizeof(r->repo_id));
	mf_buf_put_string(b, r->model);
	mf_buf_put_string(b, r->version);
	mf_buf_put_string(b, r->parent ? r->parent : "");
	mf_buf_put_u64(b, (uint64_t)r->created_us);
	mf_buf_put_u64(b, (uint64_t)r->scanned_us);
	mf_buf_put_string(b, r->tool ? r->tool : "");
	mf_buf_put_u32(b, r->flags);
	mf_buf_put_u64(b, r->n_entries);
	mf_buf_put_u64(b, r->n_files);
	mf_buf_put_u64(b, r->bytes);
	mf_buf_put_u64(b, r->n_chunks);
	mf_buf_put_u32(b, (uint32_t)r->n_tags);
	for (i = 0; i < r->n_tags; i++) {
		mf_buf_put_string(b, r->tags[i].key);
		mf_buf_put_string(b, r->tags[i].value);
	}
	mf_buf_put_u32(b, (uint32_t)r->n_metrics);
	for (i = 0; i < r->n_metrics; i++) {
		memcpy(&bits, &r->metrics[i].value, sizeof(bits));
		mf_buf_put_string(b, r->metrics[i].name);
		mf_buf_put_u64(b, bits);
	}
	mf_buf_put_u32(b, (uint32_t)r->n_segments);
	for (i = 0; i < r->n_segments; i++) {
		mf_buf_put(b, r->segments[i].id.bytes, MF_ID_BYTES);
		mf_buf_put_u64(b, r->segments[i].generation);
		mf_buf_put_u32(b, r->segments[i].plain_len);
	}
	if ((r->flags & MF_ROOT_SHARD) != 0) {
		mf_buf_put_u32(b, r->shard.number);
		mf_buf_put_u32(b, r->shard.of);
		mf_buf_put_u8(b, r->shard.rules);
		mf_buf_put(b, r->shard.listing, sizeof(r->shard.listing));
	}
}

int
mf_root_encode(struct mf_root *r, const struct mf_signer *signer, struct mf_buf *out,
    struct mf_error *e)
{
	size_t start = out->len;

	/* what a reader would refuse must not be written */
	if (mf_root_check_tags(r->tags, r->n_tags, e) != 0 ||
	    mf_root_check_metrics(r->metrics, r->n_metrics, e) != 0)
		return -1;
	put_body(r, out);
	if (out->failed)
		return mf_error_nomem(e, "a manifest");
	r->is_signed = signer != NULL;
	if (signer != NULL) {
		memcpy(r->signer, mf_signer_public(signer), sizeof(r->signer));
		if (mf_signing_sign(signer, MF_ROOT_SIGN_DOMAIN, out->data + start, out->len - start,
			r->signature, e) != 0)
			return -1;
	}
	mf_buf_put_u8(out, r->is_signed);
	if (r->is_signed) {
		mf_buf_put(out, r->signer, sizeof(r->signer));
		mf_buf_put(out, r->signature, sizeof(r->signature));
	}
	if (out->failed)
		return mf_error_nomem(e, "a manifest");
	if (out->len - start > MF_ROOT_MAX_BYTES)
		return mf_error_set(e, MF_EUSAGE,
		    "manifest of %s@%s: tags, metrics and segments take more than 1 MiB", r->model,
		    r->version);
	return 0;
}

static void
get_pairs(struct mf_reader *r, struct mf_root *out)
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
	for (i = 0; i < n; i++) {
		out->tags[i].key = mf_reader_string(r, NAME_MAX_BYTES);
		out->tags[i].value = mf_reader_string(r, MF_PAIR_VALUE_MAX_BYTES);
		out->n_tags = i + 1;
	}
}

static void
get_metrics(struct mf_reader *r, struct mf_root *out)
{
	uint32_t n = mf_reader_u32(r), i;
	uint64_t bits;

	if (r->failed || n > MF_PAIRS_MAX) {
		r->failed = true;
		return;
	}
	if ((out->metrics = calloc(n + 1, sizeof(*out->metrics))) == NULL) {
		r->failed = r->no_memory = true;
		return;
	}
	for (i = 0; i < n; i++) {
		out->metrics[i].name = mf_reader_string(r, NAME_MAX_BYTES);
		bits = mf_reader_u64(r);
		memcpy(&out->metrics[i].value, &bits, sizeof(bits));
		out->n_metrics = i + 1;
	}
}

static void
get_segments(struct mf_reader *r, struct mf_root *out)
{
	uint32_t n = mf_reader_u32(r), i;
	const uint8_t *p;

	if (r->failed || n > r->left / (MF_ID_BYTES + 12)) {
		r->failed = true;
		return;
	}
	if ((out->segments = calloc(n + 1, sizeof(*out->segments))) == NULL) {
		r->failed = r->no_memory = true;
		return;
	}
	for (i = 0; i < n; i++) {
		if ((p = mf_reader_bytes(r, MF_ID_BYTES)) != NULL)
			memcpy(out->segments[i].id.bytes, p, MF_ID_BYTES);
		out->segments[i].generation = mf_reader_u64(r);
		out->segments[i].plain_len = mf_reader_u32(r);
		if (out->segments[i].plain_len > MF_SEGMENT_MAX_BYTES)
			r->failed = true;
	}
	out->n_segments = n;
}

static void
get_shard(struct mf_reader *r, struct mf_root_shard *s)
{
	const uint8_t *p;

	s->number = mf_reader_u32(r);
	s->of = mf_reader_u32(r);
	s->rules = mf_reader_u8(r);
	if ((p = mf_reader_bytes(r, sizeof(s->listing))) != NULL)
		memcpy(s->listing, p, sizeof(s->listing));
	if (s->number < 1 || s->number > s->of || s->of > MF_SHARDS_MAX ||
	    (s->rules & ~(MF_LISTING_NO_INODE | MF_LISTING_NO_CTIME)) != 0)
		r->failed = true;
}

static void
get_signature(struct mf_reader *r, struct mf_root *out)
{
	uint8_t is_signed = mf_reader_u8(r);
	const uint8_t *p;

	if (is_signed > 1)
		r->failed = true;
	out->is_signed = is_signed == 1;
	if (!out->is_signed)
		return;
	if ((p = mf_reader_bytes(r, sizeof(out->signer))) != NULL)
		memcpy(out->signer, p, sizeof(out->signer));
	if ((p = mf_reader_bytes(r, sizeof(out->signature))) != NULL)
		memcpy(out->signature, p, sizeof(out->signature));
}

static void
get_body(struct mf_reader *r, struct mf_root *out)
{
	const uint8_t *p = mf_reader_bytes(r, sizeof(out->repo_id));

	if (p != NULL)
		memcpy(out->repo_id, p, sizeof(out->repo_id));
	out->model = mf_reader_string(r, NAME_MAX_BYTES);
	out->version = mf_reader_string(r, NAME_MAX_BYTES);
	out->parent = mf_reader_string(r, NAME_MAX_BYTES);
	out->created_us = (int64_t)mf_reader_u64(r);
	out->scanned_us = (int64_t)mf_reader_u64(r);
	out->tool = mf_reader_string(r, NAME_MAX_BYTES);
	out->flags = mf_reader_u32(r);
	out->n_entries = mf_reader_u64(r);
	out->n_files = mf_reader_u64(r);
	out->bytes = mf_reader_u64(r);
	out->n_chunks = mf_reader_u64(r);
	get_pairs(r, out);
	get_metrics(r, out);
	get_segments(r, out);
	if ((out->flags & MF_ROOT_SHARD) != 0)
		get_shard(r, &out->shard);
	get_signature(r, out);
}

int
mf_root_decode(const uint8_t *bytes, size_t n, struct mf_root *out, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);

	*out = (struct mf_root){0};
	if (n > MF_ROOT_MAX_BYTES)
		return mf_error_set(e, MF_EDAMAGED, "manifest root longer than 1 MiB");
	if (!r.failed && format != MF_MANIFEST_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "manifest of format %u", format);
	get_body(&r, out);
	if (!r.failed && (out->flags & ~(MF_ROOT_PARTIAL | MF_ROOT_SHARD)) != 0) {
		mf_error_set(e, MF_EUNSUPPORTED, "manifest with flags %#x", out->flags);
		mf_root_fini(out);
		return -1;
	}
	if (r.failed || r.left != 0) {
		mf_root_fini(out);
		return mf_reader_error(&r, e, "manifest root of a shape that cannot be");
	}
	return 0;
}

int
mf_root_verify(const struct mf_root *r, const uint8_t *bytes, size_t n,
    const struct mf_trust *trust, int64_t now_us, struct mf_error *e)
{
	if (!r->is_signed)
		return mf_error_set(e, MF_EKEY, "%s@%s is not signed, and --trusted-keys demands it",
		    r->model, r->version);
	if (mf_signing_verify(trust, r->signer, MF_ROOT_SIGN_DOMAIN, bytes,
		n - SIGNATURE_PART_BYTES, r->signature, now_us, e) != 0)
		return mf_error_while(e, "checking the signature of %s@%s", r->model, r->version);
	return 0;
}
