/* Reading: ranges, and what an object is like. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/s3_int.h"
#include "transfers/s3_range.h"
#include "transfers/s3_time.h"

/* No object is longer than that anywhere; some servers stumble over larger numbers. */
#define OFFSET_MAX ((uint64_t)1 << 60)
#define OTHER_LENGTH "is shorter or longer than it said"

/* ---- head ---- */

int
s3_head(struct mf_store *store, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	struct s3_store *s = s3_of(store);
	char key[MF_S3_KEY_BYTES];
	const struct mf_s3_call call = {
	    .method = "HEAD", .key = s3_key(s, name, key), .doing = "looking up"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	const char *modified;
	int rc = mf_s3_client_call(s->client, &call, &a, e);

	if (rc != 0 && a.refused && a.class == MF_S3_NOT_FOUND)
		rc = 1;
	if (rc != 0)
		goto out;
	modified = mf_http_response_header(&a.http, "Last-Modified");
	if (a.http.content_length < 0 || modified == NULL ||
	    mf_s3_time_parse_http(modified, &out->mtime_us) != 0)
		rc = mf_error_set(e, MF_ETRANSFER,
		    "the answer for %s/%s does not say how long or how old it is", s->label, name);
	else {
		out->size = (uint64_t)a.http.content_length;
		out->locked_until_us = s3_locked_until(s, &a.http, NULL);
	}
out:
	mf_s3_answer_fini(&a);
	return rc;
}

/* ---- get ---- */

/* What of the answer is wanted. */
struct fetch {
	const struct s3_store *s;
	const char *name;
	uint64_t offset;
	size_t max;
	struct mf_buf *out;
	size_t start;              /* out->len before */
	bool begun;                /* the answer's head was read */
	bool enough;               /* the request was ended by us, all of it is there */
	uint64_t skip;             /* bytes to pass over: the store ignores Range */
	uint64_t want;             /* bytes to come in all; UINT64_MAX: until the answer ends */
	bool whole;                /* they are all of the object, if the answer ends with them */
	struct mf_http_place rest; /* in out, for what follows the first piece */
};

static int
bad_answer(const struct fetch *f, const char *why, struct mf_error *e)
{
	return mf_error_set(e, MF_ETRANSFER, "the answer for %s/%s %s", f->s->label, f->name, why);
}

/* A part, as asked for: at most max bytes from offset on, fewer only where the object ends. */
static int
begin_part(struct fetch *f, const struct mf_http_response *r, struct mf_error *e)
{
	const char *range = mf_http_response_header(r, "Content-Range");
	uint64_t first, last, total;

	if (range == NULL || s3_parse_content_range(range, &first, &last, &total) != 0)
		return bad_answer(f, "does not say which part of the object it is", e);
	if (first != f->offset || last < first || last - first >= f->max ||
	    (last - first + 1 < f->max && last + 1 < total))
		return bad_answer(f, "is another part of the object than was asked for", e);
	f->want = last - first + 1;
	f->whole = first == 0 && last + 1 == total;
	if (r->content_length >= 0 && (uint64_t)r->content_length != f->want)
		return bad_answer(f, "contradicts itself about its length", e);
	return 0;
}

/* All of it, whatever was asked for. What is no object has neither tag nor time: then it is an
 * error that came with 200. */
static int
begin_whole(struct fetch *f, const struct mf_http_response *r, struct mf_error *e)
{
	const uint64_t length = r->content_length < 0 ? UINT64_MAX : (uint64_t)r->content_length;
	uint64_t left;

	if (mf_http_response_header(r, "ETag") == NULL &&
	    mf_http_response_header(r, "Last-Modified") == NULL)
		return bad_answer(f, "is no object", e);
	f->skip = f->offset;
	f->whole =
	    f->offset == 0; /* if there is more than max, the answer is not read to its end */
	left = length == UINT64_MAX ? length : length <= f->offset ? 0 : length - f->offset;
	f->want = left == UINT64_MAX || left < f->max ? left : f->max;
	return 0;
}

static int
begin(struct fetch *f, const struct mf_http_response *r, struct mf_error *e)
{
	f->begun = true;
	if ((r->status == 206 ? begin_part : begin_whole)(f, r, e) != 0)
		return -1;
	if (f->want <= f->max && mf_buf_reserve(f->out, (size_t)f->want) != 0)
		return mf_error_nomem(e, "an object");
	return 0;
}

/* The length is known, and all of the answer is wanted: the engine may put the rest itself. */
static void
place_rest(struct fetch *f, const struct mf_http_response *r)
{
	const size_t had = f->out->len - f->start;

	if (f->skip == 0 && r->content_length >= 0 && (uint64_t)r->content_length == f->want &&
	    had < f->want)
		f->rest = (struct mf_http_place){
		    .at = f->out->data + f->out->len, .n = (size_t)f->want - had};
}

static int
take(void *arg, const struct mf_http_response *r, const void *bytes, size_t n, struct mf_error *e)
{
	struct fetch *f = arg;
	const uint8_t *at = bytes;
	const bool first = !f->begun;
	size_t skip, room;

	if (first && begin(f, r, e) != 0)
		return -1;
	skip = f->skip < n ? (size_t)f->skip : n;
	f->skip -= skip;
	at += skip;
	n -= skip;
	room = f->max - (f->out->len - f->start);
	/* what goes on may never end */
	if (r->status == 206 && n > f->want - (f->out->len - f->start))
		return bad_answer(f, OTHER_LENGTH, e);
	mf_buf_put(f->out, at, n < room ? n : room);
	if (f->out->failed)
		return mf_error_nomem(e, "an object");
	if (first)
		place_rest(f, r);
	if (r->status == 206 || f->skip > 0 || f->out->len - f->start < f->max)
		return 0;
	f->enough = true; /* the rest of the whole object is not for us */
	return mf_error_set(e, MF_EFAIL, "enough");
}

/* The answer is complete: is it as long as it said? */
static int
finish(struct fetch *f, const struct mf_http_response *r, struct mf_error *e)
{
	const uint8_t *bytes;

	if (!f->begun && begin(f, r, e) != 0)
		return -1;
	f->out->len += f->rest.filled;
	if (f->want != UINT64_MAX && f->out->len - f->start != f->want)
		return bad_answer(f, OTHER_LENGTH, e);
	bytes = f->out->len > f->start ? f->out->data + f->start : NULL;
	if (f->whole && !s3_sum_fits(f->s, r, bytes, f->out->len - f->start))
		return bad_answer(f, "has another checksum than it says", e);
	return 0;
}

static int
get_range(struct fetch *f, struct mf_error *e)
{
	char key[MF_S3_KEY_BYTES], range[64];
	const struct mf_s3_header header = {"Range", range};
	const struct mf_s3_call call = {
	    .method = "GET",
	    .key = s3_key(f->s, f->name, key),
	    .headers = &header,
	    .n_headers = 1,
	    .doing = "getting",
	    .sink = take,
	    .sink_arg = f,
	    .place = &f->rest,
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc;

	(void)snprintf(
	    range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, f->offset, f->offset + f->max - 1);
	rc = mf_s3_client_call(f->s->client, &call, &a, e);
	if (rc == 0)
		rc = finish(f, &a.http, e);
	else if (f->enough || (a.refused && a.http.status == 416))
		rc = 0; /* 416: it ends before */
	mf_s3_answer_fini(&a);
	return rc;
}

/* Nothing of it is wanted but that it is there. */
static int
get_nothing(struct mf_store *store, const char *name, struct mf_error *e)
{
	struct mf_store_stat unused;
	const int rc = s3_head(store, name, &unused, e);

	if (rc > 0)
		return mf_error_set(e, MF_ENOTFOUND, "no object %s/%s", s3_of(store)->label, name);
	return rc;
}

int
s3_get(struct mf_store *store, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct fetch f = {
	    .s = s3_of(store), .name = name, .offset = offset, .out = out, .start = out->len};
	int rc;

	if (max_bytes == 0 || offset >= OFFSET_MAX)
		return get_nothing(store, name, e);
	f.max = max_bytes < OFFSET_MAX ? max_bytes : (size_t)OFFSET_MAX;
	rc = get_range(&f, e);
	if (rc != 0)
		out->len = f.start;
	return rc;
}
