/*
 * One thread reads files front to back, as disks and page caches like it; a file's checksum
 * needs that order too. Large files are cut by themselves; files below MF_RUN_MEMBER_BYTES
 * are collected in runs in path order.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/chunk/run.h"
#include "src/repo/read_file_int.h"


/* Would this run of small files read the same as in the parent? */
struct run {
	size_t first, n; /* indexes of the tree's items; members are its small files */
	uint64_t bytes;
};

static bool
is_small(const struct mf_source_entry *x)
{
	return x->entry.type == MF_ENTRY_FILE && x->entry.size > 0 &&
	    x->entry.size < MF_RUN_MEMBER_BYTES;
}

static const struct mf_entry *
unchanged(const struct mf_read_params *p, const struct mf_entry *x)
{
	const struct mf_entry *was;
	int64_t sure_ns = p->parent_scanned_us * 1000 - MF_UNCHANGED_MARGIN_NS;

	if (p->parent == NULL || (was = mf_listing_find(p->parent, x->path)) == NULL)
		return NULL;
	if (was->type != MF_ENTRY_FILE || was->size != x->size || was->mtime_ns != x->mtime_ns ||
	    (!p->ignore_ctime && was->ctime_ns != x->ctime_ns) ||
	    (!p->ignore_inode && was->inode != x->inode))
		return NULL;
	if (x->mtime_ns > sure_ns || (!p->ignore_ctime && x->ctime_ns > sure_ns))
		return NULL;
	return was;
}

/* Are all chunks of the parent's entry still stored? */
static bool
chunks_are_stored(const struct mf_read_params *p, const struct mf_entry *was)
{
	uint64_t generation;
	size_t i;

	for (i = 0; i < was->n_slices; i++)
		if (!mf_index_find(p->index,
			&p->parent->chunks[p->parent->slices[was->first_slice + i].chunk].id,
			&generation))
			return false;
	return true;
}

/* The index in the new table of a chunk of the parent's. */
static int
reuse_chunk(struct reading *r, uint32_t was, uint32_t *index, struct mf_error *e)
{
	struct mf_chunk_ref c;

	if (r->reused[was] != 0) {
		*index = r->reused[was] - 1;
		return 0;
	}
	c = r->p->parent->chunks[was];
	mf_index_find(r->p->index, &c.id, &c.generation);
	if (mf_ingest_known(r->p->ingest, &c, index, e) != 0)
		return -1;
	MF_PROGRESS_ADD(r->p->progress, chunks_known, 1);
	r->reused[was] = *index + 1;
	return 0;
}

/* Give x the content of an unchanged file of the parent. */
static int
reuse_file(struct reading *r, struct mf_entry *x, const struct mf_entry *was, struct mf_error *e)
{
	const struct mf_listing *parent = r->p->parent;
	struct mf_slice s;
	size_t i;

	memcpy(x->checksum, was->checksum, sizeof(x->checksum));
	x->first_slice = r->p->listing->n_slices;
	x->n_slices = was->n_slices;
	for (i = 0; i < was->n_slices; i++) {
		s = parent->slices[was->first_slice + i];
		if (reuse_chunk(r, s.chunk, &s.chunk, e) != 0 ||
		    mf_listing_add_slice(r->p->listing, s, e) != 0)
			return -1;
	}
	MF_PROGRESS_ADD(r->p->progress, bytes_done, x->size);
	MF_PROGRESS_ADD(r->p->progress, files_done, 1);
	return 0;
}

/* Under allow_partial a file that cannot be read is left out: 1. */
static int
leave_out(struct reading *r, const char *path, struct mf_error *e)
{
	char text[MF_ERROR_MESSAGE_BYTES + MF_ERROR_HINT_BYTES];

	if (e->code != MF_ESOURCE || !r->p->allow_partial)
		return -1;
	mf_log(MF_LOG_WARNING, "left out: %s", mf_error_text(e, text, sizeof(text)));
	(void)path;
	mf_error_clear(e);
	r->left_out++;
	return 1;
}

/* A file of its own. 0; 1: left out. */
static int
take_large(struct reading *r, struct mf_source_entry *x, struct mf_error *e)
{
	const struct mf_entry *was = unchanged(r->p, &x->entry);

	if (was != NULL && chunks_are_stored(r->p, was))
		return reuse_file(r, &x->entry, was, e);
	if (mf_read_large(r, x, e) != 0)
		return leave_out(r, x->entry.path, e);
	MF_PROGRESS_ADD(r->p->progress, files_done, 1);
	return 0;
}

