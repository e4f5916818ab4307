/*
 * Uploads in parts from one run to the next. One that a network, an interruption or a kill ended
 * stays in the store, and in the tree's memory, with what the object was begun with. The next put
 * of the same file asks the store which parts it has; each of them that is of the right size is
 * compared with what the source has there now: by its ETag where that is an MD5, else by what is
 * remembered of how it was sent. What does not match goes again.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/log.h"
#include "transfers/tree_s3_int.h"

#define PAGE_PARTS "1000"
#define PAGE_BYTES_MAX ((uint64_t)4 << 20)

/* ---- memory ---- */

static uint64_t
digest_headers(const struct s3_tree_upload *u)
{
	struct mf_buf b = MF_BUF_INIT;
	uint8_t sha256[MF_SHA256_BYTES] = {0};
	size_t i;

	for (i = 0; i < u->n_headers; i++) {
		mf_buf_put_string(&b, u->headers[i].name);
		mf_buf_put_string(&b, u->headers[i].value);
	}
	if (!b.failed)
		mf_sha256(b.data, b.len, sha256);
	mf_buf_fini(&b);
	return mf_get_u64(sha256);
}

static void
remember(struct s3_tree_upload *u)
{
	struct mf_tree_upload known = {.size = u->size,
	    .part_bytes = u->part_bytes,
	    .mtime_ns = u->mtime_ns,
	    .headers = digest_headers(u),
	    .summed = u->summed};

	memcpy(known.id, u->id, strlen(u->id) + 1);
	u->remembered = u->memory->remember(u->memory->arg, u->path, &known) == 0;
}

void
s3_tree_remember_upload(struct s3_tree_upload *u)
{
	if (u->memory != NULL)
		remember(u);
}

static void
forget(const struct s3_tree_upload *u)
{
	if (u->memory != NULL)
		u->memory->forget(u->memory->arg, u->path, u->id);
}

static bool
is_same(const struct s3_tree_upload *u, const struct mf_tree_upload *known)
{
	/* a part without the checksum that was announced would be refused */
	if (known->summed && !mf_s3_client_sums_bodies(u->tree->s->client))
		return false;
	return known->size == u->size && known->part_bytes == u->part_bytes &&
	       known->mtime_ns == u->mtime_ns && known->headers == digest_headers(u);
}

/* ---- what the store has ---- */

struct listing {
	struct s3_tree_upload *u;
	struct mf_s3_parts page;
	unsigned marker; /* behind this part */
	bool unreadable; /* the last answer was no list of parts */
	size_t n;        /* parts that may do */
};

static int
request_page(struct listing *l, struct mf_s3_answer *a, struct mf_error *e)
{
	char marker[16];
	const struct mf_s3_param query[] = {
	    {"uploadId", l->u->id}, {"max-parts", PAGE_PARTS}, {"part-number-marker", marker}};
	const struct mf_s3_call call = {
	    .method = "GET",
	    .key = l->u->key,
	    .query = query,
	    .n_query = 3,
	    .doing = "listing the parts of",
	    .max_body_bytes = PAGE_BYTES_MAX,
	};

	(void)snprintf(marker, sizeof marker, "%u", l->marker);
	return mf_s3_client_call(l->u->tree->s->client, &call, a, e);
}

/* 0; 1: the store does not know it, or does not tell; -1. */
static int
fetch_page(void *arg, struct mf_error *e)
{
	struct listing *l = arg;
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc = request_page(l, &a, e);

	l->unreadable = false;
	if (rc == 0) {
		rc = mf_s3_xml_parts(a.http.body.data, a.http.body.len, &l->page, e);
		l->unreadable = rc != 0;
	} else if (a.refused && e->code != MF_ETRANSFER) {
		rc = 1;
	}
	mf_s3_answer_fini(&a);
	return rc;
}

static uint64_t
bytes_of_part(const struct s3_tree_upload *u, unsigned number)
{
	const uint64_t left = u->size - (uint64_t)(number - 1) * u->part_bytes;

	return left < u->part_bytes ? left : u->part_bytes;
}

static void
take_page(struct listing *l)
{
	const struct mf_s3_part *part;
	size_t i;

	for (i = 0; i < l->page.n_parts; i++) {
		part = &l->page.parts[i];
		if (part->number < 1 || part->number > l->u->n_parts ||
		    part->size_bytes != bytes_of_part(l->u, part->number) || part->etag[0] == '\0')
			continue;
		l->n += l->u->parts[part->number - 1].etag[0] == '\0';
		l->u->parts[part->number - 1] = *part;
	}
}

/* 0; 1: it cannot be gone on with; -1. */
static int
list_parts(struct listing *l, struct mf_error *e)
{
	bool more = true;
	int rc;

	while (more) {
		rc = mf_retry_run(&l->u->tree->p.retry, l->u->key, fetch_page, l, e);
		if (rc < 0 && l->unreadable && e->code == MF_ETRANSFER)
			rc = 1;
		if (rc != 0)
			return rc;
		take_page(l);
		/* a store that goes round in circles has told enough */
		more = l->page.truncated && l->page.next > l->marker;
		l->marker = l->page.next;
		mf_s3_parts_fini(&l->page);
	}
	return 0;
}

