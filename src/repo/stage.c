/*
 * Chunks are in the order in which files first need them. Each worker has a stretch of them of
 * its own, and helps with the others' when it is done: two that write to one file wait for
 * its inode's lock (measured: 8 % of a pull to tmpfs). A chunk is read once, and written to
 * every place that wants a part of it. A chunk whose bytes are in place already
 * (a killed pull's, or an equal local version's) is compared by checksum and not fetched.
 * Symbolic links are made last, so that nothing can be written through one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/crew.h"
#include "src/base/fs.h"
#include "src/repo/checksum_int.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/index_int.h"
#include "src/repo/stage_int.h"

#define LOCKS 64
#define LINK_READ_BYTES ((size_t)1 << 20)
/* sealed bytes, the codec's scratch, the plaintext */
#define WORKER_BYTES ((size_t)56 << 20)
#define BASE_BYTES ((size_t)24 << 20)

/* Where a part of a chunk goes. */
struct target {
	uint32_t entry;
	uint32_t chunk_offset, len;
	uint64_t file_offset;
};

struct stage {
	const struct mf_stage_params *p;
	/* by distinct chunk, in order of first use */
	bool *linked; /* by entry: a hard link to an equal file of the base */
	uint32_t *chunk;       /* index in the listing's table */
	size_t *first;	       /* first of its targets; one more at the end */
	struct target *targets; /* grouped by chunk */
	size_t n;
	struct stretch {
		atomic_size_t next;
		size_t end;
	} *stretches;
	size_t n_stretches;
	atomic_size_t n_started;
	struct file {
		int fd;
		uint32_t remaining; /* targets not written yet */
	} *files; /* by entry */
	pthread_mutex_t locks[LOCKS];
	struct mf_crew *crew;
	_Atomic uint64_t fetched, reused;
};

struct worker {
	struct stage *s;
	struct mf_chunk_reader *reader;
	uint8_t *plain;
	size_t capacity;
};

static bool
is_wanted(const struct stage *s, size_t entry)
{
	return s->p->selected[entry] && !s->linked[entry] &&
	    s->p->listing->entries[entry].type == MF_ENTRY_FILE;
}

/* Number the distinct chunks and count their targets. */
static int
number_chunks(struct stage *s, struct mf_idmap *numbers, uint32_t *of_chunk, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	const struct mf_entry *x;
	uint64_t value;
	size_t i, j;
	int rc;

	for (i = 0; i < l->n_entries; i++) {
		x = &l->entries[i];
		for (j = 0; is_wanted(s, i) && j < x->n_slices; j++) {
			uint32_t c = l->slices[x->first_slice + j].chunk;

			value = s->n;
			if ((rc = mf_idmap_add(numbers, &l->chunks[c].id, &value)) < 0)
				return mf_error_nomem(e, "the list of chunks");
			if (rc == 0)
				s->chunk[s->n++] = c;
			of_chunk[c] = (uint32_t)value;
			if (l->chunks[c].plain_len != l->chunks[s->chunk[value]].plain_len)
				return mf_error_set(e, MF_EDAMAGED, "a manifest gives one chunk two lengths");
			s->first[value + 1]++;
			s->files[i].remaining++;
		}
	}
	return 0;
}

static int
place_targets(struct stage *s, const uint32_t *of_chunk, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	size_t *at = calloc(s->n + 1, sizeof(*at)), i, j;
	const struct mf_entry *x;
	uint64_t offset;

	if (at == NULL)
		return mf_error_nomem(e, "the list of chunks");
	for (i = 0; i < s->n; i++)
		s->first[i + 1] += s->first[i];
	memcpy(at, s->first, s->n * sizeof(*at));
	for (i = 0; i < l->n_entries; i++) {
		x = &l->entries[i];
		for (j = 0, offset = 0; is_wanted(s, i) && j < x->n_slices; j++) {
			const struct mf_slice *sl = &l->slices[x->first_slice + j];

			s->targets[at[of_chunk[sl->chunk]]++] =
			    (struct target){(uint32_t)i, sl->offset, sl->len, offset};
			offset += sl->len;
		}
		if (is_wanted(s, i) && offset != x->size) {
			free(at);
			return mf_error_set(e, MF_EDAMAGED,
			    "the manifest's slices of %s are not its size", x->path);
		}
	}
	free(at);
	return 0;
}

