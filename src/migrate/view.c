/* Views as JSON: one table says which members there are, for writing and for reading. */
#include "src/migrate/view.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "src/base/region.h"
#include "src/base/text.h"
#include "src/rollout/document.h"
#include "src/rollout/node.h"

#define READ_MEMORY ((size_t)4 << 20)
/* Times and counts are whole, and would lose digits elsewhere above 2^53. */
#define WHOLE_MAX 9007199254740992.0

enum member_kind { TEXT, WHOLE, UNSIGNED, DOUBLE, BOOL };

struct member {
	const char *key;
	enum member_kind kind;
	size_t at, bytes;
};

#define MEMBER(type, key, kind, field)                                                        \
	{                                                                                     \
		key, kind, offsetof(struct type, field), sizeof(((struct type *)NULL)->field) \
	}
#define OF_VIEW(key, kind, field) MEMBER(mf_migrate_view, key, kind, field)
#define OF_METRIC(key, kind, field) MEMBER(mf_view_metric, key, kind, field)

static const struct member view_members[] = {
    OF_VIEW("at", WHOLE, at_us),
    OF_VIEW("by", TEXT, by),
    OF_VIEW("left", WHOLE, left_us),
    OF_VIEW("backAfter", WHOLE, back_after_us),
    OF_VIEW("version", TEXT, version),
    OF_VIEW("previous", TEXT, previous),
    OF_VIEW("stage", TEXT, stage),
    OF_VIEW("doing", TEXT, doing),
    OF_VIEW("tick", WHOLE, tick),
    OF_VIEW("phase", TEXT, phase),
    OF_VIEW("step", TEXT, step),
    OF_VIEW("wanted", UNSIGNED, wanted),
    OF_VIEW("routerKnown", BOOL, router_known),
    OF_VIEW("canary", UNSIGNED, canary),
    OF_VIEW("share", DOUBLE, share),
    OF_VIEW("capacity", BOOL, capacity),
    OF_VIEW("primaryUp", UNSIGNED, primary_up),
    OF_VIEW("primaryServers", UNSIGNED, primary_servers),
    OF_VIEW("canaryUp", UNSIGNED, canary_up),
    OF_VIEW("canaryServers", UNSIGNED, canary_servers),
    OF_VIEW("sessions", WHOLE, sessions),
    OF_VIEW("routerNote", TEXT, router_note),
    OF_VIEW("failedChecks", UNSIGNED, failed_checks),
    OF_VIEW("threshold", UNSIGNED, threshold),
    OF_VIEW("next", WHOLE, next_us),
    OF_VIEW("hold", TEXT, hold),
    OF_VIEW("reason", TEXT, reason),
    OF_VIEW("because", TEXT, because),
    OF_VIEW("waits", TEXT, waits),
    OF_VIEW("holdSince", WHOLE, hold_since_us),
    OF_VIEW("holdUntil", WHOLE, hold_until_us),
    OF_VIEW("settled", WHOLE, settled_us),
    OF_VIEW("holdEnd", TEXT, hold_end),
    OF_VIEW("sourceUnchecked", BOOL, source_unchecked),
    OF_VIEW("destinationUnchecked", BOOL, destination_unchecked),
    OF_VIEW("rollback", TEXT, rollback),
    OF_VIEW("metricsLeftOut", UNSIGNED, metrics_left_out),
};

static const struct member metric_members[] = {
    OF_METRIC("name", TEXT, name),
    OF_METRIC("check", TEXT, check),
    OF_METRIC("hasValue", BOOL, has_value),
    OF_METRIC("value", DOUBLE, value),
    OF_METRIC("hasMin", BOOL, has_min),
    OF_METRIC("hasMax", BOOL, has_max),
    OF_METRIC("hasAbortMin", BOOL, has_abort_min),
    OF_METRIC("hasAbortMax", BOOL, has_abort_max),
    OF_METRIC("min", DOUBLE, min),
    OF_METRIC("max", DOUBLE, max),
    OF_METRIC("abortMin", DOUBLE, abort_min),
    OF_METRIC("abortMax", DOUBLE, abort_max),
    OF_METRIC("relative", BOOL, relative),
    OF_METRIC("hasPrimary", BOOL, has_primary),
    OF_METRIC("primary", DOUBLE, primary),
    OF_METRIC("alertOnly", BOOL, alert_only),
    OF_METRIC("optional", BOOL, optional),
    OF_METRIC("samples", WHOLE, samples),
    OF_METRIC("age", WHOLE, age_us),
    OF_METRIC("asked", WHOLE, asked_us),
    OF_METRIC("why", TEXT, why),
};

#define N(table) (sizeof(table) / sizeof(table)[0])

static void
put_double(struct mf_buf *b, double value)
{
	char text[MF_NODE_NUMBER_BYTES];

	mf_buf_printf(b, isfinite(value) ? "%s" : "\"%s\"", mf_node_number_text(value, text));
}

static void
put_members(struct mf_buf *b, const struct member *members, size_t n, const void *base)
{
	const char *at;
	size_t i;

	for (i = 0; i < n; i++) {
		at = (const char *)base + members[i].at;
		mf_buf_printf(b, "%s\"%s\":", i == 0 ? "" : ",", members[i].key);
		switch (members[i].kind) {
		case TEXT: mf_text_put_json(b, at); break;
		case WHOLE:
			mf_buf_printf(b, "%" PRIu64, *(const uint64_t *)(const void *)at);
			break;
		case UNSIGNED: mf_buf_printf(b, "%u", *(const unsigned *)(const void *)at); break;
		case DOUBLE: put_double(b, *(const double *)(const void *)at); break;
		case BOOL:
			mf_buf_printf(b, "%s", *(const bool *)(const void *)at ? "true" : "false");
			break;
		}
	}
}

