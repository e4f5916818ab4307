/*
 * How all requests of a run to servers hold back for the servers' sake; one flow serves all
 * stores. For each endpoint: as many requests under way as it bears (aimd.h), and none but
 * trials while it does not answer (breaker.h). For all of them: a budget of retries (budget.h).
 *
 * Whoever is held back waits. Where an endpoint has not answered for longer than patience lasts,
 * those who wait for it fail, with one message that says which it is, how many requests failed
 * since when, and how the last one did; and nothing is tried again until an answer came after
 * all: in a command that ends, in a program that lives on the next request may try.
 *
 * Any thread; no lock is held while one waits.
 */
#ifndef MF_TRANSFERS_FLOW_H
#define MF_TRANSFERS_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "transfers/waiting.h"

struct mf_flow;
struct mf_flow_endpoint;

struct mf_flow_params {
	unsigned requests;    /* under way at an endpoint, at most; 0: 1 */
	uint64_t patience_us; /* 0: 5 min */
	/* Copied; its arg outlives the flow. Its functions, but for the sleep, and unix_us are
	 * called with a lock held: they must not come back here. */
	struct mf_waiting waiting;
	int64_t (*unix_us)(void *arg); /* wall clock, for messages; NULL: the system's */
};

/* 0 and *out, or -1 with MF_ENOMEM. */
int mf_flow_new(const struct mf_flow_params *params, struct mf_flow **out, struct mf_error *e);
/* With its endpoints; no thread may be inside. NULL is fine. */
void mf_flow_free(struct mf_flow *f);

/* The endpoint of that origin, "https://s3.example:9000", the same for all who ask; as long as
 * the flow lives. NULL: MF_ENOMEM. */
struct mf_flow_endpoint *mf_flow_endpoint(
    struct mf_flow *f, const char *origin, struct mf_error *e);

struct mf_flow_pass {
	uint64_t sent_us;
	/* Set it before one leaves with MF_FLOW_FAILED: for how long the endpoint had been silent by
	 * then, which is a part of its outage. 0, as it comes: it failed at once. */
	uint64_t silent_us;
	bool trial;
};

/* Wait until a request may be sent. 0: send it, and mf_flow_leave. -1: MF_EINTERRUPTED, or
 * MF_ETRANSFER when patience is over. */
int mf_flow_enter(struct mf_flow_endpoint *p, struct mf_flow_pass *pass, struct mf_error *e);

enum mf_flow_outcome {
	MF_FLOW_DONE,      /* answered, whatever it said */
	MF_FLOW_BUSY,      /* it asks for less */
	MF_FLOW_FAILED,    /* no answer, or one that the server itself is broken: *e says how */
	MF_FLOW_ABANDONED, /* by us */
};

/* Each pass exactly once. After a failure that leaves requests held back, *e becomes the message
 * about the endpoint, with the code that it had. */
void mf_flow_leave(struct mf_flow_endpoint *p, const struct mf_flow_pass *pass,
    enum mf_flow_outcome outcome, struct mf_error *e);

/* Before something is tried again: wait until the budget allows it. false: do not, the wait was
 * cancelled, or patience with some endpoint is over, which *e says then (its code stays). */
bool mf_flow_may_retry(struct mf_flow *f, struct mf_error *e);
/* Is patience with some endpoint over? *e says so then, the same way. */
bool mf_flow_gave_up(struct mf_flow *f, struct mf_error *e);

#endif
