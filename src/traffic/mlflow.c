#include "src/traffic/mlflow.h"

#include <stdio.h>
#include <string.h>

#include "src/traffic/mlflow_int.h"

#define TAG "tag."
#define NONE "none"
#define NAME_MAX_BYTES 200u

static bool
is_tag(const struct mf_pair *pair)
{
	return strncmp(pair->name, TAG, strlen(TAG)) == 0;
}

static bool
is_known(const struct mf_pair *pair)
{
	static const char *const known[] = {
	    "model", "alias", "stage", "archive", "version", "versionTag"};
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(pair->name, known[i]) == 0)
			return true;
	return is_tag(pair) && strlen(pair->name) > strlen(TAG);
}

/* A name may stand in a filter between quotes, and in a tag's name. */
static bool
is_plain(const char *name)
{
	return name == NULL || (name[0] != '\0' && strlen(name) <= NAME_MAX_BYTES &&
				   strpbrk(name, "'`\\\"") == NULL);
}

int
mf_mlflow_check(const struct mf_hook *hook, struct mf_error *e)
{
	const char *archive = mf_mlflow_setting(hook, "archive");
	const char *version = mf_mlflow_setting(hook, "version");
	bool does =
	    mf_mlflow_setting(hook, "alias") != NULL || mf_mlflow_setting(hook, "stage") != NULL;
	size_t i;

	for (i = 0; i < hook->n_metadata; i++) {
		if (!is_known(&hook->metadata[i]))
			return mf_error_set(e, MF_EUSAGE,
			    "metadata.%s is nothing that mlflow knows", hook->metadata[i].name);
		does = does || is_tag(&hook->metadata[i]);
		if (!is_tag(&hook->metadata[i]) && !is_plain(hook->metadata[i].value))
			return mf_error_set(e, MF_EUSAGE, "metadata.%s is empty, or holds a quote",
			    hook->metadata[i].name);
	}
	if (mf_mlflow_setting(hook, "model") == NULL)
		return mf_error_set(e, MF_EUSAGE, "metadata.model is missing");
	if (!does)
		return mf_error_set(e, MF_EUSAGE, "it sets no alias, no stage and no tag");
	if (archive != NULL && strcmp(archive, "true") != 0 && strcmp(archive, "false") != 0)
		return mf_error_set(e, MF_EUSAGE, "metadata.archive is neither true nor false");
	if (version != NULL && strspn(version, "0123456789") != strlen(version))
		return mf_error_set(e, MF_EUSAGE, "metadata.version is no number");
	return 0;
}

static const char *
previous_alias_key(const char *alias, char out[NAME_MAX_BYTES + 64])
{
	(void)snprintf(out, NAME_MAX_BYTES + 64, "%s%s", MF_MLFLOW_PREVIOUS_ALIAS, alias);
	return out;
}

/* Write down where it pointed, then move it. */
static int
move_alias(struct mf_mlflow_run *run, const char *alias)
{
	const char *now = alias != NULL ? mf_mlflow_alias_now(run, alias) : NULL;
	char key[NAME_MAX_BYTES + 64];

	if (alias == NULL || (now != NULL && strcmp(now, run->number) == 0))
		return 0;
	if (mf_mlflow_set_tag(run, previous_alias_key(alias, key), now != NULL ? now : NONE) != 0)
		return -1;
	return mf_mlflow_set_alias(run, alias, run->number);
}

static int
move_stage(struct mf_mlflow_run *run, const char *stage)
{
	const char *archive = mf_mlflow_setting(run->call->hook, "archive");
	const char *now = mf_mlflow_stage_now(run), *other;
	char before[MF_MLFLOW_NUMBER_BYTES + 64];

	if (stage == NULL || strcmp(now, stage) == 0)
		return 0;
	other = mf_mlflow_in_stage_now(run, stage);
	(void)snprintf(before, sizeof before, "%.20s %.60s", other != NULL ? other : NONE, now);
	if (mf_mlflow_set_tag(run, MF_MLFLOW_PREVIOUS_STAGE, before) != 0)
		return -1;
	return mf_mlflow_set_stage(
	    run, run->number, stage, archive != NULL && strcmp(archive, "true") == 0);
}

static int
set_tags(struct mf_mlflow_run *run)
{
	const struct mf_hook *hook = run->call->hook;
	const char *key, *now;
	size_t i;

	for (i = 0; i < hook->n_metadata; i++) {
		if (!is_tag(&hook->metadata[i]))
			continue;
		key = hook->metadata[i].name + strlen(TAG);
		now = mf_mlflow_tag_now(run, key);
		if (now != NULL && strcmp(now, hook->metadata[i].value) == 0)
			continue;
		if (mf_mlflow_set_tag(run, key, hook->metadata[i].value) != 0)
			return -1;
	}
	return 0;
}

