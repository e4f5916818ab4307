/*
 * Signature Version 4, in headers: AWS4-HMAC-SHA256 as S3 wants it (Amazon S3 API Reference,
 * "Signature Calculations for the Authorization Header: Transferring Payload in a Single
 * Chunk") and Google's dialect of it, GOOG4-HMAC-SHA256 (Cloud Storage documentation,
 * "Signatures"): the same calculation with other words.
 *
 * The caller gives a request in raw parts and gets back the target to send and the headers to
 * add, so that what is signed is what is sent. S3's rules hold: a path is encoded once and is
 * never normalised ("a//b", "a/../b" are keys like others).
 *
 * Signed are Host, the headers given and the own ones, but none that something on the way may
 * change or add: Accept-Encoding, User-Agent, Connection and their like (mf_s3_header_is_signed).
 * Of a header's value white space at the ends goes and runs of it become one space, in what is
 * signed; servers differ in whether they do the same, so send no value with runs of it.
 *
 * Pure: the time is an argument, corrected for the skew of the server's clock by the caller.
 * Any thread.
 */
#ifndef MF_TRANSFERS_S3_SIGN_H
#define MF_TRANSFERS_S3_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "src/base/buf.h"
#include "src/base/error.h"
#include "transfers/s3_credentials.h"
#include "transfers/s3_uri.h"

#define MF_S3_HEADERS_MAX 64

struct mf_s3_header {
	const char *name;
	const char *value;
};

/* The words of a dialect: those of signatures, then those of clients and stores. */
struct mf_s3_dialect {
	const char *algorithm;    /* "AWS4-HMAC-SHA256" */
	const char *key_prefix;   /* "AWS4", in front of the secret */
	const char *terminator;   /* "aws4_request", end of the scope */
	const char *service;      /* "s3", in the scope unless the request names another */
	const char *date_header;  /* "x-amz-date" */
	const char *hash_header;  /* "x-amz-content-sha256"; NULL: not sent (no S3 then) */
	const char *token_header; /* "x-amz-security-token" */
	const char *scheme;       /* "s3": of URLs in messages */
	const char *prefix;       /* "x-amz-", of the headers of a put */
	const char *kms_header;   /* behind it: the key to encrypt an object by */
	struct mf_s3_header if_absent; /* of a put that replaces nothing */
	/* What the store checks a body by, and tells of an object: "crc32c=" and the sum in base64;
	 * NULL: the hash in the signature does. */
	const char *sum_header;
	/* A bearer token may stand in for a signature. Redirections are not followed then: whoever
	 * was sent a token could use it. */
	bool bearer;
	/* Listings are those of the first version of the call, and name keys as they are. */
	bool first_list;
};

extern const struct mf_s3_dialect mf_s3_aws4;
extern const struct mf_s3_dialect mf_s3_goog4; /* the XML API of Google Cloud Storage */

/* What stands for the body in the signature. */
enum mf_s3_payload {
	MF_S3_NO_PAYLOAD,       /* there is no body */
	MF_S3_HASHED_PAYLOAD,   /* its SHA-256 is given */
	MF_S3_UNSIGNED_PAYLOAD, /* nothing: the caller sees to it that the channel is TLS */
};

struct mf_s3_request {
	const struct mf_s3_dialect *dialect;         /* NULL: mf_s3_aws4 */
	const struct mf_s3_credentials *credentials; /* no bearer token */
	const char *region;
	const char *service; /* NULL: the dialect's */
	int64_t now_unix_s;
	const char *method;
	const char *host; /* as in the Host header: with the port where that is not the default */
	const char *path; /* raw, begins with '/' */
	const struct mf_s3_param *query;    /* raw */
	size_t n_query;                     /* at most MF_S3_QUERY_MAX */
	const struct mf_s3_header *headers; /* without Host and those that are added here */
	size_t n_headers;                   /* at most MF_S3_HEADERS_MAX */
	enum mf_s3_payload payload;
	const uint8_t *payload_sha256; /* MF_SHA256_BYTES, for MF_S3_HASHED_PAYLOAD */
};

#define MF_S3_ADDED_HEADERS 4

/* What to send: the target and, besides the request's own, n_added headers. Host is not among
 * them. The session token is a view of the credentials: keep a reference as long. */
struct mf_s3_signed {
	const char *target; /* "/bucket/key%20with?uploads=" */
	struct mf_s3_header added[MF_S3_ADDED_HEADERS];
	size_t n_added;
	struct mf_buf texts; /* what the others point into */
};

/* Sign. 0, and *out needs mf_s3_signed_fini; -1 with MF_ENOMEM, or with MF_EUSAGE for a header
 * that no request can have: a name that is not a token, a control character in a value, one of
 * those that are added here, too many of them; or for a time that is no date. */
int mf_s3_sign(const struct mf_s3_request *r, struct mf_s3_signed *out, struct mf_error *e);
void mf_s3_signed_fini(struct mf_s3_signed *s);

/* Whether a header of that name is part of the signature when it is given. Any case. */
bool mf_s3_header_is_signed(const char *name);

#endif
