/* migrate: a plan is run once, or a run is steered. */
#include "src/cmd/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/cmd/limits.h"
#include "src/cmd/repo.h"
#include "src/cmd/report.h"
#include "src/cmd/tree.h"
#include "src/migrate/find_run.h"
#include "src/migrate/who.h"
#include "src/rollout/document.h"
#include "src/state/journal.h"

#define LEASE_FILE "file:"

struct migrate {
	struct mf_cmd *c;
	struct mf_plan *plan;
	struct mf_buf *refusals; /* gets why the plan is refused, a line each; NULL: the first will do */
	struct mf_cmd_repo r;
	struct mf_journal *journal, *mirror_journal;
	struct mf_signer *signer;
	struct mf_trust *trust;
	char run_id[MF_RUN_ID_MAX_BYTES + 1];
	char actor[MF_CMD_ACTOR_BYTES];
	struct mf_migrate_params p;
	struct mf_cmd_telling telling;
};

static int64_t
boot_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A signal ends it early. */
static void
sleep_us(uint64_t us)
{
	struct timespec t = {
	    .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

	(void)nanosleep(&t, NULL);
}

static bool
pause_us(void *arg, uint64_t us)
{
	(void)arg;
	sleep_us(us);
	return !mf_cmd_interrupted();
}

static int
open_mirror(void *arg, const char *url, bool write, struct mf_tree **out, struct mf_error *e)
{
	return mf_cmd_open_tree(arg, url, write ? MF_CMD_END_WRITE : MF_CMD_END_PLAN, out, e);
}

static int
read_plan(struct migrate *m, struct mf_error *e)
{
	const char *file = mf_options_arg(m->c->options, 0);
	const char *finish = mf_options_text(m->c->options, MF_OPT_FINISH);
	struct mf_plan_params p = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = finish == NULL};
	struct mf_cmd_bare bare = {.router = MF_BUF_INIT};
	struct mf_buf text = MF_BUF_INIT;
	struct mf_plan *refused = NULL;

	p.bare = &bare.words;
	p.refused = &refused;
	if (finish != NULL && strcmp(finish, "copy-back") == 0)
		p.finish = MF_FINISH_COPY_BACK;
	if (mf_cmd_read_bare(m->c, &bare, e) == 0 &&
	    mf_cmd_read_plan_file(file, &text, e) == 0)
		m->plan = mf_plan_read(file, text.data, text.len, &p, m->refusals, e);
	mf_buf_fini(&text);
	mf_cmd_free_bare(&bare);
	if (refused != NULL)
		mf_cmd_warn_of_plan(refused);
	mf_plan_free(refused);
	if (m->plan == NULL)
		return -1;
	mf_cmd_warn_of_plan(m->plan);
	if (m->plan->migration == NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "%s: an AnalysisTemplate moves nothing: it is a plan for simulate alone", file);
	return 0;
}

static int
open_repo(struct migrate *m, enum mf_cmd_access access, struct mf_error *e)
{
	const char *url;

	if (mf_cmd_load_signer(m->c, &m->signer, e) != 0 ||
	    mf_cmd_load_trust(m->c, &m->trust, e) != 0)
		return -1;
	/* without a model it keeps leases and records alone, where there is one */
	url = mf_options_text(m->c->options, MF_OPT_REPO);
	if (m->plan->migration->model == NULL && (url == NULL || url[0] == '\0'))
		return 0;
	return mf_cmd_open_repo(m->c, access, &m->r, e);
}

static int
open_all(struct migrate *m, struct mf_error *e)
{
	const char *dir = mf_options_text(m->c->options, MF_OPT_STATE_DIR);

	if (open_repo(m, MF_CMD_WRITE, e) != 0)
		return -1;
	return mf_journal_open(dir, &m->journal, e) != 0 ||
		       mf_journal_open(dir, &m->mirror_journal, e) != 0
		   ? -1
		   : 0;
}

