#include "config.h"

#include "transfers/s3_time.h"

#include <stdio.h>
#include <string.h>

#include "src/base/units.h"

#define SECONDS_CHARS 19 /* 2026-01-31T12:00:00 */

int
mf_s3_time_parse(const char *text, int64_t *unix_us)
{
	const size_t n = strlen(text);
	size_t digits = 0;
	char whole[40];

	if (n <= SECONDS_CHARS)
		return -1;
	if (text[SECONDS_CHARS] == '.')
		digits = strspn(text + SECONDS_CHARS + 1, "0123456789");
	if (digits <= 6)
		return mf_parse_time(text, unix_us, NULL);
	(void)snprintf(whole, sizeof whole, "%.*s%s", SECONDS_CHARS + 7, text,
	    text + SECONDS_CHARS + 1 + digits);
	return mf_parse_time(whole, unix_us, NULL);
}

int
mf_s3_time_parse_http(const char *text, int64_t *unix_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4] = "", iso[32];
	const char *at;
	unsigned day, year, h, m, s;
	int end = 0;

	/* NOLINTNEXTLINE(cert-err34-c): two digits, four, always fit */
	if (sscanf(text, "%*3[A-Za-z], %2u %3[A-Za-z] %4u %2u:%2u:%2u GMT%n", &day, month, &year, &h,
		&m, &s, &end) != 6 || end == 0 || text[end] != '\0')
		return -1;
	at = strstr(months, month);
	if (at == NULL || strlen(month) != 3 || (at - months) % 3 != 0)
		return -1;
	(void)snprintf(iso, sizeof iso, "%04u-%02u-%02uT%02u:%02u:%02uZ", year,
	    (unsigned)(at - months) / 3 + 1, day, h, m, s);
	return mf_parse_time(iso, unix_us, NULL);
}
