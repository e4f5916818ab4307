#include "tests/unit/transfers/tree_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MTIME_NS INT64_C(1500000000123456789)

struct fixture {
	const struct mf_tree_subject *subject;
	void *world;
	struct mf_tree *t;
	struct mf_error e;
};

/* ---- content ---- */

struct content {
	const char *text; /* NULL: bytes that follow from their place */
	uint64_t size;
	uint64_t fail_at; /* the offset from which reading fails; 0: never */
	bool changed;	  /* says `still` */
};

static uint8_t
byte_at(uint64_t offset)
{
	return (uint8_t)((offset * 2654435761u) >> 13);
}

static int
read_at(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	const struct content *c = arg;
	uint8_t *out = buf;
	size_t i;

	if (c->fail_at != 0 && offset + n > c->fail_at)
		return mf_error_set(e, MF_ESOURCE, "the source became shorter");
	for (i = 0; i < n; i++)
		out[i] = c->text != NULL ? (uint8_t)c->text[offset + i] : byte_at(offset + i);
	return 0;
}

static int
still(void *arg, struct mf_error *e)
{
	const struct content *c = arg;

	return c->changed ? mf_error_set(e, MF_ESOURCE, "the source changed") : 0;
}

static int
put(struct fixture *f, const char *path, struct content *c, struct mf_tree_entry *stored)
{
	const struct mf_tree_source source = {.size = c->size,
	    .read_at = read_at,
	    .still = still,
	    .arg = c,
	    .mtime_ns = MTIME_NS};

	mf_error_clear(&f->e);
	return mf_tree_put(f->t, path, &source, stored, &f->e);
}

static void
put_text(struct fixture *f, const char *path, const char *text)
{
	struct content c = {.text = text, .size = strlen(text)};

	if (put(f, path, &c, NULL) != 0)
		fail_msg("%s: %s", path, f->e.message);
}

struct got {
	uint64_t n;
	bool equal;
	char text[64];
};

static int
take(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	const uint8_t *in = bytes;
	struct got *g = arg;
	size_t i;

	(void)e;
	for (i = 0; i < n; i++, g->n++) {
		g->equal = g->equal && in[i] == byte_at(g->n);
		if (g->n + 1 < sizeof g->text)
			g->text[g->n] = (char)in[i];
	}
	return 0;
}

static struct got
get(struct fixture *f, const char *path)
{
	struct mf_tree_entry entry;
	struct got g = {.equal = true};

	mf_error_clear(&f->e);
	if (mf_tree_look(f->t, path, &entry, &f->e) != 0 ||
	    mf_tree_get(f->t, &entry, take, &g, &f->e) != 0)
		fail_msg("%s: %s", path, f->e.message);
	return g;
}

static void
assert_text(struct fixture *f, const char *path, const char *text)
{
	const struct got g = get(f, path);

	assert_int_equal(g.n, strlen(text));
	assert_string_equal(g.text, text);
}

/* "path=size ..." of all files. */
static void
assert_listed(struct fixture *f, const char *dir, const char *want)
{
	struct mf_tree_cursor *c;
	struct mf_tree_entry entry;
	char all[2048] = "";
	size_t n = 0;
	int rc;

	mf_error_clear(&f->e);
	if (mf_tree_list(f->t, dir, &c, &f->e) != 0)
		fail_msg("listing: %s", f->e.message);
	while ((rc = mf_tree_next(c, &entry, &f->e)) == 0)
		if (entry.kind == MF_TREE_FILE)
			n += (size_t)snprintf(all + n, sizeof all - n, "%s=%llu ", entry.path,
			    (unsigned long long)entry.size);
	mf_tree_cursor_close(c);
	if (rc < 0)
		fail_msg("listing: %s", f->e.message);
	assert_string_equal(all, want);
}

/* ---- the cases ---- */

