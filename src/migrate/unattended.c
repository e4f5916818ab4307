/*
 * A run that nobody runs: traffic stays where it was, and nobody watches what the canary does.
 * Whoever resumes it after longer than maxUnattended finds that it goes back. A person who knows
 * better says so first, with a control record that is younger than the journal (`migrate
 * --continue RUN`), and the journal then has who it was.
 */
#include "src/migrate/migrate_int.h"

#include "src/repo/control.h"

#define MAX_UNATTENDED_US UINT64_C(600000000)

uint64_t
mf_migrating_max_unattended(const struct mf_migrating *x)
{
	return x->m->max_unattended_us == 0 ? MAX_UNATTENDED_US : x->m->max_unattended_us;
}

/* Between two ticks the journal is silent: what is known is that the one that was due never came.
 * A wall clock that was set back makes it seem shorter, and a run's own clock never goes back. */
void
mf_migrating_look_unattended(struct mf_migrating *x, int64_t last_line_us)
{
	const int64_t due_us = last_line_us + (int64_t)mf_migrating_interval_us(x);
	const int64_t now_us = (int64_t)mf_migrating_now(x);

	x->last_seen_us = last_line_us;
	x->unattended_us = now_us > due_us ? (uint64_t)(now_us - due_us) : 0;
}

static int
is_go_on(void *arg, const struct mf_control *control)
{
	const struct mf_migrating *x = arg;

	return control->verb == MF_CONTROL_CONTINUE && control->time_us > x->last_seen_us;
}

bool
mf_migrating_was_left(struct mf_migrating *x)
{
	const struct mf_standing now = mf_engine_standing(&x->engine);
	struct mf_error e = {0};

	if (now.weight == 0 || now.reason != MF_REASON_NONE || now.ended ||
	    x->unattended_us <= mf_migrating_max_unattended(x))
		return false;
	/* a word that cannot be read is none */
	return x->p->records == NULL || mf_control_each(x->p->records, x->p->run_id, x->answered,
					    x->p->steerers, x->p->unix_us(), is_go_on, x, &e) != 1;
}
