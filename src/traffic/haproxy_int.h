/*
 * HAProxy over its runtime API (management guide, "Unix Socket commands"): what its parts share.
 * Whatever an answer says is hostile: bounded, and no name out of it becomes part of a command
 * unless it is one that HAProxy's configuration could have.
 */
#ifndef MF_TRAFFIC_HAPROXY_INT_H
#define MF_TRAFFIC_HAPROXY_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/router.h"
#include "src/traffic/router.h"
#include "src/traffic/shares.h"

#define MF_HAPROXY_NAME_BYTES 128u
#define MF_HAPROXY_SERVERS_MAX 4096u
#define MF_HAPROXY_BACKENDS_MAX MF_ROUTER_OBJECTS_MAX
#define MF_HAPROXY_DEFAULTS_MAX 64u
#define MF_HAPROXY_PEERS_MAX 64u
#define MF_HAPROXY_COLUMNS_MAX 256u
#define MF_HAPROXY_ANSWER_BYTES ((size_t)8 << 20)
/* The commands of one request; all of it must fit in tune.bufsize, which is 16 KiB unless somebody
 * made it smaller, with the questions after them. */
#define MF_HAPROXY_REQUEST_BYTES ((size_t)8 << 10)

enum mf_haproxy_side { MF_HAPROXY_NEITHER, MF_HAPROXY_PRIMARY, MF_HAPROXY_CANARY };

struct mf_haproxy_server {
	char backend[MF_HAPROXY_NAME_BYTES], name[MF_HAPROXY_NAME_BYTES];
	enum mf_haproxy_side side;
	enum mf_server_state state;
	bool forced;                 /* into maintenance, by a command or the configuration */
	unsigned weight, configured; /* 0 to 256 */
	/* of show stat */
	bool backup;
	bool agent; /* an agent check, which may change its weight */
	uint64_t sessions;
};

struct mf_haproxy_backend {
	char name[MF_HAPROXY_NAME_BYTES];
	char algorithm[32]; /* "roundrobin"; "" unless the socket's level shows it */
	bool cookie;        /* it keeps clients with servers by a cookie */
};

/* What the answers of one proxy said. */
struct mf_haproxy_table {
	struct mf_haproxy_server *servers;
	size_t n, capacity;
	struct mf_haproxy_backend backends[MF_HAPROXY_BACKENDS_MAX];
	size_t n_backends;
	/* The first line that belongs to no table: HAProxy's way to say that something is wrong. */
	char complaint[160];
};

void mf_haproxy_table_fini(struct mf_haproxy_table *t);
/* Read "show servers state" and "show stat", in this order, one or more of each, between blank
 * lines and what "set server" says; replaces what t holds. Columns are found by their names.
 * MF_EDAMAGED: no such tables. */
int mf_haproxy_table_read(
    struct mf_haproxy_table *t, const void *bytes, size_t n, struct mf_error *e);
/* Could it be the name of a backend or server, and stand in a command? */
bool mf_haproxy_is_name(const char *name);

/* A proxy. One conversation at a time. */
enum mf_haproxy_phase {
	MF_HAPROXY_IDLE,
	MF_HAPROXY_CONNECT,
	MF_HAPROXY_SEND,
	MF_HAPROXY_LISTEN,
	MF_HAPROXY_ANSWERED,
	MF_HAPROXY_FAILED,
};

struct mf_haproxy_peer {
	const char *name; /* as the plan has it, borrowed */
	struct sockaddr_storage address;
	socklen_t address_bytes; /* 0: its host's name is not known (any more) */
	int fd;
	enum mf_haproxy_phase phase;
	struct mf_buf request, answer;
	size_t sent;
	struct mf_error error; /* of MF_HAPROXY_FAILED */
};

/* "unix:PATH" or "tcp:HOST:PORT". MF_EUSAGE. */
int mf_haproxy_peer_init(struct mf_haproxy_peer *p, const char *name, struct mf_error *e);
void mf_haproxy_peer_fini(struct mf_haproxy_peer *p);
/* Look a host's name up where that is needed: blocks as the system's resolver does. */
int mf_haproxy_peer_resolve(struct mf_haproxy_peer *p, struct mf_error *e);
/* Begin to ask what p->request holds; to be called before or within a conversation. */
void mf_haproxy_peer_ask(struct mf_haproxy_peer *p);

/* Called when a peer has answered or failed; it may ask again. */
typedef void mf_haproxy_answered(struct mf_haproxy_peer *p, void *arg);
/* Until none has a question open; all at the same time, each at its own pace. What is open at
 * the deadline, or once interrupted, has failed. */
void mf_haproxy_converse(struct mf_haproxy_peer *const *peers, size_t n,
    const struct mf_router_params *params, uint64_t deadline_us, mf_haproxy_answered *answered,
    void *arg);

/* Which server belongs where; sides are filled in. MF_EUSAGE: to both. */
int mf_haproxy_take_sides(
    struct mf_haproxy_table *t, const struct mf_router_plan *plan, struct mf_error *e);
bool mf_haproxy_matches(const char *pattern, const struct mf_haproxy_server *s);
/* The backends of a plan's patterns, each once. MF_EUSAGE. */
struct mf_haproxy_names {
	char names[MF_HAPROXY_BACKENDS_MAX][MF_HAPROXY_NAME_BYTES];
	size_t n;
};
int mf_haproxy_backends_of(
    const struct mf_router_plan *plan, struct mf_haproxy_names *out, struct mf_error *e);
/* The question for all of them, at the end of b. */
void mf_haproxy_put_read(struct mf_buf *b, const struct mf_haproxy_names *backends);

