/* What prune deletes, and what it does not. */
#include "tests/unit/repo/repo_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/repo/condemned_int.h"
#include "src/repo/rekey.h"

/* v1 and v2 share a file and have one each. */
static void
push_two(struct fixture *f)
{
	fixture_write(f, "shared.bin", 1, 3000000);
	fixture_write(f, "own.bin", 2, 2500000);
	fixture_push(f, "v1");
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_write(f, "own.bin", 3, 2500000);
	fixture_push(f, "v2");
	fixture_advance(f, FIXTURE_HOUR_US);
}

static void
test_nothing_to_do(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_result out;
	size_t objects;

	push_two(f);
	objects = mf_memory_objects(f->world);
	out = fixture_prune(f, 0);
	assert_int_equal(out.objects_deleted, 0);
	assert_int_equal(out.objects_kept, fixture_count(f, "c/"));
	assert_int_equal(mf_memory_objects(f->world), objects);
	assert_int_equal(fixture_check_versions(f), 2);
}

static void
test_forgotten_version_goes(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_result out;
	size_t chunks;

	push_two(f);
	chunks = fixture_count(f, "c/");
	fixture_forget(f, "v1");
	out = fixture_prune(f, 0);
	assert_int_equal(out.manifests_deleted, 1);
	assert_true(out.objects_deleted > 1);
	assert_true(out.bytes_deleted > 2000000);
	assert_int_equal(fixture_count(f, "c/"), chunks - (out.objects_deleted - 1));
	assert_int_equal(fixture_count(f, "m/"), 1);
	assert_int_equal(fixture_count(f, "x/"), 0);
	assert_int_equal(fixture_check_versions(f), 1);
	assert_int_equal(fixture_prune(f, 0).objects_deleted, 0);
}

static void
test_everything_goes(void **state)
{
	struct fixture *f = *state;

	push_two(f);
	fixture_forget(f, "v1");
	fixture_forget(f, "v2");
	fixture_prune(f, 0);
	assert_int_equal(mf_memory_objects(f->world), fixture_count(f, "config/"));
}

static void
test_dry_run(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_params p = {.dry_run = true, .keep_last = 1, .now_us = fixture_now_us()};
	struct mf_prune_result dry, real;
	struct mf_error e = {0};
	size_t objects;

	push_two(f);
	objects = mf_memory_objects(f->world);
	fixture_expect_ok(mf_prune(f->repo, &p, &dry, &e), &e, "dry run");
	assert_int_equal(mf_memory_objects(f->world), objects);
	assert_int_equal(dry.versions_forgotten, 1);
	p.dry_run = false;
	fixture_expect_ok(mf_prune(f->repo, &p, &real, &e), &e, "prune");
	assert_int_equal(real.versions_forgotten, 1);
	assert_int_equal(dry.manifests_deleted, real.manifests_deleted);
	assert_int_equal(dry.objects_deleted, real.objects_deleted);
	assert_int_equal(dry.bytes_deleted, real.bytes_deleted);
	assert_int_equal(dry.objects_kept, real.objects_kept);
	assert_int_equal(fixture_check_versions(f), 1);
}

static void
test_grace(void **state)
{
	struct fixture *f = *state;

	push_two(f);
	fixture_forget(f, "v1");
	fixture_forget(f, "v2");
	/* v1's manifest is 2 h old, v2's 1 h */
	assert_int_equal(fixture_prune(f, 3 * FIXTURE_HOUR_US).objects_deleted, 0);
	assert_int_equal(fixture_prune(f, FIXTURE_HOUR_US * 3 / 2).manifests_deleted, 1);
	assert_int_equal(fixture_count(f, "m/"), 1);
	assert_int_equal(fixture_prune(f, FIXTURE_HOUR_US).manifests_deleted, 1);
	assert_int_equal(fixture_count(f, "c/"), 0);
}

struct dropped {
	char names[400];
};

