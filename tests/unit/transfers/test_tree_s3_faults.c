/* The bucket's tree against scripted servers: what it asks, and what it makes of failures. That it
 * keeps the contract of trees is tested on a real server: test_tree_s3.c. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/transfers/tree_s3_fixture.h"

#define MTIME_NS INT64_C(1500000000123456789)

/* ---- texts ---- */

static void
test_mtime(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
	    {MTIME_NS, "1500000000.123456789"},
	    {INT64_C(1500000000000000000), "1500000000"},
	    {500000000, "0.5"},
	    {-1500000000, "-1.5"},
	    {0, "0"},
	    {INT64_MAX, "9223372036.854775807"},
	};
	static const char *const bad[] = {"", "-", ".5", "1e9", "1.5 ", " 1", "1.-5", "--1",
	    "9223372036.854775808", "99999999999999999999", "0x10", "nan"};
	char text[S3_TREE_MTIME_BYTES];
	int64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		s3_tree_print_mtime(rows[i].ns, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(s3_tree_parse_mtime(rows[i].text, &ns), 0);
		assert_true(ns == rows[i].ns);
	}
	assert_int_equal(s3_tree_parse_mtime("1.1234567899", &ns), 0);
	assert_true(ns == 1123456789);
	for (i = 0; i < LENGTH(bad); i++)
		if (s3_tree_parse_mtime(bad[i], &ns) == 0)
			fail_msg("\"%s\" is no time", bad[i]);
}

/* ---- looking and listing ---- */

static void
test_look(void **state)
{
	const struct s3_reply replies[] = {
	    {200,
		MODIFIED "ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"
			 "x-amz-meta-mtime: 1500000000.5\r\n",
		NULL, 3},
	    {200,
		MODIFIED
		"ETag: \"900150983cd24fb0d6963f7d28e17f72-2\"\r\nx-amz-meta-mtime: soon\r\n"
		"x-amz-meta-md5chksum: kAFQmDzST7DWlj99KOF/cg==\r\n",
		NULL, 3},
	    {200,
		MODIFIED "ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"
			 "x-amz-server-side-encryption: aws:kms\r\n",
		NULL, 3},
	    {404, NULL, NULL, 0},
	};
	struct mf_tree_entry entry;
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_look(f.t, "x y", &entry, &f.e), 0);
	assert_asked(&f, 0, "HEAD", "/models/a%20b/x%20y");
	assert_string_equal(entry.tag, "900150983cd24fb0d6963f7d28e17f72");
	assert_true(entry.has_md5 && entry.md5[0] == 0x90 && entry.md5[15] == 0x72);
	assert_true(entry.has_mtime && entry.mtime_ns == INT64_C(1500000000500000000));
	assert_int_equal(entry.size, 3);
	assert_int_equal(mf_tree_look(f.t, "x", &entry, &f.e), 0);
	assert_true(entry.has_md5 && entry.md5[0] == 0x90 && entry.md5[15] == 0x72);
	assert_false(entry.has_mtime);
	assert_true((mf_tree_capabilities(f.t) & MF_TREE_MD5_LISTED) != 0);
	assert_int_equal(mf_tree_look(f.t, "x", &entry, &f.e), 0);
	assert_false(entry.has_md5);
	assert_true((mf_tree_capabilities(f.t) & MF_TREE_MD5_LISTED) == 0);
	assert_int_equal(mf_tree_look(f.t, "x", &entry, &f.e), 1);
	tree_s3_end(&f);
}

#define OBJECT(key)                                                                         \
	"<Contents><Key>" key "</Key><LastModified>2026-01-31T12:00:00.000Z</LastModified>" \
	"<ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><Size>3</Size></Contents>"
#define PAGE(truncated, token, objects)                                            \
	"<ListBucketResult><IsTruncated>" truncated "</IsTruncated>" token objects \
	"</ListBucketResult>"
#define TOKEN(text) "<NextContinuationToken>" text "</NextContinuationToken>"

static void
assert_next(struct tree_s3_fixture *f, struct mf_tree_cursor *c, const char *path)
{
	struct mf_tree_entry entry;

	assert_int_equal(mf_tree_next(c, &entry, &f->e), 0);
	assert_string_equal(entry.path, path);
	assert_true(entry.has_md5);
}

static void
test_list(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL,
		PAGE("true", TOKEN("t1"), OBJECT("a b/") OBJECT("a b/a//b") OBJECT("a b/a/c")), 0},
	    {500, NULL, NULL, 0},
	    {200, NULL, PAGE("false", "", OBJECT("a b/b") OBJECT("a b/b/") OBJECT("a b/c")), 0},
	};
	struct mf_tree_entry entry;
	struct mf_tree_cursor *c;
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_list(f.t, "", &c, &f.e), 0);
	assert_next(&f, c, "a/c");
	assert_next(&f, c, "b");
	assert_next(&f, c, "c");
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 1);
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 1);
	mf_tree_cursor_close(c);
	assert_int_equal(tree_s3_asked(&f), 3);
	tree_s3_end(&f);
}

