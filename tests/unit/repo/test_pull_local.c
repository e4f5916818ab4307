/* Pull: what local versions have is not fetched again, wherever it lies, and only if it is right.
 */
#include "tests/unit/base/fake_clone.h"
#include "tests/unit/repo/pull_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
move(const struct fixture *f, const char *from, const char *to)
{
	char a[512], b[512];

	snprintf(a, sizeof(a), "%s/%s", f->dir, from);
	snprintf(b, sizeof(b), "%s/%s", f->dir, to);
	assert_int_equal(rename(a, b), 0);
}

static void
test_renamed(void **state)
{
	static const char *const names[] = {"z"};
	struct fixture *f = *state;
	struct mf_pull_result out;

	fixture_write(f, "a", 1, 12 * MIB);
	fixture_push(f, "v1");
	move(f, "a", "z");
	fixture_push(f, "v2");
	pull_ok(f, "v1", NULL);
	out = pull_ok(f, "v2", NULL);
	assert_int_equal(out.fetched_bytes, 0);
	assert_int_equal(out.reused_bytes, 12 * MIB);
	expect_shown(f, names, 1);
}

/* Without a link the version that is replaced is the only one. */
static void
test_renamed_without_link(void **state)
{
	struct mf_pull_params p = {.link = NULL};
	struct fixture *f = *state;

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_push(f, "v1");
	move(f, "a", "z");
	fixture_push(f, "v2");
	pull_ok(f, "v1", &p);
	assert_int_equal(pull_ok(f, "v2", &p).fetched_bytes, 0);
}

/* Bytes that moved within a file are other offsets of the same chunks. How many of the chunks are
 * the same depends on the repository's cut seed: one cut in a hundred is forced, at the most that
 * a chunk may have, and moves with the bytes. So the push tells what is new. */
static void
test_moved_inside(void **state)
{
	static const char *const names[] = {"a"};
	struct fixture *f = *state;
	struct mf_push_result pushed;
	struct mf_pull_result out;
	char path[512];
	uint8_t *bytes = malloc(40 * MIB);
	FILE *file;

	assert_non_null(bytes);
	fixture_write(f, "a", 1, 40 * MIB);
	fixture_push(f, "v1");
	snprintf(path, sizeof(path), "%s/a", f->dir);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, 40 * MIB, file), 40 * MIB);
	rewind(file);
	assert_int_equal(fwrite("five!", 1, 5, file), 5);
	assert_int_equal(fwrite(bytes, 1, 40 * MIB, file), 40 * MIB);
	assert_int_equal(fclose(file), 0);
	free(bytes);
	pushed = fixture_push(f, "v2");
	pull_ok(f, "v1", NULL);
	out = pull_ok(f, "v2", NULL);
	assert_int_equal(out.reused_bytes, 40 * MIB + 5 - pushed.new_bytes);
	/* sealed: some bytes more a chunk */
	assert_in_range(out.fetched_bytes, pushed.new_bytes + 1, pushed.new_bytes + 4096);
	expect_shown(f, names, 1);
}

/* Not only the version shown last. */
static void
test_older_local_version(void **state)
{
	static const char *const names[] = {"c"};
	struct fixture *f = *state;

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_push(f, "v1");
	fixture_write(f, "a", 0, 0);
	fixture_write(f, "b", 2, 3 * MIB);
	fixture_push(f, "v2");
	fixture_write(f, "b", 0, 0);
	fixture_write(f, "c", 1, 3 * MIB);
	fixture_push(f, "v3");
	pull_ok(f, "v1", NULL);
	pull_ok(f, "v2", NULL);
	assert_int_equal(pull_ok(f, "v3", NULL).fetched_bytes, 0);
	expect_shown(f, names, 1);
}

/* A run of small files is one chunk, whose parts lie in many files. */
static void
test_small_files(void **state)
{
	const char *names[60];
	char text[60][16];
	struct fixture *f = *state;
	struct mf_pull_result out;
	unsigned i;

	for (i = 0; i < 60; i++) {
		snprintf(text[i], sizeof(text[i]), "small-%02u", i);
		names[i] = text[i];
		fixture_write(f, text[i], i + 1, 1000 + i);
	}
	fixture_push(f, "v1");
	fixture_write(f, "small-59", 99, 500); /* maybe not in the run of the others */
	fixture_write(f, "zz", 98, 2 * MIB);
	fixture_push(f, "v2");
	pull_ok(f, "v1", NULL);
	out = pull_ok(f, "v2", NULL);
	assert_true(out.fetched_bytes > 2 * MIB);
	fixture_write(f, "zz", 0, 0);
	fixture_push(f, "v3");
	out = pull_ok(f, "v3", NULL);
	assert_int_equal(out.fetched_bytes, 0);
	expect_shown(f, names, 60);
}

