/* What the files of the fake Google Cloud Storage share. */
#ifndef TESTS_HARNESS_FAKE_GCS_INT_H
#define TESTS_HARNESS_FAKE_GCS_INT_H

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/harness/fake_gcs.h"
#include "tests/harness/http_words.h"
#include "tests/unit/net/http_server.h"

#define FAKE_TOKENS 4096

struct fake_object {
	struct fake_object *next; /* in the order of their paths */
	char *path;               /* "bucket/key" */
	uint8_t *bytes;
	size_t n;
	uint32_t crc;
	uint8_t md5[16];
	size_t n_parts; /* it was put in; 0: whole. Such an object has no MD5 */
	char etag[64];  /* without quotes: the MD5, or something else */
	uint64_t generation;
	time_t changed;
	char *head; /* of the put */
};

struct fake_upload;

struct fake_gcs {
	struct fake_gcs_params params;
	struct http_server *server;
	char url[64];
	EVP_PKEY *key;        /* of the service account: the one of RFC 7515 */
	pthread_mutex_t lock; /* of all below */
	struct fake_object *objects;
	struct fake_upload *uploads;
	uint64_t generation, n_uploads;
	unsigned n_tokens, first_token; /* given; older ones have ended */
	unsigned uses[FAKE_TOKENS];
	unsigned n_requests;
	atomic_uint corrupt, fail_completions;
	atomic_bool carries_out;
	atomic_uint counts[FAKE_GCS_COUNTS];
};

/* Answer with an Error document. Returns true. */
bool fake_refuse(struct http_conn *c, const struct http_seen *q, int status, const char *code,
    const char *headers);
/* An answer of that type. Returns true. */
bool fake_say(struct http_conn *c, const struct http_seen *q, int status, const char *headers,
    const void *body, size_t n);

/* fake_gcs.c; under the lock. */

/* Where the object of that path is or would be. */
struct fake_object **fake_find(struct fake_gcs *f, const char *path);
bool fake_is_there(struct fake_object *const *at, const char *path);
/* Body and head become the object's (malloc(3)). */
const struct fake_object *fake_keep(
    struct fake_gcs *f, const char *path, char *head, uint8_t *body, size_t n, size_t n_parts);
/* What answers tell of an object: a header a line. */
#define FAKE_HEAD_BYTES 16384
void fake_put_head(const struct fake_object *o, char out[FAKE_HEAD_BYTES]);
/* Does a condition stop a put, or a sum that does not fit? Then it was answered. */
bool fake_may_put(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, bool there,
    const uint8_t *body, size_t n);
char *fake_copy_text(const char *text);
void *fake_copy_bytes(const void *bytes, size_t n); /* with a NUL behind them */

/* fake_gcs_copy.c: a PUT that names a source. */
bool fake_copy(
    struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *path);

/* fake_gcs_parts.c: is it a request of an upload in parts? Then it was answered, and the body is
 * given up. */
bool fake_parts(struct fake_gcs *f, struct http_conn *c, const struct http_seen *q,
    const char *path, uint8_t *body, size_t n);
void fake_drop_uploads(struct fake_gcs *f);

/* fake_gcs_auth.c: whether the request may go on; else it was answered. body: of the request. */
bool fake_authorize(
    struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const void *body, size_t n);
/* Requests to what gives tokens. false: it is none. */
bool fake_give_token(
    struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *body);
void fake_make_key(struct fake_gcs *f);

/* fake_gcs_list.c: a page. Under the lock. */
bool fake_list(
    struct fake_gcs *f, struct http_conn *c, const struct http_seen *q, const char *bucket);

#endif
