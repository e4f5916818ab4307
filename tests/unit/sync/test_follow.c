/*
 * A directory that follows a ref of a repository in memory, on a clock of the test's own: what
 * happens meanwhile is done when its time has come, while the follower sleeps.
 */
#include "tests/unit/repo/pull_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/rekey.h"
#include "src/sync/follow.h"

#define DOWN_US 3000 /* what finding the cable out takes */
#define MINUTE UINT64_C(60000000)
#define HOUR (60 * MINUTE)
#define DAYS(n) ((n)*24 * HOUR)

struct world;

struct happening {
	uint64_t at_us;
	void (*happens)(struct world *w);
};

struct world {
	struct fixture *f;
	uint64_t now_us, end_us;
	const struct happening *next; /* ended by one without a function */
	bool down;
	bool in_pull;
	unsigned opened, looks, gets, lists, others; /* operations outside of pulls */
	unsigned same;                               /* looks that found it as it was */
	struct mf_buf said;                          /* what was told: "pull v1, shown v1, " */
	struct mf_buf kept;                          /* an object that was taken away */
	char kept_name[MF_OBJECT_NAME_BYTES];
};

static int
step(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct world *w = arg;

	if (w->down) {
		w->now_us += DOWN_US;
		return mf_error_set(e, MF_ETRANSFER, "the cable is out");
	}
	if (w->in_pull || strncmp(name, "config/", 7) == 0)
		return 0;
	if (op == MF_OP_LIST && strncmp(name, "r/", 2) == 0)
		w->lists++;
	else if (op == MF_OP_GET && strncmp(name, "r/", 2) == 0)
		w->gets++;
	else
		w->others++;
	return 0;
}

static struct mf_repo *
open_it(void *arg, struct mf_pull_params *pull, struct mf_error *e)
{
	struct world *w = arg;

	(void)pull;
	w->opened++;
	if (w->down) {
		w->now_us += DOWN_US;
		mf_error_set(e, MF_ETRANSFER, "the cable is out");
		return NULL;
	}
	return fixture_open(w->f, step, w, NULL);
}

static void
close_it(void *arg, struct mf_repo *repo)
{
	(void)arg;
	mf_repo_close(repo);
}

static int
tell(void *arg, const struct mf_follow_event *event, struct mf_error *e)
{
	struct world *w = arg;

	(void)e;
	switch (event->kind) {
	case MF_FOLLOW_PULLING:
		w->in_pull = true;
		mf_buf_printf(&w->said, "pull %s, ", event->version);
		break;
	case MF_FOLLOW_PULLED:
		w->in_pull = false;
		if (event->error == NULL)
			assert_int_equal(event->sequence, event->result->sequence);
		break;
	case MF_FOLLOW_SHOWN:
		assert_true(event->path != NULL && event->path[0] != '\0');
		mf_buf_printf(&w->said, "shown %s, ", event->version);
		break;
	case MF_FOLLOW_TROUBLE:
		if (!event->of_pull && w->down)
			assert_true(event->took_us >= DOWN_US);
		mf_buf_printf(&w->said, "%s%s %s, ", event->of_pull ? "pull " : "",
		    mf_error_row(event->error->code)->name, event->again ? "still" : "began");
		break;
	case MF_FOLLOW_SAME:
		assert_true(event->shown && event->path[0] != '\0');
		w->same++;
		break;
	case MF_FOLLOW_WELL: mf_buf_printf(&w->said, "well, "); break;
	}
	return 0;
}

static uint64_t
now(void *arg)
{
	return ((struct world *)arg)->now_us;
}

static void
sleep_us(void *arg, uint64_t us)
{
	struct world *w = arg;

	w->now_us += us;
	while (w->next->happens != NULL && w->next->at_us <= w->now_us) {
		w->next->happens(w);
		w->next++;
	}
}

static uint64_t
no_random(void *arg)
{
	return ((struct world *)arg)->now_us / 7;
}

static bool
is_over(void *arg)
{
	const struct world *w = arg;

	return w->now_us >= w->end_us;
}

