/* Receipts of sites, and control records: who said what, how long ago, and whether it counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/control_int.h"
#include "src/repo/receipt_int.h"
#include "src/repo/rekey.h"
#include "src/repo/run_int.h"
#include "tests/unit/repo/repo_fixture.h"
#include "transfers/fault.h"

#define MINUTE_US INT64_C(60000000)

static struct mf_trust *
trust_of(const struct mf_signer *signer)
{
	char text[MF_TEXTKEY_BYTES + 1];
	struct mf_error e = {0};
	struct mf_trust *trust;

	mf_signer_public_text(signer, text);
	trust = mf_trust_parse(text, strlen(text), "test", &e);
	assert_non_null(trust);
	return trust;
}

static const uint8_t one[32] = {1}, two[32] = {2};

static void
put(struct fixture *f, const char *site, const char *instance, const char *version,
    const uint8_t digest[32], enum mf_serving serving, const struct mf_signer *signer)
{
	struct mf_receipt r = {.model = (char *)(uintptr_t)FIXTURE_MODEL,
	    .version = (char *)(uintptr_t)version,
	    .site = (char *)(uintptr_t)site,
	    .instance = (char *)(uintptr_t)instance,
	    .time_us = fixture_now_us(),
	    .files = 3,
	    .bytes = 4000,
	    .serving = serving};
	struct mf_error e = {0};

	memcpy(r.digest, digest, 32);
	fixture_expect_ok(mf_receipt_put(f->repo, &r, signer, &e), &e, "a receipt");
}

/* Of the sites of these tests, all together. */
static size_t
count(struct fixture *f, const struct mf_trust *trust, const uint8_t digest[32], int64_t max_age_us,
    bool serving)
{
	static const char *const sites[] = {"east", "west", "north"};
	struct mf_receipts list;
	struct mf_error e = {0};
	size_t n = 0, i;

	fixture_expect_ok(
	    mf_receipts_list(f->repo, FIXTURE_MODEL, trust, fixture_now_us(), &list, &e), &e,
	    "receipts");
	for (i = 0; i < 3; i++)
		n += mf_receipts_count(&list, sites[i], digest, (uint64_t)max_age_us, serving);
	mf_receipts_fini(&list);
	return n;
}

/* Of a site that is asked for, and of no other. */
static void
expect_of(struct fixture *f, const char *site, size_t want)
{
	struct mf_receipts list;
	struct mf_error e = {0};

	fixture_expect_ok(
	    mf_receipts_list(f->repo, FIXTURE_MODEL, NULL, fixture_now_us(), &list, &e), &e,
	    "receipts");
	assert_int_equal(mf_receipts_count(&list, site, one, (uint64_t)MINUTE_US, false), want);
	mf_receipts_fini(&list);
}

static void
test_receipts_of_a_site(void **state)
{
	struct fixture *f = *state;

	put(f, "east", "", "v1", one, MF_SERVING_YES, NULL);
	expect_of(f, "west", 0);
	expect_of(f, "eas", 0);
	expect_of(f, "east", 1);
	put(f, "west", "pod-0", "v1", one, MF_SERVING_YES, NULL);
	put(f, "west", "pod-1", "v1", one, MF_SERVING_YES, NULL);
	put(f, "west", "pod-1", "v1", one, MF_SERVING_YES, NULL);
	expect_of(f, "west", 2);
	/* an instance that says nothing newer than that it has left it */
	put(f, "west", "pod-0", "v2", two, MF_SERVING_YES, NULL);
	expect_of(f, "west", 1);
	expect_of(f, "east", 1);
}

