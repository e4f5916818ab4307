#include "src/config/filter.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/config/glob.h"

struct rule {
	struct mf_glob *glob;
	bool take;
};

struct mf_filter {
	struct rule *rules;
	size_t n_rules, rules_capacity;
	bool leave_rest; /* an --include was there */
	char **paths;	 /* sorted once sealed */
	size_t n_paths, paths_capacity;
	bool exact;
};

struct mf_filter *
mf_filter_new(struct mf_error *e)
{
	struct mf_filter *f = calloc(1, sizeof *f);

	if (f == NULL)
		mf_error_nomem(e, "filter");
	return f;
}

static void
forget_rules(struct mf_filter *f)
{
	while (f->n_rules > 0)
		mf_glob_free(f->rules[--f->n_rules].glob);
}

void
mf_filter_free(struct mf_filter *f)
{
	if (f == NULL)
		return;
	forget_rules(f);
	while (f->n_paths > 0)
		free(f->paths[--f->n_paths]);
	free(f->rules);
	free(f->paths);
	free(f);
}

/* Room for one more element of size bytes each. The array, or NULL. */
static void *
room_for_one(void *array, size_t n, size_t *capacity, size_t size)
{
	void *grown;

	if (n < *capacity)
		return array;
	grown = reallocarray(array, *capacity * 2 + 8, size);
	if (grown != NULL)
		*capacity = *capacity * 2 + 8;
	return grown;
}

static int
add_rule(struct mf_filter *f, const char *pattern, bool take, struct mf_error *e)
{
	struct rule *rules = room_for_one(f->rules, f->n_rules, &f->rules_capacity, sizeof *rules);
	struct mf_glob *glob;

	if (rules == NULL)
		return mf_error_nomem(e, "filter");
	f->rules = rules;
	if ((glob = mf_glob_new(pattern, e)) == NULL)
		return -1;
	f->rules[f->n_rules++] = (struct rule){glob, take};
	return 0;
}

int
mf_filter_include(struct mf_filter *f, const char *pattern, struct mf_error *e)
{
	f->leave_rest = true;
	return add_rule(f, pattern, true, e);
}

int
mf_filter_exclude(struct mf_filter *f, const char *pattern, struct mf_error *e)
{
	return add_rule(f, pattern, false, e);
}

static int
add_path(struct mf_filter *f, const char *path, struct mf_error *e)
{
	char **paths = room_for_one(f->paths, f->n_paths, &f->paths_capacity, sizeof *paths);

	if (paths == NULL)
		return mf_error_nomem(e, "filter");
	f->paths = paths;
	if (!mf_fs_path_is_safe(path))
		return mf_error_set(e, MF_EUSAGE, "not a path below the directory: %.200s", path);
	if ((f->paths[f->n_paths] = strdup(path)) == NULL)
		return mf_error_nomem(e, "filter");
	f->n_paths++;
	return 0;
}

static int
add_rule_line(struct mf_filter *f, char *line, struct mf_error *e)
{
	if (strcmp(line, "!") == 0) {
		forget_rules(f);
		f->leave_rest = false;
		return 0;
	}
	if ((line[0] == '+' || line[0] == '-') && line[1] == ' ')
		return add_rule(f, line + 2 + strspn(line + 2, " "), line[0] == '+', e);
	return mf_error_set(e, MF_EUSAGE, "neither \"+ GLOB\" nor \"- GLOB\" nor \"!\": %.100s",
	    line);
}

/* A '/' at either end says nothing, as in rclone. */
static int
add_path_line(struct mf_filter *f, char *line, struct mf_error *e)
{
	size_t n;

	line += strspn(line, "/");
	for (n = strlen(line); n > 0 && line[n - 1] == '/'; n--)
		line[n - 1] = '\0';
	return add_path(f, line, e);
}

/* Without blanks at its ends: "\r" is one, too. */
static char *
trimmed_copy(const char *line, size_t n)
{
	static const char blanks[] = " \t\v\f\r";

	for (; n > 0 && memchr(blanks, line[0], sizeof blanks - 1) != NULL; line++, n--)
		;
	for (; n > 0 && memchr(blanks, line[n - 1], sizeof blanks - 1) != NULL; n--)
		;
	return strndup(line, n);
}

