/*
 * One bucket at one endpoint, spoken to by S3's rules. mf_s3_client_call carries out one request
 * and sees to what is between a store and its client rather than between the caller and the
 * store: it signs every attempt as it is sent, with credentials that are fresh then; goes to the
 * region that a redirection names; corrects the clock by the store's; renews credentials that
 * have expired; and waits where the store asks for less.
 *
 * All of these are refusals, so that an attempt that is followed by another has done nothing; and
 * so are requests that did not leave this machine. Whatever may have been carried out is not sent
 * again here: whether that is safe is known to the store's user (retry.h). One refusal is not to be
 * relied on for that: a store that writes to many disks may ask for less (503) because too few of
 * them took it, and have it after all (MinIO's SlowDownWrite). The answer to what follows says so.
 *
 * A bucket that locks what is put into it demands the Content-MD5 of every object and part besides
 * the signature. That is found out by its refusal, which has done nothing: the same goes again with
 * the MD5, and all that follow have it at once. Nobody else is sent one.
 *
 * No body without its SHA-256 in the signature, but where the dialect takes bearer tokens and the
 * credentials are one, where a carrier signs in its own way, and where unsigned_bodies says so:
 * then objects and parts go with their CRC-32C, unless the store refuses such headers.
 *
 * Threads. Any number call at once; a call blocks its thread, and everything but moving bytes
 * happens on it. No lock is held meanwhile. No message has a secret in it.
 */
#ifndef MF_TRANSFERS_S3_CLIENT_H
#define MF_TRANSFERS_S3_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/net/http.h"
#include "transfers/flow.h"
#include "transfers/limiter.h"
#include "transfers/s3_endpoint.h"
#include "transfers/s3_error.h"
#include "transfers/s3_provider.h"
#include "transfers/s3_sign.h"
#include "transfers/waiting.h"

struct mf_s3_client;

struct mf_s3_call;

/* An attempt as whoever signs and sends it in his own way is given it. Borrowed. */
struct mf_s3_carried {
	const struct mf_s3_call *call;
	const struct mf_s3_endpoint *endpoint;
	const char *bucket;
	const struct mf_s3_credentials *credentials;
	const struct mf_s3_header *headers; /* the call's and the client's */
	size_t n_headers;
	struct mf_http_patience patience; /* the call's own; zero: the carrier's */
	bool (*interrupted)(void *arg);   /* or NULL; as in struct mf_http_request */
	void *interrupted_arg;
};

/* Takes the place of our signature and of the engine. perform is like mf_http_perform: its result,
 * *r and codes. It asks no limiter. Any number of threads. */
struct mf_s3_carrier {
	int (*perform)(void *arg, const struct mf_s3_carried *carried, struct mf_http_response *r,
	    struct mf_error *e);
	void *arg; /* outlives the client */
};

struct mf_s3_client_params {
	struct mf_s3_endpoint_params endpoint; /* with the bucket */
	const struct mf_s3_dialect *dialect;   /* NULL: mf_s3_aws4. Outlives the client */
	struct mf_http *http;                  /* outlives the client */
	struct mf_s3_carrier carrier;          /* instead of http; perform NULL: none */
	struct mf_s3_provider *provider;       /* outlives the client */
	/* Asked before each request; NULL: never. Outlives the client. The engine asks it for
	 * bytes. */
	struct mf_limiter *limiter;
	struct mf_flow *flow; /* lets each request go, and each wait end; NULL: none. The same */
	uint64_t patience_us; /* how long to wait in all, in one call, for a store that asks for
			       * less or cannot be reached; 0: 5 min */
	struct mf_waiting waiting;     /* copied; its arg outlives the client */
	int64_t (*unix_us)(void *arg); /* wall clock; NULL: the system's. arg: waiting's */
	struct mf_s3_header header;    /* of every request; name NULL: none. Copied */
	/* The signature does not cover bodies, and TLS alone guards them: MF_EUSAGE without it. */
	bool unsigned_bodies;
};

/* All texts are copied; nothing is asked. 0 and *out (mf_s3_client_close), or -1 with MF_EUSAGE
 * from mf_s3_endpoint_make or MF_ENOMEM. */
int mf_s3_client_open(
    const struct mf_s3_client_params *p, struct mf_s3_client **out, struct mf_error *e);
void mf_s3_client_close(struct mf_s3_client *c); /* NULL is fine; no thread may be inside */

