/* The entries of a version in memory. */
#include <stdlib.h>
#include <string.h>

#include "src/repo/manifest.h"

void
mf_listing_fini(struct mf_listing *l)
{
	size_t i;

	if (l->entries_region == NULL) {
		for (i = 0; i < l->n_entries; i++) {
			free(l->entries[i].path);
			free(l->entries[i].target);
		}
		free(l->entries);
		free(l->slices);
	}
	mf_region_free(l->entries_region);
	mf_region_free(l->slices_region);
	mf_region_free(l->strings_region);
	free(l->chunks);
	*l = (struct mf_listing){0};
}

int
mf_listing_init(struct mf_listing *l, const struct mf_region_params *p, struct mf_error *e)
{
	*l = (struct mf_listing){0};
	if (mf_region_new(p, &l->entries_region, e) == 0 &&
	    mf_region_new(p, &l->slices_region, e) == 0 &&
	    mf_region_new(p, &l->strings_region, e) == 0)
		return 0;
	mf_listing_fini(l);
	return -1;
}

void
mf_listing_cool(const struct mf_listing *l)
{
	mf_region_cool(l->entries_region);
	mf_region_cool(l->slices_region);
	mf_region_cool(l->strings_region);
}

size_t
mf_listing_memory_bytes(const struct mf_listing *l)
{
	if (l->entries_region == NULL)
		return 0;
	return mf_region_memory_bytes(l->entries_region) +
	    mf_region_memory_bytes(l->slices_region) + mf_region_memory_bytes(l->strings_region);
}

/* Room for one more item of `bytes` bytes in a growing array. */
static int
grow(void **items, size_t n, size_t *capacity, size_t bytes, struct mf_region *r,
    struct mf_error *e)
{
	size_t want;
	void *more;

	if (n < *capacity)
		return 0;
	if (r != NULL)
		return mf_region_grow(r, items, capacity, bytes, e);
	want = *capacity ? *capacity + *capacity / 2 : 64;
	more = reallocarray(*items, want, bytes);
	if (more == NULL)
		return mf_error_nomem(e, "the list of files");
	*items = more;
	*capacity = want;
	return 0;
}

/* Copies in place of the borrowed path and target. */
static int
copy_strings(struct mf_listing *l, struct mf_entry *x, struct mf_error *e)
{
	struct mf_region *r = l->strings_region;
	const char *target = x->target;

	if (r != NULL) {
		x->path = mf_region_strdup(r, x->path, e);
		x->target = target != NULL && x->path != NULL ? mf_region_strdup(r, target, e) : NULL;
		return x->path == NULL || (target != NULL && x->target == NULL) ? -1 : 0;
	}
	x->path = strdup(x->path);
	x->target = target != NULL ? strdup(target) : NULL;
	if (x->path != NULL && (target == NULL || x->target != NULL))
		return 0;
	free(x->path);
	free(x->target);
	return mf_error_nomem(e, "the list of files");
}

int
mf_listing_add_entry(struct mf_listing *l, const struct mf_entry *entry, struct mf_error *e)
{
	struct mf_entry copy = *entry;

	if (grow((void **)&l->entries, l->n_entries, &l->entries_capacity, sizeof(*l->entries),
		l->entries_region, e) != 0 ||
	    copy_strings(l, &copy, e) != 0)
		return -1;
	l->entries[l->n_entries++] = copy;
	return 0;
}

int
mf_listing_add_slice(struct mf_listing *l, struct mf_slice s, struct mf_error *e)
{
	if (grow((void **)&l->slices, l->n_slices, &l->slices_capacity, sizeof(*l->slices),
		l->slices_region, e) != 0)
		return -1;
	l->slices[l->n_slices++] = s;
	return 0;
}

int
mf_listing_add_chunk(struct mf_listing *l, const struct mf_chunk_ref *c, uint32_t *index,
    struct mf_error *e)
{
	if (l->n_chunks >= UINT32_MAX - 1)
		return mf_error_set(e, MF_EUNSUPPORTED, "more than 4 billion chunks in one version");
	if (grow((void **)&l->chunks, l->n_chunks, &l->chunks_capacity, sizeof(*l->chunks), NULL,
		e) != 0)
		return -1;
	*index = (uint32_t)l->n_chunks;
	l->chunks[l->n_chunks++] = *c;
	return 0;
}

int
mf_path_compare(const char *a, const char *b)
{
	unsigned char x, y;

	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	/* the end sorts first, then '/', then the bytes: children follow their directory */
	x = (unsigned char)*a;
	y = (unsigned char)*b;
	if (x == y)
		return 0;
	if (x == '\0' || y == '\0')
		return x == '\0' ? -1 : 1;
	if (x == '/' || y == '/')
		return x == '/' ? -1 : 1;
	return x < y ? -1 : 1;
}

const struct mf_entry *
mf_listing_find(const struct mf_listing *l, const char *path)
{
	size_t low = 0, high = l->n_entries, mid;
	int c;

	while (low < high) {
		mid = low + (high - low) / 2;
		c = mf_path_compare(l->entries[mid].path, path);
		if (c == 0)
			return &l->entries[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
