#include "src/cmd/cmd.h"

#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
mf_cmd_now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
mf_cmd_monotonic_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}
