/*
 * Credentials of an S3 endpoint: an access key id with its secret and perhaps a session token,
 * or a bearer token alone. Immutable, counted references: a request keeps the ones it was
 * signed with while others fetch newer ones. Where they come from: s3_provider.h.
 *
 * The secrets lie in guarded memory (crypto/secret.h) and are reached for signing only; they
 * never go into an error or a log line. The key id is no secret, the origin is for messages.
 * mf_crypto_init comes first.
 */
#ifndef MF_TRANSFERS_S3_CREDENTIALS_H
#define MF_TRANSFERS_S3_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

#define MF_S3_KEY_ID_MAX 512
#define MF_S3_SECRET_MAX 1024
#define MF_S3_TOKEN_MAX 16384
#define MF_S3_NEVER INT64_MAX

struct mf_s3_credentials;

/* What they are made of. All texts are copied; the caller wipes its own. */
struct mf_s3_credentials_params {
	const char *key_id; /* NULL: a bearer token, and then secret is NULL too */
	const char *secret;
	const char *token;      /* session or bearer token; NULL or "": none */
	int64_t expires_unix_s; /* MF_S3_NEVER or when they stop to be valid */
	const char *origin;     /* "variable AWS_ACCESS_KEY_ID" */
};

/* New ones, with one reference. NULL with MF_ENOMEM; with MF_EPERM where a part is empty, too
 * long or holds white space or control characters (a line end that slipped into a Secret), with
 * a message that names part and origin, not the value. */
struct mf_s3_credentials *mf_s3_credentials_new(const struct mf_s3_credentials_params *p,
    struct mf_error *e);
/* One more reference; returns c. Any thread. */
struct mf_s3_credentials *mf_s3_credentials_ref(struct mf_s3_credentials *c);
/* One less; the last wipes and frees. NULL is fine. Any thread. */
void mf_s3_credentials_unref(struct mf_s3_credentials *c);

/* Views, until the caller's reference is gone. Texts end with a NUL. */
const char *mf_s3_credentials_key_id(const struct mf_s3_credentials *c); /* NULL: bearer */
const char *mf_s3_credentials_origin(const struct mf_s3_credentials *c);
int64_t mf_s3_credentials_expires(const struct mf_s3_credentials *c); /* Unix seconds */
/* Secret, in guarded memory: for a signature, an Authorization or a token header. */
const char *mf_s3_credentials_secret(const struct mf_s3_credentials *c); /* NULL: bearer */
const char *mf_s3_credentials_token(const struct mf_s3_credentials *c);  /* NULL: none */

#define MF_S3_SIGNING_KEY_BYTES 32
#define MF_S3_SCOPE_BYTES 256 /* with the NUL */

/* A key that was derived from the secret for `scope` (a day, a region, a service) serves for all
 * requests of it, and to derive it takes four times as long as to use it: the last one is kept, in
 * guarded memory too. recall: false, if that is another's or none was kept; the caller wipes its
 * copy. Any thread. */
bool mf_s3_credentials_recall_key(
    const struct mf_s3_credentials *c, const char *scope, uint8_t key[MF_S3_SIGNING_KEY_BYTES]);
void mf_s3_credentials_keep_key(const struct mf_s3_credentials *c, const char *scope,
    const uint8_t key[MF_S3_SIGNING_KEY_BYTES]);

/* Are key id, secret and token the same? */
bool mf_s3_credentials_same(const struct mf_s3_credentials *a, const struct mf_s3_credentials *b);

#endif
