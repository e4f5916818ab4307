/* What a run needs before it begins: the world and the journal. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/migrate/who.h"
#include "src/state/journal.h"

#define LAST_MIRROR_US UINT64_C(30000000)

int
mf_migrating_open(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_world_params p = {
	    .canary = x->canary,
	    .rollout = x->engine.rollout_plan,
	    .router = &x->m->router,
	    .dialer = x->p->dialer,
	    .secrets_dir = x->p->secrets_dir,
	    .monotonic_us = mf_migrating_ask_boot_us,
	    .unix_us = mf_migrating_ask_unix_us,
	    .interrupted = mf_migrating_ask_interrupted,
	    .arg = x,
	};

	x->boot_base_us = x->p->boot_us();
	x->clock_base_us = (uint64_t)x->p->unix_us();
	if (mf_world_open(&x->world, &p, e) != 0)
		return -1;
	mf_migrating_ports(x);
	return 0;
}

void
mf_migrating_close(struct mf_migrating *x)
{
	struct mf_error e = {0};

	mf_watcher_stop(x->watcher);
	mf_intact_close(x->brought);
	mf_migrating_stop_tellers(x);
	mf_keeper_stop(x->keeper, LAST_MIRROR_US);
	if (x->leased && mf_lease_set_release(&x->leases, &e) != 0)
		mf_log(MF_LOG_WARNING, "%s", e.message);
	mf_lease_set_fini(&x->leases);
	mf_world_close(x->world);
	mf_migrating_forget_answers(x);
}

/* ---- the journal ---- */

struct head {
	struct mf_migrating *x;
	bool found;
};

static void
keep(char out[MF_VERSION_BYTES], const char *text)
{
	(void)snprintf(out, MF_VERSION_BYTES, "%.159s", text == NULL ? "" : text);
}

/* What the run knew when it began counts, not what is there now. */
static int
take_head(void *arg, const struct mf_journal_run *run)
{
	struct head *h = arg;

	keep(h->x->version, run->destination);
	keep(h->x->previous, run->previous);
	keep(h->x->shown, run->source);
	h->x->production_sequence = run->production_sequence;
	h->found = run->ended_us == 0;
	return 0;
}

static int
claim(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_who_look look = {
	    .plan = x->p->plan,
	    .run = x->p->run_id,
	    .journal = x->p->journal,
	    .records = x->p->records,
	    .unix_us = x->p->unix_us(),
	};
	int rc = mf_journal_claim(x->p->journal, x->p->run_id, x->p->instance, x->former, e);
	char who[MF_WHO_TEXT_BYTES];

	x->has_former = rc == 0;
	if (rc < 0 && e->code == MF_ECONFLICT) {
		if (mf_who_runs(&look, who) == MF_WHO_SOMEBODY)
			(void)mf_error_set(
			    e, MF_ECONFLICT, "run %s is under way: %s", x->p->run_id, who);
		return mf_who_hint(x->p->run_id, x->p->records != NULL, e);
	}
	return rc < 0 ? -1 : 0;
}

static int
go_on(struct mf_migrating *x, struct mf_error *e)
{
	struct head h = {.x = x};

	if (mf_journal_run(x->p->journal, x->p->run_id, take_head, &h, e) != 0)
		return -1;
	if (!h.found)
		return mf_error_set(e, MF_EUSAGE, "run %s has ended", x->p->run_id);
	return claim(x, e);
}

int
mf_migrating_begin(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_journal_run run = {
	    .id = x->p->run_id,
	    .plan_digest = x->p->plan->digest,
	    .plan_name = x->m->name,
	    .model = x->m->model,
	    .actor = x->p->actor,
	    .source = x->shown,
	    .destination = x->version,
	    .previous = x->previous,
	    .production_sequence = x->production_sequence,
	    .begun_us = x->p->unix_us(),
	};

	if (x->p->resume != MF_MIGRATE_FRESH
		? go_on(x, e) != 0
		: mf_journal_begin(x->p->journal, &run, e) != 0 || claim(x, e) != 0)
		return -1;
	/* only now: a run that goes on has its version from the journal */
	mf_plan_checksum(x->p->plan, x->version, x->checksum);
	return 0;
}
