/*
 * A decorator that keeps a store to rates: bytes per second up and down (--bwlimit) and
 * operations per second (--tpslimit). An operation waits before it begins; what it brought
 * down is paid for after. The rates hold on average: an object goes in one piece, so a large
 * one follows a pause that is as long as it deserves. Threads are served in their order.
 *
 * adopt and now cost nothing; a listing is one operation.
 */
#ifndef MF_TRANSFERS_LIMIT_H
#define MF_TRANSFERS_LIMIT_H

#include "transfers/bwlimit.h"
#include "transfers/store.h"
#include "transfers/waiting.h"

struct mf_limit_params {
	struct mf_bwlimit bandwidth; /* zero: no limit */
	uint64_t burst_bytes;	     /* 0: 4 MiB */
	uint64_t ops_per_1000s;	     /* --tpslimit * 1000; 0: no limit */
	uint64_t ops_burst;	     /* 0: 1 */
	struct mf_waiting waiting;   /* copied; its arg must outlive the store */
};

/* Decorate inner, which belongs to *out once 0 is returned (and still to the caller on -1). An
 * operation whose wait is cancelled answers MF_EINTERRUPTED and was not begun. */
int mf_store_limit_take(struct mf_store *inner, const struct mf_limit_params *params,
    struct mf_store **out, struct mf_error *e);

#endif
