/* The command line: which command, which options, which positionals. */
#include "src/config/options_int.h"

#include <stdio.h>
#include <string.h>

#include "src/config/lookup_int.h"

/* What stands at one word. */
struct token {
	enum { T_ARG, T_OPTION, T_END, T_UNKNOWN } what;
	enum mf_option id;
	const char *value; /* inside the word; NULL: none there */
	bool wants_next;   /* the value is the next word */
	const char *rest;  /* further short options of a cluster; NULL: none */
};

struct walk {
	int argc, at;
	char *const *argv;
	const char *cluster; /* rest of a cluster of short options; NULL: at a new word */
	enum mf_command command; /* MF_COMMANDS: not known yet, all options count */
	bool ended;		 /* `--` was there */
};

static struct token
long_token(const char *word, enum mf_command command)
{
	struct token t = {.what = T_UNKNOWN};
	const char *name = word + 2;
	size_t n = strcspn(name, "=");

	t.id = mf_option_find(name, n, command);
	if (t.id == MF_OPTIONS)
		return t;
	t.what = T_OPTION;
	if (name[n] == '=')
		t.value = name + n + 1;
	else
		t.wants_next = mf_option_takes_value(&mf_option_table[t.id]);
	return t;
}

static struct token
short_token(const char *letters, enum mf_command command)
{
	struct token t = {.what = T_UNKNOWN};

	t.id = mf_option_find_short(letters[0], command);
	if (t.id == MF_OPTIONS)
		return t;
	t.what = T_OPTION;
	if (!mf_option_takes_value(&mf_option_table[t.id]))
		t.rest = letters[1] != '\0' ? letters + 1 : NULL;
	else if (letters[1] != '\0')
		t.value = letters + 1 + (letters[1] == '=');
	else
		t.wants_next = true;
	return t;
}

/* An option that may stand alone takes the next word only if that is one of its own. */
static void
settle_bare(const struct walk *w, struct token *t)
{
	const struct mf_option_row *row = &mf_option_table[t->id];
	uint64_t number;

	if (!t->wants_next || row->bare == NULL)
		return;
	if (w->at < w->argc && mf_option_check(t->id, w->argv[w->at], "", &number, NULL) == 0)
		return;
	t->wants_next = false;
	t->value = row->bare;
}

/* The token at the walk's place; the walk goes on to the next. */
static struct token
next_token(struct walk *w)
{
	struct token t = {.what = T_ARG};
	const char *word = w->argv[w->at];

	if (w->cluster != NULL)
		t = short_token(w->cluster, w->command);
	else if (w->ended || word[0] != '-' || word[1] == '\0')
		t.what = T_ARG;
	else if (strcmp(word, "--") == 0)
		t.what = T_END;
	else if (word[1] == '-')
		t = long_token(word, w->command);
	else
		t = short_token(word + 1, w->command);
	w->ended = w->ended || t.what == T_END;
	w->cluster = t.what == T_OPTION ? t.rest : NULL;
	if (w->cluster == NULL)
		w->at++;
	if (t.what == T_OPTION)
		settle_bare(w, &t);
	return t;
}

static void
note_name(struct mf_options *o, const char *word, char name[64], unsigned *n_words)
{
	if (*n_words == 0) {
		snprintf(name, 64, "%s", word);
		if (mf_command_is_group(word))
			o->group = word;
		else
			o->command = mf_command_find(name);
		*n_words = 1;
	} else if (*n_words == 1 && o->group != NULL) {
		snprintf(name, 64, "%s %s", o->group, word);
		o->command = mf_command_find(name);
		*n_words = 2;
	}
}

/* Of --help and --version; a value that is none is refused later. */
static bool
says_yes(const struct token *t)
{
	uint64_t number = 1;

	return t->value == NULL ||
	    (mf_option_check(t->id, t->value, "", &number, NULL) == 0 && number != 0);
}

/* Is something else wanted than that the command runs? The last one of each counts. */
struct instead {
	bool help, version;
};

static void
note_instead(struct instead *i, const struct token *t)
{
	if (t->what == T_OPTION && t->id == MF_OPT_HELP)
		i->help = says_yes(t);
	if (t->what == T_OPTION && t->id == MF_OPT_VERSION)
		i->version = says_yes(t);
}

/* First pass: the command's name, and whether only help is wanted. Unknown options are left to
 * the second pass, which knows the command. */