static int
plan(struct stage *s, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	struct mf_idmap numbers = {0};
	uint32_t *of_chunk = calloc(l->n_chunks + 1, sizeof(*of_chunk));
	int rc = -1;
	size_t i;

	s->chunk = calloc(l->n_chunks + 1, sizeof(*s->chunk));
	s->first = calloc(l->n_chunks + 2, sizeof(*s->first));
	s->targets = calloc(l->n_slices + 1, sizeof(*s->targets));
	s->files = calloc(l->n_entries + 1, sizeof(*s->files));
	if (of_chunk == NULL || s->chunk == NULL || s->first == NULL || s->targets == NULL ||
	    s->files == NULL) {
		mf_error_nomem(e, "the list of chunks");
	} else {
		for (i = 0; i < l->n_entries; i++)
			s->files[i].fd = -1;
		rc = number_chunks(s, &numbers, of_chunk, e);
		if (rc == 0)
			rc = place_targets(s, of_chunk, e);
	}
	mf_idmap_fini(&numbers);
	free(of_chunk);
	return rc;
}

/* Is what lies at the file's name ours to write: absent, or a regular file of one link. */
static int
open_target(struct stage *s, size_t entry, struct mf_error *e)
{
	const struct mf_entry *x = &s->p->listing->entries[entry];
	int fd = mf_fs_open_beneath(s->p->dirfd, x->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600, e);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)x->size) != 0) {
		mf_error_sys(e, errno, "cannot make %s as long as it will be", x->path);
		close(fd);
		return -1;
	}
	return fd;
}

static pthread_mutex_t *
lock_of(struct stage *s, size_t entry)
{
	return &s->locks[entry % LOCKS];
}

static int
file_fd(struct stage *s, size_t entry, struct mf_error *e)
{
	int fd;

	pthread_mutex_lock(lock_of(s, entry));
	if (s->files[entry].fd < 0)
		s->files[entry].fd = open_target(s, entry, e);
	fd = s->files[entry].fd;
	pthread_mutex_unlock(lock_of(s, entry));
	return fd;
}

static void
file_done(struct stage *s, size_t entry)
{
	struct file *f = &s->files[entry];

	pthread_mutex_lock(lock_of(s, entry));
	if (--f->remaining == 0) {
		if (f->fd >= 0)
			close(f->fd);
		f->fd = -1;
		MF_PROGRESS_ADD(s->p->pull->progress, files_done, 1);
	}
	pthread_mutex_unlock(lock_of(s, entry));
}

/* Put a chunk together from files that lie there. True: it is whole and right. */
static bool
assemble(struct worker *w, size_t n, int dirfd, bool staged)
{
	const struct mf_listing *l = w->s->p->listing;
	const struct mf_chunk_ref *c = &l->chunks[w->s->chunk[n]];
	uint8_t sum[MF_CHECKSUM_BYTES];
	struct mf_error ignored;
	struct mf_id id;
	size_t i, have = 0;

	for (i = w->s->first[n]; i < w->s->first[n + 1] && have < c->plain_len; i++) {
		const struct target *t = &w->s->targets[i];
		int fd, rc;

		if (t->chunk_offset != have)
			continue; /* parts are in order unless a chunk is used twice */
		mf_error_clear(&ignored);
		fd = staged ? file_fd(w->s, t->entry, &ignored)
			    : mf_fs_open_beneath(dirfd, l->entries[t->entry].path,
				  O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, &ignored);
		if (fd < 0)
			return false;
		rc = mf_fs_pread(fd, w->plain + have, t->len, t->file_offset, &ignored);
		if (!staged)
			close(fd);
		if (rc != 0)
			return false;
		have += t->len;
	}
	if (have != c->plain_len)
		return false;
	mf_checksum(w->s->p->repo, w->plain, have, sum);
	if (memcmp(sum, c->checksum, sizeof(sum)) != 0)
		return false;
	if (!w->s->p->recompute_ids)
		return true;
	mf_keyring_content_id(w->s->p->repo->keyring, MF_OBJECT_CHUNK, w->plain, have, &id);
	return mf_id_compare(&id, &c->id) == 0;
}

static int
write_parts(struct worker *w, size_t n, struct mf_error *e)
{
	struct stage *s = w->s;
	size_t i;
	int fd;

	for (i = s->first[n]; i < s->first[n + 1]; i++) {
		const struct target *t = &s->targets[i];

		if ((fd = file_fd(s, t->entry, e)) < 0)
			return -1;
		if (mf_fs_pwrite(fd, w->plain + t->chunk_offset, t->len, t->file_offset, e) != 0)
			return mf_error_while(e, "writing %s", s->p->listing->entries[t->entry].path);
		file_done(s, t->entry);
	}
	return 0;
}

