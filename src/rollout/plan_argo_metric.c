/* One metric of Argo's analyses: its conditions and its limits. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "src/rollout/plan_argo_int.h"
#include "src/rollout/promql.h"

#define SECOND_US ((uint64_t)1000000)

struct words {
	const char *name, *success, *failure;
};

#define AT(field) offsetof(struct words, field)
#define KNOWN(word)                                   \
	{                                             \
		.key = (word), .type = MF_FIELD_KNOWN \
	}
static const struct mf_field fields[] = {
    {.key = "name", .type = MF_FIELD_STRING, .need = true, .at = AT(name)},
    KNOWN("interval"),
    KNOWN("initialDelay"),
    {.key = "successCondition", .type = MF_FIELD_STRING, .at = AT(success)},
    {.key = "failureCondition", .type = MF_FIELD_STRING, .at = AT(failure)},
    KNOWN("provider"),
    KNOWN("count"),
    KNOWN("failureLimit"),
    KNOWN("inconclusiveLimit"),
    KNOWN("consecutiveErrorLimit"),
    KNOWN("consecutiveSuccessLimit"),
};
#undef AT
static const struct mf_form form = {.name = "ArgoMetric",
    .bytes = sizeof(struct words),
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0]};

void
mf_argo_bad(struct mf_plan_reading *rd, const struct mf_node *at, bool *bad, const char *text)
{
	if (!rd->params->lenient || rd->plan->profile == MF_PROFILE_MIGRATION) {
		mf_plan_refuse(rd, at, "%s", text);
		return;
	}
	*bad = true;
	mf_plan_warn(rd, at, "%s: each run of it is an Error", text);
}

/* A limit, where there is one. least: -1 where that turns it off. */
static void
read_limit(struct mf_plan_reading *rd, const struct mf_node *node, const char *key, int least,
    bool *bad, int *limit)
{
	int64_t value;

	if (!mf_plan_int_or_string(rd, node, key, INT32_MIN, INT32_MAX, &value))
		return;
	if (value < least)
		mf_argo_bad(rd, mf_node_get(node, key), bad, "a limit is not negative");
	else
		*limit = (int)value;
}

static void
check_count(struct mf_plan_reading *rd, const struct mf_node *node, bool *bad,
    const struct mf_analysis_metric *m)
{
	const struct mf_node *at = mf_node_get(node, "count");
	const bool fails = m->failure_limit >= 0, succeeds = m->consecutive_success_limit > 0;
	int64_t least;

	if (m->count == 0)
		return;
	if (m->count > 1 && m->interval_us == 0)
		mf_argo_bad(rd, at, bad, "more than one measurement needs an interval");
	least = (fails ? m->failure_limit : 0) + (int64_t)m->consecutive_success_limit;
	if (fails && succeeds && m->count < least)
		mf_argo_bad(rd, at, bad,
		    "count is less than failureLimit and consecutiveSuccessLimit together");
	else if (fails && (int64_t)m->count < m->failure_limit)
		mf_argo_bad(rd, at, bad, "count is less than failureLimit");
	if ((int64_t)m->count < m->inconclusive_limit)
		mf_argo_bad(rd, at, bad, "count is less than inconclusiveLimit");
}

static void
read_limits(
    struct mf_plan_reading *rd, const struct mf_node *node, bool *bad, struct mf_analysis_metric *m)
{
	int count = 0;

	read_limit(rd, node, "count", 0, bad, &count);
	m->count = (unsigned)count;
	read_limit(rd, node, "failureLimit", -1, bad, &m->failure_limit);
	read_limit(rd, node, "inconclusiveLimit", 0, bad, &m->inconclusive_limit);
	read_limit(rd, node, "consecutiveErrorLimit", 0, bad, &m->consecutive_error_limit);
	read_limit(rd, node, "consecutiveSuccessLimit", 0, bad, &m->consecutive_success_limit);
	if (m->failure_limit < 0 && m->consecutive_success_limit == 0)
		mf_argo_bad(rd, mf_node_get(node, "failureLimit"), bad,
		    "failureLimit and consecutiveSuccessLimit are both off: it could not fail");
	check_count(rd, node, bad, m);
}

