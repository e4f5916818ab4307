/* The configuration's bytes. */
#include "config.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/configuration_int.h"

static const uint8_t magic[4] = {'M', 'F', 'C', 'F'};

static void
encode_body(const struct mf_config *c, uint64_t sequence, struct mf_buf *b)
{
	size_t i;

	mf_buf_put(b, magic, sizeof magic);
	mf_buf_put_u8(b, MF_CONFIG_FORMAT);
	mf_buf_put_u8(b, (uint8_t)c->cipher);
	mf_buf_put_u8(b, MF_CONFIG_ID_BLAKE2B);
	mf_buf_put_u8(b, (uint8_t)c->padding);
	mf_buf_put_u64(b, sequence);
	mf_buf_put(b, c->repo_id, sizeof c->repo_id);
	mf_buf_put_u64(b, (uint64_t)c->created_us);
	mf_buf_put_u32(b, c->epoch);
	mf_buf_put_u32(b, c->floor);
	mf_buf_put_u32(b, (uint32_t)c->n_features);
	for (i = 0; i < c->n_features; i++)
		mf_buf_put_string(b, c->features[i]);
	mf_buf_put_u32(b, (uint32_t)c->n_slots);
	for (i = 0; i < c->n_slots; i++)
		mf_slot_encode(&c->slots[i], b);
}

int
mf_config_encode(const struct mf_config *c, const struct mf_keyring *kr, uint64_t sequence,
    struct mf_buf *out, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	uint8_t mac[MF_CONFIG_MAC_BYTES];
	int rc = 0;

	if (c->n_slots == 0)
		return mf_error_set(e, MF_EUSAGE, "a repository needs a key slot");
	if (memcmp(mf_keyring_repo_id(kr), c->repo_id, sizeof c->repo_id) != 0 ||
	    mf_keyring_epoch(kr) != c->epoch || mf_keyring_floor(kr) != c->floor)
		return mf_error_set(e, MF_EFAIL, "the key ring is not the configuration's");
	encode_body(c, sequence, &b);
	if (!b.failed) {
		mf_config_mac(mf_keyring_keys(kr)->root, b.data, b.len, mac);
		mf_buf_put(&b, mac, sizeof mac);
		mf_buf_put(out, b.data, b.len);
	}
	if (b.failed || out->failed)
		rc = mf_error_nomem(e, "the configuration");
	else if (b.len > MF_CONFIG_MAX_BYTES)
		rc = mf_error_set(e, MF_EUSAGE, "configuration grows past %u MiB: remove key slots",
		    MF_CONFIG_MAX_BYTES >> 20);
	mf_buf_fini(&b);
	return rc;
}

static int
truncated(struct mf_error *e)
{
	return mf_error_set(e, MF_EDAMAGED, "configuration is truncated");
}

static int
decode_words(struct mf_config *c, struct mf_reader *r, struct mf_error *e)
{
	const uint8_t *m = mf_reader_bytes(r, sizeof magic);
	uint8_t format, cipher, algorithm, padding;

	if (m == NULL || memcmp(m, magic, sizeof magic) != 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "configuration does not begin with \"MFCF\": damaged, or no modelferry repository");
	format = mf_reader_u8(r);
	cipher = mf_reader_u8(r);
	algorithm = mf_reader_u8(r);
	padding = mf_reader_u8(r);
	if (r->failed)
		return truncated(e);
	if (format != MF_CONFIG_FORMAT) {
		mf_error_set(e, MF_EDAMAGED, "configuration has format %u, this tool knows %d", format,
		    MF_CONFIG_FORMAT);
		return mf_error_hint(e, "it is damaged or was made by a newer modelferry");
	}
	if (mf_cipher_name(cipher) == NULL)
		return mf_error_set(e, MF_EDAMAGED, "configuration has unknown cipher %u", cipher);
	if (algorithm != MF_CONFIG_ID_BLAKE2B)
		return mf_error_set(e, MF_EDAMAGED, "configuration has unknown id algorithm %u",
		    algorithm);
	if (mf_padding_name(padding) == NULL)
		return mf_error_set(e, MF_EDAMAGED, "configuration has unknown padding %u", padding);
	c->cipher = cipher;
	c->padding = padding;
	return 0;
}

