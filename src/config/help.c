#include "src/config/help.h"

#include <stdio.h>
#include <string.h>

#include "src/config/option.h"

#define LEFT 30  /* column of the one-line helps */
#define WIDTH 88

/* "-r, --repo URL" */
static void
head_of(const struct mf_option_row *row, char out[80])
{
	char dash[8] = "    ";

	if (row->short_name != 0)
		snprintf(dash, sizeof dash, "-%c, ", row->short_name);
	snprintf(out, 80, "  %s--%s%s%s", dash, row->name, row->value != NULL ? " " : "",
	    row->value != NULL ? row->value : "");
}

static void
put_pair(struct mf_buf *b, const char *head, const char *help, const char *default_text)
{
	if (strlen(head) >= LEFT)
		mf_buf_printf(b, "%s\n%*s%s", head, LEFT, "", help);
	else
		mf_buf_printf(b, "%-*s%s", LEFT, head, help);
	if (default_text != NULL)
		mf_buf_printf(b, " (default %s)", default_text);
	mf_buf_put(b, "\n", 1);
}

static void
put_option(struct mf_buf *b, const struct mf_option_row *row)
{
	char head[80];

	head_of(row, head);
	put_pair(b, head, row->help, row->default_text);
}

/* Text filled to WIDTH, indented; ` marks are left out. */
static void
put_filled(struct mf_buf *b, const char *text)
{
	size_t column = 0, len;

	while (*text != '\0') {
		if (*text == '\n') {
			mf_buf_put(b, "\n\n", column > 0 ? 2 : 1);
			column = 0;
			text += strspn(text, "\n");
		}
		len = strcspn(text, " \n");
		if (column > 0 && column + 1 + len > WIDTH) {
			mf_buf_put(b, "\n", 1);
			column = 0;
		}
		if (column > 0)
			mf_buf_put(b, " ", 1);
		column += column > 0;
		column += len;
		for (; len > 0; len--, text++)
			if (*text != '`')
				mf_buf_put(b, text, 1);
		text += strspn(text, " ");
	}
	mf_buf_put(b, "\n", 1);
}

static void
put_globals(struct mf_buf *b)
{
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++)
		if (mf_option_table[i].commands == 0)
			put_option(b, &mf_option_table[i]);
}

static void
put_command(struct mf_buf *b, const struct mf_command_row *row)
{
	char head[80];

	snprintf(head, sizeof head, "  %s%s%s", row->name, row->args[0] != '\0' ? " " : "",
	    row->args);
	put_pair(b, head, row->help, NULL);
}

void
mf_help_overview(struct mf_buf *b)
{
	unsigned i;

	mf_buf_printf(b, "modelferry carries AI model checkpoints as sealed versions in a "
			 "repository.\n\n"
			 "usage: modelferry [-r URL] [options] COMMAND ...\n\ncommands:\n");
	for (i = 0; i < MF_COMMANDS; i++)
		put_command(b, &mf_command_table[i]);
	mf_buf_printf(b, "\nglobal options, before or after the command:\n");
	put_globals(b);
	mf_buf_printf(b, "\n`modelferry help COMMAND` tells more; the manual is modelferry(1).\n");
}

void
mf_help_group(struct mf_buf *b, const char *word)
{
	size_t n = strlen(word);
	unsigned i;

	mf_buf_printf(b, "usage: modelferry %s COMMAND ...\n\ncommands:\n", word);
	for (i = 0; i < MF_COMMANDS; i++)
		if (strncmp(mf_command_table[i].name, word, n) == 0 &&
		    mf_command_table[i].name[n] == ' ')
			put_command(b, &mf_command_table[i]);
	mf_buf_printf(b, "\n`modelferry help %s COMMAND` tells more.\n", word);
}

void
mf_help_command(struct mf_buf *b, enum mf_command command)
{
	const struct mf_command_row *row = &mf_command_table[command];
	bool any = false;
	unsigned i;

	mf_buf_printf(b, "usage: modelferry %s%s%s%s\n\n", row->name,
	    row->args[0] != '\0' ? " [options] " : " [options]", row->args, "");
	put_filled(b, row->man);
	for (i = 0; i < MF_OPTIONS; i++) {
		if (mf_option_table[i].commands == 0 ||
		    !mf_option_applies(&mf_option_table[i], command))
			continue;
		mf_buf_printf(b, "%s", any ? "" : "\noptions:\n");
		any = true;
		put_option(b, &mf_option_table[i]);
	}
	mf_buf_printf(b, "\nglobal options:\n");
	put_globals(b);
}
