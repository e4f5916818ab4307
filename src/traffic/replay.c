#include "src/traffic/replay.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_US 10000000u

/* One run: what its threads share. */
struct run {
	const struct mf_replay_params *p;
	const char *const *sides[2]; /* servers */
	size_t n_servers[2];
	unsigned n_sides;
	double tolerance;
	uint64_t end_us, wanted;
	pthread_mutex_t lock; /* guards the rest */
	uint64_t next;
	bool out_of_time, interrupted;
	struct mf_replay_result results[2];
	struct mf_replay_agreement *agreement;
};

/* The next one to send; false: there is none. */
static bool
take_next(struct run *run, uint64_t *nth, uint64_t *left_us)
{
	const struct mf_replay_params *p = run->p;
	const bool interrupted = p->interrupted != NULL && p->interrupted(p->arg);
	const uint64_t now_us = p->now_us(p->arg);
	bool more;

	(void)pthread_mutex_lock(&run->lock);
	run->interrupted = run->interrupted || interrupted;
	more = !run->interrupted && run->next < run->wanted;
	if (more && now_us >= run->end_us) {
		run->out_of_time = true;
		more = false;
	}
	if (more) {
		*nth = run->next++;
		*left_us = run->end_us - now_us;
	}
	(void)pthread_mutex_unlock(&run->lock);
	return more;
}

static bool
is_well(const struct mf_dial_answer *a)
{
	return a->status >= 200 && a->status <= 299;
}

static void
send_to(struct run *run, unsigned side, uint64_t nth, const struct mf_replay_request *q,
    uint64_t left_us, struct mf_dial_answer *answer)
{
	const uint64_t own_us = run->p->request_us != 0 ? run->p->request_us : REQUEST_US;
	const struct mf_dial_call call = {.method = q->method,
	    .url = run->sides[side][nth % run->n_servers[side]],
	    .suffix = q->path,
	    .headers = q->headers,
	    .n_headers = q->n_headers,
	    .content_type = q->content_type,
	    .body = q->body,
	    .body_bytes = q->body_bytes,
	    .timeout_us = left_us < own_us ? left_us : own_us};

	mf_dial(run->p->dialer, &call, answer);
}

/* Under the lock. */
static void
count_answer(
    struct mf_replay_result *r, const struct mf_replay_request *q, const struct mf_dial_answer *a)
{
	r->sent++;
	if (is_well(a)) {
		r->total_us += a->took_us;
		r->slowest_us = a->took_us > r->slowest_us ? a->took_us : r->slowest_us;
		return;
	}
	if (r->failed++ == 0) {
		r->failed_line = q->line;
		(void)snprintf(r->why, sizeof r->why, "%s", a->why);
	}
}

/* Keep it among the worst, worst first. Under the lock. */
static void
keep_worst(struct mf_replay_agreement *a, const struct mf_replay_difference *d)
{
	size_t at = a->n_worst;

	while (at > 0 && (a->worst[at - 1].difference < d->difference ||
			     (a->worst[at - 1].difference == d->difference &&
				 a->worst[at - 1].line > d->line)))
		at--;
	if (at == MF_REPLAY_WORST)
		return;
	if (a->n_worst < MF_REPLAY_WORST)
		a->n_worst++;
	memmove(&a->worst[at + 1], &a->worst[at], (a->n_worst - at - 1) * sizeof a->worst[0]);
	a->worst[at] = *d;
}

static void
count_pair(struct run *run, const struct mf_replay_request *q, const struct mf_dial_answer *a)
{
	struct mf_replay_agreement *out = run->agreement;
	struct mf_replay_difference worst;
	const bool both = is_well(&a[0]) && is_well(&a[1]);
	const bool same = both && mf_replay_agree(q, run->tolerance, a[0].body.data, a[0].body.len,
				      a[1].body.data, a[1].body.len, &worst);

	(void)pthread_mutex_lock(&run->lock);
	count_answer(&run->results[0], q, &a[0]);
	count_answer(&run->results[1], q, &a[1]);
	out->compared += both;
	out->failed += !both;
	out->agreed += same;
	if (both && !same)
		keep_worst(out, &worst);
	(void)pthread_mutex_unlock(&run->lock);
}

static void *
work(void *arg)
{
	struct run *run = arg;
	struct mf_dial_answer answers[2] = {MF_DIAL_ANSWER_INIT, MF_DIAL_ANSWER_INIT};
	const struct mf_replay_request *q;
	uint64_t nth, left_us;
	unsigned side;

	while (take_next(run, &nth, &left_us)) {
		q = mf_replay_at(run->p->requests, nth % mf_replay_count(run->p->requests));
		for (side = 0; side < run->n_sides; side++)
			send_to(run, side, nth, q, left_us, &answers[side]);
		if (run->agreement != NULL) {
			count_pair(run, q, answers);
		} else {
			(void)pthread_mutex_lock(&run->lock);
			count_answer(&run->results[0], q, &answers[0]);
			(void)pthread_mutex_unlock(&run->lock);
		}
	}
	mf_dial_answer_fini(&answers[0]);
	mf_dial_answer_fini(&answers[1]);
	return NULL;
}

