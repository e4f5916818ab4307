#include "src/config/options_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/units.h"
#include "src/config/lookup_int.h"

int
mf_options_add(struct mf_options *o, enum mf_option id, enum mf_source source, const char *text,
    const char *where, struct mf_error *e)
{
	struct mf_value *grown, *v;

	if (o->n_values == o->values_capacity) {
		grown = realloc(o->values, (o->values_capacity * 2 + 16) * sizeof *grown);
		if (grown == NULL)
			return mf_error_nomem(e, "options");
		o->values = grown;
		o->values_capacity = o->values_capacity * 2 + 16;
	}
	v = &o->values[o->n_values];
	*v = (struct mf_value){.id = id, .source = source};
	if ((text != NULL && (v->text = strdup(text)) == NULL) ||
	    (where != NULL && (v->where = strdup(where)) == NULL)) {
		free(v->text);
		return mf_error_nomem(e, "options");
	}
	o->n_values++;
	if (source > o->best[id])
		o->best[id] = source;
	return 0;
}

void
mf_options_free(struct mf_options *o)
{
	size_t i;

	if (o == NULL)
		return;
	for (i = 0; i < o->n_values; i++) {
		free(o->values[i].text);
		free(o->values[i].where);
	}
	free(o->values);
	free(o->args);
	free(o);
}

enum mf_option
mf_option_find(const char *name, size_t n, enum mf_command command)
{
	const struct mf_option_row *row;
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++) {
		row = &mf_option_table[i];
		if (strncmp(row->name, name, n) == 0 && row->name[n] == '\0' &&
		    (command == MF_COMMANDS || mf_option_applies(row, command)))
			break;
	}
	return (enum mf_option)i;
}

enum mf_option
mf_option_find_short(char c, enum mf_command command)
{
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++)
		if (mf_option_table[i].short_name == c && c != '\0' &&
		    (command == MF_COMMANDS || mf_option_applies(&mf_option_table[i], command)))
			break;
	return (enum mf_option)i;
}

static const char *
closest_option(const char *name, enum mf_command command)
{
	const char *found = NULL;
	unsigned i, best = 99;

	for (i = 0; i < MF_OPTIONS; i++)
		if ((command == MF_COMMANDS || mf_option_applies(&mf_option_table[i], command)) &&
		    mf_lookup_is_near(name, mf_option_table[i].name, &best))
			found = mf_option_table[i].name;
	return found;
}

/* The name of some command that has the option; NULL: none has. */
static const char *
command_with(const char *name)
{
	enum mf_option id = mf_option_find(name, strlen(name), MF_COMMANDS);
	unsigned i;

	for (i = 0; id != MF_OPTIONS && i < MF_COMMANDS; i++)
		if (mf_option_applies(&mf_option_table[id], i))
			return mf_command_table[i].name;
	return NULL;
}

int
mf_option_unknown(const char *name, enum mf_command command, struct mf_error *e)
{
	const char *bare = name + strspn(name, "-");
	const char *of = command == MF_COMMANDS ? "" : mf_command_table[command].name;
	const char *close = closest_option(bare, command), *other = command_with(bare);

	mf_error_set(e, MF_EUSAGE, "unknown option %s%s%s", name, *of != '\0' ? " of " : "", of);
	if (other != NULL)
		return mf_error_hint(e, "--%s is an option of %s", bare, other);
	if (close != NULL)
		return mf_error_hint(e, "did you mean --%s?", close);
	return mf_error_hint(e, "see `modelferry help%s%s`", *of != '\0' ? " " : "", of);
}

static int
check_flag(const char *text, const char *name, uint64_t *number, struct mf_error *e)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};
	size_t i;

	*number = 1;
	if (text == NULL)
		return 0;
	for (i = 0; i < 4; i++) {
		if (strcasecmp(text, yes[i]) == 0)
			return 0;
		if (strcasecmp(text, no[i]) == 0) {
			*number = 0;
			return 0;
		}
	}
	return mf_error_set(e, MF_EUSAGE, "%s is true or false, not \"%s\"", name, text);
}

static int
check_choice(const struct mf_option_row *row, const char *text, const char *name, uint64_t *number,
    struct mf_error *e)
{
	const char *word;
	size_t len;
	unsigned i;

