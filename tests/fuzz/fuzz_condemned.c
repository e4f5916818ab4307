/* Condemned lists, as a hostile writer with the data key could make them: what is taken is the
 * one encoding of what it says. */
#include "tests/fuzz/fuzz_check.h"

#include "src/repo/condemned_int.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_names names = {0};
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	if (mf_condemned_decode(data, n, &names, &e) == 0) {
		fuzz_require(names.n <= n / 4);
		mf_condemned_encode(&names, &b);
		fuzz_require(b.len == n && memcmp(b.data, data, n) == 0);
		mf_names_sort(&names);
		for (i = 0; i < names.n; i++)
			fuzz_require(mf_names_has(&names, names.items[i]));
	} else {
		fuzz_require_error(&e);
	}
	mf_buf_fini(&b);
	mf_names_fini(&names);
	return 0;
}
