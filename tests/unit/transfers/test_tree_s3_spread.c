/* The bucket's tree against scripted servers: reading a large object in several ranges. Here large
 * is ten bytes, and one thread asks for a range after the other. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "tests/unit/transfers/md5_policy.h"
#include "tests/unit/transfers/tree_s3_fixture.h"

#define WHOLE "0123456789"
#define RANGE_BYTES 2 /* or a whole part */
#define TAG "ETag: \"tag\"\r\n"
#define CRC "x-amz-checksum-crc32c: KAwGng==\r\n" /* of WHOLE */
#define OTHER_CRC "x-amz-checksum-crc32c: KAwGnw==\r\n"
#define SHA "x-amz-checksum-sha256: hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=\r\n"
#define MD5 "x-amz-meta-md5chksum: eB5eJF1ptWaXm4bijSPyxw==\r\n"
#define OF_PARTS "x-amz-meta-modelferry-part-bytes: 4\r\n"

/* Where a file comes to lie. */
struct placed {
	char text[sizeof WHOLE];
	size_t n;
	bool full; /* it fails */
	bool kept; /* it will be read */
};

static int
place(void *arg, uint64_t offset, const void *bytes, size_t n, struct mf_error *e)
{
	struct placed *p = arg;

	if (p->full)
		return mf_error_set(e, MF_ENOSPC, "full");
	assert_true(offset + n < sizeof p->text);
	memcpy(p->text + offset, bytes, n);
	p->n += n;
	return 0;
}

/* The ETag of WHOLE in parts of so many bytes. */
static void
parts_tag(uint64_t part_bytes, char out[MF_TREE_TAG_BYTES])
{
	struct mf_md5_parts *m = mf_md5_parts_new(part_bytes, NULL);
	uint8_t md5[MF_MD5_BYTES];

	assert_non_null(m);
	mf_md5_parts_update(m, WHOLE, strlen(WHOLE));
	assert_int_equal(mf_md5_parts_final(m, md5, NULL), 0);
	mf_md5_parts_free(m);
	mf_hex_encode(out, md5, sizeof md5);
	(void)snprintf(out + 32, MF_TREE_TAG_BYTES - 32, "-%u",
	    (unsigned)((strlen(WHOLE) + part_bytes - 1) / part_bytes));
}

static void
will_read(void *arg)
{
	struct placed *p = arg;

	assert_int_equal(p->n, 0);
	p->kept = true;
}

static int
read_back(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	const struct placed *p = arg;

	(void)e;
	assert_true(p->kept);
	assert_true(offset + n < sizeof p->text);
	memcpy(buf, p->text + offset, n);
	return 0;
}

static int
read_spread(struct tree_s3_fixture *f, const char *tag, struct placed *out)
{
	struct mf_tree_entry entry = {.path = "x", .size = strlen(WHOLE), .has_mtime = true};
	const struct mf_tree_pieces to = {place, will_read, read_back, out};
	struct mf_tree_source source;
	int rc;

	s3_tree_of(f->t)->p.range_bytes = RANGE_BYTES;
	(void)snprintf(entry.tag, sizeof entry.tag, "%s", tag);
	mf_error_clear(&f->e);
	assert_int_equal(mf_tree_source_open(f->t, &entry, &source, &f->e), 0);
	assert_non_null(source.read_spread);
	rc = source.read_spread(source.arg, &to, &f->e);
	mf_tree_source_close(f->t, &source);
	return rc;
}

#define RANGE_2(n, end, body)                                                 \
	{                                                                     \
		206, TAG "Content-Range: bytes " n "-" end "/10\r\n", body, 0 \
	}

/* What the object's look tells, and its last two bytes; is it taken for whole? */
struct row {
	const char *head;
	const char *last;
	bool good;
};

