/* Which chunk ids have a stored, uncondemned name: an in-memory table made of one listing. */
#ifndef MF_REPO_INDEX_INT_H
#define MF_REPO_INDEX_INT_H

#include "src/repo/repo_int.h"

struct mf_index;

/* List all chunk names. Names in `burned` (sorted; see condemned_int.h) count as absent.
 * About 48 bytes of memory a chunk. */
int mf_index_load(struct mf_repo *repo, const struct mf_names *burned, struct mf_index **out,
    struct mf_error *e);
/* An index in which nothing is stored. */
struct mf_index *mf_index_new_empty(struct mf_error *e);
/* Say that an id has this usable generation. */
int mf_index_add(struct mf_index *ix, const struct mf_id *id, uint64_t generation,
    struct mf_error *e);
void mf_index_free(struct mf_index *ix);
/* The generation of a usable name. False: there is none. Read-only: any thread. */
bool mf_index_find(const struct mf_index *ix, const struct mf_id *id, uint64_t *generation);

/* A set of ids with a number each: open addressing, the id is its own hash. */
struct mf_idmap {
	struct mf_idmap_slot { struct mf_id id; uint64_t value; bool used; } *slots;
	size_t n, capacity; /* capacity: a power of two */
};
/* Add, or return the value that is there. 0 added, 1 was there (*value is set), -1 no memory. */
int mf_idmap_add(struct mf_idmap *m, const struct mf_id *id, uint64_t *value);
/* NULL where it is not there; else its value, changeable. */
uint64_t *mf_idmap_get(const struct mf_idmap *m, const struct mf_id *id);
void mf_idmap_fini(struct mf_idmap *m);

#endif
