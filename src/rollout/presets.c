/*
 * Facts of the exporters: docs.vllm.ai (usage, metrics), the user guide of Triton (metrics),
 * pytorch.org/serve/metrics.html, kserve.github.io (prometheus metrics) and Knative's queue-proxy.
 */
#include <string.h>

#include "src/rollout/presets.h"
#include "src/rollout/promtext.h"

#define MS_OF_S "1000 * "
#define MS_OF_US "0.001 * "

enum shape {
	SHAPE_P99,     /* of the histogram a, else of b */
	SHAPE_BUCKETS, /* of the histogram a, for drift */
	SHAPE_MEAN,    /* of counters: a / b */
	SHAPE_SUCCESS, /* 100 * (1 - bad / (a + b + c)) */
	SHAPE_SUM,     /* of the gauge a, over servers; over the window its mean */
	SHAPE_AVERAGE,
	SHAPE_MAX,
};

struct recipe {
	struct mf_preset_row row;
	enum shape shape;
	const char *scale;
	const char *a, *b, *c;
	const char *bad, *more; /* of bad's selector: "response_code_class=\"5xx\"" */
};

static const struct recipe recipes[] = {
    {{"vllm", "time-to-first-token", "ms", "99th percentile"}, SHAPE_P99, MS_OF_S,
	"vllm:time_to_first_token_seconds", NULL, NULL, NULL, NULL},
    {{"vllm", "time-per-output-token", "ms", "99th percentile"}, SHAPE_P99, MS_OF_S,
	"vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds", NULL, NULL, NULL},
    {{"vllm", "request-duration", "ms", "99th percentile, from end to end"}, SHAPE_P99, MS_OF_S,
	"vllm:e2e_request_latency_seconds", NULL, NULL, NULL, NULL},
    {{"vllm", "queue", "requests", "waiting, mean over the window, all servers"}, SHAPE_SUM, "",
	"vllm:num_requests_waiting", NULL, NULL, NULL, NULL},
    {{"vllm", "running", "requests", "running, mean over the window, all servers"}, SHAPE_SUM, "",
	"vllm:num_requests_running", NULL, NULL, NULL, NULL},
    {{"triton", "request-success-rate", "%", "of inference requests"}, SHAPE_SUCCESS, "",
	"nv_inference_request_success", "nv_inference_request_failure", NULL,
	"nv_inference_request_failure", NULL},
    {{"triton", "request-duration", "ms", "mean, of successful requests"}, SHAPE_MEAN, MS_OF_US,
	"nv_inference_request_duration_us", "nv_inference_request_success", NULL, NULL, NULL},
    {{"triton", "queue-duration", "ms", "mean, of successful requests"}, SHAPE_MEAN, MS_OF_US,
	"nv_inference_queue_duration_us", "nv_inference_request_success", NULL, NULL, NULL},
    {{"torchserve", "request-success-rate", "%", "of all requests of a host"}, SHAPE_SUCCESS, "",
	"Requests2XX", "Requests4XX", "Requests5XX", "Requests5XX", NULL},
    {{"torchserve", "request-duration", "ms", "mean, of inferences"}, SHAPE_MEAN, MS_OF_US,
	"ts_inference_latency_microseconds", "ts_inference_requests_total", NULL, NULL, NULL},
    {{"torchserve", "queue-duration", "ms", "mean, of inferences"}, SHAPE_MEAN, MS_OF_US,
	"ts_queue_latency_microseconds", "ts_inference_requests_total", NULL, NULL, NULL},
    {{"kserve", "request-success-rate", "%", "as Knative's queue-proxy counts"}, SHAPE_SUCCESS, "",
	"revision_app_request_count", NULL, NULL, "revision_app_request_count",
	"response_code_class=\"5xx\""},
    {{"kserve", "predict-duration", "ms", "99th percentile"}, SHAPE_P99, MS_OF_S,
	"request_predict_seconds", NULL, NULL, NULL, NULL},
    {{"kserve", "preprocess-duration", "ms", "99th percentile"}, SHAPE_P99, MS_OF_S,
	"request_preprocess_seconds", NULL, NULL, NULL, NULL},
    {{"kserve", "postprocess-duration", "ms", "99th percentile"}, SHAPE_P99, MS_OF_S,
	"request_postprocess_seconds", NULL, NULL, NULL, NULL},
    {{"model-server", "request-success-rate", "%", "of predictions"}, SHAPE_SUCCESS, "",
	"model_prediction_latency_seconds_count", NULL, NULL, "model_prediction_errors_total",
	NULL},
    {{"model-server", "request-duration", "ms", "99th percentile"}, SHAPE_P99, MS_OF_S,
	"model_prediction_latency_seconds", NULL, NULL, NULL, NULL},
    {{"model-server", "accuracy", "1", "mean over the window and the servers"}, SHAPE_AVERAGE, "",
	"model_accuracy", NULL, NULL, NULL, NULL},
    {{"model-server", "feature-drift", "1", "of the worst feature, mean over the window"},
	SHAPE_MAX, "", "model_feature_drift", NULL, NULL, NULL, NULL},
    {{"model-server", "prediction-distribution", "buckets", "for provider drift"}, SHAPE_BUCKETS,
	"", "model_prediction_distribution", NULL, NULL, NULL, NULL},
};

