#include "src/report/prom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"

static const struct {
	const char *name;
	const char *help;
} metrics[MF_PROM_METRICS] = {
    [MF_PROM_LAST_SUCCESS] = {"modelferry_last_success_timestamp_seconds",
	"When the last run that succeeded ended, as Unix time."},
    [MF_PROM_LAST_RUN] = {"modelferry_last_run_timestamp_seconds",
	"When the last run ended, as Unix time."},
    [MF_PROM_EXIT_STATUS] = {"modelferry_last_run_exit_status",
	"Exit status of the last run; 0 is success."},
    [MF_PROM_DURATION] = {"modelferry_last_run_duration_seconds", "How long the last run took."},
    [MF_PROM_BYTES] = {"modelferry_last_run_bytes",
	"Bytes of the model that the last run handled: read, found unchanged, or written."},
    [MF_PROM_NEW_BYTES] = {"modelferry_last_run_new_bytes",
	"Bytes of the model that the last run compressed, because the store did not have them "
	"yet."},
    [MF_PROM_STORED_BYTES] = {"modelferry_last_run_stored_bytes",
	"Sealed bytes that the last run wrote to the store."},
    [MF_PROM_FETCHED_BYTES] = {"modelferry_last_run_fetched_bytes",
	"Sealed bytes that the last run read from the store."},
    [MF_PROM_FILES] = {"modelferry_last_run_files", "Files that the last run handled."},
    [MF_PROM_NEW_CHUNKS] = {"modelferry_last_run_new_chunks", "Chunks that the last run stored."},
    [MF_PROM_KNOWN_CHUNKS] = {"modelferry_last_run_known_chunks",
	"Chunks of the last run that were there already."},
    [MF_PROM_RETRIES] = {"modelferry_last_run_retries",
	"How many times the last run tried an operation on the store again."},
    [MF_PROM_INFO] = {"modelferry_last_run_info",
	"Always 1; its labels say which version of the model and which run it was."},
};

static const char *const label_names[MF_PROM_LABELS] = {
    "command", "model", "store", "version", "run_id", "program"};

const char *
mf_prom_metric_name(enum mf_prom_metric metric)
{
	return metrics[metric].name;
}

const char *
mf_prom_label_name(enum mf_prom_label label)
{
	return label_names[label];
}

static void
clear_labels(struct mf_prom_series *s)
{
	unsigned i;

	for (i = 0; i < MF_PROM_LABELS; i++) {
		free(s->labels[i]);
		s->labels[i] = NULL;
	}
}

void
mf_prom_fini(struct mf_prom *p)
{
	while (p->n > 0)
		clear_labels(&p->series[--p->n]);
	free(p->series);
	*p = MF_PROM_INIT;
}

static int
compare_keys(char *const a[MF_PROM_KEY_LABELS], char *const b[MF_PROM_KEY_LABELS])
{
	unsigned k;
	int order = 0;

	for (k = 0; order == 0 && k < MF_PROM_KEY_LABELS; k++)
		order = strcmp(a[k] != NULL ? a[k] : "", b[k] != NULL ? b[k] : "");
	return order;
}

static int
make_room(struct mf_prom *p, struct mf_error *e)
{
	const size_t capacity = p->capacity > 0 ? 2 * p->capacity : 4;
	struct mf_prom_series *grown;

	if (p->n >= MF_PROM_SERIES_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "more than %u series of metrics", MF_PROM_SERIES_MAX);
	if (p->n < p->capacity)
		return 0;
	if ((grown = realloc(p->series, capacity * sizeof *grown)) == NULL)
		return mf_error_nomem(e, "metrics");
	p->series = grown;
	p->capacity = capacity;
	return 0;
}

/* They are kept in the order of their keys, so that the text depends only on what it says, not on
 * which run came first. */
struct mf_prom_series *
mf_prom_series_of(struct mf_prom *p, char *const keys[MF_PROM_KEY_LABELS], struct mf_error *e)
{
	struct mf_prom_series made = {.labels = {NULL}};
	size_t at = 0;
	unsigned k;
	int order = -1;

	while (at < p->n && (order = compare_keys(p->series[at].labels, keys)) < 0)
		at++;
	if (order == 0)
		return &p->series[at];
	if (make_room(p, e) != 0)
		return NULL;
	for (k = 0; k < MF_PROM_KEY_LABELS; k++)
		if (keys[k] != NULL && keys[k][0] != '\0' &&
		    (made.labels[k] = strdup(keys[k])) == NULL) {
			clear_labels(&made);
			mf_error_nomem(e, "metrics");
			return NULL;
		}
	memmove(&p->series[at + 1], &p->series[at], (p->n - at) * sizeof made);
	p->series[at] = made;
	p->n++;
	return &p->series[at];
}

/* A copy that is UTF-8, with what is not written as \xNN, and no longer than a label may be. *out
 * is NULL for "". */
