/* The command line and the environment. The input: words, each to the next newline; a NUL; then
 * variables, NAME=VALUE, each to the next NUL. */
#include "tests/fuzz/fuzz_check.h"

#include "src/config/options.h"

#define WORDS_MAX 64
#define VARIABLES_MAX 16

struct call {
	char *words[WORDS_MAX];
	int n_words;
	char *variables[VARIABLES_MAX];
	int n_variables;
};

/* Files of the machine are no input of ours. */
static int
reads_a_file(const char *word)
{
	return strncmp(word, "--config", strlen("--config")) == 0;
}

static const char *
variable(const char *name, void *arg)
{
	const struct call *c = arg;
	const size_t n = strlen(name);
	int i;

	if (strcmp(name, "MODELFERRY_CONFIG") == 0 || strcmp(name, "HOME") == 0 ||
	    strcmp(name, "XDG_CONFIG_HOME") == 0)
		return NULL;
	for (i = 0; i < c->n_variables; i++)
		if (strncmp(c->variables[i], name, n) == 0 && c->variables[i][n] == '=')
			return c->variables[i] + n + 1;
	return NULL;
}

static void
check_number(const struct mf_options *o, enum mf_option id)
{
	const struct mf_option_row *row = &mf_option_table[id];
	const uint64_t number = mf_options_number(o, id);
	size_t len;

	if (row->kind == MF_KIND_CHOICE)
		fuzz_require(number < 64 && mf_option_choice(row, (unsigned)number, &len) != NULL);
	if (row->kind == MF_KIND_NUMBER)
		fuzz_require(number >= row->min && ((row->flags & MF_OPTION_WIDE) != 0 ||
						       number <= MF_OPTION_NUMBER_MAX));
	if (row->kind == MF_KIND_DURATION)
		fuzz_require(number <= MF_OPTION_DURATION_MAX_US);
}

static void
check_options(const struct mf_options *o)
{
	const int help = mf_options_flag(o, MF_OPT_HELP) || mf_options_flag(o, MF_OPT_VERSION);
	const enum mf_command command = mf_options_command(o);
	char where[MF_PROVENANCE_BYTES];
	const char *text;
	enum mf_option id;
	size_t i;

	for (i = 0; mf_options_each(o, i, &id, &text); i++) {
		fuzz_require(id < MF_OPTIONS && mf_options_given(o, id));
		fuzz_require(text != NULL || !mf_option_takes_value(&mf_option_table[id]));
		fuzz_require(mf_options_provenance(o, id, where) == where && where[0] == '-');
		if (!help && command != MF_COMMANDS) {
			fuzz_require(mf_option_applies(&mf_option_table[id], command));
			check_number(o, id);
		}
	}
	if (!help && command != MF_COMMANDS)
		fuzz_require(mf_options_n_args(o) >= mf_command_table[command].min_args &&
			     mf_options_n_args(o) <= mf_command_table[command].max_args);
	for (i = 0; i < mf_options_n_args(o); i++)
		fuzz_require(mf_options_arg(o, i) != NULL);
	fuzz_require(mf_options_arg(o, i) == NULL);
}

static int
cut(struct call *c, const uint8_t *data, size_t n)
{
	const uint8_t *nul = n > 0 ? memchr(data, '\0', n) : NULL;
	size_t left = nul != NULL ? (size_t)(nul - data) : n;
	int good = 1;

	n = nul != NULL ? n - left - 1 : 0;
	while (c->n_words < WORDS_MAX &&
	       (c->words[c->n_words] = fuzz_next_text(&data, &left, '\n')) != NULL) {
		good = good && !reads_a_file(c->words[c->n_words]);
		c->n_words++;
	}
	data = nul != NULL ? nul + 1 : data;
	while (c->n_variables < VARIABLES_MAX &&
	       (c->variables[c->n_variables] = fuzz_next_text(&data, &n, '\0')) != NULL)
		c->n_variables++;
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct call c = {.n_words = 0};
	struct mf_options_params params = {.argv = c.words,
	    .getenv = variable,
	    .getenv_arg = &c,
	    .system_file = "/nonexistent/modelferry.conf"};
	struct mf_options *o = NULL;
	struct mf_error e = {0};

	if (cut(&c, data, n)) {
		params.argc = c.n_words;
		if (mf_options_parse(&params, &o, &e) == 0)
			check_options(o);
		else
			fuzz_require_error(&e);
		mf_options_free(o);
	}
	while (c.n_words > 0)
		free(c.words[--c.n_words]);
	while (c.n_variables > 0)
		free(c.variables[--c.n_variables]);
	return 0;
}
