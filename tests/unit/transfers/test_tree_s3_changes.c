/* The bucket's tree against scripted servers: deleting, copying, sweeping. */
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

#define BEGUN                                                                \
	{                                                                    \
		200, NULL,                                                   \
		    "<InitiateMultipartUploadResult><UploadId>id</UploadId>" \
		    "</InitiateMultipartUploadResult>",                      \
		    0                                                        \
	}

/* ---- deleting ---- */

static void
count(void *arg, const char *path, const struct mf_error *why)
{
	assert_string_equal(path, "b");
	assert_int_equal(why->code, MF_EPERM);
	++*(unsigned *)arg;
}

static void
test_delete(void **state)
{
	static const char *const paths[] = {"a", "b", "c"};
	const struct s3_reply replies[] = {
	    {200, NULL,
		"<DeleteResult><Error><Key>a "
		"b/b</Key><Code>AccessDenied</Code></Error></DeleteResult>",
		0},
	    {403, NULL, ERROR_BODY("AccessDenied"), 0},
	    {200, MODIFIED, NULL, 1},
	    {501, NULL, ERROR_BODY("NotImplemented"), 0},
	    {204, NULL, NULL, 0},
	};
	struct tree_s3_fixture f;
	unsigned failed = 0;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_del(f.t, paths, 3, count, &failed, &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(failed, 1);
	assert_asked(&f, 0, "POST", "/models?delete=");
	assert_true(
	    strlen(s3_script_header(&f.script, 0, "Content-MD5", (char[64]){""}, 64)) == 24);
	assert_asked(&f, 1, "DELETE", "/models/a%20b/b");
	/* a store without the call */
	assert_int_equal(mf_tree_del(f.t, paths, 3, count, &failed, &f.e), 0);
	assert_int_equal(tree_s3_asked(&f), 7); /* the three in no order */
	assert_int_equal(mf_tree_del(f.t, paths, 2, count, &failed, &f.e), 0);
	assert_int_equal(tree_s3_asked(&f), 9);
	tree_s3_end(&f);
}

/* What nobody asked for is not deleted, whatever the store tells of it. */
static void
test_delete_no_other(void **state)
{
	static const char *const keys[] = {"a b/d", "a b/a/b", "a b/", "c", "other/b"};
	static const char *const paths[] = {"a", "b", "c"};
	char text[256];
	const struct s3_reply reply = {200, NULL, text, 0};
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(keys); i++) {
		(void)snprintf(text, sizeof text,
		    "<DeleteResult><Error><Key>%s</Key><Code>AccessDenied</Code></Error>"
		    "</DeleteResult>",
		    keys[i]);
		tree_s3_begin(&f, &reply, 1);
		assert_int_equal(mf_tree_del(f.t, paths, 3, NULL, NULL, &f.e), -1);
		assert_int_equal(f.e.code, MF_ETRANSFER);
		assert_non_null(strstr(f.e.message, "that was not asked for"));
		assert_int_equal(tree_s3_asked(&f), 1);
		tree_s3_end(&f);
	}
}

static void
note_why(void *arg, const char *path, const struct mf_error *why)
{
	struct mf_error *out = arg;

	(void)path;
	*out = *why;
}

/* A store says no more than that it may not be: the object's own headers tell why. */
static void
test_delete_locked(void **state)
{
	const struct s3_reply denied = {403, NULL, ERROR_BODY("AccessDenied"), 0};
	const struct s3_reply replies[] = {denied,
	    {200,
		MODIFIED "x-amz-object-lock-mode: COMPLIANCE\r\n"
			 "x-amz-object-lock-retain-until-date: 2031-02-03T04:05:06.000Z\r\n",
		NULL, 3},
	    denied, {200, MODIFIED "x-amz-object-lock-legal-hold: ON\r\n", NULL, 3}, denied,
	    {200, MODIFIED, NULL, 3}, denied};
	const char *const one[] = {"x"};
	struct mf_error why;
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_del(f.t, one, 1, note_why, &why, &f.e), -1);
	assert_int_equal(why.code, MF_EPERM);
	assert_string_equal(why.message,
	    "s3://models/a b/x stays until 2031-02-03T04:05:06Z: it is under a retention "
	    "(COMPLIANCE)");
	assert_asked(&f, 1, "HEAD", "/models/a%20b/x");
	assert_int_equal(mf_tree_del(f.t, one, 1, note_why, &why, &f.e), -1);
	assert_string_equal(why.message, "s3://models/a b/x stays: it is under a legal hold");
	assert_int_equal(mf_tree_del(f.t, one, 1, note_why, &why, &f.e), -1);
	assert_int_equal(why.code, MF_EPERM);
	assert_non_null(strstr(why.message, "AccessDenied"));
	assert_int_equal(tree_s3_asked(&f), 6);
	tree_s3_end(&f);
}

