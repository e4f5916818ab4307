/* What the files of a mirror share. */
#ifndef MF_SYNC_MIRROR_INT_H
#define MF_SYNC_MIRROR_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "src/base/crew.h"
#include "src/base/queue.h"
#include "src/sync/mirror.h"
#include "src/sync/mirror_known.h"
#include "src/sync/mirror_spill.h"

/* What failed so far, file by file. */
struct mirror_failures {
	pthread_mutex_t lock;
	uint64_t n;        /* guarded, like the rest */
	unsigned in_a_row; /* of the kind that hits every file, without a success between */
	struct mf_error worst;
	struct mf_progress *progress; /* or NULL; set before init */
};

int mirror_failures_init(struct mirror_failures *f, struct mf_error *e);
void mirror_failures_fini(struct mirror_failures *f);
/* Count it, and tell the log of it where it is one file's; without a path it is the run's. 0: the
 * others go on; -1: nothing will come of that, and *e is why: interrupted, out of memory, or the
 * last of many failures in a row that have nothing to do with the file. */
int mirror_failed(struct mirror_failures *f, struct mf_error *e, const char *path);
void mirror_succeeded(struct mirror_failures *f);
uint64_t mirror_failures_n(struct mirror_failures *f);
/* An error of reading a source becomes MF_ESOURCE, unless it says more than that. */
void mirror_blame_source(struct mf_tree *src, struct mf_error *e);
/* After everything: 0, or -1 with the worst in *e. fatal, if its code is set, is what ended the
 * work early. */
int mirror_verdict(
    struct mirror_failures *f, const struct mf_error *fatal, const char *doing, struct mf_error *e);

/* One path on its way through the queues. */
struct mirror_item {
	struct mf_tree_entry src, dst;
	bool has_dst;
	bool touch; /* to be touched, not copied */
	bool late;  /* put after the deletions */
	struct mf_compare_side src_side, dst_side;
	char path[];
};

/* A new item (free(3)); dst may be NULL. NULL: out of memory. */
struct mirror_item *mirror_item_new(
    const struct mf_tree_entry *src, const struct mf_tree_entry *dst, struct mf_error *e);

struct mirror_run {
	const struct mf_mirror_params *p;
	struct mf_mirror_result *result; /* guarded by lock while workers run */
	pthread_mutex_t lock;
	struct mf_known *src_known, *dst_known; /* NULL: that side's listing has mtimes */
	struct mf_queue *checks, *copies;
	struct mf_crew *crew;
	_Atomic unsigned checkers_left;
	atomic_bool said_no_md5;
	struct mirror_failures failures;
	struct mf_spill deletes; /* a directory has '/' at its end */
	uint64_t files_to_delete;
	struct mf_spill late; /* guarded by lock: what can be put when others are deleted;
			       * a directory has '/' at its end */
	bool complete;        /* both listings were walked to their end */
};

/* mirror_uploads.c: what dst is to remember of uploads in parts. Between these two it does, where
 * there is a place for that; *m belongs to the caller and stays where it is. */
struct mirror_memory {
	struct mf_tree_memory tree;
	const struct mf_mirror_params *p;
};

void mirror_remember(struct mirror_memory *m, const struct mf_mirror_params *p);
void mirror_remember_no_more(const struct mirror_memory *m);
/* Remove the uploads that no run will go on with. 0, failures noted in the log; -1: interrupted. */
int mirror_abandon_uploads(struct mirror_run *r, struct mf_error *e);

bool mirror_interrupted(const struct mirror_run *r);
void mirror_did(struct mirror_run *r, enum mf_mirror_act act, const char *path, uint64_t bytes);

/* mirror_walk.c: merge the listings, settle what can be settled, queue the rest. 0 also where a
 * listing failed, which is noted; -1: the end of it all. */
int mirror_walk(struct mirror_run *r, struct mf_error *e);
/* Is it a file, by name and kind one that a mirror carries? Links and special files are told to
 * the log. */
bool mirror_is_file(const struct mf_tree_entry *entry, const char *label);

/* Takes the item to the queue of those that send. 0; -1: nobody waits there any more. */
int mirror_queue(struct mirror_run *r, struct mirror_item *item, struct mf_error *e);
/* Nothing is to be done about a file that both sides have. */
void mirror_settled(
    struct mirror_run *r, const struct mf_tree_entry *src, const struct mf_tree_entry *dst);
/* It would have to change, and must not. As mirror_failed. */
int mirror_conflict(struct mirror_run *r, const char *path, struct mf_error *e);

/* mirror_look.c: the crews' work. */
int mirror_checker(void *arg, struct mf_error *e);
/* Everything that is known of entry->path, into entry; where no mtime is kept, the time at which it
 * was stored stands for it. A file whose tag is the listing's keeps its listed time of storing.
 * 0; 1: there is no such file; -1. */
int mirror_look(struct mf_tree *t, struct mf_tree_entry *entry, struct mf_error *e);
/* Where two files lie, for finding out about their content. */
struct mirror_pair {
	struct mf_tree *src, *dst;
	bool (*interrupted)(void); /* may be NULL */
	bool of_src;               /* out: the failure is the source's */
};
/* Have the MD5s of both sides, the one that costs little first; a local one is computed by reading,
 * where the other side has one, of parts as large as that one's. 0, with no_md5 set where there are
 * none that compare; -1. */
int mirror_hash(struct mirror_item *item, struct mirror_pair *pair, struct mf_error *e);
/* The MD5 of a file's content, by reading all of it, into entry: of the whole, or of parts of so
 * many bytes. */
int mirror_hash_file(struct mf_tree *t, struct mf_tree_entry *entry, uint64_t part_bytes,
    bool (*interrupted)(void), struct mf_error *e);

/* mirror_copy.c */
int mirror_copier(void *arg, struct mf_error *e);
/* Copy or touch one item. 0; -1: fatal. */
int mirror_carry(struct mirror_run *r, struct mirror_item *item, struct mf_error *e);
/* mirror_stream.c: one file from tree to tree, in the store itself where that can be. *of_src: the
 * failure is the source's. stored may be NULL. The bytes count as progress of r unless it is NULL.
 */
int mirror_transfer(struct mirror_run *r, struct mf_tree *from, const struct mf_tree_entry *entry,
    struct mf_tree *to, const char *path, struct mf_tree_entry *stored, bool *of_src,
    struct mf_error *e);

/* mirror_keep.c: --backup-dir and --suffix. */
bool mirror_keeps(const struct mirror_run *r);
/* Keep a copy of what will be replaced. 0 or -1. */
int mirror_keep_copy(struct mirror_run *r, const struct mf_tree_entry *dst, struct mf_error *e);
/* Keep it and remove it here. 0; 1: it is not there; -1. */
int mirror_keep_move(struct mirror_run *r, const char *path, struct mf_error *e);

/* mirror_delete.c: after the crew has ended. 0, failures noted; -1: fatal. */
int mirror_delete(struct mirror_run *r, struct mf_error *e);
int mirror_put_late(struct mirror_run *r, struct mf_error *e);

#endif
