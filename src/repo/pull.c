/* Pull, from a version to a directory that shows it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/large.h"
#include "src/base/units.h"
#include "src/repo/checksum_int.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/place_int.h"
#include "src/repo/seen_int.h"
#include "src/repo/stage_int.h"

/* A version of this name that this client pulled, made later than this one, is not replaced by
 * an earlier one that was forgotten. */
static int
check_age(struct mf_repo *repo, const struct mf_version *v, struct mf_seen *seen,
    struct mf_error *e)
{
	char key[300], what[400];
	uint64_t created = v->root.created_us > 0 ? (uint64_t)v->root.created_us : 0;

	snprintf(key, sizeof(key), "%s@%s", v->root.model, v->root.version);
	snprintf(what, sizeof(what), "the version %s (its time)", key);
	if (mf_pin_check(repo, key, created, what, e) != 0 ||
	    mf_seen_check(seen, repo->id_hex, key, created, what, e) != 0)
		return -1;
	return mf_pin_raise(repo, key, created, e);
}

static bool
parents_selected(const struct mf_pull_params *p, const char *path)
{
	char parent[MF_PATH_MAX_BYTES + 1];
	size_t i;

	for (i = 0; path[i] != '\0'; i++) {
		if (path[i] == '/') {
			parent[i] = '\0';
			if (!p->selects(p->selects_arg, parent, true))
				return false;
		}
		parent[i] = path[i];
	}
	return true;
}

static bool *
select_entries(const struct mf_pull_params *p, const struct mf_listing *l,
    struct mf_pull_result *out, struct mf_error *e)
{
	bool *selected = calloc(l->n_entries + 1, sizeof(*selected));
	const struct mf_entry *x, *first;
	size_t i;

	if (selected == NULL) {
		mf_error_nomem(e, "the list of files");
		return NULL;
	}
	for (i = 0; i < l->n_entries; i++) {
		x = &l->entries[i];
		selected[i] = p->selects == NULL ||
		    (parents_selected(p, x->path) &&
			p->selects(p->selects_arg, x->path, x->type == MF_ENTRY_DIR));
		if (selected[i] && x->type == MF_ENTRY_FILE) {
			out->files++;
			out->bytes += x->size;
		}
	}
	for (i = 0; i < l->n_entries; i++) {
		if (!selected[i] || l->entries[i].type != MF_ENTRY_HARDLINK)
			continue;
		first = mf_listing_find(l, l->entries[i].target);
		if (first == NULL || !selected[first - l->entries]) {
			mf_error_set(e, first == NULL ? MF_EDAMAGED : MF_EUSAGE,
			    "%s is a hard link to %s, which is not selected", l->entries[i].path,
			    l->entries[i].target);
			free(selected);
			return NULL;
		}
	}
	return selected;
}

static int
fill(struct mf_repo *repo, const struct mf_pull_params *p, const struct mf_version *v,
    const struct mf_listing *l, struct mf_place *pl, const bool *selected,
    struct mf_pull_result *out, struct mf_error *e)
{
	struct mf_place_local locals[MF_PLACE_LOCALS_MAX];
	struct mf_stage_params sp = {.repo = repo, .model = v->root.model, .listing = l,
	    .selected = selected, .locals = locals, .recompute_ids = p->trust != NULL, .pull = p};
	int rc;

	if ((sp.dirfd = mf_place_staging(pl, e)) < 0)
		return -1;
	sp.resume = pl->resumed;
	sp.n_locals = mf_place_open_locals(pl, locals);
	rc = mf_stage(&sp, out, e);
	mf_place_close_locals(locals, sp.n_locals);
	close(sp.dirfd);
	if (rc != 0 && !sp.resume && out->fetched_bytes == 0 && out->reused_bytes == 0)
		mf_place_drop_staging(pl); /* there is nothing in it for the next one to go on with */
	return rc;
}

static bool
link_shows(const struct mf_place *pl)
{
	char target[700];
	ssize_t n;

	if (pl->p->link == NULL || !pl->present)
		return false;
	n = readlinkat(pl->rootfd, pl->p->link, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, pl->final) == 0;
}

