/* Partial manifests, as a hostile writer with the data key could make them: what is taken says the
 * same when it is written again, and what is put together is the listing of a version. */
#include "tests/fuzz/fuzz_check.h"

#include "src/repo/partial_int.h"
#include "src/repo/shard_int.h"

#define PARTS 3

static void
check_again(const struct mf_listing *l)
{
	size_t next = 0, slice = 0, i;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_listing back = {.is_partial = l->is_partial};
	struct mf_error e = {0};

	while (next < l->n_entries) {
		mf_buf_clear(&b);
		fuzz_require(mf_segment_encode(l, &next, &slice, &b, &e) == 0);
		fuzz_require(mf_segment_decode(b.data, b.len, &back, &e) == 0);
	}
	fuzz_require(back.n_entries == l->n_entries && back.n_slices == l->n_slices);
	for (i = 0; i < l->n_entries; i++)
		fuzz_require(back.entries[i].lacks_checksum == l->entries[i].lacks_checksum &&
		    strcmp(back.entries[i].path, l->entries[i].path) == 0);
	for (i = 0; i < l->n_slices; i++)
		fuzz_require(back.slices[i].len == l->slices[i].len &&
		    (back.slices[i].chunk == MF_SLICE_ELSEWHERE) ==
			(l->slices[i].chunk == MF_SLICE_ELSEWHERE));
	mf_listing_fini(&back);
	mf_buf_fini(&b);
}

/* Every file has all its bytes, from chunks that there are. */
static void
check_merged(const struct mf_listing *l)
{
	const struct mf_entry *x;
	size_t i, k;
	uint64_t bytes;

	for (i = 0; i < l->n_entries; i++) {
		x = &l->entries[i];
		for (k = 0, bytes = 0; k < x->n_slices; k++) {
			fuzz_require(l->slices[x->first_slice + k].chunk < l->n_chunks);
			bytes += l->slices[x->first_slice + k].len;
		}
		fuzz_require(!x->lacks_checksum && (x->type != MF_ENTRY_FILE || bytes == x->size));
		fuzz_require(i == 0 || mf_path_compare(x[-1].path, x->path) < 0);
	}
	check_again(l);
}

/* The input is up to three segments, each a block, of one shard each. */
static void
check_parts(const uint8_t *data, size_t n)
{
	struct mf_listing parts[PARTS], out = {0};
	size_t chunk_end[PARTS], i, k;
	struct mf_reader r = mf_reader_of(data, n);
	const uint8_t *segment;
	struct mf_error e = {0};
	uint8_t digest[MF_LISTING_DIGEST_BYTES];

	for (i = 0; i < PARTS; i++) {
		parts[i] = (struct mf_listing){.is_partial = true};
		segment = mf_reader_block(&r, n, &k);
		if (segment == NULL)
			break;
		if (mf_segment_decode(segment, k, &parts[i], &e) != 0) {
			fuzz_require_error(&e);
			mf_listing_fini(&parts[i]);
			break;
		}
		check_again(&parts[i]);
	}
	if (mf_partials_merge_listings(parts, i, &out, chunk_end, &e) == 0) {
		check_merged(&out);
		mf_listing_digest_of(&out, 0, digest);
	} else {
		fuzz_require_error(&e);
	}
	while (i > 0)
		mf_listing_fini(&parts[--i]);
	mf_listing_fini(&out);
}

static void
check_root(const uint8_t *data, size_t n)
{
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_root r;

	if (mf_root_decode(data, n, &r, &e) != 0) {
		fuzz_require_error(&e);
		return;
	}
	if ((r.flags & MF_ROOT_SHARD) != 0 && !r.is_signed) {
		fuzz_require(r.shard.number >= 1 && r.shard.number <= r.shard.of &&
		    r.shard.of <= MF_SHARDS_MAX);
		fuzz_require(mf_root_encode(&r, NULL, &b, &e) == 0 && b.len == n &&
		    memcmp(b.data, data, n) == 0);
	}
	mf_buf_fini(&b);
	mf_root_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > 4 && mf_get_u32(data) == MF_MANIFEST_FORMAT)
		check_root(data, n);
	check_parts(data, n);
	return 0;
}
