/* The bucket's tree against scripted servers: by what an object that was made in parts is known
 * again, its ETag and how large its parts are. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "tests/unit/transfers/tree_s3_fixture.h"

#define MTIME_NS INT64_C(1500000000123456789)
#define PART_BYTES_NAME "x-amz-meta-modelferry-part-bytes"
#define BY_KMS "x-amz-server-side-encryption: aws:kms\r\n"
#define BY_CUSTOMER "x-amz-server-side-encryption-customer-algorithm: AES256\r\n"

/* ---- reading ---- */

static int
take(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	char *text = arg;
	const size_t have = strlen(text);

	(void)e;
	assert_true(have + n < 32);
	memcpy(text + have, bytes, n);
	text[have + n] = '\0';
	return 0;
}

/* "0123456789", in parts of four bytes: its ETag is the MD5 of the MD5s of "0123", "4567", "89". */
#define WHOLE "0123456789"

static void
tag_of(const char *text, uint64_t part_bytes, unsigned n_parts, char out[MF_TREE_TAG_BYTES])
{
	struct mf_md5_parts *m = mf_md5_parts_new(part_bytes, NULL);
	uint8_t md5[MF_MD5_BYTES];

	assert_non_null(m);
	mf_md5_parts_update(m, text, strlen(text));
	assert_int_equal(mf_md5_parts_final(m, md5, NULL), 0);
	mf_md5_parts_free(m);
	mf_hex_encode(out, md5, sizeof md5);
	(void)snprintf(out + 32, MF_TREE_TAG_BYTES - 32, "-%u", n_parts);
}

/* What comes of this body, whose object has these headers and a right ETag of `n_parts` parts of 4
 * bytes. */
static int
get(struct tree_s3_fixture *f, const char *body, unsigned n_parts, const char *headers)
{
	char all[512], text[32] = "";
	struct s3_reply reply = {200, all, body, 0};
	struct mf_tree_entry entry = {.path = "x", .size = sizeof WHOLE - 1};
	int rc;

	tag_of(WHOLE, 4, n_parts, entry.tag);
	(void)snprintf(all, sizeof all, "ETag: \"%s\"\r\n%s", entry.tag, headers);
	tree_s3_begin(f, &reply, 1);
	rc = mf_tree_get(f->t, &entry, take, text, &f->e);
	assert_string_equal(text, body);
	assert_int_equal(tree_s3_asked(f), 1);
	tree_s3_end(f);
	return rc;
}

#define PARTS(text) PART_BYTES_NAME ": " text "\r\n"

static void
test_get(void **state)
{
	static const struct {
		const char *body, *headers;
		unsigned n_parts;
		bool good;
	} rows[] = {
	    {WHOLE, PARTS("4"), 3, true},
	    {"x123456789", PARTS("4"), 3, false},
	    {"0123x56789", PARTS("4"), 3, false},
	    {"012345678x", PARTS("4"), 3, false},
	    /* of other parts, as many */
	    {WHOLE, PARTS("5"), 2, false},
	    /* nobody knows */
	    {"012345678x", "", 3, true},
	    /* as many parts do not make it */
	    {"012345678x", PARTS("4"), 2, true},
	    {"012345678x", PARTS("4"), 4, true},
	    {"012345678x", PARTS("3"), 3, true},
	    {"012345678x", PARTS("5"), 3, true},
	    {"012345678x", PARTS("4"), 0, true},
	    {"012345678x", PARTS("10"), 1, false},
	    {"012345678x", PARTS("5368709120"), 1, false},
	    /* no number, or one that none can be */
	    {"012345678x", PARTS("0"), 3, true},
	    {"012345678x", PARTS(""), 3, true},
	    {"012345678x", PARTS("-4"), 3, true},
	    {"012345678x", PARTS("4 MiB"), 3, true},
	    {"012345678x", PARTS("0x4"), 3, true},
	    {"012345678x", PARTS("5368709121"), 1, true},
	    {"012345678x", PARTS("18446744073709551620"), 3, true},
	    /* the ETag is none of MD5s */
	    {"012345678x", PARTS("4") BY_KMS, 3, true},
	    {"012345678x", PARTS("4") BY_CUSTOMER, 3, true},
	    /* something else tells */
	    {WHOLE, PARTS("4") "x-amz-checksum-crc32c: KAwGng==\r\n", 3, true},
	    {"012345678x", PARTS("4") "x-amz-checksum-crc32c: KAwGng==\r\n", 3, false},
	    {"012345678x", PARTS("4") "x-amz-checksum-crc32c: KAwGng==-3\r\n", 3, false},
	};
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		if ((get(&f, rows[i].body, rows[i].n_parts, rows[i].headers) == 0) != rows[i].good)
			fail_msg("row %zu: %s", i, f.e.message);
		if (!rows[i].good)
			assert_int_equal(f.e.code, MF_EDAMAGED);
	}
}

