/* kind: Migration (modelferry.dev/v1alpha1): the document as a whole. */
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/plan_migration_int.h"

#define SECOND_US ((uint64_t)1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US (UINT64_C(24) * 60 * MINUTE_US)

static void
set_defaults(struct mf_migration_words *w)
{
	struct mf_migration_plan *p = &w->plan;

	p->candidate_ref = "candidate";
	p->production_ref = "production";
	p->rollback.verify_for_us = 5 * MINUTE_US;
	p->rollback.keep_us = 7 * DAY_US;
	p->compare.min_agreement = 1;
	p->max_unattended_us = 10 * MINUTE_US;
	w->source.plan.name = "source";
	w->destination.plan.name = "destination";
	w->source.plan.receipt_age_us = w->destination.plan.receipt_age_us = 60 * MINUTE_US;
	w->source.plan.warmup.timeout_us = w->destination.plan.warmup.timeout_us = 5 * MINUTE_US;
	w->source.plan.warmup.count = w->destination.plan.warmup.count = 100;
	w->source.plan.warmup.concurrency = w->destination.plan.warmup.concurrency = 1;
}

/* What a repository takes: no run is begun that could only fail there. */
static void
check_names(
    struct mf_plan_reading *rd, const struct mf_node *model, const struct mf_migration_plan *p)
{
	const struct {
		const char *key, *name;
	} names[] = {{"name", p->model}, {"version", p->version}, {"ref", p->from_ref},
	    {"candidateRef", p->candidate_ref}, {"productionRef", p->production_ref}};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].name != NULL && names[i].name[0] != '\0' &&
		    !mf_text_is_name(names[i].name, i == 0))
			mf_plan_refuse(rd, mf_node_get(model, names[i].key),
			    "\"%.64s\" is no name: %s%s", names[i].name, MF_TEXT_NAME_RULE,
			    i == 0 ? ", in parts between /" : "");
}

static void
check_model(
    struct mf_plan_reading *rd, const struct mf_node *spec, const struct mf_migration_plan *p)
{
	const struct mf_node *model = mf_node_get(spec, "model");

	if (model == NULL || model->kind != MF_NODE_MAP)
		return;
	check_names(rd, model, p);
	if ((p->version != NULL) == (p->from_ref != NULL))
		mf_plan_refuse(rd, model, "exactly one of version and ref is wanted");
	if (p->from_ref != NULL && strcmp(p->from_ref, p->production_ref) == 0)
		mf_plan_refuse(rd, mf_node_get(model, "ref"),
		    "%.64s is the ref that moves at the end: it would be carried to itself",
		    p->from_ref);
	if (strcmp(p->candidate_ref, p->production_ref) == 0)
		mf_plan_refuse(rd, mf_node_get(model, "candidateRef"),
		    "it is productionRef, too: traffic would follow it at the start");
}

static void
check_alerts(struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_plan *p)
{
	const struct mf_node *list = mf_node_get(spec, "alerts"), *item;
	struct mf_alert_plan *alerts = mf_plan_alloc(rd, p->n_alerts, sizeof *alerts);
	size_t i;

	if (alerts == NULL || p->n_alerts == 0)
		return;
	memcpy(alerts, p->alerts, p->n_alerts * sizeof *alerts);
	p->alerts = alerts;
	for (i = 0; i < p->n_alerts; i++) {
		item = list->items[i];
		if (alerts[i].timeout_us == 0)
			alerts[i].timeout_us = 10 * SECOND_US;
		if (mf_node_get(item, "retries") == NULL)
			alerts[i].retries = 2;
		if ((alerts[i].url != NULL) == (alerts[i].url_file != NULL))
			mf_plan_refuse(rd, item, "exactly one of url and urlFile is wanted");
		else if (alerts[i].url != NULL)
			mf_plan_is_url(rd, mf_node_get(item, "url"), alerts[i].url);
	}
}

static void
check_compare(
    struct mf_plan_reading *rd, const struct mf_node *spec, const struct mf_migration_words *w)
{
	const struct mf_node *compare = mf_node_get(spec, "compare");
	const struct mf_compare_plan *c = &w->plan.compare;

