#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/chunk/sample.h"

#define MIB (1 << 20)

static const struct sample_entry torch[] = {
    {.name = "ckpt/data.pkl", .bytes = "a pickle", .len = 8, .crc = 1},
    {.name = "ckpt/byteorder", .bytes = "little", .len = 6, .crc = 2},
    {.name = "ckpt/data/0", .len = 20 * MIB, .content = 10, .crc = 3},
    {.name = "ckpt/data/1", .len = 3000, .content = 11, .crc = 4},
    {.name = "ckpt/data/2", .len = 2 * MIB, .content = 12, .crc = 5},
    {.name = "ckpt/data/3", .len = 5000, .content = 13, .crc = 6},
    {.name = "ckpt/data/4", .len = 0, .crc = 0},
    {.name = "ckpt/version", .bytes = "3\n", .len = 2, .crc = 7},
};
#define N_TORCH (sizeof(torch) / sizeof(torch[0]))

static void
check_torch(bool zip64)
{
	struct mf_cut_plan *p;
	struct sample s;

	sample_init(&s);
	sample_zip(&s, torch, N_TORCH, zip64);
	p = sample_must(&s, "pytorch");
	/* structure with the pickle, three pieces, the small tensors, one piece */
	assert_int_equal(p->n_chunks, 6);
	assert_int_equal(p->chunks[0].element, MF_ELEMENT_TEXT);
	assert_int_equal(p->chunks[1].element, MF_ELEMENT_UNKNOWN);
	assert_int_equal(p->chunks[1].len, 8 * MIB);
	assert_int_equal(p->chunks[3].len, 4 * MIB);
	assert_int_equal(p->chunks[4].len, 8000);
	assert_int_equal(p->chunks[4].n_extents, 2);
	assert_int_equal(p->chunks[5].len, 2 * MIB);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

static void
torch_archive(void **state)
{
	(void)state;
	check_torch(false);
	check_torch(true);
}

/* N of data/N moves, and so does the archive's name: runs close where they did. */
static void
torch_insertion(void **state)
{
	enum { N = 2000 };
	static char names[2][N + 2][32];
	static struct sample_entry v[2][N + 2];
	struct mf_cut_plan *p[2];
	struct sample s[2];
	uint32_t x = 1;
	size_t i, f, k, structure;

	(void)state;
	for (i = 0; i <= N; i++) {
		x = x * 1664525u + 1013904223u;
		for (f = 0; f < 2; f++) {
			k = i + (f == 1 && i > N / 2); /* one more in the middle of the second */
			(void)snprintf(
			    names[f][k], 32, i == 0 ? "v%zu/data.pkl" : "v%zu/data/%zu", f, k);
			v[f][k] = (struct sample_entry){.name = names[f][k],
			    .len = (x >> 10) % 30000 + 1,
			    .content = i + 10,
			    .crc = x};
		}
	}
	(void)snprintf(names[1][N / 2 + 1], 32, "v1/data/%d", N / 2 + 1);
	v[1][N / 2 + 1] =
	    (struct sample_entry){.name = names[1][N / 2 + 1], .len = 1234, .content = 5, .crc = 6};
	for (f = 0; f < 2; f++) {
		sample_init(&s[f]);
		sample_zip(&s[f], v[f], N + 1 + f, false);
		p[f] = sample_must(&s[f], "pytorch");
	}
	for (i = structure = 0; i < p[1]->n_chunks; i++)
		structure += p[1]->chunks[i].element == MF_ELEMENT_TEXT;
	assert_in_range(sample_changed(&s[0], p[0], &s[1], p[1], 0), 1, structure + 2);
	assert_true(p[1]->n_chunks > structure + 8 && structure <= 2);
	for (f = 0; f < 2; f++) {
		mf_cut_plan_free(p[f]);
		sample_fini(&s[f]);
	}
}

/* Thousands of equal tensors, whose draw is the same, are no thousands of chunks. */
static void
torch_equal_tensors(void **state)
{
	enum { N = 3000 };
	static char names[N][32];
	static struct sample_entry v[N];
	struct mf_cut_plan *p;
	struct sample s;
	uint32_t crc;
	size_t i;

	(void)state;
	for (crc = 0; crc < 8; crc++) {
		for (i = 0; i < N; i++) {
			(void)snprintf(names[i], 32, i == 0 ? "m/data.pkl" : "m/data/%zu", i);
			v[i] = (struct sample_entry){.name = names[i], .len = 900000, .crc = crc};
		}
		sample_init(&s);
		sample_zip(&s, v, N, false);
		p = sample_must(&s, "pytorch");
		assert_true(p->n_chunks < N / 8 + 20);
		mf_cut_plan_free(p);
		sample_fini(&s);
	}
}

static void
numpy_archive(void **state)
{
	struct mf_buf f4 = MF_BUF_INIT, i8 = MF_BUF_INIT;
	struct sample_entry v[2] = {{.name = "weights.npy"}, {.name = "steps.npy"}};
	struct mf_cut_plan *p;
	struct sample s;
	size_t header, i;

	(void)state;
	sample_npy(&f4, "'<f4'");
	sample_npy(&i8, "'<i8'");
	header = f4.len;
	for (i = 0; i < 3 * MIB / 8; i++)
		mf_buf_put_u64(&f4, i);
	for (i = 0; i < 100; i++)
		mf_buf_put_u64(&i8, i);
	v[0].bytes = f4.data;
	v[0].len = f4.len;
	v[1].bytes = i8.data;
	v[1].len = i8.len;
	sample_init(&s);
	sample_zip(&s, v, 2, false);
	p = sample_must(&s, "npz");
	assert_int_equal(p->n_chunks, 3);
	assert_int_equal(p->chunks[0].element, MF_ELEMENT_TEXT); /* headers and directory */
	assert_int_equal(p->extents[0].len, 30 + 11 + header);
	assert_int_equal(p->chunks[1].element, MF_ELEMENT_F32);
	assert_int_equal(p->chunks[1].len, 3 * MIB);
	assert_int_equal(p->chunks[2].element, MF_ELEMENT_I64);
	assert_int_equal(p->chunks[2].len, 800);
	mf_cut_plan_free(p);
	sample_fini(&s);
	mf_buf_fini(&f4);
	mf_buf_fini(&i8);
}

static void
compressed_and_odd_members(void **state)
{
	static const struct sample_entry v[] = {
	    {.name = "a.npy", .len = 5 * MIB, .content = 10, .method = 8},
	    {.name = "b.npy", .len = 5 * MIB, .content = 11},
	    {.name = "c.npy", .bytes = "\223NUMPY", .len = 6},
	};
	struct mf_cut_plan *p;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_zip(&s, v, 3, false);
	p = sample_must(&s, "npz");
	assert_int_equal(p->chunks[1].element, MF_ELEMENT_BYTES);
	assert_int_equal(p->chunks[2].element, MF_ELEMENT_UNKNOWN);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

/* A file of one stored entry, with `value` written over it at an offset from its end (or, if
 * positive, its start), is refused for this reason. */
struct change {
	int at;
	uint32_t value;
	unsigned bytes;
	const char *word;
};

static void
check_change(const struct change *c, bool zip64)
{
	static const struct sample_entry v = {.name = "x", .bytes = "0123456789", .len = 10};
	struct sample s;
	size_t at;
	unsigned i;

	sample_init(&s);
	sample_zip(&s, &v, 1, zip64);
	at = c->at >= 0 ? (size_t)c->at : s.bytes.len - (size_t)-c->at;
	for (i = 0; i < c->bytes; i++)
		s.bytes.data[at + i] = (uint8_t)(c->value >> (i % 4 * 8));
	sample_refused(&s, c->word);
	sample_fini(&s);
}

static void
hostile(void **state)
{
	/* local header 31, data 10, entry 47 (+ 33), [end64 56, locator 20,] end 22 */
	static const struct change plain[] = {
	    {-22, 0, 4, "missing"},
	    {-2, 1, 2, "missing"},              /* comment length */
	    {-6, 0x7fffffff, 4, "end record"},  /* directory offset */
	    {-10, 0x7fffffff, 4, "end record"}, /* directory length */
	    {-6, 0xffffffff, 4, "zip64"},
	    {-12, 0xfffe, 2, "directory is malformed"}, /* entries */
	    {-12, 2, 2, "directory is malformed"},
	    {-69, 0, 4, "directory is malformed"},           /* magic of the entry */
	    {-69 + 28, 0xffff, 2, "directory is malformed"}, /* name length */
	    {-69 + 30, 0xffff, 2, "directory is malformed"}, /* extra length */
	    {-69 + 20, 0x10000, 4, "entry size"},            /* stored size */
	    {-69 + 24, 11, 4, "entry size"},                 /* plain size */
	    {-69 + 42, 0x7fffffff, 4, "entry offset"},       /* local header */
	    {-69 + 42, 0xffffffff, 4, "entry offset"},
	    {-69 + 42, 1, 4, "local header"},
	    {26, 0xffff, 2, "local header"}, /* name length there */
	    {28, 0xffff, 2, "local header"},
	};
	static const struct change large[] = {
	    {-42, 0, 4, "locator"},
	    {-42 + 8, 0xffffffff, 8, "locator"},
	    {-42 + 8, 1, 4, "zip64 end record"},
	    {-98 + 32, 0xffffffff, 8, "more zip entries"},
	    {-98 + 40, 0xffffffff, 8, "zip64 end record"},
	    {-98 + 48, 0xffffffff, 8, "zip64 end record"},
	    {-98 - 24, 0xffffffff, 8, "entry size"},
	    {-98 - 16, 0xffffffff, 8, "entry size"},
	    {-98 - 8, 0xffffffff, 8, "entry offset"},
	    {-98 - 8, 0xfffffff0, 8, "entry offset"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		check_change(&plain[i], false);
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		check_change(&large[i], true);
}

/* Entries that share bytes, as in zip bombs, and entries of one name. */
static void
overlaps_and_duplicates(void **state)
{
	static const struct sample_entry v[] = {
	    {.name = "x", .bytes = "0123456789", .len = 10},
	    {.name = "y", .bytes = "0123456789", .len = 10},
	};
	static const struct sample_entry same[] = {
	    {.name = "x", .bytes = "0123456789", .len = 10},
	    {.name = "x", .bytes = "0123456789", .len = 10},
	};
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_zip(&s, v, 2, false);
	mf_set_u32(s.bytes.data + s.bytes.len - 22 - 47 + 42, 0);
	sample_refused(&s, "overlap");
	sample_fini(&s);
	sample_init(&s);
	sample_zip(&s, same, 2, false);
	sample_refused(&s, "same name");
	sample_fini(&s);
}

static void
truncated(void **state)
{
	struct mf_cut_plan *p;
	struct sample s, part;
	size_t n;

	(void)state;
	sample_init(&s);
	sample_zip(&s, torch, 2, true);
	for (n = 0; n < s.bytes.len; n++) {
		sample_init(&part);
		sample_bytes(&part, s.bytes.data, n);
		assert_int_equal(sample_plan(&part, &p, NULL), 1);
		sample_fini(&part);
	}
	sample_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(torch_archive),
	    cmocka_unit_test(torch_insertion),
	    cmocka_unit_test(torch_equal_tensors),
	    cmocka_unit_test(numpy_archive),
	    cmocka_unit_test(compressed_and_odd_members),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(overlaps_and_duplicates),
	    cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests_name("chunk/zip", tests, NULL, NULL);
}