static void
case_empty(struct fixture *f)
{
	struct mf_tree_entry entry;

	assert_listed(f, "", "");
	assert_int_equal(mf_tree_look(f->t, "none", &entry, &f->e), 1);
	assert_int_equal(mf_tree_look(f->t, "none/at/all", &entry, &f->e), 1);
	assert_int_equal(mf_tree_sweep(f->t, 0, &f->e), 0);
	assert_int_equal(mf_tree_sync(f->t, &f->e), 0);
}

static void
case_put_get(struct fixture *f)
{
	struct mf_tree_entry entry;

	put_text(f, "a/b/c.txt", "hello");
	put_text(f, "empty", "");
	assert_text(f, "a/b/c.txt", "hello");
	assert_text(f, "empty", "");
	assert_listed(f, "", "a/b/c.txt=5 empty=0 ");
	put_text(f, "a/b/c.txt", "replaced");
	assert_text(f, "a/b/c.txt", "replaced");
	assert_int_equal(mf_tree_look(f->t, "a/b/c.txt", &entry, &f->e), 0);
	assert_int_equal(entry.kind, MF_TREE_FILE);
	assert_int_equal(entry.size, 8);
	assert_true(entry.has_mtime);
	assert_true(entry.mtime_ns == MTIME_NS);
	assert_string_equal(entry.path, "a/b/c.txt");
}

static void
case_order(struct fixture *f)
{
	static const char *const paths[] = {
	    "b", "a/c", "a-b", "a.b", "a0", "a/b/c", "a/b.c", "B", "a b/x", "\xc3\xa4/x"};
	size_t i;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++)
		put_text(f, paths[i], "1");
	assert_listed(f, "", "B=1 a b/x=1 a-b=1 a.b=1 a/b.c=1 a/b/c=1 a/c=1 a0=1 b=1 \xc3\xa4/x=1 ");
	assert_listed(f, "a", "a/b.c=1 a/b/c=1 a/c=1 ");
	assert_listed(f, "a/b", "a/b/c=1 ");
}

static void
case_odd_names(struct fixture *f)
{
	static const char *const paths[] = {
	    "50% off+more=a&b?c#d", "it's \"quoted\" <here>", "~tilde/.hidden", "..."};
	size_t i;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		put_text(f, paths[i], paths[i]);
		assert_text(f, paths[i], paths[i]);
	}
	assert_listed(f, "",
	    "...=3 50% off+more=a&b?c#d=20 it's \"quoted\" <here>=20 ~tilde/.hidden=14 ");
}

static void
case_bad_paths(struct fixture *f)
{
	static const char *const paths[] = {"", "/a", "a/", "a//b", "./a", "a/../b", ".."};
	struct content c = {.text = "x", .size = 1};
	size_t i;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		assert_int_equal(put(f, paths[i], &c, NULL), -1);
		assert_int_equal(f->e.code, MF_EUSAGE);
	}
}

static void
case_large(struct fixture *f)
{
	struct content c = {.size = f->subject->large_bytes};
	struct mf_tree_entry stored;
	struct got g;

	if (put(f, "large", &c, &stored) != 0)
		fail_msg("%s", f->e.message);
	assert_int_equal(stored.size, c.size);
	g = get(f, "large");
	assert_int_equal(g.n, c.size);
	assert_true(g.equal);
}

/* What cannot be read to its end, or is another by then, is not shown, and leaves nothing. */
static void
case_failing_source(struct fixture *f)
{
	struct content small = {.text = "12345", .size = 5, .fail_at = 3};
	struct content large = {.size = f->subject->large_bytes, .fail_at = f->subject->large_bytes - 1};
	struct content changed = {.size = f->subject->large_bytes, .changed = true};

	put_text(f, "file", "before");
	assert_int_equal(put(f, "file", &small, NULL), -1);
	assert_int_equal(f->e.code, MF_ESOURCE);
	assert_int_equal(put(f, "file", &large, NULL), -1);
	assert_int_equal(f->e.code, MF_ESOURCE);
	assert_int_equal(put(f, "file", &changed, NULL), -1);
	assert_int_equal(f->e.code, MF_ESOURCE);
	assert_text(f, "file", "before");
	assert_listed(f, "", "file=6 ");
}

