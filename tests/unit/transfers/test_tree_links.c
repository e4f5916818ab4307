/* Symbolic links in a directory's tree: followed, or as files, with which the contract holds, too.
 */
#include "tests/unit/transfers/tree_contract.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/fs.h"
#include "tests/unit/transfers/tree_dir_fixture.h"

#define MTIME_NS INT64_C(1500000000123456789)

static struct mf_tree *
again(void *world)
{
	return tree_dir_at(world, MF_TREE_LINKS_AS_FILES, true);
}

static struct mf_tree *
make(void **world)
{
	tree_dir_make(world);
	return again(*world);
}

static int
set_up(void **state)
{
	(void)tree_dir_set_up(state);
	assert_int_equal(mkdir("tree", 0700), 0);
	return 0;
}

static void
make_link(const char *target, const char *path)
{
	assert_int_equal(symlink(target, path), 0);
}

static void
assert_leads(const char *path, const char *target)
{
	char out[256] = "";

	assert_true(readlink(path, out, sizeof out - 1) >= 0);
	assert_string_equal(out, target);
}

/* "kind path=size ..." and how the listing ended. */
static int
list(struct mf_tree *t, char out[512], struct mf_error *e)
{
	struct mf_tree_cursor *c;
	struct mf_tree_entry entry;
	size_t n = 0;
	int rc;

	out[0] = '\0';
	mf_error_clear(e);
	assert_int_equal(mf_tree_list(t, "", &c, e), 0);
	while ((rc = mf_tree_next(c, &entry, e)) == 0)
		n += (size_t)snprintf(out + n, 512 - n, "%c %s=%llu ", "fdls"[entry.kind],
		    entry.path, (unsigned long long)entry.size);
	mf_tree_cursor_close(c);
	return rc;
}

static int
read_text(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)e;
	memcpy(buf, (const char *)arg + offset, n);
	return 0;
}

static int
put_bytes(struct mf_tree *t, const char *path, const char *bytes, size_t n, struct mf_error *e)
{
	char copy[8192];
	const struct mf_tree_source source = {
	    .size = n, .read_at = read_text, .arg = copy, .mtime_ns = MTIME_NS};

	assert_true(n <= sizeof copy);
	memcpy(copy, bytes, n);
	mf_error_clear(e);
	return mf_tree_put(t, path, &source, NULL, e);
}

static int
put(struct mf_tree *t, const char *path, const char *text, struct mf_error *e)
{
	return put_bytes(t, path, text, strlen(text), e);
}

static int
take(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	(void)e;
	strncat(arg, bytes, n);
	return 0;
}

static struct mf_tree_entry
look(struct mf_tree *t, const char *path)
{
	struct mf_tree_entry entry;
	struct mf_error e = {0};

	assert_int_equal(mf_tree_look(t, path, &entry, &e), 0);
	return entry;
}

/* ---- as files ---- */

static void
read_as_files(void **state)
{
	struct mf_tree *t = tree_dir_at("tree", MF_TREE_LINKS_AS_FILES, true);
	struct mf_error e = {0};
	struct mf_tree_entry entry;
	char all[512], text[64] = "";

	(void)state;
	make_link("../nowhere", "tree/a");
	tree_dir_write_file("tree/a.b");
	tree_dir_write_file("tree/fake.rclonelink"); /* no link: no file either */
	assert_int_equal(mkdir("tree/d", 0700), 0);
	make_link("/etc", "tree/d/e");
	assert_int_equal(list(t, all, &e), 1);
	assert_string_equal(all, "f a.b=1 f a.rclonelink=10 f d/e.rclonelink=4 ");
	entry = look(t, "a.rclonelink");
	assert_int_equal(mf_tree_get(t, &entry, take, text, &e), 0);
	assert_string_equal(text, "../nowhere");
	assert_int_equal(mf_tree_look(t, "a", &entry, &e), 1);
	assert_int_equal(mf_tree_look(t, "a.b.rclonelink", &entry, &e), 1);
	entry = look(t, "a.rclonelink");
	assert_int_equal(unlink("tree/a"), 0);
	make_link("../nowhera", "tree/a");
	assert_int_equal(mf_tree_get(t, &entry, take, text, &e), -1);
	assert_int_equal(e.code, MF_ESOURCE);
	mf_tree_close(t);
}

