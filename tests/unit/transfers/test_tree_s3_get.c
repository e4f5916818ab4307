/* The bucket's tree against scripted servers: getting, and what comes of it in a directory. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/transfers/md5_policy.h"
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

/* ---- checksums that the store tells ---- */

#define TAG "ETag: \"tag\"\r\n"
/* of "0123456789" */
#define CRC "x-amz-checksum-crc32c: KAwGng==\r\n"
#define SHA "x-amz-checksum-sha256: hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=\r\n"
#define OTHER_CRC "x-amz-checksum-crc32c: AAAAAA==\r\n"
#define OTHER_SHA "x-amz-checksum-sha256: AAAAd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=\r\n"
#define COMPOSITE "x-amz-checksum-type: COMPOSITE\r\n"
#define BY_KEY "x-amz-server-side-encryption: aws:kms\r\n"

static void
test_sums(void **state)
{
	static const struct {
		const char *headers;
		uint8_t md5_first;
		bool good;
	} cases[] = {
	    {TAG, 0, true},
	    {TAG CRC, 0, true},
	    {TAG SHA, 0, true},
	    {TAG CRC "x-amz-checksum-type: FULL_OBJECT\r\n", 0, true},
	    {TAG OTHER_CRC, 0, false},
	    {TAG OTHER_SHA, 0, false},
	    {TAG OTHER_CRC SHA, 0, false},
	    /* of parts, and what nobody here computes */
	    {TAG OTHER_CRC COMPOSITE, 0, true},
	    {TAG OTHER_SHA COMPOSITE, 0, true},
	    {TAG "x-amz-checksum-crc32c: AAAAAA==-2\r\n", 0, true},
	    {TAG "x-amz-checksum-sha256: x\r\n", 0, true},
	    {TAG "x-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\n", 0, true},
	    /* besides the MD5: what costs nothing */
	    {TAG CRC, 0x78, true},
	    {TAG OTHER_CRC, 0x78, false},
	    {TAG OTHER_SHA, 0x78, true},
	    {TAG CRC, 1, false},
	};
	struct tree_s3_fixture f;
	struct s3_reply reply = {200, NULL, "0123456789", 0};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		reply.headers = cases[i].headers;
		tree_s3_begin(&f, &reply, 1);
		if ((get(&f, cases[i].md5_first, text) == 0) != cases[i].good)
			fail_msg("case %zu: %s", i, f.e.message);
		if (!cases[i].good)
			assert_int_equal(f.e.code, MF_EDAMAGED);
		assert_header(&f, 0, "x-amz-checksum-mode", "ENABLED");
		tree_s3_end(&f);
	}
}

/* Where the system forbids MD5, the object's MD5 is passed over; not the sum besides it, which
 * would be left otherwise. */
static void
test_forbidden_md5(void **state)
{
	static const struct {
		const char *headers;
		bool good;
	} cases[] = {{TAG, true}, {TAG SHA, true}, {TAG OTHER_SHA, false}, {TAG OTHER_CRC, false}};
	struct s3_reply reply = {200, NULL, "0123456789", 0};
	struct tree_s3_fixture f;
	char text[32];
	size_t i;

	(void)state;
	md5_policy_forbid(true);
	for (i = 0; i < LENGTH(cases); i++) {
		reply.headers = cases[i].headers;
		tree_s3_begin(&f, &reply, 1);
		if ((get(&f, 1, text) == 0) != cases[i].good)
			fail_msg("case %zu: %s", i, f.e.message);
		if (!cases[i].good)
			assert_int_equal(f.e.code, MF_EDAMAGED);
		tree_s3_end(&f);
	}
	md5_policy_forbid(false);
}

/* A tag that was taken for an MD5, and is none because a key encrypts the object: then the sum is
 * all there is. */
