/* Completion code for bash, zsh and fish. It is static: everything a shell needs stands in
 * the code, so that completing never opens a repository. */
#include "src/config/help.h"

#include <stdio.h>
#include <string.h>

#include "src/config/option.h"

/* Words of all commands, the first word of a group once. sep between them. */
static void
put_command_words(struct mf_buf *b, const char *group, const char *sep)
{
	size_t n = group != NULL ? strlen(group) : 0, len;
	const char *name, *before = "", *last = "";
	unsigned i;

	for (i = 0; i < MF_COMMANDS; i++) {
		name = mf_command_table[i].name;
		if (group != NULL && (strncmp(name, group, n) != 0 || name[n] != ' '))
			continue;
		name += group != NULL ? n + 1 : 0;
		len = strcspn(name, " ");
		if (strncmp(name, last, len) == 0 && last[len] == ' ')
			continue;
		last = name;
		mf_buf_printf(b, "%s%.*s", before, (int)len, name);
		before = sep;
	}
}

/* "--a --b": the options of a command, or with MF_COMMANDS the global ones. */
static void
put_option_words(struct mf_buf *b, unsigned command)
{
	const char *before = "";
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++) {
		if (command == MF_COMMANDS ? mf_option_table[i].commands != 0
					   : mf_option_table[i].commands == 0 ||
			    !mf_option_applies(&mf_option_table[i], command))
			continue;
		mf_buf_printf(b, "%s--%s", before, mf_option_table[i].name);
		before = " ";
	}
}

/* "--a|--b|-c": every option whose argument is completed so. */
static void
put_options_of_kind(struct mf_buf *b, enum mf_complete kind)
{
	const char *before = "";
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++) {
		if (!mf_option_takes_value(&mf_option_table[i]) ||
		    mf_option_table[i].complete != kind)
			continue;
		mf_buf_printf(b, "%s--%s", before, mf_option_table[i].name);
		if (mf_option_table[i].short_name != 0)
			mf_buf_printf(b, "|-%c", mf_option_table[i].short_name);
		before = "|";
	}
}

static void
bash_choices(struct mf_buf *b)
{
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++)
		if (mf_option_table[i].complete == MF_COMPLETE_CHOICES)
			mf_buf_printf(b,
			    "\t--%s) COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return;;\n",
			    mf_option_table[i].name, mf_option_table[i].choices);
}

static void
bash_commands(struct mf_buf *b)
{
	unsigned i;

	for (i = 0; i < MF_COMMANDS; i++) {
		mf_buf_printf(b, "\t\"%s\") words=\"", mf_command_table[i].name);
		put_option_words(b, i);
		mf_buf_printf(b, "\" args=\"%s\";;\n", mf_command_table[i].complete);
	}
}

static const char bash_walk[] =
    "\tlocal i=1 word cmd= group= n=0\n"
    "\twhile [ $i -lt $COMP_CWORD ]; do\n"
    "\t\tword=${COMP_WORDS[i]}\n"
    "\t\tif [[ $word == --*=* ]]; then\n"
    "\t\t\t:\n"
    "\t\telif [[ $word == $takes ]]; then\n"
    "\t\t\ti=$((i + 1))\n"
    "\t\telif [[ $word == -* ]]; then\n"
    "\t\t\t:\n"
    "\t\telif [ -z \"$cmd\" ]; then\n"
    "\t\t\tcmd=$word\n"
    "\t\telif [ \"$cmd\" = key ]; then\n"
    "\t\t\tcmd=\"key $word\"\n"
    "\t\telse\n"
    "\t\t\tn=$((n + 1))\n"
    "\t\tfi\n"
    "\t\ti=$((i + 1))\n"
    "\tdone\n";

