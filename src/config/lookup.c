/* Small questions to the two tables, and the nearest word to a wrong one. */
#include "src/config/lookup_int.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const planned[] = {"daemon"};

bool
mf_option_takes_value(const struct mf_option_row *row)
{
	return row->kind != MF_KIND_FLAG && row->kind != MF_KIND_COUNT;
}

bool
mf_option_applies(const struct mf_option_row *row, unsigned command)
{
	return row->commands == 0 ||
	    (command < MF_COMMANDS && (row->commands >> command & 1) != 0);
}

void
mf_option_twin(const struct mf_option_row *row, char out[MF_OPTION_TWIN_BYTES])
{
	char *p;

	snprintf(out, MF_OPTION_TWIN_BYTES, "MODELFERRY_%s", row->name);
	for (p = out; *p != '\0'; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

const char *
mf_option_choice(const struct mf_option_row *row, unsigned i, size_t *len)
{
	const char *word = row->choices;

	for (; word != NULL && *word != '\0'; i--) {
		*len = strcspn(word, " ");
		if (i == 0)
			return word;
		word += *len;
		word += *word == ' ';
	}
	return NULL;
}

enum mf_command
mf_command_find(const char *name)
{
	unsigned i;

	for (i = 0; i < MF_COMMANDS; i++)
		if (strcmp(mf_command_table[i].name, name) == 0)
			break;
	return (enum mf_command)i;
}

int
mf_command_is_group(const char *word)
{
	size_t n = strlen(word);
	unsigned i;

	for (i = 0; i < MF_COMMANDS; i++)
		if (strncmp(mf_command_table[i].name, word, n) == 0 &&
		    mf_command_table[i].name[n] == ' ')
			return 1;
	return 0;
}

int
mf_command_is_planned(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof planned / sizeof planned[0]; i++)
		if (strcmp(planned[i], word) == 0)
			return 1;
	return 0;
}

/* Levenshtein's distance over two rows; words of 31 bytes at most, longer are far away. */
unsigned
mf_lookup_distance(const char *a, const char *b)
{
	unsigned row[32], left, above, i, j;
	size_t la = strlen(a), lb = strlen(b);

	if (la > 31 || lb > 31)
		return 99;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		left = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			row[j] = left + (a[i - 1] != b[j - 1]);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			left = above;
		}
	}
	return row[lb];
}

bool
mf_lookup_is_near(const char *wrong, const char *right, unsigned *best)
{
	unsigned d = mf_lookup_distance(wrong, right), limit = (unsigned)strlen(right) / 3 + 1;
	size_t n = strlen(wrong);

	if (n >= 3 && strncmp(wrong, right, n) == 0)
		d = 1; /* the beginning of the word */
	if (d > limit || d >= *best)
		return false;
	*best = d;
	return true;
}

const char *
mf_command_closest(const char *word)
{
	static const char group[] = "key";
	const char *found = NULL;
	unsigned i, best = 99;

	for (i = 0; i < MF_COMMANDS; i++)
		if (strchr(mf_command_table[i].name, ' ') == NULL &&
		    mf_lookup_is_near(word, mf_command_table[i].name, &best))
			found = mf_command_table[i].name;
	if (mf_lookup_is_near(word, group, &best))
		found = group;
	return found;
}
