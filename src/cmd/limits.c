#include "config.h"

#include "src/cmd/limits.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "src/base/log.h"
#include "src/cmd/shard.h"

struct mf_reload {
	struct mf_limiter *limiter;
	const struct mf_options_params *params;
	pthread_t thread;
};

int
mf_cmd_read_limits(const struct mf_options *o, struct mf_limits *out, struct mf_error *e)
{
	const char *text = mf_options_text(o, MF_OPT_BWLIMIT);
	char name[MF_PROVENANCE_BYTES];
	struct mf_error inner = {0};

	*out =
	    (struct mf_limits){.requests_per_1000s = mf_options_number(o, MF_OPT_TPSLIMIT),
		.requests_burst = mf_options_number(o, MF_OPT_TPSLIMIT_BURST)};
	if (text == NULL || mf_bwlimit_parse(text, &out->bandwidth, &inner) == 0)
		return 0;
	mf_error_set(
	    e, MF_EUSAGE, "%s: %s", mf_options_provenance(o, MF_OPT_BWLIMIT, name), inner.message);
	return mf_error_hint(e, "%s", inner.hint);
}

static void
say_limits(const struct mf_options *o)
{
	const char *bytes = mf_options_text(o, MF_OPT_BWLIMIT);
	const char *requests = mf_options_text(o, MF_OPT_TPSLIMIT);

	mf_log_fields(MF_LOG_INFO, "limits were read again", "bwlimit",
	    bytes != NULL ? bytes : "off", "tpslimit", requests != NULL ? requests : "0", NULL);
}

static void
read_again(const struct mf_reload *r)
{
	struct mf_options *o = NULL;
	struct mf_limits limits;
	struct mf_error e = {0};

	if (mf_options_parse(r->params, &o, &e) == 0 && mf_cmd_read_limits(o, &limits, &e) == 0) {
		mf_limiter_set(r->limiter, &limits);
		say_limits(o);
	} else {
		mf_log(MF_LOG_WARNING, "the limits stay as they are: %s", e.message);
	}
	mf_options_free(o);
}

static void *
listen_for_hangups(void *arg)
{
	(void)pthread_setname_np(pthread_self(), "reload");
	while (mf_cmd_wait_hangup())
		read_again(arg);
	return NULL;
}

/* Signals are for the main thread. 0 or an errno. */
static int
start(struct mf_reload *r)
{
	sigset_t all, old;
	int status;

	sigfillset(&all);
	if ((status = pthread_sigmask(SIG_SETMASK, &all, &old)) != 0)
		return status;
	status = pthread_create(&r->thread, NULL, listen_for_hangups, r);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return status;
}

static bool
is_cancelled(void *arg)
{
	(void)arg;
	return mf_cmd_stopped();
}

int
mf_cmd_begin_limits(struct mf_cmd *c, const struct mf_options_params *params, struct mf_error *e)
{
	const struct mf_options *o = c->options;
	const struct mf_waiting waiting = {.cancelled = is_cancelled};
	const struct mf_flow_params flow = {
	    .requests = (unsigned)(mf_options_number(o, MF_OPT_TRANSFERS) +
				   mf_options_number(o, MF_OPT_CHECKERS)),
	    .patience_us = mf_options_number(o, MF_OPT_PATIENCE),
	    .waiting = waiting};
	struct mf_reload *r;
	struct mf_limits limits;
	int status;

	if (mf_cmd_read_limits(o, &limits, e) != 0 ||
	    mf_limiter_new(&limits, &waiting, &c->limiter, e) != 0 ||
	    mf_flow_new(&flow, &c->flow, e) != 0)
		return -1;
	mf_limiter_set_share(c->limiter, mf_cmd_share(o));
	if ((r = calloc(1, sizeof *r)) == NULL)
		return mf_error_nomem(e, "the limits");
	r->limiter = c->limiter;
	r->params = params;
	if ((status = start(r)) != 0) {
		free(r);
		return mf_error_sys(e, status, "cannot start a thread");
	}
	c->reload = r;
	return 0;
}

void
mf_cmd_end_limits(struct mf_cmd *c)
{
	if (c->reload != NULL) {
		mf_cmd_end_hangups();
		(void)pthread_join(c->reload->thread, NULL);
		free(c->reload);
	}
	c->reload = NULL;
	mf_limiter_free(c->limiter);
	c->limiter = NULL;
	mf_flow_free(c->flow);
	c->flow = NULL;
}
