/* Counts of a repository: one listing, and each manifest segment once. */
#include <stdlib.h>
#include <string.h>

#include "src/repo/index_int.h"
#include "src/repo/partial_int.h"
#include "src/repo/segments_ahead_int.h"
#include "src/repo/stats.h"
#include "src/repo/version.h"

struct counting {
	struct mf_stats *out;
	struct mf_idmap chunks, segments;
	struct mf_error *e;
};

static int
count_object(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct mf_stats *out = arg;
	struct mf_id id;
	uint64_t generation;

	(void)mtime_us;
	if (mf_name_parse_chunk(name, &id, &generation) != 0)
		return 0;
	out->stored_objects++;
	out->stored_bytes += size;
	return 0;
}

static int
count_chunk(void *arg, const struct mf_chunk_ref *chunk)
{
	struct counting *c = arg;
	uint64_t one = 1;
	int rc = mf_idmap_add(&c->chunks, &chunk->id, &one);

	if (rc < 0)
		return mf_error_nomem(c->e, "the chunk index");
	if (rc == 0) {
		c->out->chunks++;
		c->out->unique_bytes += chunk->plain_len;
	}
	return 0;
}

static int
count_segments(struct counting *c, struct mf_segments_ahead *ahead, const struct mf_version *v,
    struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	uint64_t one = 1;
	size_t i;
	int rc = 0, known;

	for (i = 0; rc == 0 && i < v->root.n_segments; i++) {
		known = mf_idmap_add(&c->segments, &v->root.segments[i].id, &one);
		if (known < 0)
			rc = mf_error_nomem(e, "the list of segments");
		if (known != 0)
			continue;
		mf_buf_clear(&plain);
		rc = mf_segments_ahead_get(ahead, &v->root.segments[i], &plain, e);
		if (rc == 0)
			rc = mf_segment_each_chunk(plain.data, plain.len, count_chunk, c, e);
	}
	mf_buf_fini(&plain);
	return rc == 0 ? 0 : mf_error_while(e, "counting %s@%s", v->root.model, v->root.version);
}

static int
count_partials(struct mf_repo *repo, struct mf_stats *out, struct mf_error *e)
{
	struct mf_partials ps;

	if (mf_partials_list(repo, NULL, NULL, &ps, e) != 0)
		return -1;
	out->partials = ps.n;
	mf_partials_fini(&ps);
	return 0;
}

int
mf_stats_collect(struct mf_repo *repo, struct mf_stats *out, struct mf_error *e)
{
	struct counting c = {.out = out, .e = e};
	struct mf_segments_ahead *ahead;
	const struct mf_version *v;
	struct mf_versions vs;
	size_t i;
	int rc;

	*out = (struct mf_stats){0};
	if (mf_versions_list(repo, NULL, NULL, NULL, &vs, e) != 0)
		return -1;
	rc = mf_segments_ahead_start(repo, &vs, &ahead, e);
	for (i = 0; rc == 0 && i < vs.n; i++) {
		v = &vs.items[i];
		if (i == 0 || strcmp(v->root.model, vs.items[i - 1].root.model) != 0)
			out->models++;
		out->versions++;
		out->logical_bytes += v->root.bytes;
		rc = count_segments(&c, ahead, v, e);
	}
	mf_segments_ahead_finish(ahead);
	if (rc == 0)
		rc = count_partials(repo, out, e);
	if (rc == 0)
		rc = mf_store_list(repo->store, "c/", count_object, out, e);
	mf_idmap_fini(&c.chunks);
	mf_idmap_fini(&c.segments);
	mf_versions_fini(&vs);
	return rc;
}
