/*
 * The input stands where the first cut can be, with zeros before it, so that little is scanned. It
 * must be cut within the bounds, and alike however much of it is shown. The seed "cut" has the 64
 * bytes that make a cut under this key, which no mutation would find.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/chunk/cdc.h"

#define BEFORE_BYTES ((size_t)64) /* what a cut depends on */
#define INPUT_MAX ((size_t)65536)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
require(int good)
{
	if (!good)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t key[32] = "fuzz";
	static uint8_t buf[MF_CDC_MIN_BYTES - BEFORE_BYTES + INPUT_MAX];
	struct mf_cdc *c = mf_cdc_new(key, NULL);
	size_t all, len, cut;

	require(c != NULL);
	n = n < INPUT_MAX ? n : INPUT_MAX;
	all = MF_CDC_MIN_BYTES - BEFORE_BYTES + n;
	if (n > 0)
		memcpy(buf + MF_CDC_MIN_BYTES - BEFORE_BYTES, data, n);
	len = mf_cdc_find(c, buf, all, true);
	require(len == all || (len > MF_CDC_MIN_BYTES && len < all));
	cut = mf_cdc_find(c, buf, all, false);
	require(cut == len || (cut == 0 && len == all));
	if (cut > 0) {
		require(mf_cdc_find(c, buf, cut, false) == cut);
		require(mf_cdc_find(c, buf, cut, true) == cut);
		require(mf_cdc_find(c, buf, cut - 1, false) == 0);
		require(mf_cdc_find(c, buf, cut - 1, true) == cut - 1);
		require(mf_cdc_find_on(c, buf, cut - 1, all, false) == cut);
	}
	memset(buf + MF_CDC_MIN_BYTES - BEFORE_BYTES, 0, n);
	mf_cdc_free(c);
	return 0;
}
