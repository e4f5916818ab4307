#include "src/cmd/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"

#define METRICS_MAX_BYTES ((size_t)1 << 20)

void
mf_metrics_fini(struct mf_metrics *m)
{
	while (m->n > 0)
		free(m->items[--m->n].name);
	free(m->items);
	*m = (struct mf_metrics){0};
}

/* A later value of the same name replaces the earlier one. */
static int
set(struct mf_metrics *m, const char *name, size_t n, double value, struct mf_error *e)
{
	struct mf_metric *grown;
	size_t i;

	if (!isfinite(value))
		return mf_error_set(e, MF_EUSAGE, "the metric %.*s is no finite number", (int)n, name);
	for (i = 0; i < m->n; i++)
		if (strlen(m->items[i].name) == n && memcmp(m->items[i].name, name, n) == 0) {
			m->items[i].value = value;
			return 0;
		}
	if (m->n == m->capacity) {
		grown = realloc(m->items, (m->capacity * 2 + 8) * sizeof *grown);
		if (grown == NULL)
			return mf_error_nomem(e, "metrics");
		m->items = grown;
		m->capacity = m->capacity * 2 + 8;
	}
	if ((m->items[m->n].name = strndup(name, n)) == NULL)
		return mf_error_nomem(e, "metrics");
	m->items[m->n++].value = value;
	return 0;
}

int
mf_metrics_add_text(struct mf_metrics *m, const char *text, struct mf_error *e)
{
	const char *equals = strchr(text, '=');
	double value;
	char *end;

	if (equals == NULL || equals == text)
		return mf_error_set(e, MF_EUSAGE, "--metric is KEY=NUMBER, not \"%s\"", text);
	value = strtod(equals + 1, &end);
	if (end == equals + 1 || *end != '\0')
		return mf_error_set(e, MF_EUSAGE, "--metric %s: not a number", text);
	return set(m, text, (size_t)(equals - text), value, e);
}

static int
set_from_object(struct mf_metrics *m, const char *path, json_t *object, struct mf_error *e)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return mf_error_set(e, MF_EUSAGE, "%s is not a JSON object of numbers", path);
	json_object_foreach(object, name, value) {
		if (!json_is_number(value))
			return mf_error_set(e, MF_EUSAGE, "%s: %s is not a number", path, name);
		if (set(m, name, strlen(name), json_number_value(value), e) != 0)
			return -1;
	}
	return 0;
}

int
mf_metrics_add_json(struct mf_metrics *m, const char *path, const uint8_t *text, size_t n,
    struct mf_error *e)
{
	json_error_t why;
	json_t *object = json_loadb(n > 0 ? (const char *)text : "", n, JSON_REJECT_DUPLICATES,
	    &why);
	int rc;

	if (object == NULL)
		return mf_error_set(e, MF_EUSAGE, "%s:%d: %s", path, why.line, why.text);
	rc = set_from_object(m, path, object, e);
	json_decref(object);
	return rc;
}

static int
set_from_file(struct mf_metrics *m, const char *path, struct mf_error *e)
{
	struct mf_buf text = MF_BUF_INIT;
	int rc = mf_fs_read_file(AT_FDCWD, path, METRICS_MAX_BYTES, &text, e);

	rc = rc != 0 ? mf_error_while(e, "reading metrics")
		     : mf_metrics_add_json(m, path, text.data, text.len, e);
	mf_buf_fini(&text);
	return rc;
}

int
mf_metrics_load(const struct mf_options *o, struct mf_metrics *out, struct mf_error *e)
{
	const char *path = mf_options_text(o, MF_OPT_METRICS_FROM), *text;
	size_t i;

	*out = (struct mf_metrics){0};
	if (path != NULL && set_from_file(out, path, e) != 0)
		goto fail;
	for (i = 0; (text = mf_options_nth(o, MF_OPT_METRIC, i)) != NULL; i++)
		if (mf_metrics_add_text(out, text, e) != 0)
			goto fail;
	return 0;
fail:
	mf_metrics_fini(out);
	return -1;
}
