/* Refusals, and typed fields of maps. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/rollout/plan_int.h"

#define WHOLE_MAX 9007199254740992.0 /* past it a double has no ones */

/* The value at key, where there is one: null is none. */
static const struct mf_node *
value_at(const struct mf_node *map, const char *key)
{
	const struct mf_node *v = mf_node_get(map, key);

	return v == NULL || v->kind == MF_NODE_NULL ? NULL : v;
}

static bool
wants(struct mf_plan_reading *rd, const struct mf_node *v, enum mf_node_kind kind)
{
	if (v->kind == kind)
		return true;
	mf_plan_refuse(rd, v, "a %s is wanted here, not a %s", mf_node_kind_name(kind),
	    mf_node_kind_name(v->kind));
	return false;
}

static bool
text_fits(struct mf_plan_reading *rd, const struct mf_node *v)
{
	if (strlen(v->text) <= MF_PLAN_TEXT_MAX)
		return true;
	mf_plan_refuse(rd, v, "this text is longer than %zu KiB", MF_PLAN_TEXT_MAX >> 10);
	return false;
}

bool
mf_plan_string(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, const char **out)
{
	const struct mf_node *v = value_at(map, key);

	if (v == NULL || !wants(rd, v, MF_NODE_STRING) || !text_fits(rd, v))
		return false;
	*out = v->text;
	return true;
}

bool
mf_plan_need_string(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, const char **out)
{
	const struct mf_node *v = value_at(map, key);

	if (v == NULL) {
		mf_plan_refuse_key(rd, map, key, "is missing");
		return false;
	}
	if (!mf_plan_string(rd, map, key, out))
		return false;
	if ((*out)[0] == '\0') {
		mf_plan_refuse(rd, v, "is empty");
		return false;
	}
	return true;
}

static bool
is_plain(const struct mf_node *v)
{
	return v->kind == MF_NODE_STRING ||
	       ((v->kind == MF_NODE_NUMBER || v->kind == MF_NODE_BOOL) && v->text != NULL);
}

static bool
text_of(struct mf_plan_reading *rd, const struct mf_node *v, const char **out)
{
	if (!is_plain(v))
		return wants(rd, v, MF_NODE_STRING);
	if (!text_fits(rd, v))
		return false;
	*out = v->text;
	return true;
}

bool
mf_plan_text(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, const char **out)
{
	const struct mf_node *v = value_at(map, key);

	return v != NULL && text_of(rd, v, out);
}

bool
mf_plan_bool(struct mf_plan_reading *rd, const struct mf_node *map, const char *key, bool *out)
{
	const struct mf_node *v = value_at(map, key);

	if (v == NULL || !wants(rd, v, MF_NODE_BOOL))
		return false;
	*out = v->truth;
	return true;
}

static bool
whole_of(
    struct mf_plan_reading *rd, const struct mf_node *v, int64_t min, int64_t max, int64_t *out)
{
	if (!wants(rd, v, MF_NODE_NUMBER))
		return false;
	if (!isfinite(v->number) || v->number != floor(v->number) || fabs(v->number) > WHOLE_MAX) {
		mf_plan_refuse(rd, v, "a whole number is wanted here, not %g", v->number);
		return false;
	}
	if (v->number < (double)min || v->number > (double)max) {
		mf_plan_refuse(rd, v, "%.0f is not within %lld and %lld", v->number, (long long)min,
		    (long long)max);
		return false;
	}
	*out = (int64_t)v->number;
	return true;
}

bool
mf_plan_whole(struct mf_plan_reading *rd, const struct mf_node *map, const char *key, int64_t min,
    int64_t max, int64_t *out)
{
	const struct mf_node *v = value_at(map, key);

	return v != NULL && whole_of(rd, v, min, max, out);
}

bool
mf_plan_unsigned(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    unsigned min, unsigned max, unsigned *out)
{
	int64_t value;

	if (!mf_plan_whole(rd, map, key, min, max, &value))
		return false;
	*out = (unsigned)value;
	return true;
}

