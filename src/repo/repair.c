/*
 * Verify --repair-from: chunks that are missing or damaged are made again of files that a
 * version says contain them. The pieces of a chunk are read from where the version has them;
 * nothing is believed before the id of what was read is the chunk's. It is stored under a
 * fresh generation. The damaged object stays: readers fall back, prune collects it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/ingest_int.h"
#include "src/repo/verify_int.h"

#define MAX_COPIES 8 /* how many places of one piece are tried */

/* Where a version has a piece of a damaged chunk. */
struct piece {
	size_t chunk; /* index into s->bad */
	uint32_t offset, len; /* in the chunk */
	size_t path; /* index into paths */
	uint64_t at; /* in the file */
};

struct repair {
	struct verify *s;
	int dirfd;
	struct mf_ingest *ingest;
	struct mf_names paths; /* in the order of the version, not sorted for mf_names_has */
	struct piece *pieces;
	size_t n, capacity;
	int fd; /* the file read last: paths.items[fd_path] */
	size_t fd_path;
	/* how far the last entry of the segment before went: its file may go on */
	uint64_t carried;
	bool *submitted; /* by index into s->bad */
};

static int
add_piece(struct repair *r, const struct piece *piece, struct mf_error *e)
{
	struct piece *more;
	size_t want;

	if (r->n == r->capacity) {
		want = r->capacity ? r->capacity * 2 : 64;
		if ((more = reallocarray(r->pieces, want, sizeof(*more))) == NULL)
			return mf_error_nomem(e, "a repair");
		r->pieces = more;
		r->capacity = want;
	}
	r->pieces[r->n++] = *piece;
	return 0;
}

static int
collect_file(struct repair *r, const struct mf_listing *l, const struct mf_entry *x, uint64_t at,
    struct mf_error *e)
{
	const struct mf_slice *slice;
	struct verify_chunk *bad;
	struct piece piece;
	bool named = false;
	size_t i;

	for (i = 0; i < x->n_slices; at += slice->len, i++) {
		slice = &l->slices[x->first_slice + i];
		bad = verify_find_bad(r->s, &l->chunks[slice->chunk].id);
		if (bad == NULL || r->submitted[bad - r->s->bad])
			continue;
		if (!named)
			mf_names_add(&r->paths, x->path);
		named = true;
		if (r->paths.failed)
			return mf_error_nomem(e, "a repair");
		piece = (struct piece){(size_t)(bad - r->s->bad), slice->offset, slice->len,
		    r->paths.n - 1, at};
		if (add_piece(r, &piece, e) != 0)
			return -1;
	}
	r->carried = at;
	return 0;
}

static int
collect(struct repair *r, const struct mf_version *v, struct mf_error *e)
{
	struct mf_listing l = {0};
	bool continues, knows_carry = false;
	size_t i, k;
	int rc = 0;

	for (i = 0; rc == 0 && i < v->root.n_segments; i++) {
		if (verify_interrupted(r->s, e)) {
			rc = -1;
			break;
		}
		if (verify_read_segment(r->s, &v->root.segments[i], &l, &continues, e) != 0) {
			rc = mf_error_is_damage(e) ? 0 : -1;
			knows_carry = false; /* was reported; what else there is may serve */
			continue;
		}
		for (k = continues && !knows_carry ? 1 : 0; rc == 0 && k < l.n_entries; k++)
			rc = collect_file(r, &l, &l.entries[k],
			    k == 0 && continues ? r->carried : 0, e);
		knows_carry = true;
	}
	mf_listing_fini(&l);
	return rc;
}

static int
by_chunk_and_offset(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->chunk != y->chunk)
		return x->chunk < y->chunk ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->len != y->len)
		return x->len > y->len ? -1 : 1;
	if (x->path != y->path)
		return x->path < y->path ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Read one piece from the directory. 0; 1: it does not have it. */
