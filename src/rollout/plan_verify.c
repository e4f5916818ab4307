/* Whether the way back of a plan can be verified: what measures the primary when traffic is there
 * again. */
#include <stdio.h>
#include <string.h>

#include "src/rollout/plan.h"

struct names {
	char *text;
	size_t bytes;
};

static void
add(struct names *n, const char *fmt, const char *name)
{
	size_t used = strlen(n->text);

	(void)snprintf(n->text + used, n->bytes - used, fmt, used == 0 ? "" : ", ", name);
}

/* Those that measure the primary go to seen, and to blind all others. */
static void
sort_metrics(const struct mf_canary_plan *plan, struct names *seen, struct names *blind)
{
	size_t i;

	for (i = 0; i < plan->n_metrics; i++)
		add(plan->metrics[i].has_primary_query ? seen : blind, "%s%.40s",
		    plan->metrics[i].name);
}

enum mf_plan_way_back
mf_plan_way_back(const struct mf_plan *plan, char out[MF_PLAN_WAY_BACK_BYTES])
{
	char seen[120] = "", blind[120] = "";
	struct names s = {seen, sizeof seen}, b = {blind, sizeof blind};

	out[0] = '\0';
	if (plan->migration == NULL || plan->canary == NULL)
		return MF_PLAN_WAY_BACK_NONE;
	sort_metrics(plan->canary, &s, &b);
	if (seen[0] != '\0') {
		(void)snprintf(out, MF_PLAN_WAY_BACK_BYTES, "%s", seen);
		return MF_PLAN_WAY_BACK_SEEN;
	}
	if (plan->migration->rollback.verify_for_us == 0)
		return MF_PLAN_WAY_BACK_NONE;
	(void)snprintf(out, MF_PLAN_WAY_BACK_BYTES,
	    "no metric measures the primary (%s), so that a way back cannot be verified and ends "
	    "with status 9: add primaryQuery beside a query, or primaryLabels beside a preset; "
	    "verifyFor: 0 says that nobody is to look",
	    blind[0] == '\0' ? "there is none" : blind);
	return MF_PLAN_WAY_BACK_BLIND;
}
