/* What becomes of an answer. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/document.h"
#include "src/rollout/jsonpath.h"
#include "src/traffic/prometheus_answer.h"
#include "src/traffic/provider_int.h"

static void
set_why(struct mf_measured *out, const char *text)
{
	mf_text_escape(out->why, sizeof out->why, text);
}

void
mf_metric_set_value(struct mf_measured *out, double value)
{
	out->end = isnan(value) ? MF_MEASURE_NAN : MF_MEASURE_VALUE;
	out->value = value;
	set_why(out, isnan(value) ? "the value is NaN" : "");
}

void
mf_metric_set_none(struct mf_measured *out, const char *why)
{
	out->end = MF_MEASURE_NONE;
	set_why(out, why);
}

void
mf_metric_set_error(struct mf_measured *out, const struct mf_error *e)
{
	out->end = MF_MEASURE_ERROR;
	out->result = NULL;
	out->code = e->code;
	set_why(out, e->message);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks around a number are no harm. */
static int
number_of(const char *text, size_t n, double *value)
{
	char copy[64];

	for (; n > 0 && is_blank(*text); text++, n--)
		continue;
	while (n > 0 && is_blank(text[n - 1]))
		n--;
	if (n == 0 || n >= sizeof copy)
		return -1;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return strlen(copy) == n ? mf_prom_number(copy, value) : -1;
}

void
mf_metric_set_node(struct mf_measured *out, const struct mf_metric_query *q, const char *what,
    const struct mf_node *node)
{
	struct mf_error e = {0};
	double value = 0;
	bool number = true;

	if (node->kind == MF_NODE_NUMBER)
		value = node->number;
	else if (node->kind == MF_NODE_BOOL)
		value = node->truth ? 1 : 0;
	else
		number = node->kind == MF_NODE_STRING &&
			 number_of(node->text, strlen(node->text), &value) == 0;
	if (q->as_tree) {
		out->end = MF_MEASURE_VALUE;
		out->value = number ? value : (double)NAN;
		out->result = node;
	} else if (number) {
		mf_metric_set_value(out, value);
	} else if (node->kind == MF_NODE_NULL) {
		mf_metric_set_none(out, "the value is null");
	} else {
		mf_error_set(
		    &e, MF_EUSAGE, "%s is a %s and no number", what, mf_node_kind_name(node->kind));
		mf_metric_set_error(out, &e);
	}
}

/* A body that is no JSON. */
static void
set_bare(struct mf_measured *out, const struct mf_metric_query *q, const char *what,
    const char *text, size_t n, struct mf_region *r)
{
	const struct mf_node *node;
	struct mf_error e = {0};
	double value;

	if (q->as_tree) {
		if (memchr(text, '\0', n) == NULL &&
		    (node = mf_node_string(r, text, n, &e)) != NULL) {
			mf_metric_set_node(out, q, what, node);
			return;
		}
		if (e.code == MF_OK)
			mf_error_set(&e, MF_EUSAGE, "%s is no text", what);
	} else if (number_of(text, n, &value) == 0) {
		mf_metric_set_value(out, value);
		return;
	} else {
		mf_error_set(&e, MF_EUSAGE, "%s is neither JSON nor a number", what);
	}
	mf_metric_set_error(out, &e);
}

void
mf_metric_set_text(struct mf_measured *out, const struct mf_metric_query *q, const char *what,
    const void *bytes, size_t n, struct mf_region *r)
{
	const struct mf_node *root, *node;
	const struct mf_jsonpath *path;
	struct mf_error e = {0};

	if (n == 0 && !q->as_tree) {
		mf_metric_set_none(out, "the answer is empty");
		return;
	}
	if ((root = mf_document_json(what, bytes, n, r, &e)) == NULL) {
		if (e.code == MF_EUSAGE)
			set_bare(out, q, what, bytes, n, r);
		else
			mf_metric_set_error(out, &e);
		return;
	}
	if ((path = mf_jsonpath_read(q->json_path != NULL ? q->json_path : "{$}", r, &e)) != NULL &&
	    (node = mf_jsonpath_first(path, root, &e)) != NULL)
		mf_metric_set_node(out, q, what, node);
	else if (e.code == MF_ENOTFOUND && !q->as_tree) {
		mf_metric_set_none(out, e.message);
		out->code = e.code;
	} else
		mf_metric_set_error(out, &e);
}
