#include <stdlib.h>
#include <string.h>

#include "src/cmd/output.h"
#include "src/cmd/probe.h"
#include "src/cmd/repo.h"

/* The one source that the first slot is made of. */
static const struct mf_unlock *
choose_source(const struct mf_cmd *c, const struct mf_cmd_repo *keys, struct mf_error *e)
{
	static const enum mf_unlock_kind kinds[] = {MF_UNLOCK_RAW, MF_UNLOCK_PASSPHRASE,
	    MF_UNLOCK_IDENTITY};
	const struct mf_unlock *found = NULL;
	uint64_t wanted = mf_options_number(c->options, MF_OPT_SLOT_KIND);
	size_t i;

	if (!mf_options_given(c->options, MF_OPT_SLOT_KIND)) {
		if (keys->n_unlocks == 1)
			return keys->unlocks[0];
		mf_error_set(e, MF_EUSAGE, "more than one key given: %s and %s",
		    mf_unlock_origin(keys->unlocks[0]), mf_unlock_origin(keys->unlocks[1]));
		mf_error_hint(e, "say which one opens the first key slot with --slot-kind");
		return NULL;
	}
	for (i = 0; i < keys->n_unlocks; i++)
		if (mf_unlock_kind(keys->unlocks[i]) == kinds[wanted])
			found = keys->unlocks[i];
	if (found == NULL)
		mf_error_set(e, MF_EUSAGE, "no %s was given for the first key slot",
		    mf_unlock_kind_name(kinds[wanted]));
	return found;
}

static int
make(struct mf_cmd *c, struct mf_store *store, const struct mf_unlock *source,
    const struct mf_keyring *keyring, struct mf_error *e)
{
	struct mf_config_params params = {.now_us = mf_cmd_now_us()};
	struct mf_slot_params slot = {.source = source, .now_us = params.now_us,
	    .label = mf_options_text(c->options, MF_OPT_LABEL)};
	struct mf_config *config = mf_config_create(keyring, &params, e);
	int rc = -1;

	if (slot.label == NULL)
		slot.label = mf_unlock_kind_name(mf_unlock_kind(source));
	if (config != NULL && mf_config_add_slot(config, keyring, &slot, NULL, e) == 0)
		rc = mf_repo_init(store, config, keyring, e);
	mf_config_free(config);
	return rc;
}

static int
print(struct mf_cmd *c, const char *url, const char *id, const struct mf_probe *probe,
    struct mf_error *e)
{
	json_t *store;

	if (!c->json) {
		fprintf(c->out, "made the repository %s\nid %s\n", url, id);
		mf_probe_print(c->out, probe);
		return 0;
	}
	if ((store = mf_probe_json(probe)) == NULL)
		return mf_error_nomem(e, "result");
	return mf_output_json(c->out, json_pack("{s:s, s:s, s:o}", "repo", url, "id", id, "store",
		store), e);
}

/* Open what was made, which also pins its id, and print. */
static int
show(struct mf_cmd *c, const char *url, const struct mf_probe *probe, struct mf_cmd_repo *keys,
    struct mf_error *e)
{
	if (mf_cmd_open_at(c, url, MF_CMD_READ, NULL, keys, e) != 0)
		return -1;
	return print(c, url, mf_repo_id_hex(keys->repo), probe, e);
}

int
mf_cmd_init(struct mf_cmd *c, struct mf_error *e)
{
	const char *url = mf_cmd_url(c, e);
	struct mf_cmd_repo keys = {0};
	struct mf_store *store = NULL;
	struct mf_keyring *keyring = NULL;
	const struct mf_unlock *source;
	struct mf_probe probe;
	int rc = -1;

	if (url == NULL || mf_cmd_load_unlocks(c, &keys, e) != 0 ||
	    (source = choose_source(c, &keys, e)) == NULL)
		goto out;
	if (mf_cmd_open_store(c, url, MF_CMD_CREATE, &store, e) != 0 ||
	    mf_probe_run(store, &probe, e) != 0)
		goto out;
	keyring = mf_keyring_create(
	    mf_options_number(c->options, MF_OPT_CIPHER) == 1 ? MF_CIPHER_AES256_GCM
							     : MF_CIPHER_XCHACHA20_POLY1305,
	    mf_options_flag(c->options, MF_OPT_PAD) ? MF_PADDING_PADME : MF_PADDING_NONE, e);
	if (keyring == NULL || make(c, store, source, keyring, e) != 0)
		goto out;
	rc = show(c, url, &probe, &keys, e);
out:
	mf_keyring_free(keyring);
	mf_store_close(store);
	mf_cmd_close_repo(&keys);
	return rc;
}
