/* What a driver of tree.h provides. Each operation is documented at the mf_tree_* function of its
 * name; paths are valid, and e is never NULL. */
#ifndef MF_TRANSFERS_TREE_INT_H
#define MF_TRANSFERS_TREE_INT_H

#include "transfers/tree.h"

struct mf_tree_ops {
	/* required */
	int (*list)(
	    struct mf_tree *t, const char *dir, struct mf_tree_cursor **out, struct mf_error *e);
	int (*next)(struct mf_tree_cursor *c, struct mf_tree_entry *entry, struct mf_error *e);
	void (*cursor_close)(struct mf_tree_cursor *c);
	int (*look)(
	    struct mf_tree *t, const char *path, struct mf_tree_entry *out, struct mf_error *e);
	int (*get)(struct mf_tree *t, const struct mf_tree_entry *entry, mf_tree_sink *sink,
	    void *arg, struct mf_error *e);
	int (*put)(struct mf_tree *t, const char *path, const struct mf_tree_source *source,
	    struct mf_tree_entry *stored, struct mf_error *e);
	int (*source_open)(struct mf_tree *t, const struct mf_tree_entry *entry,
	    struct mf_tree_source *out, struct mf_error *e);
	void (*source_close)(struct mf_tree *t, struct mf_tree_source *source);
	int (*del)(struct mf_tree *t, const char *const *paths, size_t n,
	    void (*failed)(void *arg, const char *path, const struct mf_error *why), void *arg,
	    struct mf_error *e);
	unsigned (*capabilities)(struct mf_tree *t);
	const char *(*label)(struct mf_tree *t);
	void (*close)(struct mf_tree *t);

	/* optional: NULL means what is said here */
	int (*copy)(struct mf_tree *t, const char *path, struct mf_tree *from,
	    const struct mf_tree_entry *entry, struct mf_error *e); /* 1 */
	int (*move)(struct mf_tree *t, const char *path, struct mf_tree *from,
	    const struct mf_tree_entry *entry, struct mf_error *e); /* 1 */
	int (*touch)(struct mf_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns,
	    struct mf_error *e); /* MF_EUNSUPPORTED */
	int (*make_dir)(struct mf_tree *t, const char *path, struct mf_error *e);   /* 0 */
	int (*remove_dir)(struct mf_tree *t, const char *path, struct mf_error *e); /* 0 */
	void (*remember)(struct mf_tree *t, const struct mf_tree_memory *memory);   /* nothing */
	int (*abandon)(
	    struct mf_tree *t, const char *path, const char *id, struct mf_error *e); /* 0 */
	int (*sweep)(struct mf_tree *t, uint64_t min_age_us, struct mf_error *e);     /* 0 */
	int (*sync)(struct mf_tree *t, struct mf_error *e);                           /* 0 */
};

/* A driver embeds these as the first members of its own structs. */
struct mf_tree {
	const struct mf_tree_ops *ops;
};

struct mf_tree_cursor {
	struct mf_tree *tree;
};

#endif
