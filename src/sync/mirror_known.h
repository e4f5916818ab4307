/*
 * What a mirror remembers of a bucket between runs: the mtimes of objects, which a listing does not
 * tell. It is kept in the file cache (state/cache.h), may be lost at any time, and counts only for
 * an object that has the same path, size and tag (ETag) in the listing, and the same Last-Modified
 * where that was known. And only for "nothing to do": whoever finds a difference looks again.
 *
 * A record is 32 bytes however long the path: a SHA-256 of what it counts for, cut to 16 bytes,
 * so that no name that somebody else chose can pass for another. At most MF_KNOWN_MAX of them are
 * kept; of the rest nothing is remembered, which costs a look-up each.
 *
 * find and learn: any thread at a time.
 */
#ifndef MF_SYNC_MIRROR_KNOWN_H
#define MF_SYNC_MIRROR_KNOWN_H

#include "src/state/cache.h"
#include "transfers/tree.h"

#define MF_KNOWN_MAX ((size_t)1 << 20)

struct mf_known;

/* What is remembered of the place (a text that tells it from all others; copied). cache may be
 * NULL: nothing is. NULL: out of memory. */
struct mf_known *mf_known_load(struct mf_cache *cache, const char *place, struct mf_error *e);
/* Give the entry, as it was listed, the mtime that is remembered of it. */
bool mf_known_find(const struct mf_known *k, struct mf_tree_entry *entry);
/* Remember the entry, if it has an mtime and a tag. listed: its stored_us comes from the store. */
void mf_known_learn(struct mf_known *k, const struct mf_tree_entry *entry, bool listed);
/* Keep what was learnt; and with keep_old what was remembered before too, of a run that has not
 * seen everything. */
void mf_known_save(struct mf_known *k, struct mf_cache *cache, bool keep_old);
void mf_known_free(struct mf_known *k);

#endif
