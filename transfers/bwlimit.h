/*
 * The argument of --bwlimit, with rclone's meaning (https://rclone.org/docs/, --bwlimit):
 *   10M            both directions; a number without a suffix is KiB/s; 0 or off: no limit
 *   10M:512k       up:down (off:1M limits only what comes down)
 *   08:00,10M 19:00,100M 23:00,off            a timetable, every day, local time
 *   Mon-00:00,512 Fri-23:59,10M Sun-20:00,off  with days of the week, also in full
 * Slots are separated by spaces or semicolons. A slot holds until the next one; before the
 * first of the week the last one of the week before holds. Of two for the same minute the
 * later in the text wins. Pure.
 */
#ifndef MF_TRANSFERS_BWLIMIT_H
#define MF_TRANSFERS_BWLIMIT_H

#include <stdint.h>

#include "src/base/error.h"

#define MF_BWLIMIT_SLOTS 64
#define MF_WEEK_MINUTES (7 * 24 * 60)

struct mf_bwlimit_rate {
	uint64_t up_bps;   /* bytes per second; 0: no limit */
	uint64_t down_bps;
};

struct mf_bwlimit_slot {
	int day;	 /* 0 Sunday ... 6 Saturday; -1 every day */
	unsigned minute; /* of the day */
	struct mf_bwlimit_rate rate;
};

/* All zero: no limit. Copied by assignment. */
struct mf_bwlimit {
	unsigned n_slots;
	struct mf_bwlimit_slot slots[MF_BWLIMIT_SLOTS];
};

/* 0; -1 with MF_EUSAGE and a message that quotes what is wrong. */
int mf_bwlimit_parse(const char *text, struct mf_bwlimit *out, struct mf_error *e);

/* What holds in that minute of the week, counted from Sunday 00:00 in local time. */
struct mf_bwlimit_rate mf_bwlimit_at(const struct mf_bwlimit *limit, unsigned week_minute);

#endif