/* What to do about it. */
static void
test_hint(void **state)
{
	struct tree_s3_fixture f;

	(void)state;
	assert_int_equal(get(&f, "0123x56789", 3, PARTS("4")), -1);
	assert_string_equal(f.e.message, "s3://models/a b/x is not what its ETag says");
	assert_non_null(strstr(f.e.hint, PART_BYTES_NAME ", then --ignore-checksum takes it"));
}

/* A tag that none can be, and one that is not of the number of its parts in its shortest form. */
static void
test_tags(void **state)
{
#define HEX "900150983cd24fb0d6963f7d28e17f72"
	static const struct {
		const char *tag;
		uint64_t n_parts; /* 0: it is none */
	} rows[] = {{HEX "-1", 1}, {HEX "-10000", 10000}, {"ABCDEF983cd24fb0d6963f7d28e17f72-2", 2},
	    {HEX "-10001", 0}, {HEX "-0", 0}, {HEX "-01", 0}, {HEX "-", 0}, {HEX, 0}, {"", 0},
	    {HEX "--1", 0}, {HEX "-1x", 0}, {HEX "0-1", 0}, {"9-1", 0},
	    {"x00150983cd24fb0d6963f7d28e17f72-1", 0}};
	uint8_t md5[MF_MD5_BYTES];
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		n = 0;
		if (s3_tree_tag_is_parts(rows[i].tag, md5, &n) != (rows[i].n_parts > 0) ||
		    (rows[i].n_parts > 0 && n != rows[i].n_parts))
			fail_msg("%s", rows[i].tag);
	}
}