static int
read_piece(struct repair *r, const struct piece *piece, uint8_t *to)
{
	struct stat st;

	if (r->fd < 0 || r->fd_path != piece->path) {
		if (r->fd >= 0)
			close(r->fd);
		r->fd_path = piece->path;
		/* links may be followed: it is the user's directory, and ids tell what was read */
		r->fd = openat(r->dirfd, r->paths.items[piece->path],
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (r->fd < 0)
			return 1;
	}
	if (fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 1;
	return mf_fs_pread(r->fd, to, piece->len, piece->at, NULL) != 0;
}

/* Fill the chunk from its n pieces, where one has several places from the copy-th. 0; 1: not
 * all of it is there, or there are no more copies. */
static int
assemble(struct repair *r, const struct piece *pieces, size_t n, size_t copy, uint32_t plain_len,
    uint8_t *to)
{
	uint32_t done = 0;
	size_t i, same, pick;
	bool has_copy = copy == 0;

	for (i = 0; i < n && done < plain_len; i += same) {
		for (same = 1; i + same < n && pieces[i + same].offset == pieces[i].offset; same++)
			;
		if (pieces[i].offset > done)
			return 1; /* a hole */
		if (pieces[i].offset < done)
			continue; /* a longer piece had it */
		pick = copy < same ? copy : same - 1;
		has_copy |= copy < same;
		if (read_piece(r, &pieces[i + pick], to + done) != 0)
			return 1;
		done += pieces[i + pick].len;
	}
	return done == plain_len && has_copy ? 0 : 1;
}

static int
repair_chunk(struct repair *r, const struct piece *pieces, size_t n, struct mf_error *e)
{
	const struct mf_chunk_ref *ref = &r->s->bad[pieces[0].chunk].ref;
	struct mf_ingest_job *job;
	struct mf_id id;
	size_t copy;

	if (mf_ingest_job_new(r->ingest, ref->plain_len, MF_ELEMENT_UNKNOWN, &job, e) != 0)
		return -1;
	for (copy = 0; copy < MAX_COPIES && copy < n; copy++) {
		if (assemble(r, pieces, n, copy, ref->plain_len, job->data) != 0)
			continue;
		mf_keyring_content_id(r->s->repo->keyring, MF_OBJECT_CHUNK, job->data,
		    ref->plain_len, &id);
		if (mf_id_compare(&id, &ref->id) != 0)
			continue;
		job->len = ref->plain_len;
		r->submitted[pieces[0].chunk] = true;
		return mf_ingest_submit(r->ingest, job, e);
	}
	mf_ingest_job_drop(r->ingest, job);
	return 0;
}

static int
repair_from_version(struct repair *r, const struct mf_version *v, struct mf_error *e)
{
	size_t i, n;
	int rc;

	r->n = 0;
	rc = collect(r, v, e);
	if (rc == 0 && r->n > 1)
		qsort(r->pieces, r->n, sizeof(*r->pieces), by_chunk_and_offset);
	for (i = 0; rc == 0 && i < r->n; i += n) {
		for (n = 1; i + n < r->n && r->pieces[i + n].chunk == r->pieces[i].chunk; n++)
			;
		rc = verify_interrupted(r->s, e) ? -1 : repair_chunk(r, &r->pieces[i], n, e);
	}
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	mf_names_fini(&r->paths);
	return rc;
}

static int
repair_all(struct repair *r, struct mf_error *e)
{
	struct verify *s = r->s;
	size_t i, k;
	int rc = 0;

	/* the newest version first: that is what a directory most likely holds */
	for (i = s->versions.n; rc == 0 && i-- > 0;) {
		for (k = 0; k < s->n_bad && (r->submitted[k] || s->bad[k].is_there); k++)
			;
		if (k == s->n_bad)
			break;
		rc = repair_from_version(r, &s->versions.items[i], e);
	}
	return rc;
}

/* With the pipeline: encode, check, seal, put. */
static int
run(struct repair *r, struct mf_error *e)
{
	struct verify *s = r->s;
	struct mf_listing made = {0};
	struct mf_index *none = mf_index_new_empty(e);
	struct mf_ingest_params ip = {.repo = s->repo, .index = none, .listing = &made,
	    .threads = s->p->threads ? s->p->threads : s->repo->threads,
	    .memory_bytes = s->p->memory_bytes ? s->p->memory_bytes : s->repo->memory_bytes,
	    .interrupted = s->p->interrupted};
	size_t i, n = 0;
	int rc = -1;

	if (none != NULL && mf_ingest_start(&ip, &r->ingest, e) == 0) {
		rc = repair_all(r, e);
		if (mf_ingest_finish(r->ingest, rc != 0, NULL, e) != 0)
			rc = -1;
	}
	if (rc == 0)
		rc = mf_store_sync(s->repo->store, e);
	for (i = 0; rc == 0 && i < s->n_bad; i++) {
		s->bad[i].repaired = r->submitted[i];
		n += r->submitted[i];
	}
	if (rc == 0)
		mf_log(MF_LOG_INFO, "%zu of %zu damaged chunks were stored anew from %s", n, s->n_bad,
		    s->p->repair_from);
	mf_listing_fini(&made);
	mf_index_free(none);
	return rc;
}

int
verify_repair(struct verify *s, struct mf_error *e)
{
	struct repair r = {.s = s, .fd = -1};
	int rc;

	if (s->n_bad == 0)
		return 0;
	r.dirfd = open(s->p->repair_from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.dirfd < 0)
		return mf_error_sys(e, errno, "cannot open %s", s->p->repair_from);
	if ((r.submitted = calloc(s->n_bad, sizeof(*r.submitted))) == NULL)
		rc = mf_error_nomem(e, "a repair");
	else
		rc = run(&r, e);
	close(r.dirfd);
	free(r.submitted);
	free(r.pieces);
	return rc == 0 ? 0 : mf_error_while(e, "repairing from %s", s->p->repair_from);
}
