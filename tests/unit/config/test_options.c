/* The parser: command line, environment twins, configuration file, precedence, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "src/config/options.h"

static struct mf_options *options;
static struct mf_error error;
static const char *env[32]; /* name, value, ... */
static char conf_path[] = "/tmp/mf-test-options.XXXXXX";

static const char *
test_getenv(const char *name, void *arg)
{
	const char *const *pair = arg;

	for (; pair[0] != NULL; pair += 2)
		if (strcmp(pair[0], name) == 0)
			return pair[1];
	return NULL;
}

static int
parse_words(const char *const *words)
{
	char *argv[32];
	struct mf_options_params p = {.argv = argv, .getenv = test_getenv, .getenv_arg = env,
	    .system_file = "/nonexistent/modelferry.conf"};

	for (; words[p.argc] != NULL; p.argc++)
		memcpy(&argv[p.argc], &words[p.argc], sizeof argv[0]);
	mf_options_free(options);
	options = NULL;
	mf_error_clear(&error);
	return mf_options_parse(&p, &options, &error);
}

#define parse(...) parse_words((const char *const[]){__VA_ARGS__, NULL})

#define assert_refused(wanted, ...) \
	do { \
		assert_int_equal(parse(__VA_ARGS__), -1); \
		assert_int_equal(error.code, MF_EUSAGE); \
		if (strstr(error.message, wanted) == NULL) \
			fail_msg("\"%s\" is not in \"%s\"", wanted, error.message); \
	} while (0)

