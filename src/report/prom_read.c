/* Reading back what prom.c wrote. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "src/report/prom.h"

#define OURS "modelferry_"

/* One line that is being read: `at` moves on, the labels are owned. */
struct line {
	const char *at, *end;
	char *labels[MF_PROM_LABELS];
	bool no_memory;
};

static bool
take(struct line *l, const char *text)
{
	const size_t n = strlen(text);

	if ((size_t)(l->end - l->at) < n || memcmp(l->at, text, n) != 0)
		return false;
	l->at += n;
	return true;
}

/* A name of letters, digits and '_', *n long, not empty. NULL: none. */
static const char *
take_name(struct line *l, size_t *n)
{
	const char *name = l->at;

	while (l->at < l->end && (isalnum((unsigned char)*l->at) || *l->at == '_'))
		l->at++;
	*n = (size_t)(l->at - name);
	return *n > 0 && !isdigit((unsigned char)name[0]) ? name : NULL;
}

static bool
is_text(const char *name, size_t n, const char *text)
{
	return strlen(text) == n && memcmp(name, text, n) == 0;
}

/* The metric of that name; MF_PROM_METRICS: one of ours that is not known; -1: not ours. */
static int
find_metric(const char *name, size_t n)
{
	int i;

	if (n <= strlen(OURS) || memcmp(name, OURS, strlen(OURS)) != 0)
		return -1;
	for (i = 0; i < MF_PROM_METRICS; i++)
		if (is_text(name, n, mf_prom_metric_name((enum mf_prom_metric)i)))
			break;
	return i;
}

/* The value of a label, behind its opening quote, as a new string. NULL: bad, or no memory. */
static char *
take_value(struct line *l)
{
	char value[MF_PROM_LABEL_MAX + 1], *copy;
	size_t n = 0;

	for (; l->at < l->end && *l->at != '"'; l->at++) {
		if (n >= MF_PROM_LABEL_MAX || *l->at == '\0')
			return NULL;
		if (*l->at != '\\') {
			value[n++] = *l->at;
			continue;
		}
		if (++l->at == l->end || strchr("\\\"n", *l->at) == NULL || *l->at == '\0')
			return NULL;
		value[n++] = *l->at == 'n' ? '\n' : *l->at;
	}
	value[n] = '\0';
	if (!take(l, "\""))
		return NULL;
	if ((copy = strdup(value)) == NULL)
		l->no_memory = true;
	return copy;
}

static bool
take_label(struct line *l)
{
	unsigned i = 0;
	size_t n;
	const char *name = take_name(l, &n);

	while (name != NULL && i < MF_PROM_LABELS &&
	       !is_text(name, n, mf_prom_label_name((enum mf_prom_label)i)))
		i++;
	if (name == NULL || i == MF_PROM_LABELS || l->labels[i] != NULL || !take(l, "=\""))
		return false;
	l->labels[i] = take_value(l);
	/* an empty one is not written */
	return l->labels[i] != NULL && l->labels[i][0] != '\0';
}

static bool
take_labels(struct line *l)
{
	if (!take(l, "{"))
		return true;
	do {
		if (!take_label(l))
			return false;
	} while (take(l, ","));
	return take(l, "}");
}

/* Digits, and perhaps a point and digits, up to the end of the line. */
static bool
take_number(struct line *l, char out[MF_PROM_VALUE_BYTES])
{
	const size_t n = (size_t)(l->end - l->at);
	size_t whole, part;

	if (n == 0 || n >= MF_PROM_VALUE_BYTES)
		return false;
	memcpy(out, l->at, n);
	out[n] = '\0';
	whole = strspn(out, "0123456789");
	if (whole == 0)
		return false;
	if (whole == n)
		return true;
	part = strspn(out + whole + 1, "0123456789");
	return out[whole] == '.' && part > 0 && whole + 1 + part == n;
}

/* Give the series of the line's labels the value. */
static int
keep(struct mf_prom *p, struct line *l, enum mf_prom_metric metric, const char *value,
    struct mf_error *e)
{
	struct mf_prom_series *s;
	unsigned i;

	for (i = MF_PROM_KEY_LABELS; i < MF_PROM_LABELS; i++)
		if (l->labels[i] != NULL && metric != MF_PROM_INFO)
			return 1;
	if ((s = mf_prom_series_of(p, l->labels, e)) == NULL)
		return -1;
	if (s->values[metric][0] != '\0')
		return 1;
	memcpy(s->values[metric], value, MF_PROM_VALUE_BYTES);
	for (i = MF_PROM_KEY_LABELS; i < MF_PROM_LABELS; i++)
		if (l->labels[i] != NULL) {
			s->labels[i] = l->labels[i];
			l->labels[i] = NULL;
		}
	return 0;
}

/* 0; 1: it is not one of ours; -1. */
static int
read_sample(struct mf_prom *p, struct line *l, struct mf_error *e)
{
	char value[MF_PROM_VALUE_BYTES] = "";
	size_t n;
	const char *name = take_name(l, &n);
	const int metric = name != NULL ? find_metric(name, n) : -1;

	if (metric < 0 || !take_labels(l) || !take(l, " ") || !take_number(l, value))
		return l->no_memory ? mf_error_nomem(e, "metrics") : 1;
	return metric == MF_PROM_METRICS ? 0 : keep(p, l, (enum mf_prom_metric)metric, value, e);
}

static int
read_comment(struct line *l)
{
	const bool help = take(l, "HELP ");
	const char *name;
	size_t n;

	if (!help && !take(l, "TYPE "))
		return 1;
	name = take_name(l, &n);
	if (name == NULL || find_metric(name, n) < 0 || !take(l, " "))
		return 1;
	return help || is_text(l->at, (size_t)(l->end - l->at), "gauge") ? 0 : 1;
}

static int
read_line(struct mf_prom *p, const char *text, const char *end, struct mf_error *e)
{
	struct line l = {.at = text, .end = end};
	int rc = take(&l, "# ") ? read_comment(&l) : read_sample(p, &l, e);
	unsigned i;

	for (i = 0; i < MF_PROM_LABELS; i++)
		free(l.labels[i]);
	return rc;
}

int
mf_prom_parse(struct mf_prom *p, const void *text, size_t n, struct mf_error *e)
{
	const char *at = text, *end, *line_end;
	unsigned line = 1;
	int rc;

	if (n == 0)
		return 0;
	end = at + n;
	if (n > MF_PROM_TEXT_MAX)
		return mf_error_set(
		    e, MF_EDAMAGED, "metrics of more than %zu bytes", MF_PROM_TEXT_MAX);
	for (; at < end; at = line_end + 1, line++) {
		line_end = memchr(at, '\n', (size_t)(end - at));
		rc = line_end != NULL ? read_line(p, at, line_end, e) : 1;
		if (rc == 1)
			return mf_error_set(
			    e, MF_EDAMAGED, "line %u is not one that modelferry writes", line);
		if (rc != 0)
			return -1;
	}
	return 0;
}
