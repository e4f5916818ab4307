/* What `follow` says while it lives. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/follow_int.h"
#include "src/cmd/report.h"
#include "src/cmd/report_int.h"
#include "src/report/notify.h"

#define LINE_BYTES 1024

static void
add_field(struct mf_notify_event *n, const char *title, const char *value)
{
	n->fields[n->n_fields++] = (struct mf_notify_field){.title = title, .value = value};
}

static void
send(const struct mf_cmd_following *s, const struct mf_follow_event *event,
    struct mf_notify_event *n)
{
	struct mf_notifier *notifier = mf_cmd_report_notifier(s->c);
	const char *url = mf_options_text(s->c->options, MF_OPT_REPO);
	char host[HOST_NAME_MAX + 1] = "", store[LINE_BYTES] = "", sequence[24] = "";
	struct mf_error e = {0};

	if (notifier == NULL)
		return;
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	if (url != NULL)
		mf_cmd_facts_store(store, sizeof store, url);
	if (event->sequence > 0)
		snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)event->sequence);
	add_field(n, "Command", "follow");
	add_field(n, "Model", s->model);
	add_field(n, "Ref", s->ref);
	add_field(n, "Version", event->version);
	add_field(n, "Sequence", sequence);
	add_field(n, "Directory", s->pull.p.dir);
	add_field(n, "Host", host);
	add_field(n, "Store", store);
	add_field(n, "Run", mf_cmd_report_run_id(s->c));
	n->topic = s->spec;
	if (mf_notifier_send(notifier, n, &e) < 0)
		mf_log(MF_LOG_WARNING, "the server of --notify-url was not told: %s", e.message);
}

/* One line: what is the matter, and what the directory shows all the same. */
static void
describe(
    const struct mf_cmd_following *s, const struct mf_follow_event *event, char out[LINE_BYTES])
{
	char age[MF_UNIT_TEXT_BYTES];
	int n;

	if (event->of_pull)
		n = snprintf(out, LINE_BYTES, "%s is at %s (sequence %llu), which cannot be pulled",
		    s->spec, event->version, (unsigned long long)event->sequence);
	else
		n = snprintf(out, LINE_BYTES, "cannot look at %s", s->spec);
	if (event->again && n > 0 && n < LINE_BYTES)
		n += snprintf(out + n, LINE_BYTES - (size_t)n, ", for %s now",
		    mf_format_duration(event->lasted_us, age));
	if (n > 0 && n < LINE_BYTES)
		snprintf(out + n, LINE_BYTES - (size_t)n, "; %s stays as it is: %s", s->pull.p.dir,
		    event->error->message);
}

void
mf_cmd_follow_trouble(struct mf_cmd_following *s, const struct mf_follow_event *event)
{
	const struct mf_error_row *row = mf_error_row(event->error->code);
	struct mf_error error = *event->error;
	char line[LINE_BYTES], text[LINE_BYTES + 64], cause[MF_NOTIFY_CAUSE_BYTES];
	char details[MF_ERROR_MESSAGE_BYTES + MF_ERROR_HINT_BYTES +
		     MF_ERROR_FRAMES * (MF_ERROR_FRAME_BYTES + 16) + 64];
	struct mf_notify_event n = {.level = row->retryable ? MF_NOTIFY_WARNING : MF_NOTIFY_BAD,
	    .text = text,
	    .details = details,
	    .cause = cause};

	/* what other commands say, to run it again, is what this one does */
	if (error.hint[0] == '\0' && row->retryable && !mf_options_flag(s->c->options, MF_OPT_ONCE))
		mf_error_hint(&error, "check the network and the store; it is tried again");
	describe(s, event, line);
	mf_log_fields(row->retryable ? MF_LOG_WARNING : MF_LOG_ERROR, line, "code", row->name,
	    "hint",
	    error.hint[0] != '\0' ? error.hint
	    : row->hint != NULL   ? row->hint
				  : "",
	    NULL);
	snprintf(text, sizeof text, "modelferry follow: %s", line);
	(void)mf_error_text(&error, details, sizeof details);
	snprintf(cause, sizeof cause, "%s %s %llu", row->name, event->of_pull ? "pull" : "look",
	    event->of_pull ? (unsigned long long)event->sequence : 0);
	send(s, event, &n);
}

void
mf_cmd_follow_well(struct mf_cmd_following *s, const struct mf_follow_event *event)
{
	char line[LINE_BYTES], text[LINE_BYTES + 64], age[MF_UNIT_TEXT_BYTES];
	struct mf_notify_event n = {.level = MF_NOTIFY_GOOD, .text = text};

	snprintf(line, sizeof line, "%s: well again, after %s", s->spec,
	    mf_format_duration(event->lasted_us, age));
	mf_log(MF_LOG_WARNING, "%s", line);
	snprintf(text, sizeof text, "modelferry follow: %s", line);
	send(s, event, &n);
}

void
mf_cmd_follow_shown(struct mf_cmd_following *s, const struct mf_follow_event *event)
{
	char text[LINE_BYTES];
	struct mf_notify_event n = {.level = MF_NOTIFY_GOOD, .text = text, .cause = event->version};

	mf_log_fields(
	    MF_LOG_INFO, "the directory shows another version", "path", event->path, NULL);
	if (mf_options_number(s->c->options, MF_OPT_NOTIFY_ON) != 1 ||
	    mf_options_flag(s->c->options, MF_OPT_ONCE))
		return; /* of --once the end of the run says it */
	snprintf(text, sizeof text, "modelferry follow: %s shows %s@%s", s->pull.p.dir, s->model,
	    event->version);
	send(s, event, &n);
}

void
mf_cmd_follow_program_failed(
    struct mf_cmd_following *s, const struct mf_follow_event *event, const struct mf_error *error)
{
	char text[LINE_BYTES];
	struct mf_notify_event n = {.level = MF_NOTIFY_BAD, .text = text, .cause = "notify-cmd"};

	snprintf(text, sizeof text, "--notify-cmd failed; %s shows %s@%s all the same: %s",
	    s->pull.p.dir, s->model, event->version, error->message);
	mf_log(MF_LOG_ERROR, "%s", text);
	send(s, event, &n);
}
