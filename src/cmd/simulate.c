#include "src/cmd/simulate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/cmd/cmd.h"
#include "src/cmd/migrate.h"
#include "src/cmd/output.h"
#include "src/cmd/simulate_argo.h"
#include "src/rollout/document.h"

#define TICKS_BYTES_MAX ((size_t)64 << 20)

/* The plan's text as it stands now, for patches. */
struct source {
	const char *file;
	struct mf_buf text;
	struct mf_plan_params params;
	struct mf_plan *plan;
};

int
mf_simulate_refuse(
    const struct mf_simulation *s, size_t n, const char *field, const char *why, struct mf_error *e)
{
	if (n == 0)
		return mf_error_set(e, MF_EUSAGE, "%s: %s %s", s->start_file, field, why);
	return mf_error_set(e, MF_EUSAGE, "%s: tick %zu: %s %s", s->ticks_file, n, field, why);
}

int
mf_simulate_known(const struct mf_simulation *s, size_t n, const json_t *object,
    const char *const *names, struct mf_error *e)
{
	json_t *walked = NULL;
	const char *key;
	json_t *value;
	size_t i;

	/* jansson walks only what is not const, and changes nothing */
	memcpy(&walked, &object, sizeof walked);
	if (!json_is_object(object))
		return mf_simulate_refuse(s, n, "it", "is not an object", e);
	json_object_foreach(walked, key, value)
	{
		for (i = 0; names[i] != NULL && strcmp(names[i], key) != 0; i++)
			;
		if (names[i] == NULL)
			return mf_simulate_refuse(s, n, key, "is not known here", e);
	}
	return 0;
}

static json_t *
read_json(const char *path, struct mf_error *e)
{
	struct mf_buf text = MF_BUF_INIT;
	json_error_t why;
	json_t *value = NULL;

	if (mf_fs_read_file(AT_FDCWD, path, TICKS_BYTES_MAX, &text, e) != 0) {
		if (e->code == MF_ENOTFOUND)
			e->code = MF_EUSAGE;
		return NULL;
	}
	value = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
	if (value == NULL)
		(void)mf_error_set(e, MF_EUSAGE, "%s:%d: %s", path, why.line, why.text);
	mf_buf_fini(&text);
	return value;
}

static int
read_plan(struct source *x, struct mf_error *e)
{
	struct mf_plan *plan =
	    mf_plan_read(x->file, x->text.data, x->text.len, &x->params, NULL, e);

	if (plan == NULL)
		return -1;
	mf_cmd_warn_of_plan(plan);
	mf_plan_free(x->plan);
	x->plan = plan;
	return 0;
}

static bool
is_plan(const struct mf_node *doc)
{
	const struct mf_node *kind = mf_node_get(doc, "kind");

	return kind != NULL && kind->text != NULL &&
	       (strcmp(kind->text, "Canary") == 0 || strcmp(kind->text, "Migration") == 0 ||
		   strcmp(kind->text, "Rollout") == 0);
}

/* The documents as JSON, which is YAML; fields are laid over the spec of the plan's. */
static int
put_patched(struct mf_buf *out, const struct mf_documents *docs, json_t *fields)
{
	struct mf_buf one = MF_BUF_INIT;
	json_t *doc;
	char *text;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < docs->n; i++) {
		mf_buf_clear(&one);
		mf_node_put_json(&one, docs->roots[i]);
		doc = json_loadb((const char *)one.data, one.len, 0, NULL);
		if (doc == NULL ||
		    (is_plan(docs->roots[i]) &&
			json_object_update_recursive(json_object_get(doc, "spec"), fields) != 0))
			rc = -1;
		text = rc == 0 ? json_dumps(doc, 0) : NULL;
		if (text == NULL)
			rc = -1;
		else
			mf_buf_printf(out, "---\n%s\n", text);
		free(text);
		json_decref(doc);
	}
	mf_buf_fini(&one);
	return rc != 0 || out->failed ? -1 : 0;
}

static int
patch(struct mf_simulation *s, json_t *fields, struct mf_error *e)
{
	struct source *x = s->patch_arg;
	struct mf_buf patched = MF_BUF_INIT;
	struct mf_region *r;
	struct mf_documents docs;
	int rc = -1;

	if (mf_region_new(
		&(struct mf_region_params){.plain_bytes = (size_t)64 << 20, .what = "the plan"}, &r,
		e) != 0)
		return -1;
	if (mf_documents_read(&docs, x->file, x->text.data, x->text.len, r, e) != 0)
		goto out;
	if (put_patched(&patched, &docs, fields) != 0) {
		(void)mf_error_set(e, MF_EUSAGE, "%s: cannot be laid over the plan", s->ticks_file);
		goto out;
	}
	mf_buf_fini(&x->text);
	x->text = patched;
	patched = MF_BUF_INIT;
	rc = read_plan(x, e);
	s->plan = x->plan;
out:
	mf_buf_fini(&patched);
	mf_region_free(r);
	return rc;
}