static void
note_forgotten(void *arg, const char *model, const char *version)
{
	struct dropped *d = arg;
	size_t n = strlen(d->names);

	assert_string_equal(model, FIXTURE_MODEL);
	snprintf(d->names + n, sizeof(d->names) - n, "%s ", version);
}

/* What these rules would forget, newest first. */
static void
expect_dropped(struct fixture *f, struct mf_prune_params p, const char *want)
{
	struct dropped d = {""};
	struct mf_prune_result out;
	struct mf_error e = {0};

	p.dry_run = true;
	p.now_us = fixture_now_us();
	p.forgotten = note_forgotten;
	p.arg = &d;
	fixture_expect_ok(mf_prune(f->repo, &p, &out, &e), &e, "prune");
	assert_string_equal(d.names, want);
}

static void
tag(struct fixture *f, const char *version, const char *key, const char *value)
{
	struct mf_tag pair = {(char *)(uintptr_t)key, (char *)(uintptr_t)value};
	struct mf_annotation a = {.tags = &pair, .n_tags = 1};
	struct mf_error e = {0};
	struct mf_version v;
	char spec[100];

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(f->repo, spec, &v, &e), &e, spec);
	fixture_expect_ok(mf_version_annotate(f->repo, &v, &a, fixture_now_us(), &e), &e, "tag");
	mf_version_fini(&v);
}

static void
test_keep_rules(void **state)
{
	static const char *const golden[] = {"golden"}, *const stage[] = {"stage=prod"},
	    *const other[] = {"stage=dev", "gold"};
	struct fixture *f = *state;
	char version[8];
	int i;

	for (i = 1; i <= 6; i++) { /* v1 is 6 h old, v6 1 h */
		fixture_write(f, "a.bin", (unsigned)i, 1000);
		snprintf(version, sizeof(version), "v%d", i);
		fixture_push(f, version);
		fixture_advance(f, FIXTURE_HOUR_US);
	}
	tag(f, "v2", "golden", "yes");
	tag(f, "v3", "stage", "prod");
	expect_dropped(f, (struct mf_prune_params){0}, "");
	expect_dropped(f, (struct mf_prune_params){.keep_last = 4}, "v2 v1 ");
	expect_dropped(f, (struct mf_prune_params){.keep_within_us = FIXTURE_HOUR_US * 5 / 2},
	    "v4 v3 v2 v1 ");
	expect_dropped(f, (struct mf_prune_params){.keep_last = 4,
			      .keep_within_us = FIXTURE_HOUR_US * 3 / 2}, "v2 v1 ");
	expect_dropped(f, (struct mf_prune_params){.keep_last = 2, .keep_tags = golden,
			      .n_keep_tags = 1}, "v4 v3 v1 ");
	expect_dropped(f, (struct mf_prune_params){.keep_tags = stage, .n_keep_tags = 1},
	    "v6 v5 v4 v2 v1 ");
	expect_dropped(f, (struct mf_prune_params){.keep_tags = other, .n_keep_tags = 2},
	    "v6 v5 v4 v3 v2 v1 ");
	fixture_set_ref(f, "production", "v1");
	fixture_set_ref(f, "production", "v4");
	fixture_set_ref(f, "candidate", "v5");
	/* v1 is `previous` */
	expect_dropped(f, (struct mf_prune_params){.keep_last = 1}, "v3 v2 ");
}

static void
test_refs_protect(void **state)
{
	struct mf_prune_params p = {.keep_within_us = 1};
	struct fixture *f = *state;
	struct mf_prune_result out;
	struct mf_error e = {0};

	push_two(f);
	fixture_set_ref(f, "production", "v1");
	p.now_us = fixture_now_us();
	fixture_expect_ok(mf_prune(f->repo, &p, &out, &e), &e, "prune");
	assert_int_equal(out.versions_forgotten, 1);
	assert_true(fixture_is_listed(f, "v1"));
	assert_false(fixture_is_listed(f, "v2"));
	assert_int_equal(fixture_check_versions(f), 1);
}