static unsigned
find_command(struct mf_options *o, struct walk w, char name[64], bool *only_help)
{
	struct instead instead = {false, false};
	unsigned n_words = 0;
	struct token t;
	int word;

	name[0] = '\0';
	while (w.at < w.argc) {
		word = w.at;
		t = next_token(&w);
		if (t.what == T_ARG)
			note_name(o, w.argv[word], name, &n_words);
		if (t.what == T_UNKNOWN)
			w.at = word + 1;
		if (t.what == T_OPTION)
			w.at += t.wants_next;
		note_instead(&instead, &t);
	}
	*only_help = instead.help || instead.version;
	return n_words;
}

static int
unknown_command(const struct mf_options *o, const char *name, struct mf_error *e)
{
	const char *close = mf_command_closest(name);

	if (mf_command_is_planned(name)) {
		mf_error_set(e, MF_EUSAGE, "%s is not in this release", name);
		return mf_error_hint(e, "`modelferry help` lists the commands");
	}
	if (o->group != NULL && strcmp(name, o->group) == 0) {
		mf_error_set(e, MF_EUSAGE, "%s needs a second word", name);
		return mf_error_hint(e, "see `modelferry help %s`", name);
	}
	mf_error_set(e, MF_EUSAGE, "unknown command %s", name);
	if (o->group != NULL)
		return mf_error_hint(e, "see `modelferry help %s`", o->group);
	if (close != NULL)
		return mf_error_hint(e, "did you mean %s?", close);
	return mf_error_hint(e, "`modelferry help` lists the commands");
}

static int
take_option(struct mf_options *o, struct walk *w, const struct token *t, struct mf_error *e)
{
	const struct mf_option_row *row = &mf_option_table[t->id];
	const char *value = t->value;

	if (t->wants_next) {
		if (w->at >= w->argc) {
			mf_error_set(e, MF_EUSAGE, "--%s needs an argument: %s", row->name,
			    row->value);
			return mf_error_hint(e, "%s", row->help);
		}
		value = w->argv[w->at++];
	}
	if (row->kind == MF_KIND_COUNT && value != NULL)
		return mf_error_set(e, MF_EUSAGE, "--%s takes no argument", row->name);
	return mf_options_add(o, t->id, MF_SOURCE_ARGS, value, NULL, e);
}

static int
unknown_option(const struct walk *w, const char *word, const char *cluster, struct mf_error *e)
{
	char name[128];

	if (cluster == NULL && word[1] == '-')
		snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
	else
		snprintf(name, sizeof name, "-%c", cluster != NULL ? cluster[0] : word[1]);
	return mf_option_unknown(name, w->command, e);
}

static int
check_count(const struct mf_options *o, struct mf_error *e)
{
	const struct mf_command_row *row = &mf_command_table[o->command];

	if (o->n_args < row->min_args)
		mf_error_set(e, MF_EUSAGE, "%s needs %s", row->name, row->args);
	else if (o->n_args > row->max_args)
		mf_error_set(e, MF_EUSAGE, "%s does not take the argument %s", row->name,
		    o->args[row->max_args]);
	else
		return 0;
	return mf_error_hint(e, "usage: modelferry %s%s%s", row->name,
	    row->args[0] != '\0' ? " " : "", row->args);
}

int
mf_options_read_args(struct mf_options *o, int argc, char *const *argv, bool *only_help,
    struct mf_error *e)
{
	struct walk w = {argc, 0, argv, NULL, MF_COMMANDS, false};
	char name[64];
	unsigned n_words = find_command(o, w, name, only_help), skip = n_words;
	struct instead instead = {false, false};
	const char *cluster, *unknown = NULL, *unknown_cluster = NULL;
	struct token t;
	int word;

	if (n_words > 0 && o->command == MF_COMMANDS && !(*only_help && o->group != NULL))
		return unknown_command(o, name, e);
	if (*only_help || n_words == 0)
		skip = 0;
	w.command = o->command;
	while (w.at < argc) {
		word = w.at;
		cluster = w.cluster;
		t = next_token(&w);
		if (t.what == T_UNKNOWN && unknown == NULL) {
			unknown = argv[word];
			unknown_cluster = cluster;
		}
		if (t.what == T_UNKNOWN && !*only_help)
			break;
		note_instead(&instead, &t);
		if (t.what == T_OPTION && take_option(o, &w, &t, e) != 0)
			return -1;
		if (t.what != T_ARG)
			continue;
		if (skip > 0)
			skip--;
		else
			o->args[o->n_args++] = argv[word];
	}
	/* `pull --ref -- --help`: for the first pass -- was the value of an option that pull does not
	 * have, so that the second one sees no --help */
	*only_help = instead.help || instead.version;
	if (unknown != NULL && !*only_help)
		return unknown_option(&w, unknown, unknown_cluster, e);
	return *only_help || n_words == 0 ? 0 : check_count(o, e);
}
