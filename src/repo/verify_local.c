/*
 * Verify --local: is a directory what the version says? Types, sizes, link targets, and the
 * checksum of every file, which threads compute. Modes and times are not compared: a pull may
 * have been told to set others. A hard link counts as a file of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/crew.h"
#include "src/base/fs.h"
#include "src/repo/checksum_int.h"
#include "src/repo/verify_int.h"
#include "src/repo/walk_int.h"

#define READ_BYTES ((size_t)1 << 20)
#define QUEUE_ITEMS 256
#define CONTROL_DIR ".modelferry" /* pull's own, inside its DIR */

struct finding {
	char *path, *reason;
};

struct local {
	struct verify *s;
	struct mf_listing listing;
	struct mf_source_tree tree;
	struct mf_queue *queue; /* of struct pair, from malloc */
	struct mf_crew *crew;
	pthread_mutex_t lock; /* findings */
	struct finding *findings;
	size_t n, capacity;
	atomic_uint_fast64_t bytes_read;
};

struct pair {
	const struct mf_source_entry *have;
	const struct mf_entry *want;
};

static int
add_finding(struct local *l, const char *path, const char *reason, struct mf_error *e)
{
	struct finding f = {strdup(path), strdup(reason)}, *more;
	size_t want;
	bool ok = f.path != NULL && f.reason != NULL;

	pthread_mutex_lock(&l->lock);
	if (ok && l->n == l->capacity) {
		want = l->capacity ? l->capacity * 2 : 64;
		more = reallocarray(l->findings, want, sizeof(*more));
		ok = more != NULL;
		if (more != NULL) {
			l->findings = more;
			l->capacity = want;
		}
	}
	if (ok)
		l->findings[l->n++] = f;
	pthread_mutex_unlock(&l->lock);
	if (ok)
		return 0;
	free(f.path);
	free(f.reason);
	return mf_error_nomem(e, "the list of differences");
}

struct worker {
	struct local *l;
	struct mf_checksum_stream *checksum;
	uint8_t *buf;
};

/* 0: read to its end. 1: it cannot be read, or not that far. -1: interrupted. */
static int
read_whole(struct worker *w, int fd, uint64_t size, struct mf_error *e)
{
	uint64_t at;
	size_t n;

	mf_checksum_stream_reset(w->checksum);
	for (at = 0; at < size; at += n) {
		if (verify_interrupted(w->l->s, e))
			return -1;
		n = size - at < READ_BYTES ? (size_t)(size - at) : READ_BYTES;
		mf_error_clear(e);
		if (mf_fs_pread(fd, w->buf, n, at, e) != 0)
			return 1;
		mf_checksum_stream_add(w->checksum, w->buf, n);
		atomic_fetch_add(&w->l->bytes_read, n);
		MF_PROGRESS_ADD(w->l->s->p->progress, bytes_done, n);
	}
	return 0;
}

static int
compare_content(struct worker *w, const struct pair *pair, struct mf_error *e)
{
	const char *path = pair->have->entry.path;
	uint8_t checksum[MF_CHECKSUM_BYTES];
	char why[MF_ERROR_MESSAGE_BYTES + 32];
	struct mf_error own;
	int fd, rc;

	fd = openat(w->l->tree.dirfd, path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | (pair->have->follows ? 0 : O_NOFOLLOW));
	if (fd < 0) {
		mf_error_sys(&own, errno, "cannot be read");
		return add_finding(w->l, path, own.message, e);
	}
	rc = read_whole(w, fd, pair->want->size, e);
	close(fd);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		snprintf(why, sizeof(why), "cannot be read: %s",
		    e->code == MF_OK ? "it became shorter" : e->message);
		return add_finding(w->l, path, why, e);
	}
	mf_checksum_stream_end(w->checksum, checksum);
	MF_PROGRESS_ADD(w->l->s->p->progress, files_done, 1);
	if (memcmp(checksum, pair->want->checksum, sizeof(checksum)) == 0)
		return 0;
	return add_finding(w->l, path, "wrong content: its checksum is not the version's", e);
}

static int
work(void *arg, struct mf_error *e)
{
	struct worker w = {.l = arg};
	struct pair *pair;
	int rc = -1;

	w.checksum = mf_checksum_stream_new(w.l->s->repo, e);
	w.buf = malloc(READ_BYTES);
	if (w.buf == NULL)
		mf_error_nomem(e, "a buffer");
	else if (w.checksum != NULL)
		rc = 0;
	while (rc == 0 && (pair = mf_queue_pop(w.l->queue)) != NULL) {
		rc = compare_content(&w, pair, e);
		free(pair);
	}
	mf_checksum_stream_free(w.checksum);
	free(w.buf);
	return rc;
}

static const char *
type_name(enum mf_entry_type type)
{
	return type == MF_ENTRY_DIR	? "a directory"
	    : type == MF_ENTRY_SYMLINK ? "a symbolic link"
					: "a file";
}

static enum mf_entry_type
plain_type(enum mf_entry_type type)
{
	return type == MF_ENTRY_HARDLINK ? MF_ENTRY_FILE : type;
}

static int
compare_file(struct local *l, const struct mf_entry *want, const struct mf_source_entry *have,
    struct mf_error *e)
{
	struct pair *pair;
	char why[128];

