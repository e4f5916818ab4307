/* key generate, add, list, remove, rotate. */
#include <string.h>

#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/repo/rekey.h"

static int
generate(const char *path, bool signing, char public_text[MF_TEXTKEY_BYTES], struct mf_error *e)
{
	struct mf_signer *s;
	int rc;

	if (!signing)
		return mf_identity_generate(path, public_text, e);
	if ((s = mf_signer_generate(e)) == NULL)
		return -1;
	mf_signer_public_text(s, public_text);
	rc = mf_signer_save(s, path, e);
	mf_signer_free(s);
	return rc;
}

int
mf_cmd_key_generate(struct mf_cmd *c, struct mf_error *e)
{
	const char *path = mf_options_text(c->options, MF_OPT_OUT);
	char public_text[MF_TEXTKEY_BYTES];

	if (path == NULL)
		return mf_error_set(e, MF_EUSAGE, "key generate needs --out FILE");
	if (generate(path, mf_options_flag(c->options, MF_OPT_SIGNING), public_text, e) != 0)
		return -1;
	if (c->json)
		return mf_output_json(c->out,
		    json_pack("{s:s, s:s}", "file", path, "public", public_text), e);
	fprintf(c->out, "%s\n", public_text);
	return 0;
}

/* What the new slot is made of. source is the caller's, public_half points into half. */
struct new_key {
	struct mf_unlock *source;
	uint8_t half[MF_PUBLIC_BYTES];
	bool is_public;
};

static int
count_given(const struct mf_options *o)
{
	return mf_options_given(o, MF_OPT_RECIPIENT) + mf_options_given(o, MF_OPT_NEW_KEY_FILE) +
	    mf_options_given(o, MF_OPT_NEW_PASSPHRASE_FILE) +
	    (mf_options_given(o, MF_OPT_NEW_ENCRYPTION_KEY_FILE) ||
		mf_options_given(o, MF_OPT_NEW_HMAC_KEY_FILE));
}

static int
load_pair(const struct mf_options *o, struct new_key *k, struct mf_error *e)
{
	const char *encryption = mf_options_text(o, MF_OPT_NEW_ENCRYPTION_KEY_FILE);
	const char *hmac = mf_options_text(o, MF_OPT_NEW_HMAC_KEY_FILE);

	if (encryption == NULL || hmac == NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "a raw pair needs both --new-encryption-key-file and --new-hmac-key-file");
	k->source = mf_unlock_from_pair_files(encryption, hmac, e);
	return k->source != NULL ? 0 : -1;
}

static int
load_new_key(const struct mf_options *o, struct new_key *k, struct mf_error *e)
{
	const char *recipient = mf_options_text(o, MF_OPT_RECIPIENT);
	const char *identity = mf_options_text(o, MF_OPT_NEW_KEY_FILE);
	const char *passphrase = mf_options_text(o, MF_OPT_NEW_PASSPHRASE_FILE);

	*k = (struct new_key){0};
	if (count_given(o) != 1) {
		mf_error_set(e, MF_EUSAGE, "%s for the slot",
		    count_given(o) == 0 ? "no key" : "more than one key");
		return mf_error_hint(e, "give one of --recipient, --new-key-file, "
					"--new-passphrase-file, or the pair of "
					"--new-encryption-key-file and --new-hmac-key-file");
	}
	if (recipient != NULL) {
		k->is_public = true;
		return mf_public_parse(recipient, "--recipient", k->half, e);
	}
	if (identity != NULL)
		k->source = mf_unlock_from_identity_file(identity, e);
	else if (passphrase != NULL)
		k->source = mf_unlock_from_passphrase_file(passphrase, e);
	else
		return load_pair(o, k, e);
	return k->source != NULL ? 0 : -1;
}

static struct mf_slot_params
slot_params(const struct new_key *k)
{
	return (struct mf_slot_params){.source = k->source, .now_us = mf_cmd_now_us(),
	    .public_half = k->is_public ? k->half : NULL};
}