/* Where nothing is locked it is asked once. */
static void
test_delete_denied(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL,
		"<DeleteResult><Error><Key>a b/x</Key><Code>AccessDenied</Code></Error>"
		"<Error><Key>a b/y</Key><Code>AccessDenied</Code></Error></DeleteResult>",
		0},
	    {403, NULL, ERROR_BODY("AccessDenied"), 0}, {200, MODIFIED, NULL, 3},
	    {403, NULL, ERROR_BODY("AccessDenied"), 0}};
	const char *const both[] = {"x", "y"};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_del(f.t, both, 2, NULL, NULL, &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_asked(&f, 2, "HEAD", "/models/a%20b/x");
	assert_asked(&f, 3, "DELETE", "/models/a%20b/y");
	assert_int_equal(tree_s3_asked(&f), 4);
	tree_s3_end(&f);
}

/* ---- copying ---- */

/* Neither may read what is the other's. */
static void
test_no_copy_between_accounts(void **state)
{
	const struct mf_tree_s3_params p = {.account = 1};
	const struct mf_tree_entry entry = {.path = "x", .has_mtime = true, .tag = "tag"};
	struct tree_s3_fixture f;
	struct mf_tree *other;

	(void)state;
	tree_s3_begin(&f, NULL, 0);
	assert_int_equal(mf_tree_s3_take(s3_world_store(&f.world, f.script.url, "models", "other",
					     true), &p, &other, &f.e), 0);
	assert_int_equal(mf_tree_copy(other, "to", f.t, &entry, &f.e), 1);
	assert_int_equal(mf_tree_copy(f.t, "to", other, &entry, &f.e), 1);
	assert_int_equal(mf_tree_move(f.t, "to", other, &entry, &f.e), 1);
	assert_int_equal(tree_s3_asked(&f), 0);
	mf_tree_close(other);
	tree_s3_end(&f);
}

#define COPIED                                                                                    \
	{                                                                                         \
		200, NULL, "<CopyObjectResult><ETag>&quot;tag&quot;</ETag></CopyObjectResult>", 0 \
	}

static void
test_copy(void **state)
{
	const struct s3_reply replies[] = {COPIED, {412, NULL, ERROR_BODY("PreconditionFailed"), 0},
	    {501, NULL, ERROR_BODY("NotImplemented"), 0},
	    {200,
		MODIFIED "ETag: \"tag\"\r\nContent-Type: text/x\r\nx-amz-meta-Mtime: 5\r\n"
			 "x-amz-meta-color: red\r\nx-amz-version-id: 7\r\n",
		NULL, 3},
	    COPIED};
	struct mf_tree_entry entry = {.path = "x +y", .size = 3, .tag = "tag", .has_mtime = true};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 0);
	assert_asked(&f, 0, "PUT", "/models/a%20b/to");
	assert_header(&f, 0, "x-amz-copy-source", "/models/a%20b/x%20%2By");
	assert_header(&f, 0, "x-amz-copy-source-if-match", "\"tag\"");
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), -1);
	assert_int_equal(f.e.code, MF_ESOURCE);
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 1);
	/* moving onto itself is nothing to do, above all no deletion */
	assert_int_equal(mf_tree_move(f.t, entry.path, f.t, &entry, &f.e), 0);
	assert_int_equal(tree_s3_asked(&f), 3);
	if (mf_tree_touch(f.t, &entry, MTIME_NS, &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_header(&f, 4, "x-amz-metadata-directive", "REPLACE");
	assert_header(&f, 4, "x-amz-meta-mtime", "1500000000.123456789");
	assert_header(&f, 4, "x-amz-meta-color", "red");
	assert_header(&f, 4, "Content-Type", "text/x");
	assert_header(&f, 4, "x-amz-version-id", "");
	assert_int_equal(tree_s3_asked(&f), 5);
	tree_s3_end(&f);
}

#define BIG                                                                    \
	{                                                                      \
		200,                                                           \
		    MODIFIED "ETag: \"9a0364b9e99bb480dd25e1f0284c8555\"\r\n"  \
			     "Content-Type: text/x\r\nx-amz-meta-mtime: 5\r\n" \
			     "x-amz-meta-color: red\r\n",                      \
		    NULL, 12 * MIB                                             \
	}
#define COPIED_PART(tag)                                                                  \
	{                                                                                 \
		200, NULL, "<CopyPartResult><ETag>\"" tag "\"</ETag></CopyPartResult>", 0 \
	}

/* What is too large for one request is copied in parts, which have nothing by themselves: all that
 * the source has is said. */
static void
test_copy_in_parts(void **state)
{
	const struct s3_reply replies[] = {BIG, BEGUN, COPIED_PART("p1"), COPIED_PART("p2"),
	    COPIED_PART("p3"),
	    {200, NULL,
		"<CompleteMultipartUploadResult><ETag>\"all-3\"</ETag>"
		"</CompleteMultipartUploadResult>",
		0},
	    BIG, BEGUN, {412, NULL, ERROR_BODY("PreconditionFailed"), 0}, {204, NULL, NULL, 0}, BIG,
	    BEGUN, {501, NULL, ERROR_BODY("NotImplemented"), 0}, {204, NULL, NULL, 0},
	    {200, MODIFIED "ETag: \"another\"\r\n", NULL, 12 * MIB}};
	const struct mf_tree_entry entry = {.path = "x +y",
	    .size = 12 * MIB,
	    .tag = "9a0364b9e99bb480dd25e1f0284c8555",
	    .has_mtime = true,
	    .mtime_ns = INT64_C(5000000000)};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (mf_tree_copy(f.t, "to", f.t, &entry, &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_asked(&f, 1, "POST", "/models/a%20b/to?uploads=");
	assert_header(&f, 1, "x-amz-meta-mtime", "5");
	assert_header(&f, 1, "x-amz-meta-color", "red");
	assert_header(&f, 1, "x-amz-meta-md5chksum", "mgNkuembtIDdJeHwKEyFVQ==");
	assert_header(&f, 1, "Content-Type", "text/x");
	assert_header(&f, 1, "x-amz-metadata-directive", "");
	assert_asked(&f, 2, "PUT", "/models/a%20b/to?partNumber=1&uploadId=id");
	assert_header(&f, 2, "x-amz-copy-source", "/models/a%20b/x%20%2By");
	assert_header(&f, 2, "x-amz-copy-source-range", "bytes=0-5242879");
	assert_header(&f, 2, "x-amz-copy-source-if-match", "\"9a0364b9e99bb480dd25e1f0284c8555\"");
	assert_asked(&f, 4, "PUT", "partNumber=3&uploadId=id");
	assert_header(&f, 4, "x-amz-copy-source-range", "bytes=10485760-12582911");
	assert_asked(&f, 5, "POST", "/models/a%20b/to?uploadId=id");
	/* the source changes meanwhile */
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), -1);
	assert_int_equal(f.e.code, MF_ESOURCE);
	assert_asked(&f, 9, "DELETE", "uploadId=id");
	/* the store does not do it */
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 1);
	assert_asked(&f, 13, "DELETE", "uploadId=id");
	/* it has changed before */
	mf_error_clear(&f.e);
	assert_int_equal(mf_tree_touch(f.t, &entry, MTIME_NS, &f.e), -1);
	assert_int_equal(f.e.code, MF_ESOURCE);
	assert_int_equal(tree_s3_asked(&f), 15);
	tree_s3_end(&f);
}

