/*
 * The generations in the chunk table of a segment that is made again. They are random, and
 * were those that the push saw: those that the store lists of each chunk are tried, and where
 * it lists none, those that other manifests hint at.
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/verify_int.h"

#define TRIES_MAX 4096 /* combinations */
#define TABLE_AT 12    /* modelferry-repository(5), MANIFEST: the chunk table */
#define CHUNK_RECORD_BYTES 60
#define CANNOT 1

int
verify_hints_want(struct verify_hints *h, const struct mf_id *id, struct mf_error *e)
{
	uint64_t none = 0;

	return mf_idmap_add(&h->wanted, id, &none) < 0 ? mf_error_nomem(e, "a repair") : 0;
}

void
verify_hints_fini(struct verify_hints *h)
{
	mf_idmap_fini(&h->wanted);
	free(h->items);
	*h = (struct verify_hints){0};
}

static int
add_hint(struct verify_hints *h, const struct mf_id *id, uint64_t generation)
{
	uint64_t *known = mf_idmap_get(&h->wanted, id);
	struct verify_hint *more;
	size_t want;

	if (known == NULL)
		return 0;
	if (h->n == h->capacity) {
		want = h->capacity ? h->capacity * 2 : 256;
		if ((more = reallocarray(h->items, want, sizeof(*more))) == NULL) {
			h->failed = true;
			return 1;
		}
		h->items = more;
		h->capacity = want;
	}
	*known = 1;
	h->items[h->n++] = (struct verify_hint){*id, generation};
	return 0;
}

static int
take_name(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	uint64_t generation;
	struct mf_id id;

	(void)size;
	(void)mtime_us;
	if (mf_name_parse_chunk(name, &id, &generation) != 0)
		return 0;
	return add_hint(arg, &id, generation);
}

static int
take_chunk(void *arg, const struct mf_chunk_ref *c)
{
	return add_hint(arg, &c->id, c->generation);
}

static int
by_id(const void *a, const void *b)
{
	const struct verify_hint *x = a, *y = b;
	int c = mf_id_compare(&x->id, &y->id);

	if (c != 0)
		return c;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

static bool
all_have_hints(const struct verify_hints *h)
{
	size_t i;

	for (i = 0; i < h->wanted.capacity; i++)
		if (h->wanted.slots[i].used && h->wanted.slots[i].value == 0)
			return false;
	return true;
}

/* What the other manifests say, where the store has lost chunks too. */
static int
ask_manifests(struct verify *s, struct verify_hints *h, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	const struct mf_root *root;
	struct mf_error ignored;
	size_t i, k;

	mf_error_clear(&ignored);
	for (i = 0; !h->failed && i < s->versions.n; i++) {
		root = &s->versions.items[i].root;
		for (k = 0; !h->failed && k < root->n_segments; k++) {
			mf_buf_clear(&plain);
			if (verify_find_lost(s, &root->segments[k].id) == NULL &&
			    mf_segment_get(s->repo, &root->segments[k], &plain, &ignored) == 0)
				mf_segment_each_chunk(
				    plain.data, plain.len, take_chunk, h, &ignored);
		}
	}
	mf_buf_fini(&plain);
	return h->failed ? mf_error_nomem(e, "a repair") : 0;
}

int
verify_hints_find(struct verify *s, struct verify_hints *h, struct mf_error *e)
{
	size_t i, n;

	if (mf_store_list(s->repo->store, "c/", take_name, h, e) != 0)
		return -1;
	if (h->failed)
		return mf_error_nomem(e, "a repair");
	if (!all_have_hints(h) && ask_manifests(s, h, e) != 0)
		return -1;
	if (h->n > 1)
		qsort(h->items, h->n, sizeof(*h->items), by_id);
	for (i = n = 0; i < h->n; i++)
		if (n == 0 || by_id(&h->items[n - 1], &h->items[i]) != 0)
			h->items[n++] = h->items[i];
	h->n = n;
	return 0;
}

/* The generations of one record of the chunk table that may be the right one. */
struct choice {
	uint8_t *at; /* in the segment's bytes */
	const struct verify_hint *first;
	size_t n, now;
};

static void
choose(struct choice *c, size_t i)
{
	c->now = i;
	mf_set_u32(c->at, (uint32_t)c->first[i].generation);
	mf_set_u32(c->at + 4, (uint32_t)(c->first[i].generation >> 32));
}

static void
find_choice(const struct verify_hints *h, uint8_t *record, struct choice *c)
{
	size_t low = 0, high = h->n, mid;
	struct mf_id id;

	memcpy(id.bytes, record, MF_ID_BYTES);
	while (low < high) {
		mid = low + (high - low) / 2;
		if (mf_id_compare(&h->items[mid].id, &id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*c = (struct choice){.at = record + MF_ID_BYTES, .first = &h->items[low]};
	while (low + c->n < h->n && mf_id_compare(&c->first[c->n].id, &id) == 0)
		c->n++;
}

/* The next combination; false: that was the last. */
static bool
turn(struct choice *choices, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (choices[i].n < 2)
			continue;
		if (choices[i].now + 1 < choices[i].n) {
			choose(&choices[i], choices[i].now + 1);
			return true;
		}
		choose(&choices[i], 0);
	}
	return false;
}

static int
try_choices(const struct verify *s, struct choice *choices, size_t n, const struct mf_buf *plain,
    const struct mf_id *want)
{
	struct mf_id id;
	unsigned tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		mf_keyring_content_id(
		    s->repo->keyring, MF_OBJECT_SEGMENT, plain->data, plain->len, &id);
		if (mf_id_compare(&id, want) == 0)
			return 0;
		if (!turn(choices, n))
			break;
	}
	return CANNOT;
}

int
verify_hints_solve(const struct verify *s, const struct verify_hints *h, struct mf_buf *plain,
    const struct mf_id *want, const char **why, struct mf_error *e)
{
	size_t n = mf_get_u32(plain->data + 4), i;
	struct choice *choices = calloc(n + 1, sizeof(*choices));
	int rc = 0;

	if (choices == NULL)
		return mf_error_nomem(e, "a repair");
	for (i = 0; rc == 0 && i < n; i++) {
		find_choice(h, plain->data + TABLE_AT + i * CHUNK_RECORD_BYTES, &choices[i]);
		if (choices[i].n == 0) {
			*why =
			    "the directory has other content than was pushed, or chunks are lost "
			    "too that no other manifest names";
			rc = CANNOT;
		} else {
			choose(&choices[i], 0);
		}
	}
	if (rc == 0)
		rc = try_choices(s, choices, n, plain, want);
	free(choices);
	return rc;
}
