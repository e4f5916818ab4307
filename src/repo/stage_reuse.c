/*
 * Chunks that need not be fetched: a killed pull wrote them to the staging directory, or a
 * local version has them. Where they should lie is only a guess; what counts is that the
 * bytes are the manifest's. What is cloned is compared afterwards, in the staging directory,
 * to which nobody else writes; what is copied, in memory, before it is written.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/checksum_int.h"
#include "src/repo/stage_work_int.h"

#define CLONE_MIN_BYTES (64u << 10)

static const struct mf_chunk_ref *
chunk_of(const struct stage *s, size_t n)
{
	return &s->p->listing->chunks[s->chunk[n]];
}

static bool
is_right(const struct stage_worker *w, const struct mf_chunk_ref *c)
{
	const struct mf_repo *repo = w->s->p->repo;
	uint8_t sum[MF_CHECKSUM_BYTES];
	struct mf_id id;

	mf_checksum(repo, w->plain, c->plain_len, sum);
	if (memcmp(sum, c->checksum, sizeof(sum)) != 0)
		return false;
	if (!w->s->p->recompute_ids)
		return true;
	mf_keyring_content_id(repo->keyring, MF_OBJECT_CHUNK, w->plain, c->plain_len, &id);
	return mf_id_compare(&id, &c->id) == 0;
}

bool
stage_take_staged(struct stage_worker *w, size_t n)
{
	const struct stage *s = w->s;
	const struct mf_chunk_ref *c = chunk_of(s, n);
	struct mf_error ignored;
	uint32_t have = 0;
	size_t i;
	int fd;

	for (i = s->first[n]; i < s->first[n + 1] && have < c->plain_len; i++) {
		const struct stage_target *t = &s->targets[i];

		if (t->chunk_offset != have)
			continue; /* parts are in order unless a chunk is used twice */
		mf_error_clear(&ignored);
		fd = stage_file_fd(w->s, t->entry, &ignored);
		if (fd < 0 ||
		    mf_fs_pread(fd, w->plain + have, t->len, t->file_offset, &ignored) != 0)
			return false;
		have += t->len;
	}
	return have == c->plain_len && is_right(w, c);
}

size_t
stage_first_found(const struct stage *s, uint32_t chunk)
{
	size_t low = 0, high = s->n_found, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->found[mid].chunk < chunk)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
stage_open_source(const struct stage *s, uint32_t source)
{
	const struct stage_source *src = &s->sources[source];
	struct mf_error ignored = {0};

	return mf_fs_open_beneath(
	    s->p->locals[src->local].fd, src->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, &ignored);
}

/* Read bytes [from, to) of the chunk from where they were found. */
static bool
read_found(struct stage_worker *w, const struct stage_found *x, uint32_t from, uint32_t to)
{
	struct mf_error ignored = {0};
	int fd = stage_open_source(w->s, x->source), rc;

	if (fd < 0)
		return false;
	rc = mf_fs_pread(
	    fd, w->plain + from, to - from, x->file_offset + (from - x->chunk_offset), &ignored);
	close(fd);
	return rc == 0;
}

/* The place found of the chunk that holds all of a target; NULL: none does. */
static const struct stage_found *
found_of(const struct stage *s, uint32_t chunk, const struct stage_target *t)
{
	const struct stage_found *x;
	size_t i;

	for (i = stage_first_found(s, chunk); i < s->n_found; i++) {
		x = &s->found[i];
		if (x->chunk != chunk || x->chunk_offset > t->chunk_offset)
			return NULL;
		if (x->chunk_offset + x->len >= t->chunk_offset + t->len)
			return x;
	}
	return NULL;
}

/* Make the target's bytes the same as those that were found, by sharing their blocks. */
static bool
clone_target(
    struct stage_worker *w, const struct stage_target *t, const struct stage_found *x, int to)
{
	const int from = stage_open_source(w->s, x->source);
	int rc;

	if (from < 0)
		return false;
	rc = mf_fs_clone_range(
	    from, x->file_offset + (t->chunk_offset - x->chunk_offset), to, t->file_offset, t->len);
	close(from);
	if (rc == 2)
		atomic_store(&w->s->no_clone, true);
	return rc == 0;
}

/* A file too small to be worth sharing is copied. */
static bool
copy_target(
    struct stage_worker *w, const struct stage_target *t, const struct stage_found *x, int to)
{
	const uint32_t from = t->chunk_offset;
	struct mf_error ignored = {0};

	return read_found(w, x, from, from + t->len) &&
	       mf_fs_pwrite(to, w->plain + from, t->len, t->file_offset, &ignored) == 0;
}

/* The targets that make up the chunk: is there one that is worth sharing? */
static bool
may_clone(const struct stage *s, size_t n)
{
	size_t i;

	for (i = s->first[n]; i < s->first[n + 1]; i++)
		if (s->targets[i].len >= CLONE_MIN_BYTES)
			return !atomic_load(&s->no_clone);
	return false;
}

uint64_t
stage_clone_local(struct stage_worker *w, size_t n)
{
	const struct stage *s = w->s;
	const uint32_t len = chunk_of(s, n)->plain_len;
	const struct stage_found *x;
	struct mf_error ignored = {0};
	uint64_t shared = 0;
	uint32_t have = 0;
	size_t i;
	int to;

	if (!may_clone(s, n))
		return 0;
	for (i = s->first[n]; i < s->first[n + 1] && have < len; i++) {
		const struct stage_target *t = &s->targets[i];

		if (t->chunk_offset != have)
			continue; /* as in stage_take_staged */
		if ((x = found_of(s, s->chunk[n], t)) == NULL ||
		    (to = stage_file_fd(w->s, t->entry, &ignored)) < 0)
			return 0;
		if (t->len >= CLONE_MIN_BYTES ? !clone_target(w, t, x, to)
					      : !copy_target(w, t, x, to))
			return 0;
		shared += t->len >= CLONE_MIN_BYTES ? t->len : 0;
		have += t->len;
	}
	return stage_take_staged(w, n) ? shared : 0;
}

bool
stage_take_local(struct stage_worker *w, size_t n)
{
	const struct stage *s = w->s;
	const struct mf_chunk_ref *c = chunk_of(s, n);
	const struct stage_found *x, *best;
	size_t i = stage_first_found(s, s->chunk[n]);
	uint32_t have;

	/* of the parts that go on from what we have, take the one that reaches furthest */
	for (have = 0; have < c->plain_len; have = best->chunk_offset + best->len) {
		for (best = NULL; i < s->n_found; i++) {
			x = &s->found[i];
			if (x->chunk != s->chunk[n] || x->chunk_offset > have)
				break;
			if (x->chunk_offset + x->len > have &&
			    (best == NULL ||
				x->chunk_offset + x->len > best->chunk_offset + best->len))
				best = x;
		}
		if (best == NULL || !read_found(w, best, have, best->chunk_offset + best->len))
			return false;
	}
	return is_right(w, c);
}
