/*
 * Replicate. Ids, names and checksums are keyed by the repository, so nothing of the source's
 * manifest can be copied but the entries' metadata: every file is streamed front to back, its
 * chunks are read, opened and checked, offered to the pipeline of push under the other
 * repository's keys, and its checksum is computed anew on the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/checksum_int.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/condemned_int.h"
#include "src/repo/feed_int.h"
#include "src/repo/ingest_int.h"
#include "src/repo/publish_int.h"
#include "src/repo/replicate.h"

#define MAX_ATTEMPTS 8
#define WINDOW_MIN_BYTES ((size_t)32 << 20)

struct replicate {
	struct mf_repo *from, *to;
	const struct mf_signer *signer;
	struct mf_progress *progress;
	struct mf_replicate_result *out;
	struct mf_version version;
	struct mf_listing listing, made; /* the source's; the copy's */
	uint32_t *distinct; /* by index of the source's chunk table: a number for each id */
	uint32_t n_distinct;
	uint32_t *made_chunk; /* by distinct number: index in the copy's table + 1 */
	struct mf_feed *feed;
	struct mf_ingest *ingest;
	struct mf_checksum_stream *was, *now; /* under the keys of from and to */
};

/* Number the distinct chunks. */
static int
number_chunks(struct replicate *r, struct mf_error *e)
{
	struct mf_idmap ids = {0};
	uint64_t bytes = 0, value;
	size_t i;
	int rc = 0;

	r->distinct = calloc(r->listing.n_chunks + 1, sizeof(*r->distinct));
	r->made_chunk = calloc(r->listing.n_chunks + 1, sizeof(*r->made_chunk));
	if (r->distinct == NULL || r->made_chunk == NULL)
		return mf_error_nomem(e, "the list of chunks");
	for (i = 0; rc >= 0 && i < r->listing.n_chunks; i++) {
		value = r->n_distinct;
		if ((rc = mf_idmap_add(&ids, &r->listing.chunks[i].id, &value)) == 0) {
			r->n_distinct++;
			bytes += r->listing.chunks[i].plain_len;
		}
		r->distinct[i] = (uint32_t)value;
	}
	mf_idmap_fini(&ids);
	if (rc < 0)
		return mf_error_nomem(e, "the list of chunks");
	r->out->chunks = r->n_distinct;
	if (r->progress != NULL) {
		atomic_store(&r->progress->bytes_total, bytes);
		atomic_store(&r->progress->files_total, r->version.root.n_files);
	}
	return 0;
}

/* Offer a chunk to the pipeline, once; *index is its place in the copy's chunk table. */
static int
offer(struct replicate *r, uint32_t source_chunk, const uint8_t *plain, uint32_t *index,
    struct mf_error *e)
{
	uint32_t len = r->listing.chunks[source_chunk].plain_len;
	uint32_t *made = &r->made_chunk[r->distinct[source_chunk]];
	struct mf_ingest_job *job;

	if (*made == 0) {
		if (mf_ingest_job_new(r->ingest, len, MF_ELEMENT_UNKNOWN, &job, e) != 0)
			return -1;
		memcpy(job->data, plain, len);
		job->len = len;
		*made = job->chunk + 1;
		if (mf_ingest_submit(r->ingest, job, e) != 0)
			return -1;
	}
	*index = *made - 1;
	return 0;
}

static int
copy_slice(struct replicate *r, size_t at, struct mf_error *e)
{
	struct mf_slice s = r->listing.slices[at];
	const uint8_t *plain;
	int rc;

	if (mf_feed_get(r->feed, at, &plain, e) != 0)
		return -1;
	mf_checksum_stream_add(r->was, plain + s.offset, s.len);
	mf_checksum_stream_add(r->now, plain + s.offset, s.len);
	rc = offer(r, s.chunk, plain, &s.chunk, e);
	mf_feed_give_back(r->feed, at);
	return rc == 0 ? mf_listing_add_slice(&r->made, s, e) : -1;
}

static int
copy_file(struct replicate *r, const struct mf_entry *x, struct mf_entry *copy,
    struct mf_error *e)
{
	uint8_t was[MF_CHECKSUM_BYTES];
	size_t i;

	mf_checksum_stream_reset(r->was);
	mf_checksum_stream_reset(r->now);
	copy->first_slice = r->made.n_slices;
	for (i = 0; i < x->n_slices; i++)
		if (copy_slice(r, x->first_slice + i, e) != 0)
			return -1;
	mf_checksum_stream_end(r->was, was);
	if (memcmp(was, x->checksum, sizeof(was)) != 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "%s: its chunks are whole, but the file's checksum is not the manifest's",
		    x->path);
	mf_checksum_stream_end(r->now, copy->checksum);
	MF_PROGRESS_ADD(r->progress, files_done, 1);
	return 0;
}

