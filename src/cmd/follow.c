#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/program.h"
#include "src/cmd/follow_int.h"
#include "src/cmd/output.h"
#include "src/cmd/report.h"

static struct mf_repo *
open_anew(void *arg, struct mf_pull_params *pull, struct mf_error *e)
{
	struct mf_cmd_following *s = arg;
	struct mf_trust *trust;

	s->r.pulled_dir = s->pull.p.dir;
	if (mf_cmd_load_trust(s->c, &trust, e) != 0)
		return NULL;
	if (mf_cmd_open_repo(
		s->c, s->pull.site.name != NULL ? MF_CMD_WRITE : MF_CMD_READ, &s->r, e) != 0) {
		mf_trust_free(trust);
		mf_cmd_close_repo(&s->r);
		return NULL;
	}
	mf_trust_free(s->trust);
	pull->trust = s->trust = trust;
	return s->r.repo;
}

static void
close_it(void *arg, struct mf_repo *repo)
{
	struct mf_cmd_following *s = arg;

	(void)repo; /* s->r has it */
	mf_cmd_close_repo(&s->r);
}

static int
begin_pull(struct mf_cmd_following *s, const struct mf_follow_event *event, struct mf_error *e)
{
	struct mf_cmd *c = s->c;
	char title[200];

	memset(&c->progress, 0, sizeof c->progress); /* nobody draws it now */
	mf_cmd_report_version(c, event->version);
	mf_cmd_report_piece_begin(c, 0);
	snprintf(title, sizeof title, "pulling %s", s->spec);
	return mf_cmd_begin_progress(c, title, e);
}

static void
end_pull(struct mf_cmd_following *s, const struct mf_follow_event *event)
{
	mf_cmd_end_progress(s->c);
	if (event->error == NULL) { /* what fails again and again is told once */
		mf_cmd_log_stages(s->c);
		mf_cmd_report_version(s->c, event->result->version);
	}
	mf_cmd_report_piece_end(s->c, event->error);
}

/* A look that fails is a piece of work that failed, and one that works again is one that went
 * well: so metrics say how things stand now. */
static void
report_look(struct mf_cmd_following *s, const struct mf_follow_event *event)
{
	memset(&s->c->progress, 0, sizeof s->c->progress);
	mf_cmd_report_piece_begin(s->c, event->took_us);
	mf_cmd_report_piece_end(s->c, event->error);
}

/* A receipt that cannot be written is tried again at the next look. */
static void
put_receipt(struct mf_cmd_following *s, const char *version, enum mf_serving serving)
{
	struct mf_error e = {0};

	if (mf_cmd_put_receipt(s->r.repo, &s->pull.site, s->model, version, serving, &e) == 0)
		return;
	s->pull.site.serving = serving;
	s->pull.site.told_us = 0;
	mf_log(MF_LOG_WARNING, "the receipt of the site %s was not written: %s", s->pull.site.name,
	    e.message);
}

static int
show(struct mf_cmd_following *s, const struct mf_follow_event *event, struct mf_error *e)
{
	struct mf_pull_result found = {.sequence = event->sequence, .already = true};
	struct mf_error failure = {0};
	int rc;

	snprintf(found.version, sizeof found.version, "%s", event->version);
	snprintf(found.path, sizeof found.path, "%s", event->path);
	mf_cmd_report_version(s->c, event->version);
	rc = mf_cmd_print_pull(s->c, &s->pull.p, event->result != NULL ? event->result : &found,
	    (double)event->took_us / 1e6, e);
	if (rc == 0)
		rc = mf_output_end(s->c->out, e);
	if (rc == 0 && event->result != NULL && !event->result->already)
		mf_cmd_follow_shown(s, event);
	if (rc == 0 && mf_cmd_follow_run_program(s, event, &failure) != 0)
		mf_cmd_follow_program_failed(s, event, &failure);
	if (rc == 0)
		put_receipt(
		    s, event->version, failure.code == MF_OK ? MF_SERVING_YES : MF_SERVING_NO);
	return rc;
}

static int
tell(void *arg, const struct mf_follow_event *event, struct mf_error *e)
{
	struct mf_cmd_following *s = arg;

	switch (event->kind) {
	case MF_FOLLOW_PULLING: return begin_pull(s, event, e);
	case MF_FOLLOW_PULLED: end_pull(s, event); return 0;
	case MF_FOLLOW_SHOWN: return show(s, event, e);
	case MF_FOLLOW_SAME:
		if (mf_cmd_receipt_is_due(&s->pull.site))
			put_receipt(s, event->version, s->pull.site.serving);
		return 0;
	case MF_FOLLOW_TROUBLE:
		mf_cmd_follow_trouble(s, event);
		if (!event->of_pull)
			report_look(s, event);
		return 0;
	case MF_FOLLOW_WELL:
		mf_cmd_follow_well(s, event);
		if (event->shown && !event->of_pull)
			report_look(s, event);
		return 0;
	}
	return 0;
}

static int64_t
wall_clock(void *arg)
{
	(void)arg;
	return mf_cmd_now_us();
}

static bool
is_cancelled(void *arg)
{
	(void)arg;
	return mf_cmd_interrupted();
}

static int
take_spec(struct mf_cmd_following *s, struct mf_error *e)
{
	size_t n;

	if (mf_version_split(s->pull.p.spec, &s->model, &s->ref, e) != 0)
		return -1;
	if (s->ref == NULL)
		s->ref = strdup("production");
	n = strlen(s->model) + strlen("@") + (s->ref != NULL ? strlen(s->ref) : 0) + 1;
	if (s->ref == NULL || (s->spec = malloc(n)) == NULL)
		return mf_error_nomem(e, "a name");
	snprintf(s->spec, n, "%s@%s", s->model, s->ref);
	s->pull.p.spec = s->spec;
	return 0;
}

static int
prepare(struct mf_cmd_following *s, struct mf_error *e)
{
	const struct mf_options *o = s->c->options;

	if (mf_cmd_take_pull(s->c, &s->pull, e) != 0 || take_spec(s, e) != 0)
		return -1;
	s->program = mf_options_text(o, MF_OPT_NOTIFY_CMD);
	return s->program != NULL ? mf_program_check(s->program, e) : 0;
}

int
mf_cmd_follow(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_following s = {.c = c};
	struct mf_follow_params p = {.interval_us = mf_options_number(c->options, MF_OPT_INTERVAL),
	    .once = mf_options_flag(c->options, MF_OPT_ONCE),
	    .open = open_anew,
	    .close = close_it,
	    .tell = tell,
	    .unix_us = wall_clock,
	    .arg = &s,
	    .waiting = {.cancelled = is_cancelled}};
	int rc = prepare(&s, e);

	if (rc == 0) {
		p.pull = s.pull.p;
		rc = mf_follow(&p, e);
	}
	mf_cmd_close_repo(&s.r);
	mf_trust_free(s.trust);
	mf_cmd_free_pull(&s.pull);
	free(s.model);
	free(s.ref);
	free(s.spec);
	return rc;
}
