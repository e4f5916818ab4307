/* Reading a map by its form. */
#include "src/rollout/plan_form.h"

#include <string.h>

static void *
place(void *out, size_t at)
{
	return (char *)out + at;
}

static void
say_there(void *out, const struct mf_field *f, bool there)
{
	if (there && f->more != MF_FIELD_NOWHERE)
		*(bool *)place(out, f->more) = true;
}

static void
read_u64(struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	int64_t value;

	if (mf_plan_whole(rd, map, f->key, (int64_t)f->min, (int64_t)f->max, &value))
		*(uint64_t *)out = (uint64_t)value;
}

static void
read_enum(
    struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	unsigned index;

	if (!mf_plan_enum(rd, map, f->key, f->words, &index))
		return;
	/* enums have the size of unsigned; their type is not known here */
	memcpy(place(out, f->at), &index, sizeof index);
	say_there(out, f, true);
}

static void
read_strings(
    struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	const char *const *texts;
	size_t n;

	if (!mf_plan_strings(rd, map, f->key, &texts, &n))
		return;
	*(const char *const **)place(out, f->at) = texts;
	if (f->more != MF_FIELD_NOWHERE)
		*(size_t *)place(out, f->more) = n;
}

static void
read_pairs(
    struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	const struct mf_pair *pairs;
	size_t n;

	if (!mf_plan_pairs(rd, map, f->key, &pairs, &n))
		return;
	*(const struct mf_pair **)place(out, f->at) = pairs;
	*(size_t *)place(out, f->more) = n;
}

/* NOLINTBEGIN(misc-no-recursion): forms are constant, and none has itself in it */
static void
read_map(struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	const struct mf_node *inner = mf_plan_map(rd, map, f->key);

	if (inner == NULL)
		return;
	say_there(out, f, true);
	mf_form_read(rd, f->form, inner, place(out, f->at));
}

static void
read_list(
    struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	const struct mf_node *list = mf_plan_list(rd, map, f->key, 0);
	char *items;
	size_t i;

	if (list == NULL || (items = mf_plan_alloc(rd, list->n_items, f->form->bytes)) == NULL)
		return;
	for (i = 0; i < list->n_items; i++)
		if (mf_plan_is_map(rd, list->items[i]))
			mf_form_read(rd, f->form, list->items[i], items + i * f->form->bytes);
	*(void **)place(out, f->at) = items;
	*(size_t *)place(out, f->more) = list->n_items;
}

/* In a Migration; others leave texts empty as their defaults. */
static void
refuse_empty(struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map)
{
	const struct mf_node *v = mf_node_get(map, f->key);

	if (v->kind == MF_NODE_STRING && v->text[0] == '\0' && mf_plan_is_strict(v))
		mf_plan_refuse(rd, v, "is empty: leave it out");
}

static void
read_plain(
    struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	void *to = place(out, f->at);

	switch (f->type) {
	case MF_FIELD_STRING:
		if (f->need)
			mf_plan_need_string(rd, map, f->key, to);
		else if (mf_plan_string(rd, map, f->key, to))
			refuse_empty(rd, f, map);
		break;
	case MF_FIELD_TEXT:
		if (mf_plan_text(rd, map, f->key, to))
			refuse_empty(rd, f, map);
		break;
	case MF_FIELD_BOOL: say_there(out, f, mf_plan_bool(rd, map, f->key, to)); break;
	case MF_FIELD_UNSIGNED:
		mf_plan_unsigned(rd, map, f->key, (unsigned)f->min, (unsigned)f->max, to);
		break;
	case MF_FIELD_U64: read_u64(rd, f, map, to); break;
	case MF_FIELD_NUMBER: say_there(out, f, mf_plan_number(rd, map, f->key, to)); break;
	case MF_FIELD_WEIGHT: mf_plan_weight(rd, map, f->key, to); break;
	case MF_FIELD_DURATION: say_there(out, f, mf_plan_duration(rd, map, f->key, to)); break;
	case MF_FIELD_SIZE: mf_plan_size(rd, map, f->key, to); break;
	default: break;
	}
}

static bool
is_there(const struct mf_node *map, const char *key)
{
	const struct mf_node *v = mf_node_get(map, key);

	return v != NULL && v->kind != MF_NODE_NULL;
}

static void
read_field(
    struct mf_plan_reading *rd, const struct mf_field *f, const struct mf_node *map, void *out)
{
	switch (f->type) {
	case MF_FIELD_KNOWN: break;
	case MF_FIELD_ENUM: read_enum(rd, f, map, out); break;
	case MF_FIELD_STRINGS: read_strings(rd, f, map, out); break;
	case MF_FIELD_PAIRS: read_pairs(rd, f, map, out); break;
	case MF_FIELD_MAP: read_map(rd, f, map, out); break;
	case MF_FIELD_LIST: read_list(rd, f, map, out); break;
	case MF_FIELD_NODE:
		if (is_there(map, f->key))
			*(const struct mf_node **)place(out, f->at) = mf_node_get(map, f->key);
		break;
	default: read_plain(rd, f, map, out);
	}
}

static void
look_for_strangers(
    struct mf_plan_reading *rd, const struct mf_form *form, const struct mf_node *map)
{
	size_t i, k;

	for (i = 0; i < map->n_items; i++) {
		for (k = 0; k < form->n_fields; k++)
			if (strcmp(form->fields[k].key, map->items[i]->key) == 0)
				break;
		if (k == form->n_fields)
			mf_plan_stranger(rd, map->items[i]);
	}
}

void
mf_form_read(
    struct mf_plan_reading *rd, const struct mf_form *form, const struct mf_node *map, void *out)
{
	const struct mf_field *f;
	size_t k;

	if (map == NULL)
		return;
	for (k = 0; k < form->n_fields; k++) {
		f = &form->fields[k];
		if (f->need && f->type != MF_FIELD_STRING && !is_there(map, f->key))
			mf_plan_refuse_key(rd, map, f->key, "is missing");
		else
			read_field(rd, f, map, out);
	}
	look_for_strangers(rd, form, map);
}
/* NOLINTEND(misc-no-recursion) */
