#include "config.h"

#include "crypto/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/base/fs.h"

struct mf_secret {
	size_t len;
	uint8_t *bytes; /* sodium_malloc */
};

int
mf_crypto_init(struct mf_error *e)
{
	const struct rlimit none = {0, 0};

	if (sodium_init() < 0)
		return mf_error_set(e, MF_EFAIL, "libsodium does not start");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return mf_error_sys(e, errno, "switching core dumps off");
	return 0;
}

struct mf_secret *
mf_secret_new(size_t len, struct mf_error *e)
{
	struct mf_secret *s;

	assert(len > 0);
	if ((s = malloc(sizeof *s)) == NULL || (s->bytes = sodium_malloc(len)) == NULL) {
		free(s);
		mf_error_nomem(e, "a key");
		return NULL;
	}
	sodium_memzero(s->bytes, len);
	s->len = len;
	return s;
}

struct mf_secret *
mf_secret_random(size_t len, struct mf_error *e)
{
	struct mf_secret *s = mf_secret_new(len, e);

	if (s != NULL)
		randombytes_buf(s->bytes, len);
	return s;
}

struct mf_secret *
mf_secret_of(const void *bytes, size_t len, struct mf_error *e)
{
	struct mf_secret *s = mf_secret_new(len, e);

	if (s != NULL)
		memcpy(s->bytes, bytes, len);
	return s;
}

void
mf_secret_free(struct mf_secret *s)
{
	if (s == NULL)
		return;
	sodium_free(s->bytes);
	free(s);
}

size_t
mf_secret_len(const struct mf_secret *s)
{
	return s->len;
}

const uint8_t *
mf_secret_view(const struct mf_secret *s)
{
	return s->bytes;
}

uint8_t *
mf_secret_bytes(struct mf_secret *s)
{
	return s->bytes;
}

void
mf_secret_freeze(struct mf_secret *s)
{
	/* Without page protection in the system the bytes are as good as before. */
	(void)sodium_mprotect_readonly(s->bytes);
}

/* Read until the end or until max + 1 bytes are there. The count, or -1 with errno. */
static ssize_t
read_up_to(int fd, uint8_t *out, size_t max)
{
	size_t have = 0;
	ssize_t n;

	while (have <= max) {
		n = read(fd, out + have, max + 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

struct mf_secret *
mf_secret_read_file(const char *path, size_t max_bytes, const char *what, struct mf_error *e)
{
	struct mf_secret *all = NULL, *s = NULL;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		mf_error_sys(e, errno, "%s %s cannot be opened", what, path);
		if (e != NULL && e->sys_errno == ENOENT)
			e->code = MF_EKEY; /* a missing key, not a missing repository */
		return NULL;
	}
	if ((all = mf_secret_new(max_bytes + 1, e)) == NULL)
		goto out;
	n = read_up_to(fd, all->bytes, max_bytes);
	if (n < 0)
		mf_error_sys(e, errno, "%s %s cannot be read", what, path);
	else if (n == 0)
		mf_error_set(e, MF_EKEY, "%s %s is empty", what, path);
	else if ((size_t)n > max_bytes)
		mf_error_set(e, MF_EKEY, "%s %s is longer than %zu bytes", what, path, max_bytes);
	else
		s = mf_secret_of(all->bytes, (size_t)n, e);
out:
	mf_secret_free(all);
	close(fd);
	return s;
}

static int
sync_parent(const char *path, struct mf_error *e)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int rc;

	if (slash == NULL)
		return mf_fs_sync_dir(AT_FDCWD, ".", e);
	if (slash == path)
		return mf_fs_sync_dir(AT_FDCWD, "/", e);
	if ((dir = strndup(path, (size_t)(slash - path))) == NULL)
		return mf_error_nomem(e, "a path");
	rc = mf_fs_sync_dir(AT_FDCWD, dir, e);
	free(dir);
	return rc;
}

int
mf_secret_write_file(const char *path, const struct mf_secret *s, const char *what,
    struct mf_error *e)
{
	int fd, rc;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return mf_error_sys(e, errno, "%s %s cannot be created", what, path);
	rc = mf_fs_write(fd, s->bytes, s->len, e);
	if (rc == 0 && fsync(fd) != 0)
		rc = mf_error_sys(e, errno, "%s %s cannot be made durable", what, path);
	if (close(fd) != 0 && rc == 0)
		rc = mf_error_sys(e, errno, "%s %s cannot be written", what, path);
	if (rc == 0)
		rc = sync_parent(path, e);
	if (rc != 0)
		unlink(path);
	return rc;
}
