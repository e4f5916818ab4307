/* Flagger's and Argo's templates. */
#include "tests/fuzz/fuzz_check.h"

#include "src/rollout/template.h"

static const struct mf_pair words[] = {
    {"name", "podinfo"}, {"interval", "1m"}, {"target", "a \"b\" {{name}}\n"}, {"route", NULL}};

static void
check(int rc, const char *text, const struct mf_buf *b, const struct mf_error *e)
{
	if (rc != 0) {
		fuzz_require_error(e);
		return;
	}
	fuzz_require(!b->failed && b->len <= MF_TEMPLATE_RESULT_MAX);
	if (strstr(text, "{{") == NULL)
		fuzz_require(
		    b->len == strlen(text) && (b->len == 0 || memcmp(b->data, text, b->len) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct mf_template_words all = {
	    .words = words, .n_words = 4, .variables = words, .n_variables = 4};
	char *text = fuzz_text(data, n);
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;

	check(mf_template_flagger(&b, text, &all, &e), text, &b, &e);
	mf_buf_clear(&b);
	check(mf_template_argo(&b, text, words, 4, &e), text, &b, &e);
	mf_buf_fini(&b);
	free(text);
	return 0;
}
