/*
 * Reading a large object in several ranges at once, each over a connection of its own: one gets but
 * a part of what a long line carries, and two shards of a checkpoint would take as many.
 *
 * What came is compared as where it is read in order (tree_s3_get.c). The CRC-32C of the whole, and
 * the ETag of parts, of which each range has some, are put together of what each range gives. An
 * MD5 or a SHA-256 of the whole wants all bytes in order: whoever is done with a range reads what
 * is there of it without a gap again, while others go on.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/crew.h"
#include "transfers/tree_s3_int.h"

#define RANGES_MIN 4 /* fewer are not worth the request for what is compared */
#define AGAIN_BYTES ((size_t)256 << 10)

/* What is compared: the MD5s of parts, or of the whole, or none; and a sum that the store tells. */
struct compared {
	uint64_t part_bytes; /* 0: no parts are compared */
	size_t n_parts;
	uint8_t (*md5s)[MF_MD5_BYTES]; /* of the parts */

	struct mf_md5 *md5;      /* of the whole, in order; NULL: none */
	struct s3_sum_check sum; /* CRC-32C: of sums; SHA-256: of the whole, in order */
	uint32_t *sums;          /* of the ranges */
	uint8_t want[MF_MD5_BYTES];
};

struct spread {
	struct s3_tree *tree;
	const struct mf_tree_entry *entry;
	const char *key;
	const struct mf_tree_pieces *to;
	struct compared c;

	uint64_t range_bytes;
	size_t n_ranges;
	atomic_size_t next;
	struct mf_crew *crew;
	atomic_bool no_ranges; /* the store does not give any */

	/* What is compared in order. */
	pthread_mutex_t lock; /* of all below */
	bool *there;          /* the range is */
	size_t n_again;       /* so many ranges were read again */
	bool again;           /* by somebody now, who has c.md5 and c.sum meanwhile */
};

/* ---- what it is compared with ---- */

static int
begin_md5(struct spread *s, const uint8_t want[MF_MD5_BYTES], struct mf_error *e)
{
	struct mf_error why = {0};

	memcpy(s->c.want, want, sizeof s->c.want);
	s->c.md5 = mf_md5_new(&why);
	return s->c.md5 != NULL ? 0 : s3_tree_without_md5(s->tree, s->entry->path, &why, e);
}

