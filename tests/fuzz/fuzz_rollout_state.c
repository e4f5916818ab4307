/* States of Rollouts as journals hold them: refused, or read, written again as they were, and good
 * enough for the engine to go on from, whatever they say. */
#include "tests/fuzz/fuzz_check.h"

#include "src/rollout/document.h"
#include "src/rollout/rollout_state.h"

#define SECOND ((uint64_t)1000000)

static const struct mf_analysis_metric metric = {.name = "m",
    .query = {.type = MF_PROVIDER_WEB},
    .interval_us = 60 * SECOND,
    .failure_limit = 1,
    .consecutive_error_limit = 4};
static const struct mf_analysis_plan analysis = {
    .name = "a", .profile = MF_PROFILE_MIGRATION, .metrics = &metric, .n_metrics = 1};
static const struct mf_analysis_plan *const analyses[] = {&analysis};
static const struct mf_rollout_step steps[] = {
    {.kind = MF_ROLLOUT_SET_WEIGHT, .weight = 30},
    {.kind = MF_ROLLOUT_PAUSE, .pause_us = 60 * SECOND},
    {.kind = MF_ROLLOUT_SET_HEADER_ROUTE, .route = "r"},
    {.kind = MF_ROLLOUT_PAUSE, .forever = true},
};

/* One pass in which all goes well. */
static void
pass(const struct mf_rollout_plan *plan, struct mf_rollout_state *s, uint64_t now_us)
{
	static struct mf_asked asked[MF_STEP_ACTS_MAX];
	const struct mf_rollout_tick tick = {.now_us = now_us};
	struct mf_rollout_state next;
	size_t n = 0;

	while (mf_rollout_step(plan, s, &tick, asked, n, &next, &asked[n].act) == MF_STEP_ACT) {
		memset(&asked[n].answer, 0, sizeof asked[n].answer);
		asked[n].answer.measured.value = 1;
		fuzz_require(asked[n].act.canary <= 100);
		n++;
		fuzz_require(n < MF_STEP_ACTS_MAX);
	}
	fuzz_require(next.weight <= 100);
	fuzz_require(mf_rollout_next_us(plan, &next, now_us) > now_us);
	*s = next;
}

static void
go_on(const struct mf_rollout_state *from, enum mf_rollout_strategy strategy, enum mf_finish finish)
{
	const struct mf_rollout_plan plan = {.name = "r",
	    .profile = MF_PROFILE_MIGRATION,
	    .finish = finish,
	    .strategy = strategy,
	    .steps = steps,
	    .n_steps = strategy == MF_ROLLOUT_CANARY ? sizeof steps / sizeof steps[0] : 0,
	    .analyses = analyses,
	    .n_analyses = 1,
	    .background = strategy == MF_ROLLOUT_CANARY ? 0 : MF_ROLLOUT_NO_ANALYSIS,
	    .pre_promotion = 0,
	    .post_promotion = MF_ROLLOUT_NO_ANALYSIS,
	    .bake = {.duration_us = 60 * SECOND, .interval_us = 30 * SECOND}};
	struct mf_rollout_state s = *from;

	for (uint64_t i = 1; i < 8; i++)
		pass(&plan, &s, i * 100 * SECOND);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_region *r;
	struct mf_error e = {0};
	struct mf_rollout_state s, again;
	struct mf_buf b = MF_BUF_INIT;
	const struct mf_node *node;

	if (mf_region_new(
		&(struct mf_region_params){.plain_bytes = (size_t)64 << 20, .what = "a state"}, &r,
		&e) != 0)
		abort();
	node = mf_document_json("a state", data, n, r, &e);
	if (node == NULL || mf_rollout_state_read(&s, node, &e) != 0) {
		fuzz_require_error(&e);
	} else {
		mf_rollout_state_put(&b, &s);
		node = mf_document_json("a state", b.data, b.len, r, &e);
		fuzz_require(node != NULL && mf_rollout_state_read(&again, node, &e) == 0);
		go_on(&s, MF_ROLLOUT_CANARY, MF_FINISH_STAY);
		go_on(&s, MF_ROLLOUT_BLUE_GREEN, MF_FINISH_STAY);
		go_on(&s, MF_ROLLOUT_CANARY, MF_FINISH_COPY_BACK);
	}
	mf_buf_fini(&b);
	mf_region_free(r);
	return 0;
}
