#include "config.h"

#include "src/traffic/prometheus_answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/document.h"

int
mf_prom_number(const char *text, double *value)
{
	char *end;
	double v;

	if (strcmp(text, "NaN") == 0)
		v = (double)NAN;
	else if (strcmp(text, "+Inf") == 0 || strcmp(text, "Inf") == 0)
		v = (double)INFINITY;
	else if (strcmp(text, "-Inf") == 0)
		v = -(double)INFINITY;
	else if (*text == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
		return -1;
	else {
		v = strtod(text, &end);
		if (*end != '\0')
			return -1;
	}
	*value = v;
	return 0;
}

static int
unusable(struct mf_error *e, const char *why)
{
	return mf_error_set(e, MF_EFAIL, "the answer is none of Prometheus: %s", why);
}

static const char *
text_of(const struct mf_node *node)
{
	return node != NULL && node->kind == MF_NODE_STRING ? node->text : NULL;
}

static bool
is_list(const struct mf_node *node)
{
	return node != NULL && node->kind == MF_NODE_LIST;
}

/* [time, "value"] */
static int
read_point(double *value, const struct mf_node *point, struct mf_error *e)
{
	if (!is_list(point) || point->n_items != 2 || point->items[0]->kind != MF_NODE_NUMBER ||
	    text_of(point->items[1]) == NULL)
		return unusable(e, "a point is no time and value");
	if (mf_prom_number(point->items[1]->text, value) != 0)
		return unusable(e, "a value is no number");
	return 0;
}

static int
read_le(double *le, const struct mf_node *metric, struct mf_error *e)
{
	const struct mf_node *label = mf_node_get(metric, "le");

	*le = (double)NAN;
	if (label == NULL)
		return 0;
	if (text_of(label) == NULL || mf_prom_number(label->text, le) != 0 || isnan(*le))
		return unusable(e, "a label le is no number");
	return 0;
}

static int
read_series(struct mf_prom_answer *out, const struct mf_node *series, struct mf_error *e)
{
	struct mf_prom_series *s = &out->series[out->n_series];
	const bool one = out->type == MF_PROM_VECTOR;
	const struct mf_node *values = mf_node_get(series, one ? "value" : "values");
	size_t i, n = one || values == NULL ? 1 : values->n_items;

	if (!is_list(values))
		return unusable(e, "a series has no value; native histograms are not read");
	s->labels = mf_node_get(series, "metric");
	if (read_le(&s->le, s->labels, e) != 0)
		return -1;
	s->first = out->n_values;
	s->n = n;
	for (i = 0; i < n; i++)
		if (read_point(&out->values[out->n_values++], one ? values : values->items[i], e) !=
		    0)
			return -1;
	out->n_series++;
	return 0;
}

/* How many values there are, before there is memory for them. */
static size_t
count_values(enum mf_prom_type type, const struct mf_node *result)
{
	const struct mf_node *values;
	size_t i, n = 0;

	if (type != MF_PROM_MATRIX)
		return result->n_items;
	for (i = 0; i < result->n_items; i++)
		if ((values = mf_node_get(result->items[i], "values")) != NULL)
			n += values->n_items;
	return n;
}

static int
make_room(struct mf_prom_answer *out, size_t n_series, size_t n_values, struct mf_region *r,
    struct mf_error *e)
{
	out->series = mf_region_alloc(r, (n_series + 1) * sizeof *out->series, e);
	out->values = mf_region_alloc(r, (n_values + 1) * sizeof *out->values, e);
	return out->series != NULL && out->values != NULL ? 0 : -1;
}

static int
read_scalar(struct mf_prom_answer *out, const struct mf_node *result, struct mf_region *r,
    struct mf_error *e)
{
	if (make_room(out, 1, 1, r, e) != 0)
		return -1;
	if (out->type == MF_PROM_STRING)
		return 0;
	if (read_point(out->values, result, e) != 0)
		return -1;
	out->series[0] = (struct mf_prom_series){.le = (double)NAN, .n = 1};
	out->n_series = out->n_values = 1;
	return 0;
}

static int
read_type(enum mf_prom_type *type, const struct mf_node *data)
{
	static const char *const names[] = {"scalar", "vector", "matrix", "string"};
	const char *name = text_of(mf_node_get(data, "resultType"));
	size_t i;

	for (i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0) {
			*type = (enum mf_prom_type)i;
			return 0;
		}
	return -1;
}

static int
read_data(
    struct mf_prom_answer *out, const struct mf_node *data, struct mf_region *r, struct mf_error *e)
{
	const struct mf_node *result = mf_node_get(data, "result");
	size_t i;

	if (read_type(&out->type, data) != 0 || !is_list(result))
		return unusable(e, "it has no result of a known type");
	if (out->type == MF_PROM_SCALAR || out->type == MF_PROM_STRING)
		return read_scalar(out, result, r, e);
	if (make_room(out, result->n_items, count_values(out->type, result), r, e) != 0)
		return -1;
	for (i = 0; i < result->n_items; i++)
		if (read_series(out, result->items[i], e) != 0)
			return -1;
	return 0;
}

/* {"status": "error", "errorType": ..., "error": ...} */
static int
refused(struct mf_prom_answer *out, const struct mf_node *root, struct mf_error *e)
{
	const char *type = text_of(mf_node_get(root, "errorType"));
	const char *text = text_of(mf_node_get(root, "error"));
	char message[240];

	out->refused = true;
	mf_text_escape(message, sizeof message, text != NULL ? text : "no reason is given");
	return mf_error_set(e, MF_EFAIL, "%.40s: %s", type != NULL ? type : "error", message);
}

int
mf_prom_answer_read(struct mf_prom_answer *out, const void *bytes, size_t n, struct mf_region *r,
    struct mf_error *e)
{
	const struct mf_node *root = mf_document_json("the answer", bytes, n, r, e), *warnings;
	const char *status;

	*out = (struct mf_prom_answer){.n_series = 0};
	if (root == NULL) {
		if (e != NULL && e->code == MF_EUSAGE)
			e->code = MF_EFAIL;
		return -1;
	}
	warnings = mf_node_get(root, "warnings");
	if (is_list(warnings) && warnings->n_items > 0 && text_of(warnings->items[0]) != NULL)
		mf_text_escape(out->warning, sizeof out->warning, warnings->items[0]->text);
	status = text_of(mf_node_get(root, "status"));
	if (status != NULL && strcmp(status, "success") == 0)
		return read_data(out, mf_node_get(root, "data"), r, e);
	if (status != NULL && strcmp(status, "error") == 0)
		return refused(out, root, e);
	return unusable(e, "it has no status");
}
