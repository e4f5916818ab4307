/* Plain scalars: what go-yaml 2 makes of them. */
#include "tests/unit/rollout/trees.h"

#include <math.h>

#include "src/rollout/scalar.h"

static void
words(void **state)
{
	static const char *const yes[] = {
	    "true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"};
	static const char *const no[] = {
	    "false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF"};
	static const char *const nothing[] = {"", "~", "null", "Null", "NULL"};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(yes); i++)
		assert_true(
		    mf_scalar_of(yes[i]).kind == MF_NODE_BOOL && mf_scalar_of(yes[i]).truth);
	for (i = 0; i < ROWS(no); i++)
		assert_true(mf_scalar_of(no[i]).kind == MF_NODE_BOOL && !mf_scalar_of(no[i]).truth);
	for (i = 0; i < ROWS(nothing); i++)
		assert_int_equal(mf_scalar_of(nothing[i]).kind, MF_NODE_NULL);
}

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		double number;
		bool integer;
	} rows[] = {{"0", 0, true}, {"10", 10, true}, {"-7", -7, true}, {"+7", 7, true},
	    {"017", 15, true}, {"0o17", 15, true}, {"0O17", 15, true}, {"-017", -15, true},
	    {"0x1F", 31, true}, {"0X1f", 31, true}, {"-0x10", -16, true}, {"0b101", 5, true},
	    {"00", 0, true}, {"08", 8, false}, {"019", 19, false}, {"1_000", 1000, true},
	    {"0x_ff", 255, true}, {"1.5", 1.5, false}, {"1.", 1, false}, {".5", 0.5, false},
	    {"-.5e1", -5, false}, {"1e3", 1000, false}, {"1E+3", 1000, false},
	    {"1_0.2_5", 10.25, false}, {"0.10", 0.1, false},
	    {"18446744073709551615", 18446744073709551615.0, true},
	    {"340282366920938463463374607431768211456", 0x1p128, true}, {"1e-999", 0, false},
	    {".2_5", 0.25, false}};
	struct mf_scalar is;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		is = mf_scalar_of(rows[i].text);
		if (is.kind != MF_NODE_NUMBER || is.number != rows[i].number ||
		    is.is_integer != rows[i].integer || is.not_finite)
			fail_msg("%s: kind %d, %g", rows[i].text, (int)is.kind, is.number);
	}
}

static void
strings(void **state)
{
	static const char *const rows[] = {"tRue", "nil", "NaN", "inf", "-", "+", ".", "..", "...",
	    "1m", "60s", "1:30", "2001-01-01", "2001-01-01T00:00:00Z", "1.2.3", "0x", "0xg", "0b2",
	    "0o8", "1e", "e1", "1e+", "+-1", "--1", "1 2", " 1", "1,000", "0x1p3", "1e999",
	    "-1e999", "<<", "=", "_1", "._5", ".5_", "1.5x", "+.", "10%", "Yess", "t", "f"};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		if (mf_scalar_of(rows[i]).kind != MF_NODE_STRING)
			fail_msg("%s: kind %d", rows[i], (int)mf_scalar_of(rows[i]).kind);
}

/* No JSON has them, so that Kubernetes' reader refuses them. */
static void
not_finite(void **state)
{
	static const char *const rows[] = {".nan", ".NaN", ".NAN", ".inf", "+.Inf", "-.INF"};
	char huge[400], longer[2000];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		assert_true(mf_scalar_of(rows[i]).not_finite);
	memset(huge, '9', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	assert_true(mf_scalar_of(huge).not_finite);
	memset(longer, '0', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(mf_scalar_of(longer).kind, MF_NODE_STRING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(strings),
	    cmocka_unit_test(not_finite),
	};

	return cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}
