/* --shard, --shards and JOB_COMPLETION_INDEX: which shard a push is of, what is refused, and into
 * how many parts its limits go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/cmd/shard.h"

#define MAX_WORDS 8

static const char *
no_environment(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return NULL;
}

static const struct {
	const char *words[MAX_WORDS];
	const char *index;
	unsigned number, of, share;
	const char *error; /* NULL: none */
} rows[] = {
    {{"push", "d", "m@v"}, "3", 0, 0, 1, NULL}, /* a pod's index alone makes no shard */
    {{"push", "d", "m@v", "--shard", "1/1"}, NULL, 1, 1, 1, NULL},
    {{"push", "d", "m@v", "--shard", "3/8"}, "5", 3, 8, 8, NULL},
    {{"push", "d", "m@v", "--shard", "3/8", "--shards", "8"}, NULL, 3, 8, 8, NULL},
    {{"push", "d", "m@v", "--shards", "4"}, "0", 1, 4, 4, NULL},
    {{"push", "d", "m@v", "--shards", "4"}, "3", 4, 4, 4, NULL},
    {{"push", "d", "m@v", "--shards", "4", "--force=false"}, "3", 4, 4, 4, NULL},
    {{"commit", "m@v", "--shards", "4"}, NULL, 0, 0, 1, "--shards"}, /* commit asks no index */
    {{"push", "d", "m@v", "--shards", "4"}, NULL, 0, 0, 4, "nothing says which"},
    {{"push", "d", "m@v", "--shards", "4"}, "", 0, 0, 4, "nothing says which"},
    {{"push", "d", "m@v", "--shards", "4"}, "4", 0, 0, 4, "not 0 to 3"},
    {{"push", "d", "m@v", "--shards", "4"}, "-1", 0, 0, 4, "JOB_COMPLETION_INDEX is \"-1\""},
    {{"push", "d", "m@v", "--shards", "4"}, "1x", 0, 0, 4, "JOB_COMPLETION_INDEX is \"1x\""},
    {{"push", "d", "m@v", "--shard", "0/8"}, NULL, 0, 0, 1, "I from 1 to N, not \"0/8\""},
    {{"push", "d", "m@v", "--shard", "9/8"}, NULL, 0, 0, 1, "--shard"},
    {{"push", "d", "m@v", "--shard", "8"}, NULL, 0, 0, 1, "--shard"},
    {{"push", "d", "m@v", "--shard", "1/"}, NULL, 0, 0, 1, "--shard"},
    {{"push", "d", "m@v", "--shard", "1/2", "--shards", "3"}, NULL, 0, 0, 2, "another number"},
    {{"push", "d", "m@v", "--shard", "1/2", "--ref", "x"}, NULL, 0, 0, 2, "--ref cannot"},
    {{"push", "d", "m@v", "--shard", "1/2", "--tag", "a=b"}, NULL, 0, 0, 2, "--tag cannot"},
    {{"push", "d", "m@v", "--shard", "1/2", "--metric", "a=1"}, NULL, 0, 0, 2, "--metric cannot"},
    {{"push", "d", "m@v", "--shard", "1/2", "--metrics-from", "f"}, NULL, 0, 0, 2, "--metrics-from"},
    {{"push", "d", "m@v", "--shard", "1/2", "--allow-partial"}, NULL, 0, 0, 2, "--allow-partial"},
    {{"push", "d", "m@v", "--shard", "1/2", "--force"}, NULL, 0, 0, 2, "--force cannot"},
    {{"push", "d", "m@v", "--shard", "1/2", "--ready-file", "x"}, NULL, 0, 0, 2, "--ready-file"},
};

static void
test_rows(void **state)
{
	char *argv[MAX_WORDS];
	struct mf_options_params p = {.argv = argv, .getenv = no_environment,
	    .system_file = "/nonexistent/modelferry.conf"};
	struct mf_push_shard shard;
	struct mf_options *o;
	struct mf_error e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (p.argc = 0; p.argc < MAX_WORDS && rows[i].words[p.argc] != NULL; p.argc++)
			memcpy(&argv[p.argc], &rows[i].words[p.argc], sizeof argv[0]);
		mf_error_clear(&e);
		assert_int_equal(mf_options_parse(&p, &o, &e), 0);
		assert_int_equal(mf_cmd_share(o), rows[i].share);
		rc = mf_cmd_load_shard(o, rows[i].index, &shard, &e);
		if ((rc == 0) != (rows[i].error == NULL) ||
		    (rc != 0 && strstr(e.message, rows[i].error) == NULL))
			fail_msg("row %zu: %d, %s", i, rc, e.message);
		if (rc == 0) {
			assert_int_equal(shard.number, rows[i].number);
			assert_int_equal(shard.of, rows[i].of);
		} else {
			assert_int_equal(e.code, MF_EUSAGE);
		}
		mf_options_free(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests_name("options of shards", tests, NULL, NULL);
}