static int
copy_entries(struct replicate *r, struct mf_error *e)
{
	struct mf_entry copy;
	size_t i;

	for (i = 0; i < r->listing.n_entries; i++) {
		copy = r->listing.entries[i];
		if (copy.type == MF_ENTRY_FILE &&
		    copy_file(r, &r->listing.entries[i], &copy, e) != 0)
			return -1;
		if (mf_listing_add_entry(&r->made, &copy, e) != 0)
			return -1;
	}
	return 0;
}

/* A quarter of the budget for readers, an eighth for what they read ahead, the rest for the
 * pipeline. */
static void
share_memory(const struct replicate *r, struct mf_feed_params *fp, struct mf_ingest_params *ip)
{
	size_t budget = r->from->memory_bytes, most = budget / 4 / MF_CHUNK_READER_BYTES, used;

	fp->threads = mf_repo_readers(r->from, 0);
	if (fp->threads > most)
		fp->threads = (unsigned)most;
	if (fp->threads == 0)
		fp->threads = 1;
	fp->memory_bytes = budget / 8 > WINDOW_MIN_BYTES ? budget / 8 : WINDOW_MIN_BYTES;
	used = fp->threads * MF_CHUNK_READER_BYTES + fp->memory_bytes;
	ip->threads = r->to->threads;
	ip->memory_bytes = budget > used ? budget - used : 1; /* one worker is always had */
}

static int
transfer(struct replicate *r, const struct mf_index *index, struct mf_error *e)
{
	struct mf_feed_params fp = {.repo = r->from, .listing = &r->listing,
	    .distinct = r->distinct, .n_distinct = r->n_distinct, .progress = r->progress};
	struct mf_ingest_params ip = {.repo = r->to, .index = index, .listing = &r->made,
	    .progress = r->progress};
	struct mf_ingest_totals totals = {0};
	int rc = -1;

	share_memory(r, &fp, &ip);
	memset(r->made_chunk, 0, (r->listing.n_chunks + 1) * sizeof(*r->made_chunk));
	if (mf_ingest_start(&ip, &r->ingest, e) != 0)
		return -1;
	if (mf_feed_start(&fp, &r->feed, e) == 0)
		rc = copy_entries(r, e);
	mf_feed_finish(r->feed, rc != 0, e);
	r->feed = NULL;
	if (mf_ingest_finish(r->ingest, rc != 0, &totals, e) != 0)
		rc = -1;
	r->out->new_chunks += totals.new_chunks;
	r->out->stored_bytes += totals.stored_bytes;
	return rc;
}

static int
publish(
    struct replicate *r, struct mf_index **index, struct mf_version *published, struct mf_error *e)
{
	struct mf_root root = r->version.root; /* borrows its strings, tags, metrics */
	struct mf_publish_params pp = {
	    .root = &root, .listing = &r->made, .signer = r->signer, .index = index};
	int rc;

	memcpy(root.repo_id, mf_keyring_repo_id(r->to->keyring), sizeof(root.repo_id));
	root.n_chunks = r->made.n_chunks;
	root.is_signed = false;
	root.segments = NULL;
	root.n_segments = 0;
	rc = mf_publish(r->to, &pp, published, &r->out->stored_bytes, e);
	free(root.segments);
	return rc;
}

/* One attempt. 0: done. 1: a prune was faster with something that is needed; again. */
static int
attempt(struct replicate *r, struct mf_version *published, struct mf_error *e)
{
	struct mf_names burned;
	struct mf_index *index = NULL;
	int rc;

	mf_listing_fini(&r->made);
	if (mf_condemned_read(r->to, &burned, NULL, e) != 0)
		return -1;
	rc = mf_index_load(r->to, &burned, &index, e);
	mf_names_fini(&burned);
	if (rc == 0)
		rc = transfer(r, index, e);
	if (rc == 0)
		rc = publish(r, &index, published, e);
	mf_index_free(index);
	return rc;
}

