/*
 * The store on a directory: an object is a file of its name below the root; directories are
 * made on demand (0700, files 0600) and never removed. Anything else below the root (symbolic
 * links, special files, names that are no object names) is not seen. `.tmp/` holds the
 * temporary names of file systems without O_TMPFILE, and of replaced objects; what is older
 * than a day there is removed when the store is opened for writing.
 *
 * Durability comes in batches. put writes and links; it waits for no disk. sync makes all of
 * it durable: up to MF_DIR_SYNC_EACH objects with fsync of each file and of the directories
 * on its way, more with one syncfs(2) of the file system (which reports lost writes since
 * Linux 5.8). The directory must lie on one file system.
 *
 * Conditional puts are link(2), or renameat2(2) with RENAME_NOREPLACE where there are no hard
 * links; a file system with neither answers MF_EUNSUPPORTED.
 */
#ifndef MF_TRANSFERS_DIR_H
#define MF_TRANSFERS_DIR_H

#include "transfers/limiter.h"
#include "transfers/store.h"

#define MF_DIR_SYNC_EACH 32

enum {
	MF_DIR_WRITE = 1,  /* may be written: sweep `.tmp/`; without it puts and dels are MF_EPERM */
	MF_DIR_CREATE = 2, /* make the directory (and its parents) where it is missing */
	MF_DIR_NO_TMPFILE = 4, /* as on a file system without O_TMPFILE: for tests */
};

/* Open the store at path (copied). *out is the caller's: mf_store_close. 0, or -1:
 * MF_ENOTFOUND where path does not exist (and MF_DIR_CREATE is not given), MF_EUSAGE where it
 * is no directory, MF_EPERM. */
int mf_dir_open(const char *path, unsigned flags, struct mf_store **out, struct mf_error *e);

/* From now on ask the limiter for bytes as they are written and read, in small slices; it outlives
 * the store. Before others use it. A put or get whose wait is cancelled is MF_EINTERRUPTED and did
 * nothing. */
void mf_dir_pace(struct mf_store *s, struct mf_limiter *limiter);

#endif
