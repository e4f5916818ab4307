/*
 * Opening gs://BUCKET[/PATH] from what options and the environment say: the store of s3.h in the
 * dialect of Google Cloud Storage's XML API. The path is taken literally, nothing is unescaped; '/'
 * at its end is dropped.
 *
 * Of the environment: what gcs_chain.h reads for credentials, and the proxies as s3_open.h does.
 * STORAGE_EMULATOR_HOST names a server of the JSON API: where it is set, and no endpoint is given,
 * opening is refused, so that a test's data does not go to Google.
 */
#ifndef MF_TRANSFERS_GCS_OPEN_H
#define MF_TRANSFERS_GCS_OPEN_H

#include "transfers/s3_open.h"

#define MF_GCS_ENDPOINT_URL "https://storage.googleapis.com"

/* Zero: nothing was said. Texts are copied where they are kept. */
struct mf_gcs_options {
	const char *endpoint_url; /* NULL or "": MF_GCS_ENDPOINT_URL */
	const char *ca_file;      /* NULL: the system's */
	bool allow_http;          /* plain http to another machine; never with bearer tokens */
	unsigned net_threads;     /* 0: 1 */
	struct mf_s3_sending sending;
	/* Credentials: see gcs_chain.h. */
	const char *access_key_file, *secret_key_file, *credentials_file;
	const char *user_project;     /* that pays for requests; NULL: the bucket's */
	struct mf_s3_put_options put; /* without an encryption; kms_key_id: "projects/..." */
	/* As in struct mf_s3_options. */
	const char *(*variable)(void *arg, const char *name);
	void *variable_arg;
	struct mf_waiting waiting;
};

/* rest is what stands behind "gs://". Asks nothing. 0, and *out is the caller's; -1 with
 * MF_EUSAGE, MF_EUNSUPPORTED, MF_EPERM (no credentials), or an error of the engine. */
int mf_gcs_open(const char *rest, const struct mf_gcs_options *options, bool write,
    struct mf_store **out, struct mf_error *e);

/* What tells the place from all others: "gs://bucket/path", where another endpoint than Google's is
 * given with that behind it, "gs://bucket/path at https://gcs.example". Appended; out->failed says
 * whether memory was short. */
void mf_gcs_place(const char *rest, const struct mf_gcs_options *options, struct mf_buf *out);

#endif