static bool
same_string(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/*
 * Is this other repository's version a copy of ours? Checksums and ids are keyed and say
 * nothing; but the moment it was made, to the microsecond, and all metadata of the source,
 * inodes and change times among them, are kept by replicate and by nothing else.
 */
static bool
is_copy(const struct replicate *r, const struct mf_root *root, const struct mf_listing *l)
{
	const struct mf_root *own = &r->version.root;
	const struct mf_entry *a, *b;
	size_t i;

	if (root->created_us != own->created_us || root->scanned_us != own->scanned_us ||
	    root->bytes != own->bytes || root->flags != own->flags ||
	    l->n_entries != r->listing.n_entries)
		return false;
	for (i = 0; i < l->n_entries; i++) {
		a = &l->entries[i];
		b = &r->listing.entries[i];
		if (a->type != b->type || a->mode != b->mode || a->size != b->size ||
		    a->mtime_ns != b->mtime_ns || a->ctime_ns != b->ctime_ns ||
		    a->inode != b->inode || strcmp(a->path, b->path) != 0 ||
		    !same_string(a->target, b->target))
			return false;
	}
	return true;
}

/* 0: the name is free. 1: the copy is there. -1. */
static int
look_for_copy(struct replicate *r, struct mf_error *e)
{
	const struct mf_root *own = &r->version.root;
	struct mf_listing there = {0};
	struct mf_versions vs;
	size_t i;
	int rc = 0;

	if (mf_versions_list(r->to, own->model, NULL, NULL, &vs, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < vs.n; i++) {
		if (strcmp(vs.items[i].root.version, own->version) != 0)
			continue;
		if (mf_version_read(r->to, &vs.items[i], &there, e) != 0) {
			rc = -1;
		} else if (is_copy(r, &vs.items[i].root, &there)) {
			rc = 1;
		} else {
			rc = mf_error_set(e, MF_ECONFLICT, "%s@%s exists in %s with other content",
			    own->model, own->version, mf_store_label(r->to->store));
			mf_error_hint(e, "versions never change: push it under another name");
		}
		mf_listing_fini(&there);
	}
	mf_versions_fini(&vs);
	return rc;
}

/* What was found out about the version after it was published goes with it. */
static int
copy_rejection(struct replicate *r, const struct mf_version *published, int64_t now_us,
    struct mf_error *e)
{
	struct mf_annotation a = {.rejected = 1, .reason = r->version.rejected_reason,
	    .by = r->version.rejected_by};

	return r->version.rejected ? mf_version_annotate(r->to, published, &a, now_us, e) : 0;
}

static int
replicate(struct replicate *r, int64_t now_us, struct mf_error *e)
{
	struct mf_version published = {0};
	int rc, n;

	if (mf_version_read(r->from, &r->version, &r->listing, e) != 0)
		return -1;
	r->out->bytes = r->version.root.bytes;
	if ((rc = number_chunks(r, e)) != 0 || (rc = look_for_copy(r, e)) != 0) {
		r->out->already = rc == 1;
		return rc < 0 ? -1 : 0;
	}
	r->was = mf_checksum_stream_new(r->from, e);
	r->now = r->was != NULL ? mf_checksum_stream_new(r->to, e) : NULL;
	if (r->now == NULL)
		return -1;
	for (rc = 1, n = 0; rc == 1 && n < MAX_ATTEMPTS; n++) {
		if (n > 0)
			mf_log(MF_LOG_INFO, "a prune condemned something this version needs; again");
		rc = attempt(r, &published, e);
	}
	if (rc == 1)
		return mf_error_set(e, MF_ECONFLICT,
		    "prunes kept deleting what the version needs, %d times over", n);
	if (rc == 0)
		rc = copy_rejection(r, &published, now_us, e);
	mf_version_fini(&published);
	return rc;
}

int
mf_replicate(struct mf_repo *from, const char *spec, struct mf_repo *to,
    const struct mf_signer *signer, int64_t now_us, struct mf_progress *progress,
    struct mf_replicate_result *out, struct mf_error *e)
{
	struct replicate r = {.from = from, .to = to, .signer = signer, .progress = progress,
	    .out = out};
	int rc;

	*out = (struct mf_replicate_result){0};
	if (mf_version_resolve(from, spec, &r.version, e) != 0)
		return -1;
	snprintf(out->version, sizeof(out->version), "%s", r.version.root.version);
	rc = replicate(&r, now_us, e);
	if (rc != 0)
		mf_error_while(e, "replicating %s@%s to %s", r.version.root.model,
		    r.version.root.version, mf_store_label(to->store));
	mf_version_fini(&r.version);
	mf_listing_fini(&r.listing);
	mf_listing_fini(&r.made);
	mf_checksum_stream_free(r.was);
	mf_checksum_stream_free(r.now);
	free(r.distinct);
	free(r.made_chunk);
	return rc;
}