static int64_t
unix_us(void *arg)
{
	(void)arg;
	return fixture_now_us();
}

/* Follow production to DIR/current for so long. */
static int
follow(struct world *w, struct fixture *f, const struct happening *list, uint64_t for_us, bool once,
    struct mf_error *e)
{
	char dir[512];
	const struct mf_follow_params p = {.pull = {.spec = FIXTURE_MODEL "@production",
					       .dir = dir,
					       .link = "current",
					       .keep_local = 99,
					       .threads = 1},
	    .interval_us = MINUTE,
	    .once = once,
	    .open = open_it,
	    .close = close_it,
	    .tell = tell,
	    .unix_us = unix_us,
	    .arg = w,
	    .waiting = {.now_us = now,
		.sleep_us = sleep_us,
		.random = no_random,
		.cancelled = is_over,
		.arg = w}};
	static const struct happening nothing = {0, NULL};
	int rc;

	snprintf(dir, sizeof dir, "%s-local", f->dir);
	*w = (struct world){.f = f, .now_us = 1000 * HOUR, .next = list != NULL ? list : &nothing};
	w->end_us = w->now_us + for_us;
	mf_error_clear(e);
	rc = mf_follow(&p, e);
	return rc;
}

static void
said(struct world *w, const char *want)
{
	assert_string_equal(mf_buf_cstr(&w->said), want);
	mf_buf_fini(&w->said);
	mf_buf_fini(&w->kept);
}

static void
push(struct fixture *f, const char *version, unsigned seed)
{
	fixture_write(f, "weights", seed, 200000 + seed);
	fixture_write(f, "labels", seed + 100, 50);
	fixture_push(f, version);
}

static void
shows_what_was_pushed_last(struct fixture *f)
{
	static const char *const names[] = {"weights", "labels"};

	expect_shown(f, names, 2);
}

/* ---- what happens ---- */

#define AT(us) (1000 * HOUR + (us))

static void
release_v2(struct world *w)
{
	push(w->f, "v2", 2);
	fixture_set_ref(w->f, "production", "v2");
}

static void
release_v3(struct world *w)
{
	push(w->f, "v3", 3);
	fixture_set_ref(w->f, "production", "v3");
}

static void
go_down(struct world *w)
{
	w->down = true;
}

static void
come_back(struct world *w)
{
	w->down = false;
}

static void
come_back_with_v2(struct world *w)
{
	come_back(w);
	release_v2(w);
}

/* Take the newest object below prefix away. */
static void
take(struct world *w, const char *prefix)
{
	struct mf_store *store = mf_repo_store(w->f->repo);
	struct mf_error e = {0};
	struct mf_names names;

	fixture_expect_ok(mf_names_list(w->f->repo, prefix, &names, &e), &e, prefix);
	assert_true(names.n > 0);
	snprintf(w->kept_name, sizeof w->kept_name, "%s", names.items[names.n - 1]);
	mf_names_fini(&names);
	mf_buf_clear(&w->kept);
	fixture_expect_ok(mf_store_get(store, w->kept_name, 0, 1 << 20, &w->kept, &e), &e, "get");
	fixture_expect_ok(mf_store_del(store, w->kept_name, &e), &e, "del");
}

static void
take_the_ref(struct world *w)
{
	take(w, "r/");
}

static void
put_it_back(struct world *w)
{
	struct mf_error e = {0};

	fixture_expect_ok(
	    mf_store_put(mf_repo_store(w->f->repo), w->kept_name, w->kept.data, w->kept.len, 0, &e),
	    &e, "put");
}

static int
drop(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	(void)size;
	(void)mtime_us;
	mf_names_add(arg, name);
	return 0;
}

static void
release_damaged_v2(struct world *w)
{
	struct mf_names old = {0}, all = {0};
	struct mf_store *store = mf_repo_store(w->f->repo);
	struct mf_error e = {0};
	size_t i;

	fixture_expect_ok(mf_store_list(store, "c/", drop, &old, &e), &e, "list");
	mf_names_sort(&old);
	release_v2(w);
	fixture_expect_ok(mf_store_list(store, "c/", drop, &all, &e), &e, "list");
	for (i = 0; i < all.n; i++)
		if (!mf_names_has(&old, all.items[i]))
			fixture_expect_ok(
			    mf_store_put(store, all.items[i], "rot", 3, 0, &e), &e, "damage");
	mf_names_fini(&old);
	mf_names_fini(&all);
}

