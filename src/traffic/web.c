/*
 * Any HTTP endpoint: method, headers and body of the query; 2xx or an error; of JSON the first hit
 * of the JSONPath ("{$}" where none is given). Booleans count 1 and 0, so that a verdict is a
 * metric. A body that is no JSON is a number, or for an AnalysisTemplate a string.
 */
#include "config.h"

#include <string.h>

#include "src/traffic/provider_int.h"

static void
ask(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	uint64_t left_us = mf_metric_timeout_us(q);
	const struct mf_metric_call call = {.url = q->address,
	    .method = q->method,
	    .body = q->body,
	    .body_bytes = q->body != NULL ? strlen(q->body) : 0,
	    .left_us = &left_us};
	struct mf_error e = {0};

	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (mf_metric_fetch_ok(mf_metric_source_of(p), q, &call, &answer, &e) != 0)
		mf_metric_set_error(out, &e);
	else
		mf_metric_set_text(out, q, "the answer", answer.body.data, answer.body.len, r);
	mf_dial_answer_fini(&answer);
}

/* It is what it is asked for that may change something: only whether there is a server. */
static int
probe(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	uint64_t left_us = mf_metric_timeout_us(q);
	const struct mf_metric_call call = {
	    .url = q->address, .method = "HEAD", .left_us = &left_us};
	int rc = mf_metric_fetch(mf_metric_source_of(p), q, &call, &answer, e);

	if (rc == 0 && (answer.status == 401 || answer.status == 403))
		rc = mf_metric_refused(&answer, e);
	mf_dial_answer_fini(&answer);
	return rc;
}

const struct mf_metric_provider_ops mf_metric_web_ops = {
    .probe = probe, .ask = ask, .close = mf_metric_close};
