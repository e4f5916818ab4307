/* The bucket's tree against scripted servers: getting, and what comes of it in a directory. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/transfers/tree_s3_fixture.h"
#include "transfers/tree_dir.h"

static int
take(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	char *text = arg;
	const size_t have = strlen(text);

	if (have + n >= 32)
		return mf_error_set(e, MF_ENOSPC, "full");
	memcpy(text + have, bytes, n);
	text[have + n] = '\0';
	return 0;
}

/* "0123456789" under the ETag "tag", with this MD5's first byte (0: without). */
static void
fill_entry(struct mf_tree_entry *entry, uint8_t md5_first)
{
	static const uint8_t md5[MF_TREE_MD5_BYTES] = {0x78, 0x1e, 0x5e, 0x24, 0x5d, 0x69, 0xb5,
	    0x66, 0x97, 0x9b, 0x86, 0xe2, 0x8d, 0x23, 0xf2, 0xc7};

	entry->path = "x";
	entry->size = 10;
	(void)snprintf(entry->tag, sizeof entry->tag, "tag");
	entry->has_md5 = md5_first != 0;
	memcpy(entry->md5, md5, sizeof md5);
	entry->md5[0] = md5_first;
}

static int
get(struct tree_s3_fixture *f, uint8_t md5_first, char text[32])
{
	struct mf_tree_entry entry = {.path = NULL};

	fill_entry(&entry, md5_first);
	text[0] = '\0';
	mf_error_clear(&f->e);
	return mf_tree_get(f->t, &entry, take, text, &f->e);
}

static void
test_get_goes_on(void **state)
{
	const struct s3_reply replies[] = {
	    {200, "ETag: \"tag\"\r\n", "01234", 10},
	    {206, "ETag: \"tag\"\r\nContent-Range: bytes 5-9/10\r\n", "567", 5},
	    {206, "ETag: \"tag\"\r\nContent-Range: bytes 8-9/10\r\n", "89", 0},
	};
	struct tree_s3_fixture f;
	char text[32];

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (get(&f, 0x78, text) != 0)
		fail_msg("%s", f.e.message);
	assert_string_equal(text, "0123456789");
	assert_header(&f, 0, "Range", "");
	assert_header(&f, 1, "Range", "bytes=5-9");
	assert_header(&f, 2, "Range", "bytes=8-9");
	assert_header(&f, 0, "If-Match", "\"tag\"");
	assert_header(&f, 2, "If-Match", "\"tag\"");
	tree_s3_end(&f);
}

static void
test_get_of_another(void **state)
{
	const struct s3_reply replies[] = {
	    {412, NULL, ERROR_BODY("PreconditionFailed"), 0},
	    {200, "ETag: \"other\"\r\n", "0123456789", 0}, /* ignores If-Match */
	    {200, "ETag: \"tag\"\r\n", "0123456789", 0}, /* damaged */
	    {404, NULL, ERROR_BODY("NoSuchKey"), 0},
	};
	struct tree_s3_fixture f;
	char text[32];

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(get(&f, 0, text), -1);
	assert_int_equal(f.e.code, MF_ESOURCE);
	assert_int_equal(get(&f, 0, text), -1);
	assert_int_equal(f.e.code, MF_ESOURCE);
	assert_string_equal(text, "");
	assert_int_equal(get(&f, 1, text), -1);
	assert_int_equal(f.e.code, MF_EDAMAGED);
	assert_int_equal(get(&f, 0, text), -1);
	assert_int_equal(f.e.code, MF_ENOTFOUND);
	assert_int_equal(tree_s3_asked(&f), 4);
	tree_s3_end(&f);
}

/* A version has one length: of another one the answer is of somebody else, or was changed on the
 * way. */
static void
test_get_of_wrong_length(void **state)
{
	const struct s3_reply replies[] = {
	    {200, "ETag: \"tag\"\r\n", "01234567890", 0},
	    {200, "Content-Type: text/html\r\n", "<html></html>", 0},
	    {200, "ETag: \"tag\"\r\n", "0123456789", 0},
	    /* another */
	    {200, "ETag: \"tag\"\r\n", "012345678", 0},
	    {200, "ETag: \"tag\"\r\n", "01234", 10},
	    {206, "ETag: \"tag\"\r\nContent-Range: bytes 5-9/10\r\n", "5678", 0},
	    {206, "ETag: \"tag\"\r\nContent-Range: bytes 5-9/11\r\n", "56789", 0},
	    {206, "ETag: \"tag\"\r\nContent-Range: bytes 5-9/10\r\n", "56789", 0},
	};
	struct tree_s3_fixture f;
	char text[32];
	int i;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	for (i = 0; i < 2; i++) {
		if (get(&f, 0x78, text) != 0)
			fail_msg("%s", f.e.message);
		assert_string_equal(text, "0123456789");
	}
	assert_int_equal(tree_s3_asked(&f), LENGTH(replies));
	tree_s3_end(&f);
}

