/* Moving refs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/repo/condemned_int.h"
#include "src/repo/forget_int.h"
#include "src/repo/hold_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/signing_int.h"

#define MAX_UNFINISHED 8 /* moves of others that one is ready to finish first */

static int
refuse_clash(struct mf_repo *repo, const struct mf_ref_move *move, struct mf_error *e)
{
	const char *model = move->to->root.model;
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	size_t n;

	if (strcmp(move->name, "previous") == 0) {
		mf_error_set(e, MF_EUSAGE, "`previous` follows from production's history and cannot be set");
		return mf_error_hint(e, "use: modelferry rollback %s", model);
	}
	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", model, move->name, v);
	snprintf(prefix, sizeof(prefix), "v/%s/%s-", m, v);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	n = names.n;
	mf_names_fini(&names);
	return n == 0 ? 0
		      : mf_error_set(e, MF_EUSAGE, "%s is the name of a version of %s; a ref needs another",
			    move->name, model);
}

static int
check_expectation(const struct mf_ref_move *move, const struct mf_ref *now, struct mf_error *e)
{
	const char *present = now->version != NULL ? now->version : "";

	if (move->expect == NULL || strcmp(move->expect, present) == 0)
		return 0;
	mf_error_set(e, MF_ECONFLICT, "the ref %s@%s is at %s, not at %s", move->to->root.model,
	    move->name, *present ? present : "nothing", *move->expect ? move->expect : "nothing");
	return mf_error_hint(e,
	    "nothing moved: look whether that is as it should be, and expect %s",
	    *present ? present : "an empty VERSION");
}

/* What stands in the object. */
static int
encode(struct mf_repo *repo, const struct mf_ref_move *move, struct mf_ref *ref, struct mf_buf *b,
    struct mf_error *e)
{
	int rc = 0;

	mf_ref_put_signed(ref, mf_keyring_repo_id(repo->keyring), b);
	ref->is_signed = move->signer != NULL;
	if (ref->is_signed && !b->failed) {
		memcpy(ref->signer, mf_signer_public(move->signer), sizeof(ref->signer));
		rc = mf_signing_sign(move->signer, MF_REF_SIGN_DOMAIN, b->data, b->len,
		    ref->signature, e);
	}
	mf_ref_put_signature(ref, b);
	return rc == 0 && b->failed ? mf_error_nomem(e, "a ref") : rc;
}

/* 1: the sequence number is taken. */
static int
put_if_absent(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_buf *bytes,
    struct mf_error *e)
{
	char object[MF_OBJECT_NAME_BYTES];
	size_t at;

	mf_ref_prefix(repo, ref->model, ref->name, object);
	at = strlen(object);
	snprintf(object + at, sizeof(object) - at, "%016" PRIx64, ref->sequence);
	return mf_object_put_new(repo, MF_OBJECT_REF, object, bytes->data, bytes->len,
	    MF_STORE_IF_ABSENT | MF_STORE_DURABLE, e);
}

/* 0. 1: the sequence number is taken. -1; *may_come: it may be put all the same. */
static int
put_ref(struct mf_repo *repo, const struct mf_ref_move *move, struct mf_ref *ref, bool *may_come,
    struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc = encode(repo, move, ref, &b, e);

	*may_come = false;
	if (rc == 0 && mf_ref_is_voted_on(repo)) {
		rc = mf_ref_vote(repo, ref, &b, may_come, e);
	} else if (rc == 0) {
		rc = put_if_absent(repo, ref, &b, e);
		*may_come = rc < 0;
	}
	mf_buf_fini(&b);
	return rc;
}

/*
 * Is the version condemned, or gone? Read after the hold is put: a forget that put its list
 * before is seen here, one that puts it later sees the hold. A mark that stands was there when
 * the lists were read, so that whoever sweeps manifests by a later list sees it.
 */
