/*
 * Which wanted chunks lie in the local versions, and where: in whatever file, under whatever
 * path. The manifests of those versions say it; they are read from the repository, segment by
 * segment, and a segment that two versions share is read once. Nothing is believed: a place is
 * where to look, and stage_reuse.c compares what it finds there. So a manifest that is
 * unsigned, damaged or gone costs time at most.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "src/base/log.h"
#include "src/repo/stage_work_int.h"

#define DIGEST_DIGITS 16
#define PART_DIGITS ((size_t)2 * MF_PLACE_PART_BYTES)
#define BUDGET_MIN_BYTES ((size_t)1 << 20)

struct finder {
	struct stage *s;
	const struct mf_idmap *ids;
	bool *is_wanted;          /* by canonical chunk */
	struct mf_idmap contents; /* --hard-link: what identifies a file's content -> entry */
	uint32_t *next_same;      /* by entry: the next one of the same content, + 1 */
	struct mf_idmap seen;     /* segments */
	size_t bytes, budget;
	uint32_t local; /* the version at hand */
	struct mf_listing l;
	uint64_t offset; /* in the last file of l */
};

static bool
is_full(const struct finder *f)
{
	return f->bytes >= f->budget;
}

static bool
interrupted(const struct finder *f)
{
	const struct mf_pull_params *p = f->s->p->pull;

	return p->interrupted != NULL && p->interrupted();
}

static int
add_source(struct finder *f, const char *path, struct mf_error *e)
{
	struct stage *s = f->s;
	const size_t want = s->sources_capacity ? s->sources_capacity * 2 : 64;
	struct stage_source *more;
	struct stage_source *src;

	if (s->n_sources == s->sources_capacity) {
		if ((more = reallocarray(s->sources, want, sizeof(*more))) == NULL)
			return mf_error_nomem(e, "the list of local chunks");
		s->sources = more;
		s->sources_capacity = want;
	}
	src = &s->sources[s->n_sources];
	src->local = f->local;
	if ((src->path = strdup(path)) == NULL)
		return mf_error_nomem(e, "the list of local chunks");
	s->n_sources++;
	f->bytes += sizeof(*src) + strlen(path) + 1;
	return 0;
}

static int
add_found(struct finder *f, const struct stage_found *x, struct mf_error *e)
{
	struct stage *s = f->s;
	const size_t want = s->found_capacity ? s->found_capacity * 2 : 256;
	struct stage_found *more;

	if (s->n_found == s->found_capacity) {
		if ((more = reallocarray(s->found, want, sizeof(*more))) == NULL)
			return mf_error_nomem(e, "the list of local chunks");
		s->found = more;
		s->found_capacity = want;
	}
	s->found[s->n_found++] = *x;
	f->bytes += sizeof(*x);
	return 0;
}

/* Note the wanted chunks of a file of the version at hand. *offset: where in the file its
 * first slice lies; afterwards where the next one would. */
static int
note_file(struct finder *f, const struct mf_listing *l, const struct mf_entry *x, uint64_t *offset,
    struct mf_error *e)
{
	const struct mf_chunk_ref *c;
	const struct mf_slice *sl;
	const uint64_t *canon;
	bool named = false;
	size_t j;

	for (j = 0; j < x->n_slices && !is_full(f); j++, *offset += sl->len) {
		sl = &l->slices[x->first_slice + j];
		c = &l->chunks[sl->chunk];
		canon = mf_idmap_get(f->ids, &c->id);
		if (canon == NULL || !f->is_wanted[*canon] ||
		    c->plain_len != f->s->p->listing->chunks[*canon].plain_len)
			continue;
		if (!named && add_source(f, x->path, e) != 0)
			return -1;
		named = true;
		if (add_found(f,
			&(struct stage_found){(uint32_t)*canon, (uint32_t)f->s->n_sources - 1,
			    sl->offset, sl->len, *offset},
			e) != 0)
			return -1;
	}
	return 0;
}

/* Checksum and size of a file, as the key of a map. Only for finding: it is no proof. */
static struct mf_id
content_key(const struct mf_entry *x)
{
	struct mf_id key = {{0}};

	memcpy(key.bytes, x->checksum, sizeof(x->checksum));
	memcpy(key.bytes + sizeof(x->checksum), &x->size, sizeof(x->size));
	return key;
}

static bool
can_have_twin(const struct finder *f, size_t entry)
{
	return stage_wants(f->s, entry) && f->s->p->listing->entries[entry].size > 0;
}

