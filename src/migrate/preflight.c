/* May the run begin? Everything here looks, and moves nothing. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/units.h"
#include "src/repo/receipt.h"
#include "src/repo/version.h"
#include "src/state/journal.h"

/* A registry is told when production moves: where it never does, the hook would never be called. */
static int
refuse_hooks(const struct mf_migrating *x, struct mf_error *e)
{
	const bool moves = x->m->model != NULL;
	const struct mf_hook *h;
	size_t i;

	for (i = 0; i < x->canary->n_hooks; i++) {
		h = &x->canary->hooks[i];
		if (h->type != MF_HOOK_MLFLOW || moves)
			continue;
		(void)mf_error_set(e, MF_EUSAGE,
		    "%s: hook %s: no production ref moves in this run, and mlflow would never be "
		    "told",
		    x->m->name, h->name);
		return mf_error_hint(e, "mlflow needs a model; leave the hook out");
	}
	return 0;
}

static int
refuse_for_now(const struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_migration_plan *m = x->m;

	if (m->destination.remote && m->candidate_ref == NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "%s: a remote destination needs a candidate ref that it follows", m->name);
	if (x->canary->strategy == MF_STRATEGY_AB)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "%s: analysis.match: this router has no routes by header", m->name);
	/* Flagger and Argo give the primary's workload the new version first: without that the
	 * traffic would go back to the one that was to be left */
	if (m->router.type != MF_ROUTER_NONE && x->p->plan->finish == MF_FINISH_COPY_BACK)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "%s: finish: copy-back: the primary's side cannot be given the new version",
		    m->name);
	if (x->canary->bake.by_daemon ||
	    (x->engine.rollout_plan != NULL && x->engine.rollout_plan->bake.by_daemon))
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "%s: bake.by: daemon is not there yet", m->name);
	return 0;
}

/* A fresh run begins where its plan does: all traffic with the primary. A plan that turns an
 * earlier one round has that one's canary for its primary. */
static int
read_weights(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_router *r = mf_world_router(x->world);

	if (r->ops->get(r, &x->router, e) != 0)
		return mf_error_while(e, "reading the weights");
	x->router_known = true;
	return 0;
}

int
mf_migrating_check_weights(struct mf_migrating *x, struct mf_error *e)
{
	if (read_weights(x, e) != 0)
		return -1;
	if (x->m->router.type == MF_ROUTER_NONE || x->router.canary == 0)
		return 0;
	if (x->p->resume == MF_MIGRATE_FRESH && mf_migrating_is_done(x))
		return 0;
	(void)mf_error_set(e, MF_EUSAGE, "%s: the router shows %u/%u, and a run begins at 100/0",
	    x->m->name, x->router.primary, x->router.canary);
	if (x->router.canary == 100)
		return mf_error_hint(e,
		    "after a migration that succeeded the next plan names its canary as primary, "
		    "and "
		    "its destination as source; go on with one that did not end with --resume");
	return mf_error_hint(e, "set it to 100/0, or resume the run that moved it with --resume");
}

/* The last run of this very plan. */
struct last {
	const struct mf_migrating *x;
	bool succeeded;
};

static int
take_last(void *arg, const struct mf_journal_run *run)
{
	struct last *last = arg;

	if (strcmp(run->plan_digest, last->x->p->plan->digest) != 0)
		return 0;
	last->succeeded =
	    run->result != NULL && strcmp(run->result, mf_result_name(MF_RESULT_SUCCEEDED)) == 0;
	return 1;
}

/* Of traffic alone no ref says that it is through; this machine's journal does. */
static bool
traffic_is_done(const struct mf_migrating *x)
{
	struct last last = {.x = x};
	struct mf_error ignored = {0};

	if (x->p->journal == NULL || x->m->router.type == MF_ROUTER_NONE || x->router.canary != 100)
		return false;
	(void)mf_journal_runs(x->p->journal, NULL, take_last, &last, &ignored);
	return last.succeeded;
}

bool
mf_migrating_is_done(const struct mf_migrating *x)
{
	if (x->p->repo == NULL)
		return traffic_is_done(x);
	if (strcmp(x->version, x->previous) != 0)
		return false;
	return x->m->router.type == MF_ROUTER_NONE || x->router.canary == 100;
}

/* Does the source's site say in a fresh receipt that it pulls by itself? 1: it does. */
static int
pulls_itself(const struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *s = &x->m->source;
	struct mf_receipts list;
	size_t i;
	int found = s->remote;

	if (found || s->name == NULL)
		return found;
	if (mf_receipts_list(x->p->repo, x->m->model, x->p->trust, x->p->unix_us(), &list, e) != 0)
		return -1;
	for (i = 0; i < list.n; i++)
		if (strcmp(list.items[i].site, s->name) == 0 &&
		    list.items[i].age_us <= s->receipt_age_us)
			found = 1;
	mf_receipts_fini(&list);
	return found;
}

