/* What a directory remembers: kept, merged, and never believed further than to refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/base/fs.h"
#include "src/repo/seen_int.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct place {
	char dir[64], file[128];
	int fd;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/mf-test-seen-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/.modelferry/seen", p->dir);
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY);
	assert_true(p->fd >= 0);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	struct mf_error e = {0};

	close(p->fd);
	mf_fs_remove_tree(AT_FDCWD, p->dir, &e);
	free(p);
	return 0;
}

static void
load(const struct place *p, struct mf_seen *s)
{
	struct mf_error e = {0};

	if (mf_seen_load(s, p->dir, &e) != 0)
		fail_msg("%s", e.message);
}

static void
save(const struct place *p, struct mf_seen *s)
{
	struct mf_error e = {0};

	if (mf_seen_save(s, p->fd, ".", &e) != 0)
		fail_msg("%s", e.message);
}

static int
check(struct mf_seen *s, const char *id, const char *key, uint64_t sequence)
{
	struct mf_error e = {0};
	int rc = mf_seen_check(s, id, key, sequence, "it", &e);

	if (rc != 0)
		assert_int_equal(e.code, MF_EKEY);
	return rc;
}

static void
test_remembers(void **state)
{
	struct place *p = *state;
	struct mf_error e = {0};
	struct mf_seen s;

	load(p, &s);
	assert_int_equal(check(&s, A, "m/production", 0), 0);
	assert_int_equal(check(&s, A, "m/production", 7), 0);
	assert_int_equal(check(&s, B, "m/production", 3), 0);
	assert_int_equal(mf_seen_pin_repo(&s, "file:///r", A, &e), 0);
	save(p, &s);
	mf_seen_fini(&s);
	load(p, &s);
	assert_int_equal(check(&s, A, "m/production", 7), 0);
	assert_int_equal(check(&s, A, "m/production", 6), -1);
	assert_int_equal(check(&s, A, "m/production", 0), -1);
	assert_int_equal(check(&s, B, "m/production", 3), 0);
	assert_int_equal(check(&s, B, "config", 1), 0);
	assert_int_equal(mf_seen_pin_repo(&s, "file:///r", A, &e), 0);
	assert_int_equal(mf_seen_pin_repo(&s, "file:///other", B, &e), 0);
	assert_int_equal(mf_seen_pin_repo(&s, "file:///r", B, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, p->file));
	mf_seen_fini(&s);
}

/* Two pulls that read the same, and each saw something. */
static void
test_merges(void **state)
{
	struct place *p = *state;
	struct mf_seen one, two;

	load(p, &one);
	load(p, &two);
	check(&one, A, "m/x", 5);
	check(&one, A, "m/y", 9);
	check(&two, A, "m/x", 6);
	save(p, &one);
	save(p, &two);
	mf_seen_fini(&one);
	load(p, &one);
	assert_int_equal(check(&one, A, "m/x", 5), -1);
	assert_int_equal(check(&one, A, "m/y", 8), -1);
	mf_seen_fini(&one);
	mf_seen_fini(&two);
}

