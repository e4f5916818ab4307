/* Whole runs between trees in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/sync/mirror.h"
#include "tests/unit/sync/fake_tree.h"

#define DIR_TREE (MF_TREE_LOCAL | MF_TREE_MTIME_LISTED | MF_TREE_MTIME_SET | MF_TREE_EMPTY_DIRS)
#define BUCKET (MF_TREE_MD5_LISTED | MF_TREE_MTIME_SET)

struct fixture {
	struct mf_tree *src, *dst;
	struct mf_cache *cache;
	char dir[64];
	struct mf_mirror_params p;
	struct mf_mirror_result result;
	struct mf_error e;
};

static int
setup_of(void **state, unsigned src, unsigned dst)
{
	struct mf_log_params quiet = {.level = MF_LOG_ERROR, .fd = open("/dev/null", O_WRONLY)};
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	mf_log_configure(&quiet);
	snprintf(f->dir, sizeof f->dir, "/tmp/mf-mirror.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->src = fake_tree("the source", src);
	f->dst = fake_tree("the destination", dst);
	f->cache = mf_cache_open(f->dir);
	f->p = (struct mf_mirror_params){.src = f->src,
	    .dst = f->dst,
	    .src_place = "src",
	    .dst_place = "dst",
	    .cache = f->cache,
	    .deletes = true,
	    .transfers = 3,
	    .checkers = 3,
	    .spill_dir = f->dir};
	*state = f;
	return 0;
}

static int
dir_to_dir(void **state)
{
	return setup_of(state, DIR_TREE, DIR_TREE);
}

static int
dir_to_bucket(void **state)
{
	return setup_of(state, DIR_TREE, BUCKET);
}

static int
bucket_to_dir(void **state)
{
	return setup_of(state, BUCKET, DIR_TREE);
}

static int
bucket_to_bucket(void **state)
{
	return setup_of(state, BUCKET, BUCKET);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	fake_free(f->src);
	fake_free(f->dst);
	mf_cache_close(f->cache);
	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, f->dir, NULL), 0);
	free(f);
	return 0;
}

static int
run(struct fixture *f)
{
	f->e = (struct mf_error){0};
	return mf_mirror_run(&f->p, &f->result, &f->e);
}

static void
three_files(struct fixture *f)
{
	fake_set(f->src, "a", "one", 1000);
	fake_set(f->src, "d/b \xc3\xa9", "twotwo", 2000);
	fake_set(f->src, "d/new\nline", "", 3000);
}

static void
is_mirrored(struct fixture *f)
{
	assert_string_equal(fake_content(f->dst, "a"), "one");
	assert_string_equal(fake_content(f->dst, "d/b \xc3\xa9"), "twotwo");
	assert_string_equal(fake_content(f->dst, "d/new\nline"), "");
	assert_int_equal(fake_mtime(f->dst, "a"), 1000);
	assert_int_equal(fake_mtime(f->dst, "d/new\nline"), 3000);
}

static void
copies_and_deletes(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->dst, "gone/x", "old", 1);
	fake_set(f->dst, "gone/y/z", "old", 1);
	fake_set(f->dst, "zz", "old", 1);
	assert_int_equal(run(f), 0);
	is_mirrored(f);
	assert_int_equal(fake_count(f->dst), 3);
	assert_int_equal(f->result.files, 3);
	assert_int_equal(f->result.bytes, 9);
	assert_int_equal(f->result.deletes, 3);
	assert_int_equal(fake_counts(f->dst).del_calls > 0, 1);
	fake_reset_counts(f->dst);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files + f->result.deletes + f->result.touched, 0);
	assert_int_equal(f->result.checks, 3);
	assert_int_equal(fake_counts(f->dst).puts, 0);
}

static void
copy_keeps_the_rest(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->dst, "other", "stays", 1);
	f->p.deletes = false;
	assert_int_equal(run(f), 0);
	is_mirrored(f);
	assert_string_equal(fake_content(f->dst, "other"), "stays");
}

static void
empty_directories_go(void **state)
{
	struct fixture *f = *state;

	fake_set(f->src, "a", "one", 1);
	fake_set(f->src, "keep", NULL, 0);
	fake_set(f->dst, "gone", NULL, 0);
	fake_set(f->dst, "gone.x", "1", 0);
	fake_set(f->dst, "keep/old", "1", 0);
	f->p.create_empty_dirs = true;
	assert_int_equal(run(f), 0);
	assert_int_equal(fake_counts(f->dst).removed_dirs, 1); /* gone, but not keep */
	assert_null(fake_content(f->dst, "gone.x"));
	assert_null(fake_content(f->dst, "keep/old"));
	assert_int_equal(fake_mtime(f->dst, "gone"), -1);
}

