#include "src/chunk/plan_int.h"

#include <assert.h>
#include <stdlib.h>

#include "src/chunk/run_int.h"

/* A run holds elements of one family, so that tensors of two kinds that take turns (weights
 * and their scales) do not end each other's runs, and no more runs are open than families. */
enum family { HALF_FLOATS, FULL_FLOATS, OTHER_DATA, STRUCTURE, FAMILIES };
_Static_assert(FAMILIES + 1 == MF_CUT_OPEN_MAX, "the header promises it");
/* NOLINTNEXTLINE(misc-redundant-expression): that they are equal is the point */
_Static_assert(MF_RUN_MEMBER_BYTES == MF_CUT_LARGE_BYTES, "what is not large is a run's");

struct run {
	bool open;
	size_t chunk;
	uint64_t bytes;
	struct mf_cut_item last; /* the member added last */
};

/* The plan is made twice: once only counted, then written into arrays of the right size. */
struct builder {
	struct mf_cut_job *job;
	struct mf_cut_plan *plan; /* its arrays are NULL while counting */
	uint64_t at;              /* the file is planned up to here */
	size_t last_chunk;        /* that of the last extent */
	bool too_long;            /* the plan would not fit the budget: counting has stopped */
	struct run runs[FAMILIES];
	struct mf_error *e;
};

