/*
 * A model of HAProxy's runtime API on a unix socket, that answers as badly as a test wants. One
 * backend, llm, of two primaries and a canary: p1, p2, c1.
 */
#ifndef TESTS_UNIT_TRAFFIC_FAKE_HAPROXY_H
#define TESTS_UNIT_TRAFFIC_FAKE_HAPROXY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define FAKE_SERVERS 3u
#define FAKE_HELD 64u

enum fake_mode {
	FAKE_GOOD,
	FAKE_HANGS,      /* takes connections, and says nothing */
	FAKE_HANGS_SET,  /* the same where weights are set, after it set them */
	FAKE_CLOSES_SET, /* closes the connection there, having done nothing */
	FAKE_REFUSES,    /* "Permission denied" to what changes anything */
	FAKE_FORGETS,    /* says yes, and does not */
	FAKE_SAYS,       /* `say`, whatever is asked */
	FAKE_ENDLESS,    /* and never stops */
	FAKE_LOSES,      /* c1 goes down as soon as it is given weight */
	FAKE_MODES
};

struct fake_server {
	const char *name;
	int op, admin;
	unsigned weight, configured, sessions;
};

struct fake_haproxy {
	char path[200], name[220]; /* "unix:PATH" */
	pthread_mutex_t lock;      /* guards what follows */
	enum fake_mode mode;
	const char *say;
	size_t say_bytes;
	struct fake_server servers[FAKE_SERVERS];
	unsigned n_sets, n_connections;
	bool stopping;
	int fd, held[FAKE_HELD];
	unsigned n_held;
	pthread_t thread;
};

void fake_haproxy_start(struct fake_haproxy *f, const char *dir, const char *name);
void fake_haproxy_stop(struct fake_haproxy *f);
void fake_haproxy_mode(struct fake_haproxy *f, enum fake_mode mode);
/* The canary's percent by the weights. */
double fake_haproxy_share(struct fake_haproxy *f);

#endif
