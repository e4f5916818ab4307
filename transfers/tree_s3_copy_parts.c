/* A copy that the store makes in parts (UploadPartCopy): what is too large for one request. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/crew.h"
#include "transfers/tree_s3_int.h"

struct job {
	const struct s3_tree_part_copy *c;
	atomic_bool cannot; /* the store does not do that */
};

/* The answer's status is 200 before the work is done: its document says how it ended. */
static int
read_part(struct s3_tree_upload *u, const struct mf_s3_answer *a, struct mf_s3_part *part,
    struct mf_error *e)
{
	struct mf_s3_error_answer error;
	const int rc = mf_s3_xml_result(a->http.body.data, a->http.body.len, part->etag, &error, e);

	if (rc == 1)
		return s3_tree_refused(u->tree, "copying a part of", u->path, &error, e);
	if (rc == 0 && part->etag[0] == '\0')
		return mf_error_set(e, MF_ETRANSFER, "the answer for a part of %s/%s has no ETag",
		    u->tree->s->label, u->path);
	return rc;
}

static void
judge(struct job *j, const struct mf_s3_answer *a, struct mf_error *e)
{
	const struct s3_tree_part_copy *c = j->c;

	if (!a->refused)
		return;
	if (a->class == MF_S3_PRECONDITION)
		mf_error_set(e, MF_ESOURCE, "%s/%s has changed since it was looked at",
		    c->from->s->label, c->entry->path);
	else if (a->class == MF_S3_NOT_FOUND && strcmp(a->error.code, "NoSuchUpload") == 0)
		e->code = MF_ETRANSFER; /* somebody removed the upload */
	else if (a->class == MF_S3_UNSUPPORTED)
		atomic_store(&j->cannot, true);
}

static int
copy_part(struct s3_tree_upload *u, struct mf_s3_part *part, uint64_t at, struct mf_error *e)
{
	struct job *j = u->arg;
	const struct s3_tree_words *w = u->tree->words;
	char number[16], range[64], match[MF_TREE_TAG_BYTES + 2];
	const struct mf_s3_param query[] = {{"partNumber", number}, {"uploadId", u->id}};
	const struct mf_s3_header headers[] = {
	    {w->copy_source, j->c->source}, {w->copy_range, range}, {w->copy_source_match, match}};
	const struct mf_s3_call call = {
	    .method = "PUT",
	    .key = u->key,
	    .query = query,
	    .n_query = 2,
	    .headers = headers,
	    .n_headers = j->c->entry->tag[0] != '\0' ? 3 : 2,
	    .body = "",
	    .has_body = true,
	    .repeatable = true,
	    .doing = "copying a part to",
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc;

	if (mf_crew_cancelled(u->crew))
		return 0;
	(void)snprintf(number, sizeof number, "%u", part->number);
	(void)snprintf(match, sizeof match, "\"%s\"", j->c->entry->tag);
	(void)snprintf(
	    range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, at, at + part->size_bytes - 1);
	rc = s3_tree_call(u->tree, &call, &a, e);
	if (rc == 0)
		rc = read_part(u, &a, part, e);
	else
		judge(j, &a, e);
	mf_s3_answer_fini(&a);
	return rc;
}

int
s3_tree_copy_parts(struct s3_tree *t, const char *path, const char *key,
    const struct s3_tree_part_copy *c, struct mf_error *e)
{
	struct job j = {.c = c};
	struct s3_tree_upload u = {
	    .tree = t,
	    .path = path,
	    .key = key,
	    .headers = c->headers,
	    .n_headers = c->n_headers,
	    .size = c->entry->size,
	    .part_bytes = s3_tree_part_bytes(c->entry->size, t->p.copy_part_bytes),
	    .mtime_ns = c->mtime_ns,
	    .send = copy_part,
	    .arg = &j,
	};

	atomic_init(&j.cannot, false);
	if (s3_tree_upload(&u, e) == 0)
		return 0;
	return atomic_load(&j.cannot) ? 1 : -1;
}
