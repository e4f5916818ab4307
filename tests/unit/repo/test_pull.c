/* Pull: what a killed one left is used only as far as it is right. */
#include "tests/unit/repo/pull_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/keep.h"
#include "src/repo/repo_int.h"
#include "transfers/fault.h"

static int chunks_left; /* until interrupted() says so */

static bool
interrupted(void)
{
	return chunks_left-- <= 0;
}

/* A pull that stops after n chunks; path gets its staging directory. */
static void
stop_after(struct fixture *f, const char *version, int n, char path[512])
{
	struct mf_pull_params p = {.link = "current", .interrupted = interrupted};
	struct mf_pull_result out;
	struct mf_error e = {0};
	struct dirent *x;
	char dir[512];
	DIR *d;

	chunks_left = n;
	assert_int_equal(try_pull(f, version, &p, &out, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	path[0] = '\0';
	d = opendir(local_path(f, ".modelferry/staging", dir));
	assert_non_null(d);
	while ((x = readdir(d)) != NULL)
		if (x->d_name[0] != '.')
			snprintf(path, 512, "%.200s/%.250s", dir, x->d_name);
	closedir(d);
	assert_true(path[0] != '\0');
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[800];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* A chunk that two files hold is right in one of them and not yet written in the other. */
static void
test_resume_fills_every_place(void **state)
{
	static const char *const names[] = {"a", "b", "z"};
	struct fixture *f = *state;
	char staging[512], path[800];

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "b", 1, 3 * MIB);
	fixture_write(f, "z", 2, 3 * MIB);
	fixture_push(f, "v1");
	stop_after(f, "v1", 1, staging);
	snprintf(path, sizeof(path), "%s/b", staging);
	assert_int_equal(truncate(path, 0), 0);
	pull_ok(f, "v1", NULL);
	expect_shown(f, names, 3);
}

/* Whatever else lies in the staging directory is not shown, and nothing is written through it. */
static void
test_resume_clears_strangers(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct fixture *f = *state;
	char staging[512], path[800], outside[512];
	struct mf_buf b = MF_BUF_INIT;
	struct stat before, after;

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "b", 2, 3 * MIB);
	fixture_push(f, "v1");
	stop_after(f, "v1", 1, staging);
	write_file(staging, "stranger", "who are you");
	snprintf(path, sizeof(path), "%s/directory", staging);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file(path, "inner", "and you");
	local_path(f, "", outside);
	write_file(outside, "outside", "precious");
	local_path(f, "outside", outside);
	snprintf(path, sizeof(path), "%s/a", staging);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(outside, path), 0);
	snprintf(path, sizeof(path), "%s/b", staging);
	unlink(path);
	assert_int_equal(link(outside, path), 0);
	assert_int_equal(stat(outside, &before), 0);
	pull_ok(f, "v1", NULL);
	expect_shown(f, names, 2);
	assert_int_equal(stat(outside, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_nlink, 1);
	local_read(local_path(f, "", path), "outside", &b);
	assert_int_equal(b.len, strlen("precious"));
	assert_memory_equal(b.data, "precious", b.len);
	mf_buf_fini(&b);
}

/* Killed after the modes were set, by a user whom they bind. */
static void
test_resume_of_read_only_files(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct mf_pull_params p = {.link = "current", .chmod_mask = 07777, .chmod_set = 0444};
	struct fixture *f = *state;
	char staging[512], path[800], root[512];
	const bool privileged = geteuid() == 0;

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "b", 2, 3 * MIB);
	fixture_push(f, "v1");
	snprintf(root, sizeof(root), "%s-local", f->dir);
	assert_int_equal(mkdir(root, 0755), 0);
	if (privileged) {
		assert_int_equal(chown(root, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	stop_after(f, "v1", 1, staging);
	snprintf(path, sizeof(path), "%s/a", staging);
	assert_int_equal(chmod(path, 0444), 0);
	write_file(staging, "b", "");
	snprintf(path, sizeof(path), "%s/b", staging);
	assert_int_equal(chmod(path, 0440), 0);
	pull_ok(f, "v1", &p);
	if (privileged)
		assert_int_equal(seteuid(0), 0);
	expect_shown(f, names, 2);
}

/* --chmod may take the write bits; the next pull must still be able to remove the version. */
static void
test_chmod_leaves_directories_removable(void **state)
{
	struct mf_pull_params p = {
	    .link = "current", .chmod_mask = 07777, .chmod_set = 0444, .keep_local = 1};
	struct fixture *f = *state;
	const bool privileged = geteuid() == 0;
	char path[512], *old;
	struct stat st;

	snprintf(path, sizeof(path), "%s/sub", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	fixture_write(f, "sub/a", 1, 100);
	fixture_push(f, "v1");
	fixture_write(f, "sub/a", 2, 100);
	fixture_push(f, "v2");
	snprintf(path, sizeof(path), "%s-local", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	if (privileged) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	pull_ok(f, "v1", &p);
	old = realpath(local_path(f, "current", path), NULL);
	assert_non_null(old);
	assert_int_equal(stat(local_path(f, "current/sub", path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(local_path(f, "current/sub/a", path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	fixture_advance(f, FIXTURE_HOUR_US * 24 * 365 * 10); /* local_grace_us is 0 */
	pull_ok(f, "v2", &p);
	if (privileged)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(access(old, F_OK), -1);
	free(old);
}

static bool
selects_small(void *arg, const char *path, bool is_dir)
{
	(void)arg;
	return is_dir || strcmp(path, "small") == 0;
}

/* A part of a version is not the version. */
static void
test_part_then_whole(void **state)
{
	static const char *const names[] = {"small", "large"};
	struct mf_pull_params part = {.link = "current", .selects = selects_small};
	struct mf_pull_result out;
	struct fixture *f = *state;

	fixture_write(f, "small", 1, 1000);
	fixture_write(f, "large", 2, 3 * MIB);
	fixture_push(f, "v1");
	out = pull_ok(f, "v1", &part);
	assert_int_equal(out.files, 1);
	expect_shown(f, names, 1);
	assert_true(pull_ok(f, "v1", &part).already);
	out = pull_ok(f, "v1", NULL);
	assert_false(out.already);
	expect_shown(f, names, 2);
	out = pull_ok(f, "v1", &part);
	assert_false(out.already);
	assert_int_equal(out.fetched_bytes, 0);
	expect_shown(f, names, 1);
}

/* The pull of a version that nobody wants any more, killed: its bytes do not stay for ever. */
static void
test_stale_staging_goes(void **state)
{
	struct mf_pull_params no_link = {.interrupted = interrupted};
	struct mf_pull_result out;
	struct fixture *f = *state;
	struct mf_error e = {0};
	char path[512];

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "b", 3, 3 * MIB);
	fixture_push(f, "v1");
	fixture_write(f, "a", 2, 3 * MIB);
	fixture_push(f, "v2");
	stop_after(f, "v1", 1, path);
	pull_ok(f, "v2", NULL);
	assert_int_equal(count_names(local_path(f, ".modelferry/staging", path)), 0);

	/* without a link it lies beside DIR */
	snprintf(path, sizeof(path), "%s-local/x", f->dir);
	no_link.dir = path;
	chunks_left = 1;
	assert_int_equal(try_pull(f, "v1", &no_link, &out, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	no_link.interrupted = NULL;
	pull_ok(f, "v2", &no_link);
	assert_int_equal(access(local_path(f, "x/a", path), F_OK), 0);
	assert_int_equal(count_names(local_path(f, "", path)), 3); /* .modelferry, current, x */
}

/* --local-grace counts from when the link left a version, however long it was shown. */
static void
test_grace_after_the_flip(void **state)
{
	struct mf_pull_params p = {
	    .link = "current", .keep_local = 1, .local_grace_us = FIXTURE_HOUR_US};
	const struct timespec old[2] = {{1000000, 0}, {1000000, 0}};
	struct fixture *f = *state;
	struct stat st;
	char path[512];

	fixture_write(f, "a", 1, 100);
	fixture_push(f, "v1");
	fixture_write(f, "a", 2, 100);
	fixture_push(f, "v2");
	fixture_write(f, "a", 3, 100);
	fixture_push(f, "v3");
	pull_ok(f, "v1", &p);
	assert_int_equal(utimensat(AT_FDCWD, local_path(f, "current/", path), old, 0), 0);
	assert_int_equal(stat(local_path(f, "", path), &st), 0);
	fixture_set_clock(f, (int64_t)st.st_mtim.tv_sec * 1000000 + FIXTURE_HOUR_US / 2);
	pull_ok(f, "v2", &p);
	assert_int_equal(count_names(local_path(f, ".modelferry/versions", path)), 2);
	fixture_advance(f, FIXTURE_HOUR_US);
	pull_ok(f, "v3", &p);
	assert_int_equal(count_names(local_path(f, ".modelferry/versions", path)), 2);
	fixture_advance(f, FIXTURE_HOUR_US);
	pull_ok(f, "v3", &p);
	assert_int_equal(count_names(local_path(f, ".modelferry/versions", path)), 1);
}

/* Killed between the exchange of two directories and the removal of the old one. */
static void
test_resume_after_the_exchange(void **state)
{
	struct mf_pull_params p = {.link = NULL};
	struct fixture *f = *state;
	char dir[512], from[600], to[700];
	struct dirent *x;
	DIR *d;

	fixture_write(f, "a", 1, 1000);
	fixture_write(f, "old", 2, 1000);
	fixture_push(f, "v1");
	fixture_write(f, "old", 0, 0);
	fixture_write(f, "a", 3, 3 * MIB);
	fixture_write(f, "b", 4, 3 * MIB);
	fixture_push(f, "v2");
	p.dir = local_path(f, "x", dir);
	p.interrupted = interrupted;
	chunks_left = 1;
	assert_int_equal(
	    try_pull(f, "v2", &p, &(struct mf_pull_result){0}, &(struct mf_error){0}), -1);
	/* the old version lies where the new one was staged */
	p.interrupted = NULL;
	p.dir = local_path(f, "y", from);
	pull_ok(f, "v1", &p);
	d = opendir(local_path(f, "", to));
	assert_non_null(d);
	while ((x = readdir(d)) != NULL)
		if (strncmp(x->d_name, ".x.modelferry-v2", 16) == 0)
			break;
	assert_non_null(x);
	snprintf(to, sizeof(to), "%s-local/%.200s", f->dir, x->d_name);
	closedir(d);
	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, to, &(struct mf_error){0}), 0);
	assert_int_equal(rename(from, to), 0);
	p.dir = dir;
	pull_ok(f, "v2", &p);
	assert_int_equal(access(local_path(f, "x/a", to), F_OK), 0);
	assert_int_equal(access(local_path(f, "x/old", to), F_OK), -1);
}

static unsigned
local_versions(struct fixture *f)
{
	char path[512];

	return count_names(local_path(f, ".modelferry/versions", path));
}

/* What a run may have to go back to stays, whoever pulls, until its time is over. */
static void
test_what_a_run_keeps_stays(void **state)
{
	struct mf_pull_params p = {.link = "current", .keep_local = 1};
	struct mf_version v = {0};
	struct fixture *f = *state;
	struct mf_error e = {0};
	char path[512], version[8];
	unsigned i;

	for (i = 1; i <= 4; i++) {
		fixture_write(f, "a", i, 100);
		snprintf(version, sizeof(version), "v%u", i);
		fixture_push(f, version);
	}
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v2", &v, &e), &e, "v2");
	fixture_expect_ok(mf_keep(f->repo, &v, "r1", "ops", MF_KEEP_OPEN, &e), &e, "keeping v2");
	pull_ok(f, "v1", &p);
	pull_ok(f, "v2", &p);
	assert_int_equal(local_versions(f), 1); /* nobody needs v1 */
	pull_ok(f, "v3", &p);
	pull_ok(f, "v4", &p);
	assert_int_equal(local_versions(f), 2); /* v3 went, v2 stays */
	fixture_expect_ok(mf_keep_release(f->repo, "r1", fixture_now_us() + FIXTURE_HOUR_US,
			      fixture_now_us(), &e),
	    &e, "letting go");
	pull_ok(f, "v4", &p);
	assert_int_equal(local_versions(f), 2);
	fixture_advance(f, 2 * FIXTURE_HOUR_US);
	pull_ok(f, "v4", &p);
	assert_int_equal(local_versions(f), 1);
	assert_int_equal(access(local_path(f, "current/a", path), F_OK), 0);
	mf_version_fini(&v);
}

static enum mf_fault_verdict
deny_holds(void *arg, const struct mf_fault_op *op, struct mf_error *e)
{
	(void)arg;
	if (strncmp(op->name, "h/", 2) != 0)
		return MF_FAULT_NONE;
	(void)mf_error_set(e, MF_EPERM, "%s: denied", op->name);
	return MF_FAULT_BEFORE;
}

/* The pull is well, and nothing is removed, where nobody says what runs keep. */
static void
test_unknown_keeps_all(void **state)
{
	struct mf_pull_params p = {.link = "current", .keep_local = 1};
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_store *denying;

	fixture_write(f, "a", 1, 100);
	fixture_push(f, "v1");
	fixture_write(f, "a", 2, 100);
	fixture_push(f, "v2");
	fixture_expect_ok(
	    mf_store_fault_take(f->repo->store, deny_holds, NULL, &denying, &e), &e, "faults");
	f->repo->store = denying;
	pull_ok(f, "v1", &p);
	pull_ok(f, "v2", &p);
	assert_int_equal(local_versions(f), 2);
}

/* A version that another link of the directory shows is in use. */
static void
test_other_links_count(void **state)
{
	struct mf_pull_params p = {.link = "current", .keep_local = 1}, other = {.link = "canary"};
	static const char *const names[] = {"a"};
	struct fixture *f = *state;
	char path[512];

	fixture_write(f, "a", 1, 100);
	fixture_push(f, "v1");
	pull_ok(f, "v1", &other);
	pull_ok(f, "v1", &p);
	fixture_write(f, "a", 2, 100);
	fixture_push(f, "v2");
	fixture_advance(f, FIXTURE_HOUR_US * 24 * 365 * 10);
	pull_ok(f, "v2", &p);
	expect_shown(f, names, 1);
	assert_int_equal(access(local_path(f, "canary/a", path), F_OK), 0);
}

/* Whoever is refused because of another pull leaves that one's lock alone. */
static void
test_lock_beside(void **state)
{
	struct mf_pull_params p = {.link = NULL};
	struct mf_pull_result out;
	struct fixture *f = *state;
	struct mf_error e;
	char path[512], lock[512];
	int fd, i;

	fixture_write(f, "a", 1, 100);
	fixture_push(f, "v1");
	snprintf(path, sizeof(path), "%s-local", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	p.dir = local_path(f, "x", path);
	fd = open(local_path(f, ".x.modelferry-lock", lock), O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	for (i = 0; i < 2; i++) {
		e = (struct mf_error){0};
		assert_int_equal(try_pull(f, "v1", &p, &out, &e), -1);
		assert_int_equal(e.code, MF_ECONFLICT);
	}
	close(fd);
	pull_ok(f, "v1", &p);
	assert_int_equal(access(lock, F_OK), -1);
}

static bool exchange_is_impossible;
int __real_mf_fs_exchange(int dirfd, const char *a, const char *b, struct mf_error *e);
int __wrap_mf_fs_exchange(int dirfd, const char *a, const char *b, struct mf_error *e);

int
__wrap_mf_fs_exchange(int dirfd, const char *a, const char *b, struct mf_error *e)
{
	return exchange_is_impossible ? 1 : __real_mf_fs_exchange(dirfd, a, b, e);
}

/* Refused before the first byte, and nothing is left beside. */
static void
test_no_exchange(void **state)
{
	struct mf_pull_params p = {.link = NULL};
	struct mf_pull_result out;
	struct fixture *f = *state;
	struct mf_error e = {0};
	char path[512];

	fixture_write(f, "a", 1, 3 * MIB);
	fixture_push(f, "v1");
	fixture_write(f, "a", 2, 3 * MIB);
	fixture_push(f, "v2");
	p.dir = local_path(f, "x", path);
	pull_ok(f, "v1", &p);
	exchange_is_impossible = true;
	assert_int_equal(try_pull(f, "v2", &p, &out, &e), -1);
	exchange_is_impossible = false;
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_non_null(strstr(e.hint, "--link"));
	assert_int_equal(out.fetched_bytes, 0);
	assert_int_equal(count_names(local_path(f, "", path)), 1);
}

static void
set_mode(const struct fixture *f, const char *name, mode_t mode)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(chmod(path, mode), 0);
}

static void
expect_mode(const struct fixture *f, const char *link, const char *name, mode_t mode)
{
	char path[512], below[64];
	struct stat st;

	snprintf(below, sizeof(below), "%s/%s", link, name);
	assert_int_equal(stat(local_path(f, below, path), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

/* Modes are restored, and a volume's group (fsGroup) reads everything besides. */
static void
test_modes(void **state)
{
	struct mf_pull_params p = {.link = "plain"};
	struct fixture *f = *state;
	char path[512];

	snprintf(path, sizeof(path), "%s/dir", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	fixture_write(f, "private", 1, 10);
	fixture_write(f, "tool", 2, 10);
	fixture_write(f, "dir/open", 3, 10);
	set_mode(f, "private", 0600);
	set_mode(f, "tool", 06711);
	set_mode(f, "dir/open", 0666);
	fixture_push(f, "v1");
	pull_ok(f, "v1", &p);
	expect_mode(f, "plain", "private", 0640);
	expect_mode(f, "plain", "tool", 0751);
	expect_mode(f, "plain", "dir", 0750);
	expect_mode(f, "plain", "dir/open", 0666);
	expect_mode(f, "plain", ".", 0755);
}

static void
test_no_perms(void **state)
{
	struct mf_pull_params p = {.link = "current", .no_perms = true};
	struct fixture *f = *state;
	char path[512];

	snprintf(path, sizeof(path), "%s/dir", f->dir);
	assert_int_equal(mkdir(path, 0777), 0);
	fixture_write(f, "dir/open", 1, 10);
	set_mode(f, "dir/open", 0777);
	fixture_push(f, "v1");
	pull_ok(f, "v1", &p);
	expect_mode(f, "current", "dir", 0750);
	expect_mode(f, "current", "dir/open", 0640);
}

static void
test_chmod(void **state)
{
	struct mf_pull_params p = {.link = "current", .chmod_mask = 07777, .chmod_set = 0604};
	struct fixture *f = *state;
	char path[512];

	snprintf(path, sizeof(path), "%s/dir", f->dir);
	assert_int_equal(mkdir(path, 0777), 0);
	fixture_write(f, "dir/open", 1, 10);
	set_mode(f, "dir/open", 0777);
	fixture_push(f, "v1");
	pull_ok(f, "v1", &p);
	expect_mode(f, "current", "dir", 0705);
	expect_mode(f, "current", "dir/open", 0604);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_resume_fills_every_place, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_resume_clears_strangers, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_resume_of_read_only_files, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_chmod_leaves_directories_removable, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_part_then_whole, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_stale_staging_goes, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_grace_after_the_flip, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_resume_after_the_exchange, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(
		test_what_a_run_keeps_stays, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_unknown_keeps_all, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_other_links_count, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_lock_beside, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_no_exchange, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_modes, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_no_perms, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_chmod, fixture_setup, local_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
