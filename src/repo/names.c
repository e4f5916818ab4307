/* Object names, and lists of them. The layout: modelferry-repository(5), NAMES. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "src/repo/repo_int.h"

void
mf_name_chunk_prefix(char *out, const struct mf_id *id)
{
	char hex[MF_ID_HEX_BYTES];

	mf_id_to_hex(id, hex);
	snprintf(out, MF_OBJECT_NAME_BYTES, "c/%.2s/%s.", hex, hex);
}

void
mf_name_chunk(char *out, const struct mf_id *id, uint64_t generation)
{
	char hex[MF_ID_HEX_BYTES];

	mf_id_to_hex(id, hex);
	snprintf(out, MF_OBJECT_NAME_BYTES, "c/%.2s/%s.%016llx", hex, hex,
	    (unsigned long long)generation);
}

int
mf_name_parse_chunk(const char *name, struct mf_id *id, uint64_t *generation)
{
	uint8_t g[8];
	int i;

	if (strlen(name) != 5 + 64 + 1 + 16 || strncmp(name, "c/", 2) != 0 || name[4] != '/' ||
	    strncmp(name + 2, name + 5, 2) != 0 || name[69] != '.' ||
	    mf_id_from_hex(id, name + 5) != 0 || mf_hex_decode(g, 8, name + 70) != 0)
		return -1;
	for (*generation = 0, i = 0; i < 8; i++)
		*generation = *generation << 8 | g[i];
	return 0;
}

void
mf_name_random(char out[MF_RANDOM_NAME_BYTES])
{
	uint8_t bytes[16];

	randombytes_buf(bytes, sizeof(bytes));
	mf_hex_encode(out, bytes, sizeof(bytes));
}

uint64_t
mf_generation_random(void)
{
	uint64_t g;

	randombytes_buf(&g, sizeof(g));
	return g;
}

void
mf_names_add(struct mf_names *names, const char *name)
{
	size_t want;
	char **more;

	if (names->n == names->capacity) {
		want = names->capacity ? names->capacity * 2 : 64;
		if ((more = reallocarray(names->items, want, sizeof(*more))) == NULL) {
			names->failed = true;
			return;
		}
		names->items = more;
		names->capacity = want;
	}
	if ((names->items[names->n] = strdup(name)) == NULL)
		names->failed = true;
	else
		names->n++;
}

void
mf_names_fini(struct mf_names *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct mf_names){0};
}

static int
collect(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct mf_names *names = arg;

	(void)size;
	(void)mtime_us;
	mf_names_add(names, name);
	return names->failed;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
mf_names_sort(struct mf_names *names)
{
	if (names->n > 1)
		qsort(names->items, names->n, sizeof(*names->items), compare);
}

int
mf_names_list(struct mf_repo *repo, const char *prefix, struct mf_names *out, struct mf_error *e)
{
	*out = (struct mf_names){0};
	if (mf_store_list_names(repo->store, prefix, collect, out, e) != 0) {
		mf_names_fini(out);
		return -1;
	}
	if (out->failed) {
		mf_names_fini(out);
		return mf_error_nomem(e, "a list of objects");
	}
	mf_names_sort(out);
	return 0;
}

bool
mf_names_has(const struct mf_names *names, const char *name)
{
	return names->n > 0 &&
	    bsearch(&name, names->items, names->n, sizeof(*names->items), compare) != NULL;
}