static void
expect_row(const struct row *row, size_t i)
{
	const struct s3_reply replies[] = {{200, row->head, NULL, 10}, RANGE_2("0", "1", "01"),
	    RANGE_2("2", "3", "23"), RANGE_2("4", "5", "45"), RANGE_2("6", "7", "67"),
	    RANGE_2("8", "9", row->last)};
	struct placed p = {.n = 0};
	struct tree_s3_fixture f;

	tree_s3_begin(&f, replies, LENGTH(replies));
	if ((read_spread(&f, "tag", &p) == 0) != row->good)
		fail_msg("row %zu: %s", i, f.e.message);
	if (!row->good)
		assert_int_equal(f.e.code, MF_EDAMAGED);
	assert_memory_equal(p.text, "01234567", 8);
	assert_string_equal(p.text + 8, row->last);
	assert_int_equal(tree_s3_asked(&f), LENGTH(replies));
	assert_asked(&f, 0, "HEAD", "/models/a%20b/x");
	assert_header(&f, 0, "x-amz-checksum-mode", "ENABLED");
	assert_header(&f, 3, "Range", "bytes=4-5");
	assert_header(&f, 3, "If-Match", "\"tag\"");
	tree_s3_end(&f);
}

static void
test_sum_is_put_together(void **state)
{
	static const struct row rows[] = {
	    {TAG CRC, "89", true},
	    {TAG CRC, "8x", false},
	    {TAG OTHER_CRC, "89", false},
	    /* of parts, or nothing at all: nobody can tell */
	    {TAG "x-amz-checksum-crc32c: KAwGnw==-2\r\n", "8x", true},
	    {TAG OTHER_CRC "x-amz-checksum-type: COMPOSITE\r\n", "8x", true},
	    /* of the whole, in order */
	    {TAG SHA, "89", true},
	    {TAG SHA, "8x", false},
	    {TAG MD5, "89", true},
	    {TAG MD5, "8x", false},
	    {TAG MD5 CRC, "89", true},
	    {TAG MD5 OTHER_CRC, "89", false},
	    {TAG MD5 "x-amz-checksum-sha256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
		"89", true},
	    {TAG, "8x", true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++)
		expect_row(&rows[i], i);
}

/* A range has whole parts, which broken-off answers may cut. */
static void
test_parts_are_put_together(void **state)
{
	static const char *const last[] = {"89", "x9", "8x"};
	static const char *const ranges[] = {"0-3", "3-3", "4-7", "8-9"};
	char tag[MF_TREE_TAG_BYTES], heads[5][512];
	struct s3_reply replies[] = {{200, heads[0], NULL, 10}, {206, heads[1], "012", 4},
	    {206, heads[2], "3", 0}, {206, heads[3], "4567", 0}, {206, heads[4], NULL, 0}};
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	parts_tag(4, tag);
	(void)snprintf(heads[0], sizeof heads[0], "ETag: \"%s\"\r\n" OF_PARTS, tag);
	for (i = 0; i < LENGTH(ranges); i++)
		(void)snprintf(heads[i + 1], sizeof heads[i + 1],
		    "ETag: \"%s\"\r\nContent-Range: bytes %s/10\r\n", tag, ranges[i]);
	for (i = 0; i < LENGTH(last); i++) {
		struct placed p = {.n = 0};

		replies[4].body = last[i];
		tree_s3_begin(&f, replies, LENGTH(replies));
		if ((read_spread(&f, tag, &p) == 0) != (i == 0))
			fail_msg("row %zu: %s", i, f.e.message);
		if (i > 0)
			assert_int_equal(f.e.code, MF_EDAMAGED);
		assert_int_equal(p.n, 10);
		assert_memory_equal(p.text, "01234567", 8);
		assert_string_equal(p.text + 8, last[i]);
		assert_int_equal(tree_s3_asked(&f), LENGTH(replies));
		tree_s3_end(&f);
	}
}

/* Where the system forbids MD5, what is compared with one elsewhere is passed over, and a sum that
 * would be left beside it is not. */
static void
test_forbidden_md5(void **state)
{
	static const struct row rows[] = {
	    {TAG MD5, "8x", true},
	    {TAG OF_PARTS, "8x", true},
	    {TAG MD5 SHA, "89", true},
	    {TAG MD5 SHA, "8x", false},
	    {TAG MD5 CRC, "8x", false},
	};
	size_t i;

	(void)state;
	md5_policy_forbid(true);
	for (i = 0; i < LENGTH(rows); i++)
		expect_row(&rows[i], i);
	md5_policy_forbid(false);
}

/* What a store does not tell or give is read in order. */
static void
test_in_order(void **state)
{
	static const struct {
		struct s3_reply replies[2];
		unsigned asked;
	} rows[] = {
	    /* a HEAD's refusal says nothing; the first may be of the question after sums */
	    {{{400, NULL, NULL, 0}, {400, NULL, NULL, 0}}, 2},
	    {{{404, NULL, NULL, 0}}, 1},
	    /* there are no ranges */
	    {{{200, TAG, NULL, 10}, {200, TAG, WHOLE, 0}}, 2},
	};
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct placed p = {.n = 0};

		tree_s3_begin(&f, rows[i].replies, rows[i].asked);
		if (read_spread(&f, "tag", &p) != 1)
			fail_msg("row %zu: %s", i, f.e.message);
		assert_int_equal(f.e.code, MF_OK);
		assert_int_equal(p.n, 0);
		assert_int_equal(tree_s3_asked(&f), rows[i].asked);
		tree_s3_end(&f);
	}
}