static void
write_conf(const char *text)
{
	FILE *f = fopen(conf_path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	(void)state;
	memset(env, 0, sizeof env);
	return 0;
}

static int
make_file(void **state)
{
	int fd = mkstemp(conf_path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
drop_all(void **state)
{
	(void)state;
	mf_options_free(options);
	return unlink(conf_path);
}

static void
globals_stand_on_both_sides(void **state)
{
	(void)state;
	assert_int_equal(parse("-r", "/a", "-v", "push", "--json", "d", "--force", "m@v", "-v"), 0);
	assert_int_equal(mf_options_command(options), MF_CMD_PUSH);
	assert_string_equal(mf_options_text(options, MF_OPT_REPO), "/a");
	assert_int_equal(mf_options_number(options, MF_OPT_VERBOSE), 2);
	assert_true(mf_options_flag(options, MF_OPT_JSON));
	assert_true(mf_options_flag(options, MF_OPT_FORCE));
	assert_false(mf_options_flag(options, MF_OPT_DRY_RUN));
	assert_int_equal(mf_options_n_args(options), 2);
	assert_string_equal(mf_options_arg(options, 0), "d");
	assert_string_equal(mf_options_arg(options, 1), "m@v");
	assert_null(mf_options_arg(options, 2));
}

static void
arguments_in_every_spelling(void **state)
{
	(void)state;
	assert_int_equal(parse("--memory=1M", "versions", "-vqr/x", "--stats", "1h30m"), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_MEMORY), 1 << 20);
	assert_int_equal(mf_options_number(options, MF_OPT_STATS), 5400LL * 1000000);
	assert_string_equal(mf_options_text(options, MF_OPT_REPO), "/x");
	assert_true(mf_options_flag(options, MF_OPT_QUIET));
	assert_int_equal(parse("versions", "--", "--odd"), 0);
	assert_string_equal(mf_options_arg(options, 0), "--odd");
	assert_int_equal(parse("--", "cat", "m", "-"), 0);
	assert_string_equal(mf_options_arg(options, 1), "-");
	assert_int_equal(parse("push", "a", "b", "--force=no", "--log-level", "INFO"), 0);
	assert_false(mf_options_flag(options, MF_OPT_FORCE));
	assert_int_equal(mf_options_number(options, MF_OPT_LOG_LEVEL), 2);
}

static void
commands_of_two_words(void **state)
{
	(void)state;
	assert_int_equal(parse("key", "--signing", "generate", "--out", "f"), 0);
	assert_int_equal(mf_options_command(options), MF_CMD_KEY_GENERATE);
	assert_int_equal(mf_options_n_args(options), 0);
	assert_int_equal(parse("key", "remove", "2"), 0);
	assert_string_equal(mf_options_arg(options, 0), "2");
	assert_refused("key needs a second word", "key");
	assert_refused("unknown command key frobnicate", "key", "frobnicate");
}

static void
one_name_two_options(void **state)
{
	(void)state;
	assert_int_equal(parse("rollback", "m", "--to", "v1"), 0);
	assert_string_equal(mf_options_text(options, MF_OPT_ROLLBACK_TO), "v1");
	assert_false(mf_options_given(options, MF_OPT_REPLICATE_TO));
	assert_int_equal(parse("replicate", "m", "--to=/r"), 0);
	assert_string_equal(mf_options_text(options, MF_OPT_REPLICATE_TO), "/r");
}

static void
help_asks_for_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(parse("push", "--nonsense", "--help"), 0);
	assert_true(mf_options_flag(options, MF_OPT_HELP));
	assert_int_equal(mf_options_command(options), MF_CMD_PUSH);
	assert_int_equal(parse("-h"), 0);
	assert_int_equal(mf_options_command(options), MF_COMMANDS);
	assert_int_equal(parse("key", "-h"), 0);
	assert_string_equal(mf_options_group(options), "key");
	assert_int_equal(parse("--version"), 0);
	assert_true(mf_options_flag(options, MF_OPT_VERSION));
}

static void
help_that_is_not_wanted_is_none(void **state)
{
	(void)state;
	assert_refused("pull needs", "pull", "--help=false");
	assert_refused("is less than", "push", "a", "b", "--transfers=0", "--help=false");
	assert_refused("--help is true or false", "pull", "a", "b", "--help=perhaps");
	assert_refused("--version is true or false", "--version=perhaps");
	assert_int_equal(parse("pull", "--help=yes"), 0);
	assert_true(mf_options_flag(options, MF_OPT_HELP));
	assert_int_equal(parse("pull", "--help=false", "-h"), 0);
	assert_true(mf_options_flag(options, MF_OPT_HELP));
	assert_refused("pull needs", "pull", "-h", "--help=no");
	/* an option of another command has no value here: the -- is one, and -h is an argument */
	assert_refused("unknown option --ref of pull", "pull", "--ref", "--", "-h");
	assert_int_equal(parse("--version", "--json=true", "--memory=much"), 0);
	assert_true(mf_options_flag(options, MF_OPT_JSON));
	assert_int_equal(mf_options_number(options, MF_OPT_MEMORY), 0);
}

static void
refusals_name_the_word(void **state)
{
	(void)state;
	assert_refused("unknown option --metics of push", "push", "--metics=1", "a", "b");
	assert_string_equal(error.hint, "did you mean --metric?");
	assert_refused("unknown option --link of push", "push", "--link", "a", "b");
	assert_string_equal(error.hint, "--link is an option of pull");
	assert_refused("unknown option -x of push", "push", "-vx");
	assert_refused("unknown option --no-such-option of stats", "stats", "--no-such-option=x");
	assert_refused("unknown command pusg", "pusg");
	assert_string_equal(error.hint, "did you mean push?");
	assert_refused("daemon is not in this release", "daemon", "plan.yaml");
	assert_refused("--out needs an argument: FILE", "key", "generate", "--out");
	assert_refused("--verbose takes no argument", "version", "--verbose=3");
	assert_refused("push needs DIR MODEL[@VERSION]", "push", "a");
	assert_refused("does not take the argument c", "push", "a", "b", "c");
	assert_refused("--progress is one of auto on off", "version", "--progress=maybe");
	assert_refused("--force is true or false", "push", "a", "b", "--force=maybe");
	assert_refused("--transfers", "version", "--transfers=0");
	assert_refused("--transfers", "version", "--transfers=-1");
	assert_refused("--transfers", "version", "--transfers=4294967297");
	assert_refused("is too long", "version", "--stats=200000000w");
	assert_refused("is too long", "version", "--stats=4000000000000");
	assert_refused("\"0\" is less than 1", "prune", "--keep-last", "0");
	assert_refused("\"0\" is less than 100ms", "version", "--connect-timeout=0");
	assert_refused("\"999ms\" is less than 1s", "version", "--stall-time=999ms");
	assert_refused("\"0\" is less than 1 B", "version", "--stall-bytes=0");
	assert_refused("--tag is KEY=VALUE", "push", "a", "b", "--tag", "x");
	assert_refused("--key-file is empty", "version", "--key-file=");
}

static void
environment_twins(void **state)
{
	char where[MF_PROVENANCE_BYTES];

	(void)state;
	env[0] = "MODELFERRY_MEMORY", env[1] = "64M";
	env[2] = "MODELFERRY_EXCLUDE", env[3] = "*.tmp\n{a,b}/";
	env[4] = "MODELFERRY_JSON", env[5] = "1";
	env[6] = "MODELFERRY_REPO", env[7] = ""; /* as unset */
	assert_int_equal(parse("push", "a", "b"), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_MEMORY), 64 << 20);
	assert_string_equal(mf_options_nth(options, MF_OPT_EXCLUDE, 1), "{a,b}/");
	assert_null(mf_options_nth(options, MF_OPT_EXCLUDE, 2));
	assert_true(mf_options_flag(options, MF_OPT_JSON));
	assert_null(mf_options_text(options, MF_OPT_REPO));
	assert_string_equal(mf_options_provenance(options, MF_OPT_MEMORY, where),
	    "--memory (from MODELFERRY_MEMORY)");
	assert_int_equal(parse("push", "a", "b", "--exclude", "x", "--json=false"), 0);
	assert_string_equal(mf_options_nth(options, MF_OPT_EXCLUDE, 0), "x");
	assert_null(mf_options_nth(options, MF_OPT_EXCLUDE, 1));
	assert_false(mf_options_flag(options, MF_OPT_JSON));
	env[1] = "plenty";
	assert_refused("--memory (from MODELFERRY_MEMORY)", "push", "a", "b");
	assert_int_equal(parse("push", "--help"), 0);
}

