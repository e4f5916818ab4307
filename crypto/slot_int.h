/*
 * One slot of the configuration: a public half that the keys are sealed to, and what it
 * takes to find the private half again. For this room only; others see struct mf_slot_view
 * (configuration.h). Byte by byte in modelferry-repository(5), KEYS.
 */
#ifndef MF_CRYPTO_SLOT_INT_H
#define MF_CRYPTO_SLOT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/configuration.h"
#include "crypto/keyfile_int.h"
#include "crypto/keyring_int.h"
#include "src/base/buf.h"

#define MF_SLOT_ID_BYTES 8
#define MF_SLOT_SALT_BYTES 16
#define MF_SLOT_MAC_BYTES 32

/* root0, root, count, epochs */
#define MF_SLOT_PLAIN_BYTES(n_epochs) (2 * MF_KEY_BYTES + 4 + (n_epochs) * (4 + MF_KEY_BYTES))
#define MF_SLOT_MAX_PLAIN MF_SLOT_PLAIN_BYTES((size_t)MF_MAX_EPOCHS)
#define MF_SLOT_SEAL_BYTES 48 /* what crypto_box_seal adds */

struct mf_slot {
	uint8_t id[MF_SLOT_ID_BYTES];
	enum mf_unlock_kind kind;
	int64_t created_us;
	char label[MF_SLOT_LABEL_MAX + 1];
	uint8_t public[MF_PUBLIC_BYTES];
	uint32_t passes;       /* of Argon2id; 0 for the other kinds */
	uint64_t memory_bytes; /* the same */
	uint8_t salt[MF_SLOT_SALT_BYTES]; /* zero for an identity */
	uint8_t mac[MF_SLOT_MAC_BYTES];	  /* zero for an identity */
	uint8_t *payload;		  /* owned: the keys, sealed to public */
	size_t payload_len;
};

enum mf_slot_fit {
	MF_SLOT_ERROR = -1,
	MF_SLOT_FITS = 0,
	MF_SLOT_OTHER,		  /* opened by something else */
	MF_SLOT_WRONG_HMAC,	  /* this encryption key, but not this HMAC key */
	MF_SLOT_WRONG_ENCRYPTION, /* this HMAC key, but not this encryption key */
	MF_SLOT_FORGED,		  /* right passphrase, but the slot's fields were changed */
};

/* May the label be written into a slot, and may the KDF costs of one be paid: the limits of
 * modelferry-repository(5), SLOTS. */
bool mf_slot_label_is_fine(const char *label, size_t n);
bool mf_slot_kdf_is_bounded(uint32_t passes, uint64_t memory_bytes);

/* Fill all fields but the payload, with this id. 0, or -1. */
int mf_slot_make(struct mf_slot *s, const uint8_t repo_id[MF_REPO_ID_BYTES],
    const uint8_t id[MF_SLOT_ID_BYTES], const struct mf_slot_params *p, struct mf_error *e);
/* (Re)seal the keys of kr to the slot's public half. Needs no secret of the slot. */
int mf_slot_seal(struct mf_slot *s, const struct mf_keyring *kr, struct mf_error *e);
/* Does the source open this slot? MF_SLOT_FITS: the private half, the caller's, in *private.
 * *e is set for MF_SLOT_ERROR only. Argon2id for a passphrase: seconds, and its memory. */
enum mf_slot_fit mf_slot_try(const struct mf_slot *s, const uint8_t repo_id[MF_REPO_ID_BYTES],
    const struct mf_unlock *source, struct mf_secret **private, struct mf_error *e);
/* The payload, opened, in guarded memory; NULL with MF_EDAMAGED. */
struct mf_secret *mf_slot_open(const struct mf_slot *s, const struct mf_secret *private,
    struct mf_error *e);
/* Frees what it owns; the struct stays the caller's. */
void mf_slot_fini(struct mf_slot *s);

/* The fields from id to salt as the configuration has them: the slot's MAC covers these. */
void mf_slot_encode_fields(const struct mf_slot *s, struct mf_buf *b);
void mf_slot_encode(const struct mf_slot *s, struct mf_buf *b);
/* Reads one slot; the payload is a copy. 0, or -1 with MF_EDAMAGED. */
int mf_slot_decode(struct mf_slot *s, struct mf_reader *r, struct mf_error *e);

#endif
