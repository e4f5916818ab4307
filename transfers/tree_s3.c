#include "config.h"

#include "transfers/tree_s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "transfers/tree_s3_int.h"

#define PART_BYTES ((uint64_t)16 << 20)
#define PART_BYTES_MIN ((uint64_t)5 << 20) /* stores take no smaller ones */
#define COPY_PART_BYTES ((uint64_t)512 << 20)
#define RANGE_BYTES ((uint64_t)32 << 20)
#define LISTS_AT_ONCE 8
#define MEMORY_BYTES ((uint64_t)128 << 20)

/* ---- requests ---- */

int
s3_tree_key(
    const struct s3_tree *t, const char *path, char out[MF_S3_KEY_BYTES], struct mf_error *e)
{
	if (strlen(t->s->prefix) + strlen(path) > MF_S3_KEY_MAX)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "%s/%.100s...: no object can have a key of more than %d bytes", t->s->label,
		    path, MF_S3_KEY_MAX);
	(void)s3_key(t->s, path, out);
	return 0;
}

int
s3_tree_check_write(const struct s3_tree *t, struct mf_error *e)
{
	return t->s->write ? 0
			   : mf_error_set(e, MF_EPERM, "%s is open for reading only", t->s->label);
}

struct request {
	struct s3_tree *tree;
	const struct mf_s3_call *call;
	struct mf_s3_answer *answer;
};

static int
request_once(void *arg, struct mf_error *e)
{
	const struct request *r = arg;
	const int rc = mf_s3_client_call(r->tree->s->client, r->call, r->answer, e);

	if (rc != 0 && r->answer->refused && r->answer->class == MF_S3_RACE)
		e->code = MF_ETRANSFER; /* two met: later there is only one */
	return rc;
}

int
s3_tree_call(struct s3_tree *t, const struct mf_s3_call *call, struct mf_s3_answer *answer,
    struct mf_error *e)
{
	struct request r = {.tree = t, .call = call, .answer = answer};

	return mf_retry_run(&t->p.retry, call->key, request_once, &r, e);
}

int
s3_tree_refused(const struct s3_tree *t, const char *doing, const char *path,
    const struct mf_s3_error_answer *answer, struct mf_error *e)
{
	char object[MF_ERROR_MESSAGE_BYTES / 2];
	const struct mf_s3_refusal r = {
	    .doing = doing, .object = object, .http_status = 200, .answer = answer};

	(void)snprintf(object, sizeof object, "%s%s%s", t->s->label, path != NULL ? "/" : "",
	    path != NULL ? path : "");
	return mf_s3_refused(&r, e);
}

/* ---- what an object is like ---- */

int
s3_tree_look_sum(struct s3_tree *t, const char *path, struct mf_tree_entry *out,
    char sum[S3_SUM_CHARS + 1], struct mf_error *e)
{
	char key[MF_S3_KEY_BYTES];
	const struct mf_s3_call call = {.method = "HEAD",
	    .key = key,
	    .headers = &t->words->as_stored,
	    .n_headers = t->words->as_stored.name != NULL,
	    .doing = "looking up"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int64_t size;
	int rc;

	if (s3_tree_key(t, path, key, e) != 0)
		return -1;
	rc = s3_tree_call(t, &call, &a, e);
	if (rc != 0 && a.refused && a.class == MF_S3_NOT_FOUND)
		rc = 1;
	else if (rc == 0 && (size = s3_tree_read_size(t, &a.http)) < 0)
		rc = mf_error_set(e, MF_ETRANSFER,
		    "the answer for %s/%s does not say how long it is", t->s->label, path);
	else if (rc == 0) {
		*out = (struct mf_tree_entry){
		    .path = path, .kind = MF_TREE_FILE, .size = (uint64_t)size};
		s3_tree_read_headers(t, &a.http, out);
		if (!s3_sum_told(t->s, &a.http, "crc32c=", sum, S3_SUM_CHARS + 1))
			sum[0] = '\0';
	}
	mf_s3_answer_fini(&a);
	return rc;
}

int
s3_tree_look(struct mf_tree *tree, const char *path, struct mf_tree_entry *out, struct mf_error *e)
{
	char unused[S3_SUM_CHARS + 1];

	return s3_tree_look_sum(s3_tree_of(tree), path, out, unused, e);
}

/* ---- the handle ---- */

static unsigned
s3_tree_capabilities(struct mf_tree *tree)
{
	const struct s3_tree *t = s3_tree_of(tree);

	return (unsigned)MF_TREE_MTIME_SET |
	       (atomic_load(&t->no_md5) ? 0u : (unsigned)MF_TREE_MD5_LISTED);
}

static const char *
s3_tree_label(struct mf_tree *t)
{
	return s3_tree_of(t)->s->label;
}

static void
s3_tree_close(struct mf_tree *tree)
{
	struct s3_tree *t = s3_tree_of(tree);

	mf_store_close(&t->s->store);
	s3_tree_drop_memory(t);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->freed);
	free(t);
}

