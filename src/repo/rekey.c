/*
 * A rekey in two phases, so that it can be cut off anywhere:
 *   1. The configuration with the new epoch is put; its floor stays, so that objects of both
 *      epochs open. From now on nobody publishes under the old keys (publish.c looks after its
 *      mark whether the configuration is still the newest).
 *   2. Everything of an older epoch is sealed again, until a pass finds nothing.
 *   3. The configuration is put once more, with the floor at the new epoch.
 *
 * Refs, holds, votes, annotations, condemned lists, leases, receipts and what runs write keep
 * their names, and are replaced by a plain put. Put once is a rule for what a name *says*, and
 * that does not change: the plaintext is the same, and the store replaces an object atomically.
 * The name is taken all the time, so that a put-if-absent beside it (the compare-and-swap of refs)
 * is answered as before; a fresh name would be a move of the ref that nobody made, with a sequence
 * that clients remember. If somebody deletes the object in between (a trim, a prune that takes
 * back its list) the put brings it back: as old history, or as a list of which no name is stored;
 * both are garbage that the next prune collects. A manifest brought back would not be garbage if
 * it had a mark: manifests are published under fresh names (rekey_versions.c).
 */
#include "crypto/seal.h"
#include "src/base/log.h"
#include "src/repo/rekey.h"
#include "src/repo/rekey_int.h"

#define MAX_PASSES 8

int64_t
mf_rekey_epoch(struct mf_repo *repo, const char *name, struct mf_error *e)
{
	struct mf_buf head = MF_BUF_INIT;
	struct mf_seal_header h;
	int rc = mf_store_get(repo->store, name, 0, MF_SEAL_HEADER_BYTES, &head, e);

	if (rc != 0 && e->code != MF_ENOTFOUND) {
		mf_buf_fini(&head);
		return -1;
	}
	if (rc == 0)
		rc = mf_seal_header_decode(head.data, head.len, &h, e);
	mf_buf_fini(&head);
	if (rc == 0)
		return h.epoch;
	mf_error_clear(e);
	return 0;
}

/* 0: as it should be by now. */
static int
reseal_in_place(struct mf_repo *repo, enum mf_object_type type, const char *name,
    size_t *changed, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	int64_t epoch = mf_rekey_epoch(repo, name, e);
	int rc;

	if (epoch < 0)
		return -1;
	if (epoch == 0 || epoch == mf_keyring_epoch(repo->keyring))
		return 0;
	rc = mf_object_get(repo, type, name, &plain, e);
	if (rc == 0) {
		rc = mf_object_put(repo, type, name, plain.data, plain.len,
		    MF_STORE_DURABLE | MF_STORE_REPEATABLE, e);
		*changed += rc == 0;
	} else if (e->code == MF_EDAMAGED || e->code == MF_EKEY || e->code == MF_ENOTFOUND) {
		if (e->code != MF_ENOTFOUND)
			mf_log(MF_LOG_WARNING, "%s stays in the old epoch: %s", name, e->message);
		mf_error_clear(e);
		rc = 0;
	}
	mf_buf_fini(&plain);
	return rc;
}

static int
reseal_all(struct mf_repo *repo, enum mf_object_type type, const char *prefix, size_t *changed,
    struct mf_error *e)
{
	struct mf_names names;
	size_t i;
	int rc = 0;

	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++)
		rc = reseal_in_place(repo, type, names.items[i], changed, e);
	mf_names_fini(&names);
	return rc;
}

/* Lists first: pushes and prunes under the new keys read them. */
static int
pass(struct mf_repo *repo, size_t *changed, struct mf_error *e)
{
	*changed = 0;
	if (reseal_all(repo, MF_OBJECT_CONDEMNED, "x/", changed, e) != 0 ||
	    mf_rekey_versions(repo, changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_REF, "r/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_REF, "h/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_REF, "p/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_ANNOTATION, "a/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_LEASE, "l/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_RUN, "j/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_RUN, "b/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_CONTROL, "o/", changed, e) != 0 ||
	    reseal_all(repo, MF_OBJECT_RECEIPT, "s/", changed, e) != 0)
		return -1;
	return mf_store_sync(repo->store, e);
}

static int
start_epoch(struct mf_repo *repo, struct mf_error *e)
{
	struct mf_keyring *next;

	if (mf_config_epoch(repo->config) != mf_config_floor(repo->config)) {
		mf_log(MF_LOG_INFO, "going on with the rekey to epoch %u",
		    (unsigned)mf_config_epoch(repo->config));
		return 0;
	}
	if (mf_config_rekey(repo->config, repo->keyring, &next, e) != 0)
		return -1;
	return mf_repo_save_config(repo, next, e);
}

static int
finish(struct mf_repo *repo, struct mf_error *e)
{
	struct mf_keyring *next;

	if (mf_config_rekey_finish(repo->config, repo->keyring, &next, e) != 0)
		return -1;
	return mf_repo_save_config(repo, next, e);
}

int
mf_rekey(struct mf_repo *repo, int64_t now_us, struct mf_error *e)
{
	size_t changed = 1;
	int n, rc;

	(void)now_us; /* nothing of a rekey is dated so far */
	rc = start_epoch(repo, e);
	for (n = 0; rc == 0 && changed > 0 && n < MAX_PASSES; n++)
		rc = pass(repo, &changed, e);
	if (rc == 0 && changed > 0)
		rc = mf_error_set(e, MF_ECONFLICT,
		    "others keep writing under the old keys of %s", mf_store_label(repo->store));
	if (rc == 0)
		rc = finish(repo, e);
	return rc == 0 ? 0 : mf_error_while(e, "rekeying %s", mf_store_label(repo->store));
}