/* By somebody else, whose handle is not the follower's. */
static void
rekey_and_release_v2(struct world *w)
{
	struct mf_error e = {0};

	fixture_expect_ok(mf_rekey(w->f->repo, fixture_now_us(), &e), &e, "rekey");
	release_v2(w);
}

/* ---- tests ---- */

static void
test_follows(void **state)
{
	static const struct happening list[] = {
	    {AT(10 * MINUTE), release_v2}, {AT(20 * MINUTE), release_v3}, {0, NULL}};
	struct fixture *f = *state;
	struct mf_error e;
	struct world w;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(follow(&w, f, list, 30 * MINUTE, false, &e), &e, "follow");
	said(&w, "pull v1, shown v1, pull v2, shown v2, pull v3, shown v3, ");
	shows_what_was_pushed_last(f);
	assert_int_equal(w.opened, 1);
}

/* A look is one listing and one object, the ref's, and nothing is written. */
static void
test_reads_the_ref_alone(void **state)
{
	struct fixture *f = *state;
	uint64_t before;
	struct mf_error e;
	struct world w;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(follow(&w, f, NULL, MINUTE, true, &e), &e, "once");
	said(&w, "pull v1, shown v1, ");
	before = mf_memory_operations(f->world);
	fixture_expect_ok(follow(&w, f, NULL, 100 * MINUTE, false, &e), &e, "follow");
	said(&w, "shown v1, ");
	assert_int_equal(w.others, 0);
	assert_int_equal(w.lists, w.gets);
	assert_true(w.lists >= 80 && w.lists <= 134);
	/* besides: the configuration's listing and itself */
	assert_int_equal(mf_memory_operations(f->world) - before, w.lists + w.gets + 2);
}

static void
test_three_days_without_the_store(void **state)
{
	static const struct happening list[] = {
	    {AT(HOUR), go_down}, {AT(HOUR + DAYS(3)), come_back_with_v2}, {0, NULL}};
	struct fixture *f = *state;
	struct mf_error e;
	struct world w;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(follow(&w, f, list, DAYS(3) + 2 * HOUR, false, &e), &e, "follow");
	said(&w, "pull v1, shown v1, transfer began, "
		 "transfer still, transfer still, transfer still, transfer still, "
		 "transfer still, transfer still, transfer still, transfer still, "
		 "transfer still, transfer still, transfer still, "
		 "well, pull v2, shown v2, ");
	shows_what_was_pushed_last(f);
	/* at least every 5 minutes, and not much more often */
	assert_true(w.opened >= 3 * 24 * 12 && w.opened < 3 * 24 * 24 + 10);
}

