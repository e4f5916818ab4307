/* Versions whose manifest or segment is damaged: named, forgotten by their name, and pruned. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/condemned_int.h"
#include "src/repo/hold_int.h"

/* v1, v2 and v3 have a file of their own each. */
static void
push_three(struct fixture *f)
{
	char version[8];
	unsigned i;

	for (i = 1; i <= 3; i++) {
		fixture_write(f, "own.bin", i, 1500000);
		snprintf(version, sizeof(version), "v%u", i);
		fixture_push(f, version);
		fixture_advance(f, FIXTURE_HOUR_US);
	}
}

static void
spec_of(const char *version, char out[MF_VERSION_SPEC_BYTES])
{
	snprintf(out, MF_VERSION_SPEC_BYTES, FIXTURE_MODEL "@%s", version);
}

static void
damage(struct fixture *f, const char *object)
{
	struct mf_error e = {0};

	fixture_expect_ok(mf_store_put(f->repo->store, object, "damage", 6, 0, &e), &e, "damage");
}

/* Break the root of a version; object gets its name, "m/...". */
static void
damage_root(struct fixture *f, const char *version, char object[MF_OBJECT_NAME_BYTES])
{
	char spec[MF_VERSION_SPEC_BYTES];
	struct mf_error e = {0};
	struct mf_version v;

	spec_of(version, spec);
	fixture_expect_ok(mf_version_resolve(f->repo, spec, &v, &e), &e, spec);
	snprintf(object, MF_OBJECT_NAME_BYTES, "m/%s", v.object);
	mf_version_fini(&v);
	damage(f, object);
}

static void
expect_hint(const struct mf_error *e, const char *want)
{
	if (strstr(e->hint, want) == NULL)
		fail_msg("hint \"%s\" does not hold \"%s\"", e->hint, want);
}

static void
expect_message(const struct mf_error *e, const char *want)
{
	if (strstr(e->message, want) == NULL)
		fail_msg("message \"%s\" does not hold \"%s\"", e->message, want);
}

