/* Argo's templates: {{args.NAME}} and nothing else. */
#include <stdbool.h>
#include <string.h>

#include "src/rollout/node_int.h"
#include "src/rollout/template_int.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value of the argument that a tag, from `tag` to `end`, names; NULL: *e says why not. */
static const char *
value_of(const char *text, const char *tag, const char *end, const struct mf_pair *args,
    size_t n_args, struct mf_error *e)
{
	const char *open = tag - 2;
	size_t i, n;

	while (tag < end && is_space(*tag))
		tag++;
	while (end > tag && is_space(end[-1]))
		end--;
	n = (size_t)(end - tag);
	for (i = 0; n > 5 && memcmp(tag, "args.", 5) == 0 && i < n_args; i++) {
		if (strlen(args[i].name) != n - 5 || memcmp(args[i].name, tag + 5, n - 5) != 0)
			continue;
		if (args[i].value == NULL)
			mf_template_refuse(
			    text, open, e, "argument %.100s has no value yet", args[i].name);
		return args[i].value;
	}
	mf_template_refuse(text, open, e, "{{%.*s}} is no argument", (int)(n < 100 ? n : 100), tag);
	mf_error_hint(e, "write {{args.NAME}}, and have NAME among args");
	return NULL;
}

int
mf_template_argo(struct mf_buf *out, const char *text, const struct mf_pair *args, size_t n_args,
    struct mf_error *e)
{
	const char *at = text, *open, *close, *value;

	if (mf_template_check_size(text, e) != 0)
		return -1;
	while ((open = strstr(at, "{{")) != NULL) {
		if ((close = strstr(open + 2, "}}")) == NULL)
			return mf_template_refuse(text, open, e, "{{ without }}");
		if (mf_template_put(out, at, (size_t)(open - at), e) != 0 ||
		    (value = value_of(text, open + 2, close, args, n_args, e)) == NULL ||
		    mf_template_put(out, value, strlen(value), e) != 0)
			return -1;
		at = close + 2;
	}
	return mf_template_put(out, at, strlen(at), e);
}

struct copying {
	struct mf_region *r;
	const struct mf_pair *args;
	size_t n_args;
	struct mf_error *e;
};

static const char *
replaced(struct copying *k, const struct mf_node *node, const char *text)
{
	struct mf_buf b = MF_BUF_INIT;
	char path[MF_NODE_PATH_BYTES];
	const char *copy = NULL;

	if (strstr(text, "{{") == NULL)
		return mf_region_strdup(k->r, text, k->e);
	if (mf_template_argo(&b, text, k->args, k->n_args, k->e) == 0) {
		if (mf_buf_cstr(&b) == NULL)
			mf_error_nomem(k->e, "a template");
		else
			copy = mf_region_strdup(k->r, mf_buf_cstr(&b), k->e);
	} else if (node->line > 0) {
		mf_error_while(
		    k->e, "filling in %s in line %u", mf_node_path(node, path), node->line);
	} else {
		mf_error_while(k->e, "filling in %s", mf_node_path(node, path));
	}
	mf_buf_fini(&b);
	return copy;
}

/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than MF_NODE_DEPTH_MAX */
static struct mf_node *
copy_of(struct copying *k, const struct mf_node *node)
{
	struct mf_node *copy = mf_region_alloc(k->r, sizeof *copy, k->e), **items;
	const struct mf_node *again;
	size_t i;

	if (copy == NULL)
		return NULL;
	*copy = *node;
	copy->parent = NULL;
	if (node->text != NULL && (copy->text = replaced(k, node, node->text)) == NULL)
		return NULL;
	if (node->kind != MF_NODE_LIST && node->kind != MF_NODE_MAP)
		return copy;
	if ((items = mf_region_alloc(k->r, node->n_items * sizeof *items, k->e)) == NULL)
		return NULL;
	for (i = 0; i < node->n_items; i++) {
		if ((items[i] = copy_of(k, node->items[i])) == NULL)
			return NULL;
		items[i]->parent = copy;
		if (items[i]->key != NULL &&
		    (items[i]->key = replaced(k, node->items[i], items[i]->key)) == NULL)
			return NULL;
	}
	copy->items = items;
	copy->by_key = NULL;
	if (node->kind == MF_NODE_LIST)
		return copy;
	return mf_node_fill_map(copy, items, node->n_items, &again, k->r, k->e) == 0 ? copy : NULL;
}
/* NOLINTEND(misc-no-recursion) */

struct mf_node *
mf_template_argo_tree(struct mf_region *r, const struct mf_node *node, const struct mf_pair *args,
    size_t n_args, struct mf_error *e)
{
	struct copying k = {.r = r, .args = args, .n_args = n_args, .e = e};
	struct mf_node *copy = copy_of(&k, node);

	/* where the metric stands in its plan is still of use to messages */
	if (copy != NULL)
		copy->parent = node->parent;
	return copy;
}
