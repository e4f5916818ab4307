#include "config.h"

#include "transfers/s3_ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define ENTRIES_MAX 4096
#define SPACE " \t\r"

/* A header (key NULL) or a line of a section. */
struct entry {
	const char *section;
	const char *key;
	const char *value;
};

struct mf_s3_ini {
	struct mf_secret *text; /* cut into strings */
	struct entry *entries;
	size_t n_entries;
};

static char *
skip_space(char *at)
{
	return at + strspn(at, SPACE);
}

static void
cut_trailing_space(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && strchr(SPACE, text[n - 1]) != NULL)
		text[--n] = '\0';
}

/* From a '#' or ';' at the start or behind white space on. */
static void
cut_comment(char *text)
{
	char *at;

	for (at = text; *at != '\0'; at++)
		if ((*at == '#' || *at == ';') && (at == text || strchr(SPACE, at[-1]) != NULL)) {
			*at = '\0';
			return;
		}
}

/* Quotes go, runs of white space become one. */
static void
tidy_section(char *name)
{
	char *from = skip_space(name), *to = name;

	for (; *from != '\0'; from++) {
		if (*from == '"' || *from == '\'')
			continue;
		if (strchr(SPACE, *from) != NULL && (to == name || to[-1] == ' '))
			continue;
		*to++ = strchr(SPACE, *from) != NULL ? ' ' : *from;
	}
	*to = '\0';
	cut_trailing_space(name);
}

static int
add(struct mf_s3_ini *i, const char *section, const char *key, const char *value,
    struct mf_error *e)
{
	struct entry *bigger;

	/* A power of two of them is full. */
	if ((i->n_entries & (i->n_entries - 1)) == 0) {
		bigger = reallocarray(i->entries, i->n_entries > 0 ? 2 * i->n_entries : 1,
		    sizeof *bigger);
		if (bigger == NULL)
			return mf_error_nomem(e, "a file of credentials");
		i->entries = bigger;
	}
	i->entries[i->n_entries++] = (struct entry){section, key, value};
	return 0;
}

/* What one line is, cut apart in place. NULL, or what is wrong with it. */
static const char *
parse_line(char *line, const char **section, char **key, char **value)
{
	char *end, *equals;

	*key = NULL;
	if (line[0] == ' ' || line[0] == '\t')
		return NULL; /* of the key above, or blank */
	cut_comment(line);
	cut_trailing_space(line);
	if (line[0] == '\0')
		return NULL;
	if (line[0] == '[') {
		if ((end = strchr(line, ']')) == NULL || *skip_space(end + 1) != '\0')
			return "a section's name ends with ]";
		*end = '\0';
		tidy_section(line + 1);
		*section = line + 1;
		*key = line + strlen(line); /* "": a header */
		return NULL;
	}
	if ((equals = strchr(line, '=')) == NULL || equals == line)
		return "it is neither [section] nor key = value";
	if (*section == NULL)
		return "it stands before any [section]";
	*equals = '\0';
	cut_trailing_space(line);
	*key = line;
	*value = skip_space(equals + 1);
	return NULL;
}

static int
parse(struct mf_s3_ini *i, char *text, const char *path, struct mf_error *e)
{
	const char *section = NULL, *wrong;
	char *next, *key, *value = NULL;
	unsigned number = 0;

	if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* as some editors leave behind */
		text += 3;
	for (; text != NULL; text = next) {
		number++;
		if ((next = strchr(text, '\n')) != NULL)
			*next++ = '\0';
		if ((wrong = parse_line(text, &section, &key, &value)) != NULL)
			return mf_error_set(e, MF_EUSAGE, "%s, line %u: %s", path, number, wrong);
		if (key == NULL)
			continue;
		if (i->n_entries == ENTRIES_MAX)
			return mf_error_set(e, MF_EUSAGE, "%s has more than %d lines", path,
			    ENTRIES_MAX);
		if (add(i, section, key[0] != '\0' ? key : NULL, value, e) != 0)
			return -1;
	}
	return 0;
}

struct mf_s3_ini *
mf_s3_ini_take(struct mf_secret *text, const char *path, struct mf_error *e)
{
	struct mf_s3_ini *i = calloc(1, sizeof *i);
	const size_t n = mf_secret_len(text);

	/* A copy, for the NUL behind it. */
	if (i == NULL || (i->text = mf_secret_new(n + 1, e)) == NULL) {
		mf_error_nomem(e, "a file of credentials");
		goto fail;
	}
	memcpy(mf_secret_bytes(i->text), mf_secret_view(text), n);
	if (memchr(mf_secret_view(text), '\0', n) != NULL) {
		mf_error_set(e, MF_EUSAGE, "%s is no text", path);
		goto fail;
	}
	if (parse(i, (char *)mf_secret_bytes(i->text), path, e) != 0)
		goto fail;
	mf_secret_freeze(i->text);
	mf_secret_free(text);
	return i;
fail:
	mf_s3_ini_free(i);
	mf_secret_free(text);
	return NULL;
}

int
mf_s3_ini_read(const char *path, struct mf_s3_ini **out, struct mf_error *e)
{
	struct mf_secret *text;
	struct mf_error why;
	struct stat st;

	*out = NULL;
	mf_error_clear(&why);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		return 1; /* nothing in it */
	if ((text = mf_secret_read_file(path, MF_S3_INI_MAX_BYTES, "file", &why)) == NULL) {
		if (why.sys_errno == ENOENT || why.sys_errno == ENOTDIR)
			return 1;
		if (why.code == MF_EKEY) /* too long: no matter of the repository's keys */
			why.code = MF_EUSAGE;
		if (e != NULL)
			*e = why;
		return -1;
	}
	*out = mf_s3_ini_take(text, path, e);
	return *out != NULL ? 0 : -1;
}

void
mf_s3_ini_free(struct mf_s3_ini *i)
{
	if (i == NULL)
		return;
	mf_secret_free(i->text);
	free(i->entries);
	free(i);
}

bool
mf_s3_ini_has(const struct mf_s3_ini *i, const char *section)
{
	size_t k;

	for (k = 0; i != NULL && k < i->n_entries; k++)
		if (strcmp(i->entries[k].section, section) == 0)
			return true;
	return false;
}

const char *
mf_s3_ini_get(const struct mf_s3_ini *i, const char *section, const char *key)
{
	const struct entry *at;
	size_t k;

	for (k = i != NULL ? i->n_entries : 0; k > 0; k--) {
		at = &i->entries[k - 1];
		if (at->key != NULL && strcasecmp(at->key, key) == 0 &&
		    strcmp(at->section, section) == 0)
			return at->value;
	}
	return NULL;
}
