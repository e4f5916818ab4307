/* A rekey, whole and cut off, and what prune --reseal does after it. */
#include "tests/unit/repo/repo_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "src/base/fs.h"
#include "src/repo/condemned_int.h"
#include "src/repo/rekey.h"
#include "src/repo/rekey_int.h"

static void
push_and_point(struct fixture *f)
{
	fixture_write(f, "a.bin", 1, 5000);
	fixture_push(f, "v1");
	fixture_write(f, "a.bin", 2, 5000);
	fixture_push(f, "v2");
	fixture_set_ref(f, "production", "v1");
	fixture_set_ref(f, "production", "v2");
	fixture_advance(f, FIXTURE_HOUR_US);
}

static void
annotate(struct fixture *f)
{
	struct mf_annotation a = {.rejected = 1, .reason = "slow", .by = "test"};
	struct mf_error e = {0};
	struct mf_version v;

	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "v1");
	fixture_expect_ok(mf_version_annotate(f->repo, &v, &a, fixture_now_us(), &e), &e,
	    "annotate");
	mf_version_fini(&v);
}

static void
expect_epoch(struct fixture *f, const char *prefix, int64_t epoch)
{
	struct mf_names names;
	struct mf_error e = {0};
	size_t i;

	fixture_expect_ok(mf_names_list(f->repo, prefix, &names, &e), &e, prefix);
	for (i = 0; i < names.n; i++)
		assert_int_equal(mf_rekey_epoch(f->repo, names.items[i], &e), epoch);
	mf_names_fini(&names);
}

static void
check_rekeyed(struct fixture *f, int64_t epoch)
{
	struct mf_error e = {0};
	struct mf_version v;

	assert_int_equal(mf_config_epoch(f->repo->config), epoch);
	assert_int_equal(mf_config_floor(f->repo->config), epoch);
	expect_epoch(f, "m/", epoch);
	expect_epoch(f, "r/", epoch);
	expect_epoch(f, "a/", epoch);
	expect_epoch(f, "x/", epoch);
	assert_int_equal(fixture_check_versions(f), 2);
	assert_int_equal(fixture_count(f, "v/"), 2);
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@production", &v, &e), &e,
	    "production");
	assert_string_equal(v.root.version, "v2");
	mf_version_fini(&v);
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "v1");
	assert_true(v.rejected);
	mf_version_fini(&v);
}

static void
reopen(struct fixture *f)
{
	mf_repo_close(f->repo);
	f->repo = fixture_open(f, NULL, NULL, NULL);
}

static void
test_rekey(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};

	push_and_point(f);
	annotate(f);
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	check_rekeyed(f, 2);
	reopen(f);
	check_rekeyed(f, 2);
	assert_int_equal(fixture_count(f, "m/"), 2);
	/* the segments of the old epoch are second generations now: those go, not the new ones */
	fixture_advance(f, FIXTURE_HOUR_US);
	assert_int_equal(fixture_prune(f, 0).objects_deleted, 2);
	check_rekeyed(f, 2);
	/* and what is there is found again */
	assert_true(fixture_push(f, "v3").unchanged);
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	reopen(f);
	check_rekeyed(f, 3);
}

static void
test_reseal(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_params p = {.reseal = true, .now_us = fixture_now_us()};
	struct mf_prune_result out;
	struct mf_error e = {0};

	push_and_point(f);
	annotate(f);
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	fixture_advance(f, FIXTURE_HOUR_US);
	p.dry_run = true;
	fixture_expect_ok(mf_prune(f->repo, &p, &out, &e), &e, "dry run");
	assert_int_equal(out.resealed, 2);
	p.dry_run = false;
	fixture_expect_ok(mf_prune(f->repo, &p, &out, &e), &e, "reseal");
	assert_int_equal(out.resealed, 2);
	expect_epoch(f, "c/", 2);
	assert_int_equal(fixture_count(f, "c/"), 4);
	check_rekeyed(f, 2);
	fixture_expect_ok(mf_prune(f->repo, &p, &out, &e), &e, "reseal");
	assert_int_equal(out.resealed, 0);
	assert_int_equal(out.objects_deleted, 0);
}