/* Without a link: is the directory what would be staged? */
static bool
dir_is(const struct mf_place *pl)
{
	char key[MF_PLACE_NAME_BYTES];
	bool is;
	int fd;

	if (!pl->exchange)
		return false;
	fd = openat(pl->rootfd, pl->leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	is = fd >= 0 && mf_place_mark(fd, key) && strcmp(key, pl->key) == 0;
	if (fd >= 0)
		close(fd);
	return is;
}

/* What tells this selection from another one; NULL: everything is selected. */
static const uint8_t *
part_of(const struct mf_repo *repo, const bool *selected, size_t n, uint8_t sum[MF_CHECKSUM_BYTES])
{
	if (memchr(selected, 0, n) == NULL)
		return NULL;
	mf_checksum(repo, selected, n, sum);
	return sum;
}

/* What was seen goes where the directory keeps it, before anything is shown: into what stands
 * there, and (where all of it will be replaced) into what will stand there. */
static int
remember(struct mf_seen *seen, const struct mf_place *pl, struct mf_error *e)
{
	if (pl->p->link != NULL)
		return mf_seen_save(seen, pl->rootfd, ".", e);
	return pl->exchange ? mf_seen_save(seen, pl->rootfd, pl->leaf, e) : 0;
}

static int
show(const struct mf_seen *seen, struct mf_place *pl, struct mf_pull_result *out,
    struct mf_error *e)
{
	if (pl->p->link == NULL && mf_seen_write(seen, pl->rootfd, pl->staging, e) != 0)
		return -1;
	return mf_place_show(pl, out->path, sizeof(out->path), e);
}

static int
pull_listing(struct mf_repo *repo, const struct mf_pull_params *p, const struct mf_version *v,
    const struct mf_listing *l, struct mf_seen *seen, struct mf_pull_result *out,
    struct mf_error *e)
{
	struct mf_place pl;
	uint8_t sum[MF_CHECKSUM_BYTES];
	bool *selected = select_entries(p, l, out, e), same;
	int rc = 0;

	if (selected == NULL)
		return -1;
	if (p->progress != NULL) {
		atomic_store(&p->progress->bytes_total, out->bytes);
		atomic_store(&p->progress->files_total, out->files);
	}
	if (p->dry_run) {
		free(selected);
		return 0;
	}
	if (mf_place_open(&pl, p, v, part_of(repo, selected, l->n_entries, sum), e) != 0) {
		free(selected);
		return -1;
	}
	same = p->leave_same && !p->afresh && dir_is(&pl);
	out->already = same || link_shows(&pl);
	rc = remember(seen, &pl, e);
	if (same)
		snprintf(out->path, sizeof(out->path), "%s", p->dir);
	if (rc == 0 && !same && !pl.present)
		rc = fill(repo, p, v, l, &pl, selected, out, e);
	if (rc == 0 && !same)
		rc = show(seen, &pl, out, e);
	if (rc == 0 && !same)
		rc = mf_place_tidy(&pl, repo, v->root.model, e);
	mf_place_close(&pl);
	free(selected);
	return rc;
}

static int
pull_seen(struct mf_repo *repo, const struct mf_pull_params *p, struct mf_seen *seen,
    struct mf_pull_result *out, struct mf_error *e)
{
	struct mf_demands d = {.trust = p->trust, .now_us = p->now_us,
	    .min_sequence = p->min_sequence, .max_ref_age_us = p->max_ref_age_us, .seen = seen};
	struct mf_listing l = {0};
	struct mf_version v;
	int rc;

	if (mf_repo_check_seen(repo, seen, e) != 0 ||
	    mf_version_resolve_as(repo, p->spec, &d, &v, e) != 0)
		return mf_error_while(e, "pulling %s to %s", p->spec, p->dir);
	snprintf(out->version, sizeof(out->version), "%s", v.root.version);
	out->sequence = v.ref_sequence;
	rc = check_age(repo, &v, seen, e);
	if (rc == 0)
		rc = mf_version_read(repo, &v, &l, e);
	if (rc == 0)
		rc = pull_listing(repo, p, &v, &l, seen, out, e);
	if (rc != 0)
		mf_error_while(e, "pulling %s@%s to %s", v.root.model, v.root.version, p->dir);
	mf_listing_fini(&l);
	mf_version_fini(&v);
	return rc;
}

int
mf_pull(struct mf_repo *repo, const struct mf_pull_params *p, struct mf_pull_result *out,
    struct mf_error *e)
{
	struct mf_seen seen;
	int rc;

	*out = (struct mf_pull_result){0};
	if (mf_seen_load(&seen, p->dir, e) != 0)
		return mf_error_while(e, "pulling %s to %s", p->spec, p->dir);
	rc = pull_seen(repo, p, &seen, out, e);
	mf_seen_fini(&seen);
	return rc;
}

static int
cat_slices(struct mf_repo *repo, const struct mf_listing *l, const struct mf_entry *x, int fd,
    struct mf_error *e)
{
	struct mf_chunk_reader *reader = mf_chunk_reader_new(repo, MF_CHUNK_ID, e);
	uint8_t *plain = mf_large_malloc(MF_CHUNK_MAX_BYTES);
	uint32_t held = UINT32_MAX;
	uint64_t fetched = 0;
	size_t i;
	int rc = 0;

	if (reader == NULL || plain == NULL)
		rc = plain == NULL ? mf_error_nomem(e, "a chunk") : -1;
	for (i = 0; rc == 0 && i < x->n_slices; i++) {
		const struct mf_slice *s = &l->slices[x->first_slice + i];

		if (s->chunk != held)
			rc = mf_chunk_reader_read(reader, &l->chunks[s->chunk], plain, &fetched, e);
		held = s->chunk;
		if (rc == 0 && (rc = mf_fs_write(fd, plain + s->offset, s->len, e)) != 0 &&
		    e->sys_errno == EPIPE)
			mf_error_set(e, MF_ECLOSED, "nobody reads the result any more");
	}
	mf_chunk_reader_free(reader);
	free(plain);
	return rc;
}

int
mf_cat(struct mf_repo *repo, const char *spec, const char *path, const struct mf_demands *d,
    int fd, struct mf_error *e)
{
	struct mf_listing l = {0};
	struct mf_version v;
	const struct mf_entry *x;
	int rc;

	if (mf_version_resolve_as(repo, spec, d, &v, e) != 0)
		return -1;
	rc = mf_version_read(repo, &v, &l, e);
	if (rc == 0) {
		x = mf_listing_find(&l, path);
		if (x != NULL && x->type == MF_ENTRY_HARDLINK)
			x = mf_listing_find(&l, x->target);
		if (x == NULL)
			rc = mf_error_set(e, MF_ENOTFOUND, "no %s in %s@%s", path, v.root.model,
			    v.root.version);
		else if (x->type != MF_ENTRY_FILE)
			rc = mf_error_set(e, MF_EUSAGE, "%s in %s@%s is no file", path, v.root.model,
			    v.root.version);
		else
			rc = cat_slices(repo, &l, x, fd, e);
	}
	mf_listing_fini(&l);
	mf_version_fini(&v);
	return rc == 0 ? 0 : mf_error_while(e, "reading %s of %s", path, spec);
}