bool
mf_plan_int_or_string(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    int64_t min, int64_t max, int64_t *out)
{
	const struct mf_node *v = value_at(map, key);
	uint64_t value;

	if (v == NULL)
		return false;
	if (v->kind != MF_NODE_STRING)
		return whole_of(rd, v, min, max, out);
	if (mf_parse_u64(v->text, INT64_MAX, &value, NULL) != 0) {
		mf_plan_refuse(rd, v, "a whole number is wanted here, not \"%.32s\"", v->text);
		return false;
	}
	if ((int64_t)value < min || (int64_t)value > max) {
		mf_plan_refuse(rd, v, "%.32s is not within %lld and %lld", v->text, (long long)min,
		    (long long)max);
		return false;
	}
	*out = (int64_t)value;
	return true;
}

bool
mf_plan_number(struct mf_plan_reading *rd, const struct mf_node *map, const char *key, double *out)
{
	const struct mf_node *v = value_at(map, key);

	if (v == NULL || !wants(rd, v, MF_NODE_NUMBER))
		return false;
	if (!isfinite(v->number)) {
		mf_plan_refuse(rd, v, "a finite number is wanted here");
		return false;
	}
	*out = v->number;
	return true;
}

bool
mf_plan_weight_of(struct mf_plan_reading *rd, const struct mf_node *v, unsigned *out)
{
	if (!wants(rd, v, MF_NODE_NUMBER))
		return false;
	if (!(v->number >= 0.0 && v->number <= 100.0)) {
		mf_plan_refuse(
		    rd, v, "a weight is a whole number from 0 to 100, not %g", v->number);
		return false;
	}
	if (v->number != floor(v->number)) {
		mf_plan_refuse(rd, v, "a weight is a whole number, not %g", v->number);
		return false;
	}
	*out = (unsigned)v->number;
	return true;
}

bool
mf_plan_weight(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, unsigned *out)
{
	const struct mf_node *v = value_at(map, key);

	return v != NULL && mf_plan_weight_of(rd, v, out);
}

/* Text with a unit, or a number as it is written. */
static bool
measured(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    int (*parse)(const char *text, uint64_t *value, struct mf_error *e), uint64_t *out)
{
	const struct mf_node *v = value_at(map, key);
	const char *text;
	struct mf_error why = {0};
	uint64_t value;

	if (v == NULL)
		return false;
	if (v->kind == MF_NODE_BOOL)
		return wants(rd, v, MF_NODE_STRING);
	if (!text_of(rd, v, &text))
		return false;
	if (parse(text, &value, &why) != 0) {
		mf_plan_refuse_error(rd, v, &why);
		return false;
	}
	*out = value;
	return true;
}

bool
mf_plan_duration(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *out)
{
	return measured(rd, map, key, mf_parse_duration, out);
}

bool
mf_plan_size(struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *out)
{
	return measured(rd, map, key, mf_parse_size, out);
}

static void
refuse_word(struct mf_plan_reading *rd, const struct mf_node *v, const char *const *words)
{
	struct mf_buf all = MF_BUF_INIT;
	const char *text;
	size_t i;

	for (i = 0; words[i] != NULL && words[i][0] != '\0'; i++)
		mf_buf_printf(&all, "%s%s",
		    i == 0                                            ? ""
		    : words[i + 1] == NULL || words[i + 1][0] == '\0' ? " or "
								      : ", ",
		    words[i]);
	text = mf_buf_cstr(&all);
	mf_plan_refuse(rd, v, "\"%.64s\" is none of the words known here: %s", v->text,
	    text != NULL ? text : "");
	mf_buf_fini(&all);
}

bool
mf_plan_enum(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    const char *const *words, unsigned *out)
{
	const struct mf_node *v = value_at(map, key);
	unsigned i;

	if (v == NULL || !wants(rd, v, MF_NODE_STRING))
		return false;
	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], v->text) == 0) {
			*out = i;
			return true;
		}
	refuse_word(rd, v, words);
	return false;
}

