/* What comes last: deletions, and what could not be put before them. */
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/sync/mirror_int.h"

#define BATCH 1000u /* what a bucket takes in one request */

struct batch {
	struct mirror_run *r;
	char *paths[BATCH];
	bool failed[BATCH];
	size_t n;
	struct mf_buf dir; /* where the last path lay: with '/' at its end, or empty */
};

static void
note_failed(void *arg, const char *path, const struct mf_error *why)
{
	struct batch *b = arg;
	struct mf_error e = *why;
	size_t i;

	for (i = 0; i < b->n && strcmp(b->paths[i], path) != 0; i++)
		;
	if (i < b->n)
		b->failed[i] = true;
	(void)mirror_failed(&b->r->failures, &e, path);
}

/* 0, or -1: fatal. */
static int
delete_batch(struct batch *b, struct mf_error *e)
{
	struct mirror_run *r = b->r;
	uint64_t before = mirror_failures_n(&r->failures);
	size_t i;
	int rc = 0;

	if (b->n > 0 && !r->p->dry_run)
		rc = mf_tree_del(r->p->dst, (const char *const *)b->paths, b->n, note_failed, b, e);
	/* an error that is not of single files is none of theirs */
	if (rc != 0 && mirror_failures_n(&r->failures) == before) {
		memset(b->failed, true, sizeof b->failed);
		rc = mirror_failed(&r->failures, e, b->paths[0]);
	} else
		rc = 0;
	for (i = 0; i < b->n; i++) {
		if (!b->failed[i])
			mirror_did(r, MF_MIRROR_DELETED, b->paths[i], 0);
		b->failed[i] = false;
		free(b->paths[i]);
	}
	b->n = 0;
	return rc;
}

/* Does the source have it, as a directory? Then it stays, empty. */
static bool
source_has_dir(struct mirror_run *r, const char *path)
{
	struct mf_tree_entry entry = {0};

	if (r->p->enters != NULL && !r->p->enters(r->p->takes_arg, path))
		return false;
	return mf_tree_look(r->p->src, path, &entry, NULL) == 0 && entry.kind == MF_TREE_DIR;
}

static int
remove_dir(struct mirror_run *r, const char *path, struct mf_error *e)
{
	int rc = 0;

	if (source_has_dir(r, path))
		return 0;
	if (!r->p->dry_run)
		rc = mf_tree_remove_dir(r->p->dst, path, e);
	if (rc < 0)
		return mirror_failed(&r->failures, e, path);
	return 0;
}

/* The next path to go is next (NULL: none). Directories that it does not lie in have been left, and
 * go if they are empty: all paths below one follow each other. */
static int
leave_dirs(struct batch *b, const char *next, struct mf_error *e)
{
	char *dir, *slash;
	int rc = 0;

	if ((mf_tree_capabilities(b->r->p->dst) & MF_TREE_EMPTY_DIRS) == 0)
		return 0;
	while (rc == 0 && b->dir.len > 0 &&
	       (next == NULL || strncmp(next, (const char *)b->dir.data, b->dir.len) != 0)) {
		if ((rc = delete_batch(b, e)) != 0)
			break;
		dir = (char *)b->dir.data;
		dir[b->dir.len - 1] = '\0';
		rc = remove_dir(b->r, dir, e);
		slash = strrchr(dir, '/');
		b->dir.len = slash != NULL ? (size_t)(slash - dir) + 1 : 0;
	}
	return rc;
}

static int
enter_dir(struct batch *b, const char *path, struct mf_error *e)
{
	const char *slash = strrchr(path, '/');

	mf_buf_clear(&b->dir);
	if (slash != NULL)
		mf_buf_put(&b->dir, path, (size_t)(slash - path) + 1);
	return b->dir.failed ? mf_error_nomem(e, "a path") : 0;
}

