/* The configuration file: one YAML mapping of option names to values; modelferry.conf(5). */
#include "src/config/options_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "src/base/buf.h"
#include "src/base/fs.h"

#define CONF_MAX_BYTES ((size_t)1 << 20)

struct reading {
	struct mf_options *o;
	const char *path;
	enum mf_source source;
	yaml_document_t doc;
	bool seen[MF_OPTIONS];
	struct mf_error *e;
};

static size_t
line_of(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static int
refuse(struct reading *r, const yaml_node_t *node, const char *why, const char *what)
{
	return mf_error_set(r->e, MF_EUSAGE, "%s:%zu: %s%s", r->path, line_of(node), why, what);
}

/* The text of a scalar; NULL: it is none, or holds a NUL. */
static const char *
scalar(const yaml_node_t *node)
{
	const char *text;

	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* Check one value, and keep it where the option is one of the command. */
static int
add(struct reading *r, enum mf_option id, const yaml_node_t *node, const char *text)
{
	char where[256], name[MF_PROVENANCE_BYTES];
	uint64_t number;

	snprintf(where, sizeof where, "%.200s:%zu", r->path, line_of(node));
	snprintf(name, sizeof name, "--%s (from %s)", mf_option_table[id].name, where);
	if (mf_option_check(id, text, name, &number, r->e) != 0)
		return -1;
	if (!mf_option_applies(&mf_option_table[id], r->o->command))
		return 0;
	return mf_options_add(r->o, id, r->source, text, where, r->e);
}

static int
add_pairs(struct reading *r, enum mf_option id, const yaml_node_t *node)
{
	const yaml_node_pair_t *pair;
	const yaml_node_t *key, *value;
	struct mf_buf text = MF_BUF_INIT;
	int rc = 0;

	for (pair = node->data.mapping.pairs.start; rc == 0 && pair < node->data.mapping.pairs.top;
	     pair++) {
		key = yaml_document_get_node(&r->doc, pair->key);
		value = yaml_document_get_node(&r->doc, pair->value);
		if (scalar(key) == NULL || scalar(value) == NULL) {
			rc = refuse(r, node, "not a plain value: ", mf_option_table[id].name);
			break;
		}
		mf_buf_clear(&text);
		mf_buf_printf(&text, "%s=%s", scalar(key), scalar(value));
		rc = mf_buf_cstr(&text) == NULL ? mf_error_nomem(r->e, "configuration")
						: add(r, id, key, mf_buf_cstr(&text));
	}
	mf_buf_fini(&text);
	return rc;
}

static int
add_list(struct reading *r, enum mf_option id, const yaml_node_t *node)
{
	const yaml_node_item_t *item;
	const yaml_node_t *value;

	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		value = yaml_document_get_node(&r->doc, *item);
		if (scalar(value) == NULL)
			return refuse(r, node, "not a list of plain values: ",
			    mf_option_table[id].name);
		if (add(r, id, value, scalar(value)) != 0)
			return -1;
	}
	return 0;
}

static int
add_value(struct reading *r, enum mf_option id, const yaml_node_t *node)
{
	const struct mf_option_row *row = &mf_option_table[id];

	if (scalar(node) != NULL)
		return add(r, id, node, scalar(node));
	if (node->type == YAML_SEQUENCE_NODE && (row->flags & MF_OPTION_REPEATS) != 0)
		return add_list(r, id, node);
	if (node->type == YAML_MAPPING_NODE && row->kind == MF_KIND_PAIR)
		return add_pairs(r, id, node);
	return refuse(r, node, "not a plain value: ", row->name);
}

/* One key of the top mapping. A name that two options share goes to both. */
static int
read_key(struct reading *r, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(&r->doc, pair->key);
	const yaml_node_t *value = yaml_document_get_node(&r->doc, pair->value);
	const char *name = scalar(key);
	struct mf_error unknown;
	bool found = false;
	unsigned i;

	if (name == NULL)
		return refuse(r, key, "not the name of an option", "");
	for (i = 0; i < MF_OPTIONS; i++) {
		if (strcmp(mf_option_table[i].name, name) != 0 ||
		    (mf_option_table[i].flags & (MF_OPTION_ARGS_ONLY | MF_OPTION_NOT_IN_FILE)) != 0)
			continue;
		if (r->seen[i])
			return refuse(r, key, "a second time: ", name);
		r->seen[i] = found = true;
		if (add_value(r, (enum mf_option)i, value) != 0)
			return -1;
	}
	if (found)
		return 0;
	mf_option_unknown(name, MF_COMMANDS, &unknown);
	refuse(r, key, "unknown key ", name);
	return mf_error_hint(r->e, "%s", unknown.hint);
}

static int
read_document(struct reading *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(&r->doc);
	const yaml_node_pair_t *pair;

	if (root == NULL) /* empty, or comments only */
		return 0;
	if (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0)
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return refuse(r, root, "not a mapping of option names to values", "");
	for (pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++)
		if (read_key(r, pair) != 0)
			return -1;
	return 0;
}

static int
read_yaml(struct reading *r, const uint8_t *text, size_t n)
{
	yaml_parser_t parser;
	int rc = -1;

	if (!yaml_parser_initialize(&parser))
		return mf_error_nomem(r->e, "configuration");
	yaml_parser_set_input_string(&parser, text, n);
	if (!yaml_parser_load(&parser, &r->doc)) {
		mf_error_set(r->e, MF_EUSAGE, "%s:%zu: %s", r->path, parser.problem_mark.line + 1,
		    parser.problem != NULL ? parser.problem : "not YAML");
		goto out;
	}
	rc = read_document(r);
	yaml_document_delete(&r->doc);
	if (rc == 0 && yaml_parser_load(&parser, &r->doc)) {
		if (yaml_document_get_root_node(&r->doc) != NULL)
			rc = mf_error_set(r->e, MF_EUSAGE, "%s: more than one document", r->path);
		yaml_document_delete(&r->doc);
	}
out:
	yaml_parser_delete(&parser);
	return rc;
}

int
mf_options_read_text(struct mf_options *o, const char *path, const uint8_t *text, size_t n,
    enum mf_source source, struct mf_error *e)
{
	struct reading r = {.o = o, .path = path, .source = source, .e = e};

	return read_yaml(&r, text, n);
}

int
mf_options_read_file(struct mf_options *o, const char *path, enum mf_source source,
    struct mf_error *e)
{
	struct mf_buf text = MF_BUF_INIT;
	struct mf_error inner = {0};
	int rc;

	if (mf_fs_read_file(AT_FDCWD, path, CONF_MAX_BYTES, &text, &inner) != 0) {
		mf_buf_fini(&text);
		if (inner.sys_errno == ENOENT || inner.sys_errno == ENOTDIR)
			return 1;
		*e = inner;
		if (inner.sys_errno == EISDIR)
			e->code = MF_EUSAGE;
		return mf_error_while(e, "reading the configuration");
	}
	rc = mf_options_read_text(o, path, text.data, text.len, source, e);
	mf_buf_fini(&text);
	return rc;
}
