#include "tests/fuzz/fuzz_cut.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_plan(data, n, n);
	/* with data behind the header, so that offsets lead somewhere */
	fuzz_plan(data, n, n + ((uint64_t)12 << 20));
	return 0;
}
