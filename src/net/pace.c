#include "config.h"

#include "src/net/pace_int.h"

/* A waiting transfer looks again this often, in case the rate has changed. */
#define LOOK_AGAIN_US 100000u
#define SLICES_PER_S 200

uint64_t
mf_pace_slice(uint64_t rate)
{
	const uint64_t slice = rate / SLICES_PER_S;

	if (rate == 0 || slice > MF_PACE_SLICE_MAX)
		return MF_PACE_SLICE_MAX;
	return slice < MF_PACE_SLICE_MIN ? MF_PACE_SLICE_MIN : slice;
}

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Is the ticket good? */
static bool
redeem(struct mf_pace *p, const struct mf_http_pacer *pacer, enum mf_http_direction direction,
    uint64_t now_us)
{
	uint64_t wait_us;

	if (p->pending == 0)
		return true;
	wait_us = pacer->wait(pacer->arg, direction, p->ticket, now_us);
	if (wait_us > 0) {
		p->due_us = now_us + min_u64(wait_us, LOOK_AGAIN_US);
		return false;
	}
	p->granted += p->pending;
	p->pending = 0;
	return true;
}

static size_t
pass(struct mf_pace *p, size_t want)
{
	const uint64_t n = min_u64(p->granted, want);

	p->granted -= n;
	return (size_t)n;
}

size_t
mf_pace_ask(struct mf_pace *p, const struct mf_http_pacer *pacer, enum mf_http_direction direction,
    size_t want, bool whole, uint64_t now_us)
{
	uint64_t rate = pacer->rate == NULL ? 0 : pacer->rate(pacer->arg, direction, now_us);

	if (rate == 0) { /* what was paid for under a limit is not saved up */
		p->granted = p->pending = 0;
		return want;
	}
	for (;;) {
		if (!redeem(p, pacer, direction, now_us))
			return 0;
		if (p->granted >= want || (!whole && p->granted > 0))
			return pass(p, want);
		p->pending = whole ? want - p->granted : min_u64(want, mf_pace_slice(rate));
		p->ticket = pacer->take(pacer->arg, direction, p->pending, now_us);
	}
}

void
mf_pace_owe(const struct mf_http_pacer *pacer, enum mf_http_direction direction, size_t n,
    uint64_t now_us)
{
	if (n > 0 && pacer->rate != NULL && pacer->rate(pacer->arg, direction, now_us) != 0)
		(void)pacer->take(pacer->arg, direction, n, now_us);
}

static bool
too_little(const struct mf_stall *s, uint64_t stall_us, uint64_t stall_bytes)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < MF_STALL_SLOTS; i++)
		sum += s->slot[i];
	return (double)sum * 1e6 < (double)stall_bytes * (double)stall_us;
}

bool
mf_stall_step(struct mf_stall *s, uint64_t stall_us, uint64_t stall_bytes, uint64_t moved,
    uint64_t us)
{
	s->slot_us += us;
	if (s->slot_us < stall_us / MF_STALL_SLOTS)
		return false;
	s->slot[s->next] = moved - s->moved;
	s->next = (s->next + 1) % MF_STALL_SLOTS;
	s->moved = moved;
	s->slot_us = 0;
	if (s->n_slots < MF_STALL_SLOTS)
		s->n_slots++;
	return s->n_slots == MF_STALL_SLOTS && too_little(s, stall_us, stall_bytes);
}
