/* Manifest segments that are lost: what proves to be them is put back, anything else is not. */
#include "tests/unit/repo/repo_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/verify.h"
#include "src/state/cache.h"

#define MANY 1500 /* small files with long names: a list of some segments */

struct findings {
	size_t n;
	char first[1200]; /* "version|path|reason" */
};

static void
take(void *arg, const struct mf_verify_damage *d)
{
	struct findings *f = arg;

	if (f->n++ == 0)
		snprintf(f->first, sizeof(f->first), "%s|%s|%s", d->version, d->path, d->reason);
}

static int
repair_with(struct fixture *f, struct mf_cache *cache, struct findings *found,
    struct mf_verify_result *out, struct mf_error *e)
{
	struct mf_verify_params p = {.repair_from = f->dir,
	    .cache = cache,
	    .read_data = true,
	    .damage = take,
	    .arg = found,
	    .threads = 2};

	*found = (struct findings){0};
	mf_error_clear(e);
	return mf_verify(f->repo, &p, out, e);
}

/* Repair must make everything well, and this many segments. */
static void
expect_repaired(struct fixture *f, struct mf_cache *cache, unsigned segments)
{
	struct mf_verify_params p = {.read_data = true};
	struct mf_verify_result out;
	struct findings found;
	struct mf_error e = {0};

	fixture_expect_ok(repair_with(f, cache, &found, &out, &e), &e, "repair");
	assert_int_equal(found.n, 0);
	assert_int_equal(out.repaired_segments, segments);
	fixture_expect_ok(mf_verify(f->repo, &p, &out, &e), &e, "verify");
	fixture_check_versions(f);
}

static void
expect_not_repaired(struct fixture *f, const char *why)
{
	size_t objects = fixture_count(f, "c/");
	struct mf_verify_result out;
	struct findings found;
	struct mf_error e = {0};

	assert_int_equal(repair_with(f, NULL, &found, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_int_equal(out.repaired_segments, 0);
	assert_int_equal(fixture_count(f, "c/"), objects);
	if (strstr(found.first, why) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", found.first, why);
	assert_non_null(strstr(found.first, FIXTURE_MODEL "@v"));
	assert_non_null(strstr(e.hint, "`modelferry forget " FIXTURE_MODEL "@v"));
}

static void
resolve(struct fixture *f, const char *version, struct mf_version *v)
{
	char spec[MF_VERSION_SPEC_BYTES];
	struct mf_error e = {0};

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(f->repo, spec, v, &e), &e, spec);
}

static void
lose(struct fixture *f, const struct mf_id *id, uint64_t generation)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_error e = {0};

	mf_name_chunk(name, id, generation);
	assert_int_equal(mf_store_head(f->repo->store, name, NULL, &e), 0);
	fixture_expect_ok(mf_store_del(f->repo->store, name, &e), &e, "del");
}

/* Delete the i-th segment of a version; returns how many it has. */
static size_t
lose_segment(struct fixture *f, const char *version, size_t i)
{
	struct mf_version v;
	size_t n;

	resolve(f, version, &v);
	n = v.root.n_segments;
	assert_true(i < n);
	lose(f, &v.root.segments[i].id, v.root.segments[i].generation);
	mf_version_fini(&v);
	return n;
}

/* The first path of the i-th segment. */
static void
path_in(struct fixture *f, const char *version, size_t i, char *path, size_t bytes)
{
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_listing l = {0};
	struct mf_version v;
	struct mf_error e = {0};

	resolve(f, version, &v);
	fixture_expect_ok(mf_segment_get(f->repo, &v.root.segments[i], &plain, &e), &e, "segment");
	fixture_expect_ok(mf_segment_decode(plain.data, plain.len, &l, &e), &e, "segment");
	snprintf(path, bytes, "%s", l.entries[0].path);
	mf_listing_fini(&l);
	mf_buf_fini(&plain);
	mf_version_fini(&v);
}

static void
write_tree(struct fixture *f)
{
	char path[256], other[256];

	fixture_write(f, "large", 1, 1500000);
	fixture_write(f, "small-a", 2, 1000);
	fixture_write(f, "small-b", 3, 1000);
	snprintf(path, sizeof(path), "%s/sub", f->dir);
	assert_int_equal(mkdir(path, 0750), 0);
	snprintf(path, sizeof(path), "%s/sub/link", f->dir);
	assert_int_equal(symlink("../small-a", path), 0);
	snprintf(path, sizeof(path), "%s/small-a", f->dir);
	snprintf(other, sizeof(other), "%s/twin", f->dir);
	assert_int_equal(link(path, other), 0);
	fixture_write(f, "sub/empty", 1, 1);
	snprintf(path, sizeof(path), "%s/sub/empty", f->dir);
	assert_int_equal(truncate(path, 0), 0);
}

static void
write_many(struct fixture *f)
{
	char name[256];
	unsigned i;

	fixture_write(f, "a-large", 1, 1500000);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "small-%0239u", i);
		fixture_write(f, name, i, 10);
	}
	fixture_write(f, "z-large", 2, 1500000);
}

static void
test_whole_list(void **state)
{
	struct fixture *f = *state;

	write_tree(f);
	fixture_push(f, "v1");
	assert_int_equal(lose_segment(f, "v1", 0), 1);
	expect_repaired(f, NULL, 1);
}

