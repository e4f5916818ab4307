/* What shards find without each other: ranges, the digest of a listing, which attempts count, and
 * how parts are put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "src/repo/partial_int.h"
#include "src/repo/shard_int.h"

static void
test_ranges(void **state)
{
	static const uint64_t totals[] = {0, 1, 2, 3, 7, 100, 4096, UINT64_C(1) << 40, UINT64_MAX};
	static const uint32_t numbers[] = {1, 2, 3, 7, 64, 255, 256};
	struct mf_shard_range r;
	uint64_t at, least, most, length;
	size_t t, n;
	uint32_t i;

	(void)state;
	for (t = 0; t < sizeof(totals) / sizeof(totals[0]); t++) {
		for (n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
			at = most = 0;
			least = UINT64_MAX;
			for (i = 1; i <= numbers[n]; i++) {
				r = mf_shard_range_of(totals[t], i, numbers[n]);
				assert_true(r.from == at);
				length = (i == numbers[n] ? totals[t] : r.to) - r.from;
				least = length < least ? length : least;
				most = length > most ? length : most;
				at = r.to;
			}
			assert_true(at == UINT64_MAX);
			assert_true(most - least <= 1);
		}
	}
}

static void
test_range_contents(void **state)
{
	static const struct {
		uint64_t position, size;
		bool has, meets;
	} rows[] = {
	    {0, 1, false, false}, {24, 1, false, false}, {24, 2, false, true}, {25, 1, true, true},
	    {0, 100, false, true}, {49, 5, true, true}, {50, 5, false, false}, {25, 0, true, false},
	    {UINT64_MAX, 1, false, false},
	};
	struct mf_shard_range r = mf_shard_range_of(100, 2, 4); /* 25 to 50 */
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(mf_shard_has(&r, rows[i].position), rows[i].has);
		assert_int_equal(mf_shard_meets(&r, rows[i].position, rows[i].size), rows[i].meets);
	}
	r = mf_shard_range_of(100, 4, 4);
	assert_true(mf_shard_has(&r, 100)); /* what stands behind the last byte is the last shard's */
	r = mf_shard_range_of(0, 1, 4);
	assert_false(mf_shard_has(&r, 0));
}

static char text_a[] = "a.txt", text_b[] = "b", text_dir[] = "c";

/* The two files of the example in modelferry-repository(5), and a directory. */
static void
example(struct mf_entry x[3])
{
	x[0] = (struct mf_entry){.type = MF_ENTRY_FILE, .mode = 0644,
	    .mtime_ns = INT64_C(1767139200000000000), .ctime_ns = INT64_C(1795434335334300828),
	    .inode = 10986096, .size = 13, .path = text_a};
	x[1] = (struct mf_entry){.type = MF_ENTRY_SYMLINK, .mode = 0777,
	    .mtime_ns = INT64_C(1767139200000000000), .ctime_ns = INT64_C(1795434335338300829),
	    .inode = 10986098, .path = text_b, .target = text_a};
	x[2] = (struct mf_entry){.type = MF_ENTRY_DIR, .mode = 0755, .mtime_ns = 1, .ctime_ns = 2,
	    .inode = 3, .size = 4096, .path = text_dir};
}

static void
digest(const struct mf_entry *x, size_t n, uint8_t rules, char hex[65])
{
	struct mf_listing l = {.entries = (struct mf_entry *)(uintptr_t)x, .n_entries = n};
	uint8_t out[MF_LISTING_DIGEST_BYTES];

	mf_listing_digest_of(&l, rules, out);
	mf_hex_encode(hex, out, sizeof(out));
}

static void
test_digest_is_the_page_s(void **state)
{
	struct mf_entry x[3];
	char hex[65];

	(void)state;
	example(x);
	digest(x, 2, 0, hex);
	assert_string_equal(hex, "b66d674b2d1586ecd6864bfd6dc31a7769976e46b3fe39ffe287e520b755dd40");
	digest(x, 2, MF_LISTING_NO_INODE | MF_LISTING_NO_CTIME, hex);
	assert_string_equal(hex, "84a818d7c0173074902438a5c77dc320a10ff7e4874b4e82e0e25bd18a155b3a");
}

