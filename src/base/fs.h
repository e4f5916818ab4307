/*
 * File system helpers. Everything that must survive a power cut says what it syncs.
 * Paths given with a directory descriptor are relative to it. Blocking. Any thread.
 */
#ifndef MF_BASE_FS_H
#define MF_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/buf.h"
#include "src/base/error.h"

/* Read the whole file, at most max_bytes (more is MF_EUSAGE), appended to out. name is what
 * an error calls it. */
int mf_fs_read_file(int dirfd, const char *path, size_t max_bytes, struct mf_buf *out,
    struct mf_error *e);
/* Exactly n bytes at offset. 0; 1 when the file is shorter; -1. EINTR is handled. */
int mf_fs_pread(int fd, void *bytes, size_t n, uint64_t offset, struct mf_error *e);
int mf_fs_pwrite(int fd, const void *bytes, size_t n, uint64_t offset, struct mf_error *e);
/*
 * Make n bytes of one file the same as n bytes of another by sharing the blocks between them
 * (reflink); what is no whole block is copied. Both offsets must lie equally in their block.
 * 0; 1: not this range, and what the target holds there is undefined; 2: not these files, the
 * file system cannot. What was shared is what the source held at that moment, so compare
 * afterwards. */
int mf_fs_clone_range(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t n);
int mf_fs_write(int fd, const void *bytes, size_t n, struct mf_error *e);

/* Replace dirfd/path atomically: temporary name in the same directory, write, fsync, rename,
 * fsync of the directory. A reader sees the old bytes or the new, never a mixture. */
int mf_fs_replace(int dirfd, const char *path, const void *bytes, size_t n, mode_t mode,
    struct mf_error *e);
/* mkdir -p; each component made with mode. Existing directories are fine. Not synced. */
int mf_fs_mkdirs(int dirfd, const char *path, mode_t mode, struct mf_error *e);
int mf_fs_sync_dir(int dirfd, const char *path, struct mf_error *e);
/* Make everything written to the file system of fd durable: syncfs(2), sync(2) without it. */
int mf_fs_sync_all(int fd, struct mf_error *e);

/* Open below dirfd without ever following a symbolic link or leaving it: openat2(2) with
 * RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, else component by component with O_NOFOLLOW. The
 * descriptor, or -1 (ELOOP and EXDEV are MF_EPERM with a message that says so). */
int mf_fs_open_beneath(int dirfd, const char *path, int flags, mode_t mode, struct mf_error *e);
/* Is path relative, without empty, "." or ".." components, at most 4096 bytes and each
 * component at most 255? Such a path may be created below a directory. */
bool mf_fs_path_is_safe(const char *path);

/* Make the symbolic link dirfd/name point at target, by rename, and sync the directory. */
int mf_fs_flip_link(int dirfd, const char *name, const char *target, struct mf_error *e);
/* Exchange two names atomically (renameat2 RENAME_EXCHANGE). 0; 1: not possible on this file
 * system; -1. */
int mf_fs_exchange(int dirfd, const char *a, const char *b, struct mf_error *e);
/* rm -rf below dirfd, following no link, crossing no mount. A missing path is fine. */
int mf_fs_remove_tree(int dirfd, const char *path, struct mf_error *e);

#endif
