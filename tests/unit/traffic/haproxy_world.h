/*
 * HAProxy for tests, on sockets in a directory of their own: one or two proxies before servers
 * that are HAProxy's own answers ("http-request return"), in a process of their own, and a client
 * that counts who answered.
 */
#ifndef TESTS_UNIT_TRAFFIC_HAPROXY_WORLD_H
#define TESTS_UNIT_TRAFFIC_HAPROXY_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "src/traffic/router.h"
#include "tests/unit/transfers/scratch.h"

#define WORLD_PROXIES 2u
#define WORLD_SERVERS 8u

struct haproxy_world {
	char dir[SCRATCH_PATH];
	char program[64];
	unsigned n_proxies, n_primary, n_canary;
	const char *backend; /* more lines of the backend; NULL: none */
	const char *global, *defaults;
	const char *server;         /* more words of each server: "check"; NULL: none */
	bool cookies;               /* each server has a cookie of its name */
	const char *canary_address; /* of all canaries, in place of our own */
	int tcp_fd; /* a socket that listens, for the runtime API of proxy 0, too; 0: none */
	pid_t servers, proxies[WORLD_PROXIES];
	/* the plan for them: what it points to */
	char sockets[WORLD_PROXIES][SCRATCH_PATH + 20];
	const char *socket_names[WORLD_PROXIES], *primary[1], *canary[1], *config[1];
	char config_path[SCRATCH_PATH + 20];
	struct mf_router_plan plan;
};

/* The program, or NULL: not installed. */
const char *haproxy_program(char out[64]);
/* Begin with zeros and what is to be otherwise. Aborts the test where that fails. */
void haproxy_world_start(struct haproxy_world *w);
void haproxy_world_stop(struct haproxy_world *w);
void haproxy_world_stop_proxy(struct haproxy_world *w, unsigned i);
void haproxy_world_start_proxy(struct haproxy_world *w, unsigned i);
/* What proxy i says to those commands. */
void haproxy_world_ask(
    const struct haproxy_world *w, unsigned i, const char *commands, char *out, size_t bytes);
/* The server of that name fails its check by HTTP at /health (or passes it again). */
void haproxy_world_server_down(const struct haproxy_world *w, const char *name, bool down);

/* A client of proxy i, that keeps its connection. */
struct haproxy_client {
	const struct haproxy_world *w;
	unsigned proxy;
	int fd;
	char cookie[64];  /* sent, where not "" */
	size_t body_seen; /* bytes of the last answer's body that came with its head */
};
/* One request: the name of the server that answered, or "" for 503. */
const char *haproxy_client_get(struct haproxy_client *c, char out[32]);
void haproxy_client_close(struct haproxy_client *c);
/* n requests over one connection: the canary's percent. */
double haproxy_world_split(const struct haproxy_world *w, unsigned i, unsigned n);

#endif