/* ---- the beginning ---- */

/* What was begun before is of no use. 0: it is gone; -1: nothing can be done now. */
static int
begin_anew(struct s3_tree_upload *u, const char *why, struct mf_error *e)
{
	struct mf_error unsaid = {0};

	mf_log(
	    MF_LOG_INFO, "%s/%s: beginning the upload anew: %s", u->tree->s->label, u->path, why);
	if (s3_tree_abandon(&u->tree->tree, u->path, u->id, &unsaid) == 0)
		return 0;
	if (unsaid.code == MF_ETRANSFER || unsaid.code == MF_EINTERRUPTED) {
		*e = unsaid;
		return -1;
	}
	mf_log(MF_LOG_WARNING, "parts of %s/%s stay in the store: %s", u->tree->s->label, u->path,
	    unsaid.message);
	return 0;
}

int
s3_tree_resume(struct s3_tree_upload *u, struct mf_error *e)
{
	struct listing l = {.u = u};
	struct mf_tree_upload known;
	int rc;

	if (u->memory == NULL || u->memory->recall(u->memory->arg, u->path, &known) != 0)
		return 1;
	memcpy(u->id, known.id, sizeof u->id);
	if (!is_same(u, &known))
		return begin_anew(u, "the file has changed, or what it is kept with", e) == 0 ? 1
											      : -1;
	rc = list_parts(&l, e);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		memset(u->parts, 0, u->n_parts * sizeof *u->parts);
		rc = begin_anew(u, e->message, e) == 0 ? 1 : -1;
		if (rc > 0)
			mf_error_clear(e);
		return rc;
	}
	u->summed = known.summed;
	u->told_parts = true; /* perhaps */
	remember(u);
	u->resumed = true;
	mf_log(MF_LOG_INFO, "%s/%s: going on with its upload: %zu of %zu parts are there",
	    u->tree->s->label, u->path, l.n, u->n_parts);
	return 0;
}

/* ---- parts ---- */

static bool
has_md5(const void *bytes, size_t n, const uint8_t md5[MF_MD5_BYTES])
{
	struct mf_md5 *m = mf_md5_new(NULL);
	uint8_t is[MF_MD5_BYTES];
	bool same;

	if (m == NULL)
		return false;
	mf_md5_update(m, bytes, n);
	same = mf_md5_final(m, is, NULL) == 0 && memcmp(is, md5, sizeof is) == 0;
	mf_md5_free(m);
	return same;
}

bool
s3_tree_has_part(const struct s3_tree_upload *u, const struct mf_s3_part *part, const void *bytes)
{
	const struct mf_tree_memory *m = u->memory;
	const size_t n = (size_t)part->size_bytes;
	uint8_t md5[MF_MD5_BYTES];
	uint32_t sum;

	if (s3_tree_tag_is_md5(part->etag, md5) && has_md5(bytes, n, md5))
		return true;
	return m->recall_part(m->arg, u->path, part->number, part->etag, &sum) == 0 &&
	       sum == mf_crc32c(0, bytes, n);
}

void
s3_tree_remember_part(
    const struct s3_tree_upload *u, const struct mf_s3_part *part, const void *bytes)
{
	uint8_t md5[MF_MD5_BYTES];

	if (!u->remembered ||
	    (s3_tree_tag_is_md5(part->etag, md5) && !atomic_load(&u->tree->no_md5)))
		return;
	u->memory->remember_part(u->memory->arg, u->path, part->number, part->etag,
	    mf_crc32c(0, bytes, (size_t)part->size_bytes));
}

/* ---- the end ---- */

/* Will it work later, as far as it is known? */
static bool
is_passing(const struct mf_error *why)
{
	return why->code == MF_ETRANSFER || why->code == MF_EINTERRUPTED;
}

/* The failure that leads here is the one that is told. */
static void
give_up(struct s3_tree_upload *u)
{
	struct mf_error e = {0};

	if (s3_tree_abort(u->tree, u->key, u->id, &e) == 0)
		forget(u);
	else
		mf_log(MF_LOG_WARNING, "parts of %s/%s stay in the store: %s", u->tree->s->label,
		    u->path, e.message);
}

void
s3_tree_end_upload(struct s3_tree_upload *u, const struct mf_error *why)
{
	if (why == NULL || atomic_load(&u->gone))
		forget(u);
	else if (u->remembered && is_passing(why))
		mf_log(MF_LOG_INFO, "%s/%s: the parts that arrived stay for the next run",
		    u->tree->s->label, u->path);
	else
		give_up(u);
}

/* ---- of the tree ---- */

void
s3_tree_remember(struct mf_tree *tree, const struct mf_tree_memory *memory)
{
	s3_tree_of(tree)->memory = memory;
}

int
s3_tree_abandon(struct mf_tree *tree, const char *path, const char *id, struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(tree);
	char key[MF_S3_KEY_BYTES];

	if (s3_tree_key(t, path, key, e) != 0 || s3_tree_abort(t, key, id, e) != 0)
		return -1;
	if (t->memory != NULL)
		t->memory->forget(t->memory->arg, path, id);
	return 0;
}