static void
test_receipts(void **state)
{
	struct fixture *f = *state;
	struct mf_receipt bad = {.model = (char *)(uintptr_t)FIXTURE_MODEL,
	    .version = (char *)(uintptr_t) "v1",
	    .site = (char *)(uintptr_t) "a/b",
	    .instance = (char *)(uintptr_t) ""};
	struct mf_receipts list;
	struct mf_error e = {0};

	assert_int_equal(count(f, NULL, one, MINUTE_US, false), 0);
	put(f, "east", "", "v1", one, MF_SERVING_YES, NULL);
	put(f, "west", "pod-0", "v1", one, MF_SERVING_NO, NULL);
	put(f, "west", "pod-1", "v2", two, MF_SERVING_YES, NULL);
	assert_int_equal(count(f, NULL, one, MINUTE_US, false), 2);
	assert_int_equal(count(f, NULL, one, MINUTE_US, true), 1);
	assert_int_equal(count(f, NULL, two, MINUTE_US, true), 1);
	/* old ones count no more, until they are put anew */
	fixture_advance(f, 2 * MINUTE_US);
	assert_int_equal(count(f, NULL, one, MINUTE_US, false), 0);
	put(f, "east", "", "v1", one, MF_SERVING_YES, NULL);
	assert_int_equal(count(f, NULL, one, MINUTE_US, true), 1);
	/* a site that went on to another version does not have the first one's any more */
	put(f, "east", "", "v2", two, MF_SERVING_YES, NULL);
	assert_int_equal(count(f, NULL, one, INT64_MAX, true), 0);
	assert_int_equal(count(f, NULL, two, MINUTE_US, true), 1);
	assert_int_equal(fixture_count(f, "s/"), 3);
	fixture_expect_ok(
	    mf_receipts_list(f->repo, FIXTURE_MODEL, NULL, fixture_now_us(), &list, &e), &e,
	    "receipts");
	assert_int_equal(list.n, 3);
	assert_int_equal(list.items[0].bytes, 4000);
	assert_false(list.items[0].is_signed);
	mf_receipts_fini(&list);
	fixture_expect_ok(
	    mf_receipts_list(f->repo, "other", NULL, fixture_now_us(), &list, &e), &e, "receipts");
	assert_int_equal(list.n, 0);
	assert_int_equal(mf_receipt_put(f->repo, &bad, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

static void
test_receipts_signed(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_signer *known = mf_signer_generate(&e), *other = mf_signer_generate(&e);
	struct mf_trust *trust = trust_of(known);

	put(f, "east", "", "v1", one, MF_SERVING_YES, known);
	put(f, "west", "", "v1", one, MF_SERVING_YES, other);
	put(f, "north", "", "v1", one, MF_SERVING_YES, NULL);
	assert_int_equal(count(f, NULL, one, MINUTE_US, true), 3);
	assert_int_equal(count(f, trust, one, MINUTE_US, true), 1);
	mf_trust_free(trust);
	mf_signer_free(known);
	mf_signer_free(other);
}

/* A rekey puts them anew, and makes none younger; damage counts for nothing. */
static void
test_receipts_rekeyed(void **state)
{
	struct fixture *f = *state;
	struct mf_repo *other = fixture_open(f, NULL, NULL, NULL);
	struct mf_error e = {0};
	struct mf_names names;

	put(f, "east", "", "v1", one, MF_SERVING_YES, NULL);
	put(f, "west", "", "v1", one, MF_SERVING_YES, NULL);
	fixture_advance(f, 2 * MINUTE_US);
	fixture_expect_ok(mf_rekey(other, FIXTURE_NOW_US, &e), &e, "rekeying");
	mf_repo_close(f->repo);
	f->repo = other;
	assert_int_equal(count(f, NULL, one, MINUTE_US, true), 0);
	assert_int_equal(count(f, NULL, one, 3 * MINUTE_US, true), 2);
	fixture_expect_ok(mf_names_list(f->repo, "s/", &names, &e), &e, "listing");
	fixture_expect_ok(
	    mf_store_put(f->repo->store, names.items[0], "rot", 3, 0, &e), &e, "damage");
	mf_names_fini(&names);
	assert_int_equal(count(f, NULL, one, 3 * MINUTE_US, true), 1);
	/* the versions that they are about are not there: a prune takes them */
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "s/"), 0);
}

/* ---- control records ---- */

/* A run that the repository knows: its name is all that is looked at. */
static void
make_run(struct fixture *f, const char *run)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_error e = {0};

	mf_run_prefix(f->repo, 'j', run, prefix);
	snprintf(prefix + strlen(prefix), 17, "%016d", 1);
	fixture_expect_ok(mf_store_put(f->repo->store, prefix, "", 0, 0, &e), &e, "a run");
}

static uint64_t
tell(struct mf_repo *repo, enum mf_control_verb verb, const struct mf_signer *signer)
{
	struct mf_control x = {.verb = verb, .time_us = 5, .by = "ops", .reason = "drill"};
	struct mf_error e = {0};

	fixture_expect_ok(mf_control_put(repo, "r1", &x, signer, &e), &e, "telling");
	return x.sequence;
}

static int
take(void *arg, const struct mf_control *x)
{
	char *text = arg;

	snprintf(text + strlen(text), 512 - strlen(text), "%llu:%s:%s ",
	    (unsigned long long)x->sequence, mf_control_verb_name(x->verb), x->by);
	return 0;
}

static void
expect_controls(
    struct fixture *f, uint64_t answered, const struct mf_trust *trust, const char *want)
{
	struct mf_error e = {0};
	char text[512] = "";

	fixture_expect_ok(
	    mf_control_each(f->repo, "r1", answered, trust, fixture_now_us(), take, text, &e), &e,
	    "reading");
	assert_string_equal(text, want);
}

