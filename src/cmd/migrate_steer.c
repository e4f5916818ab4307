/* migrate --abort RUN and its like: a record in the repository that the run reads. */
#include <stdio.h>
#include <string.h>

#include "src/cmd/migrate.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/repo/control.h"
#include "src/repo/run_record.h"

static const struct {
	enum mf_option option;
	enum mf_control_verb verb;
} verbs[] = {
    {MF_OPT_ABORT, MF_CONTROL_ABORT},
    {MF_OPT_PROMOTE, MF_CONTROL_PROMOTE},
    {MF_OPT_PAUSE, MF_CONTROL_PAUSE},
    {MF_OPT_CONTINUE, MF_CONTROL_CONTINUE},
    {MF_OPT_RETRY, MF_CONTROL_RETRY},
};
#define N_VERBS (sizeof verbs / sizeof verbs[0])

/* 0: none was given. */
static int
find_verb(const struct mf_options *o, enum mf_control_verb *verb, struct mf_error *e)
{
	size_t i;
	int n = 0;

	for (i = 0; i < N_VERBS; i++)
		if (mf_options_flag(o, verbs[i].option)) {
			*verb = verbs[i].verb;
			n++;
		}
	if (n > 1)
		return mf_error_set(e, MF_EUSAGE,
		    "one of --abort, --promote, --pause, --continue and --retry at a time");
	if (mf_options_flag(o, MF_OPT_FULL)) {
		if (n == 0 || *verb != MF_CONTROL_PROMOTE)
			return mf_error_set(e, MF_EUSAGE, "--full belongs to --promote");
		*verb = MF_CONTROL_PROMOTE_FULL;
	}
	return n;
}

/* The run, if it is there and has ended. */
struct ended {
	const char *run;
	char result[64];
};

static int
take_ended(void *arg, const struct mf_journal_run *run)
{
	struct ended *ended = arg;

	if (strcmp(run->id, ended->run) != 0)
		return 0;
	if (run->ended_us != 0)
		(void)snprintf(ended->result, sizeof ended->result, "%.60s",
		    run->result == NULL ? "?" : run->result);
	return 1;
}

/* Nobody reads a record for a run that is through. */
static int
refuse_ended(const struct mf_cmd_repo *r, const char *run, enum mf_control_verb verb,
    struct mf_error *e)
{
	struct ended ended = {.run = run};

	if (mf_runs_list(r->repo, take_ended, &ended, e) < 0)
		return -1;
	if (ended.result[0] == '\0')
		return 0;
	(void)mf_error_set(
	    e, MF_ENOTFOUND, "run %s has ended (%s): it cannot be steered", run, ended.result);
	if (verb == MF_CONTROL_RETRY)
		return mf_error_hint(e, "`modelferry migrate PLAN` begins a new run of its plan");
	return mf_error_hint(e, "modelferry status lists the runs that are under way");
}

static int
put(struct mf_cmd *c, const struct mf_cmd_repo *r, struct mf_control *control,
    const struct mf_signer *signer, struct mf_error *e)
{
	const char *run = mf_options_arg(c->options, 0);

	if (refuse_ended(r, run, control->verb, e) != 0)
		return -1;
	if (mf_control_put(r->repo, run, control, signer, e) != 0)
		return -1;
	if (c->json)
		return mf_output_json(c->out,
		    json_pack("{s:s, s:s, s:I}", "run", run, "control",
			mf_control_verb_name(control->verb), "sequence",
			(json_int_t)control->sequence),
		    e);
	fprintf(c->out, "%s: the run ", mf_control_verb_name(control->verb));
	mf_output_name(c->out, run);
	fprintf(c->out, " will see it\n");
	return 0;
}

int
mf_cmd_steer(struct mf_cmd *c, struct mf_error *e)
{
	const char *reason = mf_options_text(c->options, MF_OPT_REASON);
	struct mf_control control = {.time_us = mf_cmd_now_us()};
	char actor[MF_CMD_ACTOR_BYTES];
	struct mf_signer *signer = NULL;
	struct mf_cmd_repo r = {0};
	int found = find_verb(c->options, &control.verb, e), rc = -1;

	if (found <= 0)
		return found == 0 ? 1 : -1;
	(void)snprintf(control.by, sizeof control.by, "%s", mf_cmd_actor(actor));
	(void)snprintf(control.reason, sizeof control.reason, "%s", reason == NULL ? "" : reason);
	if (mf_cmd_load_signer(c, &signer, e) == 0 && mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e) == 0)
		rc = put(c, &r, &control, signer, e);
	mf_cmd_close_repo(&r);
	mf_signer_free(signer);
	return rc;
}
