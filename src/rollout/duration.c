#include "src/rollout/duration.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NS_MAX ((uint64_t)INT64_MAX) /* what Go's time.Duration holds */

struct unit {
	const char *name;
	uint64_t ns;
};

static const struct unit units[] = {{"ns", 1}, {"us", 1000}, {"\xc2\xb5s", 1000},
    {"\xce\xbcs", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},
    {"h", 3600000000000}};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The unit at *text, which moves behind it; 0: none. */
static uint64_t
take_unit(const char **text)
{
	const char *p = *text;
	size_t n = 0, i;

	while (p[n] != '\0' && p[n] != '.' && !is_digit(p[n]))
		n++;
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strlen(units[i].name) == n && memcmp(units[i].name, p, n) == 0) {
			*text = p + n;
			return units[i].ns;
		}
	return 0;
}

/* One number and its unit, in nanoseconds. false: not one, or too long. */
static bool
take_part(const char **text, uint64_t *ns)
{
	const char *p = *text;
	uint64_t whole = 0, fraction = 0, scale = 1, unit;
	bool digits = is_digit(*p);

	for (; is_digit(*p); p++) {
		if (whole > NS_MAX / 10)
			return false;
		whole = whole * 10 + (uint64_t)(*p - '0');
	}
	if (*p == '.')
		for (p++; is_digit(*p); p++) {
			digits = true;
			if (scale >= 1000000000000000) /* too small to be seen */
				continue;
			fraction = fraction * 10 + (uint64_t)(*p - '0');
			scale *= 10;
		}
	unit = digits ? take_unit(&p) : 0;
	if (unit == 0 || whole > NS_MAX / unit)
		return false;
	*ns = whole * unit + (uint64_t)((double)fraction * ((double)unit / (double)scale));
	*text = p;
	return *ns <= NS_MAX;
}

int
mf_duration_of_go(const char *text, uint64_t *us, struct mf_error *e)
{
	const char *p = text;
	uint64_t sum = 0, part;

	if (*text == '\0')
		return mf_error_set(e, MF_EUSAGE, "an empty duration");
	if (*text == '-')
		return mf_error_set(e, MF_EUSAGE, "a negative duration: %.60s", text);
	if (*p == '+')
		p++;
	if (strcmp(p, "0") == 0) {
		*us = 0;
		return 0;
	}
	do {
		if (!take_part(&p, &part) || part > NS_MAX - sum) {
			mf_error_set(e, MF_EUSAGE, "not a duration: %.60s", text);
			return mf_error_hint(e, "write 90s, 1m30s or 2h");
		}
		sum += part;
	} while (*p != '\0');
	*us = sum / 1000;
	return 0;
}

int
mf_duration_of_argo(const char *text, uint64_t *us, struct mf_error *e)
{
	uint64_t seconds = 0;
	const char *p = text;

	for (; is_digit(*p) && seconds <= INT32_MAX; p++)
		seconds = seconds * 10 + (uint64_t)(*p - '0');
	if (p > text && *p == '\0' && seconds <= INT32_MAX) {
		*us = seconds * 1000000;
		return 0;
	}
	return mf_duration_of_go(text, us, e);
}

const char *
mf_duration_prometheus(uint64_t us, char out[MF_DURATION_TEXT_BYTES])
{
	static const struct {
		uint64_t ms;
		const char *name;
	} all[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	uint64_t ms = us / 1000 + (us % 1000 > 0);
	size_t i = 0;

	while (ms % all[i].ms != 0)
		i++;
	if (ms == 0)
		i = 3;
	(void)snprintf(out, MF_DURATION_TEXT_BYTES, "%" PRIu64 "%s", ms / all[i].ms, all[i].name);
	return out;
}
