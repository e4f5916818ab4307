/* Encryption by the store: asked for wherever an object begins to be, and nowhere else. The store
 * refuses it on a part, and encrypts a copy by its own default where nobody asks. */
#include "config.h"

#include <string.h>

#include "tests/unit/transfers/tree_s3_fixture.h"

#define HOW "x-amz-server-side-encryption"
#define KEY "x-amz-server-side-encryption-aws-kms-key-id"
#define ARN "arn:aws:kms:eu-west-1:1:key/2"

#define BEGUN                                                                \
	{                                                                    \
		200, NULL,                                                   \
		    "<InitiateMultipartUploadResult><UploadId>id</UploadId>" \
		    "</InitiateMultipartUploadResult>",                      \
		    0                                                        \
	}
#define PART                                                                   \
	{                                                                      \
		200, "ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n", NULL, 0 \
	}
#define DONE                                                                        \
	{                                                                           \
		200, NULL,                                                          \
		    "<CompleteMultipartUploadResult><ETag>&quot;abc-2&quot;</ETag>" \
		    "</CompleteMultipartUploadResult>",                             \
		    0                                                               \
	}
#define COPIED                                                                                    \
	{                                                                                         \
		200, NULL, "<CopyObjectResult><ETag>&quot;tag&quot;</ETag></CopyObjectResult>", 0 \
	}
#define COPIED_PART                                                                         \
	{                                                                                   \
		200, NULL, "<CopyPartResult><ETag>&quot;p&quot;</ETag></CopyPartResult>", 0 \
	}
#define HEAD(size)                                                                     \
	{                                                                              \
		200, MODIFIED "ETag: \"tag\"\r\nx-amz-meta-mtime: 5\r\n", NULL, (size) \
	}

static const struct mf_s3_put_options ways[] = {{.encryption = "AES256"}, {.encryption = "aws:kms"},
    {.encryption = "aws:kms", .kms_key_id = ARN}, {.encryption = NULL}};

/* The nth request asks for it. */
static void
assert_asks(const struct tree_s3_fixture *f, unsigned nth, const struct mf_s3_put_options *o)
{
	assert_header(f, nth, HOW, o->encryption != NULL ? o->encryption : "");
	assert_header(f, nth, KEY, o->kms_key_id != NULL ? o->kms_key_id : "");
}

static void
assert_is_silent(const struct tree_s3_fixture *f, unsigned nth)
{
	assert_asks(f, nth, &(struct mf_s3_put_options){0});
}

static int
read_zeros(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)offset;
	(void)e;
	memset(buf, 0, n);
	return 0;
}

static void
put(struct tree_s3_fixture *f, uint64_t size)
{
	const struct mf_tree_source source = {.size = size, .read_at = read_zeros};

	if (mf_tree_put(f->t, "x", &source, NULL, &f->e) != 0)
		fail_msg("%s", f->e.message);
}

static void
test_puts(void **state)
{
	const struct s3_reply replies[] = {PART, BEGUN, PART, PART, DONE};
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(ways); i++) {
		tree_s3_begin_with(&f, &ways[i], replies, LENGTH(replies));
		put(&f, 3);
		assert_asked(&f, 0, "PUT", "/x");
		assert_asks(&f, 0, &ways[i]);
		put(&f, 6 * MIB);
		assert_asked(&f, 1, "POST", "?uploads=");
		assert_asks(&f, 1, &ways[i]);
		assert_asked(&f, 2, "PUT", "partNumber=1");
		assert_is_silent(&f, 2);
		assert_is_silent(&f, 3);
		assert_asked(&f, 4, "POST", "?uploadId=id");
		assert_is_silent(&f, 4);
		tree_s3_end(&f);
	}
}

static void
test_copies(void **state)
{
	const struct s3_reply replies[] = {COPIED, HEAD(3), COPIED, HEAD(3), COPIED, HEAD(9 * MIB),
	    BEGUN, COPIED_PART, COPIED_PART, DONE};
	struct mf_tree_entry entry = {.path = "y", .size = 3, .tag = "tag", .has_mtime = true};
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(ways); i++) {
		tree_s3_begin_with(&f, &ways[i], replies, LENGTH(replies));
		entry.size = 3;
		entry.has_mtime = true;
		assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 0);
		assert_header(&f, 0, "x-amz-copy-source", "/models/a%20b/y");
		assert_asks(&f, 0, &ways[i]);
		/* with another time, and with one of its own */
		assert_int_equal(mf_tree_touch(f.t, &entry, 1, &f.e), 0);
		assert_is_silent(&f, 1);
		assert_header(&f, 2, "x-amz-metadata-directive", "REPLACE");
		assert_asks(&f, 2, &ways[i]);
		entry.has_mtime = false;
		assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 0);
		assert_asks(&f, 4, &ways[i]);
		entry.size = 9 * MIB;
		if (mf_tree_copy(f.t, "to", f.t, &entry, &f.e) != 0)
			fail_msg("%s", f.e.message);
		assert_asked(&f, 6, "POST", "?uploads=");
		assert_asks(&f, 6, &ways[i]);
		assert_header(&f, 7, "x-amz-copy-source-range", "bytes=0-5242879");
		assert_is_silent(&f, 7);
		assert_is_silent(&f, 8);
		assert_is_silent(&f, 9);
		assert_int_equal(tree_s3_asked(&f), LENGTH(replies));
		tree_s3_end(&f);
	}
}

/* Of the store, besides puts. */
static void
test_store(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL, NULL, 0}, {200, NULL, NULL, 0}, HEAD(3), {204, NULL, NULL, 0}};
	struct mf_store_stat stat;
	struct tree_s3_fixture f;
	struct mf_store *s;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(ways); i++) {
		tree_s3_begin_with(&f, &ways[i], replies, LENGTH(replies));
		s = &s3_tree_of(f.t)->s->store;
		mf_s3_store_believe(s, &(struct mf_s3_probe){.conditional = true});
		assert_int_equal(mf_store_put(s, "r/1", "x", 1, 0, &f.e), 0);
		assert_asks(&f, 0, &ways[i]);
		assert_int_equal(mf_store_put(s, "r/2", "x", 1, MF_STORE_IF_ABSENT, &f.e), 0);
		assert_asks(&f, 1, &ways[i]);
		assert_int_equal(mf_store_head(s, "r/1", &stat, &f.e), 0);
		assert_is_silent(&f, 2);
		assert_int_equal(mf_store_del(s, "r/1", &f.e), 0);
		assert_is_silent(&f, 3);
		tree_s3_end(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_puts),
	    cmocka_unit_test(test_copies),
	    cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests_name("the bucket's tree, encryption", tests, NULL, NULL);
}
