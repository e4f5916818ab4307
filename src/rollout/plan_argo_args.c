/* The arguments of Argo's analyses: the templates', the Rollout's, and where their values are. */
#include <string.h>

#include "src/rollout/plan_argo_int.h"

static struct mf_argo_arg *
find(struct mf_argo_args *args, const char *name)
{
	for (size_t i = 0; i < args->n; i++)
		if (strcmp(args->items[i].name, name) == 0)
			return &args->items[i];
	return NULL;
}

static bool
is_there(const struct mf_node *map, const char *key)
{
	const struct mf_node *v = mf_node_get(map, key);

	return v != NULL && v->kind != MF_NODE_NULL;
}

/* "a.b['c.d'].e" of the Rollout's own document: the node, or NULL. */
static const struct mf_node *
field_at(const struct mf_node *node, const char *path)
{
	char key[256];
	size_t n;

	while (node != NULL && *path != '\0') {
		path += *path == '.';
		if (strncmp(path, "['", 2) == 0) {
			path += 2;
			n = strcspn(path, "'");
			if (strncmp(path + n, "']", 2) != 0)
				return NULL;
		} else {
			n = strcspn(path, ".[");
		}
		if (n == 0 || n >= sizeof key)
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		node = mf_node_get(node, key);
		path += n;
		if (strncmp(path, "']", 2) == 0)
			path += 2;
	}
	return node;
}

static void
read_field_ref(struct mf_plan_reading *rd, const struct mf_node *ref, const struct mf_node *rollout,
    struct mf_argo_arg *arg)
{
	const struct mf_node *field;
	const char *path = NULL;

	if (!mf_plan_need_string(rd, ref, "fieldPath", &path))
		return;
	field = field_at(rollout, path);
	if (field == NULL || field->text == NULL) {
		mf_plan_refuse(rd, mf_node_get(ref, "fieldPath"), "the Rollout has no such text");
		return;
	}
	arg->known = true;
	arg->value = field->text;
}

static void
read_value_from(struct mf_plan_reading *rd, const struct mf_node *from,
    const struct mf_node *rollout, struct mf_argo_arg *arg)
{
	static const char *const known[] = {
	    "podTemplateHashValue", "fieldRef", "secretKeyRef", NULL};
	static const char *const hashes[] = {"Latest", "Stable", NULL};
	const struct mf_node *ref;
	unsigned which;

	mf_plan_known_keys(rd, from, known);
	if (is_there(from, "secretKeyRef")) {
		mf_plan_refuse(rd, mf_node_get(from, "secretKeyRef"),
		    "a secret has no place in a query: the files of auth are read instead");
	} else if (rollout == NULL) {
		mf_plan_refuse(rd, from, "only a Rollout can give this value");
	} else if (is_there(from, "podTemplateHashValue")) {
		if (!mf_plan_enum(rd, from, "podTemplateHashValue", hashes, &which))
			return;
		arg->known = true;
		arg->from = which == 0 ? MF_ANALYSIS_ARG_LATEST : MF_ANALYSIS_ARG_STABLE;
	} else if ((ref = mf_plan_map(rd, from, "fieldRef")) != NULL) {
		read_field_ref(rd, ref, rollout, arg);
	} else {
		mf_plan_refuse(rd, from, "podTemplateHashValue or fieldRef is wanted here");
	}
}

/* One of a list. False: it has no name. */
static bool
read_arg(struct mf_plan_reading *rd, const struct mf_node *item, const struct mf_node *rollout,
    struct mf_argo_arg *arg)
{
	static const char *const known[] = {"name", "value", "valueFrom", NULL};
	const struct mf_node *from;

	*arg = (struct mf_argo_arg){.at = item};
	if (!mf_plan_is_map(rd, item) || !mf_plan_need_string(rd, item, "name", &arg->name))
		return false;
	mf_plan_known_keys(rd, item, known);
	arg->known = mf_plan_text(rd, item, "value", &arg->value);
	from = mf_plan_map(rd, item, "valueFrom");
	if (from != NULL && arg->known)
		mf_plan_refuse(rd, from, "there is a value already");
	else if (from != NULL)
		read_value_from(rd, from, rollout, arg);
	if (arg->known && arg->value != NULL && strstr(arg->value, "{{") != NULL)
		mf_plan_refuse(rd, item, "a value with {{ in it is no value");
	return true;
}

