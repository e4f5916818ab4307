/* Whole plan files, in each profile: read, shown, freed; or refused with a reason. */
#include "tests/fuzz/fuzz_check.h"

#include "src/rollout/plan.h"

static void
try(const uint8_t *data, size_t n, const struct mf_plan_params *params)
{
	struct mf_error e = {0};
	struct mf_buf refusals = MF_BUF_INIT, shown = MF_BUF_INIT;
	struct mf_plan *plan = mf_plan_read("plan.yaml", data, n, params, &refusals, &e);

	if (plan == NULL) {
		fuzz_require_error(&e);
		fuzz_require(e.code != MF_EUSAGE || refusals.len > 0);
	} else {
		fuzz_require(refusals.len == 0);
		fuzz_require(plan->canary != NULL || plan->rollout != NULL ||
			     plan->analysis != NULL || plan->migration != NULL);
		mf_plan_put_text(&shown, plan);
		mf_plan_put_json(&shown, plan);
	}
	mf_plan_free(plan);
	mf_buf_fini(&shown);
	mf_buf_fini(&refusals);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct mf_plan_params strict = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = true};
	static const struct mf_plan_params lenient = {
	    .profile_is_default = true, .finish_is_default = true, .lenient = true};

	try(data, n, &strict);
	try(data, n, &lenient);
	return 0;
}