static const struct mf_expr *
read_condition(
    struct mf_plan_reading *rd, const struct mf_node *node, const char *key, const char *text)
{
	struct mf_error why = {0};
	const struct mf_node *at = mf_node_get(node, key);
	const struct mf_expr *x;

	if (text == NULL || text[0] == '\0')
		return NULL;
	if (strstr(text, "{{args.") != NULL) {
		mf_plan_refuse(rd, at,
		    "a revision, or an argument without a value, can stand in a query only");
		return NULL;
	}
	x = mf_expr_read(text, rd->region, &why);
	if (x == NULL)
		mf_plan_refuse_error(rd, at, &why);
	return x;
}

static bool
is_number(const char *text)
{
	char *end;

	(void)strtod(text, &end);
	return end != text && *end == '\0';
}

/* Comparing without `bool` drops what the comparison does not hold for. What is compared with a
 * number on the left stands on the right. */
static void
find_predicate(struct mf_plan_reading *rd, const struct mf_node *node, struct mf_analysis_metric *m)
{
	const struct mf_node *at = mf_node_find(node, "provider.prometheus.query");
	struct mf_promql_predicate is;
	struct mf_error why = {0};
	int rc;

	if (m->query.type != MF_PROVIDER_PROMETHEUS || m->query.query == NULL ||
	    m->query.range.step_us > 0)
		return;
	rc = mf_promql_split(m->query.query, &is, rd->region, &why);
	if (rc < 0)
		mf_plan_refuse_error(rd, at, &why);
	if (rc <= 0)
		return;
	m->predicate = true;
	m->left_query = is_number(is.left) ? is.right : is.left;
	if (rd->plan->profile == MF_PROFILE_ARGO)
		mf_plan_warn(rd, at,
		    "this compares without `bool`: where it does not hold its result is empty, as "
		    "where there is no data");
}

/* "1h30m", "90s", up to a `]` or `:`; 0 where it is none. */
static uint64_t
prometheus_duration_us(const char *p)
{
	static const struct {
		const char *unit;
		uint64_t us;
	} units[] = {{"ms", 1000}, {"s", SECOND_US}, {"m", 60 * SECOND_US}, {"h", 3600 * SECOND_US},
	    {"d", 86400 * SECOND_US}, {"w", 604800 * SECOND_US}, {"y", 31536000 * SECOND_US}};
	uint64_t sum_us = 0, n;
	size_t i, digits, len;

	while (*p != ']' && *p != ':') {
		digits = strspn(p, "0123456789");
		if (digits == 0 || digits > 9)
			return 0;
		n = strtoull(p, NULL, 10);
		p += digits;
		len = strcspn(p, "0123456789]: ");
		for (i = 0; i < sizeof units / sizeof units[0]; i++)
			if (strlen(units[i].unit) == len && strncmp(p, units[i].unit, len) == 0)
				break;
		if (i == sizeof units / sizeof units[0] ||
		    __builtin_mul_overflow(n, units[i].us, &n) ||
		    __builtin_add_overflow(sum_us, n, &sum_us))
			return 0;
		p += len;
	}
	return sum_us;
}

/* The longest range that a query looks back over: x[5m], (...)[1h:1m]. */
static uint64_t
window_us(const struct mf_metric_query *q)
{
	uint64_t us = q->range.start_ago_us, one_us;
	char quote = '\0';

	if (q->type != MF_PROVIDER_PROMETHEUS || q->query == NULL)
		return 0;
	for (const char *p = q->query; *p != '\0'; p++) {
		if (quote != '\0') {
			if (*p == '\\' && quote != '`' && p[1] != '\0')
				p++;
			else if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '\'' || *p == '`') {
			quote = *p;
		} else if (*p == '[') {
			one_us = prometheus_duration_us(p + 1 + strspn(p + 1, " "));
			us = one_us > us ? one_us : us;
		}
	}
	return us;
}