/* What the sink says ends it at once, even where it sounds like the network. */
static int
refuse(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)bytes;
	(void)n;
	return mf_error_set(e, MF_ETRANSFER, "the other side broke");
}

static void
test_sink_fails(void **state)
{
	const struct s3_reply replies[] = {{200, NULL, "0123456789", 0}};
	const struct mf_tree_entry entry = {.path = "x", .size = 10};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_get(f.t, &entry, refuse, NULL, &f.e), -1);
	assert_string_equal(f.e.message, "the other side broke");
	assert_int_equal(tree_s3_asked(&f), 1);
	tree_s3_end(&f);
}

/* ---- into a directory ---- */

#define TAG "ETag: \"tag\"\r\n"

/* "x" from the bucket to a new directory: what put says, and *text what is there then, "" for no
 * file. Nothing else may be left. */
static int
download(struct tree_s3_fixture *f, struct mf_tree *to, const char *dir, uint8_t md5_first,
    char text[32])
{
	struct mf_tree_entry entry = {.has_mtime = true, .mtime_ns = 1};
	struct mf_tree_source source = {0};
	struct mf_error e = {0};
	struct mf_tree_cursor *left;
	char path[128];
	FILE *file;
	int rc;

	fill_entry(&entry, md5_first);
	mf_error_clear(&f->e);
	assert_int_equal(mf_tree_source_open(f->t, &entry, &source, &f->e), 0);
	rc = mf_tree_put(to, "x", &source, NULL, &f->e);
	mf_tree_source_close(f->t, &source);
	(void)snprintf(path, sizeof path, "%s/x", dir);
	text[0] = '\0';
	if ((file = fopen(path, "r")) != NULL) {
		text[fread(text, 1, 31, file)] = '\0';
		(void)fclose(file);
		(void)unlink(path);
	}
	assert_int_equal(mf_tree_list(to, "", &left, &e), 0);
	assert_int_equal(mf_tree_next(left, &entry, &e), 1);
	mf_tree_cursor_close(left);
	return rc;
}

/* Nobody wants to know what it should be. */
static void
test_ignore_sums(void **state)
{
	const struct s3_reply replies[] = {{200, TAG, "0123456789", 0}};
	struct tree_s3_fixture f;
	char text[32];

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	s3_tree_of(f.t)->p.ignore_sums = true;
	assert_int_equal(get(&f, 1, text), 0);
	assert_string_equal(text, "0123456789");
	tree_s3_end(&f);
}

/* One request for all of it, and a file only of what the MD5 says. */
static void
test_download(void **state)
{
	const struct s3_reply replies[] = {
	    {200, TAG, "0123456789", 0},
	    {200, TAG, "01234", 10},
	    {206, TAG "Content-Range: bytes 5-9/10\r\n", "56789", 0},
	    {200, TAG, "0123456789", 0}, /* its MD5 is another */
	    {200, "ETag: \"other\"\r\n", "0123456789", 0},
	};
	char dir[] = "/tmp/mf-download.XXXXXX", text[32];
	const struct mf_tree_dir_params p = {.path = dir, .write = true};
	struct tree_s3_fixture f;
	struct mf_tree *to;

	(void)state;
	assert_non_null(mkdtemp(dir));
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_dir_open(&p, &to, &f.e), 0);
	assert_int_equal(download(&f, to, dir, 0x78, text), 0);
	assert_string_equal(text, "0123456789");
	assert_int_equal(tree_s3_asked(&f), 1);
	assert_header(&f, 0, "Range", "");
	assert_int_equal(download(&f, to, dir, 0x78, text), 0);
	assert_string_equal(text, "0123456789");
	assert_header(&f, 2, "Range", "bytes=5-9");
	assert_int_equal(download(&f, to, dir, 1, text), -1);
	assert_int_equal(f.e.code, MF_EDAMAGED);
	assert_string_equal(text, "");
	assert_int_equal(download(&f, to, dir, 0x78, text), -1);
	assert_int_equal(f.e.code, MF_ESOURCE);
	assert_string_equal(text, "");
	assert_int_equal(tree_s3_asked(&f), 5);
	mf_tree_close(to);
	tree_s3_end(&f);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_get_goes_on),
	    cmocka_unit_test(test_get_of_another),
	    cmocka_unit_test(test_get_of_wrong_length),
	    cmocka_unit_test(test_sink_fails),
	    cmocka_unit_test(test_ignore_sums),
	    cmocka_unit_test(test_download),
	};

	return cmocka_run_group_tests_name("the bucket's tree, getting", tests, NULL, NULL);
}
