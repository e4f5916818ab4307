/*
 * Taking the canary out after its weight became 0. Neither weight 0 nor HAProxy's drain ends
 * persistence: clients with a cookie stay. Only maintenance moves them, with redispatch; so that
 * comes after a wait for the sessions that are open, and ends with what is still open where the
 * plan says so.
 */
#include <poll.h>
#include <string.h>

#include "src/traffic/haproxy_int.h"

#define LOOK_MS 100
#define CUT_US 2000000u /* until sessions that were shut down are gone */

static uint64_t
now_us(const struct mf_haproxy *h)
{
	return h->params.now_us(h->params.arg);
}

static bool
is_interrupted(const struct mf_haproxy *h)
{
	return h->params.interrupted != NULL && h->params.interrupted(h->params.arg);
}

static uint64_t
count_sessions(const struct mf_haproxy *h)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->instances[i].read)
			sum += mf_haproxy_canary_sessions(&h->instances[i].now);
	return sum;
}

/* Read again and again until no session is open, or until then. How many proxies answered. */
static size_t
wait_for_none(struct mf_haproxy *h, uint64_t until_us, uint64_t *left, struct mf_error *e)
{
	size_t n;

	for (;;) {
		n = mf_haproxy_read_all(h, e);
		*left = count_sessions(h);
		if (n == 0 || *left == 0 || now_us(h) >= until_us || is_interrupted(h))
			return n;
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static int
refuse_weights(const struct mf_haproxy *h, struct mf_error *e)
{
	const struct mf_haproxy_server *s;
	size_t i, j;

	for (i = 0; i < h->n; i++) {
		if (!h->instances[i].read)
			continue;
		for (j = 0; j < h->instances[i].now.n; j++) {
			s = &h->instances[i].now.servers[j];
			if (s->side == MF_HAPROXY_CANARY && s->weight > 0)
				return mf_error_set(e, MF_ECONFLICT,
				    "%s: %s/%s has weight %u, and cannot be drained",
				    h->instances[i].peer.name, s->backend, s->name, s->weight);
		}
	}
	return 0;
}

enum act { MAINTAIN, CUT };

/* The commands for one proxy. How many; those past a request's size are for the next time. */
static size_t
put_acts(struct mf_buf *b, const struct mf_haproxy_table *t, enum act act)
{
	const struct mf_haproxy_server *s;
	size_t i, n = 0;

	mf_buf_clear(b);
	for (i = 0; i < t->n && b->len < MF_HAPROXY_REQUEST_BYTES; i++) {
		s = &t->servers[i];
		if (s->side != MF_HAPROXY_CANARY)
			continue;
		if (act == MAINTAIN && !s->forced) {
			mf_buf_printf(b, "set server %s/%s state maint;", s->backend, s->name);
			n++;
		} else if (act == CUT && s->sessions > 0) {
			mf_buf_printf(b, "shutdown sessions server %s/%s;", s->backend, s->name);
			n++;
		}
	}
	return n;
}

static void
take(struct mf_haproxy_peer *p, void *arg)
{
	struct mf_haproxy_instance *x = (struct mf_haproxy_instance *)p;

	if (p->phase == MF_HAPROXY_FAILED || mf_haproxy_take_answer(arg, x, &p->error) != 0) {
		p->phase = MF_HAPROXY_FAILED;
		x->read = false;
	}
}

/* Do it on all that answered before; those that fail are no longer `read`. true: there was
 * something to do. */
static bool
act_on_all(struct mf_haproxy *h, enum act act)
{
	struct mf_haproxy_instance *x;
	bool any = false;
	size_t i;

	for (i = 0; i < h->n; i++) {
		x = &h->instances[i];
		x->peer.phase = MF_HAPROXY_IDLE;
		if (!x->read || put_acts(&x->peer.request, &x->now, act) == 0)
			continue;
		mf_haproxy_put_read(&x->peer.request, &h->backends);
		mf_haproxy_peer_ask(&x->peer);
		any = true;
	}
	mf_haproxy_converse(h->peers, h->n, &h->params, mf_haproxy_deadline_us(h), take, h);
	return any;
}

/* Those that are not `read` did not get it done. */
static int
name_missing(const struct mf_haproxy *h, const struct mf_error *unread, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (h->instances[i].read)
			continue;
		if (e != NULL)
			*e = h->instances[i].peer.error.code != MF_OK ? h->instances[i].peer.error
								      : *unread;
		return mf_error_while(e, "taking the canary out of service");
	}
	return 0;
}

int
mf_haproxy_drain(struct mf_router *r, uint64_t *left, struct mf_error *e)
{
	struct mf_haproxy *h = (struct mf_haproxy *)r;
	const uint64_t timeout_us =
	    h->plan->drain_timeout_us != 0 ? h->plan->drain_timeout_us : MF_ROUTER_DRAIN_US;
	struct mf_error unread = {0};
	unsigned tries;

	if (wait_for_none(h, now_us(h) + timeout_us, left, &unread) == 0) {
		if (e != NULL)
			*e = unread;
		return -1;
	}
	if (refuse_weights(h, e) != 0)
		return -1;
	for (tries = 0; tries < MF_HAPROXY_SERVERS_MAX / 64 && act_on_all(h, MAINTAIN); tries++)
		continue;
	if (h->plan->cut_streams && *left > 0 && act_on_all(h, CUT))
		(void)wait_for_none(h, now_us(h) + CUT_US, left, &unread);
	*left = count_sessions(h);
	return name_missing(h, &unread, e);
}
