#include "src/base/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "src/base/size.h"

#define US_PER_S 1000000ULL
#define S_PER_DAY 86400LL

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Decimal digits at *s, at least one. 0 and *s advanced; -1: none, or more than 64 bits. */
static int
read_digits(const char **s, uint64_t *value)
{
	uint64_t v = 0;
	const char *at = *s;

	if (!is_digit(*at))
		return -1;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v))
			return -1;
	*s = at;
	*value = v;
	return 0;
}

/* ".digits" at *s, if there: *num / *den with *den a power of ten of at most max_digits
 * zeros. 0, or -1. */
static int
read_fraction(const char **s, int max_digits, uint64_t *num, uint64_t *den)
{
	const char *from;
	int n;

	*num = 0;
	*den = 1;
	if (**s != '.')
		return 0;
	from = ++*s;
	if (read_digits(s, num) != 0 || *s - from > max_digits)
		return -1;
	for (n = (int)(*s - from); n > 0; n--)
		*den *= 10;
	return 0;
}

/* The shift of a size's suffix; -1: no such suffix. */
static int
size_shift(const char *suffix)
{
	static const char letters[] = "KMGTPE";
	const char *at;
	char c = *suffix;

	if (c == '\0' || strcmp(suffix, "B") == 0)
		return 0;
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	at = strchr(letters, c);
	if (at == NULL)
		return -1;
	suffix++;
	if (*suffix != '\0' && strcmp(suffix, "i") != 0 && strcmp(suffix, "iB") != 0 &&
	    strcmp(suffix, "B") != 0)
		return -1;
	return 10 * ((int)(at - letters) + 1);
}

/* num * 2^shift / den, rounded down, with num < den < 2^63: long division in binary. */
static uint64_t
scale_fraction(uint64_t num, uint64_t den, int shift)
{
	uint64_t q = 0;

	while (shift-- > 0) {
		num *= 2;
		q *= 2;
		if (num >= den) {
			num -= den;
			q++;
		}
	}
	return q;
}

int
mf_parse_size(const char *text, uint64_t *bytes, struct mf_error *e)
{
	const char *at = text;
	uint64_t whole, num, den, value;
	int shift;

	if (read_digits(&at, &whole) != 0 || read_fraction(&at, 15, &num, &den) != 0)
		goto bad;
	shift = size_shift(at);
	if (shift < 0 || (den > 1 && shift == 0))
		goto bad;
	if (whole > UINT64_MAX >> shift ||
	    !mf_u64_add(whole << shift, scale_fraction(num, den, shift), &value))
		return mf_error_set(e, MF_EUSAGE, "size \"%s\" is too large", text);
	*bytes = value;
	return 0;
bad:
	mf_error_set(e, MF_EUSAGE, "\"%s\" is not a size", text);
	return mf_error_hint(e, "write a number of bytes, or with a unit as in 64K, 8MiB or 1.5G");
}

static const struct time_unit {
	const char *name;
	uint64_t us;
} time_units[] = {
    {"w", 7 * S_PER_DAY * US_PER_S},
    {"d", S_PER_DAY *US_PER_S},
    {"h", 3600 * US_PER_S},
    {"m", 60 * US_PER_S},
    {"s", US_PER_S},
    {"ms", 1000},
    {"us", 1},
};
#define N_TIME_UNITS (sizeof time_units / sizeof time_units[0])
#define UNIT_OF_SECONDS 4

/* The unit at *s, which is advanced; N_TIME_UNITS: none. "" counts as seconds if bare. */
static size_t
read_time_unit(const char **s, bool bare)
{
	size_t i, n = 0;

	if (**s == '\0')
		return bare ? UNIT_OF_SECONDS : N_TIME_UNITS;
	while ((*s)[n] >= 'a' && (*s)[n] <= 'z')
		n++;
	for (i = 0; i < N_TIME_UNITS; i++)
		if (strlen(time_units[i].name) == n && strncmp(*s, time_units[i].name, n) == 0)
			break;
	*s += n;
	return i;
}

