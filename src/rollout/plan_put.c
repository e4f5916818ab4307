/* The internal plan, as JSON and as lines for people. */
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/plan_put_int.h"

#define INDENT 2u

static const char *
kind_name(enum mf_plan_kind kind)
{
	static const char *const names[] = {"Canary", "Migration", "Rollout", "AnalysisTemplate"};

	return names[kind];
}

static json_t *
warnings_tree(const struct mf_plan *plan)
{
	json_t *list = json_array(), *map;
	size_t i;

	for (i = 0; i < plan->n_warnings; i++) {
		map = json_object();
		mf_tree_text(map, "file", plan->warnings[i].place.file);
		mf_tree_number(map, "line", plan->warnings[i].place.line);
		mf_tree_text(map, "field", plan->warnings[i].field);
		mf_tree_text(map, "text", plan->warnings[i].text);
		(void)json_array_append_new(list, map);
	}
	return list;
}

static json_t *
plan_tree(const struct mf_plan *plan)
{
	static const char *const profiles[] = {"flagger", "argo", "migration"};
	json_t *map = json_object();

	mf_tree_text(map, "kind", kind_name(plan->kind));
	mf_tree_text(map, "name", plan->name);
	mf_tree_text(map, "namespace", plan->namespace_name);
	mf_tree_text(map, "profile", profiles[plan->profile]);
	mf_tree_text(map, "finish", plan->finish == MF_FINISH_STAY ? "stay" : "copy-back");
	mf_tree_text(map, "digest", plan->digest);
	if (plan->migration != NULL)
		mf_tree_set(map, "migration", mf_tree_migration(plan->migration));
	else
		mf_tree_text(map, "data", "none");
	if (plan->canary != NULL)
		mf_tree_set(map, "analysis", mf_tree_canary(plan->canary));
	if (plan->rollout != NULL)
		mf_tree_set(map, "rollout", mf_tree_rollout(plan->rollout));
	if (plan->analysis != NULL)
		mf_tree_set(map, "analysisTemplate", mf_tree_analysis(plan->analysis));
	return map;
}

static void
put_indent(struct mf_buf *b, unsigned depth)
{
	mf_buf_printf(b, "%*s", (int)(depth * INDENT), "");
}

static bool
is_inner(const json_t *v)
{
	return json_is_object(v) || json_is_array(v);
}

static void
put_plain(struct mf_buf *b, const json_t *v)
{
	if (json_is_string(v))
		mf_text_put_escaped(b, json_string_value(v));
	else if (json_is_integer(v))
		mf_buf_printf(b, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		mf_buf_printf(b, "%g", json_real_value(v));
	else
		mf_buf_printf(b, "%s", json_is_true(v) ? "yes" : "no");
}

/* "a, b, c" where all are plain and short. */
static bool
fits_a_line(const json_t *list)
{
	size_t i, length = 0;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);

		if (is_inner(v))
			return false;
		length += json_is_string(v) ? strlen(json_string_value(v)) : 8;
	}
	return length < 70;
}

static void put_value(struct mf_buf *b, const json_t *v, unsigned depth, bool in_list);

/* NOLINTBEGIN(misc-no-recursion): the tree is of our own making, and as deep as a plan */
static void
put_list(struct mf_buf *b, const json_t *list, unsigned depth)
{
	size_t i, n = json_array_size(list);

	if (n == 0 || fits_a_line(list)) {
		mf_buf_put_u8(b, ' ');
		for (i = 0; i < n; i++) {
			mf_buf_printf(b, "%s", i > 0 ? ", " : "");
			put_plain(b, json_array_get(list, i));
		}
		mf_buf_printf(b, "%s\n", n == 0 ? "none" : "");
		return;
	}
	mf_buf_put_u8(b, '\n');
	for (i = 0; i < n; i++) {
		put_indent(b, depth);
		mf_buf_printf(b, "-");
		put_value(b, json_array_get(list, i), depth + 1, true);
	}
}

/* Its members; the first follows on the line, where something stands before it. */
static void
put_map(struct mf_buf *b, const json_t *map, unsigned depth)
{
	const char *key;
	json_t *v;

	/* in the order that the tree was made in */
	json_object_foreach((json_t *)(uintptr_t)map, key, v)
	{
		if (b->len > 0 && b->data[b->len - 1] == '\n')
			put_indent(b, depth);
		mf_buf_printf(b, "%s:", key);
		put_value(b, v, depth + 1, false);
	}
}

static void
put_value(struct mf_buf *b, const json_t *v, unsigned depth, bool in_list)
{
	if (json_is_object(v)) {
		mf_buf_put_u8(b, in_list ? ' ' : '\n');
		put_map(b, v, depth);
	} else if (json_is_array(v)) {
		put_list(b, v, depth);
	} else {
		mf_buf_put_u8(b, ' ');
		put_plain(b, v);
		mf_buf_put_u8(b, '\n');
	}
}
/* NOLINTEND(misc-no-recursion) */

void
mf_plan_put_text(struct mf_buf *b, const struct mf_plan *plan)
{
	json_t *tree = plan_tree(plan);

	if (tree == NULL)
		b->failed = true;
	else
		put_map(b, tree, 0);
	json_decref(tree);
}

/* On one line; takes tree. */
static void
put_tree(struct mf_buf *b, json_t *tree)
{
	char *text = NULL;

	if (tree != NULL)
		text = json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(15));
	if (text == NULL)
		b->failed = true;
	else
		mf_buf_put(b, text, strlen(text));
	free(text);
	json_decref(tree);
}

void
mf_plan_put_json(struct mf_buf *b, const struct mf_plan *plan)
{
	json_t *tree = plan_tree(plan);

	mf_tree_set(tree, "warnings", warnings_tree(plan));
	put_tree(b, tree);
}

static json_t *
lines_tree(const char *at)
{
	json_t *list = json_array();
	const char *end;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1)
		(void)json_array_append_new(list, json_stringn(at, (size_t)(end - at)));
	return list;
}

void
mf_plan_put_refused_json(struct mf_buf *b, const struct mf_plan *refused, const char *refusals)
{
	json_t *tree = json_object();

	mf_tree_set(tree, "ok", json_false());
	mf_tree_set(tree, "refused", lines_tree(refusals));
	mf_tree_set(tree, "warnings", refused == NULL ? json_array() : warnings_tree(refused));
	put_tree(b, tree);
}
