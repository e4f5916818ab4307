/* Durations: Go's, Argo's, Prometheus's. */
#include "tests/unit/rollout/trees.h"

#include "src/rollout/duration.h"

#define S ((uint64_t)1000000)

static void
go(void **state)
{
	static const struct {
		const char *text;
		uint64_t us;
	} rows[] = {{"0", 0}, {"+0", 0}, {"0s", 0}, {"60s", 60 * S}, {"1m", 60 * S},
	    {"1m30s", 90 * S}, {"1h", 3600 * S}, {"1h2m3s", 3723 * S}, {"300ms", 300000},
	    {"1.5h", 5400 * S}, {".5s", 500000}, {"1.s", S}, {"+5s", 5 * S}, {"10us", 10},
	    {"10\xc2\xb5s", 10}, {"10\xce\xbcs", 10}, {"1500ns", 1}, {"1ns", 0}, {"30s1m", 90 * S},
	    {"1m1m", 120 * S}, {"0.1s", 100000}, {"0.123456789123456789s", 123456},
	    {"2562047h", 9223369200 * S}, {"0.0000000000000000001h", 0}};
	struct mf_error e;
	uint64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		us = 4711;
		if (mf_duration_of_go(rows[i].text, &us, &e) != 0 || us != rows[i].us)
			fail_msg("%s: %llu", rows[i].text, (unsigned long long)us);
	}
}

static void
go_refuses(void **state)
{
	static const char *const bad[] = {"", "-1s", "1", "30", "s", "1d", "1w", "1y", "1 s", " 1s",
	    "1s ", ".", ".s", "1.5", "1m30", "1e3s", "1S", "1M", "1mm", "m1", "+", "++1s", "1h-5m",
	    "2562048h", "9223372036854775808ns", "99999999999999999999s",
	    "9223372036854775807ns1ns", "nan", "1\xc2s"};
	struct mf_error e = {0};
	uint64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(bad); i++) {
		us = 4711;
		if (mf_duration_of_go(bad[i], &us, &e) != -1 || us != 4711 || e.code != MF_EUSAGE)
			fail_msg("taken: %s", bad[i]);
	}
	(void)mf_duration_of_go("1d", &us, &e);
	assert_string_equal(e.message, "not a duration: 1d");
}

static void
argo(void **state)
{
	struct mf_error e = {0};
	uint64_t us;

	(void)state;
	assert_int_equal(mf_duration_of_argo("30", &us, &e), 0);
	assert_int_equal(us, 30 * S);
	assert_int_equal(mf_duration_of_argo("0", &us, &e), 0);
	assert_int_equal(us, 0);
	assert_int_equal(mf_duration_of_argo("10m", &us, &e), 0);
	assert_int_equal(us, 600 * S);
	assert_int_equal(mf_duration_of_argo("2147483647", &us, &e), 0);
	assert_int_equal(us, 2147483647 * S);
	assert_int_equal(mf_duration_of_argo("2147483648", &us, &e), -1);
	assert_int_equal(mf_duration_of_argo("99999999999999999999999", &us, &e), -1);
	assert_int_equal(mf_duration_of_argo("", &us, &e), -1);
	assert_int_equal(mf_duration_of_argo("-30", &us, &e), -1);
	assert_int_equal(mf_duration_of_argo("1.5", &us, &e), -1);
}

static void
prometheus(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} rows[] = {{60 * S, "1m"}, {90 * S, "90s"}, {3600 * S, "1h"}, {86400 * S, "1d"},
	    {7 * 86400 * S, "7d"}, {1500000, "1500ms"}, {1, "1ms"}, {1001, "2ms"}, {0, "0s"},
	    {5400 * S, "90m"}, {UINT64_MAX, "18446744073709552ms"}};
	char text[MF_DURATION_TEXT_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		assert_string_equal(mf_duration_prometheus(rows[i].us, text), rows[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(go),
	    cmocka_unit_test(go_refuses),
	    cmocka_unit_test(argo),
	    cmocka_unit_test(prometheus),
	};

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
