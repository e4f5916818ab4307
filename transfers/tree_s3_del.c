/* Deleting: up to a thousand keys in a request, and one by one what does not go that way. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/crew.h"
#include "src/base/units.h"
#include "transfers/tree_s3_int.h"

#define BATCH_KEYS 1000
#define ONES_AT_ONCE 16u /* where they go one by one */
#define ANSWER_BYTES_MAX ((uint64_t)8 << 20)

struct deletion {
	struct s3_tree *tree;
	void (*failed)(void *arg, const char *path, const struct mf_error *why);
	void *arg;
	pthread_mutex_t lock; /* of what follows, and held by the callback */
	bool some_failed;
	struct mf_error first;
	atomic_bool no_locks; /* a refusal had another reason than the object's lock */
};

struct one {
	struct s3_tree *tree;
	const char *path;
};

static int
delete_once(void *arg, struct mf_error *e)
{
	const struct one *o = arg;

	return s3_del(&o->tree->s->store, o->path, e);
}

/* What keeps the object, if its headers tell. false: nothing. */
static bool
say_lock(const struct deletion *d, const char *path, const struct mf_http_response *r,
    struct mf_error *why)
{
	const struct s3_tree *t = d->tree;
	const char *mode;
	const int64_t us = s3_locked_until(t->s, r, &mode);
	char text[MF_TIME_TEXT_BYTES];

	if (us == MF_STORE_HELD) {
		mf_error_set(
		    why, MF_EPERM, "%s/%s stays: it is under a legal hold", t->s->label, path);
		mf_error_hint(why, "whoever set the hold can lift it");
	} else if (mode != NULL) {
		mf_error_set(why, MF_EPERM, "%s/%s stays until %s: it is under a retention (%.20s)",
		    t->s->label, path, mf_format_time(us, text), mode);
		mf_error_hint(why, "a run after that deletes it");
	} else
		return false;
	return true;
}

