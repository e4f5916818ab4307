/* Uploads in parts from one run to the next, against scripted servers: what is asked, and what is
 * sent again. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/hex.h"
#include "tests/unit/transfers/tree_known.h"
#include "tests/unit/transfers/tree_s3_fixture.h"

#define MTIME_NS INT64_C(1500000000123456789)
#define PART_BYTES (5 * MIB)

/* ---- a file of two parts and a bit, each full of its own letter ---- */

static char letters[4] = "abc";

static int
read_letters(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)e;
	memset(buf, letters[offset / PART_BYTES], n);
	return 0;
}

static const char *
md5_of_part(unsigned number, char out[2 * MF_MD5_BYTES + 1])
{
	const size_t n = (size_t)(number < 3 ? PART_BYTES : MIB);
	struct mf_md5 *m = mf_md5_new(NULL);
	char *bytes = malloc(n);
	uint8_t md5[MF_MD5_BYTES];

	assert_non_null(m);
	assert_non_null(bytes);
	memset(bytes, "abc"[number - 1], n);
	mf_md5_update(m, bytes, n);
	assert_int_equal(mf_md5_final(m, md5, NULL), 0);
	mf_md5_free(m);
	free(bytes);
	mf_hex_encode(out, md5, sizeof md5);
	return out;
}

static int
put_at(struct tree_s3_fixture *f, struct tree_known *k, int64_t mtime_ns)
{
	const struct mf_tree_source source = {
	    .size = 11 * MIB, .read_at = read_letters, .mtime_ns = mtime_ns};

	tree_known_begin(k, f->t);
	mf_error_clear(&f->e);
	return mf_tree_put(f->t, "x", &source, NULL, &f->e);
}

static int
put(struct tree_s3_fixture *f, struct tree_known *k)
{
	return put_at(f, k, MTIME_NS);
}

#define BEGUN(id)                                                                \
	{                                                                        \
		200, NULL,                                                       \
		    "<InitiateMultipartUploadResult><UploadId>" id "</UploadId>" \
		    "</InitiateMultipartUploadResult>",                          \
		    0                                                            \
	}
#define PART                                                                   \
	{                                                                      \
		200, "ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n", NULL, 0 \
	}
#define OWN_TAG(tag)                                  \
	{                                             \
		200, "ETag: \"" tag "\"\r\n", NULL, 0 \
	}
#define DONE                                                                        \
	{                                                                           \
		200, NULL,                                                          \
		    "<CompleteMultipartUploadResult><ETag>&quot;abc-3&quot;</ETag>" \
		    "</CompleteMultipartUploadResult>",                             \
		    0                                                               \
	}
#define DEAD                                              \
	{                                                 \
		500, NULL, ERROR_BODY("InternalError"), 0 \
	}
#define GONE                                             \
	{                                                \
		404, NULL, ERROR_BODY("NoSuchUpload"), 0 \
	}
#define REMOVED                    \
	{                          \
		204, NULL, NULL, 0 \
	}

/* A list of parts; those that are "" are not there. */
struct parts_list {
	char text[1024];
};

static void
add_part(struct parts_list *l, unsigned number, const char *etag, uint64_t size)
{
	const size_t n = strlen(l->text);

	(void)snprintf(l->text + n, sizeof l->text - n,
	    "<Part><PartNumber>%u</PartNumber><ETag>&quot;%s&quot;</ETag><Size>%llu</Size></Part>",
	    number, etag, (unsigned long long)size);
}

static const char *
end_list(struct parts_list *l, unsigned next)
{
	char inner[sizeof l->text];

	memcpy(inner, l->text, sizeof inner);
	(void)snprintf(l->text, sizeof l->text,
	    "<ListPartsResult><IsTruncated>%s</IsTruncated><NextPartNumberMarker>%u"
	    "</NextPartNumberMarker>%.800s</ListPartsResult>",
	    next > 0 ? "true" : "false", next, inner);
	return l->text;
}

/* An upload "id" of which the first part arrived, and then nothing more. */
static void
begin_and_fail(struct tree_known *k)
{
	const struct s3_reply replies[] = {BEGUN("id"), PART, DEAD};
	struct tree_s3_fixture f;

	*k = tree_known_nothing();
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, k), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(tree_s3_asked(&f), 5); /* the second part three times, and no abort */
	assert_asked(&f, 4, "PUT", "?partNumber=2&uploadId=id");
	tree_s3_end(&f);
	assert_int_equal(k->n, 1);
	assert_string_equal(k->upload.id, "id");
	assert_int_equal(k->upload.size, 11 * MIB);
	assert_int_equal(k->upload.part_bytes, PART_BYTES);
	assert_true(k->upload.mtime_ns == MTIME_NS);
	assert_int_equal(k->n_parts, 0); /* the ETags say it */
}

/* ---- going on ---- */

