/* The blob: digest[32] of the root, then each segment of the list as a block. */
#include <stdlib.h>
#include <string.h>

#include "src/repo/push_cache_int.h"

#define CACHE_VERSION 1
#define DIGEST_BYTES 32

/* *absolute is what the key views; the caller's. */
static int
key_of(struct mf_repo *repo, const char *model, const char *dir, struct mf_cache_key *key,
    char **absolute)
{
	*absolute = realpath(dir, NULL);
	*key = (struct mf_cache_key){repo->id_hex, model, *absolute};
	return *absolute != NULL ? 0 : -1;
}

static int
decode(const struct mf_buf *blob, const struct mf_version *version, struct mf_listing *out)
{
	struct mf_reader r = mf_reader_of(blob->data, blob->len);
	const uint8_t *digest = mf_reader_bytes(&r, DIGEST_BYTES), *segment;
	struct mf_error ignored;
	size_t n;

	mf_error_clear(&ignored);
	if (digest == NULL || memcmp(digest, version->digest, DIGEST_BYTES) != 0)
		return 1;
	while (r.left > 0) {
		segment = mf_reader_block(&r, MF_SEGMENT_MAX_BYTES, &n);
		if (segment == NULL || mf_segment_decode(segment, n, out, &ignored) != 0)
			return 1;
	}
	return out->n_entries == version->root.n_entries ? 0 : 1;
}

int
mf_push_cache_load(struct mf_repo *repo, const struct mf_push_params *p,
    const struct mf_version *version, struct mf_listing *out)
{
	struct mf_buf blob = MF_BUF_INIT;
	struct mf_cache_key key;
	char *dir = NULL;
	int rc = 1;

	if (p->cache != NULL && key_of(repo, p->model, p->dir, &key, &dir) == 0 &&
	    mf_cache_get(p->cache, &key, CACHE_VERSION, &blob) == 0)
		rc = decode(&blob, version, out);
	mf_buf_fini(&blob);
	free(dir);
	return rc;
}

int
mf_push_cache_segments(struct mf_repo *repo, struct mf_cache *cache, const char *model,
    const char *dir, int (*cb)(void *arg, const uint8_t *bytes, size_t n), void *arg)
{
	struct mf_buf blob = MF_BUF_INIT;
	struct mf_cache_key key;
	struct mf_reader r;
	const uint8_t *segment;
	char *absolute;
	size_t n;
	int rc = 0;

	if (key_of(repo, model, dir, &key, &absolute) == 0 &&
	    mf_cache_get(cache, &key, CACHE_VERSION, &blob) == 0) {
		r = mf_reader_of(blob.data, blob.len);
		mf_reader_bytes(&r, DIGEST_BYTES);
		while (rc == 0 && r.left > 0 &&
		    (segment = mf_reader_block(&r, MF_SEGMENT_MAX_BYTES, &n)) != NULL)
			rc = cb(arg, segment, n);
	}
	mf_buf_fini(&blob);
	free(absolute);
	return rc;
}

void
mf_push_cache_store(struct mf_repo *repo, const struct mf_push_params *p,
    const uint8_t digest[32], const struct mf_listing *listing, size_t max_bytes)
{
	struct mf_buf blob = MF_BUF_INIT, segment = MF_BUF_INIT;
	struct mf_error ignored;
	struct mf_cache_key key;
	size_t next = 0, slice = 0;
	char *dir = NULL;
	int rc = p->cache != NULL ? key_of(repo, p->model, p->dir, &key, &dir) : -1;

	mf_error_clear(&ignored);
	mf_buf_put(&blob, digest, DIGEST_BYTES);
	while (rc == 0 && next < listing->n_entries && blob.len <= max_bytes) {
		mf_buf_clear(&segment);
		mf_listing_cool(listing);
		rc = mf_segment_encode(listing, &next, &slice, &segment, &ignored);
		if (rc == 0)
			mf_buf_put_block(&blob, segment.data, segment.len);
	}
	if (rc == 0 && !blob.failed && blob.len <= max_bytes)
		mf_cache_put(p->cache, &key, CACHE_VERSION, blob.data, blob.len);
	mf_buf_fini(&segment);
	mf_buf_fini(&blob);
	free(dir);
}
