#include "transfers/bucket.h"

#define SECOND_US 1000000u

static void
fill(struct mf_bucket *b, uint64_t now_us)
{
	const uint64_t full = b->taken + b->burst;
	uint64_t us = now_us > b->last_us ? now_us - b->last_us : 0, part;

	b->last_us += us;
	if (b->rate == 0 || us / SECOND_US > (full - b->filled) / b->rate) {
		b->filled = full;
		b->carry = 0;
		return;
	}
	part = us % SECOND_US * b->rate + b->carry;
	b->filled += us / SECOND_US * b->rate + part / SECOND_US;
	b->carry = part % SECOND_US;
	if (b->filled >= full) {
		b->filled = full;
		b->carry = 0;
	}
}

void
mf_bucket_init(struct mf_bucket *b, uint64_t rate, uint64_t burst, uint64_t now_us)
{
	b->rate = rate < MF_BUCKET_RATE_MAX ? rate : MF_BUCKET_RATE_MAX;
	b->burst = burst;
	b->filled = burst;
	b->taken = 0;
	b->carry = 0;
	b->last_us = now_us;
}

void
mf_bucket_set_rate(struct mf_bucket *b, uint64_t rate, uint64_t burst, uint64_t now_us)
{
	fill(b, now_us);
	b->rate = rate < MF_BUCKET_RATE_MAX ? rate : MF_BUCKET_RATE_MAX;
	b->burst = burst;
	if (b->filled > b->taken + burst)
		b->filled = b->taken + burst;
}

uint64_t
mf_bucket_take(struct mf_bucket *b, uint64_t n, uint64_t now_us)
{
	fill(b, now_us);
	b->taken += n;
	return b->taken;
}

uint64_t
mf_bucket_wait(struct mf_bucket *b, uint64_t ticket, uint64_t now_us)
{
	uint64_t seconds, part;

	fill(b, now_us);
	if (b->filled >= ticket || b->rate == 0)
		return 0;
	seconds = (ticket - b->filled - 1) / b->rate;
	part = (ticket - b->filled - 1) % b->rate + 1; /* at least one token, for the carry */
	if (seconds > UINT64_MAX / SECOND_US - 1)
		return UINT64_MAX;
	return seconds * SECOND_US + (part * SECOND_US - b->carry + b->rate - 1) / b->rate;
}
