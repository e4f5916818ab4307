/* The pure parts: bucket, --bwlimit, backoff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "transfers/backoff.h"
#include "transfers/bucket.h"
#include "transfers/bwlimit.h"

#define S 1000000u

static void
bucket_basics(void **state)
{
	struct mf_bucket b;
	uint64_t t;

	(void)state;
	mf_bucket_init(&b, 100, 50, 7 * S);
	t = mf_bucket_take(&b, 50, 7 * S);
	assert_int_equal(mf_bucket_wait(&b, t, 7 * S), 0); /* the burst */
	t = mf_bucket_take(&b, 100, 7 * S);
	assert_int_equal(mf_bucket_wait(&b, t, 7 * S), S);
	assert_int_equal(mf_bucket_wait(&b, t, 7 * S + S / 2), S / 2);
	assert_int_equal(mf_bucket_wait(&b, t, 8 * S - 1), 1);
	assert_int_equal(mf_bucket_wait(&b, t, 8 * S), 0);
	t = mf_bucket_take(&b, 100, 100 * S); /* only the burst has gathered */
	assert_int_equal(mf_bucket_wait(&b, t, 100 * S), S / 2);
	assert_int_equal(mf_bucket_wait(&b, t, 50 * S), S / 2); /* back in time: stands still */
}

static void
bucket_order(void **state)
{
	struct mf_bucket b;
	uint64_t first, second;

	(void)state;
	mf_bucket_init(&b, 10, 0, 0);
	first = mf_bucket_take(&b, 100, 0); /* more than any burst */
	second = mf_bucket_take(&b, 1, 0);
	assert_int_equal(mf_bucket_wait(&b, first, 0), 10 * S);
	assert_int_equal(mf_bucket_wait(&b, second, 0), 10 * S + S / 10);
	mf_bucket_set_rate(&b, 1000, 0, 5 * S); /* 50 gone at the old rate */
	assert_int_equal(mf_bucket_wait(&b, first, 5 * S), S / 20);
	mf_bucket_set_rate(&b, 0, 0, 5 * S);
	assert_int_equal(mf_bucket_wait(&b, second, 5 * S), 0);
	second = mf_bucket_take(&b, UINT32_MAX, 5 * S);
	assert_int_equal(mf_bucket_wait(&b, second, 5 * S), 0);
	mf_bucket_set_rate(&b, 1, 0, 5 * S); /* no debt from the time without a limit */
	first = mf_bucket_take(&b, 1, 5 * S);
	assert_int_equal(mf_bucket_wait(&b, first, 5 * S), S);
}

/* Odd rates in odd steps lose no token, and extremes do not overflow. */
static void
bucket_exact(void **state)
{
	struct mf_bucket b;
	uint64_t t, now = 0;
	int i;

	(void)state;
	mf_bucket_init(&b, 3, 0, 0);
	t = mf_bucket_take(&b, 3 * 1000, 0);
	for (i = 0; i < 1000000 / 7; i++)
		assert_true(mf_bucket_wait(&b, t, now += 7) > 0);
	assert_int_equal(mf_bucket_wait(&b, t, now), 1000 * (uint64_t)S - now);
	assert_int_equal(mf_bucket_wait(&b, t, 1000 * (uint64_t)S), 0);
	mf_bucket_init(&b, UINT64_MAX, 1, 0);
	assert_int_equal(b.rate, MF_BUCKET_RATE_MAX);
	t = mf_bucket_take(&b, (uint64_t)1 << 60, 0);
	assert_int_equal(mf_bucket_wait(&b, t, 0), ((uint64_t)1 << 17) * S);
	assert_int_equal(mf_bucket_wait(&b, t, UINT64_MAX / 2), 0);
	mf_bucket_init(&b, 1, 0, 0);
	t = mf_bucket_take(&b, (uint64_t)1 << 62, 0);
	assert_true(mf_bucket_wait(&b, t, 0) == UINT64_MAX);
}

static void
assert_rate(const char *text, unsigned day, unsigned hour, unsigned minute, uint64_t up,
    uint64_t down)
{
	struct mf_bwlimit limit;
	struct mf_bwlimit_rate rate;
	struct mf_error e;

	if (mf_bwlimit_parse(text, &limit, &e) != 0)
		fail_msg("%s: %s", text, e.message);
	rate = mf_bwlimit_at(&limit, day * 1440 + hour * 60 + minute);
	if (rate.up_bps != up || rate.down_bps != down)
		fail_msg("%s on day %u at %u:%02u: %llu up, %llu down", text, day, hour, minute,
		    (unsigned long long)rate.up_bps, (unsigned long long)rate.down_bps);
}

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)