static void
test_writes_only_news(void **state)
{
	struct place *p = *state;
	struct stat before, after;
	struct mf_seen s;

	load(p, &s);
	check(&s, A, "m/x", 5);
	save(p, &s);
	mf_seen_fini(&s);
	assert_int_equal(stat(p->file, &before), 0);
	load(p, &s);
	check(&s, A, "m/x", 5);
	save(p, &s);
	mf_seen_fini(&s);
	assert_int_equal(stat(p->file, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void
test_forgets_old_versions(void **state)
{
	struct place *p = *state;
	struct mf_seen s;
	char key[40];
	unsigned i;

	load(p, &s);
	for (i = 1; i <= 3 * MF_SEEN_MAX_VERSIONS; i++) {
		snprintf(key, sizeof(key), "m@v%u", i);
		check(&s, A, key, i);
	}
	check(&s, A, "m/production", 1);
	save(p, &s);
	assert_int_equal(s.n, MF_SEEN_MAX_VERSIONS + 1);
	mf_seen_fini(&s);
	load(p, &s);
	assert_int_equal(check(&s, A, "m@v1", 0), 0);
	assert_int_equal(check(&s, A, key, 1), -1);
	assert_int_equal(check(&s, A, "m/production", 0), -1);
	mf_seen_fini(&s);
}

static void
expect_refused(const struct place *p, enum mf_code code, const char *what)
{
	struct mf_error e = {0};
	struct mf_seen s;

	if (mf_seen_load(&s, p->dir, &e) == 0)
		fail_msg("%s was taken", what);
	assert_int_equal(e.code, code);
}

static void
write_file(const struct place *p, const void *bytes, size_t n)
{
	FILE *f = fopen(p->file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Every byte changed, every length: refused, and named. */
static void
test_damage(void **state)
{
	struct place *p = *state;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	struct mf_seen s;
	char what[40];
	size_t i;

	load(p, &s);
	check(&s, A, "m/production", 7);
	assert_int_equal(mf_seen_pin_repo(&s, "file:///r", A, &e), 0);
	save(p, &s);
	mf_seen_fini(&s);
	assert_int_equal(mf_fs_read_file(AT_FDCWD, p->file, 4096, &b, &e), 0);
	for (i = 0; i < b.len; i++) {
		snprintf(what, sizeof(what), "byte %zu changed", i);
		b.data[i] ^= 1;
		write_file(p, b.data, b.len);
		/* the format's number; nothing is said of the rest then */
		expect_refused(p, i == strlen("modelferry-seen ") ? MF_EUNSUPPORTED
			: i == strlen("modelferry-seen 1") ? MF_EUNSUPPORTED : MF_EDAMAGED, what);
		b.data[i] ^= 1;
	}
	for (i = 0; i < b.len; i++) {
		snprintf(what, sizeof(what), "%zu bytes", i);
		write_file(p, b.data, i);
		assert_int_equal(mf_seen_load(&s, p->dir, &e), -1);
		assert_non_null(strstr(e.message, p->file));
	}
	write_file(p, b.data, b.len);
	load(p, &s);
	mf_seen_fini(&s);
	mf_buf_fini(&b);
}

/* What others may put in the file's place. */
static void
test_hostile_place(void **state)
{
	struct place *p = *state;
	char own[100];
	struct mf_error e = {0};
	struct mf_seen s;

	snprintf(own, sizeof(own), "%s/.modelferry", p->dir);
	assert_int_equal(mkdir(own, 0755), 0);
	assert_int_equal(mkfifo(p->file, 0644), 0);
	expect_refused(p, MF_EDAMAGED, "a FIFO");
	unlink(p->file);
	assert_int_equal(symlink("/etc/passwd", p->file), 0);
	expect_refused(p, MF_EPERM, "a link");
	unlink(p->file);
	write_file(p, "", 0);
	expect_refused(p, MF_EDAMAGED, "an empty file");
	assert_int_equal(truncate(p->file, (off_t)MF_SEEN_MAX_BYTES + 1), 0);
	expect_refused(p, MF_EDAMAGED, "a long file");
	unlink(p->file);
	assert_int_equal(rmdir(own), 0);
	/* the directory itself a link: nothing is written through it */
	assert_int_equal(symlink("/tmp", own), 0);
	expect_refused(p, MF_EPERM, "a linked directory");
	s = (struct mf_seen){.path = p->file};
	assert_int_equal(mf_seen_write(&s, p->fd, ".", &e), -1);
	assert_int_equal(access("/tmp/seen", F_OK), -1);
	unlink(own);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_remembers),
		TEST(test_merges),
		TEST(test_writes_only_news),
		TEST(test_forgets_old_versions),
		TEST(test_damage),
		TEST(test_hostile_place),
	};

	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
