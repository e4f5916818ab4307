/* Pins: first use stores, later change is refused, sequences only grow, also when many
 * processes raise at once and some are killed. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/fs.h"
#include "src/state/state.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define URL "file:///srv/models"

struct fixture {
	char dir[64];
	char state[96];
};

static int
setup(void **arg)
{
	static struct fixture f;

	snprintf(f.dir, sizeof f.dir, "/tmp/mf-test-state-XXXXXX");
	if (mkdtemp(f.dir) == NULL)
		return -1;
	snprintf(f.state, sizeof f.state, "%s/a/b", f.dir);
	*arg = &f;
	return 0;
}

static int
teardown(void **arg)
{
	struct fixture *f = *arg;

	return mf_fs_remove_tree(AT_FDCWD, f->dir, NULL);
}

static struct mf_state *
open_state(const char *dir)
{
	struct mf_error e = {0};
	struct mf_state *s = NULL;

	if (mf_state_open(dir, &s, &e) != 0)
		fail_msg("%s", e.message);
	return s;
}

static void
test_pin_is_kept(void **arg)
{
	struct fixture *f = *arg;
	struct mf_state *s = open_state(f->state);
	struct mf_error e = {0};
	char id[MF_STATE_ID_DIGITS + 1];

	assert_int_equal(mf_state_pinned_repo(s, URL, id, &e), 1);
	assert_string_equal(id, "");
	assert_int_equal(mf_state_pin_repo(s, URL, ID_A, &e), 0);
	assert_int_equal(mf_state_pin_repo(s, URL, ID_A, &e), 0);
	mf_state_close(s);

	s = open_state(f->state);
	assert_int_equal(mf_state_pinned_repo(s, URL, id, &e), 0);
	assert_string_equal(id, ID_A);
	assert_int_equal(mf_state_pin_repo(s, URL, ID_B, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, URL));
	assert_non_null(strstr(e.message, ID_A));
	assert_non_null(strstr(e.hint, "--repo-id"));
	assert_int_equal(mf_state_pin_repo(s, "file:///other", ID_B, &e), 0);
	mf_state_close(s);
}

static void
test_sequences_only_grow(void **arg)
{
	struct fixture *f = *arg;
	struct mf_state *s = open_state(f->state);
	struct mf_error e = {0};
	uint64_t n = 7;

	assert_int_equal(mf_state_seen(s, ID_A, MF_STATE_KEY_CONFIG, &n, &e), 1);
	assert_int_equal(n, 0);
	assert_int_equal(mf_state_raise(s, ID_A, MF_STATE_KEY_CONFIG, 5, &e), 0);
	assert_int_equal(mf_state_raise(s, ID_A, MF_STATE_KEY_CONFIG, 3, &e), 0);
	assert_int_equal(mf_state_seen(s, ID_A, MF_STATE_KEY_CONFIG, &n, &e), 0);
	assert_int_equal(n, 5);
	assert_int_equal(mf_state_raise(s, ID_A, MF_STATE_KEY_CONFIG, INT64_MAX, &e), 0);
	assert_int_equal(mf_state_seen(s, ID_A, MF_STATE_KEY_CONFIG, &n, &e), 0);
	assert_int_equal(n, INT64_MAX);
	assert_int_equal(mf_state_raise(s, ID_A, MF_STATE_KEY_CONFIG, UINT64_MAX, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	/* apart by repository and by key */
	assert_int_equal(mf_state_seen(s, ID_B, MF_STATE_KEY_CONFIG, &n, &e), 1);
	assert_int_equal(mf_state_seen(s, ID_A, "churn/production", &n, &e), 1);
	assert_int_equal(mf_state_raise(s, ID_A, "churn/production", 0, &e), 0);
	assert_int_equal(mf_state_seen(s, ID_A, "churn/production", &n, &e), 0);
	mf_state_close(s);
}

