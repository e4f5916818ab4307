/*
 * Taking versions off the list. Nothing of it needs the manifest: a version whose manifest is
 * damaged can go by its name, or by the object's where nobody knows the name any more; refs and
 * holds are compared by the hashes of the names that they tell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/units.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/condemned_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/forget_int.h"
#include "src/repo/hold_int.h"
#include "src/repo/keep.h"
#include "src/repo/locked_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/version_int.h"

#define HASH_DIGITS 32
#define OBJECT_BYTES (HASH_DIGITS + 1 + HASH_DIGITS + 1 + HASH_DIGITS) /* MODEL/VER-RAND */

struct target {
	const char *object; /* "MODEL/VER-RAND" */
	const char *label;  /* for messages */
	const uint8_t *digest; /* of the root; NULL: unknown, whatever has the name is meant */
	const struct mf_version *instead; /* equal, without which the mark stays; NULL: none */
};

#define NOT_SURE 2

static int
say_pointed_at(const struct target *t, const struct mf_ref *ref, struct mf_error *e)
{
	mf_error_set(e, MF_ECONFLICT, "%s is what the ref %s points at", t->label, ref->name);
	mf_error_hint(e, "move the ref first: modelferry ref %s %s OTHER", ref->model, ref->name);
	return 1;
}

static int
say_kept(const struct target *t, const struct mf_ref *hold, struct mf_error *e)
{
	char when[MF_TIME_TEXT_BYTES];
	const char *run = mf_hold_run(hold);

	if (hold->moved_us == MF_KEEP_OPEN) {
		mf_error_set(e, MF_ECONFLICT, "%s is kept by the run %s, which has not ended",
		    t->label, run);
		mf_error_hint(e, "wait; or end it: modelferry migrate --abort %s", run);
		return 1;
	}
	mf_error_set(e, MF_ECONFLICT, "%s is kept by the run %s until %s", t->label, run,
	    mf_format_time(hold->moved_us, when));
	mf_error_hint(e, "the run succeeded; what it could go back to is kept for a while");
	return 1;
}

static int
say_held(const struct target *t, const struct mf_ref *hold, struct mf_error *e)
{
	char when[MF_TIME_TEXT_BYTES];

	if (mf_hold_is_of_run(hold))
		return say_kept(t, hold, e);
	mf_error_set(e, MF_ECONFLICT, "%s is moving the ref %s to %s, since %s",
	    hold->by[0] != '\0' ? hold->by : "somebody", hold->name, t->label,
	    mf_format_time(hold->moved_us, when));
	mf_error_hint(e, "wait; if that run was killed, move the ref first: modelferry ref %s %s OTHER",
	    hold->model, hold->name);
	return 1;
}

static bool
is_about(struct mf_repo *repo, const struct mf_ref *ref, const struct target *t)
{
	char hash[MF_NAME_HASH_BYTES];

	if (t->digest != NULL)
		return memcmp(ref->digest, t->digest, sizeof(ref->digest)) == 0;
	mf_keyring_name_hash(repo->keyring, "version", ref->model, ref->version, hash);
	return strncmp(t->object + HASH_DIGITS + 1, hash, HASH_DIGITS) == 0;
}

/* A ref as it stands now, by the name of its newest position: not as that position says, for
 * this client may have seen a newer one. */
static int
append_ref(struct mf_repo *repo, const char *position, struct mf_refs *refs, struct mf_error *e)
{
	struct mf_ref some, ref;
	int rc = mf_ref_read(repo, position, &some, e);

	if (rc != 0)
		return -1; /* it might point at the version */
	rc = mf_ref_get(repo, some.model, some.name, &ref, e);
	mf_ref_fini(&some);
	return rc == 0 ? mf_refs_append(refs, &ref, e) : -1;
}

/* The model's refs, found without its name. */
static int
list_refs(struct mf_repo *repo, const char *object, struct mf_refs *refs, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	size_t i;
	int rc = 0;

	*refs = (struct mf_refs){0};
	snprintf(prefix, sizeof(prefix), "r/%.*s/", HASH_DIGITS, object);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++)
		if (mf_ref_is_newest(&names, i))
			rc = append_ref(repo, names.items[i], refs, e);
	mf_names_fini(&names);
	if (rc != 0)
		mf_refs_fini(refs);
	return rc;
}

/* Does a ref point at the version, or may one do so any moment? 0, 1 (with *e), -1. Holds are
 * read before refs: of a move that ends between the two the ref is seen. */
