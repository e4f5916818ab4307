/*
 * The store in an S3 bucket: an object is an object, its key the store's prefix, a '/' and the
 * name. Whatever else lies below the prefix under keys that are no object names is not seen.
 *
 * A put is one request, and durable when it returns. What was sent arrives or is refused: its
 * SHA-256 stands in the signature. A get asks for a range and takes nothing for an object that
 * is not as long as the answer says. Times are whole seconds, as Last-Modified tells them.
 *
 * A put that may have been carried out is never sent again under its name here: MF_ETRANSFER
 * says so, and the caller decides.
 *
 * The same for gs:// by a client of that dialect (mf_s3_goog4): the XML API of Google Cloud Storage
 * says other words for the same things. The CRC-32C of an object goes with it when it is put, where
 * Google checks it, and is checked where an answer tells it: when it was put, when all of it was
 * got.
 *
 * Conditional puts (MF_STORE_IF_ABSENT) are If-None-Match: * or x-goog-if-generation-match: 0. Not
 * every store does that, and some
 * ignore it in silence; so mf_s3_probe tries, and without its yes such puts are refused.
 */
#ifndef MF_TRANSFERS_S3_H
#define MF_TRANSFERS_S3_H

#include "transfers/s3_client.h"
#include "transfers/store.h"

#define MF_S3_KEY_MAX 1024
#define MF_S3_PREFIX_MAX (MF_S3_KEY_MAX - MF_STORE_NAME_MAX - 1)
#define MF_S3_METADATA_MAX 16

/* What new objects are given. Zero: what the bucket says. */
struct mf_s3_put_options {
	const char *storage_class; /* "STANDARD_IA", ...; none that has to be restored to be read */
	const char *encryption;    /* "AES256", "aws:kms", "aws:kms:dsse" */
	const char *kms_key_id;    /* with aws:kms, or gs://; NULL: the bucket's or the account's */
	const struct mf_s3_header *metadata; /* names without "x-amz-meta-", "x-goog-meta-" */
	size_t n_metadata;                   /* at most MF_S3_METADATA_MAX */
};

struct mf_s3_store_params {
	struct mf_s3_client *client; /* outlives the store */
	void (*release)(void *arg);  /* called last by close, with release_arg; NULL: nothing */
	void *release_arg;
	const char *prefix; /* without '/' at its ends; "" or NULL: the whole bucket */
	bool write;         /* without it puts and dels are MF_EPERM */
	struct mf_s3_put_options options; /* copied */
	unsigned lists_at_once;           /* requests of one long listing; 0: 1; at most 64 */
};

/* A store of these. Asks nothing. 0; -1 with MF_EUSAGE for a prefix or option that cannot be right,
 * and release is not called. */
int mf_s3_store_open(const struct mf_s3_store_params *p, struct mf_store **out, struct mf_error *e);

/* What a bucket can do beyond the usual. */
struct mf_s3_probe {
	bool conditional; /* of puts with If-None-Match: * under one name exactly one wins */
	bool md5;         /* it demands the Content-MD5 of what is put */
};

/* Try it: two puts of a random name below "probe/" at once, a third after them, and a deletion.
 * s comes from mf_s3_store_open and is open for writing. A try that
 * fails for a passing reason is repeated a few times. An object may be left behind where deletion
 * is not allowed. 0, whatever the store can do; -1 where trying failed. */
int mf_s3_probe_run(struct mf_store *s, struct mf_s3_probe *out, struct mf_error *e);

/* Let the store rely on it. Before other threads use the store. */
void mf_s3_store_believe(struct mf_store *s, const struct mf_s3_probe *p);

/* Append what tells this bucket from all others, and how it is spoken to: "https://s3.example
 * bucket", "gs https://storage.googleapis.com bucket". */
void mf_s3_store_identity(const struct mf_store *s, struct mf_buf *out);

#endif
