/* The table of layouts: rows that cover their blocks, ids that are never renumbered, and a
 * split that join undoes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/codec/layout.h"

static void
test_rows(void **state)
{
	const struct mf_layout *l;
	size_t i, at;
	unsigned f, planes;

	(void)state;
	for (i = 0; (l = mf_layout_nth(i)) != NULL; i++) {
		at = 0;
		planes = 0;
		for (f = 0; f < l->n_fields; f++) {
			assert_int_equal(l->fields[f].offset, at);
			assert_int_equal(l->fields[f].bytes % l->fields[f].width, 0);
			at += l->fields[f].bytes;
			planes += l->fields[f].width;
		}
		assert_int_equal(at, l->block_bytes);
		assert_true(at <= MF_LAYOUT_BLOCK_MAX_BYTES);
		assert_int_equal(planes, l->n_planes);
		assert_true(planes <= MF_LAYOUT_PLANES_MAX);
		assert_ptr_equal(mf_layout_find(l->id), l);
	}
	assert_null(mf_layout_find(0));
	assert_null(mf_layout_find(8));
	assert_null(mf_layout_find(255));
}

/* Ids and block lengths as modelferry-repository(5) has them. */
static void
test_ids(void **state)
{
	static const struct {
		unsigned id, block;
	} rows[] = {{1, 1}, {2, 2}, {3, 4}, {4, 8}, {5, 2}, {6, 4}, {7, 8}, {16, 18}, {17, 20},
	    {18, 22}, {19, 24}, {20, 34}, {21, 84}, {22, 110}, {23, 144}, {24, 176}, {25, 210},
	    {26, 292}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_non_null(mf_layout_find(rows[i].id));
		assert_int_equal(mf_layout_find(rows[i].id)->block_bytes, rows[i].block);
	}
	assert_null(mf_layout_nth(i));
}

static void
test_split_and_join(void **state)
{
	enum { BLOCKS = 37 };
	uint8_t in[BLOCKS * MF_LAYOUT_BLOCK_MAX_BYTES], back[sizeof in], split[sizeof in];
	uint8_t *planes[MF_LAYOUT_PLANES_MAX];
	const uint8_t *views[MF_LAYOUT_PLANES_MAX];
	const struct mf_layout *l;
	size_t i, at;
	unsigned p;

	(void)state;
	for (i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 2654435761u >> 11);
	for (i = 0; (l = mf_layout_nth(i)) != NULL; i++) {
		at = 0;
		for (p = 0; p < l->n_planes; p++) {
			planes[p] = split + at;
			views[p] = split + at;
			at += mf_layout_plane_bytes(l, p, BLOCKS);
		}
		assert_int_equal(at, (size_t)BLOCKS * l->block_bytes);
		memset(back, 0, sizeof back);
		mf_layout_split(l, in, BLOCKS, planes);
		mf_layout_join(l, back, BLOCKS, views);
		assert_memory_equal(in, back, at);
	}
}

/* The scale of a Q4_0 block is rotated and lies in two planes, the nibbles in one. */
static void
test_q4_0(void **state)
{
	uint8_t in[36], low[2], high[2], nibbles[32];
	uint8_t *const planes[] = {low, high, nibbles};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)i;
	in[1] = 0x80;
	mf_layout_split(mf_layout_find(MF_LAYOUT_Q4_0), in, 2, planes);
	assert_memory_equal(low, "\x01\x24", 2); /* 8000 -> 0001, 1312 -> 2624 */
	assert_memory_equal(high, "\x00\x26", 2);
	assert_memory_equal(nibbles, in + 2, 16);
	assert_memory_equal(nibbles + 16, in + 20, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_split_and_join),
		cmocka_unit_test(test_q4_0),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
