/* Weights that add up to a side's share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/traffic/shares.h"

#define MANY 3001

/* n primaries and m canaries that are up, all configured alike. */
static size_t
sides(struct mf_share_server *s, unsigned primaries, unsigned canaries)
{
	unsigned i;

	for (i = 0; i < primaries + canaries; i++)
		s[i] = (struct mf_share_server){.canary = i >= primaries, .capacity = 100};
	return primaries + canaries;
}

static void
assert_share(struct mf_share_server *s, size_t n, unsigned percent)
{
	struct mf_error e = {0};
	size_t i;

	if (mf_shares_weigh(s, n, percent, &e) != 0)
		fail_msg("%u percent: %s", percent, e.message);
	for (i = 0; i < n; i++) {
		assert_true(s[i].weight <= MF_SHARES_WEIGHT_MAX);
		/* no server of a side with traffic is left out, but where it has next to none */
		if (percent == 0 || percent == 100 || (percent > 3 && percent < 97))
			assert_int_equal(
			    s[i].weight > 0, s[i].canary ? percent > 0 : percent < 100);
	}
	assert_true(fabs(mf_shares_canary(s, n) - percent) <= MF_SHARES_POINTS);
}

/* Every percent of the usual sizes, and exactly where numbers allow it. */
static void
every_percent(void **state)
{
	static const unsigned sizes[][2] = {
	    {1, 1}, {4, 1}, {3, 2}, {1, 4}, {2, 2}, {10, 10}, {8, 3}};
	struct mf_share_server s[20];
	unsigned percent;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		n = sides(s, sizes[i][0], sizes[i][1]);
		for (percent = 0; percent <= 100; percent++)
			assert_share(s, n, percent);
	}
	n = sides(s, 4, 1);
	assert_share(s, n, 10);
	assert_int_equal(s[0].weight, 252);
	assert_int_equal(s[4].weight, 112);
	assert_true(fabs(mf_shares_canary(s, n) - 10) < 1e-9);
	/* all on one side is what the configuration says */
	assert_share(s, n, 0);
	assert_int_equal(s[0].weight, 100);
}

static void
servers_lost(void **state)
{
	struct mf_share_server s[5];
	size_t n = sides(s, 4, 1);
	struct mf_error e = {0};

	(void)state;
	assert_share(s, n, 10);
	s[1].state = MF_SERVER_DOWN;
	s[2].state = MF_SERVER_MAINT;
	s[3].state = MF_SERVER_DRAIN;
	/* what was measured before */
	assert_true(fabs(mf_shares_canary(s, n) - 30.77) < 0.01);
	assert_share(s, n, 10);
	/* those that are gone would get as much as the one that is there */
	assert_int_equal(s[1].weight, s[0].weight);
	assert_int_equal(s[3].weight, s[0].weight);
	s[0].state = MF_SERVER_DOWN;
	assert_int_equal(mf_shares_weigh(s, n, 10, &e), -1);
	assert_int_equal(e.code, MF_EFAIL);
	assert_string_equal(e.message, "none of the 4 servers of the primary is up");
	assert_true(mf_shares_canary(s, n) == 100);
	assert_int_equal(mf_shares_weigh(s, n, 100, &e), 0);
	/* the way back is open, whatever is up */
	s[4].state = MF_SERVER_DOWN;
	assert_int_equal(mf_shares_weigh(s, n, 0, &e), 0);
	assert_int_equal(s[0].weight, 100);
	assert_int_equal(s[4].weight, 0);
	assert_true(mf_shares_canary(s, n) < 0);
	assert_int_equal(mf_shares_weigh(s, n, 1, &e), -1);
	assert_string_equal(e.message, "none of the 1 servers of the canary is up");
	assert_int_equal(mf_shares_weigh(s, n, 101, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(mf_shares_weigh(s, 0, 0, &e), 0);
	assert_int_equal(mf_shares_weigh(s, 0, 1, &e), -1);
}

/* What cannot be is refused, and nothing is changed. */
static void
refused(void **state)
{
	static struct mf_share_server s[MANY], before[MANY];
	struct mf_error e = {0};
	size_t n = sides(s, 1000, 1);

	(void)state;
	assert_share(s, n, 1);
	assert_share(s, n, 20);
	memcpy(before, s, sizeof s);
	assert_int_equal(mf_shares_weigh(s, n, 50, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_string_equal(e.message,
	    "50 percent for the canary cannot be expressed: 1 servers of "
	    "the canary beside 1000 of the primary get 20.38 percent at best");
	assert_memory_equal(before, s, sizeof s);
	/* not all of many can have a part of next to nothing */
	n = sides(s, 1, 3000);
	assert_int_equal(mf_shares_weigh(s, n, 1, &e), 0);
	assert_true(fabs(mf_shares_canary(s, n) - 1) <= MF_SHARES_POINTS);
	assert_int_equal(mf_shares_weigh(s, n, 60, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	n = sides(s, 1500, 1500);
	assert_share(s, n, 1);
	assert_share(s, n, 99);
}

static void
unequal_servers(void **state)
{
	struct mf_share_server s[4];
	size_t n = sides(s, 3, 1);

	(void)state;
	s[0].capacity = 200; /* twice as large */
	assert_share(s, n, 25);
	assert_int_equal(s[1].weight, s[2].weight);
	assert_true(abs((int)s[0].weight - 2 * (int)s[1].weight) <= 1);
	assert_share(s, n, 0);
	assert_int_equal(s[0].weight, 200);
	/* a canary is often configured with 0: then it says nothing */
	s[3].capacity = 0;
	assert_share(s, n, 50);
	assert_share(s, n, 100);
	assert_int_equal(s[3].weight, 100);
	s[2].capacity = 0;
	assert_share(s, n, 50);
	assert_int_equal(s[0].weight, s[2].weight);
}

/* Any servers, any states: what is not refused holds, and what is refused cannot be. */
static void
anything(void **state)
{
	struct mf_share_server s[40];
	struct mf_error e = {0};
	unsigned round, percent, refusals = 0;
	size_t i, n;

	(void)state;
	srand(7);
	for (round = 0; round < 2000; round++) {
		n = sides(s, 1 + (unsigned)rand() % 20, 1 + (unsigned)rand() % 20);
		for (i = 0; i < n; i++) {
			s[i].state =
			    rand() % 3 == 0 ? (enum mf_server_state)(rand() % 4) : MF_SERVER_UP;
			if (round % 2 == 0)
				s[i].capacity = (unsigned)rand() % 257;
		}
		percent = (unsigned)rand() % 101;
		if (mf_shares_weigh(s, n, percent, &e) == 0) {
			if (mf_shares_count(s, n).primary_up > 0)
				assert_true(
				    fabs(mf_shares_canary(s, n) - percent) <= MF_SHARES_POINTS);
		} else if (e.code == MF_EUNSUPPORTED) {
			refusals++;
		} else {
			const struct mf_share_count c = mf_shares_count(s, n);

			assert_int_equal(e.code, MF_EFAIL);
			assert_true(c.canary_up == 0 || c.primary_up == 0);
		}
	}
	/* so few servers can hold nearly everything */
	assert_true(refusals < 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_percent),
	    cmocka_unit_test(servers_lost), cmocka_unit_test(refused),
	    cmocka_unit_test(unequal_servers), cmocka_unit_test(anything)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
