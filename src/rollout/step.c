#include "src/rollout/step.h"

#include <assert.h>
#include <string.h>

static bool
same(const struct mf_act *a, const struct mf_act *b)
{
	return a->kind == b->kind && a->index == b->index && a->of == b->of &&
	       a->primary == b->primary && a->canary == b->canary && a->mirror == b->mirror &&
	       a->matched == b->matched;
}

const struct mf_answer *
mf_step_ask(struct mf_step *s, const struct mf_act *act)
{
	const struct mf_asked *known;

	assert(!s->pending);
	if (s->next == s->n_asked) {
		s->pending = true;
		*s->wants = *act;
		return NULL;
	}
	known = &s->asked[s->next++];
	assert(same(&known->act, act));
	return &known->answer;
}

const char *
mf_act_name(enum mf_act_kind kind)
{
	static const char *const names[MF_ACT_KINDS] = {
	    [MF_ACT_HOOK] = "hook",
	    [MF_ACT_METRIC] = "metric",
	    [MF_ACT_MEASURE_PRIMARY] = "measurePrimary",
	    [MF_ACT_MEASURE_FALLBACK] = "measureFallback",
	    [MF_ACT_PROBE] = "probe",
	    [MF_ACT_ROUTE] = "route",
	    [MF_ACT_SCALE_UP] = "scaleUp",
	    [MF_ACT_SCALE_TO_ZERO] = "scaleToZero",
	    [MF_ACT_CREATE_PRIMARY] = "createPrimary",
	    [MF_ACT_PROMOTE] = "promote",
	    [MF_ACT_REFERENCE] = "reference",
	    [MF_ACT_ALERT] = "alert",
	    [MF_ACT_RESTORE] = "restore",
	    [MF_ACT_DRAIN] = "drain",
	    [MF_ACT_REFERENCE_BACK] = "referenceBack",
	    [MF_ACT_FALLBACK] = "fallback",
	    [MF_ACT_MANAGED_ROUTE] = "managedRoute",
	    [MF_ACT_REMOVE_ROUTES] = "removeRoutes",
	};

	return (unsigned)kind < MF_ACT_KINDS ? names[kind] : "?";
}
