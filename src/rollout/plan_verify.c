/* Whether the way back of a plan can be verified: what measures the primary when traffic is there
 * again. */
#include <stdio.h>
#include <string.h>

#include "src/rollout/analysis_plan.h"
#include "src/rollout/plan.h"
#include "src/rollout/rollout_plan.h"

/* Those that measure the primary, and all others: a, b, c. */
struct names {
	char seen[120], blind[120];
};

static void
add(struct names *n, bool measures, const char *name)
{
	char *text = measures ? n->seen : n->blind;
	size_t used = strlen(text);

	if (strstr(text, name) != NULL) /* of an analysis that several steps have */
		return;
	(void)snprintf(text + used, sizeof n->seen - used, "%s%.40s", used == 0 ? "" : ", ", name);
}

static void
add_analysis(struct names *n, const struct mf_analysis_plan *plan)
{
	for (size_t i = 0; i < plan->n_metrics; i++)
		if (!plan->metrics[i].dry_run)
			add(n, plan->metrics[i].has_primary_query, plan->metrics[i].name);
}

enum mf_plan_way_back
mf_plan_way_back(const struct mf_plan *plan, char out[MF_PLAN_WAY_BACK_BYTES])
{
	struct names n = {"", ""};
	const char *what = "primaryQuery beside a query, or primaryLabels beside a preset";
	size_t i;

	out[0] = '\0';
	if (plan->migration == NULL || (plan->canary == NULL && plan->rollout == NULL))
		return MF_PLAN_WAY_BACK_NONE;
	for (i = 0; plan->canary != NULL && i < plan->canary->n_metrics; i++)
		add(&n, plan->canary->metrics[i].has_primary_query, plan->canary->metrics[i].name);
	for (i = 0; plan->rollout != NULL && i < plan->rollout->n_analyses; i++)
		add_analysis(&n, plan->rollout->analyses[i]);
	if (plan->rollout != NULL)
		what = plan->bare
			   ? "--primary-arg NAME=VALUE, with what an argument is on the "
			     "primary's side"
			   : "primaryArgs beside rolloutRef, with what an argument is on the "
			     "primary's side";
	else if (plan->canary->referred)
		what =
		    "a built-in metric, or give a Migration an analysis of its own, whose metrics "
		    "have primaryQuery";
	if (n.seen[0] != '\0') {
		(void)snprintf(out, MF_PLAN_WAY_BACK_BYTES, "%s", n.seen);
		return MF_PLAN_WAY_BACK_SEEN;
	}
	if (plan->migration->rollback.verify_for_us == 0)
		return MF_PLAN_WAY_BACK_NONE;
	(void)snprintf(out, MF_PLAN_WAY_BACK_BYTES,
	    "no metric measures the primary (%s), so that a way back cannot be verified and ends "
	    "with status 9: add %s; %s says that nobody is to look",
	    n.blind[0] == '\0' ? "there is none" : n.blind, what,
	    plan->bare ? "--verify-for 0" : "verifyFor: 0");
	return MF_PLAN_WAY_BACK_BLIND;
}