#define N_RECIPES (sizeof recipes / sizeof recipes[0])

/* What a query is made of beside its recipe. */
struct parts {
	const char *selector, *window;
};

const struct mf_preset_row *
mf_preset_row(size_t i)
{
	return i < N_RECIPES ? &recipes[i].row : NULL;
}

static const struct recipe *
find(const char *preset, const char *metric)
{
	size_t i;

	for (i = 0; i < N_RECIPES; i++)
		if (strcmp(recipes[i].row.preset, preset) == 0 &&
		    strcmp(recipes[i].row.metric, metric) == 0)
			return &recipes[i];
	return NULL;
}

const struct mf_preset_row *
mf_preset_find(const char *preset, const char *metric)
{
	const struct recipe *r = find(preset, metric);

	return r != NULL ? &r->row : NULL;
}

/* What there is instead. */
static int
refuse(const char *preset, const char *metric, struct mf_error *e)
{
	struct mf_buf list = MF_BUF_INIT;
	bool known = false;
	size_t i;

	for (i = 0; i < N_RECIPES; i++)
		if (strcmp(recipes[i].row.preset, preset) == 0) {
			mf_buf_printf(&list, "%s%s", known ? ", " : "", recipes[i].row.metric);
			known = true;
		}
	for (i = 0; i < N_RECIPES && !known; i++)
		if (i == 0 || strcmp(recipes[i].row.preset, recipes[i - 1].row.preset) != 0)
			mf_buf_printf(&list, "%s%s", i > 0 ? ", " : "", recipes[i].row.preset);
	if (known)
		mf_error_set(e, MF_EUSAGE, "preset %s has no metric \"%s\"", preset, metric);
	else
		mf_error_set(e, MF_EUSAGE, "there is no preset \"%s\"", preset);
	if (mf_buf_cstr(&list) != NULL)
		mf_error_hint(e, "there are: %s", mf_buf_cstr(&list));
	mf_buf_fini(&list);
	return -1;
}

static int
put_label(struct mf_buf *b, const struct mf_pair *label, struct mf_error *e)
{
	static const char *const operators[] = {"=~", "!=", "!~"};
	const char *op = "=", *value = label->value;
	size_t i;

	if (!mf_promtext_is_label(label->name))
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is no name of a label",
		    label->name != NULL ? label->name : "");
	for (i = 0; value != NULL && i < sizeof operators / sizeof operators[0]; i++)
		if (strncmp(value, operators[i], 2) == 0) {
			op = operators[i];
			value += 2;
			break;
		}
	mf_buf_printf(b, "%s%s\"", label->name, op);
	if (mf_promtext_put_exact(b, "the value of a label", value, e) != 0)
		return -1;
	mf_buf_printf(b, "\"");
	return 0;
}

static int
put_labels(struct mf_buf *b, const struct mf_pair *labels, size_t n_labels, struct mf_error *e)
{
	size_t i;

	if (n_labels == 0) {
		mf_error_set(e, MF_EUSAGE, "the preset has no labels");
		return mf_error_hint(
		    e, "without one the servers of both sides would be counted together");
	}
	if (n_labels > MF_PRESET_LABELS_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "a preset takes at most %u labels", MF_PRESET_LABELS_MAX);
	for (i = 0; i < n_labels; i++) {
		if (i > 0)
			mf_buf_printf(b, ",");
		if (put_label(b, &labels[i], e) != 0)
			return -1;
	}
	return 0;
}

static void
put_sum(struct mf_buf *b, const char *function, const char *metric, const struct parts *p)
{
	mf_buf_printf(b, "sum(%s(%s{%s}[%s]))", function, metric, p->selector, p->window);
}

/* All requests of a success rate: one counter, or several of which some may not be there yet. */
static void
put_all(struct mf_buf *b, const char *function, const struct recipe *r, const struct parts *p)
{
	const char *const counters[] = {r->a, r->b, r->c};
	size_t i;

	if (r->b == NULL) {
		put_sum(b, function, r->a, p);
		return;
	}
	for (i = 0; i < 3 && counters[i] != NULL; i++) {
		mf_buf_printf(b, "%s(", i > 0 ? " + " : "(");
		put_sum(b, function, counters[i], p);
		mf_buf_printf(b, " or vector(0))");
	}
	mf_buf_printf(b, ")");
}

static void
put_buckets(struct mf_buf *b, const char *function, const char *metric, const struct parts *p)
{
	mf_buf_printf(
	    b, "sum by (le) (%s(%s_bucket{%s}[%s]))", function, metric, p->selector, p->window);
}

static void
put_gauge(struct mf_buf *b, const char *over, const struct recipe *r, const struct parts *p)
{
	mf_buf_printf(b, "%s(avg_over_time(%s{%s}[%s]))", over, r->a, p->selector, p->window);
}

