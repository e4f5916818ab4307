/*
 * The limits of one run of the program: bytes a second up and down, by a timetable (--bwlimit),
 * and requests a second (--tpslimit). One limiter serves all stores and all their threads, so
 * that two open stores together keep to what one may have.
 *
 * A store with a network asks it where requests are sent and bytes move: mf_limiter_request for
 * each request, retries and pages of a listing too, and mf_limiter_pacer for the HTTP engine. A
 * directory asks it for bytes, slice by slice. What a store does not ask for itself, a decorator
 * does (limit.h). The limits can be changed at any time, and the timetable turns
 * with the clock: those who wait feel both within a tenth of a second.
 *
 * Any thread; no lock is held while one waits.
 */
#ifndef MF_TRANSFERS_LIMITER_H
#define MF_TRANSFERS_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/net/http.h"
#include "transfers/bwlimit.h"
#include "transfers/waiting.h"

/* Zero: no limit. */
struct mf_limits {
	struct mf_bwlimit bandwidth;
	uint64_t requests_per_1000s; /* --tpslimit * 1000 */
	uint64_t requests_burst;     /* how many may go at once after a pause; 0: 1 */
};

struct mf_limiter;

/* Limits and waiting are copied; waiting's arg outlives the limiter. limits NULL: none. 0 and
 * *out, or -1 with MF_ENOMEM. */
int mf_limiter_new(const struct mf_limits *limits, const struct mf_waiting *waiting,
    struct mf_limiter **out, struct mf_error *e);
void mf_limiter_free(struct mf_limiter *l); /* NULL is fine; no thread may be inside */

/* From now on these limits. */
void mf_limiter_set(struct mf_limiter *l, const struct mf_limits *limits);
/* From now on one of n equal shares of all limits, present and later ones: for the shards of one
 * job, which run beside each other. 0 and 1: all of it. */
void mf_limiter_set_share(struct mf_limiter *l, unsigned n);

/* Wait until one more request may be sent. false: cancelled. */
bool mf_limiter_request(struct mf_limiter *l);
/* Wait until n bytes may pass. false: cancelled. In one piece: for those who cannot send less. */
bool mf_limiter_bytes(struct mf_limiter *l, enum mf_http_direction direction, uint64_t n);

/* At most so many bytes should be asked for at once, of n (> 0), to be even: a fiftieth of a
 * second's, or all without a limit. l may be NULL: no limit. */
size_t mf_limiter_slice(struct mf_limiter *l, enum mf_http_direction direction, size_t n);

/* For the HTTP engine; good as long as the limiter is. */
struct mf_http_pacer mf_limiter_pacer(struct mf_limiter *l);

#endif
