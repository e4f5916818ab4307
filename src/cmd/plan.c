/* plan check: read a plan, show what it was understood to say, or all that is refused. */
#include <fcntl.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/migrate.h"
#include "src/cmd/output.h"
#include "src/rollout/document.h"
#include "src/rollout/plan.h"

static struct mf_plan_params
params_of(const struct mf_options *o)
{
	static const char *const profiles[] = {"flagger", "argo", "migration"};
	struct mf_plan_params p = {.profile = MF_PROFILE_MIGRATION, .finish_is_default = true};
	const char *profile = mf_options_text(o, MF_OPT_PROFILE);
	const char *finish = mf_options_text(o, MF_OPT_FINISH);
	size_t i;

	for (i = 0; profile != NULL && i < sizeof profiles / sizeof profiles[0]; i++)
		if (strcmp(profile, profiles[i]) == 0)
			p.profile = (enum mf_profile)i;
	if (finish != NULL) {
		p.finish_is_default = false;
		p.finish = strcmp(finish, "stay") == 0 ? MF_FINISH_STAY : MF_FINISH_COPY_BACK;
	}
	return p;
}

int
mf_cmd_read_plan_file(const char *path, struct mf_buf *out, struct mf_error *e)
{
	if (mf_fs_read_file(AT_FDCWD, path, MF_DOCUMENT_BYTES_MAX, out, e) == 0)
		return 0;
	if (e->code == MF_ENOTFOUND)
		e->code = MF_EUSAGE; /* no plan, and not a missing repository */
	return -1;
}

void
mf_cmd_warn_of_plan(const struct mf_plan *plan)
{
	const struct mf_plan_note *note;
	char place[MF_PLAN_PLACE_BYTES];
	size_t i;

	for (i = 0; i < plan->n_warnings; i++) {
		note = &plan->warnings[i];
		mf_log(MF_LOG_WARNING, "%s: %s%s%s", mf_plan_place_text(&note->place, place),
		    note->field, note->field[0] != '\0' ? ": " : "", note->text);
	}
}

static int
show(struct mf_cmd *c, const struct mf_plan *plan, struct mf_error *e)
{
	struct mf_buf text = MF_BUF_INIT;
	int rc;

	if (c->json)
		mf_plan_put_json(&text, plan);
	else
		mf_plan_put_text(&text, plan);
	if (c->json)
		mf_buf_put_u8(&text, '\n');
	rc = text.failed ? mf_error_nomem(e, "the plan")
			 : mf_output_bytes(c->out, text.data, text.len, e);
	mf_buf_fini(&text);
	return rc;
}

/* The refusals are the result, and the error only counts them. */
static int
tell(struct mf_cmd *c, const char *path, const struct mf_plan *refused, struct mf_buf *refusals,
    struct mf_error *e)
{
	const char *lines = refusals->failed ? NULL : mf_buf_cstr(refusals), *at;
	struct mf_buf json = MF_BUF_INIT;
	struct mf_error why = {0};
	unsigned n = 0;
	int rc;

	if (e->code != MF_EUSAGE || lines == NULL || *lines == '\0')
		return -1;
	for (at = lines; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	if (refused != NULL)
		mf_cmd_warn_of_plan(refused);
	mf_plan_put_refused_json(&json, refused, lines);
	mf_buf_put_u8(&json, '\n');
	if (json.failed)
		rc = mf_error_nomem(&why, "the plan");
	else
		rc = c->json ? mf_output_bytes(c->out, json.data, json.len, &why)
			     : mf_output_bytes(c->out, lines, strlen(lines), &why);
	mf_buf_fini(&json);
	if (rc != 0) {
		*e = why;
		return -1;
	}
	(void)mf_error_set(
	    e, MF_EUSAGE, "%s is refused for %u reason%s", path, n, mf_plural(n));
	return mf_error_hint(e, "modelferry-plan(5) says what each field means");
}

int
mf_cmd_plan_check(struct mf_cmd *c, struct mf_error *e)
{
	const char *path = mf_options_arg(c->options, 0);
	struct mf_plan_params params = params_of(c->options);
	struct mf_buf text = MF_BUF_INIT, refusals = MF_BUF_INIT;
	struct mf_plan *plan = NULL, *refused = NULL;
	int rc = -1;

	params.refused = &refused;
	if (mf_cmd_read_plan_file(path, &text, e) != 0)
		goto out;
	plan = mf_plan_read(path, text.data, text.len, &params, &refusals, e);
	if (plan == NULL) {
		rc = tell(c, path, refused, &refusals, e);
		goto out;
	}
	mf_cmd_warn_of_plan(plan);
	rc = show(c, plan, e);
out:
	mf_plan_free(refused);
	mf_plan_free(plan);
	mf_buf_fini(&refusals);
	mf_buf_fini(&text);
	return rc;
}