/* "a" is before "a-b", but what lies in it is behind that. */
static void
empty_directories_have_a_place(void **state)
{
	struct fixture *f = *state;

	fake_set(f->src, "a", NULL, 0);
	fake_set(f->src, "a-b", "beside", 1);
	fake_set(f->dst, "a.old", NULL, 0);
	fake_set(f->dst, "a.old!", "1", 0);
	f->p.create_empty_dirs = true;
	assert_int_equal(run(f), 0);
	assert_string_equal(fake_content(f->dst, "a-b"), "beside");
	assert_int_equal(fake_mtime(f->dst, "a"), 0);
	assert_int_equal(fake_count(f->dst), 2);
}

static int
refuse(void *arg, struct mf_error *e)
{
	(*(int *)arg)++;
	return mf_error_set(e, MF_EUSAGE, "not empty but an object");
}

static void
an_empty_source_is_asked_about(void **state)
{
	struct fixture *f = *state;
	int asked = 0;

	fake_set(f->dst, "a", "one", 1);
	f->p.empty = refuse;
	f->p.empty_arg = &asked;
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_EUSAGE);
	assert_int_equal(fake_count(f->dst), 1);
	assert_int_equal(asked, 1);
	fake_set(f->src, "b", "two", 1);
	assert_int_equal(run(f), 0);
	assert_int_equal(asked, 1);
	assert_null(fake_content(f->dst, "a"));
}

static void
a_file_becomes_an_empty_directory(void **state)
{
	struct fixture *f = *state;

	fake_set(f->src, "a", NULL, 0);
	fake_set(f->src, "b", "file", 1);
	fake_set(f->dst, "a", "file", 1);
	fake_set(f->dst, "b", NULL, 0);
	f->p.create_empty_dirs = true;
	assert_int_equal(run(f), 0);
	assert_null(fake_content(f->dst, "a"));
	assert_int_equal(fake_mtime(f->dst, "a"), 0);
	assert_string_equal(fake_content(f->dst, "b"), "file");
	assert_int_equal(f->result.deletes, 1);
	assert_int_equal(f->result.dirs_made, 1);
}

static void
a_file_becomes_a_directory(void **state)
{
	struct fixture *f = *state;

	fake_set(f->src, "a/b", "below", 5);
	fake_set(f->src, "c", "file", 6);
	fake_set(f->dst, "a", "file", 5);
	fake_set(f->dst, "c/d", "below", 6);
	assert_int_equal(run(f), 0);
	assert_string_equal(fake_content(f->dst, "a/b"), "below");
	assert_string_equal(fake_content(f->dst, "c"), "file");
	assert_int_equal(fake_count(f->dst), 2);
	fake_set(f->src, "c/e", "both", 6); /* a copy must not delete */
	fake_unset(f->src, "c");
	f->p.deletes = false;
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_ECONFLICT);
	assert_string_equal(fake_content(f->dst, "c"), "file");
}

/* Nothing is deleted after this failure. */
static void
fails_and_keeps(struct fixture *f, enum mf_code code, uint64_t copied)
{
	fake_set(f->dst, "extra", "here", 1);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, code);
	assert_int_equal(f->result.files, copied);
	assert_int_equal(f->result.errors, 1);
	assert_string_equal(fake_content(f->dst, "extra"), "here");
	assert_int_equal(f->result.deletes, 0);
	assert_int_equal(fake_counts(f->dst).dels, 0);
}

static void
unreadable_file(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_fail(f->src, FAKE_READ, "a", MF_EPERM);
	fails_and_keeps(f, MF_ESOURCE, 2);
	assert_int_equal(f->result.not_deleted, 1);
	fake_fail(f->src, FAKE_NONE, "", MF_OK);
	assert_int_equal(run(f), 0);
	is_mirrored(f);
	assert_null(fake_content(f->dst, "extra"));
}

