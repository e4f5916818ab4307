#include "transfers/aimd.h"

#define ONE 1000u

void
mf_aimd_init(struct mf_aimd *a, unsigned max)
{
	a->max = max > 0 ? max : 1;
	a->permille = (uint64_t)a->max * ONE;
	a->cut_us = 0;
}

unsigned
mf_aimd_limit(const struct mf_aimd *a)
{
	return (unsigned)(a->permille / ONE);
}

void
mf_aimd_good(struct mf_aimd *a, unsigned under_way)
{
	const uint64_t most = (uint64_t)a->max * ONE;

	if (under_way < mf_aimd_limit(a))
		return;
	a->permille += (uint64_t)ONE * ONE / a->permille;
	if (a->permille > most)
		a->permille = most;
}

bool
mf_aimd_busy(struct mf_aimd *a, unsigned under_way, uint64_t sent_us, uint64_t now_us)
{
	uint64_t used = (uint64_t)under_way * ONE;

	if (a->cut_us != 0 && sent_us <= a->cut_us)
		return false;
	a->cut_us = now_us;
	if (used > a->permille)
		used = a->permille;
	a->permille = used / 2 > ONE ? used / 2 : ONE;
	return true;
}
