/* Checksums beside the signature: those that a bucket demands of what is put. */
#include "config.h"

#include <string.h>

#include "tests/unit/transfers/tree_s3_fixture.h"

#define LOCKED(what)                                                             \
	{                                                                        \
		400, NULL,                                                       \
		    "<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR " \
		    "x-amz-checksum- HTTP header is required for Put " what      \
		    " requests with Object Lock parameters</Message></Error>",   \
		    0                                                            \
	}
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
/* in base64 */
#define MD5_OF_HELLO "XUFAKrxLKna5cZ2REBfFkg=="
#define MD5_OF_NOTHING "1B2M2Y8AsgTpgAmY7PhCfg=="
#define MD5_OF_5_MIB "XzY+DlipXwbL6bvGYsXftg=="
#define MD5_OF_1_MIB "ttgbNgpWctgMJ0MPORU+LA=="

/* ---- the store ---- */

struct store {
	struct s3_world world;
	struct s3_script script;
	struct mf_store *s;
	struct mf_error e;
};

static void
begin(struct store *f, const struct s3_reply *replies, size_t n)
{
	s3_world_make(&f->world, "KEYONE", "secret");
	s3_script_start(&f->script, replies, n);
	f->s = s3_world_store(&f->world, f->script.url, "models", "repo", true);
	f->e = (struct mf_error){0};
}

static void
end(struct store *f)
{
	mf_store_close(f->s);
	s3_world_drop(&f->world);
	s3_script_stop(&f->script);
}

static void
assert_sent(const struct store *f, unsigned nth, const char *name, const char *value)
{
	char is[1024];

	assert_string_equal(s3_script_header(&f->script, nth, name, is, sizeof is), value);
}

/* The refused one goes again, even if it could not be repeated; from then on it is known. */
static void
test_locked_put(void **state)
{
	const struct s3_reply replies[] = {LOCKED("Object"), {200, NULL, NULL, 0}};
	struct store f;
	char value[1024];

	(void)state;
	begin(&f, replies, LENGTH(replies));
	if (mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(atomic_load(&f.script.n_asked), 2);
	assert_sent(&f, 0, "Content-MD5", "");
	assert_sent(&f, 1, "Content-MD5", MD5_OF_HELLO);
	s3_script_header(&f.script, 1, "Authorization", value, sizeof value);
	assert_non_null(strstr(value, "SignedHeaders=content-md5;"));
	assert_int_equal(mf_store_put(f.s, "r/2", NULL, 0, 0, &f.e), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 3);
	assert_sent(&f, 2, "Content-MD5", MD5_OF_NOTHING);
	assert_int_equal(mf_store_del(f.s, "r/2", &f.e), 0);
	assert_sent(&f, 3, "Content-MD5", "");
	assert_int_equal(atomic_load(&f.world.sleeps), 0);
	end(&f);
}

/* Not for ever, and with the store's words. */
static void
test_locked_put_refused(void **state)
{
	const struct s3_reply replies[] = {LOCKED("Object")};
	struct store f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e), -1);
	assert_int_equal(atomic_load(&f.script.n_asked), 2);
	assert_non_null(strstr(f.e.message, "Object Lock"));
	end(&f);
}

/* What was found out before is not found out again. */
static void
test_believed(void **state)
{
	const struct mf_s3_probe known = {.md5 = true};
	const struct s3_reply replies[] = {{200, NULL, NULL, 0}};
	struct store f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	mf_s3_store_believe(f.s, &known);
	assert_int_equal(mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 1);
	assert_sent(&f, 0, "Content-MD5", MD5_OF_HELLO);
	end(&f);
}

/* ---- the tree ---- */

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

	mf_error_clear(&f->e);
	if (mf_tree_put(f->t, "x", &source, NULL, &f->e) != 0)
		fail_msg("%s", f->e.message);
}

static void
test_locked_tree(void **state)
{
	const struct s3_reply replies[] = {LOCKED("Object"), PART, BEGUN, PART, PART, DONE, COPIED};
	const struct mf_tree_entry entry = {
	    .path = "y", .size = 3, .tag = "tag", .has_mtime = true};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	put(&f, MIB);
	assert_int_equal(tree_s3_asked(&f), 2);
	assert_header(&f, 0, "Content-MD5", "");
	assert_header(&f, 1, "Content-MD5", MD5_OF_1_MIB);
	put(&f, 6 * MIB);
	assert_int_equal(tree_s3_asked(&f), 6);
	assert_header(&f, 2, "Content-MD5", "");
	assert_header(&f, 3, "Content-MD5", MD5_OF_5_MIB);
	assert_header(&f, 4, "Content-MD5", MD5_OF_1_MIB);
	assert_header(&f, 5, "Content-MD5", "");
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 0);
	assert_header(&f, 6, "x-amz-copy-source", "/models/a%20b/y");
	assert_header(&f, 6, "Content-MD5", "");
	tree_s3_end(&f);
}

static void
test_locked_part(void **state)
{
	const struct s3_reply replies[] = {BEGUN, LOCKED("Part"), PART, PART, DONE};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	put(&f, 6 * MIB);
	assert_int_equal(tree_s3_asked(&f), 5);
	assert_asked(&f, 1, "PUT", "?partNumber=1&uploadId=id");
	assert_asked(&f, 2, "PUT", "?partNumber=1&uploadId=id");
	assert_header(&f, 2, "Content-MD5", MD5_OF_5_MIB);
	assert_asked(&f, 3, "PUT", "?partNumber=2&uploadId=id");
	assert_header(&f, 3, "Content-MD5", MD5_OF_1_MIB);
	tree_s3_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_locked_put),
	    cmocka_unit_test(test_locked_put_refused),
	    cmocka_unit_test(test_believed),
	    cmocka_unit_test(test_locked_tree),
	    cmocka_unit_test(test_locked_part),
	};

	return cmocka_run_group_tests_name("S3, checksums of bodies", tests, NULL, NULL);
}
