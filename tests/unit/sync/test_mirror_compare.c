#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/sync/mirror_compare.h"

enum { T0 = 1000, UNKNOWN = -1, NEVER = -2 };

/* size, mtime (UNKNOWN, NEVER), MD5 (its first byte; UNKNOWN, NEVER), that of parts, how large */
struct facts {
	uint64_t size;
	int mtime, md5, parts_md5;
	uint64_t part_bytes;
};

static const struct {
	const char *name;
	struct mf_compare_rules rules;
	struct facts src, dst;
	enum mf_compare_verdict want;
} cases[] = {
    {"the same", {0}, {5, T0, UNKNOWN}, {5, T0, UNKNOWN}, MF_COMPARE_SAME},
    {"other size", {0}, {5, UNKNOWN, UNKNOWN}, {6, UNKNOWN, UNKNOWN}, MF_COMPARE_COPY},
    {"time not known", {0}, {5, T0, UNKNOWN}, {5, UNKNOWN, UNKNOWN}, MF_COMPARE_NEED_MTIMES},
    {"other time, no MD5 yet", {0}, {5, T0, UNKNOWN}, {5, T0 - 1, 7}, MF_COMPARE_NEED_MD5S},
    {"other time, same MD5", {0}, {5, T0, 7}, {5, T0 - 1, 7}, MF_COMPARE_TOUCH},
    {"newer there, same MD5", {0}, {5, T0, 7}, {5, T0 + 1, 7}, MF_COMPARE_TOUCH},
    {"other time, other MD5", {0}, {5, T0, 7}, {5, T0 - 1, 8}, MF_COMPARE_COPY},
    {"other time, never an MD5", {0}, {5, T0, UNKNOWN}, {5, T0 - 1, NEVER}, MF_COMPARE_COPY},
    {"within the window", {.window_ns = 10}, {5, T0, UNKNOWN}, {5, T0 + 9, UNKNOWN},
	MF_COMPARE_SAME},
    {"at the window", {.window_ns = 10}, {5, T0, 7}, {5, T0 + 10, 7}, MF_COMPARE_TOUCH},
    {"before the window", {.window_ns = 10}, {5, T0, 7}, {5, T0 - 10, 8}, MF_COMPARE_COPY},
    {"stored when, without an mtime", {0}, {5, T0, 7}, {5, NEVER, 7}, MF_COMPARE_TOUCH},

    {"size only", {.size_only = true}, {5, T0, UNKNOWN}, {5, 3, UNKNOWN}, MF_COMPARE_SAME},
    {"size only: other", {.size_only = true}, {5, T0, 7}, {4, T0, 7}, MF_COMPARE_COPY},

    {"checksum", {.checksum = true}, {5, T0, UNKNOWN}, {5, 3, 7}, MF_COMPARE_NEED_MD5S},
    {"checksum: same", {.checksum = true}, {5, T0, 7}, {5, 3, 7}, MF_COMPARE_SAME},
    {"checksum: other", {.checksum = true}, {5, T0, 7}, {5, T0, 8}, MF_COMPARE_COPY},
    {"checksum: never", {.checksum = true}, {5, T0, UNKNOWN}, {5, 3, NEVER}, MF_COMPARE_SAME},
    {"checksum: size first", {.checksum = true}, {5, T0, UNKNOWN}, {4, T0, 7}, MF_COMPARE_COPY},

    {"parts: not yet", {.checksum = true}, {5, T0, UNKNOWN}, {5, 3, UNKNOWN, 7, 2},
	MF_COMPARE_NEED_MD5S},
    {"parts: same", {.checksum = true}, {5, T0, UNKNOWN, 7, 2}, {5, 3, UNKNOWN, 7, 2},
	MF_COMPARE_SAME},
    {"parts: other", {.checksum = true}, {5, T0, UNKNOWN, 8, 2}, {5, T0, UNKNOWN, 7, 2},
	MF_COMPARE_COPY},
    {"parts: of another size", {.checksum = true}, {5, T0, UNKNOWN, 8, 2}, {5, T0, UNKNOWN, 7, 3},
	MF_COMPARE_NEED_MD5S},
    {"parts: of another size for ever", {.checksum = true}, {5, T0, UNKNOWN, 8, 2},
	{5, T0, NEVER, 7, 3}, MF_COMPARE_SAME},
    {"parts, and the whole", {.checksum = true}, {5, T0, 7}, {5, T0, UNKNOWN, 7, 2},
	MF_COMPARE_NEED_MD5S},
    {"parts, and the whole for ever", {.checksum = true}, {5, T0, 7}, {5, T0, NEVER, 7, 2},
	MF_COMPARE_SAME},
    {"the whole before parts", {.checksum = true}, {5, T0, 7, 8, 2}, {5, T0, 7, 9, 2},
	MF_COMPARE_SAME},
    {"parts: other time, same", {0}, {5, T0, UNKNOWN, 7, 2}, {5, 3, UNKNOWN, 7, 2},
	MF_COMPARE_TOUCH},
    {"parts: other time, other", {0}, {5, T0, UNKNOWN, 8, 2}, {5, 3, UNKNOWN, 7, 2},
	MF_COMPARE_COPY},

    {"update: newer there", {.update = true}, {5, T0, 7}, {9, T0 + 1, 8}, MF_COMPARE_KEPT},
    {"update: time not known", {.update = true}, {5, T0, 7}, {9, UNKNOWN, 8},
	MF_COMPARE_NEED_MTIMES},
    {"update: older there", {.update = true}, {5, T0, 7}, {9, T0 - 1, 8}, MF_COMPARE_COPY},
    {"update: older, same", {.update = true}, {5, T0, 7}, {5, T0 - 1, 7}, MF_COMPARE_TOUCH},
    {"update: same time", {.update = true}, {5, T0, 7}, {5, T0, 8}, MF_COMPARE_SAME},
    {"update: same time, size", {.update = true}, {5, T0, 7}, {6, T0, 8}, MF_COMPARE_COPY},
    {"update, checksum", {.update = true, .checksum = true}, {5, T0, 7}, {5, T0, 8},
	MF_COMPARE_COPY},
    {"update, size only", {.update = true, .size_only = true}, {5, T0, 7}, {5, T0 - 9, 8},
	MF_COMPARE_SAME},

    {"ignore existing", {.ignore_existing = true}, {5, T0, 7}, {6, 3, 8}, MF_COMPARE_KEPT},
    {"immutable", {.immutable = true}, {5, T0, 7}, {6, 3, 8}, MF_COMPARE_CONFLICT},
    {"immutable: time alone", {.immutable = true}, {5, T0, 7}, {5, 3, 7}, MF_COMPARE_CONFLICT},
    {"immutable: same", {.immutable = true}, {5, T0, 7}, {5, T0, 8}, MF_COMPARE_SAME},
    {"immutable, ignore existing", {.immutable = true, .ignore_existing = true}, {5, T0, 7},
	{6, 3, 8}, MF_COMPARE_KEPT},
};

