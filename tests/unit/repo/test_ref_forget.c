/*
 * A ref moved to a version beside a forget of that version: in every order of their store
 * operations with two switches (the first does k operations, the second j, the first runs to
 * its end, then the second), and with one of them killed at every operation. Whatever happens,
 * no ref points at nothing, and what was killed stands in nobody's way for ever.
 *
 * All k are tried; of the j and the deaths every STRIDE-th, at another offset for each k: fewer
 * under a sanitizer, all with MF_TEST_EXHAUSTIVE (fixture_stride).
 */
#include "tests/unit/repo/repo_fixture.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/condemned_int.h"

#define STRIDE 4

enum kind { MOVE, FORGET };

struct duet {
	pthread_mutex_t lock;
	pthread_cond_t turned;
	int turn, phase; /* as in test_prune_push.c */
	unsigned k, j;
	bool ended[2];
};

struct player {
	struct duet *duet; /* NULL: plays alone */
	int number;
	enum kind kind;
	const char *ref; /* that is moved */
	struct mf_repo *repo;
	unsigned count, dies_at; /* from this operation on nothing is done; 0: lives */
	int rc;
	struct mf_error e;
	pthread_t thread;
};

static int
step(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct player *p = arg;
	struct duet *d = p->duet;

	(void)op;
	(void)name;
	p->count++;
	if (d != NULL) {
		pthread_mutex_lock(&d->lock);
		if (d->phase == p->number && p->count == (d->phase == 0 ? d->k : d->j)) {
			d->phase++;
			d->turn = d->ended[!p->number] ? p->number : !p->number;
			pthread_cond_broadcast(&d->turned);
		}
		while (d->turn != p->number)
			pthread_cond_wait(&d->turned, &d->lock);
		pthread_mutex_unlock(&d->lock);
	}
	if (p->dies_at != 0 && p->count >= p->dies_at)
		return mf_error_set(e, MF_ETRANSFER, "the machine is gone");
	return 0;
}

/* All of it, from finding the version on. */
static void
play(struct player *p)
{
	struct mf_version v;
	struct mf_ref_move move = {.name = p->ref, .to = &v, .by = "test",
	    .now_us = fixture_now_us()};

	p->rc = mf_version_resolve(p->repo, FIXTURE_MODEL "@v2", &v, &p->e);
	if (p->rc != 0)
		return;
	p->rc = p->kind == MOVE ? mf_ref_set(p->repo, &move, NULL, &p->e)
				: mf_version_forget(p->repo, &v, &p->e);
	mf_version_fini(&v);
}

static void *
play_in_turn(void *arg)
{
	struct player *p = arg;
	struct duet *d = p->duet;

	pthread_mutex_lock(&d->lock);
	while (d->turn != p->number)
		pthread_cond_wait(&d->turned, &d->lock);
	pthread_mutex_unlock(&d->lock);
	play(p);
	pthread_mutex_lock(&d->lock);
	d->ended[p->number] = true;
	d->turn = !p->number;
	d->phase = 2;
	pthread_cond_broadcast(&d->turned);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* Three versions, v1 in production; a list that an earlier forget of v1 left behind. */
static void
make_base(struct fixture *f, bool conditional)
{
	char mark[MF_OBJECT_NAME_BYTES], list[MF_OBJECT_NAME_BYTES], *names[] = {mark};
	struct mf_names condemned = {.items = names, .n = 1};
	struct mf_error e = {0};
	struct mf_version v;

	fixture_init(f);
	mf_memory_set_conditional(f->world, conditional);
	fixture_write(f, "a.bin", 1, 2000);
	fixture_push(f, "v1");
	fixture_advance(f, 1000000);
	fixture_write(f, "a.bin", 2, 2000);
	fixture_push(f, "v2");
	fixture_advance(f, 1000000);
	fixture_write(f, "a.bin", 3, 2000);
	fixture_push(f, "v3");
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "v1");
	snprintf(mark, sizeof(mark), "v/%s", v.object);
	fixture_expect_ok(mf_condemned_put(f->repo, &condemned, list, &e), &e, "condemn");
	mf_version_fini(&v);
}

/* Every ref points at a listed version. */
static void
check_refs(const struct fixture *f, const char *what)
{
	char spec[100];
	struct mf_version v;
	struct mf_refs refs;
	struct mf_error e = {0};
	size_t i;

	fixture_expect_ok(mf_ref_list(f->repo, FIXTURE_MODEL, &refs, &e), &e, what);
	for (i = 0; i < refs.n; i++) {
		snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", refs.items[i].name);
		if (mf_version_resolve(f->repo, spec, &v, &e) != 0)
			fail_msg("%s: the ref %s points at nothing: %s", what, refs.items[i].name,
			    e.message);
		assert_memory_equal(v.digest, refs.items[i].digest, sizeof(v.digest));
		mf_version_fini(&v);
	}
	mf_refs_fini(&refs);
}

