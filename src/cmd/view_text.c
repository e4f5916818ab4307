#include "src/cmd/view_text.h"

#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"

#define SECOND_US INT64_C(1000000)
#define BAR 20u /* where the width does not say */
#define BAR_LEAST 10u
#define BAR_MOST 40u
#define BESIDE_BAR 40u        /* columns that a line with a bar has for the rest */
#define INDENT "            " /* of what goes on below: as wide as a label */
#define INDENT_COLUMNS 12u
#define WRAPS 3u         /* rows of one line, at most */
#define OTHER_LINES 14u  /* of a block, beside its metrics */
#define NAME_COLUMNS 24u /* of a metric's name, at most */

static void
put_label(struct mf_buf *b, const char *label)
{
	mf_buf_printf(b, "\n  %-9s ", label);
}

/* How long from a to b; nothing is older than it can be. */
static const char *
span(int64_t a_us, int64_t b_us, char out[MF_UNIT_TEXT_BYTES])
{
	int64_t us = b_us > a_us ? b_us - a_us : 0;

	/* a second more or less is enough for a long one, and two digits for a short one */
	us = us >= 10000000 ? us / 1000000 * 1000000 : us / 100000 * 100000;
	return mf_format_duration((uint64_t)us, out);
}

static void
put_bar(struct mf_buf *b, const char *label, unsigned share, const struct mf_view_frame *f)
{
	unsigned width = BAR, i;

	if (f->columns > 0)
		width = f->columns > BESIDE_BAR + BAR_LEAST ? f->columns - BESIDE_BAR : BAR_LEAST;
	if (width > BAR_MOST)
		width = BAR_MOST;
	put_label(b, label);
	mf_buf_printf(b, "[");
	for (i = 0; i < width; i++)
		mf_buf_printf(b, "%c", i < (share * width + 50) / 100 ? '#' : '.');
	mf_buf_printf(b, "] %3u %%", share);
}

static void
put_servers(struct mf_buf *b, const struct mf_migrate_view *v, unsigned up, unsigned servers)
{
	if (v->router_known && v->capacity)
		mf_buf_printf(b, "  %u of %u up", up, servers);
}

static void
put_weights(struct mf_buf *b, const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	char age[MF_UNIT_TEXT_BYTES];

	put_bar(b, "primary", 100 - v->canary, f);
	put_servers(b, v, v->primary_up, v->primary_servers);
	put_bar(b, "canary", v->canary, f);
	put_servers(b, v, v->canary_up, v->canary_servers);
	if (v->wanted != v->canary)
		mf_buf_printf(b, ", wanted %u %%", v->wanted);
	if (!v->router_known)
		mf_buf_printf(b, ", the router cannot be read");
	else if (!f->live)
		mf_buf_printf(b, ", read %s ago", span(v->at_us, f->now_us, age));
}

/* ---- metrics ---- */

static void
put_range(struct mf_buf *b, const struct mf_view_metric *m)
{
	if (m->has_min && m->has_max)
		mf_buf_printf(b, "%.6g to %.6g", m->min, m->max);
	else if (m->has_min)
		mf_buf_printf(b, "at least %.6g", m->min);
	else if (m->has_max)
		mf_buf_printf(b, "at most %.6g", m->max);
	else
		mf_buf_printf(b, "%s", m->relative ? "as the primary" : "no range");
	if (m->has_abort_min)
		mf_buf_printf(b, "; abort below %.6g", m->abort_min);
	if (m->has_abort_max)
		mf_buf_printf(b, "; abort above %.6g", m->abort_max);
}

static void
put_evidence(struct mf_buf *b, const struct mf_view_metric *m, const struct mf_view_frame *f)
{
	char age[MF_UNIT_TEXT_BYTES];

	if (m->has_primary)
		mf_buf_printf(b, "; primary %.6g", m->primary);
	if (m->samples > 0)
		mf_buf_printf(b, "; %llu sample%s", (unsigned long long)m->samples,
		    mf_plural(m->samples));
	if (m->age_us > 0)
		mf_buf_printf(b, "; newest %s old", span(0, (int64_t)m->age_us, age));
	if (m->asked_us > 0 && !f->live)
		mf_buf_printf(b, "; asked %s ago", span(m->asked_us, f->now_us, age));
	if (m->alert_only)
		mf_buf_printf(b, "; alerts only");
	if (m->optional)
		mf_buf_printf(b, "; optional");
	if (m->why[0] != '\0') {
		mf_buf_printf(b, "; ");
		mf_text_put_escaped(b, m->why);
	}
}

static unsigned
columns_of(const char *s)
{
	unsigned n = 0;
	size_t bytes;

	for (; *s != '\0'; s += bytes) {
		bytes = mf_text_char_bytes(s);
		if (bytes == 0)
			bytes = 1;
		n += bytes > 2 ? 2 : 1; /* it may be a wide one: no line is ever too long */
	}
	return n;
}