static void
put_as_links(void **state)
{
	struct mf_tree *t = tree_dir_at("tree", MF_TREE_LINKS_AS_FILES, true);
	struct mf_error e = {0};
	struct mf_tree_entry entry;
	struct mf_tree_source source;

	(void)state;
	assert_int_equal(put(t, "d/a.rclonelink", "one", &e), 0);
	assert_leads("tree/d/a", "one");
	assert_int_equal(put(t, "d/a.rclonelink", "../other", &e), 0);
	assert_leads("tree/d/a", "../other");
	entry = look(t, "d/a.rclonelink");
	assert_true(entry.mtime_ns == MTIME_NS);
	assert_int_equal(mf_tree_touch(t, &entry, MTIME_NS + 1000000000, &e), 0);
	entry = look(t, "d/a.rclonelink");
	assert_true(entry.mtime_ns == MTIME_NS + 1000000000);
	assert_int_equal(mf_tree_source_open(t, &entry, &source, &e), 0);
	assert_int_equal(mf_tree_put(t, "again.rclonelink", &source, NULL, &e), 0);
	mf_tree_source_close(t, &source);
	assert_leads("tree/again", "../other");
	assert_int_equal(mf_tree_move(t, "moved.rclonelink", t, &entry, &e), 0);
	assert_leads("tree/moved", "../other");
	assert_int_equal(access("tree/d/a", F_OK), -1);
	assert_int_equal(mf_tree_del(t, &(const char *){"moved.rclonelink"}, 1, NULL, NULL, &e), 0);
	assert_int_equal(mf_tree_look(t, "moved.rclonelink", &entry, &e), 1);
	mf_tree_close(t);
}