/* As many threads as are wanted, or as there are to be had: one at least, our own. */
static int
go(struct run *run, struct mf_error *e)
{
	const struct mf_replay_params *p = run->p;
	pthread_t threads[MF_REPLAY_CONCURRENCY_MAX];
	unsigned n = 0, wanted = p->concurrency != 0 ? p->concurrency : 1;

	if (wanted > MF_REPLAY_CONCURRENCY_MAX)
		return mf_error_set(e, MF_EUSAGE, "a concurrency of %u is more than %u", wanted,
		    MF_REPLAY_CONCURRENCY_MAX);
	run->wanted = p->count != 0 ? p->count : mf_replay_count(p->requests);
	run->end_us = p->now_us(p->arg) + p->timeout_us;
	(void)pthread_mutex_init(&run->lock, NULL);
	while (n + 1 < wanted && pthread_create(&threads[n], NULL, work, run) == 0)
		n++;
	(void)work(run);
	while (n > 0)
		(void)pthread_join(threads[--n], NULL);
	(void)pthread_mutex_destroy(&run->lock);
	run->results[0].out_of_time = run->results[1].out_of_time = run->out_of_time;
	if (run->interrupted)
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	return 0;
}

int
mf_replay_warm_up(const struct mf_replay_params *params, const char *server,
    struct mf_replay_result *out, struct mf_error *e)
{
	struct run run = {.p = params, .sides = {&server, NULL}, .n_servers = {1, 0}, .n_sides = 1};
	int rc = go(&run, e);

	*out = run.results[0];
	if (rc != 0)
		return rc;
	if (out->failed > 0)
		return mf_error_set(e, MF_EFAIL,
		    "%llu of %llu requests failed at %s, the first is that of line %u: %s",
		    (unsigned long long)out->failed, (unsigned long long)out->sent, server,
		    out->failed_line, out->why);
	if (out->out_of_time)
		return mf_error_set(e, MF_EFAIL,
		    "only %llu of %llu requests were sent to %s in time",
		    (unsigned long long)out->sent, (unsigned long long)run.wanted, server);
	return 0;
}

static int
judge(const struct run *run, double min_agreement, struct mf_error *e)
{
	const struct mf_replay_agreement *a = run->agreement;
	const uint64_t sent = a->compared + a->failed;
	const struct mf_replay_result *bad =
	    run->results[0].failed > 0 ? &run->results[0] : &run->results[1];

	if (run->out_of_time)
		return mf_error_set(e, MF_EFAIL, "only %llu of %llu requests were compared in time",
		    (unsigned long long)sent, (unsigned long long)run->wanted);
	if ((double)a->agreed >= min_agreement * (double)sent && a->compared > 0)
		return 0;
	mf_error_set(e, MF_EFAIL, "%llu of %llu answers agree, and %g %% of them should",
	    (unsigned long long)a->agreed, (unsigned long long)sent, min_agreement * 100);
	if (a->n_worst > 0)
		mf_error_while(e, "comparing the request of line %u: %.60s is %.40s and %.40s",
		    a->worst[0].line, a->worst[0].path[0] != '\0' ? a->worst[0].path : "the answer",
		    a->worst[0].left, a->worst[0].right);
	if (a->failed > 0)
		mf_error_while(e, "%llu requests failed, the first is that of line %u: %.100s",
		    (unsigned long long)a->failed, bad->failed_line, bad->why);
	return -1;
}

int
mf_replay_compare(const struct mf_replay_params *params, const char *const *left, size_t n_left,
    const char *const *right, size_t n_right, double tolerance, double min_agreement,
    struct mf_replay_agreement *out, struct mf_error *e)
{
	struct run run = {.p = params,
	    .sides = {left, right},
	    .n_servers = {n_left, n_right},
	    .n_sides = 2,
	    .tolerance = tolerance,
	    .agreement = out};
	int rc;

	memset(out, 0, sizeof *out);
	if (n_left == 0 || n_right == 0)
		return mf_error_set(e, MF_EUSAGE, "servers of both sides are needed to compare");
	rc = go(&run, e);
	out->left = run.results[0];
	out->right = run.results[1];
	return rc == 0 ? judge(&run, min_agreement, e) : rc;
}
