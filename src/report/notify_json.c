/* Events as JSON, and the end of a run as an event. */
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/report/notify.h"

/* Append s for a chat: its control characters & < > as entities, others than newlines and tabs as
 * \xNN; in a code block a backquote would end it, so that it becomes an apostrophe. */
static void
put_plain(struct mf_buf *b, const char *s, bool in_code)
{
	const size_t end = b->len + MF_NOTIFY_TEXT_MAX;
	size_t n;

	for (; *s != '\0' && b->len < end; s += n) {
		n = mf_text_char_bytes(s);
		if (*s == '&')
			mf_buf_printf(b, "&amp;");
		else if (*s == '<')
			mf_buf_printf(b, "&lt;");
		else if (*s == '>')
			mf_buf_printf(b, "&gt;");
		else if (in_code && *s == '`')
			mf_buf_put_u8(b, '\'');
		else if (n == 0 || ((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t') ||
			 *s == 0x7f)
			mf_buf_printf(b, "\\x%02x", (unsigned char)*s);
		else
			mf_buf_put(b, s, n);
		n = n > 0 ? n : 1;
	}
	if (*s != '\0')
		mf_buf_printf(b, " ...");
}

/* Append "name":"value", after a comma unless first. */
static void
put_pair(struct mf_buf *b, const char *lead, const char *name, struct mf_buf *value)
{
	const char *text = mf_buf_cstr(value);

	mf_buf_printf(b, "%s\"%s\":", lead, name);
	if (text != NULL)
		mf_text_put_json(b, text);
	else
		b->failed = true;
}

static void
put_plain_pair(struct mf_buf *b, const char *lead, const char *name, const char *value)
{
	struct mf_buf text = MF_BUF_INIT;

	put_plain(&text, value, false);
	put_pair(b, lead, name, &text);
	mf_buf_fini(&text);
}

static const char *
color(enum mf_notify_level level)
{
	switch (level) {
	case MF_NOTIFY_GOOD: return "#2eb886";
	case MF_NOTIFY_WARNING: return "#daa038";
	default: return "#a30200";
	}
}

static void
put_fields(struct mf_buf *b, const struct mf_notify_event *event)
{
	const struct mf_notify_field *f;
	bool first = true;
	size_t i;

	mf_buf_printf(b, ",\"fields\":[");
	for (i = 0; i < event->n_fields && i < MF_NOTIFY_FIELDS; i++) {
		f = &event->fields[i];
		if (f->value == NULL || f->value[0] == '\0')
			continue;
		put_plain_pair(b, first ? "{" : ",{", "title", f->title);
		put_plain_pair(b, ",", "value", f->value);
		mf_buf_printf(b, ",\"short\":%s}", f->wide ? "false" : "true");
		first = false;
	}
	mf_buf_printf(b, "]");
}

void
mf_notify_put_json(struct mf_buf *b, const struct mf_notify_event *event, uint64_t n_held)
{
	struct mf_buf text = MF_BUF_INIT, details = MF_BUF_INIT;

	put_plain(&text, event->text, false);
	if (n_held > 0)
		mf_buf_printf(
		    &text, " (and %llu times before, not told)", (unsigned long long)n_held);
	put_pair(b, "{", "text", &text);
	put_pair(b, ",\"attachments\":[{", "fallback", &text);
	mf_buf_printf(b, ",\"color\":\"%s\"", color(event->level));
	if (event->details != NULL && event->details[0] != '\0') {
		mf_buf_printf(&details, "```\n");
		put_plain(&details, event->details, true);
		mf_buf_printf(&details, "\n```");
		put_pair(b, ",", "text", &details);
		mf_buf_printf(b, ",\"mrkdwn_in\":[\"text\"]");
	}
	put_fields(b, event);
	mf_buf_printf(b, "}]}");
	b->failed = b->failed || text.failed || details.failed;
	mf_buf_fini(&text);
	mf_buf_fini(&details);
}

static void
add_field(struct mf_notify_event *event, const char *title, const char *value, bool wide)
{
	event->fields[event->n_fields++] =
	    (struct mf_notify_field){.title = title, .value = value, .wide = wide};
}

/* What a run that succeeded has moved. */
static void
put_counts(struct mf_buf *b, const struct mf_report_counts *c)
{
	char bytes[MF_UNIT_TEXT_BYTES], stored[MF_UNIT_TEXT_BYTES], fetched[MF_UNIT_TEXT_BYTES];

	if (c->files > 0 || c->bytes > 0)
		mf_buf_printf(b, "%llu files, %s; %llu of %llu chunks new, %s stored, %s fetched",
		    (unsigned long long)c->files, mf_format_size(c->bytes, bytes),
		    (unsigned long long)c->new_chunks,
		    (unsigned long long)c->new_chunks + c->known_chunks,
		    mf_format_size(c->stored_bytes, stored),
		    mf_format_size(c->fetched_bytes, fetched));
}

int
mf_notify_of_run(struct mf_notify_event *event, const struct mf_report_run *run,
    struct mf_notify_run_memory *memory, struct mf_error *e)
{
	char text[MF_ERROR_MESSAGE_BYTES + MF_ERROR_HINT_BYTES +
		  MF_ERROR_FRAMES * (MF_ERROR_FRAME_BYTES + 16) + 64];
	char duration[MF_UNIT_TEXT_BYTES];

	*event =
	    (struct mf_notify_event){.level = run->error == NULL ? MF_NOTIFY_GOOD : MF_NOTIFY_BAD};
	mf_buf_printf(&memory->text, "modelferry ");
	mf_report_put_summary(&memory->text, run);
	if (run->error != NULL)
		mf_buf_printf(&memory->details, "%s", mf_error_text(run->error, text, sizeof text));
	else
		put_counts(&memory->details, &run->counts);
	mf_buf_printf(
	    &memory->status, "%d: %s", run->exit_status, mf_report_status_text(run->exit_status));
	mf_buf_printf(&memory->duration, "%s", mf_format_duration(run->duration_us, duration));
	event->text = mf_buf_cstr(&memory->text);
	event->details = memory->details.len > 0 ? mf_buf_cstr(&memory->details) : NULL;
	add_field(event, "Command", run->command, false);
	add_field(event, "Model", run->model, false);
	add_field(event, "Version", run->version, false);
	add_field(event, "Host", run->host, false);
	add_field(event, "Store", run->store, true);
	add_field(event, "Exit status", mf_buf_cstr(&memory->status), true);
	add_field(event, "Duration", mf_buf_cstr(&memory->duration), false);
	add_field(event, "Run", run->run_id, false);
	if (memory->text.failed || memory->details.failed || memory->status.failed ||
	    memory->duration.failed)
		return mf_error_nomem(e, "a notice");
	return 0;
}

void
mf_notify_run_memory_fini(struct mf_notify_run_memory *memory)
{
	mf_buf_fini(&memory->text);
	mf_buf_fini(&memory->details);
	mf_buf_fini(&memory->status);
	mf_buf_fini(&memory->duration);
}
