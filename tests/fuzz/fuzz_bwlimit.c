/* The bandwidth limit and its timetable. */
#include "tests/fuzz/fuzz_check.h"

#include "transfers/bwlimit.h"

static int
is_of_a_slot(const struct mf_bwlimit *l, struct mf_bwlimit_rate rate)
{
	unsigned i;

	for (i = 0; i < l->n_slots; i++)
		if (l->slots[i].rate.up_bps == rate.up_bps &&
		    l->slots[i].rate.down_bps == rate.down_bps)
			return 1;
	return 0;
}

static void
check_slots(const struct mf_bwlimit *l)
{
	const struct mf_bwlimit_slot *s;
	struct mf_bwlimit_rate rate;
	unsigned i;

	fuzz_require(l->n_slots >= 1 && l->n_slots <= MF_BWLIMIT_SLOTS);
	for (i = 0; i < l->n_slots; i++) {
		s = &l->slots[i];
		fuzz_require(s->day >= -1 && s->day <= 6 && s->minute < 24 * 60);
	}
	/* the last slot holds in its own first minute */
	rate = mf_bwlimit_at(l, (s->day < 0 ? 0 : (unsigned)s->day * 24 * 60) + s->minute);
	fuzz_require(rate.up_bps == s->rate.up_bps && rate.down_bps == s->rate.down_bps);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fuzz_text(data, n);
	struct mf_bwlimit limit;
	struct mf_error e = {0};
	unsigned minute;

	if (mf_bwlimit_parse(text, &limit, &e) != 0) {
		fuzz_require_error(&e);
	} else {
		check_slots(&limit);
		for (minute = 0; minute < MF_WEEK_MINUTES; minute += 173)
			fuzz_require(is_of_a_slot(&limit, mf_bwlimit_at(&limit, minute)));
	}
	free(text);
	return 0;
}
