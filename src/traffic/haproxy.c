/* Opening, reading and closing; the other operations have files of their own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/traffic/haproxy_int.h"
#include "src/traffic/router_int.h"

uint64_t
mf_haproxy_deadline_us(const struct mf_haproxy *h)
{
	return mf_router_deadline_us(h->plan, &h->params);
}

int
mf_haproxy_table_copy(
    struct mf_haproxy_table *to, const struct mf_haproxy_table *from, struct mf_error *e)
{
	struct mf_haproxy_server *servers = NULL;

	if (from->n > 0) {
		if ((servers = malloc(from->n * sizeof *servers)) == NULL)
			return mf_error_nomem(e, "a proxy's servers");
		memcpy(servers, from->servers, from->n * sizeof *servers);
	}
	free(to->servers);
	*to = *from;
	to->servers = servers;
	to->capacity = from->n;
	return 0;
}

static bool
has_servers(const struct mf_haproxy_table *t, const char *backend)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->servers[i].backend, backend) == 0)
			return true;
	return false;
}

/* It lacks a backend, and does not say which: one of the plan's of which it told no server. */
static int
lacks_backend(const struct mf_haproxy *h, const struct mf_haproxy_instance *x, struct mf_error *e)
{
	size_t i;

	for (i = 0; i + 1 < h->backends.n && has_servers(&x->now, h->backends.names[i]); i++)
		;
	(void)mf_error_set(
	    e, MF_EUSAGE, "%s: HAProxy has no backend %s", x->peer.name, h->backends.names[i]);
	return mf_error_hint(e,
	    "the router's primary and canary name servers as BACKEND/SERVER; `show servers state` "
	    "at the socket lists those that there are");
}

int
mf_haproxy_complain(const struct mf_haproxy_instance *x, const char *complaint, struct mf_error *e)
{
	enum mf_code code = MF_EFAIL;

	if (strstr(complaint, "Permission denied") != NULL)
		code = MF_EPERM;
	else if (strstr(complaint, "find backend") != NULL || strstr(complaint, "No such") != NULL)
		code = MF_EUSAGE;
	else if (strstr(complaint, "static LB") != NULL)
		code = MF_EUNSUPPORTED;
	mf_error_set(e, code, "%s says: %s", x->peer.name, complaint);
	if (code == MF_EPERM)
		mf_error_hint(e, "the socket needs \"level admin\" in HAProxy's configuration");
	else if (code == MF_EUNSUPPORTED)
		mf_error_hint(e, "configure \"balance roundrobin\", whose weights can change");
	return -1;
}

int
mf_haproxy_take_answer(
    const struct mf_haproxy *h, struct mf_haproxy_instance *x, struct mf_error *e)
{
	const struct mf_buf *answer = &x->peer.answer;

	if (mf_haproxy_table_read(&x->now, answer->data, answer->len, e) != 0)
		return mf_error_while(e, "reading what %s answers", x->peer.name);
	if (strstr(x->now.complaint, "find backend") != NULL)
		return lacks_backend(h, x, e);
	if (x->now.complaint[0] != '\0')
		return mf_haproxy_complain(x, x->now.complaint, e);
	return mf_haproxy_take_sides(&x->now, h->plan, e);
}

void
mf_haproxy_resolve_all(struct mf_haproxy *h)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		(void)mf_haproxy_peer_resolve(&h->instances[i].peer, NULL);
}

size_t
mf_haproxy_read_all(struct mf_haproxy *h, struct mf_error *e)
{
	struct mf_haproxy_instance *x;
	size_t i, n = 0;

	for (i = 0; i < h->n; i++) {
		mf_buf_clear(&h->peers[i]->request);
		mf_haproxy_put_read(&h->peers[i]->request, &h->backends);
		mf_haproxy_peer_ask(h->peers[i]);
	}
	mf_haproxy_converse(h->peers, h->n, &h->params, mf_haproxy_deadline_us(h), NULL, NULL);
	for (i = 0; i < h->n; i++) {
		x = &h->instances[i];
		x->read = x->peer.phase == MF_HAPROXY_ANSWERED &&
			  mf_haproxy_take_answer(h, x, &x->peer.error) == 0;
		n += x->read;
	}
	for (i = h->n; e != NULL && i > 0; i--)
		if (!h->instances[i - 1].read)
			*e = h->instances[i - 1].peer.error;
	mf_haproxy_resolve_all(h);
	return n;
}