/* It breaks off in the middle, and before the first byte. */
static void
test_goes_on(void **state)
{
	char first[256], second[256], other[256];
	const struct s3_reply replies[] = {{200, first, "", 10}, {200, first, "01234", 10},
	    {206, second, "56789", 0}, {200, first, "", 10}, {200, other, "012345678x", 0}};
	struct mf_tree_entry entry = {.path = "x", .size = 10};
	struct tree_s3_fixture f;
	char text[32] = "";

	(void)state;
	tag_of(WHOLE, 4, 3, entry.tag);
	(void)snprintf(first, sizeof first, "ETag: \"%s\"\r\n" PARTS("4"), entry.tag);
	(void)snprintf(other, sizeof other, "ETag: \"%s\"\r\n", entry.tag);
	(void)snprintf(second, sizeof second,
	    "ETag: \"%s\"\r\n" PARTS("3") "Content-Range: bytes 5-9/10\r\n", entry.tag);
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (mf_tree_get(f.t, &entry, take, text, &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_string_equal(text, WHOLE);
	assert_int_equal(tree_s3_asked(&f), 3);
	/* the answer that counts tells nothing */
	text[0] = '\0';
	assert_int_equal(mf_tree_get(f.t, &entry, take, text, &f.e), 0);
	tree_s3_end(&f);
}

static void
test_ignored(void **state)
{
	char headers[256], text[32] = "";
	const struct s3_reply replies[] = {{200, headers, "012345678x", 0}};
	struct mf_tree_entry entry = {.path = "x", .size = 10};
	struct tree_s3_fixture f;

	(void)state;
	tag_of(WHOLE, 4, 3, entry.tag);
	(void)snprintf(headers, sizeof headers, "ETag: \"%s\"\r\n" PARTS("4"), entry.tag);
	tree_s3_begin(&f, replies, LENGTH(replies));
	s3_tree_of(f.t)->p.ignore_sums = true;
	assert_int_equal(mf_tree_get(f.t, &entry, take, text, &f.e), 0);
	tree_s3_end(&f);
}

static void
test_look(void **state)
{
	const struct s3_reply replies[] = {
	    {200, MODIFIED "ETag: \"" HEX "-3\"\r\n" PARTS("4"), NULL, 10},
	    {200,
		MODIFIED "ETag: \"" HEX
			 "-3\"\r\n" PARTS("4") "x-amz-meta-md5chksum: kAFQmDzST7DWlj99KOF/cg==\r\n",
		NULL, 10},
	    {200, MODIFIED "ETag: \"" HEX "\"\r\n" PARTS("4"), NULL, 4},
	    {200, MODIFIED "ETag: \"" HEX "-3\"\r\n" PARTS("4") BY_KMS, NULL, 10},
	};
	struct mf_tree_entry entry;
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_tree_look(f.t, "x", &entry, &f.e), 0);
	assert_false(entry.has_md5);
	assert_int_equal(entry.part_bytes, 4);
	assert_true(entry.parts_md5[0] == 0x90 && entry.parts_md5[15] == 0x72);
	assert_int_equal(mf_tree_look(f.t, "x", &entry, &f.e), 0);
	assert_true(entry.has_md5);
	assert_int_equal(entry.part_bytes, 0);
	assert_int_equal(mf_tree_look(f.t, "x", &entry, &f.e), 0);
	assert_true(entry.has_md5);
	assert_int_equal(entry.part_bytes, 0);
	assert_int_equal(mf_tree_look(f.t, "x", &entry, &f.e), 0);
	assert_false(entry.has_md5);
	assert_int_equal(entry.part_bytes, 0);
	tree_s3_end(&f);
}

/* ---- putting ---- */

static int
read_letters(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)e;
	memset(buf, offset == 0 ? 'a' : 'b', n);
	return 0;
}

#define SIZE (6 * MIB) /* in parts of 5 MiB */

static int
put(struct tree_s3_fixture *f, const uint8_t *md5, struct mf_tree_entry *stored)
{
	const struct mf_tree_source source = {
	    .size = SIZE, .read_at = read_letters, .mtime_ns = MTIME_NS, .md5 = md5};

	mf_error_clear(&f->e);
	return mf_tree_put(f->t, "x", &source, stored, &f->e);
}

/* The headers of answers for its parts, and the answer for the whole, as a store has them. */
struct texts {
	char part[2][64], done[256], have[512];
	char tag[MF_TREE_TAG_BYTES];
};

static void
fill_texts(struct texts *t)
{
	struct mf_md5_parts *all = mf_md5_parts_new(5 * MIB, NULL);
	struct mf_md5 *m = mf_md5_new(NULL);
	char *bytes = malloc(5 * MIB), hex[33];
	uint8_t md5[MF_MD5_BYTES];
	int i;

	assert_true(all != NULL && m != NULL && bytes != NULL);
	for (i = 0; i < 2; i++) {
		memset(bytes, 'a' + i, 5 * MIB);
		mf_md5_update(m, bytes, i == 0 ? 5 * MIB : MIB);
		mf_md5_parts_update(all, bytes, i == 0 ? 5 * MIB : MIB);
		assert_int_equal(mf_md5_final(m, md5, NULL), 0);
		mf_hex_encode(hex, md5, sizeof md5);
		(void)snprintf(t->part[i], sizeof t->part[i], "ETag: \"%s\"\r\n", hex);
	}
	assert_int_equal(mf_md5_parts_final(all, md5, NULL), 0);
	mf_hex_encode(hex, md5, sizeof md5);
	(void)snprintf(t->tag, sizeof t->tag, "%s-2", hex);
	mf_md5_parts_free(all);
	mf_md5_free(m);
	free(bytes);
}