static void
test_sum_instead_of_tag(void **state)
{
	static const char tag[] = "ETag: \"781e5e245d69b566979b86e28d23f2c8\"\r\n";
	char good[512], bad[512];
	const struct s3_reply replies[] = {
	    {200, bad, "0123456789", 0}, {200, good, "0123456789", 0}};
	struct mf_tree_entry entry = {.path = "x", .size = 10};
	struct tree_s3_fixture f;
	char text[32] = "";

	(void)state;
	(void)snprintf(bad, sizeof bad, "%s" BY_KEY OTHER_SHA, tag);
	(void)snprintf(good, sizeof good, "%s" BY_KEY SHA, tag);
	s3_tree_copy_tag("781e5e245d69b566979b86e28d23f2c8", entry.tag);
	entry.has_md5 = s3_tree_tag_is_md5(entry.tag, entry.md5);
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_get(f.t, &entry, take, text, &f.e), -1);
	assert_int_equal(f.e.code, MF_EDAMAGED);
	assert_non_null(strstr(f.e.message, "checksum"));
	mf_error_clear(&f.e);
	text[0] = '\0';
	if (mf_tree_get(f.t, &entry, take, text, &f.e) != 0)
		fail_msg("%s", f.e.message);
	tree_s3_end(&f);
}

/* What came before it broke off counts; the sum of a part is none of the whole. */
static void
test_sum_goes_on(void **state)
{
	const struct s3_reply replies[] = {
	    {200, TAG SHA, "01234", 10},
	    {206, TAG OTHER_CRC OTHER_SHA "Content-Range: bytes 5-9/10\r\n", "56789", 0},
	    {200, TAG OTHER_CRC, "", 10},
	    {200, TAG CRC, "01234", 10},
	    {206, TAG "Content-Range: bytes 5-9/10\r\n", "5678x", 0},
	};
	struct tree_s3_fixture f;
	char text[32];

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (get(&f, 0, text) != 0)
		fail_msg("%s", f.e.message);
	assert_header(&f, 0, "x-amz-checksum-mode", "ENABLED");
	assert_header(&f, 1, "x-amz-checksum-mode", "");
	assert_int_equal(get(&f, 0, text), -1);
	assert_int_equal(f.e.code, MF_EDAMAGED);
	assert_int_equal(tree_s3_asked(&f), LENGTH(replies));
	tree_s3_end(&f);
}

/* Who does not know the question is asked once. */
static void
test_sum_not_known(void **state)
{
	const struct s3_reply first[] = {
	    {400, NULL,
		"<Error><Code>InvalidArgument</Code><Message>Unsupported header "
		"'x-amz-checksum-mode' received for this API call.</Message></Error>",
		0},
	    {501, NULL, ERROR_BODY("NotImplemented"), 0}};
	struct s3_reply replies[] = {{0}, {200, TAG, "0123456789", 0}};
	struct tree_s3_fixture f;
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(first); i++) {
		replies[0] = first[i];
		tree_s3_begin(&f, replies, LENGTH(replies));
		if (get(&f, 0x78, text) != 0)
			fail_msg("%s", f.e.message);
		assert_string_equal(text, "0123456789");
		assert_int_equal(tree_s3_asked(&f), 2);
		assert_header(&f, 0, "x-amz-checksum-mode", "ENABLED");
		assert_header(&f, 1, "x-amz-checksum-mode", "");
		assert_int_equal(get(&f, 0x78, text), 0);
		assert_int_equal(tree_s3_asked(&f), 3);
		assert_header(&f, 2, "x-amz-checksum-mode", "");
		tree_s3_end(&f);
	}
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
	const struct s3_reply replies[] = {{200, TAG OTHER_CRC, "0123456789", 0}};
	struct tree_s3_fixture f;
	char text[32];

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	s3_tree_of(f.t)->p.ignore_sums = true;
	assert_int_equal(get(&f, 1, text), 0);
	assert_string_equal(text, "0123456789");
	assert_header(&f, 0, "x-amz-checksum-mode", "");
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
	    cmocka_unit_test(test_sums),
	    cmocka_unit_test(test_forbidden_md5),
	    cmocka_unit_test(test_sum_instead_of_tag),
	    cmocka_unit_test(test_sum_goes_on),
	    cmocka_unit_test(test_sum_not_known),
	    cmocka_unit_test(test_sink_fails),
	    cmocka_unit_test(test_ignore_sums),
	    cmocka_unit_test(test_download),
	};

	return cmocka_run_group_tests_name("the bucket's tree, getting", tests, NULL, NULL);
}