/* The repository does not know the local version any more: equal bytes at equal places. */
static void
test_forgotten(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct fixture *f = *state;
	struct mf_pull_result out;

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "b", 2, 3 * MIB);
	fixture_push(f, "v1");
	pull_ok(f, "v1", NULL);
	fixture_write(f, "b", 3, 3 * MIB);
	fixture_push(f, "v2");
	fixture_forget(f, "v1");
	fixture_prune(f, 0);
	out = pull_ok(f, "v2", NULL);
	assert_int_equal(out.reused_bytes, 3 * MIB);
	expect_shown(f, names, 2);
}

/* What somebody wrote into a local version since is fetched. */
static void
test_changed_since(void **state)
{
	static const char *const names[] = {"z"};
	struct fixture *f = *state;
	struct mf_pull_result out;
	char path[512];
	int fd;

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_push(f, "v1");
	move(f, "a", "z");
	fixture_push(f, "v2");
	pull_ok(f, "v1", NULL);
	fd = open(local_path(f, "current/a", path), O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "scribble", 8, MIB), 8);
	close(fd);
	out = pull_ok(f, "v2", NULL);
	assert_true(out.fetched_bytes > 3 * MIB);
	assert_int_equal(out.reused_bytes, 0);
	expect_shown(f, names, 1);
}

/* Where the file system can share blocks, equal bytes are one on the disk. */
static void
test_shared_blocks(void **state)
{
	static const char *const names[] = {"small", "twice", "z"};
	struct fixture *f = *state;
	struct mf_pull_result out;

	f->repo->threads = 3;
	f->repo->memory_bytes = (size_t)1 << 30;
	fixture_write(f, "a", 1, 12 * MIB + 100); /* two chunks or more, of odd lengths */
	fixture_write(f, "small", 2, 100);
	fixture_push(f, "v1");
	move(f, "a", "z");
	fixture_write(f, "twice", 1, 12 * MIB + 100);
	fixture_push(f, "v2");
	pull_ok(f, "v1", NULL);
	fake_clone = (struct fake_clone){0};
	out = pull_ok(f, "v2", NULL);
	assert_int_equal(out.fetched_bytes, 0);
	assert_int_equal(out.reused_bytes, 12 * MIB + 200);
	assert_int_equal(out.shared_bytes, 12 * MIB + 100);
	assert_true(fake_clone.bytes > 12 * MIB - 4 * 8192 && fake_clone.bytes <= 12 * MIB + 100);
	assert_int_equal(fake_clone.done, fake_clone.calls);
	expect_shown(f, names, 3);
}

/* Somebody writes to the local version just before its blocks are shared. */
static void
test_shared_blocks_are_compared(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct fixture *f = *state;
	struct mf_pull_result out;

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_push(f, "v1");
	fixture_write(f, "b", 2, 100);
	fixture_push(f, "v2");
	pull_ok(f, "v1", NULL);
	fake_clone = (struct fake_clone){.changes_after = 1};
	out = pull_ok(f, "v2", NULL);
	assert_true(fake_clone.done > 0);
	assert_int_equal(out.shared_bytes, 0);
	assert_int_equal(out.reused_bytes, 3 * MIB); /* copied */
	expect_shown(f, names, 2);
}

/* Where it cannot, that is found out once. */
static void
test_no_shared_blocks(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct fixture *f = *state;
	struct mf_pull_result out;

	fixture_write(f, "a", 1, 20 * MIB);
	fixture_push(f, "v1");
	fixture_write(f, "b", 2, 100);
	fixture_push(f, "v2");
	pull_ok(f, "v1", NULL);
	fake_clone = (struct fake_clone){.fails_with = EOPNOTSUPP};
	out = pull_ok(f, "v2", NULL);
	assert_int_equal(fake_clone.calls, 1);
	assert_int_equal(out.shared_bytes, 0);
	assert_int_equal(out.reused_bytes, 20 * MIB);
	expect_shown(f, names, 2);
}

static bool
is_one(const struct fixture *f, const char *a, const char *b)
{
	char path[2][512];
	struct stat st[2];

	assert_int_equal(stat(local_path(f, a, path[0]), &st[0]), 0);
	assert_int_equal(stat(local_path(f, b, path[1]), &st[1]), 0);
	return st[0].st_ino == st[1].st_ino;
}