/* A run of the plan has not ended: by whom it is under way, or that nobody is at it. */
static int
refuse_open(struct migrate *m, const char *run, struct mf_error *e)
{
	const struct mf_who_look look = {
	    .plan = m->plan,
	    .run = run,
	    .journal = m->journal,
	    .records = m->r.repo,
	    .unix_us = mf_cmd_now_us(),
	};
	const char *name = m->plan->migration->name;
	char text[MF_WHO_TEXT_BYTES];
	const enum mf_who who = mf_who_runs(&look, text);

	if (who == MF_WHO_SOMEBODY) {
		(void)mf_error_set(e, MF_ECONFLICT,
		    "%s: run %s of this plan has not ended, and is under way: %s", name, run, text);
		return mf_who_hint(run, look.records != NULL, e);
	}
	(void)mf_error_set(e, MF_ECONFLICT, "%s: run %s of this plan has not ended%s%s%s%s", name,
	    run, who == MF_WHO_NOBODY ? ", and nobody runs it" : "", text[0] == '\0' ? "" : " (",
	    text, text[0] == '\0' ? "" : ")");
	return mf_error_hint(e,
	    "%sgo on with --resume, or take it back with --resume "
	    "--on-resume rollback",
	    who == MF_WHO_NOBODY ? "" : "where nobody runs it: ");
}

static int
choose_run(struct migrate *m, struct mf_error *e)
{
	const struct mf_options *o = m->c->options;
	bool resume = mf_options_flag(o, MF_OPT_RESUME);
	const struct mf_find_run find = {
	    .plan = m->plan,
	    .journal = m->journal,
	    .repo = m->r.repo,
	    .only_look = mf_options_flag(o, MF_OPT_DRY_RUN),
	};
	char open[MF_RUN_ID_MAX_BYTES + 1];

	if (mf_find_run(&find, open, e) != 0)
		return -1;
	if (resume && open[0] == '\0')
		return mf_error_set(e, MF_ENOTFOUND, "%s: no run of this plan waits to be resumed",
		    m->plan->migration->name);
	if (!resume && open[0] != '\0')
		return refuse_open(m, open, e);
	(void)snprintf(
	    m->run_id, sizeof m->run_id, "%s", resume ? open : mf_cmd_report_run_id(m->c));
	m->p.resume = MF_MIGRATE_FRESH;
	if (resume)
		m->p.resume = mf_options_number(o, MF_OPT_ON_RESUME) == 1 ? MF_MIGRATE_ROLLBACK
									  : MF_MIGRATE_CONTINUE;
	return 0;
}

static int
lease_file(struct migrate *m, struct mf_error *e)
{
	const char *lease = mf_options_text(m->c->options, MF_OPT_LEASE);

	m->p.lease_file = m->plan->migration->lease_file;
	if (lease == NULL)
		return 0;
	if (strncmp(lease, LEASE_FILE, strlen(LEASE_FILE)) != 0)
		return mf_error_set(e, MF_EUSAGE, "--lease is file:PATH, not \"%s\"", lease);
	m->p.lease_file = lease + strlen(LEASE_FILE);
	return 0;
}

static void
fill(struct migrate *m)
{
	const struct mf_options *o = m->c->options;
	struct mf_migrate_params *p = &m->p;
	struct mf_dialer_params *d = &p->dialer;

	p->plan = m->plan;
	p->run_id = m->run_id;
	p->actor = mf_cmd_actor(m->actor);
	randombytes_buf(p->instance, sizeof p->instance);
	p->repo = m->plan->migration->model == NULL ? NULL : m->r.repo;
	p->records = m->r.repo;
	p->journal = m->journal;
	p->mirror_journal = m->mirror_journal;
	p->trust = m->trust;
	p->steerers = m->trust;
	p->signer = m->signer;
	p->secrets_dir = mf_options_text(o, MF_OPT_SECRETS_DIR);
	p->dry_run = mf_options_flag(o, MF_OPT_DRY_RUN);
	p->allow_rejected = mf_options_flag(o, MF_OPT_ALLOW_REJECTED);
	p->new_version = mf_options_flag(o, MF_OPT_NEW_VERSION);
	p->progress = &m->c->progress;
	p->open_tree = open_mirror;
	p->open_tree_arg = m->c;
	p->transfers = (unsigned)mf_options_number(o, MF_OPT_TRANSFERS);
	p->no_direct_io = mf_options_flag(o, MF_OPT_NO_DIRECT_IO);
	p->unix_us = mf_cmd_now_us;
	p->boot_us = boot_us;
	p->interrupted = mf_cmd_interrupted;
	p->carry = mf_cmd_carry;
	p->stop_carrying = mf_cmd_stop_carrying;
	p->stopped = mf_cmd_stopped;
	p->sleep = sleep_us;
	p->tell = mf_cmd_tell_migration;
	p->tell_arg = &m->telling;
	d->allow_http = mf_options_flag(o, MF_OPT_ALLOW_HTTP);
	d->ca_file = mf_options_text(o, MF_OPT_CA_FILE);
	d->wait = pause_us;
	mf_cmd_proxies(&d->http_proxy, &d->https_proxy, &d->no_proxy);
}

