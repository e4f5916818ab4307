/* An expression on a result. The input: the expression, a newline, the result as JSON (else null).
 * The same two as a pattern and a text. */
#include "tests/fuzz/fuzz_check.h"

#include "src/rollout/document.h"
#include "src/rollout/expr.h"
#include "src/rollout/pattern.h"

static const struct mf_node *
result_of(const char *json, struct mf_region *r)
{
	const struct mf_node *result = mf_document_json("it", json, strlen(json), r, NULL);

	return result != NULL ? result : mf_node_null(r, NULL);
}

static void
check_pattern(const char *pattern, const char *text, struct mf_region *r)
{
	struct mf_error e = {0};
	const struct mf_pattern *p = mf_pattern_read(pattern, r, &e);
	int found;

	if (p == NULL) {
		fuzz_require_error(&e);
		return;
	}
	fuzz_require(mf_pattern_states(p) <= MF_PATTERN_STATES_MAX);
	found = mf_pattern_matches(p, text, &e);
	fuzz_require(found == 0 || found == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct mf_region_params params = {
	    .plain_bytes = (size_t)512 << 20, .what = "it", .reserve_bytes = (size_t)1 << 30};
	char *text = fuzz_next_text(&data, &n, '\n'), *json = fuzz_text(data, n);
	struct mf_error e = {0}, other = {0};
	const struct mf_node *v;
	const struct mf_expr *x;
	struct mf_region *r;
	int holds;

	fuzz_require(mf_region_new(&params, &r, NULL) == 0);
	x = text != NULL ? mf_expr_read(text, r, &e) : NULL;
	if (text != NULL && x == NULL)
		fuzz_require_error(&e);
	if (x != NULL) {
		v = mf_expr_value(x, result_of(json, r), r, &e);
		holds = mf_expr_holds(x, result_of(json, r), &other);
		if (v == NULL)
			fuzz_require_error(&e);
		if (holds < 0)
			fuzz_require_error(&other);
		else
			fuzz_require(v != NULL && v->kind == MF_NODE_BOOL && v->truth == holds &&
				     mf_expr_check_condition(x, &e) == 0);
	}
	if (text != NULL)
		check_pattern(text, json, r);
	mf_region_free(r);
	free(text);
	free(json);
	return 0;
}
