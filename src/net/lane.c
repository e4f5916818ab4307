/*
 * Lanes, and those that callers' threads take for themselves. Where a network thread carries a
 * request, three threads are woken for it: that one by the caller, again by the answer, and the
 * caller at the end. Of many short requests that was a third of the processor time, most of it the
 * kernel's, and each waited for the processor three times.
 */
#include "config.h"

#include <stdlib.h>

#include "src/net/http_int.h"

#define CALLERS_KEPT 4 /* connections: a bucket's, and where its credentials come from */

int
mf_http_lane_init(struct mf_http_lane *t, struct mf_http *http, unsigned kept, struct mf_error *e)
{
	*t = (struct mf_http_lane){.http = http, .kept = kept};
	atomic_init(&t->n_jobs, 0);
	(void)pthread_mutex_init(&t->lock, NULL);
	t->spare = calloc(kept, sizeof *t->spare);
	t->multi = curl_multi_init();
	t->share = curl_share_init();
	if (t->spare == NULL || t->multi == NULL || t->share == NULL ||
	    curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
		CURLSHE_OK) {
		mf_error_nomem(e, "an HTTP client");
	} else if (curl_multi_setopt(t->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) !=
		       CURLM_OK ||
		   curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)kept) != CURLM_OK) {
		mf_error_set(e, MF_EFAIL, "cannot set up libcurl");
	} else if (mf_events_init(&t->events, t->multi, e) == 0) {
		return 0;
	}
	mf_http_lane_fini(t);
	return -1;
}

void
mf_http_lane_fini(struct mf_http_lane *t)
{
	if (t->http == NULL)
		return;
	while (t->n_spare > 0)
		curl_easy_cleanup(t->spare[--t->n_spare]);
	free(t->spare);
	if (t->multi != NULL)
		(void)curl_multi_cleanup(t->multi);
	mf_events_fini(&t->events);
	if (t->share != NULL)
		(void)curl_share_cleanup(t->share);
	mf_sockets_fini(&t->sockets);
	pthread_mutex_destroy(&t->lock);
	t->http = NULL;
}

/* ---- of callers ---- */

void
mf_http_callers_init(struct mf_http_callers *c, struct mf_http *http, unsigned most)
{
	*c = (struct mf_http_callers){.http = http, .most = most};
	/* With default attributes it cannot fail on Linux. */
	(void)pthread_mutex_init(&c->lock, NULL);
}

void
mf_http_callers_fini(struct mf_http_callers *c)
{
	struct mf_http_lane *t, *next;

	for (t = c->all; t != NULL; t = next) {
		next = t->next;
		mf_http_lane_fini(t);
		free(t);
	}
	pthread_mutex_destroy(&c->lock);
}

/* One more, whose place is counted already. */
static struct mf_http_lane *
make(struct mf_http_callers *c)
{
	struct mf_http_lane *t = calloc(1, sizeof *t);

	/* whatever there is not enough of, a network thread does without it */
	if (t != NULL && mf_http_lane_init(t, c->http, CALLERS_KEPT, NULL) != 0) {
		free(t);
		t = NULL;
	}
	pthread_mutex_lock(&c->lock);
	if (t != NULL) {
		t->next = c->all;
		c->all = t;
	} else {
		c->n--;
	}
	pthread_mutex_unlock(&c->lock);
	return t;
}

struct mf_http_lane *
mf_http_callers_take(struct mf_http_callers *c)
{
	struct mf_http_lane *t;
	bool more;

	pthread_mutex_lock(&c->lock);
	if ((t = c->idle) != NULL)
		c->idle = t->next_idle;
	more = t == NULL && c->n < c->most;
	c->n += more;
	pthread_mutex_unlock(&c->lock);
	return more ? make(c) : t;
}

void
mf_http_callers_give(struct mf_http_callers *c, struct mf_http_lane *t)
{
	pthread_mutex_lock(&c->lock);
	t->next_idle = c->idle;
	c->idle = t;
	pthread_mutex_unlock(&c->lock);
}

void
mf_http_callers_wake(struct mf_http_callers *c)
{
	struct mf_http_lane *t;

	pthread_mutex_lock(&c->lock);
	for (t = c->all; t != NULL; t = t->next)
		mf_http_wake(t);
	pthread_mutex_unlock(&c->lock);
}
