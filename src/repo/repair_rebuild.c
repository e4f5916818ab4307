/*
 * Making manifest segments again from the directory that was pushed. Its entries hold times
 * and inode numbers of the source, so that only that very directory, unchanged where the lost
 * segments speak of it, brings them back; a copy does not. Whether it did is known for sure,
 * because the id of the bytes must come out.
 *
 * The segments that can be read bound what the lost ones held: the paths between their
 * neighbours (a gap). The tree of the push is put together of the entries that are known and
 * of what the directory has in the gaps; it is read as a push would, where known files count as
 * unchanged, and the gaps are encoded again. What then is still unknown are the generations
 * of the chunks (repair_hints.c).
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/read_int.h"
#include "src/repo/verify_int.h"

#define LONG_AGO_US (INT64_MAX / 1000) /* no file is younger: known ones are taken as they are */
#define CANNOT 1

static const char OTHER_DIR[] =
    "the directory is not, file by file and with its times and inode numbers, what was pushed, or "
    "prune has moved its chunks since";
static const char SPLIT[] = "a file goes on from one segment to the next";

/* Lost segments in a row, and the paths between which their entries lie. */
struct gap {
	size_t first, n;     /* segments */
	char *lower, *upper; /* owned; NULL: from the beginning, to the end */
};

struct rebuild {
	struct verify *s;
	const struct mf_version *v;
	int (*put)(struct verify *s, struct verify_segment *lost, const struct mf_buf *plain,
	    struct mf_error *e);
	struct mf_listing have; /* the entries of the segments that can be read */
	struct gap *gaps;
	size_t n_gaps;
	struct mf_source_tree tree;
	struct mf_index *index; /* the chunks of have */
	struct mf_listing made;
	struct verify_hints hints; /* of the chunks of the gaps */
};

/* Why the lost segments of this version cannot be made again; CANNOT. */
static int
give_up(struct rebuild *r, const char *why)
{
	struct verify_segment *lost;
	size_t i;

	for (i = 0; i < r->v->root.n_segments; i++)
		if ((lost = verify_find_lost(r->s, &r->v->root.segments[i].id)) != NULL &&
		    !lost->is_put)
			snprintf(lost->why, sizeof(lost->why), "%s", why);
	return CANNOT;
}

/* The same for the reason in *e, which is no error of the run's. */
static int
give_up_for(struct rebuild *r, struct mf_error *e)
{
	give_up(r, e->message);
	mf_error_clear(e);
	return CANNOT;
}

static const struct mf_entry *
last_known(const struct rebuild *r)
{
	return r->have.n_entries > 0 ? &r->have.entries[r->have.n_entries - 1] : NULL;
}

static bool
is_whole(const struct mf_listing *l, const struct mf_entry *x)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < x->n_slices; i++)
		bytes += l->slices[x->first_slice + i].len;
	return x->type != MF_ENTRY_FILE || bytes == x->size;
}

static int
open_gap(struct rebuild *r, size_t segment, struct mf_error *e)
{
	const struct mf_entry *last = last_known(r);
	struct gap *more;

	if (last != NULL && !is_whole(&r->have, last))
		return give_up(r, SPLIT);
	if ((more = reallocarray(r->gaps, r->n_gaps + 1, sizeof(*more))) == NULL)
		return mf_error_nomem(e, "a repair");
	r->gaps = more;
	r->gaps[r->n_gaps] = (struct gap){.first = segment};
	if (last != NULL && (r->gaps[r->n_gaps].lower = strdup(last->path)) == NULL)
		return mf_error_nomem(e, "a repair");
	r->n_gaps++;
	return 0;
}

/* Append a segment's entries; `skip` leading ones only add their slices to the last. */
static int
append(struct mf_listing *to, const struct mf_listing *l, size_t skip, struct mf_error *e)
{
	uint32_t base = (uint32_t)to->n_chunks, index;
	struct mf_entry x;
	struct mf_slice slice;
	size_t i, k;

	for (i = 0; i < l->n_chunks; i++)
		if (mf_listing_add_chunk(to, &l->chunks[i], &index, e) != 0)
			return -1;
	for (i = 0; i < l->n_entries; i++) {
		x = l->entries[i];
		x.first_slice = to->n_slices;
		for (k = 0; k < x.n_slices; k++) {
			slice = l->slices[l->entries[i].first_slice + k];
			slice.chunk += base;
			if (mf_listing_add_slice(to, slice, e) != 0)
				return -1;
		}
		if (i < skip)
			to->entries[to->n_entries - 1].n_slices += x.n_slices;
		else if (mf_listing_add_entry(to, &x, e) != 0)
			return -1;
	}
	return 0;
}

static bool
is_lost(const struct rebuild *r, size_t segment)
{
	const struct verify_segment *lost =
	    verify_find_lost(r->s, &r->v->root.segments[segment].id);

	return lost != NULL && !lost->is_put;
}