static int
is_named(struct mf_repo *repo, const struct target *t, struct mf_error *e)
{
	struct mf_refs holds, refs;
	size_t i;
	int rc = 0;

	if (mf_hold_list(repo, t->object, &holds, e) != 0)
		return -1;
	if (list_refs(repo, t->object, &refs, e) != 0) {
		mf_refs_fini(&holds);
		return -1;
	}
	for (i = 0; rc == 0 && i < refs.n; i++)
		if (is_about(repo, &refs.items[i], t))
			rc = say_pointed_at(t, &refs.items[i], e);
	for (i = 0; rc == 0 && i < holds.n; i++)
		if (is_about(repo, &holds.items[i], t) && mf_hold_is_live(&holds.items[i], &refs))
			rc = say_held(t, &holds.items[i], e);
	mf_refs_fini(&holds);
	mf_refs_fini(&refs);
	return rc;
}

/* Does the version that is to stay instead do so? 0; NOT_SURE; -1. */
static int
check_instead(struct mf_repo *repo, const struct target *t, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_names burned;
	int rc, i;

	if (t->instead == NULL)
		return 0;
	if (mf_condemned_read(repo, &burned, NULL, e) != 0)
		return -1;
	for (i = 0, rc = 0; rc == 0 && i < 2; i++) {
		snprintf(name, sizeof(name), "%c/%s", "vm"[i], t -> instead -> object);
		rc = mf_names_has(&burned, name) ? NOT_SURE
						 : mf_store_head(repo->store, name, NULL, e);
	}
	mf_names_fini(&burned);
	return rc == 0 ? 0 : rc < 0 ? -1 : NOT_SURE;
}

/* *refused: the store keeps it, and the deletion will not happen later either. */
static int
delete_mark(struct mf_repo *repo, const char *mark, bool *refused, struct mf_error *e)
{
	bool final;

	if (mf_store_del(repo->store, mark, e) == 0)
		return mf_store_sync(repo->store, e);
	final = mf_locked_is_final(e);
	*refused = mf_locked(repo->store, mark, e) && final;
	return -1;
}

/*
 * List the mark, read holds and refs, delete it. Who moves a ref puts its hold first and then
 * reads the lists, so that of the two at least one sees the other; and as the hold stands until
 * the ref does, it does not matter how long its writer sleeps in between, or whether it ever
 * wakes. The list goes last, once the deletion was answered; left over by a kill, or because the
 * store keeps it, it burns a name that no push uses again, and a prune removes it when the mark is
 * gone.
 */
static int
unmark(struct mf_repo *repo, const struct target *t, struct mf_error *e)
{
	char list[MF_OBJECT_NAME_BYTES], mark[MF_OBJECT_NAME_BYTES], *names[] = {mark};
	struct mf_names condemned = {.items = names, .n = 1};
	struct mf_error why = {0};
	bool refused = false;
	int rc;

	snprintf(mark, sizeof(mark), "v/%s", t->object);
	if (mf_condemned_put(repo, &condemned, list, e) != 0)
		return -1;
	rc = check_instead(repo, t, e);
	if (rc == 0 && (t->instead == NULL ||
			   memcmp(t->instead->digest, t->digest, sizeof(t->instead->digest)) != 0))
		rc = is_named(repo, t, e);
	if (rc == 0 && (rc = delete_mark(repo, mark, &refused, e)) != 0 && !refused)
		return -1; /* it may still be deleted, any time: the list stays */
	if (mf_store_del(repo->store, list, &why) != 0 && !mf_locked(repo->store, list, &why) &&
	    rc == 0) {
		*e = why;
		rc = -1;
	}
	return rc;
}

/* The look before is a courtesy: a forget that will be refused burns no name. */
static int
forget(struct mf_repo *repo, const struct target *t, struct mf_error *e)
{
	int rc = is_named(repo, t, e);

	if (rc == 0)
		rc = unmark(repo, t, e);
	return rc == 0 ? 0 : mf_error_while(e, "forgetting %s", t->label);
}

/* A version whose manifest can be read. */
static struct target
target_of(const struct mf_version *v, char label[MF_VERSION_SPEC_BYTES])
{
	snprintf(label, MF_VERSION_SPEC_BYTES, "%s@%s", v->root.model, v->root.version);
	return (struct target){v->object, label, v->digest, NULL};
}

int
mf_version_is_held(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char label[MF_VERSION_SPEC_BYTES];
	struct target t = target_of(v, label);

	return is_named(repo, &t, e);
}

int
mf_version_unmark(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char label[MF_VERSION_SPEC_BYTES];
	struct target t = target_of(v, label);

	return unmark(repo, &t, e);
}

int
mf_version_unmark_for(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_version *instead, struct mf_error *e)
{
	char label[MF_VERSION_SPEC_BYTES];
	struct target t = target_of(v, label);

	t.instead = instead;
	return unmark(repo, &t, e);
}

int
mf_version_forget(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char label[MF_VERSION_SPEC_BYTES];
	struct target t = target_of(v, label);

	return forget(repo, &t, e);
}

