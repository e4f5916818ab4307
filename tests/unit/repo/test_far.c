/* What reads or deletes much: one object after the other on a local store, several at once on a far
 * one; both tell the same. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <string.h>

#include "src/repo/stats.h"
#include "src/repo/verify.h"
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
damage(struct fixture *f, const char *object)
{
	struct mf_error e = {0};

	fixture_expect_ok(mf_store_put(f->repo->store, object, "damage", 6, 0, &e), &e, "damage");
}

static struct mf_version
find(struct fixture *f, const char *version)
{
	struct mf_error e = {0};
	struct mf_version v;

	assert_int_equal(mf_version_find(f->repo, FIXTURE_MODEL, version, &v, &e), 0);
	return v;
}

static void
damage_root(struct fixture *f, const char *version)
{
	struct mf_version v = find(f, version);
	char object[MF_OBJECT_NAME_BYTES];

	snprintf(object, sizeof(object), "m/%s", v.object);
	mf_version_fini(&v);
	damage(f, object);
}

static void
damage_segment(struct fixture *f, const char *version)
{
	struct mf_version v = find(f, version);
	char object[MF_OBJECT_NAME_BYTES];

	mf_name_chunk(object, &v.root.segments[0].id, v.root.segments[0].generation);
	mf_version_fini(&v);
	damage(f, object);
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
	damage_root(f, "v3");
	damage_root(f, "v4");
	damage_root(f, "v9");
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

/* ---- others ---- */

struct telling {
	char text[1000];
};

static void
add_damage(void *arg, const struct mf_verify_damage *d)
{
	struct telling *t = arg;
	const size_t n = strlen(t->text);

	snprintf(t->text + n, sizeof(t->text) - n, "[%s %s]", d->version, d->path);
}

static int
verify(struct mf_repo *repo, struct telling *t, struct mf_error *e)
{
	const struct mf_verify_params p = {
	    .now_us = fixture_now_us(), .damage = add_damage, .arg = t};
	struct mf_verify_result out;
	const int rc = mf_verify(repo, &p, &out, e);
	const size_t n = strlen(t->text);

	snprintf(t->text + n, sizeof(t->text) - n, "%d: %u versions, %u files, %u chunks", rc,
	    (unsigned)out.versions, (unsigned)out.files, (unsigned)out.chunks);
	return rc;
}

static int
count(struct mf_repo *repo, struct telling *t, struct mf_error *e)
{
	struct mf_stats out;
	const int rc = mf_stats_collect(repo, &out, e);

	if (rc == 0)
		snprintf(t->text, sizeof(t->text), "%u versions, %u chunks, %u bytes",
		    (unsigned)out.versions, (unsigned)out.chunks, (unsigned)out.unique_bytes);
	return rc;
}

static int
prune(struct mf_repo *repo, struct telling *t, struct mf_error *e)
{
	const struct mf_prune_params p = {
	    .keep_last = 7, .dry_run = true, .now_us = fixture_now_us()};
	struct mf_prune_result out;
	const int rc = mf_prune(repo, &p, &out, e);

	snprintf(t->text, sizeof(t->text), "%d: %u forgotten, %u objects", rc,
	    (unsigned)out.versions_forgotten, (unsigned)out.objects_deleted);
	return rc;
}

static const struct act {
	const char *name;
	int (*act)(struct mf_repo *repo, struct telling *t, struct mf_error *e);
	const char *reads; /* what there is one of for each version */
} acts[] = {
    {"verify", verify, "c/"},
    {"stats", count, "c/"},
    {"prune, roots", prune, "m/"},
    {"prune, segments", prune, "c/"},
};

/* Returns what it does; at most so many are read at once. */
static int
try_act(struct fixture *f, const struct act *act, unsigned at_once, struct telling *t)
{
	struct mf_error e = {0};
	struct far_line line;
	struct mf_repo *repo;
	int rc;

	*t = (struct telling){.text = ""};
	far_line_init(&line, MF_OP_GET, act->reads, at_once);
	repo = fixture_open(f, far_line_step, &line, NULL);
	rc = act->act(repo, t, &e);
	if (line.most != at_once)
		fail_msg("%s reads %u at once, not %u", act->name, line.most, at_once);
	if (rc != 0 && e.code != MF_EDAMAGED)
		fail_msg("%s: %s", act->name, e.message);
	mf_repo_close(repo);
	far_line_fini(&line);
	return rc;
}

