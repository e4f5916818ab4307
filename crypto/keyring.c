#include "config.h"

#include "crypto/keyring.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keyed_hash.h"
#include "crypto/keyring_int.h"
#include "src/base/buf.h"
#include "src/base/hex.h"

struct mf_keyring {
	enum mf_cipher cipher;
	enum mf_padding padding;
	uint32_t floor;
	size_t n_epochs;
	uint8_t repo_id[MF_REPO_ID_BYTES];
	struct mf_secret *secret; /* a struct mf_keyring_keys */
	const struct mf_keyring_keys *keys;
};

_Static_assert(MF_KEY_BYTES == crypto_generichash_KEYBYTES, "BLAKE2b key length");
_Static_assert(MF_KEY_BYTES == MF_KEYED_HASH_KEY_BYTES && MF_ID_BYTES == MF_KEYED_HASH_BYTES,
    "a content id is a keyed hash");

const char *
mf_cipher_name(unsigned cipher)
{
	switch (cipher) {
	case MF_CIPHER_XCHACHA20_POLY1305: return "xchacha20-poly1305";
	case MF_CIPHER_AES256_GCM: return "aes-256-gcm";
	default: return NULL;
	}
}

const char *
mf_padding_name(unsigned padding)
{
	switch (padding) {
	case MF_PADDING_NONE: return "none";
	case MF_PADDING_PADME: return "padme";
	default: return NULL;
	}
}

void
mf_derive_key(uint8_t out[MF_KEY_BYTES], const uint8_t key[MF_KEY_BYTES], const char *label)
{
	crypto_generichash(out, MF_KEY_BYTES, (const uint8_t *)label, strlen(label), key,
	    MF_KEY_BYTES);
}

void
mf_repo_id_of(const uint8_t root0[MF_KEY_BYTES], uint8_t id[MF_REPO_ID_BYTES])
{
	mf_derive_key(id, root0, "modelferry repository id");
}

static void
derive_all(struct mf_keyring_keys *k)
{
	mf_derive_key(k->chunk_id, k->root0, "chunk id");
	mf_derive_key(k->segment_id, k->root0, "segment id");
	mf_derive_key(k->names, k->root0, "names");
	mf_derive_key(k->cut_seed, k->root0, "cut seed");
	mf_derive_key(k->xxh_seed, k->root0, "xxh seed");
}

struct mf_keyring *
mf_keyring_of(const struct mf_keyring_params *p, struct mf_error *e)
{
	const size_t epochs_bytes = p->n_epochs * sizeof p->epochs[0];
	struct mf_keyring *kr;
	struct mf_keyring_keys *k;

	assert(p->n_epochs > 0 && p->n_epochs <= MF_MAX_EPOCHS);
	if ((kr = calloc(1, sizeof *kr)) == NULL) {
		mf_error_nomem(e, "the key ring");
		return NULL;
	}
	/* sodium_malloc ends its memory at a page's end: keep the struct aligned. */
	kr->secret = mf_secret_new((sizeof *k + epochs_bytes + 15) & ~(size_t)15, e);
	if (kr->secret == NULL) {
		free(kr);
		return NULL;
	}
	k = (struct mf_keyring_keys *)(void *)mf_secret_bytes(kr->secret);
	memcpy(k->root0, p->root0, MF_KEY_BYTES);
	memcpy(k->root, p->root, MF_KEY_BYTES);
	memcpy(k->epochs, p->epochs, epochs_bytes);
	derive_all(k);
	mf_repo_id_of(k->root0, kr->repo_id);
	kr->cipher = p->cipher;
	kr->padding = p->padding;
	kr->n_epochs = p->n_epochs;
	kr->keys = k;
	kr->floor = p->floor != 0 ? p->floor : mf_keyring_epoch(kr);
	mf_secret_freeze(kr->secret);
	return kr;
}

struct mf_keyring *
mf_keyring_create(enum mf_cipher cipher, enum mf_padding padding, struct mf_error *e)
{
	struct mf_secret *root = mf_secret_random(MF_KEY_BYTES, e);
	struct mf_epoch first = {.number = 1};
	struct mf_keyring *kr;

	if (root == NULL)
		return NULL;
	randombytes_buf(first.key, sizeof first.key);
	kr = mf_keyring_of(&(struct mf_keyring_params){.cipher = cipher, .padding = padding,
			       .root0 = mf_secret_view(root), .root = mf_secret_view(root),
			       .epochs = &first, .n_epochs = 1}, e);
	sodium_memzero(&first, sizeof first);
	mf_secret_free(root);
	return kr;
}

void
mf_keyring_free(struct mf_keyring *kr)
{
	if (kr == NULL)
		return;
	mf_secret_free(kr->secret);
	free(kr);
}

const uint8_t *
mf_keyring_repo_id(const struct mf_keyring *kr)
{
	return kr->repo_id;
}

enum mf_cipher
mf_keyring_cipher(const struct mf_keyring *kr)
{
	return kr->cipher;
}

enum mf_padding
mf_keyring_padding(const struct mf_keyring *kr)
{
	return kr->padding;
}

uint32_t
mf_keyring_epoch(const struct mf_keyring *kr)
{
	return kr->keys->epochs[kr->n_epochs - 1].number;
}

uint32_t
mf_keyring_floor(const struct mf_keyring *kr)
{
	return kr->floor;
}

const struct mf_keyring_keys *
mf_keyring_keys(const struct mf_keyring *kr)
{
	return kr->keys;
}

size_t
mf_keyring_epochs(const struct mf_keyring *kr)
{
	return kr->n_epochs;
}

const uint8_t *
mf_keyring_epoch_key(const struct mf_keyring *kr, uint32_t number)
{
	size_t i;

	for (i = kr->n_epochs; i > 0; i--)
		if (kr->keys->epochs[i - 1].number == number)
			return kr->keys->epochs[i - 1].key;
	return NULL;
}

void
mf_keyring_content_id(const struct mf_keyring *kr, enum mf_object_type type, const void *bytes,
    size_t n, struct mf_id *id)
{
	assert(type == MF_OBJECT_CHUNK || type == MF_OBJECT_SEGMENT);
	mf_keyed_hash(type == MF_OBJECT_CHUNK ? kr->keys->chunk_id : kr->keys->segment_id, bytes, n,
	    id->bytes);
}

static void
hash_block(crypto_generichash_state *st, const char *s)
{
	const size_t n = strlen(s);
	uint8_t len[4];

	mf_set_u32(len, (uint32_t)n);
	crypto_generichash_update(st, len, sizeof len);
	crypto_generichash_update(st, (const uint8_t *)s, n);
}

void
mf_keyring_name_hash(const struct mf_keyring *kr, const char *kind, const char *a, const char *b,
    char out[MF_NAME_HASH_BYTES])
{
	crypto_generichash_state st;
	uint8_t hash[32];

	crypto_generichash_init(&st, kr->keys->names, MF_KEY_BYTES, sizeof hash);
	hash_block(&st, kind);
	hash_block(&st, a);
	if (b != NULL)
		hash_block(&st, b);
	crypto_generichash_final(&st, hash, sizeof hash);
	sodium_memzero(&st, sizeof st);
	mf_hex_encode(out, hash, (MF_NAME_HASH_BYTES - 1) / 2);
}

void
mf_keyring_cut_seed(const struct mf_keyring *kr, uint8_t out[MF_CUT_SEED_BYTES])
{
	memcpy(out, kr->keys->cut_seed, MF_CUT_SEED_BYTES);
}

uint64_t
mf_keyring_xxh_seed(const struct mf_keyring *kr)
{
	return mf_get_u64(kr->keys->xxh_seed);
}
