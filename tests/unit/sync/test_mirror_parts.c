/* The merge, the spill, what is remembered, and names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/fs.h"
#include "src/sync/mirror_known.h"
#include "src/sync/mirror_merge.h"
#include "src/sync/mirror_names.h"
#include "src/sync/mirror_spill.h"

struct list {
	const char *paths[8]; /* ended by NULL; "!" fails; a directory has '/' at its end */
	size_t at;
	char dir[16];
};

static int
next_of(void *arg, struct mf_tree_entry *entry, struct mf_error *e)
{
	struct list *l = arg;
	const char *path = l->paths[l->at];
	size_t n = path != NULL ? strlen(path) : 0;

	if (path == NULL)
		return 1;
	if (strcmp(path, "!") == 0)
		return mf_error_set(e, MF_ETRANSFER, "cannot list");
	l->at++;
	*entry = (struct mf_tree_entry){.path = path};
	if (path[n - 1] == '/') {
		snprintf(l->dir, sizeof l->dir, "%.*s", (int)n - 1, path);
		*entry = (struct mf_tree_entry){.path = l->dir, .kind = MF_TREE_DIR};
	}
	return 0;
}

static const struct {
	struct list src, dst;
	const char *want;
} merges[] = {
    {{.paths = {NULL}}, {.paths = {NULL}}, ""},
    {{.paths = {"a", "b"}}, {.paths = {"b", "c"}}, "<a =b >c "},
    {{.paths = {NULL}}, {.paths = {"a", "b"}}, ">a >b "},
    {{.paths = {"a.x", "a/b"}}, {.paths = {"a", "a/b"}}, ">a <a.x =a/b "},
    {{.paths = {"a-b", "a/", "a0"}}, {.paths = {"a", "a/b", "a0/"}}, ">a <a-b <a >a/b <a0 >a0 "},
    {{.paths = {"a", "a.b", "a/"}}, {.paths = {"a/"}}, "<a <a.b =a "},
    {{.paths = {"a/", "a.b"}}, {.paths = {NULL}}, "<a src failed"},
    {{.paths = {"b", "a"}}, {.paths = {NULL}}, "<b src failed"},
    {{.paths = {"a", "a"}}, {.paths = {"b"}}, "<a src failed"},
    {{.paths = {"a"}}, {.paths = {"c", "b"}}, "<a >c dst failed"},
    {{.paths = {"a", "!"}}, {.paths = {"a", "b"}}, "=a src failed"},
    {{.paths = {"a", "b"}}, {.paths = {"!"}}, "dst failed"},
};

static void
merge(struct list src, struct list dst, char *text, size_t bytes)
{
	struct mf_tree_entry *s, *d;
	struct mf_error e = {0};
	struct mf_merge m;
	bool of_src;
	size_t n = 0;
	int rc;

	text[0] = '\0';
	mf_merge_init(&m, (struct mf_merge_input){next_of, &src, "src"},
	    (struct mf_merge_input){next_of, &dst, "dst"});
	while ((rc = mf_merge_next(&m, &s, &d, &of_src, &e)) == 0)
		n += (size_t)snprintf(text + n, bytes - n, "%s%s ",
		    s == NULL   ? ">"
		    : d == NULL ? "<"
				: "=",
		    s != NULL ? s->path : d->path);
	if (rc < 0)
		snprintf(text + n, bytes - n, "%s failed", of_src ? "src" : "dst");
	mf_merge_fini(&m);
}

static void
merges_sorted_lists(void **state)
{
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof merges / sizeof merges[0]; i++) {
		merge(merges[i].src, merges[i].dst, text, sizeof text);
		assert_string_equal(text, merges[i].want);
	}
}

static int
make_dir(void **state)
{
	char *dir = strdup("/tmp/mf-parts.XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static int
remove_dir(void **state)
{
	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, *state, NULL), 0);
	free(*state);
	return 0;
}

