/* Preflight: would weights be obeyed, and does a rollback move everybody? And the lines that make
 * weights permanent. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/traffic/haproxy_int.h"

#define CONFIG_BYTES ((size_t)16 << 20)
#define QUESTION "show cli level;show table\n"

/* What is known of a proxy beside its servers. */
struct finding {
	bool admin;
	bool table[MF_HAPROXY_BACKENDS_MAX]; /* the backend has a table that clients may stick by */
};

int
mf_haproxy_read_config(const struct mf_haproxy *h, const char *backend,
    struct mf_haproxy_facts *out, bool *known, struct mf_error *e)
{
	struct mf_haproxy_config *c;
	struct mf_buf text = MF_BUF_INIT;
	int rc = 0;
	size_t i;

	*known = false;
	if (h->plan->n_config == 0)
		return 0;
	if ((c = calloc(1, sizeof *c)) == NULL)
		return mf_error_nomem(e, "a configuration");
	for (i = 0; rc == 0 && i < h->plan->n_config; i++) {
		mf_buf_clear(&text);
		rc = mf_fs_read_file(AT_FDCWD, h->plan->config[i], CONFIG_BYTES, &text, e);
		if (rc == 0)
			mf_haproxy_config_read(c, backend, text.data, text.len);
	}
	*out = mf_haproxy_config_facts(c);
	*known = rc == 0 && !out->conditions;
	free(c);
	mf_buf_fini(&text);
	if (rc == 0 && !out->found && !out->conditions)
		return mf_error_set(
		    e, MF_EUSAGE, "%s has no backend %s", h->plan->config[0], backend);
	return rc;
}

static bool
begins(const char *at, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(at, with, strlen(with)) == 0;
}

/* The answer to QUESTION. */
static struct finding
find_out(const struct mf_haproxy *h, const struct mf_buf *answer)
{
	const char *at = (const char *)answer->data, *const end = at + answer->len, *stop;
	struct finding f = {0};
	char head[MF_HAPROXY_NAME_BYTES + 16];
	size_t i, n;

	for (; at < end; at = stop + 1) {
		if ((stop = memchr(at, '\n', (size_t)(end - at))) == NULL)
			break;
		n = (size_t)(stop - at);
		if (n == 5 && begins(at, n, "admin"))
			f.admin = true;
		for (i = 0; i < h->backends.n; i++) {
			(void)snprintf(head, sizeof head, "# table: %s,", h->backends.names[i]);
			f.table[i] |= begins(at, n, head);
		}
	}
	return f;
}

/* Round robin and random follow weights; least connections follows them by what is open, which
 * is as good where answers take alike long. The others map what they see in requests to servers,
 * or take the first. */
static int
check_algorithm(const char *socket, const struct mf_haproxy_backend *b, struct mf_error *e)
{
	static const char *const good[] = {"roundrobin", "random", "leastconn"};
	size_t i;

	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		if (strcmp(b->algorithm, good[i]) == 0)
			return 0;
	mf_error_set(e, MF_EUNSUPPORTED,
	    "%s: backend %s balances by %s, which does not share by "
	    "weights",
	    socket, b->name, b->algorithm[0] != '\0' ? b->algorithm : "what is not told");
	return mf_error_hint(e, "configure \"balance roundrobin\"");
}

static const struct mf_haproxy_backend *
find_backend(const struct mf_haproxy_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n_backends; i++)
		if (strcmp(t->backends[i].name, name) == 0)
			return &t->backends[i];
	return NULL;
}

static bool
is_there(const struct mf_haproxy_table *t, const char *pattern)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (mf_haproxy_matches(pattern, &t->servers[i]))
			return true;
	return false;
}

/* Those of one backend, for people. */
static void
list_servers(const struct mf_haproxy_table *t, const char *backend, char out[256])
{
	size_t i, at = 0;

	out[0] = '\0';
	for (i = 0; i < t->n && at < 256; i++)
		if (strcmp(t->servers[i].backend, backend) == 0)
			at += (size_t)snprintf(
			    out + at, 256 - at, "%s%s", at == 0 ? "" : ", ", t->servers[i].name);
}

