#include "src/rollout/rollout_state.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "src/base/text.h"

/* Times are whole microseconds and would lose digits as JSON numbers elsewhere: they stay below
 * 2^53, which is 285 years of uptime. */
#define WHOLE_MAX 9007199254740992.0
#define COUNT_MAX 1e9

enum member_kind {
	MEMBER_TIME,     /* uint64_t */
	MEMBER_UNSIGNED, /* unsigned */
	MEMBER_BOOL,
	MEMBER_REVISION, /* char[MF_REVISION_BYTES] */
	MEMBER_PHASE,    /* enum mf_rollout_phase */
	MEMBER_REASON,
	MEMBER_RESULT,
	MEMBER_ANALYSIS, /* enum mf_analysis_phase */
	MEMBER_HOLD,
};

struct member {
	const char *key;
	enum member_kind kind;
	size_t at;
};

#define AT(field) offsetof(struct mf_rollout_state, field)
static const struct member members[] = {
    {"phase", MEMBER_PHASE, AT(phase)},
    {"stable", MEMBER_REVISION, AT(stable)},
    {"current", MEMBER_REVISION, AT(current)},
    {"former", MEMBER_REVISION, AT(former)},
    {"step", MEMBER_UNSIGNED, AT(step)},
    {"weight", MEMBER_UNSIGNED, AT(weight)},
    {"weightUnsure", MEMBER_BOOL, AT(weight_unsure)},
    {"aborted", MEMBER_BOOL, AT(aborted)},
    {"abortTold", MEMBER_BOOL, AT(abort_told)},
    {"undoing", MEMBER_BOOL, AT(undoing)},
    {"backStep", MEMBER_UNSIGNED, AT(back.step)},
    {"fallback", MEMBER_UNSIGNED, AT(back.fallback)},
    {"backTries", MEMBER_UNSIGNED, AT(back.tries)},
    {"backFailed", MEMBER_BOOL, AT(back.failed)},
    {"verifySince", MEMBER_TIME, AT(back.verify_since_us)},
    {"verifyMeasured", MEMBER_BOOL, AT(back.verify_measured)},
    {"shared", MEMBER_UNSIGNED, AT(shared)},
    {"missingFailed", MEMBER_UNSIGNED, AT(missing_failed)},
    {"missingNext", MEMBER_TIME, AT(missing_next_us)},
    {"reason", MEMBER_REASON, AT(reason)},
    {"result", MEMBER_RESULT, AT(result)},
    {"full", MEMBER_BOOL, AT(full)},
    {"scaledUp", MEMBER_BOOL, AT(scaled_up)},
    {"routes", MEMBER_BOOL, AT(routes)},
    {"pauses", MEMBER_UNSIGNED, AT(pauses)},
    {"pauseSince", MEMBER_TIME, AT(pause_since_us)},
    {"waitingSince", MEMBER_TIME, AT(waiting_since_us)},
    {"late", MEMBER_BOOL, AT(late)},
    {"holdSince", MEMBER_TIME, AT(hold_since_us)},
    {"holdTold", MEMBER_BOOL, AT(hold_told)},
    {"keptBy", MEMBER_HOLD, AT(kept_by)},
    {"runOn", MEMBER_BOOL, AT(run_on)},
    {"backgroundOn", MEMBER_BOOL, AT(background_on)},
    {"backgroundDone", MEMBER_BOOL, AT(background_done)},
    {"changedAt", MEMBER_TIME, AT(changed_us)},
    {"onFromLast", MEMBER_BOOL, AT(on_from_last)},
    {"scaleDownAt", MEMBER_TIME, AT(scale_down_us)},
    {"bakeSince", MEMBER_TIME, AT(bake_since_us)},
    {"bakeNext", MEMBER_TIME, AT(bake_next_us)},
    {"bakePassed", MEMBER_BOOL, AT(bake_passed)},
};
#undef AT
#define AT(field) offsetof(struct mf_analysis_state, field)
static const struct member run_members[] = {
    {"phase", MEMBER_ANALYSIS, AT(phase)},
    {"started", MEMBER_TIME, AT(started_us)},
    {"terminate", MEMBER_BOOL, AT(terminate)},
    {"oneSuccess", MEMBER_BOOL, AT(one_success)},
};
#undef AT
#define AT(field) offsetof(struct mf_analysis_metric_state, field)
static const struct member metric_members[] = {
    {"phase", MEMBER_ANALYSIS, AT(phase)},
    {"last", MEMBER_ANALYSIS, AT(last)},
    {"lastAt", MEMBER_TIME, AT(last_us)},
    {"count", MEMBER_UNSIGNED, AT(count)},
    {"successful", MEMBER_UNSIGNED, AT(successful)},
    {"failed", MEMBER_UNSIGNED, AT(failed)},
    {"inconclusive", MEMBER_UNSIGNED, AT(inconclusive)},
    {"errors", MEMBER_UNSIGNED, AT(errors)},
    {"consecutiveErrors", MEMBER_UNSIGNED, AT(consecutive_errors)},
    {"consecutiveSuccesses", MEMBER_UNSIGNED, AT(consecutive_successes)},
    {"noDataSince", MEMBER_TIME, AT(no_data_since_us)},
};
#undef AT
#define N(rows) (sizeof(rows) / sizeof(rows)[0])