static void
spill_gives_back(void **state)
{
	struct mf_spill s = {.dir = *state};
	struct mf_error e = {0};
	char *path;

	assert_int_equal(mf_spill_rewind(&s, &e), 0);
	assert_int_equal(mf_spill_next(&s, &path, &e), 1);
	assert_int_equal(mf_spill_add(&s, "a\nb", &e), 0);
	assert_int_equal(mf_spill_add(&s, "c/", &e), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(mf_spill_rewind(&s, &e), 0);
	assert_int_equal(mf_spill_next(&s, &path, &e), 0);
	assert_string_equal(path, "a\nb");
	free(path);
	assert_int_equal(mf_spill_next(&s, &path, &e), 0);
	assert_string_equal(path, "c/");
	free(path);
	assert_int_equal(mf_spill_next(&s, &path, &e), 1);
	mf_spill_fini(&s);
	s = (struct mf_spill){.dir = "/nowhere"};
	assert_int_equal(mf_spill_add(&s, "a", &e), -1);
	assert_non_null(strstr(e.message, "/nowhere"));
	s = (struct mf_spill){.dir = NULL};
	assert_int_equal(mf_spill_add(&s, "a", &e), -1);
}

static struct mf_tree_entry
object(const char *path, const char *tag, int64_t mtime_ns, int64_t stored_us)
{
	struct mf_tree_entry entry = {.path = path,
	    .size = 5,
	    .has_mtime = mtime_ns >= 0,
	    .mtime_ns = mtime_ns,
	    .stored_us = stored_us};

	snprintf(entry.tag, sizeof entry.tag, "%s", tag);
	return entry;
}

static bool
knows(const struct mf_known *k, struct mf_tree_entry entry, int64_t mtime_ns)
{
	return mf_known_find(k, &entry) && entry.has_mtime && entry.mtime_ns == mtime_ns;
}

static void
known_is_remembered(void **state)
{
	struct mf_cache *cache = mf_cache_open(*state);
	struct mf_tree_entry put = object("p", "t1", 10, 0),
			     listed = object("l", "t2", -5 + 25, 70);
	struct mf_known *k = mf_known_load(cache, "here", NULL);

	assert_false(knows(k, object("p", "t1", -1, 5), 10));
	mf_known_learn(k, &put, false);
	mf_known_learn(k, &listed, true);
	mf_known_save(k, cache, false);
	mf_known_free(k);

	k = mf_known_load(cache, "here", NULL);
	assert_true(knows(k, object("p", "t1", -1, 5), 10));
	assert_true(knows(k, object("l", "t2", -1, 70), 20));
	assert_false(knows(k, object("l", "t2", -1, 71), 20)); /* written since */
	assert_false(knows(k, object("p", "t2", -1, 5), 10));
	assert_false(knows(k, object("q", "t1", -1, 5), 10));
	assert_false(knows(k, object("p", "", -1, 5), 10));
	put = object("p", "t3", 30, 0);
	mf_known_learn(k, &put, false);
	mf_known_save(k, cache, true); /* a run that did not see everything */
	mf_known_free(k);

	k = mf_known_load(cache, "here", NULL);
	assert_true(knows(k, object("p", "t3", -1, 5), 30));
	assert_true(knows(k, object("l", "t2", -1, 70), 20));
	mf_known_learn(k, &put, false);
	mf_known_save(k, cache, false);
	mf_known_free(k);
	k = mf_known_load(cache, "here", NULL);
	assert_false(knows(k, object("l", "t2", -1, 70), 20));
	mf_known_free(k);
	k = mf_known_load(cache, "elsewhere", NULL);
	assert_false(knows(k, object("p", "t3", -1, 5), 30));
	mf_known_free(k);
	k = mf_known_load(NULL, "here", NULL);
	assert_false(knows(k, object("p", "t3", -1, 5), 30));
	mf_known_free(k);
	mf_cache_close(cache);
}

static void
names_are_cut(void **state)
{
	struct mf_names *n = mf_names_new(2, NULL);
	char text[64];
	int a, b;

	(void)state;
	assert_string_equal(mf_names_text(n, 0, text, sizeof text), "");
	a = mf_names_enter(n, "abcdefghij");
	b = mf_names_enter(n, "x\ny");
	assert_int_equal(mf_names_enter(n, "full"), -1);
	assert_string_equal(mf_names_text(n, 0, text, sizeof text), "abcdefghij, x?y");
	assert_string_equal(mf_names_text(n, 5, text, sizeof text), "ab\xe2\x80\xa6ij, x?y");
	assert_string_equal(mf_names_text(n, 10, text, 5), "abcd");
	mf_names_leave(n, b);
	mf_names_leave(n, a);
	mf_names_leave(n, -1);
	a = mf_names_enter(n, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
	assert_string_equal(mf_names_text(n, 3, text, sizeof text), "\xc3\xa9\xe2\x80\xa6\xc3\xa9");
	assert_string_equal(mf_names_text(n, 1, text, sizeof text), "\xe2\x80\xa6");
	assert_int_equal(mf_names_enter(NULL, "x"), -1);
	mf_names_free(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(merges_sorted_lists),
	    cmocka_unit_test_setup_teardown(spill_gives_back, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(known_is_remembered, make_dir, remove_dir),
	    cmocka_unit_test(names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
