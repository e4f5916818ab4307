/* The analysis of a Migration: its own stanza, or that of a document of the file. */
#include <string.h>

#include "src/base/units.h"
#include "src/rollout/plan_migration_int.h"
#include "src/rollout/rollout_plan.h"

#define SECOND_US ((uint64_t)1000000)
#define INTERVAL_US (60 * SECOND_US)
#define DEADLINE_US (600 * SECOND_US)
#define SETTLE_US (30 * SECOND_US)
#define WATCH_US (5 * SECOND_US)

static void
set_defaults(struct mf_plan_reading *rd, struct mf_canary_plan *p)
{
	p->name = rd->plan->name != NULL ? rd->plan->name : "";
	p->namespace_name = rd->plan->namespace_name;
	p->provider = "";
	p->profile = MF_PROFILE_MIGRATION;
	p->finish = rd->plan->finish;
	p->interval_us = INTERVAL_US;
	p->threshold = 1;
	p->max_weight = 100;
	p->primary_ready_threshold = p->canary_ready_threshold = 100;
	p->progress_deadline_us = DEADLINE_US;
	p->settle_us = SETTLE_US;
	p->watch_us = WATCH_US;
	p->clamp_to_max_weight = true;
}

static const char *
ready_word(const struct mf_node *analysis)
{
	if (mf_node_get(analysis, "canaryReadyThreshold") != NULL)
		return "canaryReadyThreshold";
	return mf_node_get(analysis, "primaryReadyThreshold") != NULL ? "primaryReadyThreshold"
								      : NULL;
}

/* What the router cannot do, as far as that is known here; of exec preflight asks. */
static void
check_router(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct mf_migration_words *w, struct mf_canary_plan *p)
{
	if (w->plan.router.type == MF_ROUTER_HAPROXY && p->mirror)
		mf_plan_refuse(
		    rd, mf_node_get(analysis, "mirror"), "haproxy's runtime API cannot mirror");
	if (p->mirror_weight > 0 && p->mirror_weight < 100)
		mf_plan_refuse(rd, mf_node_get(analysis, "mirrorWeight"),
		    "no router of a Migration mirrors a part");
	p->ready_word = ready_word(analysis);
	if (w->plan.router.type == MF_ROUTER_FILE && p->ready_word != NULL)
		mf_plan_refuse(rd, mf_node_get(analysis, p->ready_word),
		    "nobody counts the servers behind a file");
}

static void
check_times(struct mf_plan_reading *rd, const struct mf_node *analysis, struct mf_canary_plan *p)
{
	if (p->interval_us == 0)
		mf_plan_refuse(
		    rd, mf_node_get(analysis, "interval"), "an interval of 0 never passes");
	if (mf_node_get(analysis, "maxHold") != NULL && p->max_hold_us == 0)
		mf_plan_refuse(rd, mf_node_get(analysis, "maxHold"), "a hold of 0 is none");
	if (p->watch_us == 0)
		mf_plan_refuse(rd, mf_node_get(analysis, "watch"), "a watch of 0 would never rest");
}

/* Whose series built-in metrics read, and what they call the two sides. */
static void
name_sides(const struct mf_migration_words *w, const struct mf_stanza *s,
    const struct mf_canary_plan *p, struct mf_metrics_for *what)
{
	const struct mf_router_plan *router = &w->plan.router;

	what->migration = true;
	what->on_no_data = MF_NO_DATA_HOLD;
	what->address = s->address;
	what->provider = s->provider != NULL                 ? s->provider
			 : router->type == MF_ROUTER_HAPROXY ? "haproxy"
							     : NULL;
	what->names = s->names;
	what->names.name = p->name;
	if (what->names.namespace_name == NULL)
		what->names.namespace_name = p->namespace_name;
	if (what->names.service == NULL)
		what->names.service = what->names.target;
	if (what->names.ingress == NULL)
		what->names.ingress = what->names.target;
	if (what->names.route == NULL)
		what->names.route = what->names.target;
	what->names.servers = router->canary;
	what->names.n_servers = router->n_canary;
	what->primary = what->names;
	if (s->primary_target != NULL)
		what->primary.target = what->primary.route = s->primary_target;
	what->primary.servers = router->primary;
	what->primary.n_servers = router->n_primary;
}

static void
check_addresses(
    struct mf_plan_reading *rd, const struct mf_node *analysis, const struct mf_canary_plan *p)
{
	size_t i;

	for (i = 0; i < p->n_metrics; i++)
		if (p->metrics[i].query.type == MF_PROVIDER_PROMETHEUS &&
		    p->metrics[i].query.address == NULL) {
			mf_plan_refuse_key(rd, analysis, "address",
			    "is missing: where the Prometheus is that %.64s is asked of",
			    p->metrics[i].name);
			return;
		}
}