/* --hard-link: equal files, under whatever path, in whatever local version. */
static void
test_hard_links(void **state)
{
	static const char *const names[] = {"moved", "small", "touched"};
	struct mf_pull_params p = {.link = "first", .hard_link = true};
	struct fixture *f = *state;
	struct mf_pull_result out;
	char path[512];

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "small", 2, 100);
	fixture_write(f, "touched", 3, 2 * MIB);
	fixture_push(f, "v1");
	pull_ok(f, "v1", &p);
	fixture_write(f, "other", 4, 2 * MIB);
	fixture_push(f, "v2");
	p.link = "current";
	pull_ok(f, "v2", &p);
	fixture_write(f, "other", 0, 0);
	move(f, "a", "moved");
	snprintf(path, sizeof(path), "%s/touched", f->dir);
	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){{99, 0}, {99, 0}}, 0), 0);
	fixture_push(f, "v3");
	out = pull_ok(f, "v3", &p);
	assert_int_equal(out.fetched_bytes, 0);
	assert_int_equal(out.shared_bytes, 3 * MIB + 100);
	assert_true(is_one(f, "first/a", "current/moved"));
	assert_true(is_one(f, "first/small", "current/small"));
	assert_false(is_one(f, "first/touched", "current/touched"));
	expect_shown(f, names, 3);
	p.hard_link = false; /* by itself it links nothing, and changes nothing of what is linked */
	fixture_write(f, "more", 5, 100);
	fixture_push(f, "v4");
	out = pull_ok(f, "v4", &p);
	assert_int_equal(out.shared_bytes, 0);
	assert_false(is_one(f, "first/a", "current/moved"));
}

static unsigned wrong_ids; /* so many of the next ids of content are wrong */
void __real_mf_keyring_content_id(const struct mf_keyring *k, enum mf_object_type type,
    const void *plain, size_t n, struct mf_id *out);
void __wrap_mf_keyring_content_id(const struct mf_keyring *k, enum mf_object_type type,
    const void *plain, size_t n, struct mf_id *out);

void
__wrap_mf_keyring_content_id(const struct mf_keyring *k, enum mf_object_type type,
    const void *plain, size_t n, struct mf_id *out)
{
	__real_mf_keyring_content_id(k, type, plain, n, out);
	if (type == MF_OBJECT_CHUNK && wrong_ids > 0) {
		wrong_ids--;
		out->bytes[0] ^= 1;
	}
}

static void
push_signed(struct fixture *f, const char *version, const struct mf_signer *signer)
{
	struct mf_push_params p = {.dir = f->dir,
	    .model = FIXTURE_MODEL,
	    .version = version,
	    .signer = signer,
	    .by = "test",
	    .now_us = fixture_now_us,
	    .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
}

/* With trusted keys a file with the right checksum is linked only if its ids are right too. */
static void
test_hard_links_with_trust(void **state)
{
	static const char *const names[] = {"a", "other", "small"};
	struct mf_pull_params p = {.link = "first", .hard_link = true};
	struct fixture *f = *state;
	struct mf_pull_result out;
	struct mf_error e = {0};
	struct mf_signer *signer = mf_signer_generate(&e);
	struct mf_trust *trust;
	char line[MF_TEXTKEY_BYTES];

	assert_non_null(signer);
	mf_signer_public_text(signer, line);
	trust = mf_trust_parse(line, strlen(line), "test", &e);
	assert_non_null(trust);
	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "small", 2, 100);
	push_signed(f, "v1", signer);
	pull_ok(f, "v1", &p);
	fixture_write(f, "other", 3, 100);
	push_signed(f, "v2", signer);
	p.trust = trust;
	p.link = "current";
	wrong_ids = 1;
	out = pull_ok(f, "v2", &p);
	assert_int_equal(wrong_ids, 0);
	assert_int_equal(out.shared_bytes, 0);
	expect_shown(f, names, 3);
	p.link = "again";
	fixture_write(f, "other", 4, 100);
	push_signed(f, "v3", signer);
	out = pull_ok(f, "v3", &p);
	assert_int_equal(out.shared_bytes, 3 * MIB); /* the small one is a part of a chunk */
	/* whichever of the two local versions was looked at first */
	assert_true(is_one(f, "current/a", "again/a") || is_one(f, "first/a", "again/a"));
	mf_trust_free(trust);
	mf_signer_free(signer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_renamed, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_renamed_without_link, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_moved_inside, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_older_local_version, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_small_files, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_forgotten, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_changed_since, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_shared_blocks, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_shared_blocks_are_compared, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_no_shared_blocks, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_hard_links, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_hard_links_with_trust, fixture_setup, local_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
