#include "src/cmd/report_int.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static int
take_run_id(struct mf_cmd_facts *f, const struct mf_options *o, struct mf_error *e)
{
	const char *given = mf_options_text(o, MF_OPT_RUN_ID);
	char name[MF_PROVENANCE_BYTES];
	uint8_t random[16] = {0};
	size_t i;

	if (given != NULL && mf_report_run_id_is_good(given)) {
		(void)snprintf(f->run_id, sizeof f->run_id, "%s", given);
		return 0;
	}
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		for (i = 0; i < sizeof random; i++)
			random[i] = (uint8_t)(mf_cmd_now_us() >> (i % 8 * 8)); /* a name, no key */
	mf_report_make_uuid(random, f->run_id);
	if (given == NULL)
		return 0;
	return mf_error_set(e, MF_EUSAGE,
	    "%s is 1 to %d letters, digits, '.', '_' and '-', not \"%.80s\"",
	    mf_options_provenance(o, MF_OPT_RUN_ID, name), MF_REPORT_RUN_ID_MAX, given);
}

/* Which positional of a command is a model, as the command table calls it; -1: none. */
static int
model_position(const char *args)
{
	int position = 0;

	for (; *args != '\0'; args += strcspn(args, " "), position++) {
		args += strspn(args, " [");
		if (strncmp(args, "MODEL", strlen("MODEL")) == 0)
			return position;
	}
	return -1;
}

static void
take_model(struct mf_cmd_facts *f, const struct mf_options *o)
{
	const int position = model_position(mf_command_table[mf_options_command(o)].args);
	const char *spec = position >= 0 ? mf_options_arg(o, (size_t)position) : NULL;
	size_t n;

	if (spec == NULL)
		return;
	n = strcspn(spec, "@");
	(void)snprintf(f->model, sizeof f->model, "%.*s",
	    (int)(n < sizeof f->model ? n : sizeof f->model - 1), spec);
	if (spec[n] == '@')
		(void)snprintf(f->version, sizeof f->version, "%s", spec + n + 1);
}

void
mf_cmd_facts_store(char *out, size_t out_bytes, const char *url)
{
	const char *rest = strstr(url, "://"), *at;
	const size_t scheme = rest != NULL ? (size_t)(rest - url) + 3 : 0;

	rest = url + scheme;
	at = scheme > 0 ? strpbrk(rest, "@/") : NULL;
	if (at != NULL && *at == '@')
		rest = at + 1;
	(void)snprintf(out, out_bytes, "%.*s%.*s", (int)scheme, url,
	    (int)(scheme > 0 ? strcspn(rest, "?#") : strlen(rest)), rest);
}

static bool
is_told(const struct mf_options *o)
{
	const enum mf_command command = mf_options_command(o);

	if (command == MF_COMMANDS || mf_options_flag(o, MF_OPT_HELP) ||
	    mf_options_flag(o, MF_OPT_VERSION))
		return false;
	if (command == MF_CMD_HELP || command == MF_CMD_COMPLETION || command == MF_CMD_VERSION ||
	    command == MF_CMD_SERVE)
		return false;
	return !mf_option_applies(&mf_option_table[MF_OPT_DRY_RUN], command) ||
	       !mf_options_flag(o, MF_OPT_DRY_RUN);
}

int
mf_cmd_facts_take(struct mf_cmd_facts *f, const struct mf_options *o, struct mf_error *e)
{
	const char *url = mf_options_text(o, MF_OPT_REPO);

	memset(f, 0, sizeof *f);
	f->begun_us = mf_cmd_monotonic_us();
	f->tells = is_told(o);
	f->in_pieces = mf_options_command(o) == MF_CMD_FOLLOW && !mf_options_flag(o, MF_OPT_ONCE);
	f->command = "";
	if (mf_options_command(o) != MF_COMMANDS) {
		f->command = mf_command_table[mf_options_command(o)].name;
		take_model(f, o);
	}
	if (url != NULL)
		mf_cmd_facts_store(f->store, sizeof f->store, url);
	if (gethostname(f->host, sizeof f->host - 1) != 0 || f->host[0] == '\0')
		(void)snprintf(f->host, sizeof f->host, "localhost");
	return take_run_id(f, o, e);
}

static void
add_field(struct mf_cmd_facts *f, const char *name, const char *value)
{
	if (value[0] != '\0')
		f->fields[f->n_fields++] = (struct mf_log_field){name, value};
}

void
mf_cmd_facts_to_log(struct mf_cmd_facts *f)
{
	f->n_fields = 0;
	add_field(f, "command", f->command);
	add_field(f, "model", f->model);
	add_field(f, "version", f->version);
	add_field(f, "store", f->store);
	mf_log_set_context(f->fields, f->n_fields);
}