/* Which says less about whose failure it was. */
static void
unreadable_file_of_a_copy_in_place(void **state)
{
	struct fixture *f = *state;

	fake_allow_copies(f->src);
	fake_allow_copies(f->dst);
	unreadable_file(state);
	fake_fail(f->dst, FAKE_PUT, "a", MF_EPERM); /* of the destination */
	fake_unset(f->dst, "a");
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_EPERM);
}

static void
unreadable_directory(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_fail(f->src, FAKE_LIST, "d/b \xc3\xa9", MF_EPERM);
	fails_and_keeps(f, MF_ESOURCE, 1);
}

static void
failing_destination_listing(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->dst, "b", "old", 1);
	fake_fail(f->dst, FAKE_LIST, "b", MF_EPERM);
	fails_and_keeps(f, MF_EPERM, 0);
}

static void
failing_put(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_fail(f->dst, FAKE_PUT, "a", MF_ETRANSFER);
	fails_and_keeps(f, MF_ETRANSFER, 2);
}

static void
failing_deletion(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->dst, "x", "old", 1);
	fake_set(f->dst, "y", "old", 1);
	fake_fail(f->dst, FAKE_DEL, "x", MF_EPERM);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_EPERM);
	assert_int_equal(f->result.deletes, 1);
	assert_int_equal(f->result.errors, 1);
	assert_null(fake_content(f->dst, "y"));
}

/* Some parts and a bit, no byte like the next. */
static void
set_large(struct mf_tree *t, const char *path, int64_t mtime_ns)
{
	char content[3 * FAKE_PART_BYTES + 235];
	size_t i;

	for (i = 0; i < sizeof content - 1; i++)
		content[i] = (char)('!' + i % 89);
	content[i] = '\0';
	fake_set(t, path, content, mtime_ns);
}

static void
streams_between_stores(void **state)
{
	struct fixture *f = *state;
	const bool in_parts = (mf_tree_capabilities(f->dst) & MF_TREE_LOCAL) == 0;
	struct mf_progress progress = {.plain = true};
	struct mf_tree_entry entry;

	three_files(f);
	set_large(f->src, "large", 1234567890123456789);
	f->p.progress = &progress;
	assert_int_equal(run(f), 0);
	is_mirrored(f);
	assert_string_equal(fake_content(f->dst, "large"), fake_content(f->src, "large"));
	assert_int_equal(fake_mtime(f->dst, "large"), 1234567890123456789);
	assert_int_equal(mf_tree_look(f->dst, "large", &entry, &f->e), 0);
	assert_int_equal(entry.mtime_ns, 1234567890123456789);
	assert_int_equal(fake_counts(f->dst).parts, in_parts ? 4 : 0);
	assert_int_equal(fake_counts(f->dst).copies, 0);
	assert_int_equal(f->result.bytes, 9 + entry.size);
	assert_int_equal(atomic_load(&progress.bytes_done), 9 + entry.size);
}

static void
copies_within_a_store(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	set_large(f->src, "large", 5000);
	fake_allow_copies(f->src);
	fake_allow_copies(f->dst);
	assert_int_equal(run(f), 0);
	is_mirrored(f);
	assert_int_equal(fake_mtime(f->dst, "large"), 5000);
	assert_int_equal(fake_counts(f->dst).copies, 4);
	assert_int_equal(fake_counts(f->dst).puts, 0);
}

/* Of a source that breaks off nothing is seen, and nothing is deleted. */
static void
source_breaks_in_mid_body(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	set_large(f->src, "large", 5000);
	fake_fail(f->src, FAKE_BREAKS, "large", MF_ETRANSFER);
	fails_and_keeps(f, MF_ETRANSFER, 3);
	is_mirrored(f);
	assert_null(fake_content(f->dst, "large"));
	/* what was there stays as it was, too */
	fake_set(f->dst, "large", "older", 5);
	assert_int_equal(run(f), -1);
	assert_string_equal(fake_content(f->dst, "large"), "older");
	assert_int_equal(fake_mtime(f->dst, "large"), 5);
	/* damaged on its way it is read once more; then that is what the run says */
	fake_fail(f->src, FAKE_BREAKS, "large", MF_EDAMAGED);
	fake_reset_counts(f->src);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_EDAMAGED);
	assert_int_equal(fake_counts(f->src).gets, 2);
	fake_fail(f->src, FAKE_NONE, "", MF_OK);
	assert_int_equal(run(f), 0);
	assert_string_equal(fake_content(f->dst, "large"), fake_content(f->src, "large"));
	assert_null(fake_content(f->dst, "extra"));
}