static void
test_facts(void **arg)
{
	struct fixture *f = *arg;
	struct mf_state *s = open_state(f->state);
	struct mf_error e = {0};
	uint64_t n = 7;

	assert_int_equal(mf_state_fact(s, "https://a models", "conditional", &n, &e), 1);
	assert_int_equal(n, 0);
	assert_int_equal(mf_state_set_fact(s, "https://a models", "conditional", 1, &e), 0);
	mf_state_close(s);

	s = open_state(f->state);
	assert_int_equal(mf_state_fact(s, "https://a models", "conditional", &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(mf_state_fact(s, "https://b models", "conditional", &n, &e), 1);
	assert_int_equal(mf_state_fact(s, "https://a models", "else", &n, &e), 1);
	assert_int_equal(mf_state_set_fact(s, "https://a models", "conditional", 0, &e), 0);
	assert_int_equal(mf_state_fact(s, "https://a models", "conditional", &n, &e), 0);
	assert_int_equal(n, 0);
	mf_state_close(s);
}

static void
test_modes(void **arg)
{
	struct fixture *f = *arg;
	mode_t old = umask(0);
	struct stat st;
	char path[128];

	mf_state_close(open_state(f->state));
	umask(old);
	assert_int_equal(stat(f->state, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof path, "%s/state.db", f->state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
refused(const char *dir, enum mf_code code)
{
	struct mf_error e = {0};
	struct mf_state *s = NULL;

	assert_int_equal(mf_state_open(dir, &s, &e), -1);
	assert_null(s);
	if (code != MF_OK)
		assert_int_equal(e.code, code);
	assert_non_null(strstr(e.hint, "--state-dir"));
}

static void
test_no_home(void **arg)
{
	struct fixture *f = *arg;
	struct mf_error e = {0};
	char path[128], *dir;

	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	refused(NULL, MF_EUSAGE);
	setenv("HOME", "relative", 1);
	refused(NULL, MF_EUSAGE);
	setenv("HOME", f->dir, 1);
	mf_state_close(open_state(NULL));
	snprintf(path, sizeof path, "%s/.local/state/modelferry/state.db", f->dir);
	assert_int_equal(access(path, F_OK), 0);
	setenv("XDG_STATE_HOME", "/x", 1);
	dir = mf_state_default_dir(&e);
	assert_string_equal(dir, "/x/modelferry");
	free(dir);
	unsetenv("XDG_STATE_HOME");
}

static void
test_unwritable(void **arg)
{
	struct fixture *f = *arg;
	char path[160];

	refused("/proc/nowhere", MF_OK); /* nobody, root included, can make it */
	snprintf(path, sizeof path, "%s/file", f->dir);
	assert_int_equal(mf_fs_replace(AT_FDCWD, path, "x", 1, 0600, NULL), 0);
	refused(path, MF_OK);
	if (geteuid() == 0)
		return;
	snprintf(path, sizeof path, "%s/ro", f->dir);
	assert_int_equal(mkdir(path, 0500), 0);
	refused(path, MF_EPERM);
}

static void
test_damaged_is_an_error(void **arg)
{
	struct fixture *f = *arg;
	struct mf_error e = {0};
	char path[128], junk[4096];

	mf_state_close(open_state(f->state));
	snprintf(path, sizeof path, "%s/state.db", f->state);
	memset(junk, 'j', sizeof junk);
	assert_int_equal(mf_fs_replace(AT_FDCWD, path, junk, sizeof junk, 0600, &e), 0);
	refused(f->state, MF_EFAIL);
}

/* Raise the key in steps and tell the parent of each that has returned. */
static void
raise_for_ever(const char *dir, unsigned first, int fd)
{
	struct mf_state *s = NULL;
	uint64_t n;

	if (mf_state_open(dir, &s, NULL) != 0)
		_exit(1);
	for (n = first;; n += 2)
		if (mf_state_raise(s, ID_A, "m/r", n, NULL) != 0 ||
		    write(fd, &n, sizeof n) != sizeof n)
			_exit(1);
}

static void
test_killed_side_by_side(void **arg)
{
	struct fixture *f = *arg;
	struct mf_state *s;
	uint64_t n, seen = 0, told = 0;
	int round, i, fd[2], status;
	pid_t pid[2];

	for (round = 0; round < 8; round++) {
		assert_int_equal(pipe(fd), 0);
		for (i = 0; i < 2; i++) {
			pid[i] = fork();
			assert_int_not_equal(pid[i], -1);
			if (pid[i] == 0)
				raise_for_ever(f->state, (unsigned)told + 1 + (unsigned)i, fd[1]);
		}
		close(fd[1]);
		for (i = 0; i < 5 + round && read(fd[0], &n, sizeof n) == sizeof n; i++)
			told = n > told ? n : told;
		for (i = 0; i < 2; i++)
			kill(pid[i], SIGKILL);
		for (i = 0; i < 2; i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			assert_true(WIFSIGNALED(status));
		}
		while (read(fd[0], &n, sizeof n) == sizeof n)
			told = n > told ? n : told;
		close(fd[0]);
		s = open_state(f->state);
		assert_int_equal(mf_state_seen(s, ID_A, "m/r", &seen, NULL), 0);
		mf_state_close(s);
		assert_true(seen >= told);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_pin_is_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sequences_only_grow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_facts, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_home, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unwritable, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damaged_is_an_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_side_by_side, setup, teardown),
	};

	return cmocka_run_group_tests_name("state/pins", tests, NULL, NULL);
}
