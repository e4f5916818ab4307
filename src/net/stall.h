/*
 * Whether a transfer has stalled: too few bytes for too long. Pure: time is an argument. Not
 * thread safe.
 */
#ifndef MF_NET_STALL_H
#define MF_NET_STALL_H

#include <stdbool.h>
#include <stdint.h>

#define MF_STALL_SLOTS 8

/* Bytes moved in the last stall_us, in slots of an eighth of it. Zero it to begin. */
struct mf_stall {
	uint64_t slot[MF_STALL_SLOTS];
	unsigned n_slots; /* filled so far, at most MF_STALL_SLOTS */
	unsigned next;    /* the one to fill next */
	uint64_t slot_us; /* time in the present one */
	uint64_t moved;   /* at its start */
};

/* Another us have passed in which the transfer could have moved; moved is the sum of all bytes.
 * true: over the last stall_us fewer than stall_bytes a second. A gap longer than a slot
 * counts as one: a process that was stopped has not been waiting. */
bool mf_stall_step(
    struct mf_stall *s, uint64_t stall_us, uint64_t stall_bytes, uint64_t moved, uint64_t us);

#endif