static void
changing_file_is_tried_again(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_fail(f->src, FAKE_CHANGES, "a", MF_ESOURCE);
	assert_int_equal(run(f), 0);
	is_mirrored(f);
}

/* What is not what its MD5 says may have been changed on the way. */
static void
damaged_file_is_tried_again(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_fail(f->src, FAKE_CHANGES, "a", MF_EDAMAGED);
	assert_int_equal(run(f), 0);
	is_mirrored(f);
}

static void
a_dead_store_ends_it(void **state)
{
	struct fixture *f = *state;
	char path[16];
	unsigned i;

	for (i = 0; i < 500; i++) {
		snprintf(path, sizeof path, "%u", i);
		fake_set(f->src, path, "x", 1);
	}
	fake_fail(f->dst, FAKE_PUT_ALL, "", MF_ETRANSFER);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_ETRANSFER);
	assert_in_range(f->result.errors, 20, 30);
}

static bool
always(void)
{
	return true;
}

/* What a store says before it is asked again is no failure where the next answer is fine. */
static void
waiting_is_no_failure(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_fail(f->dst, FAKE_SLOW, "", MF_OK);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files, 3);
}

static void
interrupted(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->dst, "extra", "here", 1);
	f->p.interrupted = always;
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_EINTERRUPTED);
	assert_string_equal(fake_content(f->dst, "extra"), "here");
}

static void
max_delete(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->dst, "x", "old", 1);
	fake_set(f->dst, "y", "old", 1);
	f->p.has_max_delete = true;
	f->p.max_delete = 1;
	assert_int_equal(run(f), -1);
	assert_int_equal(f->e.code, MF_EFAIL);
	is_mirrored(f);
	assert_int_equal(fake_count(f->dst), 5);
	f->p.max_delete = 2;
	assert_int_equal(run(f), 0);
	assert_int_equal(fake_count(f->dst), 3);
}

static void
backups(void **state)
{
	struct fixture *f = *state;
	struct mf_tree *backup = fake_tree("backup", DIR_TREE);
	unsigned round;

	for (round = 0; round < 2; round++) { /* through here, then in the store */
		fake_set(f->src, "a", "new", 10);
		fake_set(f->dst, "a", "old!", 7);
		fake_set(f->dst, "d/x", "gone", 8);
		f->p.backup = backup;
		f->p.suffix = ".1";
		assert_int_equal(run(f), 0);
		assert_string_equal(fake_content(f->dst, "a"), "new");
		assert_null(fake_content(f->dst, "d/x"));
		assert_string_equal(fake_content(backup, "a.1"), "old!");
		assert_string_equal(fake_content(backup, "d/x.1"), "gone");
		assert_int_equal(fake_mtime(backup, "a.1"), 7);
		assert_int_equal(fake_mtime(backup, "d/x.1"), 8);
		fake_unset(backup, "a.1");
		fake_unset(backup, "d/x.1");
		fake_allow_copies(f->dst);
		fake_allow_copies(backup);
	}
	assert_int_equal(fake_counts(f->dst).dels, 1);
	fake_free(backup);
}

static void
a_backup_that_fails_keeps_the_file(void **state)
{
	struct fixture *f = *state;
	struct mf_tree *backup = fake_tree("backup", DIR_TREE);

	fake_set(f->src, "a", "new", 10);
	fake_set(f->dst, "a", "old!", 7);
	fake_fail(backup, FAKE_PUT, "a", MF_ENOSPC);
	f->p.backup = backup;
	fails_and_keeps(f, MF_ENOSPC, 0);
	assert_string_equal(fake_content(f->dst, "a"), "old!");
	fake_free(backup);
}

