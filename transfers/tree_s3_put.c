/* Putting in one request. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "transfers/tree_s3_int.h"

static int
send_whole(struct s3_tree *t, const char *path, const struct mf_tree_source *source,
    const void *bytes, struct mf_tree_entry *stored, struct mf_error *e)
{
	char key[MF_S3_KEY_BYTES];
	struct s3_tree_headers headers;
	const uint8_t *md5 = NULL;
	struct mf_s3_call call = {
	    .method = "PUT",
	    .key = key,
	    .headers = headers.headers,
	    .body = bytes,
	    .body_bytes = (size_t)source->size,
	    .has_body = true,
	    .repeatable = true,
	    .stores = true,
	    .doing = "putting",
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc;

	if (s3_tree_key(t, path, key, e) != 0)
		return -1;
	/* else the ETag tells the MD5 */
	if (atomic_load(&t->no_md5))
		md5 = source->md5;
	s3_tree_put_headers(t, source->mtime_ns, md5, &headers);
	s3_tree_add_sum(t, bytes, (size_t)source->size, &headers);
	call.n_headers = headers.n;
	rc = s3_tree_call(t, &call, &a, e);
	if (rc == 0)
		rc = s3_tree_check_sum(t, path, &a.http, bytes, (size_t)source->size, e);
	if (rc == 0) {
		s3_tree_read_headers(t, &a.http, stored);
		s3_tree_set_stored(stored, source);
	}
	mf_s3_answer_fini(&a);
	return rc;
}

void
s3_tree_set_stored(struct mf_tree_entry *stored, const struct mf_tree_source *source)
{
	stored->kind = MF_TREE_FILE;
	stored->size = source->size;
	stored->has_mtime = true;
	stored->mtime_ns = source->mtime_ns;
	if (source->md5 != NULL) {
		stored->has_md5 = true;
		memcpy(stored->md5, source->md5, sizeof stored->md5);
	}
}

static int
put_whole(struct s3_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e)
{
	const size_t n = (size_t)source->size;
	void *bytes = s3_tree_take_memory(t, n, e);
	int rc = 0;

	if (bytes == NULL)
		return -1;
	if (n > 0)
		rc = source->read_at(source->arg, 0, bytes, n, e);
	if (rc == 0 && source->still != NULL)
		rc = source->still(source->arg, e);
	if (rc == 0)
		rc = send_whole(t, path, source, bytes, stored, e);
	s3_tree_give_memory(t, bytes, n);
	return rc;
}

int
s3_tree_put(struct mf_tree *tree, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(tree);

	if (s3_tree_check_write(t, e) != 0)
		return -1;
	if (source->size > t->p.part_bytes)
		return s3_tree_put_parts(t, path, source, stored, e);
	return put_whole(t, path, source, stored, e);
}
