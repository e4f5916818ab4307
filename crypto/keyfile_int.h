/* Inside of an unlock source, for this room only. */
#ifndef MF_CRYPTO_KEYFILE_INT_H
#define MF_CRYPTO_KEYFILE_INT_H

#include "crypto/keyfile.h"

struct mf_unlock {
	enum mf_unlock_kind kind;
	char *origin;
	struct mf_secret *secret; /* encryption key, passphrase or X25519 private key */
	struct mf_secret *hmac;	  /* of a raw pair only */
};

/* Takes secret and hmac, also on failure; either may be NULL after a failure of the caller's
 * own (then NULL is returned and *e left alone). */
struct mf_unlock *mf_unlock_take(enum mf_unlock_kind kind, const char *origin,
    struct mf_secret *secret, struct mf_secret *hmac, struct mf_error *e);
/* One key of a raw pair: file content that is base64 text or 32 raw bytes. */
struct mf_secret *mf_raw_key_load(const char *path, const char *what, struct mf_error *e);

#endif
