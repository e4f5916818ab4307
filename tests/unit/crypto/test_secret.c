#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"

static char dir[] = "/tmp/mf-secret-XXXXXX";
static char path[sizeof dir + 16];

static void
core_dumps_are_off(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(mf_crypto_init(NULL), 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_max, 0);
}

static void
secrets_hold_what_was_put(void **state)
{
	struct mf_secret *a = mf_secret_of("abc", 3, NULL), *b = mf_secret_random(32, NULL),
			 *c = mf_secret_random(32, NULL), *zero = mf_secret_new(5, NULL);

	(void)state;
	assert_int_equal(mf_secret_len(a), 3);
	assert_memory_equal(mf_secret_view(a), "abc", 3);
	assert_memory_not_equal(mf_secret_view(b), mf_secret_view(c), 32);
	assert_memory_equal(mf_secret_view(zero), "\0\0\0\0\0", 5);
	mf_secret_freeze(a);
	assert_memory_equal(mf_secret_view(a), "abc", 3);
	mf_secret_free(a);
	mf_secret_free(b);
	mf_secret_free(c);
	mf_secret_free(zero);
	mf_secret_free(NULL);
}

static void
files_are_private_and_never_overwritten(void **state)
{
	struct mf_secret *s = mf_secret_of("hello", 5, NULL), *back;
	struct mf_error e = {0};
	struct stat st;

	(void)state;
	snprintf(path, sizeof path, "%s/key", dir);
	assert_int_equal(mf_secret_write_file(path, s, "key file", &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mf_secret_write_file(path, s, "key file", &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_non_null(strstr(e.message, path));
	back = mf_secret_read_file(path, 5, "key file", &e);
	assert_non_null(back);
	assert_int_equal(mf_secret_len(back), 5);
	assert_memory_equal(mf_secret_view(back), "hello", 5);
	mf_secret_free(back);
	assert_null(mf_secret_read_file(path, 4, "key file", &e));
	assert_int_equal(e.code, MF_EKEY);
	mf_secret_free(s);
	unlink(path);
}

static void
missing_and_empty_files_are_named(void **state)
{
	struct mf_error e = {0};

	(void)state;
	snprintf(path, sizeof path, "%s/none", dir);
	assert_null(mf_secret_read_file(path, 4, "passphrase file", &e));
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "passphrase file"));
	assert_non_null(strstr(e.message, path));
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_null(mf_secret_read_file(path, 4, "passphrase file", &e));
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "empty"));
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(core_dumps_are_off),
	    cmocka_unit_test(secrets_hold_what_was_put),
	    cmocka_unit_test(files_are_private_and_never_overwritten),
	    cmocka_unit_test(missing_and_empty_files_are_named),
	};
	int rc;

	if (mf_crypto_init(NULL) != 0 || mkdtemp(dir) == NULL)
		return 99;
	rc = cmocka_run_group_tests_name("crypto/secret", tests, NULL, NULL);
	rmdir(dir);
	return rc;
}
