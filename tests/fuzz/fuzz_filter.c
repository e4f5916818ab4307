/*
 * Files of rules and of paths, and what they take. The input: a byte of flags (1: a list of paths
 * instead of rules; 2: the rules end by leaving the rest out), the file, a NUL, then paths that
 * are asked for, each to the next newline.
 */
#include "tests/fuzz/fuzz_check.h"

#include "src/base/fs.h"
#include "src/config/filter.h"

#define FLAG_PATHS 1u
#define FLAG_LEAVE 2u
#define QUESTIONS_MAX 8

/* What is taken must be reached: the walk enters each directory above it. */
static void
check_path(const struct mf_filter *f, char *path)
{
	size_t i;

	if (!mf_fs_path_is_safe(path) || !mf_filter_takes(f, path))
		return;
	for (i = 0; path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		fuzz_require(mf_filter_enters(f, path));
		path[i] = '/';
	}
}

static void
check_list(const struct mf_filter *f)
{
	const char *path, *before = NULL;
	size_t i;

	for (i = 0; (path = mf_filter_path(f, i)) != NULL; i++) {
		fuzz_require(mf_fs_path_is_safe(path) && mf_filter_takes(f, path));
		fuzz_require(before == NULL || strcmp(before, path) < 0);
		before = path;
	}
}

static int
fill(struct mf_filter *f, unsigned flags, const uint8_t *text, size_t n, struct mf_error *e)
{
	if ((flags & FLAG_PATHS) != 0)
		return mf_filter_add_paths(f, "fuzz", (const char *)text, n, e);
	if (mf_filter_add_rules(f, "fuzz", (const char *)text, n, e) != 0)
		return -1;
	return (flags & FLAG_LEAVE) != 0 ? mf_filter_exclude(f, "**", e) : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_error e = {0};
	struct mf_filter *f;
	const uint8_t *nul;
	size_t text_bytes, left;
	char *path;
	int i;

	if (n == 0 || (f = mf_filter_new(&e)) == NULL)
		return 0;
	nul = memchr(data + 1, '\0', n - 1);
	text_bytes = nul != NULL ? (size_t)(nul - data) - 1 : n - 1;
	left = n - 1 - text_bytes;
	if (fill(f, data[0], data + 1, text_bytes, &e) == 0 && mf_filter_seal(f, &e) == 0) {
		check_list(f);
		nul = nul != NULL ? nul + 1 : data + n;
		left -= left > 0;
		for (i = 0; i < QUESTIONS_MAX; i++) {
			if ((path = fuzz_next_text(&nul, &left, '\n')) == NULL)
				break;
			check_path(f, path);
			free(path);
		}
	} else {
		fuzz_require_error(&e);
	}
	mf_filter_free(f);
	return 0;
}
