/* The input, repeated over more than one maximal chunk, must be cut within the bounds, and
 * alike however much of it is shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/chunk/cdc.h"

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
	const size_t whole = MF_CDC_MAX_BYTES + 4097;
	uint8_t *buf = malloc(whole);
	struct mf_cdc *c = mf_cdc_new(key, NULL);
	size_t have, len;

	require(buf != NULL && c != NULL);
	memset(buf, 0, whole);
	have = n < whole ? n : whole;
	if (have > 0)
		memcpy(buf, data, have);
	for (; have > 0 && have < whole; have += len) {
		len = have < whole - have ? have : whole - have;
		memcpy(buf + have, buf, len);
	}
	len = mf_cdc_find(c, buf, whole, true);
	require(len > MF_CDC_MIN_BYTES && len <= MF_CDC_MAX_BYTES);
	require(mf_cdc_find(c, buf, len, false) == len);
	require(mf_cdc_find(c, buf, len - 1, false) == 0);
	require(mf_cdc_find(c, buf, len - 1, true) == len - 1);
	require(mf_cdc_find(c, buf, n % MF_CDC_MIN_BYTES, false) == 0);
	mf_cdc_free(c);
	free(buf);
	return 0;
}
