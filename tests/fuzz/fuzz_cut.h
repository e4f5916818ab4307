/*
 * Shared by the fuzz targets of src/chunk: plan the input as a file, and abort unless the plan
 * keeps what cutter.h promises.
 */
#ifndef MF_TESTS_FUZZ_CUT_H
#define MF_TESTS_FUZZ_CUT_H

#include "src/chunk/cutter.h"
#include "tests/fuzz/fuzz_check.h"

struct fuzz_file {
	const uint8_t *data;
	size_t n; /* zeros follow, up to the file's size */
};

static inline int
fuzz_pread(void *arg, void *buf, size_t n, uint64_t offset, struct mf_error *e)
{
	const struct fuzz_file *f = arg;
	size_t have = offset < f->n ? f->n - (size_t)offset : 0;

	(void)e;
	if (have > n)
		have = n;
	if (have > 0)
		memcpy(buf, f->data + offset, have);
	memset((uint8_t *)buf + have, 0, n - have);
	return 0;
}

static inline void
fuzz_check(const struct mf_cut_plan *p, uint64_t size)
{
	uint32_t *have = calloc(p->n_chunks + 1, sizeof(*have));
	uint32_t *count = calloc(p->n_chunks + 1, sizeof(*count));
	size_t i, open = 0, seen = 0;
	uint64_t at = 0;

	fuzz_require(have != NULL && count != NULL && p->format != NULL);
	for (i = 0; i < p->n_extents; i++) {
		const struct mf_extent *x = &p->extents[i];

		fuzz_require(
		    x->offset == at && x->len > 0 && x->chunk < p->n_chunks && x->chunk <= seen);
		at += x->len;
		if (x->chunk == seen) {
			seen++;
			open++;
		}
		fuzz_require(open <= MF_CUT_OPEN_MAX);
		have[x->chunk] += x->len;
		fuzz_require(have[x->chunk] <= MF_CUT_CHUNK_MAX);
		if (++count[x->chunk] == p->chunks[x->chunk].n_extents)
			open--;
	}
	fuzz_require(at == size && open == 0 && seen == p->n_chunks);
	for (i = 0; i < p->n_chunks; i++)
		fuzz_require(have[i] == p->chunks[i].len && p->chunks[i].element < MF_ELEMENTS);
	free(have);
	free(count);
}

static inline void
fuzz_plan(const uint8_t *data, size_t n, uint64_t size)
{
	static const uint8_t key[MF_CUT_KEY_BYTES] = "fuzz";
	struct fuzz_file file = {data, n};
	const struct mf_cut_source source = {size, fuzz_pread, &file, "fuzz"};
	const struct mf_cut_params params = {key, (size_t)16 << 20};
	struct mf_cut_plan *plan;
	struct mf_error e;
	int r = mf_cut_plan_new(&source, &params, &plan, &e);

	fuzz_require((r == 0) == (plan != NULL) && (r == 0 || r == 1));
	fuzz_require(r != 1 || e.code == MF_OK || e.message[0] != '\0');
	if (r == 0)
		fuzz_check(plan, size);
	mf_cut_plan_free(plan);
}

#endif