static void
warn_of_nan(struct mf_plan_reading *rd, const struct mf_node *node, const struct words *w,
    const struct mf_analysis_metric *m)
{
	if (m->query.type == MF_PROVIDER_PROMETHEUS && m->failure != NULL && m->success == NULL &&
	    strstr(w->failure, "isNaN") == NULL)
		mf_plan_warn(rd, mf_node_get(node, "failureCondition"),
		    "NaN compares as false, so that it is a success here: isNaN tells it");
}

void
mf_argo_metric(
    struct mf_plan_reading *rd, const struct mf_node *node, bool *bad, struct mf_analysis_metric *m)
{
	struct words w = {.name = "?"};

	mf_form_read(rd, &form, node, &w);
	*m = (struct mf_analysis_metric){.name = w.name,
	    .consecutive_error_limit = MF_ANALYSIS_CONSECUTIVE_ERRORS,
	    .place = mf_plan_place_of(rd, node)};
	mf_argo_duration(rd, node, "interval", &m->interval_us);
	mf_argo_duration(rd, node, "initialDelay", &m->initial_delay_us);
	mf_argo_provider(rd, node, &m->query);
	m->window_us = window_us(&m->query);
	read_limits(rd, node, bad, m);
	m->success = read_condition(rd, node, "successCondition", w.success);
	m->failure = read_condition(rd, node, "failureCondition", w.failure);
	m->success_text = m->success == NULL ? NULL : w.success;
	m->failure_text = m->failure == NULL ? NULL : w.failure;
	find_predicate(rd, node, m);
	warn_of_nan(rd, node, &w, m);
}

/* Does the text name the revision that is carried, which is another on the primary's side? */
static bool
names_latest(const struct mf_analysis_plan *plan, const char *text)
{
	const char *tag, *name;
	size_t n;

	for (tag = text; tag != NULL && (tag = strstr(tag, "{{")) != NULL; tag += 2) {
		name = tag + 2 + strspn(tag + 2, " \t\r\n");
		if (strncmp(name, "args.", 5) != 0)
			continue;
		n = strcspn(name += 5, "} \t\r\n");
		for (size_t i = 0; i < plan->n_args; i++)
			if (plan->args[i].from == MF_ANALYSIS_ARG_LATEST &&
			    strlen(plan->args[i].name) == n &&
			    strncmp(plan->args[i].name, name, n) == 0)
				return true;
	}
	return false;
}

/* Is the same text of both sides two questions? */
static bool
differs(const struct mf_analysis_plan *plan, const char *canary, const char *primary)
{
	if (canary == NULL || primary == NULL)
		return false;
	return strcmp(canary, primary) != 0 || names_latest(plan, canary);
}

void
mf_argo_metric_of_primary(struct mf_plan_reading *rd, const struct mf_node *node,
    const struct mf_analysis_plan *plan, struct mf_analysis_metric *m)
{
	struct mf_analysis_metric own = {.name = m->name};
	const size_t warnings = rd->plan->n_warnings; /* all were said of the canary's */
	bool read = mf_argo_provider(rd, node, &own.query);
	size_t i;

	if (read)
		find_predicate(rd, node, &own);
	rd->plan->n_warnings = warnings;
	if (!read || own.query.type == MF_PROVIDER_JOB || own.predicate != m->predicate)
		return;
	m->has_primary_query = differs(plan, m->query.address, own.query.address) ||
			       differs(plan, m->query.query, own.query.query) ||
			       differs(plan, m->query.body, own.query.body);
	for (i = 0; i < own.query.n_headers && i < m->query.n_headers; i++)
		m->has_primary_query |=
		    differs(plan, m->query.headers[i].value, own.query.headers[i].value);
	m->primary_query = own.query;
	m->primary_left_query = own.left_query;
}