	for (i = 0; (word = mf_option_choice(row, i, &len)) != NULL; i++) {
		*number = i;
		if (strlen(text) == len && strncasecmp(text, word, len) == 0)
			return 0;
	}
	return mf_error_set(e, MF_EUSAGE, "%s is one of %s, not \"%s\"", name, row->choices, text);
}

static int
check_number(const struct mf_option_row *row, const char *text, uint64_t *number,
    struct mf_error *e)
{
	uint64_t max = (row->flags & MF_OPTION_WIDE) != 0 ? UINT64_MAX : MF_OPTION_NUMBER_MAX;

	if (mf_parse_u64(text, max, number, e) != 0)
		return -1;
	if (*number < row->min)
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is less than %llu", text,
		    (unsigned long long)row->min);
	return 0;
}

static int
check_size(const struct mf_option_row *row, const char *text, uint64_t *number, struct mf_error *e)
{
	char least[MF_UNIT_TEXT_BYTES];

	if (mf_parse_size(text, number, e) != 0)
		return -1;
	if (*number < row->min)
		return mf_error_set(
		    e, MF_EUSAGE, "\"%s\" is less than %s", text, mf_format_size(row->min, least));
	return 0;
}

static int
check_duration(
    const struct mf_option_row *row, const char *text, uint64_t *number, struct mf_error *e)
{
	char least[MF_UNIT_TEXT_BYTES];

	if (mf_parse_duration(text, number, e) != 0)
		return -1;
	if (*number > MF_OPTION_DURATION_MAX_US)
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is too long", text);
	if (*number < row->min)
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is less than %s", text,
		    mf_format_duration(row->min, least));
	return 0;
}

static int
check_units(const struct mf_option_row *row, const char *text, uint64_t *number,
    struct mf_error *e)
{
	switch (row->kind) {
	case MF_KIND_NUMBER: return check_number(row, text, number, e);
	case MF_KIND_DECIMAL:
		return mf_parse_thousandths(
		    text, (uint64_t)MF_OPTION_NUMBER_MAX * 1000, number, e);
	case MF_KIND_SIZE: return check_size(row, text, number, e);
	case MF_KIND_DURATION: return check_duration(row, text, number, e);
	default: return 0;
	}
}

int
mf_option_check(enum mf_option id, const char *text, const char *name, uint64_t *number,
    struct mf_error *e)
{
	const struct mf_option_row *row = &mf_option_table[id];
	struct mf_error inner = {0};
	const char *equals;

	switch (row->kind) {
	case MF_KIND_FLAG: return check_flag(text, name, number, e);
	case MF_KIND_COUNT:
		*number = 1; /* the environment and the file may say how often */
		return text == NULL ? 0 : mf_parse_u64(text, 9, number, e);
	case MF_KIND_CHOICE: return check_choice(row, text, name, number, e);
	case MF_KIND_PAIR:
		equals = strchr(text, '=');
		if (equals == NULL || equals == text)
			return mf_error_set(e, MF_EUSAGE, "%s is %s, not \"%s\"", name, row->value,
			    text);
		return 0;
	case MF_KIND_PATH:
	case MF_KIND_GLOB:
		if (text[0] == '\0')
			return mf_error_set(e, MF_EUSAGE, "%s is empty", name);
		return 0;
	default: break;
	}
	if (check_units(row, text, number, &inner) != 0)
		return mf_error_set(e, MF_EUSAGE, "%s: %s", name, inner.message);
	return 0;
}

static void
name_of(const struct mf_value *v, char out[MF_PROVENANCE_BYTES])
{
	const char *name = mf_option_table[v->id].name;

	if (v->where != NULL)
		snprintf(out, MF_PROVENANCE_BYTES, "--%s (from %.250s)", name, v->where);
	else
		snprintf(out, MF_PROVENANCE_BYTES, "--%s", name);
}

/* Check the values; where help is wanted, what is wrong elsewhere is nobody's concern. */
static int
check_values(struct mf_options *o, bool only_help, struct mf_error *e)
{
	char name[MF_PROVENANCE_BYTES];
	struct mf_value *v;
	bool matters;
	size_t i;

	for (i = 0; i < o->n_values; i++) {
		v = &o->values[i];
		matters = !only_help || v->id == MF_OPT_HELP || v->id == MF_OPT_VERSION;
		name_of(v, name);
		if (mf_option_check(v->id, v->text, name, &v->number, matters ? e : NULL) == 0)
			continue;
		if (matters)
			return -1;
		v->number = 0;
	}
	return 0;
}