const char *mf_s3_client_bucket(const struct mf_s3_client *c); /* view */
/* The host that is asked at first, "https://s3.eu-west-1.amazonaws.com", whatever redirections
 * have said since: with the bucket's name it tells the store from others. Appended. */
void mf_s3_client_origin(const struct mf_s3_client *c, struct mf_buf *out);
const struct mf_waiting *mf_s3_client_waiting(const struct mf_s3_client *c);
const struct mf_s3_dialect *mf_s3_client_dialect(const struct mf_s3_client *c);
/* Whatever becomes an object goes with its CRC-32C, as long as the store does not refuse it. */
bool mf_s3_client_sums_bodies(const struct mf_s3_client *c);
bool mf_s3_client_is_paced(const struct mf_s3_client *c); /* it has a limiter */

/* Do objects and parts go with their Content-MD5, because the bucket demanded it? */
bool mf_s3_client_sends_md5(const struct mf_s3_client *c);
/* They shall: it was found out before. */
void mf_s3_client_send_md5(struct mf_s3_client *c);

struct mf_s3_call {
	const char *method;
	const char *key;                 /* raw; NULL: the bucket itself */
	const struct mf_s3_param *query; /* raw */
	size_t n_query;
	const struct mf_s3_header *headers; /* without Host and what signing adds */
	size_t n_headers;
	const void *body; /* borrowed */
	size_t body_bytes;
	bool has_body;
	/* Twice does no harm: then a 503 that may come from something on the way is waited for,
	 * too. GET and HEAD are always so. */
	bool repeatable;
	/* The body becomes an object or a part of one: its Content-MD5 goes along where the bucket
	 * is known to demand that, and its CRC-32C where the signature does not cover it and the
	 * store takes one. */
	bool stores;
	/* It is a part of an upload that was begun without checksums, so that a part has none. */
	bool unsummed;
	/* An upload in parts begins: it says that each will have its CRC-32C, where that is so. */
	bool begins_parts;
	/* The answer shall tell the checksum of the whole object, where the store keeps one and
	 * knows the question: one that refuses it is asked once, and again without. */
	bool wants_sum;
	/* To clean up: sent though waiting.cancelled says so, at once, whatever limits and flow
	 * have to say, and given a few seconds only. */
	bool although_cancelled;
	const char *doing; /* for messages: "putting" */

	/* As in struct mf_http_request. An attempt that is followed by another gave it nothing. */
	int (*sink)(void *arg, const struct mf_http_response *response, const void *bytes, size_t n,
	    struct mf_error *e);
	void *sink_arg;
	size_t window_bytes, piece_bytes;
	struct mf_http_place *place;
	uint64_t max_body_bytes; /* without a sink; 0: 1 MiB */
};

struct mf_s3_answer {
	struct mf_http_response http; /* of the last attempt */
	bool summed;                  /* that one's x-amz-checksum-..., if any, was taken */
	bool doubtful; /* an earlier attempt was refused with a 5xx, which may have done it */
	/* A refusal: which, and the store's words. Only after -1 with refused. */
	bool refused;
	enum mf_s3_class class;
	struct mf_s3_error_answer error;
};

#define MF_S3_ANSWER_INIT ((struct mf_s3_answer){.http = {.status = 0}})

/* Carry out. 0: an answer of 2xx that is no Error document, in out->http. -1 with *e set by
 * mf_s3_refused where the store refused (out->refused says so, and out->class how), else with
 * the engine's or the provider's error:
 *   MF_ETRANSFER     it may work later; what changes something may have been carried out
 *   MF_EINTERRUPTED  waiting.cancelled said so, and nothing was carried out
 * out begins as MF_S3_ANSWER_INIT, or as an earlier call left it; mf_s3_answer_fini in any case.
 * The body is hashed on this thread, once. */
int mf_s3_client_call(struct mf_s3_client *c, const struct mf_s3_call *call,
    struct mf_s3_answer *out, struct mf_error *e);
void mf_s3_answer_fini(struct mf_s3_answer *a);
/* Is patience with the servers over, so that no other call is worth while? *e says so then
 * (flow.h). */
bool mf_s3_client_gave_up(const struct mf_s3_client *c, struct mf_error *e);

/* The store's clock in Unix seconds: its last Date and what has passed since; where it has not
 * spoken yet it is asked. Never ahead of it. 0, or -1. */
int mf_s3_client_now(struct mf_s3_client *c, int64_t *unix_s, struct mf_error *e);

#endif
