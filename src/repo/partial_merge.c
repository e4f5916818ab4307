/*
 * Putting partial manifests together: a merge of their entries, which all stand in the order of
 * paths, and for each file of its slices, which must fit each other without a gap.
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/partial_int.h"
#include "src/repo/shard_int.h"

/* One part, while its entries are merged. */
struct part {
	struct mf_listing *l;
	uint32_t first_chunk; /* of the merged table */
	size_t next;          /* entry */
	bool takes_part;      /* has the entry at hand */
	size_t slice, end;    /* of that entry: the next one, and one past its last */
	uint64_t elsewhere;   /* bytes from here on that others have */
};

struct merge {
	struct part *parts;
	size_t n;
	struct mf_listing *out;
};

static int
do_not_fit(const char *path, const char *why, struct mf_error *e)
{
	mf_error_set(
	    e, MF_ECONFLICT, "what the shards have of %s does not fit together: %s", path, why);
	return mf_error_hint(e,
	    "it changed while the shards were pushed, unseen by its times: push all "
	    "shards again");
}

/* Its chunk table goes behind those of the others. */
static int
take_chunks(struct merge *m, struct part *part, struct mf_error *e)
{
	struct mf_listing *l = part->l;
	uint32_t index;
	size_t i;

	part->first_chunk = (uint32_t)m->out->n_chunks;
	for (i = 0; i < l->n_chunks; i++)
		if (mf_listing_add_chunk(m->out, &l->chunks[i], &index, e) != 0)
			return -1;
	free(l->chunks);
	l->chunks = NULL;
	l->n_chunks = l->chunks_capacity = 0;
	mf_listing_cool(l);
	return 0;
}

/* The first path that is left. NULL: none. */
static const char *
first_path(const struct merge *m)
{
	const char *first = NULL, *path;
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (m->parts[i].next == m->parts[i].l->n_entries)
			continue;
		path = m->parts[i].l->entries[m->parts[i].next].path;
		if (first == NULL || mf_path_compare(path, first) < 0)
			first = path;
	}
	return first;
}

/* Who has this path, and what it is: as says the one that has the checksum. */
static int
gather(struct merge *m, const char *path, struct mf_entry *out, struct mf_error *e)
{
	const struct mf_entry *x, *first = NULL, *owner = NULL;
	struct part *p;
	size_t i, owners = 0;

	for (i = 0; i < m->n; i++) {
		p = &m->parts[i];
		x = p->next < p->l->n_entries ? &p->l->entries[p->next] : NULL;
		p->takes_part = x != NULL && strcmp(x->path, path) == 0;
		if (!p->takes_part)
			continue;
		p->slice = x->first_slice;
		p->end = x->first_slice + x->n_slices;
		p->elsewhere = 0;
		p->next++;
		if (!x->lacks_checksum) {
			owner = x;
			owners++;
		}
		if (first == NULL)
			first = x;
		else if (x->type != first->type || x->size != first->size)
			return do_not_fit(path, "it has two sizes", e);
	}
	if (owners != 1)
		return do_not_fit(path,
		    owners == 0 ? "no shard has its checksum" : "two shards have all of it", e);
	*out = *owner;
	return 0;
}

/* Count what others have up to the part's next own slice. */
static void
pass_elsewhere(struct part *p)
{
	const struct mf_slice *s;

	for (; p->slice < p->end; p->slice++) {
		s = &p->l->slices[p->slice];
		if (s->chunk != MF_SLICE_ELSEWHERE)
			break;
		p->elsewhere += s->len;
	}
}

/* The part that has the next byte itself. NULL: none. */
static struct part *
next_owner(struct merge *m)
{
	struct part *p;
	size_t i;

	for (i = 0; i < m->n; i++) {
		p = &m->parts[i];
		if (!p->takes_part)
			continue;
		pass_elsewhere(p);
		if (p->elsewhere == 0 && p->slice < p->end)
			return p;
	}
	return NULL;
}

/* For every other part the owner's bytes are elsewhere. */
static int
take_slice(struct merge *m, struct part *owner, const struct mf_entry *x, struct mf_error *e)
{
	struct mf_slice s = owner->l->slices[owner->slice++];
	size_t i;

	s.chunk += owner->first_chunk;
	for (i = 0; i < m->n; i++) {
		if (&m->parts[i] == owner || !m->parts[i].takes_part)
			continue;
		pass_elsewhere(&m->parts[i]);
		if (m->parts[i].elsewhere < s.len)
			return do_not_fit(x->path, "two shards have the same bytes", e);
		m->parts[i].elsewhere -= s.len;
	}
	return mf_listing_add_slice(m->out, s, e);
}

