/* Sharing a range of bytes: whole blocks are shared, the ends are copied, or it is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/fs.h"
#include "tests/unit/base/fake_clone.h"

#define FILE_BYTES 50000u /* 4096 * 12.2 */

struct pair {
	int from, to;
	uint8_t bytes[FILE_BYTES], want[FILE_BYTES], got[FILE_BYTES];
};

static int
new_file(void)
{
	char path[] = "/tmp/mf-test-clone-XXXXXX";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static int
set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	size_t i;

	assert_non_null(p);
	p->from = new_file();
	p->to = new_file();
	for (i = 0; i < FILE_BYTES; i++)
		p->bytes[i] = (uint8_t)(1 + i * 31 % 251);
	assert_int_equal(pwrite(p->from, p->bytes, FILE_BYTES, 0), FILE_BYTES);
	assert_int_equal(ftruncate(p->to, FILE_BYTES), 0);
	fake_clone = (struct fake_clone){0};
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct pair *p = *state;

	close(p->from);
	close(p->to);
	free(p);
	return 0;
}

/* The target holds n bytes of the source at `to`, and nothing else. */
static void
expect(struct pair *p, uint64_t from, uint64_t to, uint64_t n)
{
	memcpy(p->want + to, p->bytes + from, n);
	assert_int_equal(pread(p->to, p->got, FILE_BYTES, 0), FILE_BYTES);
	assert_memory_equal(p->got, p->want, FILE_BYTES);
}

static void
test_whole_file(void **state)
{
	struct pair *p = *state;

	assert_int_equal(mf_fs_clone_range(p->from, 0, p->to, 0, FILE_BYTES), 0);
	expect(p, 0, 0, FILE_BYTES);
	assert_int_equal(fake_clone.bytes, FILE_BYTES); /* its last, short block too */
}

static void
test_ends_are_copied(void **state)
{
	struct pair *p = *state;

	assert_int_equal(mf_fs_clone_range(p->from, 100, p->to, 4096 + 100, 20000), 0);
	expect(p, 100, 4196, 20000);
	assert_int_equal(fake_clone.bytes, 20480 - 8192); /* of 4196 up to 24196 */
}

/* The end of one file is not the end of the other: its short block is copied. */
static void
test_end_of_one_file(void **state)
{
	struct pair *p = *state;
	const uint64_t n = FILE_BYTES - 40960;

	assert_int_equal(mf_fs_clone_range(p->from, 40960, p->to, 0, n), 0);
	expect(p, 40960, 0, n);
	assert_int_equal(fake_clone.bytes, n / 4096 * 4096);
}

static void
test_not_this_range(void **state)
{
	struct pair *p = *state;

	assert_int_equal(mf_fs_clone_range(p->from, 1, p->to, 0, 30000), 1);
	assert_int_equal(mf_fs_clone_range(p->from, 100, p->to, 100, 4000), 1); /* no whole block */
	assert_int_equal(mf_fs_clone_range(p->from, 0, p->to, UINT64_MAX - 4095, 4096), 1);
	assert_int_equal(mf_fs_clone_range(p->from, 0, p->to, 0, 0), 1);
	assert_int_equal(fake_clone.calls, 0);
	assert_int_equal(mf_fs_clone_range(p->from, 49152, p->to, 0, 40960), 1); /* past its end */
	fake_clone.fails_with = ENOSPC;
	assert_int_equal(mf_fs_clone_range(p->from, 0, p->to, 0, 4096), 1);
}

static void
test_not_these_files(void **state)
{
	static const int codes[] = {EOPNOTSUPP, ENOTTY, EXDEV, ENOSYS, EPERM};
	struct pair *p = *state;
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		fake_clone.fails_with = codes[i];
		assert_int_equal(mf_fs_clone_range(p->from, 0, p->to, 0, 4096), 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_whole_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_ends_are_copied, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_end_of_one_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_not_this_range, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_not_these_files, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