static void
say_done(struct texts *t, const char *tag)
{
	(void)snprintf(t->done, sizeof t->done,
	    "<CompleteMultipartUploadResult><ETag>\"%.80s\"</ETag></CompleteMultipartUploadResult>",
	    tag);
	(void)snprintf(t->have, sizeof t->have,
	    MODIFIED "ETag: \"%.80s\"\r\nx-amz-meta-mtime: 1500000000.123456789\r\n" PARTS(
		"5242880") "x-amz-meta-color: red\r\n",
	    tag);
}

#define BEGUN                                                                \
	{                                                                    \
		200, NULL,                                                   \
		    "<InitiateMultipartUploadResult><UploadId>id</UploadId>" \
		    "</InitiateMultipartUploadResult>",                      \
		    0                                                        \
	}
#define COPIED                                                                             \
	{                                                                                  \
		200, NULL, "<CopyObjectResult><ETag>\"copy\"</ETag></CopyObjectResult>", 0 \
	}

static void
test_put(void **state)
{
	static const uint8_t md5[MF_TREE_MD5_BYTES] = {1};
	struct mf_tree_entry stored = {0};
	struct tree_s3_fixture f;
	struct texts t;

	(void)state;
	fill_texts(&t);
	say_done(&t, t.tag);
	const struct s3_reply replies[] = {
	    BEGUN, {200, t.part[0], NULL, 0}, {200, t.part[1], NULL, 0}, {200, NULL, t.done, 0}};

	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, NULL, &stored) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), 4);
	assert_header(&f, 0, PART_BYTES_NAME, "5242880");
	assert_header(&f, 0, "x-amz-meta-mtime", "1500000000.123456789");
	assert_header(&f, 1, PART_BYTES_NAME, "");
	assert_string_equal(stored.tag, t.tag);
	tree_s3_end(&f);
	/* an MD5 says more */
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, md5, NULL), 0);
	assert_header(&f, 0, PART_BYTES_NAME, "");
	tree_s3_end(&f);
}

/* With keys in use an ETag is none of MD5s, as the options or the answers say. */
static void
test_put_with_keys(void **state)
{
	const struct mf_s3_put_options kms = {.encryption = "aws:kms"};
	struct tree_s3_fixture f;
	struct texts t;

	(void)state;
	fill_texts(&t);
	say_done(&t, HEX "-2");
	struct s3_reply replies[] = {
	    BEGUN, {200, t.part[0], NULL, 0}, {200, t.part[1], NULL, 0}, {200, NULL, t.done, 0}};

	tree_s3_begin_with(&f, &kms, replies, LENGTH(replies));
	assert_int_equal(put(&f, NULL, NULL), 0);
	assert_header(&f, 0, PART_BYTES_NAME, "");
	assert_int_equal(tree_s3_asked(&f), 4);
	tree_s3_end(&f);
	replies[0].headers = BY_KMS;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, NULL, NULL), 0);
	assert_int_equal(tree_s3_asked(&f), 4);
	tree_s3_end(&f);
	replies[0].headers = NULL;
	replies[3].headers = BY_KMS;
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, NULL, NULL), 0);
	assert_int_equal(tree_s3_asked(&f), 4);
	tree_s3_end(&f);
}

/* A store whose ETags look like it and are something else, of the whole or of the parts: what was
 * told is taken back, once, and no more told. */
