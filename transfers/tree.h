/*
 * The contract between a mirror and the two places it copies between: a tree of plain files, in a
 * directory or in a bucket below a prefix, that other software reads and writes too. A store
 * (store.h) keeps our own sealed objects under names of our own making; a tree takes names, sizes
 * and times as they come. A driver fills in struct mf_tree_ops; callers use the mf_tree_*
 * functions, which check paths, so that a driver never sees a bad one.
 *
 * Paths. Relative, '/' between components, 1 to MF_TREE_PATH_MAX bytes, any byte but NUL; no
 * component is empty, "." or "..". What a place holds under another name (an object "a//b", or one
 * whose key ends in '/') is not shown as a file: a cursor counts it as skipped and the log says so.
 * "a" and "a/b" can both exist in a bucket; a directory refuses the second with MF_EEXIST.
 *
 * Consistency. A file appears whole or not at all: an interrupted put or copy is never visible
 * under its path, and leaves at most what mf_tree_sweep removes or the next put goes on with. Once
 * a call has returned, later ones of any client see its effect.
 *
 * Durability. A returned put is durable once mf_tree_sync has returned; in a bucket at once.
 *
 * Threads. Everything blocks; everything but mf_tree_close may be called from any number of threads
 * at once, and each cursor from one at a time. No lock is held while a disk or network is waited
 * for, or while a callback runs.
 *
 * Errors. -1 with *e set (e may be NULL). Codes that callers can rely on: MF_ENOTFOUND, MF_EUSAGE
 * (a bad path), MF_EUNSUPPORTED, MF_ENOSPC, MF_EPERM, MF_ETRANSFER (it may work later), MF_ESOURCE
 * (a source that changed or became shorter), MF_EINTERRUPTED.
 */
#ifndef MF_TRANSFERS_TREE_H
#define MF_TRANSFERS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_TREE_PATH_MAX 4096
#define MF_TREE_MD5_BYTES 16
#define MF_TREE_TAG_BYTES 128 /* an ETag without quotes, NUL-terminated */

enum mf_tree_kind {
	MF_TREE_FILE,
	MF_TREE_DIR,  /* shown by directories for empty ones and where asked; never by a bucket */
	MF_TREE_LINK, /* a symbolic link of a directory, not followed */
	MF_TREE_SPECIAL
};

/* What is known of a file. Texts are views that hold until the cursor's next step or, from
 * mf_tree_look, in the caller's own struct. */
struct mf_tree_entry {
	const char *path;
	enum mf_tree_kind kind;
	uint64_t size; /* bytes */
	/* When the content was last changed, as the source told it (rclone's
	 * x-amz-meta-mtime of an object, st_mtim of a file), Unix ns. A listing of a bucket does
	 * not tell: mf_tree_look does. */
	bool has_mtime;
	int64_t mtime_ns;
	int64_t stored_us; /* Last-Modified of an object, else mtime; Unix us */
	bool has_md5; /* of the content; from an ETag only where that is one (no multipart, no KMS)
		       */
	uint8_t md5[MF_TREE_MD5_BYTES];
	/* Of what was put in parts of so many bytes, the last one less: the MD5 of their MD5s. 0:
	 * not known, as where there is an MD5. A listing of a bucket does not tell. */
	uint64_t part_bytes;
	uint8_t parts_md5[MF_TREE_MD5_BYTES];
	char tag[MF_TREE_TAG_BYTES]; /* of this very content: ETag; of a file "" */
	uint32_t mode;               /* of a file; 0 of an object */
};

/* What a tree can do. */
enum {
	MF_TREE_LOCAL = 1,        /* a directory: reading costs little */
	MF_TREE_MTIME_LISTED = 2, /* listings have mtimes */
	MF_TREE_MD5_LISTED = 4,   /* listings mostly have MD5s */
	MF_TREE_MTIME_SET = 8,    /* mf_tree_touch works without sending the content again */
	MF_TREE_EMPTY_DIRS = 16
};

/* Given a file's content in order. 0, or -1 with *e set to end. */
typedef int mf_tree_sink(void *arg, const void *bytes, size_t n, struct mf_error *e);

