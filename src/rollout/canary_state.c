#include "src/rollout/canary_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"

/* Times are whole microseconds and would lose digits as JSON numbers elsewhere: they stay below
 * 2^53, which is 285 years of uptime. */
#define WHOLE_MAX 9007199254740992.0

enum member_kind { MEMBER_U64, MEMBER_UNSIGNED, MEMBER_INT, MEMBER_SIZE, MEMBER_BOOL };

struct member {
	const char *key;
	enum member_kind kind;
	size_t at;
};

#define AT(field) offsetof(struct mf_canary_state, field)

static const struct member members[] = {
    {"failedChecks", MEMBER_UNSIGNED, AT(failed_checks)},
    {"atFault", MEMBER_BOOL, AT(at_fault)},
    {"wasDown", MEMBER_BOOL, AT(was_down)},
    {"iterations", MEMBER_INT, AT(iterations)},
    {"weight", MEMBER_UNSIGNED, AT(weight)},
    {"primaryCreated", MEMBER_BOOL, AT(primary_created)},
    {"holdSince", MEMBER_U64, AT(hold_since_us)},
    {"confirmed", MEMBER_BOOL, AT(confirmed)},
    {"full", MEMBER_BOOL, AT(full)},
    {"paused", MEMBER_BOOL, AT(paused)},
    {"passedGate", MEMBER_BOOL, AT(passed_gate)},
    {"bakeSince", MEMBER_U64, AT(bake_since_us)},
    {"bakeNext", MEMBER_U64, AT(bake_next_us)},
    {"bakeFailures", MEMBER_SIZE, AT(bake_failed_next)},
    {"backStep", MEMBER_UNSIGNED, AT(back.step)},
    {"backTries", MEMBER_UNSIGNED, AT(back.tries)},
    {"backFailed", MEMBER_BOOL, AT(back.failed)},
    {"fallback", MEMBER_UNSIGNED, AT(back.fallback)},
    {"verifySince", MEMBER_U64, AT(back.verify_since_us)},
    {"verifyMeasured", MEMBER_BOOL, AT(back.verify_measured)},
};
#define N_MEMBERS (sizeof members / sizeof members[0])

static void
put_member(struct mf_buf *b, const struct member *m, const struct mf_canary_state *s)
{
	const char *at = (const char *)s + m->at;

	mf_buf_printf(b, ",\"%s\":", m->key);
	switch (m->kind) {
	case MEMBER_U64: mf_buf_printf(b, "%" PRIu64, *(const uint64_t *)(const void *)at); break;
	case MEMBER_UNSIGNED: mf_buf_printf(b, "%u", *(const unsigned *)(const void *)at); break;
	case MEMBER_INT: mf_buf_printf(b, "%d", *(const int *)(const void *)at); break;
	case MEMBER_SIZE: mf_buf_printf(b, "%zu", *(const size_t *)(const void *)at); break;
	case MEMBER_BOOL:
		mf_buf_printf(b, "%s", *(const bool *)(const void *)at ? "true" : "false");
		break;
	}
}

static size_t
n_failures(const struct mf_canary_state *s)
{
	return s->bake_failed_next < MF_BAKE_FAILURES ? s->bake_failed_next : MF_BAKE_FAILURES;
}

void
mf_canary_state_put(struct mf_buf *b, const struct mf_canary_state *s)
{
	size_t i;

	mf_buf_printf(b, "{\"phase\":\"%s\",\"hold\":\"%s\",\"reason\":\"%s\",\"result\":\"%s\"",
	    mf_phase_name(s->phase), mf_hold_name(s->hold), mf_reason_name(s->reason),
	    mf_result_name(s->result));
	mf_buf_printf(b, ",\"applied\":");
	mf_text_put_json(b, s->applied);
	mf_buf_printf(b, ",\"promoted\":");
	mf_text_put_json(b, s->promoted);
	for (i = 0; i < N_MEMBERS; i++)
		put_member(b, &members[i], s);
	mf_buf_printf(b, ",\"bakeFailedAt\":[");
	for (i = 0; i < n_failures(s); i++)
		mf_buf_printf(b, "%s%" PRIu64, i == 0 ? "" : ",", s->bake_failed_us[i]);
	mf_buf_printf(b, "]}");
}

static int
refuse(struct mf_error *e, const char *key)
{
	return mf_error_set(e, MF_EDAMAGED, "the state of a run: %s is not what it can be", key);
}

/* A whole number of at most `most`. */
static int
whole(const struct mf_node *v, double least, double most, double *out)
{
	if (v->kind != MF_NODE_NUMBER || !(v->number >= least && v->number <= most) ||
	    v->number != (double)(int64_t)v->number)
		return -1;
	*out = v->number;
	return 0;
}

static int
read_member(struct mf_canary_state *s, const struct member *m, const struct mf_node *v)
{
	char *at = (char *)s + m->at;
	double number = 0;

	if (m->kind == MEMBER_BOOL) {
		*(bool *)(void *)at = v->truth;
		return v->kind == MF_NODE_BOOL ? 0 : -1;
	}
	if (m->kind == MEMBER_INT) {
		if (whole(v, -1, 1000000, &number) != 0)
			return -1;
		*(int *)(void *)at = (int)number;
		return 0;
	}
	if (whole(v, 0, m->kind == MEMBER_UNSIGNED ? 1e9 : WHOLE_MAX, &number) != 0)
		return -1;
	if (m->kind == MEMBER_UNSIGNED)
		*(unsigned *)(void *)at = (unsigned)number;
	else if (m->kind == MEMBER_SIZE)
		*(size_t *)(void *)at = (size_t)number;
	else
		*(uint64_t *)(void *)at = (uint64_t)number;
	return 0;
}