/* A push that opened the repository before the rekey makes no version that nobody can read. */
static void
test_push_under_old_keys(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *old;

	push_and_point(f);
	annotate(f);
	old = fixture_open(f, NULL, NULL, NULL);
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	fixture_write(f, "a.bin", 3, 5000);
	assert_int_equal(fixture_try_push(old, f, "v3", &out, &e), -1);
	mf_repo_close(old);
	check_rekeyed(f, 2);
	assert_false(fixture_is_listed(f, "v3"));
}

/* A left-over list is read by every push: it must open. What it names is copied. */
static void
test_left_over_list(void **state)
{
	struct fixture *f = *state;
	char list[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_error e = {0};

	push_and_point(f);
	annotate(f);
	fixture_expect_ok(mf_names_list(f->repo, "c/", &names, &e), &e, "list");
	fixture_expect_ok(mf_condemned_put(f->repo, &names, list, &e), &e, "condemn");
	mf_names_fini(&names);
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	check_rekeyed(f, 2);
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "x/"), 0);
	assert_int_equal(fixture_count(f, "c/"), 4);
	check_rekeyed(f, 2);
}

struct stop {
	unsigned at, count;
};

static int
stop(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct stop *s = arg;

	(void)op;
	(void)name;
	if (s->at == 0 || ++s->count < s->at)
		return 0;
	return mf_error_set(e, MF_ETRANSFER, "the machine is gone");
}

/* Cut off at its k-th operation, then run again; a prune in between harms nothing. */
static void
test_cut_off(void **state)
{
	struct fixture *base = *state, f;
	struct stop s = {0, 0};
	struct mf_repo *repo;
	struct mf_prune_result ignored;
	struct mf_error e = {0};
	int rc = -1;
	unsigned k;

	push_and_point(base);
	annotate(base);
	for (k = 1; rc != 0; k++) {
		fixture_clone(base, &f);
		s = (struct stop){0, 0};
		repo = fixture_open(&f, stop, &s, NULL);
		s.at = k;
		rc = mf_rekey(repo, fixture_now_us(), &e);
		mf_repo_close(repo);
		reopen(&f);
		assert_true(fixture_check_versions(&f) >= 2);
		if (k % 2 == 0)
			fixture_try_prune(f.repo, 0, &ignored, &e);
		if (mf_config_floor(f.repo->config) != 2)
			fixture_expect_ok(mf_rekey(f.repo, fixture_now_us(), &e), &e, "again");
		reopen(&f);
		check_rekeyed(&f, 2);
		fixture_prune(&f, 0);
		check_rekeyed(&f, 2);
		assert_int_equal(fixture_count(&f, "m/"), 2);
		fixture_fini(&f);
	}
	assert_true(k > 20);
}

struct beside {
	struct fixture *f;
	unsigned at, count;
	int rc;
	struct mf_error e;
};

/* Before the k-th operation somebody else rekeys. The lock holds back the actor's other
 * threads. */
static int
rekey_at(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct beside *b = arg;

	(void)op;
	(void)name;
	(void)e;
	pthread_mutex_lock(&lock);
	if (b->at > 0 && ++b->count == b->at)
		b->rc = mf_rekey(b->f->repo, fixture_now_us(), &b->e);
	pthread_mutex_unlock(&lock);
	return 0;
}

/* A push or a prune under the old keys may fail, but loses nothing, and a push that says done
 * is listed. */
static void
check_beside(const struct fixture *base, bool push, unsigned k, bool *reached)
{
	struct mf_prune_result pruned;
	struct mf_push_result pushed;
	struct mf_error e = {0};
	struct beside b = {0};
	struct mf_repo *repo;
	struct fixture f;
	int rc;

	fixture_clone(base, &f);
	b.f = &f;
	repo = fixture_open(&f, rekey_at, &b, NULL);
	b.at = k;
	rc = push ? fixture_try_push(repo, base, "v3", &pushed, &e)
		  : fixture_try_prune(repo, 0, &pruned, &e);
	*reached = b.count >= k;
	mf_repo_close(repo);
	fixture_expect_ok(b.rc, &b.e, "rekey");
	reopen(&f);
	if (push && rc == 0)
		assert_true(fixture_is_listed(&f, "v3"));
	assert_true(fixture_check_versions(&f) >= 2);
	fixture_prune(&f, 0);
	fixture_prune(&f, 0);
	assert_true(fixture_check_versions(&f) >= 2);
	assert_int_equal(fixture_count(&f, "m/"), fixture_count(&f, "v/"));
	assert_int_equal(fixture_count(&f, "x/"), 0);
	fixture_fini(&f);
}

