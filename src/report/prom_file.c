#include "src/report/prom_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/report/prom.h"

#define LOCK_TRIES 40u
#define LOCK_WAIT_US 50000u

/* The directory of path, open and locked; *name is its last part. -1 with *e set. */
static int
open_directory(
    const char *path, const char **name, const struct mf_waiting *waiting, struct mf_error *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	unsigned n;
	int fd;

	*name = slash == NULL ? path : slash + 1;
	if (dir == NULL)
		return mf_error_nomem(e, "metrics");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd < 0)
		return mf_error_sys(e, errno, "cannot open the directory of %s", path);
	for (n = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; n++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			break; /* no locks here: then two runs that end together may lose one */
		if (n >= LOCK_TRIES || !mf_waiting_sleep(waiting, LOCK_WAIT_US)) {
			close(fd);
			return mf_error_set(
			    e, MF_ECONFLICT, "others keep the lock on the directory of %s", path);
		}
	}
	return fd;
}

/* What the file says so far; nothing where it is not there yet. */
static int
read_file(int dir, const char *name, const char *path, struct mf_prom *p, struct mf_error *e)
{
	struct mf_buf text = MF_BUF_INIT;
	int rc = 0;

	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		return 0;
	if (mf_fs_read_file(dir, name, MF_PROM_TEXT_MAX, &text, e) != 0 ||
	    mf_prom_parse(p, text.data, text.len, e) != 0) {
		rc = mf_error_while(e, "reading the metrics file %s", path);
		if (e != NULL && (e->code == MF_EDAMAGED || e->code == MF_EUSAGE))
			mf_error_hint(e, "it is left as it is; remove it, or name another file");
	}
	mf_buf_fini(&text);
	return rc;
}

int
mf_prom_file_update(const char *path, const struct mf_report_run *run,
    const struct mf_waiting *waiting, struct mf_error *e)
{
	struct mf_prom p = MF_PROM_INIT;
	struct mf_buf text = MF_BUF_INIT;
	const char *name;
	int dir = open_directory(path, &name, waiting, e), rc;

	if (dir < 0)
		return -1;
	rc = read_file(dir, name, path, &p, e);
	if (rc == 0)
		rc = mf_prom_add_run(&p, run, e);
	if (rc == 0) {
		mf_prom_put(&text, &p);
		rc = text.failed ? mf_error_nomem(e, "metrics")
				 : mf_fs_replace(dir, name, text.data, text.len, 0644, e);
	}
	/* whatever the umask says: the collector runs as somebody else */
	if (rc == 0 && fchmodat(dir, name, 0644, 0) != 0)
		rc = mf_error_sys(e, errno, "cannot make %s readable", path);
	mf_buf_fini(&text);
	mf_prom_fini(&p);
	close(dir);
	return rc;
}
