#include "tests/fuzz/fuzz_cut.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_plan(data, n, n);
	/* with a large array behind the header */
	fuzz_plan(data, n, n + ((uint64_t)12 << 20));
	return 0;
}
