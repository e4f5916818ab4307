/*
 * Chunks are in the order in which files first need them. Each worker has a stretch of them of
 * its own, and helps with the others' when it is done: two that write to one file wait for
 * its inode's lock (measured: 8 % of a pull to tmpfs). A chunk is read once, and written to
 * every place that wants a part of it. A chunk whose bytes are in place already
 * (a killed pull's, or an equal local version's) is compared by checksum and not fetched.
 */
#include <stdlib.h>

#include "src/base/large.h"
#include "src/repo/stage_work_int.h"
#include "src/repo/timed_int.h"

/* of a worker, beside a sealed chunk and its plaintext: the decoder, a window on an answer */
#define WORKER_EXTRA_BYTES ((size_t)3 << 20)
#define BASE_BYTES ((size_t)24 << 20)

size_t
stage_memory_bytes(const struct stage *s)
{
	return s->p->pull->memory_bytes ? s->p->pull->memory_bytes : s->p->repo->memory_bytes;
}

static int
write_part(struct stage_worker *w, const struct stage_target *t, struct mf_error *e)
{
	if (stage_file_write(w->s, t, w->plain, e) != 0)
		return -1;
	stage_file_done(w->s, t->entry);
	return 0;
}

/* Write the chunk to every place that wants a part of it. staged: it was put together from
 * the first places, which are right and stay. */
static int
write_parts(struct stage_worker *w, size_t n, bool staged, struct mf_error *e)
{
	const struct stage *s = w->s;
	const uint32_t len = s->p->listing->chunks[s->chunk[n]].plain_len;
	uint32_t have = staged ? 0 : len;
	size_t i;
	int rc;

	for (i = s->first[n]; i < s->first[n + 1]; i++) {
		const struct stage_target *t = &s->targets[i];

		if (have < len && t->chunk_offset == have) {
			have += t->len;
			stage_file_done(w->s, t->entry);
		} else {
			MF_TIMED(s->p->pull->progress, ns_write, rc = write_part(w, t, e));
			if (rc != 0)
				return -1;
		}
	}
	return 0;
}

/* Room for chunk n, where it can be written from past the page cache. */
static int
make_room(struct stage_worker *w, size_t n, struct mf_error *e)
{
	const struct stage *s = w->s;
	const uint32_t need = s->p->listing->chunks[s->chunk[n]].plain_len;

	if (need > w->capacity) {
		free(w->memory);
		w->capacity = 0;
		if ((w->memory = mf_large_malloc(need + MF_DIRECT_IO_ALIGN)) == NULL)
			return mf_error_nomem(e, "a chunk");
		w->capacity = need;
	}
	w->plain = w->memory + s->targets[s->first[n]].file_offset % MF_DIRECT_IO_ALIGN;
	return 0;
}

static int
take_chunk(struct stage_worker *w, size_t n, struct mf_error *e)
{
	struct stage *s = w->s;
	const struct mf_chunk_ref *c = &s->p->listing->chunks[s->chunk[n]];
	const struct mf_entry *x = &s->p->listing->entries[s->targets[s->first[n]].entry];
	uint64_t fetched = 0, shared;

	if (make_room(w, n, e) != 0)
		return -1;
	if (s->p->resume && stage_take_staged(w, n)) {
		atomic_fetch_add(&s->reused, c->plain_len);
		if (write_parts(w, n, true, e) != 0)
			return -1;
	} else if (s->n_found > 0 && (shared = stage_clone_local(w, n)) > 0) {
		atomic_fetch_add(&s->reused, c->plain_len);
		atomic_fetch_add(&s->shared, shared);
		if (write_parts(w, n, true, e) != 0)
			return -1;
	} else if (s->n_found > 0 && stage_take_local(w, n)) {
		atomic_fetch_add(&s->reused, c->plain_len);
		if (write_parts(w, n, false, e) != 0)
			return -1;
	} else {
		if (mf_chunk_reader_read(w->reader, c, w->plain, &fetched, e) != 0)
			return mf_error_while(e, "fetching %s", x->path);
		atomic_fetch_add(&s->fetched, fetched);
		MF_PROGRESS_ADD(s->p->pull->progress, bytes_fetched, fetched);
		if (write_parts(w, n, false, e) != 0)
			return -1;
	}
	MF_PROGRESS_ADD(s->p->pull->progress, bytes_done, c->plain_len);
	return 0;
}

/* The next chunk for the worker whose own stretch this is; s->n: there is none left. */
static size_t
next_chunk(struct stage *s, size_t own)
{
	struct stage_stretch *t;
	size_t i, n;

	for (i = 0; i < s->n_stretches; i++) {
		t = &s->stretches[(own + i) % s->n_stretches];
		if (atomic_load(&t->next) < t->end && (n = atomic_fetch_add(&t->next, 1)) < t->end)
			return n;
	}
	return s->n;
}

