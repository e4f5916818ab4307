#include "tests/tools/man-metrics.h"

#include <stdlib.h>
#include <string.h>

#include "src/rollout/builtin.h"
#include "src/rollout/presets.h"

#define MINUTE UINT64_C(60000000)
#define WIDTH 72u

/* A query as lines that a page holds, broken where PromQL allows a blank. */
static void
put_query(struct mf_buf *out, struct mf_buf *query)
{
	const char *s = mf_buf_cstr(query);
	size_t column = 0, word;

	if (s == NULL)
		abort();
	mf_buf_printf(out, ".Bd -literal -offset 2n -compact\n");
	while (*s != '\0') {
		word = strcspn(s, " ,{") + 1;
		if (column > 0 && column + word > WIDTH) {
			if (out->data[out->len - 1] == ' ')
				out->len--;
			mf_buf_printf(out, "\n  ");
			column = 2;
		}
		for (; word > 0 && *s != '\0'; word--, column++, s++)
			if (*s == '\\')
				mf_buf_printf(out, "\\e");
			else
				mf_buf_put_u8(out, (uint8_t)*s);
	}
	mf_buf_printf(out, "\n.Ed\n");
	mf_buf_clear(query);
}

static void
put_builtin(struct mf_buf *out)
{
	static const char *const servers[] = {"BACKEND/SERVER", "BACKEND/PREFIX*"};
	static const struct mf_builtin_names names = {.name = "NAME",
	    .namespace_name = "NAMESPACE",
	    .target = "TARGET",
	    .service = "SERVICE",
	    .ingress = "INGRESS",
	    .route = "ROUTE",
	    .servers = servers,
	    .n_servers = 2};
	struct mf_buf query = MF_BUF_INIT;
	const char *provider;
	size_t i;

	for (i = 0; (provider = mf_builtin_provider(i)) != NULL; i++) {
		mf_buf_printf(out, ".It Cm %s\n", provider);
		if (mf_builtin_query(
			provider, MF_RULE_SUCCESS_RATE, &names, MINUTE, &query, NULL) != 0)
			abort();
		put_query(out, &query);
		if (mf_builtin_query(provider, MF_RULE_DURATION, &names, MINUTE, &query, NULL) != 0)
			abort();
		put_query(out, &query);
	}
	mf_buf_fini(&query);
}

static void
put_presets(struct mf_buf *out)
{
	const struct mf_pair label = {"LABEL", "VALUE"};
	const struct mf_preset_row *row;
	struct mf_buf query = MF_BUF_INIT;
	size_t i;

	for (i = 0; (row = mf_preset_row(i)) != NULL; i++) {
		mf_buf_printf(out, ".It Cm %s , %s\n", row->preset, row->metric);
		mf_buf_printf(out, "%s%s%s%s:\n", row->what,
		    strcmp(row->unit, "1") != 0 ? " (" : "",
		    strcmp(row->unit, "1") != 0 ? row->unit : "",
		    strcmp(row->unit, "1") != 0 ? ")" : "");
		if (mf_preset_query(row->preset, row->metric, &label, 1, MINUTE, &query, NULL) != 0)
			abort();
		put_query(out, &query);
	}
	mf_buf_fini(&query);
}

int
man_metrics_write(struct mf_buf *out, const char *part)
{
	if (strcmp(part, "builtin") == 0)
		put_builtin(out);
	else if (strcmp(part, "presets") == 0)
		put_presets(out);
	else
		return -1;
	return 0;
}
