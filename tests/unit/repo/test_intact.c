/* A pulled directory that is looked at: what a change of metadata leads to, and what is damage. And
 * a pull that replaces what is damaged. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/repo/intact.h"
#include "tests/unit/repo/pull_fixture.h"

struct pulled {
	struct fixture *f;
	struct mf_intact *x;
	char file[512]; /* of the version, where it lies */
};

static void
look_again(struct pulled *p, bool just_pulled)
{
	char dir[512];
	struct mf_intact_params params = {.model = FIXTURE_MODEL,
	    .version = "v1",
	    .dir = local_path(p->f, "current", dir),
	    .just_pulled = just_pulled};
	struct mf_error e = {0};

	mf_intact_close(p->x);
	fixture_expect_ok(mf_intact_open(&p->x, p->f->repo, &params, &e), &e, "open");
}

static void
setup(struct pulled *p, void **state, bool just_pulled)
{
	*p = (struct pulled){.f = *state};
	fixture_write(p->f, "a.bin", 1, 30000);
	fixture_write(p->f, "b.bin", 2, 30000);
	fixture_push(p->f, "v1");
	(void)pull_ok(p->f, "v1", NULL);
	(void)local_path(p->f, "current/b.bin", p->file);
	look_again(p, just_pulled);
}

/* One byte is another; the file's own times are put back. */
static void
spoil(const struct pulled *p)
{
	int fd = open(p->file, O_RDWR);
	struct timespec times[2];
	struct stat st;
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pread(fd, &byte, 1, 100), 1);
	byte = (char)~byte;
	assert_int_equal(pwrite(fd, &byte, 1, 100), 1);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(close(fd), 0);
}

static void
expect_well(struct pulled *p)
{
	struct mf_error e = {0};

	fixture_expect_ok(mf_intact_look(p->x, NULL, NULL, &e), &e, "look");
	assert_false(mf_intact_is_touched(p->x));
}

static void
expect_damaged(struct pulled *p, const char *how)
{
	struct mf_error e = {0};

	assert_true(mf_intact_is_touched(p->x));
	assert_int_equal(mf_intact_look(p->x, NULL, NULL, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_string_equal(e.message, how);
	mf_intact_close(p->x);
}

static void
test_well(void **state)
{
	struct pulled p;

	setup(&p, state, true);
	assert_false(mf_intact_is_touched(p.x));
	expect_well(&p);
	look_again(&p, false);
	assert_true(mf_intact_is_touched(p.x)); /* nobody read it yet */
	expect_well(&p);
	mf_intact_close(p.x);
}

static void
test_touched(void **state)
{
	struct pulled p;

	setup(&p, state, true);
	assert_int_equal(utimensat(AT_FDCWD, p.file, NULL, 0), 0);
	assert_true(mf_intact_is_touched(p.x));
	expect_well(&p);
	assert_int_equal(chmod(p.file, 0600), 0);
	assert_true(mf_intact_is_touched(p.x));
	expect_well(&p);
	mf_intact_close(p.x);
}

static void
test_another_byte(void **state)
{
	struct pulled p;

	setup(&p, state, true);
	spoil(&p);
	expect_damaged(&p, "b.bin has another content");
}

/* It was so before anybody looked. */
static void
test_before(void **state)
{
	struct pulled p;

	setup(&p, state, true);
	spoil(&p);
	look_again(&p, false);
	expect_damaged(&p, "b.bin has another content");
}

static void
test_other_size(void **state)
{
	struct pulled p;

	setup(&p, state, true);
	assert_int_equal(truncate(p.file, 29999), 0);
	expect_damaged(&p, "b.bin has another size");
}

static void
test_gone(void **state)
{
	struct pulled p;

	setup(&p, state, true);
	assert_int_equal(unlink(p.file), 0);
	expect_damaged(&p, "b.bin is gone");
}

static bool
always(void *arg)
{
	++*(unsigned *)arg;
	return true;
}

static void
test_stopped(void **state)
{
	struct mf_error e = {0};
	struct pulled p;
	unsigned asked = 0;

	setup(&p, state, false);
	assert_int_equal(mf_intact_look(p.x, always, &asked, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_int_equal(asked, 1);
	mf_intact_close(p.x);
}

/* A pull takes what is there for whole, until it is told that it is not. */
static void
test_afresh(void **state)
{
	struct mf_pull_params more = {.link = "current", .afresh = true};
	struct pulled p;

	setup(&p, state, true);
	spoil(&p);
	(void)pull_ok(p.f, "v1", NULL);
	look_again(&p, false);
	expect_damaged(&p, "b.bin has another content");
	p.x = NULL;
	(void)pull_ok(p.f, "v1", &more);
	look_again(&p, false);
	expect_well(&p);
	mf_intact_close(p.x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_well, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_touched, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_another_byte, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_before, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_other_size, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_gone, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_stopped, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_afresh, fixture_setup, local_teardown),
	};

	return cmocka_run_group_tests_name("intact", tests, NULL, NULL);
}