static int
decode_fixed(struct mf_config *c, struct mf_reader *r, uint64_t sequence, struct mf_error *e)
{
	const uint8_t *id;

	c->sequence = mf_reader_u64(r);
	id = mf_reader_bytes(r, sizeof c->repo_id);
	c->created_us = (int64_t)mf_reader_u64(r);
	c->epoch = mf_reader_u32(r);
	c->floor = mf_reader_u32(r);
	if (r->failed)
		return truncated(e);
	memcpy(c->repo_id, id, sizeof c->repo_id);
	if (c->sequence != sequence || sequence == 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "configuration stored as number %llu says that it is number %llu",
		    (unsigned long long)sequence, (unsigned long long)c->sequence);
	if (c->floor == 0 || c->floor > c->epoch)
		return mf_error_set(e, MF_EDAMAGED, "configuration has epochs %lu to %lu",
		    (unsigned long)c->floor, (unsigned long)c->epoch);
	return 0;
}

static int
decode_features(struct mf_config *c, struct mf_reader *r, struct mf_error *e)
{
	const uint32_t count = mf_reader_u32(r);
	const uint8_t *name;
	size_t n = 0;

	if (r->failed)
		return truncated(e);
	if (count > MF_CONFIG_MAX_FEATURES)
		return mf_error_set(e, MF_EDAMAGED, "configuration has %lu required features",
		    (unsigned long)count);
	while (c->n_features < count) {
		name = mf_reader_block(r, MF_CONFIG_FEATURE_MAX, &n);
		if (name == NULL)
			return truncated(e);
		if (!mf_config_feature_is_fine((const char *)name, n))
			return mf_error_set(e, MF_EDAMAGED,
			    "configuration has a required feature with a bad name");
		if ((c->features[c->n_features] = strndup((const char *)name, n)) == NULL)
			return mf_error_nomem(e, "the configuration");
		c->n_features++;
		if (c->n_features > 1 &&
		    strcmp(c->features[c->n_features - 2], c->features[c->n_features - 1]) >= 0)
			return mf_error_set(e, MF_EDAMAGED,
			    "configuration has its required features out of order");
	}
	return 0;
}

static int
decode_slots(struct mf_config *c, struct mf_reader *r, struct mf_error *e)
{
	const uint32_t count = mf_reader_u32(r);
	size_t passphrases = 0;

	if (r->failed)
		return truncated(e);
	if (count == 0 || count > MF_CONFIG_MAX_SLOTS)
		return mf_error_set(e, MF_EDAMAGED, "configuration has %lu key slots",
		    (unsigned long)count);
	while (c->n_slots < count) {
		if (mf_slot_decode(&c->slots[c->n_slots], r, e) != 0)
			return -1;
		passphrases += c->slots[c->n_slots].kind == MF_UNLOCK_PASSPHRASE;
		c->n_slots++;
	}
	if (passphrases > MF_CONFIG_MAX_PASSPHRASES)
		return mf_error_set(e, MF_EDAMAGED, "configuration has %zu passphrase slots",
		    passphrases);
	return 0;
}

static int
decode(struct mf_config *c, const void *bytes, size_t n, uint64_t sequence, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);

	if (decode_words(c, &r, e) != 0 || decode_fixed(c, &r, sequence, e) != 0 ||
	    decode_features(c, &r, e) != 0 || decode_slots(c, &r, e) != 0)
		return -1;
	if (r.left != MF_CONFIG_MAC_BYTES)
		return mf_error_set(e, MF_EDAMAGED,
		    "configuration has %zu bytes after its slots, not %d", r.left,
		    MF_CONFIG_MAC_BYTES);
	if ((c->encoded = malloc(n)) == NULL)
		return mf_error_nomem(e, "the configuration");
	memcpy(c->encoded, bytes, n);
	c->encoded_len = n;
	return 0;
}

struct mf_config *
mf_config_decode(const void *bytes, size_t n, uint64_t sequence, struct mf_error *e)
{
	struct mf_config *c;

	if (n > MF_CONFIG_MAX_BYTES) {
		mf_error_set(e, MF_EDAMAGED, "configuration has %zu bytes, the limit is %u", n,
		    MF_CONFIG_MAX_BYTES);
		return NULL;
	}
	if ((c = calloc(1, sizeof *c)) == NULL) {
		mf_error_nomem(e, "the configuration");
		return NULL;
	}
	if (decode(c, bytes, n, sequence, e) == 0)
		return c;
	mf_config_free(c);
	return NULL;
}
