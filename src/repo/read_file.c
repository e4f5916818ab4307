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

#define MAX_TRIES 3
#define CHANGED 1

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
	int rc = mf_fs_pread(fd, to, n, offset, e);

	if (rc < 0)
		return source_error(r, x->entry.path, e->sys_errno ? e->sys_errno : EIO, e);
	if (rc == 0)
		mf_checksum_stream_add(r->checksum, to, n);
	return rc;
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

static int
read_planned(struct reading *r, const struct mf_source_entry *x, int fd,
    const struct mf_cut_plan *plan, struct mf_error *e)
{
	struct open_chunks o = {.n = 0};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < plan->n_extents; i++)
		rc = read_extent(r, x, fd, plan, &plan->extents[i], &o, e);
	for (i = 0; i < o.n; i++)
		mf_ingest_job_drop(r->p->ingest, o.at[i].job);
	return rc;
}

/* Cut the filled buffer: submit the first chunk, carry the rest over into a new one. */
static int
cut_off(struct reading *r, struct mf_ingest_job **job, size_t cut, bool more, struct mf_error *e)
{
	struct mf_ingest_job *full = *job, *next = NULL;
	struct mf_slice s = {full->chunk, 0, (uint32_t)cut};

	*job = NULL;
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
	if (mf_listing_add_slice(r->p->listing, s, e) != 0) {
		mf_ingest_job_drop(r->p->ingest, full);
		return -1;
	}
	return mf_ingest_submit(r->p->ingest, full, e);
}

static int
read_content_defined(struct reading *r, const struct mf_source_entry *x, int fd, struct mf_error *e)
{
	uint64_t at = 0, size = x->entry.size;
	struct mf_ingest_job *job = NULL;
	size_t want, cut;
	uint32_t capacity = size < MF_CDC_MAX_BYTES ? (uint32_t)size : (uint32_t)MF_CDC_MAX_BYTES;
	int rc = mf_ingest_job_new(r->p->ingest, capacity, MF_ELEMENT_UNKNOWN, &job, e);

	while (rc == 0 && job != NULL) {
		want = job->capacity - job->len;
		if (want > size - at)
			want = (size_t)(size - at);
		rc = want > 0 ? read_at(r, x, fd, job->data + job->len, want, at, e) : 0;
		if (rc != 0)
			break;
		at += want;
		job->len += (uint32_t)want;
		cut = mf_cdc_find(r->cdc, job->data, job->len, at == size);
		if (cut == 0)
			cut = job->len;
		rc = cut_off(r, &job, cut, at < size || cut < job->len, e);
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
	size_t at = (size_t)(x - r->p->tree->items);
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
			r->small[at].chunk = job->chunk;
			r->small[at].offset = job->len;
			job->len += (uint32_t)before.st_size;
			return 0;
		}
	}
	return keeps_changing(r, x, e);
}
