/*
 * A decorator that tries again what may work later (MF_ETRANSFER), after capped exponential
 * backoff with full jitter, and within the run's budget of retries (flow.h); not where patience
 * with an endpoint is over. Other codes are passed on at once; a store on a local disk never
 * answers MF_ETRANSFER, so there it does nothing. The last failure is reported with the
 * number of attempts.
 *
 * The rule for puts. A put that failed may still be carried out, even much later. Names are
 * put once in a repository's life: prune relies on it that a name it deleted is gone for
 * ever. A second put of the same name by this decorator is a second chance for such a late
 * duplicate, so a put is repeated only where that does no harm:
 *   - with MF_STORE_REPEATABLE (a mark);
 *   - with MF_STORE_IF_ABSENT. If the repeated put hears "taken", the object is read back: the
 *     own bytes mean that an earlier attempt won (0), others that somebody else did (1). That
 *     needs bytes that no two writers share, so an empty object is never repeated.
 * Any other put that failed is the caller's, who takes a fresh name.
 *
 * A listing that broke off after it had shown something goes on where it was if the store
 * lists in order; else its failure is passed on. sync is never repeated: see mf_store_sync.
 *
 * Each further attempt is a line of the log (info) with the fields key, attempt and error; what is
 * logged in it has its number (mf_log_attempt).
 */
#ifndef MF_TRANSFERS_RETRY_H
#define MF_TRANSFERS_RETRY_H

#include <stdatomic.h>

#include "transfers/flow.h"
#include "transfers/store.h"
#include "transfers/waiting.h"

struct mf_retry_params {
	unsigned attempts;	   /* in all; 0: 8 */
	uint64_t base_us;	   /* 0: 200 ms; see mf_backoff_us */
	uint64_t cap_us;	   /* 0: 20 s */
	struct mf_flow *flow; /* its budget allows each retry; NULL: none. Outlives the store */
	struct mf_waiting waiting; /* copied; its arg must outlive the store */
	_Atomic uint64_t *retries; /* NULL, or raised by every attempt after a first one */
};

/* The same patience for something else than one operation: a put that takes a fresh name each
 * time. key is for the log, read after an attempt that failed, which may have written it; NULL or
 * "": there is no such name. attempt(arg, e) is called until it answers 0 or more, or fails with another code than
 * MF_ETRANSFER, or attempts are over; its last answer is returned. p may be NULL: once. A wait
 * that is cancelled ends with MF_EINTERRUPTED. Blocking. */
int mf_retry_run(const struct mf_retry_params *p, const char *key,
    int (*attempt)(void *arg, struct mf_error *e), void *arg, struct mf_error *e);

/* Decorate inner, which belongs to *out once 0 is returned (and still to the caller on -1). A
 * wait that is cancelled ends with the failure that was to be retried, as MF_EINTERRUPTED for
 * everything but puts and deletions, whose outcome is unknown. */
int mf_store_retry_take(struct mf_store *inner, const struct mf_retry_params *params,
    struct mf_store **out, struct mf_error *e);

#endif
