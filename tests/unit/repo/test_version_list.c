/* Which versions there are, read one after the other on a local store and several at once on a far
 * one: both tell the same. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/repo/far_line.h"

#define VERSIONS 12
#define AT_ONCE 4 /* by default */

/* v0, v1, ..., each with two annotations, of which the later one counts. */
static void
push_versions(struct fixture *f)
{
	struct mf_error e = {0};
	struct mf_version v;
	char name[16], value[16], key[] = "n";
	unsigned i, k;

	for (i = 0; i < VERSIONS; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		fixture_write(f, "w.bin", i + 1, 1000);
		fixture_push(f, name);
		assert_int_equal(mf_version_find(f->repo, FIXTURE_MODEL, name, &v, &e), 0);
		for (k = 1; k <= 2; k++) {
			const struct mf_tag tag = {key, value};
			const struct mf_annotation a = {.tags = &tag, .n_tags = 1};

			snprintf(value, sizeof(value), "%u", i * k);
			fixture_advance(f, 1000000);
			fixture_expect_ok(
			    mf_version_annotate(f->repo, &v, &a, fixture_now_us(), &e), &e,
			    "annotate");
		}
		mf_version_fini(&v);
		fixture_advance(f, FIXTURE_HOUR_US);
	}
}

static void
damage(struct fixture *f, const char *kind, const char *version)
{
	char object[MF_OBJECT_NAME_BYTES];
	struct mf_error e = {0};
	struct mf_version v;

	assert_int_equal(mf_version_find(f->repo, FIXTURE_MODEL, version, &v, &e), 0);
	snprintf(object, sizeof(object), "%s%s", kind, v.object);
	mf_version_fini(&v);
	fixture_expect_ok(mf_store_put(f->repo->store, object, "damage", 6, 0, &e), &e, "damage");
}

static void
expect_all(const struct mf_versions *vs)
{
	char name[16], value[16];
	unsigned i;

	assert_int_equal(vs->n, VERSIONS);
	for (i = 0; i < VERSIONS; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		snprintf(value, sizeof(value), "%u", i * 2);
		assert_string_equal(vs->items[i].root.version, name);
		assert_int_equal(vs->items[i].root.n_tags, 1);
		assert_string_equal(vs->items[i].root.tags[0].value, value);
	}
}

/* Of objects that begin so, as many were read at once. */
static void
list_at_once(struct fixture *f, const char *prefix, unsigned wanted)
{
	struct mf_error e = {0};
	struct mf_versions vs;
	struct far_line line;
	struct mf_repo *repo;

	far_line_init(&line, MF_OP_GET, prefix, wanted);
	repo = fixture_open(f, far_line_step, &line, NULL);
	fixture_expect_ok(mf_versions_list(repo, NULL, NULL, NULL, &vs, &e), &e, "versions");
	expect_all(&vs);
	assert_int_equal(line.most, wanted);
	mf_versions_fini(&vs);
	mf_repo_close(repo);
	far_line_fini(&line);
}

static void
test_at_once(void **state)
{
	struct fixture *f = *state;

	push_versions(f);
	list_at_once(f, "m/", 1);
	list_at_once(f, "a/", 1);
	mf_memory_set_far(f->world, true);
	list_at_once(f, "m/", AT_ONCE);
	list_at_once(f, "a/", AT_ONCE);
}

/* A refusal of any of them ends the list, with its reason. */
static void
test_refused(void **state)
{
	static const char *const prefixes[] = {"m/", "a/"};
	struct fixture *f = *state;
	struct mf_versions vs;
	struct far_line line;
	struct mf_repo *repo;
	size_t i;

	push_versions(f);
	mf_memory_set_far(f->world, true);
	for (i = 0; i < 2; i++) {
		struct mf_error e = {0};

		far_line_init(&line, MF_OP_GET, prefixes[i], 1);
		repo = fixture_open(f, far_line_step, &line, NULL);
		line.fail_at = 5;
		assert_int_equal(
		    mf_versions_list(repo, NULL, NULL, NULL, &vs, &e), i == 0 ? -1 : 0);
		if (i == 0)
			assert_int_equal(e.code, MF_EPERM);
		else
			expect_all(&vs); /* what could not be read ahead was read again */
		mf_versions_fini(&vs);
		mf_repo_close(repo);
		far_line_fini(&line);
	}
}

struct told {
	char first[MF_OBJECT_NAME_BYTES];
	unsigned n;
};

static void
tell(void *arg, const struct mf_version *v, const char *object, const struct mf_error *why)
{
	struct told *t = arg;

	assert_null(v);
	assert_int_equal(why->code, MF_EDAMAGED);
	if (t->n++ == 0)
		snprintf(t->first, sizeof(t->first), "%s", object);
}

/* Damaged roots end the list, or are told in the order of their names; one whose root is gone is no
 * version. */
static void
test_damaged(void **state)
{
	struct fixture *f = *state;
	struct mf_versions vs;
	char first[MF_OBJECT_NAME_BYTES] = "";
	unsigned far;

	push_versions(f);
	damage(f, "m/", "v3");
	damage(f, "m/", "v4");
	damage(f, "m/", "v9");
	fixture_forget(f, "v5");
	for (far = 0; far < 2; far++) {
		struct mf_error e = {0};
		struct told told = {.n = 0};

		mf_memory_set_far(f->world, far == 1);
		assert_int_equal(mf_versions_list(f->repo, FIXTURE_MODEL, NULL, NULL, &vs, &e), -1);
		assert_int_equal(e.code, MF_EDAMAGED);
		assert_int_equal(vs.n, 0);
		mf_error_clear(&e);
		fixture_expect_ok(
		    mf_versions_list(f->repo, FIXTURE_MODEL, tell, &told, &vs, &e), &e, "versions");
		assert_int_equal(vs.n, VERSIONS - 4);
		assert_string_equal(vs.items[3].root.version, "v6");
		assert_int_equal(told.n, 3);
		if (far == 0)
			memcpy(first, told.first, sizeof(first));
		assert_string_equal(told.first, first);
		mf_versions_fini(&vs);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_at_once),
	    TEST(test_refused),
	    TEST(test_damaged),
	};

	return cmocka_run_group_tests_name("lists of versions", tests, NULL, NULL);
}
