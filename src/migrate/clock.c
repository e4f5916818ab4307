/* The run's clock, and whether the run is to end: also as what others that it calls ask for. */
#include "src/migrate/migrate_int.h"

uint64_t
mf_migrating_now(const struct mf_migrating *x)
{
	return x->clock_base_us + (uint64_t)(x->p->boot_us() - x->boot_base_us);
}

bool
mf_migrating_is_aborted(const struct mf_migrating *x)
{
	return !x->shifting && x->keeper != NULL && x->shift.control != MF_STEER_ABORT &&
	       mf_keeper_hears(x->keeper, MF_CONTROL_ABORT);
}

bool
mf_migrating_interrupted(const struct mf_migrating *x)
{
	return !x->leaving && (x->p->interrupted() || mf_migrating_is_aborted(x));
}

uint64_t
mf_migrating_ask_boot_us(void *arg)
{
	const struct mf_migrating *x = arg;

	return (uint64_t)x->p->boot_us();
}

int64_t
mf_migrating_ask_unix_us(void *arg)
{
	const struct mf_migrating *x = arg;

	return x->p->unix_us();
}

bool
mf_migrating_ask_interrupted(void *arg)
{
	const struct mf_migrating *x = arg;

	return mf_migrating_interrupted(x);
}
