/* The files that staging writes: each open while parts of it are missing. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/stage_work_int.h"

/* What lies there is absent, or ours alone (stage_clear). */
static int
open_target(struct stage *s, size_t entry, struct mf_error *e)
{
	const struct mf_entry *x = &s->p->listing->entries[entry];
	int fd = mf_fs_open_beneath(s->p->dirfd, x->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600, e);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)x->size) != 0) {
		mf_error_sys(e, errno, "cannot make %s as long as it will be", x->path);
		close(fd);
		return -1;
	}
	return fd;
}

/* Past the page cache, if nobody reads of it there: what a killed pull left is read, and what came
 * from a local version. */
static bool
goes_directly(const struct stage *s, size_t entry)
{
	return !s->p->pull->no_direct_io && !s->p->resume && s->n_found == 0 &&
	       s->p->listing->entries[entry].size >= MF_DIRECT_IO_FILE_BYTES;
}

static pthread_mutex_t *
lock_of(struct stage *s, size_t entry)
{
	return &s->locks[entry % STAGE_LOCKS];
}

/* What stays open as long as a target of it is not done. fd -1: an error. */
static struct stage_file
opened(struct stage *s, size_t entry, struct mf_error *e)
{
	struct stage_file *f = &s->files[entry], is;

	pthread_mutex_lock(lock_of(s, entry));
	if (f->fd < 0) {
		f->fd = open_target(s, entry, e);
		if (f->fd >= 0 && goes_directly(s, entry))
			f->direct = mf_direct_io_open(f->fd);
	}
	is = *f;
	pthread_mutex_unlock(lock_of(s, entry));
	return is;
}

int
stage_file_fd(struct stage *s, size_t entry, struct mf_error *e)
{
	return opened(s, entry, e).fd;
}

int
stage_file_write(
    struct stage *s, const struct stage_target *t, const uint8_t *chunk, struct mf_error *e)
{
	const struct stage_file f = opened(s, t->entry, e);

	if (f.fd < 0)
		return -1;
	if (mf_direct_io_pwrite(
		&f.direct, f.fd, chunk + t->chunk_offset, t->len, t->file_offset, e) != 0)
		return mf_error_while(e, "writing %s", s->p->listing->entries[t->entry].path);
	return 0;
}

static void
close_file(struct stage_file *f)
{
	mf_direct_io_close(&f->direct);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void
stage_file_done(struct stage *s, size_t entry)
{
	struct stage_file *f = &s->files[entry];

	pthread_mutex_lock(lock_of(s, entry));
	if (--f->remaining == 0) {
		close_file(f);
		MF_PROGRESS_ADD(s->p->pull->progress, files_done, 1);
	}
	pthread_mutex_unlock(lock_of(s, entry));
}

void
stage_files_close(struct stage *s)
{
	size_t i;

	for (i = 0; s->files != NULL && i < s->p->listing->n_entries; i++)
		close_file(&s->files[i]);
}