const struct mf_node *
mf_plan_list(struct mf_plan_reading *rd, const struct mf_node *map, const char *key, size_t max)
{
	const struct mf_node *v = value_at(map, key);

	if (max == 0)
		max = MF_PLAN_LIST_MAX;
	if (v == NULL || !wants(rd, v, MF_NODE_LIST))
		return NULL;
	if (v->n_items > max) {
		mf_plan_refuse(rd, v, "more than %zu items", max);
		return NULL;
	}
	return v->n_items > 0 ? v : NULL;
}

bool
mf_plan_strings(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    const char *const **out, size_t *n)
{
	const struct mf_node *list = mf_plan_list(rd, map, key, 0);
	const char **texts;
	size_t i;

	if (list == NULL || (texts = mf_plan_alloc(rd, list->n_items + 1, sizeof *texts)) == NULL)
		return false;
	for (i = 0; i < list->n_items; i++)
		if (!text_of(rd, list->items[i], &texts[i]))
			return false;
	*out = texts;
	*n = list->n_items;
	return true;
}

bool
mf_plan_is_map(struct mf_plan_reading *rd, const struct mf_node *node)
{
	return wants(rd, node, MF_NODE_MAP);
}

const struct mf_node *
mf_plan_map(struct mf_plan_reading *rd, const struct mf_node *map, const char *key)
{
	const struct mf_node *v = value_at(map, key);

	return v != NULL && wants(rd, v, MF_NODE_MAP) ? v : NULL;
}

const struct mf_node *
mf_plan_need_map(struct mf_plan_reading *rd, const struct mf_node *map, const char *key)
{
	if (value_at(map, key) == NULL)
		mf_plan_refuse_key(rd, map, key, "is missing");
	return mf_plan_map(rd, map, key);
}

bool
mf_plan_pairs(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    const struct mf_pair **out, size_t *n)
{
	const struct mf_node *v = mf_plan_map(rd, map, key);
	struct mf_pair *pairs;
	size_t i;

	if (v == NULL || v->n_items == 0)
		return false;
	if (v->n_items > MF_PLAN_LIST_MAX) {
		mf_plan_refuse(rd, v, "more than %u keys", MF_PLAN_LIST_MAX);
		return false;
	}
	if ((pairs = mf_plan_alloc(rd, v->n_items, sizeof *pairs)) == NULL)
		return false;
	for (i = 0; i < v->n_items; i++) {
		pairs[i].name = v->items[i]->key;
		if (!text_of(rd, v->items[i], &pairs[i].value))
			return false;
	}
	*out = pairs;
	*n = v->n_items;
	return true;
}

/* What others' documents say beside what is read may be meant for others; ours is for nobody else.
 */
bool
mf_plan_is_strict(const struct mf_node *node)
{
	const struct mf_node *kind;

	while (node->parent != NULL)
		node = node->parent;
	kind = mf_node_get(node, "kind");
	return kind != NULL && kind->kind == MF_NODE_STRING && strcmp(kind->text, "Migration") == 0;
}

void
mf_plan_stranger(struct mf_plan_reading *rd, const struct mf_node *field)
{
	if (mf_plan_is_strict(field))
		mf_plan_refuse(rd, field, "nobody knows this field");
	else
		mf_plan_warn(rd, field, "nobody knows this field; it is ignored");
}

void
mf_plan_known_keys(struct mf_plan_reading *rd, const struct mf_node *map, const char *const *keys)
{
	size_t i, k;

	if (map == NULL || map->kind != MF_NODE_MAP)
		return;
	for (i = 0; i < map->n_items; i++) {
		for (k = 0; keys[k] != NULL && strcmp(keys[k], map->items[i]->key) != 0; k++)
			;
		if (keys[k] == NULL)
			mf_plan_stranger(rd, map->items[i]);
	}
}
