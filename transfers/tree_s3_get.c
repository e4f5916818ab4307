/* Reading: a range of one version of an object, going on where it broke off. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "transfers/s3_range.h"
#include "transfers/tree_s3_int.h"

struct fetch {
	struct s3_tree *tree;
	const char *path, *key;
	const char *tag;  /* "": whatever is there */
	uint64_t size;    /* of the object */
	uint64_t at, end; /* what is still wanted of it */
	mf_tree_sink *sink;
	void *arg;
	bool begun;       /* the head of this attempt's answer was read */
	bool sink_failed; /* with why */
	/* Called with the head of an answer that begins at the first byte, and what it says of the
	 * object; NULL: nobody asks what it tells of the whole. 0, -1. */
	int (*head)(void *arg, const struct mf_http_response *r, const struct mf_tree_entry *is,
	    struct mf_error *e);
	struct mf_error why;
};

int
s3_tree_is_another(const struct s3_tree *t, const char *path, struct mf_error *e)
{
	return mf_error_set(
	    e, MF_ESOURCE, "%s/%s has changed since it was looked at", t->s->label, path);
}

static int
is_another(const struct fetch *f, struct mf_error *e)
{
	return s3_tree_is_another(f->tree, f->path, e);
}

/* The object that was asked for, by its tag, has one length only: else this is no answer of the
 * store, or was changed on the way. */
static int
wrong_length(const struct fetch *f, struct mf_error *e)
{
	if (f->tag[0] == '\0')
		return is_another(f, e);
	return mf_error_set(e, MF_ETRANSFER, "the answer for %s/%s is longer or shorter than it is",
	    f->tree->s->label, f->path);
}

/* Is the answer what was asked for? */
static int
begin(struct fetch *f, const struct mf_http_response *r, struct mf_error *e)
{
	const char *range = mf_http_response_header(r, "Content-Range");
	uint64_t first = 0, last = 0, total = UINT64_MAX;
	struct mf_tree_entry is = {.size = f->size};

	f->begun = true;
	s3_tree_read_headers(f->tree, r, &is);
	if (f->tag[0] != '\0' && is.tag[0] != '\0' && strcmp(is.tag, f->tag) != 0)
		return is_another(f, e);
	if (r->status == 206) {
		if (range == NULL || s3_parse_content_range(range, &first, &last, &total) != 0 ||
		    first != f->at || last != f->end - 1)
			return mf_error_set(e, MF_ETRANSFER,
			    "the answer for %s/%s is another part of it than was asked for",
			    f->tree->s->label, f->path);
		if (total != f->size && total != UINT64_MAX)
			return wrong_length(f, e);
		if (r->content_length >= 0 && (uint64_t)r->content_length != f->end - f->at)
			return wrong_length(f, e);
		return 0;
	}
	if (r->content_length >= 0 && (uint64_t)r->content_length != f->size)
		return wrong_length(f, e);
	if (f->at == 0 && f->head != NULL && f->head(f->arg, r, &is, e) != 0)
		return -1;
	if (f->at > 0 || f->end < f->size)
		return mf_error_set(e, MF_EUNSUPPORTED, "%s does not give parts of objects (Range)",
		    f->tree->s->label);
	return 0;
}

static int
take(void *arg, const struct mf_http_response *r, const void *bytes, size_t n, struct mf_error *e)
{
	struct fetch *f = arg;

	if (!f->begun && begin(f, r, e) != 0)
		return -1;
	if (n > f->end - f->at)
		return wrong_length(f, e);
	if (f->sink(f->arg, bytes, n, e) != 0) {
		f->sink_failed = true;
		f->why = *e;
		return -1;
	}
	f->at += n;
	return 0;
}