/* What somebody wants who set these weights: we know, where they are ours. Else it is what they
 * make of the traffic; a little is never none, and most never all. */
static unsigned
wanted(const struct mf_haproxy_instance *x, double share)
{
	if (x->knows && mf_haproxy_same_weights(&x->now, &x->wrote))
		return x->canary;
	if (share <= 0)
		return 0;
	if (share >= 100)
		return 100;
	if (share < 1)
		return 1;
	return share > 99 ? 99 : (unsigned)lround(share);
}

static unsigned
canary_of(const struct mf_haproxy_instance *x)
{
	double share = mf_haproxy_share(&x->now, true);

	if (share <= 0 || share >= 100) /* a side that is down was not lowered by anybody */
		share = mf_haproxy_share_of_all(&x->now);
	return wanted(x, share);
}

static void
look(const struct mf_haproxy_instance *x, bool first, struct mf_router_seen *out)
{
	const struct mf_share_count c = mf_haproxy_count(&x->now);
	const unsigned canary = canary_of(x);
	double share = mf_haproxy_share(&x->now, true);

	if (share < 0) /* nobody takes traffic */
		share = mf_haproxy_share_of_all(&x->now);
	share = share < 0 ? 0 : share;
	if (first || share > out->canary_share)
		out->canary_share = share;
	if (first || canary > out->canary)
		out->canary = canary;
	if (first || c.primary_up < out->primary_up)
		out->primary_up = c.primary_up;
	if (first || c.canary_up < out->canary_up)
		out->canary_up = c.canary_up;
	if (first || c.primary > out->primary_servers)
		out->primary_servers = c.primary;
	if (first || c.canary > out->canary_servers)
		out->canary_servers = c.canary;
	if (first || c.primary_in_service > out->primary_in_service)
		out->primary_in_service = c.primary_in_service;
	if (first || c.canary_in_service > out->canary_in_service)
		out->canary_in_service = c.canary_in_service;
	if (first || mf_haproxy_distinct_canaries(&x->now) > out->canary_distinct)
		out->canary_distinct = mf_haproxy_distinct_canaries(&x->now);
	out->canary_drained = (first || out->canary_drained) && mf_haproxy_is_drained(&x->now);
	out->canary_sessions += mf_haproxy_canary_sessions(&x->now);
}

/* Why the first of them does not answer, and who else does not. */
static void
note_missing(struct mf_buf *b, const struct mf_haproxy *h, const struct mf_error *missing)
{
	bool first = true;
	size_t i;

	mf_buf_printf(b, " (%s", missing->message);
	for (i = 0; i < h->n; i++) {
		if (h->instances[i].read)
			continue;
		if (!first)
			mf_buf_printf(b, "; also missing %s", h->instances[i].peer.name);
		first = false;
	}
	mf_buf_printf(b, ")");
}

/* For people: who answered, who wants something else, what a reload does. */
static void
note(const struct mf_haproxy *h, size_t n_read, const struct mf_error *missing,
    struct mf_router_seen *out)
{
	struct mf_buf b = MF_BUF_INIT;
	const char *text;
	unsigned wants;
	size_t i;

	mf_buf_printf(&b, "%zu of %zu sockets", n_read, h->n);
	if (n_read < h->n)
		note_missing(&b, h, missing);
	for (i = 0; i < h->n; i++) {
		if (!h->instances[i].read)
			continue;
		wants = canary_of(&h->instances[i]);
		if (wants != out->canary)
			mf_buf_printf(&b, "; %s has %u percent", h->instances[i].peer.name, wants);
	}
	if (out->canary_drained)
		mf_buf_printf(&b, "; the canary is in maintenance");
	if (h->reload[0] != '\0')
		mf_buf_printf(&b, "; %s", h->reload);
	if ((text = mf_buf_cstr(&b)) != NULL)
		(void)snprintf(out->note, sizeof out->note, "%s", text);
	mf_buf_fini(&b);
}