/* Each server that is named in full is there; more may come to match a PREFIX*. */
static int
check_names(const struct mf_haproxy_instance *x, const char *backend, const char *side,
    const char *const *patterns, size_t n, struct mf_error *e)
{
	const size_t bytes = strlen(backend);
	char there[256];
	size_t i;

	for (i = 0; i < n; i++) {
		if (strncmp(patterns[i], backend, bytes) != 0 || patterns[i][bytes] != '/' ||
		    strchr(patterns[i], '*') != NULL || is_there(&x->now, patterns[i]))
			continue;
		list_servers(&x->now, backend, there);
		(void)mf_error_set(e, MF_EUSAGE,
		    "%s: backend %s has no server %s, which the router's %s names", x->peer.name,
		    backend, patterns[i] + bytes + 1, side);
		return mf_error_hint(e, "its servers are %s", there);
	}
	return 0;
}

/* Both sides are there, and nobody else takes traffic. */
static int
check_servers(const struct mf_haproxy_instance *x, const char *backend, struct mf_error *e)
{
	const char *const socket = x->peer.name;
	size_t i, sides[3] = {0};

	for (i = 0; i < x->now.n; i++) {
		const struct mf_haproxy_server *s = &x->now.servers[i];

		if (strcmp(s->backend, backend) != 0)
			continue;
		sides[s->side]++;
		if (s->side != MF_HAPROXY_NEITHER && s->backup)
			return mf_error_set(e, MF_EUNSUPPORTED,
			    "%s: server %s/%s is a backup, whose weight counts only when all "
			    "others "
			    "are gone",
			    socket, backend, s->name);
		if (s->side == MF_HAPROXY_NEITHER && !s->backup && s->weight > 0 &&
		    s->state == MF_SERVER_UP) {
			mf_error_set(e, MF_EUSAGE,
			    "%s: server %s/%s takes traffic and belongs to "
			    "neither side",
			    socket, backend, s->name);
			return mf_error_hint(
			    e, "name it with primary or canary, or give it weight 0");
		}
	}
	if (sides[MF_HAPROXY_PRIMARY] == 0 || sides[MF_HAPROXY_CANARY] == 0)
		return mf_error_set(e, MF_EUSAGE, "%s: backend %s has no server of the %s",
		    socket, backend, sides[MF_HAPROXY_PRIMARY] == 0 ? "primary" : "canary");
	return 0;
}

/* Clients that are kept with a server: does the way back take them along? */
static int
check_persistence(const struct mf_haproxy *h, const char *socket, const char *backend, bool sticky,
    struct mf_error *e)
{
	struct mf_haproxy_facts facts = {0};
	bool known;

	if (mf_haproxy_read_config(h, backend, &facts, &known, e) != 0)
		return -1;
	if (known)
		sticky = facts.sticky; /* a table may count and keep nobody */
	if (!sticky || (known ? facts.redispatch : h->plan->redispatch))
		return 0;
	if (known) {
		mf_error_set(e, MF_EUNSUPPORTED,
		    "backend %s keeps clients with servers and has no "
		    "\"option redispatch\": nothing would take them off the canary",
		    backend);
		return mf_error_hint(e, "configure \"option redispatch\"");
	}
	mf_error_set(e, MF_EUNSUPPORTED,
	    "%s: backend %s may keep clients with servers, and whether "
	    "it has \"option redispatch\" is not known",
	    socket, backend);
	return mf_error_hint(e,
	    "give the router config: with HAProxy's configuration files, or say "
	    "redispatch: true if it has");
}

