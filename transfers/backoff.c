#include "transfers/backoff.h"

uint64_t
mf_backoff_us(uint64_t base_us, uint64_t cap_us, unsigned attempt, uint64_t random)
{
	uint64_t ceiling = base_us;

	while (attempt-- > 0 && ceiling < cap_us)
		ceiling = ceiling > UINT64_MAX / 2 ? UINT64_MAX : ceiling * 2;
	if (ceiling > cap_us)
		ceiling = cap_us;
	return ceiling == UINT64_MAX ? random : random % (ceiling + 1);
}