/* Without a tag nobody could say that the ranges are of one object; and a small one is not worth
 * it. Nothing is asked. */
static void
test_not_at_all(void **state)
{
	const struct s3_reply reply = {500, NULL, NULL, 0};
	struct mf_tree_entry entry = {.path = "x", .size = 4 * RANGE_BYTES - 1, .has_mtime = true};
	struct mf_tree_source source;
	struct tree_s3_fixture f;
	struct placed p = {.n = 0};
	const struct mf_tree_pieces to = {place, will_read, read_back, &p};

	(void)state;
	tree_s3_begin(&f, &reply, 1);
	s3_tree_of(f.t)->p.range_bytes = RANGE_BYTES;
	s3_tree_copy_tag("tag", entry.tag);
	assert_int_equal(mf_tree_source_open(f.t, &entry, &source, &f.e), 0);
	assert_int_equal(source.read_spread(source.arg, &to, &f.e), 1);
	mf_tree_source_close(f.t, &source);
	assert_int_equal(tree_s3_asked(&f), 0);
	tree_s3_end(&f);
}

/* With --ignore-checksum nothing is asked for and nothing compared. */
static void
test_ignoring_sums(void **state)
{
	struct s3_reply replies[] = {{200, TAG OTHER_CRC, NULL, 10}, RANGE_2("0", "1", "01"),
	    RANGE_2("2", "3", "23"), RANGE_2("4", "5", "45"), RANGE_2("6", "7", "67"),
	    RANGE_2("8", "9", "89")};
	struct placed p = {.n = 0};
	struct tree_s3_fixture f;

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	s3_tree_of(f.t)->p.ignore_sums = true;
	if (read_spread(&f, "tag", &p) != 0)
		fail_msg("%s", f.e.message);
	assert_string_equal(p.text, WHOLE);
	assert_header(&f, 0, "x-amz-checksum-mode", "");
	tree_s3_end(&f);
}

/* Another object under the name, at once or in the middle; and a place that fails. */
static void
test_failures(void **state)
{
	static const struct {
		struct s3_reply replies[3];
		size_t n;
		bool full;
		enum mf_code code;
	} rows[] = {
	    {{{200, "ETag: \"new\"\r\n", NULL, 10}}, 1, false, MF_ESOURCE},
	    {{{200, TAG, NULL, 11}}, 1, false, MF_ESOURCE},
	    {{{200, TAG, NULL, 10}, RANGE_2("0", "1", "01"),
		 {412, NULL, ERROR_BODY("PreconditionFailed"), 0}},
		3, false, MF_ESOURCE},
	    {{{200, TAG, NULL, 10}, RANGE_2("0", "1", "01")}, 2, true, MF_ENOSPC},
	};
	struct tree_s3_fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct placed p = {.full = rows[i].full};

		tree_s3_begin(&f, rows[i].replies, rows[i].n);
		assert_int_equal(read_spread(&f, "tag", &p), -1);
		if (f.e.code != rows[i].code)
			fail_msg("row %zu: %s", i, f.e.message);
		assert_int_equal(tree_s3_asked(&f), rows[i].n);
		tree_s3_end(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sum_is_put_together),
	    cmocka_unit_test(test_parts_are_put_together),
	    cmocka_unit_test(test_forbidden_md5),
	    cmocka_unit_test(test_in_order),
	    cmocka_unit_test(test_not_at_all),
	    cmocka_unit_test(test_ignoring_sums),
	    cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
