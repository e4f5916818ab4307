/* The generated parts of the manual pages, in mdoc(7). scripts/update-man puts them between
 * the marks in man/. */
#include "src/config/help.h"

#include <stdio.h>
#include <string.h>

#include "src/config/option.h"

#define FILL 80 /* mandoc -Tlint wants no longer lines */

/* Bytes of the option's name at s ("--keep-last"), or 0. */
static size_t
option_bytes(const char *s)
{
	size_t n;

	if (s[0] != '-' || s[1] != '-' || s[2] < 'a' || s[2] > 'z')
		return 0;
	n = 2 + strspn(s + 2, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n;
}

/* One byte of text, escaped for roff. Columns that it takes in the source. */
static size_t
put_byte(struct mf_buf *b, char c)
{
	switch (c) {
	case '\\': mf_buf_put(b, "\\e", 2); return 2;
	case '-': mf_buf_put(b, "\\-", 2); return 2;
	case '~': mf_buf_put(b, "\\(ti", 4); return 4;
	case '^': mf_buf_put(b, "\\(ha", 4); return 4;
	default: mf_buf_put(b, &c, 1); return 1;
	}
}

/* One word, with `x` and --name in bold. bold is the state across words. */
static void
put_word(struct mf_buf *b, const char *word, size_t n, bool *bold)
{
	size_t option;

	while (n > 0) {
		option = *bold ? 0 : option_bytes(word);
		if (option > 0 && option <= n) {
			mf_buf_put(b, "\\fB", 3);
			for (; option > 0; option--, word++, n--)
				put_byte(b, *word);
			mf_buf_put(b, "\\fR", 3);
			continue;
		}
		if (*word == '`') {
			*bold = !*bold;
			mf_buf_put(b, *bold ? "\\fB" : "\\fR", 3);
		} else if (*word == '-' && !*bold) {
			mf_buf_put(b, "-", 1);
		} else {
			put_byte(b, *word);
		}
		word++;
		n--;
	}
}

/* Sentences: each begins a line, lines are filled; a blank line is a paragraph. */
static void
put_text(struct mf_buf *b, const char *text)
{
	bool bold = false, sentence = false;
	struct mf_buf word = MF_BUF_INIT;
	size_t column = 0, len;

	while (*text != '\0') {
		if (*text == '\n') {
			mf_buf_printf(b, "\n.Pp\n");
			column = 0;
			text += strspn(text, "\n");
		}
		len = strcspn(text, " \n");
		mf_buf_clear(&word);
		put_word(&word, text, len, &bold);
		if (column > 0 && (sentence || column + 1 + word.len > FILL)) {
			mf_buf_put(b, "\n", 1);
			column = 0;
		}
		if (column > 0)
			mf_buf_put(b, " ", 1);
		else if (*text == '.' || *text == '\'')
			mf_buf_put(b, "\\&", 2);
		column += word.len + (column > 0);
		mf_buf_put(b, word.data, word.len);
		sentence = text[len - 1] == '.';
		text += len;
		text += strspn(text, " ");
	}
	mf_buf_put(b, "\n", 1);
	b->failed = b->failed || word.failed;
	mf_buf_fini(&word);
}

/* The argument's words as mdoc arguments. */
static void
put_args(struct mf_buf *b, const char *macro, const char *args)
{
	if (args != NULL && args[0] != '\0')
		mf_buf_printf(b, " %s %s", macro, args);
}

static void
put_default(struct mf_buf *b, const struct mf_option_row *row)
{
	if (row->default_text != NULL)
		mf_buf_printf(b, "The default is\n.Cm %s .\n", row->default_text);
}

/* "Of push and pull." */
static void
put_commands_of(struct mf_buf *b, const struct mf_option_row *row)
{
	unsigned i, left = (unsigned)__builtin_popcountll(row->commands);

	if (left == 0)
		return;
	mf_buf_printf(b, "Of\n");
	for (i = 0; i < MF_COMMANDS; i++) {
		if ((row->commands >> i & 1) == 0)
			continue;
		left--;
		mf_buf_printf(b, ".Cm %s%s\n", mf_command_table[i].name,
		    left == 0	? " ."
		    : left == 1 ? " No and"
				: " ,");
	}
}

static void
put_option(struct mf_buf *b, const struct mf_option_row *row)
{
	mf_buf_printf(b, ".It");
	if (row->short_name != 0)
		mf_buf_printf(b, " Fl %c ,", row->short_name);
	mf_buf_printf(b, " Fl \\-%s", row->name);
	put_args(b, "Ar", row->value);
	mf_buf_printf(b, "\n");
	put_text(b, row->man);
	put_default(b, row);
	put_commands_of(b, row);
}

static void
put_options(struct mf_buf *b, bool global)
{
	unsigned i;

	mf_buf_printf(b, ".Bl -tag -width Ds\n");
	for (i = 0; i < MF_OPTIONS; i++)
		if ((mf_option_table[i].commands == 0) == global)
			put_option(b, &mf_option_table[i]);
	mf_buf_printf(b, ".El\n");
}

static void
put_option_names(struct mf_buf *b, unsigned command)
{
	unsigned i, n = 0;

	for (i = 0; i < MF_OPTIONS; i++) {
		if (mf_option_table[i].commands == 0 ||
		    !mf_option_applies(&mf_option_table[i], command))
			continue;
		mf_buf_printf(b, n++ == 0 ? ".Pp\nOptions:\n.Fl \\-%s" : " ,\n.Fl \\-%s",
		    mf_option_table[i].name);
	}
	if (n > 0)
		mf_buf_printf(b, " .\n");
}

static void
put_commands(struct mf_buf *b)
{
	unsigned i;

	mf_buf_printf(b, ".Bl -tag -width Ds\n");
	for (i = 0; i < MF_COMMANDS; i++) {
		mf_buf_printf(b, ".It Cm %s", mf_command_table[i].name);
		put_args(b, "Ar", mf_command_table[i].args);
		mf_buf_printf(b, "\n");
		put_text(b, mf_command_table[i].man);
		put_option_names(b, i);
	}
	mf_buf_printf(b, ".El\n");
}

/* Is there an earlier row of the same name? */
static bool
named_before(unsigned i)
{
	unsigned k;

	for (k = 0; k < i; k++)
		if (strcmp(mf_option_table[k].name, mf_option_table[i].name) == 0)
			return true;
	return false;
}

static void
put_environment(struct mf_buf *b)
{
	char twin[MF_OPTION_TWIN_BYTES];
	unsigned i;

	mf_buf_printf(b, ".Bl -column -compact MODELFERRY_NEW_ENCRYPTION_KEY_FILE option\n");
	for (i = 0; i < MF_OPTIONS; i++) {
		if ((mf_option_table[i].flags & MF_OPTION_ARGS_ONLY) != 0 || named_before(i))
			continue;
		mf_option_twin(&mf_option_table[i], twin);
		mf_buf_printf(b, ".It Ev %s Ta Fl \\-%s\n", twin, mf_option_table[i].name);
	}
	mf_buf_printf(b, ".El\n");
}

static const char *
kind_text(const struct mf_option_row *row)
{
	switch (row->kind) {
	case MF_KIND_FLAG: return "true or false";
	case MF_KIND_COUNT:
	case MF_KIND_NUMBER:
	case MF_KIND_DECIMAL: return "number";
	case MF_KIND_SIZE: return "size";
	case MF_KIND_DURATION: return "duration";
	case MF_KIND_PATH: return "path";
	case MF_KIND_GLOB: return "pattern";
	case MF_KIND_PAIR: return "mapping, or key=value";
	default: return "text";
	}
}

static void
put_keys(struct mf_buf *b)
{
	const struct mf_option_row *row;
	unsigned i;

	mf_buf_printf(b, ".Bl -tag -width Ds\n");
	for (i = 0; i < MF_OPTIONS; i++) {
		row = &mf_option_table[i];
		if ((row->flags & (MF_OPTION_ARGS_ONLY | MF_OPTION_NOT_IN_FILE)) != 0)
			continue;
		mf_buf_printf(b, ".It Cm %s : Ar %s%s\n", row->name, kind_text(row),
		    (row->flags & MF_OPTION_REPEATS) != 0 ? ", or a list" : "");
		put_text(b, row->man);
		put_default(b, row);
		put_commands_of(b, row);
	}
	mf_buf_printf(b, ".El\n");
}

int
mf_manual_write(struct mf_buf *b, const char *part)
{
	if (strcmp(part, "commands") == 0)
		put_commands(b);
	else if (strcmp(part, "global-options") == 0)
		put_options(b, true);
	else if (strcmp(part, "options") == 0)
		put_options(b, false);
	else if (strcmp(part, "environment") == 0)
		put_environment(b);
	else if (strcmp(part, "keys") == 0)
		put_keys(b);
	else
		return -1;
	return 0;
}
