/* migrate, of a Canary or Rollout that stands alone: the options that complete it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/cmd/migrate.h"
#include "src/cmd/output.h"
#include "src/rollout/document.h"

#define LINK "link="

/* MODEL@VERSION */
static int
split_model(struct mf_cmd_bare *b, const char *text, struct mf_error *e)
{
	char *at;

	if (text == NULL)
		return 0;
	b->model = strdup(text);
	if (b->model == NULL)
		return mf_error_nomem(e, "--model");
	at = strchr(b->model, '@');
	if (at == NULL || at == b->model || at[1] == '\0')
		return mf_error_set(e, MF_EUSAGE, "--model is MODEL@VERSION, not \"%s\"", text);
	*at = '\0';
	b->words.model = b->model;
	b->words.version = at + 1;
	return 0;
}

/* DIR[,link=NAME] */
static int
split_to(struct mf_cmd_bare *b, const char *text, struct mf_error *e)
{
	char *comma;

	if (text == NULL)
		return 0;
	b->to = strdup(text);
	if (b->to == NULL)
		return mf_error_nomem(e, "--to");
	b->words.to = b->to;
	comma = strchr(b->to, ',');
	if (comma == NULL)
		return 0;
	*comma++ = '\0';
	if (strncmp(comma, LINK, strlen(LINK)) != 0)
		return mf_error_set(e, MF_EUSAGE, "--to is DIR[,link=NAME], not \"%s\"", text);
	b->words.link = comma + strlen(LINK);
	return 0;
}

static int
read_router(struct mf_cmd_bare *b, struct mf_error *e)
{
	if (b->words.router == NULL || !mf_plan_router_is_file(b->words.router))
		return 0;
	if (mf_fs_read_file(AT_FDCWD, b->words.router, MF_DOCUMENT_BYTES_MAX, &b->router, e) != 0)
		return mf_error_while(e, "reading --router");
	b->words.router_text = mf_buf_cstr(&b->router);
	b->words.router_bytes = b->router.len;
	return b->words.router_text == NULL ? mf_error_nomem(e, "--router") : 0;
}

/* NAME=VALUE, each; the option's own check has seen to the "=". */
static int
read_args(struct mf_cmd_bare *b, const struct mf_options *o, struct mf_error *e)
{
	const char *text, *equals;
	size_t n = 0;

	while (mf_options_nth(o, MF_OPT_PRIMARY_ARG, n) != NULL)
		n++;
	if (n == 0)
		return 0;
	if ((b->args = calloc(n, sizeof *b->args)) == NULL)
		return mf_error_nomem(e, "--primary-arg");
	b->words.primary_args = b->args;
	for (; b->words.n_primary_args < n; b->words.n_primary_args++) {
		text = mf_options_nth(o, MF_OPT_PRIMARY_ARG, b->words.n_primary_args);
		equals = strchr(text, '=');
		b->args[b->words.n_primary_args].name = strndup(text, (size_t)(equals - text));
		b->args[b->words.n_primary_args].value = equals + 1;
		if (b->args[b->words.n_primary_args].name == NULL)
			return mf_error_nomem(e, "--primary-arg");
	}
	return 0;
}

int
mf_cmd_read_bare(struct mf_cmd *c, struct mf_cmd_bare *b, struct mf_error *e)
{
	const struct mf_options *o = c->options;

	b->words.from = mf_options_text(o, MF_OPT_FROM);
	b->words.router = mf_options_text(o, MF_OPT_ROUTER);
	b->words.has_verify_for = mf_options_text(o, MF_OPT_VERIFY_FOR) != NULL;
	b->words.verify_for_us = mf_options_number(o, MF_OPT_VERIFY_FOR);
	if (read_args(b, o, e) != 0)
		return -1;
	if (split_model(b, mf_options_text(o, MF_OPT_MODEL), e) != 0 ||
	    split_to(b, mf_options_text(o, MF_OPT_MIGRATE_TO), e) != 0)
		return -1;
	return read_router(b, e);
}

void
mf_cmd_free_bare(struct mf_cmd_bare *b)
{
	while (b->words.n_primary_args > 0)
		free((char *)(uintptr_t)b->args[--b->words.n_primary_args].name);
	free(b->args);
	free(b->model);
	free(b->to);
	mf_buf_fini(&b->router);
}

static json_t *
json_data(const struct mf_migration_plan *m)
{
	if (m->model == NULL)
		return json_string("none");
	return json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s}", "model", m->model, "version",
	    m->version, "from", m->source.dir, "to", m->destination.dir, "link",
	    m->destination.link, "serves", "unchecked");
}

int
mf_cmd_tell_bare(struct mf_cmd *c, const struct mf_plan *plan, struct mf_error *e)
{
	const struct mf_migration_plan *m = plan->migration;
	const char *kind = plan->canary != NULL ? "Canary" : "Rollout";
	const char *finish = plan->finish == MF_FINISH_STAY ? "stay" : "copy-back";

	if (c->json)
		return mf_output_json(c->out,
		    json_pack("{s:s, s:s, s:s, s:o}", "bare", kind, "name", plan->name, "finish",
			finish, "data", json_data(m)),
		    e);
	fprintf(c->out, "a bare %s, ", kind);
	mf_output_name(c->out, plan->name);
	fprintf(c->out, ": finish: %s, data: ", finish);
	if (m->model == NULL) {
		fprintf(c->out, "none\n");
	} else {
		mf_output_name(c->out, m->model);
		fprintf(c->out, "@");
		mf_output_name(c->out, m->version);
		fprintf(c->out, " to ");
		mf_output_name(c->out, m->destination.dir);
		fprintf(c->out, ", serves: unchecked\n");
	}
	fflush(c->out);
	return 0;
}
