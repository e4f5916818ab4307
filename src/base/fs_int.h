/* What the files of the file-system helpers share. */
#ifndef MF_BASE_FS_INT_H
#define MF_BASE_FS_INT_H

#include <stdint.h>

#include "src/base/fs.h"

#define MF_FS_TEMP_NAME_BYTES 32

/* openat2(2) as open(2) and openat(2) are: the descriptor or -1 with errno; ENOSYS also
 * where this build or a system call filter has none. */
int mf_fs_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);
/* The way of mf_fs_open_beneath without openat2(2): the descriptor or -1 with errno. */
int mf_fs_walk_beneath(int dirfd, const char *path, int flags, mode_t mode);
/* A name that nobody uses: ".mf-" and 16 random hexadecimal digits. 0 or -1. */
int mf_fs_temp_name(char out[MF_FS_TEMP_NAME_BYTES], struct mf_error *e);
/* Open the directory in which path's last component lies; *base is a view of that component.
 * Links on the way are followed. The descriptor or -1. */
int mf_fs_open_parent(int dirfd, const char *path, const char **base, struct mf_error *e);
/* fsync(2) with EINTR handled: 0 or -1. name is what an error calls it. */
int mf_fs_sync_fd(int fd, const char *name, struct mf_error *e);

#endif
