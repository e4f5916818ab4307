/* Verify: which files of which versions need a damaged chunk? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/chunk_read_int.h"
#include "src/repo/verify_int.h"

struct naming {
	struct verify *s;
	const char *version;	/* "MODEL@VERSION" */
	struct mf_idmap clean;	/* segments that need no damaged chunk */
	struct mf_idmap paths;	/* damaged files of this version, by a hash of the path */
	struct verify_chunk **bad; /* by chunk of the segment at hand; NULL: healthy */
};

static void
say_why(const struct verify_chunk *c, size_t more, char *out, size_t bytes)
{
	char name[MF_OBJECT_NAME_BYTES];
	size_t at;

	if (c->reason != NULL) {
		snprintf(out, bytes, "%s", c->reason);
	} else {
		mf_name_chunk_prefix(name, &c->ref.id);
		snprintf(out, bytes, "chunk %.69s is %s", name,
		    c->is_short ? "truncated to nothing" : "missing");
	}
	at = strlen(out);
	if (more > 0)
		snprintf(out + at, bytes - at, ", and %zu more of its chunks", more);
}

/* 0: path is new among this version's damaged files; 1: it was reported; -1. */
static int
remember(struct naming *n, const char *path, struct mf_error *e)
{
	struct mf_id id;
	uint64_t one = 1;
	int rc;

	mf_object_name_id(path, &id);
	rc = mf_idmap_add(&n->paths, &id, &one);
	return rc < 0 ? mf_error_nomem(e, "the list of damage") : rc;
}

static int
name_file(struct naming *n, const struct mf_listing *l, const struct mf_entry *x,
    struct mf_error *e)
{
	struct verify_chunk *c, *first = NULL, *last = NULL;
	char why[MF_ERROR_MESSAGE_BYTES + 64];
	size_t i, more = 0;
	int rc;

	for (i = 0; i < x->n_slices; i++) {
		c = n->bad[l->slices[x->first_slice + i].chunk];
		if (c == NULL || c == last)
			continue;
		c->is_named = true;
		if (first == NULL)
			first = c;
		else
			more++;
		last = c;
	}
	if (first == NULL)
		return 0;
	if ((rc = remember(n, x->path, e)) != 0)
		return rc < 0 ? -1 : 0; /* a large file that goes on from the segment before */
	say_why(first, more, why, sizeof(why));
	verify_report(n->s, n->version, x->path, why);
	return 0;
}

static int
name_hard_link(struct naming *n, const struct mf_entry *x, struct mf_error *e)
{
	char why[MF_PATH_MAX_BYTES + 64];
	struct mf_id id;

	(void)e;
	mf_object_name_id(x->target, &id);
	if (mf_idmap_get(&n->paths, &id) == NULL)
		return 0;
	snprintf(why, sizeof(why), "another name of %s, which is damaged", x->target);
	verify_report(n->s, n->version, x->path, why);
	return 0;
}

static int
name_entries(struct naming *n, const struct mf_listing *l, struct mf_error *e)
{
	const struct mf_entry *x;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->n_entries; i++) {
		x = &l->entries[i];
		if (x->type == MF_ENTRY_FILE)
			rc = name_file(n, l, x, e);
		else if (x->type == MF_ENTRY_HARDLINK && n->paths.n > 0)
			rc = name_hard_link(n, x, e);
	}
	return rc;
}

static bool
has_hard_links(const struct mf_listing *l)
{
	size_t i;

	for (i = 0; i < l->n_entries; i++)
		if (l->entries[i].type == MF_ENTRY_HARDLINK)
			return true;
	return false;
}

static int
name_segment(struct naming *n, const struct mf_segment_ref *ref, struct mf_error *e)
{
	struct mf_listing l = {0};
	uint64_t one = 1;
	bool continues, any = false;
	size_t i;
	int rc = 0;

	if (mf_idmap_get(&n->clean, &ref->id) != NULL)
		return 0;
	if (verify_read_segment(n->s, ref, &l, &continues, e) != 0)
		return mf_error_is_damage(e) ? 0 : -1; /* was reported before */
	if ((n->bad = calloc(l.n_chunks + 1, sizeof(struct verify_chunk *))) == NULL)
		rc = mf_error_nomem(e, "the list of damage");
	for (i = 0; rc == 0 && i < l.n_chunks; i++)
		any |= (n->bad[i] = verify_find_bad(n->s, &l.chunks[i].id)) != NULL;
	if (rc == 0 && !any && !has_hard_links(&l)) {
		if (mf_idmap_add(&n->clean, &ref->id, &one) < 0)
			rc = mf_error_nomem(e, "the list of segments");
	} else if (rc == 0) {
		rc = name_entries(n, &l, e);
	}
	free(n->bad);
	mf_listing_fini(&l);
	return rc;
}

static int
name_version(struct naming *n, const struct mf_version *v, struct mf_error *e)
{
	char *name;
	size_t i;
	int rc = verify_is_gone(n->s, v, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if ((name = verify_name_of(v, e)) == NULL)
		return -1;
	n->version = name;
	for (i = 0; rc == 0 && i < v->root.n_segments; i++)
		rc = verify_interrupted(n->s, e) ? -1 : name_segment(n, &v->root.segments[i], e);
	mf_idmap_fini(&n->paths);
	free(name);
	return rc;
}

int
verify_name_files(struct verify *s, struct mf_error *e)
{
	struct naming n = {.s = s};
	size_t i, left = 0;
	int rc = 0;

	for (i = 0; i < s->n_bad; i++)
		left += !s->bad[i].is_there && !s->bad[i].repaired;
	for (i = 0; rc == 0 && left > 0 && i < s->versions.n; i++)
		rc = name_version(&n, &s->versions.items[i], e);
	mf_idmap_fini(&n.clean);
	mf_idmap_fini(&n.paths);
	return rc;
}
