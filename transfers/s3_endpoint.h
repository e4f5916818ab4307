/*
 * Where a bucket is: the host to talk to, how the bucket is named there (in the path, or in the
 * host's name), the region that signatures are made for; and what a redirection makes of that.
 *
 * Pure. Any thread, each with its own.
 */
#ifndef MF_TRANSFERS_S3_ENDPOINT_H
#define MF_TRANSFERS_S3_ENDPOINT_H

#include <stdbool.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/net/url.h"
#include "transfers/s3_uri.h"
#include "transfers/s3_xml.h"

#define MF_S3_BUCKET_MAX 255
#define MF_S3_BASE_PATH_BYTES 256
#define MF_S3_DEFAULT_REGION "us-east-1"

/* How the bucket is named. AUTO: in the host's name at Amazon where the certificate covers it (no
 * dot, no capital in the bucket's name), else in the path, which every gateway knows. */
enum mf_s3_addressing { MF_S3_AUTO, MF_S3_PATH, MF_S3_VIRTUAL };

struct mf_s3_endpoint {
	bool amazon; /* made of the region: in another region it is another host */
	bool tls;
	bool virtual_host;                      /* the bucket stands in the authority */
	char authority[MF_URL_AUTHORITY_BYTES]; /* what the Host header says */
	char base[MF_S3_BASE_PATH_BYTES];       /* raw, in front of the bucket; "" or "/s3" */
	char region[MF_S3_REGION_BYTES];
};

struct mf_s3_endpoint_params {
	const char *url;    /* NULL or "": Amazon's, by the region */
	const char *region; /* NULL or "": MF_S3_DEFAULT_REGION until a redirection says better */
	const char *bucket;
	enum mf_s3_addressing addressing;
};

/* 0, or -1 with MF_EUSAGE: a URL that is none or has a query, a region or bucket that cannot be
 * one, virtual hosts at an IP address. */
int mf_s3_endpoint_make(
    struct mf_s3_endpoint *out, const struct mf_s3_endpoint_params *p, struct mf_error *e);

/* Can it be a bucket's name: 3 to MF_S3_BUCKET_MAX of A-Z a-z 0-9 . _ -, the ends no sign? Wider
 * than Amazon's rule, for old buckets and gateways; but nothing that a path or host would read
 * otherwise. */
bool mf_s3_bucket_is_valid(const char *bucket);

/* What an answer says of a better place; any may be NULL or "". */
struct mf_s3_redirect {
	const char *region;
	const char *location; /* the header: a URL */
	const char *host;     /* Endpoint of an Error document */
};

/* Follow it. true, and *ep is changed; false: it names no other place, or none that may be
 * trusted: from https to http, or from Amazon to elsewhere. */
bool mf_s3_endpoint_follow(
    struct mf_s3_endpoint *ep, const char *bucket, const struct mf_s3_redirect *r);

/* Append the raw path of a key (NULL: of the bucket). A failure stays in out->failed. */
void mf_s3_endpoint_path(
    const struct mf_s3_endpoint *ep, const char *bucket, const char *key, struct mf_buf *out);

/* Append the whole URL of a raw path with raw parameters (at most MF_S3_QUERY_MAX). The same. */
void mf_s3_endpoint_url(const struct mf_s3_endpoint *ep, const char *path,
    const struct mf_s3_param *query, size_t n_query, struct mf_buf *out);

#endif