/* What the primary serves stays what it is while traffic moves: it may not follow a ref that this
 * run moves, or both sides would serve the new version. */
static int
check_source(const struct mf_migrating *x, struct mf_error *e)
{
	int pulls;

	if (x->m->source.pinned)
		return 0;
	pulls = pulls_itself(x, e);
	if (pulls <= 0)
		return pulls;
	(void)mf_error_set(e, MF_EUSAGE,
	    "%s: source: site %s pulls by itself, and this run moves %s and %s: it would serve the "
	    "new version, too",
	    x->m->name, x->m->source.name,
	    x->m->candidate_ref == NULL ? "candidate" : x->m->candidate_ref, x->m->production_ref);
	return mf_error_hint(e,
	    "let it follow neither of them while the run lasts, and say so with source.pinned: "
	    "true");
}

/* By whatever paths they are named: the reader of the plan has compared only these. */
static int
refuse_one_link(const struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *s = &x->m->source, *d = &x->m->destination;
	struct stat a, b;

	if (s->remote || d->remote || s->dir == NULL || d->dir == NULL || s->link == NULL ||
	    d->link == NULL || strcmp(s->link, d->link) != 0)
		return 0;
	if (stat(s->dir, &a) != 0 || stat(d->dir, &b) != 0 || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino)
		return 0;
	(void)mf_error_set(e, MF_EUSAGE,
	    "%s: %s and %s are one directory, so that %s is the link of both sites", x->m->name,
	    s->dir, d->dir, d->link);
	return mf_error_hint(e, "turned for the destination it would be turned under the servers "
				"that have the traffic: "
				"give each site a link of its own");
}

static int
look_at_plan(struct mf_migrating *x, struct mf_error *e)
{
	int rc = refuse_for_now(x, e) != 0 || refuse_hooks(x, e) != 0 || refuse_one_link(x, e) != 0
		     ? -1
		     : mf_migrating_check_steps(x, e);

	return mf_migrating_looked(x, "plan", rc, "nothing in it is refused", e);
}

/* Before the weights, which are that run's then. */
static int
look_at_lease(struct mf_migrating *x, struct mf_error *e)
{
	return x->p->resume == MF_MIGRATE_FRESH ? mf_migrating_look_at_holder(x, e) : 0;
}

static int
look_at_router(struct mf_migrating *x, struct mf_error *e)
{
	char text[sizeof x->router.note + 64];
	int rc = mf_world_check_router(x->world, e);

	if (rc != 0 && e->code == MF_ETRANSFER && x->m->router.type == MF_ROUTER_HAPROXY)
		(void)mf_error_hint(e,
		    "see that HAProxy runs and has a stats socket of level admin there; then run "
		    "it again");
	if (x->m->router.type == MF_ROUTER_NONE)
		return rc != 0 ? -1 : read_weights(x, e);
	if (rc == 0 && x->canary->mirror && !mf_world_can(x->world)->mirror)
		rc = mf_error_set(
		    e, MF_EUNSUPPORTED, "%s: analysis.mirror: this router cannot", x->m->name);
	if (rc == 0 && x->canary->ready_word != NULL && !mf_world_can(x->world)->capacity)
		rc = mf_error_set(e, MF_EUNSUPPORTED,
		    "%s: analysis.%s: this router does not count servers", x->m->name,
		    x->canary->ready_word);
	if (rc == 0 && x->p->dry_run && !x->held_elsewhere && x->p->resume == MF_MIGRATE_FRESH)
		rc = mf_migrating_check_weights(x, e);
	else if (rc == 0)
		rc = read_weights(x, e); /* a run holds its leases when it looks whose they are */
	(void)snprintf(text, sizeof text, "%u/%u%s%s", x->router.primary, x->router.canary,
	    x->router.note[0] == '\0' ? "" : "; ", x->router.note);
	return mf_migrating_looked(x, "router", rc, text, e);
}

static size_t
count_servers(const struct mf_site_plan *site)
{
	size_t n = 0, i, k;

	for (i = 0; i < site->n_servers; i++) {
		for (k = 0; k < i && strcmp(site->servers[k], site->servers[i]) != 0; k++)
			;
		n += k == i;
	}
	return n;
}

/* Are servers of the destination told, asked or warmed up one by one? */
static bool
is_called_one_by_one(const struct mf_site_plan *d)
{
	return d->warmup.requests != NULL ||
	       (d->has_reload && mf_migrating_for_each_server(&d->reload)) ||
	       (!d->serves.unchecked && !d->serves.by_metric &&
		   mf_migrating_for_each_server(&d->serves.call));
}