static void
read_metrics(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct mf_migration_words *w, const struct mf_stanza *s, struct mf_canary_plan *p)
{
	const struct mf_node *provider = mf_node_get(analysis, "provider");
	struct mf_metrics_for what = {0};

	name_sides(w, s, p, &what);
	if (s->provider != NULL && !mf_builtin_knows(s->provider)) {
		mf_plan_refuse(rd, provider, "no series of %.64s are known: modelferry-metrics(7)",
		    s->provider);
		return;
	}
	mf_stanza_metrics(rd, mf_plan_list(rd, analysis, "metrics", 0), &mf_form_metric, &what, p);
	mf_stanza_check_metrics(rd, analysis, p);
	check_addresses(rd, analysis, p);
}

static void
read_stanza(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct mf_migration_words *w, struct mf_canary_plan *p)
{
	struct mf_stanza s = {0};

	s.plan = *p;
	mf_form_read(rd, &mf_form_analysis, analysis, &s);
	if (s.n_primary_args > 0)
		mf_plan_refuse(rd, mf_node_get(analysis, "primaryArgs"),
		    "it stands beside rolloutRef: a metric here has primaryQuery");
	*p = s.plan;
	mf_stanza_weights(rd, analysis, &s, p);
	check_times(rd, analysis, p);
	check_router(rd, analysis, w, p);
	mf_stanza_hooks(rd, mf_plan_list(rd, analysis, "webhooks", 0), &mf_form_any_hook, p);
	read_metrics(rd, analysis, w, &s, p);
}

static void
read_bake(struct mf_plan_reading *rd, const struct mf_node *spec,
    const struct mf_migration_words *w, uint64_t interval_us, struct mf_bake *out)
{
	const struct mf_node *bake = mf_node_get(spec, "bake");

	*out = w->bake;
	out->by_daemon = w->bake_by == 1;
	if (bake == NULL)
		return;
	if (mf_node_get(bake, "duration") != NULL && out->duration_us == 0)
		mf_plan_refuse(rd, bake, "a bake of 0 is none: leave it out");
	if (mf_node_get(bake, "interval") == NULL)
		out->interval_us = interval_us;
	else if (out->interval_us == 0)
		mf_plan_refuse(rd, mf_node_get(bake, "interval"), "an interval of 0 never passes");
	if (out->window_us == 0)
		out->window_us = 10 * out->interval_us;
}

/* Of what stands beside a reference only this is heard: the rest would be ignored. */
static const char *const beside_canary[] = {
    "canaryRef", "provider", "names", "settle", "maxHold", "onHoldEnd", "watch", NULL};
static const char *const beside_rollout[] = {
    "rolloutRef", "primaryArgs", "interval", "settle", "maxHold", "onHoldEnd", "watch", NULL};

static bool
is_among(const char *const *words, const char *word)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

/* The name that is referred to, and what is said beside it. */
static const char *
referred(struct mf_plan_reading *rd, const struct mf_node *analysis, const struct mf_node *ref,
    const char *const *beside, struct mf_stanza *s)
{
	const char *name = NULL;
	size_t i;

	for (i = 0; i < analysis->n_items; i++)
		if (!is_among(beside, analysis->items[i]->key))
			mf_plan_refuse(
			    rd, analysis->items[i], "beside %s it would be ignored", beside[0]);
	mf_form_read(rd, &mf_form_analysis, analysis, s);
	if (s->plan.interval_us == 0 && mf_node_get(analysis, "interval") != NULL)
		mf_plan_refuse(
		    rd, mf_node_get(analysis, "interval"), "an interval of 0 never passes");
	if (mf_plan_is_map(rd, ref))
		mf_plan_need_string(rd, ref, "name", &name);
	return name;
}

static bool
has_builtin(const struct mf_canary_plan *p)
{
	size_t i;

	for (i = 0; i < p->n_metrics; i++)
		if (p->metrics[i].rule == MF_RULE_SUCCESS_RATE ||
		    p->metrics[i].rule == MF_RULE_DURATION)
			return true;
	return false;
}

/* Whose series the built-in metrics of a Canary read: those that the Migration names, those that
 * the Canary does, or the router's. */
static void
find_series(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct mf_migration_words *w, const struct mf_stanza *s, const struct mf_node *doc,
    struct mf_metrics_for *out)
{
	const struct mf_router_plan *router = &w->plan.router;
	const struct mf_node *own = mf_node_find(doc, "spec.provider");