/* A label that no slot has: "identity-2". */
static void
free_label(const struct mf_config *config, const struct new_key *k, char out[64])
{
	const char *kind = k->source != NULL ? mf_unlock_kind_name(mf_unlock_kind(k->source))
					     : mf_unlock_kind_name(MF_UNLOCK_IDENTITY);
	size_t n = mf_config_slots(config) + 1, i;

	do {
		snprintf(out, 64, "%s-%zu", kind, n++);
	} while (mf_config_find_slot(config, out, &i, NULL) == 0);
}

static int
done(struct mf_cmd *c, const char *what, const char *slot, struct mf_error *e)
{
	if (c->json)
		return mf_output_json(c->out, json_pack("{s:s}", "slot", slot), e);
	fprintf(c->out, "%s the key slot %s\n", what, slot);
	return 0;
}

static int
add(struct mf_cmd *c, struct mf_repo *repo, const struct new_key *k, struct mf_error *e)
{
	struct mf_config *config = mf_repo_config_edit(repo);
	struct mf_slot_params p = slot_params(k);
	char id[MF_SLOT_ID_HEX_BYTES], label[64];

	p.label = mf_options_text(c->options, MF_OPT_LABEL);
	if (p.label == NULL) {
		free_label(config, k, label);
		p.label = label;
	}
	if (mf_config_add_slot(config, mf_repo_keyring(repo), &p, id, e) != 0 ||
	    mf_repo_save_config(repo, NULL, e) != 0)
		return -1;
	return done(c, "added", id, e);
}

/* Open the repository and do something with the new key that the options give. */
static int
with_new_key(struct mf_cmd *c,
    int (*change)(struct mf_cmd *c, struct mf_repo *repo, const struct new_key *k,
	struct mf_error *e),
    struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct new_key k;
	int rc = load_new_key(c->options, &k, e);

	if (rc == 0)
		rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e);
	if (rc == 0)
		rc = change(c, r.repo, &k, e);
	mf_cmd_close_repo(&r);
	mf_unlock_free(k.source);
	return rc;
}

int
mf_cmd_key_add(struct mf_cmd *c, struct mf_error *e)
{
	return with_new_key(c, add, e);
}

static json_t *
slot_json(const struct mf_slot_view *v)
{
	char half[MF_TEXTKEY_BYTES];
	json_t *o;

	mf_textkey_format(MF_PUBLIC_LABEL, v->public_half, half);
	o = json_pack("{s:s, s:s, s:s}", "id", v->id, "kind", mf_unlock_kind_name(v->kind), "public",
	    half);
	if (o != NULL && mf_output_set_name(o, "label", v->label) == 0 &&
	    mf_output_set_time(o, "created", v->created_us) == 0)
		return o;
	json_decref(o);
	return NULL;
}

static int
list_json(struct mf_cmd *c, const struct mf_config *config, struct mf_error *e)
{
	json_t *array = json_array();
	struct mf_slot_view v;
	size_t i;

	for (i = 0; array != NULL && i < mf_config_slots(config); i++) {
		v = mf_config_slot(config, i);
		if (json_array_append_new(array, slot_json(&v)) != 0) {
			json_decref(array);
			array = NULL;
		}
	}
	if (array == NULL)
		return mf_error_nomem(e, "result");
	return mf_output_json(c->out,
	    json_pack("{s:I, s:s, s:o}", "epoch", (json_int_t)mf_config_epoch(config), "cipher",
		mf_cipher_name(mf_config_cipher(config)), "slots", array), e);
}

static int
list(struct mf_cmd *c, const struct mf_config *config, struct mf_error *e)
{
	char when[MF_TIME_TEXT_BYTES];
	struct mf_slot_view v;
	size_t i;

	if (c->json)
		return list_json(c, config, e);
	fprintf(c->out, "epoch %lu, %s\n", (unsigned long)mf_config_epoch(config),
	    mf_cipher_name(mf_config_cipher(config)));
	for (i = 0; i < mf_config_slots(config); i++) {
		v = mf_config_slot(config, i);
		fprintf(c->out, "%s  %-10s  %.19s  ", v.id, mf_unlock_kind_name(v.kind),
		    mf_format_time(v.created_us, when));
		mf_output_name(c->out, v.label);
		fprintf(c->out, "\n");
	}
	return 0;
}

