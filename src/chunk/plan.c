#include "src/chunk/plan_int.h"

#include <assert.h>
#include <stdlib.h>

#include "src/chunk/run_int.h"

/* A run holds elements of one family, so that tensors of two kinds that take turns (weights
 * and their scales) do not end each other's runs, and no more runs are open than families. */
enum family { HALF_FLOATS, FULL_FLOATS, OTHER_DATA, STRUCTURE, FAMILIES };
_Static_assert(FAMILIES + 1 == MF_CUT_OPEN_MAX, "the header promises it");
_Static_assert(MF_RUN_MEMBER_BYTES == MF_CUT_LARGE_BYTES, "what is not large is a run's");

struct run {
	bool open;
	size_t chunk;
	struct mf_cut_item last; /* the member added last */
};

struct builder {
	struct mf_cut_job *job;
	struct mf_cut_plan *plan;
	size_t extents_capacity, chunks_capacity;
	uint64_t at; /* the file is planned up to here */
	struct run runs[FAMILIES];
	struct mf_error *e;
};

static enum family
family_of(enum mf_element element)
{
	switch (element) {
	case MF_ELEMENT_F16:
	case MF_ELEMENT_BF16:
		return HALF_FLOATS;
	case MF_ELEMENT_F32:
	case MF_ELEMENT_F64:
		return FULL_FLOATS;
	case MF_ELEMENT_TEXT:
	case MF_ELEMENT_BYTES:
		return STRUCTURE;
	default:
		return OTHER_DATA;
	}
}

/* Pieces end at whole ggml blocks, so that each piece starts with one. Powers of two divide
 * the piece anyway. */
static uint32_t
piece_bytes(enum mf_element element)
{
	static const uint16_t block[MF_ELEMENTS] = {
	    [MF_ELEMENT_Q4_0] = 18,
	    [MF_ELEMENT_Q4_1] = 20,
	    [MF_ELEMENT_Q5_0] = 22,
	    [MF_ELEMENT_Q5_1] = 24,
	    [MF_ELEMENT_Q8_0] = 34,
	    [MF_ELEMENT_Q2_K] = 84,
	    [MF_ELEMENT_Q3_K] = 110,
	    [MF_ELEMENT_Q4_K] = 144,
	    [MF_ELEMENT_Q5_K] = 176,
	    [MF_ELEMENT_Q6_K] = 210,
	    [MF_ELEMENT_Q8_K] = 292,
	};
	const uint32_t piece = (uint32_t)MF_CUT_PIECE_BYTES;

	return block[element] ? piece - piece % block[element] : piece;
}

static int
new_chunk(struct builder *b, enum mf_element element, size_t *index)
{
	void *v = b->plan->chunks;
	int r;

	r = mf_cut_grow(b->job, &v, b->plan->n_chunks, &b->chunks_capacity,
	    sizeof(*b->plan->chunks), b->e);
	b->plan->chunks = v;
	if (r != 0)
		return r;
	if (b->plan->n_chunks >= UINT32_MAX)
		return mf_cut_refuse(b->e, "it has too many chunks");
	*index = b->plan->n_chunks++;
	b->plan->chunks[*index] = (struct mf_cut_chunk){.element = element};
	return 0;
}

/* The next len bytes of the file belong to this chunk. */
static int
new_extent(struct builder *b, uint32_t len, size_t chunk)
{
	struct mf_cut_plan *p = b->plan;
	void *v = p->extents;
	int r;

	if (p->n_extents == 0 || p->extents[p->n_extents - 1].chunk != chunk) {
		r = mf_cut_grow(b->job, &v, p->n_extents, &b->extents_capacity, sizeof(*p->extents),
		    b->e);
		p->extents = v;
		if (r != 0)
			return r;
		p->extents[p->n_extents++] =
		    (struct mf_extent){.offset = b->at, .chunk = (uint32_t)chunk};
		p->chunks[chunk].n_extents++;
	}
	p->extents[p->n_extents - 1].len += len;
	p->chunks[chunk].len += len;
	assert(p->chunks[chunk].len <= MF_CUT_CHUNK_MAX);
	b->at += len;
	return 0;
}

/* The next len bytes have chunks of their own. */
static int
add_pieces(struct builder *b, uint64_t len, enum mf_element element)
{
	const uint32_t piece = piece_bytes(element);
	uint32_t part;
	size_t chunk;
	int r;

	while (len > 0) {
		part = piece;
		if (len < piece + MF_CUT_LARGE_BYTES)
			part = (uint32_t)len;
		if ((r = new_chunk(b, element, &chunk)) != 0 || (r = new_extent(b, part, chunk)) != 0)
			return r;
		len -= part;
	}
	return 0;
}