static bool
same_value(const struct mf_argo_arg *a, const struct mf_argo_arg *b)
{
	return a->from == b->from &&
	       (a->value == NULL || b->value == NULL ? a->value == b->value
						     : strcmp(a->value, b->value) == 0);
}

void
mf_argo_args_join(struct mf_plan_reading *rd, const struct mf_node *list, struct mf_argo_args *args)
{
	struct mf_argo_arg arg, *before;

	for (size_t i = 0; list != NULL && i < list->n_items; i++) {
		if (!read_arg(rd, list->items[i], NULL, &arg))
			continue;
		before = find(args, arg.name);
		if (before == NULL && args->n == MF_ANALYSIS_ARGS_MAX)
			mf_plan_refuse(rd, arg.at, "more than %u arguments", MF_ANALYSIS_ARGS_MAX);
		else if (before == NULL)
			args->items[args->n++] = arg;
		else if (!before->known)
			*before = arg;
		else if (arg.known && !same_value(before, &arg))
			mf_plan_refuse(rd, arg.at,
			    "%.64s has another value in the template of line %u", arg.name,
			    before->at->line);
	}
}

void
mf_argo_args_replace(struct mf_plan_reading *rd, const struct mf_node *list,
    const struct mf_node *rollout, struct mf_argo_args *args)
{
	struct mf_argo_arg arg, *wanted;

	for (size_t i = 0; list != NULL && i < list->n_items; i++) {
		if (!read_arg(rd, list->items[i], rollout, &arg))
			continue;
		wanted = find(args, arg.name);
		if (wanted == NULL)
			mf_plan_warn(rd, arg.at, "no template has the argument %.64s", arg.name);
		else if (arg.known)
			*wanted = arg;
	}
}

const struct mf_pair *
mf_argo_args_settle(struct mf_plan_reading *rd, const struct mf_argo_args *args, bool alone)
{
	struct mf_pair *pairs = mf_plan_alloc(rd, args->n, sizeof *pairs);
	const struct mf_argo_arg *arg;
	const bool lenient = alone && rd->params->lenient;

	if (pairs == NULL)
		return NULL;
	for (size_t i = 0; i < args->n; i++) {
		arg = &args->items[i];
		if (!arg->known && !lenient)
			mf_plan_refuse(rd, arg->at,
			    "%.64s has no value: the rollout would not advance", arg->name);
		else if (!arg->known)
			mf_plan_warn(rd, arg->at, "%.64s has no value", arg->name);
		pairs[i].name = arg->name;
		pairs[i].value = arg->known && arg->from == MF_ANALYSIS_ARG_VALUE
				     ? arg->value
				     : mf_plan_format(rd, "{{args.%s}}", arg->name);
	}
	return pairs;
}

static const char *
value_of_primary(struct mf_plan_reading *rd, const char *name)
{
	for (size_t i = 0; i < rd->n_primary_args; i++)
		if (strcmp(rd->primary_args[i].name, name) == 0) {
			rd->primary_args_used |= UINT64_C(1) << (i & 63);
			return rd->primary_args[i].value;
		}
	return NULL;
}

const struct mf_pair *
mf_argo_args_of_primary(
    struct mf_plan_reading *rd, const struct mf_argo_args *args, const struct mf_pair *pairs)
{
	struct mf_pair *own = mf_plan_alloc(rd, args->n, sizeof *own);
	bool differs = false;
	const char *value;

	if (own == NULL)
		return NULL;
	for (size_t i = 0; i < args->n; i++) {
		own[i] = pairs[i];
		differs = differs || args->items[i].from == MF_ANALYSIS_ARG_LATEST;
		if ((value = value_of_primary(rd, args->items[i].name)) == NULL)
			continue;
		own[i].value = value;
		differs = true;
	}
	return differs ? own : NULL;
}
