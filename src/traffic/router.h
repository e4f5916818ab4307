/*
 * Opening the routers of a plan that are not Kubernetes objects (src/rollout/router.h):
 * haproxy, file, exec and none; modelferry-routers(7).
 *
 * Threads: one call at a time on one router.
 */
#ifndef MF_TRAFFIC_ROUTER_H
#define MF_TRAFFIC_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/router.h"

#define MF_ROUTER_TIMEOUT_US 10000000u /* of one call, where the plan does not say */
#define MF_ROUTER_DRAIN_US 60000000u

struct mf_router_params {
	uint64_t (*now_us)(void *arg);  /* monotonic */
	bool (*interrupted)(void *arg); /* NULL: never; then calls end with MF_EINTERRUPTED */
	void *arg;                      /* of both */
};

/* The plan and all it points to must outlive the router. Looks hosts' names up; connects to
 * nothing. NULL: MF_EUSAGE (the plan lacks or has what its type needs or cannot have),
 * MF_EUNSUPPORTED (a Kubernetes router). */
struct mf_router *mf_router_open(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e);
void mf_router_close(struct mf_router *r); /* NULL is fine */

/* What a plan moves, for those who see to it that one run at a time moves it: each backend of
 * HAProxy, the file, or the command with its arguments; "haproxy:BACKEND". Sorted, each once. */
#define MF_ROUTER_OBJECTS_MAX 16u
#define MF_ROUTER_OBJECT_BYTES 1025u /* a longer one is cut */
struct mf_router_objects {
	char names[MF_ROUTER_OBJECTS_MAX][MF_ROUTER_OBJECT_BYTES];
	size_t n; /* 0: it moves no traffic */
};
/* 0; -1: MF_EUSAGE, a pattern names no servers, or there are too many backends. */
int mf_router_objects_of(
    const struct mf_router_plan *plan, struct mf_router_objects *out, struct mf_error *e);

/* Servers came or went, and the share is off by more than half a point: set the same weights
 * again. */
bool mf_router_is_off(const struct mf_router_seen *seen);

#endif