/* But those that are blank, and comments. */
static int
each_line(struct mf_filter *f, const char *name, const char *text, size_t n,
    int (*add)(struct mf_filter *, char *, struct mf_error *), struct mf_error *e)
{
	struct mf_error inner = {0};
	const char *end = text + n, *stop;
	size_t number, len;
	char *line;
	int rc = 0;

	for (number = 1; rc == 0 && text < end; number++, text = stop + 1) {
		stop = memchr(text, '\n', (size_t)(end - text));
		stop = stop != NULL ? stop : end;
		len = (size_t)(stop - text);
		if (memchr(text, '\0', len) != NULL)
			return mf_error_set(e, MF_EUSAGE, "%s:%zu: a NUL byte", name, number);
		if ((line = trimmed_copy(text, len)) == NULL)
			return mf_error_nomem(e, "filter");
		if (line[0] != '\0' && line[0] != '#' && line[0] != ';')
			rc = add(f, line, &inner);
		free(line);
	}
	if (rc != 0)
		mf_error_set(e, inner.code, "%s:%zu: %s", name, number - 1, inner.message);
	return rc;
}

int
mf_filter_add_rules(struct mf_filter *f, const char *name, const char *text, size_t n,
    struct mf_error *e)
{
	return each_line(f, name, text, n, add_rule_line, e);
}

int
mf_filter_add_paths(struct mf_filter *f, const char *name, const char *text, size_t n,
    struct mf_error *e)
{
	f->exact = true;
	return each_line(f, name, text, n, add_path_line, e);
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
mf_filter_seal(struct mf_filter *f, struct mf_error *e)
{
	size_t i, kept = 0;

	if (f->exact && f->n_rules > 0)
		return mf_error_set(e, MF_EUSAGE,
		    "a list of paths cannot be combined with include and exclude rules");
	if (f->n_paths > 0)
		qsort(f->paths, f->n_paths, sizeof *f->paths, compare_paths);
	for (i = 0; i < f->n_paths; i++) {
		if (kept > 0 && strcmp(f->paths[kept - 1], f->paths[i]) == 0)
			free(f->paths[i]);
		else
			f->paths[kept++] = f->paths[i];
	}
	f->n_paths = kept;
	return 0;
}

bool
mf_filter_takes_all(const struct mf_filter *f)
{
	return !f->exact && f->n_rules == 0;
}

/* The first path of the list that does not sort before this one. */
static size_t
lower_bound(const struct mf_filter *f, const char *path)
{
	size_t lo = 0, hi = f->n_paths, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(f->paths[mid], path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
mf_filter_takes(const struct mf_filter *f, const char *path)
{
	size_t i;

	if (f->exact) {
		i = lower_bound(f, path);
		return i < f->n_paths && strcmp(f->paths[i], path) == 0;
	}
	for (i = 0; i < f->n_rules; i++)
		if (mf_glob_matches(f->rules[i].glob, path))
			return f->rules[i].take;
	return !f->leave_rest;
}

static bool
list_enters(const struct mf_filter *f, const char *directory)
{
	size_t n = strlen(directory), i;

	/* names such as "dir-x" sort between "dir" and "dir/x" */
	for (i = lower_bound(f, directory); i < f->n_paths; i++) {
		if (strncmp(f->paths[i], directory, n) != 0)
			return false;
		if (f->paths[i][n] == '/')
			return true;
	}
	return false;
}

bool
mf_filter_enters(const struct mf_filter *f, const char *directory)
{
	size_t i;

	if (f->exact)
		return list_enters(f, directory);
	for (i = 0; i < f->n_rules; i++) {
		if (f->rules[i].take && mf_glob_may_match_below(f->rules[i].glob, directory))
			return true;
		if (mf_glob_matches_below(f->rules[i].glob, directory))
			return false;
	}
	return !f->leave_rest;
}

const char *
mf_filter_path(const struct mf_filter *f, size_t i)
{
	return i < f->n_paths ? f->paths[i] : NULL;
}