static struct mf_compare_side
side(const struct facts *f, struct mf_tree_entry *entry)
{
	*entry = (struct mf_tree_entry){.path = "a",
	    .size = f->size,
	    .has_mtime = f->mtime >= 0,
	    .mtime_ns = f->mtime,
	    .stored_us = 77,
	    .has_md5 = f->md5 >= 0,
	    .part_bytes = f->part_bytes};
	entry->md5[0] = (uint8_t)f->md5;
	entry->parts_md5[0] = (uint8_t)f->parts_md5;
	return (struct mf_compare_side){entry, f->mtime == NEVER, f->md5 == NEVER};
}

static void
verdicts(void **state)
{
	struct mf_tree_entry src, dst;
	struct mf_compare_side s, d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		s = side(&cases[i].src, &src);
		d = side(&cases[i].dst, &dst);
		if (mf_compare(&cases[i].rules, &s, &d) != cases[i].want)
			fail_msg("%s", cases[i].name);
	}
}

static void
times_at_the_ends(void **state)
{
	struct mf_tree_entry a = {.path = "a", .has_mtime = true, .mtime_ns = INT64_MIN};
	struct mf_tree_entry b = {.path = "a", .has_mtime = true, .mtime_ns = INT64_MAX};
	struct mf_compare_side s = {.entry = &a}, d = {.entry = &b};
	struct mf_compare_rules rules = {.update = true};

	(void)state;
	assert_int_equal(mf_compare(&rules, &s, &d), MF_COMPARE_KEPT);
	assert_int_equal(mf_compare(&rules, &d, &s), MF_COMPARE_NEED_MD5S);
	rules = (struct mf_compare_rules){.window_ns = UINT64_MAX};
	assert_int_equal(mf_compare(&rules, &s, &d), MF_COMPARE_NEED_MD5S);
}

static void
paths_by_bytes(void **state)
{
	(void)state;
	assert_true(mf_compare_paths("a.x", "a/b") < 0);
	assert_true(mf_compare_paths("a/b", "a0") < 0);
	assert_true(mf_compare_paths("z", "\xc3\xa9") < 0);
	assert_true(mf_compare_paths("a", "a\n") < 0);
	assert_int_equal(mf_compare_paths("a", "a"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verdicts),
	    cmocka_unit_test(times_at_the_ends),
	    cmocka_unit_test(paths_by_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