static int
take_known_segment(struct rebuild *r, size_t segment, struct mf_error *e)
{
	struct gap *gap = r->n_gaps > 0 ? &r->gaps[r->n_gaps - 1] : NULL;
	struct mf_listing l = {0};
	bool continues;
	int rc = verify_read_segment(r->s, &r->v->root.segments[segment], &l, &continues, e);

	if (rc != 0 && mf_error_is_damage(e))
		rc = give_up_for(r, e); /* found damaged only now */
	if (rc == 0 && gap != NULL && gap->first + gap->n == segment) {
		if (continues)
			rc = give_up(r, SPLIT);
		else if (l.n_entries > 0 && (gap->upper = strdup(l.entries[0].path)) == NULL)
			rc = mf_error_nomem(e, "a repair");
	}
	if (rc == 0 && continues && r->have.n_entries == 0)
		rc = give_up(r, SPLIT);
	if (rc == 0)
		rc = append(&r->have, &l, continues ? 1 : 0, e);
	mf_listing_fini(&l);
	return rc;
}

static int
find_gaps(struct rebuild *r, struct mf_error *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->v->root.n_segments; i++) {
		if (verify_interrupted(r->s, e))
			return -1;
		if (!is_lost(r, i)) {
			rc = take_known_segment(r, i, e);
			continue;
		}
		if (i == 0 || !is_lost(r, i - 1))
			rc = open_gap(r, i, e);
		assert(rc != 0 || r->gaps != NULL);
		if (rc == 0)
			r->gaps[r->n_gaps - 1].n++;
	}
	return rc;
}

static bool
is_in_gap(const struct rebuild *r, const char *path)
{
	const struct gap *g;
	size_t i;

	for (i = 0; i < r->n_gaps; i++) {
		g = &r->gaps[i];
		if ((g->lower == NULL || mf_path_compare(g->lower, path) < 0) &&
		    (g->upper == NULL || mf_path_compare(path, g->upper) < 0))
			return true;
	}
	return false;
}

/* What a push left out by its filters stays out where that is known. */
static bool
selects(void *arg, const char *path, bool is_dir)
{
	const struct rebuild *r = arg;

	(void)is_dir;
	return is_in_gap(r, path) || mf_listing_find(&r->have, path) != NULL;
}

/* The entry that the manifest has, at the place that the directory has (NULL: it has none). */
static int
add_known(struct mf_source_tree *t, const struct mf_entry *known,
    const struct mf_source_entry *found, struct mf_error *e)
{
	struct mf_source_entry *x = &t->items[t->n];

	*x = (struct mf_source_entry){.entry = *known, .follows = found != NULL && found->follows};
	x->entry.first_slice = x->entry.n_slices = 0;
	x->entry.path = strdup(known->path);
	x->entry.target = known->target != NULL ? strdup(known->target) : NULL;
	t->n++;
	if (x->entry.path == NULL || (known->target != NULL && x->entry.target == NULL))
		return mf_error_nomem(e, "the list of files");
	return 0;
}

/* Known entries and those in the gaps, in order. walked keeps the paths it does not give. */
static int
merge(struct rebuild *r, struct mf_source_tree *walked, struct mf_error *e)
{
	struct mf_source_tree *t = &r->tree;
	const struct mf_listing *have = &r->have;
	size_t i = 0, k = 0;
	int c, rc = 0;

	t->items = calloc(walked->n + have->n_entries + 1, sizeof(*t->items));
	if (t->items == NULL)
		return mf_error_nomem(e, "the list of files");
	while (rc == 0 && (i < walked->n || k < have->n_entries)) {
		c = i == walked->n ? 1
		    : k == have->n_entries
			? -1
			: mf_path_compare(walked->items[i].entry.path, have->entries[k].path);
		if (c < 0) {
			t->items[t->n++] = walked->items[i];
			walked->items[i].entry.path = walked->items[i].entry.target = NULL;
		} else {
			rc = add_known(t, &have->entries[k], c == 0 ? &walked->items[i] : NULL, e);
			k++;
		}
		i += c <= 0;
	}
	return rc;
}

/* Cheap to know, and tells most other directories: are these as many files and bytes? */
static bool
is_likely(const struct rebuild *r)
{
	const struct mf_root *root = &r->v->root;
	uint64_t bytes = 0, files = 0;
	size_t i;

	for (i = 0; i < r->tree.n; i++) {
		if (r->tree.items[i].entry.type != MF_ENTRY_FILE)
			continue;
		files++;
		bytes += r->tree.items[i].entry.size;
	}
	return r->tree.n == root->n_entries && files == root->n_files && bytes == root->bytes;
}

static int
look_at_dir(struct rebuild *r, struct mf_error *e)
{
	struct mf_walk_params w = {.dir = r->s->p->repair_from,
	    .selects = selects,
	    .selects_arg = r,
	    .allow_partial = true,
	    .interrupted = r->s->p->interrupted};
	struct mf_source_tree walked = {.dirfd = -1};
	int rc = mf_walk(&w, &walked, e);

	if (rc == 0)
		rc = merge(r, &walked, e);
	r->tree.dirfd = walked.dirfd;
	walked.dirfd = -1;
	mf_source_tree_fini(&walked);
	if (rc == 0 && !is_likely(r))
		return give_up(r, OTHER_DIR);
	return rc;
}

