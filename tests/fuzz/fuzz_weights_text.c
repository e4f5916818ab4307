/* A router's template: what is rendered with a mark says the weights that went in. */
#include "tests/fuzz/fuzz_check.h"

#include "src/traffic/weights_text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct mf_weights_text_values values[] = {
	    {100, 0, NULL}, {37, 63, "a-b:1"}, {0, 100, "not a token"}};
	unsigned primary, canary;
	struct mf_buf out = MF_BUF_INIT;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < sizeof values / sizeof values[0]; i++) {
		mf_buf_clear(&out);
		if (mf_weights_text_render(data, n, &values[i], &out, &e) != 0)
			fuzz_require_error(&e);
		else if (mf_weights_text_read(out.data, out.len, &primary, &canary, &e) != 0)
			fuzz_require_error(&e);
		else
			fuzz_require(primary + canary == 100);
	}
	mf_buf_fini(&out);
	return 0;
}
