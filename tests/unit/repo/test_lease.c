/* Leases: one holder, whoever sleeps, whatever answer is lost. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/repo/lease_file.h"
#include "src/repo/lease_int.h"
#include "src/repo/rekey.h"
#include "tests/unit/repo/repo_fixture.h"
#include "transfers/dir.h"
#include "transfers/fault.h"

#define TERM_US UINT64_C(30000000)
#define TRAFFIC "haproxy:be_model"

static uint64_t clock_us;

static uint64_t
now_us(void *arg)
{
	(void)arg;
	return clock_us;
}

static int64_t
unix_us(void *arg)
{
	(void)arg;
	return FIXTURE_NOW_US;
}

static struct mf_lease_params
params_of(char who)
{
	struct mf_lease_params p = {.kind = MF_LEASE_TRAFFIC,
	    .name = TRAFFIC,
	    .duration_us = TERM_US,
	    .now_us = now_us,
	    .unix_us = unix_us};
	static char holders[128][8];

	snprintf(holders[(int)who], sizeof holders[0], "run %c", who);
	p.holder = holders[(int)who];
	memset(p.instance, who, sizeof p.instance);
	return p;
}

static struct mf_lease *
lease_of(struct mf_repo *repo, char who)
{
	struct mf_lease_params p = params_of(who);
	struct mf_error e = {0};
	struct mf_lease *l;

	fixture_expect_ok(mf_lease_new(repo, &p, &l, &e), &e, "a lease");
	return l;
}

static int
setup(void **state)
{
	clock_us = 1000;
	return fixture_setup(state);
}

/* ---- the rule ---- */

static void
test_judge(void **state)
{
	struct mf_lease_seen seen = {.exists = true, .readable = true, .sequence = 5};
	const uint64_t term = TERM_US + TERM_US / 8 + 1;
	struct mf_lease_watch w = {0};
	uint8_t dead[MF_LEASE_INSTANCE_BYTES] = {7};
	uint64_t wait;

	(void)state;
	seen.holder.duration_us = TERM_US;
	seen.asked_us = 100;
	seen.answered_us = 200;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_HELD);
	assert_int_equal(wait, term);
	assert_int_equal(w.since_us, 200); /* the answer, not the question */
	seen.asked_us = 200 + term - 1;
	seen.answered_us = seen.asked_us + 50;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_HELD);
	assert_int_equal(wait, 1); /* the answer came late, the question counts */
	seen.asked_us = 200 + term;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_FREE);
	/* a change starts it anew: another number, another writer */
	seen.sequence = 6;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_HELD);
	seen.asked_us += term + 100;
	seen.answered_us = seen.asked_us;
	seen.holder.instance[0] = 7;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_HELD);
	assert_int_equal(mf_lease_judge(&w, &seen, dead, &wait), MF_LEASE_IS_FREE);
	/* none, released, unreadable */
	seen.holder.duration_us = 0;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_FREE);
	seen.readable = false;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_HELD);
	seen.asked_us += MF_LEASE_DURATION_MAX_US;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_HELD);
	seen.asked_us += MF_LEASE_DURATION_MAX_US;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_FREE);
	seen.exists = false;
	assert_int_equal(mf_lease_judge(&w, &seen, NULL, &wait), MF_LEASE_IS_FREE);
}

static void
test_may_act(void **state)
{
	(void)state;
	assert_true(mf_lease_may_act_at(100, 89, 10));
	assert_false(mf_lease_may_act_at(100, 90, 10)); /* it might end with the lease */
	assert_false(mf_lease_may_act_at(100, 101, 0));
	assert_false(mf_lease_may_act_at(100, 0, UINT64_MAX));
	assert_false(mf_lease_may_act_at(0, 0, 0));
}

/* ---- one after the other ---- */

