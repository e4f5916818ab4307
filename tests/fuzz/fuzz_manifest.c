/* Manifest segments and roots, as a hostile writer with the data key could make them. */
#include <stddef.h>
#include <stdint.h>

#include "src/repo/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mf_error e = {0};
	struct mf_listing l = {0};
	struct mf_root r;
	size_t half = size / 2;

	/* two in a row: the second may go on with the last entry of the first */
	if (mf_segment_decode(data, half, &l, &e) == 0)
		(void)mf_segment_decode(data + half, size - half, &l, &e);
	mf_listing_fini(&l);
	if (mf_segment_decode(data, size, &l, &e) == 0 && l.n_entries > 0)
		(void)mf_listing_find(&l, l.entries[0].path);
	mf_listing_fini(&l);
	if (mf_root_decode(data, size, &r, &e) == 0)
		mf_root_fini(&r);
	return 0;
}
