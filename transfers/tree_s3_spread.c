/*
 * Reading a large object in several ranges at once, each over a connection of its own: one gets but
 * a part of what a long line carries, and two shards of a checkpoint would take as many.
 *
 * What came is compared as where it is read in order (tree_s3_get.c), by what can be put together
 * of its pieces: the CRC-32C of the whole, or the ETag of parts, of which each range has some. An
 * MD5 or a SHA-256 of the whole cannot, so that such an object is read in order.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/crew.h"
#include "src/base/log.h"
#include "transfers/tree_s3_int.h"

#define RANGES_MIN 4 /* fewer are not worth the request for what is compared */

enum compared { NOTHING, CRC32C, PARTS };

struct spread {
	struct s3_tree *tree;
	const struct mf_tree_entry *entry;
	const char *key;
	mf_tree_place *place;
	void *arg;

	enum compared compared;
	struct s3_sum_check told; /* CRC32C */
	uint64_t part_bytes;      /* PARTS */
	uint8_t want[MF_MD5_BYTES];
	uint8_t (*md5s)[MF_MD5_BYTES]; /* of n_parts */
	size_t n_parts;
	uint32_t *sums; /* CRC32C, of n_ranges */

	uint64_t range_bytes;
	size_t n_ranges;
	atomic_size_t next;
	struct mf_crew *crew;
	atomic_bool no_ranges; /* the store does not give any */
};

/* ---- what it is compared with ---- */

/* 0; 1: it has to be read in order; -1. */
static int
note_told(struct spread *s, const struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_tree_entry *entry = s->entry;
	struct mf_tree_entry now = {.path = entry->path};
	int64_t size = s3_tree_read_size(s->tree, r);

	if (size < 0)
		return 1;
	now.size = (uint64_t)size;
	s3_tree_read_headers(s->tree, r, &now);
	if (now.size != entry->size || strcmp(now.tag, entry->tag) != 0)
		return s3_tree_is_another(s->tree, entry->path, e);
	if (s->tree->p.ignore_sums)
		return 0;
	s3_sum_check_begin(&s->told, s->tree->s->dialect, r, false);
	if (s->told.kind == S3_SUM_SHA256 || s3_tree_is_md5(s->tree, &now))
		return 1;
	if (s->told.kind == S3_SUM_CRC32C) {
		s->compared = CRC32C;
	} else if (now.part_bytes > 0) {
		s->compared = PARTS;
		s->part_bytes = now.part_bytes;
		memcpy(s->want, now.parts_md5, sizeof s->want);
	}
	return 0;
}

/* The same. A listing does not tell, and an answer with a range not all. What a refusal is of, a
 * HEAD does not say: reading in order finds out. */
