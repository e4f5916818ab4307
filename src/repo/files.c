#include "src/repo/files.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/large.h"
#include "src/repo/checksum_int.h"
#include "src/repo/chunk_read_int.h"

#define SLOTS_MAX 16u
#define SLOT_BYTES (MF_CHUNK_MAX_BYTES + MF_CHUNK_READER_BYTES)
#define NO_CHUNK UINT32_MAX

/* One decoded chunk, and the reader that decodes into it. */
struct slot {
	struct mf_chunk_reader *reader;
	uint8_t *plain;
	uint32_t chunk;
	unsigned users; /* that copy from it, or the one that reads it */
	bool reading;
	uint64_t last_used;
};

struct mf_files {
	struct mf_repo *repo;
	struct mf_version version;
	struct mf_listing listing;
	enum mf_chunk_check check;
	pthread_mutex_t lock; /* of the slots, but for plain and reader of one with users */
	pthread_cond_t freed;
	struct slot slots[SLOTS_MAX];
	size_t n_slots;
	uint64_t uses;
};

static int
open_slots(struct mf_files *f, size_t memory_bytes, struct mf_error *e)
{
	size_t n = memory_bytes / SLOT_BYTES, i;

	n = n < 2 ? 2 : n > SLOTS_MAX ? SLOTS_MAX : n;
	for (i = 0; i < n; i++) {
		struct slot *s = &f->slots[i];

		s->chunk = NO_CHUNK;
		s->plain = mf_large_malloc(MF_CHUNK_MAX_BYTES);
		f->n_slots++;
		if (s->plain == NULL)
			return mf_error_nomem(e, "decoded chunks");
		if ((s->reader = mf_chunk_reader_new(f->repo, f->check, e)) == NULL)
			return -1;
	}
	return 0;
}

int
mf_files_open(struct mf_repo *repo, const char *spec, const struct mf_demands *d,
    size_t memory_bytes, struct mf_files **out, struct mf_error *e)
{
	struct mf_files *f = calloc(1, sizeof *f);

	*out = NULL;
	if (f == NULL)
		return mf_error_nomem(e, "the files of a version");
	f->repo = repo;
	/* a signature covers ids, not checksums */
	f->check = d != NULL && d->trust != NULL ? MF_CHUNK_ID : MF_CHUNK_CHECKSUM;
	if (mf_version_resolve_as(repo, spec, d, &f->version, e) != 0) {
		free(f);
		return -1;
	}
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->freed, NULL);
	if (mf_version_read(repo, &f->version, &f->listing, e) != 0 ||
	    open_slots(f, memory_bytes, e) != 0) {
		mf_files_close(f);
		return -1;
	}
	*out = f;
	return 0;
}

void
mf_files_close(struct mf_files *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->n_slots; i++) {
		mf_chunk_reader_free(f->slots[i].reader);
		free(f->slots[i].plain);
	}
	(void)pthread_cond_destroy(&f->freed);
	(void)pthread_mutex_destroy(&f->lock);
	mf_listing_fini(&f->listing);
	mf_version_fini(&f->version);
	free(f);
}

const struct mf_version *
mf_files_version(const struct mf_files *f)
{
	return &f->version;
}

const struct mf_listing *
mf_files_listing(const struct mf_files *f)
{
	return &f->listing;
}

/* Under the lock: the slot that has the chunk, or is getting it; else the one that nobody uses for
 * longest; NULL: all are in use. */
static struct slot *
choose(struct mf_files *f, uint32_t chunk)
{
	struct slot *oldest = NULL, *s;

	for (s = f->slots; s < f->slots + f->n_slots; s++) {
		if (s->chunk == chunk)
			return s;
		if (s->users == 0 && (oldest == NULL || s->last_used < oldest->last_used))
			oldest = s;
	}
	return oldest;
}