static void
compare_acts(struct fixture *f, int rc)
{
	struct telling near, far;
	size_t i;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		mf_memory_set_far(f->world, false);
		assert_int_equal(try_act(f, &acts[i], 1, &near), rc);
		mf_memory_set_far(f->world, true);
		assert_int_equal(try_act(f, &acts[i], AT_ONCE, &far), rc);
		assert_string_equal(near.text, far.text);
	}
}

static void
test_same(void **state)
{
	struct fixture *f = *state;

	push_versions(f);
	compare_acts(f, 0);
	damage_segment(f, "v3");
	damage_segment(f, "v8");
	compare_acts(f, -1);
}

static void
test_deletes(void **state)
{
	const unsigned at_once = 8;
	struct fixture *f = *state, near;
	struct mf_prune_result out, want;
	struct mf_error e = {0};
	struct far_line line;
	struct mf_repo *repo;
	char name[16];
	unsigned i;

	push_versions(f);
	for (i = 0; i < VERSIONS / 2; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		fixture_forget(f, name);
	}
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_clone(f, &near);
	want = fixture_prune(&near, 0);
	assert_int_equal(want.manifests_deleted, VERSIONS / 2);
	assert_true(want.objects_deleted >= VERSIONS);

	mf_memory_set_far(f->world, true);
	far_line_init(&line, MF_OP_DEL, "c/", at_once);
	repo = fixture_open(f, far_line_step, &line, NULL);
	fixture_expect_ok(fixture_try_prune(repo, 0, &out, &e), &e, "prune");
	assert_true(line.most >= at_once);
	assert_memory_equal(&out, &want, sizeof(out));
	assert_int_equal(fixture_check_versions(f), VERSIONS / 2);
	assert_int_equal(mf_memory_objects(f->world), mf_memory_objects(near.world));
	mf_repo_close(repo);
	far_line_fini(&line);
	fixture_fini(&near);
}

static void
count_forgotten(void *arg, const char *model, const char *version)
{
	assert_string_equal(model, FIXTURE_MODEL);
	assert_string_not_equal(version, "v2");
	++*(unsigned *)arg;
}

/* The keep rules, several versions at a time. */
static void
test_forgets(void **state)
{
	struct fixture *f = *state, near;
	unsigned told = 0;
	struct mf_prune_params p = {.keep_last = 3, .forgotten = count_forgotten, .arg = &told};
	struct mf_prune_result out, want;
	struct mf_error e = {0};
	struct far_line line;
	struct mf_repo *repo;

	push_versions(f);
	fixture_set_ref(f, "production", "v2");
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_clone(f, &near);
	p.now_us = fixture_now_us();
	fixture_expect_ok(mf_prune(near.repo, &p, &want, &e), &e, "prune");
	assert_int_equal(want.versions_forgotten, VERSIONS - 4);
	assert_int_equal(told, VERSIONS - 4);

	mf_memory_set_far(f->world, true);
	far_line_init(&line, MF_OP_DEL, "v/", AT_ONCE);
	repo = fixture_open(f, far_line_step, &line, NULL);
	fixture_expect_ok(mf_prune(repo, &p, &out, &e), &e, "prune");
	assert_int_equal(line.most, AT_ONCE);
	assert_int_equal(told, 2 * (VERSIONS - 4));
	assert_memory_equal(&out, &want, sizeof(out));
	assert_int_equal(fixture_check_versions(f), 4);
	assert_true(fixture_is_listed(f, "v2"));
	mf_repo_close(repo);
	far_line_fini(&line);
	fixture_fini(&near);
}

static bool
is_interrupted(void)
{
	return true;
}

static void
test_interrupted(void **state)
{
	const struct mf_prune_params p = {
	    .keep_last = 3, .now_us = fixture_now_us(), .interrupted = is_interrupted};
	struct fixture *f = *state;
	struct mf_prune_result out;
	unsigned far;

	push_versions(f);
	for (far = 0; far < 2; far++) {
		struct mf_error e = {0};

		mf_memory_set_far(f->world, far == 1);
		assert_int_equal(mf_prune(f->repo, &p, &out, &e), -1);
		assert_int_equal(e.code, MF_EINTERRUPTED);
		assert_int_equal(out.versions_forgotten, 0);
		assert_int_equal(fixture_check_versions(f), VERSIONS);
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
	    TEST(test_same),
	    TEST(test_deletes),
	    TEST(test_forgets),
	    TEST(test_interrupted),
	};

	return cmocka_run_group_tests_name("much of a far store at once", tests, NULL, NULL);
}
