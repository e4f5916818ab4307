/* The bytes of receipts. */
#ifndef MF_REPO_RECEIPT_INT_H
#define MF_REPO_RECEIPT_INT_H

#include "crypto/keyring.h"
#include "src/base/buf.h"
#include "src/repo/receipt.h"

#define MF_RECEIPT_SIGN_DOMAIN "modelferry receipt v1"

/* Everything before the byte that says whether it is signed; and that and what follows. */
void mf_receipt_put_signed(
    const struct mf_receipt *r, const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out);
void mf_receipt_put_signature(const struct mf_receipt *r, struct mf_buf *out);
/* 0 and *out (mf_receipt_fini); -1, *out is empty. signed_bytes (may be NULL): how many the
 * signature is over. */
int mf_receipt_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_receipt *out, size_t *signed_bytes, struct mf_error *e);
void mf_receipt_fini(struct mf_receipt *r);

#endif