enum change { MODE, MTIME, CTIME, INODE, SIZE, TYPE, PATH, TARGET };

static void
change(struct mf_entry *x, enum change c)
{
	static char other[] = "a.txu";

	switch (c) {
	case MODE: x->mode ^= 1; break;
	case MTIME: x->mtime_ns++; break;
	case CTIME: x->ctime_ns++; break;
	case INODE: x->inode++; break;
	case SIZE: x->size++; break;
	case TYPE: x->type = x->type == MF_ENTRY_FILE ? MF_ENTRY_HARDLINK : MF_ENTRY_FILE; break;
	case PATH: x->path = other; break;
	case TARGET: x->target = other; break;
	}
}

static void
test_digest_sees_changes(void **state)
{
	static const struct {
		size_t entry;
		enum change change;
		uint8_t rules;
		bool differs;
	} rows[] = {
	    {0, MODE, 0, true}, {0, MTIME, 0, true}, {0, CTIME, 0, true}, {0, INODE, 0, true},
	    {0, SIZE, 0, true}, {0, TYPE, 0, true}, {0, PATH, 0, true}, {1, TARGET, 0, true},
	    {1, MTIME, 0, true}, {1, SIZE, 0, false}, {2, MODE, 0, true}, {2, MTIME, 0, false},
	    {2, CTIME, 0, false}, {2, INODE, 0, false}, {2, SIZE, 0, false},
	    {0, CTIME, MF_LISTING_NO_CTIME, false}, {0, INODE, MF_LISTING_NO_CTIME, true},
	    {0, INODE, MF_LISTING_NO_INODE, false}, {0, CTIME, MF_LISTING_NO_INODE, true},
	    {0, MTIME, MF_LISTING_NO_INODE | MF_LISTING_NO_CTIME, true},
	};
	struct mf_entry x[3];
	char before[65], after[65];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		example(x);
		digest(x, 3, rows[i].rules, before);
		change(&x[rows[i].entry], rows[i].change);
		digest(x, 3, rows[i].rules, after);
		if ((strcmp(before, after) != 0) != rows[i].differs)
			fail_msg("row %zu", i);
	}
}

/* Attempts as "shard of listing time", and what is chosen: the indexes, or a part of the error. */
struct attempt {
	unsigned number, of;
	uint8_t listing;
	int64_t created_us;
};

static const struct {
	unsigned of;
	struct attempt attempts[8];
	size_t chosen[4];
	const char *error, *hint;
} choices[] = {
    {1, {{1, 1, 7, 5}}, {0}, NULL, NULL},
    {3, {{1, 3, 7, 5}, {2, 3, 7, 5}, {3, 3, 7, 5}}, {0, 1, 2}, NULL, NULL},
    /* the newest attempt of a shard; of two of one time the first */
    {2, {{1, 2, 7, 5}, {1, 2, 7, 9}, {1, 2, 7, 9}, {2, 2, 7, 1}}, {1, 3}, NULL, NULL},
    /* others of another listing, or number, do not matter where one is complete */
    {2, {{1, 2, 7, 5}, {2, 2, 7, 5}, {1, 2, 8, 9}, {1, 3, 7, 9}}, {0, 1}, NULL, NULL},
    /* of two that are complete the newer */
    {2, {{1, 2, 7, 5}, {2, 2, 7, 5}, {1, 2, 8, 5}, {2, 2, 8, 6}}, {2, 3}, NULL, NULL},
    {4, {{2, 4, 7, 5}, {4, 4, 7, 5}}, {0}, "missing 1, 3", "--shard I/4"},
    {2, {{0, 0, 0, 0}}, {0}, "missing 1, 2", "--shard I/2"},
    {2, {{1, 3, 7, 5}, {2, 3, 7, 5}}, {0}, "missing 1, 2", "there are shards of 3"},
    {3, {{1, 3, 7, 5}, {2, 3, 8, 5}}, {0}, "missing 2, 3", "--shard I/3"},
    {3, {{1, 3, 7, 5}, {2, 3, 8, 5}, {3, 3, 7, 5}}, {0},
	"070000000000... by 1, 3; 080000000000... by 2", "push the shards again"},
};

