/*
 * The contract of trees on gs://, on the fake Google: with bearer tokens, with HMAC keys, and with
 * a server whose tokens end soon, that refuses every seventh request, and lists in small pages. And
 * what is Google's own: the words of metadata, checksums, objects of the encoding gzip.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/unit/transfers/gcs_world.h"
#include "tests/unit/transfers/tree_contract.h"
#include "tests/unit/transfers/tree_known.h"
#include "transfers/tree_open.h"
#include "transfers/tree_s3_int.h"

#define MIB ((size_t)1 << 20)
#define MTIME_NS INT64_C(1500000000123456789)
#define PLACE "gs://bucket-1/A path/x"
#define PATH "bucket-1/A path/x/"

static struct mf_tree *
again(void *arg)
{
	const struct gcs_world *w = arg;
	const struct mf_tree_open_params p = {.write = true,
	    .gcs = &w->options,
	    .bucket = {.retry = w->retry, .part_bytes = 5 * MIB, .memory_bytes = 11 * MIB}};
	struct mf_tree *t = NULL;
	struct mf_error e = {0};

	if (mf_tree_open(PLACE, &p, &t, &e) != 0)
		fail_msg("%s", e.message);
	return t;
}

static struct mf_tree *
make_bearer(void **world)
{
	return again(*world = gcs_world_bearer());
}

static struct mf_tree *
make_hmac(void **world)
{
	return again(*world = gcs_world_hmac());
}

static struct mf_tree *
make_rough(void **world)
{
	return again(*world = gcs_world_rough());
}

/* ---- what is Google's own ---- */

struct fixture {
	struct gcs_world *w;
	struct mf_tree *t;
	struct mf_error e;
};

static void
begin(struct fixture *f)
{
	void *world;

	*f = (struct fixture){.t = make_bearer(&world)};
	f->w = world;
}

static void
end(struct fixture *f)
{
	mf_tree_close(f->t);
	gcs_world_drop(f->w);
}

static int
read_text(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)e;
	memcpy(buf, (const char *)arg + offset, n);
	return 0;
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
put(struct fixture *f, const char *path, const char *text, int64_t mtime_ns)
{
	char copy[64];
	const struct mf_tree_source source = {
	    .size = strlen(text), .read_at = read_text, .arg = copy, .mtime_ns = mtime_ns};

	(void)snprintf(copy, sizeof copy, "%s", text);
	if (mf_tree_put(f->t, path, &source, NULL, &f->e) != 0)
		fail_msg("%s", f->e.message);
}

