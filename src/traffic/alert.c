#include "src/traffic/alert.h"

#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/report/notify.h"

const char *
mf_alert_severity_name(enum mf_alert_severity severity)
{
	switch (severity) {
	case MF_ALERT_INFO: return "info";
	case MF_ALERT_WARN: return "warn";
	default: return "error";
	}
}

bool
mf_alert_is_for(const struct mf_alert_plan *to, enum mf_alert_severity severity)
{
	return severity >= to->severity;
}

static void
put_member(struct mf_buf *b, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	mf_buf_printf(b, "%s\"%s\":", b->len > 0 && b->data[b->len - 1] == '{' ? "" : ",", name);
	mf_text_put_json(b, value);
}

static void
put_generic(struct mf_buf *b, const struct mf_alert *a)
{
	char time[MF_TIME_TEXT_BYTES];

	mf_buf_printf(b, "{");
	put_member(b, "severity", mf_alert_severity_name(a->severity));
	put_member(b, "name", a->name);
	put_member(b, "namespace", a->namespace_name);
	put_member(b, "phase", a->phase);
	put_member(b, "message", a->message);
	put_member(b, "details", a->details);
	put_member(b, "model", a->model);
	put_member(b, "version", a->version);
	put_member(b, "run", a->run_id);
	if (a->unix_us != 0)
		put_member(b, "time", mf_format_time(a->unix_us, time));
	mf_buf_printf(b, "}");
}

static void
add_field(struct mf_notify_event *event, const char *title, const char *value)
{
	event->fields[event->n_fields++] = (struct mf_notify_field){.title = title, .value = value};
}

static void
put_chat(struct mf_buf *b, const struct mf_alert *a)
{
	static const enum mf_notify_level levels[] = {[MF_ALERT_INFO] = MF_NOTIFY_GOOD,
	    [MF_ALERT_WARN] = MF_NOTIFY_WARNING,
	    [MF_ALERT_ERROR] = MF_NOTIFY_BAD};
	struct mf_buf text = MF_BUF_INIT;
	struct mf_notify_event event = {.level = levels[a->severity], .details = a->details};

	mf_buf_printf(&text, "%s%s%s: %s", a->name != NULL ? a->name : "modelferry",
	    a->namespace_name != NULL && a->namespace_name[0] != '\0' ? "." : "",
	    a->namespace_name != NULL ? a->namespace_name : "", a->message);
	add_field(&event, "Severity", mf_alert_severity_name(a->severity));
	add_field(&event, "Phase", a->phase);
	add_field(&event, "Model", a->model);
	add_field(&event, "Version", a->version);
	add_field(&event, "Run", a->run_id);
	event.text = mf_buf_cstr(&text);
	if (event.text != NULL)
		mf_notify_put_json(b, &event, 0);
	b->failed = b->failed || text.failed;
	mf_buf_fini(&text);
}

void
mf_alert_put_json(struct mf_buf *b, enum mf_alert_kind kind, const struct mf_alert *alert)
{
	if (kind == MF_ALERT_SLACK)
		put_chat(b, alert);
	else
		put_generic(b, alert);
}

static bool
send_one(struct mf_dialer *dialer, const struct mf_alert_plan *to, const struct mf_alert *alert,
    struct mf_hook_answer *out)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	struct mf_buf body = MF_BUF_INIT;
	struct mf_dial_call call = {.method = "POST",
	    .url = to->url,
	    .url_file = to->url_file,
	    .timeout_us = to->timeout_us,
	    .retries = to->retries};

	mf_alert_put_json(&body, to->kind, alert);
	if (body.failed) {
		(void)snprintf(out->why, sizeof out->why, "out of memory");
	} else {
		call.body = body.data;
		call.body_bytes = body.len;
		mf_dial(dialer, &call, &answer);
		out->status = answer.status;
		out->attempts = answer.attempts;
		if (answer.status < 200 || answer.status > 299)
			(void)snprintf(out->why, sizeof out->why, "%s", answer.why);
	}
	mf_dial_answer_fini(&answer);
	mf_buf_fini(&body);
	return out->why[0] == '\0';
}

size_t
mf_alert_send(struct mf_dialer *dialer, const struct mf_alert_plan *to, size_t n,
    const struct mf_alert *alert, struct mf_hook_answer *answers)
{
	size_t i, failed = 0;

	for (i = 0; i < n; i++) {
		answers[i] = (struct mf_hook_answer){.status = 0};
		if (mf_alert_is_for(&to[i], alert->severity))
			failed += !send_one(dialer, &to[i], alert, &answers[i]);
	}
	return failed;
}
