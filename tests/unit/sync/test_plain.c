/* A version as plain files in a directory: what is read of it, what is written, gone on with, and
 * refused. */
#include "tests/unit/repo/pull_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/files.h"
#include "src/sync/plain.h"
#include "transfers/tree_dir.h"

#define LARGE (3 * MIB)

static const char *const names[] = {"a", "b/c", "b/empty", "large"};
#define N_NAMES (sizeof names / sizeof names[0])

struct scene {
	struct fixture *f;
	struct mf_files *files;
	struct mf_tree *tree;
	char dir[512];
};

static void
scene_open(struct scene *s, void **state, const char *version)
{
	char spec[64], path[128];
	struct mf_error e = {0};
	FILE *empty;

	s->f = *state;
	snprintf(path, sizeof(path), "%s/b", s->f->dir);
	(void)mkdir(path, 0700); /* it may be there from an earlier version */
	fixture_write(s->f, "a", 1, 1000);
	fixture_write(s->f, "b/c", 2, 300000);
	fixture_write(s->f, "large", 3, LARGE);
	snprintf(path, sizeof(path), "%s/b/empty", s->f->dir);
	empty = fopen(path, "w");
	assert_non_null(empty);
	fclose(empty);
	fixture_push(s->f, version);
	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_files_open(s->f->repo, spec, NULL, 0, &s->files, &e), &e, "files");
	local_path(s->f, "plain", s->dir);
	fixture_expect_ok(
	    mf_tree_dir_open(
		&(struct mf_tree_dir_params){.path = s->dir, .write = true, .create = true},
		&s->tree, &e),
	    &e, "tree");
}

static void
scene_close(struct scene *s)
{
	mf_files_close(s->files);
	mf_tree_close(s->tree);
}

static struct mf_plain_params
params(const struct scene *s)
{
	return (struct mf_plain_params){.tree = s->tree,
	    .prefix = "v1",
	    .files = s->files,
	    .transfers = 2,
	    .now_us = fixture_now_us()};
}

/* ---- reading ---- */

struct reader {
	const struct scene *s;
	unsigned seed;
	bool good;
};

/* Any stretch of any file is what the source has there. */
static void *
read_stretches(void *arg)
{
	struct reader *r = arg;
	static const size_t n = 200000;
	uint8_t *got = malloc(n);
	struct mf_buf want = MF_BUF_INIT;
	const struct mf_entry *entry;
	struct mf_error e = {0};
	size_t i, at, len;

	r->good = got != NULL;
	for (i = 0; r->good && i < 60; i++) {
		const char *name = names[(i + r->seed) % N_NAMES];

		local_read(r->s->f->dir, name, &want);
		entry = mf_listing_find(mf_files_listing(r->s->files), name);
		at = want.len == 0 ? 0 : (i * 7919 + r->seed * 104729) % want.len;
		len = want.len - at < n ? want.len - at : n;
		r->good = entry != NULL &&
			  mf_files_read(r->s->files, entry, at, got, len, &e) == 0 &&
			  (len == 0 || memcmp(got, want.data + at, len) == 0);
	}
	free(got);
	mf_buf_fini(&want);
	return NULL;
}