/* A listing that ends before its end must never look complete. */
static void
list_fails(const struct s3_reply *replies, size_t n, enum mf_code code)
{
	struct mf_tree_entry entry;
	struct mf_tree_cursor *c;
	struct tree_s3_fixture f;

	tree_s3_begin(&f, replies, n);
	assert_int_equal(mf_tree_list(f.t, "", &c, &f.e), 0);
	assert_next(&f, c, "a");
	assert_int_equal(mf_tree_next(c, &entry, &f.e), -1);
	assert_int_equal(f.e.code, code);
	mf_error_clear(&f.e);
	assert_int_equal(mf_tree_next(c, &entry, &f.e), -1);
	assert_int_equal(f.e.code, code);
	mf_tree_cursor_close(c);
	tree_s3_end(&f);
}

static void
test_list_fails(void **state)
{
	static const struct s3_reply first = {
	    200, NULL, PAGE("true", TOKEN("t1"), OBJECT("a b/a")), 0};
	const struct s3_reply refused[] = {first, {403, NULL, ERROR_BODY("AccessDenied"), 0}};
	const struct s3_reply dead[] = {first, {500, NULL, NULL, 0}};
	const struct s3_reply same_token[] = {first, {200, NULL, PAGE("true", TOKEN("t1"), ""), 0}};
	const struct s3_reply again[] = {first, {200, NULL, PAGE("false", "", OBJECT("a b/a")), 0}};
	const struct s3_reply foreign[] = {first, {200, NULL, PAGE("false", "", OBJECT("b/a")), 0}};
	const struct s3_reply cut[] = {first, {200, NULL, "<ListBucketResult><IsTruncated>fal", 0}};

	(void)state;
	list_fails(refused, 2, MF_EPERM);
	list_fails(dead, 2, MF_ETRANSFER);
	list_fails(same_token, 2, MF_ETRANSFER);
	list_fails(again, 2, MF_ETRANSFER);
	list_fails(foreign, 2, MF_ETRANSFER);
	list_fails(cut, 2, MF_ETRANSFER);
}

#define LISTED(more, token, key)                                                         \
	{                                                                                \
		200, NULL,                                                               \
		    "<ListBucketResult><IsTruncated>" more "</IsTruncated>" token        \
		    "<Contents><Key>a b/" key "</Key><LastModified>2026-01-31T12:00:00Z" \
		    "</LastModified><ETag>&quot;x&quot;</ETag><Size>1</Size></Contents>" \
		    "</ListBucketResult>",                                               \
		    0                                                                    \
	}

/* The next page is on its way while this one is shown, and no more than that. */
static void
test_list_reads_ahead(void **state)
{
	const struct s3_reply replies[] = {
	    LISTED("true", "<NextContinuationToken>t1</NextContinuationToken>", "a"),
	    LISTED("true", "<NextContinuationToken>t2</NextContinuationToken>", "b"),
	    LISTED("false", "", "c"),
	    LISTED("true", "<NextContinuationToken>t1</NextContinuationToken>", "a"),
	    LISTED("true", "<NextContinuationToken>t2</NextContinuationToken>", "b")};
	struct mf_tree_cursor *c;
	struct mf_tree_entry entry;
	struct tree_s3_fixture f;
	unsigned i;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_list(f.t, "", &c, &f.e), 0);
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 0);
	for (i = 0; i < 1000 && tree_s3_asked(&f) < 2; i++)
		http_nap(10);
	assert_int_equal(tree_s3_asked(&f), 2);
	assert_string_equal(entry.path, "a");
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 0);
	assert_string_equal(entry.path, "b");
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 0);
	assert_string_equal(entry.path, "c");
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 1);
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 1);
	assert_int_equal(tree_s3_asked(&f), 3);
	mf_tree_cursor_close(c);
	/* closed with a page on its way */
	assert_int_equal(mf_tree_list(f.t, "", &c, &f.e), 0);
	assert_int_equal(mf_tree_next(c, &entry, &f.e), 0);
	for (i = 0; i < 1000 && tree_s3_asked(&f) < 5; i++)
		http_nap(10);
	mf_tree_cursor_close(c);
	assert_int_equal(tree_s3_asked(&f), 5);
	tree_s3_end(&f);
}

/* ---- putting in parts ---- */

static int
read_zeros(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)offset;
	(void)e;
	memset(buf, 0, n);
	return 0;
}

