#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/units.h"

#define ROWS(a) (sizeof(a) / sizeof(a)[0])
#define KIB 1024ULL
#define US 1000000ULL

/* A refusal quotes the text, is a usage error and leaves the result alone. */
#define assert_refused(call, text, value) \
	do { \
		struct mf_error e_; \
		mf_error_clear(&e_); \
		(value) = 4711; \
		assert_int_equal(call(text, &(value), &e_), -1); \
		assert_int_equal((value), 4711); \
		assert_int_equal(e_.code, MF_EUSAGE); \
		assert_non_null(strstr(e_.message, text)); \
	} while (0)

static void
test_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {{"0", 0}, {"4096", 4096}, {"12B", 12}, {"8M", 8 * KIB * KIB},
	    {"8MiB", 8 * KIB * KIB}, {"8Mi", 8 * KIB * KIB}, {"8MB", 8 * KIB * KIB},
	    {"64k", 64 * KIB}, {"1.5G", 1536 * KIB * KIB}, {"0.5k", 512}, {"0.1K", 102},
	    {"1T", KIB * KIB * KIB * KIB}, {"15E", 15ULL << 60}, {"0.999999999999999E",
		1152921504606845823ULL}, {"18446744073709551615", UINT64_MAX}, {"007", 7}};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		assert_int_equal(mf_parse_size(rows[i].text, &bytes, NULL), 0);
		assert_true(bytes == rows[i].bytes);
	}
}

static void
test_size_refuses(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1 M", "M", ".5M", "1.M",
	    "1.5", "1.5B", "0x10", "1e3", "1MiBs", "1Mib", "1X", "1MM", "1,5M", "16E",
	    "18446744073709551616", "17179869184G", "99999999999999999999K",
	    "1.0000000000000001G", "1.99999999999999999999999M", "nan", "inf"};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(bad); i++)
		assert_refused(mf_parse_size, bad[i], bytes);
}

static void
test_duration(void **state)
{
	static const struct {
		const char *text;
		uint64_t us;
	} rows[] = {{"0", 0}, {"90", 90 * US}, {"30s", 30 * US}, {"5m", 300 * US},
	    {"1h30m", 5400 * US}, {"7d", 604800 * US}, {"2w", 1209600 * US}, {"250ms", 250000},
	    {"3us", 3}, {"1.5s", 1500000}, {"0.5", 500000}, {"1.25h", 4500 * US},
	    {"1w1d1h1m1s1ms1us", 694861 * US + 1001}, {"18446744073709551615us", UINT64_MAX}};
	uint64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		assert_int_equal(mf_parse_duration(rows[i].text, &us, NULL), 0);
		assert_true(us == rows[i].us);
	}
}

static void
test_duration_refuses(void **state)
{
	static const char *const bad[] = {"", "s", "-5s", "5 s", "5s ", "5x", "5sm", "30m1h", "1h2h",
	    "1h30", "5S", "1.s", "1.1234567s", "18446744073710s", "18446744073709551616us",
	    "99999999999999999999", "18446744073709551615us1us", "30500569w", "1h-5m"};
	uint64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(bad); i++)
		assert_refused(mf_parse_duration, bad[i], us);
}

