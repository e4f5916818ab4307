/*
 * What is made of the form of kind Migration and kept in the tree:
 *	plan-part schema    src/rollout/migration.schema.json
 *	plan-part fields    the part of modelferry-plan(5) between its marks; scripts/update-man
 */
#include <stdio.h>
#include <string.h>

#include "src/rollout/plan_form.h"

#define FORMS_MAX 64

struct forms {
	const struct mf_form *seen[FORMS_MAX];
	size_t n;
};

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

#define LINE_MAX 68u

/* One word of a page: quotes in pairs, nothing that the formatter would take for itself. */
static void
put_word(const char *word, size_t n, bool *open)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (word[i] == '`') {
			printf("%s", *open ? "\\(cq" : "\\(oq");
			*open = !*open;
		} else if (word[i] == '\\') {
			printf("\\e");
		} else {
			putchar(word[i]);
		}
	}
}

/* Text in lines of at most LINE_MAX, a full stop behind it. */
static void
put_text(const char *text)
{
	size_t n, column = 0;
	bool open = false;

	for (; *text != '\0'; text += n, text += *text == ' ') {
		n = strcspn(text, " ");
		if (column > 0 && column + n + 2 > LINE_MAX) {
			putchar('\n');
			column = 0;
		} else if (column > 0) {
			putchar(' ');
			column++;
		}
		put_word(text, n, &open);
		column += n;
	}
	printf(".\n");
}

static const char *
type_name(const struct mf_field *f)
{
	static const char *const names[] = {
	    [MF_FIELD_KNOWN] = "anything",
	    [MF_FIELD_STRING] = "text",
	    [MF_FIELD_TEXT] = "text or number",
	    [MF_FIELD_BOOL] = "true or false",
	    [MF_FIELD_UNSIGNED] = "whole number",
	    [MF_FIELD_U64] = "whole number",
	    [MF_FIELD_NUMBER] = "number",
	    [MF_FIELD_WEIGHT] = "weight",
	    [MF_FIELD_DURATION] = "duration",
	    [MF_FIELD_SIZE] = "size",
	    [MF_FIELD_ENUM] = "word",
	    [MF_FIELD_STRINGS] = "list of texts",
	    [MF_FIELD_PAIRS] = "map of texts",
	    [MF_FIELD_MAP] = "map",
	    [MF_FIELD_LIST] = "list",
	    [MF_FIELD_NODE] = "weights",
	};

	return names[f->type];
}

static void
put_type(const struct mf_field *f)
{
	if (f->form == NULL)
		printf("%s", type_name(f));
	else
		printf(
		    "%s%s", f->list || f->type == MF_FIELD_LIST ? "list of " : "", f->form->name);
	if (f->type == MF_FIELD_NODE && f->words != NULL)
		printf(" or %s", f->words[0]);
	if (f->need)
		printf(", needed");
}

static void
put_form(const struct mf_form *form)
{
	const struct mf_field *f;
	size_t i;

	printf(".Ss %s\n.Bl -tag -width Ds\n", form->name);
	for (i = 0; i < form->n_fields; i++) {
		f = &form->fields[i];
		printf(".It Ic %s Pq ", f->key);
		put_type(f);
		printf("\n");
		put_text(f->about);
	}
	printf(".El\n");
}

int
main(int argc, char **argv)
{
	struct forms all = {.n = 0};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	if (argc == 2 && strcmp(argv[1], "schema") == 0) {
		mf_form_put_schema(&b, &mf_form_migration);
		fwrite(b.data, 1, b.len, stdout);
		mf_buf_fini(&b);
		return 0;
	}
	if (argc != 2 || strcmp(argv[1], "fields") != 0) {
		fprintf(stderr, "usage: plan-part schema|fields\n");
		return 2;
	}
	meet(&all, &mf_form_migration);
	for (i = 0; i < all.n; i++)
		put_form(all.seen[i]);
	return 0;
}
