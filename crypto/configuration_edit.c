/* Changes of a configuration: slots and keys. */
#include "config.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/configuration_int.h"
#include "src/base/hex.h"

static size_t
count_passphrases(const struct mf_config *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n_slots; i++)
		n += c->slots[i].kind == MF_UNLOCK_PASSPHRASE;
	return n;
}

static int
check_room(const struct mf_config *c, const struct mf_slot_params *p, struct mf_error *e)
{
	size_t i;

	if (c->n_slots == MF_CONFIG_MAX_SLOTS)
		return mf_error_set(e, MF_EUSAGE, "a repository has at most %d key slots",
		    MF_CONFIG_MAX_SLOTS);
	for (i = 0; i < c->n_slots; i++)
		if (strcmp(c->slots[i].label, p->label) == 0)
			return mf_error_set(e, MF_EEXIST, "a key slot \"%s\" is there already",
			    p->label);
	return 0;
}

static int
check_passphrases(const struct mf_config *c, const struct mf_slot_params *p, struct mf_error *e)
{
	if (p->source != NULL && mf_unlock_kind(p->source) == MF_UNLOCK_PASSPHRASE &&
	    count_passphrases(c) >= MF_CONFIG_MAX_PASSPHRASES)
		return mf_error_set(e, MF_EUSAGE, "a repository has at most %d passphrase slots",
		    MF_CONFIG_MAX_PASSPHRASES);
	return 0;
}

int
mf_config_add_slot(struct mf_config *c, const struct mf_keyring *kr,
    const struct mf_slot_params *p, char id[MF_SLOT_ID_HEX_BYTES], struct mf_error *e)
{
	uint8_t raw_id[MF_SLOT_ID_BYTES];
	struct mf_slot s;

	randombytes_buf(raw_id, sizeof raw_id);
	if (check_room(c, p, e) != 0 || check_passphrases(c, p, e) != 0 ||
	    mf_slot_make(&s, c->repo_id, raw_id, p, e) != 0 || mf_slot_seal(&s, kr, e) != 0)
		return -1;
	c->slots[c->n_slots++] = s;
	if (id != NULL)
		mf_hex_encode(id, raw_id, sizeof raw_id);
	return 0;
}

int
mf_config_remove_slot(struct mf_config *c, const char *id_or_label, struct mf_error *e)
{
	size_t i;

	if (mf_config_find_slot(c, id_or_label, &i, e) != 0)
		return -1;
	if (c->n_slots == 1) {
		mf_error_set(e, MF_EUSAGE, "\"%s\" is the last key slot: without it nobody could open "
		    "the repository again", c->slots[i].label);
		return mf_error_hint(e, "add another slot first: modelferry key add");
	}
	mf_slot_fini(&c->slots[i]);
	c->n_slots--;
	memmove(&c->slots[i], &c->slots[i + 1], (c->n_slots - i) * sizeof c->slots[0]);
	return 0;
}

int
mf_config_rotate(struct mf_config *c, const struct mf_keyring *kr, const char *id_or_label,
    const struct mf_slot_params *p, struct mf_error *e)
{
	struct mf_slot_params q = *p;
	struct mf_slot s;
	size_t i;

	if (mf_config_find_slot(c, id_or_label, &i, e) != 0)
		return -1;
	if (c->slots[i].kind != MF_UNLOCK_PASSPHRASE && check_passphrases(c, p, e) != 0)
		return -1;
	q.label = c->slots[i].label;
	if (mf_slot_make(&s, c->repo_id, c->slots[i].id, &q, e) != 0 ||
	    mf_slot_seal(&s, kr, e) != 0)
		return -1;
	mf_slot_fini(&c->slots[i]);
	c->slots[i] = s;
	return 0;
}

/* Seal kr's keys to every slot: all or none. */
static int
reseal_slots(struct mf_config *c, const struct mf_keyring *kr, struct mf_error *e)
{
	struct mf_slot *fresh = calloc(c->n_slots, sizeof *fresh);
	size_t i, done = 0;
	int rc = 0;

	if (fresh == NULL)
		return mf_error_nomem(e, "the key slots");
	for (; done < c->n_slots && rc == 0; done++) {
		fresh[done] = c->slots[done];
		fresh[done].payload = NULL;
		rc = mf_slot_seal(&fresh[done], kr, e);
	}
	for (i = 0; i < done; i++) {
		free(rc == 0 ? c->slots[i].payload : fresh[i].payload);
		if (rc == 0)
			c->slots[i] = fresh[i];
	}
	free(fresh);
	return rc;
}

/* kr with a fresh root secret and one epoch more. */
static struct mf_keyring *
next_keyring(const struct mf_keyring *kr, struct mf_error *e)
{
	const struct mf_keyring_keys *k = mf_keyring_keys(kr);
	const size_t n = mf_keyring_epochs(kr);
	struct mf_secret *root = mf_secret_random(MF_KEY_BYTES, e);
	struct mf_secret *mem =
	    mf_secret_new(((n + 1) * sizeof(struct mf_epoch) + 15) & ~(size_t)15, e);
	struct mf_keyring *next = NULL;
	struct mf_epoch *epochs;

	if (root != NULL && mem != NULL) {
		epochs = (struct mf_epoch *)(void *)mf_secret_bytes(mem);
		memcpy(epochs, k->epochs, n * sizeof *epochs);
		epochs[n].number = epochs[n - 1].number + 1;
		randombytes_buf(epochs[n].key, MF_KEY_BYTES);
		next = mf_keyring_of(&(struct mf_keyring_params){.cipher = mf_keyring_cipher(kr),
					 .padding = mf_keyring_padding(kr),
					 .floor = mf_keyring_floor(kr), .root0 = k->root0,
					 .root = mf_secret_view(root), .epochs = epochs,
					 .n_epochs = n + 1}, e);
	}
	mf_secret_free(root);
	mf_secret_free(mem);
	return next;
}

int
mf_config_rekey(struct mf_config *c, const struct mf_keyring *kr, struct mf_keyring **next,
    struct mf_error *e)
{
	struct mf_keyring *k;

	if (c->floor != c->epoch) {
		mf_error_set(e, MF_ECONFLICT, "the rekey to epoch %lu has not been finished",
		    (unsigned long)c->epoch);
		return mf_error_hint(e, "wait for it, or finish it with modelferry key rekey");
	}
	if (mf_keyring_epochs(kr) == MF_MAX_EPOCHS || mf_keyring_epoch(kr) == UINT32_MAX)
		return mf_error_set(e, MF_EUNSUPPORTED, "a repository has at most %d epochs",
		    MF_MAX_EPOCHS);
	if ((k = next_keyring(kr, e)) == NULL)
		return -1;
	if (reseal_slots(c, k, e) != 0) {
		mf_keyring_free(k);
		return -1;
	}
	c->epoch = mf_keyring_epoch(k);
	*next = k;
	return 0;
}

int
mf_config_rekey_finish(struct mf_config *c, const struct mf_keyring *kr,
    struct mf_keyring **next, struct mf_error *e)
{
	const struct mf_keyring_keys *k = mf_keyring_keys(kr);
	struct mf_keyring *fresh = mf_keyring_of(
	    &(struct mf_keyring_params){.cipher = mf_keyring_cipher(kr),
		.padding = mf_keyring_padding(kr), .root0 = k->root0, .root = k->root,
		.epochs = k->epochs, .n_epochs = mf_keyring_epochs(kr)}, e);

	if (fresh == NULL)
		return -1;
	c->floor = c->epoch;
	*next = fresh;
	return 0;
}