static void
leave_parts(struct worker *w, size_t n)
{
	size_t i;

	for (i = w->s->first[n]; i < w->s->first[n + 1]; i++)
		file_done(w->s, w->s->targets[i].entry);
}

static int
take_chunk(struct worker *w, size_t n, struct mf_error *e)
{
	struct stage *s = w->s;
	const struct mf_chunk_ref *c = &s->p->listing->chunks[s->chunk[n]];
	const struct mf_entry *x = &s->p->listing->entries[s->targets[s->first[n]].entry];
	uint64_t fetched = 0;

	if (c->plain_len > w->capacity) {
		free(w->plain);
		w->capacity = 0;
		if ((w->plain = malloc(c->plain_len)) == NULL)
			return mf_error_nomem(e, "a chunk");
		w->capacity = c->plain_len;
	}
	if (s->p->resume && assemble(w, n, s->p->dirfd, true)) {
		atomic_fetch_add(&s->reused, c->plain_len);
		leave_parts(w, n);
	} else if (s->p->base >= 0 && assemble(w, n, s->p->base, false)) {
		atomic_fetch_add(&s->reused, c->plain_len);
		if (write_parts(w, n, e) != 0)
			return -1;
	} else {
		if (mf_chunk_reader_read(w->reader, c, w->plain, &fetched, e) != 0)
			return mf_error_while(e, "fetching %s", x->path);
		atomic_fetch_add(&s->fetched, fetched);
		MF_PROGRESS_ADD(s->p->pull->progress, bytes_fetched, fetched);
		if (write_parts(w, n, e) != 0)
			return -1;
	}
	MF_PROGRESS_ADD(s->p->pull->progress, bytes_done, c->plain_len);
	return 0;
}

/* The next chunk for the worker whose own stretch this is; s->n: there is none left. */
static size_t
next_chunk(struct stage *s, size_t own)
{
	struct stretch *t;
	size_t i, n;

	for (i = 0; i < s->n_stretches; i++) {
		t = &s->stretches[(own + i) % s->n_stretches];
		if (atomic_load(&t->next) < t->end && (n = atomic_fetch_add(&t->next, 1)) < t->end)
			return n;
	}
	return s->n;
}

static int
make_stretches(struct stage *s, size_t n, struct mf_error *e)
{
	size_t i;

	if ((s->stretches = calloc(n, sizeof(*s->stretches))) == NULL)
		return mf_error_nomem(e, "the list of chunks");
	s->n_stretches = n;
	for (i = 0; i < n; i++) {
		atomic_init(&s->stretches[i].next, s->n / n * i);
		s->stretches[i].end = i + 1 < n ? s->n / n * (i + 1) : s->n;
	}
	return 0;
}

static int
work(void *arg, struct mf_error *e)
{
	struct worker w = {.s = arg};
	size_t n, own = atomic_fetch_add(&w.s->n_started, 1);
	int rc = 0;

	w.reader = mf_chunk_reader_new(w.s->p->repo, w.s->p->recompute_ids, e);
	if (w.reader == NULL)
		return -1;
	while (rc == 0 && (n = next_chunk(w.s, own)) < w.s->n) {
		if (w.s->p->pull->interrupted != NULL && w.s->p->pull->interrupted())
			rc = mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		else if (mf_crew_cancelled(w.s->crew))
			break;
		else
			rc = take_chunk(&w, n, e);
	}
	mf_chunk_reader_free(w.reader);
	free(w.plain);
	return rc;
}

static int
run_workers(struct stage *s, struct mf_error *e)
{
	const struct mf_pull_params *p = s->p->pull;
	size_t memory = p->memory_bytes ? p->memory_bytes : s->p->repo->memory_bytes;
	size_t threads = p->threads ? p->threads : s->p->repo->threads, most = 1, i;
	int rc = 0;

	if (memory > BASE_BYTES + WORKER_BYTES)
		most = (memory - BASE_BYTES) / WORKER_BYTES;
	if (threads > most)
		threads = most;
	if (make_stretches(s, threads, e) != 0 || (s->crew = mf_crew_new(e)) == NULL)
		return -1;
	for (i = 0; rc == 0 && i < threads; i++)
		rc = mf_crew_start(s->crew, "mf-pull", work, s, e);
	if (rc != 0)
		mf_crew_cancel(s->crew, e);
	rc = mf_crew_join(s->crew, e);
	mf_crew_free(s->crew);
	return rc;
}