/* An object as another client puts it. */
static void
put_raw(struct fixture *f, const char *path, const char *text, const struct mf_s3_header *headers,
    size_t n)
{
	struct s3_tree *t = s3_tree_of(f->t);
	char key[MF_S3_KEY_BYTES];
	const struct mf_s3_call call = {.method = "PUT",
	    .key = key,
	    .headers = headers,
	    .n_headers = n,
	    .body = text,
	    .body_bytes = strlen(text),
	    .has_body = true,
	    .doing = "putting"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;

	assert_int_equal(s3_tree_key(t, path, key, &f->e), 0);
	if (mf_s3_client_call(t->s->client, &call, &a, &f->e) != 0)
		fail_msg("%s", f->e.message);
	mf_s3_answer_fini(&a);
}

static struct mf_tree_entry
look(struct fixture *f, const char *path)
{
	struct mf_tree_entry entry;

	if (mf_tree_look(f->t, path, &entry, &f->e) != 0)
		fail_msg("%s: %s", path, f->e.message);
	return entry;
}

static int
take(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct mf_buf *out = arg;

	(void)e;
	mf_buf_put(out, bytes, n);
	return 0;
}

/* As rclone and gsutil write it, and read what they wrote. */
static void
test_mtimes(void **state)
{
	static const struct {
		struct mf_s3_header headers[2];
		int64_t ns; /* 0: it has none of its own */
	} rows[] = {
	    {{{"x-goog-meta-mtime", "2017-07-14T02:40:00.123456789Z"}}, MTIME_NS},
	    {{{"x-goog-meta-mtime", "2017-07-14T08:10:00.123456789+05:30"}}, MTIME_NS},
	    {{{"x-goog-meta-mtime", "1500000000.123456789"}}, MTIME_NS},
	    {{{"x-goog-meta-goog-reserved-file-mtime", "1500000000"}}, MTIME_NS - 123456789},
	    {{{"x-goog-meta-mtime", "2017-07-14T02:40:00.123456789Z"},
		 {"x-goog-meta-goog-reserved-file-mtime", "1"}},
		MTIME_NS},
	    {{{"x-goog-meta-mtime", "yesterday"}, {"x-goog-meta-goog-reserved-file-mtime", "1"}},
		INT64_C(1000000000)},
	    {{{"x-goog-meta-mtime", "yesterday"}}, 0},
	};
	struct mf_tree_entry entry;
	struct fixture f;
	size_t i;

	(void)state;
	begin(&f);
	put(&f, "file", "content", MTIME_NS);
	assert_string_equal(fake_gcs_put_header(f.w->server, PATH "file", "x-goog-meta-mtime"),
	    "2017-07-14T02:40:00.123456789Z");
	assert_string_equal(
	    fake_gcs_put_header(f.w->server, PATH "file", "x-goog-meta-goog-reserved-file-mtime"),
	    "1500000000");
	put(&f, "old", "content", -500000000);
	assert_string_equal(fake_gcs_put_header(f.w->server, PATH "old", "x-goog-meta-mtime"),
	    "1969-12-31T23:59:59.5Z");
	assert_string_equal(
	    fake_gcs_put_header(f.w->server, PATH "old", "x-goog-meta-goog-reserved-file-mtime"),
	    "-1");
	assert_true(look(&f, "old").mtime_ns == -500000000);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put_raw(
		    &f, "theirs", "x", rows[i].headers, rows[i].headers[1].name != NULL ? 2 : 1);
		entry = look(&f, "theirs");
		assert_int_equal(entry.has_mtime, rows[i].ns != 0);
		if (rows[i].ns != 0)
			assert_true(entry.mtime_ns == rows[i].ns);
	}
	end(&f);
}

/* A new time leaves the other metadata what they were. */
static void
test_touch_keeps(void **state)
{
	static const struct mf_s3_header headers[] = {{"x-goog-meta-model", "churn"},
	    {"Content-Type", "text/plain"}, {"x-goog-meta-mtime", "2017-07-14T02:40:00Z"}};
	struct mf_tree_entry entry;
	struct fixture f;

	(void)state;
	begin(&f);
	put_raw(&f, "file", "x", headers, 3);
	entry = look(&f, "file");
	assert_int_equal(mf_tree_touch(f.t, &entry, MTIME_NS, &f.e), 0);
	assert_true(look(&f, "file").mtime_ns == MTIME_NS);
	assert_string_equal(
	    fake_gcs_put_header(f.w->server, PATH "file", "x-goog-meta-model"), "churn");
	assert_string_equal(
	    fake_gcs_put_header(f.w->server, PATH "file", "Content-Type"), "text/plain");
	end(&f);
}

