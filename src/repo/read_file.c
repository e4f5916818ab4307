/* Reading single files for push. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/chunk/run.h"
#include "src/repo/read_file_int.h"
#include "src/repo/timed_int.h"

#define MAX_TRIES 3
#define CHANGED 1
#define PIECE_BYTES ((size_t)256 << 10)
#define ELSEWHERE_MAX UINT32_C(0xffff0000) /* bytes of one slice */

static int
source_error(struct reading *r, const char *path, int sys_errno, struct mf_error *e)
{
	mf_error_sys(e, sys_errno, "cannot read %s/%s", r->p->dir, path);
	e->code = MF_ESOURCE;
	return -1;
}

static int
open_source(struct reading *r, const struct mf_source_entry *x, struct stat *st, struct mf_error *e)
{
	int fd, err;

	/* no O_NOFOLLOW for a link that is followed on purpose */
	fd = openat(r->p->tree->dirfd, x->entry.path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | (x->follows ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return source_error(r, x->entry.path, errno, e);
	if (fstat(fd, st) != 0) {
		err = errno;
		close(fd);
		return source_error(r, x->entry.path, err, e);
	}
	if (!S_ISREG(st->st_mode)) {
		close(fd);
		return mf_error_set(e, MF_ESOURCE, "%s/%s is no regular file any more", r->p->dir,
		    x->entry.path);
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return fd;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* 0, CHANGED (it became shorter), -1. */
static int
read_at(struct reading *r, const struct mf_source_entry *x, int fd, void *to, size_t n,
    uint64_t offset, struct mf_error *e)
{
	int rc;

	MF_TIMED(r->p->progress, ns_read, rc = mf_fs_pread(fd, to, n, offset, e));
	if (rc < 0)
		return source_error(r, x->entry.path, e->sys_errno ? e->sys_errno : EIO, e);
	if (rc == 0)
		mf_checksum_stream_add(r->checksum, to, n);
	return rc;
}

/* The parts of the shards are made of what the tree was when it was read. 0, -1. */
static int
check_as_walked(
    struct reading *r, const struct mf_source_entry *x, const struct stat *st, struct mf_error *e)
{
	struct mf_entry now = {.type = MF_ENTRY_FILE};

	mf_walk_take_stat(&now, st);
	if (r->p->shard == NULL ||
	    (now.size == x->entry.size && now.mtime_ns == x->entry.mtime_ns &&
		now.ctime_ns == x->entry.ctime_ns))
		return 0;
	mf_error_set(
	    e, MF_ESOURCE, "%s/%s changed while its shard was pushed", r->p->dir, x->entry.path);
	return mf_error_hint(e, "push the shard again; all shards must see the same files");
}

/* Bytes of the file that other shards have. Those that follow each other are one slice. */
static int
add_elsewhere(struct reading *r, const struct mf_source_entry *x, uint64_t n, struct mf_error *e)
{
	struct mf_listing *l = r->p->listing;
	struct mf_slice s = {MF_SLICE_ELSEWHERE, 0, 0}, *last;

	while (n > 0) {
		last = l->n_slices > x->entry.first_slice ? &l->slices[l->n_slices - 1] : NULL;
		if (last != NULL && last->chunk == MF_SLICE_ELSEWHERE &&
		    last->len < ELSEWHERE_MAX) {
			s.len =
			    n < ELSEWHERE_MAX - last->len ? (uint32_t)n : ELSEWHERE_MAX - last->len;
			last->len += s.len;
		} else {
			s.len = n < ELSEWHERE_MAX ? (uint32_t)n : ELSEWHERE_MAX;
			if (mf_listing_add_slice(l, s, e) != 0)
				return -1;
		}
		n -= s.len;
	}
	return 0;
}

/* Another shard's bytes: they are read only where the file's checksum is made here. */
static int
pass_over(struct reading *r, const struct mf_source_entry *x, int fd, const struct mf_extent *ext,
    struct mf_error *e)
{
	uint32_t done = 0, n;
	int rc;

	if (add_elsewhere(r, x, ext->len, e) != 0)
		return -1;
	if (!mf_read_has_checksum(r, &x->entry))
		return 0;
	for (; done < ext->len; done += n) {
		n = ext->len - done < MF_READ_SCRATCH_BYTES ? ext->len - done
							    : (uint32_t)MF_READ_SCRATCH_BYTES;
		if ((rc = read_at(r, x, fd, r->scratch, n, ext->offset + done, e)) != 0)
			return rc;
	}
	return 0;
}

struct planner {
	struct reading *r;
	const struct mf_source_entry *x;
	int fd;
};

static int
plan_pread(void *arg, void *to, size_t n, uint64_t offset, struct mf_error *e)
{
	struct planner *pl = arg;
	int rc = mf_fs_pread(pl->fd, to, n, offset, e);

	if (rc < 0)
		return source_error(pl->r, pl->x->entry.path, e->sys_errno ? e->sys_errno : EIO, e);
	return rc;
}

/* The jobs of chunks that are begun and not complete, by chunk of the plan. */
struct open_chunks {
	struct { uint32_t chunk; uint32_t extents; struct mf_ingest_job *job; } at[MF_CUT_OPEN_MAX + 1];
	unsigned n;
};

static int
job_of(struct reading *r, const struct mf_cut_plan *plan, struct open_chunks *o, uint32_t chunk,
    unsigned *slot, struct mf_error *e)
{
	for (*slot = 0; *slot < o->n; (*slot)++)
		if (o->at[*slot].chunk == chunk)
			return 0;
	if (o->n >= MF_CUT_OPEN_MAX + 1)
		return mf_error_set(e, MF_EFAIL, "a plan with too many open chunks");
	if (mf_ingest_job_new(r->p->ingest, plan->chunks[chunk].len, plan->chunks[chunk].element,
		&o->at[*slot].job, e) != 0)
		return -1;
	o->at[*slot].chunk = chunk;
	o->at[*slot].extents = 0;
	o->n++;
	return 0;
}

static int
read_extent(struct reading *r, const struct mf_source_entry *x, int fd,
    const struct mf_cut_plan *plan, const struct mf_extent *ext, struct open_chunks *o,
    struct mf_error *e)
{
	struct mf_ingest_job *job;
	struct mf_slice s;
	unsigned slot;
	int rc;

	if (job_of(r, plan, o, ext->chunk, &slot, e) != 0)
		return -1;
	job = o->at[slot].job;
	rc = read_at(r, x, fd, job->data + job->len, ext->len, ext->offset, e);
	if (rc != 0)
		return rc;
	s = (struct mf_slice){job->chunk, job->len, ext->len};
	job->len += ext->len;
	if (mf_listing_add_slice(r->p->listing, s, e) != 0)
		return -1;
	if (++o->at[slot].extents < plan->chunks[ext->chunk].n_extents)
		return 0;
	o->at[slot] = o->at[--o->n];
	return mf_ingest_submit(r->p->ingest, job, e);
}

/* Which chunks of the plan are the shard's: those whose first byte is. They stand in the order of
 * their first extents. NULL: all (there is no shard), or no memory. */
static bool *
choose_ours(struct reading *r, const struct mf_cut_plan *plan, struct mf_error *e)
{
	bool *ours;
	size_t i, seen = 0;

	if (r->p->shard == NULL)
		return NULL;
	if ((ours = calloc(plan->n_chunks + 1, sizeof(*ours))) == NULL) {
		mf_error_nomem(e, "a plan");
		return NULL;
	}
	for (i = 0; i < plan->n_extents; i++)
		if (plan->extents[i].chunk == seen)
			ours[seen++] =
			    mf_shard_has(r->p->shard, r->position + plan->extents[i].offset);
	return ours;
}

static int
read_planned(struct reading *r, const struct mf_source_entry *x, int fd,
    const struct mf_cut_plan *plan, struct mf_error *e)
{
	struct open_chunks o = {.n = 0};
	bool *ours = choose_ours(r, plan, e);
	size_t i;
	int rc = ours == NULL && r->p->shard != NULL ? -1 : 0;

	for (i = 0; rc == 0 && i < plan->n_extents; i++)
		rc = ours == NULL || ours[plan->extents[i].chunk]
			 ? read_extent(r, x, fd, plan, &plan->extents[i], &o, e)
			 : pass_over(r, x, fd, &plan->extents[i], e);
	for (i = 0; i < o.n; i++)
		mf_ingest_job_drop(r->p->ingest, o.at[i].job);
	free(ours);
	return rc;
}

/* The first bytes of the buffer are a chunk; whose? */
static int
hand_over(struct reading *r, const struct mf_source_entry *x, struct mf_ingest_job *full,
    bool is_ours, struct mf_error *e)
{
	struct mf_slice s = {full->chunk, 0, full->len};
	int rc =
	    is_ours ? mf_listing_add_slice(r->p->listing, s, e) : add_elsewhere(r, x, full->len, e);

	if (rc == 0 && is_ours)
		return mf_ingest_submit(r->p->ingest, full, e);
	mf_ingest_job_drop(r->p->ingest, full);
	return rc;
}

/* Cut the filled buffer: hand the first chunk over, carry the rest over into a new one. */
static int
cut_off(struct reading *r, const struct mf_source_entry *x, struct mf_ingest_job **job, size_t cut,
    bool more, bool is_ours, struct mf_error *e)
{
	struct mf_ingest_job *full = *job, *next = NULL;

	*job = NULL;
	mf_ingest_job_settle(r->p->ingest, full);
	if (more && mf_ingest_job_new(r->p->ingest, (uint32_t)MF_CDC_MAX_BYTES, MF_ELEMENT_UNKNOWN,
			&next, e) != 0) {
		mf_ingest_job_drop(r->p->ingest, full);
		return -1;
	}
	if (more) {
		next->len = full->len - (uint32_t)cut;
		memcpy(next->data, full->data + cut, next->len);
		*job = next;
	}
	full->len = (uint32_t)cut;
	return hand_over(r, x, full, is_ours, e);
}

/* Is the chunk that begins at this offset of the file past all that the shard has of it? */
static bool
is_past(const struct reading *r, uint64_t offset)
{
	return r->p->shard != NULL && r->position + offset >= r->p->shard->to;
}

/* How much to read next: where a cut may be, in pieces that are in the processor's cache still when
 * they are searched, so that little is read behind the cut, and moved. */
static size_t
next_piece(const struct mf_ingest_job *job, uint64_t left)
{
	size_t n = job->len < MF_CDC_MIN_BYTES ? MF_CDC_MIN_BYTES - job->len : PIECE_BYTES;

	if (n > job->capacity - job->len)
		n = job->capacity - job->len;
	return n < left ? n : (size_t)left;
}

static int
read_content_defined(struct reading *r, const struct mf_source_entry *x, int fd, struct mf_error *e)
{
	uint64_t at = 0, start = 0, size = x->entry.size;
	struct mf_ingest_job *job = NULL;
	size_t want, cut, searched = 0;
	uint32_t capacity = size < MF_CDC_MAX_BYTES ? (uint32_t)size : (uint32_t)MF_CDC_MAX_BYTES;
	int rc = mf_ingest_job_new(r->p->ingest, capacity, MF_ELEMENT_UNKNOWN, &job, e);

	while (rc == 0 && job != NULL) {
		if (is_past(r, start)) {
			rc = add_elsewhere(r, x, size - start, e);
			break;
		}
		want = next_piece(job, size - at);
		rc = want > 0 ? read_at(r, x, fd, job->data + job->len, want, at, e) : 0;
		if (rc != 0)
			break;
		at += want;
		job->len += (uint32_t)want;
		cut = mf_cdc_find_on(r->cdc, job->data, searched, job->len, at == size);
		searched = cut == 0 ? job->len : 0;
		if (cut == 0)
			continue;
		rc = cut_off(r, x, &job, cut, at < size || cut < job->len,
		    r->p->shard == NULL || mf_shard_has(r->p->shard, r->position + start), e);
		start += cut;
	}
	mf_ingest_job_drop(r->p->ingest, job);
	return rc;
}

/* 0, CHANGED, -1. */
static int
read_content(struct reading *r, const struct mf_source_entry *x, int fd, struct mf_error *e)
{
	struct planner pl = {r, x, fd};
	struct mf_cut_source src = {x->entry.size, plan_pread, &pl, x->entry.path};
	struct mf_cut_params cp = {r->cut_seed, r->p->memory_bytes / 8};
	struct mf_cut_plan *plan = NULL;
	int rc;

	if (x->entry.size == 0)
		return 0;
	if (x->entry.size < MF_RUN_MEMBER_BYTES)
		return read_content_defined(r, x, fd, e);
	rc = mf_cut_plan_new(&src, &cp, &plan, e);
	if (rc < 0)
		return -1;
	if (rc == 1 && e->code == MF_EUNSUPPORTED)
		mf_log(MF_LOG_INFO, "%s/%s: %s; cut by content", r->p->dir, x->entry.path,
		    e->message);
	mf_error_clear(e);
	rc = plan != NULL ? read_planned(r, x, fd, plan, e) : read_content_defined(r, x, fd, e);
	mf_cut_plan_free(plan);
	return rc;
}

/* One try. 0, CHANGED, -1. */
static int
try_large(struct reading *r, struct mf_source_entry *x, struct mf_error *e)
{
	struct stat before, after;
	int fd = open_source(r, x, &before, e), rc;

	if (fd < 0)
		return -1;
	if (check_as_walked(r, x, &before, e) != 0) {
		close(fd);
		return -1;
	}
	mf_walk_take_stat(&x->entry, &before);
	x->entry.first_slice = r->p->listing->n_slices;
	mf_checksum_stream_reset(r->checksum);
	rc = read_content(r, x, fd, e);
	if (rc == 0 && fstat(fd, &after) != 0)
		rc = source_error(r, x->entry.path, errno, e);
	close(fd);
	if (rc == 0 && !same_file(&before, &after))
		rc = CHANGED;
	if (rc != 0) {
		r->p->listing->n_slices = x->entry.first_slice; /* what was cut is garbage */
		return rc;
	}
	if (mf_read_has_checksum(r, &x->entry))
		mf_checksum_stream_end(r->checksum, x->entry.checksum);
	x->entry.n_slices = r->p->listing->n_slices - x->entry.first_slice;
	return 0;
}

static int
keeps_changing(struct reading *r, const struct mf_source_entry *x, struct mf_error *e)
{
	mf_error_set(e, MF_ESOURCE, "%s/%s keeps changing while it is read", r->p->dir,
	    x->entry.path);
	return mf_error_hint(e, "push when the writer is done; --settle waits for quiet");
}

int
mf_read_large(struct reading *r, struct mf_source_entry *x, struct mf_error *e)
{
	int tries, rc;

	for (tries = 0; tries < MAX_TRIES; tries++)
		if ((rc = try_large(r, x, e)) != CHANGED)
			return rc;
	return keeps_changing(r, x, e);
}

int
mf_read_small(struct reading *r, struct mf_source_entry *x, struct mf_ingest_job *job,
    struct mf_error *e)
{
	struct stat before, after;
	int tries, fd, rc;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		if ((fd = open_source(r, x, &before, e)) < 0)
			return -1;
		if ((uint64_t)before.st_size >= MF_RUN_MEMBER_BYTES ||
		    (uint64_t)before.st_size > job->capacity - job->len) {
			close(fd);
			return keeps_changing(r, x, e);
		}
		if (check_as_walked(r, x, &before, e) != 0) {
			close(fd);
			return -1;
		}
		mf_checksum_stream_reset(r->checksum);
		rc = read_at(r, x, fd, job->data + job->len, (size_t)before.st_size, 0, e);
		if (rc == 0 && fstat(fd, &after) != 0)
			rc = source_error(r, x->entry.path, errno, e);
		close(fd);
		if (rc < 0)
			return -1;
		if (rc == 0 && same_file(&before, &after)) {
			mf_walk_take_stat(&x->entry, &after);
			mf_checksum_stream_end(r->checksum, x->entry.checksum);
			x->run_chunk = job->chunk;
			x->run_offset = job->len;
			job->len += (uint32_t)before.st_size;
			return 0;
		}
	}
	return keeps_changing(r, x, e);
}