static const char *
reason_name(unsigned i)
{
	return mf_reason_name((enum mf_reason)i);
}

static const char *
result_name(unsigned i)
{
	return mf_result_name((enum mf_result)i);
}

static const char *
hold_name(unsigned i)
{
	return mf_hold_name((enum mf_hold)i);
}

static const char *
phase_name(unsigned i)
{
	return mf_rollout_phase_name((enum mf_rollout_phase)i);
}

static const char *
analysis_name(unsigned i)
{
	return mf_analysis_phase_name((enum mf_analysis_phase)i);
}

/* Members that are one of some words. */
static const struct words {
	const char *(*name)(unsigned i);
	unsigned n;
} words[] = {
    [MEMBER_PHASE] = {phase_name, MF_ROLLOUT_PHASES},
    [MEMBER_REASON] = {reason_name, MF_REASONS},
    [MEMBER_RESULT] = {result_name, MF_RESULTS},
    [MEMBER_ANALYSIS] = {analysis_name, MF_ANALYSIS_PHASES},
    [MEMBER_HOLD] = {hold_name, MF_HOLDS},
};

/* ---- writing ---- */

static void
put_members(struct mf_buf *b, const struct member *rows, size_t n, const void *from)
{
	const char *at;

	for (size_t i = 0; i < n; i++) {
		at = (const char *)from + rows[i].at;
		mf_buf_printf(b, "%s\"%s\":", i == 0 ? "" : ",", rows[i].key);
		switch (rows[i].kind) {
		case MEMBER_TIME:
			mf_buf_printf(b, "%" PRIu64, *(const uint64_t *)(const void *)at);
			break;
		case MEMBER_UNSIGNED:
			mf_buf_printf(b, "%u", *(const unsigned *)(const void *)at);
			break;
		case MEMBER_BOOL: mf_buf_printf(b, *(const bool *)at ? "true" : "false"); break;
		case MEMBER_REVISION: mf_text_put_json(b, at); break;
		case MEMBER_PHASE:
		case MEMBER_REASON:
		case MEMBER_RESULT:
		case MEMBER_ANALYSIS:
		case MEMBER_HOLD:
			mf_text_put_json(
			    b, words[rows[i].kind].name(*(const unsigned *)(const void *)at));
			break;
		}
	}
}

/* Metrics up to the last one that anything is known of. */
static size_t
n_metrics(const struct mf_analysis_state *run)
{
	size_t n = MF_ANALYSIS_METRICS_MAX;
	const struct mf_analysis_metric_state *m;

	for (; n > 0; n--) {
		m = &run->metrics[n - 1];
		if (m->phase != MF_ANALYSIS_PENDING || m->last != MF_ANALYSIS_PENDING)
			break;
	}
	return n;
}