/* Names of all objects with a prefix, put on a list that nobody's run stands behind. */
static void
leave_list(struct fixture *f, const char *prefix)
{
	char list[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_error e = {0};

	fixture_expect_ok(mf_names_list(f->repo, prefix, &names, &e), &e, "list");
	fixture_expect_ok(mf_condemned_put(f->repo, &names, list, &e), &e, "condemn");
	mf_names_fini(&names);
}

static void
test_left_over_list(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_result out;
	size_t chunks;

	push_two(f);
	chunks = fixture_count(f, "c/");
	leave_list(f, "c/");
	fixture_advance(f, FIXTURE_HOUR_US);
	/* within the grace its run may still be alive */
	fixture_prune(f, 2 * FIXTURE_HOUR_US);
	assert_int_equal(fixture_count(f, "x/"), 1);
	/* all is needed and burned: copied, then the burned names go, then the list */
	out = fixture_prune(f, 0);
	assert_int_equal(out.objects_deleted, chunks);
	assert_int_equal(fixture_count(f, "c/"), chunks);
	assert_int_equal(fixture_count(f, "x/"), 0);
	assert_int_equal(fixture_check_versions(f), 2);
}

static void
test_left_over_list_of_manifests(void **state)
{
	struct fixture *f = *state;

	push_two(f);
	leave_list(f, "m/");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "x/"), 1); /* marked: they stay, and so does the list */
	assert_int_equal(fixture_check_versions(f), 2);
	fixture_forget(f, "v1");
	fixture_forget(f, "v2");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "x/"), 0);
	assert_int_equal(fixture_count(f, "m/"), 0);
}

/* Of a forget that was cut off: before it deleted the mark, and after. */
static void
test_left_over_list_of_a_forget(void **state)
{
	struct fixture *f = *state;

	push_two(f);
	leave_list(f, "v/");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "v/"), 2);
	assert_int_equal(fixture_count(f, "x/"), 1); /* its owner may wake up and go on */
	fixture_forget(f, "v1");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "x/"), 1);
	fixture_forget(f, "v2");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "x/"), 0);
}

static char *
first_of(struct fixture *f, const char *prefix, size_t i)
{
	struct mf_names names;
	struct mf_error e = {0};
	char *name;

	fixture_expect_ok(mf_names_list(f->repo, prefix, &names, &e), &e, "list");
	assert_true(i < names.n);
	name = strdup(names.items[i]);
	mf_names_fini(&names);
	return name;
}

