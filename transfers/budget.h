/*
 * A budget of retries, as arithmetic: within any ten seconds retries may be a fifth of all
 * requests, and ten more, so that few requests can be tried again as often as it takes, and an
 * outage is no storm. Finagle and gRPC keep such budgets (gRFC A6, "Throttling Retry Attempts
 * and Hedged RPCs"); here a retry that is over the budget is late, not lost.
 *
 * Times are microseconds of any one clock that does not go back. Not thread safe.
 */
#ifndef MF_TRANSFERS_BUDGET_H
#define MF_TRANSFERS_BUDGET_H

#include <stdint.h>

#define MF_BUDGET_SLOTS 10
#define MF_BUDGET_SLOT_US 1000000u
#define MF_BUDGET_FREE 10
#define MF_BUDGET_PERCENT 20

/* Zero it to begin. */
struct mf_budget {
	uint64_t slot;                      /* number of the present one since the clock began */
	uint64_t requests[MF_BUDGET_SLOTS]; /* by the slot's number, modulo */
	uint64_t retries[MF_BUDGET_SLOTS];
};

/* A request is sent, for the first time or not. */
void mf_budget_request(struct mf_budget *b, uint64_t now_us);
/* May something be tried again? 0: yes, and it is counted; else ask again after so long. */
uint64_t mf_budget_retry(struct mf_budget *b, uint64_t now_us);

#endif