static int
make_dirs(const struct stage *s, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	char parent[MF_PATH_MAX_BYTES + 1], *slash;
	size_t i;

	for (i = 0; i < l->n_entries; i++) {
		if (!s->p->selected[i])
			continue;
		strncpy(parent, l->entries[i].path, sizeof(parent) - 1);
		parent[sizeof(parent) - 1] = '\0';
		if (l->entries[i].type != MF_ENTRY_DIR) {
			if ((slash = strrchr(parent, '/')) == NULL)
				continue;
			*slash = '\0';
			/* files of one directory follow each other: made with the first */
			if (i > 0 && strncmp(l->entries[i - 1].path, parent, strlen(parent)) == 0 &&
			    l->entries[i - 1].path[strlen(parent)] == '/' && s->p->selected[i - 1])
				continue;
		}
		if (mf_fs_mkdirs(s->p->dirfd, parent, 0700, e) != 0)
			return -1;
	}
	return 0;
}

static mode_t
final_mode(const struct stage *s, const struct mf_entry *x)
{
	const struct mf_pull_params *p = s->p->pull;
	mode_t mode = x->mode & 0777;

	if (p->no_perms)
		mode = x->type == MF_ENTRY_DIR ? 0750 : 0640;
	/* a volume's group reads it (fsGroup) */
	mode |= x->type == MF_ENTRY_DIR ? 0750 : 0440;
	mode = (mode & ~(mode_t)p->chmod_mask) | p->chmod_set;
	if (x->type == MF_ENTRY_DIR) /* who may read a directory may enter it */
		mode |= (mode & 0444) >> 2;
	if (p->hard_link && x->type == MF_ENTRY_FILE)
		mode = 0444;
	return mode;
}

static int
finish_file(struct stage *s, const struct mf_entry *x, struct mf_error *e)
{
	struct timespec times[2] = {{0, UTIME_OMIT},
	    {(time_t)(x->mtime_ns / 1000000000), (long)(x->mtime_ns % 1000000000)}};
	int fd, rc = 0;

	if (times[1].tv_nsec < 0) {
		times[1].tv_nsec += 1000000000;
		times[1].tv_sec--;
	}
	fd = mf_fs_open_beneath(s->p->dirfd, x->path,
	    x->type == MF_ENTRY_DIR ? O_RDONLY | O_DIRECTORY | O_CLOEXEC
				    : O_RDWR | O_CREAT | O_CLOEXEC,
	    0600, e);
	if (fd < 0)
		return -1;
	if (x->type == MF_ENTRY_FILE && x->size == 0 && ftruncate(fd, 0) != 0)
		rc = -1;
	if (fchmod(fd, final_mode(s, x)) != 0 || futimens(fd, times) != 0)
		rc = -1;
	if (rc != 0)
		mf_error_sys(e, errno, "cannot set mode and time of %s", x->path);
	close(fd);
	return rc;
}

/* Open the directory that holds path; *name is its last component. */
static int
open_parent(int dirfd, const char *path, const char **name, struct mf_error *e)
{
	char parent[MF_PATH_MAX_BYTES + 1];
	const char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (slash == NULL)
		return fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return mf_fs_open_beneath(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, e);
}

static int
make_link(struct stage *s, const struct mf_entry *x, struct mf_error *e)
{
	const char *name, *from_name = NULL;
	int fd = open_parent(s->p->dirfd, x->path, &name, e), from = -1, rc;

	if (fd < 0)
		return -1;
	unlinkat(fd, name, 0);
	if (x->type == MF_ENTRY_SYMLINK) {
		rc = symlinkat(x->target, fd, name);
	} else if ((from = open_parent(s->p->dirfd, x->target, &from_name, e)) < 0) {
		close(fd);
		return -1;
	} else {
		rc = linkat(from, from_name, fd, name, 0);
	}
	if (rc != 0)
		mf_error_sys(e, errno, "cannot make the link %s", x->path);
	if (from >= 0)
		close(from);
	close(fd);
	return rc;
}

/* Files first, then links, then directories from the inside out: each step changes the times
 * of the directories around it. */
static int
finish(struct stage *s, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	size_t i;

	for (i = 0; i < l->n_entries; i++)
		if (is_wanted(s, i) && finish_file(s, &l->entries[i], e) != 0)
			return -1;
	for (i = 0; i < l->n_entries; i++)
		if (s->p->selected[i] &&
		    (l->entries[i].type == MF_ENTRY_SYMLINK ||
			l->entries[i].type == MF_ENTRY_HARDLINK) &&
		    make_link(s, &l->entries[i], e) != 0)
			return -1;
	for (i = l->n_entries; i-- > 0;)
		if (s->p->selected[i] && l->entries[i].type == MF_ENTRY_DIR &&
		    finish_file(s, &l->entries[i], e) != 0)
			return -1;
	return mf_fs_sync_all(s->p->dirfd, e);
}

