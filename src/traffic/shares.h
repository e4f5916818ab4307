/*
 * Weights are shares of a side: the whole numbers from 0 to 256 that proxies count in, one a
 * server, so that all servers of a side together get what the side is to have. Weights that are
 * set server by server without this give 4 primaries and 1 canary at 90/10 not 10 percent but 2.7.
 *
 * Counted are the servers that take traffic; the others of the side get what they would have if
 * they came back, so that one that comes back is not without traffic until somebody looks. Then
 * the share is off, and has to be computed again. A side whose part is too small for all of its
 * servers has it on some of them.
 *
 * Pure, any thread.
 */
#ifndef MF_TRAFFIC_SHARES_H
#define MF_TRAFFIC_SHARES_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/error.h"

#define MF_SHARES_WEIGHT_MAX 256u
#define MF_SHARES_POINTS 0.5 /* how far a share may be off, in percent of the traffic */

enum mf_server_state {
	MF_SERVER_UP,    /* takes traffic */
	MF_SERVER_DOWN,  /* its health check says no, or it is about to stop */
	MF_SERVER_MAINT, /* taken out by hand */
	MF_SERVER_DRAIN, /* takes what is persistent, and nothing new */
};

struct mf_share_server {
	bool canary;
	enum mf_server_state state;
	/* Its configured weight, 0 to 256: how much it takes beside the others of its side. Where
	 * one of a side is 0, all of the side count the same. */
	unsigned capacity;
	unsigned weight; /* 0 to 256 */
};

/* Fill in the weights. 0; MF_EUNSUPPORTED: more than MF_SHARES_POINTS off at best; MF_EFAIL: a
 * side that is to have traffic has no server that is up, except where it is to have all of it and
 * is the primary: the way back is never closed. A failure leaves the weights as they were.
 * A side without traffic has weight 0 everywhere, and the other then its capacities. */
int mf_shares_weigh(
    struct mf_share_server *servers, size_t n, unsigned canary_percent, struct mf_error *e);
/* What the weights make of it: the canary's part of the traffic, in percent. Negative: no server
 * takes any. */
double mf_shares_canary(const struct mf_share_server *servers, size_t n);

struct mf_share_count {
	unsigned primary, primary_up, canary, canary_up;
	unsigned primary_in_service, canary_in_service; /* neither in maintenance nor drained */
};
struct mf_share_count mf_shares_count(const struct mf_share_server *servers, size_t n);

#endif