int
mf_version_check_not_forgotten(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES], manifest[MF_OBJECT_NAME_BYTES];
	struct mf_names burned;
	bool condemned;
	int no_mark, no_manifest;

	snprintf(mark, sizeof(mark), "v/%s", v->object);
	snprintf(manifest, sizeof(manifest), "m/%s", v->object);
	if (mf_condemned_read(repo, &burned, NULL, e) != 0)
		return -1;
	condemned = mf_names_has(&burned, mark) || mf_names_has(&burned, manifest);
	mf_names_fini(&burned);
	if (condemned) {
		mf_error_set(e, MF_ECONFLICT, "%s@%s is being forgotten", v->root.model,
		    v->root.version);
		return mf_error_hint(e, "choose another version; a forget that was cut off is "
		    "finished by running it again");
	}
	if ((no_mark = mf_store_head(repo->store, mark, NULL, e)) < 0 ||
	    (no_manifest = mf_store_head(repo->store, manifest, NULL, e)) < 0)
		return -1;
	if (no_mark == 0 && no_manifest == 0)
		return 0;
	return mf_error_set(e, MF_ENOTFOUND, "%s@%s was forgotten meanwhile", v->root.model,
	    v->root.version);
}

/*
 * Hold, look, put, let go. Nothing is to be taken back: when the put is sent, the version
 * stays until the hold is gone, and the hold stays until the put was answered. A hold that is
 * left over, by a kill or an answer that never came, is dead once the ref moves on. What was
 * voted for may be put by anybody until then.
 */
static int
put_held(struct mf_repo *repo, const struct mf_ref_move *move, struct mf_ref *ref,
    struct mf_error *e)
{
	char hold[MF_OBJECT_NAME_BYTES];
	bool may_come = false;
	int rc = mf_hold_put(repo, ref, hold, e);

	if (rc == 0)
		rc = mf_version_check_not_forgotten(repo, move->to, e);
	if (rc == 0)
		rc = put_ref(repo, move, ref, &may_come, e);
	if (!may_come)
		mf_store_del(repo->store, hold, NULL);
	if (rc == 1)
		return mf_error_set(e, MF_ECONFLICT, "somebody else moved the ref %s@%s meanwhile",
		    ref->model, ref->name);
	return rc;
}

/* The ref as it is, or empty; where votes decide, after what others left undone is done. */
static int
read_now(struct mf_repo *repo, const char *model, const char *name, struct mf_ref *now,
    struct mf_error *e)
{
	int rc = 1, n;

	for (n = 0; rc == 1 && n < MAX_UNFINISHED; n++) {
		if (mf_ref_get(repo, model, name, now, e) != 0 && e->code != MF_ENOTFOUND)
			return -1;
		rc = mf_ref_is_voted_on(repo)
		    ? mf_ref_finish_vote(repo, model, name, now->sequence + 1, e)
		    : 0;
		if (rc != 0)
			mf_ref_fini(now);
	}
	return rc == 1 ? mf_error_set(e, MF_ECONFLICT, "others keep moving the ref %s@%s", model, name)
		       : rc;
}

int
mf_ref_set(struct mf_repo *repo, const struct mf_ref_move *move, uint64_t *sequence,
    struct mf_error *e)
{
	const struct mf_root *root = &move->to->root;
	struct mf_ref now, ref = {0};
	int rc;

	if (mf_repo_check_name("ref", move->name, e) != 0 || refuse_clash(repo, move, e) != 0)
		return -1;
	if (read_now(repo, root->model, move->name, &now, e) != 0)
		return -1;
	if (check_expectation(move, &now, e) != 0) {
		mf_ref_fini(&now);
		return -1;
	}
	ref.model = root->model;
	ref.name = (char *)(uintptr_t)move->name;
	ref.version = root->version;
	ref.by = (char *)(uintptr_t)(move->by ? move->by : "");
	ref.sequence = now.sequence + 1;
	ref.moved_us = move->now_us;
	memcpy(ref.digest, move->to->digest, sizeof(ref.digest));
	mf_ref_fini(&now);
	rc = put_held(repo, move, &ref, e);
	if (rc == 0)
		rc = mf_ref_saw(repo, &ref, e);
	if (rc == 0 && sequence != NULL)
		*sequence = ref.sequence;
	return rc == 0 ? 0 : mf_error_while(e, "moving the ref %s@%s", root->model, move->name);
}