/* What a server is to become. */
struct mf_haproxy_target {
	unsigned weight;
	bool ready; /* out of maintenance */
	bool maint; /* into it */
};
/* targets has t->n places. A side that drain took out of service comes back for a canary with
 * more than 0. As mf_shares_weigh. */
int mf_haproxy_aim(const struct mf_haproxy_table *t, unsigned canary,
    struct mf_haproxy_target *targets, struct mf_error *e);
/* The weights, and maintenance, of an earlier table. */
void mf_haproxy_aim_back(const struct mf_haproxy_table *t, const struct mf_haproxy_table *before,
    struct mf_haproxy_target *targets);
/* Do all servers of the sides have the weights that they have there? */
bool mf_haproxy_same_weights(const struct mf_haproxy_table *t, const struct mf_haproxy_table *as);
/* Commands for what differs, as many as fit in a request: first what is raised, so that no
 * moment has no server. How many; 0: all is as it should be. */
size_t mf_haproxy_put_changes(
    struct mf_buf *b, const struct mf_haproxy_table *t, const struct mf_haproxy_target *targets);
/* The canary's share in percent, the largest or the smallest of all backends; negative: nobody
 * takes traffic. */
double mf_haproxy_share(const struct mf_haproxy_table *t, bool largest);
/* The same where every server took its weight, whatever its state. */
double mf_haproxy_share_of_all(const struct mf_haproxy_table *t);
struct mf_share_count mf_haproxy_count(const struct mf_haproxy_table *t);
/* As canary_distinct of mf_router_seen. */
unsigned mf_haproxy_distinct_canaries(const struct mf_haproxy_table *t);
uint64_t mf_haproxy_canary_sessions(const struct mf_haproxy_table *t);
/* Is the canary as drain leaves it: all in forced maintenance, with weight 0? */
bool mf_haproxy_is_drained(const struct mf_haproxy_table *t);

/* What a configuration says of one backend. */
struct mf_haproxy_facts {
	bool found;
	bool redispatch;
	bool sticky;     /* cookie, stick, persist: clients are kept with servers */
	bool load_state; /* weights come back from a file of states */
	bool conditions; /* .if and the like: what holds is not known */
};
/* Add what one file says; files in the order in which HAProxy reads them. The state lives in
 * *reader, zero at first. */
struct mf_haproxy_section {
	char name[MF_HAPROXY_NAME_BYTES];
	bool redispatch, sticky, load_state;
};
struct mf_haproxy_config {
	struct mf_haproxy_section defaults[MF_HAPROXY_DEFAULTS_MAX];
	size_t n_defaults;
	struct mf_haproxy_section now;
	bool in_defaults, in_backend, in_global, state_file;
	struct mf_haproxy_facts facts;
};
void mf_haproxy_config_read(
    struct mf_haproxy_config *c, const char *backend, const void *bytes, size_t n);
/* After the last file. */
struct mf_haproxy_facts mf_haproxy_config_facts(struct mf_haproxy_config *c);

struct mf_haproxy_instance {
	struct mf_haproxy_peer peer; /* first: callbacks get it */
	struct mf_haproxy_table now, before, wrote;
	bool read;  /* in this call */
	bool knows; /* `wrote` is what set made of `canary` percent */
	unsigned canary;
	bool waits;   /* to be raised */
	bool guessed; /* it was told what fits the last reading, and has not answered yet */
	unsigned passes;
	struct mf_haproxy_target *targets;
};

struct mf_haproxy {
	struct mf_router router;
	const struct mf_router_plan *plan;
	struct mf_router_params params;
	struct mf_haproxy_names backends;
	struct mf_haproxy_instance *instances;
	struct mf_haproxy_peer **peers; /* of them, as conversations take them */
	size_t n;
	char reload[64]; /* what check found out: "weights do not survive a reload" */
};

uint64_t mf_haproxy_deadline_us(const struct mf_haproxy *h);
/* Take what the peer answered into `now`, with sides. -1 for what is no table, or a complaint. */
int mf_haproxy_take_answer(
    const struct mf_haproxy *h, struct mf_haproxy_instance *x, struct mf_error *e);
/* What HAProxy says where it does not do a thing, as an error. Returns -1. */
int mf_haproxy_complain(
    const struct mf_haproxy_instance *x, const char *complaint, struct mf_error *e);
/* Read all proxies; each one's `read` says whether it answered. How many did; where some did not,
 * *e is the first one's error. */
size_t mf_haproxy_read_all(struct mf_haproxy *h, struct mf_error *e);
/* Look up anew where the hosts are that could not be reached. */
void mf_haproxy_resolve_all(struct mf_haproxy *h);
int mf_haproxy_table_copy(
    struct mf_haproxy_table *to, const struct mf_haproxy_table *from, struct mf_error *e);

/* The operations that have a file of their own. */
int mf_haproxy_check(struct mf_router *r, struct mf_router_can *can, struct mf_error *e);
int mf_haproxy_set(struct mf_router *r, unsigned primary, unsigned canary, bool mirror,
    const char *token, struct mf_error *e);
int mf_haproxy_drain(struct mf_router *r, uint64_t *left, struct mf_error *e);
int mf_haproxy_permanent(struct mf_router *r, struct mf_buf *b, struct mf_error *e);
/* Read the plan's configuration files. *known: there are some, and they say it. */
int mf_haproxy_read_config(const struct mf_haproxy *h, const char *backend,
    struct mf_haproxy_facts *out, bool *known, struct mf_error *e);

#endif