static int
add_from_env(struct mf_options *o, enum mf_option id, const char *twin, const char *text,
    struct mf_error *e)
{
	char *copy, *line, *rest;
	int rc = 0;

	if ((mf_option_table[id].flags & MF_OPTION_REPEATS) == 0)
		return mf_options_add(o, id, MF_SOURCE_ENV, text, twin, e);
	if ((copy = strdup(text)) == NULL)
		return mf_error_nomem(e, "options");
	for (line = copy; rc == 0 && line != NULL; line = rest) {
		rest = strchr(line, '\n');
		if (rest != NULL)
			*rest++ = '\0';
		if (*line != '\0')
			rc = mf_options_add(o, id, MF_SOURCE_ENV, line, twin, e);
	}
	free(copy);
	return rc;
}

int
mf_options_read_env(struct mf_options *o, const struct mf_options_params *p, struct mf_error *e)
{
	char twin[MF_OPTION_TWIN_BYTES];
	const char *text;
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++) {
		if ((mf_option_table[i].flags & MF_OPTION_ARGS_ONLY) != 0 ||
		    !mf_option_applies(&mf_option_table[i], o->command))
			continue;
		mf_option_twin(&mf_option_table[i], twin);
		text = p->getenv(twin, p->getenv_arg);
		if (text == NULL || text[0] == '\0')
			continue;
		if (add_from_env(o, (enum mf_option)i, twin, text, e) != 0)
			return -1;
	}
	return 0;
}

/* The user's file: below $XDG_CONFIG_HOME, else ~/.config. NULL: neither is set. */
static char *
user_file(const struct mf_options_params *p)
{
	const char *base = p->getenv("XDG_CONFIG_HOME", p->getenv_arg), *below = "";
	char *path;
	size_t n;

	if (base == NULL || base[0] != '/') {
		base = p->getenv("HOME", p->getenv_arg);
		below = "/.config";
	}
	if (base == NULL || base[0] == '\0')
		return NULL;
	n = strlen(base) + strlen(below) + sizeof "/modelferry/modelferry.conf";
	path = malloc(n);
	if (path != NULL)
		snprintf(path, n, "%s%s/modelferry/modelferry.conf", base, below);
	return path;
}

static int
read_files(struct mf_options *o, const struct mf_options_params *p, struct mf_error *e)
{
	const char *only = mf_options_text(o, MF_OPT_CONFIG);
	const char *system = p->system_file != NULL ? p->system_file : MF_CONF_SYSTEM_FILE;
	char *user;
	int rc;

	if (only != NULL) {
		rc = mf_options_read_file(o, only, MF_SOURCE_USER_FILE, e);
		return rc <= 0 ? rc
			       : mf_error_set(e, MF_EUSAGE, "no such configuration file: %s", only);
	}
	if (mf_options_read_file(o, system, MF_SOURCE_SYSTEM_FILE, e) < 0)
		return -1;
	user = user_file(p);
	rc = user == NULL ? 0 : mf_options_read_file(o, user, MF_SOURCE_USER_FILE, e);
	free(user);
	return rc < 0 ? -1 : 0;
}

int
mf_options_parse(const struct mf_options_params *p, struct mf_options **out, struct mf_error *e)
{
	struct mf_options *o = calloc(1, sizeof *o);
	bool only_help = false;

	if (o == NULL || (o->args = calloc((size_t)p->argc + 1, sizeof *o->args)) == NULL) {
		free(o);
		return mf_error_nomem(e, "options");
	}
	o->command = MF_COMMANDS;
	if (mf_options_read_args(o, p->argc, p->argv, &only_help, e) != 0)
		goto fail;
	only_help = only_help || o->command == MF_COMMANDS;
	if (!only_help && (mf_options_read_env(o, p, e) != 0 || read_files(o, p, e) != 0))
		goto fail;
	if (check_values(o, only_help, e) != 0)
		goto fail;
	*out = o;
	return 0;
fail:
	mf_options_free(o);
	return -1;
}

enum mf_command
mf_options_command(const struct mf_options *o)
{
	return o->command;
}

const char *
mf_options_group(const struct mf_options *o)
{
	return o->command == MF_COMMANDS ? o->group : NULL;
}

size_t
mf_options_n_args(const struct mf_options *o)
{
	return o->n_args;
}

const char *
mf_options_arg(const struct mf_options *o, size_t i)
{
	return i < o->n_args ? o->args[i] : NULL;
}
