#include "transfers/breaker.h"

bool
mf_breaker_ask(struct mf_breaker *b, uint64_t now_us, bool *trial)
{
	*trial = false;
	if (b->state == MF_BREAKER_CLOSED)
		return true;
	if (b->state == MF_BREAKER_HALF_OPEN || now_us < b->next_us)
		return false;
	b->state = MF_BREAKER_HALF_OPEN;
	*trial = true;
	return true;
}

/* From half of the pause to all of it. */
static void
open_for_a_while(struct mf_breaker *b, uint64_t now_us, uint64_t random)
{
	uint64_t pause_us = MF_BREAKER_PAUSE_US;
	unsigned i;

	for (i = 0; i < b->trials && pause_us < MF_BREAKER_PAUSE_CAP_US; i++)
		pause_us *= 2;
	if (pause_us > MF_BREAKER_PAUSE_CAP_US)
		pause_us = MF_BREAKER_PAUSE_CAP_US;
	b->state = MF_BREAKER_OPEN;
	b->next_us = now_us + pause_us / 2 + random % (pause_us / 2 + 1);
}

static uint64_t
outage_began(const struct mf_breaker *b, uint64_t silent_us, uint64_t now_us)
{
	const uint64_t began_us = silent_us < now_us ? now_us - silent_us : 0;

	return began_us > b->answered_us ? began_us : b->answered_us;
}

static void
note_failure(
    struct mf_breaker *b, bool trial, uint64_t silent_us, uint64_t now_us, uint64_t random)
{
	if (b->failures == 0)
		b->since_us = outage_began(b, silent_us, now_us);
	b->failures++;
	if (trial && b->state == MF_BREAKER_HALF_OPEN) {
		b->trials++;
		open_for_a_while(b, now_us, random);
	} else if (b->state == MF_BREAKER_CLOSED && b->failures >= MF_BREAKER_FAILURES) {
		open_for_a_while(b, now_us, random);
	}
}

void
mf_breaker_note(struct mf_breaker *b, enum mf_breaker_event event, bool trial, uint64_t silent_us,
    uint64_t now_us, uint64_t random)
{
	switch (event) {
	case MF_BREAKER_ANSWERED:
		*b = (struct mf_breaker){.state = MF_BREAKER_CLOSED, .answered_us = now_us};
		break;
	case MF_BREAKER_FAILED: note_failure(b, trial, silent_us, now_us, random); break;
	case MF_BREAKER_ABANDONED:
		if (trial && b->state == MF_BREAKER_HALF_OPEN) {
			b->state = MF_BREAKER_OPEN;
			b->next_us = now_us;
		}
		break;
	}
}
