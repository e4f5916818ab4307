#include "src/repo/segments_ahead_int.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/crew.h"
#include "src/repo/each_int.h"
#include "src/repo/index_int.h"

struct segment {
	const struct mf_segment_ref *ref;
	struct mf_buf plain;
	struct mf_error *why; /* it could not be read */
	bool done;
};

struct mf_segments_ahead {
	struct mf_repo *repo;
	struct mf_crew *crew; /* NULL: nothing is read ahead */
	struct segment *items;
	size_t n, window;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t fetched, wanted; /* up to here they are being read, or were; and are not wanted */
	bool stop;
};

static void
drop(struct segment *s)
{
	mf_buf_fini(&s->plain);
	free(s->why);
	s->why = NULL;
}

/* The lock is held, and given up meanwhile. */
static int
fetch(struct mf_segments_ahead *a, struct segment *s, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_error why = {0}, *kept = NULL;
	int rc;

	pthread_mutex_unlock(&a->lock);
	rc = mf_segment_get(a->repo, s->ref, &plain, &why);
	if (rc != 0) {
		mf_buf_fini(&plain);
		if ((kept = malloc(sizeof(*kept))) != NULL)
			*kept = why;
	}
	pthread_mutex_lock(&a->lock);
	if (rc != 0 && kept == NULL)
		return mf_error_nomem(e, "a manifest");
	s->plain = plain;
	s->why = kept;
	s->done = true;
	if (s < a->items + a->wanted)
		drop(s);
	pthread_cond_broadcast(&a->changed);
	return 0;
}

/* A thread. */
static int
read_ahead(void *arg, struct mf_error *e)
{
	struct mf_segments_ahead *a = arg;
	int rc = 0;

	pthread_mutex_lock(&a->lock);
	while (rc == 0 && !a->stop && a->fetched < a->n) {
		if (a->fetched < a->wanted)
			a->fetched = a->wanted; /* by now nobody asks for these */
		else if (a->fetched >= a->wanted + a->window)
			pthread_cond_wait(&a->changed, &a->lock);
		else
			rc = fetch(a, &a->items[a->fetched++], e);
	}
	if (rc != 0) { /* whoever waits for it goes without */
		a->stop = true;
		pthread_cond_broadcast(&a->changed);
	}
	pthread_mutex_unlock(&a->lock);
	return rc;
}

static int
collect(struct mf_segments_ahead *a, const struct mf_versions *vs, struct mf_error *e)
{
	struct mf_idmap seen = {0};
	const struct mf_root *root;
	uint64_t one = 1;
	size_t i, k, n = 0;
	int rc = 0;

	for (i = 0; i < vs->n; i++)
		n += vs->items[i].root.n_segments;
	if ((a->items = calloc(n + 1, sizeof(*a->items))) == NULL)
		return mf_error_nomem(e, "the list of segments");
	for (i = 0; rc >= 0 && i < vs->n; i++) {
		root = &vs->items[i].root;
		for (k = 0; rc >= 0 && k < root->n_segments; k++)
			if ((rc = mf_idmap_add(&seen, &root->segments[k].id, &one)) == 0)
				a->items[a->n++].ref = &root->segments[k];
	}
	mf_idmap_fini(&seen);
	return rc >= 0 ? 0 : mf_error_nomem(e, "the list of segments");
}

static int
start_threads(struct mf_segments_ahead *a, struct mf_error *e)
{
	unsigned threads = mf_repo_at_once(a->repo, a->n, MF_SEGMENT_READER_BYTES);

	if (threads < 2)
		return 0;
	a->window = threads;
	if ((a->crew = mf_crew_new(e)) == NULL)
		return -1;
	while (threads-- > 0)
		if (mf_crew_start(a->crew, "segments", read_ahead, a, e) != 0)
			return -1;
	return 0;
}

int
mf_segments_ahead_start(struct mf_repo *repo, const struct mf_versions *vs,
    struct mf_segments_ahead **out, struct mf_error *e)
{
	struct mf_segments_ahead *a = calloc(1, sizeof(*a));

	*out = NULL;
	if (a == NULL)
		return mf_error_nomem(e, "the list of segments");
	a->repo = repo;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (mf_repo_at_once(repo, SIZE_MAX, MF_SEGMENT_READER_BYTES) > 1 &&
	    (collect(a, vs, e) != 0 || start_threads(a, e) != 0)) {
		mf_segments_ahead_finish(a);
		return -1;
	}
	*out = a;
	return 0;
}

/* The lock is held, and given up while one waits. The next one of this id, whose turn it is now;
 * NULL: it is not read here. */
static struct segment *
wait_for(struct mf_segments_ahead *a, const struct mf_id *id)
{
	struct segment *s;
	size_t i = a->wanted;

	while (i < a->n && memcmp(&a->items[i].ref->id, id, sizeof(*id)) != 0)
		i++;
	if (i == a->n)
		return NULL;
	s = &a->items[i];
	for (; a->wanted < i; a->wanted++)
		drop(&a->items[a->wanted]);
	pthread_cond_broadcast(&a->changed);
	while (!s->done && !a->stop)
		pthread_cond_wait(&a->changed, &a->lock);
	return s->done ? s : NULL;
}

int
mf_segments_ahead_get(struct mf_segments_ahead *a, const struct mf_segment_ref *ref,
    struct mf_buf *plain, struct mf_error *e)
{
	struct segment *s = NULL;
	int rc = 0;

	if (a->crew != NULL) {
		pthread_mutex_lock(&a->lock);
		s = wait_for(a, &ref->id);
		pthread_mutex_unlock(&a->lock);
	}
	if (s == NULL)
		return mf_segment_get(a->repo, ref, plain, e);
	if (s->why != NULL) {
		*e = *s->why;
		rc = -1;
	} else {
		mf_buf_put(plain, s->plain.data, s->plain.len);
		if (plain->failed)
			rc = mf_error_nomem(e, "a manifest");
	}
	pthread_mutex_lock(&a->lock);
	drop(s);
	a->wanted++;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

void
mf_segments_ahead_finish(struct mf_segments_ahead *a)
{
	size_t i;

	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	mf_crew_free(a->crew);
	for (i = 0; i < a->n; i++)
		drop(&a->items[i]);
	free(a->items);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->changed);
	free(a);
}