/* Takes path. */
static int
delete_one(struct batch *b, char *path, struct mf_error *e)
{
	struct mirror_run *r = b->r;
	size_t n = strlen(path);
	int rc;

	if (leave_dirs(b, path, e) != 0 || enter_dir(b, path, e) != 0) {
		free(path);
		return -1;
	}
	if (path[n - 1] == '/') { /* an empty directory goes when it is left */
		free(path);
		return 0;
	}
	if (!mirror_keeps(r) || r->p->dry_run) {
		b->paths[b->n++] = path;
		return b->n == BATCH ? delete_batch(b, e) : 0;
	}
	rc = mirror_keep_move(r, path, e);
	if (rc < 0)
		rc = mirror_failed(&r->failures, e, path);
	else
		mirror_did(r, MF_MIRROR_DELETED, path, 0);
	free(path);
	return rc < 0 ? -1 : 0;
}

static int
delete_all(struct mirror_run *r, struct mf_error *e)
{
	struct batch *b = calloc(1, sizeof *b);
	char *path = NULL;
	int rc = 0, got = 1;

	if (b == NULL)
		return mf_error_nomem(e, "deletions");
	b->r = r;
	while (rc == 0 && (got = mf_spill_next(&r->deletes, &path, e)) == 0) {
		mf_error_clear(e);
		if (mirror_interrupted(r)) {
			free(path);
			rc = mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		} else
			rc = delete_one(b, path, e);
	}
	if (rc == 0 && got == 1)
		rc = delete_batch(b, e);
	if (rc == 0 && got == 1)
		rc = leave_dirs(b, NULL, e);
	while (b->n > 0)
		free(b->paths[--b->n]);
	mf_buf_fini(&b->dir);
	free(b);
	return got < 0 ? -1 : rc;
}

int
mirror_delete(struct mirror_run *r, struct mf_error *e)
{
	const uint64_t n = r->files_to_delete;

	if (r->deletes.n == 0)
		return 0;
	if (!r->complete || mirror_failures_n(&r->failures) > 0) {
		r->result->not_deleted = n;
		mf_log(MF_LOG_ERROR,
		    "%llu files that the source does not have are not deleted, because"
		    " something failed before",
		    (unsigned long long)n);
		return 0;
	}
	if (r->p->has_max_delete && n > r->p->max_delete) {
		r->result->not_deleted = n;
		mf_error_set(e, MF_EFAIL,
		    "%llu files would be deleted, more than --max-delete %llu:"
		    " none is",
		    (unsigned long long)n, (unsigned long long)r->p->max_delete);
		mf_error_hint(
		    e, "see what they are with --dry-run, and allow as many if that is right");
		return mirror_failed(&r->failures, e, NULL);
	}
	if (mf_spill_rewind(&r->deletes, e) != 0)
		return -1;
	return delete_all(r, e);
}

static int
make_late(struct mirror_run *r, char *path, struct mf_error *e)
{
	path[strlen(path) - 1] = '\0';
	if (mf_tree_make_dir(r->p->dst, path, e) != 0)
		return mirror_failed(&r->failures, e, path);
	mirror_did(r, MF_MIRROR_MADE_DIR, path, 0);
	return 0;
}

static int
put_late(struct mirror_run *r, const char *path, struct mf_error *e)
{
	struct mf_tree_entry entry = {.path = path};
	struct mirror_item *item;
	int rc = mirror_look(r->p->src, &entry, e);

	if (rc != 0) {
		if (rc > 0)
			mf_error_set(e, MF_ESOURCE, "%s is gone", path);
		mirror_blame_source(r->p->src, e);
		return mirror_failed(&r->failures, e, path);
	}
	if ((item = mirror_item_new(&entry, NULL, e)) == NULL)
		return -1;
	item->late = true;
	rc = mirror_carry(r, item, e);
	free(item);
	return rc;
}

int
mirror_put_late(struct mirror_run *r, struct mf_error *e)
{
	char *path = NULL;
	int rc = mf_spill_rewind(&r->late, e);

	while (rc == 0 && (rc = mf_spill_next(&r->late, &path, e)) == 0) {
		rc = path[strlen(path) - 1] == '/' ? make_late(r, path, e) : put_late(r, path, e);
		free(path);
		mf_error_clear(rc == 0 ? e : NULL);
	}
	return rc < 0 ? -1 : 0;
}
