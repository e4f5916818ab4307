#include "transfers/budget.h"

/* Forget what lies before the window. */
static void
move(struct mf_budget *b, uint64_t now_us)
{
	const uint64_t slot = now_us / MF_BUDGET_SLOT_US;
	unsigned n;

	for (n = 0; b->slot < slot && n < MF_BUDGET_SLOTS; n++) {
		b->slot++;
		b->requests[b->slot % MF_BUDGET_SLOTS] = 0;
		b->retries[b->slot % MF_BUDGET_SLOTS] = 0;
	}
	if (b->slot < slot) /* and all of the window lies before it */
		b->slot = slot;
}

static uint64_t
sum(const uint64_t slots[MF_BUDGET_SLOTS])
{
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < MF_BUDGET_SLOTS; i++)
		total += slots[i];
	return total;
}

void
mf_budget_request(struct mf_budget *b, uint64_t now_us)
{
	move(b, now_us);
	b->requests[b->slot % MF_BUDGET_SLOTS]++;
}

uint64_t
mf_budget_retry(struct mf_budget *b, uint64_t now_us)
{
	uint64_t most;

	move(b, now_us);
	most = MF_BUDGET_FREE + sum(b->requests) * MF_BUDGET_PERCENT / 100;
	if (sum(b->retries) < most) {
		b->retries[b->slot % MF_BUDGET_SLOTS]++;
		return 0;
	}
	return MF_BUDGET_SLOT_US - now_us % MF_BUDGET_SLOT_US;
}