static bool
no_tmp(void *arg, const char *path)
{
	size_t n = strlen(path);

	(void)arg;
	return n < 4 || strcmp(path + n - 4, ".tmp") != 0;
}

static void
filters(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->src, "x.tmp", "no", 1);
	fake_set(f->dst, "y.tmp", "stays", 1);
	f->p.takes = no_tmp;
	assert_int_equal(run(f), 0);
	is_mirrored(f);
	assert_null(fake_content(f->dst, "x.tmp"));
	assert_string_equal(fake_content(f->dst, "y.tmp"), "stays");
	f->p.delete_excluded = true;
	assert_int_equal(run(f), 0);
	assert_int_equal(fake_count(f->dst), 3);
}

static void
links_and_specials_are_skipped(void **state)
{
	struct fixture *f = *state;

	fake_set_kind(f->src, "link", MF_TREE_LINK);
	fake_set_kind(f->src, "socket", MF_TREE_SPECIAL);
	fake_set_kind(f->dst, "their-link", MF_TREE_LINK);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.skipped, 3);
	assert_int_equal(fake_count(f->dst), 1);
}

static void
dry_run(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	fake_set(f->dst, "a", "one", 5);
	fake_set(f->dst, "x", "old", 1);
	f->p.dry_run = true;
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files, 2);
	assert_int_equal(f->result.touched, 1);
	assert_int_equal(f->result.deletes, 1);
	assert_int_equal(fake_count(f->dst), 2);
	assert_int_equal(fake_mtime(f->dst, "a"), 5);
}

static void
second_run_asks_nothing(void **state)
{
	struct fixture *f = *state;
	struct mf_tree *bucket =
	    (f->p.src == f->src && (mf_tree_capabilities(f->src) & MF_TREE_LOCAL) == 0) ? f->src
											: f->dst;

	three_files(f);
	assert_int_equal(run(f), 0);
	is_mirrored(f);
	fake_reset_counts(bucket);
	assert_int_equal(run(f), 0);
	assert_int_equal(fake_counts(bucket).looks, 0);
	assert_int_equal(f->result.checks, 3);
	/* what somebody else put there is looked at */
	fake_set(bucket, "a", "two", 9999);
	assert_int_equal(run(f), 0);
	assert_true(fake_counts(bucket).looks > 0);
	assert_string_equal(fake_content(f->dst, "a"), fake_content(f->src, "a"));
	/* and without what was remembered too */
	f->p.cache = NULL;
	fake_reset_counts(bucket);
	assert_int_equal(run(f), 0);
	assert_int_equal(fake_counts(bucket).looks, 3);
	assert_int_equal(f->result.files, 0);
}

static void
a_new_time_alone_is_no_new_content(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	assert_int_equal(run(f), 0);
	fake_set(f->src, "a", "one", 5555);
	fake_reset_counts(f->dst);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.touched, 1);
	assert_int_equal(fake_counts(f->dst).puts, 0);
	assert_int_equal(fake_mtime(f->dst, "a"), 5555);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.touched, 0);
}

static void
checksum_reads_the_files(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	assert_int_equal(run(f), 0);
	fake_set(f->src, "a", "ONE", 1000); /* same size and time */
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files, 0);
	f->p.rules.checksum = true;
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files, 1);
	assert_string_equal(fake_content(f->dst, "a"), "ONE");
}

/* The bucket tells of "d/b" only the MD5 of its parts. */
static void
checksum_of_parts(void **state)
{
	struct fixture *f = *state;

	three_files(f);
	assert_int_equal(run(f), 0);
	fake_set_parts(f->dst, "d/b \xc3\xa9", 4);
	f->p.rules.checksum = true;
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files, 0);
	fake_set(f->src, "d/b \xc3\xa9", "TWOtwo", 2000);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files, 1);
	assert_string_equal(fake_content(f->dst, "d/b \xc3\xa9"), "TWOtwo");
	/* a new time alone */
	f->p.rules.checksum = false;
	fake_set_parts(f->dst, "d/b \xc3\xa9", 4);
	fake_set(f->src, "d/b \xc3\xa9", "TWOtwo", 7777);
	fake_reset_counts(f->dst);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.touched, 1);
	assert_int_equal(fake_counts(f->dst).puts, 0);
	/* and an unchanged run looks at nothing */
	fake_set_parts(f->dst, "d/b \xc3\xa9", 4);
	fake_reset_counts(f->dst);
	assert_int_equal(run(f), 0);
	assert_int_equal(f->result.files + f->result.touched, 0);
	assert_int_equal(fake_counts(f->dst).looks, 0);
}

