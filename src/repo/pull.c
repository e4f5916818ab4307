/* Pull, from a version to a directory that shows it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/units.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/place_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/stage_int.h"

/* A ref of that name led to the version? Otherwise it has that name itself, is `previous`, or is
 * the only one there. */
static bool
was_led_by_ref(const char *name, const struct mf_version *v, bool is_there)
{
	return name == NULL ? is_there : strcmp(name, v->root.version) != 0 &&
	    strcmp(name, "previous") != 0;
}

/* A version of this name that this client pulled, made later than this one, is not replaced by
 * an earlier one that was forgotten. */
static int
check_age(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char key[300], what[400];
	uint64_t created = v->root.created_us > 0 ? (uint64_t)v->root.created_us : 0;

	snprintf(key, sizeof(key), "%s@%s", v->root.model, v->root.version);
	snprintf(what, sizeof(what), "the version %s (its time)", key);
	if (mf_pin_check(repo, key, created, what, e) != 0)
		return -1;
	return mf_pin_raise(repo, key, created, e);
}

/* Rules about the ref that led here: --min-sequence, --max-ref-age, --trusted-keys. */
static int
check_ref(struct mf_repo *repo, const struct mf_pull_params *p, const struct mf_version *v,
    struct mf_error *e)
{
	char *model, *name, age[MF_UNIT_TEXT_BYTES];
	struct mf_ref ref;
	int rc;

	if (mf_version_split(p->spec, &model, &name, e) != 0)
		return -1;
	rc = mf_ref_get(repo, model, name ? name : "production", &ref, e);
	if (was_led_by_ref(name, v, rc == 0) &&
	    (rc == 0 ? memcmp(ref.digest, v->digest, sizeof(ref.digest)) != 0
		     : e->code == MF_ENOTFOUND)) {
		/* a store that answers twice otherwise must not get around what follows */
		if (rc == 0)
			mf_ref_fini(&ref);
		rc = mf_error_set(e, MF_ECONFLICT, "the ref %s@%s moved meanwhile", model,
		    name ? name : "production");
	} else if (rc != 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e);
		rc = p->min_sequence == 0 && p->max_ref_age_us == 0
		    ? 0
		    : mf_error_set(e, MF_EUSAGE, "%s names no ref, and --min-sequence and "
			  "--max-ref-age are about one", p->spec);
	} else if (rc == 0) {
		/* a version may have the name that was asked for; then the ref is another's */
		if (memcmp(ref.digest, v->digest, sizeof(ref.digest)) != 0)
			rc = 0;
		else if (ref.sequence < p->min_sequence)
			rc = mf_error_set(e, MF_EKEY, "the ref %s@%s has sequence %llu, --min-sequence "
			    "demands %llu", model, ref.name, (unsigned long long)ref.sequence,
			    (unsigned long long)p->min_sequence);
		else if (p->max_ref_age_us != 0 && ref.moved_us + p->max_ref_age_us < p->now_us)
			rc = mf_error_set(e, MF_EKEY, "the ref %s@%s was moved %s ago, longer than "
			    "--max-ref-age allows", model, ref.name,
			    mf_format_duration((uint64_t)(p->now_us - ref.moved_us), age));
		else if (p->trust != NULL)
			rc = mf_ref_verify(repo, &ref, p->trust, p->now_us, e);
		mf_ref_fini(&ref);
	}
	free(model);
	free(name);
	return rc;
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

/* Refuse before the first byte what would not fit. A resumed staging holds part of it. */
static int
check_space(const struct mf_place *pl, const struct mf_pull_result *out, struct mf_error *e)
{
	char need[MF_UNIT_TEXT_BYTES], have[MF_UNIT_TEXT_BYTES];
	struct statvfs st;
	uint64_t free_bytes;

	if (pl->resumed || fstatvfs(pl->rootfd, &st) != 0)
		return 0;
	free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	if (free_bytes < out->bytes)
		return mf_error_set(e, MF_ENOSPC, "%s has %s free, and the version takes %s",
		    pl->p->dir, mf_format_size(free_bytes, have), mf_format_size(out->bytes, need));
	if (st.f_files != 0 && st.f_favail < out->files)
		return mf_error_set(e, MF_ENOSPC, "%s has %llu inodes free, and the version takes %llu",
		    pl->p->dir, (unsigned long long)st.f_favail, (unsigned long long)out->files);
	return 0;
}

