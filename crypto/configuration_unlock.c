/* From a configuration and something that opens a slot to a key ring. */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/configuration_int.h"

/* What has been tried so far. */
struct attempt {
	const struct mf_config *config;
	size_t tried;		   /* slots of a kind that some source has */
	const struct mf_slot *near; /* a raw slot that one key of the pair fits */
	enum mf_slot_fit near_fit;
	const struct mf_unlock *near_source;
};

/* The payload's shape: root0, root, count, epochs by ascending number from 1 on. */
static int
parse_keys(const struct mf_config *c, const struct mf_secret *plain, struct mf_secret *epochs,
    size_t n, struct mf_error *e)
{
	struct mf_epoch *out = (struct mf_epoch *)(void *)mf_secret_bytes(epochs);
	struct mf_reader r = mf_reader_of(mf_secret_view(plain), mf_secret_len(plain));
	const uint8_t *key;
	uint32_t before = 0;
	size_t i;

	mf_reader_bytes(&r, MF_SLOT_PLAIN_BYTES(0));
	for (i = 0; i < n; i++) {
		out[i].number = mf_reader_u32(&r);
		key = mf_reader_bytes(&r, MF_KEY_BYTES);
		if (key == NULL || out[i].number <= before)
			return mf_error_set(e, MF_EDAMAGED, "epochs in the key slot are out of order");
		memcpy(out[i].key, key, MF_KEY_BYTES);
		before = out[i].number;
	}
	if (before != c->epoch)
		return mf_error_set(e, MF_EDAMAGED,
		    "configuration says epoch %lu, its key slot has keys up to %lu",
		    (unsigned long)c->epoch, (unsigned long)before);
	return 0;
}

static struct mf_keyring *
keyring_of_payload(const struct mf_config *c, const struct mf_secret *plain, struct mf_error *e)
{
	const uint8_t *p = mf_secret_view(plain);
	const size_t n = mf_get_u32(p + 2 * (size_t)MF_KEY_BYTES);
	struct mf_keyring *kr = NULL;
	struct mf_secret *epochs;

	if (n == 0 || n > MF_MAX_EPOCHS || mf_secret_len(plain) != MF_SLOT_PLAIN_BYTES(n)) {
		mf_error_set(e, MF_EDAMAGED, "key slot of the configuration has a bad length");
		return NULL;
	}
	/* rounded up, for sodium_malloc aligns the end and not the start */
	epochs = mf_secret_new((n * sizeof(struct mf_epoch) + 15) & ~(size_t)15, e);
	if (epochs != NULL && parse_keys(c, plain, epochs, n, e) == 0)
		kr = mf_keyring_of(&(struct mf_keyring_params){.cipher = c->cipher,
				       .padding = c->padding, .floor = c->floor, .root0 = p,
				       .root = p + MF_KEY_BYTES, .n_epochs = n,
				       .epochs = (const struct mf_epoch *)(const void *)
					   mf_secret_view(epochs)}, e);
	mf_secret_free(epochs);
	return kr;
}

/* The repository id commits to root0; everything else is under the MAC of root. */
static int
authenticate(const struct mf_config *c, const struct mf_keyring *kr, struct mf_error *e)
{
	uint8_t mac[MF_CONFIG_MAC_BYTES];
	const size_t n = c->encoded_len - sizeof mac;

	if (sodium_memcmp(mf_keyring_repo_id(kr), c->repo_id, sizeof c->repo_id) != 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "keys in the configuration belong to another repository id: damaged or forged");
	mf_config_mac(mf_keyring_keys(kr)->root, c->encoded, n, mac);
	if (sodium_memcmp(mac, c->encoded + n, sizeof mac) != 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "configuration fails its authentication: damaged or forged");
	return mf_config_check_features(c, e);
}

static int
take_keys(const struct mf_config *c, const struct mf_slot *s, const struct mf_secret *private,
    struct mf_keyring **kr, struct mf_error *e)
{
	struct mf_secret *plain = mf_slot_open(s, private, e);
	struct mf_keyring *k = NULL;

	if (plain == NULL)
		return -1;
	k = keyring_of_payload(c, plain, e);
	mf_secret_free(plain);
	if (k == NULL)
		return -1;
	if (authenticate(c, k, e) != 0) {
		mf_keyring_free(k);
		return -1;
	}
	*kr = k;
	return 0;
}

static int
forged(const struct mf_slot *s, struct mf_error *e)
{
	return mf_error_set(e, MF_EDAMAGED,
	    "passphrase opens slot \"%s\", but the slot was changed or comes from another repository",
	    s->label);
}