	if (compare == NULL || c->requests == NULL)
		return;
	if (!(c->tolerance >= 0))
		mf_plan_refuse(
		    rd, mf_node_get(compare, "tolerance"), "a tolerance is not negative");
	if (!(c->min_agreement >= 0 && c->min_agreement <= 1))
		mf_plan_refuse(rd, mf_node_get(compare, "minAgreement"),
		    "a part lies between 0 and 1, not at %g", c->min_agreement);
	if (w->source.plan.n_servers == 0 || w->destination.plan.n_servers == 0)
		mf_plan_refuse(
		    rd, compare, "servers of source and destination are wanted: both are asked");
}

/* "file:PATH" */
static void
read_lease(struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w)
{
	if (w->lease == NULL)
		return;
	if (strncmp(w->lease, "file:", 5) != 0 || w->lease[5] == '\0')
		mf_plan_refuse(rd, mf_node_get(spec, "lease"), "file:PATH is wanted here");
	else
		w->plan.lease_file = w->lease + 5;
}

static void
check_rollback(
    struct mf_plan_reading *rd, const struct mf_node *spec, const struct mf_migration_plan *p)
{
	const struct mf_node *rollback = mf_node_get(spec, "rollback");

	if (p->rollback.has_restore)
		mf_migration_call(rd, mf_node_get(rollback, "restore"), &p->rollback.restore,
		    p->source.n_servers > 0);
	if (rollback != NULL && mf_node_get(rollback, "stepWeight") != NULL &&
	    p->rollback.step_weight == 0 && rd->n_refusals == 0)
		mf_plan_refuse(rd, mf_node_get(rollback, "stepWeight"),
		    "with steps of 0 traffic would never be back");
}

/* Which of the plan's parts the run reads is settled before the analysis looks at them. */
static void
settle_finish(struct mf_plan_reading *rd, const struct mf_migration_words *w)
{
	if (rd->params->finish_is_default)
		rd->plan->finish = w->finish == 1 ? MF_FINISH_COPY_BACK : MF_FINISH_STAY;
}

/* That a way back can only end with status 9 is no refusal: traffic does go back. */
static void
warn_of_way_back(struct mf_plan_reading *rd, const struct mf_node *spec)
{
	static const char *const places[] = {
	    "rollback.verifyFor", "analysis.metrics", "analysis", NULL};
	char text[MF_PLAN_WAY_BACK_BYTES];
	const struct mf_node *at = NULL;
	size_t i;

	if (rd->n_refusals > 0 || mf_plan_way_back(rd->plan, text) != MF_PLAN_WAY_BACK_BLIND)
		return;
	for (i = 0; at == NULL && places[i] != NULL; i++)
		at = mf_node_find(spec, places[i]);
	mf_plan_warn(rd, at != NULL ? at : spec, "%s", text);
}

static void
read_words(struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w)
{
	bool moves;

	mf_form_read(rd, rd->traffic_only ? &mf_form_traffic : &mf_form_migration, spec, w);
	w->plan.name = rd->plan->name;
	settle_finish(rd, w);
	check_model(rd, spec, &w->plan);
	mf_migration_router(rd, spec, w);
	moves = w->plan.router.type != MF_ROUTER_NONE;
	mf_migration_sites(rd, spec, w, moves);
	w->plan.source = w->source.plan;
	w->plan.destination = w->destination.plan;
	check_alerts(rd, spec, &w->plan);
	check_compare(rd, spec, w);
	check_rollback(rd, spec, &w->plan);
	read_lease(rd, spec, w);
	mf_migration_times(rd, spec, w);
	mf_migration_fallbacks(rd, spec, w);
	mf_migration_analysis(rd, spec, w);
	rd->plan->migration = &w->plan;
	warn_of_way_back(rd, spec);
}

const struct mf_migration_plan *
mf_plan_read_migration(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	static const char *const keys[] = {
	    "apiVersion", "kind", "metadata", "spec", "status", NULL};
	const struct mf_node *spec = mf_plan_need_map(rd, doc, "spec");
	struct mf_migration_words *w;

	mf_plan_known_keys(rd, doc, keys); /* what lost its indentation would be ignored */
	if (spec == NULL)
		return NULL;
	if ((w = mf_plan_alloc(rd, 1, sizeof *w)) == NULL)
		return NULL;
	set_defaults(w);
	read_words(rd, spec, w);
	return &w->plan;
}
