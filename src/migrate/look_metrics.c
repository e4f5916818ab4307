/* What a preflight looks at of metrics: each is asked once, of whom it will be asked in the run. */
#include <stdio.h>
#include <string.h>

#include "src/migrate/migrate_int.h"

#define ANSWERS_MEMORY ((size_t)128 << 20) /* of one answer */
#define TEXT_BYTES 400u
#define SHOWN 80 /* characters of an answer */

/* One question of the plan. */
struct question {
	const struct mf_metric_query *q;
	const char *of; /* "accuracy", "accuracy of the primary" */
	const struct mf_plan_place *place;
};

/* A question that may change something is not asked before its time. */
static bool
may_be_asked(const struct mf_metric_query *q)
{
	return q->type != MF_PROVIDER_WEB || q->method == NULL || strcmp(q->method, "GET") == 0;
}

/* What to do about a metric that cannot be measured. */
static void
advise(const struct mf_metric_query *q, struct mf_error *e)
{
	const struct mf_metric_auth *a = &q->auth;

	if (e->hint[0] != '\0')
		return;
	if (e->code == MF_EPERM && a->secret_name != NULL)
		(void)mf_error_hint(e,
		    "see what the secret %.60s holds under --secrets-dir: a "
		    "token, or username and password, that the server takes",
		    a->secret_name);
	else if (e->code == MF_EPERM && (a->bearer_file != NULL || a->user_file != NULL))
		(void)mf_error_hint(e,
		    "see that %.200s holds what the server takes, and may be "
		    "read",
		    a->bearer_file != NULL ? a->bearer_file : a->password_file);
	else if (e->code == MF_EPERM)
		(void)mf_error_hint(e, "the server wants to know who asks: give the metric auth "
				       "with bearerFile, or userFile and passwordFile; "
				       "modelferry-metrics(7)");
	else if (e->code == MF_ETRANSFER)
		(void)mf_error_hint(e, "see that the metric's address is right and its server "
				       "runs; then try again");
	else if (e->code == MF_EUSAGE && q->type == MF_PROVIDER_WEB)
		(void)mf_error_hint(e, "look at what the URL answers, and correct url or jsonPath");
	else if (e->code == MF_EUSAGE)
		(void)mf_error_hint(e, "correct it in the plan; modelferry-metrics(7)");
}

/* "0.95", "[0.95]", "no data yet: the result is empty" */
static void
put_value(const struct mf_measured *got, char text[TEXT_BYTES])
{
	struct mf_buf b = MF_BUF_INIT;

	if (got->end == MF_MEASURE_VALUE && got->result != NULL) {
		mf_node_put_json(&b, got->result);
		(void)snprintf(text, TEXT_BYTES, "%.*s", SHOWN,
		    mf_buf_cstr(&b) == NULL ? "?" : mf_buf_cstr(&b));
	} else if (got->end == MF_MEASURE_VALUE) {
		(void)snprintf(text, TEXT_BYTES, "%.6g%s%s", got->value,
		    got->why[0] != '\0' ? "; " : "", got->why);
	} else {
		(void)snprintf(
		    text, TEXT_BYTES, "no data yet%s%s", got->why[0] != '\0' ? ": " : "", got->why);
	}
	mf_buf_fini(&b);
}

/* 0 with what came; -1. r: for its memory. */
static int
ask_in(struct mf_migrating *x, const struct mf_metric_query *q, struct mf_region *r,
    char text[TEXT_BYTES], struct mf_error *e)
{
	struct mf_measured got;

	if (mf_world_probe_query(x->world, q, e) != 0)
		return -1;
	if (!may_be_asked(q)) {
		(void)snprintf(text, TEXT_BYTES,
		    "its server answers; a %.10s may change something, and is first sent by a run",
		    q->method);
		return 0;
	}
	mf_world_ask(x->world, q, r, &got);
	if (got.end == MF_MEASURE_ERROR)
		return mf_error_set(e,
		    got.code == MF_OK          ? MF_EFAIL
		    : got.code == MF_ENOTFOUND ? MF_EUSAGE /* a file that the plan names */
					       : got.code,
		    "%s", got.why);
	if (got.end == MF_MEASURE_NONE && got.code == MF_ENOTFOUND)
		return mf_error_set(e, MF_EUSAGE, "%s in the answer", got.why);
	put_value(&got, text);
	return 0;
}

static int
ask(struct mf_migrating *x, const struct mf_metric_query *q, char text[TEXT_BYTES],
    struct mf_error *e)
{
	struct mf_region_params p = {.plain_bytes = ANSWERS_MEMORY, .what = "an answer"};
	struct mf_region *r;
	int rc;

	if (mf_region_new(&p, &r, e) != 0)
		return -1;
	rc = ask_in(x, q, r, text, e);
	mf_region_free(r);
	return rc;
}

