/* Deleting, and what a store keeps from it. */
#include <pthread.h>
#include <stdatomic.h>

#include "src/base/log.h"
#include "src/repo/locked_int.h"
#include "src/repo/prune_int.h"

struct deleter {
	struct mf_prune_run *run;
	const struct mf_prune_batch *b;
	const bool *del;
	atomic_uint_least64_t objects, bytes;
	atomic_bool open; /* an attempt that was not answered came before a refusal */
	pthread_mutex_t lock; /* of what the run knows of locked ones */
};

int
mf_prune_note_locked(struct mf_prune_run *run, const char *name, struct mf_error *e)
{
	mf_log(MF_LOG_WARNING, "%s", e->message);
	if (run->out->locked++ == 0)
		run->locked = *e;
	if (name[0] == 'm')
		mf_names_add(&run->locked_roots, name);
	if (run->locked_roots.failed)
		return mf_error_nomem(e, "a list of names");
	mf_error_clear(e);
	return 0;
}

static int
delete_one(void *arg, size_t i, struct mf_error *e)
{
	struct deleter *d = arg;
	const char *name = d->b->names.items[i];
	bool final;
	int rc;

	if (!d->del[i])
		return 0;
	if (mf_store_del(d->run->repo->store, name, e) == 0) {
		atomic_fetch_add(&d->objects, 1);
		atomic_fetch_add(&d->bytes, d->b->sizes[i]);
		return 0;
	}
	final = mf_locked_is_final(e);
	if (!mf_locked(d->run->repo->store, name, e))
		return mf_error_while(e, "deleting %s", name);
	if (!final)
		atomic_store(&d->open, true);
	pthread_mutex_lock(&d->lock);
	rc = mf_prune_note_locked(d->run, name, e);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int
mf_prune_delete_list(struct mf_prune_run *run, const char *list, struct mf_error *e)
{
	if (mf_store_del(run->repo->store, list, e) == 0)
		return 0;
	return mf_locked(run->repo->store, list, e)
		   ? mf_prune_note_locked(run, list, e)
		   : -1;
}

int
mf_prune_delete(struct mf_prune_run *run, const struct mf_prune_batch *b, const bool *del,
    struct mf_error *e)
{
	struct deleter d = {.run = run, .b = b, .del = del};
	struct mf_repo_work w = {.n = b->names.n, .work = delete_one, .arg = &d};
	int rc;

	pthread_mutex_init(&d.lock, NULL);
	rc = mf_prune_each(run, &w, e);
	pthread_mutex_destroy(&d.lock);
	run->out->objects_deleted += atomic_load(&d.objects);
	run->out->bytes_deleted += atomic_load(&d.bytes);
	return rc != 0 ? -1 : atomic_load(&d.open);
}