static int
check_instance(const struct mf_haproxy *h, const struct mf_haproxy_instance *x,
    const struct finding *f, struct mf_error *e)
{
	const struct mf_haproxy_backend *b;
	size_t i;

	if (!f->admin) {
		mf_error_set(e, MF_EPERM, "%s does not let us change weights", x->peer.name);
		return mf_error_hint(
		    e, "the socket needs \"level admin\" in HAProxy's configuration");
	}
	for (i = 0; i < h->backends.n; i++) {
		const char *const name = h->backends.names[i];

		if ((b = find_backend(&x->now, name)) == NULL)
			return mf_error_set(
			    e, MF_EUSAGE, "%s: there is no backend %s", x->peer.name, name);
		if (check_names(x, name, "primary", h->plan->primary, h->plan->n_primary, e) != 0 ||
		    check_names(x, name, "canary", h->plan->canary, h->plan->n_canary, e) != 0 ||
		    check_servers(x, name, e) != 0 || check_algorithm(x->peer.name, b, e) != 0 ||
		    check_persistence(h, x->peer.name, name, b->cookie || f->table[i], e) != 0)
			return -1;
	}
	return 0;
}

/* For the notes of get, from now on. */
static int
note_reload(struct mf_haproxy *h, struct mf_error *e)
{
	struct mf_haproxy_facts facts = {0};
	bool known = false, all = true;
	size_t i;

	for (i = 0; i < h->backends.n; i++) {
		if (mf_haproxy_read_config(h, h->backends.names[i], &facts, &known, e) != 0)
			return -1;
		all &= facts.load_state;
	}
	(void)snprintf(h->reload, sizeof h->reload, "%s",
	    !known ? "whether weights survive a reload is not known"
	    : all  ? "weights survive a reload that saves the state first"
		   : "weights do not survive a reload");
	return 0;
}

int
mf_haproxy_check(struct mf_router *r, struct mf_router_can *can, struct mf_error *e)
{
	struct mf_haproxy *h = (struct mf_haproxy *)r;
	struct mf_error missing = {0};
	struct finding f;
	size_t i;

	*can = (struct mf_router_can){.sessions = true, .capacity = true};
	if (mf_haproxy_read_all(h, &missing) < h->n) {
		if (e != NULL)
			*e = missing;
		return -1;
	}
	for (i = 0; i < h->n; i++) {
		mf_buf_clear(&h->peers[i]->request);
		mf_buf_put(&h->peers[i]->request, QUESTION, strlen(QUESTION));
		mf_haproxy_peer_ask(h->peers[i]);
	}
	mf_haproxy_converse(h->peers, h->n, &h->params, mf_haproxy_deadline_us(h), NULL, NULL);
	for (i = 0; i < h->n; i++) {
		if (h->peers[i]->phase != MF_HAPROXY_ANSWERED) {
			if (e != NULL)
				*e = h->peers[i]->error;
			return -1;
		}
		f = find_out(h, &h->peers[i]->answer);
		if (check_instance(h, &h->instances[i], &f, e) != 0)
			return -1;
	}
	return note_reload(h, e);
}

int
mf_haproxy_permanent(struct mf_router *r, struct mf_buf *b, struct mf_error *e)
{
	struct mf_haproxy *h = (struct mf_haproxy *)r;
	struct mf_error missing = {0};
	const struct mf_haproxy_table *t = NULL;
	const char *backend = "";
	size_t i;

	(void)mf_haproxy_read_all(h, &missing);
	for (i = h->n; i > 0; i--)
		if (h->instances[i - 1].read)
			t = &h->instances[i - 1].now;
	if (t == NULL) {
		if (e != NULL)
			*e = missing;
		return -1;
	}
	for (i = 0; i < t->n; i++) {
		const struct mf_haproxy_server *s = &t->servers[i];

		if (s->side == MF_HAPROXY_NEITHER)
			continue;
		if (strcmp(backend, s->backend) != 0)
			mf_buf_printf(b, "backend %s\n", s->backend);
		backend = s->backend;
		mf_buf_printf(b, "    server %s ... weight %u%s\n", s->name, s->weight,
		    s->forced ? " disabled" : "");
	}
	return b->failed ? mf_error_nomem(e, "lines of a configuration") : 0;
}
