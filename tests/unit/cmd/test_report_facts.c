/* What a run is about, out of its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/cmd/report_int.h"

#define ARGS 8

static const char *
no_environment(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return NULL;
}

static int
take(struct mf_cmd_facts *f, const char *const *args, struct mf_error *e)
{
	char *argv[ARGS + 1];
	struct mf_options_params params = {
	    .argv = argv, .getenv = no_environment, .system_file = "/nonexistent"};
	struct mf_options *o;
	int rc;

	for (; params.argc < ARGS && args[params.argc] != NULL; params.argc++)
		argv[params.argc] = strdup(args[params.argc]);
	argv[params.argc] = NULL;
	if (mf_options_parse(&params, &o, e) != 0)
		fail_msg("%s", e->message);
	rc = mf_cmd_facts_take(f, o, e);
	mf_options_free(o);
	while (params.argc > 0)
		free(argv[--params.argc]);
	return rc;
}

static void
facts(void **state)
{
	static const struct {
		const char *args[ARGS];
		const char *command, *model, *version, *store;
		bool tells;
	} rows[] = {
	    {{"push", "dir", "churn@v1", "-r", "s3://b/p"}, "push", "churn", "v1", "s3://b/p",
		true},
	    {{"push", "a@b", "churn"}, "push", "churn", "", "", true},
	    {{"push", "dir", "churn", "--dry-run"}, "push", "churn", "", "", false},
	    {{"pull", "a/b@production", "dir"}, "pull", "a/b", "production", "", true},
	    {{"versions"}, "versions", "", "", "", true},
	    {{"versions", "churn"}, "versions", "churn", "", "", true},
	    {{"diff", "churn@a", "churn@b"}, "diff", "churn", "a", "", true},
	    {{"rollback", "churn"}, "rollback", "churn", "", "", true},
	    {{"key", "list"}, "key list", "", "", "", true},
	    {{"prune"}, "prune", "", "", "", true},
	    {{"help"}, "help", "", "", "", false},
	    {{"version"}, "version", "", "", "", false},
	    {{"push", "--help"}, "push", "", "", "", false},
	};
	struct mf_cmd_facts f;
	struct mf_error e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(take(&f, rows[i].args, &e), 0);
		assert_string_equal(f.command, rows[i].command);
		assert_string_equal(f.model, rows[i].model);
		assert_string_equal(f.version, rows[i].version);
		assert_string_equal(f.store, rows[i].store);
		assert_int_equal(f.tells, rows[i].tells);
		assert_true(f.host[0] != '\0' && mf_report_is_uuid(f.run_id));
	}
}

static void
run_ids(void **state)
{
	static const char *const good[ARGS] = {"prune", "--run-id", "nightly-7"};
	static const char *const bad[ARGS] = {"prune", "--run-id", "night/7"};
	struct mf_cmd_facts f;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(take(&f, good, &e), 0);
	assert_string_equal(f.run_id, "nightly-7");
	assert_int_equal(take(&f, bad, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_true(mf_report_is_uuid(f.run_id)); /* it is told under some name */
}

static void
stores(void **state)
{
	static const struct {
		const char *url, *want;
	} rows[] = {
	    {"/srv/a@b?c", "/srv/a@b?c"},
	    {"file:///srv/a@b", "file:///srv/a@b"},
	    {"s3://bucket/a@b", "s3://bucket/a@b"},
	    {"s3://key:s3cr3t@bucket/a", "s3://bucket/a"},
	    {"s3://s3cr3t@bucket", "s3://bucket"},
	    {"https://h/p?X-Amz-Signature=s3cr3t", "https://h/p"},
	    {"s3://bucket/a#s3cr3t", "s3://bucket/a"},
	};
	char out[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_cmd_facts_store(out, sizeof out, rows[i].url);
		assert_string_equal(out, rows[i].want);
	}
	mf_cmd_facts_store(out, 8, "s3://bucket/path");
	assert_string_equal(out, "s3://bu");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(facts),
	    cmocka_unit_test(run_ids),
	    cmocka_unit_test(stores),
	};

	return cmocka_run_group_tests_name("cmd/report_facts", tests, NULL, NULL);
}