static int
merge_slices(struct merge *m, struct mf_entry *x, struct mf_error *e)
{
	size_t first = m->out->n_slices;
	struct part *owner;
	uint64_t at = 0;

	while (at < x->size && (owner = next_owner(m)) != NULL) {
		if (take_slice(m, owner, x, e) != 0)
			return -1;
		at += m->out->slices[m->out->n_slices - 1].len;
	}
	if (at != x->size)
		return do_not_fit(x->path, "no shard has some of its bytes", e);
	x->first_slice = first;
	x->n_slices = m->out->n_slices - first;
	return 0;
}

/* Nothing may be left of what the parts say of the file. */
static int
check_ends(struct merge *m, const struct mf_entry *x, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (!m->parts[i].takes_part)
			continue;
		pass_elsewhere(&m->parts[i]);
		if (m->parts[i].elsewhere != 0 || m->parts[i].slice != m->parts[i].end)
			return do_not_fit(x->path, "a shard has more than its size", e);
	}
	return 0;
}

static void
cool(const struct merge *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		mf_listing_cool(m->parts[i].l);
	mf_listing_cool(m->out);
}

static int
merge_entries(struct merge *m, struct mf_error *e)
{
	struct mf_entry x = {0};
	const char *path;

	while ((path = first_path(m)) != NULL) {
		if (m->out->n_entries % MF_LISTING_COOL_ENTRIES == 0)
			cool(m);
		if (gather(m, path, &x, e) != 0)
			return -1;
		if (x.type == MF_ENTRY_FILE && merge_slices(m, &x, e) != 0)
			return -1;
		if (check_ends(m, &x, e) != 0 || mf_listing_add_entry(m->out, &x, e) != 0)
			return -1;
	}
	return 0;
}

int
mf_partials_merge_listings(struct mf_listing *parts, size_t n, struct mf_listing *out,
    size_t *chunk_end, struct mf_error *e)
{
	struct merge m = {.n = n, .out = out};
	size_t i;
	int rc = 0;

	if ((m.parts = calloc(n + 1, sizeof(*m.parts))) == NULL)
		return mf_error_nomem(e, "the partial manifests");
	for (i = 0; rc == 0 && i < n; i++) {
		m.parts[i].l = &parts[i];
		rc = take_chunks(&m, &m.parts[i], e);
		chunk_end[i] = out->n_chunks;
	}
	if (rc == 0)
		rc = merge_entries(&m, e);
	free(m.parts);
	return rc;
}

static int
read_part(struct mf_repo *repo, const struct mf_partial *p, const struct mf_region_params *spill,
    struct mf_listing *l, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	size_t i;
	int rc = mf_listing_init(l, spill, e);

	l->is_partial = true;
	for (i = 0; rc == 0 && i < p->root.n_segments; i++) {
		mf_buf_clear(&plain);
		rc = mf_segment_get(repo, &p->root.segments[i], &plain, e);
		if (rc == 0)
			rc = mf_segment_decode(plain.data, plain.len, l, e);
	}
	mf_buf_fini(&plain);
	mf_listing_cool(l);
	if (rc == 0 && l->n_entries != p->root.n_entries)
		rc = mf_error_set(e, MF_EDAMAGED, "it names %zu entries and promises %llu",
		    l->n_entries, (unsigned long long)p->root.n_entries);
	return rc == 0 ? 0
		       : mf_error_while(e, "reading the partial manifest m/%s of shard %u",
			     p->object, p->root.shard.number);
}

/* What came out must be what all of them saw. */
static int
check_digest(const struct mf_listing *l, const struct mf_root_shard *want, struct mf_error *e)
{
	uint8_t digest[MF_LISTING_DIGEST_BYTES];

	mf_listing_digest_of(l, want->rules, digest);
	if (memcmp(digest, want->listing, sizeof(digest)) == 0)
		return 0;
	return mf_error_set(
	    e, MF_EDAMAGED, "the shards together do not have the files that each of them names");
}

int
mf_partials_merge(struct mf_repo *repo, const struct mf_partial *const *parts, size_t n,
    const struct mf_region_params *spill, struct mf_listing *out, size_t *chunk_end,
    struct mf_error *e)
{
	struct mf_listing *lists = calloc(n + 1, sizeof(*lists));
	size_t i;
	int rc = 0;

	if (lists == NULL)
		return mf_error_nomem(e, "the partial manifests");
	for (i = 0; rc == 0 && i < n; i++)
		rc = read_part(repo, parts[i], spill, &lists[i], e);
	if (rc == 0)
		rc = mf_partials_merge_listings(lists, n, out, chunk_end, e);
	if (rc == 0)
		rc = check_digest(out, &parts[0]->root.shard, e);
	for (i = 0; i < n; i++)
		mf_listing_fini(&lists[i]);
	free(lists);
	return rc;
}