static void
test_choice(void **state)
{
	struct mf_partial items[8];
	struct mf_partials ps = {.items = items};
	size_t chosen[MF_SHARDS_MAX], i, k;
	const struct attempt *a;
	struct mf_error e;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		for (ps.n = 0; ps.n < 8 && choices[i].attempts[ps.n].of != 0; ps.n++) {
			a = &choices[i].attempts[ps.n];
			items[ps.n] = (struct mf_partial){.root = {.created_us = a->created_us,
			    .shard = {.number = a->number, .of = a->of, .listing = {a->listing}}}};
		}
		e = (struct mf_error){0};
		rc = mf_partials_choose(&ps, choices[i].of, "m@v", chosen, &e);
		if ((rc == 0) != (choices[i].error == NULL))
			fail_msg("row %zu: %d, %s", i, rc, e.message);
		for (k = 0; rc == 0 && k < choices[i].of; k++)
			assert_int_equal(chosen[k], choices[i].chosen[k]);
		if (rc == 0)
			continue;
		assert_int_equal(e.code, MF_ECONFLICT);
		if (strstr(e.message, choices[i].error) == NULL ||
		    strstr(e.hint, choices[i].hint) == NULL)
			fail_msg("row %zu: %s / %s", i, e.message, e.hint);
	}
}

/* A file of parts as its shards have it: "3-4" is a slice of three bytes, then four elsewhere; a
 * "c" in front: it has the checksum. */
static const struct {
	const char *parts[3];
	uint64_t size;
	const char *error;
} merges[] = {
    {{"c7", NULL, NULL}, 7, NULL},
    {{"3-4", "c-3 4", NULL}, 7, NULL},
    {{"3-2 2", "c-3 2-2", NULL}, 7, NULL},
    {{"1-6", "-1 1-5", "c-2 5"}, 7, NULL},
    {{"1-1-5", "c-1 1-5", "-2 2 3"}, 7, NULL}, /* elsewhere in two pieces */
    {{"c-7", "7", NULL}, 7, NULL},
    {{"3-4", "-3 4", NULL}, 7, "no shard has its checksum"},
    {{"c3-4", "c-3 4", NULL}, 7, "two shards have all of it"},
    {{"3-4", "c-2 5", NULL}, 7, "two shards have the same bytes"},
    {{"3-4", "c-4 3", NULL}, 7, "no shard has some of its bytes"},
    {{"3-4", "c-3 3", NULL}, 7, "no shard has some of its bytes"},
    {{"3-5", "c-3 4", NULL}, 7, "more than its size"},
    {{"3-4", "c-3 4 1", NULL}, 7, "more than its size"},
};

static void
make_part(const char *text, uint64_t size, struct mf_listing *l)
{
	struct mf_chunk_ref chunk = {.plain_len = 100};
	struct mf_entry x = {.type = MF_ENTRY_FILE, .size = size, .path = text_a, .target = text_b};
	struct mf_slice s;
	struct mf_error e = {0};

	*l = (struct mf_listing){.is_partial = true};
	x.lacks_checksum = text[0] != 'c';
	for (text += !x.lacks_checksum; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		s = (struct mf_slice){MF_SLICE_ELSEWHERE, 0, 0};
		if (*text == '-')
			text++;
		else
			assert_int_equal(mf_listing_add_chunk(l, &chunk, &s.chunk, &e), 0);
		s.len = (uint32_t)(*text - '0');
		assert_int_equal(mf_listing_add_slice(l, s, &e), 0);
		x.n_slices++;
	}
	assert_int_equal(mf_listing_add_entry(l, &x, &e), 0);
}