static void
configuration_file(void **state)
{
	char where[MF_PROVENANCE_BYTES];

	(void)state;
	write_conf("# ours\nrepo: /srv/models\nmemory: 32M\nexclude:\n  - '*.tmp'\n  - lost+found/\n"
		   "tag:\n  site: here\n  team: a=b\nto: v7\nforce: true\n");
	assert_int_equal(parse("--config", conf_path, "push", "a", "b"), 0);
	assert_string_equal(mf_options_text(options, MF_OPT_REPO), "/srv/models");
	assert_string_equal(mf_options_nth(options, MF_OPT_EXCLUDE, 1), "lost+found/");
	assert_string_equal(mf_options_nth(options, MF_OPT_TAG, 1), "team=a=b");
	assert_true(mf_options_flag(options, MF_OPT_FORCE));
	assert_false(mf_options_given(options, MF_OPT_ROLLBACK_TO));
	snprintf(where, sizeof where, "--memory (from %s:3)", conf_path);
	{
		char got[MF_PROVENANCE_BYTES];

		assert_string_equal(mf_options_provenance(options, MF_OPT_MEMORY, got), where);
	}
	env[0] = "MODELFERRY_MEMORY", env[1] = "64M";
	env[2] = "MODELFERRY_CONFIG", env[3] = conf_path;
	assert_int_equal(parse("rollback", "m"), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_MEMORY), 64 << 20);
	assert_string_equal(mf_options_text(options, MF_OPT_ROLLBACK_TO), "v7");
	assert_int_equal(parse("rollback", "m", "--memory", "8M"), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_MEMORY), 8 << 20);
}

static void
refused_configuration(const char *text, const char *message)
{
	write_conf(text);
	assert_int_equal(parse("--config", conf_path, "push", "a", "b"), -1);
	assert_int_equal(error.code, MF_EUSAGE);
	if (strstr(error.message, message) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", message, error.message);
}

static void
bad_configuration_files(void **state)
{
	(void)state;
	refused_configuration("json: true\nmemroy: 1G\n", ":2: unknown key memroy");
	assert_string_equal(error.hint, "did you mean --memory?");
	refused_configuration("help: true\n", ":1: unknown key help");
	refused_configuration("config: /x\n", ":1: unknown key config");
	refused_configuration("json: true\n\njson: true\n", ":3: a second time: json");
	refused_configuration("memory: [1G]\n", "not a plain value: memory");
	refused_configuration("exclude: {a: b}\n", "not a plain value: exclude");
	refused_configuration("exclude: [[a]]\n", "not a list of plain values: exclude");
	refused_configuration("min-sequence: x\n", ":1)");
	refused_configuration("- a\n", "not a mapping");
	refused_configuration("repo: /a\n---\nrepo: /b\n", "more than one document");
	refused_configuration("repo: \"x\n", ":");
	refused_configuration("repo: \"a\\0b\"\n", "not a plain value: repo");
	write_conf("# nothing\n");
	assert_int_equal(parse("--config", conf_path, "push", "a", "b"), 0);
	assert_refused("no such configuration file", "--config", "/nonexistent/x", "version");
	assert_refused("Is a directory", "--config", "/", "version");
}

static void
defaults(void **state)
{
	(void)state;
	assert_int_equal(parse("pull", "m", "d"), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_MEMORY), 256 << 20);
	assert_int_equal(mf_options_number(options, MF_OPT_KEEP_LOCAL), 2);
	assert_int_equal(mf_options_number(options, MF_OPT_MIN_SEQUENCE), 0);
	assert_false(mf_options_given(options, MF_OPT_MEMORY));
	assert_string_equal(mf_options_text(options, MF_OPT_PROGRESS), "auto");
}

