/* Signatures over a domain string and bytes. */
#include <string.h>

#include "src/base/buf.h"
#include "src/repo/signing_int.h"

static int
message_of(struct mf_buf *b, const char *domain, const void *bytes, size_t n, struct mf_error *e)
{
	mf_buf_put(b, domain, strlen(domain));
	mf_buf_put(b, bytes, n);
	return b->failed ? mf_error_nomem(e, "a signature") : 0;
}

int
mf_signing_sign(const struct mf_signer *s, const char *domain, const void *bytes, size_t n,
    uint8_t signature[MF_SIGN_BYTES], struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc = message_of(&b, domain, bytes, n, e);

	if (rc == 0)
		mf_sign(s, b.data, b.len, signature);
	mf_buf_fini(&b);
	return rc;
}

int
mf_signing_verify(const struct mf_trust *trust, const uint8_t signer[MF_SIGN_PUBLIC_BYTES],
    const char *domain, const void *bytes, size_t n, const uint8_t signature[MF_SIGN_BYTES],
    int64_t now_us, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc = message_of(&b, domain, bytes, n, e);

	if (rc == 0)
		rc = mf_trust_verify(trust, signer, b.data, b.len, signature, now_us, e);
	mf_buf_fini(&b);
	return rc;
}