/* What the two tell of "a": nothing, where their parts are not of one size. */
static void
checks_parts_of(struct fixture *f, uint64_t src, uint64_t dst, const char *content, bool same,
    uint64_t not_hashed)
{
	struct mf_mirror_check_params p = {.src = f->src, .dst = f->dst, .checkers = 1};
	struct mf_mirror_check_result r;

	fake_set(f->src, "a", "aaaaaa", 1000);
	fake_set(f->dst, "a", content, 1000);
	fake_set_parts(f->src, "a", src);
	fake_set_parts(f->dst, "a", dst);
	mf_error_clear(&f->e);
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), same ? 0 : -1);
	assert_int_equal(r.not_hashed, not_hashed);
	assert_int_equal(r.same, same);
	p.download = true; /* reads, whatever they tell */
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), strcmp(content, "aaaaaa") == 0 ? 0 : -1);
	assert_int_equal(r.not_hashed, 0);
}

static void
check_of_parts(void **state)
{
	struct fixture *f = *state;

	checks_parts_of(f, 4, 4, "aaaaaa", true, 0);
	checks_parts_of(f, 4, 4, "aaaaab", false, 0);
	checks_parts_of(f, 4, 3, "aaaaab", true, 1);
	checks_parts_of(f, 4, 0, "aaaaab", true, 1);
	checks_parts_of(f, 0, 4, "aaaaab", true, 1);
}

/* One side tells an MD5, the other that of parts. */
static void
check_of_parts_and_whole(void **state)
{
	struct fixture *f = *state;
	struct mf_mirror_check_params p = {.src = f->src, .dst = f->dst, .checkers = 1};
	struct mf_mirror_check_result r;
	int turn;

	for (turn = 0; turn < 2; turn++) {
		fake_set(f->src, "a", "aaaaaa", 1000);
		fake_set(f->dst, "a", "aaaaab", 1000);
		fake_set_parts(turn == 0 ? f->src : f->dst, "a", 4);
		assert_int_equal(mf_mirror_check(&p, &r, &f->e), 0);
		assert_int_equal(r.not_hashed, 1);
		f->p.rules.checksum = true;
		assert_int_equal(run(f), 0);
		assert_int_equal(f->result.files, 0);
	}
}

/* A directory is read for what the bucket tells. */
static void
check_of_parts_and_files(void **state)
{
	struct fixture *f = *state;
	struct mf_mirror_check_params p = {.src = f->src, .dst = f->dst, .checkers = 1};
	struct mf_mirror_check_result r;

	fake_set(f->src, "a", "aaaaaa", 1000);
	fake_set(f->dst, "a", "aaaaaa", 1000);
	fake_set_parts(f->dst, "a", 4);
	fake_set_parts(f->src, "a", 4);
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), 0);
	assert_int_equal(r.same, 1);
	assert_int_equal(r.not_hashed, 0);
	fake_set(f->dst, "a", "aaaaab", 1000);
	fake_set_parts(f->dst, "a", 4);
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), -1);
	assert_int_equal(f->e.code, MF_EDIFFERENT);
	assert_int_equal(r.differ, 1);
}

struct found {
	char text[256];
};

static void
note(void *arg, enum mf_mirror_difference how, const char *path)
{
	struct found *found = arg;
	size_t n = strlen(found->text);

	snprintf(found->text + n, sizeof found->text - n, "%c%s ", "+-*!"[how], path);
}

