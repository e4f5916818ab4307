/* What a run needs before it begins: the world, the journal, the leases. */
#include "src/migrate/migrate_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/state/journal.h"
#include "src/traffic/router.h"

/* Short, because a run whose machine is gone is resumed elsewhere only when it has run out. */
#define LEASE_US UINT64_C(20000000)
#define LEASE_NAME_BYTES 1025u
#define LOOK_US UINT64_C(1000000) /* between two looks at a lease that somebody else holds */
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
	int rc = mf_journal_claim(x->p->journal, x->p->run_id, x->p->instance, x->former, e);

	x->has_former = rc == 0;
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

/* ---- leases ---- */

static void
params_of(struct mf_migrating *x, struct mf_lease_params *p)
{
	*p = (struct mf_lease_params){
	    .holder = x->p->run_id,
	    .duration_us = LEASE_US,
	    .has_dead = x->has_former,
	    .now_us = mf_migrating_ask_boot_us,
	    .unix_us = mf_migrating_ask_unix_us,
	    .arg = x,
	};
	memcpy(p->instance, x->p->instance, sizeof p->instance);
	memcpy(p->dead, x->former, sizeof p->dead);
}

struct wanted {
	struct mf_lease_params p[MF_LEASES_MAX];
	char names[MF_LEASES_MAX][LEASE_NAME_BYTES];
	size_t n;
};

static void __attribute__((format(printf, 4, 5)))
want(struct mf_migrating *x, struct wanted *w, enum mf_lease_kind kind, const char *fmt, ...)
{
	char *name = w->names[w->n];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(name, LEASE_NAME_BYTES, fmt, ap);
	va_end(ap);
	params_of(x, &w->p[w->n]);
	w->p[w->n].kind = kind;
	w->p[w->n++].name = name;
}

/* Two plans that share a backend exclude each other, whatever models they carry. */
static int
want_traffic(struct mf_migrating *x, struct wanted *w, struct mf_error *e)
{
	struct mf_router_objects objects;
	size_t i;

	if (mf_router_objects_of(&x->m->router, &objects, e) != 0)
		return -1;
	for (i = 0; i < objects.n; i++)
		want(x, w, MF_LEASE_TRAFFIC, "%s", objects.names[i]);
	return 0;
}

static int
make_leases_in_repo(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	struct wanted w;

	w.n = 0;
	if (want_traffic(x, &w, e) != 0)
		return -1;
	if (x->m->model != NULL)
		want(x, &w, MF_LEASE_REF, "%s@%s", x->m->model, x->m->production_ref);
	if (d->kind != MF_DESTINATION_NONE)
		want(x, &w, MF_LEASE_DESTINATION, "%s:%s", d->name == NULL ? "" : d->name,
		    d->kind == MF_DESTINATION_MIRROR ? d->mirror : d->dir);
	return mf_lease_set_init(&x->leases, x->p->repo, w.p, w.n, e);
}

/* Who names a file means others that use the file; those of the repository are excluded all the
 * same, where it can. */
static int
make_leases(struct mf_migrating *x, struct mf_error *e)
{
	const char *file = x->p->lease_file;
	struct mf_lease_params p;

	if (x->p->repo != NULL && (file == NULL || mf_lease_can(x->p->repo)) &&
	    make_leases_in_repo(x, e) != 0)
		return -1;
	if (file == NULL)
		return 0;
	params_of(x, &p);
	p.kind = MF_LEASE_TRAFFIC;
	return mf_lease_set_add_file(&x->leases, file, &p, e);
}

/* A holder that lives renews its lease, and then its record is another one. */
static bool
may_be_dead(const struct mf_lease_holder *now, struct mf_lease_holder *first)
{
	if (first->duration_us == 0)
		*first = *now;
	return now->token == first->token && now->written_us == first->written_us &&
	       strcmp(now->name, first->name) == 0;
}

/* They are held. Of somebody who lives, or for longer than anybody waits: a conflict. Of a process
 * that may be dead, whoever's: it has to run out first, and it does so only for who watches it. */
static int
wait_for_leases(struct mf_migrating *x, const struct mf_lease *which,
    const struct mf_lease_holder *other, struct mf_lease_holder *first, uint64_t wait_us,
    struct mf_error *e)
{
	bool ours = strcmp(other->name, x->p->run_id) == 0;

	if (wait_us > 2 * LEASE_US || (!may_be_dead(other, first) && !ours))
		return mf_error_set(
		    e, MF_ECONFLICT, "%s is held by %s", mf_lease_label(which), other->name);
	if (x->p->interrupted())
		return mf_error_set(
		    e, MF_EINTERRUPTED, "interrupted while waiting for %s", mf_lease_label(which));
	mf_migrating_stage(x, MF_STAGE_PREFLIGHT, "waiting for a lease to run out");
	x->p->sleep(!ours && wait_us > LOOK_US ? LOOK_US : wait_us);
	return 0;
}

int
mf_migrating_take_leases(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_lease *which = NULL, *before = NULL;
	struct mf_lease_holder other = {0}, first = {0};
	uint64_t wait_us = 0;
	int rc;

	if (x->p->repo == NULL && x->p->lease_file == NULL) {
		(void)mf_error_set(
		    e, MF_EUSAGE, "%s: a run without a repository has no leases", x->m->name);
		return mf_error_hint(e, "name a file for them: --lease file:PATH");
	}
	if (make_leases(x, e) != 0)
		return -1;
	while ((rc = mf_lease_set_take(&x->leases, &which, &other, &wait_us, e)) > 0) {
		if (which != before) /* the one before it has run out: another record */
			first = (struct mf_lease_holder){0};
		before = which;
		if (wait_for_leases(x, which, &other, &first, wait_us, e) != 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	x->leased = true;
	return 0;
}
