/* What a command asks of its options. */
#include "src/config/options_int.h"

#include <stdio.h>

/* Is this one of the values that count? */
static bool
wins(const struct mf_options *o, const struct mf_value *v)
{
	return v->source == o->best[v->id];
}

/* The last winning value; NULL: none was given. */
static const struct mf_value *
last_of(const struct mf_options *o, enum mf_option id)
{
	size_t i;

	for (i = o->n_values; i-- > 0;)
		if (o->values[i].id == id && wins(o, &o->values[i]))
			return &o->values[i];
	return NULL;
}

enum mf_source
mf_options_source(const struct mf_options *o, enum mf_option id)
{
	return o->best[id];
}

bool
mf_options_given(const struct mf_options *o, enum mf_option id)
{
	return last_of(o, id) != NULL;
}

bool
mf_options_flag(const struct mf_options *o, enum mf_option id)
{
	const struct mf_value *v = last_of(o, id);

	return v != NULL && v->number != 0;
}

const char *
mf_options_text(const struct mf_options *o, enum mf_option id)
{
	const struct mf_value *v = last_of(o, id);

	return v != NULL ? v->text : mf_option_table[id].default_text;
}

static uint64_t
count_of(const struct mf_options *o, enum mf_option id)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < o->n_values; i++)
		if (o->values[i].id == id && wins(o, &o->values[i]))
			sum += o->values[i].number;
	return sum;
}

uint64_t
mf_options_number(const struct mf_options *o, enum mf_option id)
{
	const struct mf_option_row *row = &mf_option_table[id];
	const struct mf_value *v = last_of(o, id);
	uint64_t number = 0;

	if (row->kind == MF_KIND_COUNT)
		return count_of(o, id);
	if (v != NULL)
		return v->number;
	if (row->default_text != NULL)
		(void)mf_option_check(id, row->default_text, row->name, &number, NULL);
	return number;
}

const char *
mf_options_nth(const struct mf_options *o, enum mf_option id, size_t n)
{
	size_t i;

	for (i = 0; i < o->n_values; i++)
		if (o->values[i].id == id && wins(o, &o->values[i]) && n-- == 0)
			return o->values[i].text;
	return NULL;
}

const char *
mf_options_provenance(const struct mf_options *o, enum mf_option id, char out[MF_PROVENANCE_BYTES])
{
	const struct mf_value *v = last_of(o, id);
	const char *name = mf_option_table[id].name;

	if (v == NULL)
		snprintf(out, MF_PROVENANCE_BYTES, "--%s (by default)", name);
	else if (v->where != NULL)
		snprintf(out, MF_PROVENANCE_BYTES, "--%s (from %.250s)", name, v->where);
	else
		snprintf(out, MF_PROVENANCE_BYTES, "--%s", name);
	return out;
}

bool
mf_options_each(const struct mf_options *o, size_t n, enum mf_option *id, const char **text)
{
	size_t i;

	for (i = 0; i < o->n_values; i++)
		if (wins(o, &o->values[i]) && n-- == 0) {
			*id = o->values[i].id;
			*text = o->values[i].text;
			return true;
		}
	return false;
}
