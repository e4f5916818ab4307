/*
 * How many bytes of one transfer may pass now, by a pacer's word. Pure: time is an argument. Not
 * thread safe: one transfer's state belongs to its network thread.
 */
#ifndef MF_NET_PACE_INT_H
#define MF_NET_PACE_INT_H

#include "src/net/http.h"
#include "src/net/stall.h"

struct mf_pace {
	uint64_t granted; /* paid for, not yet passed */
	uint64_t pending; /* asked for with ticket, not yet granted */
	uint64_t ticket;
	uint64_t due_us; /* when to ask again */
};

/*
 * May want bytes (> 0) pass? whole: all of them or none; else as many as a slice has. Returns how
 * many, which count as passed; 0: ask again at p->due_us, soon enough to feel a change of rate.
 * pacer->rate may be NULL: no limit.
 */
size_t mf_pace_ask(struct mf_pace *p, const struct mf_http_pacer *pacer,
    enum mf_http_direction direction, size_t want, bool whole, uint64_t now_us);

/* Bytes that came or went already: those after them wait for it. */
void mf_pace_owe(const struct mf_http_pacer *pacer, enum mf_http_direction direction, size_t n,
    uint64_t now_us);

#define MF_PACE_SLICE_MAX ((uint64_t)64 << 10)
#define MF_PACE_SLICE_MIN ((uint64_t)1 << 10)
/* A two-hundredth of a second's bytes at that rate, within the bounds; rate 0: the largest. */
uint64_t mf_pace_slice(uint64_t rate);

#endif
