/* The tables themselves, and that help and completion speak of every row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/config/help.h"
#include "src/config/options_int.h"

static void
a_help_line(const char *name, const char *help)
{
	size_t n = strlen(help);

	/* lower case, but for a name such as JSON */
	if (n == 0 || n > 90 || (isupper((unsigned char)help[0]) && !isupper((unsigned char)help[1])))
		fail_msg("%s: %s", name, help);
	if (help[n - 1] == '.' || strchr(help, '\n') != NULL)
		fail_msg("%s: %s", name, help);
}

static void
option_rows(void **state)
{
	const struct mf_option_row *a, *b;
	struct mf_error e = {0};
	uint64_t number;
	unsigned i, k;

	(void)state;
	for (i = 0; i < MF_OPTIONS; i++) {
		a = &mf_option_table[i];
		assert_non_null(a->name);
		a_help_line(a->name, a->help);
		assert_true(a->man != NULL && strlen(a->man) > 10);
		if ((a->value != NULL) != mf_option_takes_value(a))
			fail_msg("--%s: its argument's name", a->name);
		if ((a->choices != NULL) != (a->kind == MF_KIND_CHOICE))
			fail_msg("--%s: its choices", a->name);
		if (a->default_text != NULL &&
		    mf_option_check((enum mf_option)i, a->default_text, a->name, &number, &e) != 0)
			fail_msg("--%s: %s", a->name, e.message);
		for (k = 0; k < i; k++) {
			b = &mf_option_table[k];
			if (a->short_name != 0)
				assert_int_not_equal(a->short_name, b->short_name);
			if (strcmp(a->name, b->name) != 0)
				continue;
			/* one name: other commands, and the same shape for the parser */
			assert_true(a->commands != 0 && b->commands != 0);
			assert_true((a->commands & b->commands) == 0);
			assert_int_equal(mf_option_takes_value(a), mf_option_takes_value(b));
		}
	}
}

static void
command_rows(void **state)
{
	const struct mf_command_row *row;
	unsigned i;

	(void)state;
	for (i = 0; i < MF_COMMANDS; i++) {
		row = &mf_command_table[i];
		assert_non_null(row->name);
		a_help_line(row->name, row->help);
		assert_true(strlen(row->man) > 20);
		assert_true(row->min_args <= row->max_args);
		assert_true(row->max_args == MF_ARGS_MAX || strlen(row->complete) == row->max_args);
		assert_int_equal((row->args[0] != '\0'), (row->max_args > 0));
		assert_false(mf_command_is_planned(row->name));
		assert_int_equal(mf_command_find(row->name), i);
	}
	assert_true(MF_COMMANDS <= 64);
}

static void
help_names_everything(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	char word[80];
	unsigned i, k;

	(void)state;
	for (i = 0; i < MF_COMMANDS; i++) {
		mf_buf_clear(&b);
		mf_help_command(&b, (enum mf_command)i);
		for (k = 0; k < MF_OPTIONS; k++) {
			snprintf(word, sizeof word, "--%s ", mf_option_table[k].name);
			if (mf_option_applies(&mf_option_table[k], i) &&
			    strstr(mf_buf_cstr(&b), word) == NULL)
				fail_msg("help %s: no %s", mf_command_table[i].name, word);
		}
	}
	mf_buf_clear(&b);
	mf_help_overview(&b);
	for (i = 0; i < MF_COMMANDS; i++) {
		snprintf(word, sizeof word, "\n  %s ", mf_command_table[i].name);
		assert_non_null(strstr(mf_buf_cstr(&b), word));
	}
	mf_buf_fini(&b);
}

static void
completion_names_everything(void **state)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};
	struct mf_buf b = MF_BUF_INIT;
	const char *name;
	char word[80];
	unsigned s, k;

	(void)state;
	for (s = 0; s < 3; s++) {
		mf_buf_clear(&b);
		assert_int_equal(mf_completion_write(&b, shells[s]), 0);
		for (k = 0; k < MF_OPTIONS; k++) {
			snprintf(word, sizeof word, "%s%s", s == 2 ? "-l " : "--",
			    mf_option_table[k].name);
			if (strstr(mf_buf_cstr(&b), word) == NULL)
				fail_msg("%s: no %s", shells[s], word);
		}
		for (k = 0; k < MF_COMMANDS; k++) {
			name = strchr(mf_command_table[k].name, ' ');
			name = name != NULL ? name + 1 : mf_command_table[k].name;
			if (strstr(mf_buf_cstr(&b), name) == NULL)
				fail_msg("%s: no %s", shells[s], name);
		}
	}
	assert_int_equal(mf_completion_write(&b, "tcsh"), -1);
	mf_buf_fini(&b);
}

/* Does the text have this option's name, and not as the beginning of another one's? */
static bool
names_option(const char *text, const char *name)
{
	char word[80];
	const char *at;
	size_t n;

	snprintf(word, sizeof word, "--%s", name);
	n = strlen(word);
	for (at = text; (at = strstr(at, word)) != NULL; at += n)
		if (at[n] != '-' && !isalnum((unsigned char)at[n]))
			return true;
	return false;
}

/* Its section of buckets has what is said of them, and all that mirrors take. */
static void
readme_names_options_of_buckets(void **state)
{
	static char text[65536];
	const char *top = getenv("MF_TOP_SRCDIR");
	char path[4096], *section, *end;
	size_t n;
	FILE *f;
	unsigned i, k;

	(void)state;
	snprintf(path, sizeof path, "%s/README.md", top != NULL ? top : ".");
	if ((f = fopen(path, "r")) == NULL)
		fail_msg("cannot read %s", path);
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	assert_non_null(section = strstr(text, "\n## In a bucket\n"));
	assert_non_null(end = strstr(section + 2, "\n## "));
	*end = '\0';
	for (i = MF_OPT_ENDPOINT_URL; i <= MF_OPT_GCS_KMS_KEY; i++)
		if (!names_option(section, mf_option_table[i].name))
			fail_msg("README.md: In a bucket: no --%s", mf_option_table[i].name);
	for (i = MF_CMD_SYNC; i <= MF_CMD_CHECK; i++)
		for (k = 0; k < MF_OPTIONS; k++)
			if (mf_option_table[k].commands != 0 &&
			    mf_option_applies(&mf_option_table[k], (enum mf_command)i) &&
			    !names_option(section, mf_option_table[k].name))
				fail_msg("README.md: In a bucket: no --%s of %s",
				    mf_option_table[k].name, mf_command_table[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(option_rows),
	    cmocka_unit_test(command_rows),
	    cmocka_unit_test(help_names_everything),
	    cmocka_unit_test(completion_names_everything),
	    cmocka_unit_test(readme_names_options_of_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
