#include "config.h"

#include "transfers/libs3.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/units.h"
#include "src/net/foreign.h"
#include "src/net/stall.h"
#include "transfers/libs3_int.h"
#include "transfers/libs3_load.h"
#include "transfers/waiting.h"

#define BODY_BYTES ((uint64_t)1 << 20) /* of a 2xx answer for nobody in particular */
#define USER_AGENT "modelferry/" PACKAGE_VERSION

const struct mf_s3_dialect mf_s3_aws2 = {
    .scheme = "s3+v2",
    .prefix = "x-amz-",
    .kms_header = "server-side-encryption-aws-kms-key-id",
    .if_absent = {"If-None-Match", "*"},
    .first_list = true,
};

/* ---- one exchange ---- */

struct run {
	const struct mf_s3_carried *carried;
	struct mf_http_response *r;
	struct mf_http_head head;
	struct mf_http_patience patience;
	const char *authority;
	uint64_t body_bytes;                   /* to send */
	uint64_t begin_us, looked_us, sent_us; /* monotonic */
	struct mf_stall stall;
	enum mf_http_failure cut; /* why we ended it; MF_HTTP_OK: we did not */
	struct mf_error error;    /* with cut */
};

static uint64_t
clock_us(void)
{
	static const struct mf_waiting real;

	return mf_waiting_now_us(&real);
}

/* The first reason is the one. Returns -1. */
static int
cut(struct run *run, enum mf_http_failure why)
{
	if (run->cut == MF_HTTP_OK)
		run->cut = why;
	return -1;
}

static int
on_head(void *arg, const char *line, size_t n)
{
	struct run *run = arg;
	const enum mf_http_failure why = mf_http_head_line(&run->head, line, n, &run->error);

	if (run->r->times.first_byte_us == 0 && run->r->status >= 200)
		run->r->times.first_byte_us = clock_us() - run->begin_us;
	return why == MF_HTTP_OK ? 0 : cut(run, why);
}

static int
keep(struct run *run, const void *bytes, size_t n, uint64_t max_bytes)
{
	struct mf_buf *body = &run->r->body;

	if (n > max_bytes - body->len) {
		mf_error_set(&run->error, MF_ETRANSFER, "the answer of %s has more than %llu bytes",
		    run->authority, (unsigned long long)max_bytes);
		return cut(run, MF_HTTP_LARGE);
	}
	mf_buf_put(body, bytes, n);
	if (!body->failed)
		return 0;
	mf_error_nomem(&run->error, "an answer");
	return cut(run, MF_HTTP_OTHER);
}

static int
on_body(void *arg, const void *bytes, size_t n)
{
	struct run *run = arg;
	const struct mf_s3_call *call = run->carried->call;
	const bool good = run->r->status >= 200 && run->r->status < 300;

	run->r->body_bytes += n;
	if (!good)
		return keep(run, bytes, n, MF_HTTP_ERROR_BODY_BYTES);
	if (call->sink == NULL)
		return keep(
		    run, bytes, n, call->max_body_bytes != 0 ? call->max_body_bytes : BODY_BYTES);
	if (call->sink(call->sink_arg, run->r, bytes, n, &run->error) == 0)
		return 0;
	return cut(run, MF_HTTP_REFUSED);
}

static int
slow(struct run *run, const char *what, uint64_t us)
{
	char text[MF_UNIT_TEXT_BYTES];

	run->r->silent_us = us;
	mf_error_set(&run->error, MF_ETRANSFER, "%s %s for %s", run->authority, what,
	    mf_format_duration(us, text));
	return cut(run, MF_HTTP_SLOW);
}

static int
on_look(void *arg, bool connected, uint64_t sent, uint64_t received)
{
	struct run *run = arg;
	const struct mf_s3_carried *c = run->carried;
	const struct mf_http_patience *p = &run->patience;
	const uint64_t now_us = clock_us(), passed_us = now_us - run->looked_us;
	const bool answered = run->r->times.first_byte_us != 0;

	run->looked_us = now_us;
	if (c->interrupted != NULL && c->interrupted(c->interrupted_arg)) {
		mf_error_set(&run->error, MF_EINTERRUPTED, "interrupted");
		return cut(run, MF_HTTP_CANCELLED);
	}
	if (p->total_us != 0 && now_us - run->begin_us >= p->total_us)
		return slow(run, "has not finished", p->total_us);
	if (!connected)
		return 0;
	if (run->r->times.connected_us == 0)
		run->r->times.connected_us = now_us - run->begin_us;
	if (!answered && sent >= run->body_bytes) {
		run->sent_us = run->sent_us != 0 ? run->sent_us : now_us;
		return now_us - run->sent_us < p->answer_us
			   ? 0
			   : slow(run, "has the request and gave no answer", p->answer_us);
	}
	if (!mf_stall_step(&run->stall, p->stall_us, p->stall_bytes, sent + received, passed_us))
		return 0;
	return slow(run, "stalled: less than --stall-bytes a second", p->stall_us);
}