static void
test_beside_old_keys(void **state)
{
	struct fixture *base = *state;
	bool reached = true;
	unsigned k, push;

	push_and_point(base);
	annotate(base);
	fixture_write(base, "a.bin", 3, 5000);
	for (push = 0; push < 2; push++)
		for (k = 1, reached = true; reached; k++)
			check_beside(base, push, k, &reached);
}

/* Between the listing of configurations and the reading, another process of the client puts the
 * next one and has seen it. */
struct next_config {
	struct fixture *f;
	struct mf_state *client;
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_buf bytes; /* empty once it is put */
};

static uint64_t
sequence_of(const char *config)
{
	return strtoull(config + strlen("config/"), NULL, 16);
}

static int
put_next(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct next_config *next = arg;
	struct mf_store *store = next->f->repo->store;
	const struct mf_buf bytes = next->bytes;

	if (op != MF_OP_GET || strncmp(name, "config/", 7) != 0 || bytes.len == 0)
		return 0;
	next->bytes.len = 0;
	fixture_expect_ok(mf_store_put(store, next->name, bytes.data, bytes.len, 0, e), e, "put");
	fixture_expect_ok(mf_state_raise(next->client, mf_repo_id_hex(next->f->repo),
			      MF_STATE_KEY_CONFIG, sequence_of(next->name), e),
	    e, "raise");
	return 0;
}

/* The one configuration that there is. */
static void
keep_config(struct next_config *c)
{
	struct mf_store *store = c->f->repo->store;
	struct mf_error e = {0};
	struct mf_names names;

	fixture_expect_ok(mf_names_list(c->f->repo, "config/", &names, &e), &e, "names");
	assert_int_equal(names.n, 1);
	snprintf(c->name, sizeof(c->name), "%s", names.items[0]);
	mf_names_fini(&names);
	fixture_expect_ok(
	    mf_store_get(store, c->name, 0, MF_CONFIG_MAX_BYTES, &c->bytes, &e), &e, c->name);
}

static void
test_opened_beside_a_rekey(void **state)
{
	struct fixture *f = *state;
	struct next_config next = {.f = f}, first = {.f = f};
	char dir[] = "/tmp/mf-test-state-XXXXXX";
	struct mf_store *store = f->repo->store;
	struct mf_error e = {0};
	struct mf_repo *repo;

	assert_non_null(mkdtemp(dir));
	fixture_expect_ok(mf_state_open(dir, &next.client, &e), &e, "state");
	keep_config(&first);
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	keep_config(&next);
	/* the store as it was before it */
	fixture_expect_ok(mf_store_del(store, next.name, &e), &e, "del");
	fixture_expect_ok(
	    mf_store_put(store, first.name, first.bytes.data, first.bytes.len, 0, &e), &e, "put");
	repo = fixture_open(f, put_next, &next, next.client);
	assert_int_equal(mf_config_sequence(mf_repo_config(repo)), sequence_of(next.name));
	mf_repo_close(repo);
	mf_state_close(next.client);
	mf_buf_fini(&next.bytes);
	mf_buf_fini(&first.bytes);
	mf_fs_remove_tree(AT_FDCWD, dir, &e);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_rekey),
	    TEST(test_reseal),
	    TEST(test_push_under_old_keys),
	    TEST(test_left_over_list),
	    TEST(test_cut_off),
	    TEST(test_beside_old_keys),
	    TEST(test_opened_beside_a_rekey),
	};

	return cmocka_run_group_tests_name("rekey", tests, NULL, NULL);
}
