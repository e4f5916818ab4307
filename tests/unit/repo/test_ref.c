/* Refs: moves, clashes, history, the way back, and older records put back. */
#include "tests/unit/repo/repo_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/state/state.h"

static void
push_versions(struct fixture *f, int n)
{
	char version[8];
	int i;

	for (i = 1; i <= n; i++) {
		fixture_write(f, "a.bin", (unsigned)i, 2000);
		snprintf(version, sizeof(version), "v%d", i);
		fixture_push(f, version);
		fixture_advance(f, 1000000);
	}
}

static void
expect_at(struct fixture *f, const char *name, const char *want)
{
	struct mf_error e = {0};
	struct mf_version v;
	char spec[100];

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", name);
	if (want == NULL) {
		assert_int_equal(mf_version_resolve(f->repo, spec, &v, &e), -1);
		assert_int_equal(e.code, MF_ENOTFOUND);
		return;
	}
	fixture_expect_ok(mf_version_resolve(f->repo, spec, &v, &e), &e, spec);
	assert_string_equal(v.root.version, want);
	mf_version_fini(&v);
}

static int
try_set(struct fixture *f, const char *ref, const char *version, const char *expect,
    struct mf_error *e)
{
	struct mf_version v;
	struct mf_ref_move move = {.name = ref, .to = &v, .expect = expect, .by = "test",
	    .now_us = fixture_now_us()};
	char spec[100];
	int rc;

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(f->repo, spec, &v, e), e, spec);
	rc = mf_ref_set(f->repo, &move, NULL, e);
	mf_version_fini(&v);
	return rc;
}

static int
try_rollback(struct fixture *f, const char *to, struct mf_error *e)
{
	struct mf_rollback p = {.model = FIXTURE_MODEL, .to = to, .reason = "test", .by = "test",
	    .now_us = fixture_now_us()};
	char *from, *at;
	int rc = mf_ref_rollback(f->repo, &p, &from, &at, e);

	free(from);
	free(at);
	return rc;
}

static void
test_set_and_list(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_refs refs;

	push_versions(f, 2);
	fixture_set_ref(f, "production", "v1");
	fixture_set_ref(f, "production", "v2");
	fixture_set_ref(f, "candidate", "v1");
	expect_at(f, "production", "v2");
	expect_at(f, "candidate", "v1");
	expect_at(f, "previous", "v1");
	expect_at(f, "nowhere", NULL);
	fixture_expect_ok(mf_ref_list(f->repo, FIXTURE_MODEL, &refs, &e), &e, "list");
	assert_int_equal(refs.n, 3);
	mf_refs_fini(&refs);
	fixture_expect_ok(mf_ref_history(f->repo, FIXTURE_MODEL, "production", &refs, &e), &e,
	    "history");
	assert_int_equal(refs.n, 2);
	assert_string_equal(refs.items[0].version, "v1");
	assert_int_equal(refs.items[1].sequence, 2);
	mf_refs_fini(&refs);
}

