/*
 * What an S3 store means by its refusal: (HTTP status, error code) to a class that says what to
 * do about it, and to an error for the user. One table, from the error lists of Amazon S3, AWS
 * STS, Google Cloud Storage's XML API, Ceph RGW, OpenStack Swift and MinIO. The code decides;
 * where it is missing (HEAD has no body) or unknown, the status does.
 *
 * Pure, any thread.
 */
#ifndef MF_TRANSFERS_S3_ERROR_H
#define MF_TRANSFERS_S3_ERROR_H

#include <stdbool.h>

#include "src/base/error.h"
#include "transfers/s3_xml.h"

enum mf_s3_class {
	MF_S3_FINAL,        /* trying again does not help */
	MF_S3_RETRY,        /* the same again, later */
	MF_S3_THROTTLE,     /* the same again, later, and slower from now on */
	MF_S3_REFRESH,      /* again with newer credentials, if there are any */
	MF_S3_CLOCK_SKEW,   /* again with the server's time (its Date header) */
	MF_S3_REDIRECT,     /* again at the region or endpoint that the answer names */
	MF_S3_NOT_FOUND,    /* the object, upload or version is not there */
	MF_S3_PRECONDITION, /* 412: the condition does not hold: somebody was first */
	MF_S3_RACE,         /* 409: conditional requests met: again, the condition decides then */
	MF_S3_UNSUPPORTED,  /* the store cannot do this: do without it */
};

/* Is it the refusal of a body whose MD5 was not told? Buckets that lock what is put into them demand
 * that (S3 API Reference, PutObject and UploadPart), and the hash in the signature is not enough:
 * "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock
 * parameters" (Amazon, Backblaze), "Missing required header for this request: Content-Md5" (MinIO). */
bool mf_s3_wants_md5(int http_status, const struct mf_s3_error_answer *answer);

/* Is it the refusal of a header that speaks of checksums, by a store that knows none of them?
 * "Unsupported header 'x-amz-checksum-mode' received for this API call" (Backblaze, 400), "Header
 * 'x-amz-checksum-algorithm' ... not implemented" (Cloudflare, 501). */
bool mf_s3_refuses_sum(int http_status, const struct mf_s3_error_answer *answer);

/* How to go on after an answer of that status: 300 or above, or 200 with an Error document. code
 * is the document's, "" or NULL where there was none. The answer to a HEAD has none: 400 may be
 * an expired token or the wrong region then, 403 and 404 may be about the bucket. A GET tells. */
enum mf_s3_class mf_s3_classify(int http_status, const char *code);

struct mf_s3_refusal {
	const char *doing;  /* "putting" */
	const char *object; /* "s3://bucket/key" */
	int http_status;
	const struct mf_s3_error_answer *answer; /* NULL: no Error document came */
};

/* Make *e of it: code, http_status, a message with the store's own words, and a hint. -1. */
int mf_s3_refused(const struct mf_s3_refusal *r, struct mf_error *e);

#endif
