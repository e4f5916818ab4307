/*
 * The repository's configuration, object config/SEQ: cipher and padding, required features,
 * and the key slots. It is public but for the payloads of the slots, and authenticated by a
 * MAC under the current root secret. Byte by byte in modelferry-repository(5), CONFIGURATION.
 *
 * A configuration read from a store is hostile until mf_config_unlock has succeeded: sizes,
 * counts and the cost of key derivation are bounded before. The functions that change one
 * change it in memory; the caller encodes it with the next sequence number and puts it where
 * no config/SEQ is yet. After a failed change it is as it was before.
 *
 * Not thread safe.
 */
#ifndef MF_CRYPTO_CONFIGURATION_H
#define MF_CRYPTO_CONFIGURATION_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/keyfile.h"
#include "crypto/keyring.h"
#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_CONFIG_MAX_BYTES (8u << 20)
#define MF_CONFIG_MAX_SLOTS 128
#define MF_CONFIG_MAX_PASSPHRASES 8 /* each costs Argon2id to try */
#define MF_CONFIG_MAX_FEATURES 32
#define MF_SLOT_LABEL_MAX 64
#define MF_SLOT_ID_HEX_BYTES 17 /* 16 hexadecimal digits and a NUL */

/* Argon2id: bounds of what is accepted, and what new slots get. */
#define MF_KDF_MAX_MEMORY_BYTES (1ull << 30)
#define MF_KDF_MIN_MEMORY_BYTES 8192u
#define MF_KDF_MAX_PASSES 10u
#define MF_KDF_DEFAULT_MEMORY_BYTES (128ull << 20)
#define MF_KDF_DEFAULT_PASSES 3u

struct mf_config;

struct mf_config_params {
	int64_t now_us;
	const char *const *features; /* required features; NULL: none */
	size_t n_features;
};

/* What a new slot is opened by: a source at hand, or a public half that somebody sent. */
struct mf_slot_params {
	const char *label; /* 1 to 64 bytes of UTF-8 without control characters */
	const struct mf_unlock *source;
	const uint8_t *public_half; /* MF_PUBLIC_BYTES, where source is NULL */
	uint32_t kdf_passes;	    /* of a passphrase; 0: default */
	uint64_t kdf_memory_bytes;  /* the same; a multiple of 1024 */
	int64_t now_us;
};

struct mf_slot_view {
	char id[MF_SLOT_ID_HEX_BYTES];
	const char *label; /* view */
	enum mf_unlock_kind kind;
	int64_t created_us;
	const uint8_t *public_half; /* view of MF_PUBLIC_BYTES */
	uint32_t kdf_passes;
	uint64_t kdf_memory_bytes;
};

/* The configuration of a new repository, without a slot yet. NULL on failure. */
struct mf_config *mf_config_create(const struct mf_keyring *kr, const struct mf_config_params *p,
    struct mf_error *e);
/* Frees; NULL is fine. The key ring stays the caller's. */
void mf_config_free(struct mf_config *c);

/* Append the bytes to out, under this sequence number (at least 1). kr must be the key ring
 * that the configuration was unlocked with, created for, or rekeyed to. A configuration
 * without a slot is refused. */
int mf_config_encode(const struct mf_config *c, const struct mf_keyring *kr, uint64_t sequence,
    struct mf_buf *out, struct mf_error *e);
/* Parse n bytes that were stored as config/<sequence>. NULL with MF_EDAMAGED, and by name for
 * a magic, format, cipher, id algorithm, padding or slot kind that this tool does not know.
 * Nothing is authenticated yet. */
struct mf_config *mf_config_decode(const void *bytes, size_t n, uint64_t sequence,
    struct mf_error *e);

/* Find a slot that one of the sources opens, take the keys out of it, and authenticate the
 * whole configuration. Sources are tried by cost: raw pair, identity, passphrase. The caller
 * frees *kr. -1 and MF_EKEY: nothing fits, with a message that tells a wrong encryption key
 * from a wrong HMAC key from neither; MF_EDAMAGED: a slot fits but what it seals or the
 * configuration's MAC does not; MF_EUNSUPPORTED: genuine, but a required feature is unknown
 * (named). Blocking: Argon2id takes seconds and up to 1 GiB, freed before this returns. */
int mf_config_unlock(const struct mf_config *c, const struct mf_unlock *const *sources, size_t n,
    struct mf_keyring **kr, struct mf_error *e);

/* No secrets; before mf_config_unlock not to be believed. */
const uint8_t *mf_config_repo_id(const struct mf_config *c); /* view of MF_REPO_ID_BYTES */
uint64_t mf_config_sequence(const struct mf_config *c);	     /* 0 for a created one */
enum mf_cipher mf_config_cipher(const struct mf_config *c);
enum mf_padding mf_config_padding(const struct mf_config *c);
int64_t mf_config_created_us(const struct mf_config *c);
uint32_t mf_config_epoch(const struct mf_config *c);
uint32_t mf_config_floor(const struct mf_config *c);
size_t mf_config_features(const struct mf_config *c);
const char *mf_config_feature(const struct mf_config *c, size_t i); /* view */
size_t mf_config_slots(const struct mf_config *c);
struct mf_slot_view mf_config_slot(const struct mf_config *c, size_t i); /* till a change */
/* The slot with this id (16 digits) or, else, this label. 0 and *i; -1 with MF_EKEY: none, or
 * several of that label. */
int mf_config_find_slot(const struct mf_config *c, const char *id_or_label, size_t *i,
    struct mf_error *e);

/* Add a slot and seal the keys to it. Its id into id (NULL: not wanted). MF_EEXIST for a label
 * in use, MF_EUSAGE for a bad label or KDF cost, or too many slots. A passphrase costs
 * Argon2id. */
int mf_config_add_slot(struct mf_config *c, const struct mf_keyring *kr,
    const struct mf_slot_params *p, char id[MF_SLOT_ID_HEX_BYTES], struct mf_error *e);
/* Remove a slot; the last is refused (MF_EUSAGE). Its holder may have read the keys before:
 * only a rekey takes them away from what is written later. */
int mf_config_remove_slot(struct mf_config *c, const char *id_or_label, struct mf_error *e);
/* Rewrap: the slot keeps id and label (p->label is not used) and is opened by p's source from
 * now on, of any kind. Cheap, and like removal no revocation. */
int mf_config_rotate(struct mf_config *c, const struct mf_keyring *kr, const char *id_or_label,
    const struct mf_slot_params *p, struct mf_error *e);
/* A new root secret and a new epoch, sealed to all slots. *next is the key ring to work with
 * from then on (the caller's; kr stays valid). The floor stays, so that objects of the old
 * epoch can be resealed; MF_ECONFLICT where an earlier rekey has not been finished. */
int mf_config_rekey(struct mf_config *c, const struct mf_keyring *kr, struct mf_keyring **next,
    struct mf_error *e);
/* After all but the chunks was resealed: the floor rises to the current epoch. */
int mf_config_rekey_finish(struct mf_config *c, const struct mf_keyring *kr,
    struct mf_keyring **next, struct mf_error *e);

#endif
