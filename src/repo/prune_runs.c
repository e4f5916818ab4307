/* What runs left behind: records, heartbeats and control records of runs to which nobody wrote for
 * more than a year. */
#include <stdio.h>
#include <string.h>

#include "src/repo/prune_int.h"
#include "src/repo/run_int.h"

#define RUN_DIGITS 32

struct trim {
	struct mf_prune_batch *b;
	struct mf_names young; /* RUN of those that somebody wrote to, sorted in the end */
	int64_t old_us;
};

/* "RUN" of "j/RUN/..."; false where the name is none of ours. */
static bool
run_of(const char *name, char out[RUN_DIGITS + 1])
{
	if (strlen(name) <= MF_RUN_PREFIX_BYTES || name[MF_RUN_PREFIX_BYTES - 1] != '/')
		return false;
	snprintf(out, RUN_DIGITS + 1, "%.*s", RUN_DIGITS, name + 2);
	return strspn(out, "0123456789abcdef") == RUN_DIGITS;
}

static int
find_young(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct trim *t = arg;
	char run[RUN_DIGITS + 1];

	(void)size;
	if (mtime_us > t->old_us && run_of(name, run) &&
	    (t->young.n == 0 || strcmp(t->young.items[t->young.n - 1], run) != 0))
		mf_names_add(&t->young, run);
	return t->young.failed;
}

static int
take_old(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct trim *t = arg;
	char run[RUN_DIGITS + 1];

	if (mtime_us > t->old_us || !run_of(name, run) || mf_names_has(&t->young, run))
		return 0;
	return mf_prune_batch_add(t->b, name, size);
}

int
mf_prune_trim_runs(struct mf_prune_run *run, struct mf_prune_batch *b, struct mf_error *e)
{
	static const char *const prefixes[] = {"j/", "b/", "o/"};
	struct mf_store *store = run->repo->store;
	struct trim t = {.b = b};
	size_t i;
	int rc = mf_store_now(store, &t.old_us, e);

	t.old_us -= MF_RUN_KEEP_US;
	for (i = 0; rc == 0 && i < 3; i++)
		rc = mf_store_list(store, prefixes[i], find_young, &t, e);
	if (rc == 0 && t.young.failed)
		rc = mf_error_nomem(e, "a list of runs");
	mf_names_sort(&t.young);
	for (i = 0; rc == 0 && i < 3; i++)
		rc = mf_store_list(store, prefixes[i], take_old, &t, e);
	mf_names_fini(&t.young);
	return rc;
}
