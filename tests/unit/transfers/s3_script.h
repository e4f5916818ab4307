/*
 * An S3 server that plays a script: a list of answers, one for each request in the order they
 * come, the last one for all that follow. It keeps what was asked.
 */
#ifndef TESTS_UNIT_TRANSFERS_S3_SCRIPT_H
#define TESTS_UNIT_TRANSFERS_S3_SCRIPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/unit/net/http_server.h"

#define S3_SCRIPT_MAX 16

struct s3_reply {
	int status; /* 0: reset the connection; -1: keep silent until the client gives up */
	const char *headers; /* NULL, or lines that each end in \r\n */
	const char *body;    /* NULL: "" */
	long announce; /* Content-Length to claim instead of the true one; 0: the true one; what is
			* missing is never sent */
};

struct s3_asked {
	char method[16];
	char target[2048];
	char head[4096]; /* the beginning of it */
	char body[64];   /* the same */
};

struct s3_script {
	const struct s3_reply *replies;
	size_t n_replies;
	atomic_uint n_asked;
	struct s3_asked asked[S3_SCRIPT_MAX]; /* the first of them */
	struct http_server *server;
	char url[64];
};

/* replies are borrowed. */
void s3_script_start(struct s3_script *s, const struct s3_reply *replies, size_t n);
void s3_script_stop(struct s3_script *s);

/* A header of the nth request, or "" (as long as out is not used again). */
const char *s3_script_header(
    const struct s3_script *s, unsigned nth, const char *name, char *out, size_t n);

#endif