static int
fill(struct mf_repo *repo, const struct mf_pull_params *p, const struct mf_listing *l,
    struct mf_place *pl, const bool *selected, struct mf_pull_result *out, struct mf_error *e)
{
	struct mf_stage_params sp = {.repo = repo, .listing = l, .selected = selected,
	    .recompute_ids = p->trust != NULL, .pull = p};
	int rc;

	if ((sp.dirfd = mf_place_staging(pl, e)) < 0)
		return -1;
	sp.resume = pl->resumed;
	sp.base = mf_place_current(pl);
	rc = check_space(pl, out, e);
	if (rc == 0)
		rc = mf_stage(&sp, out, e);
	if (sp.base >= 0)
		close(sp.base);
	close(sp.dirfd);
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

static int
pull_listing(struct mf_repo *repo, const struct mf_pull_params *p, const struct mf_version *v,
    const struct mf_listing *l, struct mf_pull_result *out, struct mf_error *e)
{
	struct mf_place pl;
	bool *selected = select_entries(p, l, out, e);
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
	if (mf_place_open(&pl, p, v, e) != 0) {
		free(selected);
		return -1;
	}
	out->already = link_shows(&pl);
	if (!pl.present)
		rc = fill(repo, p, l, &pl, selected, out, e);
	if (rc == 0)
		rc = mf_place_show(&pl, out->path, sizeof(out->path), e);
	if (rc == 0)
		rc = mf_place_tidy(&pl, e);
	mf_place_close(&pl);
	free(selected);
	return rc;
}

int
mf_pull(struct mf_repo *repo, const struct mf_pull_params *p, struct mf_pull_result *out,
    struct mf_error *e)
{
	struct mf_listing l = {0};
	struct mf_version v;
	int rc;

	*out = (struct mf_pull_result){0};
	if (p->hard_link && p->trust != NULL) {
		mf_error_set(e, MF_EUSAGE, "--hard-link and --trusted-keys exclude each other");
		return mf_error_hint(e, "a linked file is compared by checksum alone, which no "
		    "signature vouches for");
	}
	if (mf_version_resolve(repo, p->spec, &v, e) != 0)
		return -1;
	snprintf(out->version, sizeof(out->version), "%s", v.root.version);
	rc = check_ref(repo, p, &v, e);
	if (rc == 0 && p->trust != NULL)
		rc = mf_root_verify(&v.root, v.root_bytes.data, v.root_bytes.len, p->trust, p->now_us,
		    e);
	if (rc == 0)
		rc = check_age(repo, &v, e);
	if (rc == 0)
		rc = mf_version_read(repo, &v, &l, e);
	if (rc == 0)
		rc = pull_listing(repo, p, &v, &l, out, e);
	if (rc != 0)
		mf_error_while(e, "pulling %s@%s to %s", v.root.model, v.root.version, p->dir);
	mf_listing_fini(&l);
	mf_version_fini(&v);
	return rc;
}

static int
cat_slices(struct mf_repo *repo, const struct mf_listing *l, const struct mf_entry *x, int fd,
    struct mf_error *e)
{
	struct mf_chunk_reader *reader = mf_chunk_reader_new(repo, true, e);
	uint8_t *plain = malloc(MF_CHUNK_MAX_BYTES);
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
		if (rc == 0)
			rc = mf_fs_write(fd, plain + s->offset, s->len, e);
	}
	mf_chunk_reader_free(reader);
	free(plain);
	return rc;
}

int
mf_cat(struct mf_repo *repo, const char *spec, const char *path, int fd, struct mf_error *e)
{
	struct mf_listing l = {0};
	struct mf_version v;
	const struct mf_entry *x;
	int rc;

	if (mf_version_resolve(repo, spec, &v, e) != 0)
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