/* A place that takes a file's content in pieces and in any order, and gives back what it was given.
 * 0, or -1 with *e set to end. Called from several threads at once. Whoever will read says so
 * before the first write (will_read): what nobody reads again need not be kept in memory. */
struct mf_tree_pieces {
	int (*write)(void *arg, uint64_t offset, const void *bytes, size_t n, struct mf_error *e);
	void (*will_read)(void *arg);
	int (*read)(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e);
	void *arg;
};

/* Where the content of a put comes from. read_at fills buf with n bytes from offset: 0, or -1 with
 * *e set (a source that became shorter too). Called from several threads at once, for a part twice
 * where it is sent twice. */
struct mf_tree_source {
	uint64_t size;
	int (*read_at)(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e);
	/* All of it in order, as mf_tree_get gives it and checks it: for a place that takes a file
	 * from its first byte to its last, because many read_at are as many requests. NULL: there
	 * is only read_at. */
	int (*read_all)(void *arg, mf_tree_sink *sink, void *sink_arg, struct mf_error *e);
	/* The same of a large file in several places at once, for a place that can write anywhere:
	 * one connection may get but a part of what a line carries. 0; 1: not of this file, so that
	 * read_all has to do, also over what was written before; -1. NULL: of none. */
	int (*read_spread)(void *arg, const struct mf_tree_pieces *to, struct mf_error *e);
	/* Asked after the last byte was read and before the file becomes visible: 0 if the source
	 * still is what it was, -1 with *e set to give the put up. NULL: always. */
	int (*still)(void *arg, struct mf_error *e);
	void *arg;
	int64_t mtime_ns;
	uint32_t mode;      /* 0: the place's default */
	const uint8_t *md5; /* MF_TREE_MD5_BYTES where it is known already, else NULL */
};

#define MF_TREE_UPLOAD_ID_BYTES 1024 /* with the NUL */

/* An upload in parts that was begun and has not ended. */
struct mf_tree_upload {
	char id[MF_TREE_UPLOAD_ID_BYTES];
	uint64_t size, part_bytes; /* of the file, and of its parts */
	int64_t mtime_ns;
	uint64_t headers; /* a digest of what else the object was begun with */
	bool summed;      /* its parts are to come with checksums */
};

/* Where a bucket remembers them from one run to the next; paths tell whose they are. Called from
 * any thread, may block on a disk, and is no place for errors: what is not remembered is sent
 * again. */
struct mf_tree_memory {
	/* The one of that path. 0; 1: none. */
	int (*recall)(void *arg, const char *path, struct mf_tree_upload *out);
	/* In place of another of that path; with what is known of its parts, where it is the same.
	 * 0; -1: it will not be remembered. */
	int (*remember)(void *arg, const char *path, const struct mf_tree_upload *u);
	void (*forget)(void *arg, const char *path, const char *id);
	/* The CRC-32C of what a part was sent as, where its ETag does not say it. 0; 1: not known.
	 */
	int (*recall_part)(
	    void *arg, const char *path, unsigned number, const char *etag, uint32_t *sum);
	void (*remember_part)(
	    void *arg, const char *path, unsigned number, const char *etag, uint32_t sum);
	/* Is it one that some run will go on with? For mf_tree_sweep. */
	bool (*keeps)(void *arg, const char *path, const char *id);
	void *arg;
};

struct mf_tree;
struct mf_tree_cursor;

/* Show everything below dir ("" for all; no '/' at its end) in ascending byte order of the whole
 * paths, where an empty directory counts with a '/' behind it ("a-b" is before it, as it is before
 * "a/c"), reading ahead in the background where that helps. Memory does not grow with the number of
 * files (of one directory, with that directory's names). */
int mf_tree_list(
    struct mf_tree *t, const char *dir, struct mf_tree_cursor **out, struct mf_error *e);
/* 0: *entry is the next one; 1: that was all, and the listing is complete; -1: it failed, or
 * something could not be read: nobody may conclude from it that a file is gone. */