static void
check_finds(void **state)
{
	struct fixture *f = *state;
	struct found found = {""};
	struct mf_mirror_check_params p = {
	    .src = f->src, .dst = f->dst, .checkers = 1, .differs = note, .differs_arg = &found};
	struct mf_mirror_check_result r;

	three_files(f);
	assert_int_equal(run(f), 0);
	fake_set(f->dst, "a", "one", 1); /* a time is no difference */
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), 0);
	assert_int_equal(r.same, 3);
	assert_int_equal(r.bytes, 9);
	fake_set(f->dst, "a", "ONE", 1000);
	fake_set(f->dst, "extra", "x", 1);
	fake_set(f->src, "more", "x", 1);
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), -1);
	assert_int_equal(f->e.code, MF_EDIFFERENT);
	assert_non_null(strstr(found.text, "*a "));
	assert_non_null(strstr(found.text, "-extra "));
	assert_non_null(strstr(found.text, "+more "));
	p.size_only = p.one_way = true;
	found.text[0] = '\0';
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), -1);
	assert_string_equal(found.text, "+more ");
	p.size_only = false;
	p.download = true;
	fake_fail(f->src, FAKE_READ, "a", MF_EPERM);
	found.text[0] = '\0';
	assert_int_equal(mf_mirror_check(&p, &r, &f->e), -1);
	assert_int_equal(f->e.code, MF_ESOURCE);
	/* in no order */
	assert_int_equal(strlen(found.text), strlen("+more !a "));
	assert_non_null(strstr(found.text, "+more "));
	assert_non_null(strstr(found.text, "!a "));
}

#define RUNS(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RUNS(copies_and_deletes, dir_to_dir),
	    RUNS(copies_and_deletes, dir_to_bucket),
	    RUNS(copies_and_deletes, bucket_to_dir),
	    RUNS(copies_and_deletes, bucket_to_bucket),
	    RUNS(copy_keeps_the_rest, dir_to_dir),
	    RUNS(empty_directories_go, dir_to_dir),
	    RUNS(empty_directories_have_a_place, dir_to_dir),
	    RUNS(an_empty_source_is_asked_about, bucket_to_dir),
	    RUNS(a_file_becomes_an_empty_directory, dir_to_dir),
	    RUNS(a_file_becomes_a_directory, dir_to_dir),
	    RUNS(unreadable_file, dir_to_dir),
	    RUNS(unreadable_file_of_a_copy_in_place, dir_to_dir),
	    RUNS(unreadable_directory, dir_to_bucket),
	    RUNS(failing_destination_listing, dir_to_dir),
	    RUNS(failing_put, dir_to_bucket),
	    RUNS(failing_deletion, dir_to_dir),
	    RUNS(streams_between_stores, bucket_to_bucket),
	    RUNS(streams_between_stores, bucket_to_dir),
	    RUNS(streams_between_stores, dir_to_bucket),
	    RUNS(copies_within_a_store, bucket_to_bucket),
	    RUNS(source_breaks_in_mid_body, bucket_to_bucket),
	    RUNS(source_breaks_in_mid_body, bucket_to_dir),
	    RUNS(changing_file_is_tried_again, dir_to_dir),
	    RUNS(damaged_file_is_tried_again, bucket_to_dir),
	    RUNS(damaged_file_is_tried_again, bucket_to_bucket),
	    RUNS(failing_put, bucket_to_bucket),
	    RUNS(second_run_asks_nothing, bucket_to_bucket),
	    RUNS(a_dead_store_ends_it, dir_to_bucket),
	    RUNS(waiting_is_no_failure, dir_to_bucket),
	    RUNS(interrupted, dir_to_dir),
	    RUNS(max_delete, dir_to_dir),
	    RUNS(backups, dir_to_dir),
	    RUNS(a_backup_that_fails_keeps_the_file, dir_to_dir),
	    RUNS(filters, dir_to_dir),
	    RUNS(links_and_specials_are_skipped, dir_to_dir),
	    RUNS(dry_run, dir_to_bucket),
	    RUNS(second_run_asks_nothing, dir_to_bucket),
	    RUNS(second_run_asks_nothing, bucket_to_dir),
	    RUNS(a_new_time_alone_is_no_new_content, dir_to_bucket),
	    RUNS(checksum_reads_the_files, dir_to_bucket),
	    RUNS(checksum_of_parts, dir_to_bucket),
	    RUNS(check_finds, dir_to_dir),
	    RUNS(check_of_parts, bucket_to_bucket),
	    RUNS(check_of_parts_and_whole, bucket_to_bucket),
	    RUNS(check_of_parts_and_files, dir_to_bucket),
	    RUNS(check_of_parts_and_files, bucket_to_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