static void
test_expect(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};

	push_versions(f, 2);
	assert_int_equal(try_set(f, "production", "v1", "v2", &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	fixture_expect_ok(try_set(f, "production", "v1", "", &e), &e, "from nothing");
	assert_int_equal(try_set(f, "production", "v2", "", &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	fixture_expect_ok(try_set(f, "production", "v2", "v1", &e), &e, "from v1");
	expect_at(f, "production", "v2");
}

static void
test_clash(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};

	push_versions(f, 2);
	assert_int_equal(try_set(f, "v2", "v1", NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(try_set(f, "previous", "v1", NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(try_set(f, "-x", "v1", NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

static void
test_previous(void **state)
{
	struct fixture *f = *state;

	push_versions(f, 4);
	expect_at(f, "previous", NULL);
	fixture_set_ref(f, "production", "v1");
	expect_at(f, "previous", NULL);
	fixture_set_ref(f, "production", "v2");
	fixture_set_ref(f, "production", "v2"); /* the same again changes nothing */
	expect_at(f, "previous", "v1");
	fixture_set_ref(f, "production", "v3");
	expect_at(f, "previous", "v2");
	fixture_forget(f, "v2");
	expect_at(f, "previous", "v1");
}

static void
test_two_rollbacks(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};

	push_versions(f, 3);
	fixture_set_ref(f, "production", "v1");
	fixture_set_ref(f, "production", "v2");
	fixture_set_ref(f, "production", "v3");
	fixture_advance(f, 1000000);
	fixture_expect_ok(try_rollback(f, NULL, &e), &e, "first");
	expect_at(f, "production", "v2");
	fixture_advance(f, 1000000);
	fixture_expect_ok(try_rollback(f, NULL, &e), &e, "second");
	expect_at(f, "production", "v1");
	assert_int_equal(try_rollback(f, NULL, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	expect_at(f, "production", "v1");
}

static void
test_rejected_is_no_target(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};

	push_versions(f, 2);
	fixture_set_ref(f, "production", "v1");
	fixture_set_ref(f, "production", "v2");
	fixture_expect_ok(try_rollback(f, NULL, &e), &e, "rollback");
	expect_at(f, "previous", NULL);
	assert_int_equal(try_rollback(f, "v2", &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	expect_at(f, "production", "v1");
}

/* Two writers at once: one of them is told. */
static int
move_meanwhile(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct fixture *f = *(struct fixture **)arg;

	(void)e;
	if (op == MF_OP_PUT && strncmp(name, "r/", 2) == 0 && f != NULL) {
		*(struct fixture **)arg = NULL;
		fixture_set_ref(f, "production", "v2");
	}
	return 0;
}

static void
test_race(void **state)
{
	struct fixture *f = *state, *once = NULL, other;
	struct mf_error e = {0};

	push_versions(f, 2);
	fixture_set_ref(f, "production", "v1");
	other = *f;
	other.repo = fixture_open(f, move_meanwhile, &once, NULL);
	once = f;
	assert_int_equal(try_set(&other, "production", "v1", NULL, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	expect_at(f, "production", "v2");
	mf_repo_close(other.repo);
}

static int
delete_all(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct fixture *f = arg;
	struct mf_error e = {0};

	(void)size;
	(void)mtime_us;
	/* sequence 2 and later: the store of an hour ago */
	if (strtoull(strrchr(name, '/') + 1, NULL, 16) >= 2)
		fixture_expect_ok(mf_store_del(f->repo->store, name, &e), &e, name);
	return 0;
}

/* Between a listing and the read of what it named, another process of the client moves the ref. */
struct another {
	struct fixture *f;
	struct mf_repo *other;
	bool done;
};

static int
move_by_another(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct another *m = arg;
	struct mf_ref ref;

	if (m->done || op != MF_OP_GET || strncmp(name, "r/", 2) != 0)
		return 0;
	m->done = true;
	fixture_set_ref(m->f, "production", "v1");
	fixture_expect_ok(mf_ref_get(m->other, FIXTURE_MODEL, "production", &ref, e), e, "get");
	assert_int_equal(ref.sequence % 2, 1);
	mf_ref_fini(&ref);
	return 0;
}

static void
test_moved_by_another(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/mf-test-state-XXXXXX";
	struct another m = {.f = f, .done = true};
	struct mf_error e = {0};
	struct mf_state *st;
	struct mf_repo *repo;
	struct mf_refs refs;
	struct mf_ref ref;

	assert_non_null(mkdtemp(dir));
	fixture_expect_ok(mf_state_open(dir, &st, &e), &e, "state");
	push_versions(f, 2);
	fixture_set_ref(f, "production", "v1");
	fixture_set_ref(f, "production", "v2");
	m.other = fixture_open(f, NULL, NULL, st);
	repo = fixture_open(f, move_by_another, &m, st);
	m.done = false;
	fixture_expect_ok(mf_ref_get(repo, FIXTURE_MODEL, "production", &ref, &e), &e, "get");
	assert_int_equal(ref.sequence, 2);
	mf_ref_fini(&ref);
	fixture_set_ref(f, "production", "v2");
	m.done = false;
	fixture_expect_ok(mf_ref_history(repo, FIXTURE_MODEL, "production", &refs, &e), &e, "history");
	assert_int_equal(refs.items[refs.n - 1].sequence, 4);
	mf_refs_fini(&refs);
	fixture_set_ref(f, "production", "v2");
	m.done = false;
	fixture_expect_ok(mf_ref_list(repo, FIXTURE_MODEL, &refs, &e), &e, "list");
	assert_int_equal(refs.items[0].sequence, 7); /* read again */
	mf_refs_fini(&refs);
	mf_repo_close(repo);
	mf_repo_close(m.other);
	mf_state_close(st);
	mf_fs_remove_tree(AT_FDCWD, dir, &e);
}

static void
test_older_ref_is_refused(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/mf-test-state-XXXXXX";
	struct mf_error e = {0};
	struct mf_state *st;
	struct mf_repo *repo;
	struct mf_ref ref;

	assert_non_null(mkdtemp(dir));
	fixture_expect_ok(mf_state_open(dir, &st, &e), &e, "state");
	push_versions(f, 2);
	fixture_set_ref(f, "production", "v1");
	fixture_set_ref(f, "production", "v2");
	repo = fixture_open(f, NULL, NULL, st);
	fixture_expect_ok(mf_ref_get(repo, FIXTURE_MODEL, "production", &ref, &e), &e, "get");
	assert_int_equal(ref.sequence, 2);
	mf_ref_fini(&ref);
	fixture_expect_ok(mf_store_list(f->repo->store, "r/", delete_all, f, &e), &e, "turn back");
	assert_int_equal(mf_ref_get(repo, FIXTURE_MODEL, "production", &ref, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	/* who never saw it cannot know */
	fixture_expect_ok(mf_ref_get(f->repo, FIXTURE_MODEL, "production", &ref, &e), &e, "get");
	assert_int_equal(ref.sequence, 1);
	mf_ref_fini(&ref);
	mf_repo_close(repo);
	mf_state_close(st);
	mf_fs_remove_tree(AT_FDCWD, dir, &e);
}

static void
test_forget_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_version v;

	push_versions(f, 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "v1");
	assert_int_equal(mf_version_forget(f->repo, &v, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_true(fixture_is_listed(f, "v1"));
	mf_version_fini(&v);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_set_and_list),
		TEST(test_expect),
		TEST(test_clash),
		TEST(test_previous),
		TEST(test_two_rollbacks),
		TEST(test_rejected_is_no_target),
		TEST(test_race),
		TEST(test_older_ref_is_refused),
		TEST(test_moved_by_another),
		TEST(test_forget_is_refused),
	};

	return cmocka_run_group_tests_name("ref", tests, NULL, NULL);
}
