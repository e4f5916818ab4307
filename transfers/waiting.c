#include "transfers/waiting.h"

#include <stddef.h>
#include <sys/random.h>
#include <time.h>

#define SLICE_US 100000u

uint64_t
mf_waiting_now_us(const struct mf_waiting *w)
{
	struct timespec t;

	if (w->now_us != NULL)
		return w->now_us(w->arg);
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

unsigned
mf_waiting_week_minute(const struct mf_waiting *w)
{
	time_t now;
	struct tm tm;

	if (w->week_minute != NULL)
		return w->week_minute(w->arg);
	now = time(NULL);
	if (localtime_r(&now, &tm) == NULL)
		return 0;
	return (unsigned)(tm.tm_wday * 24 * 60 + tm.tm_hour * 60 + tm.tm_min);
}

uint64_t
mf_waiting_random(const struct mf_waiting *w)
{
	uint64_t r = 0;

	if (w->random != NULL)
		return w->random(w->arg);
	if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		r = mf_waiting_now_us(w) * 0x9e3779b97f4a7c15u; /* jitter needs no more */
	return r;
}

bool
mf_waiting_cancelled(const struct mf_waiting *w)
{
	return w->cancelled != NULL && w->cancelled(w->arg);
}

static void
sleep_slice(const struct mf_waiting *w, uint64_t us)
{
	struct timespec t;

	if (w->sleep_us != NULL) {
		w->sleep_us(w->arg, us);
		return;
	}
	t.tv_sec = (time_t)(us / 1000000u);
	t.tv_nsec = (long)(us % 1000000u) * 1000;
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL); /* cut short: we look again */
}

bool
mf_waiting_sleep(const struct mf_waiting *w, uint64_t us)
{
	uint64_t slice;

	while (us > 0) {
		if (mf_waiting_cancelled(w))
			return false;
		slice = us < SLICE_US ? us : SLICE_US;
		sleep_slice(w, slice);
		us -= slice;
	}
	return !mf_waiting_cancelled(w);
}