static int
apply(struct mf_mlflow_run *run)
{
	const struct mf_hook *hook = run->call->hook;

	if (move_alias(run, mf_mlflow_setting(hook, "alias")) != 0)
		return -1;
	if (move_stage(run, mf_mlflow_setting(hook, "stage")) != 0)
		return -1;
	return set_tags(run);
}

/* Only what still points at our version, and only where it is written down who moved it. */
static int
return_alias(struct mf_mlflow_run *run, const char *alias)
{
	char key[NAME_MAX_BYTES + 64];
	const char *before, *now;
	int rc = 0;

	if (alias == NULL ||
	    (before = mf_mlflow_tag_now(run, previous_alias_key(alias, key))) == NULL)
		return 0;
	now = mf_mlflow_alias_now(run, alias);
	if (now != NULL && strcmp(now, run->number) == 0)
		rc = strcmp(before, NONE) == 0 ? mf_mlflow_delete_alias(run, alias)
					       : mf_mlflow_set_alias(run, alias, before);
	return rc == 0 ? mf_mlflow_delete_tag(run, key) : -1;
}

/* The older version first: no moment without one in the stage. */
static int
return_stage(struct mf_mlflow_run *run, const char *stage)
{
	const char *before = mf_mlflow_tag_now(run, MF_MLFLOW_PREVIOUS_STAGE), *own;
	char other[MF_MLFLOW_NUMBER_BYTES];

	if (stage == NULL || before == NULL)
		return 0;
	if (strcmp(mf_mlflow_stage_now(run), stage) == 0) {
		own = strchr(before, ' ');
		if (own == NULL || (size_t)(own - before) >= sizeof other)
			return mf_mlflow_fail(
			    run, "the tag " MF_MLFLOW_PREVIOUS_STAGE " is not one of ours");
		memcpy(other, before, (size_t)(own - before));
		other[own - before] = '\0';
		if (strcmp(other, NONE) != 0 && mf_mlflow_set_stage(run, other, stage, false) != 0)
			return -1;
		if (mf_mlflow_set_stage(run, run->number, own + 1, false) != 0)
			return -1;
	}
	return mf_mlflow_delete_tag(run, MF_MLFLOW_PREVIOUS_STAGE);
}

static int
remove_tags(struct mf_mlflow_run *run)
{
	const struct mf_hook *hook = run->call->hook;
	const char *key, *now;
	size_t i;

	for (i = 0; i < hook->n_metadata; i++) {
		if (!is_tag(&hook->metadata[i]))
			continue;
		key = hook->metadata[i].name + strlen(TAG);
		now = mf_mlflow_tag_now(run, key);
		if (now != NULL && strcmp(now, hook->metadata[i].value) == 0 &&
		    mf_mlflow_delete_tag(run, key) != 0)
			return -1;
	}
	return 0;
}

static int
undo(struct mf_mlflow_run *run)
{
	const struct mf_hook *hook = run->call->hook;

	if (return_alias(run, mf_mlflow_setting(hook, "alias")) != 0)
		return -1;
	if (return_stage(run, mf_mlflow_setting(hook, "stage")) != 0)
		return -1;
	return remove_tags(run);
}

void
mf_mlflow_call(
    struct mf_dialer *dialer, const struct mf_hook_call *call, struct mf_hook_answer *out)
{
	struct mf_mlflow_run run = {.dialer = dialer,
	    .call = call,
	    .out = out,
	    .answer = MF_DIAL_ANSWER_INIT,
	    .model = mf_mlflow_setting(call->hook, "model")};
	const bool back = call->phase != NULL && strcmp(call->phase, "Failed") == 0;
	struct mf_error e = {0};
	int rc;

	*out = (struct mf_hook_answer){.status = 0};
	if (!back && (call->phase == NULL || strcmp(call->phase, "Succeeded") != 0))
		rc = mf_mlflow_fail(&run, "mlflow is told of Succeeded and Failed only");
	else if (mf_mlflow_check(call->hook, &e) != 0)
		rc = mf_mlflow_fail(&run, "%.150s", e.message);
	else
		rc = mf_mlflow_look(&run);
	if (rc == 0)
		rc = back ? undo(&run) : apply(&run);
	if (rc == 0) {
		out->status = 200;
		out->why[0] = '\0';
	} else if (out->status >= 200 && out->status < 300) {
		out->status = 0; /* answered well, with what is of no use */
	}
	json_decref(run.registered);
	json_decref(run.version);
	mf_dial_answer_fini(&run.answer);
}