static int
fetch_once(void *arg, struct mf_error *e)
{
	struct fetch *f = arg;
	char range[64], match[MF_TREE_TAG_BYTES + 2];
	struct mf_s3_header headers[3];
	struct mf_s3_call call = {.method = "GET",
	    .key = f->key,
	    .headers = headers,
	    .doing = "getting",
	    .sink = take,
	    .sink_arg = f};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc;

	if (f->at == f->end && f->end > 0)
		return 0; /* it broke off behind the last byte */
	(void)snprintf(match, sizeof match, "\"%s\"", f->tag);
	(void)snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, f->at, f->end - 1);
	if (f->tag[0] != '\0')
		headers[call.n_headers++] = (struct mf_s3_header){"If-Match", match};
	if (f->at > 0 || f->end < f->size)
		headers[call.n_headers++] = (struct mf_s3_header){"Range", range};
	else
		call.wants_sum = f->head != NULL;
	if (f->tree->words->as_stored.name != NULL)
		headers[call.n_headers++] = f->tree->words->as_stored;
	if (f->end - f->at >= f->tree->p.window_bytes) {
		call.window_bytes = f->tree->p.window_bytes;
		call.piece_bytes = f->tree->p.window_bytes / 2;
	}
	f->begun = false;
	rc = mf_s3_client_call(f->tree->s->client, &call, &a, e);
	if (rc == 0 && !f->begun)
		rc = begin(f, &a.http, e);
	if (rc == 0 && f->at != f->end)
		rc = mf_error_set(
		    e, MF_ETRANSFER, "the answer for %s/%s ends early", f->tree->s->label, f->path);
	if (rc != 0 && a.refused && (a.class == MF_S3_PRECONDITION || a.http.status == 416))
		rc = is_another(f, e);
	mf_s3_answer_fini(&a);
	return f->sink_failed ? 1 : rc; /* 1: not to be tried again, whatever it says */
}

/* Bytes from f->at to f->end. Whoever gets on is not given up. */
static int
fetch(struct fetch *f, struct mf_error *e)
{
	uint64_t before;
	int rc;

	do {
		mf_error_clear(e);
		before = f->at;
		rc = mf_retry_run(&f->tree->p.retry, f->key, fetch_once, f, e);
	} while (rc < 0 && e->code == MF_ETRANSFER && f->at > before);
	if (rc <= 0)
		return rc;
	*e = f->why;
	return -1;
}

/* ---- get ---- */

struct get {
	struct s3_tree *tree;
	const struct mf_tree_entry *entry;
	mf_tree_sink *sink;
	void *arg;
	struct mf_md5_parts *md5; /* NULL: nobody asks */
	uint64_t part_bytes;      /* what it is of; 0: of the whole */
	uint8_t want[MF_MD5_BYTES];
	struct s3_sum_check sum; /* what the store tells besides */
};

static int
pass_on(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct get *g = arg;

	if (g->md5 != NULL)
		mf_md5_parts_update(g->md5, bytes, n);
	s3_sum_check_update(&g->sum, bytes, n);
	return g->sink(g->arg, bytes, n, e);
}

bool
s3_tree_is_md5(struct s3_tree *t, const struct mf_tree_entry *entry)
{
	uint8_t tag[MF_TREE_MD5_BYTES];

	return entry->has_md5 && !(atomic_load(&t->no_md5) && s3_tree_tag_is_md5(entry->tag, tag) &&
				     memcmp(tag, entry->md5, sizeof tag) == 0);
}

int
s3_tree_without_md5(
    const struct s3_tree *t, const char *path, const struct mf_error *why, struct mf_error *e)
{
	if (why->code != MF_EUNSUPPORTED) {
		*e = *why;
		return -1;
	}
	mf_log(MF_LOG_DEBUG, "%s/%s is not compared with its MD5: %s", t->s->label, path,
	    why->message);
	return 0;
}