static void
bwlimit_constant(void **state)
{
	struct mf_bwlimit none = {0};

	(void)state;
	assert_rate("10M", 3, 4, 5, 10 * M, 10 * M);
	assert_rate("512", 0, 0, 0, 512 * K, 512 * K);
	assert_rate("1.5M", 0, 0, 0, 3 * M / 2, 3 * M / 2);
	assert_rate(" 10M:512k ", 6, 23, 59, 10 * M, 512 * K);
	assert_rate("off", 1, 1, 1, 0, 0);
	assert_rate("0", 1, 1, 1, 0, 0);
	assert_rate("OFF:1M", 1, 1, 1, 0, M);
	assert_rate("100B", 1, 1, 1, 100, 100);
	assert_int_equal(mf_bwlimit_at(&none, 5).up_bps, 0);
}

static void
bwlimit_timetable(void **state)
{
	static const char daily[] = "08:00,10M 19:00,100M:1M;23:00,off";
	static const char weekly[] = "Mon-00:00,512 Friday-23:59,10M sun-20:00,off";

	(void)state;
	assert_rate(daily, 2, 7, 59, 0, 0); /* since last night */
	assert_rate(daily, 2, 8, 0, 10 * M, 10 * M);
	assert_rate(daily, 6, 18, 59, 10 * M, 10 * M);
	assert_rate(daily, 0, 19, 0, 100 * M, M);
	assert_rate(daily, 0, 23, 30, 0, 0);
	assert_rate(weekly, 1, 0, 0, 512 * K, 512 * K);
	assert_rate(weekly, 5, 23, 58, 512 * K, 512 * K);
	assert_rate(weekly, 5, 23, 59, 10 * M, 10 * M);
	assert_rate(weekly, 0, 19, 59, 10 * M, 10 * M);
	assert_rate(weekly, 0, 20, 0, 0, 0);
	assert_rate(weekly, 0, 23, 59, 0, 0);
	assert_rate("Wed-12:00,1M", 3, 11, 59, M, M); /* one slot holds all week */
	assert_rate("08:00,10M Sat-00:00,off", 6, 7, 0, 0, 0);
	assert_rate("08:00,10M Sat-00:00,off", 6, 8, 0, 10 * M, 10 * M);
	assert_rate("08:00,10M 08:00,20M", 1, 9, 0, 20 * M, 20 * M);
}

static void
bwlimit_refused(void **state)
{
	static const char *const bad[] = {"", " ", "bad", "10M:", ":10M", "10X", "-1", "10M 20M",
	    "08:00,", "8:00,10M", "24:00,10M", "08:60,10M", "0800,10M", "08:00:00,1M",
	    "Xyz-08:00,10M", "-08:00,10M", "Mon-,10M", "Mon08:00,10M", "08:00,10M bad",
	    "08:00,10M,20M", "10M:1M:1M", "99999999999999999999M", "M-08:00,1M",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct mf_bwlimit limit = {.n_slots = 7};
	char many[1000] = "";
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (mf_bwlimit_parse(bad[i], &limit, &e) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_int_equal(e.code, MF_EUSAGE);
		assert_int_equal(limit.n_slots, 7); /* untouched */
	}
	for (i = 0; i <= MF_BWLIMIT_SLOTS; i++)
		strncat(many, "00:00,1M ", sizeof many - strlen(many) - 1);
	assert_int_equal(mf_bwlimit_parse(many, &limit, NULL), -1);
}

static void
backoff(void **state)
{
	uint64_t random, us, sum = 0;
	unsigned attempt;

	(void)state;
	for (random = 0; random < 1000; random++) {
		us = mf_backoff_us(100, 1000, 0, random * 0x9e3779b97f4a7c15u);
		assert_in_range(us, 0, 100);
		sum += us;
	}
	assert_in_range(sum / 1000, 40, 60); /* even */
	assert_int_equal(mf_backoff_us(100, 1000, 2, 400), 400);
	assert_int_equal(mf_backoff_us(100, 1000, 2, 401), 0);
	assert_int_equal(mf_backoff_us(100, 1000, 60, 1000), 1000);
	assert_int_equal(mf_backoff_us(100, 1000, 4000000000u, 1001), 0);
	assert_int_equal(mf_backoff_us(100, 10, 0, 11), 0); /* the cap counts from the start */
	assert_int_equal(mf_backoff_us(0, 1000, 3, 12345), 0);
	for (attempt = 0; attempt < 100; attempt++)
		assert_true(mf_backoff_us(1, UINT64_MAX, attempt, 5) <= 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket_basics),
		cmocka_unit_test(bucket_order),
		cmocka_unit_test(bucket_exact),
		cmocka_unit_test(bwlimit_constant),
		cmocka_unit_test(bwlimit_timetable),
		cmocka_unit_test(bwlimit_refused),
		cmocka_unit_test(backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
