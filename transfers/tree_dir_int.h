/* What the files of the directory's tree share. */
#ifndef MF_TRANSFERS_TREE_DIR_INT_H
#define MF_TRANSFERS_TREE_DIR_INT_H

#include <sys/stat.h>

#include "transfers/tree_dir.h"
#include "transfers/tree_int.h"

#define DIR_PART_PREFIX ".modelferry-part-"
#define DIR_PART_DIGITS 16
#define DIR_PART_NAME_BYTES (sizeof DIR_PART_PREFIX + DIR_PART_DIGITS)

struct dir_tree {
	struct mf_tree tree;
	int fd;
	char *label;
	bool write, no_direct_io;
	enum mf_tree_links links;
	struct mf_limiter *limiter;
	bool (*enters)(void *arg, const char *path); /* or NULL */
	void *enters_arg;
};

static inline struct dir_tree *
dir_tree_of(struct mf_tree *t)
{
	return (struct dir_tree *)t;
}

extern const struct mf_tree_ops dir_tree_ops;

bool dir_tree_is_part(const char *name);
void dir_tree_part_name(char out[DIR_PART_NAME_BYTES]);
int64_t dir_tree_mtime_ns(const struct stat *st);
struct timespec dir_tree_timespec(int64_t ns);
void dir_tree_fill(struct mf_tree_entry *out, const struct stat *st);
/* The same of a link that stands for a file. */
void dir_tree_fill_link(struct mf_tree_entry *out, const struct stat *st);
/* "... changed while it was read", MF_ESOURCE. */
int dir_tree_changed(struct dir_tree *d, const char *path, struct mf_error *e);
/* Something is in the way of a file or link. */
int dir_tree_in_the_way(
    const struct dir_tree *d, const char *path, const char *what, struct mf_error *e);
/* The directory of a path, made where make says so, and the last component. */
int dir_tree_open_parent(struct dir_tree *d, const char *path, bool make, const char **base,
    struct mf_error *e);
/* The file as entry says it is, for reading. */
int dir_tree_open_file(
    struct dir_tree *d, const struct mf_tree_entry *entry, struct stat *st, struct mf_error *e);
/* Is an open file still what it was? MF_ESOURCE. */
int dir_tree_check_still(
    struct dir_tree *d, const char *path, int fd, const struct stat *was, struct mf_error *e);
/* Pay for the next of n bytes (> 0): how many may pass at once into *now. 0, or -1:
 * MF_EINTERRUPTED. */
int dir_tree_pay(struct dir_tree *d, enum mf_http_direction direction, size_t n, size_t *now,
    struct mf_error *e);
int dir_tree_refuse_write(struct dir_tree *d, struct mf_error *e); /* 0 where it may */

/* tree_dir_link.c: links as files */

/* Does the path stand for a link? */
bool dir_tree_is_link(const struct dir_tree *d, const char *path);
/* What the last component of a path is called on the disk. 0, or -1: nothing can be. */
#define DIR_NAME_BYTES 256
int dir_tree_disk_name(
    struct dir_tree *d, const char *path, char out[DIR_NAME_BYTES], struct mf_error *e);
/* Is what lies there the path's: a link where that stands for one, else none? */
bool dir_tree_is_its(const struct dir_tree *d, const char *path, const struct stat *st);
/* Where the link leads, as entry says it is. New string (free(3)), or NULL. */
char *dir_tree_read_link(
    struct dir_tree *d, const struct mf_tree_entry *entry, struct mf_error *e);
int dir_tree_put_link(struct dir_tree *d, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e);
int dir_tree_link_source(struct dir_tree *d, const struct mf_tree_entry *entry,
    struct mf_tree_source *out, struct mf_error *e);
/* Ends such a source. false: it is none. */
bool dir_tree_close_link(struct mf_tree_source *source);

/* tree_dir_list.c */
int dir_tree_list(
    struct mf_tree *t, const char *dir, struct mf_tree_cursor **out, struct mf_error *e);
int dir_tree_next(struct mf_tree_cursor *c, struct mf_tree_entry *entry, struct mf_error *e);
void dir_tree_cursor_close(struct mf_tree_cursor *c);
int dir_tree_sweep(struct mf_tree *t, uint64_t min_age_us, struct mf_error *e);

/* tree_dir_put.c */
int dir_tree_put(struct mf_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e);
int dir_tree_copy(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e);
int dir_tree_move(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e);

#endif