static void
reads_any_stretch(void **state)
{
	struct reader readers[4];
	pthread_t threads[4];
	struct scene s;
	unsigned i;

	scene_open(&s, state, "v1");
	for (i = 0; i < 4; i++) {
		readers[i] = (struct reader){.s = &s, .seed = i};
		assert_int_equal(pthread_create(&threads[i], NULL, read_stretches, &readers[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_true(readers[i].good);
	}
	scene_close(&s);
}

static void
reads_no_more_than_there_is(void **state)
{
	const struct mf_entry *entry;
	struct mf_error e = {0};
	struct scene s;
	uint8_t byte;

	scene_open(&s, state, "v1");
	entry = mf_listing_find(mf_files_listing(s.files), "a");
	assert_int_equal(mf_files_read(s.files, entry, 999, &byte, 1, &e), 0);
	assert_int_equal(mf_files_read(s.files, entry, 1000, &byte, 1, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	scene_close(&s);
}

/* ---- writing ---- */

static void
expect_files(const struct scene *s)
{
	struct mf_buf is = MF_BUF_INIT, should = MF_BUF_INIT;
	char path[800];
	size_t i;

	snprintf(path, sizeof(path), "%s/v1", s->dir);
	for (i = 0; i < N_NAMES; i++) {
		local_read(path, names[i], &is);
		local_read(s->f->dir, names[i], &should);
		assert_int_equal(is.len, should.len);
		if (is.len > 0)
			assert_memory_equal(is.data, should.data, is.len);
	}
	mf_buf_fini(&is);
	mf_buf_fini(&should);
}

static void
expect_look(const struct scene *s, enum mf_plain want)
{
	struct mf_plain_params p = params(s);
	struct mf_error e = {0};
	enum mf_plain found;

	fixture_expect_ok(mf_plain_look(&p, &found, &e), &e, "look");
	assert_int_equal(found, want);
}

static void
writes_once_and_points(void **state)
{
	char version[MF_PLAIN_VERSION_BYTES];
	struct mf_plain_result result;
	struct mf_plain_params p;
	struct mf_error e = {0};
	struct scene s;

	scene_open(&s, state, "v1");
	p = params(&s);
	expect_look(&s, MF_PLAIN_NOT);
	assert_int_equal(mf_plain_point(s.tree, "v1", 1, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	fixture_expect_ok(mf_plain_write(&p, &result, &e), &e, "write");
	assert_int_equal(result.files, N_NAMES);
	assert_int_equal(result.bytes, 301000 + LARGE);
	assert_int_equal(result.read_back, result.bytes); /* a directory tells no MD5 */
	expect_files(&s);
	expect_look(&s, MF_PLAIN_WHOLE);
	assert_int_equal(mf_plain_pointed(s.tree, version, &e), 1);
	fixture_expect_ok(mf_plain_point(s.tree, "v1", 1, &e), &e, "point");
	assert_int_equal(mf_plain_pointed(s.tree, version, &e), 0);
	assert_string_equal(version, "v1");
	fixture_expect_ok(mf_plain_write(&p, &result, &e), &e, "again");
	assert_int_equal(result.files, 0);
	scene_close(&s);
}

static unsigned calls_left;

static bool
interrupted(void)
{
	return calls_left == 0 || --calls_left == 0;
}

/* A file that a cut-off run left is compared, not believed. */
static void
goes_on(void **state)
{
	struct mf_plain_result result;
	struct mf_plain_params p;
	struct mf_error e = {0};
	char path[800];
	struct scene s;
	FILE *bad;

	scene_open(&s, state, "v1");
	p = params(&s);
	p.transfers = 1;
	p.interrupted = interrupted;
	calls_left = 9;
	assert_int_equal(mf_plain_write(&p, &result, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_true(result.files > 0 && result.files < N_NAMES);
	expect_look(&s, MF_PLAIN_PARTLY);
	mf_error_clear(&e);
	assert_int_equal(mf_plain_point(s.tree, "v1", 1, &e), -1);
	snprintf(path, sizeof(path), "%s/v1/a", s.dir);
	bad = fopen(path, "r+");
	assert_non_null(bad);
	fputc(0x55, bad);
	fputc(0xaa, bad);
	fclose(bad);
	p.interrupted = NULL;
	fixture_expect_ok(mf_plain_write(&p, &result, &e), &e, "on");
	expect_files(&s);
	expect_look(&s, MF_PLAIN_WHOLE);
	scene_close(&s);
}

static void
expect_refused(const struct mf_plain_params *p, enum mf_code code)
{
	struct mf_plain_result result;
	struct mf_error e = {0};

	assert_int_equal(mf_plain_write(p, &result, &e), -1);
	assert_int_equal(e.code, code);
}

static void
writes_over_nothing(void **state)
{
	struct mf_plain_result result;
	struct mf_plain_params p, other;
	struct mf_error e = {0};
	enum mf_plain found;
	struct scene s, newer;
	char path[800];

	scene_open(&s, state, "v1");
	p = params(&s);
	fixture_expect_ok(mf_plain_write(&p, &result, &e), &e, "write");

	/* the same name, made anew of other files */
	fixture_forget(s.f, "v1");
	fixture_write(s.f, "b/d", 9, 100);
	scene_open(&newer, state, "v1");
	other = params(&newer);
	expect_refused(&other, MF_EEXIST);
	scene_close(&newer);

	/* one that is not made yet */
	other = p;
	other.files = NULL;
	assert_int_equal(mf_plain_look(&other, &found, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);

	/* a file of somebody else's within; and one of ours that went */
	snprintf(path, sizeof(path), "%s/v1/mine", s.dir);
	fclose(fopen(path, "w"));
	expect_refused(&p, MF_EEXIST);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/v1/a", s.dir);
	assert_int_equal(unlink(path), 0);
	expect_refused(&p, MF_EDAMAGED);
	scene_close(&s);
}

static void
refuses_what_is_no_record(void **state)
{
	static const char *const texts[] = {"", "{}", "[]", "{\"format\":2}",
	    "{\"format\":1,\"model\":\"m\",\"version\":\"v1\",\"manifest\":\"00\",\"prefix\":"
	    "\"../v1\",\"complete\":true,\"files\":1,\"bytes\":1}"};
	char version[MF_PLAIN_VERSION_BYTES], path[800];
	struct mf_error e;
	struct scene s;
	size_t i;

	scene_open(&s, state, "v1");
	snprintf(path, sizeof(path), "%s/modelferry-pointer.json", s.dir);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = (struct mf_error){0};
		fixture_expect_ok(
		    mf_fs_replace(AT_FDCWD, path, texts[i], strlen(texts[i]), 0644, &e), &e, path);
		assert_int_equal(mf_plain_pointed(s.tree, version, &e), -1);
		assert_int_equal(e.code, MF_EDAMAGED);
	}
	scene_close(&s);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, local_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(reads_any_stretch),
	    TEST(reads_no_more_than_there_is),
	    TEST(writes_once_and_points),
	    TEST(goes_on),
	    TEST(writes_over_nothing),
	    TEST(refuses_what_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