const struct mf_tree_ops s3_tree_ops = {
    .list = s3_tree_list,
    .next = s3_tree_next,
    .cursor_close = s3_tree_cursor_close,
    .look = s3_tree_look,
    .get = s3_tree_get,
    .put = s3_tree_put,
    .source_open = s3_tree_source_open,
    .source_close = s3_tree_source_close,
    .del = s3_tree_del,
    .copy = s3_tree_copy,
    .move = s3_tree_move,
    .touch = s3_tree_touch,
    .remember = s3_tree_remember,
    .abandon = s3_tree_abandon,
    .sweep = s3_tree_sweep,
    .capabilities = s3_tree_capabilities,
    .label = s3_tree_label,
    .close = s3_tree_close,
};

/* ---- opening ---- */

/* What we write ourselves cannot be given as well. */
static int
check_headers(const struct s3_store *s, struct mf_error *e)
{
	const struct s3_tree_words *w = s3_tree_words_of(s->dialect);
	const char *name;
	size_t i;

	for (i = 0; i < s->n_headers; i++) {
		name = s->headers[i].name;
		if (strcasecmp(name, w->mtime) == 0 || strcasecmp(name, w->md5) == 0 ||
		    (w->part_bytes != NULL && strcasecmp(name, w->part_bytes) == 0) ||
		    (w->mtime_s != NULL && strcasecmp(name, w->mtime_s) == 0))
			return mf_error_set(e, MF_EUSAGE,
			    "the metadata %s of a mirror's objects cannot be given",
			    name + strlen(w->meta));
	}
	return 0;
}

static bool
encrypts_by_kms(const struct s3_store *s)
{
	size_t i;

	for (i = 0; i < s->n_headers; i++)
		if (strcmp(s->headers[i].name, "x-amz-server-side-encryption") == 0)
			return strncmp(s->headers[i].value, "aws:kms", 7) == 0;
		else if (strcmp(s->headers[i].name, "x-goog-encryption-kms-key-name") == 0)
			return true;
	return false;
}

static void
set_params(struct s3_tree *t, const struct mf_tree_s3_params *p)
{
	if (p != NULL)
		t->p = *p;
	if (t->p.retry.waiting.cancelled == NULL && t->p.retry.waiting.sleep_us == NULL)
		t->p.retry.waiting = *mf_s3_client_waiting(t->s->client);
	if (t->p.part_bytes == 0)
		t->p.part_bytes = PART_BYTES;
	if (t->p.part_bytes < PART_BYTES_MIN)
		t->p.part_bytes = PART_BYTES_MIN;
	if (t->p.parts_at_once == 0)
		t->p.parts_at_once = MF_TREE_S3_PARTS_AT_ONCE;
	if (t->p.parts_at_once > S3_TREE_PARTS_AT_ONCE_MAX)
		t->p.parts_at_once = S3_TREE_PARTS_AT_ONCE_MAX;
	if (t->p.range_bytes == 0)
		t->p.range_bytes = RANGE_BYTES;
	if (t->p.lists_at_once == 0)
		t->p.lists_at_once = LISTS_AT_ONCE;
	if (t->p.copy_bytes_max == 0 || t->p.copy_bytes_max > t->words->copy_bytes_max)
		t->p.copy_bytes_max = t->words->copy_bytes_max;
	if (t->p.copy_part_bytes == 0)
		t->p.copy_part_bytes = COPY_PART_BYTES;
	if (t->p.copy_part_bytes < PART_BYTES_MIN)
		t->p.copy_part_bytes = PART_BYTES_MIN;
	if (t->p.memory_bytes == 0)
		t->p.memory_bytes = MEMORY_BYTES;
}

int
mf_tree_s3_take(struct mf_store *store, const struct mf_tree_s3_params *p, struct mf_tree **out,
    struct mf_error *e)
{
	struct s3_tree *t;

	if (check_headers(s3_of(store), e) != 0)
		return -1;
	if ((t = calloc(1, sizeof *t)) == NULL)
		return mf_error_nomem(e, "a tree");
	t->tree.ops = &s3_tree_ops;
	t->s = s3_of(store);
	t->words = s3_tree_words_of(t->s->dialect);
	set_params(t, p);
	atomic_init(&t->no_md5, encrypts_by_kms(t->s));
	atomic_init(&t->no_parts, t->words->part_bytes == NULL);
	atomic_init(&t->knows_part, false);
	atomic_init(&t->no_batch, !t->words->batches);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->freed, NULL);
	*out = &t->tree;
	return 0;
}

/* Takes the store also where it fails. */
static int
make_of(struct mf_store *store, const struct mf_tree_s3_params *p, struct mf_tree **out,
    struct mf_error *e)
{
	if (mf_tree_s3_take(store, p, out, e) == 0)
		return 0;
	mf_store_close(store);
	return -1;
}

int
mf_tree_s3_open(const char *rest, const struct mf_s3_options *options, bool write,
    const struct mf_tree_s3_params *p, struct mf_tree **out, struct mf_error *e)
{
	struct mf_store *store;

	return mf_s3_open(rest, options, write, &store, e) == 0 ? make_of(store, p, out, e) : -1;
}

int
mf_tree_gcs_open(const char *rest, const struct mf_gcs_options *options, bool write,
    const struct mf_tree_s3_params *p, struct mf_tree **out, struct mf_error *e)
{
	struct mf_store *store;

	return mf_gcs_open(rest, options, write, &store, e) == 0 ? make_of(store, p, out, e) : -1;
}
