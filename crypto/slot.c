#include "config.h"

#include "crypto/slot_int.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define RAW_LABEL "modelferry slot key"
#define MAC_LABEL "modelferry slot"

_Static_assert(MF_SLOT_SEAL_BYTES == crypto_box_SEALBYTES, "sealed box");
_Static_assert(MF_SLOT_SALT_BYTES == crypto_pwhash_argon2id_SALTBYTES, "salt");
_Static_assert(MF_PUBLIC_BYTES == crypto_box_PUBLICKEYBYTES, "public half");

/* What a source gives for a slot: private[32], then the key of the slot's MAC[32]. */
#define HALVES_BYTES ((size_t)2 * MF_KEY_BYTES)

bool
mf_slot_label_is_fine(const char *label, size_t n)
{
	size_t i;

	if (n == 0 || n > MF_SLOT_LABEL_MAX)
		return false;
	for (i = 0; i < n; i++)
		if ((unsigned char)label[i] < 0x20 || label[i] == 0x7f)
			return false;
	return true;
}

bool
mf_slot_kdf_is_bounded(uint32_t passes, uint64_t memory_bytes)
{
	return passes >= 1 && passes <= MF_KDF_MAX_PASSES &&
	    memory_bytes >= MF_KDF_MIN_MEMORY_BYTES && memory_bytes <= MF_KDF_MAX_MEMORY_BYTES &&
	    memory_bytes % 1024 == 0;
}

static void
raw_halves(const struct mf_slot *s, const struct mf_unlock *u, uint8_t *halves)
{
	uint8_t msg[sizeof RAW_LABEL - 1 + MF_SLOT_SALT_BYTES];

	memcpy(msg, RAW_LABEL, sizeof RAW_LABEL - 1);
	memcpy(msg + sizeof RAW_LABEL - 1, s->salt, MF_SLOT_SALT_BYTES);
	crypto_generichash(halves, MF_KEY_BYTES, msg, sizeof msg, mf_secret_view(u->secret),
	    MF_KEY_BYTES);
	memcpy(halves + MF_KEY_BYTES, mf_secret_view(u->hmac), MF_KEY_BYTES);
}

static int
passphrase_halves(const struct mf_slot *s, const struct mf_unlock *u, uint8_t *halves,
    struct mf_error *e)
{
	if (crypto_pwhash(halves, HALVES_BYTES, (const char *)mf_secret_view(u->secret),
		mf_secret_len(u->secret), s->salt, s->passes, (size_t)s->memory_bytes,
		crypto_pwhash_ALG_ARGON2ID13) != 0)
		return mf_error_set(e, MF_ENOMEM,
		    "Argon2id for slot \"%s\" needs %llu MiB of memory that are not there", s->label,
		    (unsigned long long)(s->memory_bytes >> 20));
	return 0;
}

/* The two halves that u gives for the slot, NULL on failure. */
static struct mf_secret *
derive_halves(const struct mf_slot *s, const struct mf_unlock *u, struct mf_error *e)
{
	struct mf_secret *h = mf_secret_new(HALVES_BYTES, e);
	int rc = 0;

	if (h == NULL)
		return NULL;
	switch (u->kind) {
	case MF_UNLOCK_RAW: raw_halves(s, u, mf_secret_bytes(h)); break;
	case MF_UNLOCK_PASSPHRASE: rc = passphrase_halves(s, u, mf_secret_bytes(h), e); break;
	case MF_UNLOCK_IDENTITY:
		memcpy(mf_secret_bytes(h), mf_secret_view(u->secret), MF_KEY_BYTES);
		break;
	}
	if (rc == 0)
		return h;
	mf_secret_free(h);
	return NULL;
}

static int
slot_mac(const struct mf_slot *s, const uint8_t *repo_id, const uint8_t *key,
    uint8_t mac[MF_SLOT_MAC_BYTES], struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;

	mf_buf_put(&b, MAC_LABEL, sizeof MAC_LABEL - 1);
	mf_buf_put(&b, repo_id, MF_REPO_ID_BYTES);
	mf_slot_encode_fields(s, &b);
	if (b.failed) {
		mf_buf_fini(&b);
		return mf_error_nomem(e, "a key slot");
	}
	crypto_generichash(mac, MF_SLOT_MAC_BYTES, b.data, b.len, key, MF_KEY_BYTES);
	mf_buf_fini(&b);
	return 0;
}

static int
make_from_source(struct mf_slot *s, const uint8_t *repo_id, const struct mf_slot_params *p,
    struct mf_error *e)
{
	struct mf_secret *halves;
	int rc = 0;

	s->kind = p->source->kind;
	if (s->kind != MF_UNLOCK_IDENTITY)
		randombytes_buf(s->salt, sizeof s->salt);
	if (s->kind == MF_UNLOCK_PASSPHRASE) {
		s->passes = p->kdf_passes != 0 ? p->kdf_passes : MF_KDF_DEFAULT_PASSES;
		s->memory_bytes =
		    p->kdf_memory_bytes != 0 ? p->kdf_memory_bytes : MF_KDF_DEFAULT_MEMORY_BYTES;
		if (!mf_slot_kdf_is_bounded(s->passes, s->memory_bytes))
			return mf_error_set(e, MF_EUSAGE,
			    "Argon2id takes 1 to %u passes and 8 KiB to 1 GiB in steps of 1 KiB",
			    MF_KDF_MAX_PASSES);
	}
	if ((halves = derive_halves(s, p->source, e)) == NULL)
		return -1;
	crypto_scalarmult_base(s->public, mf_secret_view(halves));
	if (s->kind != MF_UNLOCK_IDENTITY)
		rc = slot_mac(s, repo_id, mf_secret_view(halves) + MF_KEY_BYTES, s->mac, e);
	mf_secret_free(halves);
	return rc;
}

