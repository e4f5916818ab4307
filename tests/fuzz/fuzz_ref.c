/* Positions of refs, as a hostile writer with the data key could make them: what is taken is the
 * one encoding of what it says. */
#include "tests/fuzz/fuzz_check.h"

#include "src/repo/ref_int.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t zeros[MF_REPO_ID_BYTES];
	/* the id that the bytes claim, so that the checks behind it are reached */
	const uint8_t *id = n >= 4 + MF_REPO_ID_BYTES ? data + 4 : zeros;
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_ref ref;

	if (mf_ref_decode(data, n, id, &ref, &e) != 0) {
		fuzz_require_error(&e);
		fuzz_require(ref.model == NULL && ref.version == NULL);
		return 0;
	}
	mf_ref_put_signed(&ref, id, &b);
	mf_ref_put_signature(&ref, &b);
	fuzz_require(b.len == n && memcmp(b.data, data, n) == 0);
	mf_buf_fini(&b);
	mf_ref_fini(&ref);
	return 0;
}