static void
test_down_at_the_start_and_at_the_end(void **state)
{
	static const struct happening list[] = {{AT(0), go_down}, {AT(0), come_back},
	    {AT(2 * MINUTE), go_down}, {AT(HOUR), come_back}, {AT(2 * HOUR), go_down}, {0, NULL}};
	struct fixture *f = *state;
	struct mf_error e;
	struct world w;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	assert_int_equal(follow(&w, f, list, 3 * HOUR, false, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	said(&w, "pull v1, shown v1, transfer began, well, transfer began, ");
	shows_what_was_pushed_last(f);
}

static void
test_keys_that_change(void **state)
{
	static const struct happening list[] = {{AT(10 * MINUTE), rekey_and_release_v2}, {0, NULL}};
	struct fixture *f = *state;
	struct mf_error e;
	struct world w;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(follow(&w, f, list, 20 * MINUTE, false, &e), &e, "follow");
	said(&w, "pull v1, shown v1, pull v2, shown v2, ");
	assert_int_equal(w.opened, 2);
	shows_what_was_pushed_last(f);
}

static void
test_an_older_ref_is_refused(void **state)
{
	static const struct happening list[] = {{AT(10 * MINUTE), release_v2},
	    {AT(20 * MINUTE), take_the_ref}, {AT(60 * MINUTE), put_it_back}, {0, NULL}};
	static const struct happening gone[] = {{AT(MINUTE), take_the_ref}, {0, NULL}};
	struct fixture *f = *state;
	struct mf_error e;
	struct world w;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(follow(&w, f, list, 90 * MINUTE, false, &e), &e, "follow");
	said(&w, "pull v1, shown v1, pull v2, shown v2, key began, well, ");
	shows_what_was_pushed_last(f);
	/* to the end: interrupted; and as a pull would say it */
	assert_int_equal(follow(&w, f, gone, 20 * MINUTE, false, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	said(&w, "shown v2, key began, ");
	assert_int_equal(follow(&w, f, NULL, MINUTE, true, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	said(&w, "");
	shows_what_was_pushed_last(f);
}

static void
set_again(struct world *w)
{
	fixture_set_ref(w->f, "production", "v1");
}

/* A ref that moves to where it was is no pull; but DIR remembers its sequence. */
static void
test_a_ref_set_again(void **state)
{
	static const struct happening list[] = {{AT(10 * MINUTE), set_again}, {0, NULL}};
	static const struct happening gone[] = {{AT(0), take_the_ref}, {0, NULL}};
	struct fixture *f = *state;
	struct mf_error e;
	struct world w;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(follow(&w, f, list, 20 * MINUTE, false, &e), &e, "follow");
	said(&w, "pull v1, shown v1, ");
	assert_int_equal(follow(&w, f, gone, 20 * MINUTE, false, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	said(&w, "shown v1, key began, ");
}

static void
test_a_version_that_does_not_verify(void **state)
{
	static const struct happening list[] = {
	    {AT(10 * MINUTE), release_damaged_v2}, {AT(5 * HOUR), release_v3}, {0, NULL}};
	struct fixture *f = *state;
	unsigned pulls = 0;
	struct mf_error e;
	struct world w;
	const char *at;

	push(f, "v1", 1);
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(follow(&w, f, list, 6 * HOUR, false, &e), &e, "follow");
	for (at = mf_buf_cstr(&w.said); (at = strstr(at, "pull v2, ")) != NULL; at++)
		pulls++;
	/* 1, 2, 4, ... minutes or less apart, and then an hour or less */
	assert_true(pulls >= 9 && pulls <= 17);
	assert_null(strstr(mf_buf_cstr(&w.said), "shown v2"));
	at = strstr(mf_buf_cstr(&w.said), "pull damaged began, ");
	assert_non_null(at);
	assert_null(strstr(at + strlen("pull damaged"), "damaged"));
	assert_non_null(strstr(at, "pull v3, well, shown v3, "));
	mf_buf_fini(&w.said);
	shows_what_was_pushed_last(f);
}

static void
test_a_ref_that_is_to_come(void **state)
{
	static const struct happening list[] = {{AT(10 * MINUTE), release_v2}, {0, NULL}};
	struct fixture *f = *state;
	struct mf_error e;
	struct world w;

	assert_int_equal(follow(&w, f, NULL, MINUTE, true, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	said(&w, "");
	fixture_expect_ok(follow(&w, f, list, 20 * MINUTE, false, &e), &e, "follow");
	said(&w, "not-found began, well, pull v2, shown v2, ");
	shows_what_was_pushed_last(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, local_teardown)
	    TEST(test_follows),
	    TEST(test_reads_the_ref_alone),
	    TEST(test_three_days_without_the_store),
	    TEST(test_down_at_the_start_and_at_the_end),
	    TEST(test_keys_that_change),
	    TEST(test_an_older_ref_is_refused),
	    TEST(test_a_ref_set_again),
	    TEST(test_a_version_that_does_not_verify),
	    TEST(test_a_ref_that_is_to_come),
	};

	return cmocka_run_group_tests_name("a directory that follows a ref", tests, NULL, NULL);
}
