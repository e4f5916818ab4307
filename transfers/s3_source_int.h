/* What the sources of credentials share. */
#ifndef MF_TRANSFERS_S3_SOURCE_INT_H
#define MF_TRANSFERS_S3_SOURCE_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/secret.h"
#include "transfers/s3_source.h"

#define MF_S3_ANSWER_MAX ((size_t)65536)

/* Wipe all that the buffer ever held in its present memory, and free it. */
void mf_s3_wipe(struct mf_buf *b);

/* Ask, with max_bytes and direct filled in here; answer (the caller's, to be wiped) gets a NUL
 * behind it. who is for errors: "the container's endpoint". 0 with the status, whatever it is. */
int mf_s3_ask(const struct mf_s3_fetch *f, struct mf_s3_fetch_request r, bool direct,
    const char *who, int *http_status, struct mf_buf *answer, struct mf_error *e);

/* That who answered with http_status, which is no success: MF_ETRANSFER for 408, 429 and 5xx,
 * else MF_EPERM. -1. */
int mf_s3_ask_failed(const char *who, int http_status, struct mf_error *e);

/* {"AccessKeyId": ..., "SecretAccessKey": ..., "Token": ..., "Expiration": ...}, as containers
 * and instances answer. Without an Expiration they never expire. NULL with MF_EPERM where the
 * answer has a Code other than Success, MF_ETRANSFER where it is something else. */
struct mf_s3_credentials *mf_s3_json_credentials(const struct mf_buf *answer, const char *origin,
    struct mf_error *e);

/* The one line of a file, in guarded memory, with a NUL for its line end. Blocking. what is the
 * file's role: "access key file". NULL with MF_EPERM: no such file, empty, of several lines, or
 * longer than max; else the errno's code. */
struct mf_secret *mf_s3_read_line(const char *path, size_t max, const char *what,
    struct mf_error *e);

/* May secrets go to that URL: https, or http to loopback or to one of hosts (NULL at the end)?
 * 0, or -1 with MF_EUSAGE; what names the URL: "AWS_CONTAINER_CREDENTIALS_FULL_URI". */
int mf_s3_check_url(const char *url, const char *const *hosts, const char *what,
    struct mf_error *e);

#endif
