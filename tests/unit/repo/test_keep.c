/* What runs keep: neither a forget nor a prune takes it, on whatever machine, however the two fall
 * together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/keep.h"
#include "src/repo/rekey.h"
#include "tests/unit/repo/repo_fixture.h"

static void
push_three(struct fixture *f)
{
	char version[8];
	unsigned i;

	for (i = 1; i <= 3; i++) {
		fixture_write(f, "own.bin", i, 15000);
		snprintf(version, sizeof version, "v%u", i);
		fixture_push(f, version);
		fixture_advance(f, FIXTURE_HOUR_US);
	}
}

static struct mf_version
version_of(struct mf_repo *repo, const char *spec)
{
	struct mf_error e = {0};
	struct mf_version v;

	fixture_expect_ok(mf_version_resolve(repo, spec, &v, &e), &e, spec);
	return v;
}

static int
keep(struct mf_repo *repo, const char *spec, const char *run, struct mf_error *e)
{
	struct mf_version v = version_of(repo, spec);
	int rc = mf_keep(repo, &v, run, "ops", MF_KEEP_OPEN, e);

	mf_version_fini(&v);
	return rc;
}

static int
forget(struct mf_repo *repo, const char *spec, struct mf_error *e)
{
	struct mf_version v = version_of(repo, spec);
	int rc = mf_version_forget(repo, &v, e);

	mf_version_fini(&v);
	return rc;
}

static struct mf_prune_result
prune_rules(struct fixture *f, struct mf_repo *repo, bool dry_run)
{
	struct mf_prune_params p = {.keep_last = 1, .now_us = fixture_now_us(), .dry_run = dry_run};
	struct mf_prune_result out;
	struct mf_error e = {0};

	(void)f;
	fixture_expect_ok(mf_prune(repo, &p, &out, &e), &e, "pruning");
	return out;
}

static int
count(void *arg, const struct mf_keep *k)
{
	(void)k;
	++*(int *)arg;
	return 0;
}

static int
kept(struct mf_repo *repo, const char *run)
{
	struct mf_error e = {0};
	int n = 0;

	fixture_expect_ok(mf_keep_each(repo, NULL, run, count, &n, &e), &e, "reading");
	return n;
}

static void
test_forget_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mf_repo *other;
	struct mf_error e = {0};

	push_three(f);
	fixture_expect_ok(keep(f->repo, FIXTURE_MODEL "@v1", "r1", &e), &e, "keeping");
	fixture_expect_ok(keep(f->repo, FIXTURE_MODEL "@v1", "r1", &e), &e, "keeping twice");
	assert_int_equal(kept(f->repo, "r1"), 1);
	other = fixture_open(f, NULL, NULL, NULL); /* another machine, which knows of no run */
	assert_int_equal(forget(other, FIXTURE_MODEL "@v1", &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_non_null(strstr(e.message, "kept by the run r1, which has not ended"));
	assert_true(fixture_is_listed(f, "v1"));
	assert_int_equal(fixture_count(f, "x/"), 0); /* and no name was burned */
	/* what another run keeps is not let go with it */
	fixture_expect_ok(keep(f->repo, FIXTURE_MODEL "@v1", "r2", &e), &e, "keeping");
	fixture_expect_ok(mf_keep_release(f->repo, "r1", 0, fixture_now_us(), &e), &e, "releasing");
	assert_int_equal(kept(f->repo, NULL), 1);
	assert_int_equal(forget(other, FIXTURE_MODEL "@v1", &e), -1);
	assert_non_null(strstr(e.message, "r2"));
	fixture_expect_ok(mf_keep_release(f->repo, "r2", 0, fixture_now_us(), &e), &e, "releasing");
	mf_error_clear(&e);
	fixture_expect_ok(forget(other, FIXTURE_MODEL "@v1", &e), &e, "forgetting");
	assert_int_equal(keep(f->repo, FIXTURE_MODEL "@v2", "..", &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_repo_close(other);
}

static void
test_prune_passes_over(void **state)
{
	struct fixture *f = *state;
	struct mf_repo *other;
	struct mf_error e = {0};

	push_three(f);
	fixture_expect_ok(keep(f->repo, FIXTURE_MODEL "@v1", "r1", &e), &e, "keeping");
	other = fixture_open(f, NULL, NULL, NULL);
	assert_int_equal(prune_rules(f, other, true).versions_forgotten, 1);
	assert_int_equal(prune_rules(f, other, false).versions_forgotten, 1);
	assert_true(fixture_is_listed(f, "v1"));
	assert_false(fixture_is_listed(f, "v2"));
	assert_int_equal(fixture_check_versions(f), 2);
	/* for a while after it succeeded */
	fixture_expect_ok(mf_keep_release(f->repo, "r1", fixture_now_us() + FIXTURE_HOUR_US,
			      fixture_now_us(), &e),
	    &e, "releasing");
	assert_int_equal(kept(f->repo, "r1"), 1);
	assert_int_equal(prune_rules(f, other, false).versions_forgotten, 0);
	assert_int_equal(forget(other, FIXTURE_MODEL "@v1", &e), -1);
	assert_non_null(strstr(e.message, "kept by the run r1 until 20"));
	fixture_advance(f, FIXTURE_HOUR_US + 1);
	assert_int_equal(prune_rules(f, other, false).versions_forgotten, 1);
	assert_int_equal(kept(f->repo, NULL), 0);
	assert_int_equal(fixture_check_versions(f), 1);
	mf_repo_close(other);
}

static void
test_rekey(void **state)
{
	struct fixture *f = *state;
	struct mf_repo *other = fixture_open(f, NULL, NULL, NULL);
	struct mf_error e = {0};

	push_three(f);
	fixture_expect_ok(keep(f->repo, FIXTURE_MODEL "@v1", "r1", &e), &e, "keeping");
	fixture_expect_ok(mf_rekey(other, FIXTURE_NOW_US, &e), &e, "rekeying");
	mf_repo_close(f->repo);
	f->repo = fixture_open(f, NULL, NULL, NULL);
	assert_int_equal(kept(f->repo, "r1"), 1);
	assert_int_equal(forget(f->repo, FIXTURE_MODEL "@v1", &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_repo_close(other);
}

/* ---- a forget at each point of keeping, and the other way round ---- */

struct meeting {
	struct fixture *f;
	struct mf_version v; /* found before */
	int at, count; /* the other one acts before this operation */
	bool keeps;    /* the other one keeps; else it forgets */
	int rc;
	struct mf_error e;
};

static int
meet(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct meeting *m = arg;

	(void)op;
	(void)name;
	(void)e;
	if (++m->count != m->at)
		return 0;
	m->rc = m->keeps ? mf_keep(m->f->repo, &m->v, "r1", "ops", MF_KEEP_OPEN, &m->e)
			 : mf_version_forget(m->f->repo, &m->v, &m->e);
	return 0;
}

/* Kept and told so means listed. Returns whether the other one acted at all. */
static bool
meet_at(const struct fixture *base, int at, bool other_keeps)
{
	struct meeting m = {.at = -1, .keeps = other_keeps, .rc = 2};
	struct mf_error e = {0};
	struct mf_version v;
	struct mf_repo *repo;
	struct fixture f;
	bool kept_it;
	int rc;

	fixture_clone(base, &f);
	m.f = &f;
	m.v = version_of(f.repo, FIXTURE_MODEL "@v1");
	repo = fixture_open(&f, meet, &m, NULL);
	v = version_of(repo, FIXTURE_MODEL "@v1");
	m.count = 0;
	m.at = at;
	rc = other_keeps ? mf_version_forget(repo, &v, &e)
			 : mf_keep(repo, &v, "r1", "ops", MF_KEEP_OPEN, &e);
	kept_it = other_keeps ? m.rc == 0 : rc == 0;
	if (rc != 0)
		assert_true(e.code == MF_ECONFLICT || e.code == MF_ENOTFOUND);
	if (kept_it)
		assert_true(fixture_is_listed(&f, "v1"));
	if (m.rc != 2)
		assert_true(kept_it || !fixture_is_listed(&f, "v1") || rc != 0 || m.rc != 0);
	mf_version_fini(&v);
	mf_version_fini(&m.v);
	mf_repo_close(repo);
	fixture_fini(&f);
	return m.rc != 2;
}

static void
test_forget_beside(void **state)
{
	struct fixture *f = *state;
	int at;

	push_three(f);
	for (at = 1; meet_at(f, at, false); at++)
		assert_in_range(at, 1, 100);
	assert_true(at > 4);
	for (at = 1; meet_at(f, at, true); at++)
		assert_in_range(at, 1, 100);
	assert_true(at > 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_forget_is_refused, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(
		test_prune_passes_over, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_rekey, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_forget_beside, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