/* The MD5 is Google's; where an object has none, its CRC-32C finds what was changed on the way. */
static void
test_sums(void **state)
{
	const struct mf_tree_source parts = {
	    .size = 6 * MIB, .read_at = read_zeros, .mtime_ns = MTIME_NS};
	struct mf_buf out = MF_BUF_INIT;
	struct mf_tree_entry entry;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "file", "hello", MTIME_NS);
	entry = look(&f, "file");
	assert_true(entry.has_md5);
	assert_memory_equal(entry.md5,
	    "\x5d\x41\x40\x2a\xbc\x4b\x2a\x76\xb9\x71\x9d\x91\x10\x17\xc5\x92", MF_TREE_MD5_BYTES);
	assert_true(fake_gcs_count(f.w->server, FAKE_GCS_SUMS) > 0);
	fake_gcs_corrupt(f.w->server, 1);
	assert_int_equal(mf_tree_get(f.t, &entry, take, &out, &f.e), -1);
	assert_int_equal(f.e.code, MF_EDAMAGED);
	mf_error_clear(&f.e);
	if (mf_tree_put(f.t, "parts", &parts, NULL, &f.e) != 0)
		fail_msg("%s", f.e.message);
	entry = look(&f, "parts");
	assert_false(entry.has_md5);
	assert_int_equal(mf_tree_get(f.t, &entry, take, &out, &f.e), 0);
	fake_gcs_corrupt(f.w->server, 1);
	assert_int_equal(mf_tree_get(f.t, &entry, take, &out, &f.e), -1);
	assert_int_equal(f.e.code, MF_EDAMAGED);
	mf_buf_fini(&out);
	end(&f);
}

static int
read_ones(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)offset;
	(void)e;
	memset(buf, 1, n);
	return 0;
}

/* The answer to a completion got lost: whether it was carried out the object's checksum tells, not
 * its size and time. */
static void
test_lost_completions(void **state)
{
	struct mf_tree_source source = {
	    .size = 6 * MIB + 1, .read_at = read_zeros, .mtime_ns = MTIME_NS};
	struct mf_buf out = MF_BUF_INIT;
	struct mf_tree_entry entry;
	struct fixture f;

	(void)state;
	begin(&f);
	fake_gcs_fail_completions(f.w->server, 1, true);
	if (mf_tree_put(f.t, "file", &source, NULL, &f.e) != 0)
		fail_msg("%s", f.e.message);
	source.read_at = read_ones;
	fake_gcs_fail_completions(f.w->server, 1, false);
	if (mf_tree_put(f.t, "file", &source, NULL, &f.e) != 0)
		fail_msg("%s", f.e.message);
	entry = look(&f, "file");
	assert_int_equal(mf_tree_get(f.t, &entry, take, &out, &f.e), 0);
	assert_int_equal(out.len, 6 * MIB + 1);
	assert_int_equal(out.data[0], 1);
	assert_int_equal(out.data[6 * MIB], 1);
	mf_buf_fini(&out);
	end(&f);
}

/* What arrived before is not sent again, and counts in the checksum that tells of a lost
 * completion. */
