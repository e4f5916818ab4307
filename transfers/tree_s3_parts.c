/*
 * Making an object in parts: an upload is begun, its parts are made by several threads, and it is
 * completed; and putting a large file so. A part may be sent twice: the last one under its
 * number counts. Whatever goes wrong, nothing was ever visible, and the upload is aborted or
 * remembered for another time (tree_s3_resume.c).
 */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/crew.h"
#include "src/base/log.h"
#include "transfers/tree_s3_int.h"

#define MIB ((uint64_t)1 << 20)

/* ---- beginning and ending ---- */

uint64_t
s3_tree_part_bytes(uint64_t size, uint64_t least)
{
	const uint64_t needed = (size + MF_S3_PARTS_MAX - 1) / MF_S3_PARTS_MAX;

	return needed <= least ? least : (needed + MIB - 1) / MIB * MIB;
}

static int
initiate(struct s3_tree_upload *u, struct mf_error *e)
{
	const struct mf_s3_param query = {"uploads", NULL};
	struct mf_s3_header headers[MF_S3_HEADERS_MAX];
	char part_bytes[S3_TREE_PART_BYTES_CHARS];
	struct mf_s3_call call = {
	    .method = "POST",
	    .key = u->key,
	    .query = &query,
	    .n_query = 1,
	    .headers = headers,
	    .n_headers = u->n_headers,
	    .body = "",
	    .has_body = true,
	    .repeatable = true, /* one too many is swept */
	    .begins_parts = u->has_bodies,
	    .doing = "beginning to put",
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc;

	memcpy(headers, u->headers, u->n_headers * sizeof headers[0]);
	headers[u->n_headers] = s3_tree_tell_parts(u, part_bytes);
	call.n_headers += u->told_parts;
	rc = s3_tree_call(u->tree, &call, &a, e);
	if (rc == 0) {
		s3_tree_note_keys(u->tree, &a.http);
		rc = mf_s3_xml_initiated(a.http.body.data, a.http.body.len, u->id, e);
	}
	u->summed = a.summed;
	mf_s3_answer_fini(&a);
	return rc;
}

int
s3_tree_abort(struct s3_tree *t, const char *key, const char *id, struct mf_error *e)
{
	const struct mf_s3_param query = {"uploadId", id};
	const struct mf_s3_call call = {
	    .method = "DELETE",
	    .key = key,
	    .query = &query,
	    .n_query = 1,
	    .repeatable = true,
	    .although_cancelled = true,
	    .doing = "removing parts of",
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc = s3_tree_call(t, &call, &a, e);

	if (rc != 0 && a.refused && a.class == MF_S3_NOT_FOUND)
		rc = 0;
	mf_s3_answer_fini(&a);
	return rc;
}

/* ---- parts ---- */

/* What the completion says of the part. */
static void
print_sum(struct mf_s3_part *part, const void *bytes)
{
	char text[MF_S3_SUM_BYTES];

	(void)snprintf(part->crc32c, sizeof part->crc32c, "%s",
	    strchr(s3_sum(bytes, (size_t)part->size_bytes, text), '=') + 1);
}

static int
send_part(struct s3_tree_upload *u, struct mf_s3_part *part, const void *bytes, struct mf_error *e)
{
	char number[16];
	const struct mf_s3_param query[] = {{"partNumber", number}, {"uploadId", u->id}};
	struct s3_tree_headers headers = {.n = 0};
	struct mf_s3_call call = {
	    .method = "PUT",
	    .key = u->key,
	    .query = query,
	    .n_query = 2,
	    .headers = headers.headers,
	    .body = bytes,
	    .body_bytes = (size_t)part->size_bytes,
	    .has_body = true,
	    .repeatable = true,
	    .stores = true,
	    .unsummed = !u->summed,
	    .doing = "putting a part of",
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	const char *etag;
	uint32_t sum;
	int rc;

	(void)snprintf(number, sizeof number, "%u", part->number);
	sum = s3_tree_add_sum(u->tree, bytes, call.body_bytes, &headers);
	if (u->sums != NULL)
		u->sums[part->number - 1] = sum;
	if (u->summed)
		print_sum(part, bytes);
	call.n_headers = headers.n;
	rc = s3_tree_call(u->tree, &call, &a, e);
	if (rc == 0)
		rc = s3_tree_check_sum(u->tree, u->path, &a.http, bytes, call.body_bytes, e);
	if (rc == 0) {
		etag = mf_http_response_header(&a.http, "ETag");
		s3_tree_copy_tag(etag != NULL ? etag : "", part->etag);
		s3_tree_note_keys(u->tree, &a.http);
		if (part->etag[0] == '\0')
			rc = mf_error_set(e, MF_ETRANSFER,
			    "the answer for a part of %s/%s has no ETag", u->tree->s->label,
			    u->path);
	} else if (a.refused && a.class == MF_S3_NOT_FOUND) {
		e->code = MF_ETRANSFER; /* somebody removed the upload */
		atomic_store(&u->gone, true);
	}
	mf_s3_answer_fini(&a);
	if (rc == 0) {
		s3_tree_learn_part(u->tree, part, bytes);
		s3_tree_remember_part(u, part, bytes);
	}
	return rc;
}

/* The store has it, unless the source has other bytes by now. */
static int
keep_or_send(
    struct s3_tree_upload *u, struct mf_s3_part *part, const void *bytes, struct mf_error *e)
{
	if (part->etag[0] == '\0' || !s3_tree_has_part(u, part, bytes))
		return send_part(u, part, bytes, e);
	if (u->sums != NULL)
		u->sums[part->number - 1] = mf_crc32c(0, bytes, (size_t)part->size_bytes);
	if (u->summed)
		print_sum(part, bytes);
	return 0;
}

/* Read into memory of the tree first. */
static int
put_part(struct s3_tree_upload *u, struct mf_s3_part *part, uint64_t at, struct mf_error *e)
{
	const struct mf_tree_source *source = u->arg;
	const size_t n = (size_t)part->size_bytes;
	void *bytes = s3_tree_take_memory(u->tree, n, e);
	int rc = 0;

	if (bytes == NULL)
		return -1;
	if (!mf_crew_cancelled(u->crew)) {
		rc = source->read_at(source->arg, at, bytes, n, e);
		if (rc == 0)
			rc = keep_or_send(u, part, bytes, e);
	}
	s3_tree_give_memory(u->tree, bytes, n);
	return rc;
}

static int
make_part(struct s3_tree_upload *u, size_t i, struct mf_error *e)
{
	const uint64_t at = i * u->part_bytes, left = u->size - at;
	struct mf_s3_part *part = &u->parts[i];

	part->number = (unsigned)i + 1;
	part->size_bytes = left < u->part_bytes ? left : u->part_bytes;
	return u->send(u, part, at, e);
}

/* One thread of the crew. */
static int
make_parts(void *arg, struct mf_error *e)
{
	struct s3_tree_upload *u = arg;
	size_t i;

	while (!mf_crew_cancelled(u->crew) && (i = atomic_fetch_add(&u->next, 1)) < u->n_parts)
		if (make_part(u, i, e) != 0)
			return -1;
	return 0;
}

static int
make_all_parts(struct s3_tree_upload *u, struct mf_error *e)
{
	const size_t most = u->tree->p.parts_at_once;
	const size_t n = u->n_parts < most ? u->n_parts : most;
	size_t i;
	int rc = 0;

	if ((u->crew = mf_crew_new(e)) == NULL)
		return -1;
	for (i = 0; rc == 0 && i < n; i++)
		rc = mf_crew_start(u->crew, "part", make_parts, u, e);
	/* a thread that could not be started cancelled the crew, with the same error */
	rc = mf_crew_join(u->crew, e);
	mf_crew_free(u->crew);
	u->crew = NULL;
	return rc;
}

/* ---- completion ---- */

/* The CRC-32C of an object of these parts. */
static bool
has_sum(const struct s3_tree_upload *u, const char *told)
{
	char text[MF_S3_SUM_BYTES];
	uint32_t sum = 0;
	size_t i;

	if (u->sums == NULL || told[0] == '\0')
		return false;
	for (i = 0; i < u->n_parts; i++)
		sum = mf_crc32c_join(sum, u->sums[i], u->parts[i].size_bytes);
	return strstr(s3_sum_print(sum, text), told) != NULL;
}

/* Is the object what this upload makes, by its checksum or its ETag? Asked where the answer to a
 * completion got lost. */
static bool
has_arrived(struct s3_tree_upload *u)
{
	char tag[MF_TREE_TAG_BYTES], sum[S3_SUM_CHARS + 1];
	struct mf_tree_entry now;
	struct mf_error e = {0};

	if ((u->sums == NULL && !s3_tree_composite_tag(u, tag)) ||
	    s3_tree_look_sum(u->tree, u->path, &now, sum, &e) != 0)
		return false;
	return now.size == u->size && now.has_mtime && now.mtime_ns == u->mtime_ns &&
	       (u->sums != NULL ? has_sum(u, sum) : strcmp(now.tag, tag) == 0);
}

static int
request_completion(
    struct s3_tree_upload *u, const struct mf_buf *body, struct mf_s3_answer *a, struct mf_error *e)
{
	const struct mf_s3_param query = {"uploadId", u->id};
	const struct mf_s3_header type = {"Content-Type", "application/xml"};
	const struct mf_s3_call call = {
	    .method = "POST",
	    .key = u->key,
	    .query = &query,
	    .n_query = 1,
	    .headers = &type,
	    .n_headers = 1,
	    .body = body->data,
	    .body_bytes = body->len,
	    .has_body = true,
	    .repeatable = true,
	    .doing = "completing",
	};

	return mf_s3_client_call(u->tree->s->client, &call, a, e);
}

/* 0; 1: never, with u->why; -1: perhaps later. */
static int
complete_once(void *arg, struct mf_error *e)
{
	struct s3_tree_upload *u = arg;
	struct mf_buf body = MF_BUF_INIT;
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	struct mf_s3_error_answer error;
	int rc;

	u->etag[0] = '\0';
	rc = mf_s3_xml_put_complete(&body, u->parts, u->n_parts, e);
	if (rc == 0)
		rc = request_completion(u, &body, &a, e);
	if (rc == 0) {
		s3_tree_note_keys(u->tree, &a.http);
		rc = mf_s3_xml_result(a.http.body.data, a.http.body.len, u->etag, &error, e);
	}
	if (rc == 1)
		rc = s3_tree_refused(u->tree, "completing", u->path, &error, e);
	mf_buf_fini(&body);
	if (rc != 0 && e->code != MF_EINTERRUPTED && has_arrived(u))
		rc = 0;
	if (rc != 0 && a.refused && a.class == MF_S3_NOT_FOUND) {
		e->code = MF_ETRANSFER; /* as a whole it may be put again */
		atomic_store(&u->gone, true);
		u->why = *e;
		rc = 1;
	}
	mf_s3_answer_fini(&a);
	return rc;
}

static int
complete(struct s3_tree_upload *u, struct mf_error *e)
{
	const int rc = mf_retry_run(&u->tree->p.retry, u->key, complete_once, u, e);

	if (rc <= 0)
		return rc;
	*e = u->why;
	return -1;
}

/* ---- the whole ---- */

static int
begin(struct s3_tree_upload *u, struct mf_error *e)
{
	const int rc = s3_tree_resume(u, e);

	if (rc <= 0)
		return rc;
	if (initiate(u, e) != 0)
		return -1;
	s3_tree_remember_upload(u);
	return 0;
}

static int
run_upload(struct s3_tree_upload *u, struct mf_error *e)
{
	int rc;

	if (begin(u, e) != 0)
		return -1;
	rc = make_all_parts(u, e);
	if (rc == 0 && u->still != NULL)
		rc = u->still(u->arg, e);
	if (rc == 0)
		rc = complete(u, e);
	s3_tree_end_upload(u, rc != 0 ? e : NULL);
	return rc;
}

/* Once more from the beginning, where what it went on with was removed, or completed by whoever
 * else went on with it. */
static int
run_upload_anew(struct s3_tree_upload *u, struct mf_error *e)
{
	mf_log(MF_LOG_INFO, "beginning anew: %s", e->message);
	mf_error_clear(e);
	memset(u->parts, 0, u->n_parts * sizeof *u->parts);
	atomic_store(&u->next, 0);
	atomic_store(&u->gone, false);
	u->resumed = false;
	return run_upload(u, e);
}

int
s3_tree_upload(struct s3_tree_upload *u, struct mf_error *e)
{
	int rc;

	if (u->part_bytes > S3_TREE_PART_BYTES_MAX)
		return mf_error_set(e, MF_EUNSUPPORTED, "%s/%s is larger than an object can be",
		    u->tree->s->label, u->path);
	u->n_parts = (size_t)((u->size + u->part_bytes - 1) / u->part_bytes);
	atomic_init(&u->next, 0);
	atomic_init(&u->gone, false);
	u->parts = calloc(u->n_parts, sizeof *u->parts);
	if (u->tree->s->dialect->sum_header != NULL)
		u->sums = calloc(u->n_parts, sizeof *u->sums);
	if (u->parts == NULL || (u->tree->s->dialect->sum_header != NULL && u->sums == NULL))
		rc = mf_error_nomem(e, "a file");
	else
		rc = run_upload(u, e);
	if (rc != 0 && u->resumed && atomic_load(&u->gone))
		rc = run_upload_anew(u, e);
	if (rc == 0)
		s3_tree_check_told(u);
	free(u->parts);
	free(u->sums);
	u->parts = NULL;
	u->sums = NULL;
	return rc;
}

/* ---- putting ---- */

static int
still(void *arg, struct mf_error *e)
{
	const struct mf_tree_source *source = arg;

	return source->still != NULL ? source->still(source->arg, e) : 0;
}

/* What it became. That the store does not say it is no failure of the put. */
static void
describe(
    struct s3_tree_upload *u, const struct mf_tree_source *source, struct mf_tree_entry *stored)
{
	struct mf_tree_entry now;
	struct mf_error e = {0};

	s3_tree_copy_tag(u->etag, stored->tag);
	if (u->etag[0] == '\0' && s3_tree_look(&u->tree->tree, u->path, &now, &e) == 0 &&
	    now.size == source->size)
		*stored = now;
	s3_tree_set_stored(stored, source);
}

int
s3_tree_put_parts(struct s3_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e)
{
	struct mf_tree_source copy = *source;
	struct s3_tree_headers headers;
	char key[MF_S3_KEY_BYTES];
	struct s3_tree_upload u = {
	    .tree = t,
	    .path = path,
	    .key = key,
	    .headers = headers.headers,
	    .size = source->size,
	    .part_bytes = s3_tree_part_bytes(source->size, t->p.part_bytes),
	    .mtime_ns = source->mtime_ns,
	    .has_bodies = true,
	    .send = put_part,
	    .still = still,
	    .arg = &copy,
	    .memory = t->memory,
	};

	if (s3_tree_key(t, path, key, e) != 0)
		return -1;
	s3_tree_put_headers(t, source->mtime_ns, source->md5, &headers);
	u.n_headers = headers.n;
	if (s3_tree_upload(&u, e) != 0)
		return -1;
	describe(&u, source, stored);
	return 0;
}
