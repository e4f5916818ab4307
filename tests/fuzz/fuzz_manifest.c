/* Manifest segments and roots, as a hostile writer with the data key could make them: what is
 * taken says the same when it is written again. */
#include "tests/fuzz/fuzz_check.h"

#include "src/repo/verify_int.h"

#define SIGNATURE_BYTES (32 + 64)

static void
check_same_chunk(const struct mf_chunk_ref *a, const struct mf_chunk_ref *b)
{
	fuzz_require(memcmp(&a->id, &b->id, sizeof(a->id)) == 0 && a->generation == b->generation);
	fuzz_require(memcmp(a->checksum, b->checksum, sizeof(a->checksum)) == 0);
	fuzz_require(a->plain_len == b->plain_len);
}

static void
check_same(const struct mf_listing *a, const struct mf_listing *b)
{
	const struct mf_entry *x, *y;
	size_t i;

	fuzz_require(a->n_entries == b->n_entries && a->n_slices == b->n_slices);
	for (i = 0; i < a->n_entries; i++) {
		x = &a->entries[i];
		y = &b->entries[i];
		fuzz_require(x->type == y->type && x->mode == y->mode && x->size == y->size &&
			     x->inode == y->inode && x->mtime_ns == y->mtime_ns &&
			     x->ctime_ns == y->ctime_ns && x->first_slice == y->first_slice &&
			     x->n_slices == y->n_slices);
		fuzz_require(strcmp(x->path, y->path) == 0 && strcmp(x->target, y->target) == 0);
		fuzz_require(memcmp(x->checksum, y->checksum, sizeof(x->checksum)) == 0);
	}
	for (i = 0; i < a->n_slices; i++) {
		fuzz_require(a->slices[i].offset == b->slices[i].offset &&
			     a->slices[i].len == b->slices[i].len);
		check_same_chunk(&a->chunks[a->slices[i].chunk], &b->chunks[b->slices[i].chunk]);
	}
}

static void
check_again(const struct mf_listing *l)
{
	size_t next = 0, slice = 0;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_listing back = {0};
	struct mf_error e = {0};

	while (next < l->n_entries) {
		mf_buf_clear(&b);
		fuzz_require(mf_segment_encode(l, &next, &slice, &b, &e) == 0);
		fuzz_require(mf_segment_decode(b.data, b.len, &back, &e) == 0);
	}
	check_same(l, &back);
	mf_listing_fini(&back);
	mf_buf_fini(&b);
}

static int
count(void *arg, const struct mf_chunk_ref *chunk)
{
	size_t *n = arg;

	(*n)++;
	return chunk->plain_len > MF_CHUNK_MAX_BYTES;
}

static void
check_segment(const uint8_t *data, size_t n)
{
	struct mf_listing l = {0};
	struct mf_error e = {0};
	size_t chunks = 0, i;

	if (mf_segment_decode(data, n, &l, &e) != 0) {
		fuzz_require_error(&e);
		mf_listing_fini(&l);
		return;
	}
	for (i = 0; i < l.n_entries; i++)
		fuzz_require(mf_listing_find(&l, l.entries[i].path) == &l.entries[i]);
	fuzz_require(
	    mf_segment_each_chunk(data, n, count, &chunks, &e) == 0 && chunks == l.n_chunks);
	check_again(&l);
	mf_listing_fini(&l);
}

/* One segment by itself, which may go on with a file of the one before. */
static void
check_by_itself(const uint8_t *data, size_t n)
{
	struct mf_listing l = {0};
	struct mf_error e = {0};
	bool continues;

	if (verify_decode_segment(data, n, &l, &continues, &e) != 0)
		fuzz_require_error(&e);
	else
		fuzz_require(verify_entries_of(&l, continues) <= n);
	mf_listing_fini(&l);
}

/* The second of two in a row may go on with the last entry of the first. */
static void
check_two(const uint8_t *data, size_t n, size_t half)
{
	struct mf_listing l = {0};
	struct mf_error e = {0};

	if (mf_segment_decode(data, half, &l, &e) == 0 &&
	    mf_segment_decode(data + half, n - half, &l, &e) == 0)
		check_again(&l);
	mf_listing_fini(&l);
}

static void
check_root(const uint8_t *data, size_t n)
{
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_root r;
	bool was_signed;

	if (mf_root_decode(data, n, &r, &e) != 0) {
		fuzz_require_error(&e);
		return;
	}
	was_signed = r.is_signed;
	fuzz_require(mf_root_encode(&r, NULL, &b, &e) == 0);
	fuzz_require(b.len + (was_signed ? SIGNATURE_BYTES : 0) == n);
	fuzz_require(memcmp(b.data, data, b.len - 1) == 0);
	mf_buf_fini(&b);
	mf_root_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_two(data, n, n / 2);
	check_segment(data, n);
	check_by_itself(data, n);
	check_root(data, n);
	return 0;
}