static void
test_one_holds(void **state)
{
	struct fixture *f = *state;
	struct mf_lease *a = lease_of(f->repo, 'a'), *b = lease_of(f->repo, 'b');
	struct mf_lease_holder who;
	struct mf_error e = {0};
	uint64_t wait;

	assert_int_equal(mf_lease_look(f->repo, MF_LEASE_TRAFFIC, TRAFFIC, &who, &e), 1);
	assert_false(mf_lease_may_act(a, 0));
	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	assert_true(mf_lease_is_held(a));
	assert_int_equal(mf_lease_deadline_us(a), clock_us + TERM_US);
	assert_int_equal(mf_lease_take(b, &who, &wait, &e), 1);
	assert_string_equal(who.name, "run a");
	assert_int_equal(who.token, mf_lease_token(a));
	assert_int_equal(wait, TERM_US + TERM_US / 8 + 1);
	/* renewed all the time, it stays */
	for (int i = 0; i < 10; i++) {
		clock_us += TERM_US / 2;
		fixture_expect_ok(mf_lease_renew(a, &e), &e, "renewing");
		assert_int_equal(mf_lease_take(b, &who, &wait, &e), 1);
	}
	assert_int_equal(mf_lease_deadline_us(a), clock_us + TERM_US);
	assert_int_equal(fixture_count(f, "l/"), 1); /* older records go */
	fixture_expect_ok(mf_lease_release(a, &e), &e, "releasing");
	assert_false(mf_lease_may_act(a, 0));
	fixture_expect_ok(mf_lease_take(b, NULL, NULL, &e), &e, "taking what was released");
	assert_true(mf_lease_token(b) > who.token);
	assert_int_equal(mf_lease_look(f->repo, MF_LEASE_TRAFFIC, TRAFFIC, &who, &e), 0);
	assert_string_equal(who.name, "run b");
	mf_lease_free(a);
	mf_lease_free(b);
}