int mf_tree_next(struct mf_tree_cursor *c, struct mf_tree_entry *entry, struct mf_error *e);
void mf_tree_cursor_close(struct mf_tree_cursor *c); /* NULL is fine */

/* Everything that is known of one file, mtime and MD5 where the place has them. path of *out is
 * the given one. 0; 1: no such file; -1. */
int mf_tree_look(
    struct mf_tree *t, const char *path, struct mf_tree_entry *out, struct mf_error *e);

/* Read it whole, as it is under entry->tag or entry->mtime_ns and size: a file that is another by
 * now is an error, and so is one whose MD5 is known and is not what came (after the last byte was
 * given to the sink: the caller publishes only after 0). */
int mf_tree_get(struct mf_tree *t, const struct mf_tree_entry *entry, mf_tree_sink *sink, void *arg,
    struct mf_error *e);

/* The content of a file as the source of a put in another tree: as it is under entry->tag or
 * entry->mtime_ns and size, else MF_ESOURCE. 0 and *out (mf_tree_source_close, which is fine with
 * a zeroed one); -1. */
int mf_tree_source_open(struct mf_tree *t, const struct mf_tree_entry *entry,
    struct mf_tree_source *out, struct mf_error *e);
void mf_tree_source_close(struct mf_tree *t, struct mf_tree_source *source);

/* Put a file, replacing what was there. *stored tells what became of it (tag, md5, mtime); may be
 * NULL. Large ones go in parts, several at once, within the tree's memory. */
int mf_tree_put(struct mf_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e);

/* From now on a put in parts that ends with MF_ETRANSFER or MF_EINTERRUPTED, or with the process,
 * leaves what arrived in the bucket and in *memory, and the next put of the same file sends what is
 * missing: each part is compared with the source before. NULL: no more, which is how a tree begins.
 * *memory must outlive that; no other call may be under way. */
void mf_tree_remember(struct mf_tree *t, const struct mf_tree_memory *memory);
/* Remove an upload that is remembered, and its memory. One that is not there is fine. */
int mf_tree_abandon(struct mf_tree *t, const char *path, const char *id, struct mf_error *e);

/* Copy from another tree (or the same) without the bytes passing through here. 0; 1: these two
 * cannot, and nothing was done; -1. */
int mf_tree_copy(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e);
/* The same, and remove the source: rename within a directory. 0; 1: cannot; -1. */
int mf_tree_move(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e);

/* Set the mtime alone. MF_EUNSUPPORTED without MF_TREE_MTIME_SET. */
int mf_tree_touch(
    struct mf_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e);

/* Remove files; those that are not there are fine. failed, if not NULL, is told of each that could
 * not be removed; the answer is then -1. Of an object that a retention or a legal hold keeps the
 * error (MF_EPERM) says that, and until when. So it is where none can be (no network, no
 * permission): then the rest is not tried, and failed is not told of it. A bucket takes a thousand
 * in a request. */
int mf_tree_del(struct mf_tree *t, const char *const *paths, size_t n,
    void (*failed)(void *arg, const char *path, const struct mf_error *why), void *arg,
    struct mf_error *e);

/* Make and remove empty directories; nothing in a bucket. A directory that is not empty stays. */
int mf_tree_make_dir(struct mf_tree *t, const char *path, struct mf_error *e);
int mf_tree_remove_dir(struct mf_tree *t, const char *path, struct mf_error *e);

/* Remove what interrupted puts left behind: temporary files, uploads in parts that were begun
 * longer than min_age_us ago and that the memory does not keep. */
int mf_tree_sweep(struct mf_tree *t, uint64_t min_age_us, struct mf_error *e);
int mf_tree_sync(struct mf_tree *t, struct mf_error *e);

unsigned mf_tree_capabilities(struct mf_tree *t);
const char *mf_tree_label(struct mf_tree *t); /* "/srv/models", "s3://bucket/models"; view */
void mf_tree_close(struct mf_tree *t);        /* NULL is fine */

bool mf_tree_path_is_valid(const char *path);

#endif