static int
index_known(struct rebuild *r, struct mf_error *e)
{
	size_t i;

	if ((r->index = mf_index_new_empty(e)) == NULL)
		return -1;
	for (i = 0; i < r->have.n_chunks; i++)
		if (mf_index_add(r->index, &r->have.chunks[i].id, 0, e) != 0)
			return -1;
	return 0;
}

/* Read the gaps as a push would, into r->made. */
static int
read_dir(struct rebuild *r, struct mf_error *e)
{
	const struct mf_verify_params *p = r->s->p;
	struct mf_repo *repo = r->s->repo;
	struct mf_ingest_params ip = {.repo = repo,
	    .index = r->index,
	    .listing = &r->made,
	    .ids_only = true,
	    .threads = p->threads ? p->threads : repo->threads,
	    .memory_bytes = p->memory_bytes ? p->memory_bytes : repo->memory_bytes,
	    .interrupted = p->interrupted};
	struct mf_read_params rp = {.repo = repo,
	    .dir = p->repair_from,
	    .tree = &r->tree,
	    .listing = &r->made,
	    .parent = &r->have,
	    .parent_scanned_us = LONG_AGO_US,
	    .index = r->index,
	    .memory_bytes = ip.memory_bytes};
	uint64_t left_out;
	int rc;

	if (mf_ingest_start(&ip, &rp.ingest, e) != 0)
		return -1;
	rc = mf_read_tree(&rp, &left_out, e);
	if (mf_ingest_finish(rp.ingest, rc != 0, NULL, e) != 0)
		rc = -1;
	return rc != 0 && e->code == MF_ESOURCE ? give_up_for(r, e) : rc;
}

/* The first entry of a gap in r->made. */
static size_t
start_of(const struct rebuild *r, const struct gap *g)
{
	const struct mf_entry *x = g->lower != NULL ? mf_listing_find(&r->made, g->lower) : NULL;

	return x != NULL ? (size_t)(x - r->made.entries) + 1 : 0;
}

static int
want_chunks(struct rebuild *r, struct mf_error *e)
{
	const struct mf_entry *x;
	size_t i, k;

	for (i = 0; i < r->made.n_entries; i++) {
		x = &r->made.entries[i];
		for (k = 0; is_in_gap(r, x->path) && k < x->n_slices; k++)
			if (verify_hints_want(&r->hints,
				&r->made.chunks[r->made.slices[x->first_slice + k].chunk].id,
				e) != 0)
				return -1;
	}
	return 0;
}

static int
rebuild_segment(struct rebuild *r, size_t segment, struct mf_buf *plain, struct mf_error *e)
{
	const struct mf_segment_ref *ref = &r->v->root.segments[segment];
	struct verify_segment *lost = verify_find_lost(r->s, &ref->id);
	const char *why = NULL;
	int rc = CANNOT;

	if (plain->len == ref->plain_len)
		rc = verify_hints_solve(r->s, &r->hints, plain, &ref->id, &why, e);
	if (rc == 0)
		return r->put(r->s, lost, plain, e);
	if (rc == CANNOT)
		snprintf(lost->why, sizeof(lost->why), "%s", why != NULL ? why : OTHER_DIR);
	return rc < 0 ? -1 : 0;
}

static int
rebuild_gap(struct rebuild *r, const struct gap *g, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	size_t next = start_of(r, g), slice = 0, i;
	int rc = 0;

	for (i = g->first; rc == 0 && i < g->first + g->n && next < r->made.n_entries; i++) {
		mf_buf_clear(&plain);
		rc = mf_segment_encode(&r->made, &next, &slice, &plain, e);
		if (rc == 0)
			rc = rebuild_segment(r, i, &plain, e);
	}
	mf_buf_fini(&plain);
	return rc;
}

int
verify_rebuild(struct verify *s, const struct mf_version *v,
    int (*put)(struct verify *s, struct verify_segment *lost, const struct mf_buf *plain,
	struct mf_error *e),
    struct mf_error *e)
{
	struct rebuild r = {.s = s, .v = v, .put = put, .tree = {.dirfd = -1}};
	size_t i;
	int rc = find_gaps(&r, e);

	if (rc == 0)
		rc = look_at_dir(&r, e);
	if (rc == 0)
		rc = index_known(&r, e);
	if (rc == 0)
		rc = read_dir(&r, e);
	if (rc == 0)
		rc = want_chunks(&r, e);
	if (rc == 0)
		rc = verify_hints_find(s, &r.hints, e);
	for (i = 0; rc == 0 && i < r.n_gaps; i++)
		rc = rebuild_gap(&r, &r.gaps[i], e);
	for (i = 0; i < r.n_gaps; i++) {
		free(r.gaps[i].lower);
		free(r.gaps[i].upper);
	}
	free(r.gaps);
	verify_hints_fini(&r.hints);
	mf_listing_fini(&r.have);
	mf_listing_fini(&r.made);
	mf_source_tree_fini(&r.tree);
	mf_index_free(r.index);
	return rc < 0 ? -1 : 0;
}