static void
bash_tail(struct mf_buf *b)
{
	mf_buf_printf(b, "\tcase $cur in\n\t-*) COMPREPLY=($(compgen -W \"$words ");
	put_option_words(b, MF_COMMANDS);
	mf_buf_printf(b, "\" -- \"$cur\")); return;;\n\tesac\n"
			 "\tif [ -z \"$cmd\" ] || { [ \"$cmd\" = help ] && [ $n -eq 0 ]; }; then\n"
			 "\t\tCOMPREPLY=($(compgen -W \"");
	put_command_words(b, NULL, " ");
	mf_buf_printf(b, "\" -- \"$cur\")); return\n\tfi\n"
			 "\tif [ \"$cmd\" = key ]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	put_command_words(b, "key", " ");
	mf_buf_printf(b, "\" -- \"$cur\")); return\n\tfi\n"
			 "\tcase ${args:$n:1} in\n"
			 "\td) COMPREPLY=($(compgen -d -- \"$cur\"));;\n"
			 "\tf) COMPREPLY=($(compgen -f -- \"$cur\"));;\n"
			 "\ts) COMPREPLY=($(compgen -W \"bash zsh fish\" -- \"$cur\"));;\n"
			 "\tesac\n}\n"
			 "complete -o filenames -F _modelferry modelferry\n");
}

static void
write_bash(struct mf_buf *b)
{
	mf_buf_printf(b, "# bash completion for modelferry; made by `modelferry completion bash`\n"
			 "_modelferry()\n{\n"
			 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
			 "\tlocal words= args= takes='@(");
	put_options_of_kind(b, MF_COMPLETE_NONE);
	mf_buf_printf(b, "|");
	put_options_of_kind(b, MF_COMPLETE_FILE);
	mf_buf_printf(b, "|");
	put_options_of_kind(b, MF_COMPLETE_DIR);
	mf_buf_printf(b, "|");
	put_options_of_kind(b, MF_COMPLETE_CHOICES);
	mf_buf_printf(b, ")'\n\tCOMPREPLY=()\n\tcase $prev in\n");
	bash_choices(b);
	mf_buf_printf(b, "\t");
	put_options_of_kind(b, MF_COMPLETE_FILE);
	mf_buf_printf(b, ") COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n\t");
	put_options_of_kind(b, MF_COMPLETE_DIR);
	mf_buf_printf(b, ") COMPREPLY=($(compgen -d -- \"$cur\")); return;;\n\t");
	put_options_of_kind(b, MF_COMPLETE_NONE);
	mf_buf_printf(b, ") return;;\n\tesac\n%s\tcase $cmd in\n", bash_walk);
	bash_commands(b);
	mf_buf_printf(b, "\tesac\n");
	bash_tail(b);
}

/* A help text inside single quotes of zsh or fish, without what _arguments would act upon. */
static void
put_quoted(struct mf_buf *b, const char *text, const char *drop)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			mf_buf_printf(b, "'\\''");
		else if (strchr(drop, *text) != NULL)
			mf_buf_printf(b, "\\%c", *text);
		else
			mf_buf_put(b, text, 1);
	}
}

static void
zsh_action(struct mf_buf *b, const struct mf_option_row *row)
{
	if (!mf_option_takes_value(row))
		return;
	mf_buf_printf(b, ":");
	put_quoted(b, row->value, "[]:");
	mf_buf_printf(b, ":");
	switch (row->complete) {
	case MF_COMPLETE_FILE: mf_buf_printf(b, "_files"); break;
	case MF_COMPLETE_DIR: mf_buf_printf(b, "_files -/"); break;
	case MF_COMPLETE_CHOICES: mf_buf_printf(b, "(%s)", row->choices); break;
	default: break;
	}
}

static void
zsh_options(struct mf_buf *b, unsigned command)
{
	const struct mf_option_row *row;
	unsigned i;

	for (i = 0; i < MF_OPTIONS; i++) {
		row = &mf_option_table[i];
		if (command == MF_COMMANDS ? row->commands != 0
					   : row->commands == 0 || !mf_option_applies(row, command))
			continue;
		mf_buf_printf(b, " \\\n\t\t'%s--%s%s[",
		    (row->flags & MF_OPTION_REPEATS) != 0 || row->kind == MF_KIND_COUNT ? "*" : "",
		    row->name, mf_option_takes_value(row) ? "=" : "");
		put_quoted(b, row->help, "[]:");
		mf_buf_printf(b, "]");
		zsh_action(b, row);
		mf_buf_printf(b, "'");
	}
}

static void
zsh_positionals(struct mf_buf *b, const char *complete)
{
	unsigned i;

	for (i = 0; complete[i] != '\0'; i++)
		mf_buf_printf(b, " \\\n\t\t'%u:argument:%s'", i + 1,
		    complete[i] == 'd'	 ? "_files -/"
		    : complete[i] == 'f' ? "_files"
		    : complete[i] == 's' ? "(bash zsh fish)"
					 : "");
}

static void
zsh_case(struct mf_buf *b, unsigned i)
{
	const char *name = mf_command_table[i].name, *space = strchr(name, ' ');

	mf_buf_printf(b, "\t%s) _arguments -s \"${globals[@]}\"", space != NULL ? space + 1 : name);
	zsh_options(b, i);
	zsh_positionals(b, mf_command_table[i].complete);
	mf_buf_printf(b, ";;\n");
}

