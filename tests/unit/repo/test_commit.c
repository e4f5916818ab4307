/* Shards and their commit: the same version as a whole push makes, whatever the number of shards;
 * what is refused, and by which words; partial manifests before prune. */
#include "tests/unit/repo/shard_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "crypto/trust.h"
#include "src/repo/condemned_int.h"

#define MIB ((size_t)1 << 20)

/* A safetensors file: small tensors between large ones, so that runs and pieces alternate. */
static void
write_tensors(const struct fixture *f, const char *name)
{
	static const unsigned sizes[] = {
	    3u << 20, 70000, 90000, 5u << 20, 1000, 2u << 20, 9u << 20, 40};
	char path[200], header[1000];
	unsigned at = 0, i, x = 1;
	int n = 1;
	uint64_t len;
	FILE *out;

	header[0] = '{';
	for (i = 0; i < 8; i++) {
		n += snprintf(header + n, sizeof(header) - (size_t)n,
		    "%s\"t%u\":{\"dtype\":\"U8\",\"shape\":[%u],\"data_offsets\":[%u,%u]}",
		    i ? "," : "", i, sizes[i], at, at + sizes[i]);
		at += sizes[i];
	}
	header[n++] = '}';
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	len = (uint64_t)n;
	fwrite(&len, 8, 1, out);
	fwrite(header, 1, (size_t)n, out);
	while (at-- > 0) {
		x = x * 1664525 + 1013904223;
		fputc((int)(x >> 28), out); /* of four bits, so that it is quick to store */
	}
	assert_int_equal(fclose(out), 0);
}

/* Everything that is divided in some way of its own. */
static void
write_tree(const struct fixture *f)
{
	char path[200];
	unsigned i;

	snprintf(path, sizeof(path), "%s/many", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	write_tensors(f, "big.safetensors");
	fixture_write(f, "blob.bin", 1, 27 * MIB);
	for (i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), "many/%02u", i);
		fixture_write(f, path, i, 90000);
	}
	snprintf(path, sizeof(path), "%s/nothing", f->dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	snprintf(path, sizeof(path), "%s/link", f->dir);
	assert_int_equal(symlink("blob.bin", path), 0);
	fixture_write(f, "zz", 7, 2 * MIB + 5);
}

static void
read_version(
    const struct fixture *f, const char *version, struct mf_version *v, struct mf_listing *l)
{
	struct mf_error e = {0};

	assert_int_equal(mf_version_find(f->repo, FIXTURE_MODEL, version, v, &e), 0);
	fixture_expect_ok(mf_version_read(f->repo, v, l, &e), &e, version);
}

/* The same entries with the same slices of the same chunks. */
static void
expect_same(const struct fixture *f, const char *one, const char *other)
{
	struct mf_version v, w;
	struct mf_listing a, b;
	const struct mf_entry *x, *y;
	size_t i, k;

	read_version(f, one, &v, &a);
	read_version(f, other, &w, &b);
	assert_int_equal(a.n_entries, b.n_entries);
	assert_int_equal(v.root.n_files, w.root.n_files);
	assert_true(v.root.bytes == w.root.bytes);
	for (i = 0; i < a.n_entries; i++) {
		x = &a.entries[i];
		y = &b.entries[i];
		assert_string_equal(x->path, y->path);
		assert_string_equal(x->target, y->target);
		assert_true(x->type == y->type && x->mode == y->mode && x->size == y->size &&
			    x->mtime_ns == y->mtime_ns && x->ctime_ns == y->ctime_ns &&
			    x->inode == y->inode);
		assert_memory_equal(x->checksum, y->checksum, sizeof(x->checksum));
		assert_int_equal(x->n_slices, y->n_slices);
		for (k = 0; k < x->n_slices; k++) {
			const struct mf_slice *s = &a.slices[x->first_slice + k],
					      *t = &b.slices[y->first_slice + k];

			assert_true(s->offset == t->offset && s->len == t->len);
			assert_memory_equal(
			    &a.chunks[s->chunk].id, &b.chunks[t->chunk].id, MF_ID_BYTES);
			assert_memory_equal(a.chunks[s->chunk].checksum,
			    b.chunks[t->chunk].checksum, MF_CHECKSUM_BYTES);
		}
	}
	mf_listing_fini(&a);
	mf_listing_fini(&b);
	mf_version_fini(&v);
	mf_version_fini(&w);
}

