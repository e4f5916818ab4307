/*
 * Routers: who moves the traffic. One interface and one contract suite (tests/unit/traffic).
 * Weights are shares of a side in percent, whole numbers that add up to 100; a router turns them
 * into what its proxy counts in, recomputes that when servers come and go, and refuses what it
 * cannot express within half a point.
 *
 * set is idempotent and returns only when every instance was read back; going up (more canary
 * than before) one missing instance undoes the step, going back the reachable ones go first and
 * the rest is named in the error and is retried by calling again. Where servers came or went and
 * the shares are off by more than half a point (mf_router_is_off), setting the same weights again
 * makes them right.
 *
 * One call at a time on one router. Calls block, at most timeout_us (set twice as long, where it
 * has to undo; drain also its own time).
 */
#ifndef MF_ROLLOUT_ROUTER_H
#define MF_ROLLOUT_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/metric.h"

enum mf_router_type {
	MF_ROUTER_NONE,    /* data only */
	MF_ROUTER_HAPROXY, /* its runtime API */
	MF_ROUTER_FILE,    /* a template, and a command that reloads */
	MF_ROUTER_EXEC,    /* a program that speaks JSON */
	MF_ROUTER_FOREIGN, /* a Canary's provider, a Rollout's trafficRouting: named, for Kubernetes
			    */
	MF_ROUTER_TYPES
};

/* What the plan says of it; which fields count depends on the type. */
struct mf_router_plan {
	enum mf_router_type type;
	const char *foreign; /* "istio", "gatewayapi:v1", ... */
	/* HAProxy: unix:PATH or tcp:HOST:PORT, one a proxy; the servers of each side as
	 * BACKEND/SERVER or BACKEND/PREFIX* */
	const char *const *sockets;
	size_t n_sockets;
	const char *const *primary;
	size_t n_primary;
	const char *const *canary;
	size_t n_canary;
	bool cut_streams;          /* shutdown sessions at the end of a rollback */
	uint64_t drain_timeout_us; /* 0: 60 s */
	/* Its configuration files, in the order in which it reads them: whether clients that are
	 * kept with a server are sent to another when it is gone, and whether weights survive a
	 * reload, is not to be had over the runtime API. Where they cannot be read, redispatch says
	 * the first of the two in so many words. */
	const char *const *config;
	size_t n_config;
	bool redispatch;
	/* file: the template's text comes from the first path and goes to the second */
	const char *template_path, *output_path;
	const char *const
	    *reload; /* argv, no shell; ends with NULL; or NULL: it watches the file */
	/* argv, run before the reload, or NULL. With an argument {{file}} it runs on the new text
	 * before that is put in place, else after */
	const char *const *check;
	/* exec */
	const char *const *command; /* argv; ends with NULL */
	uint64_t timeout_us;        /* of one call; 0: 10 s */
};

/* What it can do beside moving weights. */
struct mf_router_can {
	bool mirror;
	bool header_routes;
	bool sessions; /* it can tell how many are open on a side, and end them */
	bool capacity; /* it can tell how many servers of a side are up */
};

struct mf_router_seen {
	unsigned primary, canary;           /* wanted by the proxies, percent; add up to 100 */
	unsigned canary_spread;             /* points less that one of them gives the canary */
	double primary_share, canary_share; /* what the present servers make of it, percent */
	bool mirror;
	unsigned primary_up, primary_servers, canary_up, canary_servers; /* where it can tell */
	unsigned primary_in_service, canary_in_service; /* servers that nobody took out */
	/* Servers of the canary that get traffic, or could, of different names: one may stand in
	 * several backends, and a place without an address is nobody's. 0: it cannot tell. */
	unsigned canary_distinct;
	bool canary_drained; /* out of service, as drain leaves it: set to more than 0 brings it
				back */
	/* Proxies, and how many of them answered. get fails only where none did: a check counts
	 * only where both are the same. */
	unsigned instances, instances_seen;
	uint64_t canary_sessions; /* open ones, where it can tell */
	char note[320];           /* "2 of 2 sockets; weights do not survive a reload" */
};

struct mf_router;
struct mf_router_ops {
	const char *name;
	/* Can it be reached, do its objects exist, would weights be obeyed? Preflight: changes
	 * nothing. */
	int (*check)(struct mf_router *r, struct mf_router_can *can, struct mf_error *e);
	int (*get)(struct mf_router *r, struct mf_router_seen *out, struct mf_error *e);
	/* MF_ECONFLICT: somebody else wrote at the same time; read again. MF_EUNSUPPORTED: cannot
	 * be expressed. token: the holder's lease, for targets that can carry it; NULL: none. */
	int (*set)(struct mf_router *r, unsigned primary, unsigned canary, bool mirror,
	    const char *token, struct mf_error *e);
	/* After weight 0: wait until the canary has no session, take it out, cut what is left where
	 * the plan says so. *left: sessions that are still open. NULL: it cannot. */
	int (*drain)(struct mf_router *r, uint64_t *left, struct mf_error *e);
	/* Lines for people that make the present weights permanent, at the end of b; or NULL. */
	int (*permanent)(struct mf_router *r, struct mf_buf *b, struct mf_error *e);
	void (*close)(struct mf_router *r);
};
struct mf_router {
	const struct mf_router_ops *ops;
};

#endif