/* As one finding. */
static int
look_at(struct mf_migrating *x, const struct question *one, struct mf_error *e)
{
	char text[TEXT_BYTES] = "", all[2 * TEXT_BYTES];
	char place[MF_PLAN_PLACE_BYTES];
	struct mf_error why = {0}, shown = {0};
	int rc = ask(x, one->q, text, &why);

	(void)snprintf(all, sizeof all, "%.120s (%s): %.300s", one->of,
	    mf_plan_place_text(one->place, place), rc == 0 ? text : why.message);
	if (rc != 0) {
		advise(one->q, &why);
		(void)mf_error_set(e, why.code, "metric %s", all);
		(void)mf_error_set(&shown, why.code, "%s", all);
		if (why.hint[0] != '\0') {
			(void)mf_error_hint(e, "%s", why.hint);
			(void)mf_error_hint(&shown, "%s", why.hint);
		}
	}
	return mf_migrating_looked(x, "metric", rc, all, &shown);
}

/* A run may begin where a metric has no data yet, or its page is about to come: only a server that
 * is not there, and what Prometheus can never answer, is refused before traffic moves. */
static int
check(struct mf_migrating *x, const struct question *one, struct mf_error *e)
{
	char text[TEXT_BYTES], place[MF_PLAN_PLACE_BYTES];
	struct mf_error why = {0};
	int rc = mf_world_probe_query(x->world, one->q, &why);

	if (rc == 0 && x->p->resume == MF_MIGRATE_FRESH && one->q->type == MF_PROVIDER_PROMETHEUS &&
	    ask(x, one->q, text, &why) != 0 && why.code == MF_EUSAGE)
		rc = -1;
	if (rc == 0)
		return 0;
	advise(one->q, &why);
	(void)mf_error_set(e, why.code, "metric %.120s (%s): %.300s", one->of,
	    mf_plan_place_text(one->place, place), why.message);
	return why.hint[0] == '\0' ? -1 : mf_error_hint(e, "%s", why.hint);
}

/* The first that is wrong stays in *e; a dry run goes on behind it. */
static int
one(struct mf_migrating *x, const struct question *q, int so_far, struct mf_error *e)
{
	struct mf_error why = {0};

	if (so_far != 0 && !x->p->dry_run)
		return so_far;
	if ((x->p->dry_run ? look_at : check)(x, q, &why) == 0)
		return so_far;
	if (so_far == 0 && e != NULL)
		*e = why;
	return -1;
}

static int
of_metrics(struct mf_migrating *x, const struct mf_canary_metric *metrics, size_t n, int so_far,
    struct mf_error *e)
{
	char primary[160];
	struct question q;
	size_t i;

	for (i = 0; i < n; i++) {
		if (metrics[i].rule == MF_RULE_NO_QUERY)
			continue;
		q = (struct question){&metrics[i].query, metrics[i].name, &metrics[i].place};
		so_far = one(x, &q, so_far, e);
		if (!metrics[i].has_primary_query)
			continue;
		(void)snprintf(primary, sizeof primary, "%.120s of the primary", metrics[i].name);
		q.q = &metrics[i].primary_query;
		q.of = primary;
		so_far = one(x, &q, so_far, e);
	}
	return so_far;
}

/* Arguments get their values first. */
static int
of_analysis(
    struct mf_migrating *x, const struct mf_analysis_plan *analysis, int so_far, struct mf_error *e)
{
	const struct mf_analysis_metric *m;
	struct mf_metric_query query;
	char name[300];
	unsigned i, side;

	for (i = 0; i < analysis->n_metrics; i++) {
		m = &analysis->metrics[i];
		for (side = 0; side < 1u + m->has_primary_query; side++) {
			(void)snprintf(name, sizeof name, "%.60s of %.60s%s", m->name,
			    analysis->name, side == 0 ? "" : " of the primary");
			if (mf_migrating_make_query(x, analysis,
				i | (side == 0 ? 0 : MF_ANALYSIS_INDEX_PRIMARY), &query, e) != 0)
				return mf_error_while(e, "asking for metric %s", name);
			so_far = one(x, &(struct question){&query, name, &m->place}, so_far, e);
		}
	}
	return so_far;
}

int
mf_migrating_look_at_metrics(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_rollout_plan *rollout = x->engine.rollout_plan;
	const struct mf_back_plan *back = rollout != NULL ? &rollout->back : &x->canary->back;
	int rc = 0;
	size_t i;

	for (i = 0; rollout != NULL && i < rollout->n_analyses; i++)
		rc = of_analysis(x, rollout->analyses[i], rc, e);
	if (rollout == NULL)
		rc = of_metrics(x, x->canary->metrics, x->canary->n_metrics, rc, e);
	/* a run gets to them on its way back, when it is late for a refusal, but not too late */
	for (i = 0; x->p->dry_run && i < back->n_fallbacks; i++)
		rc = of_metrics(x, back->own[i].metrics, back->own[i].n, rc, e);
	return rc;
}