/* Is the open file the whole content of the entry, as the manifest's checksum says it? */
static bool
has_content(struct stage *s, int fd, const struct mf_entry *x, struct mf_checksum_stream *sum,
    uint8_t *buffer)
{
	uint8_t got[MF_CHECKSUM_BYTES];
	struct mf_error ignored;
	uint64_t at;
	size_t n;

	mf_error_clear(&ignored);
	mf_checksum_stream_reset(sum);
	for (at = 0; at < x->size; at += n) {
		n = x->size - at < LINK_READ_BYTES ? (size_t)(x->size - at) : LINK_READ_BYTES;
		if (mf_fs_pread(fd, buffer, n, at, &ignored) != 0 ||
		    (s->p->pull->interrupted != NULL && s->p->pull->interrupted()))
			return false;
		mf_checksum_stream_add(sum, buffer, n);
	}
	mf_checksum_stream_end(sum, got);
	return memcmp(got, x->checksum, sizeof(got)) == 0;
}

/* May the file of the base stand for the entry: nobody can write it, same size and time? */
static bool
may_link(int fd, const struct mf_entry *x)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0444 &&
	    (uint64_t)st.st_size == x->size &&
	    (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == x->mtime_ns;
}

static bool
link_from_base(struct stage *s, const struct mf_entry *x)
{
	const char *name, *from_name;
	struct mf_error ignored;
	int from, to, rc = -1;

	mf_error_clear(&ignored);
	from = open_parent(s->p->base, x->path, &from_name, &ignored);
	to = open_parent(s->p->dirfd, x->path, &name, &ignored);
	if (from >= 0 && to >= 0) {
		unlinkat(to, name, 0); /* a killed pull's */
		rc = linkat(from, from_name, to, name, 0);
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc == 0;
}

/* --hard-link: files that are equal in the version shown now become links to it; what cannot
 * be linked is copied or fetched like any other. */
static int
link_equal_files(struct stage *s, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	struct mf_checksum_stream *sum = mf_checksum_stream_new(s->p->repo, e);
	uint8_t *buffer = malloc(LINK_READ_BYTES);
	struct mf_error ignored;
	size_t i;
	int fd;

	for (i = 0; sum != NULL && buffer != NULL && i < l->n_entries; i++) {
		if (!is_wanted(s, i) || l->entries[i].size == 0)
			continue;
		mf_error_clear(&ignored);
		fd = mf_fs_open_beneath(s->p->base, l->entries[i].path,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, &ignored);
		if (fd < 0)
			continue;
		if (may_link(fd, &l->entries[i]) &&
		    has_content(s, fd, &l->entries[i], sum, buffer) &&
		    link_from_base(s, &l->entries[i])) {
			s->linked[i] = true;
			atomic_fetch_add(&s->reused, l->entries[i].size);
			MF_PROGRESS_ADD(s->p->pull->progress, bytes_done, l->entries[i].size);
			MF_PROGRESS_ADD(s->p->pull->progress, files_done, 1);
		}
		close(fd);
	}
	mf_checksum_stream_free(sum);
	free(buffer);
	if (sum == NULL || buffer == NULL)
		return mf_error_nomem(e, "a checksum");
	return 0;
}

int
mf_stage(const struct mf_stage_params *p, struct mf_pull_result *out, struct mf_error *e)
{
	struct stage s = {.p = p};
	size_t i;
	int rc;

	for (i = 0; i < LOCKS; i++)
		pthread_mutex_init(&s.locks[i], NULL);
	s.linked = calloc(p->listing->n_entries + 1, sizeof(*s.linked));
	rc = s.linked != NULL ? make_dirs(&s, e) : mf_error_nomem(e, "the list of files");
	if (rc == 0 && p->pull->hard_link && p->base >= 0)
		rc = link_equal_files(&s, e);
	if (rc == 0)
		rc = plan(&s, e);
	if (rc == 0)
		rc = run_workers(&s, e);
	for (i = 0; s.files != NULL && i < p->listing->n_entries; i++)
		if (s.files[i].fd >= 0)
			close(s.files[i].fd);
	if (rc == 0)
		rc = finish(&s, e);
	out->chunks = s.n;
	out->fetched_bytes = atomic_load(&s.fetched);
	out->reused_bytes = atomic_load(&s.reused);
	for (i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&s.locks[i]);
	free(s.chunk);
	free(s.first);
	free(s.targets);
	free(s.files);
	free(s.stretches);
	free(s.linked);
	return rc;
}