/* The members of the run that starts at item `first` (a small file). */
static struct run
run_from(const struct reading *r, size_t first)
{
	const struct mf_source_tree *t = r->p->tree;
	struct run run = {first, 0, 0};
	size_t i;

	for (i = first; i < t->n; i++) {
		if (!is_small(&t->items[i]))
			continue;
		if (run.bytes > 0 &&
		    mf_run_closes(r->cut_seed, t->items[i].entry.path, t->items[i].entry.size,
			run.bytes))
			break;
		run.bytes += t->items[i].entry.size;
		run.n = i - first + 1;
	}
	return run;
}

/* Were exactly these files, unchanged, one chunk of the parent's? */
static bool
run_is_unchanged(const struct reading *r, const struct run *run)
{
	const struct mf_read_params *p = r->p;
	const struct mf_entry *was;
	const struct mf_slice *s;
	uint32_t chunk = 0, offset = 0;
	size_t i;

	for (i = run->first; i < run->first + run->n; i++) {
		if (!is_small(&p->tree->items[i]))
			continue;
		was = unchanged(p, &p->tree->items[i].entry);
		if (was == NULL || was->n_slices != 1)
			return false;
		s = &p->parent->slices[was->first_slice];
		/* by id: each segment has a chunk table of its own */
		if (s->offset != offset ||
		    (offset > 0 &&
			mf_id_compare(&p->parent->chunks[s->chunk].id,
			    &p->parent->chunks[chunk].id) != 0))
			return false;
		if (offset == 0 && !chunks_are_stored(p, was))
			return false;
		chunk = s->chunk;
		offset += s->len;
	}
	return offset == p->parent->chunks[chunk].plain_len;
}

/* Read the members into one chunk. Their slices are kept in the reading until each member's
 * turn in path order comes. */
static int
read_run(struct reading *r, const struct run *run, struct mf_error *e)
{
	struct mf_source_tree *t = r->p->tree;
	struct mf_ingest_job *job;
	struct mf_source_entry *x;
	size_t i;
	int rc;

	if (mf_ingest_job_new(r->p->ingest, (uint32_t)(run->bytes + MF_RUN_MEMBER_BYTES),
		MF_ELEMENT_UNKNOWN, &job, e) != 0)
		return -1;
	for (i = run->first; i < run->first + run->n; i++) {
		x = &t->items[i];
		if (!is_small(x))
			continue;
		rc = mf_read_small(r, x, job, e);
		if (rc != 0)
			rc = leave_out(r, x->entry.path, e);
		if (rc < 0) {
			mf_ingest_job_drop(r->p->ingest, job);
			return -1;
		}
		x->left_out = rc == 1;
		if (rc == 0)
			MF_PROGRESS_ADD(r->p->progress, files_done, 1);
	}
	if (job->len == 0) {
		mf_ingest_job_drop(r->p->ingest, job);
		return 0;
	}
	return mf_ingest_submit(r->p->ingest, job, e);
}

/* The slice of a small file, whose run was read. */
static int
slice_of_run(struct reading *r, struct mf_source_entry *x, struct mf_error *e)
{
	struct mf_slice s = {x->run_chunk, x->run_offset, (uint32_t)x->entry.size};

	x->entry.first_slice = r->p->listing->n_slices;
	x->entry.n_slices = s.len > 0;
	return s.len > 0 ? mf_listing_add_slice(r->p->listing, s, e) : 0;
}

/* A small file's turn: its run is read when its first member comes. 0; 1: left out. */
static int
take_small(struct reading *r, size_t at, struct mf_error *e)
{
	struct mf_source_entry *x = &r->p->tree->items[at];
	const struct mf_entry *was;
	struct run run;

	if (at >= r->run_end) {
		run = run_from(r, at);
		r->run_end = run.first + run.n;
		r->run_is_reused = r->p->parent != NULL && run_is_unchanged(r, &run);
		if (!r->run_is_reused && read_run(r, &run, e) != 0)
			return -1;
	}
	if (r->run_is_reused) {
		was = unchanged(r->p, &x->entry);
		assert(was != NULL);
		return reuse_file(r, &x->entry, was, e);
	}
	return x->left_out ? 1 : slice_of_run(r, x, e);
}