static void
test_merge(void **state)
{
	struct mf_listing parts[3], out;
	size_t chunk_end[3], i, n, k;
	struct mf_error e;
	uint64_t bytes;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(merges) / sizeof(merges[0]); i++) {
		for (n = 0; n < 3 && merges[i].parts[n] != NULL; n++)
			make_part(merges[i].parts[n], merges[i].size, &parts[n]);
		out = (struct mf_listing){0};
		e = (struct mf_error){0};
		rc = mf_partials_merge_listings(parts, n, &out, chunk_end, &e);
		if ((rc == 0) != (merges[i].error == NULL) ||
		    (rc != 0 && strstr(e.message, merges[i].error) == NULL))
			fail_msg("row %zu: %d, %s", i, rc, e.message);
		for (k = bytes = 0; rc == 0 && k < out.n_slices; k++) {
			assert_true(out.slices[k].chunk < out.n_chunks);
			bytes += out.slices[k].len;
		}
		assert_true(rc != 0 || (bytes == merges[i].size && out.n_entries == 1));
		for (k = 0; k < n; k++)
			mf_listing_fini(&parts[k]);
		mf_listing_fini(&out);
	}
}

/* A root says which shard it is of; what cannot be is refused. */
static void
test_root(void **state)
{
	static const struct {
		struct mf_root_shard shard;
		uint32_t flags;
		int code;
	} rows[] = {
	    {{1, 1, 0, {9}}, MF_ROOT_SHARD, MF_OK},
	    {{256, 256, 3, {9}}, MF_ROOT_SHARD, MF_OK},
	    {{0, 1, 0, {9}}, MF_ROOT_SHARD, MF_EDAMAGED},
	    {{3, 2, 0, {9}}, MF_ROOT_SHARD, MF_EDAMAGED},
	    {{1, 257, 0, {9}}, MF_ROOT_SHARD, MF_EDAMAGED},
	    {{1, 2, 4, {9}}, MF_ROOT_SHARD, MF_EDAMAGED},
	    {{1, 2, 0, {9}}, 4, MF_EUNSUPPORTED},
	};
	struct mf_root r, back, less;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = (struct mf_root){.model = text_a, .version = text_b, .flags = rows[i].flags,
		    .shard = rows[i].shard};
		e = (struct mf_error){0};
		mf_buf_clear(&b);
		assert_int_equal(mf_root_encode(&r, NULL, &b, &e), 0);
		assert_int_equal(mf_root_decode(b.data, b.len, &back, &e) == 0, rows[i].code == MF_OK);
		assert_int_equal(e.code, rows[i].code);
		if (rows[i].code == MF_OK) {
			assert_int_equal(back.shard.number, r.shard.number);
			assert_int_equal(back.shard.of, r.shard.of);
			assert_int_equal(back.shard.rules, r.shard.rules);
			assert_memory_equal(back.shard.listing, r.shard.listing, 32);
			/* and not a byte less */
			assert_int_not_equal(mf_root_decode(b.data, b.len - 1, &less, &e), 0);
		}
		mf_root_fini(&back);
	}
	mf_buf_fini(&b);
}

/* Slices of elsewhere, and entries without checksum, are a partial manifest's alone. */
static void
test_segment(void **state)
{
	static const char *const parts[] = {"c3", "c3-4", "3"};
	static const bool is_a_versions[] = {true, false, false};
	struct mf_listing l, back;
	struct mf_buf b = MF_BUF_INIT;
	size_t i, next, slice;
	struct mf_error e;

	(void)state;
	for (i = 0; i < 3; i++) {
		make_part(parts[i], 7, &l);
		next = slice = 0;
		mf_buf_clear(&b);
		e = (struct mf_error){0};
		assert_int_equal(mf_segment_encode(&l, &next, &slice, &b, &e), 0);
		back = (struct mf_listing){.is_partial = true};
		assert_int_equal(mf_segment_decode(b.data, b.len, &back, &e), 0);
		assert_int_equal(back.n_slices, l.n_slices);
		assert_int_equal(back.entries[0].lacks_checksum, l.entries[0].lacks_checksum);
		mf_listing_fini(&back);
		assert_int_equal(mf_segment_decode(b.data, b.len, &back, &e) == 0, is_a_versions[i]);
		mf_listing_fini(&back);
		mf_listing_fini(&l);
	}
	mf_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_range_contents),
		cmocka_unit_test(test_digest_is_the_page_s),
		cmocka_unit_test(test_digest_sees_changes),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_segment),
	};

	return cmocka_run_group_tests_name("shards", tests, NULL, NULL);
}
