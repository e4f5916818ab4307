/* A query: split, its sides are parts of it, and together a predicate again. */
#include "tests/fuzz/fuzz_check.h"

#include <stdio.h>

#include "src/rollout/promql.h"

/* left op right, in parentheses of their own, splits the same way. (A comment at the end of a side
 * needs its line's end.) */
static void
check_again(const struct mf_promql_predicate *p, struct mf_region *r)
{
	size_t n = strlen(p->left) + strlen(p->right) + 16;
	struct mf_promql_predicate again;
	struct mf_error e = {0};
	char *text = malloc(n);

	fuzz_require(text != NULL);
	(void)snprintf(text, n, "((%s\n)%s(%s\n))", p->left, p->operator, p->right);
	if (strlen(text) <= MF_PROMQL_BYTES_MAX && mf_promql_split(text, &again, r, &e) < 0)
		fuzz_require(strstr(e.message, "deeper") != NULL);
	else if (strlen(text) <= MF_PROMQL_BYTES_MAX)
		fuzz_require(strcmp(again.operator, p->operator) == 0 && again.left[0] == '(' &&
			     strncmp(again.left + 1, p->left, strlen(p->left)) == 0);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct mf_region_params params = {
	    .plain_bytes = (size_t)64 << 20, .what = "it", .reserve_bytes = (size_t)1 << 30};
	char *text = fuzz_text(data, n);
	struct mf_promql_predicate p;
	struct mf_error e = {0};
	struct mf_region *r;
	int rc;

	fuzz_require(mf_region_new(&params, &r, NULL) == 0);
	rc = mf_promql_split(text, &p, r, &e);
	if (rc < 0) {
		fuzz_require_error(&e);
	} else if (rc > 0) {
		fuzz_require(p.left[0] != '\0' && p.right[0] != '\0');
		fuzz_require(strstr(text, p.left) != NULL && strstr(text, p.right) != NULL);
		check_again(&p, r);
	}
	mf_region_free(r);
	free(text);
	return 0;
}
