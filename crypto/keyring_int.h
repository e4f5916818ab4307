/* Inside of the key ring, for this room only. */
#ifndef MF_CRYPTO_KEYRING_INT_H
#define MF_CRYPTO_KEYRING_INT_H

#include "crypto/keyring.h"
#include "crypto/secret.h"

struct mf_epoch {
	uint32_t number;
	uint8_t key[MF_KEY_BYTES];
};

/* What lies in guarded memory. Only root0, root and the epochs are stored (sealed, in the
 * slots of the configuration); the rest follows from root0. */
struct mf_keyring_keys {
	uint8_t root0[MF_KEY_BYTES];
	uint8_t root[MF_KEY_BYTES];
	uint8_t chunk_id[MF_KEY_BYTES];
	uint8_t segment_id[MF_KEY_BYTES];
	uint8_t names[MF_KEY_BYTES];
	uint8_t cut_seed[MF_KEY_BYTES];
	uint8_t xxh_seed[MF_KEY_BYTES];
	struct mf_epoch epochs[]; /* n_epochs of them, by ascending number */
};

struct mf_keyring_params {
	enum mf_cipher cipher;
	enum mf_padding padding;
	uint32_t floor; /* 0: the newest epoch */
	const uint8_t *root0, *root;
	const struct mf_epoch *epochs; /* ascending, at least one; copied */
	size_t n_epochs;
};

/* A key ring of given secrets. NULL on failure. */
struct mf_keyring *mf_keyring_of(const struct mf_keyring_params *p, struct mf_error *e);
const struct mf_keyring_keys *mf_keyring_keys(const struct mf_keyring *kr);
size_t mf_keyring_epochs(const struct mf_keyring *kr);
/* View of the data key of an epoch, NULL where there is none. */
const uint8_t *mf_keyring_epoch_key(const struct mf_keyring *kr, uint32_t number);

/* repository id = BLAKE2b-256("modelferry repository id", key = root0). */
void mf_repo_id_of(const uint8_t root0[MF_KEY_BYTES], uint8_t id[MF_REPO_ID_BYTES]);
/* out = BLAKE2b-256(label, key = key): every derivation with nothing but a label. */
void mf_derive_key(uint8_t out[MF_KEY_BYTES], const uint8_t key[MF_KEY_BYTES], const char *label);

#endif