/* Pushed in shards first, so that the whole push finds everything there. */
static void
test_same_as_a_whole_push(void **state)
{
	static const unsigned numbers[] = {1, 2, 3, 7, 64};
	struct fixture *f = *state;
	struct mf_push_result r;
	uint64_t bytes, most, new_chunks;
	char version[16];
	unsigned i;
	size_t n;

	write_tree(f);
	for (n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
		snprintf(version, sizeof(version), "n%u", numbers[n]);
		for (i = 1, bytes = most = new_chunks = 0; i <= numbers[n]; i++) {
			r = shard_push(f, version, i, numbers[n]);
			bytes += r.bytes;
			most = r.bytes > most ? r.bytes : most;
			new_chunks += r.new_chunks;
		}
		assert_true(
		    n == 0 ? new_chunks > 10 : new_chunks == 0); /* the same chunks each time */
		assert_false(shard_commit(f, version, numbers[n]).already);
		/* a shard has its share, and up to a chunk that begins in it */
		assert_true(most <= bytes / numbers[n] + 16 * MIB);
	}
	r = fixture_push(f, "whole");
	assert_true(r.unchanged);
	for (n = 1; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
		snprintf(version, sizeof(version), "n%u", numbers[n]);
		expect_same(f, "n1", version);
	}
	assert_int_equal(fixture_check_versions(f), 5);
	fixture_write(f, "zz", 8, 2 * MIB + 5); /* so that a whole push makes a version */
	assert_int_equal(fixture_push(f, "whole").new_chunks, 1);
	shard_push_all(f, "parts", 5);
	shard_commit(f, "parts", 5);
	expect_same(f, "whole", "parts");
}

/* The first is just longer, so that each of two shards has a chunk. */
static void
write_two(const struct fixture *f)
{
	fixture_write(f, "a", 1, MIB + 300);
	fixture_write(f, "b", 2, MIB + 200);
}

static void
test_missing(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	shard_expect_refusal(f, "v1", 3, "missing 1, 2, 3");
	shard_push(f, "v1", 2, 3);
	shard_expect_refusal(f, "v1", 3, "missing 1, 3");
	shard_push(f, "v1", 1, 3);
	shard_push(f, "v1", 2, 3);
	shard_push(f, "v1", 3, 3);
	shard_expect_refusal(f, "v1", 2, "missing 1, 2");
	shard_expect_refusal(f, "v2", 3, "missing 1, 2, 3");
	shard_commit(f, "v1", 3);
	assert_int_equal(shard_count_versions(f, "v1"), 1);
	assert_int_equal(shard_count_partials(f), 0);
	assert_int_equal(fixture_count(f, "m/"), 1);
	assert_true(shard_commit(f, "v1", 3).already);
	fixture_forget(f, "v1");
	shard_expect_refusal(f, "v1", 3, "missing 1, 2, 3");
}

/* A file that changes between two shards, and then all of them are pushed again. */
static void
test_changed_between(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	shard_push(f, "v1", 1, 2);
	fixture_write(f, "a", 3, MIB + 300);
	shard_push(f, "v1", 2, 2);
	shard_expect_refusal(f, "v1", 2, "saw different files");
	shard_push(f, "v1", 1, 2);
	assert_int_equal(shard_commit(f, "v1", 2).files, 2);
	assert_int_equal(fixture_check_versions(f), 1);
	assert_int_equal(shard_count_partials(f), 0); /* the one that did not count, too */
}

/* The same content and size under other times is another listing, unless the rule says so. */
static int
push_by_rule(struct fixture *f, unsigned number, bool ignore)
{
	struct mf_push_params p = {.dir = f->dir,
	    .model = FIXTURE_MODEL,
	    .version = "v1",
	    .by = "test",
	    .now_us = fixture_now_us,
	    .threads = 1,
	    .shard = {number, 2},
	    .ignore_inode = ignore,
	    .ignore_ctime = ignore};
	struct mf_push_result out;
	struct mf_error e = {0};

	return mf_push(f->repo, &p, &out, &e);
}