	if (s->provider != NULL && !mf_builtin_knows(s->provider))
		mf_plan_refuse(rd, mf_node_get(analysis, "provider"),
		    "no series of %.64s are known: modelferry-metrics(7)", s->provider);
	else
		out->provider = s->provider;
	if (s->provider == NULL && own == NULL && router->type == MF_ROUTER_HAPROXY)
		out->provider = "haproxy";
	out->names = s->names;
	out->names.servers = router->canary;
	out->names.n_servers = router->n_canary;
	out->primary.target = s->primary_target;
	out->primary.servers = router->primary;
	out->primary.n_servers = router->n_primary;
}

static void
warn_of_provider(struct mf_plan_reading *rd, const struct mf_node *doc,
    const struct mf_migration_words *w, const struct mf_stanza *s, const struct mf_canary_plan *p)
{
	const struct mf_node *own = mf_node_find(doc, "spec.provider");

	if (own == NULL || own->kind != MF_NODE_STRING || s->provider != NULL ||
	    w->plan.router.type != MF_ROUTER_HAPROXY || !has_builtin(p))
		return;
	mf_plan_warn(rd, own,
	    "built-in metrics read the series of %.64s, and HAProxy moves the traffic: leave it "
	    "out, or write analysis.provider: haproxy in the Migration, to read HAProxy's",
	    own->text);
}

static struct mf_canary_plan *
take_canary(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct mf_migration_words *w, const struct mf_node *ref)
{
	struct mf_stanza s = {0};
	const char *name = referred(rd, analysis, ref, beside_canary, &s);
	struct mf_metrics_for series = {0};
	const struct mf_node *doc, *stanza;
	struct mf_canary_plan *own;
	const struct mf_canary_plan *read;

	if (name == NULL)
		return NULL;
	doc = mf_plan_document(rd, "flagger.app", "Canary", name, NULL);
	if (doc == NULL) {
		mf_plan_refuse(rd, ref, "the Canary %.64s is not in this file", name);
		return NULL;
	}
	find_series(rd, analysis, w, &s, doc, &series);
	rd->series = &series;
	read = mf_plan_read_canary(rd, doc);
	rd->series = NULL;
	own = mf_plan_alloc(rd, 1, sizeof *own);
	if (read == NULL || own == NULL)
		return NULL;
	*own = *read;
	own->referred = true;
	own->provider = ""; /* the Migration's router moves the traffic */
	warn_of_provider(rd, doc, w, &s, own);
	if (mf_node_get(analysis, "settle") != NULL)
		own->settle_us = s.plan.settle_us;
	if (s.plan.watch_us > 0)
		own->watch_us = s.plan.watch_us;
	own->max_hold_us = s.plan.max_hold_us;
	own->hold_end = s.plan.hold_end;
	stanza = mf_node_get(mf_node_get(doc, "spec"), "analysis");
	if (stanza == NULL)
		stanza = mf_node_get(mf_node_get(doc, "spec"), "canaryAnalysis");
	check_router(rd, stanza, w, own);
	return own;
}

/* Its way back is one step. */
static void
refuse_unheard(struct mf_plan_reading *rd, const struct mf_node *spec)
{
	const struct mf_node *at = mf_node_find(spec, "rollback.stepWeight");

	if (at != NULL)
		mf_plan_refuse(rd, at, "beside rolloutRef it would be ignored");
}

/* A value for an argument that no analysis has would be ignored. */
static void
check_primary_args(struct mf_plan_reading *rd, const struct mf_node *analysis)
{
	const struct mf_node *map = mf_node_get(analysis, "primaryArgs");
	size_t i;

	for (i = 0; i < rd->n_primary_args && i < 64; i++)
		if ((rd->primary_args_used & UINT64_C(1) << i) == 0)
			mf_plan_refuse(rd, map, "no analysis of the Rollout has the argument %.64s",
			    rd->primary_args[i].name);
}

/* A lighter model that takes over is held against ranges of its own. */
static void
take_way_back(
    struct mf_plan_reading *rd, const struct mf_rollback_plan *back, struct mf_back_plan *out)
{
	struct mf_back_metrics *own;
	size_t i;

	out->step_weight = back->step_weight;
	out->verify_for_us = back->verify_for_us;
	if (back->n_fallbacks == 0 ||
	    (own = mf_plan_alloc(rd, back->n_fallbacks, sizeof *own)) == NULL)
		return;
	for (i = 0; i < back->n_fallbacks; i++)
		own[i] = (struct mf_back_metrics){
		    back->fallbacks[i].metrics, back->fallbacks[i].n_metrics};
	out->own = own;
	out->n_fallbacks = (unsigned)back->n_fallbacks;
}