static void
put_value(struct mf_buf *b, const struct recipe *r, const struct parts *p)
{
	mf_buf_printf(b, "%s", r->scale);
	switch (r->shape) {
	case SHAPE_P99:
		mf_buf_printf(b, "histogram_quantile(0.99, ");
		put_buckets(b, "rate", r->a, p);
		if (r->b != NULL) {
			mf_buf_printf(b, " or ");
			put_buckets(b, "rate", r->b, p);
		}
		mf_buf_printf(b, ")");
		break;
	case SHAPE_BUCKETS: put_buckets(b, "increase", r->a, p); break;
	case SHAPE_MEAN:
		put_sum(b, "rate", r->a, p);
		mf_buf_printf(b, " / ");
		put_sum(b, "rate", r->b, p);
		break;
	case SHAPE_SUCCESS: /* where more failed than the counter of all saw: 0, not less */
		mf_buf_printf(b, "100 * clamp_min(1 - (sum(rate(%s{%s%s%s}[%s])) or vector(0)) / ",
		    r->bad, p->selector, r->more != NULL ? "," : "", r->more != NULL ? r->more : "",
		    p->window);
		mf_buf_printf(b, "(");
		put_all(b, "rate", r, p);
		if (strcmp(r->bad, r->a) != 0 && r->b == NULL) { /* it may have seen none */
			mf_buf_printf(b, " or ");
			put_sum(b, "rate", r->bad, p);
		}
		mf_buf_printf(b, "), 0)");
		break;
	case SHAPE_SUM: put_gauge(b, "sum", r, p); break;
	case SHAPE_AVERAGE: put_gauge(b, "avg", r, p); break;
	case SHAPE_MAX: put_gauge(b, "max", r, p); break;
	}
}

/* "METRIC_count" of a histogram; of the second one where there is none of the first. */
static void
put_histogram_count(struct mf_buf *b, const struct recipe *r, const struct parts *p)
{
	mf_buf_printf(b, "sum(increase(%s_count{%s}[%s]))", r->a, p->selector, p->window);
	if (r->b != NULL)
		mf_buf_printf(
		    b, " or sum(increase(%s_count{%s}[%s]))", r->b, p->selector, p->window);
}

static void
put_count(struct mf_buf *b, const struct recipe *r, const struct parts *p)
{
	switch (r->shape) {
	case SHAPE_P99:
	case SHAPE_BUCKETS: put_histogram_count(b, r, p); break;
	case SHAPE_MEAN: put_sum(b, "increase", r->b, p); break;
	case SHAPE_SUCCESS: put_all(b, "increase", r, p); break;
	case SHAPE_SUM:
	case SHAPE_AVERAGE:
	case SHAPE_MAX: put_sum(b, "count_over_time", r->a, p); break;
	}
}

static void
put_age(struct mf_buf *b, const struct recipe *r, const struct parts *p)
{
	const char *suffix = r->shape == SHAPE_P99 || r->shape == SHAPE_BUCKETS ? "_count" : "";
	const char *const series[] = {r->a, r->b, r->c};
	size_t i;

	mf_buf_printf(b, "time() - max(");
	for (i = 0; i < 3 && series[i] != NULL; i++)
		mf_buf_printf(b, "%stimestamp(%s%s{%s})", i > 0 ? " or " : "", series[i], suffix,
		    p->selector);
	mf_buf_printf(b, ")");
}

static int
put_query(const char *preset, const char *metric, const struct mf_pair *labels, size_t n_labels,
    uint64_t window_us,
    void (*put)(struct mf_buf *b, const struct recipe *r, const struct parts *p),
    struct mf_buf *out, struct mf_error *e)
{
	struct mf_buf selector = MF_BUF_INIT, window = MF_BUF_INIT;
	const struct recipe *r = find(preset, metric);
	struct parts p;
	int status = -1;

	if (r == NULL)
		return refuse(preset, metric, e);
	if (put_labels(&selector, labels, n_labels, e) != 0 ||
	    mf_promtext_put_window(&window, window_us, e) != 0)
		goto out;
	p.selector = mf_buf_cstr(&selector);
	p.window = mf_buf_cstr(&window);
	if (p.selector != NULL && p.window != NULL)
		put(out, r, &p);
	else
		out->failed = true;
	status = out->failed ? mf_error_nomem(e, "a query") : 0;
out:
	mf_buf_fini(&selector);
	mf_buf_fini(&window);
	return status;
}

int
mf_preset_query(const char *preset, const char *metric, const struct mf_pair *labels,
    size_t n_labels, uint64_t window_us, struct mf_buf *out, struct mf_error *e)
{
	return put_query(preset, metric, labels, n_labels, window_us, put_value, out, e);
}

int
mf_preset_count_query(const char *preset, const char *metric, const struct mf_pair *labels,
    size_t n_labels, uint64_t window_us, struct mf_buf *out, struct mf_error *e)
{
	return put_query(preset, metric, labels, n_labels, window_us, put_count, out, e);
}

int
mf_preset_age_query(const char *preset, const char *metric, const struct mf_pair *labels,
    size_t n_labels, struct mf_buf *out, struct mf_error *e)
{
	return put_query(preset, metric, labels, n_labels, 1000000, put_age, out, e);
}