/* One that the plan does not name would get traffic with nobody knowing what it serves. */
static int
look_at_count(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	const unsigned there = x->router.canary_distinct;
	const size_t named = count_servers(d);
	char text[96];
	int rc = 0;

	if (there == 0 || mf_migrating_is_done(x) || !is_called_one_by_one(d))
		return 0;
	if (named < there) {
		rc = mf_error_set(e, MF_EUSAGE,
		    "%s: destination.servers names %zu, and the router's canary has %u: the others "
		    "would get traffic unchecked",
		    x->m->name, named, there);
		(void)mf_error_hint(e, "name each of them in destination.servers");
	}
	(void)snprintf(text, sizeof text, "%zu named, %u at the router", named, there);
	return mf_migrating_looked(x, "servers", rc, text, e);
}

static int
look_at_primary(struct mf_migrating *x, struct mf_error *e)
{
	if (mf_migrating_is_done(x) || x->p->repo == NULL || x->m->router.type == MF_ROUTER_NONE)
		return 0;
	return mf_migrating_looked(
	    x, "primary", check_source(x, e), "it keeps what it serves while the run lasts", e);
}

static int
look_at_requires(struct mf_migrating *x, struct mf_error *e)
{
	if (mf_migrating_is_done(x) || x->m->source.n_requires + x->m->destination.n_requires == 0)
		return 0;
	return mf_migrating_looked(x, "requires", mf_migrating_check_requires(x, e),
	    "the versions' tags are what the sites require", e);
}

/* That nobody could say how the primary is after a way back is told, and refuses nothing. */
static int
look_at_way_back(struct mf_migrating *x, struct mf_error *e)
{
	const uint64_t verify_for_us = x->m->rollback.verify_for_us;
	char text[MF_PLAN_WAY_BACK_BYTES], all[MF_PLAN_WAY_BACK_BYTES + 80];
	char lasts[MF_UNIT_TEXT_BYTES];
	const enum mf_plan_way_back way = mf_plan_way_back(x->p->plan, text);

	if (way == MF_PLAN_WAY_BACK_NONE)
		return 0;
	if (way == MF_PLAN_WAY_BACK_BLIND)
		(void)snprintf(all, sizeof all, "%s", text);
	else if (verify_for_us == 0)
		(void)snprintf(all, sizeof all, "the primary is measured once: %s", text);
	else
		(void)snprintf(all, sizeof all, "the primary is watched for %s: %s",
		    mf_format_duration(verify_for_us, lasts), text);
	return mf_migrating_looked(x, "way back", 0, all, e);
}

/* What a run needs only later it meets by itself before any traffic moves, and a run that is
 * resumed is past it. */
static const struct look {
	int (*at)(struct mf_migrating *x, struct mf_error *e);
	enum { OF_ALL_RUNS, OF_FRESH_RUNS, OF_DRY_RUNS } of;
} looks[] = {
    {look_at_plan, OF_ALL_RUNS},
    {mf_migrating_look_at_source_dir, OF_FRESH_RUNS},
    {mf_migrating_look_at_versions, OF_ALL_RUNS},
    {look_at_lease, OF_DRY_RUNS},
    {look_at_router, OF_ALL_RUNS},
    {look_at_count, OF_FRESH_RUNS},
    {mf_migrating_look_at_metrics, OF_ALL_RUNS},
    {look_at_primary, OF_FRESH_RUNS},
    {look_at_requires, OF_FRESH_RUNS},
    {mf_migrating_look_at_destination, OF_FRESH_RUNS},
    {mf_migrating_look_at_fallbacks, OF_FRESH_RUNS},
    {look_at_way_back, OF_DRY_RUNS},
    {mf_migrating_look_at_data, OF_DRY_RUNS},
    {mf_migrating_look_at_servers, OF_DRY_RUNS},
    {mf_migrating_look_at_source, OF_FRESH_RUNS},
};

int
mf_migrating_preflight(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_error why;
	int rc = 0;
	size_t i;

	mf_migrating_stage(x, MF_STAGE_PREFLIGHT, x->m->name);
	for (i = 0; i < sizeof looks / sizeof looks[0]; i++) {
		if ((looks[i].of == OF_DRY_RUNS && !x->p->dry_run) ||
		    (looks[i].of == OF_FRESH_RUNS && x->p->resume != MF_MIGRATE_FRESH))
			continue;
		why = (struct mf_error){0};
		if (looks[i].at(x, &why) == 0)
			continue;
		if (rc == 0)
			*e = why;
		rc = -1;
		if (!x->p->dry_run)
			return -1;
	}
	return rc;
}