/* A copy is younger than what it was made of: where that has no mtime of its own, it is given one.
 */
static void
test_copy_keeps_time(void **state)
{
	const struct s3_reply replies[] = {
	    {200, MODIFIED "ETag: \"tag\"\r\nx-amz-meta-color: red\r\n", NULL, 3}, COPIED,
	    {200, MODIFIED "ETag: \"tag\"\r\nx-amz-meta-mtime: 5\r\n", NULL, 3}, COPIED};
	const struct mf_tree_entry entry = {.path = "x", .size = 3, .tag = "tag"};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 0);
	assert_header(&f, 1, "x-amz-metadata-directive", "REPLACE");
	assert_header(&f, 1, "x-amz-meta-mtime", "1769860800");
	assert_header(&f, 1, "x-amz-meta-color", "red");
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 0);
	assert_header(&f, 3, "x-amz-metadata-directive", "");
	assert_header(&f, 3, "x-amz-meta-mtime", "");
	tree_s3_end(&f);
}

/* ---- sweeping ---- */

#define UPLOAD(key, id, time)                                                   \
	"<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiated>" time \
	"</Initiated></Upload>"

static void
test_sweep(void **state)
{
	const struct s3_reply replies[] = {
	    {200, "Date: Sat, 31 Jan 2026 12:00:00 GMT\r\n", NULL, 0},
	    {200, NULL,
		"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>" UPLOAD(
		    "a b/old", "1", "2026-01-31T10:00:00Z")
		    UPLOAD("a b/new", "2", "2026-01-31T11:59:00Z") UPLOAD(
			"other/old", "3", "2026-01-31T10:00:00Z") "</ListMultipartUploadsResult>",
		0},
	    {204, NULL, NULL, 0},
	};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (mf_tree_sweep(f.t, UINT64_C(3600000000), &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), 3);
	assert_asked(&f, 1, "GET", "prefix=a%20b%2F&uploads=");
	assert_asked(&f, 2, "DELETE", "/models/a%20b/old?uploadId=1");
	tree_s3_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_delete),
	    cmocka_unit_test(test_delete_no_other),
	    cmocka_unit_test(test_delete_locked),
	    cmocka_unit_test(test_delete_denied),
	    cmocka_unit_test(test_no_copy_between_accounts),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_copy_in_parts),
	    cmocka_unit_test(test_copy_keeps_time),
	    cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests_name("the bucket's tree, changes", tests, NULL, NULL);
}
