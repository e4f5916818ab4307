/* How traffic moves: intervals and weights of the analysis stanza. */
#include "src/rollout/plan_stanza.h"

#include <string.h>

#include "src/base/units.h"

/* Digits and m or s, as the CRD has it: "1m30s" is one, "1h" is none. */
static bool
begins_well(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && (text[n] == 'm' || text[n] == 's');
}

void
mf_stanza_interval(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *us)
{
	const char *text;
	uint64_t value;

	if (!mf_plan_string(rd, map, key, &text))
		return;
	if (!begins_well(text)) {
		mf_plan_refuse(rd, mf_node_get(map, key),
		    "\"%.32s\" does not begin with digits and m or s, as Flagger has it", text);
		return;
	}
	if (mf_plan_duration(rd, map, key, &value))
		*us = value;
}

static void
read_list(struct mf_plan_reading *rd, const struct mf_node *list, struct mf_canary_plan *plan)
{
	size_t i;

	if (list->n_items > MF_STEP_WEIGHTS_MAX) {
		mf_plan_refuse(rd, list, "more than %u weights", MF_STEP_WEIGHTS_MAX);
		return;
	}
	for (i = 0; i < list->n_items; i++)
		if (!mf_plan_weight_of(rd, list->items[i], &plan->step_weights[i]))
			return;
	plan->n_step_weights = list->n_items;
}

/* Weights that do not rise would never be left, and Flagger waits for ever. */
static void
check_list(
    struct mf_plan_reading *rd, const struct mf_node *list, const struct mf_canary_plan *plan)
{
	unsigned before = 0;
	size_t i;

	for (i = 0; i < plan->n_step_weights; i++) {
		if (plan->step_weights[i] == 0)
			mf_plan_refuse(rd, list->items[i], "a step to 0 would never end");
		else if (plan->step_weights[i] == before)
			mf_plan_refuse(rd, list->items[i],
			    "%u again: each weight has to be greater than the one before it",
			    before);
		else if (plan->step_weights[i] < before)
			mf_plan_refuse(rd, list->items[i], "%u is less than the %u before it",
			    plan->step_weights[i], before);
		before = plan->step_weights[i];
	}
}

/* One of stepWeight, stepWeights and iterations, as the CRD's oneOf has it. */
static void
check_choice(struct mf_plan_reading *rd, const struct mf_node *analysis, const struct mf_stanza *s)
{
	unsigned n = s->has_iterations + s->has_step_weight + s->has_step_weights;

	if (n == 0)
		mf_plan_refuse(rd, analysis,
		    "one of stepWeight, stepWeights and iterations is wanted: without a step the "
		    "run "
		    "would wait for ever");
	else if (n > 1)
		mf_plan_refuse(rd, analysis,
		    "only one of stepWeight, stepWeights and iterations may be there");
}

static bool
is_zero(const struct mf_node *v)
{
	return v->kind == MF_NODE_NUMBER && v->number == 0;
}

void
mf_stanza_weights(struct mf_plan_reading *rd, const struct mf_node *analysis, struct mf_stanza *s,
    struct mf_canary_plan *plan)
{
	s->step_weights = mf_plan_list(rd, analysis, "stepWeights", 0);
	s->has_step_weight = mf_node_get(analysis, "stepWeight") != NULL;
	s->has_step_weights = mf_node_get(analysis, "stepWeights") != NULL;
	s->has_iterations = mf_node_get(analysis, "iterations") != NULL;
	if (s->step_weights != NULL)
		read_list(rd, s->step_weights, plan);
	if (plan->max_weight == 0)
		plan->max_weight = 100;
	if (plan->n_step_weights > 0)
		plan->max_weight = plan->step_weights[plan->n_step_weights - 1];
	plan->strategy = plan->iterations == 0                       ? MF_STRATEGY_WEIGHTED
			 : s->match != NULL && s->match->n_items > 0 ? MF_STRATEGY_AB
								     : MF_STRATEGY_BLUE_GREEN;
	if (rd->params->lenient)
		return;
	check_choice(rd, analysis, s);
	if (s->step_weights != NULL)
		check_list(rd, s->step_weights, plan);
	if (s->has_step_weight && plan->step_weight == 0 && s->step_weights == NULL &&
	    plan->iterations == 0 && is_zero(mf_node_get(analysis, "stepWeight")))
		mf_plan_refuse(
		    rd, mf_node_get(analysis, "stepWeight"), "a step of 0 would never end");
	if (s->has_iterations && is_zero(mf_node_get(analysis, "iterations")) &&
	    !s->has_step_weight && !s->has_step_weights)
		mf_plan_refuse(rd, mf_node_get(analysis, "iterations"),
		    "0 iterations and no stepWeight: the run would wait for ever");
}

bool
mf_plan_is_url(struct mf_plan_reading *rd, const struct mf_node *at, const char *url)
{
	size_t scheme = strncmp(url, "http://", 7) == 0    ? 7
			: strncmp(url, "https://", 8) == 0 ? 8
							   : 0;

	if (scheme > 0 && url[scheme] != '\0' && url[scheme] != '/' && url[scheme] != ':' &&
	    strpbrk(url, " \t\r\n") == NULL)
		return true;
	mf_plan_refuse(rd, at, "a URL is wanted here: http:// or https://, and a host");
	return false;
}
