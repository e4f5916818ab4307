/* What the files of prune share. */
#ifndef MF_REPO_PRUNE_INT_H
#define MF_REPO_PRUNE_INT_H

#include <pthread.h>

#include "src/repo/condemned_int.h"
#include "src/repo/each_int.h"
#include "src/repo/index_int.h"
#include "src/repo/prune.h"

/* A needed id of which no usable name has been seen. A generation that happens to be this one
 * (they are random, 64 bits) is taken for a second one, and spared in step 6. */
#define MF_PRUNE_NO_KEEPER UINT64_MAX

/* Names that a run wants to delete, with the sizes of the objects. */
struct mf_prune_batch {
	struct mf_names names;
	uint64_t *sizes; /* by index in names */
	size_t capacity;
	bool failed; /* out of memory */
};

int mf_prune_batch_add(struct mf_prune_batch *b, const char *name, uint64_t size);
void mf_prune_batch_clear(struct mf_prune_batch *b); /* frees too */

struct mf_prune_run {
	struct mf_repo *repo;
	const struct mf_prune_params *p;
	struct mf_prune_result *out;
	int64_t old_us; /* what was stored later is younger than the grace */
	/* Ids of segments and chunks that some root needs, to the generation that stays. It only
	 * grows: an id that was needed when the run began is spared where that costs nothing. */
	struct mf_idmap needs;
	pthread_mutex_t needs_lock; /* while roots are read */
	struct mf_names dropped; /* m/V of versions that keep rules drop, sorted */
	struct mf_names marks, manifests; /* as listed in step 0, sorted */
	struct mf_prune_batch unmarked;	  /* m/V to be swept */
	struct mf_names burned;		  /* by any list */
	struct mf_names old_lists, old_burned; /* left-over lists, and their names */
	struct mf_names locked_roots; /* m/V that the store would not delete */
	struct mf_error locked;	      /* of the first of all that it would not; MF_OK: none */
};

/* prune_select.c: apply the keep rules, forget what they drop (dry run: only count it), and
 * put their m/V into run->dropped. */
int mf_prune_forget(struct mf_prune_run *run, struct mf_error *e);

/* prune_needs.c */
/* Add what these roots, m/V, and their segments name to run->needs, but for those in `but` (sorted;
 * NULL: none). 0, also where one is gone meanwhile; -1: one is there and cannot be read in full. */
int mf_prune_need_roots(struct mf_prune_run *run, const struct mf_names *roots,
    const struct mf_names *but, struct mf_error *e);

/* prune_keepers.c: seal again what is of an older epoch, where that is asked for, and choose
 * the generation that stays of each needed id, among names on no list. */
int mf_prune_choose_keepers(struct mf_prune_run *run, struct mf_error *e);

/* prune_copy.c. Each holds a sealed object or two while it works. */
/* The epoch of a stored chunk or segment that opens; 0: it does not, or is gone. -1. */
int64_t mf_prune_try_open(struct mf_repo *repo, const char *name, struct mf_error *e);
/* Copy a name that opens to a fresh generation. 0; 1: it does not open or is gone. */
int mf_prune_copy(struct mf_repo *repo, const char *name, struct mf_error *e);
/* Copy the first of these that opens. 0; 1: none does. */
int mf_prune_copy_any(struct mf_repo *repo, const struct mf_names *names, struct mf_error *e);
/* Seal under the current epoch, under a fresh generation, which *fresh gets. The codec's bytes
 * stay as they are. 0; 1: it does not open or is gone. */
int mf_prune_reseal(struct mf_repo *repo, const char *name, uint64_t *fresh, struct mf_error *e);
/* Is this the object's own fault, and not the store's or ours? */
bool mf_prune_is_unusable(const struct mf_error *e);

/* prune_crew.c */
/* Do all items, on as many threads as the repository has, on a far store 16, and as the memory
 * budget has room for; with one, on the calling thread and in order. Blocks. */
int mf_prune_each(struct mf_prune_run *run, const struct mf_repo_work *w, struct mf_error *e);
/* true: e is set */
bool mf_prune_interrupted(const struct mf_prune_run *run, struct mf_error *e);

/* prune_sweep.c: steps 1 to 8 of the protocol for these names. */
int mf_prune_sweep(struct mf_prune_run *run, const struct mf_prune_batch *b, struct mf_error *e);

/* prune_delete.c: delete the names that del says, on several threads. 0, also where some are locked
 * (run->locked); 1: the same, and one of those may still be deleted by an earlier attempt that was
 * never answered; -1. */
int mf_prune_delete(struct mf_prune_run *run, const struct mf_prune_batch *b, const bool *del,
    struct mf_error *e);
/* Name in the log what is locked, as *e says, and count it. Under a lock where several threads do. 0
 * with *e cleared; -1: out of memory. */
int mf_prune_note_locked(struct mf_prune_run *run, const char *name, struct mf_error *e);
/* Delete a condemned list. 0, also where it is locked, and so left over; -1. */
int mf_prune_delete_list(struct mf_prune_run *run, const char *list, struct mf_error *e);

/* prune_trim.c: what is no part of the protocol: marks and annotations of versions that are
 * gone, old history of refs, left-over lists. */
int mf_prune_trim(struct mf_prune_run *run, struct mf_error *e);

/* prune_runs.c: add what runs left behind that nobody wrote to for MF_RUN_KEEP_US. */
int mf_prune_trim_runs(struct mf_prune_run *run, struct mf_prune_batch *b, struct mf_error *e);

/* Does a sorted set hold a name with this prefix? */
bool mf_names_has_prefix(const struct mf_names *names, const char *prefix);

#endif