static void
order_across_options(void **state)
{
	enum mf_option id;
	const char *text;

	(void)state;
	assert_int_equal(parse("push", "--include", "a", "--exclude=b", "--include", "c", "d", "m"),
	    0);
	assert_true(mf_options_each(options, 1, &id, &text));
	assert_int_equal(id, MF_OPT_EXCLUDE);
	assert_true(mf_options_each(options, 2, &id, &text));
	assert_string_equal(text, "c");
	assert_false(mf_options_each(options, 3, &id, &text));
}

/* Of rclone's scripts, with the program's name and the destination changed. */
static void
nightly_script_of_rclone(void **state)
{
	(void)state;
	assert_int_equal(parse("sync", "/models/production", "gs://bucket/models", "--progress",
			     "--stats", "30s", "--stats-file-name-length", "0", "--tpslimit", "10",
			     "--checkers", "8", "--transfers", "4", "--exclude", "*.tmp",
			     "--log-level", "INFO", "--log-file", "F"),
	    0);
	assert_string_equal(mf_options_text(options, MF_OPT_PROGRESS), "on");
	assert_int_equal(mf_options_number(options, MF_OPT_STATS), 30000000);
	assert_int_equal(mf_options_number(options, MF_OPT_STATS_FILE_NAME_LENGTH), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_TPSLIMIT), 10000);
	assert_int_equal(mf_options_number(options, MF_OPT_LOG_LEVEL), 2);
	assert_string_equal(mf_options_arg(options, 1), "gs://bucket/models");
}

/* Slower than once a second, as rclone takes it. */
static void
decimals(void **state)
{
	(void)state;
	assert_int_equal(parse("sync", "a", "b", "--tpslimit", "0.5"), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_TPSLIMIT), 500);
	assert_int_equal(parse("sync", "a", "b", "--tpslimit", "0.5555"), -1);
	assert_int_equal(parse("sync", "a", "b", "--tpslimit-burst", "0.5"), -1);
}

/* An option that may stand alone takes the next word only if that is one of its own. */
static void
options_that_stand_alone(void **state)
{
	(void)state;
	assert_int_equal(parse("--progress", "sync", "a", "b"), 0);
	assert_string_equal(mf_options_text(options, MF_OPT_PROGRESS), "on");
	assert_int_equal(parse("sync", "--progress", "OFF", "a", "b"), 0);
	assert_int_equal(mf_options_number(options, MF_OPT_PROGRESS), 2);
	assert_int_equal(parse("sync", "a", "b", "-P"), 0);
	assert_string_equal(mf_options_text(options, MF_OPT_PROGRESS), "on");
	assert_int_equal(parse("sync", "-vP", "a", "b"), 0);
	assert_int_equal(mf_options_n_args(options), 2);
	assert_int_equal(parse("sync", "--progress=off", "on", "b"), 0);
	assert_string_equal(mf_options_arg(options, 0), "on");
	assert_refused("--progress", "sync", "--progress=sometimes", "a", "b");
	assert_int_equal(parse("sync", "--progress", "--", "on", "b"), 0);
	assert_int_equal(mf_options_n_args(options), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(nightly_script_of_rclone, set_up),
	    cmocka_unit_test_setup(decimals, set_up),
	    cmocka_unit_test_setup(options_that_stand_alone, set_up),
	    cmocka_unit_test_setup(globals_stand_on_both_sides, set_up),
	    cmocka_unit_test_setup(arguments_in_every_spelling, set_up),
	    cmocka_unit_test_setup(commands_of_two_words, set_up),
	    cmocka_unit_test_setup(one_name_two_options, set_up),
	    cmocka_unit_test_setup(help_asks_for_nothing_else, set_up),
	    cmocka_unit_test_setup(help_that_is_not_wanted_is_none, set_up),
	    cmocka_unit_test_setup(refusals_name_the_word, set_up),
	    cmocka_unit_test_setup(environment_twins, set_up),
	    cmocka_unit_test_setup(configuration_file, set_up),
	    cmocka_unit_test_setup(bad_configuration_files, set_up),
	    cmocka_unit_test_setup(defaults, set_up),
	    cmocka_unit_test_setup(order_across_options, set_up),
	};

	return cmocka_run_group_tests(tests, make_file, drop_all);
}