static void
test_only_what_is_missing(void **state)
{
	char md5[2 * MF_MD5_BYTES + 1];
	struct parts_list one = {""}, two = {""};
	struct tree_s3_fixture f;
	struct tree_known k;

	(void)state;
	add_part(&one, 1, md5_of_part(1, md5), PART_BYTES);
	add_part(&two, 3, md5_of_part(3, md5), MIB);
	const struct s3_reply replies[] = {
	    {200, NULL, end_list(&one, 1), 0}, {200, NULL, end_list(&two, 0), 0}, PART, DONE};

	begin_and_fail(&k);
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, &k) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), 4);
	assert_asked(&f, 0, "GET", "uploadId=id");
	assert_asked(&f, 0, "GET", "part-number-marker=0");
	assert_asked(&f, 1, "GET", "part-number-marker=1");
	assert_asked(&f, 2, "PUT", "?partNumber=2&uploadId=id");
	assert_asked(&f, 3, "POST", "?uploadId=id");
	tree_s3_end(&f);
	assert_int_equal(k.n, 0);
}

/* A part whose bytes are others by now, or that is of another size, goes again. */
static void
test_parts_that_do_not_match(void **state)
{
	char md5[2 * MF_MD5_BYTES + 1];
	struct parts_list list = {""};
	struct tree_s3_fixture f;
	struct tree_known k;

	(void)state;
	add_part(&list, 1, md5_of_part(1, md5), PART_BYTES);
	add_part(&list, 2, md5_of_part(2, md5), PART_BYTES);
	add_part(&list, 3, md5_of_part(3, md5), MIB - 1);
	add_part(&list, 4, md5_of_part(3, md5), MIB);
	const struct s3_reply replies[] = {{200, NULL, end_list(&list, 0), 0}, PART, PART, DONE};

	begin_and_fail(&k);
	letters[1] = 'B';
	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, &k) != 0)
		fail_msg("%s", f.e.message);
	letters[1] = 'b';
	assert_int_equal(tree_s3_asked(&f), 4);
	assert_asked(&f, 1, "PUT", "?partNumber=2&uploadId=id");
	assert_asked(&f, 2, "PUT", "?partNumber=3&uploadId=id");
	tree_s3_end(&f);
	assert_int_equal(k.n, 0);
}

/* ETags that are no MD5s, by their form or because a key is in use: what is remembered counts. */
static void
test_tags_of_the_stores_own(void **state)
{
	const struct s3_reply first[] = {BEGUN("id"), OWN_TAG("own-1"),
	    {200,
		"ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"
		"x-amz-server-side-encryption: aws:kms\r\n",
		NULL, 0},
	    DEAD};
	struct parts_list list = {""};
	struct tree_s3_fixture f;
	struct tree_known k = tree_known_nothing();

	(void)state;
	tree_s3_begin(&f, first, LENGTH(first));
	assert_int_equal(put(&f, &k), -1);
	tree_s3_end(&f);
	assert_int_equal(k.n_parts, 2);
	add_part(&list, 1, "own-1", PART_BYTES);
	add_part(&list, 2, "900150983cd24fb0d6963f7d28e17f72", PART_BYTES);
	add_part(&list, 3, "own-3", MIB); /* nobody knows what that is */
	const struct s3_reply replies[] = {
	    {200, NULL, end_list(&list, 0), 0}, OWN_TAG("own-3"), DONE};

	tree_s3_begin(&f, replies, LENGTH(replies));
	if (put(&f, &k) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), 3);
	assert_asked(&f, 1, "PUT", "?partNumber=3&uploadId=id");
	tree_s3_end(&f);
}

/* ---- beginning anew ---- */

static void
anew(const struct s3_reply *replies, size_t n, int64_t mtime_ns, unsigned removed)
{
	struct tree_s3_fixture f;
	struct tree_known k;

	begin_and_fail(&k);
	tree_s3_begin(&f, replies, n);
	if (put_at(&f, &k, mtime_ns) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(tree_s3_asked(&f), n);
	assert_asked(&f, removed, "DELETE", "?uploadId=id");
	assert_asked(&f, removed + 1, "POST", "?uploads=");
	assert_asked(&f, removed + 4, "PUT", "?partNumber=3&uploadId=new");
	tree_s3_end(&f);
	assert_int_equal(k.n, 0);
}

static void
test_anew(void **state)
{
	const struct s3_reply gone[] = {GONE, GONE, BEGUN("new"), PART, PART, PART, DONE};
	const struct s3_reply changed[] = {REMOVED, BEGUN("new"), PART, PART, PART, DONE};
	const struct s3_reply refused[] = {{403, NULL, ERROR_BODY("AccessDenied"), 0}, REMOVED,
	    BEGUN("new"), PART, PART, PART, DONE};
	const struct s3_reply kept[] = {{403, NULL, ERROR_BODY("AccessDenied"), 0},
	    {403, NULL, ERROR_BODY("AccessDenied"), 0}, BEGUN("new"), PART, PART, PART, DONE};
	const struct s3_reply unreadable[] = {{200, NULL, "<html>", 0}, {200, NULL, "<html>", 0},
	    {200, NULL, "<html>", 0}, REMOVED, BEGUN("new"), PART, PART, PART, DONE};

	(void)state;
	anew(gone, LENGTH(gone), MTIME_NS, 1);
	anew(changed, LENGTH(changed), MTIME_NS + 1, 0);
	anew(refused, LENGTH(refused), MTIME_NS, 1);
	anew(kept, LENGTH(kept), MTIME_NS, 1);
	anew(unreadable, LENGTH(unreadable), MTIME_NS, 3);
}

/* Somebody completed or removed it while it was gone on with: once more, and only once. */
static void
test_gone_in_the_middle(void **state)
{
	struct parts_list list = {""};
	struct tree_s3_fixture f;
	struct tree_known k;

	(void)state;
	(void)end_list(&list, 0);
	const struct s3_reply replies[] = {
	    {200, NULL, list.text, 0}, GONE, BEGUN("new"), PART, GONE};

	begin_and_fail(&k);
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, &k), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(tree_s3_asked(&f), 5);
	assert_asked(&f, 2, "POST", "?uploads=");
	assert_asked(&f, 4, "PUT", "?partNumber=2&uploadId=new");
	tree_s3_end(&f);
	assert_int_equal(k.n, 0);
}