int
mf_slot_make(struct mf_slot *s, const uint8_t repo_id[MF_REPO_ID_BYTES],
    const uint8_t id[MF_SLOT_ID_BYTES], const struct mf_slot_params *p, struct mf_error *e)
{
	const size_t n = strnlen(p->label, MF_SLOT_LABEL_MAX + 1);

	memset(s, 0, sizeof *s);
	if (!mf_slot_label_is_fine(p->label, n))
		return mf_error_set(e, MF_EUSAGE,
		    "label of a key slot must be 1 to %d bytes without control characters",
		    MF_SLOT_LABEL_MAX);
	memcpy(s->label, p->label, n);
	memcpy(s->id, id, sizeof s->id);
	s->created_us = p->now_us;
	if (p->source != NULL)
		return make_from_source(s, repo_id, p, e);
	s->kind = MF_UNLOCK_IDENTITY;
	memcpy(s->public, p->public_half, sizeof s->public);
	return 0;
}

static void
write_keys(const struct mf_keyring *kr, uint8_t *p)
{
	const struct mf_keyring_keys *k = mf_keyring_keys(kr);
	const size_t n = mf_keyring_epochs(kr);
	size_t i;

	memcpy(p, k->root0, MF_KEY_BYTES);
	memcpy(p + MF_KEY_BYTES, k->root, MF_KEY_BYTES);
	mf_set_u32(p + 2 * (size_t)MF_KEY_BYTES, (uint32_t)n);
	p += MF_SLOT_PLAIN_BYTES(0);
	for (i = 0; i < n; i++, p += 4 + MF_KEY_BYTES) {
		mf_set_u32(p, k->epochs[i].number);
		memcpy(p + 4, k->epochs[i].key, MF_KEY_BYTES);
	}
}

int
mf_slot_seal(struct mf_slot *s, const struct mf_keyring *kr, struct mf_error *e)
{
	const size_t n = MF_SLOT_PLAIN_BYTES(mf_keyring_epochs(kr));
	struct mf_secret *plain = mf_secret_new(n, e);
	uint8_t *sealed;
	int rc;

	if (plain == NULL)
		return -1;
	if ((sealed = malloc(n + MF_SLOT_SEAL_BYTES)) == NULL) {
		mf_secret_free(plain);
		return mf_error_nomem(e, "a key slot");
	}
	write_keys(kr, mf_secret_bytes(plain));
	rc = crypto_box_seal(sealed, mf_secret_view(plain), n, s->public);
	mf_secret_free(plain);
	if (rc != 0) {
		free(sealed);
		return mf_error_set(e, MF_EKEY, "public half of slot \"%s\" is not usable",
		    s->label);
	}
	free(s->payload);
	s->payload = sealed;
	s->payload_len = n + MF_SLOT_SEAL_BYTES;
	return 0;
}

static enum mf_slot_fit
compare(const struct mf_slot *s, const uint8_t *repo_id, const uint8_t *halves,
    struct mf_error *e)
{
	uint8_t public[MF_PUBLIC_BYTES], mac[MF_SLOT_MAC_BYTES];
	bool key_fits, mac_fits;

	crypto_scalarmult_base(public, halves);
	key_fits = sodium_memcmp(public, s->public, sizeof public) == 0;
	if (s->kind == MF_UNLOCK_IDENTITY)
		return key_fits ? MF_SLOT_FITS : MF_SLOT_OTHER;
	if (slot_mac(s, repo_id, halves + MF_KEY_BYTES, mac, e) != 0)
		return MF_SLOT_ERROR;
	mac_fits = sodium_memcmp(mac, s->mac, sizeof mac) == 0;
	if (key_fits && mac_fits)
		return MF_SLOT_FITS;
	if (s->kind == MF_UNLOCK_PASSPHRASE)
		return key_fits ? MF_SLOT_FORGED : MF_SLOT_OTHER;
	if (key_fits)
		return MF_SLOT_WRONG_HMAC;
	return mac_fits ? MF_SLOT_WRONG_ENCRYPTION : MF_SLOT_OTHER;
}

enum mf_slot_fit
mf_slot_try(const struct mf_slot *s, const uint8_t repo_id[MF_REPO_ID_BYTES],
    const struct mf_unlock *source, struct mf_secret **private, struct mf_error *e)
{
	struct mf_secret *halves;
	enum mf_slot_fit fit;

	if (s->kind != source->kind)
		return MF_SLOT_OTHER;
	if ((halves = derive_halves(s, source, e)) == NULL)
		return MF_SLOT_ERROR;
	fit = compare(s, repo_id, mf_secret_view(halves), e);
	if (fit == MF_SLOT_FITS) {
		*private = mf_secret_of(mf_secret_view(halves), MF_KEY_BYTES, e);
		if (*private == NULL)
			fit = MF_SLOT_ERROR;
	}
	mf_secret_free(halves);
	return fit;
}

struct mf_secret *
mf_slot_open(const struct mf_slot *s, const struct mf_secret *private, struct mf_error *e)
{
	struct mf_secret *plain = mf_secret_new(s->payload_len - MF_SLOT_SEAL_BYTES, e);

	if (plain == NULL)
		return NULL;
	if (crypto_box_seal_open(mf_secret_bytes(plain), s->payload, s->payload_len, s->public,
		mf_secret_view(private)) == 0)
		return plain;
	mf_error_set(e, MF_EDAMAGED, "keys in slot \"%s\" of the configuration are damaged",
	    s->label);
	mf_secret_free(plain);
	return NULL;
}

void
mf_slot_fini(struct mf_slot *s)
{
	free(s->payload);
	memset(s, 0, sizeof *s);
}
