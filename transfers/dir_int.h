/*
 * What the files of the directory store share: its handle, and the list of what is to be made
 * durable. dir_sync.c owns that list.
 */
#ifndef MF_TRANSFERS_DIR_INT_H
#define MF_TRANSFERS_DIR_INT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "transfers/dir.h"

/* Directories whose own name is known to be durable; forgotten when full, which only costs
 * an fsync each. A power of two. */
#define DIR_KNOWN 1024

struct dir_pending {
	char name[MF_STORE_NAME_MAX + 1];
	bool deleted; /* only the directory entry is to be synced */
};

struct dir_sync {
	pthread_mutex_t lock; /* protects everything below; never held during I/O */
	pthread_cond_t turn;  /* signalled when `busy` becomes false */
	bool busy;	      /* one sync at a time: a second must not overtake the first */
	bool broken;	      /* a sync has failed; why is in `failure` */
	struct mf_error failure;
	unsigned n_pending; /* past MF_DIR_SYNC_EACH: the whole file system */
	struct dir_pending pending[MF_DIR_SYNC_EACH];
	uint64_t known[DIR_KNOWN]; /* hashes of directory names, 0: free */
	unsigned n_known;
};

struct dir_store {
	struct mf_store store;
	int root;   /* O_RDONLY | O_DIRECTORY, held from open to close: syncfs reports through it */
	char *path; /* owned; for messages */
	unsigned flags;
	struct mf_limiter *limiter; /* or NULL */
	atomic_bool no_tmpfile; /* O_TMPFILE and linkat do not work here */
	struct dir_sync sync;
};

/* dir.c: the directory that holds name, opened O_PATH, and the last component. The root
 * itself is not opened again: close with dir_parent_close. 0; 1: it does not exist; -1. */
int dir_parent_open(const struct dir_store *d, const char *name, int *fd, const char **base,
    struct mf_error *e);
void dir_parent_close(const struct dir_store *d, int fd);
/* The object's file for reading. The descriptor; -2: no such object; -1. */
int dir_object_open(const struct dir_store *d, const char *name, struct mf_error *e);
/* mf_error_sys with this store's hints. Returns -1. */
int dir_fail(const struct dir_store *d, int sys_errno, const char *doing, const char *name,
    struct mf_error *e);

/* dir_put.c */
int dir_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e);
/* An unnamed or temporary file, to be thrown away by dir_temp_close unless it was linked.
 * temp_name is empty where it has no name. */
#define DIR_TEMP_NAME 64
int dir_temp_open(struct dir_store *d, char temp_name[DIR_TEMP_NAME], struct mf_error *e);
void dir_temp_close(struct dir_store *d, int fd, const char *temp_name);
/* Remove what is older than a day in `.tmp/`; failures are not interesting. */
void dir_temp_sweep(const struct dir_store *d);

/* dir_list.c */
int dir_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e);
int dir_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e);

/* dir_sync.c */
int dir_sync_init(struct dir_sync *y, struct mf_error *e);
void dir_sync_fini(struct dir_sync *y);
/* Remember that the object is to be made durable by the next sync. */
void dir_sync_note(struct dir_sync *y, const char *name, bool deleted);
/* A directory had to be made (again): nothing is known of any directory. */
void dir_sync_forget(struct dir_sync *y);
/* Make what was noted durable. */
int dir_sync_all(struct dir_store *d, struct mf_error *e);
/* Make the entry of one object durable, and its directories; its bytes are already. */
int dir_sync_entry(struct dir_store *d, const char *name, struct mf_error *e);

#endif