static void
test_resumed(void **state)
{
	const struct mf_tree_source source = {
	    .size = 6 * MIB + 1, .read_at = read_ones, .mtime_ns = MTIME_NS};
	struct tree_known k = tree_known_nothing();
	struct mf_buf out = MF_BUF_INIT;
	struct mf_tree_entry entry;
	struct fixture f;
	unsigned sums;

	(void)state;
	begin(&f);
	tree_known_begin(&k, f.t);
	fake_gcs_fail_completions(f.w->server, 100, false);
	assert_int_equal(mf_tree_put(f.t, "file", &source, NULL, &f.e), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	mf_error_clear(&f.e);
	assert_int_equal(k.n, 1);
	sums = fake_gcs_count(f.w->server, FAKE_GCS_SUMS);
	fake_gcs_fail_completions(f.w->server, 1, true);
	if (mf_tree_put(f.t, "file", &source, NULL, &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(fake_gcs_count(f.w->server, FAKE_GCS_SUMS), sums);
	assert_int_equal(k.n, 0);
	entry = look(&f, "file");
	assert_int_equal(mf_tree_get(f.t, &entry, take, &out, &f.e), 0);
	assert_int_equal(out.len, 6 * MIB + 1);
	assert_int_equal(out.data[6 * MIB], 1);
	mf_buf_fini(&out);
	end(&f);
}

/* What is kept packed is carried packed. */
static void
test_packed(void **state)
{
	static const struct mf_s3_header gzip = {"Content-Encoding", "gzip"};
	struct mf_buf out = MF_BUF_INIT;
	struct mf_tree_entry entry;
	struct fixture f;

	(void)state;
	begin(&f);
	put_raw(&f, "file", "as it lies there", &gzip, 1);
	entry = look(&f, "file");
	assert_int_equal(entry.size, 16);
	assert_int_equal(mf_tree_get(f.t, &entry, take, &out, &f.e), 0);
	assert_int_equal(out.len, 16);
	assert_memory_equal(out.data, "as it lies there", 16);
	assert_int_equal(mf_tree_touch(f.t, &entry, MTIME_NS, &f.e), 0);
	assert_string_equal(
	    fake_gcs_put_header(f.w->server, PATH "file", "Content-Encoding"), "gzip");
	mf_buf_fini(&out);
	end(&f);
}

static void
note_failed(void *arg, const char *path, const struct mf_error *why)
{
	(void)path;
	(void)why;
	++*(size_t *)arg;
}

/* Many deletions at once, of which none can be. */
static void
test_many_deletions(void **state)
{
	const char *paths[200];
	char texts[200][16];
	size_t i, n_failed = 0;
	struct fixture f;

	(void)state;
	begin(&f);
	for (i = 0; i < 200; i++) {
		(void)snprintf(texts[i], sizeof texts[i], "f%zu", i);
		paths[i] = texts[i];
		if (i % 10 == 0)
			put(&f, paths[i], "x", MTIME_NS);
	}
	assert_int_equal(mf_tree_del(f.t, paths, 200, note_failed, &n_failed, &f.e), 0);
	assert_int_equal(n_failed, 0);
	fake_gcs_stop(f.w->server);
	assert_int_equal(mf_tree_del(f.t, paths, 20, note_failed, &n_failed, &f.e), -1);
	assert_int_equal(n_failed, 20);
	mf_tree_close(f.t);
	scratch_remove(f.w->dir);
	free(f.w);
}

static void
test_rfc3339(void **state)
{
	static const char *const bad[] = {"", "2017", "2017-07-14T02:40:00",
	    "2017-07-14T02:40:00.Zz", "2017-07-14T02:40:00+0530", "2017-07-14T02:40:00+05:3x",
	    "2017-02-30T02:40:00Z", "2017-07-14 02:40:00Z", "9999-01-01T00:00:00Z",
	    "1500-01-01T00:00:00Z", "2017-07-14T02:40:00.5"};
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {{"2017-07-14T02:40:00.123456789Z", MTIME_NS}, {"1970-01-01T00:00:00Z", 0},
	    {"1969-12-31T23:59:59.999999999Z", -1}, {"2262-04-11T23:47:16.854775807Z", INT64_MAX}};
	char text[S3_TREE_MTIME_BYTES];
	int64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s3_tree_print_rfc3339(rows[i].ns, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(s3_tree_parse_rfc3339(text, &ns), 0);
		assert_true(ns == rows[i].ns);
	}
	assert_int_equal(s3_tree_parse_rfc3339("1970-01-01T00:00:00.0000000019-01:00", &ns), 0);
	assert_true(ns == INT64_C(3600000000001));
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (s3_tree_parse_rfc3339(bad[i], &ns) == 0)
			fail_msg("%s is taken", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mtimes),
	    cmocka_unit_test(test_touch_keeps),
	    cmocka_unit_test(test_sums),
	    cmocka_unit_test(test_lost_completions),
	    cmocka_unit_test(test_resumed),
	    cmocka_unit_test(test_packed),
	    cmocka_unit_test(test_many_deletions),
	    cmocka_unit_test(test_rfc3339),
	};
	const struct mf_tree_subject subjects[] = {
	    {"gs, bearer tokens", make_bearer, again, gcs_world_drop, 12 * MIB},
	    {"gs, HMAC keys", make_hmac, again, gcs_world_drop, 12 * MIB},
	    {"gs, a rough server", make_rough, again, gcs_world_drop, 12 * MIB},
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return mf_tree_contract_run(
	    "Google's tree", subjects, 3, tests, sizeof tests / sizeof tests[0]);
}
