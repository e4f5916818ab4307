/*
 * A store in memory, for tests: of the repository's protocols with two actors side by side,
 * and of anything that wants a store quickly. A world holds the objects; any number of
 * handles look at it, each with its own step hook, so that a test knows which actor is about
 * to do what and can hold it there.
 *
 * Everything is durable at once. Bytes are copied in and out. Handles and the world may be
 * used from many threads; the hook is called on the calling thread with no lock held.
 */
#ifndef MF_TRANSFERS_MEMORY_H
#define MF_TRANSFERS_MEMORY_H

#include "transfers/store.h"

struct mf_memory;

/* An empty world with one reference, the caller's. */
struct mf_memory *mf_memory_new(struct mf_error *e);
/* The world of that name in this process, made when it is new; one reference, the caller's.
 * It lasts until the process ends. What mem://NAME opens. */
struct mf_memory *mf_memory_named(const char *name, struct mf_error *e);
/* Drop a reference. Handles hold their own. NULL is fine. */
void mf_memory_release(struct mf_memory *m);

/* The virtual clock, Unix us. It starts at 0, which means the real one; once set it stands
 * still until it is set or advanced again. */
void mf_memory_set_clock(struct mf_memory *m, int64_t unix_us);
void mf_memory_advance(struct mf_memory *m, int64_t us);
/* Pretend to have no conditional put: MF_STORE_IF_ABSENT is MF_EUNSUPPORTED. */
void mf_memory_set_conditional(struct mf_memory *m, bool conditional);
/* Pretend to lie behind a network: no MF_STORE_LOCAL. */
void mf_memory_set_far(struct mf_memory *m, bool far);
/* Operations since the world began, of all handles. */
uint64_t mf_memory_operations(struct mf_memory *m);
size_t mf_memory_objects(struct mf_memory *m);

/* Called before each operation; it may block, and it may fail the operation, which is then
 * not done: return -1 with *e set. name is the object's, a listing's prefix, or "". */
typedef int mf_memory_step(void *arg, enum mf_store_op op, const char *name, struct mf_error *e);

/* A handle on the world. step may be NULL. */
int mf_memory_open(struct mf_memory *m, mf_memory_step *step, void *arg, struct mf_store **out,
    struct mf_error *e);

#endif
