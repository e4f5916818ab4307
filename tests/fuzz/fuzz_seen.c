/* What a directory remembers, as others who write to the volume could make it: what is taken is
 * bounded, and reads the same when it is written again. The checksum is put right, or no input
 * would come past it. */
#include "tests/fuzz/fuzz_check.h"

#include <sodium.h>
#include <stdio.h>

#include "src/base/hex.h"
#include "src/repo/seen_int.h"

static void
take(const void *text, size_t n, struct mf_seen *out, int *rc, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;

	mf_buf_put(&b, text, n);
	fuzz_require(mf_buf_cstr(&b) != NULL);
	*out = (struct mf_seen){.path = strdup("seen")};
	*rc = mf_seen_parse(out, (char *)b.data, n, e);
	mf_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_buf text = MF_BUF_INIT, again = MF_BUF_INIT;
	struct mf_seen seen, same;
	struct mf_error e = {0};
	uint8_t sum[32];
	char hex[65];
	size_t i;
	int rc;

	crypto_generichash(sum, sizeof(sum), data, n, NULL, 0);
	mf_hex_encode(hex, sum, sizeof(sum));
	mf_buf_put(&text, data, n);
	mf_buf_printf(&text, "sum %s\n", hex);
	fuzz_require(!text.failed);
	take(data, n, &seen, &rc, &e); /* as it is, too */
	if (rc != 0)
		fuzz_require_error(&e);
	mf_seen_fini(&seen);
	take(text.data, text.len, &seen, &rc, &e);
	if (rc != 0) {
		fuzz_require_error(&e);
	} else {
		fuzz_require(seen.n <= MF_SEEN_MAX_ROWS);
		for (i = 0; i < seen.n; i++)
			fuzz_require(strlen(seen.rows[i].key) <= MF_SEEN_KEY_MAX);
		fuzz_require(mf_seen_format(&seen, &again, &e) == 0);
		take(again.data, again.len, &same, &rc, &e);
		fuzz_require(rc == 0 && same.n == seen.n);
		for (i = 0; i < seen.n; i++)
			fuzz_require(seen.rows[i].sequence == same.rows[i].sequence &&
			    strcmp(seen.rows[i].key, same.rows[i].key) == 0 &&
			    strcmp(seen.rows[i].id, same.rows[i].id) == 0);
		mf_seen_fini(&same);
	}
	mf_seen_fini(&seen);
	mf_buf_fini(&again);
	mf_buf_fini(&text);
	return 0;
}
