/* Copies that the store makes itself, and what is one of them: moving, and a new mtime. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "transfers/tree_s3_int.h"

#define KEPT_MAX (MF_S3_HEADERS_MAX - 9)

/* Is it copied in parts? */
static bool
is_large(const struct s3_tree *t, const struct mf_tree_entry *entry)
{
	return t->p.copy_bytes_max > 0 && entry->size > t->p.copy_bytes_max;
}

/* ---- one copy ---- */

struct copy {
	struct s3_tree *from; /* in the same store as the destination: its words are the same */
	const struct mf_tree_entry *entry; /* of from */
	const char *path, *key;            /* where to */
	bool other_parts; /* what is told of the source's parts is not true of the copy */
	struct mf_s3_header headers[MF_S3_HEADERS_MAX];
	size_t n;
};

static void
add(struct copy *c, const char *name, const char *value)
{
	if (c->n < MF_S3_HEADERS_MAX - 1)
		c->headers[c->n++] = (struct mf_s3_header){name, value};
}

/* "/bucket/key" or "bucket/key", encoded. */
static int
write_source(const struct copy *c, struct mf_buf *out, struct mf_error *e)
{
	const char *bucket = mf_s3_client_bucket(c->from->s->client);
	char key[MF_S3_KEY_BYTES];

	if (s3_tree_key(c->from, c->entry->path, key, e) != 0)
		return -1;
	mf_buf_printf(out, "%s", c->from->words->copy_slash);
	mf_s3_uri_encode(out, bucket, strlen(bucket), true);
	mf_buf_put_u8(out, '/');
	mf_s3_uri_encode(out, key, strlen(key), true);
	return mf_buf_cstr(out) != NULL ? 0 : mf_error_nomem(e, "a copy");
}

/* What the store's refusal means to whoever asked for a copy. 1: it cannot. */
static int
judge(const struct copy *c, const struct mf_s3_answer *a, struct mf_error *e)
{
	if (!a->refused)
		return -1;
	if (a->class == MF_S3_PRECONDITION)
		return mf_error_set(e, MF_ESOURCE, "%s/%s has changed since it was looked at",
		    c->from->s->label, c->entry->path);
	return a->class == MF_S3_UNSUPPORTED ? 1 : -1;
}

/* The answer's status is 200 before the work is done: its document says how it ended. */
static int
read_result(
    const struct s3_tree *t, const struct copy *c, const struct mf_s3_answer *a, struct mf_error *e)
{
	struct mf_s3_error_answer error;
	char etag[MF_S3_ETAG_BYTES];
	const int rc = mf_s3_xml_result(a->http.body.data, a->http.body.len, etag, &error, e);

	return rc == 1 ? s3_tree_refused(t, "copying", c->entry->path, &error, e) : rc;
}

static int
run_copy(struct s3_tree *t, struct copy *c, struct mf_error *e)
{
	struct mf_buf source = MF_BUF_INIT;
	char match[MF_TREE_TAG_BYTES + 2];
	struct mf_s3_call call = {.method = "PUT",
	    .key = c->key,
	    .headers = c->headers,
	    .body = "",
	    .has_body = true,
	    .repeatable = true,
	    .doing = "copying to"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc = write_source(c, &source, e);

	if (rc == 0) {
		(void)snprintf(match, sizeof match, "\"%s\"", c->entry->tag);
		add(c, t->words->copy_source, mf_buf_cstr(&source));
		if (c->entry->tag[0] != '\0')
			add(c, t->words->copy_source_match, match);
		call.n_headers = c->n;
		rc = s3_tree_call(t, &call, &a, e);
		rc = rc == 0 ? read_result(t, c, &a, e) : judge(c, &a, e);
	}
	mf_s3_answer_fini(&a);
	mf_buf_fini(&source);
	return rc;
}

/* ---- headers ---- */

static bool
is_metadata(const struct s3_tree *t, const char *name)
{
	return strncasecmp(name, t->words->meta, strlen(t->words->meta)) == 0;
}

static bool
is_said(const struct copy *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcasecmp(c->headers[i].name, name) == 0)
			return true;
	return false;
}

/* What the destination's objects are given; their metadata stay what they were. */
static void
add_put_headers(const struct s3_tree *t, struct copy *c)
{
	size_t i;

	for (i = 0; i < t->s->n_headers; i++)
		if (!is_metadata(t, t->s->headers[i].name) && !is_said(c, t->s->headers[i].name))
			add(c, t->s->headers[i].name, t->s->headers[i].value);
}