static int
take(struct reading *r, size_t at, struct mf_error *e)
{
	struct mf_source_entry *x = &r->p->tree->items[at];

	if (x->entry.type != MF_ENTRY_FILE)
		return 0;
	if (x->entry.size == 0 && unchanged(r->p, &x->entry) == NULL)
		return take_large(r, x, e); /* read it: it may have grown, and has a checksum */
	return is_small(x) ? take_small(r, at, e) : take_large(r, x, e);
}

/* Does this shard make the entry's checksum? Of a file that has content: is the last byte its? */
bool
mf_read_has_checksum(const struct reading *r, const struct mf_entry *x)
{
	return r->p->shard == NULL ||
	       mf_shard_has(r->p->shard, r->position + (x->size > 0 ? x->size - 1 : 0));
}

/* Has the shard a slice of this file? */
static bool
has_slice(const struct reading *r, const struct mf_entry *x)
{
	size_t i;

	for (i = 0; i < x->n_slices; i++)
		if (r->p->listing->slices[x->first_slice + i].chunk != MF_SLICE_ELSEWHERE)
			return true;
	return false;
}

/* A file of its own, of which the shard may have some chunks. Its chunks begin at positions of
 * the file, so that one which does not meet the range has none. */
static int
take_large_part(struct reading *r, struct mf_source_entry *x, struct mf_error *e)
{
	if (!mf_shard_meets(r->p->shard, r->position, x->entry.size))
		return 1;
	if (mf_read_large(r, x, e) != 0)
		return -1;
	x->entry.lacks_checksum = !mf_read_has_checksum(r, &x->entry);
	if (x->entry.lacks_checksum && !has_slice(r, &x->entry)) {
		r->p->listing->n_slices = x->entry.first_slice;
		return 1;
	}
	MF_PROGRESS_ADD(r->p->progress, files_done, 1);
	return 0;
}

/* What a shard has of an item. 1: nothing. */
static int
take_part(struct reading *r, size_t at, struct mf_error *e)
{
	struct mf_source_entry *x = &r->p->tree->items[at];
	struct run run;
	int rc;

	if (is_small(x)) {
		if (at >= r->run_end) {
			run = run_from(r, at);
			r->run_end = run.first + run.n;
			r->run_is_ours = mf_shard_has(r->p->shard, r->position);
			if (r->run_is_ours && read_run(r, &run, e) != 0)
				return -1;
		}
		rc = r->run_is_ours ? slice_of_run(r, x, e) : 1;
	} else if (x->entry.type == MF_ENTRY_FILE && x->entry.size > 0) {
		rc = take_large_part(r, x, e);
	} else if (!mf_shard_has(r->p->shard, r->position)) {
		rc = 1;
	} else {
		rc = x->entry.type == MF_ENTRY_FILE ? take_large(r, x, e) : 0;
	}
	r->position += x->entry.type == MF_ENTRY_FILE ? x->entry.size : 0;
	return rc;
}

static void
cool(const struct mf_read_params *p)
{
	mf_source_tree_cool(p->tree);
	mf_listing_cool(p->listing);
	if (p->parent != NULL)
		mf_listing_cool(p->parent);
}

int
mf_read_tree(const struct mf_read_params *p, uint64_t *left_out, struct mf_error *e)
{
	struct reading r = {.p = p};
	size_t i;
	int rc = -1;

	mf_keyring_cut_seed(p->repo->keyring, r.cut_seed);
	r.reused = calloc((p->parent ? p->parent->n_chunks : 0) + 1, sizeof(*r.reused));
	r.checksum = mf_checksum_stream_new(p->repo, e);
	r.cdc = mf_cdc_new(r.cut_seed, e);
	if (p->shard != NULL)
		r.scratch = malloc(MF_READ_SCRATCH_BYTES);
	if (r.reused == NULL || (p->shard != NULL && r.scratch == NULL))
		mf_error_nomem(e, "the list of files");
	else if (r.checksum != NULL && r.cdc != NULL)
		rc = 0;
	for (i = 0; rc >= 0 && i < p->tree->n; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			cool(p);
		rc = p->shard != NULL ? take_part(&r, i, e) : take(&r, i, e);
		if (rc == 0)
			rc = mf_listing_add_entry(p->listing, &p->tree->items[i].entry, e);
	}
	*left_out = r.left_out;
	free(r.scratch);
	mf_checksum_stream_free(r.checksum);
	mf_cdc_free(r.cdc);
	free(r.reused);
	explicit_bzero(r.cut_seed, sizeof(r.cut_seed));
	return rc < 0 ? -1 : 0;
}