/* ---- what is kept, and what is not ---- */

static void
test_kept_while_the_store_is_away(void **state)
{
	const struct s3_reply replies[] = {DEAD};
	struct tree_s3_fixture f;
	struct tree_known k;

	(void)state;
	begin_and_fail(&k);
	tree_s3_begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, &k), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(tree_s3_asked(&f), 3);
	assert_asked(&f, 2, "GET", "uploadId=id");
	/* nor is it given up where it would have to be begun anew */
	assert_int_equal(put_at(&f, &k, MTIME_NS + 1), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	tree_s3_end(&f);
	assert_int_equal(k.n, 1);
}

static void
test_kept_when_interrupted(void **state)
{
	const struct s3_reply replies[] = {BEGUN("id"), DEAD};
	struct tree_s3_fixture f;
	struct tree_known k = tree_known_nothing();

	(void)state;
	tree_s3_begin(&f, replies, LENGTH(replies));
	atomic_store(&f.world.cancel_at_sleep, true);
	assert_int_equal(put(&f, &k), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	assert_int_equal(tree_s3_asked(&f), 2);
	tree_s3_end(&f);
	assert_int_equal(k.n, 1);
}

static void
test_aborted(void **state)
{
	const struct s3_reply refused[] = {
	    BEGUN("id"), {403, NULL, ERROR_BODY("AccessDenied"), 0}, REMOVED};
	const struct s3_reply dead[] = {BEGUN("id"), DEAD, DEAD, DEAD, REMOVED};
	struct tree_s3_fixture f;
	struct tree_known k = tree_known_nothing();

	(void)state;
	tree_s3_begin(&f, refused, LENGTH(refused));
	assert_int_equal(put(&f, &k), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(tree_s3_asked(&f), 3);
	assert_asked(&f, 2, "DELETE", "?uploadId=id");
	tree_s3_end(&f);
	assert_int_equal(k.n, 0);
	/* what is not remembered is not left behind */
	k.refuses = true;
	tree_s3_begin(&f, dead, LENGTH(dead));
	assert_int_equal(put(&f, &k), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_asked(&f, 4, "DELETE", "?uploadId=id");
	tree_s3_end(&f);
}

static void
test_sweep_spares_it(void **state)
{
	const struct s3_reply replies[] = {
	    {200, "Date: Sat, 31 Jan 2026 12:00:00 GMT\r\n", NULL, 0},
	    {200, NULL,
		"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
		"<Upload><Key>a b/x</Key><UploadId>id</UploadId>"
		"<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
		"<Upload><Key>a b/x</Key><UploadId>other</UploadId>"
		"<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
		"</ListMultipartUploadsResult>",
		0},
	    REMOVED};
	struct tree_s3_fixture f;
	struct tree_known k;

	(void)state;
	begin_and_fail(&k);
	tree_s3_begin(&f, replies, LENGTH(replies));
	tree_known_begin(&k, f.t);
	assert_int_equal(mf_tree_sweep(f.t, 0, &f.e), 0);
	assert_int_equal(tree_s3_asked(&f), 3);
	assert_asked(&f, 2, "DELETE", "?uploadId=other");
	assert_int_equal(k.n, 1);
	assert_int_equal(mf_tree_abandon(f.t, "x", "id", &f.e), 0);
	assert_asked(&f, 3, "DELETE", "?uploadId=id");
	assert_int_equal(k.n, 0);
	tree_s3_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_only_what_is_missing),
	    cmocka_unit_test(test_parts_that_do_not_match),
	    cmocka_unit_test(test_tags_of_the_stores_own),
	    cmocka_unit_test(test_anew),
	    cmocka_unit_test(test_gone_in_the_middle),
	    cmocka_unit_test(test_kept_while_the_store_is_away),
	    cmocka_unit_test(test_kept_when_interrupted),
	    cmocka_unit_test(test_aborted),
	    cmocka_unit_test(test_sweep_spares_it),
	};

	return cmocka_run_group_tests_name("uploads, from run to run", tests, NULL, NULL);
}
