#include "tests/fuzz/fuzz_cut.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_plan(data, n, n);
	return 0;
}