static void
case_get_of_another(struct fixture *f)
{
	struct mf_tree_entry entry;
	struct got g = {.equal = true};

	put_text(f, "file", "one");
	assert_int_equal(mf_tree_look(f->t, "file", &entry, &f->e), 0);
	put_text(f, "file", "other");
	assert_int_equal(mf_tree_get(f->t, &entry, take, &g, &f->e), -1);
	assert_int_equal(f->e.code, MF_ESOURCE);
	assert_int_equal(mf_tree_del(f->t, &(const char *){"file"}, 1, NULL, NULL, &f->e), 0);
	assert_int_equal(mf_tree_get(f->t, &entry, take, &g, &f->e), -1);
	assert_int_equal(f->e.code, MF_ENOTFOUND);
}

static void
case_source(struct fixture *f)
{
	struct mf_tree_entry entry;
	struct mf_tree_source source;
	char part[4] = "";

	put_text(f, "file", "0123456789");
	assert_int_equal(mf_tree_look(f->t, "file", &entry, &f->e), 0);
	assert_int_equal(mf_tree_source_open(f->t, &entry, &source, &f->e), 0);
	assert_int_equal(source.size, 10);
	assert_true(source.mtime_ns == MTIME_NS);
	assert_int_equal(source.read_at(source.arg, 4, part, 3, &f->e), 0);
	assert_string_equal(part, "456");
	assert_int_equal(mf_tree_put(f->t, "again", &source, NULL, &f->e), 0);
	mf_tree_source_close(f->t, &source);
	assert_text(f, "again", "0123456789");
	assert_int_equal(mf_tree_look(f->t, "again", &entry, &f->e), 0);
	assert_true(entry.mtime_ns == MTIME_NS);
}

static void
case_copy_and_move(struct fixture *f)
{
	struct mf_tree *other = f->subject->again(f->world);
	struct mf_tree_entry entry;

	put_text(f, "from", "content");
	assert_int_equal(mf_tree_look(f->t, "from", &entry, &f->e), 0);
	assert_int_equal(mf_tree_copy(other, "deep/copy", f->t, &entry, &f->e), 0);
	assert_text(f, "deep/copy", "content");
	if (mf_tree_move(other, "moved", f->t, &entry, &f->e) != 0)
		fail_msg("%s", f->e.message);
	assert_text(f, "moved", "content");
	assert_listed(f, "", "deep/copy=7 moved=7 ");
	assert_int_equal(mf_tree_look(f->t, "moved", &entry, &f->e), 0);
	assert_true(entry.mtime_ns == MTIME_NS);
	mf_tree_close(other);
}

static void
case_touch(struct fixture *f)
{
	struct mf_tree_entry entry;

	put_text(f, "file", "content");
	assert_int_equal(mf_tree_look(f->t, "file", &entry, &f->e), 0);
	assert_int_equal(mf_tree_touch(f->t, &entry, MTIME_NS + 5000000000, &f->e), 0);
	assert_int_equal(mf_tree_look(f->t, "file", &entry, &f->e), 0);
	assert_true(entry.mtime_ns == MTIME_NS + 5000000000);
	assert_text(f, "file", "content");
}