static void
test_u64(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1a", "0x1",
	    "18446744073709551616", "99999999999999999999999"};
	struct mf_error e;
	uint64_t v;
	size_t i;

	(void)state;
	assert_int_equal(mf_parse_u64("18446744073709551615", UINT64_MAX, &v, NULL), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(mf_parse_u64("16", 16, &v, NULL), 0);
	assert_int_equal(v, 16);
	assert_int_equal(mf_parse_u64("17", 16, &v, &e), -1);
	assert_string_equal(e.message, "number \"17\" is larger than 16");
	assert_int_equal(v, 16);
	for (i = 0; i < ROWS(bad); i++) {
		assert_int_equal(mf_parse_u64(bad[i], UINT64_MAX, &v, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
}

static void
test_thousandths(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} rows[] = {{"0", 0}, {"10", 10000}, {"0.5", 500}, {"2.25", 2250}, {"0.001", 1},
	    {"1000000.000", 1000000000}};
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", ".5", "1.", "0.0005", "1.5.5",
	    "1,5", "1e3", "0.5s"};
	struct mf_error e;
	uint64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		assert_int_equal(mf_parse_thousandths(rows[i].text, 1000000000, &v, NULL), 0);
		assert_true(v == rows[i].value);
	}
	for (i = 0; i < ROWS(bad); i++) {
		assert_int_equal(mf_parse_thousandths(bad[i], UINT64_MAX, &v, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
	assert_int_equal(mf_parse_thousandths("1000000.001", 1000000000, &v, &e), -1);
	assert_string_equal(e.message, "number \"1000000.001\" is larger than 1000000");
	assert_int_equal(mf_parse_thousandths("18446744073709551", UINT64_MAX, &v, &e), 0);
	assert_int_equal(mf_parse_thousandths("18446744073709551.999", UINT64_MAX, &v, &e), -1);
	assert_int_equal(mf_parse_thousandths("18446744073709551616", UINT64_MAX, &v, &e), -1);
}

static void
test_time(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {{"1970-01-01T00:00:00Z", 0}, {"2026-01-31T12:00:00Z", 1769860800000000LL},
	    {"2000-02-29T23:59:59Z", 951868799000000LL},
	    {"1969-12-31T23:59:59.999999Z", -1}, {"2024-02-29T00:00:00.500000Z",
		1709164800500000LL}, {"9999-12-31T23:59:59Z", 253402300799000000LL},
	    {"0001-01-01T00:00:00Z", -62135596800000000LL}};
	char out[MF_TIME_TEXT_BYTES];
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		assert_int_equal(mf_parse_time(rows[i].text, &us, NULL), 0);
		assert_true(us == rows[i].us);
		assert_string_equal(mf_format_time(us, out), rows[i].text);
	}
	assert_int_equal(mf_parse_time("1970-01-01T00:00:00.5Z", &us, NULL), 0);
	assert_int_equal(us, 500000);
	assert_string_equal(mf_format_time(INT64_MAX, out), "294247-01-10T04:00:54.775807Z");
	assert_string_equal(mf_format_time(INT64_MIN, out), "-290308-12-21T19:59:05.224192Z");
}

static void
test_time_refuses(void **state)
{
	static const char *const bad[] = {"", "2026", "2026-01-31", "2026-01-31T12:00:00",
	    "2026-01-31T12:00:00+00:00", "2026-01-31 12:00:00Z", "2026-01-31t12:00:00z",
	    "2026-1-31T12:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
	    "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
	    "2026-01-00T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
	    "2026-01-31T12:00:60Z", "2026-01-31T12:00:00Zx", "2026-01-31T12:00:00.Z",
	    "2026-01-31T12:00:00.1234567Z", "-026-01-31T12:00:00Z", "2026-01-31T12:00:0"};
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(bad); i++)
		assert_refused(mf_parse_time, bad[i], us);
}

static void
test_format_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"},
	    {1536 * KIB * KIB, "1.5 GiB"}, {1048575, "1.0 MiB"}, {1024 * KIB, "1.0 MiB"},
	    {UINT64_MAX, "16.0 EiB"}, {999 * KIB + 999, "1000.0 KiB"}, {1075, "1.0 KiB"},
	    {1087, "1.1 KiB"}};
	char out[MF_UNIT_TEXT_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		assert_string_equal(mf_format_size(rows[i].bytes, out), rows[i].text);
}

static void
test_format_duration(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} rows[] = {{0, "0s"}, {17, "17us"}, {250999, "250ms"}, {4900000, "4.9s"}, {5000000, "5s"},
	    {59999999, "59.9s"}, {60 * US, "1m"}, {90 * US, "1m30s"}, {5400 * US, "1h30m"},
	    {3600 * US, "1h"}, {86400 * US, "1d"}, {90000 * US, "1d1h"},
	    {UINT64_MAX, "213503982d8h"}};
	char out[MF_UNIT_TEXT_BYTES];
	uint64_t back;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		assert_string_equal(mf_format_duration(rows[i].us, out), rows[i].text);
		assert_int_equal(mf_parse_duration(out, &back, NULL), 0);
		assert_true(back <= rows[i].us);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_size_refuses),
	    cmocka_unit_test(test_duration),
	    cmocka_unit_test(test_duration_refuses),
	    cmocka_unit_test(test_u64),
	    cmocka_unit_test(test_thousandths),
	    cmocka_unit_test(test_time),
	    cmocka_unit_test(test_time_refuses),
	    cmocka_unit_test(test_format_size),
	    cmocka_unit_test(test_format_duration),
	};

	return cmocka_run_group_tests_name("base/units", tests, NULL, NULL);
}