/* A store may say no more than that it may not be. */
static void
explain(struct deletion *d, const char *path, struct mf_error *why)
{
	const int http_status = why->http_status;
	char key[MF_S3_KEY_BYTES];
	const struct mf_s3_call call = {.method = "HEAD", .key = key, .doing = "looking up"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	struct mf_error e = {0};

	if (why->code != MF_EPERM || http_status == 0 || atomic_load(&d->no_locks))
		return;
	if (s3_tree_key(d->tree, path, key, &e) != 0 ||
	    mf_s3_client_call(d->tree->s->client, &call, &a, &e) != 0 ||
	    !say_lock(d, path, &a.http, why))
		atomic_store(&d->no_locks, true);
	why->http_status = http_status;
	mf_s3_answer_fini(&a);
}

/* One file by itself. Its failure is noted; -1 only where nobody wants the rest any more. */
static int
delete_one(struct deletion *d, const char *path, struct mf_error *e)
{
	struct one one = {d->tree, path};
	char key[MF_S3_KEY_BYTES];
	struct mf_error why = {0};

	if (s3_tree_key(d->tree, path, key, &why) == 0 &&
	    mf_retry_run(&d->tree->p.retry, key, delete_once, &one, &why) == 0)
		return 0;
	if (why.code == MF_EINTERRUPTED) {
		*e = why;
		return -1;
	}
	explain(d, path, &why);
	pthread_mutex_lock(&d->lock);
	if (!d->some_failed)
		d->first = why;
	d->some_failed = true;
	if (d->failed != NULL)
		d->failed(d->arg, path, &why);
	pthread_mutex_unlock(&d->lock);
	return 0;
}

/* Those that go one by one. */
struct ones {
	struct deletion *d;
	const char *const *paths;
	size_t n;
	atomic_size_t next;
	struct mf_crew *crew;
};

/* One thread of the crew. */
static int
delete_some(void *arg, struct mf_error *e)
{
	struct ones *o = arg;
	size_t i;

	while (!mf_crew_cancelled(o->crew) && (i = atomic_fetch_add(&o->next, 1)) < o->n)
		if (delete_one(o->d, o->paths[i], e) != 0)
			return -1;
	return 0;
}

static int
delete_ones(struct deletion *d, const char *const *paths, size_t n, struct mf_error *e)
{
	struct ones o = {.d = d, .paths = paths, .n = n};
	unsigned i;
	int rc = 0;

	if (n == 1)
		return delete_one(d, paths[0], e);
	atomic_init(&o.next, 0);
	if ((o.crew = mf_crew_new(e)) == NULL)
		return -1;
	for (i = 0; rc == 0 && i < n && i < ONES_AT_ONCE; i++)
		rc = mf_crew_start(o.crew, "delete", delete_some, &o, e);
	rc = mf_crew_join(o.crew, e);
	mf_crew_free(o.crew);
	return rc;
}

/* ---- batches ---- */

/* "Content-MD5" as the API demands it. 0, or -1: there is no MD5 here. */
static int
content_md5(const struct mf_buf *body, char out[S3_TREE_MD5_BYTES], struct mf_error *e)
{
	struct mf_md5 *m = mf_md5_new(e);
	uint8_t md5[MF_MD5_BYTES];
	int rc;

	if (m == NULL)
		return -1;
	mf_md5_update(m, body->data, body->len);
	rc = mf_md5_final(m, md5, e);
	mf_md5_free(m);
	if (rc == 0)
		s3_tree_print_md5(md5, out);
	return rc;
}

/* The Delete document of these. 0, or -1 where they cannot be said in one. */
static int
write_batch(const struct s3_tree *t, const char *const *paths, size_t n, struct mf_buf *out,
    struct mf_error *e)
{
	char(*texts)[MF_S3_KEY_BYTES] = malloc(n * sizeof *texts);
	const char **keys = malloc(n * sizeof *keys);
	size_t i;
	int rc = 0;

	if (texts == NULL || keys == NULL)
		rc = mf_error_nomem(e, "a deletion");
	for (i = 0; rc == 0 && i < n; i++) {
		keys[i] = texts[i];
		rc = s3_tree_key(t, paths[i], texts[i], e);
	}
	if (rc == 0)
		rc = mf_s3_xml_put_delete(out, keys, n, e);
	free(texts);
	free(keys);
	return rc;
}

/* Files that go in one request. */
struct batch {
	const char *const *paths;
	size_t n;
	size_t at; /* behind the one that was told of last: stores tell of them in order */
};

/* Is the key that of one of them? */
static bool
is_of_batch(const struct s3_tree *t, struct batch *b, const char *key)
{
	const size_t n = strlen(t->s->prefix);
	size_t i, at;

	if (strncmp(key, t->s->prefix, n) != 0)
		return false;
	for (i = 0; i < b->n; i++) {
		at = (b->at + i) % b->n;
		if (strcmp(key + n, b->paths[at]) != 0)
			continue;
		b->at = at + 1;
		return true;
	}
	return false;
}

/* What of a batch was not deleted goes by itself: then the store's reason is the one that is
 * told, and what may work later is tried again. */
static int
delete_rest(
    struct deletion *d, struct batch *b, const struct mf_s3_deleted *answer, struct mf_error *e)
{
	const size_t n = strlen(d->tree->s->prefix);
	size_t i;

	for (i = 0; i < answer->n_failures; i++)
		if (!is_of_batch(d->tree, b, answer->failures[i].key))
			return mf_error_set(e, MF_ETRANSFER,
			    "%s tells of a deletion that was not asked for", d->tree->s->label);
		else if (strcmp(answer->failures[i].code, "NoSuchKey") != 0 &&
			 delete_one(d, answer->failures[i].key + n, e) != 0)
			return -1;
	return 0;
}

static int
send_batch(struct deletion *d, struct batch *b, const struct mf_buf *body, const char *md5,
    struct mf_error *e)
{
	const struct mf_s3_param query = {"delete", NULL};
	const struct mf_s3_header headers[] = {
	    {"Content-MD5", md5}, {"Content-Type", "application/xml"}};
	const struct mf_s3_call call = {
	    .method = "POST",
	    .query = &query,
	    .n_query = 1,
	    .headers = headers,
	    .n_headers = 2,
	    .body = body->data,
	    .body_bytes = body->len,
	    .has_body = true,
	    .repeatable = true,
	    .doing = "deleting in",
	    .max_body_bytes = ANSWER_BYTES_MAX,
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	struct mf_s3_error_answer error;
	struct mf_s3_deleted deleted;
	int rc = s3_tree_call(d->tree, &call, &a, e);

	if (rc != 0 && a.refused && a.class == MF_S3_UNSUPPORTED) {
		atomic_store(&d->tree->no_batch, true);
		rc = 1;
	} else if (rc == 0) {
		rc = mf_s3_xml_deleted(a.http.body.data, a.http.body.len, &deleted, &error, e);
		if (rc == 1)
			rc = s3_tree_refused(d->tree, "deleting in", NULL, &error, e);
		else if (rc == 0) {
			rc = delete_rest(d, b, &deleted, e);
			mf_s3_deleted_fini(&deleted);
		}
	}
	mf_s3_answer_fini(&a);
	return rc;
}

/* 0; 1: not in one request; -1. */
static int
delete_batch(struct deletion *d, const char *const *paths, size_t n, struct mf_error *e)
{
	struct batch b = {.paths = paths, .n = n};
	struct mf_buf body = MF_BUF_INIT;
	struct mf_error why = {0};
	char md5[S3_TREE_MD5_BYTES];
	int rc = 1;

	if (n > 1 && !atomic_load(&d->tree->no_batch) &&
	    write_batch(d->tree, paths, n, &body, &why) == 0 && content_md5(&body, md5, &why) == 0)
		rc = send_batch(d, &b, &body, md5, e);
	else if (why.code != MF_OK && why.code != MF_EUNSUPPORTED) {
		*e = why;
		rc = -1;
	}
	mf_buf_fini(&body);
	return rc;
}

int
s3_tree_del(struct mf_tree *tree, const char *const *paths, size_t n,
    void (*failed)(void *arg, const char *path, const struct mf_error *why), void *arg,
    struct mf_error *e)
{
	struct deletion d = {.tree = s3_tree_of(tree), .failed = failed, .arg = arg};
	size_t at, batch;
	int rc = 0;

	if (s3_tree_check_write(d.tree, e) != 0)
		return -1;
	pthread_mutex_init(&d.lock, NULL);
	atomic_init(&d.no_locks, false);
	for (at = 0; rc == 0 && at < n; at += batch) {
		batch = n - at < BATCH_KEYS ? n - at : BATCH_KEYS;
		rc = delete_batch(&d, paths + at, batch, e);
		if (rc == 1)
			rc = delete_ones(&d, paths + at, batch, e);
	}
	pthread_mutex_destroy(&d.lock);
	if (rc != 0)
		return -1;
	if (!d.some_failed)
		return 0;
	*e = d.first;
	return -1;
}