/* One source on all slots of its kind. 0: *kr is set; 1: none fits; -1. */
static int
try_source(struct attempt *a, const struct mf_unlock *u, struct mf_keyring **kr,
    struct mf_error *e)
{
	const struct mf_config *c = a->config;
	struct mf_secret *private = NULL;
	enum mf_slot_fit fit;
	size_t i;
	int rc;

	for (i = 0; i < c->n_slots; i++) {
		if (c->slots[i].kind != u->kind)
			continue;
		a->tried++;
		fit = mf_slot_try(&c->slots[i], c->repo_id, u, &private, e);
		switch (fit) {
		case MF_SLOT_ERROR: return -1;
		case MF_SLOT_FORGED: return forged(&c->slots[i], e);
		case MF_SLOT_OTHER: break;
		case MF_SLOT_WRONG_HMAC:
		case MF_SLOT_WRONG_ENCRYPTION:
			a->near = &c->slots[i];
			a->near_fit = fit;
			a->near_source = u;
			break;
		case MF_SLOT_FITS:
			rc = take_keys(c, &c->slots[i], private, kr, e);
			mf_secret_free(private);
			return rc;
		}
	}
	return 1;
}

/* "raw pair \"ci\", identity \"ann\"" */
static void
list_slots(const struct mf_config *c, char *out, size_t bytes)
{
	size_t i, at = 0;
	int n;

	out[0] = '\0';
	for (i = 0; i < c->n_slots && at < bytes; i++) {
		n = snprintf(out + at, bytes - at, "%s%s \"%s\"", i > 0 ? ", " : "",
		    mf_unlock_kind_name(c->slots[i].kind), c->slots[i].label);
		at += n > 0 ? (size_t)n : 0;
	}
}

static void
list_sources(const struct mf_unlock *const *sources, size_t n, char *out, size_t bytes)
{
	size_t i, at = 0;
	int k;

	out[0] = '\0';
	for (i = 0; i < n && at < bytes; i++) {
		k = snprintf(out + at, bytes - at, "%s%s", i > 0 ? " or " : "",
		    mf_unlock_origin(sources[i]));
		at += k > 0 ? (size_t)k : 0;
	}
}

static int
nothing_fits(const struct attempt *a, const struct mf_unlock *const *sources, size_t n,
    struct mf_error *e)
{
	char slots[200], given[200];

	list_slots(a->config, slots, sizeof slots);
	list_sources(sources, n, given, sizeof given);
	if (n == 0)
		mf_error_set(e, MF_EKEY, "no key was given to open this repository");
	else if (a->near != NULL && a->near_fit == MF_SLOT_WRONG_HMAC)
		mf_error_set(e, MF_EKEY, "encryption key of %s opens slot \"%s\", but its HMAC key is "
		    "not the one that the slot was made with", mf_unlock_origin(a->near_source),
		    a->near->label);
	else if (a->near != NULL)
		mf_error_set(e, MF_EKEY, "HMAC key of %s is the one of slot \"%s\", but its encryption "
		    "key is not", mf_unlock_origin(a->near_source), a->near->label);
	else if (a->tried == 0)
		mf_error_set(e, MF_EKEY, "no slot of this repository takes a%s %s: %s was given",
		    mf_unlock_kind(sources[0]) == MF_UNLOCK_IDENTITY ? "n" : "",
		    mf_unlock_kind_name(mf_unlock_kind(sources[0])), given);
	else
		mf_error_set(e, MF_EKEY, "no slot of this repository opens with %s", given);
	return mf_error_hint(e, "the key is wrong, was replaced, or belongs to another repository; "
			     "slots here: %s", slots);
}

int
mf_config_unlock(const struct mf_config *c, const struct mf_unlock *const *sources, size_t n,
    struct mf_keyring **kr, struct mf_error *e)
{
	static const enum mf_unlock_kind by_cost[] = {
	    MF_UNLOCK_RAW, MF_UNLOCK_IDENTITY, MF_UNLOCK_PASSPHRASE};
	struct attempt a = {.config = c};
	size_t k, i;
	int rc;

	if (c->encoded == NULL)
		return mf_error_set(e, MF_EFAIL, "a configuration that was never stored is unlocked");
	for (k = 0; k < sizeof by_cost / sizeof by_cost[0]; k++)
		for (i = 0; i < n; i++) {
			if (mf_unlock_kind(sources[i]) != by_cost[k])
				continue;
			if ((rc = try_source(&a, sources[i], kr, e)) <= 0)
				return rc;
		}
	return nothing_fits(&a, sources, n, e);
}
