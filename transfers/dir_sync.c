/*
 * Durability of a directory store. An object outlives a power cut when its bytes, its entry
 * in its directory and the entries of all directories above are on disk. What others
 * (an earlier run that was killed) made is not known to be durable either, so the way up is
 * synced too, once per directory and handle.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "transfers/dir_int.h"

int
dir_sync_init(struct dir_sync *y, struct mf_error *e)
{
	if (pthread_mutex_init(&y->lock, NULL) != 0)
		return mf_error_nomem(e, "a store's lock");
	if (pthread_cond_init(&y->turn, NULL) != 0) {
		pthread_mutex_destroy(&y->lock);
		return mf_error_nomem(e, "a store's lock");
	}
	return 0;
}

void
dir_sync_fini(struct dir_sync *y)
{
	pthread_cond_destroy(&y->turn);
	pthread_mutex_destroy(&y->lock);
}

void
dir_sync_note(struct dir_sync *y, const char *name, bool deleted)
{
	pthread_mutex_lock(&y->lock);
	if (y->n_pending < MF_DIR_SYNC_EACH) {
		memcpy(y->pending[y->n_pending].name, name, strlen(name) + 1);
		y->pending[y->n_pending].deleted = deleted;
	}
	if (y->n_pending <= MF_DIR_SYNC_EACH)
		y->n_pending++;
	pthread_mutex_unlock(&y->lock);
}

/* FNV-1a, 64 bits; never 0. */
static uint64_t
hash_of(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return h == 0 ? 1 : h;
}

/* The slot that holds h, or the free one where it belongs. Under the lock. */
static uint64_t *
slot_of(struct dir_sync *y, uint64_t h)
{
	size_t i = h & (DIR_KNOWN - 1);

	while (y->known[i] != 0 && y->known[i] != h)
		i = (i + 1) & (DIR_KNOWN - 1);
	return &y->known[i];
}

static bool
is_known(struct dir_sync *y, const char *directory)
{
	bool yes;

	pthread_mutex_lock(&y->lock);
	yes = *slot_of(y, hash_of(directory)) != 0;
	pthread_mutex_unlock(&y->lock);
	return yes;
}

static void
know(struct dir_sync *y, const char *directory)
{
	uint64_t h = hash_of(directory), *slot;

	pthread_mutex_lock(&y->lock);
	if (y->n_known >= DIR_KNOWN / 2) {
		memset(y->known, 0, sizeof y->known);
		y->n_known = 0;
	}
	slot = slot_of(y, h);
	if (*slot == 0)
		y->n_known++;
	*slot = h;
	pthread_mutex_unlock(&y->lock);
}

void
dir_sync_forget(struct dir_sync *y)
{
	pthread_mutex_lock(&y->lock);
	memset(y->known, 0, sizeof y->known);
	y->n_known = 0;
	pthread_mutex_unlock(&y->lock);
}

/* fsync a file or a directory. What is gone needs none. Some file systems cannot sync a
 * directory and say EINVAL: they have nothing to sync there. */
static int
sync_path(const struct dir_store *d, const char *name, bool directory, struct mf_error *e)
{
	const char *path = name[0] == '\0' ? "." : name;
	int fd, failed = 0;

	if (directory)
		fd = openat(d->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		fd = openat(d->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO))
		return 0;
	if (fd < 0)
		return dir_fail(d, errno, "open", path, e);
	if (fsync(fd) != 0)
		failed = errno;
	close(fd);
	if (failed == 0 || (directory && (failed == EINVAL || failed == ENOTSUP)))
		return 0;
	return dir_fail(d, failed, "make durable", path, e);
}

/* Cut the last component off; "" is the root. */
static void
to_parent(char *name)
{
	char *slash = strrchr(name, '/');

	*(slash == NULL ? name : slash) = '\0';
}

/* Make the entries of the directory and of those above it durable. */
static int
sync_way_up(struct dir_store *d, const char *directory, struct mf_error *e)
{
	char here[MF_STORE_NAME_MAX + 1], above[MF_STORE_NAME_MAX + 1];

	memcpy(here, directory, strlen(directory) + 1);
	while (here[0] != '\0' && !is_known(&d->sync, here)) {
		memcpy(above, here, sizeof above);
		to_parent(above);
		if (sync_path(d, above, true, e) != 0)
			return -1;
		know(&d->sync, here);
		memcpy(here, above, sizeof here);
	}
	return 0;
}

/* The bytes of all, then each directory once, then what is above. */
static int
sync_each(struct dir_store *d, struct dir_pending *pending, unsigned n, struct mf_error *e)
{
	unsigned i, j;

	for (i = 0; i < n; i++)
		if (!pending[i].deleted && sync_path(d, pending[i].name, false, e) != 0)
			return -1;
	for (i = 0; i < n; i++) {
		to_parent(pending[i].name);
		for (j = 0; j < i && strcmp(pending[i].name, pending[j].name) != 0; j++)
			;
		if (j < i)
			continue;
		if (sync_path(d, pending[i].name, true, e) != 0 ||
		    sync_way_up(d, pending[i].name, e) != 0)
			return -1;
	}
	return 0;
}

/* Under the lock: a failure stays. */
static void
break_down(struct dir_sync *y, const struct mf_error *why)
{
	if (y->broken)
		return;
	y->broken = true;
	y->failure = *why;
	mf_error_while(&y->failure, "making what was stored durable");
}

static bool
is_broken(struct dir_sync *y, struct mf_error *e)
{
	bool broken;

	pthread_mutex_lock(&y->lock);
	broken = y->broken;
	if (broken)
		*e = y->failure;
	pthread_mutex_unlock(&y->lock);
	return broken;
}

int
dir_sync_all(struct dir_store *d, struct mf_error *e)
{
	struct dir_pending pending[MF_DIR_SYNC_EACH];
	struct dir_sync *y = &d->sync;
	unsigned n;
	int r = 0;

	pthread_mutex_lock(&y->lock);
	while (y->busy)
		pthread_cond_wait(&y->turn, &y->lock);
	if (y->broken) {
		*e = y->failure;
		pthread_mutex_unlock(&y->lock);
		return -1;
	}
	y->busy = true;
	n = y->n_pending;
	y->n_pending = 0;
	if (n <= MF_DIR_SYNC_EACH)
		memcpy(pending, y->pending, n * sizeof pending[0]);
	pthread_mutex_unlock(&y->lock);

	if (n > MF_DIR_SYNC_EACH)
		r = mf_fs_sync_all(d->root, e);
	else
		r = sync_each(d, pending, n, e);

	pthread_mutex_lock(&y->lock);
	if (r != 0)
		break_down(y, e);
	y->busy = false;
	pthread_cond_broadcast(&y->turn);
	pthread_mutex_unlock(&y->lock);
	return r;
}

int
dir_sync_entry(struct dir_store *d, const char *name, struct mf_error *e)
{
	char directory[MF_STORE_NAME_MAX + 1];

	if (is_broken(&d->sync, e))
		return -1;
	memcpy(directory, name, strlen(name) + 1);
	to_parent(directory);
	if (sync_path(d, directory, true, e) == 0 && sync_way_up(d, directory, e) == 0)
		return 0;
	pthread_mutex_lock(&d->sync.lock);
	break_down(&d->sync, e);
	pthread_mutex_unlock(&d->sync.lock);
	return -1;
}