/* What has become of it. */
static int
judge(struct run *run, const struct mf_libs3_result *result, struct mf_error *e)
{
	struct mf_http_response *r = run->r;

	r->maybe_sent = result->maybe_sent;
	r->new_connection = result->new_connection;
	r->sent_bytes = result->sent_bytes;
	r->times.total_us = clock_us() - run->begin_us;
	if (result->refusal[0] != '\0') {
		r->failure = MF_HTTP_REFUSED;
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "libs3 did not send the request: %s", result->refusal);
	}
	if (run->cut != MF_HTTP_OK) {
		r->failure = run->cut;
		*e = run->error;
		return -1;
	}
	if (result->curl_code != 0) {
		r->failure = mf_http_failed(
		    result->curl_code, (int)result->sys_errno, run->authority, result->text, e);
		if (r->failure == MF_HTTP_CONNECT && r->times.total_us >= run->patience.connect_us)
			r->silent_us = run->patience.connect_us;
		return -1;
	}
	if (run->head.done)
		return 0;
	r->failure = MF_HTTP_PROTOCOL;
	return mf_error_set(e, MF_ETRANSFER, "the answer of %s has no head", run->authority);
}

static struct mf_http_patience
patience_of(const struct mf_libs3 *l, const struct mf_http_patience *own)
{
	const struct mf_http_patience *base = &l->patience;

	return (struct mf_http_patience){
	    .connect_us = own->connect_us != 0 ? own->connect_us : base->connect_us,
	    .stall_us = own->stall_us != 0 ? own->stall_us : base->stall_us,
	    .stall_bytes = own->stall_bytes != 0 ? own->stall_bytes : base->stall_bytes,
	    .answer_us = own->answer_us != 0 ? own->answer_us : base->answer_us,
	    .total_us = own->total_us != 0 ? own->total_us : base->total_us,
	};
}

static int
perform(
    void *arg, const struct mf_s3_carried *carried, struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_libs3 *l = arg;
	const uint64_t now_us = clock_us();
	struct run run = {.carried = carried,
	    .r = r,
	    .patience = patience_of(l, &carried->patience),
	    .authority = carried->endpoint->authority,
	    .begin_us = now_us,
	    .looked_us = now_us,
	    .error.code = MF_OK};
	struct libs3_request request;
	struct mf_libs3_result result;

	mf_http_response_clear(r);
	run.head = (struct mf_http_head){.r = r, .host = run.authority};
	if (carried->interrupted != NULL && carried->interrupted(carried->interrupted_arg)) {
		r->failure = MF_HTTP_CANCELLED;
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	}
	if (libs3_request_make(l, carried, &request, e) != 0) {
		r->failure = MF_HTTP_REFUSED;
		return -1;
	}
	run.body_bytes = request.q.body_bytes;
	request.q.connect_ms = (long)((run.patience.connect_us + 999) / 1000);
	request.q.user_agent = USER_AGENT;
	request.q.head = on_head;
	request.q.sink = on_body;
	request.q.look = on_look;
	request.q.arg = &run;
	l->module->perform(&request.q, &result);
	return judge(&run, &result, e);
}

struct mf_s3_carrier
mf_libs3_carrier(struct mf_libs3 *l)
{
	return (struct mf_s3_carrier){.perform = perform, .arg = l};
}

/* ---- the handle ---- */

static int
copy(char **out, const char *text, struct mf_error *e)
{
	*out = strdup(text != NULL ? text : "");
	return *out != NULL ? 0 : mf_error_nomem(e, "a store");
}

int
mf_libs3_open(const struct mf_http_params *http, struct mf_libs3 **out, struct mf_error *e)
{
	const struct mf_libs3_module *module = mf_libs3_load(e);
	struct mf_libs3 *l;

	if (module == NULL)
		return -1;
	if ((l = calloc(1, sizeof *l)) == NULL)
		return mf_error_nomem(e, "a store");
	l->module = module;
	l->allow_http = http->allow_http;
	l->patience = http->patience;
	mf_http_patience_fill(&l->patience);
	if (copy(&l->http_proxy, http->http_proxy, e) != 0 ||
	    copy(&l->https_proxy, http->https_proxy, e) != 0 ||
	    copy(&l->no_proxy, http->no_proxy, e) != 0 ||
	    (http->ca_file != NULL && copy(&l->ca_file, http->ca_file, e) != 0)) {
		mf_libs3_close(l);
		return -1;
	}
	*out = l;
	return 0;
}

void
mf_libs3_close(struct mf_libs3 *l)
{
	if (l == NULL)
		return;
	free(l->ca_file);
	free(l->http_proxy);
	free(l->https_proxy);
	free(l->no_proxy);
	free(l);
}
