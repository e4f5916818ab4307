/* One process writes a run: a lock on a file that the kernel takes back when the process ends. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/base/crc32c.h"
#include "src/state/journal_int.h"

/* All runs share a file, of which each locks one byte. Two ids of one sum merely cannot run side by
 * side. */
static int
lock_byte(const struct mf_journal *j, const char *run, int *fd, struct mf_error *e)
{
	struct flock lock = {.l_type = F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = (off_t)mf_crc32c(0, run, strlen(run)),
	    .l_len = 1};
	struct mf_buf path = MF_BUF_INIT;

	mf_buf_printf(&path, "%s/runs.lock", j->dir);
	if (path.failed)
		return mf_error_nomem(e, "a path");
	*fd = open(mf_buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd == -1)
		mf_error_sys(e, errno, "cannot open %s", mf_buf_cstr(&path));
	mf_buf_fini(&path);
	if (*fd == -1)
		return -1;
	if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		mf_error_set(e, MF_ECONFLICT, "another process is at the run %s", run);
	else
		mf_error_sys(e, errno, "cannot lock %s/runs.lock", j->dir);
	close(*fd);
	return -1;
}

/* 0 and *former; 1: there was none. */
static int
read_instance(struct mf_journal *j, const char *run, uint8_t former[MF_JOURNAL_INSTANCE_BYTES],
    struct mf_error *e)
{
	sqlite3_stmt *stmt =
	    mf_db_prepare(&j->db, e, "SELECT instance FROM run WHERE id = ?", run, NULL);
	int rc;

	if (stmt == NULL)
		return -1;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == MF_JOURNAL_INSTANCE_BYTES) {
		memcpy(former, sqlite3_column_blob(stmt, 0), MF_JOURNAL_INSTANCE_BYTES);
		rc = 0;
	} else if (rc == SQLITE_ROW) {
		rc = 1;
	} else if (rc == SQLITE_DONE) {
		rc = mf_error_set(e, MF_ENOTFOUND, "there is no run %s in %s", run, j->db.path);
	} else {
		rc = mf_db_error(&j->db, "read", e);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int
write_instance(struct mf_journal *j, const char *run,
    const uint8_t instance[MF_JOURNAL_INSTANCE_BYTES], struct mf_error *e)
{
	sqlite3_stmt *stmt =
	    mf_db_prepare(&j->db, e, "UPDATE run SET instance = ?2 WHERE id = ?1", run, NULL);

	if (stmt != NULL)
		sqlite3_bind_blob(stmt, 2, instance, MF_JOURNAL_INSTANCE_BYTES, SQLITE_STATIC);
	return mf_journal_finish_take(j, stmt, e);
}

static int
remember(struct mf_journal *j, const char *run, int fd, struct mf_error *e)
{
	struct mf_journal_claimed *more = reallocarray(j->claimed, j->n_claimed + 1, sizeof *more);

	if (more == NULL)
		return mf_error_nomem(e, "a claim");
	j->claimed = more;
	if ((more[j->n_claimed].run = strdup(run)) == NULL)
		return mf_error_nomem(e, "a claim");
	more[j->n_claimed++].fd = fd;
	return 0;
}

int
mf_journal_claim(struct mf_journal *j, const char *run,
    const uint8_t instance[MF_JOURNAL_INSTANCE_BYTES], uint8_t former[MF_JOURNAL_INSTANCE_BYTES],
    struct mf_error *e)
{
	int fd = -1, rc, none;

	memset(former, 0, MF_JOURNAL_INSTANCE_BYTES);
	if (lock_byte(j, run, &fd, e) != 0)
		return -1;
	none = rc = read_instance(j, run, former, e);
	if (rc >= 0)
		rc = write_instance(j, run, instance, e);
	if (rc == 0)
		rc = remember(j, run, fd, e);
	if (rc == 0)
		return none;
	close(fd);
	return -1;
}

void
mf_journal_let_go(struct mf_journal *j)
{
	size_t i;

	for (i = 0; i < j->n_claimed; i++) {
		close(j->claimed[i].fd);
		free(j->claimed[i].run);
	}
	free(j->claimed);
	j->claimed = NULL;
	j->n_claimed = 0;
}
