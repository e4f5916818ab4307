/* A pattern on a path. The input: the pattern, a newline, the path. */
#include "tests/fuzz/fuzz_check.h"

#include <stdio.h>

#include "src/config/glob.h"

#define PATH_MAX_BYTES 300u

/* -1: no pattern. */
static int
matches(const char *pattern, const char *path)
{
	struct mf_error e = {0};
	struct mf_glob *g = mf_glob_new(pattern, &e);
	int found;

	if (g == NULL) {
		fuzz_require_error(&e);
		return -1;
	}
	found = mf_glob_matches(g, path);
	mf_glob_free(g);
	return found;
}

/* Every byte escaped, a path matches itself and no longer one. */
static void
check_literal(const char *path)
{
	char *pattern = malloc(2 * strlen(path) + 2), *at = pattern, longer[PATH_MAX_BYTES + 4];
	const char *p;

	fuzz_require(pattern != NULL);
	*at++ = '/';
	for (p = path; *p != '\0'; p++) {
		*at++ = '\\';
		*at++ = *p;
	}
	*at = '\0';
	if (*path != '\0') {
		fuzz_require(matches(pattern, path) == 1);
		(void)snprintf(longer, sizeof(longer), "%sx", path);
		fuzz_require(matches(pattern, longer) == 0);
	}
	free(pattern);
}

/* From the top is more than from some component on. (A second slash at the beginning is one more to
 * be matched, which no relative path has.) */
static void
check_anchored(const char *pattern, const char *path, int found)
{
	char below[PATH_MAX_BYTES + 4];

	if (found != 1 || strncmp(pattern, "//", 2) == 0)
		return;
	(void)snprintf(below, sizeof(below), "d/%s", path);
	if (pattern[0] == '/')
		fuzz_require(matches(pattern + 1, path) != 0);
	else
		fuzz_require(matches(pattern, below) == 1);
}

static void
check_below(const char *pattern, const char *directory)
{
	struct mf_error e = {0};
	struct mf_glob *g = mf_glob_new(pattern, &e);
	char inside[PATH_MAX_BYTES + 16];

	if (g != NULL && mf_glob_matches_below(g, directory)) {
		(void)snprintf(inside, sizeof(inside), "%s/x", directory);
		fuzz_require(mf_glob_matches(g, inside));
		(void)snprintf(inside, sizeof(inside), "%s/.y/z\xff", directory);
		fuzz_require(mf_glob_matches(g, inside));
	}
	mf_glob_free(g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *pattern = fuzz_next_text(&data, &n, '\n'), *path = fuzz_text(data, n);

	if (pattern != NULL && strlen(path) <= PATH_MAX_BYTES) {
		check_anchored(pattern, path, matches(pattern, path));
		check_below(pattern, path);
		check_literal(path);
	}
	free(pattern);
	free(path);
	return 0;
}
