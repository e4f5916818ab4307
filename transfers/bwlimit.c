#include "transfers/bwlimit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/units.h"

#define DAY_MINUTES (24 * 60)
#define WORD_BYTES 64
#define SEPARATORS " ;\t"

static const char *const day_names[7] = {
	"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

static int
bad(const char *word, const char *why, struct mf_error *e)
{
	mf_error_set(e, MF_EUSAGE, "bad bandwidth limit \"%s\": %s", word, why);
	return mf_error_hint(e, "examples: 10M, 10M:512k, off, \"08:00,10M 19:00,off\", "
				"\"Mon-00:00,512k Sat-10:00,off\"");
}

/* "10M", "512" (KiB), "0", "off". */
static int
parse_size(const char *text, uint64_t *bps, struct mf_error *e)
{
	char kibibytes[WORD_BYTES + 2];
	struct mf_error why;

	*bps = 0;
	if (strcasecmp(text, "off") == 0)
		return 0;
	if (strspn(text, "0123456789.") == strlen(text))
		snprintf(kibibytes, sizeof kibibytes, "%sK", text);
	else
		snprintf(kibibytes, sizeof kibibytes, "%s", text);
	if (mf_parse_size(kibibytes, bps, &why) != 0)
		return bad(text, "not a rate", e);
	return 0;
}

/* "UP" or "UP:DOWN"; cuts text apart. */
static int
parse_rate(char *text, struct mf_bwlimit_rate *rate, struct mf_error *e)
{
	char *down = strchr(text, ':');

	if (down != NULL)
		*down++ = '\0';
	if (parse_size(text, &rate->up_bps, e) != 0)
		return -1;
	if (down == NULL) {
		rate->down_bps = rate->up_bps;
		return 0;
	}
	return parse_size(down, &rate->down_bps, e);
}

/* "mon", "Monday": -1 for anything else. */
static int
parse_day(const char *text)
{
	int i;

	for (i = 0; i < 7; i++)
		if (strcasecmp(text, day_names[i]) == 0 ||
		    (strlen(text) == 3 && strncasecmp(text, day_names[i], 3) == 0))
			return i;
	return -1;
}

static bool
two_digits(const char *text, unsigned below, unsigned *value)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return false;
	*value = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	return *value < below;
}

/* "HH:MM,RATE" or "DAY-HH:MM,RATE"; cuts word apart. */
static int
parse_slot(char *word, struct mf_bwlimit_slot *slot, struct mf_error *e)
{
	char *time = word, *comma = strchr(word, ','), *dash;
	unsigned hour, minute;

	if (comma == NULL)
		return bad(word, "a slot of a timetable is HH:MM,RATE", e);
	*comma = '\0';
	slot->day = -1;
	dash = strchr(word, '-');
	if (dash != NULL) {
		*dash = '\0';
		time = dash + 1;
		slot->day = parse_day(word);
		if (slot->day < 0)
			return bad(word, "not a day of the week", e);
	}
	if (strlen(time) != 5 || time[2] != ':' || !two_digits(time, 24, &hour) ||
	    !two_digits(time + 3, 60, &minute))
		return bad(time, "not a time of the day", e);
	slot->minute = hour * 60 + minute;
	return parse_rate(comma + 1, &slot->rate, e);
}

/* The next word of *at, into word; false at the end. */
static bool
next_word(const char **at, char word[WORD_BYTES], size_t *len)
{
	*at += strspn(*at, SEPARATORS);
	*len = strcspn(*at, SEPARATORS);
	if (*len == 0)
		return false;
	snprintf(word, WORD_BYTES, "%.*s", (int)(*len < WORD_BYTES ? *len : WORD_BYTES), *at);
	*at += *len;
	return true;
}

int
mf_bwlimit_parse(const char *text, struct mf_bwlimit *out, struct mf_error *e)
{
	struct mf_bwlimit limit = {0};
	struct mf_bwlimit_slot *slot;
	char word[WORD_BYTES];
	const char *at = text;
	size_t len;
	int r;

	while (next_word(&at, word, &len)) {
		if (len >= sizeof word)
			return bad(word, "too long", e);
		if (limit.n_slots == MF_BWLIMIT_SLOTS)
			return bad(word, "too many slots", e);
		slot = &limit.slots[limit.n_slots++];
		slot->day = -1;
		if (limit.n_slots == 1 && strchr(word, ',') == NULL &&
		    at[strspn(at, SEPARATORS)] == '\0')
			r = parse_rate(word, &slot->rate, e); /* one rate for ever */
		else
			r = parse_slot(word, slot, e);
		if (r != 0)
			return -1;
	}
	if (limit.n_slots == 0)
		return bad(text, "it is empty", e);
	*out = limit;
	return 0;
}

/* How long ago the slot last began, in minutes of the week. */
static unsigned
minutes_since(const struct mf_bwlimit_slot *slot, unsigned week_minute)
{
	unsigned start;

	if (slot->day < 0)
		return (week_minute % DAY_MINUTES + DAY_MINUTES - slot->minute) % DAY_MINUTES;
	start = (unsigned)slot->day * DAY_MINUTES + slot->minute;
	return (week_minute + MF_WEEK_MINUTES - start) % MF_WEEK_MINUTES;
}

struct mf_bwlimit_rate
mf_bwlimit_at(const struct mf_bwlimit *limit, unsigned week_minute)
{
	struct mf_bwlimit_rate rate = {0, 0};
	unsigned i, since, least = MF_WEEK_MINUTES;

	week_minute %= MF_WEEK_MINUTES;
	for (i = 0; i < limit->n_slots; i++) {
		since = minutes_since(&limit->slots[i], week_minute);
		if (since <= least) {
			least = since;
			rate = limit->slots[i].rate;
		}
	}
	return rate;
}