static void
test_unreadable_root_ends_run(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_result out;
	struct mf_error e = {0};
	char *root;
	size_t chunks;

	push_two(f);
	fixture_forget(f, "v1");
	root = first_of(f, "v/", 0);
	root[0] = 'm';
	fixture_expect_ok(mf_store_put(f->repo->store, root, "damage", 6, 0, &e), &e, "damage");
	chunks = fixture_count(f, "c/");
	assert_int_equal(fixture_try_prune(f->repo, 0, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_int_equal(fixture_count(f, "c/"), chunks);
	assert_int_equal(fixture_count(f, "x/"), 0);
	assert_int_equal(fixture_count(f, "m/"), 1); /* the forgotten one can go */
	free(root);
}

/* A segment that is missing names nothing: its chunks must stay. */
static void
test_missing_segment_ends_run(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_result out;
	struct mf_error e = {0};
	struct mf_versions vs;
	char name[MF_OBJECT_NAME_BYTES];
	size_t chunks;

	push_two(f);
	fixture_expect_ok(mf_versions_list(f->repo, NULL, NULL, NULL, &vs, &e), &e, "list");
	mf_name_chunk(name, &vs.items[0].root.segments[0].id,
	    vs.items[0].root.segments[0].generation);
	mf_versions_fini(&vs);
	fixture_expect_ok(mf_store_del(f->repo->store, name, &e), &e, "delete");
	chunks = fixture_count(f, "c/");
	assert_int_equal(fixture_try_prune(f->repo, 0, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_int_equal(fixture_count(f, "c/"), chunks);
}

/* Of two generations of an id one goes, and it is not the one that opens. */
static void
test_second_generation(void **state)
{
	struct fixture *f = *state;
	char *name, fresh[MF_OBJECT_NAME_BYTES];
	struct mf_error e = {0};
	uint64_t generation;
	struct mf_id id;
	size_t chunks, i;

	push_two(f);
	chunks = fixture_count(f, "c/");
	for (i = 0; i < 2; i++) { /* sorts behind the good one, then before it */
		name = first_of(f, "c/", 0);
		assert_int_equal(mf_name_parse_chunk(name, &id, &generation), 0);
		mf_name_chunk(fresh, &id, i == 0 ? UINT64_MAX - 1 : 1);
		fixture_expect_ok(mf_store_put(f->repo->store, fresh, "damage", 6, 0, &e), &e,
		    "damage");
		assert_int_equal(fixture_prune(f, 0).objects_deleted, 1);
		assert_int_equal(fixture_count(f, "c/"), chunks);
		assert_int_equal(mf_store_head(f->repo->store, name, NULL, &e), 0);
		assert_int_equal(fixture_check_versions(f), 2);
		free(name);
	}
}

static void
test_trims_annotations_and_marks(void **state)
{
	struct fixture *f = *state;

	push_two(f);
	tag(f, "v1", "k", "1");
	tag(f, "v2", "k", "2");
	fixture_forget(f, "v1");
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "a/"), 1);
	assert_int_equal(fixture_count(f, "v/"), 1);
}

static void
test_trims_ref_history(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_ref ref;
	int i;

	push_two(f);
	for (i = 0; i < 110; i++)
		fixture_set_ref(f, "production", i % 2 ? "v1" : "v2");
	fixture_set_ref(f, "candidate", "v2");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "r/"), 101);
	fixture_expect_ok(mf_ref_get(f->repo, FIXTURE_MODEL, "production", &ref, &e), &e, "ref");
	assert_int_equal(ref.sequence, 110);
	mf_ref_fini(&ref);
}

/* How many threads are in operations of a kind at once. */
struct meeting {
	pthread_mutex_t lock;
	pthread_cond_t came;
	enum mf_store_op op;
	unsigned inside, most;
	long patience_ms;
};

static int
meet(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct meeting *m = arg;
	struct timespec until;

	(void)e;
	if (op != m->op || strncmp(name, "c/", 2) != 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += m->patience_ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&m->lock);
	if (++m->inside > m->most)
		m->most = m->inside;
	pthread_cond_broadcast(&m->came);
	while (m->most < 2 && pthread_cond_timedwait(&m->came, &m->lock, &until) == 0)
		;
	m->inside--;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* Prune the world on 4 threads within this budget; returns how many of them met in op. */
static unsigned
prune_on_threads(struct fixture *f, struct mf_prune_params p, enum mf_store_op op, long patience_ms,
    struct mf_prune_result *out)
{
	struct meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, op, 0, 0,
	    patience_ms};
	struct mf_repo *repo = fixture_open(f, meet, &m, NULL);
	struct mf_error e = {0};

	repo->threads = 4;
	p.now_us = fixture_now_us();
	fixture_expect_ok(mf_prune(repo, &p, out, &e), &e, "prune");
	mf_repo_close(repo);
	return m.most;
}

/* Six chunks of an older epoch. */
static void
make_old_epoch(struct fixture *f)
{
	struct mf_error e = {0};
	char name[16];
	unsigned i;

	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%u.bin", i);
		fixture_write(f, name, i, 1200000);
	}
	fixture_push(f, "v1");
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "c/"), 7);
}

