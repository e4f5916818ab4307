/* The bytes of control records. */
#ifndef MF_REPO_CONTROL_INT_H
#define MF_REPO_CONTROL_INT_H

#include "crypto/keyring.h"
#include "src/base/buf.h"
#include "src/repo/control.h"

#define MF_CONTROL_SIGN_DOMAIN "modelferry control v1"

void mf_control_put_signed(const char *run, const struct mf_control *x,
    const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out);
void mf_control_put_signature(const struct mf_control *x, struct mf_buf *out);
/* 0; -1. *run is the caller's, also after a failure. signed_bytes may be NULL. */
int mf_control_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    char **run, struct mf_control *out, size_t *signed_bytes, struct mf_error *e);

#endif