static void
test_control(void **state)
{
	struct fixture *f = *state;
	struct mf_control x = {.verb = MF_CONTROL_ABORT};
	struct mf_error e = {0};
	struct mf_buf old = MF_BUF_INIT;
	struct mf_names names;

	assert_int_equal(mf_control_put(f->repo, "r1", &x, NULL, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	mf_error_clear(&e);
	make_run(f, "r1");
	expect_controls(f, 0, NULL, "");
	assert_int_equal(tell(f->repo, MF_CONTROL_PAUSE, NULL), 1);
	assert_int_equal(tell(f->repo, MF_CONTROL_PROMOTE_FULL, NULL), 2);
	expect_controls(f, 0, NULL, "1:pause:ops 2:promote --full:ops ");
	expect_controls(f, 1, NULL, "2:promote --full:ops ");
	/* one that is put back, or copied to a number that is not answered, says nothing */
	fixture_expect_ok(mf_names_list(f->repo, "o/", &names, &e), &e, "listing");
	fixture_expect_ok(
	    mf_store_get(f->repo->store, names.items[0], 0, 4096, &old, &e), &e, "reading");
	fixture_expect_ok(mf_store_del(f->repo->store, names.items[0], &e), &e, "deleting");
	fixture_expect_ok(
	    mf_store_put(f->repo->store, names.items[0], old.data, old.len, 0, &e), &e, "again");
	names.items[0][strlen(names.items[0]) - 1] = '9';
	fixture_expect_ok(
	    mf_store_put(f->repo->store, names.items[0], old.data, old.len, 0, &e), &e, "a copy");
	mf_names_fini(&names);
	mf_buf_fini(&old);
	expect_controls(f, 2, NULL, "");
}

static void
test_control_signed(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_signer *known = mf_signer_generate(&e);
	struct mf_trust *trust = trust_of(known);

	make_run(f, "r1");
	tell(f->repo, MF_CONTROL_ABORT, NULL);
	tell(f->repo, MF_CONTROL_RETRY, known);
	expect_controls(f, 0, NULL, "1:abort:ops 2:retry:ops ");
	expect_controls(f, 0, trust, "2:retry:ops ");
	mf_trust_free(trust);
	mf_signer_free(known);
}

static enum mf_fault_verdict
lose(void *arg, const struct mf_fault_op *op, struct mf_error *e)
{
	if (op->number != *(uint64_t *)arg)
		return MF_FAULT_NONE;
	mf_error_set(e, MF_ETRANSFER, "lost");
	return MF_FAULT_AFTER;
}

/* An answer that is lost: it is there, once. */
static void
test_control_lost_answer(void **state)
{
	struct fixture *f = *state;
	struct mf_repo *repo = fixture_open(f, NULL, NULL, NULL);
	struct mf_error e = {0};
	struct mf_store *lossy;
	uint64_t at = 0;

	make_run(f, "r1");
	fixture_expect_ok(mf_store_fault_take(repo->store, lose, &at, &lossy, &e), &e, "faults");
	repo->store = lossy;
	at = 3; /* two listings, then the put */
	assert_int_equal(tell(repo, MF_CONTROL_ABORT, NULL), 1);
	expect_controls(f, 0, NULL, "1:abort:ops ");
	mf_repo_close(repo);
}

/* ---- two at once, in a store without conditional put ---- */

struct other {
	struct fixture *f;
	bool armed;
};

static int
tell_before_put(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct other *o = arg;

	(void)e;
	if (o->armed && op == MF_OP_PUT && strncmp(name, "o/", 2) == 0) {
		o->armed = false;
		tell(o->f->repo, MF_CONTROL_PAUSE, NULL);
	}
	return 0;
}

static void
tell_two(struct fixture *f, bool conditional)
{
	struct other o = {f, true};
	struct mf_repo *repo = fixture_open(f, tell_before_put, &o, NULL);

	mf_memory_set_conditional(f->world, conditional);
	make_run(f, "r1");
	assert_int_equal(tell(repo, MF_CONTROL_ABORT, NULL), 2);
	/* who had read the first one sees the second */
	expect_controls(f, 1, NULL, "2:abort:ops ");
	expect_controls(f, 0, NULL, "1:pause:ops 2:abort:ops ");
	mf_repo_close(repo);
}

static void
test_control_two(void **state)
{
	tell_two(*state, true);
}

static void
test_control_two_without_conditions(void **state)
{
	tell_two(*state, false);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_receipts),
	    TEST(test_receipts_of_a_site),
	    TEST(test_receipts_signed),
	    TEST(test_receipts_rekeyed),
	    TEST(test_control),
	    TEST(test_control_signed),
	    TEST(test_control_lost_answer),
	    TEST(test_control_two),
	    TEST(test_control_two_without_conditions),
	};

	return cmocka_run_group_tests_name("receipts and control records", tests, NULL, NULL);
}
