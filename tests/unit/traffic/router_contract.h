/*
 * What every router keeps (src/rollout/router.h), run against one: test_router.c on a scripted
 * one, a file and a program; test_haproxy.c on a model of HAProxy; test_haproxy_real.c on HAProxy.
 */
#ifndef TESTS_UNIT_TRAFFIC_ROUTER_CONTRACT_H
#define TESTS_UNIT_TRAFFIC_ROUTER_CONTRACT_H

#include <stdbool.h>

#include "src/traffic/router.h"

/* A router and the world that it acts in. Each test begins with 100/0. */
struct router_contract {
	void *world;
	struct mf_router *(*open)(void *world, struct mf_error *e);
	/* The canary's percent of the traffic, seen without the router. */
	double (*in_force)(void *world);
	/* Somebody else sets the weights. */
	void (*by_hand)(void *world, unsigned canary);
	/* From now on nothing can be changed (yes), or again (no). */
	void (*cut)(void *world, bool yes);
	bool mirrors;
};

void router_contract_run(const struct router_contract *c);

/* The clock that tests give routers. */
struct mf_router_params router_test_params(void);

#endif
