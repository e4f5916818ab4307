/* What a preflight looks at where a version comes from: is the source there, and does it say that
 * it is the version that the plan names? */
#include "src/migrate/migrate_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/units.h"

#define PATH_BYTES 4096u
#define DEPTH_MAX 64u /* of a source's directories, which a push does not bound */

/* The bytes of all files below an open directory, which is closed. */
/* NOLINTBEGIN(misc-no-recursion): DEPTH_MAX ends it */
static int
sum_dir(int fd, const char *path, unsigned depth, uint64_t *bytes, struct mf_error *e)
{
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *item;
	struct stat st;
	int rc = 0;

	if (d == NULL) {
		rc = mf_error_sys(e, errno, "cannot read %s", path);
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (rc == 0 && (item = readdir(d)) != NULL) {
		if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0 ||
		    fstatat(dirfd(d), item->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* it went meanwhile: the push will say so */
		if (S_ISREG(st.st_mode))
			*bytes += (uint64_t)st.st_size;
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			rc = sum_dir(openat(dirfd(d), item->d_name,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			    item->d_name, depth + 1, bytes, e);
	}
	(void)closedir(d);
	return rc;
}
/* NOLINTEND(misc-no-recursion) */

/* Does the directory, wherever a link there leads, have the version's name, or that which a pull
 * gives it? What it is called goes to *name. */
static bool
says_version(const char *dir, const char *version, char name[PATH_BYTES])
{
	const size_t n = strlen(version);
	char real[PATH_MAX];
	const char *last;

	(void)snprintf(name, PATH_BYTES, "%s", dir);
	if (realpath(dir, real) == NULL || (last = strrchr(real, '/')) == NULL)
		return false;
	(void)snprintf(name, PATH_BYTES, "%s", real);
	last++;
	return strncmp(last, version, n) == 0 &&
	       (last[n] == '\0' || (last[n] == '-' && strlen(last + n) == MF_KEY_TAIL_BYTES));
}

/* A version that nobody pushed may be one that is spelled wrongly: under that name whatever lies at
 * the source would be published. */
static int
check_new_version(const struct mf_migrating *x, const char *dir, struct mf_error *e)
{
	char name[PATH_BYTES];

	if (x->p->new_version || says_version(dir, x->version, name))
		return 0;
	(void)mf_error_set(e, MF_EUSAGE,
	    "%s@%s is not in the repository, and %.300s does not say that it is %s", x->m->model,
	    x->version, name, x->version);
	return mf_error_hint(e,
	    "look how the version is spelled with `modelferry versions %s`; where it is to be made "
	    "of "
	    "that directory, say so with --new-version, or push it first",
	    x->m->model);
}

int
mf_migrating_look_at_push(struct mf_migrating *x, char *text, size_t text_bytes, struct mf_error *e)
{
	char shown[PATH_BYTES], size[MF_UNIT_TEXT_BYTES];
	const char *dir = mf_migrating_source_dir(x, shown);

	if (dir == NULL)
		return mf_error_set(e, MF_ENOTFOUND,
		    "%s@%s is not in the repository, and the source has no directory to push",
		    x->m->model, x->version);
	if (check_new_version(x, dir, e) != 0)
		return -1;
	if (!x->p->dry_run)
		return 0; /* the push reads it soon */
	if (sum_dir(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir, 0, &x->outlook.push_bytes,
		e) != 0)
		return -1;
	x->outlook.version_bytes = x->outlook.push_bytes;
	(void)snprintf(text, text_bytes, "%s@%s is to be pushed from %s, %s", x->m->model,
	    x->version, dir, mf_format_size(x->outlook.push_bytes, size));
	return 0;
}

/* Also where nothing of it is pushed: a plan that names what is not there is not the one that was
 * meant. */
int
mf_migrating_look_at_source_dir(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *s = &x->m->source;
	char text[PATH_BYTES + 32];
	struct stat st;
	int rc = 0;

	if (s->dir == NULL || s->remote)
		return 0;
	if (stat(s->dir, &st) != 0)
		rc = errno == ENOENT ? mf_error_set(e, MF_ENOTFOUND,
					   "the source's directory %s is not there", s->dir)
				     : mf_error_sys(e, errno, "cannot look at %s", s->dir);
	else if (!S_ISDIR(st.st_mode))
		rc = mf_error_set(e, MF_EUSAGE, "the source %s is no directory", s->dir);
	(void)snprintf(text, sizeof text, "%s is there", s->dir);
	return mf_migrating_looked(x, "source", rc, text, e);
}