static void
put_metric(struct mf_buf *b, const struct mf_view_metric *m, unsigned name_columns,
    const struct mf_view_frame *f)
{
	char name[sizeof m->name * 4];
	unsigned n;

	mf_text_escape(name, sizeof name, m->name);
	mf_buf_printf(b, "\n    %s", name);
	for (n = columns_of(name); n < name_columns; n++)
		mf_buf_printf(b, " ");
	if (m->has_value)
		mf_buf_printf(b, " %10.6g ", m->value);
	else
		mf_buf_printf(b, " %10s ", "-");
	mf_buf_printf(b, " ");
	mf_text_put_escaped(b, m->check[0] == '\0' ? "not yet" : m->check);
	for (n = (unsigned)strlen(m->check[0] == '\0' ? "not yet" : m->check); n < 8; n++)
		mf_buf_printf(b, " ");
	put_range(b, m);
	put_evidence(b, m, f);
}

static bool
passes(const struct mf_view_metric *m)
{
	return strcmp(m->check, mf_check_name(MF_CHECK_PASS)) == 0;
}

/* Where there is no room for all of them, those that pass are left out first. */
static void
put_metrics(struct mf_buf *b, const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	unsigned columns = 0, n, shown = 0, most = MF_VIEW_METRICS_MAX, pass;
	size_t i;

	if (f->rows > 0)
		most = f->rows > OTHER_LINES + 1 ? f->rows - OTHER_LINES - 1 : 1;
	for (i = 0; i < v->n_metrics; i++) {
		n = columns_of(v->metrics[i].name);
		columns = n > columns ? n : columns;
	}
	columns = columns > NAME_COLUMNS ? NAME_COLUMNS : columns;
	if (v->n_metrics > 0)
		mf_buf_printf(b, "\n  metrics");
	for (pass = v->n_metrics > most ? 0 : 2; pass < 3; pass++)
		for (i = 0; i < v->n_metrics && shown < most; i++)
			if (pass == 2 ? v->n_metrics <= most
				      : passes(&v->metrics[i]) == (pass == 1)) {
				put_metric(b, &v->metrics[i], columns, f);
				shown++;
			}
	n = (unsigned)v->n_metrics - shown + v->metrics_left_out;
	if (n > 0)
		mf_buf_printf(b, "\n    and %u more", n);
}

/* ---- what it waits for ---- */

static void
put_until(struct mf_buf *b, const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	const bool settling = mf_view_is_settling(v, f->now_us);
	const int64_t until_us = settling ? v->settled_us : v->hold_until_us;
	char text[MF_UNIT_TEXT_BYTES], when[MF_TIME_TEXT_BYTES];

	mf_text_put_escaped(b, v->hold);
	mf_buf_printf(b, " for %s", span(v->hold_since_us, f->now_us, text));
	mf_buf_printf(b, ", until %s", mf_format_time(until_us / SECOND_US * SECOND_US, when));
	mf_buf_printf(b, " (in %s)", span(f->now_us, until_us, text));
	if (!settling && v->hold_end[0] != '\0') {
		mf_buf_printf(b, ", then ");
		mf_text_put_escaped(b, v->hold_end);
	}
}

static void
put_waits_for(struct mf_buf *b, const struct mf_migrate_view *v)
{
	if (v->waits[0] == '\0')
		return;
	put_label(b, "waits for");
	mf_text_put_escaped(b, v->waits);
}

static void
put_waits(struct mf_buf *b, const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	char text[MF_UNIT_TEXT_BYTES];

	if (v->hold[0] != '\0') {
		put_label(b, "held");
		put_until(b, v, f);
	}
	put_waits_for(b, v);
	if (v->doing[0] != '\0') {
		put_label(b, "now");
		mf_text_put_escaped(b, v->doing);
	} else if (v->next_us > 0) {
		put_label(b, "next tick");
		if (f->now_us > v->next_us + 1000000)
			mf_buf_printf(b, "overdue for %s", span(v->next_us, f->now_us, text));
		else
			mf_buf_printf(b, "in %s", span(f->now_us, v->next_us, text));
	}
}

static void
put_step(struct mf_buf *b, const struct mf_migrate_view *v)
{
	put_label(b, "step");
	mf_text_put_escaped(b, v->step);
	if (v->threshold > 0) { /* a Rollout's metrics have limits of their own */
		put_label(b, "checks");
		mf_buf_printf(b, "%u failed of %u", v->failed_checks, v->threshold);
	}
	if (v->reason[0] != '\0') {
		mf_buf_printf(b, "; going back: ");
		mf_text_put_escaped(b, v->reason);
		mf_buf_printf(b, "%s%s", v->because[0] == '\0' ? "" : ": ", v->because);
	}
}