void
mf_view_put(struct mf_buf *b, const struct mf_migrate_view *v)
{
	size_t i;

	mf_buf_printf(b, "{");
	put_members(b, view_members, N(view_members), v);
	mf_buf_printf(b, ",\"metrics\":[");
	for (i = 0; i < v->n_metrics; i++) {
		mf_buf_printf(b, "%s{", i == 0 ? "" : ",");
		put_members(b, metric_members, N(metric_members), &v->metrics[i]);
		mf_buf_printf(b, "}");
	}
	mf_buf_printf(b, "]}");
}

static int
read_whole(const struct mf_node *v, double most, double *out)
{
	if (v->kind != MF_NODE_NUMBER || !(v->number >= 0 && v->number <= most) ||
	    v->number != (double)(uint64_t)v->number)
		return -1;
	*out = v->number;
	return 0;
}

/* What is no number in JSON stands there as a string. */
static int
read_double(const struct mf_node *v, double *out)
{
	static const char *const words[] = {"NaN", "+Inf", "-Inf"};
	static const double values[] = {NAN, INFINITY, -INFINITY};
	size_t i;

	if (v->kind == MF_NODE_NUMBER) {
		*out = v->number;
		return 0;
	}
	for (i = 0; v->kind == MF_NODE_STRING && i < N(words); i++)
		if (strcmp(v->text, words[i]) == 0) {
			*out = values[i];
			return 0;
		}
	return -1;
}

static int
read_member(const struct member *m, const struct mf_node *v, void *base)
{
	char *at = (char *)base + m->at;
	double number = 0;

	switch (m->kind) {
	case TEXT:
		if (v->kind != MF_NODE_STRING || strlen(v->text) >= m->bytes)
			return -1;
		memcpy(at, v->text, strlen(v->text) + 1);
		return 0;
	case WHOLE:
		if (read_whole(v, WHOLE_MAX, &number) != 0)
			return -1;
		*(uint64_t *)(void *)at = (uint64_t)number;
		return 0;
	case UNSIGNED:
		if (read_whole(v, 1e9, &number) != 0)
			return -1;
		*(unsigned *)(void *)at = (unsigned)number;
		return 0;
	case DOUBLE: return read_double(v, (double *)(void *)at);
	case BOOL: *(bool *)(void *)at = v->truth; return v->kind == MF_NODE_BOOL ? 0 : -1;
	}
	return -1;
}

static int
read_members(const struct mf_node *node, const struct member *members, size_t n, void *base,
    struct mf_error *e)
{
	const struct mf_node *v;
	size_t i;

	for (i = 0; i < n; i++) {
		v = mf_node_get(node, members[i].key);
		if (v != NULL && read_member(&members[i], v, base) != 0)
			return mf_error_set(e, MF_EDAMAGED,
			    "the view of a run: %s is not what it can be", members[i].key);
	}
	return 0;
}

static int
read_all(struct mf_migrate_view *out, const struct mf_node *root, struct mf_error *e)
{
	const struct mf_node *list = mf_node_get(root, "metrics");
	size_t i;

	if (root->kind != MF_NODE_MAP)
		return mf_error_set(e, MF_EDAMAGED, "the view of a run is no object");
	if (read_members(root, view_members, N(view_members), out, e) != 0)
		return -1;
	if (out->wanted > 100 || out->canary > 100)
		return mf_error_set(e, MF_EDAMAGED, "the view of a run: more than 100 percent");
	if (list == NULL)
		return 0;
	if (list->kind != MF_NODE_LIST || list->n_items > MF_VIEW_METRICS_MAX)
		return mf_error_set(
		    e, MF_EDAMAGED, "the view of a run: metrics is not what it can be");
	for (i = 0; i < list->n_items; i++)
		if (list->items[i]->kind != MF_NODE_MAP ||
		    read_members(list->items[i], metric_members, N(metric_members),
			&out->metrics[i], e) != 0)
			return e->code != MF_OK ? -1
						: mf_error_set(e, MF_EDAMAGED,
						      "the view of a run: a metric is no object");
	out->n_metrics = list->n_items;
	return 0;
}

int
mf_view_read(struct mf_migrate_view *out, const void *bytes, size_t n, struct mf_error *e)
{
	struct mf_region_params p = {.plain_bytes = READ_MEMORY, .what = "the view of a run"};
	struct mf_region *region;
	const struct mf_node *root;
	struct mf_error own = {0};
	int rc = -1;

	*out = (struct mf_migrate_view){0};
	if (n > MF_VIEW_BYTES_MAX)
		return mf_error_set(e, MF_EDAMAGED, "the view of a run is too long");
	if (mf_region_new(&p, &region, e) != 0)
		return -1;
	root = mf_document_json("the view of a run", bytes, n, region, &own);
	if (root != NULL)
		rc = read_all(out, root, &own);
	mf_region_free(region);
	if (rc == 0)
		return 0;
	*out = (struct mf_migrate_view){0};
	if (own.code == MF_EUSAGE) /* of JSON: but nobody wrote it on a command line */
		own.code = MF_EDAMAGED;
	if (e != NULL)
		*e = own;
	return -1;
}