/* g->md5 is to be compared with this one at the end, where MD5s can be had. */
static int
begin_md5(struct get *g, uint64_t part_bytes, const uint8_t *want, struct mf_error *e)
{
	struct mf_error why = {0};

	g->part_bytes = part_bytes;
	memcpy(g->want, want, sizeof g->want);
	g->md5 = mf_md5_parts_new(part_bytes, &why);
	return g->md5 != NULL ? 0 : s3_tree_without_md5(g->tree, g->entry->path, &why, e);
}

/* Where the MD5 says it all, what costs as much again is left; and an MD5 of parts where something
 * else says it. No byte has come yet, not even by an answer before. */
static int
note_head(
    void *arg, const struct mf_http_response *r, const struct mf_tree_entry *is, struct mf_error *e)
{
	struct get *g = arg;

	if (g->part_bytes > 0) {
		mf_md5_parts_free(g->md5);
		g->md5 = NULL;
		g->part_bytes = 0;
	}
	s3_sum_check_begin(
	    &g->sum, g->tree->s->dialect, r, g->md5 != NULL && s3_tree_is_md5(g->tree, g->entry));
	if (g->md5 != NULL || g->sum.kind != S3_SUM_NONE || is->part_bytes == 0)
		return 0;
	return begin_md5(g, is->part_bytes, is->parts_md5, e);
}

int
s3_tree_damaged(const struct s3_tree *t, const char *path, const char *by, struct mf_error *e)
{
	mf_error_set(e, MF_EDAMAGED, "%s/%s is not what its %s says", t->s->label, path, by);
	return mf_error_hint(e,
	    "the object is damaged in its store, or something on the way changes "
	    "what it carries");
}

/* There is one more way that this can come about. */
int
s3_tree_damaged_parts(const struct s3_tree *t, const char *path, struct mf_error *e)
{
	(void)s3_tree_damaged(t, path, "ETag", e);
	return mf_error_hint(e,
	    "the object is damaged in its store, or something on the way changes what it carries; "
	    "or another tool put it in parts of another size and kept the metadata %s, then "
	    "--ignore-checksum takes it as it comes",
	    t->words->part_bytes);
}

static bool
counts(const struct get *g)
{
	return g->md5 != NULL && (g->part_bytes > 0 ? !atomic_load(&g->tree->no_md5)
						    : s3_tree_is_md5(g->tree, g->entry));
}

static int
check(struct get *g, struct mf_error *e)
{
	const struct s3_tree *t = g->tree;
	const char *path = g->entry->path;
	uint8_t md5[MF_MD5_BYTES];

	if (counts(g)) {
		if (mf_md5_parts_final(g->md5, md5, e) != 0)
			return -1;
		if (memcmp(md5, g->want, sizeof md5) != 0)
			return g->part_bytes > 0 ? s3_tree_damaged_parts(t, path, e)
						 : s3_tree_damaged(t, path, "MD5", e);
	}
	return s3_sum_check_fits(&g->sum) ? 0 : s3_tree_damaged(t, path, "checksum", e);
}

int
s3_tree_get(struct mf_tree *tree, const struct mf_tree_entry *entry, mf_tree_sink *sink, void *arg,
    struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(tree);
	char key[MF_S3_KEY_BYTES];
	struct get g = {.tree = t, .entry = entry, .sink = sink, .arg = arg};
	struct fetch f = {.tree = t,
	    .path = entry->path,
	    .key = key,
	    .tag = entry->tag,
	    .size = entry->size,
	    .end = entry->size,
	    .sink = pass_on,
	    .arg = &g,
	    .head = t->p.ignore_sums ? NULL : note_head};
	int rc;

	if (s3_tree_key(t, entry->path, key, e) != 0 ||
	    (!t->p.ignore_sums && s3_tree_is_md5(t, entry) && begin_md5(&g, 0, entry->md5, e) != 0))
		return -1;
	rc = fetch(&f, e);
	if (rc == 0)
		rc = check(&g, e);
	mf_md5_parts_free(g.md5);
	s3_sum_check_fini(&g.sum);
	return rc;
}