/* A link and a file of one name are two paths: neither replaces or removes the other. */
static void
link_and_file(void **state)
{
	static const char *const file[] = {"a"}, *const link[] = {"b.rclonelink"};
	struct mf_tree *t = tree_dir_at("tree", MF_TREE_LINKS_AS_FILES, true);
	struct mf_error e = {0};

	(void)state;
	make_link("x", "tree/a");
	tree_dir_write_file("tree/b");
	assert_int_equal(put(t, "a", "text", &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_int_equal(put(t, "b.rclonelink", "text", &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_int_equal(mf_tree_del(t, file, 1, NULL, NULL, &e), 0);
	assert_leads("tree/a", "x");
	assert_int_equal(mf_tree_del(t, link, 1, NULL, NULL, &e), 0);
	assert_int_equal(access("tree/b", F_OK), 0);
	assert_int_equal(mkdir("tree/d", 0700), 0);
	assert_int_equal(put(t, "d.rclonelink", "text", &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	/* a directory of such a name is one */
	assert_int_equal(mf_tree_make_dir(t, "d.rclonelink", &e), 0);
	assert_int_equal(mf_tree_remove_dir(t, "d.rclonelink", &e), 0);
	assert_int_equal(access("tree/d", F_OK), 0);
	mf_tree_close(t);
}

/* Names and contents of a bucket that somebody else wrote. */
static void
hostile(void **state)
{
	static const char *const names[] = {
	    ".rclonelink", "..rclonelink", "...rclonelink", "d/.rclonelink", "d/...rclonelink"};
	struct mf_tree *t = tree_dir_at("tree", MF_TREE_LINKS_AS_FILES, true);
	const char *const below[] = {"out/file"};
	struct mf_error e = {0};
	char all[512], long_target[5000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(put(t, names[i], "x", &e), -1);
		assert_int_equal(e.code, MF_EUNSUPPORTED);
	}
	memset(long_target, 'x', sizeof long_target);
	assert_int_equal(put_bytes(t, "a.rclonelink", long_target, sizeof long_target, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_int_equal(put_bytes(t, "a.rclonelink", "a\0b", 3, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_int_equal(put(t, "a.rclonelink", "", &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	/* a link that leads out, and files that are to be written through it */
	assert_int_equal(mkdir("outside", 0700), 0);
	tree_dir_write_file("outside/file");
	assert_int_equal(put(t, "out.rclonelink", "../outside", &e), 0);
	assert_int_equal(put(t, "out/file", "written", &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_int_equal(put(t, "out/deep/file", "written", &e), -1);
	assert_int_equal(put(t, "out/link.rclonelink", "x", &e), -1);
	assert_int_equal(mf_tree_del(t, below, 1, NULL, NULL, &e), -1);
	assert_int_equal(access("outside/file", F_OK), 0);
	assert_int_equal(access("outside/deep", F_OK), -1);
	assert_int_equal(access("outside/link", F_OK), -1);
	/* and one to a file, which is not written either */
	assert_int_equal(put(t, "file.rclonelink", "../outside/file", &e), 0);
	assert_int_equal(put(t, "file", "written", &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	mf_tree_close(t);
	t = tree_dir_at("outside", MF_TREE_LINKS_SHOWN, false);
	assert_int_equal(list(t, all, &e), 1);
	assert_string_equal(all, "f file=1 ");
	mf_tree_close(t);
	/* nor without links as files: then it is replaced */
	t = tree_dir_at("tree", MF_TREE_LINKS_SHOWN, true);
	assert_int_equal(put(t, "file", "written", &e), 0);
	assert_int_equal(look(t, "file").size, 7);
	assert_int_equal(look(t, "file").kind, MF_TREE_FILE);
	mf_tree_close(t);
}

static void
sweep(void **state)
{
	struct mf_tree *t = tree_dir_at("tree", MF_TREE_LINKS_AS_FILES, true);
	struct mf_error e = {0};
	struct stat st;

	(void)state;
	make_link("x", "tree/.modelferry-part-0123456789abcdef");
	make_link("x", "tree/a");
	assert_int_equal(mf_tree_sweep(t, 0, &e), 0);
	assert_int_equal(lstat("tree/.modelferry-part-0123456789abcdef", &st), -1);
	assert_int_equal(lstat("tree/a", &st), 0);
	mf_tree_close(t);
}

/* ---- followed ---- */

static void
followed(void **state)
{
	struct mf_tree *t = tree_dir_at("tree", MF_TREE_LINKS_FOLLOWED, false);
	struct mf_error e = {0};
	struct mf_tree_entry entry;
	char all[512], text[64] = "";

	(void)state;
	assert_int_equal(mkdir("outside", 0700), 0);
	assert_int_equal(mkdir("outside/empty", 0700), 0);
	tree_dir_write_file("outside/file");
	tree_dir_write_file("tree/b");
	make_link("../outside", "tree/a");
	make_link("a", "tree/c");
	make_link("../outside/file", "tree/f");
	assert_int_equal(list(t, all, &e), 1);
	assert_string_equal(all, "d a/empty=0 f a/file=1 f b=1 d c/empty=0 f c/file=1 f f=1 ");
	entry = look(t, "c/file");
	assert_int_equal(mf_tree_get(t, &entry, take, text, &e), 0);
	assert_string_equal(text, "x");
	assert_int_equal(look(t, "a").kind, MF_TREE_DIR);
	assert_int_equal(mf_tree_look(t, "b/c", &entry, &e), 1);
	assert_int_equal(put(t, "new", "x", &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	mf_tree_close(t);
}

static void
assert_fails(const char *says, const char *shows)
{
	struct mf_tree *t = tree_dir_at("tree", MF_TREE_LINKS_FOLLOWED, false);
	struct mf_error e = {0};
	char all[512];

	assert_int_equal(list(t, all, &e), -1);
	assert_int_equal(e.code, MF_ESOURCE);
	if (strstr(e.message, says) == NULL)
		fail_msg("%s", e.message);
	assert_string_equal(all, shows);
	mf_tree_close(t);
}

/* The rest is shown all the same, and that it is not all is told. */
static void
circles(void **state)
{
	(void)state;
	tree_dir_write_file("tree/z");
	make_link("nothing/there", "tree/a");
	assert_fails("tree/a leads nowhere", "f z=1 ");
	assert_int_equal(unlink("tree/a"), 0);
	make_link("b", "tree/a");
	make_link("a", "tree/b");
	assert_fails("tree/a leads round in a circle", "f z=1 ");
	assert_int_equal(unlink("tree/a"), 0);
	assert_int_equal(unlink("tree/b"), 0);
	assert_int_equal(mkdir("tree/d", 0700), 0);
	make_link("..", "tree/d/up");
	tree_dir_write_file("tree/d/x");
	assert_fails("tree/d/up leads back to a directory that it lies in", "f d/x=1 f z=1 ");
	assert_int_equal(unlink("tree/d/up"), 0);
	make_link(".", "tree/d/self");
	assert_fails("tree/d/self leads back", "f d/x=1 f z=1 ");
}

static void
never_written(void **state)
{
	const struct mf_tree_dir_params p = {
	    .path = "tree", .links = MF_TREE_LINKS_FOLLOWED, .write = true};
	struct mf_error e = {0};
	struct mf_tree *t;

	(void)state;
	assert_int_equal(mf_tree_dir_open(&p, &t, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tree_dir_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(read_as_files),
	    TEST(put_as_links),
	    TEST(link_and_file),
	    TEST(hostile),
	    TEST(sweep),
	    TEST(followed),
	    TEST(circles),
	    TEST(never_written),
	};
	const struct mf_tree_subject subject = {
	    "links as files", make, again, tree_dir_drop, 5000000};

	return mf_tree_contract_run(
	    "links in a directory", &subject, 1, tests, sizeof tests / sizeof tests[0]);
}