static void
test_untold(void **state)
{
	struct mf_tree_entry stored;
	struct tree_s3_fixture f;
	struct texts t;
	int turn;

	(void)state;
	fill_texts(&t);
	for (turn = 0; turn < 2; turn++) {
		if (turn == 1)
			(void)snprintf(t.part[0], sizeof t.part[0], "ETag: \"" HEX "\"\r\n");
		say_done(&t, HEX "-2");
		const struct s3_reply replies[] = {BEGUN, {200, t.part[0], NULL, 0},
		    {200, t.part[1], NULL, 0}, {200, NULL, t.done, 0}, {200, t.have, NULL, SIZE},
		    COPIED, {200, MODIFIED "ETag: \"copy\"\r\n", NULL, SIZE}, BEGUN,
		    {200, t.part[0], NULL, 0}, {200, t.part[1], NULL, 0}, {200, NULL, t.done, 0}};

		tree_s3_begin(&f, replies, LENGTH(replies));
		stored = (struct mf_tree_entry){0};
		if (put(&f, NULL, &stored) != 0)
			fail_msg("%s", f.e.message);
		assert_header(&f, 0, PART_BYTES_NAME, "5242880");
		assert_asked(&f, 4, "HEAD", "/models/a%20b/x");
		assert_asked(&f, 5, "PUT", "/models/a%20b/x");
		assert_header(&f, 5, "x-amz-copy-source", "/models/a%20b/x");
		assert_header(&f, 5, "x-amz-copy-source-if-match", "\"" HEX "-2\"");
		assert_header(&f, 5, "x-amz-metadata-directive", "REPLACE");
		assert_header(&f, 5, "x-amz-meta-mtime", "1500000000.123456789");
		assert_header(&f, 5, "x-amz-meta-color", "red");
		assert_header(&f, 5, PART_BYTES_NAME, "");
		assert_string_equal(stored.tag, "copy");
		if (put(&f, NULL, &stored) != 0)
			fail_msg("%s", f.e.message);
		assert_header(&f, 7, PART_BYTES_NAME, "");
		assert_int_equal(tree_s3_asked(&f), LENGTH(replies));
		assert_string_equal(stored.tag, HEX "-2");
		tree_s3_end(&f);
	}
}

/* That it cannot be taken back is no failure of the put. */
static void
test_untold_not(void **state)
{
	struct tree_s3_fixture f;
	struct texts t;

	(void)state;
	fill_texts(&t);
	say_done(&t, HEX "-2");
	const struct s3_reply replies[] = {BEGUN, {200, t.part[0], NULL, 0},
	    {200, t.part[1], NULL, 0}, {200, NULL, t.done, 0}, {200, t.have, NULL, SIZE},
	    {501, NULL, ERROR_BODY("NotImplemented"), 0}};

	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, NULL, NULL) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), LENGTH(replies));
	tree_s3_end(&f);
}

/* ---- copying ---- */

#define COPIED_PART(tag)                                                                  \
	{                                                                                 \
		200, NULL, "<CopyPartResult><ETag>\"" tag "\"</ETag></CopyPartResult>", 0 \
	}