static bool
is_at_v2(const struct fixture *f, const char *ref)
{
	struct mf_error e = {0};
	struct mf_ref r;
	bool at;

	if (mf_ref_get(f->repo, FIXTURE_MODEL, ref, &r, &e) != 0)
		return false;
	at = strcmp(r.version, "v2") == 0;
	mf_ref_fini(&r);
	return at;
}

static void
check_player(const struct fixture *f, const struct player *p, const char *what)
{
	if (p->rc == 0 && p->kind == MOVE && !is_at_v2(f, p->ref))
		fail_msg("%s: a move that was done is not there", what);
	if (p->rc == 0 && p->kind == FORGET && fixture_is_listed(f, "v2"))
		fail_msg("%s: a forget that was done is not", what);
	if (p->rc != 0 && p->dies_at == 0 && p->e.code != MF_ECONFLICT && p->e.code != MF_ENOTFOUND)
		fixture_expect_ok(p->rc, &p->e, what);
}

/* Whoever was killed: one who comes later can move the ref on, forget v2, and prune all. */
static void
check_progress(struct fixture *f, const char *ref, const char *what)
{
	struct player p = {.kind = FORGET, .repo = f->repo, .ref = ref};
	int i;

	fixture_set_ref(f, "production", "v3");
	fixture_set_ref(f, ref, "v3");
	if (fixture_is_listed(f, "v2")) {
		play(&p);
		fixture_expect_ok(p.rc, &p.e, what);
	}
	fixture_forget(f, "v1");
	for (i = 0; i < 3; i++)
		fixture_prune(f, 0);
	assert_int_equal(fixture_check_versions(f), 1);
	assert_int_equal(fixture_count(f, "x/"), 0);
	assert_int_equal(fixture_count(f, "h/"), 0);
	check_refs(f, what);
}

/* One order. kinds[0] begins; whoever `dying` is dies at its operation dies_at. Returns
 * whether both came so far as k, j and dies_at say. */
static bool
perform(const struct fixture *base, const enum kind kinds[2], const unsigned at[3], int dying,
    const char *ref)
{
	struct duet d = {.k = at[0], .j = at[1]};
	struct player p[2];
	struct fixture f;
	char what[100];
	bool reached;
	int i;

	snprintf(what, sizeof(what), "%s %u, %s %u, %s dies at %u", kinds[0] == MOVE ? "move" : "forget",
	    at[0], kinds[1] == MOVE ? "move" : "forget", at[1],
	    dying < 0 ? "nobody" : kinds[dying] == MOVE ? "move" : "forget", at[2]);
	fixture_clone(base, &f);
	pthread_mutex_init(&d.lock, NULL);
	pthread_cond_init(&d.turned, NULL);
	for (i = 0; i < 2; i++) {
		p[i] = (struct player){.number = i, .kind = kinds[i], .ref = ref};
		p[i].repo = fixture_open(&f, step, &p[i], NULL);
		p[i].duet = &d;
		p[i].count = 0;
		p[i].dies_at = i == dying ? at[2] : 0;
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&p[i].thread, NULL, play_in_turn, &p[i]), 0);
	for (i = 0; i < 2; i++)
		pthread_join(p[i].thread, NULL);
	check_refs(&f, what);
	for (i = 0; i < 2; i++) {
		check_player(&f, &p[i], what);
		mf_repo_close(p[i].repo);
	}
	check_progress(&f, ref, what);
	reached = p[0].count >= at[0] && (at[1] == UINT_MAX || p[1].count >= at[1]) &&
	    (dying < 0 || p[dying].count >= at[2]);
	pthread_cond_destroy(&d.turned);
	pthread_mutex_destroy(&d.lock);
	fixture_fini(&f);
	return reached;
}

static void
all_orders_in(enum kind first, enum kind second, int dying, const char *ref, bool conditional)
{
	const enum kind kinds[2] = {first, second};
	struct fixture base;
	const unsigned stride = fixture_stride(STRIDE, 3);
	unsigned at[3], n = 0;
	bool any = true;

	make_base(&base, conditional);
	for (at[0] = 1; any; at[0]++) {
		any = false;
		/* STRIDE, not stride: the first j is one that the second comes to */
		for (at[1] = 1 + at[0] % STRIDE % stride;; at[1] += stride) {
			/* who dies before the other's turn leaves nothing to switch */
			at[2] = dying == 0 ? at[0] : dying == 1 ? at[1] : 0;
			if (!perform(&base, kinds, at, dying, ref))
				break;
			any = true;
			n++;
			if (dying >= 0)
				at[2] += 1 + at[1] % STRIDE % stride;
			for (; dying >= 0 && perform(&base, kinds, at, dying, ref); n++)
				at[2] += stride;
		}
	}
	assert_true(n > 20);
	fixture_fini(&base);
}

static void
all_orders(enum kind first, enum kind second, int dying, const char *ref)
{
	all_orders_in(first, second, dying, ref, true);
}

