/* What roots need. Behind a network several are read at once. */
#include <stdio.h>
#include <string.h>

#include "src/repo/chunk_read_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/each_int.h"
#include "src/repo/prune_int.h"

static int
need_id(struct mf_prune_run *run, const struct mf_id *id, struct mf_error *e)
{
	uint64_t value = MF_PRUNE_NO_KEEPER;

	return mf_idmap_add(&run->needs, id, &value) < 0 ? mf_error_nomem(e, "the needed chunks")
							 : 0;
}

struct need_arg {
	struct mf_prune_run *run;
	struct mf_error *e;
};

static int
need_chunk(void *arg, const struct mf_chunk_ref *chunk)
{
	struct need_arg *a = arg;

	return need_id(a->run, &chunk->id, a->e);
}

static bool
is_needed(struct mf_prune_run *run, const struct mf_id *id)
{
	bool needed;

	pthread_mutex_lock(&run->needs_lock);
	needed = mf_idmap_get(&run->needs, id) != NULL;
	pthread_mutex_unlock(&run->needs_lock);
	return needed;
}

/* A segment is known by its content's hash: one whose chunks were added once need not be read
 * again. That is why its own id is added last. */
static int
need_segment(struct mf_prune_run *run, const struct mf_segment_ref *ref, struct mf_error *e)
{
	struct need_arg arg = {run, e};
	struct mf_buf plain = MF_BUF_INIT;
	int rc;

	if (is_needed(run, &ref->id))
		return 0;
	rc = mf_segment_get(run->repo, ref, &plain, e);
	pthread_mutex_lock(&run->needs_lock);
	if (rc == 0)
		rc = mf_segment_each_chunk(plain.data, plain.len, need_chunk, &arg, e);
	if (rc == 0)
		rc = need_id(run, &ref->id, e);
	pthread_mutex_unlock(&run->needs_lock);
	mf_buf_fini(&plain);
	return rc == 0 ? 0 : -1;
}

/* spec gets the version's name as soon as the root could be read. */
static int
read_root(struct mf_prune_run *run, const char *manifest, char spec[MF_VERSION_SPEC_BYTES],
    struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_root root;
	size_t i;
	int rc = mf_root_get(run->repo, manifest, &plain, &root, e);

	if (rc == 0)
		snprintf(spec, MF_VERSION_SPEC_BYTES, "%s@%s", root.model, root.version);
	for (i = 0; rc == 0 && i < root.n_segments; i++)
		rc = need_segment(run, &root.segments[i], e);
	mf_root_fini(&root);
	mf_buf_fini(&plain);
	return rc;
}

/* Say which version ends the run, and what to do about it. spec: its name, "" where its root
 * cannot be read. */
static int
blame(struct mf_prune_run *run, const char *manifest, char spec[MF_VERSION_SPEC_BYTES],
    struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES];
	struct mf_error why = *e;
	bool has_root = spec[0] != '\0';

	if (e->code == MF_ENOTFOUND)
		why.code = MF_EDAMAGED;
	if (mf_error_is_damage(&why)) {
		if (!has_root)
			mf_damaged_name(run->repo, manifest + 2, spec);
		mf_error_set(e, why.code, "%s cannot be read in full, so no chunk was deleted: %.300s",
		    spec, why.message);
		e->sys_errno = why.sys_errno;
		snprintf(mark, sizeof(mark), "v%s", manifest + 1);
		if (!mf_names_has(&run->marks, mark))
			mf_error_hint(e, "no version: it was forgotten, or a push has not ended; a "
			    "prune deletes it when it is older than --grace");
		else if (!has_root)
			mf_damaged_hint(run->repo, manifest + 2, spec, e);
		else
			mf_error_hint(e, "`modelferry verify --repair-from DIR %s` may put it back, DIR "
			    "being what was pushed; `modelferry forget %s` gives this version up", spec,
			    spec);
	}
	return mf_error_while(e, "reading what %s needs", manifest);
}

static int
need_root(struct mf_prune_run *run, const char *manifest, struct mf_error *e)
{
	char spec[MF_VERSION_SPEC_BYTES] = "";
	struct mf_error ignored;

	if (read_root(run, manifest, spec, e) == 0)
		return 0;
	mf_error_clear(&ignored);
	if (e->code != MF_ENOMEM &&
	    mf_store_head(run->repo->store, manifest, NULL, &ignored) == 1) {
		mf_error_clear(e);
		return 0;
	}
	return blame(run, manifest, spec, e);
}

struct needing {
	struct mf_prune_run *run;
	const struct mf_names *roots, *but;
};

static int
need_one(void *arg, size_t i, struct mf_error *e)
{
	const struct needing *x = arg;
	const char *manifest = x->roots->items[i];

	if (x->but != NULL && mf_names_has(x->but, manifest))
		return 0;
	return need_root(x->run, manifest, e);
}

int
mf_prune_need_roots(struct mf_prune_run *run, const struct mf_names *roots,
    const struct mf_names *but, struct mf_error *e)
{
	struct needing x = {run, roots, but};
	const struct mf_repo_work work = {
	    .n = roots->n, .bytes_each = MF_SEGMENT_READER_BYTES, .work = need_one, .arg = &x};

	return mf_repo_each(run->repo, &work, e);
}