static void
set_times(const struct fixture *f)
{
	const struct timespec times[2] = {{1000, 0}, {1000, 0}};
	char path[200];

	snprintf(path, sizeof(path), "%s/a", f->dir);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	snprintf(path, sizeof(path), "%s/b", f->dir);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
test_copies(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	set_times(f);
	assert_int_equal(push_by_rule(f, 1, true), 0);
	assert_int_equal(push_by_rule(f, 1, false), 0);
	write_two(f); /* other inodes and change times, and the same modification times */
	set_times(f);
	assert_int_equal(push_by_rule(f, 2, false), 0);
	shard_expect_refusal(f, "v1", 2, "saw different files");
	assert_int_equal(push_by_rule(f, 2, true), 0);
	shard_commit(f, "v1", 2);
	fixture_check_versions(f);
}

static void
test_existing(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result r;
	struct mf_error e = {0};

	write_two(f);
	shard_push_all(f, "v1", 2);
	shard_commit(f, "v1", 2);
	/* a pod that comes late, or a job that is run again */
	r = shard_push(f, "v1", 1, 2);
	assert_true(r.unchanged);
	assert_int_equal(shard_count_partials(f), 0);
	fixture_write(f, "a", 3, 1000);
	assert_int_equal(shard_try_push(f->repo, f, "v1", 1, 2, &r, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_non_null(strstr(e.message, "exists already, of other files"));
	/* pushed as a whole while its shards were under way */
	shard_push_all(f, "v2", 2);
	fixture_write(f, "a", 4, 1000);
	fixture_push(f, "v2");
	shard_expect_refusal(f, "v2", 2, "exists already, of other files");
	assert_int_equal(shard_count_versions(f, "v2"), 1);
	assert_int_equal(shard_count_partials(f), 2);
}

static void
test_prune_keeps_while_young(void **state)
{
	struct fixture *f = *state;
	size_t chunks;

	write_two(f);
	shard_push_all(f, "v1", 2);
	chunks = fixture_count(f, "c/");
	fixture_advance(f, FIXTURE_HOUR_US);
	assert_int_equal(fixture_prune(f, 2 * FIXTURE_HOUR_US).objects_deleted, 0);
	assert_int_equal(fixture_count(f, "c/"), chunks);
	shard_commit(f, "v1", 2);
	fixture_prune(f, 0);
	assert_int_equal(fixture_check_versions(f), 1);
	/* abandoned: nothing is left of it */
	fixture_forget(f, "v1");
	fixture_write(f, "a", 5, MIB + 3);
	shard_push_all(f, "v2", 2);
	fixture_advance(f, 3 * FIXTURE_HOUR_US);
	assert_int_equal(fixture_prune(f, 2 * FIXTURE_HOUR_US).manifests_deleted, 3);
	assert_int_equal(fixture_count(f, "c/"), 0);
	shard_expect_refusal(f, "v2", 2, "missing 1, 2");
}

/* All names are on the list of a prune that died: the commit copies what the list may cost. */
static void
test_burned_chunks(void **state)
{
	struct fixture *f = *state;
	char list[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_error e = {0};
	size_t i;

	write_two(f);
	shard_push_all(f, "v1", 2);
	fixture_expect_ok(mf_names_list(f->repo, "c/", &names, &e), &e, "list");
	fixture_expect_ok(mf_condemned_put(f->repo, &names, list, &e), &e, "condemn");
	shard_commit(f, "v1", 2);
	for (i = 0; i < names.n; i++) /* it wakes */
		fixture_expect_ok(mf_store_del(f->repo->store, names.items[i], &e), &e, "delete");
	mf_names_fini(&names);
	assert_int_equal(fixture_check_versions(f), 1);
}

static char *
name_of_partial(const struct fixture *f)
{
	struct mf_names names;
	struct mf_error e = {0};
	char *name;

	fixture_expect_ok(mf_names_list(f->repo, "m/", &names, &e), &e, "list");
	assert_int_equal(names.n, 1);
	name = strdup(names.items[0]);
	mf_names_fini(&names);
	return name;
}

/* One that is damaged is none; another attempt is as good. */
static void
test_damaged(void **state)
{
	struct fixture *f = *state;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	char *name;

	write_two(f);
	shard_push(f, "v1", 1, 2);
	name = name_of_partial(f);
	fixture_expect_ok(mf_store_get(f->repo->store, name, 0, MIB, &b, &e), &e, "get");
	b.data[b.len - 20] ^= 1;
	fixture_expect_ok(mf_store_del(f->repo->store, name, &e), &e, "delete");
	fixture_expect_ok(mf_store_put(f->repo->store, name, b.data, b.len, 0, &e), &e, "put");
	shard_push(f, "v1", 2, 2);
	shard_expect_refusal(f, "v1", 2, "missing 1");
	shard_push(f, "v1", 1, 2);
	shard_commit(f, "v1", 2);
	mf_buf_fini(&b);
	free(name);
}

/* A chunk that is lost although its partial manifest stands: the shard is named. */
static void
test_lost_chunk(void **state)
{
	struct fixture *f = *state;
	struct mf_names before, after;
	struct mf_error e = {0};
	size_t i;

	write_two(f);
	shard_push(f, "v1", 1, 2);
	fixture_expect_ok(mf_names_list(f->repo, "c/", &before, &e), &e, "list");
	shard_push(f, "v1", 2, 2);
	fixture_expect_ok(mf_names_list(f->repo, "c/", &after, &e), &e, "list");
	for (i = 0; i < after.n; i++)
		if (!mf_names_has(&before, after.items[i])) {
			struct mf_buf b = MF_BUF_INIT;

			/* the larger of the two objects is the chunk */
			mf_store_get(f->repo->store, after.items[i], 0, 4 * MIB, &b, &e);
			if (b.len > 10000)
				mf_store_del(f->repo->store, after.items[i], &e);
			mf_buf_fini(&b);
		}
	mf_names_fini(&before);
	mf_names_fini(&after);
	shard_expect_refusal(f, "v1", 2, "a chunk that shard 2 of");
	assert_int_equal(shard_push(f, "v1", 2, 2).new_chunks, 1);
	shard_commit(f, "v1", 2);
	assert_int_equal(fixture_check_versions(f), 1);
}

/* Whoever can write the store can put a mark; that makes no version of a shard. */
static void
test_marked_partial(void **state)
{
	struct fixture *f = *state;
	struct mf_versions vs;
	struct mf_error e = {0};
	char *name;

	write_two(f);
	shard_push(f, "v1", 1, 2);
	name = name_of_partial(f);
	name[0] = 'v';
	fixture_expect_ok(mf_store_put(f->repo->store, name, NULL, 0, 0, &e), &e, "mark");
	free(name);
	assert_int_equal(mf_versions_list(f->repo, FIXTURE_MODEL, NULL, NULL, &vs, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_non_null(strstr(e.message, "what one shard of a push brought"));
}

static int
stop(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	unsigned *left = arg;

	(void)op;
	(void)name;
	if (*left == 0 || --*left > 0)
		return 0;
	*left = 1;
	return mf_error_set(e, MF_ETRANSFER, "the machine is gone");
}

/* Killed at every operation, and pushed again: nothing is sent twice. */
static void
test_killed_shard(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result r = {0};
	struct mf_error e = {0};
	struct mf_repo *repo;
	char version[16];
	unsigned k, left;
	int rc = -1;

	write_two(f);
	for (k = 1; rc != 0 && k < 100; k++) {
		snprintf(version, sizeof(version), "k%u", k);
		fixture_write(f, "a", 100 + k, MIB + 300);
		left = 0;
		repo = fixture_open(f, stop, &left, NULL);
		left = k;
		rc = shard_try_push(repo, f, version, 1, 2, &r, &e);
		left = 0;
		mf_repo_close(repo);
		assert_true(r.new_chunks + shard_push(f, version, 1, 2).new_chunks == 1);
	}
	assert_true(k > 10 && k < 100);
	shard_push(f, version, 2, 2);
	shard_commit(f, version, 2);
	assert_int_equal(fixture_check_versions(f), 1);
}

static void
test_usage(void **state)
{
	static const struct {
		struct mf_push_shard shard;
		const char *version, *ref;
		bool allow_partial, force;
	} rows[] = {
	    {{0, 2}, "v", NULL, false, false},
	    {{3, 2}, "v", NULL, false, false},
	    {{1, 257}, "v", NULL, false, false},
	    {{1, 2}, NULL, NULL, false, false},
	    {{1, 2}, "v", "production", false, false},
	    {{1, 2}, "v", NULL, true, false},
	    {{1, 2}, "v", NULL, false, true},
	};
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_commit_result committed;
	struct mf_push_params p;
	struct mf_error e;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = (struct mf_push_params){.dir = f->dir,
		    .model = FIXTURE_MODEL,
		    .version = rows[i].version,
		    .by = "test",
		    .now_us = fixture_now_us,
		    .threads = 1,
		    .shard = rows[i].shard,
		    .ref = rows[i].ref,
		    .allow_partial = rows[i].allow_partial,
		    .force = rows[i].force};
		e = (struct mf_error){0};
		assert_int_equal(mf_push(f->repo, &p, &out, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
	for (i = 0; i < 2; i++) {
		e = (struct mf_error){0};
		assert_int_equal(
		    shard_try_commit(f->repo, "v", i == 0 ? 0 : 257, NULL, &committed, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	    TEST(test_same_as_a_whole_push),
	    TEST(test_missing),
	    TEST(test_changed_between),
	    TEST(test_copies),
	    TEST(test_existing),
	    TEST(test_prune_keeps_while_young),
	    TEST(test_burned_chunks),
	    TEST(test_damaged),
	    TEST(test_lost_chunk),
	    TEST(test_marked_partial),
	    TEST(test_killed_shard),
	    TEST(test_usage),
	};

	return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