static void
put_run(struct mf_buf *b, const char *key, const struct mf_analysis_state *run)
{
	const struct mf_analysis_metric_state *m;

	mf_buf_printf(b, ",\"%s\":{", key);
	put_members(b, run_members, N(run_members), run);
	mf_buf_printf(b, ",\"metrics\":[");
	for (size_t i = 0; i < n_metrics(run); i++) {
		m = &run->metrics[i];
		mf_buf_printf(b, i == 0 ? "{" : ",{");
		put_members(b, metric_members, N(metric_members), m);
		if (m->has_value && isfinite(m->value))
			mf_buf_printf(b, ",\"value\":%.17g", m->value);
		mf_buf_put_u8(b, '}');
	}
	mf_buf_printf(b, "]}");
}

static size_t
n_failures(const struct mf_rollout_state *s)
{
	return s->bake_failed_next < MF_BAKE_FAILURES ? s->bake_failed_next : MF_BAKE_FAILURES;
}

void
mf_rollout_state_put(struct mf_buf *b, const struct mf_rollout_state *s)
{
	mf_buf_put_u8(b, '{');
	put_members(b, members, N(members), s);
	put_run(b, "run", &s->run);
	put_run(b, "background", &s->background);
	mf_buf_printf(b, ",\"history\":[");
	for (size_t i = 0; i < MF_ROLLOUT_HISTORY && s->history[i][0] != '\0'; i++) {
		mf_buf_printf(b, i == 0 ? "" : ",");
		mf_text_put_json(b, s->history[i]);
	}
	mf_buf_printf(b, "],\"bakeFailures\":%zu,\"bakeFailedAt\":[", s->bake_failed_next);
	for (size_t i = 0; i < n_failures(s); i++)
		mf_buf_printf(b, "%s%" PRIu64, i == 0 ? "" : ",", s->bake_failed_us[i]);
	mf_buf_printf(b, "]}");
}

/* ---- reading ---- */

static int
whole(const struct mf_node *v, double most, uint64_t *out)
{
	if (v->kind != MF_NODE_NUMBER || !(v->number >= 0 && v->number <= most) ||
	    v->number != floor(v->number))
		return -1;
	*out = (uint64_t)v->number;
	return 0;
}

static int
read_word(const struct mf_node *v, const struct words *w, unsigned *out)
{
	if (v->kind != MF_NODE_STRING)
		return -1;
	for (*out = 0; *out < w->n; (*out)++)
		if (strcmp(w->name(*out), v->text) == 0)
			return 0;
	return -1;
}

static int
read_revision(const struct mf_node *v, char out[MF_REVISION_BYTES])
{
	if (v->kind != MF_NODE_STRING || strlen(v->text) >= MF_REVISION_BYTES)
		return -1;
	memcpy(out, v->text, strlen(v->text) + 1);
	return 0;
}

static int
read_member(const struct mf_node *v, enum member_kind kind, char *at)
{
	uint64_t number = 0;
	unsigned index = 0;

	switch (kind) {
	case MEMBER_TIME: return whole(v, WHOLE_MAX, (uint64_t *)(void *)at);
	case MEMBER_UNSIGNED:
		if (whole(v, COUNT_MAX, &number) != 0)
			return -1;
		*(unsigned *)(void *)at = (unsigned)number;
		return 0;
	case MEMBER_BOOL: *(bool *)at = v->truth; return v->kind == MF_NODE_BOOL ? 0 : -1;
	case MEMBER_REVISION: return read_revision(v, at);
	case MEMBER_PHASE:
	case MEMBER_REASON:
	case MEMBER_RESULT:
	case MEMBER_ANALYSIS:
	case MEMBER_HOLD: break;
	}
	if (read_word(v, &words[kind], &index) != 0)
		return -1;
	*(unsigned *)(void *)at = index; /* enums have its size */
	return 0;
}