static int
ask(struct spread *s, struct mf_error *e)
{
	const struct mf_s3_call call = {.method = "HEAD",
	    .key = s->key,
	    .headers = &s->tree->words->as_stored,
	    .n_headers = s->tree->words->as_stored.name != NULL,
	    .wants_sum = !s->tree->p.ignore_sums,
	    .doing = "looking up"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc = s3_tree_call(s->tree, &call, &a, e);

	if (rc == 0)
		rc = note_told(s, &a.http, e);
	else if (a.refused)
		rc = 1;
	mf_s3_answer_fini(&a);
	if (rc == 1)
		mf_error_clear(e);
	return rc;
}

/* Whole parts make a range. 0; 1: it is not large enough for that; -1. */
static int
divide(struct spread *s, struct mf_error *e)
{
	const uint64_t size = s->entry->size;
	uint64_t unit = s->tree->p.range_bytes;

	if (s->compared == PARTS) {
		unit = (unit + s->part_bytes - 1) / s->part_bytes * s->part_bytes;
		s->n_parts = (size_t)((size + s->part_bytes - 1) / s->part_bytes);
		if ((s->md5s = calloc(s->n_parts, sizeof s->md5s[0])) == NULL)
			return mf_error_nomem(e, "a file's checksums");
	}
	s->range_bytes = unit;
	s->n_ranges = (size_t)((size + unit - 1) / unit);
	if (s->compared == CRC32C && (s->sums = calloc(s->n_ranges, sizeof s->sums[0])) == NULL)
		return mf_error_nomem(e, "a file's checksums");
	return s->n_ranges > 1 ? 0 : 1;
}

/* ---- one range ---- */

struct range {
	struct spread *s;
	uint64_t at;
	uint32_t sum;
	struct mf_md5 *md5; /* of the part that at lies in; PARTS */
};

/* To the end of the part, and no further. */
static size_t
digest_some(struct range *r, const void *bytes, size_t n, struct mf_error *e)
{
	struct spread *s = r->s;
	const size_t part = (size_t)(r->at / s->part_bytes);
	const uint64_t end = (part + 1) * s->part_bytes < s->entry->size
				 ? (part + 1) * s->part_bytes
				 : s->entry->size;
	const size_t now = n < end - r->at ? n : (size_t)(end - r->at);

	mf_md5_update(r->md5, bytes, now);
	r->at += now;
	if (r->at == end && mf_md5_final(r->md5, s->md5s[part], e) != 0)
		return 0;
	return now;
}

static int
take(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct range *r = arg;
	struct spread *s = r->s;
	const uint8_t *at = bytes;
	const uint64_t offset = r->at;
	size_t now, left;

	if (mf_crew_cancelled(s->crew))
		return mf_error_set(e, MF_EINTERRUPTED, "stopped");
	if (s->compared == CRC32C)
		r->sum = mf_crc32c(r->sum, bytes, n);
	if (s->compared != PARTS)
		r->at += n;
	else
		for (left = n; left > 0; at += now, left -= now)
			if ((now = digest_some(r, at, left, e)) == 0)
				return -1;
	return s->place(s->arg, offset, bytes, n, e);
}

static int
get_range(struct range *r, size_t i, struct mf_error *e)
{
	struct spread *s = r->s;
	const uint64_t at = i * s->range_bytes, left = s->entry->size - at;
	const struct s3_tree_range range = {.at = at,
	    .end = at + (left < s->range_bytes ? left : s->range_bytes),
	    .sink = take,
	    .arg = r};

	r->at = at;
	r->sum = 0;
	if (s3_tree_get_range(s->tree, s->entry, s->key, &range, e) != 0) {
		if (e->code == MF_EUNSUPPORTED)
			atomic_store(&s->no_ranges, true);
		return -1;
	}
	if (s->sums != NULL)
		s->sums[i] = r->sum;
	return 0;
}

/* One thread of the crew. */
static int
get_ranges(void *arg, struct mf_error *e)
{
	struct range r = {.s = arg};
	int rc = 0;
	size_t i;

	if (r.s->compared == PARTS && (r.md5 = mf_md5_new(e)) == NULL)
		return -1;
	while (rc == 0 && !mf_crew_cancelled(r.s->crew) &&
	       (i = atomic_fetch_add(&r.s->next, 1)) < r.s->n_ranges)
		rc = get_range(&r, i, e);
	mf_md5_free(r.md5);
	return rc;
}

static int
get_all_ranges(struct spread *s, struct mf_error *e)
{
	const size_t most = s->tree->p.parts_at_once;
	const size_t n = s->n_ranges < most ? s->n_ranges : most;
	size_t i;
	int rc = 0;

	if ((s->crew = mf_crew_new(e)) == NULL)
		return -1;
	for (i = 0; rc == 0 && i < n; i++)
		rc = mf_crew_start(s->crew, "range", get_ranges, s, e);
	/* a thread that could not be started cancelled the crew, with the same error */
	rc = mf_crew_join(s->crew, e);
	mf_crew_free(s->crew);
	if (rc == 0 || !atomic_load(&s->no_ranges))
		return rc;
	mf_error_clear(e);
	return 1;
}

/* ---- all of them ---- */

static int
check_parts(const struct spread *s, struct mf_error *e)
{
	struct mf_md5 *m;
	uint8_t md5[MF_MD5_BYTES];
	size_t i;
	int rc;

	if (atomic_load(&s->tree->no_md5))
		return 0; /* an answer spoke of keys */
	if ((m = mf_md5_new(e)) == NULL)
		return -1;
	for (i = 0; i < s->n_parts; i++)
		mf_md5_update(m, s->md5s[i], sizeof s->md5s[i]);
	rc = mf_md5_final(m, md5, e);
	mf_md5_free(m);
	if (rc == 0 && memcmp(md5, s->want, sizeof md5) != 0)
		rc = s3_tree_damaged_parts(s->tree, s->entry->path, e);
	return rc;
}

static int
check_sum(struct spread *s, struct mf_error *e)
{
	uint64_t left = s->entry->size, n;
	size_t i;

	s->told.crc32c = 0;
	for (i = 0; i < s->n_ranges; i++, left -= n) {
		n = left < s->range_bytes ? left : s->range_bytes;
		s->told.crc32c = mf_crc32c_join(s->told.crc32c, s->sums[i], n);
	}
	return s3_sum_check_fits(&s->told)
		   ? 0
		   : s3_tree_damaged(s->tree, s->entry->path, "checksum", e);
}

static int
check(struct spread *s, struct mf_error *e)
{
	switch (s->compared) {
	case CRC32C: return check_sum(s, e);
	case PARTS: return check_parts(s, e);
	default: return 0;
	}
}

/* Where the system's policy forbids MD5 nothing is compared with one. */
static void
look_for_md5(struct spread *s)
{
	struct mf_error why = {0};
	struct mf_md5 *m;

	if (s->compared != PARTS)
		return;
	if ((m = mf_md5_new(&why)) == NULL && why.code == MF_EUNSUPPORTED) {
		mf_log(MF_LOG_DEBUG, "%s/%s is not compared with its ETag: %s", s->tree->s->label,
		    s->entry->path, why.message);
		s->compared = NOTHING;
	}
	mf_md5_free(m);
}

int
s3_tree_get_spread(struct s3_tree *t, const struct mf_tree_entry *entry, const char *key,
    mf_tree_place *place, void *arg, struct mf_error *e)
{
	struct spread s = {.tree = t, .entry = entry, .key = key, .place = place, .arg = arg};
	int rc;

	if (entry->tag[0] == '\0' || entry->size / RANGES_MIN < t->p.range_bytes)
		return 1;
	rc = ask(&s, e);
	look_for_md5(&s);
	if (rc == 0)
		rc = divide(&s, e);
	if (rc == 0)
		rc = get_all_ranges(&s, e);
	if (rc == 0)
		rc = check(&s, e);
	free(s.sums);
	free(s.md5s);
	s3_sum_check_fini(&s.told);
	return rc;
}