/* 0; 1: it has to be read in order; -1. */
static int
note_told(struct spread *s, const struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_tree_entry *entry = s->entry;
	struct mf_tree_entry now = {.path = entry->path};
	const int64_t size = s3_tree_read_size(s->tree, r);

	if (size < 0)
		return 1;
	now.size = (uint64_t)size;
	s3_tree_read_headers(s->tree, r, &now);
	if (now.size != entry->size || strcmp(now.tag, entry->tag) != 0)
		return s3_tree_is_another(s->tree, entry->path, e);
	if (s->tree->p.ignore_sums)
		return 0;
	if (s3_tree_is_md5(s->tree, &now) && begin_md5(s, now.md5, e) != 0)
		return -1;
	/* where the MD5 says it all, a SHA-256 besides is left */
	s3_sum_check_begin(&s->c.sum, s->tree->s->dialect, r, s->c.md5 != NULL);
	if (s->c.md5 != NULL || s->c.sum.kind != S3_SUM_NONE || now.part_bytes == 0)
		return 0;
	if (begin_md5(s, now.parts_md5, e) != 0)
		return -1;
	s->c.part_bytes = s->c.md5 != NULL ? now.part_bytes : 0;
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

static bool
compares_in_order(const struct spread *s)
{
	return (s->c.md5 != NULL && s->c.part_bytes == 0) || s->c.sum.kind == S3_SUM_SHA256;
}

/* Whole parts make a range. 0; 1: it is not large enough for that; -1. */
static int
divide(struct spread *s, struct mf_error *e)
{
	const uint64_t size = s->entry->size, part = s->c.part_bytes;
	uint64_t unit = s->tree->p.range_bytes;

	if (part > 0) {
		unit = (unit + part - 1) / part * part;
		s->c.n_parts = (size_t)((size + part - 1) / part);
		s->c.md5s = calloc(s->c.n_parts, sizeof s->c.md5s[0]);
	}
	s->range_bytes = unit;
	s->n_ranges = (size_t)((size + unit - 1) / unit);
	if (s->c.sum.kind == S3_SUM_CRC32C)
		s->c.sums = calloc(s->n_ranges, sizeof s->c.sums[0]);
	s->there = calloc(s->n_ranges, sizeof s->there[0]);
	if (s->there == NULL || (part > 0 && s->c.md5s == NULL) ||
	    (s->c.sum.kind == S3_SUM_CRC32C && s->c.sums == NULL))
		return mf_error_nomem(e, "a file's checksums");
	return s->n_ranges > 1 ? 0 : 1;
}

static uint64_t
range_end(const struct spread *s, size_t i)
{
	const uint64_t at = i * s->range_bytes, left = s->entry->size - at;

	return at + (left < s->range_bytes ? left : s->range_bytes);
}

/* ---- one range ---- */

struct range {
	struct spread *s;
	uint64_t at;
	uint32_t sum;
	struct mf_md5 *md5; /* of the part that at lies in; NULL: of none */
	void *buf;          /* to read again into */
};

/* To the end of the part, and no further. 0: it failed. */
static size_t
digest_some(struct range *r, const void *bytes, size_t n, struct mf_error *e)
{
	const struct compared *c = &r->s->c;
	const size_t part = (size_t)(r->at / c->part_bytes);
	const uint64_t end = (part + 1) * c->part_bytes < r->s->entry->size
				 ? (part + 1) * c->part_bytes
				 : r->s->entry->size;
	const size_t now = n < end - r->at ? n : (size_t)(end - r->at);

	mf_md5_update(r->md5, bytes, now);
	r->at += now;
	if (r->at == end && mf_md5_final(r->md5, c->md5s[part], e) != 0)
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
	if (s->c.sums != NULL)
		r->sum = mf_crc32c(r->sum, bytes, n);
	if (r->md5 == NULL)
		r->at += n;
	else
		for (left = n; left > 0; at += now, left -= now)
			if ((now = digest_some(r, at, left, e)) == 0)
				return -1;
	return s->to->write(s->to->arg, offset, bytes, n, e);
}

static int
get_range(struct range *r, size_t i, struct mf_error *e)
{
	struct spread *s = r->s;
	const struct s3_tree_range range = {
	    .at = i * s->range_bytes, .end = range_end(s, i), .sink = take, .arg = r};

	r->at = range.at;
	r->sum = 0;
	if (s3_tree_get_range(s->tree, s->entry, s->key, &range, e) != 0) {
		if (e->code == MF_EUNSUPPORTED)
			atomic_store(&s->no_ranges, true);
		return -1;
	}
	if (s->c.sums != NULL)
		s->c.sums[i] = r->sum;
	return 0;
}

/* ---- in order ---- */

static int
read_again(struct range *r, size_t i, struct mf_error *e)
{
	struct spread *s = r->s;
	const uint64_t end = range_end(s, i);
	uint64_t at;
	size_t n;

	for (at = i * s->range_bytes; at < end; at += n) {
		n = end - at < AGAIN_BYTES ? (size_t)(end - at) : AGAIN_BYTES;
		if (mf_crew_cancelled(s->crew))
			return mf_error_set(e, MF_EINTERRUPTED, "stopped");
		if (s->to->read(s->to->arg, at, r->buf, n, e) != 0)
			return -1;
		if (s->c.md5 != NULL)
			mf_md5_update(s->c.md5, r->buf, n);
		if (s->c.sum.kind == S3_SUM_SHA256)
			s3_sum_check_update(&s->c.sum, r->buf, n);
	}
	return 0;
}

/* The range is there. Whoever finds nobody at it goes on as far as there is no gap; what comes
 * meanwhile is that one's too. */
static int
follow(struct range *r, size_t i, struct mf_error *e)
{
	struct spread *s = r->s;
	int rc = 0;
	size_t at;

	pthread_mutex_lock(&s->lock);
	s->there[i] = true;
	if (s->again) {
		pthread_mutex_unlock(&s->lock);
		return 0;
	}
	s->again = true;
	while (rc == 0 && (at = s->n_again) < s->n_ranges && s->there[at]) {
		pthread_mutex_unlock(&s->lock);
		rc = read_again(r, at, e);
		pthread_mutex_lock(&s->lock);
		s->n_again++;
	}
	s->again = false;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- all of them ---- */

/* One thread of the crew. */
static int
get_ranges(void *arg, struct mf_error *e)
{
	struct range r = {.s = arg};
	const struct spread *s = r.s;
	const bool in_order = compares_in_order(s);
	int rc = 0;
	size_t i;

	if (s->c.part_bytes > 0 && (r.md5 = mf_md5_new(e)) == NULL)
		return -1;
	if (in_order && (r.buf = malloc(AGAIN_BYTES)) == NULL)
		rc = mf_error_nomem(e, "a file");
	while (rc == 0 && !mf_crew_cancelled(s->crew) &&
	       (i = atomic_fetch_add(&r.s->next, 1)) < s->n_ranges) {
		rc = get_range(&r, i, e);
		if (rc == 0 && in_order)
			rc = follow(&r, i, e);
	}
	mf_md5_free(r.md5);
	free(r.buf);
	return rc;
}

static int
get_all_ranges(struct spread *s, struct mf_error *e)
{
	const size_t most = s->tree->p.parts_at_once;
	const size_t n = s->n_ranges < most ? s->n_ranges : most;
	size_t i;
	int rc = 0;

	if (compares_in_order(s))
		s->to->will_read(s->to->arg);
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

static int
check_md5(struct spread *s, struct mf_error *e)
{
	const struct compared *c = &s->c;
	uint8_t md5[MF_MD5_BYTES];
	size_t i;

	for (i = 0; i < c->n_parts; i++)
		mf_md5_update(c->md5, c->md5s[i], sizeof c->md5s[i]);
	if (mf_md5_final(c->md5, md5, e) != 0)
		return -1;
	if (memcmp(md5, c->want, sizeof md5) == 0)
		return 0;
	return c->part_bytes > 0 ? s3_tree_damaged_parts(s->tree, s->entry->path, e)
				 : s3_tree_damaged(s->tree, s->entry->path, "MD5", e);
}

static int
check(struct spread *s, struct mf_error *e)
{
	struct mf_tree_entry entry = *s->entry;
	struct compared *c = &s->c;
	bool counts;
	size_t i;

	/* an answer may have spoken of keys meanwhile */
	memcpy(entry.md5, c->want, sizeof entry.md5);
	entry.has_md5 = true;
	counts =
	    c->part_bytes > 0 ? !atomic_load(&s->tree->no_md5) : s3_tree_is_md5(s->tree, &entry);
	if (c->md5 != NULL && counts && check_md5(s, e) != 0)
		return -1;
	if (c->sums != NULL) {
		c->sum.crc32c = 0;
		for (i = 0; i < s->n_ranges; i++)
			c->sum.crc32c = mf_crc32c_join(
			    c->sum.crc32c, c->sums[i], range_end(s, i) - i * s->range_bytes);
	}
	return s3_sum_check_fits(&c->sum) ? 0
					  : s3_tree_damaged(s->tree, s->entry->path, "checksum", e);
}

int
s3_tree_get_spread(struct s3_tree *t, const struct mf_tree_entry *entry, const char *key,
    const struct mf_tree_pieces *to, struct mf_error *e)
{
	struct spread s = {.tree = t, .entry = entry, .key = key, .to = to};
	int rc;

	if (entry->tag[0] == '\0' || entry->size / RANGES_MIN < t->p.range_bytes)
		return 1;
	pthread_mutex_init(&s.lock, NULL);
	rc = ask(&s, e);
	if (rc == 0)
		rc = divide(&s, e);
	if (rc == 0)
		rc = get_all_ranges(&s, e);
	if (rc == 0)
		rc = check(&s, e);
	free(s.there);
	free(s.c.sums);
	free(s.c.md5s);
	mf_md5_free(s.c.md5);
	s3_sum_check_fini(&s.c.sum);
	pthread_mutex_destroy(&s.lock);
	return rc;
}
