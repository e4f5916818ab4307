/*
 * A web service of the test's own: a script of answers, each with what the request for it must
 * look like. A request that is not the next of the script fails the test.
 */
#ifndef MF_TESTS_S3_FETCH_SCRIPT_H
#define MF_TESTS_S3_FETCH_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "transfers/s3_fetch.h"

struct fetch_step {
	const char *method;
	const char *url;
	const char *header; /* "name: value" that must be there; NULL: no demand */
	const char *body;   /* a piece that must be in it; NULL: no demand */
	bool proxied;       /* a proxy may be asked */
	int http_status;    /* 0: no answer comes */
	const char *answer;
};

struct fetch_script {
	const struct fetch_step *steps;
	size_t n;
	size_t done;
	char last_header[4096]; /* Authorization of the last request, or "" */
};

struct mf_s3_fetch fetch_by_script(struct fetch_script *s);

#endif
