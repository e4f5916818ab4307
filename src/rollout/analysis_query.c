/* Queries with the run's own arguments in their places. */
#include <string.h>

#include "src/rollout/analysis.h"
#include "src/rollout/template.h"

struct rendering {
	struct mf_pair args[MF_ANALYSIS_ARGS_MAX];
	size_t n_args;
	struct mf_region *region;
	struct mf_error *e;
};

static int
render(const struct rendering *r, const char **text)
{
	struct mf_buf b = MF_BUF_INIT;
	char *copy = NULL;
	int rc = -1;

	if (*text == NULL || strstr(*text, "{{") == NULL)
		return 0;
	if (mf_template_argo(&b, *text, r->args, r->n_args, r->e) == 0) {
		copy = mf_buf_cstr(&b) != NULL ? mf_region_strdup(r->region, mf_buf_cstr(&b), r->e)
					       : NULL;
		rc = copy != NULL ? 0 : mf_error_nomem(r->e, "a query");
	}
	mf_buf_fini(&b);
	if (rc == 0)
		*text = copy;
	return rc;
}

static int
render_headers(const struct rendering *r, struct mf_metric_query *q)
{
	struct mf_pair *headers;

	if (q->n_headers == 0)
		return 0;
	headers = mf_region_alloc(r->region, q->n_headers * sizeof *headers, r->e);
	if (headers == NULL)
		return -1;
	for (size_t i = 0; i < q->n_headers; i++) {
		headers[i] = q->headers[i];
		if (render(r, &headers[i].value) != 0)
			return -1;
	}
	q->headers = headers;
	return 0;
}

int
mf_analysis_query(const struct mf_analysis_plan *plan, unsigned index, const char *revision,
    const char *stable, struct mf_region *region, struct mf_metric_query *out, struct mf_error *e)
{
	const struct mf_analysis_metric *m;
	struct rendering r = {.region = region, .e = e};
	const bool primary = (index & MF_ANALYSIS_INDEX_PRIMARY) != 0;
	const char *latest = primary ? stable : revision, *value;
	bool runs = false;

	if ((index & MF_ANALYSIS_INDEX_METRIC) >= plan->n_metrics)
		return mf_error_set(e, MF_EUSAGE, "the analysis %s has no such metric", plan->name);
	m = &plan->metrics[index & MF_ANALYSIS_INDEX_METRIC];
	*out = primary ? m->primary_query : m->query;
	if (index & MF_ANALYSIS_INDEX_LEFT)
		out->query = primary ? m->primary_left_query : m->left_query;
	out->as_tree = true; /* conditions see the whole answer: result[0] of a vector */
	for (; r.n_args < plan->n_args; r.n_args++) {
		value = plan->args[r.n_args].value;
		if (plan->args[r.n_args].from != MF_ANALYSIS_ARG_VALUE) {
			value =
			    plan->args[r.n_args].from == MF_ANALYSIS_ARG_LATEST ? latest : stable;
			if (value[0] == '\0')
				value = NULL;
			runs = true;
		}
		r.args[r.n_args] = (struct mf_pair){plan->args[r.n_args].name, value};
	}
	if (!runs) /* the reader of plans put all in */
		return 0;
	if (render(&r, &out->address) != 0 || render(&r, &out->query) != 0 ||
	    render(&r, &out->body) != 0 || render_headers(&r, out) != 0)
		return mf_error_while(e, "asking for the metric %s", m->name);
	return 0;
}