/* One of several: what the others list need not be there any more, nor as it was. */
static void
test_gap(void **state)
{
	struct fixture *f = *state;
	size_t n;

	write_many(f);
	fixture_push(f, "v1");
	n = lose_segment(f, "v1", 1);
	assert_true(n > 2);
	fixture_write(f, "a-large", 0, 0);
	fixture_write(f, "a-new", 5, 100);
	fixture_write(f, "z-large", 9, 1500000);
	expect_repaired(f, NULL, 1);
	lose_segment(f, "v1", n - 1);
	/* the end of the list holds z-large, which is another now */
	expect_not_repaired(f, "other content than was pushed");
	/* and the first one a file that is gone */
	fixture_write(f, "z-large", 2, 1500000);
	lose_segment(f, "v1", 0);
	expect_not_repaired(f, "the directory is not");
}

static void
test_neighbours_and_shared(void **state)
{
	struct fixture *f = *state;

	write_many(f);
	fixture_push(f, "v1");
	fixture_write(f, "z-large", 7, 1500000);
	fixture_push(f, "v2"); /* shares all but the last segment */
	lose_segment(f, "v1", 0);
	lose_segment(f, "v1", 1);
	expect_repaired(f, NULL, 2);
}

/* A change time alone, and it is another list. */
static void
test_touched(void **state)
{
	struct fixture *f = *state;
	char path[400], in[256];

	write_many(f);
	fixture_push(f, "v1");
	path_in(f, "v1", 1, in, sizeof(in));
	lose_segment(f, "v1", 1);
	snprintf(path, sizeof(path), "%s/%s", f->dir, in);
	assert_int_equal(chmod(path, 0600), 0);
	expect_not_repaired(f, "times and inode numbers");
	fixture_write(f, in, 0, 0);
	expect_not_repaired(f, "the directory is not");
}

static void
test_directory_of_something_else(void **state)
{
	char empty[] = "/tmp/mf-test-repair-XXXXXX", dir[64];
	struct fixture *f = *state;
	struct mf_error e = {0};

	write_tree(f);
	fixture_push(f, "v1");
	lose_segment(f, "v1", 0);
	assert_non_null(mkdtemp(empty));
	memcpy(dir, f->dir, sizeof(dir));
	snprintf(f->dir, sizeof(f->dir), "%s", empty);
	expect_not_repaired(f, "the directory is not");
	memcpy(f->dir, dir, sizeof(dir));
	mf_fs_remove_tree(AT_FDCWD, empty, &e);
}

/* Several generations of the chunks: the ones that the segment names are found. */
static void
test_second_generations(void **state)
{
	struct fixture *f = *state;
	struct mf_version v;

	write_tree(f);
	fixture_write(f, "large-too", 8, 1500000);
	fixture_push(f, "v1");
	fixture_put_generation(f, 1);
	resolve(f, "v1", &v);
	lose(f, &v.root.segments[0].id, 1);
	mf_version_fini(&v);
	lose_segment(f, "v1", 0);
	expect_repaired(f, NULL, 1);
}

static void
first_chunk(struct fixture *f, const char *version, const char *path, struct mf_chunk_ref *out)
{
	const struct mf_entry *x;
	struct mf_listing l;
	struct mf_version v;
	struct mf_error e = {0};

	resolve(f, version, &v);
	fixture_expect_ok(mf_version_read(f->repo, &v, &l, &e), &e, "read");
	x = mf_listing_find(&l, path);
	assert_non_null(x);
	*out = l.chunks[l.slices[x->first_slice].chunk];
	mf_listing_fini(&l);
	mf_version_fini(&v);
}

/* A chunk is lost as well: another version still hints at the name that it had. */
static void
test_chunk_too(void **state)
{
	struct fixture *f = *state;
	struct mf_chunk_ref large;

	write_tree(f);
	fixture_push(f, "v1");
	fixture_write(f, "small-b", 4, 1000);
	fixture_push(f, "v2");
	first_chunk(f, "v2", "large", &large);
	lose_segment(f, "v2", 0);
	lose(f, &large.id, large.generation);
	expect_repaired(f, NULL, 1);
}

static void
test_chunk_that_nothing_names(void **state)
{
	struct fixture *f = *state;
	struct mf_chunk_ref large;

	write_tree(f);
	fixture_push(f, "v1");
	first_chunk(f, "v1", "large", &large);
	lose_segment(f, "v1", 0);
	lose(f, &large.id, large.generation);
	expect_not_repaired(f, "that no other manifest names");
}

/* The push's cache has the list to the byte, whatever became of the directory. */
static void
test_from_cache(void **state)
{
	char dir[] = "/tmp/mf-test-cache-XXXXXX";
	struct fixture *f = *state;
	struct mf_push_params p = {
	    .dir = f->dir, .model = FIXTURE_MODEL, .version = "v1", .now_us = fixture_now_us};
	struct mf_push_result pushed;
	struct mf_error e = {0};

	assert_non_null(mkdtemp(dir));
	p.cache = mf_cache_open(dir);
	assert_non_null(p.cache);
	write_tree(f);
	fixture_expect_ok(mf_push(f->repo, &p, &pushed, &e), &e, "push");
	lose_segment(f, "v1", 0);
	fixture_write(f, "small-b", 9, 10);
	expect_not_repaired(f, "the directory is not");
	expect_repaired(f, p.cache, 1);
	mf_cache_close(p.cache);
	mf_fs_remove_tree(AT_FDCWD, dir, &e);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_whole_list),
	    TEST(test_gap),
	    TEST(test_neighbours_and_shared),
	    TEST(test_touched),
	    TEST(test_directory_of_something_else),
	    TEST(test_second_generations),
	    TEST(test_chunk_too),
	    TEST(test_chunk_that_nothing_names),
	    TEST(test_from_cache),
	};

	return cmocka_run_group_tests_name("repair of manifests", tests, NULL, NULL);
}
