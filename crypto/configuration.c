#include "config.h"

#include "crypto/configuration.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/configuration_int.h"
#include "src/base/hex.h"

/* What this tool can do beyond the plain format. Empty so far: deltas would be the first. */
static const char *const known_features[] = {NULL};

bool
mf_config_feature_is_fine(const char *name, size_t n)
{
	size_t i;

	if (n == 0 || n > MF_CONFIG_FEATURE_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
		    name[i] != '-')
			return false;
	return true;
}

static bool
is_known(const char *feature)
{
	size_t i;

	for (i = 0; known_features[i] != NULL; i++)
		if (strcmp(known_features[i], feature) == 0)
			return true;
	return false;
}

int
mf_config_check_features(const struct mf_config *c, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < c->n_features; i++)
		if (!is_known(c->features[i])) {
			mf_error_set(e, MF_EUNSUPPORTED,
			    "repository needs the feature \"%s\", which this modelferry does not have",
			    c->features[i]);
			return mf_error_hint(e, "use a newer modelferry");
		}
	return 0;
}

void
mf_config_mac(const uint8_t root[MF_KEY_BYTES], const uint8_t *bytes, size_t n,
    uint8_t mac[MF_CONFIG_MAC_BYTES])
{
	uint8_t key[MF_KEY_BYTES];

	mf_derive_key(key, root, MF_CONFIG_MAC_LABEL);
	crypto_generichash(mac, MF_CONFIG_MAC_BYTES, bytes, n, key, sizeof key);
	sodium_memzero(key, sizeof key);
}

static int
copy_features(struct mf_config *c, const struct mf_config_params *p, struct mf_error *e)
{
	size_t i;

	if (p->n_features > MF_CONFIG_MAX_FEATURES)
		return mf_error_set(e, MF_EUSAGE, "more than %d required features",
		    MF_CONFIG_MAX_FEATURES);
	for (i = 0; i < p->n_features; i++) {
		if (!mf_config_feature_is_fine(p->features[i], strlen(p->features[i])) ||
		    (i > 0 && strcmp(p->features[i - 1], p->features[i]) >= 0))
			return mf_error_set(e, MF_EUSAGE,
			    "required features must be names of a-z, 0-9 and \"-\", ascending");
		if ((c->features[i] = strdup(p->features[i])) == NULL)
			return mf_error_nomem(e, "the configuration");
		c->n_features = i + 1;
	}
	return 0;
}

struct mf_config *
mf_config_create(const struct mf_keyring *kr, const struct mf_config_params *p,
    struct mf_error *e)
{
	struct mf_config *c = calloc(1, sizeof *c);

	if (c == NULL) {
		mf_error_nomem(e, "the configuration");
		return NULL;
	}
	memcpy(c->repo_id, mf_keyring_repo_id(kr), sizeof c->repo_id);
	c->cipher = mf_keyring_cipher(kr);
	c->padding = mf_keyring_padding(kr);
	c->created_us = p->now_us;
	c->epoch = mf_keyring_epoch(kr);
	c->floor = mf_keyring_floor(kr);
	if (copy_features(c, p, e) == 0)
		return c;
	mf_config_free(c);
	return NULL;
}

void
mf_config_free(struct mf_config *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n_features; i++)
		free(c->features[i]);
	for (i = 0; i < c->n_slots; i++)
		mf_slot_fini(&c->slots[i]);
	free(c->encoded);
	free(c);
}

const uint8_t *
mf_config_repo_id(const struct mf_config *c)
{
	return c->repo_id;
}

uint64_t
mf_config_sequence(const struct mf_config *c)
{
	return c->sequence;
}

enum mf_cipher
mf_config_cipher(const struct mf_config *c)
{
	return c->cipher;
}

enum mf_padding
mf_config_padding(const struct mf_config *c)
{
	return c->padding;
}

int64_t
mf_config_created_us(const struct mf_config *c)
{
	return c->created_us;
}

uint32_t
mf_config_epoch(const struct mf_config *c)
{
	return c->epoch;
}

uint32_t
mf_config_floor(const struct mf_config *c)
{
	return c->floor;
}

size_t
mf_config_features(const struct mf_config *c)
{
	return c->n_features;
}

const char *
mf_config_feature(const struct mf_config *c, size_t i)
{
	assert(i < c->n_features);
	return c->features[i];
}

size_t
mf_config_slots(const struct mf_config *c)
{
	return c->n_slots;
}

struct mf_slot_view
mf_config_slot(const struct mf_config *c, size_t i)
{
	const struct mf_slot *s = &c->slots[i];
	struct mf_slot_view v = {.label = s->label, .kind = s->kind, .created_us = s->created_us,
	    .public_half = s->public, .kdf_passes = s->passes, .kdf_memory_bytes = s->memory_bytes};

	assert(i < c->n_slots);
	mf_hex_encode(v.id, s->id, sizeof s->id);
	return v;
}

int
mf_config_find_slot(const struct mf_config *c, const char *id_or_label, size_t *i,
    struct mf_error *e)
{
	size_t k, found = 0;
	char id[MF_SLOT_ID_HEX_BYTES];

	for (k = 0; k < c->n_slots; k++) {
		mf_hex_encode(id, c->slots[k].id, MF_SLOT_ID_BYTES);
		if (strcmp(id, id_or_label) == 0) {
			*i = k;
			return 0;
		}
	}
	for (k = 0; k < c->n_slots; k++)
		if (strcmp(c->slots[k].label, id_or_label) == 0) {
			*i = k;
			found++;
		}
	if (found == 1)
		return 0;
	if (found > 1)
		return mf_error_set(e, MF_EKEY, "%zu key slots are called \"%s\": give the id", found,
		    id_or_label);
	mf_error_set(e, MF_EKEY, "no key slot has the id or label \"%s\"", id_or_label);
	return mf_error_hint(e, "modelferry key list shows them");
}
