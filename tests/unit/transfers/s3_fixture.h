/*
 * For tests of the S3 client and store: an engine, credentials and a client of one endpoint, with
 * time that passes only as the test says.
 */
#ifndef TESTS_UNIT_TRANSFERS_S3_FIXTURE_H
#define TESTS_UNIT_TRANSFERS_S3_FIXTURE_H

#include <stdatomic.h>

#include "transfers/s3.h"

struct s3_world {
	struct mf_http *http;
	struct mf_s3_provider *provider;
	/* What the source of credentials gives next; it counts how often it was asked. */
	const char *key_id, *secret;
	const char *const *key_ids; /* if not NULL: one each time instead, as long as there are any */
	atomic_int asked;
	/* Waiting: sleeping only moves the clock. */
	_Atomic uint64_t now_us; /* monotonic */
	atomic_int sleeps;
	/* Cancelling: from a sleep on, or when it was asked cancel_after_polls times (0: never). */
	atomic_bool cancelled, cancel_at_sleep;
	unsigned cancel_after_polls, polls;
	int64_t unix_us;               /* wall clock; 0: the system's */
	uint64_t (*random)(void *arg); /* NULL: real */
	struct mf_limiter *limiter;    /* of clients made from now on; NULL: none */
	struct mf_flow *flow;          /* the same */
	struct mf_s3_put_options put;  /* of stores made from now on */
	unsigned lists_at_once;        /* the same */
};

/* An engine of one thread, which trusts the system's authorities, or those of ca_file alone, and a
 * provider of these keys. Fails the test if it cannot. */
void s3_world_make(struct s3_world *w, const char *key_id, const char *secret);
void s3_world_make_trusting(
    struct s3_world *w, const char *key_id, const char *secret, const char *ca_file);
/* After whatever uses it is closed. */
void s3_world_drop(struct s3_world *w);

/* w's clock and sleep. */
struct mf_waiting s3_world_waiting(struct s3_world *w);
/* A client for bucket at url. fake: w's clock and sleep instead of the system's. */
struct mf_s3_client *s3_world_client(
    struct s3_world *w, const char *url, const char *bucket, bool fake);
/* A store of such a client, open for writing. */
struct mf_store *s3_world_store(
    struct s3_world *w, const char *url, const char *bucket, const char *prefix, bool fake);

#endif
