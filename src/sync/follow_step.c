#include "src/sync/follow_step.h"

static uint64_t
min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Evenly between from and from + span. */
static uint64_t
spread(uint64_t from, uint64_t span, uint64_t random)
{
	return from + random % (span + 1);
}

static uint64_t
usual(const struct mf_follow_rules *rules, uint64_t random)
{
	return spread(rules->interval_us / 4 * 3, rules->interval_us / 2, random);
}

/* After the n-th failure in a row: the upper half of interval * 2^(n-1), with a cap. */
static uint64_t
backoff(const struct mf_follow_rules *rules, unsigned n, uint64_t cap_us, uint64_t random)
{
	uint64_t us = rules->interval_us;

	if (cap_us < us)
		cap_us = us;
	for (; n > 1 && us < cap_us; n--)
		us *= 2;
	us = min(us, cap_us);
	return spread(us - us / 2, us / 2, random);
}

/* Could it be that the keys changed since the repository was opened, or all of it was replaced? */
static bool
may_be_stale(enum mf_code code)
{
	return code == MF_EKEY || code == MF_EDAMAGED || code == MF_ENOTFOUND;
}

static bool
ends(const struct mf_follow_rules *rules, const struct mf_follow_state *st,
    const struct mf_follow_saw *saw)
{
	if (rules->once || saw->code == MF_EINTERRUPTED || saw->code == MF_ECLOSED)
		return true;
	if (st->ever_shown)
		return false;
	if (!saw->opened && !st->opened) /* a wrong key, no repository there, ... */
		return !mf_error_row(saw->code)->retryable;
	return saw->code == MF_EUSAGE || saw->code == MF_EUNSUPPORTED || saw->code == MF_EEXIST;
}

/* One more failure. What is to be told of it. */
static unsigned
note(struct mf_follow_trouble *t, const struct mf_follow_saw *saw, uint64_t now_us)
{
	const uint64_t sequence = saw->of_pull ? saw->sequence : 0;
	const bool goes_on = t->code != MF_OK && t->sequence == sequence;
	unsigned tell = 0;

	if (!goes_on)
		*t = (struct mf_follow_trouble){.sequence = sequence, .since_us = now_us};
	if (t->n < UINT32_MAX)
		t->n++;
	if (t->code != saw->code)
		tell = MF_FOLLOW_TELL_TROUBLE;
	else if (now_us - t->told_us >= MF_FOLLOW_REMIND_US)
		tell = MF_FOLLOW_TELL_REMINDER;
	t->code = saw->code;
	if (tell != 0)
		t->told_us = now_us;
	return tell;
}

static bool
forget(struct mf_follow_trouble *t, struct mf_follow_step *step, uint64_t now_us)
{
	if (t->code == MF_OK)
		return false;
	step->tell |= MF_FOLLOW_TELL_WELL;
	if (now_us - t->since_us > step->lasted_us)
		step->lasted_us = now_us - t->since_us;
	*t = (struct mf_follow_trouble){.code = MF_OK};
	return true;
}

static void
failed(const struct mf_follow_rules *rules, struct mf_follow_state *st,
    const struct mf_follow_saw *saw, uint64_t now_us, uint64_t random, struct mf_follow_step *step)
{
	struct mf_follow_trouble *t = saw->of_pull ? &st->pull : &st->look;
	const bool passes = mf_error_row(saw->code)->retryable;

	if (ends(rules, st, saw)) {
		step->act = MF_FOLLOW_ACT_END;
		return;
	}
	if (saw->opened && !saw->fresh && may_be_stale(saw->code) && t->code == MF_OK) {
		step->act = MF_FOLLOW_ACT_AGAIN;
		step->reopen = true;
		return;
	}
	step->tell = note(t, saw, now_us);
	step->lasted_us = now_us - t->since_us;
	step->reopen = (!saw->fresh && (step->tell & MF_FOLLOW_TELL_TROUBLE) != 0) ||
		       now_us - saw->opened_us >= MF_FOLLOW_REOPEN_US;
	if (!saw->of_pull) {
		step->wait_us = saw->code == MF_ENOTFOUND || saw->code == MF_EKEY
				    ? usual(rules, random)
				    : backoff(rules, t->n, MF_FOLLOW_BACKOFF_MAX_US, random);
		return;
	}
	step->wait_us = backoff(
	    rules, t->n, passes ? MF_FOLLOW_BACKOFF_MAX_US : MF_FOLLOW_AGAIN_MAX_US, random);
	st->pull_at_us = now_us + step->wait_us;
	if (saw->code != MF_ETRANSFER)
		step->wait_us = min(step->wait_us, usual(rules, random));
}

static void
looked(const struct mf_follow_rules *rules, struct mf_follow_state *st,
    const struct mf_follow_saw *saw, uint64_t now_us, uint64_t random, struct mf_follow_step *step)
{
	struct mf_follow_trouble *t = &st->pull;

	(void)forget(&st->look, step, now_us);
	step->wait_us = usual(rules, random);
	if (saw->shown && (!rules->pull_first || st->pulled)) {
		(void)forget(t, step, now_us);
		if (!st->shown)
			step->tell |= MF_FOLLOW_TELL_SHOWN;
		st->shown = st->ever_shown = true;
		if (rules->once)
			step->act = MF_FOLLOW_ACT_END;
		return;
	}
	st->shown = false;
	if (t->code == MF_OK || t->sequence != saw->sequence || now_us >= st->pull_at_us)
		step->act = MF_FOLLOW_ACT_PULL;
	else
		step->wait_us = min(step->wait_us, st->pull_at_us - now_us);
}

struct mf_follow_step
mf_follow_decide(const struct mf_follow_rules *rules, struct mf_follow_state *st,
    const struct mf_follow_saw *saw, uint64_t now_us, uint64_t random)
{
	struct mf_follow_step step = {.act = MF_FOLLOW_ACT_WAIT};

	st->opened = st->opened || saw->opened;
	if (saw->code != MF_OK) {
		failed(rules, st, saw, now_us, random, &step);
	} else if (!saw->of_pull) {
		looked(rules, st, saw, now_us, random, &step);
	} else {
		(void)forget(&st->pull, &step, now_us);
		st->shown = st->ever_shown = st->pulled = true;
		step.tell |= MF_FOLLOW_TELL_SHOWN;
		step.wait_us = usual(rules, random);
		if (rules->once)
			step.act = MF_FOLLOW_ACT_END;
	}
	return step;
}
