/*
 * A decorator that keeps a store to the limits of a limiter: operations a second, unless the store
 * counts requests itself (MF_STORE_COUNTED), and bytes a second, unless it asks for them as they
 * move (MF_STORE_PACED). An operation waits before it begins; what it brought down is paid for
 * after. The rates hold on average: an object goes in one piece, so a large one follows a pause
 * that is as long as it deserves. Threads are served in their order.
 *
 * adopt and now cost nothing; a listing is one operation.
 */
#ifndef MF_TRANSFERS_LIMIT_H
#define MF_TRANSFERS_LIMIT_H

#include "transfers/limiter.h"
#include "transfers/store.h"

/* Decorate inner, which belongs to *out once 0 is returned (and still to the caller on -1). The
 * limiter outlives it. An operation whose wait is cancelled answers MF_EINTERRUPTED and was not
 * begun. */
int mf_store_limit_take(
    struct mf_store *inner, struct mf_limiter *limiter, struct mf_store **out, struct mf_error *e);

#endif
