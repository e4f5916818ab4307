/*
 * Notices to people, by the incoming webhook of a chat: one JSON object that Slack and Mattermost
 * both take, a line of "text" and an attachment with details and fields
 * (https://api.slack.com/reference/messaging/attachments,
 * https://developers.mattermost.com/integrate/reference/message-attachments).
 *
 * Made for a run that ends as well as for a program that lives long: send as many events as you
 * like; of those that tell the same story again, one an hour (repeat_us) is sent, with the number
 * of those held back.
 *
 * What is in an event cannot act upon the reader: Slack's control characters & < > are written as
 * entities, details stand in a code block, where nobody is mentioned, and control characters are
 * escaped. Texts are cut at MF_NOTIFY_TEXT_MAX. No event may hold a secret.
 *
 * Threads: one call at a time on one notifier. The clock comes in.
 */
#ifndef MF_REPORT_NOTIFY_H
#define MF_REPORT_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/report/post.h"
#include "src/report/run.h"

#define MF_NOTIFY_TEXT_MAX 3000u /* bytes of any one text */
#define MF_NOTIFY_FIELDS 10u

enum mf_notify_level { MF_NOTIFY_GOOD, MF_NOTIFY_WARNING, MF_NOTIFY_BAD };

struct mf_notify_field {
	const char *title;
	const char *value; /* NULL or "": the field is left out */
	bool wide;         /* a row of its own */
};

/* All strings borrowed until the call returns. */
struct mf_notify_event {
	enum mf_notify_level level;
	const char *text;    /* one line: what happened, to what, where */
	const char *details; /* lines, such as mf_error_text; NULL: none */
	struct mf_notify_field fields[MF_NOTIFY_FIELDS];
	size_t n_fields;
	/* What it is about ("churn@production"), and why it came about (an error's name): events
	 * equal in both and in level tell the same story. topic NULL: it is always sent. */
	const char *topic;
	const char *cause; /* NULL: "" */
};

/* Append the event as the webhook's JSON. n_held > 0: so many of the same story were held back
 * before it. Pure. */
void mf_notify_put_json(struct mf_buf *b, const struct mf_notify_event *event, uint64_t n_held);

/* The end of a run as an event: what it was, its error with frames and hint, what it moved.
 * text, details and numbers are memory of the caller's, which the event then borrows. */
struct mf_notify_run_memory {
	struct mf_buf text, details, status, duration;
};
int mf_notify_of_run(struct mf_notify_event *event, const struct mf_report_run *run,
    struct mf_notify_run_memory *memory, struct mf_error *e);
void mf_notify_run_memory_fini(struct mf_notify_run_memory *memory);

/*
 * Which events pass: the first of a story, and then one every repeat_us. A good event ends all bad
 * stories of its topic and the other way round, so that a recovery is told at once, and so is the
 * next failure. Pure; zero-initialise.
 */
#define MF_NOTIFY_STORIES 16u
#define MF_NOTIFY_TOPIC_BYTES 128u /* what is longer is told apart by its beginning */
#define MF_NOTIFY_CAUSE_BYTES 64u
struct mf_notify_stories {
	struct mf_notify_story {
		bool taken;
		bool told; /* false: the last event could not be sent */
		enum mf_notify_level level;
		char topic[MF_NOTIFY_TOPIC_BYTES];
		char cause[MF_NOTIFY_CAUSE_BYTES];
		uint64_t told_us;
		uint64_t n_held;
	} of[MF_NOTIFY_STORIES];
};
/* Is this event to be sent at now_us (any clock that does not go back)? *n_held: how many were
 * held back since the last that was. What is not remembered any more, because there were more
 * stories since than fit, passes. The event's topic is not NULL. */
bool mf_notify_stories_pass(struct mf_notify_stories *s, const struct mf_notify_event *event,
    uint64_t now_us, uint64_t repeat_us, uint64_t *n_held);
/* The event that has just passed could not be sent: its next one passes, too. */
void mf_notify_stories_lost(
    struct mf_notify_stories *s, const struct mf_notify_event *event, uint64_t n_held);

struct mf_notifier_params {
	struct mf_post *post;        /* borrowed until close */
	const struct mf_secret *url; /* borrowed; of mf_post_take_url or mf_post_read_url */
	uint64_t timeout_us;         /* for one event; 0: 10 s */
	uint64_t repeat_us;          /* 0: an hour */
	/* A clock that does not go back. */
	uint64_t (*now_us)(void *arg);
	void *arg;
};

struct mf_notifier;

/* NULL: MF_ENOMEM. */
struct mf_notifier *mf_notifier_open(const struct mf_notifier_params *params, struct mf_error *e);
void mf_notifier_close(struct mf_notifier *n);
/* Send the event. 0: it was taken; 1: held back, as the same story; -1 as mf_post_send, and then
 * the story counts as not told, so that its next event is tried at once. Blocking, as long as
 * timeout_us. */
int mf_notifier_send(
    struct mf_notifier *n, const struct mf_notify_event *event, struct mf_error *e);
/* The time that the next events may take, in place of params.timeout_us. */
void mf_notifier_set_timeout(struct mf_notifier *n, uint64_t timeout_us);

#endif
