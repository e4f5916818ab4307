/* Names for manifests that cannot be read, and the removal of what stands in everybody's way. */
#include <stdio.h>
#include <string.h>

#include "src/repo/ballot_int.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/condemned_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/hold_int.h"
#include "src/repo/ref_int.h"

#define HASH_DIGITS 32 /* of a model, and of a version, in an object's name */

/* Is this version's name what the object's name is made of? */
static bool
is_named(struct mf_repo *repo, const char *object, const char *model, const char *version,
    char spec[MF_VERSION_SPEC_BYTES])
{
	char hash[MF_NAME_HASH_BYTES];

	if (version[0] == '\0')
		return false;
	mf_keyring_name_hash(repo->keyring, "version", model, version, hash);
	if (strncmp(object + HASH_DIGITS + 1, hash, HASH_DIGITS) != 0)
		return false;
	snprintf(spec, MF_VERSION_SPEC_BYTES, "%s@%s", model, version);
	return true;
}

static bool
ref_names_it(
    struct mf_repo *repo, const char *name, const char *object, char spec[MF_VERSION_SPEC_BYTES])
{
	struct mf_error ignored;
	struct mf_ref ref;
	bool found;

	mf_error_clear(&ignored);
	if (mf_ref_read(repo, name, &ref, &ignored) != 0)
		return false;
	found = is_named(repo, object, ref.model, ref.version, spec);
	mf_ref_fini(&ref);
	return found;
}

/* A readable root tells its own name (a rekey leaves two of one version) and its parent's. */
static bool
root_names_it(
    struct mf_repo *repo, const char *name, const char *object, char spec[MF_VERSION_SPEC_BYTES])
{
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_root root;
	struct mf_error ignored;
	bool found;

	mf_error_clear(&ignored);
	found = mf_root_get(repo, name, &plain, &root, &ignored) == 0 &&
		(is_named(repo, object, root.model, root.version, spec) ||
		    is_named(repo, object, root.model, root.parent, spec));
	mf_root_fini(&root);
	mf_buf_fini(&plain);
	return found;
}

static bool
search(struct mf_repo *repo, char kind, const char *object,
    bool (*names_it)(struct mf_repo *repo, const char *name, const char *object,
	char spec[MF_VERSION_SPEC_BYTES]),
    char spec[MF_VERSION_SPEC_BYTES])
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_error ignored;
	struct mf_names names;
	bool found = false;
	size_t i;

	mf_error_clear(&ignored);
	snprintf(prefix, sizeof(prefix), "%c/%.*s/", kind, HASH_DIGITS, object);
	if (mf_names_list(repo, prefix, &names, &ignored) != 0)
		return false;
	for (i = names.n; !found && i-- > 0;)
		found = names_it(repo, names.items[i], object, spec);
	mf_names_fini(&names);
	return found;
}

int
mf_damaged_name(struct mf_repo *repo, const char *object, char spec[MF_VERSION_SPEC_BYTES])
{
	if (search(repo, 'r', object, ref_names_it, spec) ||
	    search(repo, 'm', object, root_names_it, spec))
		return 0;
	snprintf(spec, MF_VERSION_SPEC_BYTES, "m/%s", object);
	return 1;
}

void
mf_damaged_hint(struct mf_repo *repo, const char *object, const char *spec, struct mf_error *e)
{
	char found[MF_VERSION_SPEC_BYTES];

	if (!mf_error_is_damage(e))
		return;
	if (spec == NULL) {
		mf_damaged_name(repo, object, found);
		spec = found;
	}
	mf_error_hint(e, "%s`modelferry forget --damaged %s` gives this version up",
	    e->code == MF_EUNSUPPORTED ? "a newer modelferry may read it; " : "", spec);
}

void
mf_damaged_obstacle_hint(const char *object, struct mf_error *e)
{
	if (mf_error_is_damage(e))
		mf_error_hint(e,
		    "%swhen no prune, forget or ref of before is still running, "
		    "`modelferry forget --damaged %s` removes it",
		    e->code == MF_EUNSUPPORTED ? "a newer modelferry may read it; else, " : "",
		    object);
}

bool
mf_damaged_is_obstacle(const char *name)
{
	static const size_t list_digits = 32, hold_digits = 32 + 1 + 32 + 1 + 32;
	const size_t n = strlen(name);

	if (mf_ballot_is_ref_vote(name))
		return true;
	return ((strncmp(name, "x/", 2) == 0 && n == 2 + list_digits) ||
		   (strncmp(name, "h/", 2) == 0 && n == 2 + hold_digits)) &&
	    strspn(name + 2, "0123456789abcdef/") == n - 2 && mf_store_name_is_valid(name);
}

/* 0: it can be read. */
static int
read_obstacle(struct mf_repo *repo, const char *name, struct mf_error *e)
{
	struct mf_names names = {0};
	struct mf_buf vote = MF_BUF_INIT;
	struct mf_ref hold;
	int rc;

	if (name[0] == 'p') {
		rc = mf_object_get(repo, MF_OBJECT_REF, name, &vote, e);
		if (rc == 0 && (rc = mf_ref_decode(vote.data, vote.len,
				    mf_keyring_repo_id(repo->keyring), &hold, e)) == 0)
			mf_ref_fini(&hold);
		mf_buf_fini(&vote);
		return rc;
	}
	if (name[0] == 'x') {
		rc = mf_condemned_read_one(repo, name, &names, e);
		mf_names_fini(&names);
		return rc;
	}
	if ((rc = mf_hold_read(repo, name, &hold, e)) == 0)
		mf_ref_fini(&hold);
	return rc;
}

int
mf_damaged_remove_obstacle(struct mf_repo *repo, const char *name,
    char reason[MF_ERROR_MESSAGE_BYTES], struct mf_error *e)
{
	int rc = read_obstacle(repo, name, e);

	if (rc == 0) {
		mf_error_set(e, MF_EUSAGE, "%s is not damaged", name);
		return mf_error_hint(e, "what was left behind there does no harm: `prune` "
					"and the next move of the ref remove it");
	}
	if (e->code == MF_ENOTFOUND)
		return mf_error_set(e, MF_ENOTFOUND, "there is no object %s in %s", name,
		    mf_store_label(repo->store));
	if (!mf_error_is_damage(e))
		return -1;
	snprintf(reason, MF_ERROR_MESSAGE_BYTES, "%s", e->message);
	mf_error_clear(e);
	if (mf_store_del(repo->store, name, e) != 0 || mf_store_sync(repo->store, e) != 0)
		return mf_error_while(e, "removing the damaged %s", name);
	return 0;
}
