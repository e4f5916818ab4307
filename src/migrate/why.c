/* Why: what failed in the tick at hand, and what a way back is because of, for people. */
#include "src/migrate/migrate_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"

/* Once more where it says another thing. */
static void __attribute__((format(printf, 2, 3)))
add(char out[MF_TROUBLE_BYTES], const char *fmt, ...)
{
	char text[MF_TROUBLE_BYTES], all[2 * MF_TROUBLE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (text[0] == '\0' || strstr(out, text) != NULL)
		return;
	(void)snprintf(all, sizeof all, "%s%s%s", out, out[0] == '\0' ? "" : "; ", text);
	mf_text_escape(out, MF_TROUBLE_BYTES, all);
}

void
mf_migrating_metric_failed(struct mf_migrating *x, const struct mf_canary_metric *m, bool primary,
    enum mf_check check, const struct mf_measured *got)
{
	char text[MF_VIEW_METRIC_TEXT_BYTES], all[MF_TROUBLE_BYTES];

	if (check == MF_CHECK_PASS || check == MF_CHECK_EARLY || m->alert_only || m->optional ||
	    (check != MF_CHECK_OUT && check != MF_CHECK_ABORT && m->on_no_data == MF_NO_DATA_PASS))
		return;
	mf_view_metric_text(text, sizeof text, m, check, got);
	(void)snprintf(all, sizeof all, "%s%.280s", primary ? "the primary's " : "", text);
	add(x->failed, "%s", all);
	if (primary)
		(void)snprintf(x->primary_ill, sizeof x->primary_ill, "%s", all);
}

void
mf_migrating_hook_failed(struct mf_migrating *x, const struct mf_hook *hook, int status)
{
	if (hook->type == MF_HOOK_POST_ROLLOUT || hook->type == MF_HOOK_EVENT)
		return;
	if (status == 0)
		add(x->failed, "hook %.127s does not answer", hook->name);
	else if (hook->type != MF_HOOK_ROLLBACK)
		add(x->failed, "hook %.127s answered %d", hook->name, status);
	else if (status >= 200 && status <= 202)
		add(x->failed, "hook %.127s answered %d, which asks for a rollback", hook->name,
		    status);
}

static void
add_analysis(struct mf_migrating *x, char out[MF_TROUBLE_BYTES],
    const struct mf_analysis_plan *plan, const struct mf_analysis_state *run, size_t first)
{
	const struct mf_analysis_metric_state *m;
	char text[MF_VIEW_WHY_BYTES], value[40];
	size_t i;

	for (i = 0; plan != NULL && i < plan->n_metrics; i++) {
		m = &run->metrics[i];
		if (m->last_us != x->tick_us || plan->metrics[i].dry_run ||
		    (m->last != MF_ANALYSIS_FAILED && m->last != MF_ANALYSIS_INCONCLUSIVE &&
			m->last != MF_ANALYSIS_ERROR))
			continue;
		mf_view_analysis_text(
		    text, sizeof text, &plan->metrics[i], m, x->whys[first + i]);
		value[0] = '\0';
		if (m->has_value && m->last != MF_ANALYSIS_ERROR)
			(void)snprintf(value, sizeof value, " %.6g", m->value);
		add(out, "%.60s of %.60s%s, %s", plan->metrics[i].name, plan->name, value, text);
	}
}

/* Of a Rollout, whose analyses have counted what they measured. */
static void
add_analyses(struct mf_migrating *x, char out[MF_TROUBLE_BYTES])
{
	const struct mf_rollout_plan *r = x->engine.rollout_plan;
	const struct mf_rollout_state *s = &x->engine.state.rollout;
	size_t k;

	if (r == NULL)
		return;
	for (k = 0; k < r->n_analyses; k++) {
		if (k == r->background)
			add_analysis(x, out, r->analyses[k], &s->background,
			    k * MF_ANALYSIS_METRICS_MAX);
		if (r->analyses[k] == x->ran)
			add_analysis(
			    x, out, r->analyses[k], &s->run, k * MF_ANALYSIS_METRICS_MAX);
	}
}

static void
add_servers(const struct mf_migrating *x, char out[MF_TROUBLE_BYTES])
{
	const struct mf_router_seen *r = &x->router;

	if (!x->router_known || !mf_world_can(x->world)->capacity)
		return;
	if (r->canary_up == 0 && r->canary_servers > 0)
		add(out, "no server of the canary is up, of %u", r->canary_servers);
	if (r->primary_up == 0 && r->primary_servers > 0)
		add(out, "no server of the primary is up, of %u", r->primary_servers);
}

void
mf_migrating_why(struct mf_migrating *x, char out[MF_TROUBLE_BYTES])
{
	(void)snprintf(out, MF_TROUBLE_BYTES, "%s", x->failed);
	add_analyses(x, out);
	add_servers(x, out);
	add(out, "%s", x->trouble);
}

/* What the reason alone does not say. */
static void
find_because(struct mf_migrating *x, enum mf_reason reason)
{
	char damage[MF_ERROR_MESSAGE_BYTES] = "";

	x->because[0] = '\0';
	switch (reason) {
	case MF_REASON_BY_HAND: add(x->because, "%s", x->by_hand); break;
	case MF_REASON_HOLD_TOO_LONG:
		add(x->because, "%s", x->waited);
		if (x->waited[0] == '\0')
			mf_migrating_why(x, x->because);
		break;
	case MF_REASON_DAMAGED:
		if (x->watcher != NULL)
			(void)mf_watcher_state(x->watcher, damage);
		add(x->because, "%.300s", damage);
		break;
	case MF_REASON_INTERRUPTED:
	case MF_REASON_REVERTED: break;
	default: mf_migrating_why(x, x->because); break;
	}
}

void
mf_migrating_know_because(struct mf_migrating *x, const struct mf_engine *engine)
{
	const enum mf_reason reason = mf_engine_standing(engine).reason;

	if (reason != x->because_of)
		find_because(x, reason);
	x->because_of = reason;
	if (reason == MF_REASON_NONE)
		x->because[0] = '\0';
	mf_text_escape(x->view.because, sizeof x->view.because, x->because);
}

const char *
mf_migrating_reason_text(const struct mf_migrating *x, enum mf_reason reason,
    char out[MF_REASON_TEXT_BYTES])
{
	const bool more = reason != MF_REASON_NONE && x->because[0] != '\0';

	(void)snprintf(out, MF_REASON_TEXT_BYTES, "%s%s%s", mf_reason_name(reason),
	    more ? ": " : "", more ? x->because : "");
	return out;
}