int
mf_parse_duration(const char *text, uint64_t *us, struct mf_error *e)
{
	const char *at = text;
	uint64_t whole, num, den, part, sum = 0;
	size_t unit, least = 0; /* units go from large to small, each once */

	do {
		if (read_digits(&at, &whole) != 0 || read_fraction(&at, 6, &num, &den) != 0)
			goto bad;
		unit = read_time_unit(&at, least == 0);
		if (unit == N_TIME_UNITS || unit < least)
			goto bad;
		least = unit + 1;
		/* num < 10^6 and a week is less than 10^12 us: no overflow in the product. */
		if (__builtin_mul_overflow(whole, time_units[unit].us, &part) ||
		    !mf_u64_add(part, num * time_units[unit].us / den, &part) ||
		    !mf_u64_add(sum, part, &sum))
			return mf_error_set(e, MF_EUSAGE, "duration \"%s\" is too long", text);
	} while (*at != '\0');
	*us = sum;
	return 0;
bad:
	mf_error_set(e, MF_EUSAGE, "\"%s\" is not a duration", text);
	return mf_error_hint(e, "write seconds, or with units as in 250ms, 30s, 1h30m or 7d");
}

int
mf_parse_u64(const char *text, uint64_t max, uint64_t *value, struct mf_error *e)
{
	const char *at = text;
	uint64_t v;

	for (; is_digit(*at); at++)
		;
	if (at == text || *at != '\0')
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is not a whole number", text);
	at = text;
	if (read_digits(&at, &v) != 0 || v > max)
		return mf_error_set(e, MF_EUSAGE, "number \"%s\" is larger than %llu", text,
		    (unsigned long long)max);
	*value = v;
	return 0;
}

