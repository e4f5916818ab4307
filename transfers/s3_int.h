/* What the files of the S3 store share. */
#ifndef MF_TRANSFERS_S3_INT_H
#define MF_TRANSFERS_S3_INT_H

#include <stdatomic.h>

#include "crypto/digest.h"
#include "transfers/s3.h"
#include "transfers/s3_client_int.h"

/* Storage class, encryption, KMS key, If-None-Match, checksum, metadata. */
#define MF_S3_PUT_HEADERS_MAX (5 + MF_S3_METADATA_MAX)

struct s3_store {
	struct mf_store store;
	struct mf_s3_client *client;
	const struct mf_s3_dialect *dialect; /* the client's */
	void (*release)(void *arg);
	void *release_arg;
	char *prefix; /* "" or with '/' at its end */
	char *label;
	bool write;
	bool conditional;
	unsigned lists_at_once;
	atomic_bool list_v1; /* the store knows the first version of the call only */
	struct mf_buf texts; /* what headers point into; never grows after opening */
	struct mf_s3_header headers[MF_S3_PUT_HEADERS_MAX]; /* of every put */
	size_t n_headers;
};

static inline struct s3_store *
s3_of(struct mf_store *s)
{
	return (struct s3_store *)s;
}

/* A key, NUL-terminated; prefixes too. */
#define MF_S3_KEY_BYTES (MF_S3_KEY_MAX + 1)

/* prefix + name into out. Returns out. */
const char *s3_key(const struct s3_store *s, const char *name, char out[MF_S3_KEY_BYTES]);

/* One put, whatever the store believes of conditions. 0; 1: only with if_absent: taken; -1. *class
 * is how the store refused, where it did. */
int s3_put_once(struct s3_store *s, const char *name, const void *bytes, size_t n, bool if_absent,
    bool repeatable, enum mf_s3_class *class, struct mf_error *e);
int s3_del(struct mf_store *store, const char *name, struct mf_error *e);

/* s3_sum.c: x-goog-hash. "crc32c=AAAAAA==" into out. */
#define MF_S3_SUM_BYTES 24
#define S3_SUM_CHARS 8 /* of four bytes in base64 */
const char *s3_sum_print(uint32_t crc, char out[MF_S3_SUM_BYTES]);
const char *s3_sum(const void *bytes, size_t n, char out[MF_S3_SUM_BYTES]);
/* What an answer tells of the whole object, and what has come of that. */
enum s3_sum_kind { S3_SUM_NONE, S3_SUM_CRC32C, S3_SUM_SHA256 };

struct s3_sum_check {
	enum s3_sum_kind kind;
	char told[MF_S3_BODY_SUM_BYTES]; /* in base64 */
	uint32_t crc32c;
	struct mf_sha256_sum *sha256;
};

/* From the head of an answer that has all of the object, or all that an earlier one, which ended
 * early, began. cheap: what costs more than reading is left. *c was zero, or begun before. */
void s3_sum_check_begin(struct s3_sum_check *c, const struct mf_s3_dialect *d,
    const struct mf_http_response *r, bool cheap);
void s3_sum_check_update(struct s3_sum_check *c, const void *bytes, size_t n);
bool s3_sum_check_fits(struct s3_sum_check *c); /* also where nothing was told */
void s3_sum_check_fini(struct s3_sum_check *c);
/* The checksum of that kind ("crc32c=", "md5=") that the answer tells of the whole object, in
 * base64, into out. false: it tells none, or none of that length. */
bool s3_sum_told(const struct s3_store *s, const struct mf_http_response *r, const char *kind,
    char *out, size_t bytes);
/* Does the answer's checksum of the whole object, if there is one that is known, fit these bytes? */
bool s3_sum_fits(
    const struct s3_store *s, const struct mf_http_response *r, const void *bytes, size_t n);

/* s3_lock.c: what keeps an object, as the headers of an answer tell: locked_until_us of struct
 * mf_store_stat. mode, if not NULL, gets the retention's, a view, else NULL. */
int64_t s3_locked_until(
    const struct s3_store *s, const struct mf_http_response *r, const char **mode);

/* s3_get.c */
int s3_get(struct mf_store *store, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e);
int s3_head(
    struct mf_store *store, const char *name, struct mf_store_stat *out, struct mf_error *e);

/* s3_list.c */
int s3_list(struct mf_store *store, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e);

#endif
