/*
 * Opening s3://BUCKET[/PATH] from what options and the environment say. The path is taken
 * literally, nothing is unescaped; '/' at its end is dropped.
 *
 * Of the environment: what s3_chain.h reads for credentials; AWS_REGION and AWS_DEFAULT_REGION;
 * AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL; AWS_CA_BUNDLE; and the proxies as curl reads them,
 * http_proxy, https_proxy, all_proxy, no_proxy, all but the first also in capitals.
 */
#ifndef MF_TRANSFERS_S3_OPEN_H
#define MF_TRANSFERS_S3_OPEN_H

#include "transfers/s3.h"

/* How requests are sent, whoever's the bucket is. Zero: as the engine and the client have it. */
struct mf_s3_sending {
	bool http2;                       /* offer it; see struct mf_http_params */
	struct mf_http_patience patience; /* the engine's, for every request */
	/* With the store, in one call: struct mf_s3_client_params; no time of patience is longer. */
	uint64_t patience_us;
	/* For requests, and bytes on the wire; NULL: no limits. Outlives the store. */
	struct mf_limiter *limiter;
	struct mf_flow *flow; /* for what servers bear; NULL: none. The same */
	unsigned lists_at_once; /* struct mf_s3_store_params */
};

/* Zero: nothing was said. Texts are copied where they are kept. */
struct mf_s3_options {
	const char *endpoint_url; /* NULL or "": the environment's, else Amazon's */
	const char *region;       /* the same; else the profile's, else us-east-1 */
	enum mf_s3_addressing addressing;
	const char *ca_file;  /* NULL: AWS_CA_BUNDLE, else the system's */
	bool allow_http;      /* plain http to another machine */
	unsigned net_threads; /* 0: 1 */
	bool unsigned_bodies; /* see struct mf_s3_client_params */
	struct mf_s3_sending sending;
	/* Credentials: see s3_chain.h. */
	const char *access_key_file, *secret_key_file, *session_token_file;
	const char *credentials_file, *profile;
	struct mf_s3_put_options put;
	/* The environment: the value of a variable, or NULL. NULL: an empty one. Called before the
	 * return only. */
	const char *(*variable)(void *arg, const char *name);
	void *variable_arg;
	struct mf_waiting waiting; /* copied; its arg must outlive the store */
};

/* rest is what stands behind "s3://". Asks nothing. 0, and *out is the caller's; -1 with
 * MF_EUSAGE, MF_EPERM (no credentials), or an error of the engine. */
int mf_s3_open(const char *rest, const struct mf_s3_options *options, bool write,
    struct mf_store **out, struct mf_error *e);

/* The same for what stands behind "s3+v2://", by way of libs3 (libs3.h): the server must be named.
 * -1 also with MF_EUNSUPPORTED for options that libs3 has no word for, and where it is missing;
 * MF_EUSAGE for Amazon and Google. */
int mf_s3_open_v2(const char *rest, const struct mf_s3_options *options, bool write,
    struct mf_store **out, struct mf_error *e);

/* What tells the place from all others, under whichever options it is opened: "s3://bucket/path" at
 * Amazon, where a bucket's name is one of its kind, else with the endpoint behind it,
 * "s3://bucket/path at https://s3.example". Appended; out->failed says whether memory was short. */
void mf_s3_place(const char *rest, const struct mf_s3_options *options, struct mf_buf *out);

#endif
