/* A form as JSON Schema (json-schema.org/draft/2020-12). */
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/plan_form.h"

#define FORMS_MAX 64u
#define ANY "true"
#define TEXT_OR_NUMBER "\"type\": [\"string\", \"number\"]"

struct forms { /* all that were met, in the order they were met in */
	const struct mf_form *seen[FORMS_MAX];
	size_t n;
};

/* NOLINTBEGIN(misc-no-recursion): forms are constant, and none has itself in it */
static void
meet(struct forms *all, const struct mf_form *form)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->seen[i] == form)
			return;
	if (all->n == FORMS_MAX)
		return;
	all->seen[all->n++] = form;
	for (i = 0; i < form->n_fields; i++)
		if (form->fields[i].form != NULL)
			meet(all, form->fields[i].form);
}
/* NOLINTEND(misc-no-recursion) */

static void
put_words(struct mf_buf *b, const char *const *words)
{
	size_t i;

	mf_buf_printf(b, "\"enum\": [");
	for (i = 0; words[i] != NULL; i++) {
		mf_buf_printf(b, i > 0 ? ", " : "");
		mf_text_put_json(b, words[i]);
	}
	mf_buf_printf(b, "]");
}

/* A form, or one of a few words in its place. */
static void
put_node(struct mf_buf *b, const struct mf_field *f)
{
	if (f->form == NULL && f->words == NULL)
		return;
	if (f->list)
		mf_buf_printf(b, "\"type\": \"array\", \"items\": {");
	if (f->words != NULL && f->form != NULL) {
		mf_buf_printf(b, "\"anyOf\": [{\"$ref\": \"#/$defs/%s\"}, {", f->form->name);
		put_words(b, f->words);
		mf_buf_printf(b, "}]");
	} else if (f->form != NULL) {
		mf_buf_printf(b, "\"$ref\": \"#/$defs/%s\"", f->form->name);
	} else {
		put_words(b, f->words);
	}
	if (f->list)
		mf_buf_printf(b, "}");
}

static void
put_range(struct mf_buf *b, const struct mf_field *f)
{
	mf_buf_printf(b, "\"type\": \"integer\", \"minimum\": %llu, \"maximum\": %llu",
	    (unsigned long long)f->min, (unsigned long long)f->max);
}

static void
put_type(struct mf_buf *b, const struct mf_field *f)
{
	static const char *const plain[] = {
	    [MF_FIELD_STRING] = "\"type\": \"string\"",
	    [MF_FIELD_TEXT] = "\"type\": [\"string\", \"number\", \"boolean\"]",
	    [MF_FIELD_BOOL] = "\"type\": \"boolean\"",
	    [MF_FIELD_NUMBER] = "\"type\": \"number\"",
	    [MF_FIELD_WEIGHT] = "\"type\": \"integer\", \"minimum\": 0, \"maximum\": 100",
	    [MF_FIELD_DURATION] = TEXT_OR_NUMBER,
	    [MF_FIELD_SIZE] = TEXT_OR_NUMBER,
	    [MF_FIELD_STRINGS] = ("\"type\": \"array\", \"items\": {\"type\": [\"string\", "
				  "\"number\", \"boolean\"]}"),
	    [MF_FIELD_PAIRS] = ("\"type\": \"object\", \"additionalProperties\": {\"type\": "
				"[\"string\", \"number\", \"boolean\"]}"),
	};

	switch (f->type) {
	case MF_FIELD_UNSIGNED:
	case MF_FIELD_U64: put_range(b, f); break;
	case MF_FIELD_ENUM: put_words(b, f->words); break;
	case MF_FIELD_MAP: mf_buf_printf(b, "\"$ref\": \"#/$defs/%s\"", f->form->name); break;
	case MF_FIELD_LIST:
		mf_buf_printf(
		    b, "\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/%s\"}", f->form->name);
		break;
	case MF_FIELD_KNOWN:
	case MF_FIELD_NODE: put_node(b, f); break;
	default: mf_buf_printf(b, "%s", plain[f->type]);
	}
}

static void
put_required(struct mf_buf *b, const struct mf_form *form)
{
	size_t i, n = 0;

	for (i = 0; i < form->n_fields; i++)
		if (form->fields[i].need)
			mf_buf_printf(b, "%s\"%s\"", n++ > 0 ? ", " : "      \"required\": [",
			    form->fields[i].key);
	if (n > 0)
		mf_buf_printf(b, "],\n");
}

static void
put_form(struct mf_buf *b, const struct mf_form *form)
{
	const struct mf_field *f;
	size_t i;

	mf_buf_printf(b, "    \"%s\": {\n      \"type\": \"object\",\n", form->name);
	put_required(b, form);
	mf_buf_printf(b, "      \"properties\": {\n");
	for (i = 0; i < form->n_fields; i++) {
		f = &form->fields[i];
		mf_buf_printf(b, "        \"%s\": {\"description\": ", f->key);
		mf_text_put_json(b, f->about);
		if (f->type != MF_FIELD_KNOWN && (f->type != MF_FIELD_NODE || f->form || f->words))
			mf_buf_printf(b, ", ");
		put_type(b, f);
		mf_buf_printf(b, "}%s\n", i + 1 < form->n_fields ? "," : "");
	}
	/* as the reader, which refuses what nobody knows */
	mf_buf_printf(b, "      },\n      \"additionalProperties\": false\n    }");
}

void
mf_form_put_schema(struct mf_buf *b, const struct mf_form *spec)
{
	struct forms all = {.n = 0};
	size_t i;

	meet(&all, spec);
	mf_buf_printf(b,
	    "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	    "  \"title\": \"Migration (modelferry.dev/v1alpha1)\",\n"
	    "  \"description\": \"modelferry-plan(5) says what each field means\",\n"
	    "  \"type\": \"object\",\n"
	    "  \"required\": [\"apiVersion\", \"kind\", \"metadata\", \"spec\"],\n"
	    "  \"properties\": {\n"
	    "    \"apiVersion\": {\"const\": \"modelferry.dev/v1alpha1\"},\n"
	    "    \"kind\": {\"const\": \"Migration\"},\n"
	    "    \"metadata\": {\"type\": \"object\", \"required\": [\"name\"], \"properties\": "
	    "{\"name\": {\"type\": \"string\"}, \"namespace\": {\"type\": \"string\"}}},\n"
	    "    \"spec\": {\"$ref\": \"#/$defs/%s\"}\n  },\n  \"$defs\": {\n",
	    spec->name);
	for (i = 0; i < all.n; i++) {
		put_form(b, all.seen[i]);
		mf_buf_printf(b, i + 1 < all.n ? ",\n" : "\n");
	}
	mf_buf_printf(b, "  }\n}\n");
}
