#include "src/report/notify.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_US 10000000u
#define REPEAT_US ((uint64_t)3600 * 1000000)

struct mf_notifier {
	struct mf_notifier_params params;
	struct mf_notify_stories stories;
};

static bool
begins_alike(const char *kept, const char *text, size_t bytes)
{
	return strncmp(kept, text, bytes - 1) == 0;
}

static const char *
cause_of(const struct mf_notify_event *event)
{
	return event->cause != NULL ? event->cause : "";
}

static bool
is_about(const struct mf_notify_story *x, const struct mf_notify_event *event)
{
	return x->taken && begins_alike(x->topic, event->topic, MF_NOTIFY_TOPIC_BYTES);
}

/* Where that story is remembered, else a free place, else the one told longest ago. */
static struct mf_notify_story *
place_of(struct mf_notify_stories *s, const struct mf_notify_event *event)
{
	struct mf_notify_story *x, *best = &s->of[0];

	for (x = s->of; x < s->of + MF_NOTIFY_STORIES; x++)
		if (is_about(x, event) && x->level == event->level &&
		    begins_alike(x->cause, cause_of(event), MF_NOTIFY_CAUSE_BYTES))
			return x;
	for (x = s->of; x < s->of + MF_NOTIFY_STORIES; x++) {
		if (best->taken && (!x->taken || x->told_us < best->told_us))
			best = x;
	}
	best->taken = false;
	return best;
}

bool
mf_notify_stories_pass(struct mf_notify_stories *s, const struct mf_notify_event *event,
    uint64_t now_us, uint64_t repeat_us, uint64_t *n_held)
{
	struct mf_notify_story *x;

	for (x = s->of; x < s->of + MF_NOTIFY_STORIES; x++)
		if (is_about(x, event) &&
		    (x->level == MF_NOTIFY_GOOD) != (event->level == MF_NOTIFY_GOOD))
			x->taken = false;
	x = place_of(s, event);
	*n_held = x->taken ? x->n_held : 0;
	if (x->taken && x->told && now_us - x->told_us < repeat_us) {
		x->n_held++;
		return false;
	}
	*x = (struct mf_notify_story){
	    .taken = true, .told = true, .level = event->level, .told_us = now_us};
	memcpy(x->topic, event->topic, strnlen(event->topic, MF_NOTIFY_TOPIC_BYTES - 1));
	memcpy(x->cause, cause_of(event), strnlen(cause_of(event), MF_NOTIFY_CAUSE_BYTES - 1));
	return true;
}

void
mf_notify_stories_lost(
    struct mf_notify_stories *s, const struct mf_notify_event *event, uint64_t n_held)
{
	struct mf_notify_story *x = place_of(s, event);

	x->told = false;
	x->n_held = n_held + 1;
}

struct mf_notifier *
mf_notifier_open(const struct mf_notifier_params *params, struct mf_error *e)
{
	struct mf_notifier *n = calloc(1, sizeof *n);

	if (n == NULL) {
		mf_error_nomem(e, "a notifier");
		return NULL;
	}
	n->params = *params;
	if (n->params.timeout_us == 0)
		n->params.timeout_us = TIMEOUT_US;
	if (n->params.repeat_us == 0)
		n->params.repeat_us = REPEAT_US;
	return n;
}

void
mf_notifier_close(struct mf_notifier *n)
{
	free(n);
}

void
mf_notifier_set_timeout(struct mf_notifier *n, uint64_t timeout_us)
{
	n->params.timeout_us = timeout_us;
}

int
mf_notifier_send(struct mf_notifier *n, const struct mf_notify_event *event, struct mf_error *e)
{
	const struct mf_notifier_params *p = &n->params;
	struct mf_post_message m = {.what = "--notify-url",
	    .method = "POST",
	    .url = mf_post_url_view(p->url),
	    .hide_path = true,
	    .content_type = "application/json",
	    .timeout_us = p->timeout_us};
	struct mf_buf body = MF_BUF_INIT;
	uint64_t n_held = 0;
	int rc;

	if (event->topic != NULL &&
	    !mf_notify_stories_pass(&n->stories, event, p->now_us(p->arg), p->repeat_us, &n_held))
		return 1;
	mf_notify_put_json(&body, event, n_held);
	m.body = body.data;
	m.body_bytes = body.len;
	rc = body.failed ? mf_error_nomem(e, "a notice") : mf_post_send(p->post, &m, e);
	if (rc != 0 && event->topic != NULL)
		mf_notify_stories_lost(&n->stories, event, n_held);
	mf_buf_fini(&body);
	return rc;
}
