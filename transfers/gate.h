/*
 * A decorator that lets only so many operations run at once: --transfers for those that move
 * an object (put, get), --checkers for the others (head, del, list). sync, adopt and now pass
 * freely. Threads wait in no particular order. A listing gives its place up around each call
 * of its callback, which may thus use the store.
 */
#ifndef MF_TRANSFERS_GATE_H
#define MF_TRANSFERS_GATE_H

#include "transfers/store.h"

struct mf_gate_params {
	unsigned transfers; /* 0: no limit */
	unsigned checkers;  /* the same */
};

/* Decorate inner, which belongs to *out once 0 is returned (and still to the caller on -1). */
int mf_store_gate_take(struct mf_store *inner, const struct mf_gate_params *params,
    struct mf_store **out, struct mf_error *e);

#endif