int
mf_cmd_key_list(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = list(c, mf_repo_config(r.repo), e);
	mf_cmd_close_repo(&r);
	return rc;
}

/* Would the keys at hand still open the repository under its changed configuration? */
static int
check_still_opens(const struct mf_cmd_repo *r, struct mf_error *e)
{
	const struct mf_config *config = mf_repo_config(r->repo);
	uint64_t sequence = mf_config_sequence(config) + 1;
	struct mf_keyring *keyring = NULL;
	struct mf_config *copy = NULL;
	struct mf_buf bytes = MF_BUF_INIT;
	struct mf_error why = {0};
	int rc = mf_config_encode(config, mf_repo_keyring(r->repo), sequence, &bytes, e);

	if (rc == 0 && (copy = mf_config_decode(bytes.data, bytes.len, sequence, e)) == NULL)
		rc = -1;
	if (rc == 0 && mf_config_unlock(copy, (const struct mf_unlock *const *)r->unlocks,
			   r->n_unlocks, &keyring, &why) != 0) {
		mf_error_set(e, MF_EUSAGE, "the keys given would not open the repository any more");
		rc = mf_error_hint(e, "open it with a key of another slot, or give --force");
	}
	mf_keyring_free(keyring);
	mf_config_free(copy);
	mf_buf_fini(&bytes);
	return rc;
}

int
mf_cmd_key_remove(struct mf_cmd *c, struct mf_error *e)
{
	const char *slot = mf_options_arg(c->options, 0);
	struct mf_cmd_repo r = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e);

	if (rc == 0)
		rc = mf_config_remove_slot(mf_repo_config_edit(r.repo), slot, e);
	if (rc == 0 && !mf_options_flag(c->options, MF_OPT_FORCE_REMOVE))
		rc = check_still_opens(&r, e);
	if (rc == 0)
		rc = mf_repo_save_config(r.repo, NULL, e);
	if (rc == 0)
		rc = done(c, "removed", slot, e);
	mf_cmd_close_repo(&r);
	return rc;
}

static int
rotate(struct mf_cmd *c, struct mf_repo *repo, const struct new_key *k, struct mf_error *e)
{
	struct mf_config *config = mf_repo_config_edit(repo);
	const char *slot = mf_options_arg(c->options, 0);
	struct mf_slot_params p = slot_params(k);
	struct mf_slot_view only;

	if (slot == NULL) {
		if (mf_config_slots(config) != 1) {
			mf_error_set(e, MF_EUSAGE, "the repository has several key slots");
			return mf_error_hint(e, "name one of those in `modelferry key list`");
		}
		only = mf_config_slot(config, 0);
		slot = only.id;
	}
	if (mf_config_rotate(config, mf_repo_keyring(repo), slot, &p, e) != 0 ||
	    mf_repo_save_config(repo, NULL, e) != 0)
		return -1;
	return done(c, "rotated", slot, e);
}

int
mf_cmd_key_rotate(struct mf_cmd *c, struct mf_error *e)
{
	return with_new_key(c, rotate, e);
}

int
mf_cmd_key_rekey(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e);

	if (rc == 0)
		rc = mf_rekey(r.repo, mf_cmd_now_us(), e);
	if (rc == 0 && c->json)
		rc = mf_output_json(c->out,
		    json_pack("{s:s, s:I}", "repository", mf_repo_id_hex(r.repo), "epoch",
			(json_int_t)mf_config_epoch(mf_repo_config(r.repo))), e);
	else if (rc == 0)
		fprintf(c->out, "rekeyed: epoch %u\n",
		    (unsigned)mf_config_epoch(mf_repo_config(r.repo)));
	mf_cmd_close_repo(&r);
	return rc;
}
