/*
 * An S3 server in memory, apart from how its answers get on the wire: buckets in the path, PUT
 * (If-None-Match: *), GET (Range, If-Match), HEAD, DELETE, list v2, uploads in parts. Every bucket
 * is there. A body must have the SHA-256 that its request says, and the MD5 where it says one;
 * signatures are not computed.
 * What it does not know it refuses with 501.
 *
 * Any number of threads.
 */
#ifndef TESTS_HARNESS_MEMORY_S3_H
#define TESTS_HARNESS_MEMORY_S3_H

#include <time.h>

#include "src/base/buf.h"
#include "tests/unit/net/http_server.h"

#define S3_PATH_BYTES 2048

/* What a request wants. */
enum s3_op {
	S3_PUT,
	S3_GET,
	S3_HEAD,
	S3_DELETE,
	S3_LIST,
	S3_BEGIN, /* an upload in parts */
	S3_PART,
	S3_COMPLETE,
	S3_ABORT,
	S3_UPLOADS, /* list them */
	S3_LIST_PARTS,
	S3_OTHER,
	S3_OPS
};

const char *s3_op_name(enum s3_op op);

struct s3_query {
	const struct http_seen *seen;
	enum s3_op op;
	char path[S3_PATH_BYTES]; /* "bucket/key" or "bucket" */
	time_t now;               /* by the server's clock */
	uint8_t *body;            /* n bytes and a NUL; s3_serve takes what it keeps */
	size_t n;
};

struct s3_reply {
	int status;
	struct mf_buf headers; /* lines that each end in \r\n */
	struct mf_buf body;
	size_t length; /* of the body, or of the one that a HEAD does not bring */
};

#define S3_REPLY_INIT ((struct s3_reply){.status = 0})

struct memory_s3;

/* page: keys in a listing at most; 0: 1000. */
struct memory_s3 *memory_s3_new(unsigned page);
void memory_s3_free(struct memory_s3 *m);

/* op and path of what was seen. */
void s3_query_read(struct s3_query *q, const struct http_seen *seen);
/* Carry it out. reply begins as S3_REPLY_INIT; s3_reply_fini. */
void memory_s3_serve(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
/* An Error document. more: further elements of it. */
void s3_refuse(const struct s3_query *q, struct s3_reply *reply, int status, const char *code,
    const char *more);
void s3_reply_fini(struct s3_reply *reply);

#endif
