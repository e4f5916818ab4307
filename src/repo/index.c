/* Tables of ids. */
#include <stdlib.h>
#include <string.h>

#include "src/repo/index_int.h"

static size_t
slot_of(const struct mf_idmap *m, const struct mf_id *id)
{
	uint64_t h;
	size_t i;

	memcpy(&h, id->bytes + 8, sizeof(h)); /* keyed BLAKE2b: any 8 bytes are a hash */
	for (i = h & (m->capacity - 1); m->slots[i].used; i = (i + 1) & (m->capacity - 1))
		if (memcmp(&m->slots[i].id, id, sizeof(*id)) == 0)
			break;
	return i;
}

static int
grow(struct mf_idmap *m)
{
	struct mf_idmap bigger = {.capacity = m->capacity ? m->capacity * 2 : 1024};
	size_t i;

	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return -1;
	for (i = 0; i < m->capacity; i++)
		if (m->slots[i].used)
			bigger.slots[slot_of(&bigger, &m->slots[i].id)] = m->slots[i];
	bigger.n = m->n;
	free(m->slots);
	*m = bigger;
	return 0;
}

int
mf_idmap_add(struct mf_idmap *m, const struct mf_id *id, uint64_t *value)
{
	size_t i;

	if ((m->n + 1) * 4 > m->capacity * 3 && grow(m) != 0)
		return -1;
	i = slot_of(m, id);
	if (m->slots[i].used) {
		*value = m->slots[i].value;
		return 1;
	}
	m->slots[i] = (struct mf_idmap_slot){*id, *value, true};
	m->n++;
	return 0;
}

uint64_t *
mf_idmap_get(const struct mf_idmap *m, const struct mf_id *id)
{
	size_t i;

	if (m->n == 0)
		return NULL;
	i = slot_of(m, id);
	return m->slots[i].used ? &m->slots[i].value : NULL;
}

void
mf_idmap_fini(struct mf_idmap *m)
{
	free(m->slots);
	*m = (struct mf_idmap){0};
}

struct mf_index {
	struct mf_idmap map; /* id -> generation */
	const struct mf_names *burned;
	bool failed;
};

static int
take_name(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct mf_index *ix = arg;
	struct mf_id id;
	uint64_t generation;

	(void)size;
	(void)mtime_us;
	if (mf_name_parse_chunk(name, &id, &generation) != 0)
		return 0;
	if (ix->burned != NULL && mf_names_has(ix->burned, name))
		return 0;
	ix->failed = mf_idmap_add(&ix->map, &id, &generation) < 0;
	return ix->failed;
}

int
mf_index_load(struct mf_repo *repo, const struct mf_names *burned, struct mf_index **out,
    struct mf_error *e)
{
	struct mf_index *ix = calloc(1, sizeof(*ix));

	*out = NULL;
	if (ix == NULL)
		return mf_error_nomem(e, "the chunk index");
	ix->burned = burned;
	if (mf_store_list_names(repo->store, "c/", take_name, ix, e) != 0) {
		mf_index_free(ix);
		return mf_error_while(e, "listing the chunks");
	}
	if (ix->failed) {
		mf_index_free(ix);
		return mf_error_nomem(e, "the chunk index");
	}
	ix->burned = NULL;
	*out = ix;
	return 0;
}

struct mf_index *
mf_index_new_empty(struct mf_error *e)
{
	struct mf_index *ix = calloc(1, sizeof(*ix));

	if (ix == NULL)
		mf_error_nomem(e, "the chunk index");
	return ix;
}

int
mf_index_add(struct mf_index *ix, const struct mf_id *id, uint64_t generation, struct mf_error *e)
{
	return mf_idmap_add(&ix->map, id, &generation) < 0 ? mf_error_nomem(e, "the chunk index")
							   : 0;
}

void
mf_index_free(struct mf_index *ix)
{
	if (ix == NULL)
		return;
	mf_idmap_fini(&ix->map);
	free(ix);
}

bool
mf_index_find(const struct mf_index *ix, const struct mf_id *id, uint64_t *generation)
{
	const uint64_t *g = mf_idmap_get(&ix->map, id);

	if (g == NULL)
		return false;
	*generation = *g;
	return true;
}

