/*
 * The assertion by which a service account asks for a token (RFC 7523, section 2.1; AIP-4112): a
 * JSON Web Token (RFC 7519) in compact form, signed with RS256 (RFC 7515). Pure, any thread.
 */
#ifndef MF_TRANSFERS_GCS_JWT_H
#define MF_TRANSFERS_GCS_JWT_H

#include <stdint.h>

#include "crypto/secret.h"
#include "src/base/buf.h"

#define MF_GCS_JWT_LIFETIME_S 3600 /* the longest that Google takes */

struct mf_gcs_jwt {
	const char *issuer;   /* the account's address */
	const char *key_id;   /* which of its keys; NULL: not said */
	const char *audience; /* the token endpoint */
	const char *scope;
	int64_t now_unix_s;
};

/* Append "HEADER.CLAIMS.SIGNATURE". key is PEM, origin names it. 0; -1 as mf_rs256_sign. What is
 * appended is as good as a password for an hour: the caller wipes it. */
int mf_gcs_jwt_make(const struct mf_gcs_jwt *claims, const struct mf_secret *key,
    const char *origin, struct mf_buf *out, struct mf_error *e);

/* Append n bytes in base64url without padding (RFC 7515, section 2). A failure stays in
 * out->failed. */
void mf_gcs_base64url(struct mf_buf *out, const void *bytes, size_t n);

#endif
