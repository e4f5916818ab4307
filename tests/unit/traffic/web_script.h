/* A server that answers by a script and remembers what it was asked; a dialer whose waits are
 * counted and take no time. */
#ifndef TESTS_UNIT_TRAFFIC_WEB_SCRIPT_H
#define TESTS_UNIT_TRAFFIC_WEB_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "src/traffic/dial.h"
#include "tests/unit/net/http_server.h"

#define WEB_REQUESTS 64u

struct web_request {
	char method[16];
	char target[512];
	char authorization[200], content_type[100], referer[100], custom[100];
	char body[2048];
};

/*
 * script: one answer a request, parted by '|'; the last one repeats. An answer is a status and
 * perhaps headers and a body, parted by '~': "307~Location: /next", "200~~{\"a\":1}". "reset" and
 * "hang" are none. "$" stands for the origin of `other`, or else of the server itself.
 */
struct web_script {
	struct http_server *server;
	const char *script;
	const char *other;
	/* In place of the script: fill status and text. */
	void (*answer)(
	    struct web_script *w, const struct web_request *q, int *status, char *text, size_t n);
	void *arg;
	pthread_mutex_t lock; /* guards the two below */
	struct web_request seen[WEB_REQUESTS];
	unsigned n_seen;
	char origin[64]; /* "http://127.0.0.1:4711" */
};

void web_start(struct web_script *w, const char *script);
void web_start_tls(struct web_script *w, const char *script, const char *cert, const char *key);
void web_stop(struct web_script *w);
/* What was seen up to now may be read: the server's threads wrote it. */
void web_settle(struct web_script *w);
/* "POST GET": of all requests so far. */
const char *web_methods(struct web_script *w, char *out, size_t n);

/* A dialer's surroundings. */
struct web_clock {
	uint64_t waited_us[32];
	unsigned n_waits;
	unsigned cancel_at; /* the wait (from 1) that is given up; 0: none */
	bool interrupted;
};
struct mf_dialer *web_dialer(struct web_clock *clock, const char *ca_file);

/* A file in a directory of its own below TMPDIR, with that content; path into out. */
void web_secret_file(char out[128], const char *content);
void web_remove_file(const char *path);

#endif
