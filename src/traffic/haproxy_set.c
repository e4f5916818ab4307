/*
 * Setting weights on several proxies. Each is read, told and read back at its own pace. Whoever
 * has too much canary is put right as soon as it answers; a canary is raised only when all have
 * answered, and where one then fails the others get back what they had.
 *
 * Where the canary is to get nothing, a proxy is told so before it is read, by what it said last:
 * one whose answers take long would send traffic to a bad canary for so long. That can take weight
 * from nobody but the canary, and what it makes of it is read back as always.
 */
#include <string.h>

#include "src/traffic/haproxy_int.h"
#include "src/traffic/router_int.h"

#define PASSES 6u /* to have it as it should be, beside those that size demands */

enum mode {
	LOWER,   /* read, and put right who has too much canary */
	RAISE,   /* the others, too */
	RESTORE, /* back to `before` */
};

struct setting {
	struct mf_haproxy *h;
	enum mode mode;
	unsigned canary;
};

static bool
would_raise(const struct mf_haproxy_instance *x, unsigned canary)
{
	const double share = mf_haproxy_share(&x->now, false);

	return canary > 0 && (share < 0 || (double)canary > share + 0.001);
}

static void
fail(struct mf_haproxy_instance *x)
{
	x->peer.phase = MF_HAPROXY_FAILED;
}

/* Tell it what differs, if anything does and its turn has come. */
static void
tell(struct setting *s, struct mf_haproxy_instance *x)
{
	struct mf_buf *b = &x->peer.request;
	const unsigned passes = PASSES + (unsigned)(x->now.n / 32);

	mf_buf_clear(b);
	if (mf_haproxy_put_changes(b, &x->now, x->targets) == 0)
		return; /* it was read back, and is right */
	if (s->mode == LOWER && would_raise(x, s->canary)) {
		x->waits = true;
		return;
	}
	if (x->passes++ >= passes) {
		mf_error_set(&x->peer.error, MF_ECONFLICT,
		    "%s: weights do not stay as they are set", x->peer.name);
		mf_error_hint(&x->peer.error,
		    "something else sets them, too: another run, an agent check, a controller");
		fail(x);
		return;
	}
	mf_haproxy_put_read(b, &s->h->backends);
	mf_haproxy_peer_ask(&x->peer);
}

static void
ask(struct setting *s, struct mf_haproxy_instance *x)
{
	mf_haproxy_put_read(&x->peer.request, &s->h->backends);
	mf_haproxy_peer_ask(&x->peer);
}

static void
answered(struct mf_haproxy_peer *p, void *arg)
{
	struct mf_haproxy_instance *x = (struct mf_haproxy_instance *)p;
	struct setting *s = arg;
	bool guessed = x->guessed;

	x->guessed = false;
	if (p->phase == MF_HAPROXY_FAILED)
		return;
	if (mf_haproxy_take_answer(s->h, x, &p->error) != 0) {
		if (guessed) { /* its servers are others by now */
			mf_buf_clear(&p->request);
			ask(s, x);
		} else
			fail(x);
		return;
	}
	if (!x->read && mf_haproxy_table_copy(&x->before, &x->now, &p->error) != 0) {
		fail(x);
		return;
	}
	x->read = true;
	if (s->mode == RESTORE)
		mf_haproxy_aim_back(&x->now, &x->before, x->targets);
	else if (mf_haproxy_aim(&x->now, s->canary, x->targets, &p->error) != 0) {
		mf_error_while(&p->error, "setting weights on %s", p->name);
		fail(x);
		return;
	}
	tell(s, x);
}

static size_t
count_failed(const struct mf_haproxy *h, const struct mf_haproxy_instance **first)
{
	size_t i, n = 0;

	*first = NULL;
	for (i = h->n; i > 0; i--)
		if (h->instances[i - 1].peer.phase == MF_HAPROXY_FAILED) {
			*first = &h->instances[i - 1];
			n++;
		}
	return n;
}

/* Commands that take everything from the canary, as it was read last. */
static bool
guess(struct mf_haproxy_instance *x)
{
	struct mf_error ignored = {0};

	return mf_haproxy_aim(&x->now, 0, x->targets, &ignored) == 0 &&
	       mf_haproxy_put_changes(&x->peer.request, &x->now, x->targets) > 0;
}

static void
ask_all(struct setting *s)
{
	struct mf_haproxy_instance *x;
	size_t i;

	for (i = 0; i < s->h->n; i++) {
		x = &s->h->instances[i];
		x->read = x->waits = false;
		x->passes = 0;
		mf_buf_clear(&x->peer.request);
		x->guessed = s->canary == 0 && guess(x);
		ask(s, x);
	}
}