/* Which of n names it is; n: none of them. A member that is missing is the first. */
static unsigned
word(const struct mf_node *node, const char *key, const char *(*name)(unsigned), unsigned n)
{
	const struct mf_node *v = mf_node_get(node, key);
	unsigned i = 0;

	if (v == NULL)
		return 0;
	if (v->kind != MF_NODE_STRING)
		return n;
	while (i < n && strcmp(name(i), v->text) != 0)
		i++;
	return i;
}

static const char *
phase(unsigned i)
{
	return mf_phase_name((enum mf_phase)i);
}

static const char *
hold(unsigned i)
{
	return mf_hold_name((enum mf_hold)i);
}

static const char *
reason(unsigned i)
{
	return mf_reason_name((enum mf_reason)i);
}

static const char *
result(unsigned i)
{
	return mf_result_name((enum mf_result)i);
}

static int
read_revision(char out[MF_REVISION_BYTES], const struct mf_node *node, const char *key)
{
	const struct mf_node *v = mf_node_get(node, key);

	if (v == NULL)
		return 0;
	if (v->kind != MF_NODE_STRING || strlen(v->text) >= MF_REVISION_BYTES)
		return -1;
	memcpy(out, v->text, strlen(v->text) + 1);
	return 0;
}

static int
read_failures(struct mf_canary_state *s, const struct mf_node *list)
{
	double number;
	size_t i;

	if (list == NULL)
		return 0;
	if (list->kind != MF_NODE_LIST || list->n_items != n_failures(s))
		return -1;
	for (i = 0; i < list->n_items; i++) {
		if (whole(list->items[i], 0, WHOLE_MAX, &number) != 0)
			return -1;
		s->bake_failed_us[i] = (uint64_t)number;
	}
	return 0;
}

int
mf_canary_state_read(struct mf_canary_state *out, const struct mf_node *node, struct mf_error *e)
{
	struct mf_canary_state s = {0};
	const struct mf_node *v;
	size_t i;

	if (node == NULL || node->kind != MF_NODE_MAP)
		return refuse(e, "it");
	s.phase = (enum mf_phase)word(node, "phase", phase, MF_PHASES);
	s.hold = (enum mf_hold)word(node, "hold", hold, MF_HOLDS);
	s.reason = (enum mf_reason)word(node, "reason", reason, MF_REASONS);
	s.result = (enum mf_result)word(node, "result", result, MF_RESULTS);
	if (s.phase == MF_PHASES || s.hold == MF_HOLDS || s.reason == MF_REASONS ||
	    s.result == MF_RESULTS)
		return refuse(e, "a word");
	if (read_revision(s.applied, node, "applied") != 0 ||
	    read_revision(s.promoted, node, "promoted") != 0)
		return refuse(e, "a revision");
	for (i = 0; i < N_MEMBERS; i++) {
		v = mf_node_get(node, members[i].key);
		if (v != NULL && read_member(&s, &members[i], v) != 0)
			return refuse(e, members[i].key);
	}
	if (read_failures(&s, mf_node_get(node, "bakeFailedAt")) != 0)
		return refuse(e, "bakeFailedAt");
	if (s.weight > 100)
		return refuse(e, "weight");
	*out = s;
	return 0;
}

const char *
mf_act_text(const struct mf_act *act, char out[MF_ACT_TEXT_BYTES])
{
	const char *name = mf_act_name(act->kind);

	switch (act->kind) {
	case MF_ACT_ROUTE:
		(void)snprintf(out, MF_ACT_TEXT_BYTES, "%s:%u/%u%s%s%s%s", name, act->primary,
		    act->canary, act->mirror ? "+mirror" : "", act->matched ? "+matched" : "",
		    act->why == NULL ? "" : " ", act->why == NULL ? "" : act->why);
		break;
	case MF_ACT_HOOK:
	case MF_ACT_METRIC:
	case MF_ACT_MEASURE_PRIMARY:
	case MF_ACT_MEASURE_FALLBACK:
	case MF_ACT_FALLBACK:
		(void)snprintf(out, MF_ACT_TEXT_BYTES, "%s:%u", name, act->index);
		break;
	default: (void)snprintf(out, MF_ACT_TEXT_BYTES, "%s", name);
	}
	return out;
}

bool
mf_act_read_route(struct mf_act *out, const char *text)
{
	char why[MF_ACT_TEXT_BYTES] = "";
	enum mf_reason reason;
	int n;

	*out = (struct mf_act){.kind = MF_ACT_ROUTE};
	/* NOLINTNEXTLINE(cert-err34-c): three digits are a number of any size */
	n = sscanf(text, "route:%3u/%3u %47[a-zA-Z]", &out->primary, &out->canary, why);
	if (n < 2 || out->primary > 100 || out->primary + out->canary != 100)
		return false;
	reason = mf_reason_find(why);
	if (n == 3 && reason != MF_REASONS)
		out->why = mf_reason_name(reason);
	return true;
}