static void
write_zsh(struct mf_buf *b)
{
	unsigned i;

	mf_buf_printf(b, "#compdef modelferry\n"
			 "# zsh completion for modelferry; made by `modelferry completion zsh`\n"
			 "_modelferry_key()\n{\n\tcase $1 in\n");
	for (i = 0; i < MF_COMMANDS; i++)
		if (strchr(mf_command_table[i].name, ' ') != NULL)
			zsh_case(b, i);
	mf_buf_printf(b, "\tesac\n}\n_modelferry()\n{\n"
			 "\tlocal curcontext=$curcontext state line\n\tlocal -a globals\n"
			 "\tglobals=(");
	zsh_options(b, MF_COMMANDS);
	mf_buf_printf(b, ")\n\t_arguments -C -s \"${globals[@]}\" '1:command:(");
	put_command_words(b, NULL, " ");
	mf_buf_printf(b, ")' '*::argument:->rest'\n\t[[ $state = rest ]] || return\n"
			 "\tif [[ $line[1] = key ]]; then\n"
			 "\t\tif (( CURRENT == 2 )); then\n\t\t\tcompadd ");
	put_command_words(b, "key", " ");
	mf_buf_printf(b, "\n\t\telse\n\t\t\tshift words; (( CURRENT-- ))\n"
			 "\t\t\t_modelferry_key $words[1]\n\t\tfi\n\t\treturn\n\tfi\n"
			 "\tcase $line[1] in\n");
	for (i = 0; i < MF_COMMANDS; i++)
		if (strchr(mf_command_table[i].name, ' ') == NULL)
			zsh_case(b, i);
	mf_buf_printf(b, "\tesac\n}\n_modelferry \"$@\"\n");
}

static void
fish_option(struct mf_buf *b, const struct mf_option_row *row)
{
	const char *space, *name;
	unsigned i;

	mf_buf_printf(b, "complete -c modelferry -l %s", row->name);
	if (row->short_name != 0)
		mf_buf_printf(b, " -s %c", row->short_name);
	if (row->commands != 0)
		mf_buf_printf(b, " -n '__fish_seen_subcommand_from");
	for (i = 0; i < MF_COMMANDS; i++) {
		if ((row->commands >> i & 1) == 0)
			continue;
		name = mf_command_table[i].name;
		space = strchr(name, ' ');
		mf_buf_printf(b, " %s", space != NULL ? space + 1 : name);
	}
	mf_buf_printf(b, "%s", row->commands != 0 ? "'" : "");
	if (row->complete == MF_COMPLETE_CHOICES)
		mf_buf_printf(b, " -x -a '%s'", row->choices);
	else if (row->complete == MF_COMPLETE_DIR)
		mf_buf_printf(b, " -x -a '(__fish_complete_directories)'");
	else if (mf_option_takes_value(row))
		mf_buf_printf(b, row->complete == MF_COMPLETE_FILE ? " -r -F" : " -x");
	mf_buf_printf(b, " -d '");
	put_quoted(b, row->help, "");
	mf_buf_printf(b, "'\n");
}

static void
fish_command(struct mf_buf *b, const struct mf_command_row *row)
{
	const char *space = strchr(row->name, ' ');

	if (space != NULL)
		mf_buf_printf(b,
		    "complete -c modelferry -n '__fish_seen_subcommand_from %.*s' -a %s -d '",
		    (int)(space - row->name), row->name, space + 1);
	else
		mf_buf_printf(b, "complete -c modelferry -n __fish_use_subcommand -a %s -d '",
		    row->name);
	put_quoted(b, row->help, "");
	mf_buf_printf(b, "'\n");
	if (strchr(row->complete, 'd') != NULL)
		mf_buf_printf(b, "complete -c modelferry -n '__fish_seen_subcommand_from %s' "
				 "-a '(__fish_complete_directories)'\n", row->name);
	if (strchr(row->complete, 's') != NULL)
		mf_buf_printf(b, "complete -c modelferry -n '__fish_seen_subcommand_from %s' "
				 "-a 'bash zsh fish'\n", row->name);
}

static void
write_fish(struct mf_buf *b)
{
	unsigned i;

	mf_buf_printf(b, "# fish completion for modelferry; made by `modelferry completion fish`\n"
			 "complete -c modelferry -f\n"
			 "complete -c modelferry -n __fish_use_subcommand -a key "
			 "-d 'key slots and signing keys'\n");
	for (i = 0; i < MF_COMMANDS; i++)
		fish_command(b, &mf_command_table[i]);
	for (i = 0; i < MF_OPTIONS; i++)
		fish_option(b, &mf_option_table[i]);
}

int
mf_completion_write(struct mf_buf *b, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		write_bash(b);
	else if (strcmp(shell, "zsh") == 0)
		write_zsh(b);
	else if (strcmp(shell, "fish") == 0)
		write_fish(b);
	else
		return -1;
	return 0;
}