	if (want->type == MF_ENTRY_HARDLINK &&
	    (want = mf_listing_find(&l->listing, want->target)) == NULL)
		return add_finding(l, have->entry.path, "its hard link in the version leads nowhere", e);
	if (want->size != have->entry.size) {
		snprintf(why, sizeof(why), "is %llu bytes long, the version has %llu",
		    (unsigned long long)have->entry.size, (unsigned long long)want->size);
		return add_finding(l, have->entry.path, why, e);
	}
	if ((pair = malloc(sizeof(*pair))) == NULL)
		return mf_error_nomem(e, "a file");
	*pair = (struct pair){have, want};
	if (mf_queue_push(l->queue, pair) == 0)
		return 0;
	free(pair);
	return mf_error_set(e, MF_EINTERRUPTED, "stopped"); /* the crew has the reason */
}

static int
compare_entry(struct local *l, const struct mf_entry *want, const struct mf_source_entry *have,
    struct mf_error *e)
{
	enum mf_entry_type a = plain_type(want->type), b = plain_type(have->entry.type);
	char why[2 * 512];

	if (a != b) {
		snprintf(why, sizeof(why), "is %s, the version has %s", type_name(b), type_name(a));
		return add_finding(l, want->path, why, e);
	}
	if (a == MF_ENTRY_FILE)
		return compare_file(l, want, have, e);
	if (a != MF_ENTRY_SYMLINK || strcmp(want->target, have->entry.target) == 0)
		return 0;
	snprintf(why, sizeof(why), "leads to %.400s, in the version to %.400s", have->entry.target,
	    want->target);
	return add_finding(l, want->path, why, e);
}

/* Both are sorted by path. */
static int
compare_all(struct local *l, struct mf_error *e)
{
	const struct mf_listing *v = &l->listing;
	const struct mf_source_tree *t = &l->tree;
	size_t i = 0, k = 0;
	int rc = 0, c;

	while (rc == 0 && (i < v->n_entries || k < t->n)) {
		c = i == v->n_entries ? 1
		    : k == t->n	      ? -1
				      : mf_path_compare(v->entries[i].path, t->items[k].entry.path);
		if (c < 0)
			rc = add_finding(l, v->entries[i++].path, "missing", e);
		else if (c > 0)
			rc = add_finding(l, t->items[k++].entry.path, "not in the version", e);
		else
			rc = compare_entry(l, &v->entries[i++], &t->items[k++], e);
	}
	return rc;
}

static int
compare_with_crew(struct local *l, struct mf_error *e)
{
	unsigned n = l->s->p->threads ? l->s->p->threads : l->s->repo->threads, i;
	struct mf_error own;
	int rc = -1;

	mf_error_clear(&own);
	l->crew = mf_crew_new(e);
	l->queue = l->crew != NULL ? mf_queue_new(QUEUE_ITEMS, e) : NULL;
	if (l->queue != NULL && mf_crew_watch(l->crew, l->queue, e) == 0)
		rc = 0;
	for (i = 0; rc == 0 && i < n; i++)
		rc = mf_crew_start(l->crew, "mf-local", work, l, e);
	if (rc == 0)
		rc = compare_all(l, e);
	if (l->queue != NULL)
		mf_queue_close(l->queue);
	if (l->crew != NULL) {
		if (rc != 0 && e->code != MF_EINTERRUPTED)
			mf_crew_cancel(l->crew, e);
		if (mf_crew_join(l->crew, &own) != 0) {
			*e = own;
			rc = -1;
		}
		mf_crew_free(l->crew);
	}
	mf_queue_free(l->queue, free);
	return rc;
}

static bool
selects(void *arg, const char *path, bool is_dir)
{
	(void)arg;
	return !is_dir || strcmp(path, CONTROL_DIR) != 0;
}

static int
by_path(const void *a, const void *b)
{
	return mf_path_compare(((const struct finding *)a)->path, ((const struct finding *)b)->path);
}

static int
report_findings(struct local *l, const struct mf_version *v, struct mf_error *e)
{
	char *name = verify_name_of(v, e);
	size_t i;

	if (name == NULL)
		return -1;
	if (l->n > 1)
		qsort(l->findings, l->n, sizeof(*l->findings), by_path);
	for (i = 0; i < l->n; i++)
		verify_report(l->s, name, l->findings[i].path, l->findings[i].reason);
	free(name);
	return 0;
}

int
verify_local(struct verify *s, const struct mf_version *v, struct mf_error *e)
{
	struct local l = {.s = s, .tree = {.dirfd = -1}};
	struct mf_walk_params w = {.dir = s->p->local, .selects = selects, .allow_partial = true,
	    .interrupted = s->p->interrupted};
	size_t i;
	int rc;

	pthread_mutex_init(&l.lock, NULL);
	rc = mf_version_read(s->repo, v, &l.listing, e);
	if (rc == 0)
		rc = mf_walk(&w, &l.tree, e);
	if (rc == 0 && s->p->progress != NULL) {
		atomic_fetch_add(&s->p->progress->bytes_total, l.tree.bytes);
		atomic_fetch_add(&s->p->progress->files_total, l.tree.n_files);
	}
	if (rc == 0)
		rc = compare_with_crew(&l, e);
	if (rc == 0)
		rc = report_findings(&l, v, e);
	s->out->bytes_read += atomic_load(&l.bytes_read);
	for (i = 0; i < l.n; i++) {
		free(l.findings[i].path);
		free(l.findings[i].reason);
	}
	free(l.findings);
	mf_listing_fini(&l.listing);
	mf_source_tree_fini(&l.tree);
	pthread_mutex_destroy(&l.lock);
	return rc;
}
