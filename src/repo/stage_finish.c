/* Around the bytes: directories, modes, times, links. Symbolic links are made last, so that
 * nothing can be written through one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/stage_work_int.h"

int
stage_make_dirs(const struct stage *s, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	char parent[MF_PATH_MAX_BYTES + 1], *slash;
	size_t i;

	for (i = 0; i < l->n_entries; i++) {
		if (!s->p->selected[i])
			continue;
		strncpy(parent, l->entries[i].path, sizeof(parent) - 1);
		parent[sizeof(parent) - 1] = '\0';
		if (l->entries[i].type != MF_ENTRY_DIR) {
			if ((slash = strrchr(parent, '/')) == NULL)
				continue;
			*slash = '\0';
			/* files of one directory follow each other: made with the first */
			if (i > 0 && strncmp(l->entries[i - 1].path, parent, strlen(parent)) == 0 &&
			    l->entries[i - 1].path[strlen(parent)] == '/' && s->p->selected[i - 1])
				continue;
		}
		if (mf_fs_mkdirs(s->p->dirfd, parent, 0700, e) != 0)
			return -1;
	}
	return 0;
}

static mode_t
final_mode(const struct stage *s, const struct mf_entry *x)
{
	const struct mf_pull_params *p = s->p->pull;
	mode_t mode = x->mode & 0777;

	if (p->no_perms)
		mode = x->type == MF_ENTRY_DIR ? 0750 : 0640;
	/* a volume's group reads it (fsGroup) */
	mode |= x->type == MF_ENTRY_DIR ? 0750 : 0440;
	mode = (mode & ~(mode_t)p->chmod_mask) | p->chmod_set;
	/* who may read a directory may enter it; its owner will have to remove the version */
	if (x->type == MF_ENTRY_DIR)
		mode |= 0700 | ((mode & 0444) >> 2);
	if (p->hard_link && x->type == MF_ENTRY_FILE)
		mode = 0444;
	return mode;
}

static int
finish_file(struct stage *s, const struct mf_entry *x, struct mf_error *e)
{
	struct timespec times[2] = {{0, UTIME_OMIT},
	    {(time_t)(x->mtime_ns / 1000000000), (long)(x->mtime_ns % 1000000000)}};
	int fd, rc = 0;

	if (times[1].tv_nsec < 0) {
		times[1].tv_nsec += 1000000000;
		times[1].tv_sec--;
	}
	fd = mf_fs_open_beneath(s->p->dirfd, x->path,
	    x->type == MF_ENTRY_DIR ? O_RDONLY | O_DIRECTORY | O_CLOEXEC
				    : O_RDWR | O_CREAT | O_CLOEXEC,
	    0600, e);
	if (fd < 0)
		return -1;
	if (x->type == MF_ENTRY_FILE && x->size == 0 && ftruncate(fd, 0) != 0)
		rc = -1;
	if (fchmod(fd, final_mode(s, x)) != 0 || futimens(fd, times) != 0)
		rc = -1;
	if (rc != 0)
		mf_error_sys(e, errno, "cannot set mode and time of %s", x->path);
	close(fd);
	return rc;
}

int
stage_open_parent(int dirfd, const char *path, const char **name, struct mf_error *e)
{
	char parent[MF_PATH_MAX_BYTES + 1];
	const char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (slash == NULL)
		return fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return mf_fs_open_beneath(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, e);
}

static int
make_link(struct stage *s, const struct mf_entry *x, struct mf_error *e)
{
	const char *name, *from_name = NULL;
	int fd = stage_open_parent(s->p->dirfd, x->path, &name, e), from = -1, rc;

	if (fd < 0)
		return -1;
	unlinkat(fd, name, 0);
	if (x->type == MF_ENTRY_SYMLINK) {
		rc = symlinkat(x->target, fd, name);
	} else if ((from = stage_open_parent(s->p->dirfd, x->target, &from_name, e)) < 0) {
		close(fd);
		return -1;
	} else {
		rc = linkat(from, from_name, fd, name, 0);
	}
	if (rc != 0)
		mf_error_sys(e, errno, "cannot make the link %s", x->path);
	if (from >= 0)
		close(from);
	close(fd);
	return rc;
}

/* Files first, then links, then directories from the inside out: each step changes the times
 * of the directories around it. */
int
stage_finish(struct stage *s, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	size_t i;

	for (i = 0; i < l->n_entries; i++)
		if (stage_wants(s, i) && finish_file(s, &l->entries[i], e) != 0)
			return -1;
	for (i = 0; i < l->n_entries; i++)
		if (s->p->selected[i] &&
		    (l->entries[i].type == MF_ENTRY_SYMLINK ||
			l->entries[i].type == MF_ENTRY_HARDLINK) &&
		    make_link(s, &l->entries[i], e) != 0)
			return -1;
	for (i = l->n_entries; i-- > 0;)
		if (s->p->selected[i] && l->entries[i].type == MF_ENTRY_DIR &&
		    finish_file(s, &l->entries[i], e) != 0)
			return -1;
	return mf_fs_sync_all(s->p->dirfd, e);
}