/* The prune's message says which version it is and what to type; typed, it helps. */
static void
test_prune_names_it(void **state)
{
	struct fixture *f = *state;
	char object[MF_OBJECT_NAME_BYTES];
	struct mf_forgotten forgotten;
	struct mf_prune_result out;
	struct mf_error e = {0};
	size_t chunks;

	push_three(f);
	chunks = fixture_count(f, "c/");
	damage_root(f, "v2", object);
	assert_int_equal(fixture_try_prune(f->repo, 0, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	expect_message(&e, FIXTURE_MODEL "@v2 cannot be read in full, so no chunk was deleted");
	expect_hint(&e, "`modelferry forget --damaged " FIXTURE_MODEL "@v2`");
	assert_int_equal(fixture_count(f, "c/"), chunks);

	mf_error_clear(&e);
	fixture_expect_ok(
	    mf_version_forget_damaged(f->repo, FIXTURE_MODEL "@v2", &forgotten, &e), &e, "forget");
	assert_true(forgotten.was_damaged);
	assert_true(forgotten.reason[0] != '\0');
	assert_string_equal(forgotten.name, FIXTURE_MODEL "@v2");
	assert_int_equal(fixture_count(f, "x/"), 0);
	out = fixture_prune(f, 0);
	assert_int_equal(out.manifests_deleted, 1);
	assert_int_equal(fixture_check_versions(f), 2);
	assert_true(fixture_count(f, "c/") < chunks);
}

/* Younger than the grace it still blocks, and the message says so. */
static void
test_grace(void **state)
{
	struct fixture *f = *state;
	char object[MF_OBJECT_NAME_BYTES];
	struct mf_forgotten forgotten;
	struct mf_prune_result out;
	struct mf_error e = {0};

	push_three(f);
	damage_root(f, "v2", object);
	fixture_expect_ok(
	    mf_version_forget_damaged(f->repo, FIXTURE_MODEL "@v2", &forgotten, &e), &e, "forget");
	assert_int_equal(fixture_try_prune(f->repo, 9 * FIXTURE_HOUR_US, &out, &e), -1);
	expect_hint(&e, "--grace");
	fixture_advance(f, 10 * FIXTURE_HOUR_US);
	assert_int_equal(fixture_prune(f, 9 * FIXTURE_HOUR_US).manifests_deleted, 1);
}

static void
test_other_commands_say_it_too(void **state)
{
	struct mf_prune_params p = {.keep_last = 1, .now_us = fixture_now_us()};
	struct fixture *f = *state;
	char object[MF_OBJECT_NAME_BYTES];
	struct mf_prune_result out;
	struct mf_version v;
	struct mf_error e = {0};

	push_three(f);
	damage_root(f, "v1", object);
	assert_int_equal(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	expect_hint(&e, "`modelferry forget --damaged " FIXTURE_MODEL "@v1`");
	mf_error_clear(&e);
	/* with keep rules nothing is forgotten while one cannot be read */
	assert_int_equal(mf_prune(f->repo, &p, &out, &e), -1);
	expect_hint(&e, "`modelferry forget --damaged " FIXTURE_MODEL "@v1`");
	assert_int_equal(out.versions_forgotten, 0);
	assert_int_equal(fixture_count(f, "v/"), 3);
}

/* A name that only an old position of a ref tells: the last version has no child. */
static void
test_named_by_a_ref(void **state)
{
	struct fixture *f = *state;
	char object[MF_OBJECT_NAME_BYTES];
	struct mf_prune_result out;
	struct mf_error e = {0};

	push_three(f);
	fixture_set_ref(f, "candidate", "v3");
	fixture_set_ref(f, "candidate", "v1");
	damage_root(f, "v3", object);
	assert_int_equal(fixture_try_prune(f->repo, 0, &out, &e), -1);
	expect_message(&e, FIXTURE_MODEL "@v3 ");
}

/* Nothing names it: the object's name does. */
static void
test_by_object(void **state)
{
	struct fixture *f = *state;
	char object[MF_OBJECT_NAME_BYTES], healthy[MF_OBJECT_NAME_BYTES], want[300];
	struct mf_forgotten forgotten;
	struct mf_prune_result out;
	struct mf_version v;
	struct mf_error e = {0};

	push_three(f);
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "v1");
	snprintf(healthy, sizeof(healthy), "m/%s", v.object);
	mf_version_fini(&v);
	damage_root(f, "v3", object);
	assert_int_equal(fixture_try_prune(f->repo, 0, &out, &e), -1);
	snprintf(want, sizeof(want), "`modelferry forget --damaged %s`", object);
	expect_hint(&e, want);

	assert_int_equal(mf_version_forget_damaged(f->repo, healthy, &forgotten, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	expect_hint(&e, "modelferry forget " FIXTURE_MODEL "@v1");
	assert_true(fixture_count(f, "v/") == 3);
	mf_error_clear(&e);
	fixture_expect_ok(mf_version_forget_damaged(f->repo, object, &forgotten, &e), &e, "forget");
	assert_true(forgotten.was_damaged);
	fixture_prune(f, 0);
	assert_int_equal(fixture_check_versions(f), 2);
	assert_int_equal(mf_version_forget_damaged(f->repo, object, &forgotten, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
}

/* A condemned list that nobody can read stops everybody, until somebody says that it may go. */
static void
test_damaged_list(void **state)
{
	struct fixture *f = *state;
	char list[MF_OBJECT_NAME_BYTES], nobody[] = "c/00/none", *items[] = {nobody}, want[300];
	struct mf_names names = {.items = items, .n = 1};
	struct mf_forgotten forgotten;
	struct mf_prune_result out;
	struct mf_push_result pushed;
	struct mf_error e = {0};

	push_three(f);
	fixture_expect_ok(mf_condemned_put(f->repo, &names, list, &e), &e, "list");
	assert_int_equal(mf_version_forget_damaged(f->repo, list, &forgotten, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(fixture_count(f, "x/"), 1);
	damage(f, list);
	mf_error_clear(&e);
	assert_int_equal(fixture_try_prune(f->repo, 0, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	snprintf(want, sizeof(want), "`modelferry forget --damaged %s`", list);
	expect_hint(&e, want);
	fixture_write(f, "own.bin", 4, 1500000);
	mf_error_clear(&e);
	assert_int_equal(fixture_try_push(f->repo, f, "v4", &pushed, &e), -1);
	expect_hint(&e, want);

	mf_error_clear(&e);
	fixture_expect_ok(mf_version_forget_damaged(f->repo, list, &forgotten, &e), &e, "forget");
	assert_true(forgotten.was_damaged && forgotten.is_obstacle);
	assert_true(forgotten.reason[0] != '\0');
	assert_int_equal(fixture_count(f, "x/"), 0);
	fixture_push(f, "v4");
	fixture_prune(f, 0);
	assert_int_equal(fixture_check_versions(f), 4);
	assert_int_equal(mf_version_forget_damaged(f->repo, list, &forgotten, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
}

/* So does a hold, for those who would forget its version. */
static void
test_damaged_hold(void **state)
{
	struct fixture *f = *state;
	char spec[MF_VERSION_SPEC_BYTES], hold[MF_OBJECT_NAME_BYTES], want[300];
	char model[] = FIXTURE_MODEL, name[] = "production", version[] = "v2", by[] = "nobody";
	struct mf_ref ref = {
	    .model = model, .name = name, .version = version, .by = by, .sequence = 1};
	struct mf_forgotten forgotten;
	struct mf_error e = {0};
	struct mf_version v;

	push_three(f);
	spec_of("v2", spec);
	fixture_expect_ok(mf_version_resolve(f->repo, spec, &v, &e), &e, spec);
	memcpy(ref.digest, v.digest, sizeof(ref.digest));
	fixture_expect_ok(mf_hold_put(f->repo, &ref, hold, &e), &e, "hold");
	assert_int_equal(mf_version_forget_damaged(f->repo, hold, &forgotten, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	damage(f, hold);
	mf_error_clear(&e);
	assert_int_equal(mf_version_forget(f->repo, &v, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	snprintf(want, sizeof(want), "`modelferry forget --damaged %s`", hold);
	expect_hint(&e, want);
	mf_error_clear(&e);
	fixture_expect_ok(mf_version_forget_damaged(f->repo, hold, &forgotten, &e), &e, "hold");
	fixture_expect_ok(mf_version_forget(f->repo, &v, &e), &e, "forget");
	mf_version_fini(&v);
	fixture_prune(f, 0);
	assert_int_equal(fixture_check_versions(f), 2);
}

static void
test_refused_where_a_ref_points(void **state)
{
	struct fixture *f = *state;
	char object[MF_OBJECT_NAME_BYTES];
	struct mf_forgotten forgotten;
	struct mf_error e = {0};

	push_three(f);
	fixture_set_ref(f, "production", "v2");
	damage_root(f, "v2", object);
	assert_int_equal(
	    mf_version_forget_damaged(f->repo, FIXTURE_MODEL "@v2", &forgotten, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	expect_hint(&e, "modelferry ref " FIXTURE_MODEL " production OTHER");
	mf_error_clear(&e);
	assert_int_equal(mf_version_forget_damaged(f->repo, object, &forgotten, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_int_equal(fixture_count(f, "v/"), 3);
	assert_int_equal(fixture_count(f, "x/"), 0);
	/* away from it, although the history still has it */
	fixture_set_ref(f, "production", "v3");
	mf_error_clear(&e);
	fixture_expect_ok(
	    mf_version_forget_damaged(f->repo, FIXTURE_MODEL "@v2", &forgotten, &e), &e, "forget");
	fixture_prune(f, 0);
	assert_int_equal(fixture_check_versions(f), 2);
}

/* A healthy version of that name goes as with a plain forget; none is MF_ENOTFOUND. */
static void
test_healthy_or_absent(void **state)
{
	struct fixture *f = *state;
	struct mf_forgotten forgotten;
	struct mf_error e = {0};

	push_three(f);
	fixture_expect_ok(
	    mf_version_forget_damaged(f->repo, FIXTURE_MODEL "@v2", &forgotten, &e), &e, "forget");
	assert_false(forgotten.was_damaged);
	assert_false(fixture_is_listed(f, "v2"));
	assert_int_equal(
	    mf_version_forget_damaged(f->repo, FIXTURE_MODEL "@v2", &forgotten, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	assert_int_equal(mf_version_forget_damaged(f->repo, FIXTURE_MODEL, &forgotten, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

static int
fail_roots(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	(void)arg;
	if (op != MF_OP_GET || strncmp(name, "m/", 2) != 0)
		return 0;
	return mf_error_set(e, MF_ETRANSFER, "the store is ill");
}

static void
test_ill_store_is_no_damage(void **state)
{
	struct fixture *f = *state;
	struct mf_forgotten forgotten;
	struct mf_error e = {0};
	struct mf_repo *repo;

	push_three(f);
	repo = fixture_open(f, fail_roots, NULL, NULL);
	assert_int_equal(mf_version_forget_damaged(repo, FIXTURE_MODEL "@v2", &forgotten, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	mf_repo_close(repo);
	assert_true(fixture_is_listed(f, "v2"));
}

/* The root can be read, a segment cannot: named by the root, forgotten as ever. */
static void
test_damaged_segment(void **state)
{
	struct fixture *f = *state;
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_prune_result out;
	struct mf_version v;
	struct mf_error e = {0};

	push_three(f);
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v3", &v, &e), &e, "v3");
	mf_name_chunk(name, &v.root.segments[0].id, v.root.segments[0].generation);
	mf_version_fini(&v);
	damage(f, name);
	assert_int_equal(fixture_try_prune(f->repo, 0, &out, &e), -1);
	expect_message(&e, FIXTURE_MODEL "@v3 cannot be read in full, so no chunk was deleted");
	expect_hint(&e, "`modelferry forget " FIXTURE_MODEL "@v3`");
	expect_hint(&e, "verify --repair-from DIR " FIXTURE_MODEL "@v3`");
	fixture_forget(f, "v3");
	fixture_prune(f, 0);
	assert_int_equal(fixture_check_versions(f), 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_prune_names_it),
	    TEST(test_grace),
	    TEST(test_other_commands_say_it_too),
	    TEST(test_named_by_a_ref),
	    TEST(test_by_object),
	    TEST(test_damaged_list), TEST(test_damaged_hold),
	    TEST(test_refused_where_a_ref_points),
	    TEST(test_healthy_or_absent),
	    TEST(test_ill_store_is_no_damage),
	    TEST(test_damaged_segment),
	};

	return cmocka_run_group_tests_name("forget", tests, NULL, NULL);
}