static void
test_reseals_on_threads(void **state)
{
	struct mf_progress progress = {0};
	struct mf_prune_params p = {.reseal = true, .progress = &progress};
	struct fixture *f = *state;
	struct mf_prune_result out;

	make_old_epoch(f);
	assert_true(prune_on_threads(f, p, MF_OP_PUT, 5000, &out) > 1);
	assert_int_equal(out.resealed, 6);
	assert_int_equal(out.objects_deleted, 6);
	assert_int_equal(fixture_count(f, "c/"), 7);
	assert_int_equal(fixture_check_versions(f), 1);
	assert_int_equal(atomic_load(&progress.chunks_new), 6);
	assert_int_equal(atomic_load(&progress.chunks_known), 1);
	/* sealed again, then looked at before the old ones went */
	assert_true(atomic_load(&progress.bytes_total) > 12 * 1200000);
	assert_int_equal(atomic_load(&progress.bytes_done), atomic_load(&progress.bytes_total));
	assert_int_equal(prune_on_threads(f, p, MF_OP_PUT, 1, &out), 0);
	assert_int_equal(out.resealed, 0);
}

/* A budget with room for one object at a time. */
static void
test_memory_bounds_threads(void **state)
{
	struct mf_prune_params p = {.reseal = true, .memory_bytes = (size_t)100 << 20};
	struct fixture *f = *state;
	struct mf_prune_result out;

	make_old_epoch(f);
	assert_int_equal(prune_on_threads(f, p, MF_OP_PUT, 100, &out), 1);
	assert_int_equal(out.resealed, 6);
	assert_int_equal(fixture_check_versions(f), 1);
}

/* Step 6, with copies. */
static void
test_copies_on_threads(void **state)
{
	struct mf_prune_params p = {.grace_us = 0};
	struct fixture *f = *state;
	struct mf_prune_result out;

	make_old_epoch(f);
	leave_list(f, "c/");
	assert_true(prune_on_threads(f, p, MF_OP_PUT, 5000, &out) > 1);
	assert_int_equal(out.objects_deleted, 7);
	assert_int_equal(fixture_count(f, "c/"), 7);
	assert_int_equal(fixture_count(f, "x/"), 0);
	assert_int_equal(fixture_check_versions(f), 1);
}

/* What opens is found among many, whichever thread looks. */
static void
test_second_generations_on_threads(void **state)
{
	struct mf_prune_params p = {.grace_us = 0};
	struct fixture *f = *state;
	struct mf_prune_result out;
	char fresh[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_error e = {0};
	uint64_t generation;
	struct mf_id id;
	size_t i;

	make_old_epoch(f);
	fixture_expect_ok(mf_names_list(f->repo, "c/", &names, &e), &e, "list");
	for (i = 0; i < names.n; i++) {
		assert_int_equal(mf_name_parse_chunk(names.items[i], &id, &generation), 0);
		mf_name_chunk(fresh, &id, i % 2);
		fixture_expect_ok(mf_store_put(f->repo->store, fresh, "damage", 6, 0, &e), &e,
		    "damage");
		mf_name_chunk(fresh, &id, UINT64_MAX - 1 - i % 2);
		fixture_expect_ok(mf_store_put(f->repo->store, fresh, "damage", 6, 0, &e), &e,
		    "damage");
	}
	mf_names_fini(&names);
	assert_true(prune_on_threads(f, p, MF_OP_GET, 5000, &out) > 1);
	assert_int_equal(out.objects_deleted, 14);
	assert_int_equal(fixture_count(f, "c/"), 7);
	assert_int_equal(fixture_check_versions(f), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_to_do),
		TEST(test_forgotten_version_goes),
		TEST(test_everything_goes),
		TEST(test_dry_run),
		TEST(test_grace),
		TEST(test_keep_rules),
		TEST(test_refs_protect),
		TEST(test_left_over_list),
		TEST(test_left_over_list_of_manifests),
		TEST(test_left_over_list_of_a_forget),
		TEST(test_unreadable_root_ends_run),
		TEST(test_missing_segment_ends_run),
		TEST(test_second_generation),
		TEST(test_reseals_on_threads),
		TEST(test_memory_bounds_threads),
		TEST(test_copies_on_threads),
		TEST(test_second_generations_on_threads),
		TEST(test_trims_annotations_and_marks),
		TEST(test_trims_ref_history),
	};

	return cmocka_run_group_tests_name("prune", tests, NULL, NULL);
}
