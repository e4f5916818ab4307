/*
 * A router in memory, which does what the test's script says: for tests of what uses routers. It
 * keeps the contract (router_contract.h) as long as nothing is scripted.
 */
#ifndef TESTS_UNIT_TRAFFIC_MEMORY_ROUTER_H
#define TESTS_UNIT_TRAFFIC_MEMORY_ROUTER_H

#include "src/rollout/router.h"

#define MEMORY_ROUTER_SETS 256u

struct memory_router {
	struct mf_router router; /* hand this out; close does nothing */
	struct mf_router_can can;
	struct mf_router_seen seen; /* what get answers; set changes the weights in it */
	enum mf_code fail_check, fail_get, fail_set, fail_drain; /* MF_OK: they succeed */
	unsigned fail_next_sets; /* so many fail with fail_set, then none; 0: all */
	bool ignore_sets;        /* they succeed, and change nothing */
	uint64_t drain_left;
	/* what was asked for */
	unsigned n_checks, n_gets, n_drains, n_sets;
	struct {
		unsigned primary, canary;
		bool mirror, failed;
		char token[64];
	} sets[MEMORY_ROUTER_SETS];
};

/* 100/0, everything up. */
void memory_router_init(struct memory_router *m);

#endif