/* Is it what a copy onto itself loses unless it is said again? */
static bool
is_kept(const struct s3_tree *t, const char *name)
{
	static const char *const names[] = {"Cache-Control", "Content-Disposition",
	    "Content-Encoding", "Content-Language", "Content-Type", "Expires",
	    "x-amz-website-redirect-location", "x-goog-custom-time"};
	size_t i;

	if (is_metadata(t, name)) /* what stands for the mtime was said */
		return true;
	if (strcasecmp(name, t->words->storage_class) == 0)
		return true;
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
tells_parts(const struct s3_tree *t, const char *name)
{
	return t->words->part_bytes != NULL && strcasecmp(name, t->words->part_bytes) == 0;
}

static int
keep_headers(struct copy *c, const struct mf_http_headers *have, struct mf_error *e)
{
	const char *name, *value;
	size_t at = 0;

	while (mf_http_headers_next(have, &at, &name, &value))
		if (is_kept(c->from, name) && !is_said(c, name) &&
		    !(c->other_parts && tells_parts(c->from, name))) {
			if (c->n >= KEPT_MAX)
				return mf_error_set(e, MF_EUNSUPPORTED,
				    "%s/%s has more metadata than can be kept", c->from->s->label,
				    c->entry->path);
			add(c, name, value);
		}
	return 0;
}

/* In parts, whose headers are all said. */
static int
run_parts(struct s3_tree *t, struct copy *c, const struct mf_tree_entry *is, struct mf_error *e)
{
	struct mf_buf source = MF_BUF_INIT;
	char md5[S3_TREE_MD5_BYTES];
	struct s3_tree_part_copy parts = {
	    .from = c->from, .entry = c->entry, .headers = c->headers, .mtime_ns = is->mtime_ns};
	int rc = write_source(c, &source, e);

	/* the ETag of what is made in parts is no MD5 */
	if (is->has_md5 && !is_said(c, t->words->md5)) {
		s3_tree_print_md5(is->md5, md5);
		add(c, t->words->md5, md5);
	}
	parts.n_headers = c->n;
	parts.source = mf_buf_cstr(&source);
	if (rc == 0)
		rc = s3_tree_copy_parts(t, c->path, c->key, &parts, e);
	mf_buf_fini(&source);
	return rc;
}

/* Is the object that is copied under its tag still? */
static bool
is_still(const struct copy *c)
{
	struct mf_tree_entry now;
	struct mf_error unsaid = {0};

	return s3_tree_look(&c->from->tree, c->entry->path, &now, &unsaid) == 0 &&
	       now.size == c->entry->size && strcmp(now.tag, c->entry->tag) == 0;
}

/* In parts of what the source is, or, where that is NULL, at once. Swift keeps two tags of an
 * object in parts, of which it tells one and holds the other against it; and a copy is listed under
 * another than it is read under. So where an object is refused that has not changed, nothing is
 * copied. */
static int
run(struct s3_tree *t, struct copy *c, const struct mf_tree_entry *is, struct mf_error *e)
{
	uint8_t md5[MF_TREE_MD5_BYTES];
	uint64_t n_parts;
	int rc = is != NULL ? run_parts(t, c, is, e) : run_copy(t, c, e);

	if (rc >= 0 || e->code != MF_ESOURCE ||
	    !s3_tree_tag_is_parts(c->entry->tag, md5, &n_parts) || !is_still(c))
		return rc;
	mf_error_clear(e);
	return 1;
}

/* Copy with this mtime, or where NULL says so, with the one that the source has by its own or else
 * by when it was stored: a copy would be younger. Everything else that the source has is said
 * again. */
static int
replace(struct s3_tree *t, struct copy *c, const int64_t *mtime_ns, struct mf_error *e)
{
	char key[MF_S3_KEY_BYTES];
	const struct mf_s3_call head = {.method = "HEAD",
	    .key = key,
	    .headers = &t->words->as_stored,
	    .n_headers = t->words->as_stored.name != NULL,
	    .doing = "looking up"};
	const bool large = is_large(t, c->entry);
	struct s3_tree_mtimes mtimes;
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	struct mf_tree_entry is = {.tag = ""};
	size_t i;
	int rc = -1;

	if (s3_tree_key(c->from, c->entry->path, key, e) != 0 ||
	    s3_tree_call(c->from, &head, &a, e) != 0)
		goto out;
	s3_tree_read_headers(c->from, &a.http, &is);
	if (c->entry->tag[0] != '\0' && is.tag[0] != '\0' && strcmp(c->entry->tag, is.tag) != 0) {
		mf_error_set(e, MF_ESOURCE, "%s/%s has changed since it was looked at",
		    c->from->s->label, c->entry->path);
		goto out;
	}
	c->other_parts = c->other_parts || large;
	if (!is.has_mtime)
		is.mtime_ns = is.stored_us * 1000;
	if (mtime_ns != NULL)
		is.mtime_ns = *mtime_ns;
	if (mtime_ns != NULL || !is.has_mtime || large) {
		s3_tree_print_mtimes(t, is.mtime_ns, &mtimes);
		if (!large)
			add(c, t->words->directive, "REPLACE");
		for (i = 0; i < mtimes.n; i++)
			add(c, mtimes.headers[i].name, mtimes.headers[i].value);
		if (mtime_ns == NULL) /* what a copy is to be goes before what the source is */
			add_put_headers(t, c);
		if (keep_headers(c, &a.http.headers, e) != 0)
			goto out;
	}
	add_put_headers(t, c);
	rc = run(t, c, large ? &is : NULL, e);
out:
	mf_s3_answer_fini(&a);
	return rc;
}

/* ---- copy and move ---- */

static bool
same_store(const struct s3_tree *a, const struct s3_tree *b)
{
	struct mf_buf one = MF_BUF_INIT, other = MF_BUF_INIT;
	bool same;

	if (a->words != b->words)
		return false;
	mf_s3_client_origin(a->s->client, &one);
	mf_s3_client_origin(b->s->client, &other);
	same = mf_buf_cstr(&one) != NULL && mf_buf_cstr(&other) != NULL && one.len == other.len &&
	       memcmp(one.data, other.data, one.len) == 0;
	mf_buf_fini(&one);
	mf_buf_fini(&other);
	return same;
}

int
s3_tree_copy(struct mf_tree *tree, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(tree);
	struct copy c = {.from = s3_tree_of(from), .entry = entry};
	char key[MF_S3_KEY_BYTES];

	if (from->ops != &s3_tree_ops)
		return 1;
	if (s3_tree_check_write(t, e) != 0 || s3_tree_key(t, path, key, e) != 0)
		return -1;
	if (!same_store(t, c.from) || t->p.account != c.from->p.account)
		return 1;
	c.path = path;
	c.key = key;
	if (!entry->has_mtime || is_large(t, entry))
		return replace(t, &c, NULL, e);
	add_put_headers(t, &c);
	return run(t, &c, NULL, e);
}

static bool
is_same_object(
    const struct s3_tree *a, const char *path, const struct s3_tree *b, const char *other)
{
	char one[MF_S3_KEY_BYTES], two[MF_S3_KEY_BYTES];

	return same_store(a, b) &&
	       strcmp(mf_s3_client_bucket(a->s->client), mf_s3_client_bucket(b->s->client)) == 0 &&
	       strcmp(s3_key(a->s, path, one), s3_key(b->s, other, two)) == 0;
}

int
s3_tree_move(struct mf_tree *tree, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	int rc;

	if (from->ops != &s3_tree_ops)
		return 1;
	if (s3_tree_check_write(s3_tree_of(from), e) != 0)
		return -1;
	/* else the deletion would take the copy */
	if (is_same_object(s3_tree_of(tree), path, s3_tree_of(from), entry->path))
		return 0;
	rc = s3_tree_copy(tree, path, from, entry, e);
	return rc == 0 ? s3_tree_del(from, &entry->path, 1, NULL, NULL, e) : rc;
}

/* ---- touch ---- */

static int
touch(struct s3_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, bool other_parts,
    struct mf_error *e)
{
	struct copy c = {.from = t, .entry = entry, .other_parts = other_parts};
	char key[MF_S3_KEY_BYTES];
	int rc;

	if (s3_tree_check_write(t, e) != 0 || s3_tree_key(t, entry->path, key, e) != 0)
		return -1;
	c.path = entry->path;
	c.key = key;
	rc = replace(t, &c, &mtime_ns, e);
	return rc == 1 ? mf_error_set(e, MF_EUNSUPPORTED, "%s copies no objects", t->s->label) : rc;
}

int
s3_tree_touch(
    struct mf_tree *tree, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e)
{
	return touch(s3_tree_of(tree), entry, mtime_ns, false, e);
}

int
s3_tree_untell_parts(
    struct s3_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e)
{
	return touch(t, entry, mtime_ns, true, e);
}
