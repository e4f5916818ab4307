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

static pthread_mutex_t *
lock_of(struct stage *s, size_t entry)
{
	return &s->locks[entry % STAGE_LOCKS];
}

int
stage_file_fd(struct stage *s, size_t entry, struct mf_error *e)
{
	int fd;

	pthread_mutex_lock(lock_of(s, entry));
	if (s->files[entry].fd < 0)
		s->files[entry].fd = open_target(s, entry, e);
	fd = s->files[entry].fd;
	pthread_mutex_unlock(lock_of(s, entry));
	return fd;
}

void
stage_file_done(struct stage *s, size_t entry)
{
	struct stage_file *f = &s->files[entry];

	pthread_mutex_lock(lock_of(s, entry));
	if (--f->remaining == 0) {
		if (f->fd >= 0)
			close(f->fd);
		f->fd = -1;
		MF_PROGRESS_ADD(s->p->pull->progress, files_done, 1);
	}
	pthread_mutex_unlock(lock_of(s, entry));
}

void
stage_files_close(struct stage *s)
{
	size_t i;

	for (i = 0; s->files != NULL && i < s->p->listing->n_entries; i++)
		if (s->files[i].fd >= 0)
			close(s->files[i].fd);
}
