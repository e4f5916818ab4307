/* Holds of runs. */
#include "src/repo/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/chunk_read_int.h"
#include "src/repo/forget_int.h"
#include "src/repo/hold_int.h"
#include "src/repo/run_int.h"

#define SEQUENCE 1 /* of a ref that nobody makes: the hold is live */

bool
mf_hold_is_of_run(const struct mf_ref *hold)
{
	return strncmp(hold->name, MF_HOLD_RUN, sizeof MF_HOLD_RUN - 1) == 0;
}

const char *
mf_hold_run(const struct mf_ref *hold)
{
	return hold->name + sizeof MF_HOLD_RUN - 1;
}

static bool
is_wanted(const struct mf_ref *hold, const char *model, const char *run)
{
	return mf_hold_is_of_run(hold) && (model == NULL || strcmp(hold->model, model) == 0) &&
	       (run == NULL || strcmp(mf_hold_run(hold), run) == 0);
}

/* One hold, with the name of its object. */
typedef int hold_cb(void *arg, const char *object, const struct mf_ref *hold, struct mf_error *e);

/* Holds that cannot be read are no business of ours: who would forget their version meets them. */
static int
each_hold(struct mf_repo *repo, const char *model, const char *run, hold_cb *cb, void *arg,
    struct mf_error *e)
{
	struct mf_error own = {0};
	char prefix[MF_NAME_HASH_BYTES + sizeof "h//"] = "h/", hash[MF_NAME_HASH_BYTES];
	struct mf_names names;
	struct mf_ref hold;
	size_t i;
	int rc = 0;

	e = e == NULL ? &own : e;
	if (model != NULL) {
		mf_keyring_name_hash(repo->keyring, "model", model, NULL, hash);
		snprintf(prefix, sizeof(prefix), "h/%s/", hash);
	}
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		if (mf_hold_read(repo, names.items[i], &hold, e) != 0) {
			if (e->code != MF_ENOTFOUND && !mf_error_is_damage(e))
				rc = -1;
			else
				mf_error_clear(e);
			continue;
		}
		if (is_wanted(&hold, model, run))
			rc = cb(arg, names.items[i], &hold, e);
		mf_ref_fini(&hold);
	}
	mf_names_fini(&names);
	return rc;
}

struct search {
	const struct mf_ref *want;
	bool found;
};

static int
is_there(void *arg, const char *object, const struct mf_ref *hold, struct mf_error *e)
{
	struct search *s = arg;

	(void)object;
	(void)e;
	s->found =
	    s->found || (strcmp(hold->version, s->want->version) == 0 &&
			    memcmp(hold->digest, s->want->digest, sizeof hold->digest) == 0 &&
			    hold->moved_us == s->want->moved_us);
	return 0;
}

/* The hold is put, and then it is looked whether a forget has begun, as who moves a ref does: of
 * the two one sees the other. */
int
mf_keep(struct mf_repo *repo, const struct mf_version *v, const char *run, const char *by,
    int64_t until_us, struct mf_error *e)
{
	char name[sizeof MF_HOLD_RUN + MF_RUN_ID_MAX_BYTES], object[MF_OBJECT_NAME_BYTES];
	struct mf_ref hold = {.model = v->root.model,
	    .name = name,
	    .version = v->root.version,
	    .by = (char *)(uintptr_t)(by != NULL ? by : ""),
	    .sequence = SEQUENCE,
	    .moved_us = until_us};
	struct search s = {&hold, false};

	if (mf_run_check_id(run, e) != 0)
		return -1;
	snprintf(name, sizeof name, MF_HOLD_RUN "%s", run);
	memcpy(hold.digest, v->digest, sizeof hold.digest);
	if (each_hold(repo, v->root.model, run, is_there, &s, e) != 0)
		return -1;
	if (s.found && mf_version_check_not_forgotten(repo, v, e) == 0)
		return 0;
	if (s.found || mf_hold_put(repo, &hold, object, e) != 0)
		return -1;
	if (mf_version_check_not_forgotten(repo, v, e) == 0)
		return 0;
	mf_store_del(repo->store, object, NULL);
	return mf_error_while(
	    e, "keeping %s@%s for the run %s", v->root.model, v->root.version, run);
}

struct letting_go {
	struct mf_repo *repo;
	int64_t until_us, now_us;
};

/* The new one is put before the old one goes. */
static int
let_go(void *arg, const char *object, const struct mf_ref *hold, struct mf_error *e)
{
	const struct letting_go *l = arg;
	char fresh[MF_OBJECT_NAME_BYTES];
	struct mf_ref later = *hold;

	if (hold->moved_us != MF_KEEP_OPEN)
		return 0; /* it has its time already */
	later.moved_us = l->until_us;
	if (l->until_us > l->now_us && mf_hold_put(l->repo, &later, fresh, e) != 0)
		return -1;
	return mf_store_del(l->repo->store, object, e);
}

int
mf_keep_release(
    struct mf_repo *repo, const char *run, int64_t until_us, int64_t now_us, struct mf_error *e)
{
	struct letting_go l = {repo, until_us, now_us};

	if (each_hold(repo, NULL, run, let_go, &l, e) != 0)
		return mf_error_while(e, "letting go what the run %s keeps", run);
	return 0;
}

static int
expire(void *arg, const char *object, const struct mf_ref *hold, struct mf_error *e)
{
	const struct letting_go *l = arg;

	if (hold->moved_us >= l->now_us)
		return 0;
	return mf_store_del(l->repo->store, object, e);
}

int
mf_keep_expire(struct mf_repo *repo, int64_t now_us, struct mf_error *e)
{
	struct letting_go l = {.repo = repo, .now_us = now_us};

	if (each_hold(repo, NULL, NULL, expire, &l, e) != 0)
		return mf_error_while(e, "letting go what ended runs kept");
	return 0;
}

struct reading {
	mf_keep_cb *cb;
	void *arg;
};

static int
pass_on(void *arg, const char *object, const struct mf_ref *hold, struct mf_error *e)
{
	const struct reading *r = arg;
	struct mf_keep keep = {
	    mf_hold_run(hold), hold->model, hold->version, hold->by, hold->moved_us, hold->digest};

	(void)object;
	(void)e;
	return r->cb(r->arg, &keep);
}

int
mf_keep_each(struct mf_repo *repo, const char *model, const char *run, mf_keep_cb *cb, void *arg,
    struct mf_error *e)
{
	struct reading r = {cb, arg};

	return each_hold(repo, model, run, pass_on, &r, e);
}
