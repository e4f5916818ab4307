/*
 * What the files of the recorder share: the log, and which files are recorded. The functions
 * that it replaces call the kernel through the real syscall(3). Nothing of this is visible to
 * the recorded program.
 */
#ifndef MF_TESTS_RECORD_INT_H
#define MF_TESTS_RECORD_INT_H

#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "tests/durability/power_log.h"

#pragma GCC visibility push(hidden)

struct recorder {
	bool on;
	char root[PATH_MAX]; /* canonical */
	size_t root_len;
	dev_t device;
	int log;
	const char *tag;
	pthread_mutex_t lock;
};

extern struct recorder rec;
extern long (*rec_syscall)(long number, ...); /* after rec_find_real */

/* record_log.c */
void rec_find_real(void);
void rec_die(const char *what) __attribute__((noreturn));
/* Held around each change and its record, also between processes. unlock keeps errno. */
void rec_lock(void);
void rec_unlock(void);
/* Append one record. Under the lock. */
void rec_note(enum power_type type, uint64_t inode, uint64_t offset, const char *path,
    const char *path2, const void *data, size_t n);

/* record_files.c: which files */
/* The part of a canonical path below the root, "" for itself; NULL: it is elsewhere. */
const char *rec_below(const char *path);
/* Where dirfd/path is, with its last component not resolved. Below the root, or NULL. */
const char *rec_resolve(int dirfd, const char *path, char out[PATH_MAX * 2]);
/* The same for an open file; a file without a name is in its directory. */
const char *rec_resolve_fd(int fd, char out[PATH_MAX]);
/* Remember the file. Under the lock, as the next two. */
void rec_track(uint64_t inode);
bool rec_is_known(uint64_t inode);
/* A file below the root that we know? */
bool rec_is_tracked(int fd, struct stat *st);

/* record_open.c: how is NULL, or the argument of openat2. */
int rec_open(int dirfd, const char *path, int flags, mode_t mode, const struct open_how *how);

/* record_write.c: where a write(2) would go. */
uint64_t rec_position(int fd, const struct stat *st);

#pragma GCC visibility pop

#endif
