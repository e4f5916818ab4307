/*
 * A decorator that counts the operations of a store and makes them fail, for tests.
 *
 * MODELFERRY_TEST_KILL_AT_OP=N    SIGKILL to this process just before its N-th operation
 * MODELFERRY_TEST_KILL_AT_OP=wN   the same, counting only those that write (put, del, sync,
 *                                 adopt)
 * MODELFERRY_TEST_OPS_FILE=PATH   append "NUMBER w|r OPERATION NAME" before each
 * They count over all stores of the process, and are heard only by mf_store_fault_from_env,
 * which the program calls only when it was configured with --enable-failpoints.
 */
#ifndef MF_TRANSFERS_FAULT_H
#define MF_TRANSFERS_FAULT_H

#include "transfers/store.h"

struct mf_fault_op {
	uint64_t number; /* of this decorator's operations, from 1 */
	uint64_t writes; /* how many of them write, this one included */
	enum mf_store_op op;
	const char *name; /* the object, a listing's prefix, or "" */
};

enum mf_fault_verdict {
	MF_FAULT_NONE = 0,
	MF_FAULT_BEFORE, /* fail, and do nothing */
	MF_FAULT_AFTER,	 /* do it, then fail: the outcome that a caller cannot know */
};

/* Asked before each operation, on its thread, with no lock held. A verdict that fails the
 * operation sets *e. It may block, or end the process. */
typedef enum mf_fault_verdict mf_fault_hook(void *arg, const struct mf_fault_op *op,
    struct mf_error *e);

/* Decorate inner, which belongs to *out once 0 is returned (and still to the caller on -1).
 * hook may be NULL: then it only counts. */
int mf_store_fault_take(struct mf_store *inner, mf_fault_hook *hook, void *arg,
    struct mf_store **out, struct mf_error *e);

/* Operations so far. s must come from mf_store_fault_take. */
uint64_t mf_store_fault_count(struct mf_store *s);

/* Decorate *s as the environment says; without the two variables *s stays as it is. 0; -1 for
 * a value that makes no sense, and *s is still the caller's. */
int mf_store_fault_from_env(struct mf_store **s, struct mf_error *e);

#endif