int
mf_parse_thousandths(const char *text, uint64_t max, uint64_t *value, struct mf_error *e)
{
	const char *at = text;
	uint64_t whole, num, den, v;

	for (; is_digit(*at); at++)
		;
	if (read_fraction(&at, 3, &num, &den) != 0 || *at != '\0' || !is_digit(*text))
		return mf_error_set(e, MF_EUSAGE,
		    "\"%s\" is not a number with three decimals at most", text);
	at = text;
	if (read_digits(&at, &whole) != 0 || __builtin_mul_overflow(whole, 1000U, &v) ||
	    !mf_u64_add(v, num * 1000 / den, &v) || v > max)
		return mf_error_set(e, MF_EUSAGE, "number \"%s\" is larger than %llu", text,
		    (unsigned long long)max / 1000);
	*value = v;
	return 0;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, and back. The year
 * begins in March, so that the leap day is its last (Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms"). */
static int64_t
days_of_date(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	    day_of_year - 719468;
}

static void
date_of_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t era, day_of_era, year_of_era, day_of_year, shifted;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	shifted = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

static bool
date_exists(int year, int month, int day)
{
	static const int days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month >= 1 && month <= 12 && day >= 1 &&
	    day <= days[month] + (leap && month == 2 ? 1 : 0);
}

/* Match text against "dddd-dd-ddTdd:dd:dd", filling the six numbers. */
static bool
match_time(const char *text, int v[6])
{
	static const char form[] = "0000-11-22T33:44:55";
	size_t i;

	memset(v, 0, 6 * sizeof v[0]);
	for (i = 0; i < sizeof form - 1; i++) {
		if (!is_digit(form[i])) {
			if (text[i] != form[i])
				return false;
			continue;
		}
		if (!is_digit(text[i]))
			return false;
		v[form[i] - '0'] = v[form[i] - '0'] * 10 + (text[i] - '0');
	}
	return true;
}

int
mf_parse_time(const char *text, int64_t *unix_us, struct mf_error *e)
{
	const char *at;
	uint64_t num, den;
	int64_t seconds;
	int v[6];

	if (!match_time(text, v))
		goto bad;
	at = text + strlen("0000-11-22T33:44:55");
	if (read_fraction(&at, 6, &num, &den) != 0 || strcmp(at, "Z") != 0)
		goto bad;
	if (!date_exists(v[0], v[1], v[2]) || v[3] > 23 || v[4] > 59 || v[5] > 59)
		goto bad;
	seconds = days_of_date(v[0], v[1], v[2]) * S_PER_DAY + v[3] * 3600LL +
	    v[4] * 60LL + v[5];
	*unix_us = seconds * (int64_t)US_PER_S + (int64_t)(num * (US_PER_S / den));
	return 0;
bad:
	mf_error_set(e, MF_EUSAGE, "\"%s\" is not a time", text);
	return mf_error_hint(e, "write it in UTC, as in 2026-01-31T12:00:00Z");
}

const char *
mf_format_time(int64_t unix_us, char out[MF_TIME_TEXT_BYTES])
{
	int64_t day_us = S_PER_DAY * (int64_t)US_PER_S;
	int64_t days = unix_us / day_us, rest = unix_us % day_us, year;
	int month, day, s;
	char fraction[16] = "", text[96] = "";

	if (rest < 0) {
		rest += day_us;
		days--;
	}
	date_of_days(days, &year, &month, &day);
	s = (int)(rest / (int64_t)US_PER_S);
	rest %= (int64_t)US_PER_S;
	if (rest != 0)
		(void)snprintf(fraction, sizeof fraction, ".%06d", (int)rest);
	/* Every int64_t fits in out, which the compiler cannot see. */
	(void)snprintf(text, sizeof text, "%04lld-%02d-%02dT%02d:%02d:%02d%sZ", (long long)year,
	    month, day, s / 3600, s / 60 % 60, s % 60, fraction);
	memcpy(out, text, MF_TIME_TEXT_BYTES - 1);
	out[MF_TIME_TEXT_BYTES - 1] = '\0';
	return out;
}

const char *
mf_format_size(uint64_t bytes, char out[MF_UNIT_TEXT_BYTES])
{
	static const char letters[] = "KMGTPE";
	uint64_t unit, whole, tenths;
	int i = 0;

	if (bytes < 1024) {
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%d B", (int)bytes);
		return out;
	}
	while (i < 5 && bytes >> (10 * (i + 2)) != 0)
		i++;
	for (;;) {
		unit = 1ULL << (10 * (i + 1));
		whole = bytes / unit;
		/* to the nearest; in range, for unit is at most 2^60 */
		tenths = (bytes % unit * 10 + unit / 2) / unit;
		if (tenths == 10) {
			tenths = 0;
			whole++;
		}
		if (whole < 1024 || i == 5)
			break;
		i++;
	}
	(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%d.%d %ciB", (int)whole, (int)tenths, letters[i]);
	return out;
}

/* "A<big>B<small>", without B where it is 0. */
static void
format_two(char *out, uint64_t small_units, unsigned ratio, const char *big, const char *small)
{
	if (small_units % ratio == 0)
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%llu%s",
		    (unsigned long long)(small_units / ratio), big);
	else
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%llu%s%llu%s",
		    (unsigned long long)(small_units / ratio), big,
		    (unsigned long long)(small_units % ratio), small);
}

const char *
mf_format_duration(uint64_t us, char out[MF_UNIT_TEXT_BYTES])
{
	uint64_t s = us / US_PER_S, tenths = us / 100000;

	if (us == 0)
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "0s");
	else if (us < 1000)
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%dus", (int)us);
	else if (us < US_PER_S)
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%dms", (int)(us / 1000));
	else if (s < 60 && tenths % 10 == 0)
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%ds", (int)s);
	else if (s < 60)
		(void)snprintf(out, MF_UNIT_TEXT_BYTES, "%d.%ds", (int)s, (int)(tenths % 10));
	else if (s < 3600)
		format_two(out, s, 60, "m", "s");
	else if (s < (uint64_t)S_PER_DAY)
		format_two(out, s / 60, 60, "h", "m");
	else
		format_two(out, s / 3600, 24, "d", "h");
	return out;
}