static int
index_contents(struct finder *f, struct mf_error *e)
{
	const struct mf_listing *l = f->s->p->listing;
	struct mf_id key;
	uint64_t *first, value;
	size_t i;

	f->next_same = calloc(l->n_entries + 1, sizeof(*f->next_same));
	f->s->twin = calloc(l->n_entries + 1, sizeof(*f->s->twin));
	if (f->next_same == NULL || f->s->twin == NULL)
		return mf_error_nomem(e, "the list of files");
	for (i = 0; i < l->n_entries; i++) {
		if (!can_have_twin(f, i))
			continue;
		key = content_key(&l->entries[i]);
		if ((first = mf_idmap_get(&f->contents, &key)) != NULL) {
			f->next_same[i] = (uint32_t)*first + 1;
			*first = i;
			continue;
		}
		value = i;
		if (mf_idmap_add(&f->contents, &key, &value) < 0)
			return mf_error_nomem(e, "the list of files");
	}
	return 0;
}

/* Note a file of the version at hand as the twin of the entries that have its content and
 * time: a link shares both. */
static int
note_twin(struct finder *f, const struct mf_entry *x, struct mf_error *e)
{
	const struct mf_listing *l = f->s->p->listing;
	const struct mf_id key = content_key(x);
	const uint64_t *first;
	uint32_t source = 0;
	size_t i;

	if (f->s->twin == NULL || x->type != MF_ENTRY_FILE || is_full(f) ||
	    (first = mf_idmap_get(&f->contents, &key)) == NULL)
		return 0;
	for (i = (size_t)*first + 1; i > 0; i = f->next_same[i - 1]) {
		if (f->s->twin[i - 1] != 0 || l->entries[i - 1].mtime_ns != x->mtime_ns)
			continue;
		if (source == 0) {
			if (add_source(f, x->path, e) != 0)
				return -1;
			source = (uint32_t)f->s->n_sources;
		}
		f->s->twin[i - 1] = source;
	}
	return 0;
}

/* Keep of the listing only the last entry, from which the next segment may go on. */
static void
keep_last(struct mf_listing *l)
{
	size_t i;

	for (i = 0; i + 1 < l->n_entries; i++) {
		free(l->entries[i].path);
		free(l->entries[i].target);
	}
	if (l->n_entries > 1) {
		l->entries[0] = l->entries[l->n_entries - 1];
		l->n_entries = 1;
	}
	if (l->n_entries == 1)
		l->entries[0].first_slice = l->entries[0].n_slices = 0;
	l->n_slices = l->n_chunks = 0;
}

static int
note_segment(struct finder *f, const struct mf_segment_ref *ref, struct mf_error *e)
{
	const bool goes_on = f->l.n_entries == 1;
	struct mf_buf plain = MF_BUF_INIT;
	size_t i;
	int rc = mf_segment_get(f->s->p->repo, ref, &plain, e);

	if (rc == 0)
		rc = mf_segment_decode(plain.data, plain.len, &f->l, e);
	mf_buf_fini(&plain);
	for (i = 0; rc == 0 && i < f->l.n_entries; i++) {
		if (i > 0 || !goes_on) {
			f->offset = 0;
			rc = note_twin(f, &f->l.entries[i], e);
		}
		if (rc == 0)
			rc = note_file(f, &f->l, &f->l.entries[i], &f->offset, e);
	}
	keep_last(&f->l);
	return rc;
}

/* A segment that cannot be read, or that begins in the middle of a file whose beginning is in
 * one that was read for another version, is left out. */
static int
note_version(struct finder *f, const struct mf_version *v, struct mf_error *e)
{
	const struct mf_segment_ref *ref;
	uint64_t value = 0;
	size_t i;
	int known, rc = 0;

	for (i = 0; rc == 0 && i < v->root.n_segments && !is_full(f) && !interrupted(f); i++) {
		ref = &v->root.segments[i];
		if ((known = mf_idmap_add(&f->seen, &ref->id, &value)) < 0)
			rc = mf_error_nomem(e, "the list of segments");
		if (known == 1)
			mf_listing_fini(&f->l);
		if (known != 0 || note_segment(f, ref, e) == 0)
			continue;
		mf_listing_fini(&f->l);
		if (e->code == MF_ENOMEM)
			return -1;
		mf_log(MF_LOG_DEBUG, "left out a part of the file list of the local version %s: %s",
		    v->root.version, e->message);
		mf_error_clear(e);
	}
	mf_listing_fini(&f->l);
	return rc;
}

/* KEY of place_int.h: the version's name, and the digits of its root's digest. */
static bool
split_key(const char *key, char name[MF_PLACE_NAME_BYTES], char digits[DIGEST_DIGITS + 1])
{
	size_t n = strlen(key);

	if (n > PART_DIGITS && key[n - PART_DIGITS - 1] == '.')
		n -= PART_DIGITS + 1;
	if (n <= DIGEST_DIGITS + 1 || key[n - DIGEST_DIGITS - 1] != '-')
		return false;
	snprintf(digits, DIGEST_DIGITS + 1, "%.*s", DIGEST_DIGITS, key + n - DIGEST_DIGITS);
	snprintf(name, MF_PLACE_NAME_BYTES, "%.*s", (int)(n - DIGEST_DIGITS - 1), key);
	return true;
}