static int
get(struct mf_router *r, struct mf_router_seen *out, struct mf_error *e)
{
	struct mf_haproxy *h = (struct mf_haproxy *)r;
	struct mf_error missing = {0};
	const size_t n = mf_haproxy_read_all(h, &missing);
	unsigned canary, least = 100;
	bool first = true;
	size_t i;

	*out = (struct mf_router_seen){.instances = (unsigned)h->n, .instances_seen = (unsigned)n};
	if (n == 0) {
		if (e != NULL)
			*e = missing;
		return -1;
	}
	for (i = 0; i < h->n; i++) {
		if (!h->instances[i].read)
			continue;
		look(&h->instances[i], first, out);
		canary = canary_of(&h->instances[i]);
		least = canary < least ? canary : least;
		first = false;
	}
	out->canary_spread = out->canary - least;
	out->primary = 100 - out->canary;
	out->primary_share = 100 - out->canary_share;
	note(h, n, &missing, out);
	return 0;
}

static void
close_it(struct mf_router *r)
{
	struct mf_haproxy *h = (struct mf_haproxy *)r;
	size_t i;

	for (i = 0; i < h->n; i++) {
		mf_haproxy_peer_fini(&h->instances[i].peer);
		mf_haproxy_table_fini(&h->instances[i].now);
		mf_haproxy_table_fini(&h->instances[i].before);
		mf_haproxy_table_fini(&h->instances[i].wrote);
		free(h->instances[i].targets);
	}
	free(h->instances);
	free(h->peers);
	free(h);
}

static const struct mf_router_ops ops = {.name = "haproxy",
    .check = mf_haproxy_check,
    .get = get,
    .set = mf_haproxy_set,
    .drain = mf_haproxy_drain,
    .permanent = mf_haproxy_permanent,
    .close = close_it};

static int
check_plan(const struct mf_router_plan *plan, struct mf_error *e)
{
	if (plan->n_sockets == 0 || plan->n_sockets > MF_HAPROXY_PEERS_MAX)
		return mf_error_set(e, MF_EUSAGE, "a haproxy router has 1 to %u sockets, not %zu",
		    MF_HAPROXY_PEERS_MAX, plan->n_sockets);
	if (plan->n_primary == 0 || plan->n_canary == 0)
		return mf_error_set(
		    e, MF_EUSAGE, "a haproxy router needs servers for primary and canary");
	return 0;
}

static int
open_instance(struct mf_haproxy *h, size_t i, struct mf_error *e)
{
	struct mf_haproxy_instance *x = &h->instances[i];
	struct mf_error ignored = {0};
	size_t j;

	for (j = 0; j < i; j++)
		if (strcmp(h->plan->sockets[j], h->plan->sockets[i]) == 0)
			return mf_error_set(
			    e, MF_EUSAGE, "socket %s is named twice", h->plan->sockets[i]);
	if (mf_haproxy_peer_init(&x->peer, h->plan->sockets[i], e) != 0)
		return -1;
	h->peers[i] = &x->peer;
	h->n = i + 1;
	/* a host that is not known now may be later */
	(void)mf_haproxy_peer_resolve(&x->peer, &ignored);
	x->targets = calloc(MF_HAPROXY_SERVERS_MAX, sizeof *x->targets);
	return x->targets != NULL ? 0 : mf_error_nomem(e, "weights");
}

struct mf_router *
mf_router_open_haproxy(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e)
{
	struct mf_haproxy *h;
	int rc = 0;
	size_t i;

	if (check_plan(plan, e) != 0)
		return NULL;
	if ((h = calloc(1, sizeof *h)) == NULL) {
		mf_error_nomem(e, "a router");
		return NULL;
	}
	h->router.ops = &ops;
	h->plan = plan;
	h->params = *params;
	h->instances = calloc(plan->n_sockets, sizeof *h->instances);
	h->peers = calloc(plan->n_sockets, sizeof(struct mf_haproxy_peer *));
	if (h->instances == NULL || h->peers == NULL)
		rc = mf_error_nomem(e, "a router");
	if (rc == 0)
		rc = mf_haproxy_backends_of(plan, &h->backends, e);
	for (i = 0; rc == 0 && i < plan->n_sockets; i++)
		rc = open_instance(h, i, e);
	if (rc == 0)
		return &h->router;
	close_it(&h->router);
	return NULL;
}