static void
case_delete(struct fixture *f)
{
	static const char *const paths[] = {"a/1", "a/2", "not there", "b"};

	put_text(f, "a/1", "1");
	put_text(f, "a/2", "2");
	put_text(f, "a/3", "3");
	put_text(f, "b", "b");
	if (mf_tree_del(f->t, paths, 4, NULL, NULL, &f->e) != 0)
		fail_msg("%s", f->e.message);
	assert_listed(f, "", "a/3=1 ");
	assert_int_equal(mf_tree_remove_dir(f->t, "a", &f->e), 0); /* is not empty: stays */
	assert_listed(f, "", "a/3=1 ");
	assert_int_equal(mf_tree_make_dir(f->t, "d/e", &f->e), 0);
	assert_int_equal(mf_tree_remove_dir(f->t, "d/e", &f->e), 0);
	assert_int_equal(mf_tree_remove_dir(f->t, "d", &f->e), 0);
	assert_int_equal(mf_tree_remove_dir(f->t, "d", &f->e), 0);
}

/* More than a page of a bucket's listing in the tests, and than one directory's names at first. */
static void
case_many(struct fixture *f)
{
	struct mf_tree_cursor *c;
	struct mf_tree_entry entry;
	char path[32], last[32] = "";
	unsigned i, n = 0;
	int rc;

	for (i = 0; i < 230; i++) {
		(void)snprintf(path, sizeof path, "d%u/f%03u", i % 3, i);
		put_text(f, path, "x");
	}
	assert_int_equal(mf_tree_list(f->t, "", &c, &f->e), 0);
	while ((rc = mf_tree_next(c, &entry, &f->e)) == 0) {
		assert_true(strcmp(last, entry.path) < 0);
		(void)snprintf(last, sizeof last, "%s", entry.path);
		n++;
	}
	assert_int_equal(rc, 1);
	assert_int_equal(n, 230);
	mf_tree_cursor_close(c);
	assert_int_equal(mf_tree_list(f->t, "", &c, &f->e), 0);
	assert_int_equal(mf_tree_next(c, &entry, &f->e), 0); /* closed in the middle */
	mf_tree_cursor_close(c);
}

static const struct {
	const char *name;
	void (*run)(struct fixture *f);
} cases[] = {
    {"empty", case_empty},
    {"put and get", case_put_get},
    {"order", case_order},
    {"odd names", case_odd_names},
    {"bad paths", case_bad_paths},
    {"large", case_large},
    {"failing source", case_failing_source},
    {"get of another", case_get_of_another},
    {"source", case_source},
    {"copy and move", case_copy_and_move},
    {"touch", case_touch},
    {"delete", case_delete},
    {"many", case_many},
};
#define CASES (sizeof cases / sizeof cases[0])

struct run {
	const struct mf_tree_subject *subject;
	size_t i;
	char name[80];
};

static void
run_case(void **state)
{
	const struct run *r = *state;
	struct fixture f = {.subject = r->subject};

	f.t = r->subject->make(&f.world);
	assert_non_null(f.t);
	cases[r->i].run(&f);
	mf_tree_close(f.t);
	r->subject->drop(f.world);
}

int
mf_tree_contract_run(const char *group, const struct mf_tree_subject *subjects,
    size_t n_subjects, const struct CMUnitTest *own, size_t n_own)
{
	const size_t n = CASES * n_subjects;
	const struct mf_tree_subject *subject;
	struct run *runs = calloc(n, sizeof *runs);
	struct CMUnitTest *tests = calloc(n + n_own, sizeof *tests);
	size_t i;
	int failed;

	if (runs == NULL || tests == NULL)
		abort();
	for (i = 0; i < n; i++) {
		subject = &subjects[i / CASES];
		runs[i] = (struct run){.subject = subject, .i = i % CASES};
		(void)snprintf(
		    runs[i].name, sizeof runs[i].name, "%s: %s", subject->name,
		    cases[i % CASES].name);
		tests[i] = (struct CMUnitTest){
		    .name = runs[i].name, .test_func = run_case, .initial_state = &runs[i]};
	}
	memcpy(tests + n, own, n_own * sizeof *tests);
	failed = _cmocka_run_group_tests(group, tests, n + n_own, NULL, NULL);
	free(tests);
	free(runs);
	return failed;
}