/* Stopped past its lease and continued, a holder writes nothing. */
static void
test_stopped_holder(void **state)
{
	struct fixture *f = *state;
	struct mf_lease *a = lease_of(f->repo, 'a'), *b = lease_of(f->repo, 'b');
	struct mf_error e = {0};
	uint64_t wait, before, token;

	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	token = mf_lease_token(a);
	assert_int_equal(mf_lease_take(b, NULL, &wait, &e), 1);
	clock_us += wait - 1;
	assert_int_equal(mf_lease_take(b, NULL, &wait, &e), 1);
	clock_us += wait;
	fixture_expect_ok(mf_lease_take(b, NULL, NULL, &e), &e, "taking what expired");
	assert_true(mf_lease_token(b) > token);
	before = mf_memory_operations(f->world);
	assert_false(mf_lease_may_act(a, 0));
	assert_int_equal(mf_lease_renew(a, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_int_equal(mf_lease_release(a, &e), 0);
	assert_int_equal(mf_memory_operations(f->world), before);
	assert_true(mf_lease_may_act(b, TERM_US - 1));
	assert_false(mf_lease_may_act(b, TERM_US));
	mf_lease_free(a);
	mf_lease_free(b);
}

/* One that wakes with its clock standing still finds out by the next renewal. */
static void
test_taken_away(void **state)
{
	struct fixture *f = *state;
	struct mf_lease *a = lease_of(f->repo, 'a'), *b;
	struct mf_lease_params p = params_of('b');
	struct mf_error e = {0};

	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	p.has_dead = true;
	memset(p.dead, 'a', sizeof p.dead);
	fixture_expect_ok(mf_lease_new(f->repo, &p, &b, &e), &e, "a lease");
	fixture_expect_ok(mf_lease_take(b, NULL, NULL, &e), &e, "taking from the dead");
	assert_int_equal(mf_lease_renew(a, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_false(mf_lease_is_held(a));
	assert_true(mf_lease_is_held(b));
	mf_error_clear(&e);
	fixture_expect_ok(mf_lease_renew(b, &e), &e, "renewing");
	mf_lease_free(a);
	mf_lease_free(b);
}

/* ---- a put that was asleep, and comes through where others have long gone on ---- */

struct sleeper {
	struct fixture *f;
	bool asleep, done;
};

static int
sleep_before_put(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct sleeper *s = arg;
	struct mf_lease *others[3];
	struct mf_error ignored = {0};
	int i;

	(void)e;
	if (!s->asleep || s->done || op != MF_OP_PUT || strncmp(name, "l/", 2) != 0)
		return 0;
	s->done = true;
	for (i = 0; i < 3; i++) {
		others[i] = lease_of(s->f->repo, (char)('x' + i));
		if (i > 0)
			mf_lease_release(others[i - 1], &ignored);
		fixture_expect_ok(mf_lease_take(others[i], NULL, NULL, &ignored), &ignored, "x");
	}
	for (i = 0; i < 3; i++)
		mf_lease_free(others[i]); /* the last one holds it */
	return 0;
}

static void
test_put_that_slept(void **state)
{
	struct fixture *f = *state;
	struct sleeper s = {f, false, false};
	struct mf_repo *repo = fixture_open(f, sleep_before_put, &s, NULL);
	struct mf_lease *a = lease_of(repo, 'a');
	struct mf_lease_holder who;
	struct mf_error e = {0};

	s.asleep = true;
	assert_int_equal(mf_lease_take(a, &who, NULL, &e), 1);
	assert_true(s.done);
	assert_string_equal(who.name, "run z");
	assert_false(mf_lease_is_held(a));
	assert_int_equal(fixture_count(f, "l/"), 1);
	mf_lease_free(a);
	mf_repo_close(repo);
}

/* ---- answers that are lost ---- */

struct loss {
	uint64_t at; /* this operation fails; 0: none */
	enum mf_fault_verdict how;
	bool forever;
};

static enum mf_fault_verdict
lose_answer(void *arg, const struct mf_fault_op *op, struct mf_error *e)
{
	struct loss *l = arg;

	if (l->at == 0 || op->number < l->at || (op->number > l->at && !l->forever))
		return MF_FAULT_NONE;
	mf_error_set(e, MF_ETRANSFER, "lost");
	return l->how;
}

static struct mf_repo *
open_lossy(const struct fixture *f, struct loss *loss)
{
	struct mf_repo *repo = fixture_open(f, NULL, NULL, NULL);
	struct mf_store *lossy;
	struct mf_error e = {0};

	fixture_expect_ok(
	    mf_store_fault_take(repo->store, lose_answer, loss, &lossy, &e), &e, "faults");
	repo->store = lossy;
	return repo;
}

/* Whatever fails: who is not told that it holds the lease does not act, the deadline is never
 * later than what others wait for, and in the end somebody can take it. */
static void
lose_each(struct fixture *f, enum mf_fault_verdict how)
{
	struct loss loss = {0, how, false};
	struct mf_repo *repo = open_lossy(f, &loss);
	struct mf_lease *a, *b = lease_of(f->repo, 'b');
	struct mf_error e = {0};
	uint64_t wait, seen_us;
	int n, rc;

	for (n = 1; n < 40; n++) {
		a = lease_of(repo, 'a');
		loss.at = mf_store_fault_count(repo->store) + (uint64_t)n;
		rc = mf_lease_take(a, NULL, NULL, &e);
		if (rc < 0) {
			assert_int_equal(e.code, MF_ETRANSFER);
			assert_false(mf_lease_may_act(a, 0));
			rc = mf_lease_take(a, NULL, NULL, &e);
		}
		assert_int_equal(rc, 0);
		clock_us += TERM_US / 4;
		rc = mf_lease_take(b, NULL, &wait, &e);
		assert_int_equal(rc, 1);
		seen_us = clock_us;
		clock_us += TERM_US / 4;
		rc = mf_lease_renew(a, &e);
		if (rc != 0) {
			assert_int_equal(e.code, MF_ETRANSFER);
			assert_true(mf_lease_is_held(a)); /* until its deadline */
			assert_true(mf_lease_deadline_us(a) < seen_us + wait);
			clock_us += TERM_US / 8;
			mf_error_clear(&e);
			fixture_expect_ok(mf_lease_renew(a, &e), &e, "renewing again");
		}
		/* b sees what is there now; a's deadline is before b's */
		assert_int_equal(mf_lease_take(b, NULL, &wait, &e), 1);
		assert_true(mf_lease_deadline_us(a) < clock_us + wait);
		assert_true(mf_lease_deadline_us(a) > clock_us + TERM_US / 2);
		rc = mf_lease_release(a, &e);
		if (rc == 0) {
			assert_int_equal(mf_lease_take(b, NULL, &wait, &e), 0);
		} else {
			assert_false(mf_lease_may_act(a, 0));
			if (mf_lease_take(b, NULL, &wait, &e) == 1) {
				clock_us += wait;
				assert_int_equal(mf_lease_take(b, NULL, &wait, &e), 0);
			}
		}
		fixture_expect_ok(mf_lease_release(b, &e), &e, "releasing");
		mf_lease_free(a);
		mf_error_clear(&e);
	}
	mf_lease_free(b);
	mf_repo_close(repo);
}

static void
test_lost_requests(void **state)
{
	lose_each(*state, MF_FAULT_BEFORE);
}

static void
test_lost_answers(void **state)
{
	lose_each(*state, MF_FAULT_AFTER);
}

/* A renewal that arrived, whose answer did not, counts from when it was sent: others saw it since.
 */
static void
test_deadline_of_a_lost_answer(void **state)
{
	struct fixture *f = *state;
	struct loss loss = {0, MF_FAULT_AFTER, true};
	struct mf_repo *repo = open_lossy(f, &loss);
	struct mf_lease *a = lease_of(repo, 'a');
	struct mf_error e = {0};
	uint64_t sent_us;

	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	clock_us += 1000;
	sent_us = clock_us;
	loss.at = mf_store_fault_count(repo->store) + 1;
	assert_int_equal(mf_lease_renew(a, &e), -1);
	assert_int_equal(mf_lease_deadline_us(a), sent_us - 1000 + TERM_US);
	clock_us += TERM_US / 2;
	/* the store answers again, but only the look at the own record */
	loss.forever = false;
	loss.at = mf_store_fault_count(repo->store) + 6;
	if (mf_lease_renew(a, &e) == 0)
		assert_int_equal(mf_lease_deadline_us(a), clock_us + TERM_US);
	else
		assert_in_range(mf_lease_deadline_us(a), 0, sent_us + TERM_US);
	mf_lease_free(a);
	mf_repo_close(repo);
}

/* ---- what stands in the way ---- */

static void
test_damaged_record(void **state)
{
	struct fixture *f = *state;
	struct mf_lease *a = lease_of(f->repo, 'a'), *b = lease_of(f->repo, 'b');
	struct mf_lease_holder who;
	struct mf_error e = {0};
	struct mf_names names;
	uint64_t wait, token;

	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	token = mf_lease_token(a);
	fixture_expect_ok(mf_names_list(f->repo, "l/", &names, &e), &e, "listing");
	fixture_expect_ok(
	    mf_store_put(f->repo->store, names.items[0], "rot", 3, 0, &e), &e, "damage");
	mf_names_fini(&names);
	assert_int_equal(mf_lease_take(b, &who, &wait, &e), 1);
	assert_int_equal(who.token, 0);
	assert_true(wait > MF_LEASE_DURATION_MAX_US);
	clock_us += wait;
	fixture_expect_ok(mf_lease_take(b, NULL, NULL, &e), &e, "taking over the damaged one");
	assert_true(mf_lease_token(b) > token);
	mf_lease_free(a);
	mf_lease_free(b);
}

static void
test_rekey(void **state)
{
	struct fixture *f = *state;
	struct mf_lease *a = lease_of(f->repo, 'a'), *b;
	struct mf_repo *other = fixture_open(f, NULL, NULL, NULL), *fresh;
	struct mf_lease_holder who;
	struct mf_error e = {0};

	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	fixture_expect_ok(mf_rekey(other, FIXTURE_NOW_US, &e), &e, "rekeying");
	assert_int_equal(mf_lease_renew(a, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_false(mf_lease_may_act(a, 0));
	mf_error_clear(&e);
	fresh = fixture_open(f, NULL, NULL, NULL);
	b = lease_of(fresh, 'b');
	assert_int_equal(mf_lease_take(b, &who, NULL, &e), 1); /* it is sealed anew, and read */
	assert_string_equal(who.name, "run a");
	mf_lease_free(b);
	b = lease_of(fresh, 'a'); /* the same run, which opened the repository anew */
	fixture_expect_ok(mf_lease_take(b, NULL, NULL, &e), &e, "taking again");
	mf_lease_free(a);
	mf_lease_free(b);
	mf_repo_close(other);
	mf_repo_close(fresh);
}

static void
test_refusals(void **state)
{
	struct fixture *f = *state;
	struct mf_lease_params p = params_of('a');
	struct mf_error e = {0};
	struct mf_lease *l;

	p.duration_us = MF_LEASE_DURATION_MAX_US + 1;
	assert_int_equal(mf_lease_new(f->repo, &p, &l, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	p.duration_us = TERM_US;
	p.name = "";
	assert_int_equal(mf_lease_new(f->repo, &p, &l, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	p.name = TRAFFIC;
	mf_memory_set_conditional(f->world, false);
	assert_int_equal(mf_lease_new(f->repo, &p, &l, &e), -1);
	assert_int_equal(mf_error_row(e.code)->exit_status, 2);
	assert_non_null(strstr(e.hint, "--lease file:PATH"));
	assert_null(l);
}

static void
test_set(void **state)
{
	struct fixture *f = *state;
	struct mf_lease_params p[4];
	struct mf_lease_set a, b;
	const struct mf_lease *which;
	struct mf_lease_holder who;
	struct mf_error e = {0};
	int i;

	for (i = 0; i < 4; i++)
		p[i] = params_of('a');
	p[0].kind = MF_LEASE_DESTINATION;
	p[0].name = "/srv/models";
	p[1].kind = MF_LEASE_REF;
	p[1].name = "churn@production";
	p[2].name = p[3].name = TRAFFIC;
	fixture_expect_ok(mf_lease_set_init(&a, f->repo, p, 4, &e), &e, "a set");
	assert_int_equal(a.n, 3);
	assert_string_equal(mf_lease_label(a.items[0]), "the lease of traffic " TRAFFIC);
	assert_string_equal(mf_lease_label(a.items[2]), "the lease of the destination /srv/models");
	assert_false(mf_lease_set_may_act(&a, 0));
	fixture_expect_ok(mf_lease_set_take(&a, NULL, NULL, NULL, &e), &e, "taking all");
	assert_true(mf_lease_set_may_act(&a, TERM_US / 2));
	/* another plan on the same destination, with traffic of its own: it keeps nothing */
	for (i = 0; i < 2; i++)
		memset(p[i].instance, 'b', sizeof p[i].instance);
	p[1].kind = MF_LEASE_TRAFFIC;
	p[1].name = "haproxy:other";
	fixture_expect_ok(mf_lease_set_init(&b, f->repo, p, 2, &e), &e, "a set");
	assert_int_equal(mf_lease_set_take(&b, &which, &who, NULL, &e), 1);
	assert_ptr_equal(which, b.items[1]);
	assert_string_equal(who.name, "run a");
	assert_false(mf_lease_is_held(b.items[0]));
	clock_us += TERM_US / 2;
	fixture_expect_ok(mf_lease_set_renew(&a, &e), &e, "renewing all");
	assert_int_equal(mf_lease_set_deadline_us(&a), clock_us + TERM_US);
	fixture_expect_ok(mf_lease_set_release(&a, &e), &e, "releasing all");
	fixture_expect_ok(mf_lease_set_take(&b, NULL, NULL, NULL, &e), &e, "taking all");
	mf_lease_set_fini(&a);
	mf_lease_set_fini(&b);
}

/* Two processes of one run, and two runs of one traffic object: whoever comes later has the higher
 * token, whatever files either was given, and however often other refs were leased. */
static void
test_tokens_of_sets(void **state)
{
	struct fixture *f = *state;
	char file[128];
	struct mf_lease_params p[2] = {params_of('a'), params_of('a')}, other;
	struct mf_lease_set first, second;
	struct mf_error e = {0};
	uint64_t token, traffic;
	int i;

	snprintf(file, sizeof file, "%s/old.lease", f->dir);
	p[0].name = TRAFFIC;
	p[1].kind = MF_LEASE_REF;
	p[1].name = "churn@production";
	/* the file and the ref were taken often */
	for (i = 0; i < 20; i++) {
		fixture_expect_ok(mf_lease_set_init(&first, f->repo, p + 1, 1, &e), &e, "a set");
		fixture_expect_ok(mf_lease_set_add_file(&first, file, p, &e), &e, "a file");
		fixture_expect_ok(mf_lease_set_take(&first, NULL, NULL, NULL, &e), &e, "taking");
		fixture_expect_ok(mf_lease_set_release(&first, &e), &e, "releasing");
		mf_lease_set_fini(&first);
	}
	fixture_expect_ok(mf_lease_set_init(&first, f->repo, p, 2, &e), &e, "a set");
	fixture_expect_ok(mf_lease_set_add_file(&first, file, p, &e), &e, "a file");
	assert_int_equal(mf_lease_set_traffic_token(&first), 0);
	fixture_expect_ok(mf_lease_set_take(&first, NULL, NULL, NULL, &e), &e, "taking");
	token = mf_lease_set_token(&first);
	traffic = mf_lease_set_traffic_token(&first);
	assert_int_equal(traffic, 1);
	fixture_expect_ok(mf_lease_set_release(&first, &e), &e, "releasing");
	mf_lease_set_fini(&first);

	/* the same run, without the file */
	fixture_expect_ok(mf_lease_set_init(&second, f->repo, p, 2, &e), &e, "a set");
	fixture_expect_ok(mf_lease_set_take(&second, NULL, NULL, NULL, &e), &e, "taking");
	assert_true(mf_lease_set_token(&second) > token);
	assert_true(mf_lease_set_traffic_token(&second) > traffic);
	traffic = mf_lease_set_traffic_token(&second);
	fixture_expect_ok(mf_lease_set_release(&second, &e), &e, "releasing");
	mf_lease_set_fini(&second);

	/* another one, which moves the same traffic and a ref of its own */
	other = params_of('b');
	other.name = TRAFFIC;
	fixture_expect_ok(mf_lease_set_init(&first, f->repo, &other, 1, &e), &e, "a set");
	fixture_expect_ok(mf_lease_set_take(&first, NULL, NULL, NULL, &e), &e, "taking");
	assert_true(mf_lease_set_traffic_token(&first) > traffic);
	fixture_expect_ok(mf_lease_set_release(&first, &e), &e, "releasing");
	mf_lease_set_fini(&first);

	/* files alone */
	fixture_expect_ok(mf_lease_set_init(&first, NULL, NULL, 0, &e), &e, "a set");
	fixture_expect_ok(mf_lease_set_add_file(&first, file, p, &e), &e, "a file");
	fixture_expect_ok(mf_lease_set_take(&first, NULL, NULL, NULL, &e), &e, "taking");
	assert_true(mf_lease_set_token(&first) > 20);
	assert_int_equal(mf_lease_set_traffic_token(&first), mf_lease_set_token(&first));
	mf_lease_set_fini(&first);
}

/* ---- real processes, a real directory, a real clock ---- */

static uint64_t
real_us(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* What a target sees that refuses old tokens, and tells two that act at once. */
struct target {
	atomic_ulong token, rounds, wrong;
};

#define ROUND_US UINT64_C(60000)

static void
act(struct target *t, const struct mf_lease *l)
{
	unsigned long seen = atomic_load(&t->token), mine = mf_lease_token(l);

	if (!mf_lease_may_act(l, 0))
		return;
	if (seen > mine)
		atomic_fetch_add(&t->wrong, 1);
	while (seen < mine && !atomic_compare_exchange_weak(&t->token, &seen, mine))
		;
	atomic_fetch_add(&t->rounds, 1);
}

/* Take, act, renew, act, and either release or walk away; until the target saw enough. */
static void
contend(const struct fixture *f, struct mf_store *store, char who, struct target *t)
{
	struct mf_lease_params p = params_of(who);
	struct mf_repo *repo = fixture_open(f, NULL, NULL, NULL);
	struct mf_error e = {0};
	struct mf_lease *l;
	uint64_t wait;
	unsigned n;

	mf_store_close(repo->store);
	repo->store = store;
	p.now_us = real_us;
	p.duration_us = ROUND_US;
	for (n = 0; atomic_load(&t->rounds) < 60 && n < 2000; n++) {
		p.instance[0] = (uint8_t)n;
		p.instance[1] = (uint8_t)(n >> 8);
		if (mf_lease_new(repo, &p, &l, &e) != 0)
			_exit(2);
		while (mf_lease_take(l, NULL, &wait, &e) == 1 && atomic_load(&t->rounds) < 60)
			usleep((useconds_t)(wait < 2000 ? wait : 2000));
		act(t, l);
		if (mf_lease_is_held(l) && mf_lease_renew(l, &e) == 0)
			act(t, l);
		if (n % 8 != 7)
			mf_lease_release(l, &e);
		mf_lease_free(l);
	}
	_exit(0);
}

static void
test_two_processes(void **state)
{
	struct fixture *f = *state;
	struct target *t =
	    mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char dir[] = "/tmp/mf-lease-XXXXXX", command[64];
	struct mf_error e = {0};
	struct mf_store *store;
	pid_t pid[2];
	int i, status;

	assert_true(t != MAP_FAILED);
	assert_non_null(mkdtemp(dir));
	fixture_expect_ok(mf_dir_open(dir, MF_DIR_WRITE, &store, &e), &e, "a directory");
	/* only its name is looked at */
	fixture_expect_ok(
	    mf_store_put(store, "config/0000000000000001", "", 0, 0, &e), &e, "a configuration");
	mf_store_close(store);
	for (i = 0; i < 2; i++) {
		if ((pid[i] = fork()) != 0)
			continue;
		if (mf_dir_open(dir, MF_DIR_WRITE, &store, &e) != 0)
			_exit(3);
		contend(f, store, (char)('a' + i), t);
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(atomic_load(&t->wrong), 0);
	assert_true(atomic_load(&t->rounds) >= 60);
	munmap(t, sizeof *t);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* ---- a file ---- */

static struct mf_lease *
file_lease(const char *path, char who)
{
	struct mf_lease_params p = params_of(who);
	struct mf_error e = {0};
	struct mf_lease *l;

	fixture_expect_ok(mf_lease_new_file(path, &p, &l, &e), &e, "a lease");
	return l;
}

static void
test_file(void **state)
{
	struct fixture *f = *state;
	struct mf_lease_holder who;
	struct mf_lease *a, *b;
	struct mf_error e = {0};
	char path[128];
	uint64_t token;

	snprintf(path, sizeof path, "%s/lease", f->dir);
	a = file_lease(path, 'a');
	b = file_lease(path, 'b');
	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	token = mf_lease_token(a);
	assert_true(mf_lease_may_act(a, TERM_US / 2));
	assert_int_equal(mf_lease_take(b, &who, NULL, &e), 1);
	assert_string_equal(who.name, "run a");
	clock_us += 2 * TERM_US; /* the lock stays, but it has to be looked at */
	assert_false(mf_lease_may_act(a, 0));
	assert_int_equal(mf_lease_take(b, &who, NULL, &e), 1);
	mf_lease_free(a); /* as a process that ends */
	fixture_expect_ok(mf_lease_take(b, NULL, NULL, &e), &e, "taking");
	assert_true(mf_lease_token(b) > token);
	token = mf_lease_token(b);
	fixture_expect_ok(mf_lease_renew(b, &e), &e, "renewing");
	fixture_expect_ok(mf_lease_release(b, &e), &e, "releasing");
	fixture_expect_ok(mf_lease_take(b, NULL, NULL, &e), &e, "taking");
	assert_true(mf_lease_token(b) > token);
	/* somebody puts another file there */
	assert_int_equal(unlink(path), 0);
	a = file_lease(path, 'a');
	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking the new file");
	assert_int_equal(mf_lease_renew(b, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_lease_free(a);
	mf_lease_free(b);
	assert_int_equal(unlink(path), 0);
}

static void
test_file_of_others(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_lease *a;
	char path[128], bytes[16] = {0};
	int fd;

	fixture_write(f, "notes", 1, 100);
	snprintf(path, sizeof path, "%s/notes", f->dir);
	a = file_lease(path, 'a');
	assert_int_equal(mf_lease_take(a, NULL, NULL, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	mf_lease_free(a);
	/* a slot that is damaged leaves the other one */
	fixture_write(f, "notes", 1, 0);
	a = file_lease(path, 'a');
	mf_error_clear(&e);
	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking"); /* token 1 */
	fixture_expect_ok(mf_lease_release(a, &e), &e, "releasing");       /* token 2 */
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, bytes, sizeof bytes, 20), sizeof bytes);
	close(fd);
	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking");
	assert_in_range(mf_lease_token(a), 2, 3);
	mf_lease_free(a);
	assert_int_equal(unlink(path), 0);
}

/* The kernel lets go of what a killed process held. */
static void
test_file_of_a_killed_process(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_lease *a;
	char path[128], ready;
	int fds[2], status;
	pid_t pid;

	snprintf(path, sizeof path, "%s/lease", f->dir);
	assert_int_equal(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		a = file_lease(path, 'a');
		if (mf_lease_take(a, NULL, NULL, &e) != 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(fds[0], &ready, 1), 1);
	a = file_lease(path, 'b');
	assert_int_equal(mf_lease_take(a, NULL, NULL, &e), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_expect_ok(mf_lease_take(a, NULL, NULL, &e), &e, "taking from a dead process");
	mf_lease_free(a);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_judge),
	    cmocka_unit_test(test_may_act),
	    cmocka_unit_test_setup_teardown(test_one_holds, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_stopped_holder, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_taken_away, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_put_that_slept, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_lost_requests, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_lost_answers, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(
		test_deadline_of_a_lost_answer, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_damaged_record, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_rekey, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_refusals, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_set, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_tokens_of_sets, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_two_processes, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_file, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_file_of_others, setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_file_of_a_killed_process, setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
