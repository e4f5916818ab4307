/*
 * Who carries a short request: its caller, or, under a limit of rates, a network thread. Programs
 * that are to show the same of both are compiled twice; with ON_NETWORK_THREADS there is a limit,
 * of so much that nobody waits for it.
 */
#ifndef TESTS_UNIT_NET_CARRIERS_H
#define TESTS_UNIT_NET_CARRIERS_H

#include "src/net/http.h"

#ifdef ON_NETWORK_THREADS
static uint64_t
carriers_rate(void *arg, enum mf_http_direction direction, uint64_t now_us)
{
	(void)arg;
	(void)direction;
	(void)now_us;
	return UINT64_C(1) << 40;
}

static uint64_t
carriers_take(void *arg, enum mf_http_direction direction, uint64_t n_bytes, uint64_t now_us)
{
	(void)arg;
	(void)direction;
	(void)n_bytes;
	return now_us;
}

static uint64_t
carriers_wait(void *arg, enum mf_http_direction direction, uint64_t ticket, uint64_t now_us)
{
	(void)arg;
	(void)direction;
	(void)ticket;
	(void)now_us;
	return 0;
}

#define CARRIERS_PACER                                            \
	{                                                         \
		carriers_rate, carriers_take, carriers_wait, NULL \
	}
#else
#define CARRIERS_PACER                 \
	{                              \
		NULL, NULL, NULL, NULL \
	}
#endif

#endif