int
s3_tree_get_range(struct s3_tree *t, const struct mf_tree_entry *entry, const char *key,
    const struct s3_tree_range *range, struct mf_error *e)
{
	struct fetch f = {.tree = t,
	    .path = entry->path,
	    .key = key,
	    .tag = entry->tag,
	    .size = entry->size,
	    .at = range->at,
	    .end = range->end,
	    .sink = range->sink,
	    .arg = range->arg};

	return fetch(&f, e);
}

/* ---- the source of a put elsewhere ---- */

struct source {
	struct s3_tree *tree;
	struct mf_tree_entry entry; /* its path is this one's */
	char key[MF_S3_KEY_BYTES];
	char path[MF_S3_KEY_BYTES];
};

static int
fill(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	uint8_t **at = arg;

	(void)e;
	memcpy(*at, bytes, n);
	*at += n;
	return 0;
}

static int
source_read_at(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	const struct source *s = arg;
	uint8_t *at = buf;
	const struct s3_tree_range range = {
	    .at = offset, .end = offset + n, .sink = fill, .arg = &at};

	if (offset > s->entry.size || n > s->entry.size - offset)
		return mf_error_set(
		    e, MF_ESOURCE, "%s/%s is shorter than that", s->tree->s->label, s->path);
	return n > 0 ? s3_tree_get_range(s->tree, &s->entry, s->key, &range, e) : 0;
}

static int
source_read_all(void *arg, mf_tree_sink *sink, void *sink_arg, struct mf_error *e)
{
	const struct source *s = arg;

	return s3_tree_get(&s->tree->tree, &s->entry, sink, sink_arg, e);
}

static int
source_read_spread(void *arg, const struct mf_tree_pieces *to, struct mf_error *e)
{
	const struct source *s = arg;

	return s3_tree_get_spread(s->tree, &s->entry, s->key, to, e);
}

/* What a listing does not tell. */
static int
look_again(struct mf_tree *tree, const struct mf_tree_entry *entry, struct mf_tree_entry *now,
    struct mf_error *e)
{
	const char *label = s3_tree_of(tree)->s->label;

	*now = *entry;
	if (entry->has_mtime && entry->tag[0] != '\0')
		return 0;
	switch (s3_tree_look(tree, entry->path, now, e)) {
	case 0: break;
	case 1: return mf_error_set(e, MF_ENOTFOUND, "no file %s/%s", label, entry->path);
	default: return -1;
	}
	if (now->size != entry->size ||
	    (entry->tag[0] != '\0' && strcmp(now->tag, entry->tag) != 0))
		return s3_tree_is_another(s3_tree_of(tree), entry->path, e);
	return 0;
}

int
s3_tree_source_open(struct mf_tree *tree, const struct mf_tree_entry *entry,
    struct mf_tree_source *out, struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(tree);
	struct mf_tree_entry now;
	struct source *s;

	if (look_again(tree, entry, &now, e) != 0)
		return -1;
	if ((s = calloc(1, sizeof *s)) == NULL)
		return mf_error_nomem(e, "a file");
	if (s3_tree_key(t, entry->path, s->key, e) != 0) {
		free(s);
		return -1;
	}
	memcpy(s->path, entry->path, strlen(entry->path) + 1);
	s->tree = t;
	s->entry = now;
	s->entry.path = s->path;
	*out = (struct mf_tree_source){.size = now.size,
	    .read_at = source_read_at,
	    .read_all = source_read_all,
	    .read_spread = source_read_spread,
	    .arg = s,
	    .mtime_ns = now.has_mtime ? now.mtime_ns : now.stored_us * 1000,
	    .md5 = s3_tree_is_md5(t, &now) ? s->entry.md5 : NULL};
	return 0;
}

void
s3_tree_source_close(struct mf_tree *tree, struct mf_tree_source *source)
{
	(void)tree;
	free(source->arg);
}
