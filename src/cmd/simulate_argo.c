#include "src/cmd/simulate_argo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/rollout/document.h"

#define WAIT_MAX_S 3155760000.0 /* 100 years: a clock that cannot wrap */
#define REGION_BYTES ((size_t)32 << 20)

int
mf_argo_tick_region(struct mf_region **out, struct mf_error *e)
{
	return mf_region_new(
	    &(struct mf_region_params){
		.plain_bytes = REGION_BYTES, .reserve_bytes = 32 * REGION_BYTES, .what = "a tick"},
	    out, e);
}

int
mf_argo_tick_word(const struct mf_simulation *s, size_t n, const json_t *from, const char *key,
    const char **out, struct mf_error *e)
{
	const json_t *v = json_object_get(from, key);

	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return mf_simulate_refuse(s, n, key, "is not a string", e);
	*out = json_string_value(v);
	return 0;
}

int
mf_argo_tick_wait(const struct mf_simulation *s, size_t n, const json_t *tick, uint64_t default_us,
    uint64_t *now_us, struct mf_error *e)
{
	const json_t *wait = json_object_get(tick, "wait");
	double seconds = json_number_value(wait);

	if (wait == NULL) {
		*now_us += default_us;
		return 0;
	}
	if (!json_is_number(wait) || !(seconds >= 0 && seconds <= WAIT_MAX_S))
		return mf_simulate_refuse(s, n, "wait", "is not a number of seconds", e);
	*now_us += (uint64_t)(seconds * 1e6);
	return 0;
}

/* "NaN", "+Inf" and "-Inf" are numbers, which JSON cannot say. */
/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than MF_NODE_DEPTH_MAX */
static void
make_numbers(struct mf_node *node)
{
	static const struct {
		const char *text;
		double number;
	} words[] = {{"NaN", (double)NAN}, {"+Inf", (double)INFINITY}, {"-Inf", -(double)INFINITY}};

	for (size_t i = 0; i < node->n_items; i++)
		make_numbers(node->items[i]);
	for (size_t i = 0; node->kind == MF_NODE_STRING && i < 3; i++)
		if (strcmp(node->text, words[i].text) == 0) {
			node->kind = MF_NODE_NUMBER;
			node->number = words[i].number;
		}
}
/* NOLINTEND(misc-no-recursion) */

static int
tree_of(const json_t *value, struct mf_region *r, struct mf_measured *out, struct mf_error *e)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY);
	struct mf_node *node;

	if (text == NULL)
		return mf_error_nomem(e, "a tick");
	node = mf_document_json("a measurement", text, strlen(text), r, e);
	free(text);
	if (node == NULL)
		return -1;
	make_numbers(node);
	out->end = MF_MEASURE_VALUE;
	out->result = node;
	return 0;
}

/* true and false of a predicate: its result is there, or only its left side. */
static int
predicate_of(
    bool holds, bool left, struct mf_region *r, struct mf_measured *out, struct mf_error *e)
{
	json_t *value = holds || left ? json_pack("[i]", 1) : json_array();
	int rc = value != NULL ? tree_of(value, r, out, e) : mf_error_nomem(e, "a tick");

	json_decref(value);
	return rc;
}

int
mf_argo_tick_measured(const struct mf_simulation *s, size_t n, const json_t *values,
    const struct mf_analysis_metric *m, bool left, struct mf_region *r, struct mf_measured *out,
    struct mf_error *e)
{
	const json_t *v = json_object_get(values, m->name);

	*out = (struct mf_measured){.end = MF_MEASURE_EARLY};
	if (v == NULL)
		return 0;
	if (json_object_get(v, "error") != NULL) {
		out->end = MF_MEASURE_ERROR;
		return 0;
	}
	if (m->query.type == MF_PROVIDER_JOB) {
		if (!json_is_string(json_object_get(v, "job")))
			return mf_simulate_refuse(
			    s, n, m->name, "is no {\"job\": \"complete\"} or the like", e);
		return tree_of(json_object_get(v, "job"), r, out, e);
	}
	if (m->predicate && json_is_boolean(v))
		return predicate_of(json_is_true(v), left, r, out, e);
	if (json_object_get(v, "left") != NULL)
		v = json_object_get(v, left ? "left" : "result");
	else if (left)
		v = NULL;
	if (v == NULL || json_is_null(v)) {
		out->end = MF_MEASURE_NONE;
		return 0;
	}
	return tree_of(v, r, out, e);
}