/* Two parts. */
static int
put(struct tree_s3_fixture *f, struct mf_tree_entry *stored)
{
	const struct mf_tree_source source = {
	    .size = 6 * MIB, .read_at = read_zeros, .mtime_ns = MTIME_NS};

	mf_error_clear(&f->e);
	return mf_tree_put(f->t, "x", &source, stored, &f->e);
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

static void
test_part_again(void **state)
{
	const struct s3_reply replies[] = {
	    BEGUN, PART, {500, NULL, ERROR_BODY("InternalError"), 0}, PART, DONE};
	struct mf_tree_entry stored;
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, &stored) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), 5);
	assert_asked(&f, 0, "POST", "?uploads=");
	assert_header(&f, 0, "x-amz-meta-mtime", "1500000000.123456789");
	assert_asked(&f, 1, "PUT", "?partNumber=1&uploadId=id");
	assert_asked(&f, 2, "PUT", "?partNumber=2&uploadId=id");
	assert_asked(&f, 3, "PUT", "?partNumber=2&uploadId=id");
	assert_header(&f, 3, "Content-Length", "1048576");
	assert_asked(&f, 4, "POST", "?uploadId=id");
	assert_string_equal(stored.tag, "abc-2");
	assert_int_equal(stored.size, 6 * MIB);
	assert_true(stored.has_mtime && stored.mtime_ns == MTIME_NS);
	tree_s3_end(&f);
}

static void
test_abort(void **state)
{
	const struct s3_reply part_refused[] = {
	    BEGUN, {403, NULL, ERROR_BODY("AccessDenied"), 0}, {204, NULL, NULL, 0}};
	const struct s3_reply completion_refused[] = {BEGUN, PART, PART,
	    {403, NULL, ERROR_BODY("AccessDenied"), 0}, {404, NULL, NULL, 0}, {204, NULL, NULL, 0}};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, part_refused, LENGTH(part_refused));
	assert_int_equal(put(&f, NULL), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(tree_s3_asked(&f), 3);
	assert_asked(&f, 2, "DELETE", "?uploadId=id");
	tree_s3_end(&f);
	tree_s3_begin(&f, completion_refused, LENGTH(completion_refused));
	assert_int_equal(put(&f, NULL), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_asked(&f, tree_s3_asked(&f) - 1, "DELETE", "?uploadId=id");
	tree_s3_end(&f);
}

/* Nobody wants it any more while a part waits for its next attempt: the upload goes all the same.
 */
static void
test_interrupted(void **state)
{
	const struct s3_reply replies[] = {
	    BEGUN, {500, NULL, ERROR_BODY("InternalError"), 0}, {204, NULL, NULL, 0}};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	atomic_store(&f.world.cancel_at_sleep, true);
	assert_int_equal(put(&f, NULL), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	assert_int_equal(tree_s3_asked(&f), 3);
	assert_asked(&f, 2, "DELETE", "?uploadId=id");
	tree_s3_end(&f);
}

static void
test_error_with_200(void **state)
{
	const struct s3_reply replies[] = {BEGUN, PART, PART,
	    {200, NULL, ERROR_BODY("InternalError"), 0}, {404, NULL, NULL, 0},
	    {200, NULL, "<?xml version=\"1.0\"?>\n  \n <Error><Code>InternalError</Code></Error>",
		0},
	    {404, NULL, NULL, 0}, DONE};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, NULL) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), 8);
	assert_asked(&f, 4, "HEAD", "/x");
	tree_s3_end(&f);
}

/* The completion was carried out, and nobody heard of it: the ETag says so. */
static void
test_lost_completion(void **state)
{
	static const uint8_t md5[] = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96,
	    0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};
	char headers[256], composite[33];
	const struct s3_reply replies[] = {BEGUN, PART, PART, {502, NULL, NULL, 0},
	    {200, headers, NULL, (long)(6 * MIB)}, {204, NULL, NULL, 0}};
	const struct s3_reply other[] = {BEGUN, PART, PART,
	    {404, NULL, ERROR_BODY("NoSuchUpload"), 0},
	    {200, MODIFIED "ETag: \"other-2\"\r\n", NULL, (long)(6 * MIB)}};
	struct mf_md5 *m = mf_md5_new(NULL);
	struct mf_tree_entry stored;
	uint8_t all[MF_MD5_BYTES];
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	assert_non_null(m);
	mf_md5_update(m, md5, sizeof md5);
	mf_md5_update(m, md5, sizeof md5);
	assert_int_equal(mf_md5_final(m, all, NULL), 0);
	mf_md5_free(m);
	for (i = 0; i < sizeof all; i++)
		(void)snprintf(composite + 2 * i, 3, "%02x", all[i]);
	(void)snprintf(headers, sizeof headers,
	    MODIFIED "ETag: \"%s-2\"\r\nx-amz-meta-mtime: 1500000000.123456789\r\n", composite);
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, &stored) != 0)
		fail_msg("%s", f.e.message);
	assert_asked(&f, 4, "HEAD", "/x");
	tree_s3_end(&f);
	tree_s3_begin(&f, other, LENGTH(other));
	assert_int_equal(put(&f, &stored), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(tree_s3_asked(&f), 5);
	tree_s3_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mtime),
	    cmocka_unit_test(test_look),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_list_fails),
	    cmocka_unit_test(test_list_reads_ahead),
	    cmocka_unit_test(test_part_again),
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_interrupted),
	    cmocka_unit_test(test_error_with_200),
	    cmocka_unit_test(test_lost_completion),
	};

	return cmocka_run_group_tests_name("the bucket's tree, faults", tests, NULL, NULL);
}
