#include "config.h"

#include "src/sync/mirror_spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transfers/tree.h"

static int
failed(const struct mf_spill *s, struct mf_error *e)
{
	mf_error_sys(e, errno != 0 ? errno : EIO, "cannot keep a list of paths in %s", s->dir);
	return mf_error_hint(e, "give a directory with room: --cache-dir, or TMPDIR");
}

static int
make_file(struct mf_spill *s, struct mf_error *e)
{
	char name[4096];
	int fd, n;

	if (s->dir == NULL) {
		mf_error_set(e, MF_EFAIL, "no directory on a disk for a list of paths");
		return mf_error_hint(e, "give one: --cache-dir, or TMPDIR");
	}
	n = snprintf(name, sizeof name, "%s/modelferry-XXXXXX", s->dir);
	if (n < 0 || (size_t)n >= sizeof name) {
		errno = ENAMETOOLONG;
		return failed(s, e);
	}
	if ((fd = mkostemp(name, O_CLOEXEC)) < 0)
		return failed(s, e);
	(void)unlink(name);
	if ((s->file = fdopen(fd, "w+")) == NULL) {
		close(fd);
		return failed(s, e);
	}
	return 0;
}

int
mf_spill_add(struct mf_spill *s, const char *path, struct mf_error *e)
{
	size_t n = strlen(path) + 1; /* no path has a NUL inside, so one can part them */

	if (s->file == NULL && make_file(s, e) != 0)
		return -1;
	errno = 0;
	if (fwrite(path, 1, n, s->file) != n)
		return failed(s, e);
	s->n++;
	return 0;
}

int
mf_spill_rewind(struct mf_spill *s, struct mf_error *e)
{
	errno = 0;
	if (s->file != NULL && (fflush(s->file) != 0 || fseek(s->file, 0, SEEK_SET) != 0))
		return failed(s, e);
	return 0;
}

int
mf_spill_next(struct mf_spill *s, char **path, struct mf_error *e)
{
	size_t room = 0;
	ssize_t n;

	*path = NULL;
	if (s->file == NULL)
		return 1;
	errno = 0;
	n = getdelim(path, &room, '\0', s->file);
	if (n > 0)
		return 0;
	free(*path);
	*path = NULL;
	return feof(s->file) && !ferror(s->file) ? 1 : failed(s, e);
}

void
mf_spill_fini(struct mf_spill *s)
{
	if (s->file != NULL)
		(void)fclose(s->file);
	s->file = NULL;
}