static enum mf_element
merge_elements(enum mf_element a, enum mf_element b)
{
	if (a == b)
		return a;
	return family_of(a) == STRUCTURE ? MF_ELEMENT_TEXT : MF_ELEMENT_UNKNOWN;
}

/* The next item->len bytes join the run of their family, or start a new one. */
static int
add_to_run(struct builder *b, const struct mf_cut_item *item)
{
	struct run *run = &b->runs[family_of(item->element)];
	struct mf_cut_chunk *c;
	bool closes;
	int r;

	if (run->open) {
		c = &b->plan->chunks[run->chunk];
		closes = mf_run_closes_hashed(b->job->key, item->run_hash, item->len, c->len);
		/* alike to the one before, the draw is too: many equal tensors whose hash happens
		 * to close would be a chunk each */
		if (run->last.run_hash == item->run_hash && run->last.len == item->len &&
		    c->len + item->len <= MF_RUN_MAX_BYTES)
			closes = false;
		if (closes)
			run->open = false;
	}
	if (!run->open) {
		if ((r = new_chunk(b, item->element, &run->chunk)) != 0)
			return r;
		run->open = true;
	}
	run->last = *item;
	c = &b->plan->chunks[run->chunk];
	c->element = merge_elements(c->element, item->element);
	return new_extent(b, (uint32_t)item->len, run->chunk);
}

static int
add_item(struct builder *b, const struct mf_cut_item *item)
{
	if (item->len == 0)
		return 0;
	if (item->len >= MF_CUT_LARGE_BYTES)
		return add_pieces(b, item->len, item->element);
	return add_to_run(b, item);
}

static int
add_header(struct builder *b)
{
	const struct mf_cut_items *items = &b->job->items;
	uint64_t split = items->header_split;
	int r;

	if (split == 0 || split > items->header_bytes)
		return add_pieces(b, items->header_bytes, MF_ELEMENT_TEXT);
	if ((r = add_pieces(b, split, MF_ELEMENT_TEXT)) != 0)
		return r;
	return add_pieces(b, items->header_bytes - split, MF_ELEMENT_TEXT);
}

static int
add_all(struct builder *b)
{
	const struct mf_cut_items *items = &b->job->items;
	struct mf_cut_item item, gap;
	uint64_t next;
	size_t i;
	int r;

	if ((r = add_header(b)) != 0)
		return r;
	for (i = 0; i < items->n; i++) {
		item = items->v[i];
		if (item.len == 0)
			continue;
		if (item.offset < b->at)
			return mf_cut_refuse(b->e, "two tensors or entries overlap");
		gap = item;
		gap.len = item.offset - b->at;
		gap.element = items->gap;
		if ((r = add_item(b, &gap)) != 0)
			return r;
		next = i + 1 < items->n ? items->v[i + 1].offset : b->job->src->size;
		if (next - item.offset > item.len && next - item.offset - item.len < items->pad_bytes)
			item.len = next - item.offset;
		if ((r = add_item(b, &item)) != 0)
			return r;
	}
	gap = (struct mf_cut_item){.len = b->job->src->size - b->at, .element = items->gap};
	return add_item(b, &gap);
}

static int
refuse_duplicates(struct mf_cut_items *items, struct mf_error *e)
{
	size_t i;

	mf_cut_sort_by_name(items->v, items->n);
	for (i = 1; i < items->n; i++) {
		if (items->v[i].name_hash == items->v[i - 1].name_hash)
			return mf_cut_refuse(e, "two tensors or entries have the same name");
	}
	return 0;
}

/* Give back what the arrays grew too far. */
static void
shrink(struct mf_cut_plan *p)
{
	void *v;

	if ((v = realloc(p->extents, p->n_extents * sizeof(*p->extents))) != NULL)
		p->extents = v;
	if ((v = realloc(p->chunks, p->n_chunks * sizeof(*p->chunks))) != NULL)
		p->chunks = v;
}

int
mf_cut_build(struct mf_cut_job *job, struct mf_cut_plan **out, struct mf_error *e)
{
	struct builder b = {.job = job, .e = e};
	int r;

	assert(job->items.header_bytes <= job->src->size);
	if ((r = refuse_duplicates(&job->items, e)) != 0)
		return r;
	mf_cut_sort_by_offset(job->items.v, job->items.n);
	if ((b.plan = calloc(1, sizeof(*b.plan))) == NULL)
		return mf_error_nomem(e, "the plan of a file");
	if ((r = add_all(&b)) != 0) {
		mf_cut_plan_free(b.plan);
		return r;
	}
	assert(b.at == job->src->size && b.plan->n_extents > 0);
	shrink(b.plan);
	*out = b.plan;
	return 0;
}
