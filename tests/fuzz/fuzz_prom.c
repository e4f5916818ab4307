/* A metrics file that is read back: what is taken is written as text that reads the same again. */
#include "tests/fuzz/fuzz_check.h"

#include "src/report/prom.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_prom p = MF_PROM_INIT, q = MF_PROM_INIT;
	struct mf_buf once = MF_BUF_INIT, twice = MF_BUF_INIT;
	struct mf_error e = {0};

	if (mf_prom_parse(&p, data, n, &e) != 0) {
		fuzz_require_error(&e);
	} else {
		fuzz_require(p.n <= MF_PROM_SERIES_MAX);
		mf_prom_put(&once, &p);
		fuzz_require(mf_prom_parse(&q, once.data, once.len, &e) == 0);
		mf_prom_put(&twice, &q);
		fuzz_require(once.len == twice.len &&
			     (once.len == 0 || memcmp(once.data, twice.data, once.len) == 0));
	}
	mf_buf_fini(&once);
	mf_buf_fini(&twice);
	mf_prom_fini(&p);
	mf_prom_fini(&q);
	return 0;
}
