#include "src/gates/gates_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "src/base/fs.h"

#define NAME "gates"
#define LOCK_NAME "gates.lock"

struct mf_gates_file {
	struct mf_gates *gates;
	struct mf_buf text;
	int dir, lock;
};

static int
take_lock(struct mf_gates_file *f, const char *dir, struct mf_error *e)
{
	f->lock = openat(f->dir, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->lock < 0)
		return mf_error_sys(e, errno, "cannot open %s/" LOCK_NAME, dir);
	if (flock(f->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return mf_error_sys(e, errno, "cannot lock %s/" LOCK_NAME, dir);
	mf_error_set(e, MF_ECONFLICT, "the gates in %s are another program's", dir);
	return mf_error_hint(e, "end it, or give this one another --state-dir");
}

static int
load(struct mf_gates_file *f, const char *dir, struct mf_error *e)
{
	int rc;

	if (faccessat(f->dir, NAME, F_OK, 0) != 0 && errno == ENOENT)
		return 0;
	mf_buf_clear(&f->text);
	rc = mf_fs_read_file(f->dir, NAME, MF_GATES_TEXT_BYTES, &f->text, e);
	if (rc == 0)
		rc = mf_gates_take(f->gates, (const char *)f->text.data, f->text.len, e);
	if (rc != 0) {
		mf_error_while(e, "reading %s/" NAME, dir);
		mf_error_hint(e, "without that file all gates are closed");
	}
	return rc;
}

struct mf_gates_file *
mf_gates_file_open(const char *dir, struct mf_error *e)
{
	struct mf_gates_file *f = calloc(1, sizeof *f);

	if (f == NULL) {
		mf_error_nomem(e, "gates");
		return NULL;
	}
	f->dir = f->lock = -1;
	if ((f->gates = mf_gates_new(e)) == NULL || mf_fs_mkdirs(AT_FDCWD, dir, 0700, e) != 0)
		goto fail;
	f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0) {
		mf_error_sys(e, errno, "cannot open %s", dir);
		goto fail;
	}
	if (take_lock(f, dir, e) == 0 && load(f, dir, e) == 0)
		return f;
fail:
	mf_gates_file_close(f);
	return NULL;
}

void
mf_gates_file_close(struct mf_gates_file *f)
{
	if (f == NULL)
		return;
	mf_gates_free(f->gates);
	mf_buf_fini(&f->text);
	if (f->lock >= 0)
		close(f->lock);
	if (f->dir >= 0)
		close(f->dir);
	free(f);
}

size_t
mf_gates_file_count(const struct mf_gates_file *f)
{
	return mf_gates_open_count(f->gates);
}

static int
save(struct mf_gates_file *f, struct mf_error *e)
{
	mf_buf_clear(&f->text);
	mf_gates_put(&f->text, f->gates);
	if (f->text.failed)
		return mf_error_nomem(e, "the list of gates");
	return mf_fs_replace(f->dir, NAME, f->text.data, f->text.len, 0600, e);
}

int
mf_gates_file_ask(struct mf_gates_file *f, const char *method, const char *path, const void *body,
    size_t n, struct mf_gates_answer *out, struct mf_error *e)
{
	mf_gates_ask(f->gates, method, path, body, n, out);
	if (!out->changed || save(f, e) == 0)
		return 0;
	mf_gates_undo(f->gates);
	*out = (struct mf_gates_answer){.status = 500, .text = "The gate could not be kept\n"};
	return mf_error_while(e, "keeping a gate");
}