/* Nobody runs it, and who did last has told so. */
static void
put_left(struct mf_buf *b, const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	char text[MF_UNIT_TEXT_BYTES], when[MF_TIME_TEXT_BYTES];

	mf_buf_printf(b, "nobody: interrupted %s ago, at %s; it was run by ",
	    span(v->left_us, f->now_us, text),
	    mf_format_time(v->left_us / SECOND_US * SECOND_US, when));
	mf_text_put_escaped(b, v->by);
	put_label(b, "resume");
	mf_buf_printf(b, "`migrate PLAN --resume` goes on, with --on-resume rollback back");
	if (v->back_after_us > 0)
		mf_buf_printf(b, "; after %s it goes back in any case",
		    mf_format_time(v->back_after_us / SECOND_US * SECOND_US, when));
}

static void
put_owner(struct mf_buf *b, const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	put_label(b, "held by");
	if (v->left_us > 0)
		put_left(b, v, f);
	else
		mf_text_put_escaped(b, v->by);
	if (v->source_unchecked || v->destination_unchecked) {
		put_label(b, "unchecked");
		mf_buf_printf(b, "what %s is not asked, as the plan says",
		    !v->destination_unchecked ? "the source serves"
		    : v->source_unchecked     ? "either side serves"
					      : "the destination serves");
	}
}

/* ---- width and height ---- */

/* How many bytes of the line are no wider than columns. */
static size_t
cut(const char *line, size_t n, unsigned columns)
{
	unsigned width = 0, one;
	size_t at = 0, bytes;

	while (at < n) {
		bytes = mf_text_char_bytes(line + at);
		bytes = bytes == 0 ? 1 : bytes;
		one = bytes > 2 ? 2 : 1;
		if (width + one > columns)
			break;
		width += one;
		at += bytes;
	}
	return at;
}

struct fitting {
	struct mf_buf *out;
	const struct mf_view_frame *f;
	unsigned rows;
};

static void
put_row(struct fitting *t, const char *indent, const char *line, size_t n)
{
	if (t->f->rows > 0 && t->rows == t->f->rows)
		return;
	if (t->rows++ > 0)
		mf_buf_put_u8(t->out, '\n');
	mf_buf_put(t->out, indent, strlen(indent));
	mf_buf_put(t->out, line, n);
}

/* Sentences go on below; of tables and titles the end is left out. */
static void
put_line(struct fitting *t, const char *line, size_t n)
{
	bool sentence = t->rows > 0 && strncmp(line, "    ", 4) != 0;
	const char *indent = "";
	unsigned columns = t->f->columns, turns;
	size_t fits, at;

	for (turns = 0; turns < WRAPS && columns > 0; turns++) {
		fits = cut(line, n, columns);
		if (fits == n)
			break;
		for (at = fits; at > 0 && line[at] != ' '; at--)
			;
		if (!sentence || turns + 1 == WRAPS || at <= INDENT_COLUMNS ||
		    columns <= 2 * INDENT_COLUMNS) {
			n = fits;
			break;
		}
		put_row(t, indent, line, at);
		line += at + 1;
		n -= at + 1;
		indent = INDENT;
		columns = t->f->columns - INDENT_COLUMNS;
	}
	put_row(t, indent, line, n);
}

static void
fit(struct mf_buf *out, struct mf_buf *all, const struct mf_view_frame *f)
{
	struct fitting t = {.out = out, .f = f};
	const char *line = mf_buf_cstr(all), *end;

	if (f->title == NULL && line != NULL)
		line++; /* each line but the title begins with its \n */
	for (; line != NULL; line = end == NULL ? NULL : end + 1) {
		end = strchr(line, '\n');
		put_line(&t, line, end == NULL ? strlen(line) : (size_t)(end - line));
	}
	out->failed |= all->failed;
}

void
mf_view_text(struct mf_buf *out, const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	struct mf_buf all = MF_BUF_INIT;

	mf_text_put_escaped(&all, f->title == NULL ? "" : f->title);
	if (!f->live)
		put_owner(&all, v, f);
	if (f->progress != NULL)
		mf_buf_printf(&all, "\n%s", f->progress);
	if (v->phase[0] == '\0') {
		put_label(&all, "stage");
		mf_text_put_escaped(&all, v->stage);
		mf_buf_printf(&all, "%s", v->doing[0] == '\0' ? "" : " ");
		mf_text_put_escaped(&all, v->doing);
		put_waits_for(&all, v);
	} else {
		put_weights(&all, v, f);
		put_step(&all, v);
		put_metrics(&all, v, f);
		put_waits(&all, v, f);
	}
	put_label(&all, "rollback");
	mf_text_put_escaped(&all, v->rollback);
	fit(out, &all, f);
	mf_buf_fini(&all);
}
