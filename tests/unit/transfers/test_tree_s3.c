/*
 * The contract of trees on a real S3 server, which the environment names as tests/servers do; see
 * test_s3_store.c. Without it nothing is tested; with MODELFERRY_CA_FILE, over TLS as well.
 */
#include "config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/transfers/s3_fixture.h"
#include "tests/unit/transfers/tree_contract.h"
#include "transfers/tree_s3.h"

#define MIB ((size_t)1 << 20)

struct world {
	struct s3_world s3;
	const char *url;
	char prefix[64];
};

static const char *
from_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

static struct mf_tree *
again(void *arg)
{
	const struct mf_tree_s3_params p = {.retry = {.attempts = 3},
	    .part_bytes = 5 * MIB,
	    .copy_bytes_max = 8 * MIB,
	    .copy_part_bytes = 5 * MIB,
	    .memory_bytes = 11 * MIB};
	struct world *w = arg;
	struct mf_store *s = s3_world_store(
	    &w->s3, w->url, getenv("MF_TEST_BUCKET"), w->prefix, false);
	struct mf_error e = {0};
	struct mf_tree *t;

	if (mf_tree_s3_take(s, &p, &t, &e) != 0)
		fail_msg("%s", e.message);
	return t;
}

static struct mf_tree *
make_at(const char *url, void **world)
{
	const struct mf_waiting waiting = {.arg = NULL};
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->url = url;
	s3_world_make_trusting(&w->s3, getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
	    getenv("MODELFERRY_CA_FILE"));
	(void)snprintf(
	    w->prefix, sizeof w->prefix, "A path/%016" PRIx64, mf_waiting_random(&waiting));
	*world = w;
	return again(w);
}

static struct mf_tree *
make(void **world)
{
	return make_at(getenv(getenv("MODELFERRY_CA_FILE") != NULL ? "SERVER_HTTP_URL"
								   : "MODELFERRY_ENDPOINT_URL"),
	    world);
}

static struct mf_tree *
make_tls(void **world)
{
	return make_at(getenv("MODELFERRY_ENDPOINT_URL"), world);
}

static void
drop(void *arg)
{
	struct world *w = arg;

	s3_world_drop(&w->s3);
	free(w);
}

/* Uploads in parts of the whole bucket that are not finished. */
static size_t
unfinished(struct mf_s3_client *c)
{
	const struct mf_s3_param query = {"uploads", NULL};
	const struct mf_s3_call call = {
	    .method = "GET", .query = &query, .n_query = 1, .doing = "listing uploads of"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	struct mf_s3_uploads uploads;
	struct mf_error e = {0};
	size_t n;

	if (mf_s3_client_call(c, &call, &a, &e) != 0 ||
	    mf_s3_xml_uploads(a.http.body.data, a.http.body.len, &uploads, &e) != 0)
		fail_msg("%s", e.message);
	n = uploads.n_uploads;
	mf_s3_uploads_fini(&uploads);
	mf_s3_answer_fini(&a);
	return n;
}

static void
leave_upload(struct mf_s3_client *c, const char *key)
{
	const struct mf_s3_param query = {"uploads", NULL};
	const struct mf_s3_call call = {.method = "POST",
	    .key = key,
	    .query = &query,
	    .n_query = 1,
	    .body = "",
	    .has_body = true,
	    .doing = "beginning"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	struct mf_error e = {0};

	if (mf_s3_client_call(c, &call, &a, &e) != 0)
		fail_msg("%s", e.message);
	mf_s3_answer_fini(&a);
}

/* What failed in the contract's cases left no parts; and what others left is swept, by its age and
 * only below the prefix. */
static void
test_unfinished(void **state)
{
	struct mf_s3_client *c;
	struct mf_tree *t;
	struct mf_error e = {0};
	char key[128];
	void *world;
	struct world *w;

	(void)state;
	t = make(&world);
	w = world;
	c = s3_world_client(&w->s3, w->url, getenv("MF_TEST_BUCKET"), false);
	assert_int_equal(unfinished(c), 0);
	(void)snprintf(key, sizeof key, "%s/a b", w->prefix);
	leave_upload(c, key);
	leave_upload(c, "elsewhere");
	assert_int_equal(mf_tree_sweep(t, UINT64_C(3600000000), &e), 0);
	assert_int_equal(unfinished(c), 2);
	assert_int_equal(mf_tree_sweep(t, 0, &e), 0);
	assert_int_equal(unfinished(c), 1);
	mf_s3_client_close(c);
	mf_tree_close(t);
	drop(world);
}

static int
read_number(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	uint8_t *out = buf;
	size_t i;

	(void)arg;
	(void)e;
	for (i = 0; i < n; i++)
		out[i] = (uint8_t)(((offset + i) * 2654435761u) >> 13);
	return 0;
}

static int
check_number(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	const uint8_t *in = bytes;
	uint64_t *at = arg;
	size_t i;

	(void)e;
	for (i = 0; i < n; i++, ++*at)
		assert_int_equal(in[i], (uint8_t)((*at * 2654435761u) >> 13));
	return 0;
}

/* What is too large for one copy goes in parts that the store makes itself; so does a new time. */
static void
test_copy_in_parts(void **state)
{
	const struct mf_tree_source source = {
	    .size = 12 * MIB + 7, .read_at = read_number, .mtime_ns = 1500000000123456789};
	struct mf_tree_entry entry;
	struct mf_error e = {0};
	struct mf_s3_client *c;
	struct mf_tree *t;
	uint64_t n = 0;
	void *world;
	struct world *w;

	(void)state;
	t = make(&world);
	w = world;
	if (mf_tree_put(t, "from", &source, NULL, &e) != 0 ||
	    mf_tree_look(t, "from", &entry, &e) != 0 || mf_tree_copy(t, "to", t, &entry, &e) != 0 ||
	    mf_tree_look(t, "to", &entry, &e) != 0)
		fail_msg("%s", e.message);
	assert_true(entry.mtime_ns == source.mtime_ns);
	assert_int_equal(entry.size, source.size);
	assert_string_equal(entry.tag + 32, "-3");
	if (mf_tree_touch(t, &entry, 1400000000000000000, &e) != 0 ||
	    mf_tree_look(t, "to", &entry, &e) != 0 ||
	    mf_tree_get(t, &entry, check_number, &n, &e) != 0)
		fail_msg("%s", e.message);
	assert_true(entry.mtime_ns == 1400000000000000000);
	assert_int_equal(n, source.size);
	c = s3_world_client(&w->s3, w->url, getenv("MF_TEST_BUCKET"), false);
	assert_int_equal(unfinished(c), 0);
	mf_s3_client_close(c);
	mf_tree_close(t);
	drop(world);
}

int
main(void)
{
	/* the last one leaves an upload elsewhere */
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy_in_parts), cmocka_unit_test(test_unfinished)};
	const struct mf_tree_subject buckets[] = {{"s3", make, again, drop, 12 * MIB},
	    {"s3 over TLS", make_tls, again, drop, 12 * MIB}};

	if (from_env("MODELFERRY_ENDPOINT_URL")[0] == '\0' ||
	    from_env("MF_TEST_BUCKET")[0] == '\0') {
		puts("1..0 # SKIP no S3 server is named; test_tree_s3.sh brings one up");
		return 0;
	}
	return mf_tree_contract_run(
	    "bucket's tree", buckets, getenv("MODELFERRY_CA_FILE") != NULL ? 2 : 1, tests, sizeof tests / sizeof tests[0]);
}
