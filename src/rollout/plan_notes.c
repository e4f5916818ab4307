/* Reading plans: refusals and warnings with their places, memory, the documents of the file. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/plan_int.h"

#define NOTE_BYTES 400u

/* Where a node stands: in the file, or in what was composed of the command line. */
static const char *
file_of(const struct mf_plan_reading *rd, const struct mf_node *at)
{
	while (at != NULL && at->parent != NULL)
		at = at->parent;
	return at != NULL && at == rd->composed ? "the command line" : rd->docs->file;
}

struct mf_plan_place
mf_plan_place_of(const struct mf_plan_reading *rd, const struct mf_node *at)
{
	return (struct mf_plan_place){.file = file_of(rd, at), .line = at != NULL ? at->line : 0};
}

const char *
mf_plan_place_text(const struct mf_plan_place *place, char out[MF_PLAN_PLACE_BYTES])
{
	const char *file = place->file != NULL ? place->file : "";

	if (place->line > 0)
		(void)snprintf(out, MF_PLAN_PLACE_BYTES, "%.140s:%u", file, place->line);
	else
		(void)snprintf(out, MF_PLAN_PLACE_BYTES, "%.140s", file);
	return out;
}

/* "FILE:LINE: FIELD: text", into the list of refusals and, as the first one, into the error. */
static void
refuse(struct mf_plan_reading *rd, const struct mf_node *at, const char *field, const char *text)
{
	const char *colon = field[0] != '\0' ? ": " : "", *file = file_of(rd, at);
	char line[16] = "";

	if (rd->no_memory)
		return;
	if (at != NULL && at->line > 0)
		(void)snprintf(line, sizeof line, ":%u", at->line);
	if (rd->n_refusals++ == 0)
		mf_error_set(rd->first, MF_EUSAGE, "%s%s: %s%s%s", file, line, field, colon, text);
	if (rd->refusals == NULL || rd->n_refusals > MF_PLAN_NOTES_MAX)
		return;
	mf_text_put_escaped(rd->refusals, file);
	mf_buf_printf(rd->refusals, "%s: ", line);
	mf_text_put_escaped(rd->refusals, field);
	mf_buf_printf(rd->refusals, "%s", colon);
	mf_text_put_escaped(rd->refusals, text);
	mf_buf_put_u8(rd->refusals, '\n');
}

void
mf_plan_refuse(struct mf_plan_reading *rd, const struct mf_node *at, const char *fmt, ...)
{
	char text[NOTE_BYTES], field[MF_NODE_PATH_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	refuse(rd, at, at != NULL ? mf_node_path(at, field) : "", text);
}

void
mf_plan_refuse_key(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, const char *fmt, ...)
{
	char text[NOTE_BYTES], path[MF_NODE_PATH_BYTES], field[2 * MF_NODE_PATH_BYTES] = "";
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (map != NULL)
		mf_node_path(map, path);
	else
		path[0] = '\0';
	(void)snprintf(field, sizeof field, "%s%s%.200s", path, path[0] != '\0' ? "." : "", key);
	refuse(rd, map, field, text);
}

void
mf_plan_refuse_error(
    struct mf_plan_reading *rd, const struct mf_node *at, const struct mf_error *why)
{
	if (why->code == MF_ENOMEM) {
		rd->no_memory = true;
		if (rd->first != NULL)
			*rd->first = *why;
		return;
	}
	mf_plan_refuse(rd, at, "%.380s", why->message);
}

void
mf_plan_warn(struct mf_plan_reading *rd, const struct mf_node *at, const char *fmt, ...)
{
	char text[NOTE_BYTES], field[MF_NODE_PATH_BYTES] = "";
	struct mf_plan_note *note;
	va_list ap;

	if (rd->plan->n_warnings == MF_PLAN_NOTES_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (at != NULL)
		mf_node_path(at, field);
	note = &rd->plan->warnings[rd->plan->n_warnings];
	note->place = mf_plan_place_of(rd, at);
	note->field = mf_plan_copy(rd, field, strlen(field));
	note->text = mf_plan_copy(rd, text, strlen(text));
	if (note->field != NULL && note->text != NULL)
		rd->plan->n_warnings++;
}

static void
no_memory(struct mf_plan_reading *rd, const struct mf_error *why)
{
	if (rd->no_memory)
		return;
	rd->no_memory = true;
	if (rd->first != NULL)
		*rd->first = *why;
}

void *
mf_plan_alloc(struct mf_plan_reading *rd, size_t n, size_t bytes)
{
	struct mf_error why = {0};
	size_t total;
	void *at = NULL;

	if (__builtin_mul_overflow(n, bytes, &total))
		mf_error_nomem(&why, "a plan");
	else
		at = mf_region_alloc(rd->region, total > 0 ? total : 1, &why);
	if (at == NULL)
		no_memory(rd, &why);
	return at;
}

const char *
mf_plan_copy(struct mf_plan_reading *rd, const char *text, size_t bytes)
{
	char *copy = mf_plan_alloc(rd, bytes + 1, 1);

	if (copy != NULL)
		memcpy(copy, text, bytes);
	return copy;
}

const char *
mf_plan_take(struct mf_plan_reading *rd, struct mf_buf *b)
{
	struct mf_error why = {0};
	const char *text = NULL;

	if (b->failed) {
		mf_error_nomem(&why, "a plan");
		no_memory(rd, &why);
	} else {
		text = mf_plan_copy(rd, b->len > 0 ? (const char *)b->data : "", b->len);
	}
	mf_buf_fini(b);
	return text;
}

const char *
mf_plan_format(struct mf_plan_reading *rd, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (text = mf_plan_alloc(rd, (size_t)n + 1, 1)) == NULL)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

static const char *
text_at(const struct mf_node *node, const char *key)
{
	const struct mf_node *v = mf_node_get(node, key);

	return v != NULL && v->kind == MF_NODE_STRING ? v->text : NULL;
}

bool
mf_plan_document_is(const struct mf_node *doc, const char *group, const char *kind)
{
	const char *version = text_at(doc, "apiVersion"), *is = text_at(doc, "kind");
	size_t n = strlen(group);

	return version != NULL && is != NULL && strncmp(version, group, n) == 0 &&
	       version[n] == '/' && strcmp(is, kind) == 0;
}

void
mf_plan_document_used(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	size_t i;

	for (i = 0; i < rd->docs->n; i++)
		if (rd->docs->roots[i] == doc)
			rd->used[i] = true;
}

const struct mf_node *
mf_plan_document(struct mf_plan_reading *rd, const char *group, const char *kind, const char *name,
    const char *namespace_name)
{
	const struct mf_node *metadata;
	const char *is, *in;
	size_t i;

	for (i = 0; i < rd->docs->n; i++) {
		if (!mf_plan_document_is(rd->docs->roots[i], group, kind))
			continue;
		metadata = mf_node_get(rd->docs->roots[i], "metadata");
		is = text_at(metadata, "name");
		in = text_at(metadata, "namespace");
		if (is == NULL || strcmp(is, name) != 0 ||
		    (in != NULL && namespace_name != NULL && strcmp(in, namespace_name) != 0))
			continue;
		rd->used[i] = true;
		return rd->docs->roots[i];
	}
	return NULL;
}