/* Can the manifest be read? 1: no, *e says why. -1: who knows, the store failed. spec gets
 * the name where it can. */
static int
is_damaged(struct mf_repo *repo, const char *object, char spec[MF_VERSION_SPEC_BYTES],
    struct mf_error *e)
{
	struct mf_version v;
	int rc = mf_version_read_root(repo, object, &v, e);

	if (rc == 0)
		snprintf(spec, MF_VERSION_SPEC_BYTES, "%s@%s", v.root.model, v.root.version);
	mf_version_fini(&v);
	return rc == 0 ? 0 : mf_error_is_damage(e) ? 1 : -1;
}

/* One listed version of the name, damaged or not. */
static int
forget_any(struct mf_repo *repo, const char *object, struct mf_forgotten *out, struct mf_error *e)
{
	char ignored[MF_VERSION_SPEC_BYTES];
	int damaged = is_damaged(repo, object, ignored, e);

	if (damaged < 0)
		return e->code == MF_ENOTFOUND ? 0 : -1; /* forgotten and pruned meanwhile */
	if (damaged == 1) {
		out->was_damaged = true;
		snprintf(out->reason, sizeof(out->reason), "%s", e->message);
		mf_error_clear(e);
	}
	return forget(repo, &(struct target){.object = object, .label = out->name}, e);
}

static int
forget_named(struct mf_repo *repo, const char *model, const char *version,
    struct mf_forgotten *out, struct mf_error *e)
{
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names marks = {0}, manifests = {0};
	size_t i, n = 0;
	int rc;

	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", model, version, v);
	snprintf(prefix, sizeof(prefix), "v/%s/%s-", m, v);
	rc = mf_names_list(repo, prefix, &marks, e);
	prefix[0] = 'm';
	if (rc == 0)
		rc = mf_names_list(repo, prefix, &manifests, e);
	for (i = 0; rc == 0 && i < marks.n; i++) {
		if (!mf_version_is_listed(&manifests, marks.items[i]))
			continue;
		n++;
		rc = forget_any(repo, marks.items[i] + 2, out, e);
	}
	mf_names_fini(&marks);
	mf_names_fini(&manifests);
	if (rc == 0 && n == 0)
		rc = mf_error_set(e, MF_ENOTFOUND, "no version %s in %s", out->name,
		    mf_store_label(repo->store));
	return rc;
}

static int
forget_object(struct mf_repo *repo, const char *object, struct mf_forgotten *out,
    struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES], spec[MF_VERSION_SPEC_BYTES];
	int rc;

	snprintf(mark, sizeof(mark), "v/%s", object);
	if ((rc = mf_store_head(repo->store, mark, NULL, e)) < 0)
		return -1;
	if (rc == 1)
		return mf_error_set(e, MF_ENOTFOUND, "%s is no version's manifest in %s", out->name,
		    mf_store_label(repo->store));
	if ((rc = is_damaged(repo, object, spec, e)) < 0)
		return -1;
	if (rc == 0) {
		mf_error_set(e, MF_EUSAGE, "%s is not damaged, it is %s", out->name, spec);
		return mf_error_hint(e, "forget it by its name: modelferry forget %s", spec);
	}
	out->was_damaged = true;
	snprintf(out->reason, sizeof(out->reason), "%s", e->message);
	mf_error_clear(e);
	return forget(repo, &(struct target){.object = object, .label = out->name}, e);
}

/* "m/MODEL/VER-RAND", all hexadecimal. */
static bool
is_object(const char *name)
{
	return strncmp(name, "m/", 2) == 0 && strlen(name) == 2 + OBJECT_BYTES &&
	    name[2 + HASH_DIGITS] == '/' && name[2 + HASH_DIGITS + 1 + HASH_DIGITS] == '-' &&
	    strspn(name + 2, "0123456789abcdef/-") == OBJECT_BYTES;
}

int
mf_version_forget_damaged(struct mf_repo *repo, const char *name, struct mf_forgotten *out,
    struct mf_error *e)
{
	char *model, *version;
	int rc;

	*out = (struct mf_forgotten){0};
	snprintf(out->name, sizeof(out->name), "%s", name);
	if (mf_damaged_is_obstacle(name)) {
		out->was_damaged = out->is_obstacle = true;
		return mf_damaged_remove_obstacle(repo, name, out->reason, e);
	}
	if (is_object(name))
		return forget_object(repo, name + 2, out, e);
	if (mf_version_split(name, &model, &version, e) != 0)
		return -1;
	rc = version != NULL ? forget_named(repo, model, version, out, e)
			     : mf_error_set(e, MF_EUSAGE, "say which version: %s@VERSION", name);
	free(model);
	free(version);
	return rc;
}