/* A copy in parts has its own; one of the whole keeps what is told. */
static void
test_copy(void **state)
{
	const struct s3_reply big[] = {
	    {200, MODIFIED "ETag: \"" HEX "-3\"\r\nx-amz-meta-mtime: 5\r\n" PARTS("4194304"), NULL,
		12 * MIB},
	    BEGUN, COPIED_PART("p1"), COPIED_PART("p2"), COPIED_PART("p3"),
	    {200, NULL,
		"<CompleteMultipartUploadResult><ETag>\"all-3\"</ETag>"
		"</CompleteMultipartUploadResult>",
		0}};
	const struct s3_reply small[] = {
	    {200, MODIFIED "ETag: \"" HEX "-2\"\r\nx-amz-meta-mtime: 5\r\n" PARTS("5242880"), NULL,
		SIZE},
	    COPIED};
	struct mf_tree_entry entry = {.path = "x",
	    .size = 12 * MIB,
	    .tag = HEX "-3",
	    .has_mtime = true,
	    .mtime_ns = INT64_C(5000000000)};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, big, LENGTH(big));
	if (mf_tree_copy(f.t, "to", f.t, &entry, &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_header(&f, 1, PART_BYTES_NAME, "5242880");
	tree_s3_end(&f);
	entry.size = SIZE;
	entry.tag[33] = '2';
	tree_s3_begin(&f, small, LENGTH(small));
	assert_int_equal(mf_tree_touch(f.t, &entry, MTIME_NS, &f.e), 0);
	assert_header(&f, 1, PART_BYTES_NAME, "5242880");
	tree_s3_end(&f);
}

#define NO                                                     \
	{                                                      \
		412, NULL, ERROR_BODY("PreconditionFailed"), 0 \
	}
#define HAS(tag, size)                                                                         \
	{                                                                                      \
		200, MODIFIED "ETag: \"" tag "\"\r\nx-amz-meta-mtime: 5\r\n" PARTS("5242880"), \
		    NULL, size                                                                 \
	}

/* A store that holds another tag against an object in parts than it tells copies nothing. */
static void
test_copy_by_another_tag(void **state)
{
	const struct s3_reply small[] = {NO, HAS(HEX "-2", SIZE), NO, HAS(HEX "-3", SIZE), NO,
	    HAS(HEX "-2", SIZE + 1), NO, {404, NULL, NULL, 0}, HAS(HEX "-2", SIZE), NO,
	    HAS(HEX "-2", SIZE)};
	const struct s3_reply big[] = {
	    HAS(HEX "-3", 12 * MIB), BEGUN, NO, {204, NULL, NULL, 0}, HAS(HEX "-3", 12 * MIB)};
	struct mf_tree_entry entry = {.path = "x",
	    .size = SIZE,
	    .tag = HEX "-2",
	    .has_mtime = true,
	    .mtime_ns = INT64_C(5000000000)};
	struct tree_s3_fixture f;
	int i;

	(void)state;
	tree_s3_begin(&f, small, LENGTH(small));
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 1);
	assert_int_equal(f.e.code, MF_OK);
	assert_asked(&f, 1, "HEAD", "/models/a%20b/x");
	for (i = 0; i < 3; i++) { /* it has changed indeed */
		mf_error_clear(&f.e);
		assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), -1);
		assert_int_equal(f.e.code, MF_ESOURCE);
	}
	mf_error_clear(&f.e);
	assert_int_equal(mf_tree_touch(f.t, &entry, MTIME_NS, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUNSUPPORTED);
	assert_int_equal(tree_s3_asked(&f), LENGTH(small));
	tree_s3_end(&f);
	entry.size = 12 * MIB;
	entry.tag[33] = '3';
	tree_s3_begin(&f, big, LENGTH(big));
	assert_int_equal(mf_tree_copy(f.t, "to", f.t, &entry, &f.e), 1);
	assert_asked(&f, 3, "DELETE", "uploadId=id");
	assert_int_equal(tree_s3_asked(&f), LENGTH(big));
	tree_s3_end(&f);
}

/* Nobody gives it by hand. */
static void
test_not_given(void **state)
{
	static const struct mf_s3_header metadata[] = {{"modelferry-part-bytes", "5"}};
	struct s3_world w;
	struct mf_store *s;
	struct mf_tree *t;
	struct mf_error e = {0};

	(void)state;
	s3_world_make(&w, "KEYONE", "secret");
	w.put.metadata = metadata;
	w.put.n_metadata = 1;
	s = s3_world_store(&w, "http://127.0.0.1:1", "models", "a b", true);
	assert_int_equal(mf_tree_s3_take(s, NULL, &t, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_store_close(s);
	s3_world_drop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_get),
	    cmocka_unit_test(test_hint),
	    cmocka_unit_test(test_tags),
	    cmocka_unit_test(test_goes_on),
	    cmocka_unit_test(test_ignored),
	    cmocka_unit_test(test_look),
	    cmocka_unit_test(test_put),
	    cmocka_unit_test(test_put_with_keys),
	    cmocka_unit_test(test_untold),
	    cmocka_unit_test(test_untold_not),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_copy_by_another_tag),
	    cmocka_unit_test(test_not_given),
	};

	return cmocka_run_group_tests_name("the bucket's tree, parts", tests, NULL, NULL);
}