/* Those that wait get what they wait for. */
static void
raise_all(struct setting *s, uint64_t deadline_us)
{
	size_t i;

	s->mode = RAISE;
	for (i = 0; i < s->h->n; i++)
		if (s->h->instances[i].waits)
			tell(s, &s->h->instances[i]);
	mf_haproxy_converse(s->h->peers, s->h->n, &s->h->params, deadline_us, answered, s);
}

/* Take back what was raised. How many proxies failed in that, and the first one's error. */
static size_t
undo(struct setting *s, struct mf_error *first)
{
	const struct mf_haproxy_instance *failed;
	struct mf_haproxy *h = s->h;
	struct mf_haproxy_instance *x;
	size_t i, n;

	s->mode = RESTORE;
	for (i = 0; i < h->n; i++) {
		x = &h->instances[i];
		x->peer.phase = MF_HAPROXY_IDLE;
		if (!x->waits)
			continue;
		x->passes = 0;
		mf_buf_clear(&x->peer.request);
		mf_haproxy_put_read(&x->peer.request, &h->backends);
		mf_haproxy_peer_ask(&x->peer);
	}
	mf_haproxy_converse(h->peers, h->n, &h->params, mf_haproxy_deadline_us(h), answered, s);
	n = count_failed(h, &failed);
	if (failed != NULL)
		*first = failed->peer.error;
	return n;
}

/* One or more could not be raised. */
static int
fail_up(
    struct setting *s, const struct mf_haproxy_instance *failed, bool raised, struct mf_error *e)
{
	struct mf_error why = failed->peer.error, more = {0};

	if (!raised)
		mf_error_hint(&why, "no proxy's canary was raised");
	else if (undo(s, &more) == 0)
		mf_error_hint(&why, "the step was undone on all proxies");
	else
		mf_error_hint(
		    &why, "the step was undone where that was possible; %s", more.message);
	mf_error_while(&why, "raising the canary to %u percent", s->canary);
	if (e != NULL)
		*e = why;
	return -1;
}

static int
fail_back(const struct mf_haproxy *h, const struct setting *s,
    const struct mf_haproxy_instance *first, size_t failed, struct mf_error *e)
{
	size_t i;

	if (e == NULL)
		return -1;
	*e = first->peer.error;
	mf_error_while(e, "setting the canary to %u percent, done on %zu of %zu proxies", s->canary,
	    h->n - failed, h->n);
	for (i = 0; i < h->n && failed > 1; i++)
		if (h->instances[i].peer.phase == MF_HAPROXY_FAILED && &h->instances[i] != first)
			mf_error_while(e, "also missing %s", h->instances[i].peer.name);
	return -1;
}

/* What get is to recognise. */
static void
remember(struct mf_haproxy *h, unsigned canary)
{
	struct mf_haproxy_instance *x;
	size_t i;

	for (i = 0; i < h->n; i++) {
		x = &h->instances[i];
		if (x->peer.phase != MF_HAPROXY_ANSWERED || x->waits)
			continue; /* what it had before, if it still has */
		x->canary = canary;
		x->knows = mf_haproxy_table_copy(&x->wrote, &x->now, NULL) == 0;
	}
}

int
mf_haproxy_set(struct mf_router *r, unsigned primary, unsigned canary, bool mirror,
    const char *token, struct mf_error *e)
{
	struct mf_haproxy *h = (struct mf_haproxy *)r;
	struct setting s = {.h = h, .mode = LOWER, .canary = canary};
	const uint64_t deadline_us = mf_haproxy_deadline_us(h);
	const struct mf_haproxy_instance *failed;
	size_t i, n_failed, n_wait = 0;
	int rc = 0;

	(void)token; /* the runtime API has no place for it */
	if (mf_router_check_weights(primary, canary, e) != 0)
		return -1;
	if (mirror)
		return mf_error_set(e, MF_EUNSUPPORTED, "haproxy cannot mirror traffic");
	ask_all(&s);
	mf_haproxy_converse(h->peers, h->n, &h->params, deadline_us, answered, &s);
	n_failed = count_failed(h, &failed);
	for (i = 0; i < h->n; i++)
		n_wait += h->instances[i].waits;
	if (n_wait > 0 && n_failed > 0)
		rc = fail_up(&s, failed, false, e);
	else if (n_wait > 0) {
		raise_all(&s, deadline_us);
		if (count_failed(h, &failed) > 0)
			rc = fail_up(&s, failed, true, e);
		for (i = 0; rc == 0 && i < h->n; i++)
			h->instances[i].waits = false;
	} else if (n_failed > 0)
		rc = fail_back(h, &s, failed, n_failed, e);
	remember(h, canary);
	mf_haproxy_resolve_all(h);
	return rc;
}
