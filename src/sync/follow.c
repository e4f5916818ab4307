#include "src/sync/follow.h"

#include <stdio.h>
#include <string.h>

#include "src/sync/follow_step.h"

struct follow {
	const struct mf_follow_params *p;
	struct mf_pull_params pull;
	struct mf_repo *repo; /* NULL: closed */
	bool fresh;           /* opened since the last wait */
	uint64_t opened_us;
	struct mf_pull_look look; /* the last that went well */
	struct mf_pull_result result;
	uint64_t took_us;
	struct mf_error error; /* of what was seen last */
};

static int
tell(const struct follow *f, struct mf_follow_event *event, struct mf_error *e)
{
	event->version = f->look.version;
	event->sequence = f->look.sequence;
	return f->p->tell(f->p->arg, event, e);
}

static void
close_repo(struct follow *f)
{
	if (f->repo != NULL)
		f->p->close(f->p->arg, f->repo);
	f->repo = NULL;
}

static void
look(struct follow *f, struct mf_follow_saw *saw)
{
	struct mf_pull_params p;
	const uint64_t begun_us = mf_waiting_now_us(&f->p->waiting);
	int rc = 0;

	if (f->repo == NULL) {
		f->repo = f->p->open(f->p->arg, &f->pull, &f->error);
		f->opened_us = mf_waiting_now_us(&f->p->waiting);
		f->fresh = true;
	}
	saw->opened = f->repo != NULL;
	if (saw->opened) {
		p = f->pull;
		p.now_us = f->p->unix_us(f->p->arg);
		rc = mf_pull_look(f->repo, &p, &f->look, &f->error);
	}
	f->took_us = mf_waiting_now_us(&f->p->waiting) - begun_us;
	saw->code = saw->opened && rc == 0 ? MF_OK : f->error.code;
	saw->sequence = f->look.sequence;
	saw->shown = saw->code == MF_OK && f->look.shown;
}

/* The ref is read again there, and leads no further back than the look did. */
static int
pull(struct follow *f, struct mf_follow_saw *saw, struct mf_error *e)
{
	struct mf_follow_event event = {.kind = MF_FOLLOW_PULLING};
	const uint64_t begun_us = mf_waiting_now_us(&f->p->waiting);
	struct mf_pull_params p = f->pull;

	saw->of_pull = saw->opened = true;
	saw->sequence = f->look.sequence;
	if (tell(f, &event, e) != 0)
		return -1;
	p.now_us = f->p->unix_us(f->p->arg);
	p.leave_same = true;
	if (p.min_sequence < f->look.sequence)
		p.min_sequence = f->look.sequence;
	if (mf_pull(f->repo, &p, &f->result, &f->error) != 0) {
		saw->code = f->error.code;
		event.error = &f->error;
	} else if (f->result.sequence > f->look.sequence) { /* it moved once more */
		f->look.sequence = f->result.sequence;
		snprintf(f->look.version, sizeof f->look.version, "%s", f->result.version);
	}
	f->took_us = mf_waiting_now_us(&f->p->waiting) - begun_us;
	event.kind = MF_FOLLOW_PULLED;
	event.result = &f->result;
	event.took_us = f->took_us;
	return tell(f, &event, e);
}

static int
tell_step(const struct follow *f, const struct mf_follow_step *step,
    const struct mf_follow_saw *saw, bool shown, struct mf_error *e)
{
	struct mf_follow_event event = {.of_pull = saw->of_pull,
	    .lasted_us = step->lasted_us,
	    .shown = shown,
	    .took_us = f->took_us};

	if ((step->tell & (MF_FOLLOW_TELL_TROUBLE | MF_FOLLOW_TELL_REMINDER)) != 0) {
		event.kind = MF_FOLLOW_TROUBLE;
		event.again = (step->tell & MF_FOLLOW_TELL_REMINDER) != 0;
		event.error = &f->error;
		if (tell(f, &event, e) != 0)
			return -1;
	}
	if ((step->tell & MF_FOLLOW_TELL_WELL) != 0) {
		event.kind = MF_FOLLOW_WELL;
		event.error = NULL;
		if (tell(f, &event, e) != 0)
			return -1;
	}
	if ((step->tell & MF_FOLLOW_TELL_SHOWN) == 0) {
		if (saw->code != MF_OK || saw->of_pull || !saw->shown)
			return 0;
		event.kind = MF_FOLLOW_SAME;
		event.path = f->look.path;
		return tell(f, &event, e);
	}
	event.kind = MF_FOLLOW_SHOWN;
	event.result = saw->of_pull ? &f->result : NULL;
	event.took_us = saw->of_pull ? f->took_us : 0;
	event.path = saw->of_pull ? f->result.path : f->look.path;
	return tell(f, &event, e);
}

static int
cancelled(const struct follow *f, const struct mf_follow_state *st, struct mf_error *e)
{
	if (st->shown && st->look.code == MF_OK && st->pull.code == MF_OK)
		return 0;
	return mf_error_set(
	    e, MF_EINTERRUPTED, "interrupted before %s was at %s", f->pull.dir, f->pull.spec);
}

static int
run(struct follow *f, struct mf_error *e)
{
	const struct mf_waiting *w = &f->p->waiting;
	const struct mf_follow_rules rules = {.interval_us = f->p->interval_us,
	    .once = f->p->once,
	    .pull_first = f->pull.selects != NULL};
	struct mf_follow_step step = {.act = MF_FOLLOW_ACT_AGAIN};
	struct mf_follow_state st = {0};
	struct mf_follow_saw saw;

	for (;;) {
		if (mf_waiting_cancelled(w))
			return cancelled(f, &st, e);
		saw = (struct mf_follow_saw){.code = MF_OK};
		mf_error_clear(&f->error);
		if (step.act != MF_FOLLOW_ACT_PULL)
			look(f, &saw);
		else if (pull(f, &saw, e) != 0)
			return -1;
		saw.fresh = f->fresh;
		saw.opened_us = f->opened_us;
		if (saw.code != MF_OK && !saw.of_pull && mf_waiting_cancelled(w))
			return cancelled(f, &st, e);
		step =
		    mf_follow_decide(&rules, &st, &saw, mf_waiting_now_us(w), mf_waiting_random(w));
		if (tell_step(f, &step, &saw, st.shown, e) != 0)
			return -1;
		if (step.act == MF_FOLLOW_ACT_END)
			break;
		if (step.reopen)
			close_repo(f);
		if (step.act == MF_FOLLOW_ACT_WAIT) {
			f->fresh = false;
			if (!mf_waiting_sleep(w, step.wait_us))
				return cancelled(f, &st, e);
		}
	}
	if (saw.code != MF_OK && e != NULL)
		*e = f->error;
	return saw.code == MF_OK ? 0 : -1;
}

int
mf_follow(const struct mf_follow_params *p, struct mf_error *e)
{
	struct follow f = {.p = p, .pull = p->pull};
	const int rc = run(&f, e);

	close_repo(&f);
	return rc;
}