static int
refuse(struct mf_error *e, const char *key)
{
	return mf_error_set(e, MF_EDAMAGED, "the state of a run: %s is not what it can be", key);
}

static int
read_members(
    const struct mf_node *map, const struct member *rows, size_t n, void *out, struct mf_error *e)
{
	const struct mf_node *v;

	if (map == NULL || map->kind != MF_NODE_MAP)
		return refuse(e, map != NULL && map->key != NULL ? map->key : "it");
	for (size_t i = 0; i < n; i++) {
		v = mf_node_get(map, rows[i].key);
		if (v != NULL && read_member(v, rows[i].kind, (char *)out + rows[i].at) != 0)
			return refuse(e, rows[i].key);
	}
	return 0;
}

static int
read_run(const struct mf_node *map, struct mf_analysis_state *run, struct mf_error *e)
{
	const struct mf_node *list = mf_node_get(map, "metrics"), *value;

	if (map == NULL)
		return 0;
	if (read_members(map, run_members, N(run_members), run, e) != 0)
		return -1;
	if (list == NULL)
		return 0;
	if (list->kind != MF_NODE_LIST || list->n_items > MF_ANALYSIS_METRICS_MAX)
		return refuse(e, "metrics");
	for (size_t i = 0; i < list->n_items; i++) {
		if (read_members(list->items[i], metric_members, N(metric_members),
			&run->metrics[i], e) != 0)
			return -1;
		value = mf_node_get(list->items[i], "value");
		run->metrics[i].has_value = value != NULL && value->kind == MF_NODE_NUMBER;
		if (run->metrics[i].has_value)
			run->metrics[i].value = value->number;
	}
	return 0;
}

static int
read_history(const struct mf_node *list, struct mf_rollout_state *s)
{
	if (list == NULL)
		return 0;
	if (list->kind != MF_NODE_LIST || list->n_items > MF_ROLLOUT_HISTORY)
		return -1;
	for (size_t i = 0; i < list->n_items; i++)
		if (read_revision(list->items[i], s->history[i]) != 0)
			return -1;
	return 0;
}

static int
read_failures(const struct mf_node *node, struct mf_rollout_state *s)
{
	const struct mf_node *n = mf_node_get(node, "bakeFailures");
	const struct mf_node *list = mf_node_get(node, "bakeFailedAt");
	uint64_t number = 0;

	if (n != NULL && whole(n, WHOLE_MAX, &number) != 0)
		return -1;
	s->bake_failed_next = (size_t)number;
	if (n_failures(s) == 0 && list == NULL)
		return 0;
	if (list == NULL || list->kind != MF_NODE_LIST || list->n_items != n_failures(s))
		return -1;
	for (size_t i = 0; i < list->n_items; i++)
		if (whole(list->items[i], WHOLE_MAX, &s->bake_failed_us[i]) != 0)
			return -1;
	return 0;
}

int
mf_rollout_state_read(struct mf_rollout_state *out, const struct mf_node *node, struct mf_error *e)
{
	struct mf_rollout_state s = {0};

	if (read_members(node, members, N(members), &s, e) != 0 ||
	    read_run(mf_node_get(node, "run"), &s.run, e) != 0 ||
	    read_run(mf_node_get(node, "background"), &s.background, e) != 0)
		return -1;
	if (read_history(mf_node_get(node, "history"), &s) != 0)
		return refuse(e, "history");
	if (read_failures(node, &s) != 0)
		return refuse(e, "bakeFailedAt");
	if (s.weight > 100)
		return refuse(e, "weight");
	if (s.pauses > MF_ROLLOUT_PAUSES)
		return refuse(e, "pauses");
	if (s.shared > MF_ROLLOUT_SHARED)
		return refuse(e, "shared");
	*out = s;
	return 0;
}