static void
take_rollout(struct mf_plan_reading *rd, const struct mf_node *spec, const struct mf_node *analysis,
    const struct mf_migration_words *w, const struct mf_node *ref)
{
	struct mf_stanza s = {0};
	const char *name = referred(rd, analysis, ref, beside_rollout, &s);
	const struct mf_node *doc;
	const struct mf_rollout_plan *read;
	struct mf_rollout_plan *own;

	refuse_unheard(rd, spec);
	if (name == NULL)
		return;
	doc = mf_plan_document(rd, "argoproj.io", "Rollout", name, NULL);
	if (doc == NULL) {
		mf_plan_refuse(rd, ref, "the Rollout %.64s is not in this file", name);
		return;
	}
	if (w->gates != NULL || w->hooks != NULL)
		mf_plan_refuse(rd, w->gates != NULL ? w->gates : w->hooks,
		    "a Rollout has pauses and analyses in place of gates and hooks");
	rd->primary_args = s.primary_args;
	rd->n_primary_args = s.n_primary_args;
	read = mf_plan_read_rollout(rd, doc);
	check_primary_args(rd, analysis);
	own = mf_plan_alloc(rd, 1, sizeof *own);
	if (read == NULL || own == NULL)
		return;
	*own = *read;
	if (w->suspend)
		own->paused = true;
	own->interval_us = s.plan.interval_us;
	own->watch_us = s.plan.watch_us;
	take_way_back(rd, &w->plan.rollback, &own->back);
	if (mf_node_get(analysis, "settle") != NULL)
		own->settle_us = s.plan.settle_us;
	own->max_hold_us = s.plan.max_hold_us;
	own->hold_end = s.plan.hold_end;
	read_bake(rd, spec, w, own->interval_us > 0 ? own->interval_us : INTERVAL_US, &own->bake);
	rd->plan->rollout = own;
}

/* After each change of weights a run waits for the longest window: where a hold ends before that,
 * every run goes back. */
static void
check_hold(
    struct mf_plan_reading *rd, const struct mf_node *analysis, const struct mf_canary_plan *p)
{
	char window[MF_UNIT_TEXT_BYTES], hold[MF_UNIT_TEXT_BYTES];
	const char *name;
	const uint64_t min_us = mf_canary_hold_min_us(p, &name);

	if (p->max_hold_us == 0 || p->max_hold_us > min_us)
		return;
	mf_plan_refuse(rd, mf_node_get(analysis, "maxHold"),
	    "%s is over before the window of %.64s lies behind a change of weights, %s after it: "
	    "every run would go back",
	    mf_format_duration(p->max_hold_us, hold), name, mf_format_duration(min_us, window));
}

/* What the Migration says beside its analysis, whoever wrote that. */
static void
complete(struct mf_plan_reading *rd, const struct mf_node *spec, const struct mf_migration_words *w,
    struct mf_canary_plan *p)
{
	mf_stanza_hooks(rd, mf_plan_list(rd, spec, "gates", 0), &mf_form_gate, p);
	mf_stanza_hooks(rd, mf_plan_list(rd, spec, "hooks", 0), &mf_form_hook, p);
	read_bake(rd, spec, w, p->interval_us, &p->bake);
	if (w->suspend)
		p->suspend = true;
	take_way_back(rd, &w->plan.rollback, &p->back);
	check_hold(rd, w->analysis, p);
	rd->plan->canary = p;
}

/* Data alone is carried. */
static void
check_none(struct mf_plan_reading *rd, const struct mf_node *spec)
{
	static const char *const moving[] = {
	    "analysis", "gates", "hooks", "bake", "compare", "windows", "freeze", NULL};
	size_t i;

	for (i = 0; moving[i] != NULL; i++)
		if (mf_node_get(spec, moving[i]) != NULL)
			mf_plan_refuse(rd, mf_node_get(spec, moving[i]),
			    "with the router `none` no traffic moves: it would be ignored");
}

void
mf_migration_analysis(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w)
{
	const struct mf_node *analysis = w->analysis, *canary, *rollout;
	struct mf_canary_plan *p;

	if (w->plan.router.type == MF_ROUTER_NONE) {
		if (w->router != NULL && w->router->kind == MF_NODE_STRING)
			check_none(rd, spec);
		return;
	}
	if (analysis == NULL) {
		mf_plan_refuse_key(rd, spec, "analysis", "is missing: how traffic moves");
		return;
	}
	if (!mf_plan_is_map(rd, analysis))
		return;
	canary = mf_node_get(analysis, "canaryRef");
	rollout = mf_node_get(analysis, "rolloutRef");
	if (rollout != NULL && canary == NULL) {
		take_rollout(rd, spec, analysis, w, rollout);
		return;
	}
	if (canary != NULL) {
		p = take_canary(rd, analysis, w, canary);
	} else if ((p = mf_plan_alloc(rd, 1, sizeof *p)) != NULL) {
		set_defaults(rd, p);
		read_stanza(rd, analysis, w, p);
	}
	if (p != NULL)
		complete(rd, spec, w, p);
}