static void
test_both_live(void **state)
{
	(void)state;
	all_orders(MOVE, FORGET, -1, "production");
	all_orders(FORGET, MOVE, -1, "production");
	all_orders(FORGET, MOVE, -1, "staging");
}

static void
test_the_mover_dies(void **state)
{
	(void)state;
	all_orders(MOVE, FORGET, 0, "production");
	all_orders(FORGET, MOVE, 1, "production");
	all_orders(FORGET, MOVE, 1, "staging");
}

static void
test_the_forgetter_dies(void **state)
{
	(void)state;
	all_orders(MOVE, FORGET, 1, "production");
	all_orders(FORGET, MOVE, 0, "production");
}

/* The same where the store has no conditional put: what a killed mover voted for may be put by
 * whoever comes next, and is not forgotten before. */
static void
test_with_votes(void **state)
{
	(void)state;
	all_orders_in(MOVE, FORGET, -1, "production", false);
	all_orders_in(MOVE, FORGET, 0, "staging", false);
	if (getenv("MF_TEST_EXHAUSTIVE") == NULL)
		return;
	all_orders_in(FORGET, MOVE, -1, "staging", false);
	all_orders_in(FORGET, MOVE, 1, "production", false);
}

/* A killed mover's hold is not ignored, and says what to do. */
static void
test_left_over_hold(void **state)
{
	struct fixture *f = *state;
	struct player mover = {.kind = MOVE, .ref = "staging"},
		      forgetter = {.kind = FORGET, .repo = f->repo};

	fixture_write(f, "a.bin", 1, 2000);
	fixture_push(f, "v2");
	fixture_push(f, "v1");
	mover.repo = fixture_open(f, step, &mover, NULL);
	for (mover.dies_at = 1; fixture_count(f, "h/") == 0; mover.dies_at++) {
		mover.count = 0;
		play(&mover);
		assert_int_equal(mover.rc, -1);
	}
	mf_repo_close(mover.repo);
	play(&forgetter);
	assert_int_equal(forgetter.rc, -1);
	assert_int_equal(forgetter.e.code, MF_ECONFLICT);
	assert_non_null(strstr(forgetter.e.message, "staging"));
	assert_non_null(strstr(forgetter.e.hint, "ref " FIXTURE_MODEL " staging"));
	assert_true(fixture_is_listed(f, "v2"));
	assert_int_equal(fixture_count(f, "x/"), 0);
}

/* A list that a forget left behind stands as long as its mark: the forget may only sleep. */
static void
test_list_of_a_sleeping_forget(void **state)
{
	struct fixture f;
	struct player mover = {.kind = MOVE, .ref = "production"};

	(void)state;
	make_base(&f, true);
	fixture_advance(&f, 100 * FIXTURE_HOUR_US);
	fixture_prune(&f, 0);
	assert_int_equal(fixture_count(&f, "x/"), 1);
	mover.repo = f.repo;
	play(&mover);
	fixture_expect_ok(mover.rc, &mover.e, "v2 is on no list");
	fixture_forget(&f, "v1");
	fixture_prune(&f, 0);
	assert_int_equal(fixture_count(&f, "x/"), 0);
	fixture_fini(&f);
}

/* A push that finds its manifest condemned after it was marked begins again, under another
 * name; not when a ref was moved to the version meanwhile. */
struct meddler {
	struct fixture *f;
	char root[MF_OBJECT_NAME_BYTES]; /* of the push */
	bool done;
};

static int
meddle(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct meddler *m = arg;
	char list[MF_OBJECT_NAME_BYTES], *names[] = {m->root};
	struct mf_names condemned = {.items = names, .n = 1};

	if (op == MF_OP_PUT && strncmp(name, "v/", 2) == 0) {
		snprintf(m->root, sizeof(m->root), "m%s", name + 1);
	} else if (m->root[0] != '\0' && !m->done) {
		m->done = true;
		fixture_set_ref(m->f, "production", "v4");
		fixture_expect_ok(mf_condemned_put(m->f->repo, &condemned, list, e), e, "condemn");
	}
	return 0;
}

static void
test_push_leaves_what_a_ref_names(void **state)
{
	struct fixture *f = *state;
	struct meddler m = {.f = f};
	struct mf_repo *repo = fixture_open(f, meddle, &m, NULL);
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_write(f, "a.bin", 4, 2000);
	assert_int_equal(fixture_try_push(repo, f, "v4", &out, &e), -1);
	assert_true(m.done);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_true(fixture_is_listed(f, "v4"));
	check_refs(f, "after the push");
	fixture_prune(f, 0);
	check_refs(f, "after a prune");
	mf_repo_close(repo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_live),
		cmocka_unit_test(test_the_mover_dies),
		cmocka_unit_test(test_the_forgetter_dies),
		cmocka_unit_test(test_with_votes),
		cmocka_unit_test_setup_teardown(test_left_over_hold, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test(test_list_of_a_sleeping_forget),
		cmocka_unit_test_setup_teardown(test_push_leaves_what_a_ref_names, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests_name("forget beside a ref that moves", tests, NULL, NULL);
}
