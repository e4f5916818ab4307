/* Loading the module for s3+v2://: it is missing, is none, is of another version. Each case is a
 * process: loading is tried once. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "transfers/libs3_load.h"

/* Where nothing is but what a case links there. */
const char mf_libs3_module_path[] = MF_TEST_MODULE;

/* In a child: load, and be told word. */
static void
assert_refused(const char *word)
{
	const pid_t pid = fork();
	struct mf_error e = {0};
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (mf_libs3_load(&e) != NULL || e.code != MF_EUNSUPPORTED ||
		    strstr(e.message, word) == NULL || mf_libs3_load(&e) != NULL) {
			printf("# \"%s\" has no \"%s\" in it\n", e.message, word);
			(void)fflush(stdout);
			_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
link_to(const char *file)
{
	(void)unlink(mf_libs3_module_path);
	assert_int_equal(symlink(file, mf_libs3_module_path), 0);
}

static void
test_missing(void **state)
{
	(void)state;
	(void)unlink(mf_libs3_module_path);
	assert_refused(mf_libs3_module_path);
	link_to("/dev/null");
	assert_refused("cannot load the module");
}

static void
test_no_module(void **state)
{
	(void)state;
	link_to(MF_TEST_OTHER_LIBRARY);
	assert_refused("is no module of modelferry");
}

static void
test_wrong_version(void **state)
{
	(void)state;
	link_to(MF_TEST_WRONG_MODULE);
	assert_refused("this program wants 1");
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(mf_libs3_module_path);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_no_module),
	    cmocka_unit_test(test_wrong_version),
	};

	return cmocka_run_group_tests_name("libs3 load", tests, NULL, teardown);
}