static void
params_of(const struct mf_options *o, struct mf_plan_params *p)
{
	const char *finish = mf_options_text(o, MF_OPT_FINISH);
	const char *profile = mf_options_text(o, MF_OPT_PROFILE);

	p->lenient = true;
	p->finish_is_default = finish == NULL;
	p->profile_is_default = profile == NULL;
	if (finish != NULL && strcmp(finish, "copy-back") == 0)
		p->finish = MF_FINISH_COPY_BACK;
	if (profile != NULL && strcmp(profile, "argo") == 0)
		p->profile = MF_PROFILE_ARGO;
	if (profile != NULL && strcmp(profile, "migration") == 0)
		p->profile = MF_PROFILE_MIGRATION;
}

const char *
mf_simulate_carried(const struct mf_simulation *s)
{
	const struct mf_migration_plan *m = s->plan->migration;
	const json_t *rev = json_object_get(json_array_get(s->ticks, 0), "rev");
	const char *carried = json_string_value(rev);

	if (m == NULL || s->start != NULL)
		return NULL;
	if (carried == NULL)
		carried = m->version != NULL ? m->version : m->from_ref;
	if (carried == NULL)
		carried = "the canary's"; /* traffic alone */
	return strcmp(carried, MF_SIMULATE_SERVED) == 0 || strlen(carried) >= MF_REVISION_BYTES
		   ? NULL
		   : carried;
}

int
mf_simulate_end(const struct mf_simulation *s, const struct mf_simulated *end, struct mf_error *e)
{
	char idle[MF_REVISION_BYTES + 128] = "";
	json_t *line;

	if (!end->began)
		(void)snprintf(idle, sizeof idle,
		    "nothing was rolled out: no tick has a rev other than %s, which is served "
		    "already",
		    end->served);
	if (idle[0] != '\0')
		mf_log(MF_LOG_WARNING, "%s: %s", s->ticks_file, idle);
	if (s->json) {
		line = json_pack("{s:s, s:I, s:s, s:b}", "result", end->result, "ticks",
		    (json_int_t)end->ticks, "reason", end->reason, "began", end->began);
		if (line != NULL && idle[0] != '\0')
			(void)json_object_set_new(line, "note", json_string(idle));
		return mf_output_json(s->out, line, e);
	}
	fprintf(s->out, "%s after %zu ticks%s%s%s\n", end->result, end->ticks,
	    end->reason[0] == '\0' ? "" : ": ", end->reason,
	    end->began ? "" : ": nothing was rolled out");
	return mf_output_end(s->out, e);
}

static int
simulate(struct mf_simulation *s, struct mf_error *e)
{
	if (!json_is_array(s->ticks))
		return mf_error_set(e, MF_EUSAGE, "%s: is not an array of ticks", s->ticks_file);
	if (s->start != NULL && !json_is_object(s->start))
		return mf_error_set(e, MF_EUSAGE, "%s: is not an object", s->start_file);
	if (s->plan->analysis != NULL)
		return mf_simulate_analysis(s, e);
	if (s->plan->rollout != NULL)
		return mf_simulate_rollout(s, e);
	if (s->plan->canary != NULL)
		return mf_simulate_canary(s, e);
	return mf_error_set(e, MF_EUNSUPPORTED,
	    "%s: this plan moves no traffic that could be simulated", s->plan->name);
}

int
mf_cmd_simulate(struct mf_cmd *c, struct mf_error *e)
{
	struct source x = {.file = mf_options_arg(c->options, 0), .text = MF_BUF_INIT};
	struct mf_simulation s = {
	    .out = c->out,
	    .json = c->json,
	    .ticks_file = mf_options_arg(c->options, 1),
	    .start_file = mf_options_text(c->options, MF_OPT_START),
	    .patch = patch,
	    .patch_arg = &x,
	};
	int rc = -1;

	params_of(c->options, &x.params);
	if (mf_cmd_read_plan_file(x.file, &x.text, e) != 0 || read_plan(&x, e) != 0)
		goto out;
	s.plan = x.plan;
	s.ticks = read_json(s.ticks_file, e);
	if (s.ticks == NULL)
		goto out;
	if (s.start_file != NULL && (s.start = read_json(s.start_file, e)) == NULL)
		goto out;
	rc = simulate(&s, e);
out:
	json_decref(s.start);
	json_decref(s.ticks);
	mf_plan_free(x.plan);
	mf_buf_fini(&x.text);
	return rc;
}
