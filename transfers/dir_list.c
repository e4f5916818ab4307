/*
 * Listing a directory store: depth first, one directory's names in memory at a time and per
 * level, sorted. A directory sorts as its name with '/' behind it, which is what makes the
 * full names ascend ("a-1", "a.b", "a/c", "a0").
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "transfers/dir_int.h"

struct listing {
	const struct dir_store *d;
	const char *prefix;
	size_t prefix_len;
	mf_store_list_cb *cb;
	void *arg;
	bool names_only; /* do not look an object up: that it is one, the directory said */
	char name[MF_STORE_NAME_MAX + 2]; /* the directory we are in, with its '/' */
	size_t len;
	struct mf_error *e;
};

/* The names of one directory, NUL behind each; directories end with '/'. */
struct names {
	struct mf_buf bytes;
	const char **at;
	size_t n;
};

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Can the object or directory (then with '/' behind it) in the current directory have names
 * with the prefix? */
static bool
wanted(const struct listing *l, const char *entry, size_t n)
{
	size_t rest, common;

	if (l->len >= l->prefix_len)
		return true;
	rest = l->prefix_len - l->len;
	common = rest < n ? rest : n;
	if (memcmp(l->prefix + l->len, entry, common) != 0)
		return false;
	return n >= rest || entry[n - 1] == '/';
}

/* 'f', 'd', or 0 for everything that a store does not see. */
static char
kind_of(int fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type == DT_REG)
		return 'f';
	if (entry->d_type == DT_DIR)
		return 'd';
	if (entry->d_type != DT_UNKNOWN ||
	    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : 0;
}

static void
add_name(struct listing *l, struct names *names, int fd, const struct dirent *entry)
{
	char text[MF_STORE_COMPONENT_MAX + 2];
	size_t n = strlen(entry->d_name);
	char kind;

	if (n > MF_STORE_COMPONENT_MAX || l->len + n > MF_STORE_NAME_MAX ||
	    !mf_store_name_is_valid(entry->d_name))
		return;
	kind = kind_of(fd, entry);
	if (kind == 0)
		return;
	memcpy(text, entry->d_name, n);
	if (kind == 'd')
		text[n++] = '/';
	text[n] = '\0';
	if (!wanted(l, text, n))
		return;
	mf_buf_put(&names->bytes, text, n + 1);
	names->n++;
}

/* Read and sort; takes fd. */
static int
read_names(struct listing *l, int fd, struct names *names)
{
	struct dirent *entry;
	const char *p;
	size_t i;
	DIR *dir;
	int failed;

	dir = fdopendir(fd);
	if (dir == NULL) {
		failed = errno;
		close(fd);
		return dir_fail(l->d, failed, "list", l->name, l->e);
	}
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			break;
		add_name(l, names, dirfd(dir), entry);
	}
	failed = errno;
	closedir(dir);
	if (failed != 0)
		return dir_fail(l->d, failed, "list", l->name, l->e);
	names->at = calloc(names->n + 1, sizeof *names->at);
	if (names->at == NULL || names->bytes.failed)
		return mf_error_nomem(l->e, "a listing");
	for (i = 0, p = (const char *)names->bytes.data; i < names->n; i++, p += strlen(p) + 1)
		names->at[i] = p;
	qsort(names->at, names->n, sizeof *names->at, by_bytes);
	return 0;
}

static int
show_object(struct listing *l, int parent, const char *base)
{
	struct stat st;

	if (l->names_only)
		return l->cb(l->arg, l->name, 0, 0) != 0 ? 1 : 0;
	if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : dir_fail(l->d, errno, "look up", l->name, l->e);
	if (!S_ISREG(st.st_mode))
		return 0;
	return l->cb(l->arg, l->name, (uint64_t)st.st_size,
		   (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000) != 0
	    ? 1
	    : 0;
}

/* The directory fd (taken) named by l->name. 0; 1: the callback ended it; -1. */
static int /* NOLINTNEXTLINE(misc-no-recursion): a name of MF_STORE_NAME_MAX ends it */
walk(struct listing *l, int fd)
{
	struct names names = {0};
	size_t i, n, len = l->len;
	int keep, child, r;

	keep = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (keep < 0) {
		r = dir_fail(l->d, errno, "list", l->name, l->e);
		close(fd);
		return r;
	}
	r = read_names(l, fd, &names);
	for (i = 0; r == 0 && i < names.n; i++) {
		n = strlen(names.at[i]);
		memcpy(l->name + len, names.at[i], n + 1);
		if (names.at[i][n - 1] != '/') {
			r = show_object(l, keep, l->name + len);
			continue;
		}
		l->name[len + n - 1] = '\0';
		child = openat(keep, l->name + len, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		l->name[len + n - 1] = '/';
		l->len = len + n;
		if (child >= 0)
			r = walk(l, child);
		else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			r = dir_fail(l->d, errno, "list", l->name, l->e);
		l->len = len;
	}
	l->name[len] = '\0';
	close(keep);
	free(names.at);
	mf_buf_fini(&names.bytes);
	return r;
}

/* Begin in the deepest directory that the prefix names whole. */
static int
list_from(struct listing *l)
{
	const char *slash = strrchr(l->prefix, '/');
	struct mf_error *e = l->e;
	int fd;

	l->prefix_len = strlen(l->prefix);
	l->len = slash == NULL ? 0 : (size_t)(slash - l->prefix) + 1;
	memcpy(l->name, l->prefix, l->len);
	l->name[l->len] = '\0';
	if (l->len == 0) {
		fd = openat(l->d->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return dir_fail(l->d, errno, "list", "the root", e);
		return walk(l, fd) < 0 ? -1 : 0;
	}
	l->name[l->len - 1] = '\0';
	fd = mf_fs_open_beneath(l->d->root, l->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, e);
	l->name[l->len - 1] = '/';
	if (fd < 0 && (e->code == MF_ENOTFOUND || e->sys_errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return mf_error_while(e, "listing %s", l->d->path);
	return walk(l, fd) < 0 ? -1 : 0;
}

int
dir_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct listing l = {.d = (const struct dir_store *)s, .prefix = prefix, .cb = cb,
	    .arg = arg, .e = e};

	return list_from(&l);
}

int
dir_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct listing l = {.d = (const struct dir_store *)s, .prefix = prefix, .cb = cb,
	    .arg = arg, .names_only = true, .e = e};

	return list_from(&l);
}
