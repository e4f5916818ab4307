/*
 * The keys of one open repository: first and current root secret, the subkeys derived from
 * the first, and the data key of each epoch. Made once (mf_keyring_create for a new
 * repository, mf_config_unlock or mf_config_rekey otherwise), immutable after, shared by all
 * threads without a lock. All of it lies in guarded, read-only memory.
 *
 * Derivations are described byte by byte in modelferry-repository(5), KEYS.
 */
#ifndef MF_CRYPTO_KEYRING_H
#define MF_CRYPTO_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/id.h"
#include "src/base/error.h"

struct mf_keyring;

/* Numbers of the format; never renumbered. */
enum mf_cipher {
	MF_CIPHER_XCHACHA20_POLY1305 = 1,
	MF_CIPHER_AES256_GCM = 2,
};

enum mf_padding {
	MF_PADDING_NONE = 0,
	MF_PADDING_PADME = 1, /* Nikitin et al., Reducing Metadata Leakage, PoPETs 2019 */
};

/* "xchacha20-poly1305", "aes-256-gcm", "none", "padme"; NULL for a number without a name. */
const char *mf_cipher_name(unsigned cipher);
const char *mf_padding_name(unsigned padding);

#define MF_REPO_ID_BYTES 32
#define MF_NAME_HASH_BYTES 33 /* 32 hexadecimal digits and a NUL */
#define MF_CUT_SEED_BYTES 32
#define MF_MAX_EPOCHS 1024 /* rekeys that one repository can live through */

/* Keys of a new repository: random root secret, epoch 1. NULL on failure. */
struct mf_keyring *mf_keyring_create(enum mf_cipher cipher, enum mf_padding padding,
    struct mf_error *e);
/* Wipes and frees; NULL is fine. No thread may be sealing or opening with it. */
void mf_keyring_free(struct mf_keyring *kr);

/* View of MF_REPO_ID_BYTES; no secret. */
const uint8_t *mf_keyring_repo_id(const struct mf_keyring *kr);
enum mf_cipher mf_keyring_cipher(const struct mf_keyring *kr);
enum mf_padding mf_keyring_padding(const struct mf_keyring *kr);
/* The epoch that new objects are sealed in, and the oldest that an object other than a chunk
 * may carry. The two differ only while a rekey is under way. */
uint32_t mf_keyring_epoch(const struct mf_keyring *kr);
uint32_t mf_keyring_floor(const struct mf_keyring *kr);

/* The id of a chunk or a manifest segment: keyed BLAKE2b-256 of its plaintext. type must be
 * MF_OBJECT_CHUNK or MF_OBJECT_SEGMENT. About 1 GB/s. */
void mf_keyring_content_id(const struct mf_keyring *kr, enum mf_object_type type,
    const void *bytes, size_t n, struct mf_id *id);
/* The keyed hash that stands in object names for a model ("model"), a version ("version",
 * model, version) or a ref ("ref", model, ref). b may be NULL. */
void mf_keyring_name_hash(const struct mf_keyring *kr, const char *kind, const char *a,
    const char *b, char out[MF_NAME_HASH_BYTES]);
/* Seeds of the content-defined cutter and of XXH3. The cut seed is a secret: wipe the copy. */
void mf_keyring_cut_seed(const struct mf_keyring *kr, uint8_t out[MF_CUT_SEED_BYTES]);
uint64_t mf_keyring_xxh_seed(const struct mf_keyring *kr);

#endif