static int
copy_label(char **out, const char *text, struct mf_error *e)
{
	char clean[MF_PROM_LABEL_MAX + 1];

	*out = NULL;
	if (text == NULL || text[0] == '\0')
		return 0;
	mf_text_escape(clean, sizeof clean, text);
	*out = strdup(clean);
	return *out != NULL ? 0 : mf_error_nomem(e, "metrics");
}

static void
set_number(struct mf_prom_series *s, enum mf_prom_metric metric, uint64_t value)
{
	(void)snprintf(s->values[metric], MF_PROM_VALUE_BYTES, "%llu", (unsigned long long)value);
}

static void
set_seconds(struct mf_prom_series *s, enum mf_prom_metric metric, uint64_t us)
{
	(void)snprintf(s->values[metric], MF_PROM_VALUE_BYTES, "%llu.%03u",
	    (unsigned long long)(us / 1000000), (unsigned)(us % 1000000 / 1000));
}

static void
set_values(struct mf_prom_series *s, const struct mf_report_run *run)
{
	const uint64_t ended_us = run->ended_unix_us > 0 ? (uint64_t)run->ended_unix_us : 0;
	const struct mf_report_counts *c = &run->counts;

	if (run->error == NULL)
		set_seconds(s, MF_PROM_LAST_SUCCESS, ended_us);
	set_seconds(s, MF_PROM_LAST_RUN, ended_us);
	set_number(s, MF_PROM_EXIT_STATUS, (uint64_t)run->exit_status);
	set_seconds(s, MF_PROM_DURATION, run->duration_us);
	set_number(s, MF_PROM_BYTES, c->bytes);
	set_number(s, MF_PROM_NEW_BYTES, c->new_bytes);
	set_number(s, MF_PROM_STORED_BYTES, c->stored_bytes);
	set_number(s, MF_PROM_FETCHED_BYTES, c->fetched_bytes);
	set_number(s, MF_PROM_FILES, c->files);
	set_number(s, MF_PROM_NEW_CHUNKS, c->new_chunks);
	set_number(s, MF_PROM_KNOWN_CHUNKS, c->known_chunks);
	set_number(s, MF_PROM_RETRIES, c->retries);
	set_number(s, MF_PROM_INFO, 1);
}

int
mf_prom_add_run(struct mf_prom *p, const struct mf_report_run *run, struct mf_error *e)
{
	const char *const texts[MF_PROM_LABELS] = {
	    run->command, run->model, run->store, run->version, run->run_id, run->program};
	struct mf_prom_series *s = NULL;
	char *labels[MF_PROM_LABELS] = {NULL};
	int rc = 0;
	unsigned i;

	for (i = 0; rc == 0 && i < MF_PROM_LABELS; i++)
		rc = copy_label(&labels[i], texts[i], e);
	if (rc == 0 && (s = mf_prom_series_of(p, labels, e)) == NULL)
		rc = -1;
	if (s != NULL) {
		set_values(s, run);
		for (i = MF_PROM_KEY_LABELS; i < MF_PROM_LABELS; i++) {
			free(s->labels[i]);
			s->labels[i] = labels[i];
			labels[i] = NULL;
		}
	}
	for (i = 0; i < MF_PROM_LABELS; i++)
		free(labels[i]);
	return rc;
}

/* Backslash, quote and newline are escaped; bytes above 0x7f stand as they are. */
static void
put_label_value(struct mf_buf *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			mf_buf_put(out, "\\n", 2);
		else if (*value == '\\' || *value == '"')
			mf_buf_printf(out, "\\%c", *value);
		else
			mf_buf_put_u8(out, (uint8_t)*value);
	}
}

static void
put_sample(struct mf_buf *out, const struct mf_prom_series *s, enum mf_prom_metric metric)
{
	const unsigned n = metric == MF_PROM_INFO ? MF_PROM_LABELS : MF_PROM_KEY_LABELS;
	const char *lead = "{";
	unsigned i;

	mf_buf_printf(out, "%s", metrics[metric].name);
	for (i = 0; i < n; i++) {
		if (s->labels[i] == NULL)
			continue;
		mf_buf_printf(out, "%s%s=\"", lead, label_names[i]);
		put_label_value(out, s->labels[i]);
		mf_buf_put_u8(out, '"');
		lead = ",";
	}
	mf_buf_printf(out, "%s %s\n", lead[0] == ',' ? "}" : "", s->values[metric]);
}

void
mf_prom_put(struct mf_buf *out, const struct mf_prom *p)
{
	unsigned metric;
	bool begun;
	size_t i;

	for (metric = 0; metric < MF_PROM_METRICS; metric++) {
		begun = false;
		for (i = 0; i < p->n; i++) {
			if (p->series[i].values[metric][0] == '\0')
				continue;
			if (!begun)
				mf_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n",
				    metrics[metric].name, metrics[metric].help,
				    metrics[metric].name);
			begun = true;
			put_sample(out, &p->series[i], (enum mf_prom_metric)metric);
		}
	}
}
