/* Names that people type (MODEL@VERSION), names that a store lists, and paths of a manifest: the
 * input, or three parts of it between newlines. */
#include "tests/fuzz/fuzz_check.h"

#include <stdio.h>

#include "src/base/fs.h"
#include "src/repo/repo_int.h"

static void
check_spec(const char *spec)
{
	struct mf_error e = {0};
	char *model, *name, again[300];

	if (mf_version_split(spec, &model, &name, &e) != 0) {
		fuzz_require_error(&e);
		fuzz_require(model == NULL && name == NULL);
		return;
	}
	(void)snprintf(again, sizeof(again), "%s%s%s", model, name != NULL ? "@" : "",
	    name != NULL ? name : "");
	fuzz_require(strcmp(again, spec) == 0 && strpbrk(model, "@ \\\"'`$\n") == NULL);
	/* it can stand in a path */
	fuzz_require(mf_fs_path_is_safe(model) && (name == NULL || strchr(name, '/') == NULL));
	free(model);
	free(name);
}

static void
check_chunk(const char *name)
{
	char again[MF_OBJECT_NAME_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	uint64_t generation;
	struct mf_id id;

	if (mf_name_parse_chunk(name, &id, &generation) != 0)
		return;
	mf_name_chunk(again, &id, generation);
	mf_name_chunk_prefix(prefix, &id);
	fuzz_require(strcmp(again, name) == 0 && strncmp(prefix, name, strlen(prefix)) == 0);
}

/* A second opinion on what a safe path is. */
static void
check_path(const char *path)
{
	char framed[5000];
	int n, safe;

	n = snprintf(framed, sizeof(framed), "/%s/", path);
	if (n < 0 || (size_t)n >= sizeof(framed))
		return;
	safe = strstr(framed, "//") == NULL && strstr(framed, "/./") == NULL &&
	       strstr(framed, "/../") == NULL;
	fuzz_require(!mf_fs_path_is_safe(path) || safe);
	if (n < 200)
		fuzz_require((int)mf_fs_path_is_safe(path) == safe);
}

static void
check_order(const char *a, const char *b, const char *c)
{
	const int ab = mf_path_compare(a, b), bc = mf_path_compare(b, c),
		  ac = mf_path_compare(a, c);

	fuzz_require(mf_path_compare(b, a) == -ab && mf_path_compare(a, a) == 0);
	fuzz_require((ab == 0) == (strcmp(a, b) == 0));
	if (ab <= 0 && bc <= 0)
		fuzz_require(ac == (ab < 0 || bc < 0 ? -1 : 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *parts[3];
	int i;

	for (i = 0; i < 3; i++)
		if ((parts[i] = fuzz_next_text(&data, &n, '\n')) == NULL)
			parts[i] = fuzz_text(NULL, 0);
	for (i = 0; i < 3; i++) {
		check_spec(parts[i]);
		check_chunk(parts[i]);
		check_path(parts[i]);
	}
	check_order(parts[0], parts[1], parts[2]);
	for (i = 0; i < 3; i++)
		free(parts[i]);
	return 0;
}