static int
make_stretches(struct stage *s, size_t n, struct mf_error *e)
{
	size_t i;

	if ((s->stretches = calloc(n, sizeof(*s->stretches))) == NULL)
		return mf_error_nomem(e, "the list of chunks");
	s->n_stretches = n;
	for (i = 0; i < n; i++) {
		atomic_init(&s->stretches[i].next, s->n / n * i);
		s->stretches[i].end = i + 1 < n ? s->n / n * (i + 1) : s->n;
	}
	return 0;
}

static int
work(void *arg, struct mf_error *e)
{
	struct stage_worker w = {.s = arg};
	size_t n, own = atomic_fetch_add(&w.s->n_started, 1);
	int rc = 0;

	w.reader = mf_chunk_reader_new(w.s->p->repo,
	    w.s->p->recompute_ids ? MF_CHUNK_ID : MF_CHUNK_CHECKSUM, e);
	if (w.reader == NULL)
		return -1;
	mf_chunk_reader_count(w.reader, w.s->p->pull->progress);
	while (rc == 0 && (n = next_chunk(w.s, own)) < w.s->n) {
		if (w.s->p->pull->interrupted != NULL && w.s->p->pull->interrupted())
			rc = mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		else if (mf_crew_cancelled(w.s->crew))
			break;
		else
			rc = take_chunk(&w, n, e);
	}
	mf_chunk_reader_free(w.reader);
	free(w.memory);
	return rc;
}

/* What a worker may hold: a sealed chunk, which is no longer than its plaintext but for what
 * sealing adds, and that. By the longest chunk at hand and not the longest there may be, so that
 * little memory still has several on their way. */
static size_t
worker_bytes(const struct stage *s)
{
	const struct mf_chunk_ref *chunks = s->p->listing->chunks;
	size_t longest = 0, i;

	for (i = 0; i < s->n; i++)
		if (chunks[s->chunk[i]].plain_len > longest)
			longest = chunks[s->chunk[i]].plain_len;
	return 2 * longest + WORKER_EXTRA_BYTES;
}

static int
run_workers(struct stage *s, struct mf_error *e)
{
	const struct mf_pull_params *p = s->p->pull;
	const size_t memory = stage_memory_bytes(s), each = worker_bytes(s);
	size_t threads = mf_repo_readers(s->p->repo, p->threads), most = 1, i;
	int rc = 0;

	if (memory > BASE_BYTES + each)
		most = (memory - BASE_BYTES) / each;
	if (threads > most)
		threads = most;
	if (make_stretches(s, threads, e) != 0 || (s->crew = mf_crew_new(e)) == NULL)
		return -1;
	for (i = 0; rc == 0 && i < threads; i++)
		rc = mf_crew_start(s->crew, "mf-pull", work, s, e);
	if (rc != 0)
		mf_crew_cancel(s->crew, e);
	rc = mf_crew_join(s->crew, e);
	mf_crew_free(s->crew);
	return rc;
}

/* Decide where each chunk comes from and goes to. */
static int
prepare(struct stage *s, struct mf_error *e)
{
	struct mf_idmap ids = {0};
	int rc;

	if (s->p->resume && stage_clear(s, e) != 0)
		return -1;
	if (stage_make_dirs(s, e) != 0)
		return -1;
	rc = stage_number(s, &ids, e);
	if (rc == 0 && s->p->n_locals > 0)
		rc = stage_find_local(s, &ids, e);
	mf_idmap_fini(&ids);
	if (rc == 0 && s->p->pull->hard_link && s->p->n_locals > 0)
		rc = stage_link_equal(s, e);
	if (rc == 0)
		rc = stage_plan(s, e);
	return rc == 0 ? stage_check_space(s, e) : -1;
}

int
mf_stage(const struct mf_stage_params *p, struct mf_pull_result *out, struct mf_error *e)
{
	struct stage s = {.p = p};
	size_t i;
	int rc;

	for (i = 0; i < STAGE_LOCKS; i++)
		pthread_mutex_init(&s.locks[i], NULL);
	s.linked = calloc(p->listing->n_entries + 1, sizeof(*s.linked));
	rc = s.linked != NULL ? prepare(&s, e) : mf_error_nomem(e, "the list of files");
	if (rc == 0)
		rc = run_workers(&s, e);
	stage_files_close(&s);
	if (rc == 0)
		rc = stage_finish(&s, e);
	out->chunks = s.n;
	out->fetched_bytes = atomic_load(&s.fetched);
	out->reused_bytes = atomic_load(&s.reused);
	out->shared_bytes = atomic_load(&s.shared);
	for (i = 0; i < STAGE_LOCKS; i++)
		pthread_mutex_destroy(&s.locks[i]);
	stage_free_local(&s);
	free(s.canon);
	free(s.chunk);
	free(s.first);
	free(s.targets);
	free(s.files);
	free(s.stretches);
	free(s.linked);
	return rc;
}