/* 0; 1: the repository does not have it, or not the same. */
static int
find_version(const struct stage *s, const char *key, struct mf_version *v, struct mf_error *e)
{
	char name[MF_PLACE_NAME_BYTES], digits[DIGEST_DIGITS + 1], is[DIGEST_DIGITS + 1];
	int rc;

	if (!split_key(key, name, digits))
		return 1;
	if ((rc = mf_version_find(s->p->repo, s->p->model, name, v, e)) != 0)
		return rc;
	mf_hex_encode(is, v->digest, DIGEST_DIGITS / 2);
	if (strcmp(is, digits) == 0)
		return 0;
	mf_version_fini(v);
	return 1;
}

/* Without a manifest: as long as nothing moved, equal bytes lie at the same path and offset. */
static int
guess(struct finder *f, struct mf_error *e)
{
	const struct mf_listing *l = f->s->p->listing;
	uint64_t offset;
	size_t i;

	for (i = 0; i < l->n_entries && !is_full(f); i++) {
		offset = 0;
		if (!stage_wants(f->s, i))
			continue;
		if (note_file(f, l, &l->entries[i], &offset, e) != 0)
			return -1;
		if (f->s->twin == NULL || f->s->twin[i] != 0 || l->entries[i].size == 0)
			continue;
		if (add_source(f, l->entries[i].path, e) != 0)
			return -1;
		f->s->twin[i] = (uint32_t)f->s->n_sources;
	}
	return 0;
}

static int
by_chunk(const void *a, const void *b)
{
	const struct stage_found *x = a, *y = b;

	if (x->chunk != y->chunk)
		return x->chunk < y->chunk ? -1 : 1;
	if (x->chunk_offset != y->chunk_offset)
		return x->chunk_offset < y->chunk_offset ? -1 : 1;
	return x->source < y->source ? -1 : x->source > y->source;
}

static int
look_at_all(struct finder *f, struct mf_error *e)
{
	const struct stage *s = f->s;
	bool guesses = false;
	struct mf_version v;
	int rc = 0;

	for (f->local = 0; rc == 0 && f->local < s->p->n_locals && !interrupted(f); f->local++) {
		mf_error_clear(e);
		rc = find_version(s, s->p->locals[f->local].key, &v, e);
		if (rc == 0) {
			rc = note_version(f, &v, e);
			mf_version_fini(&v);
		} else if (rc == 1 || e->code != MF_ENOMEM) {
			mf_log(MF_LOG_DEBUG, "no file list of the local version %s%s%s",
			    s->p->locals[f->local].key, rc < 0 ? ": " : "",
			    rc < 0 ? e->message : "");
			guesses = guesses || f->local == 0;
			rc = 0;
		}
	}
	if (rc != 0)
		return -1;
	mf_error_clear(e);
	f->local = 0;
	/* last, so that what is known comes first */
	return guesses ? guess(f, e) : 0;
}

int
stage_find_local(struct stage *s, const struct mf_idmap *ids, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	struct finder f = {.s = s, .ids = ids, .budget = stage_memory_bytes(s) / 8};
	size_t i, j;
	int rc;

	if (f.budget < BUDGET_MIN_BYTES)
		f.budget = BUDGET_MIN_BYTES;
	if ((f.is_wanted = calloc(l->n_chunks + 1, sizeof(*f.is_wanted))) == NULL)
		return mf_error_nomem(e, "the list of chunks");
	for (i = 0; i < l->n_entries; i++)
		for (j = 0; stage_wants(s, i) && j < l->entries[i].n_slices; j++)
			f.is_wanted[s->canon[l->slices[l->entries[i].first_slice + j].chunk]] =
			    true;
	rc = s->p->pull->hard_link ? index_contents(&f, e) : 0;
	if (rc == 0)
		rc = look_at_all(&f, e);
	if (is_full(&f))
		mf_log(MF_LOG_DEBUG, "the list of local chunks is cut off: --memory is short");
	if (s->n_found > 1)
		qsort(s->found, s->n_found, sizeof(*s->found), by_chunk);
	mf_idmap_fini(&f.seen);
	mf_idmap_fini(&f.contents);
	free(f.next_same);
	free(f.is_wanted);
	return rc;
}

void
stage_free_local(struct stage *s)
{
	size_t i;

	for (i = 0; i < s->n_sources; i++)
		free(s->sources[i].path);
	free(s->sources);
	free(s->found);
	free(s->twin);
}