static void
give_back(struct mf_files *f, struct slot *s, bool failed)
{
	(void)pthread_mutex_lock(&f->lock);
	s->users--;
	s->reading = false;
	if (failed)
		s->chunk = NO_CHUNK;
	(void)pthread_cond_broadcast(&f->freed);
	(void)pthread_mutex_unlock(&f->lock);
}

/* The slot is the caller's to copy from, until give_back. *fill: it has to read the chunk first. */
static struct slot *
take(struct mf_files *f, uint32_t chunk, bool *fill)
{
	struct slot *s;

	(void)pthread_mutex_lock(&f->lock);
	while ((s = choose(f, chunk)) == NULL || (s->chunk == chunk && s->reading))
		(void)pthread_cond_wait(&f->freed, &f->lock);
	*fill = s->chunk != chunk;
	s->chunk = chunk;
	s->reading = *fill;
	s->users++;
	s->last_used = ++f->uses;
	(void)pthread_mutex_unlock(&f->lock);
	return s;
}

static int
copy_slice(struct mf_files *f, const struct mf_slice *slice, uint32_t from, void *buf, size_t n,
    struct mf_error *e)
{
	bool fill;
	struct slot *s = take(f, slice->chunk, &fill);
	uint64_t fetched = 0;

	if (fill && mf_chunk_reader_read(
			s->reader, &f->listing.chunks[slice->chunk], s->plain, &fetched, e) != 0) {
		give_back(f, s, true);
		return -1;
	}
	if (fill) { /* others that wait for it may copy, too */
		(void)pthread_mutex_lock(&f->lock);
		s->reading = false;
		(void)pthread_cond_broadcast(&f->freed);
		(void)pthread_mutex_unlock(&f->lock);
	}
	memcpy(buf, s->plain + slice->offset + from, n);
	give_back(f, s, false);
	return 0;
}

int
mf_files_read(struct mf_files *f, const struct mf_entry *entry, uint64_t offset, void *buf,
    size_t n, struct mf_error *e)
{
	const struct mf_slice *s;
	uint8_t *to = buf;
	size_t i, now;

	for (i = 0; i < entry->n_slices && n > 0; i++) {
		s = &f->listing.slices[entry->first_slice + i];
		if (offset >= s->len) {
			offset -= s->len;
			continue;
		}
		now = s->len - offset < n ? s->len - (size_t)offset : n;
		if (copy_slice(f, s, (uint32_t)offset, to, now, e) != 0)
			return mf_error_while(e, "reading %s of %s@%s", entry->path,
			    f->version.root.model, f->version.root.version);
		to += now;
		n -= now;
		offset = 0;
	}
	return n == 0 ? 0
		      : mf_error_set(e, MF_EUSAGE, "%s of %s@%s is shorter than that", entry->path,
			    f->version.root.model, f->version.root.version);
}

struct mf_files_sum {
	struct mf_checksum_stream *stream;
};

struct mf_files_sum *
mf_files_sum_new(const struct mf_files *f, struct mf_error *e)
{
	struct mf_files_sum *s = calloc(1, sizeof *s);

	if (s == NULL) {
		(void)mf_error_nomem(e, "a checksum");
		return NULL;
	}
	if ((s->stream = mf_checksum_stream_new(f->repo, e)) == NULL) {
		free(s);
		return NULL;
	}
	mf_checksum_stream_reset(s->stream);
	return s;
}

void
mf_files_sum_add(struct mf_files_sum *s, const void *bytes, size_t n)
{
	mf_checksum_stream_add(s->stream, bytes, n);
}

bool
mf_files_sum_is(struct mf_files_sum *s, const struct mf_entry *entry)
{
	uint8_t sum[MF_CHECKSUM_BYTES];

	mf_checksum_stream_end(s->stream, sum);
	return memcmp(sum, entry->checksum, sizeof sum) == 0;
}

void
mf_files_sum_free(struct mf_files_sum *s)
{
	if (s == NULL)
		return;
	mf_checksum_stream_free(s->stream);
	free(s);
}