static enum family
family_of(enum mf_element element)
{
	switch (element) {
	case MF_ELEMENT_F16:
	case MF_ELEMENT_BF16: return HALF_FLOATS;
	case MF_ELEMENT_F32:
	case MF_ELEMENT_F64: return FULL_FLOATS;
	case MF_ELEMENT_TEXT:
	case MF_ELEMENT_BYTES: return STRUCTURE;
	default: return OTHER_DATA;
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

static size_t
new_chunk(struct builder *b, enum mf_element element)
{
	struct mf_cut_plan *p = b->plan;

	if (p->chunks != NULL)
		p->chunks[p->n_chunks] = (struct mf_cut_chunk){.element = element};
	return p->n_chunks++;
}

/* The next len bytes of the file belong to this chunk. */
static void
new_extent(struct builder *b, uint32_t len, size_t chunk)
{
	struct mf_cut_plan *p = b->plan;
	const bool another = p->n_extents == 0 || b->last_chunk != chunk;

	p->n_extents += another;
	if (p->extents != NULL) {
		struct mf_extent *x = &p->extents[p->n_extents - 1];

		assert(p->chunks != NULL);
		if (another)
			*x = (struct mf_extent){.offset = b->at, .chunk = (uint32_t)chunk};
		x->len += len;
		p->chunks[chunk].n_extents += another;
		p->chunks[chunk].len += len;
		assert(p->chunks[chunk].len <= MF_CUT_CHUNK_MAX);
	}
	b->last_chunk = chunk;
	b->at += len;
}

/* The next len bytes have chunks of their own. */
static void
add_pieces(struct builder *b, uint64_t len, enum mf_element element)
{
	const uint32_t piece = piece_bytes(element);
	uint32_t part;

	/* a sparse file can claim more pieces than anybody can count */
	if (len / piece > (b->job->memory_bytes - b->job->memory_used) / sizeof(struct mf_extent))
		b->too_long = true;
	if (b->too_long)
		return;
	for (; len > 0; len -= part) {
		part = piece;
		if (len < piece + MF_CUT_LARGE_BYTES)
			part = (uint32_t)len;
		new_extent(b, part, new_chunk(b, element));
	}
}

static enum mf_element
merge_elements(enum mf_element a, enum mf_element b)
{
	if (a == b)
		return a;
	return family_of(a) == STRUCTURE ? MF_ELEMENT_TEXT : MF_ELEMENT_UNKNOWN;
}

static bool
closes(const struct builder *b, const struct run *run, const struct mf_cut_item *item)
{
	/* alike to the one before, the draw is too: many equal tensors whose hash happens to
	 * close would be a chunk each */
	if (run->last.run_hash == item->run_hash && run->last.len == item->len)
		return run->bytes + item->len > MF_RUN_MAX_BYTES;
	return mf_run_closes_hashed(b->job->key, item->run_hash, item->len, run->bytes);
}

/* The next item->len bytes join the run of their family, or start a new one. */
static void
add_to_run(struct builder *b, const struct mf_cut_item *item)
{
	struct run *run = &b->runs[family_of(item->element)];
	struct mf_cut_chunk *c;

	if (!run->open || closes(b, run, item)) {
		run->chunk = new_chunk(b, item->element);
		run->bytes = 0;
		run->open = true;
	}
	run->last = *item;
	run->bytes += item->len;
	if (b->plan->chunks != NULL) {
		c = &b->plan->chunks[run->chunk];
		c->element = merge_elements(c->element, item->element);
	}
	new_extent(b, (uint32_t)item->len, run->chunk);
}

static int
refuse_size(struct builder *b)
{
	return mf_cut_refuse(b->e, "its structure does not fit the memory budget");
}

static void
add_item(struct builder *b, const struct mf_cut_item *item)
{
	if (item->len >= MF_CUT_LARGE_BYTES)
		add_pieces(b, item->len, item->element);
	else if (item->len > 0)
		add_to_run(b, item);
}

static void
add_header(struct builder *b)
{
	const struct mf_cut_items *items = &b->job->items;

	assert(items->header_split <= items->header_bytes);
	add_pieces(b, items->header_split, MF_ELEMENT_TEXT);
	add_pieces(b, items->header_bytes - items->header_split, MF_ELEMENT_TEXT);
}

/* The whole file. 0, or 1: the items overlap, or there are too many pieces. */
static int
add_all(struct builder *b)
{
	const struct mf_cut_items *items = &b->job->items;
	struct mf_cut_item item, gap;
	uint64_t next;
	size_t i;

	add_header(b);
	for (i = 0; i < items->n && !b->too_long; i++) {
		item = items->v[i];
		if (item.len == 0)
			continue;
		if (item.offset < b->at)
			return mf_cut_refuse(b->e, "two tensors or entries overlap");
		gap = item;
		gap.len = item.offset - b->at;
		gap.element = items->gap;
		add_item(b, &gap);
		next = i + 1 < items->n ? items->v[i + 1].offset : b->job->src->size;
		if (next - item.offset > item.len &&
		    next - item.offset - item.len < items->pad_bytes)
			item.len = next - item.offset;
		add_item(b, &item);
	}
	gap = (struct mf_cut_item){.len = b->job->src->size - b->at, .element = items->gap};
	add_item(b, &gap);
	return b->too_long ? refuse_size(b) : 0;
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

/* The arrays, now that their lengths are known; the counts start again. */
static int
allocate(struct builder *b)
{
	struct mf_cut_plan *p = b->plan;
	const uint64_t bytes = (uint64_t)p->n_extents * sizeof(*p->extents) +
			       (uint64_t)p->n_chunks * sizeof(*p->chunks);

	assert(p->n_extents > 0 && p->n_chunks > 0);
	if (bytes > b->job->memory_bytes - b->job->memory_used || p->n_extents > UINT32_MAX)
		return refuse_size(b);
	p->extents = calloc(p->n_extents, sizeof(*p->extents));
	p->chunks = calloc(p->n_chunks, sizeof(*p->chunks));
	if (p->extents == NULL || p->chunks == NULL)
		return mf_error_nomem(b->e, "the plan of a file");
	p->n_extents = p->n_chunks = 0;
	return 0;
}

int
mf_cut_build(struct mf_cut_job *job, struct mf_cut_plan **out, struct mf_error *e)
{
	struct mf_cut_plan *plan;
	struct builder b;
	int r;

	assert(job->items.header_bytes <= job->src->size);
	if ((r = refuse_duplicates(&job->items, e)) != 0)
		return r;
	mf_cut_sort_by_offset(job->items.v, job->items.n);
	if ((plan = calloc(1, sizeof(*plan))) == NULL)
		return mf_error_nomem(e, "the plan of a file");
	b = (struct builder){.job = job, .plan = plan, .e = e};
	if ((r = add_all(&b)) != 0 || (r = allocate(&b)) != 0) {
		mf_cut_plan_free(plan);
		return r;
	}
	b = (struct builder){.job = job, .plan = plan, .e = e};
	(void)add_all(&b);
	assert(b.at == job->src->size);
	*out = plan;
	return 0;
}