static int
run(struct migrate *m, struct mf_error *e)
{
	struct mf_migrate_report report;
	int rc;

	if (read_plan(m, e) != 0 || (m->plan->bare && mf_cmd_tell_bare(m->c, m->plan, e) != 0) ||
	    open_all(m, e) != 0 || choose_run(m, e) != 0 || lease_file(m, e) != 0)
		return -1;
	fill(m);
	m->telling.c = m->c;
	if (mf_live_start(m->c, m->plan->migration->name, &m->telling.live, e) != 0)
		return -1;
	rc = mf_migrate(&m->p, &report, e);
	mf_live_stop(m->telling.live);
	if (rc != 0)
		return -1;
	mf_cmd_report_version(m->c, report.version);
	return mf_cmd_end_migration(m->c, m->run_id, m->plan, &report, e);
}

static void
close_all(struct migrate *m)
{
	mf_journal_close(m->mirror_journal);
	mf_journal_close(m->journal);
	mf_cmd_close_repo(&m->r);
	mf_trust_free(m->trust);
	mf_signer_free(m->signer);
	mf_plan_free(m->plan);
}

int
mf_cmd_migrate(struct mf_cmd *c, struct mf_error *e)
{
	struct migrate m = {.c = c};
	int rc = mf_cmd_steer(c, e);

	if (rc <= 0)
		return rc;
	rc = run(&m, e);
	close_all(&m);
	return rc;
}

/* What --bwlimit lets through now. */
static int
rates(struct migrate *m, struct mf_error *e)
{
	const struct mf_waiting clock = {0};
	struct mf_bwlimit_rate now;
	struct mf_limits limits;

	if (mf_cmd_read_limits(m->c->options, &limits, e) != 0)
		return -1;
	now = mf_bwlimit_at(&limits.bandwidth, mf_waiting_week_minute(&clock));
	m->p.up_bps = now.up_bps;
	m->p.down_bps = now.down_bps;
	return 0;
}

/* All that is refused, each as a look at the plan. */
static void
tell_refusals(const struct migrate *m)
{
	struct mf_migrate_event event = {
	    .kind = MF_MIGRATE_LOOK, .stage = MF_STAGE_PREFLIGHT, .subject = "plan"};
	char *at = mf_buf_cstr(m->refusals) == NULL ? NULL : (char *)m->refusals->data;
	char *end;

	for (; at != NULL && (end = strchr(at, '\n')) != NULL; at = end + 1) {
		*end = '\0';
		event.text = at;
		m->p.tell(m->p.tell_arg, &event);
	}
}

int
mf_cmd_preflight(struct mf_cmd *c, void (*tell)(void *arg, const struct mf_migrate_event *event),
    void *arg, struct mf_migrate_report *out, struct mf_error *e)
{
	struct mf_buf refusals = MF_BUF_INIT;
	struct migrate m = {.c = c, .refusals = &refusals};
	int rc = -1;

	*out = (struct mf_migrate_report){.primary = 100};
	m.p.tell = tell;
	m.p.tell_arg = arg;
	if (read_plan(&m, e) != 0)
		tell_refusals(&m);
	else if (open_repo(&m, MF_CMD_READ, e) == 0 && rates(&m, e) == 0) {
		fill(&m);
		m.p.resume = MF_MIGRATE_FRESH;
		m.p.dry_run = true;
		m.p.tell = tell;
		m.p.tell_arg = arg;
		rc = mf_migrate(&m.p, out, e);
	}
	close_all(&m);
	mf_buf_fini(&refusals);
	return rc;
}
