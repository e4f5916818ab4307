/*
 * --hard-link: sharing equal files with local versions. A file is linked only where nobody may
 * write to it, after all of it was read and found to be what the manifest says: by its
 * checksum, and with --trusted-keys by its chunk ids too, which the signature covers. (The
 * checksum is no defence against who made the manifest of the version that the file came with.)
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/checksum_int.h"
#include "src/repo/stage_work_int.h"

struct linker {
	struct stage *s;
	struct mf_checksum_stream *sum;
	uint8_t *buffer; /* a chunk */
};

/* The bytes of the slice are in the buffer: does the chunk id stand for them? Of a part of a
 * chunk nobody can say. */
static bool
has_id(const struct linker *k, const struct mf_slice *sl)
{
	const struct mf_chunk_ref *c = &k->s->p->listing->chunks[sl->chunk];
	struct mf_id id;

	if (sl->offset != 0 || sl->len != c->plain_len)
		return false;
	mf_keyring_content_id(k->s->p->repo->keyring, MF_OBJECT_CHUNK, k->buffer, sl->len, &id);
	return mf_id_compare(&id, &c->id) == 0;
}

/* Is the open file the whole content of the entry? */
static bool
has_content(struct linker *k, int fd, const struct mf_entry *x)
{
	const struct mf_stage_params *p = k->s->p;
	uint8_t got[MF_CHECKSUM_BYTES];
	struct mf_error ignored = {0};
	const struct mf_slice *sl;
	uint64_t at = 0;
	size_t i;

	mf_checksum_stream_reset(k->sum);
	for (i = 0; i < x->n_slices; i++, at += sl->len) {
		sl = &p->listing->slices[x->first_slice + i];
		if ((p->pull->interrupted != NULL && p->pull->interrupted()) ||
		    mf_fs_pread(fd, k->buffer, sl->len, at, &ignored) != 0 ||
		    (p->recompute_ids && !has_id(k, sl)))
			return false;
		mf_checksum_stream_add(k->sum, k->buffer, sl->len);
	}
	mf_checksum_stream_end(k->sum, got);
	return at == x->size && memcmp(got, x->checksum, sizeof(got)) == 0;
}

/* May the open file stand for the entry: nobody can write it, same size and time? */
static bool
may_link(const struct stat *st, const struct mf_entry *x)
{
	return S_ISREG(st->st_mode) && (st->st_mode & 0777) == 0444 &&
	       (uint64_t)st->st_size == x->size &&
	       (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec == x->mtime_ns;
}

/* Link the file that was looked at, and no other that has its name meanwhile. */
static bool
link_source(struct stage *s, const struct stage_source *src, const struct stat *seen,
    const struct mf_entry *x)
{
	const char *name, *from_name;
	struct mf_error ignored = {0};
	struct stat st;
	int from, to, rc = -1;

	from = stage_open_parent(s->p->locals[src->local].fd, src->path, &from_name, &ignored);
	to = stage_open_parent(s->p->dirfd, x->path, &name, &ignored);
	if (from >= 0 && to >= 0) {
		unlinkat(to, name, 0); /* a killed pull's */
		rc = linkat(from, from_name, to, name, 0);
	}
	if (rc == 0 && (fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
			   st.st_ino != seen->st_ino || st.st_dev != seen->st_dev)) {
		unlinkat(to, name, 0);
		rc = -1;
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc == 0;
}

static void
try_link(struct linker *k, size_t entry)
{
	struct stage *s = k->s;
	const struct mf_entry *x = &s->p->listing->entries[entry];
	const struct stage_source *src = &s->sources[s->twin[entry] - 1];
	struct mf_error ignored = {0};
	struct stat st;
	const int fd = mf_fs_open_beneath(
	    s->p->locals[src->local].fd, src->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, &ignored);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && may_link(&st, x) && has_content(k, fd, x) &&
	    link_source(s, src, &st, x)) {
		s->linked[entry] = true;
		atomic_fetch_add(&s->reused, x->size);
		atomic_fetch_add(&s->shared, x->size);
		MF_PROGRESS_ADD(s->p->pull->progress, bytes_done, x->size);
		MF_PROGRESS_ADD(s->p->pull->progress, files_done, 1);
	}
	close(fd);
}

int
stage_link_equal(struct stage *s, struct mf_error *e)
{
	struct linker k = {.s = s, .sum = mf_checksum_stream_new(s->p->repo, e)};
	size_t i;

	if (k.sum == NULL)
		return -1;
	if ((k.buffer = malloc(MF_CHUNK_MAX_BYTES)) == NULL) {
		mf_checksum_stream_free(k.sum);
		return mf_error_nomem(e, "a chunk");
	}
	for (i = 0; i < s->p->listing->n_entries; i++)
		if (s->twin[i] != 0)
			try_link(&k, i);
	mf_checksum_stream_free(k.sum);
	free(k.buffer);
	return 0;
}
