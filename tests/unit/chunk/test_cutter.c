/*
 * What makes versions share chunks: a tensor more, gone, or elsewhere changes next to nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/chunk/sample.h"

#define MANY 100000

/* A checkpoint of n tensors: small ones of 0.1 to 30 KB in two kinds, now and then a large. */
static struct sample_tensor *
checkpoint(size_t n)
{
	struct sample_tensor *t = calloc(n + 1, sizeof(*t));
	uint32_t x = 1;
	size_t i;

	assert_non_null(t);
	for (i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		(void)snprintf(t[i].name, sizeof(t[i].name), "layers.%zu.weight", i);
		t[i].dtype = (x >> 8) % 3 == 0 ? "F32" : "BF16";
		t[i].type = (x >> 8) % 3 == 0 ? 0 : 30;
		t[i].len = ((x >> 10) % 30000 + 100) / 4 * 4;
		if (i % 1000 == 999)
			t[i].len = (x >> 6) / 4 * 4; /* up to 64 MiB */
		t[i].content = i + 100;
	}
	return t;
}

/* Put one more tensor at index `at` of n. */
static void
insert(struct sample_tensor *t, size_t n, size_t at, uint64_t len, const char *dtype)
{
	memmove(&t[at + 1], &t[at], (n - at) * sizeof(*t));
	t[at] = (struct sample_tensor){.dtype = dtype, .type = 30, .len = len, .content = 99};
	(void)snprintf(t[at].name, sizeof(t[at].name), "inserted");
}

typedef void make_fn(struct sample *s, const struct sample_tensor *t, size_t n);

static void
make_safetensors(struct sample *s, const struct sample_tensor *t, size_t n)
{
	sample_safetensors(s, t, n);
}

static void
make_gguf(struct sample *s, const struct sample_tensor *t, size_t n)
{
	sample_gguf(s, t, n, 1000);
}

static void
insertion_changes_two(make_fn *make, const char *format, size_t n)
{
	static const unsigned permille[] = {0, 1, 137, 333, 500, 501, 777, 999, 1000};
	static const uint64_t lens[] = {16, 4096, 300000, 1000000};
	struct mf_cut_plan *before, *after;
	struct sample a, b;
	size_t i;

	{
		struct sample_tensor *t = checkpoint(n);

		sample_init(&a);
		make(&a, t, n);
		before = sample_must(&a, format);
		free(t);
	}
	for (i = 0; i < 9; i++) {
		struct sample_tensor *t = checkpoint(n);

		insert(t, n, n * permille[i] / 1000, lens[i % 4], "BF16");
		sample_init(&b);
		make(&b, t, n + 1);
		after = sample_must(&b, format);
		assert_in_range(sample_changed(&a, before, &b, after, before->chunks[0].len), 1, 2);
		mf_cut_plan_free(after);
		sample_fini(&b);
		free(t);
	}
	mf_cut_plan_free(before);
	sample_fini(&a);
}

static void
insertion_among_many(void **state)
{
	(void)state;
	insertion_changes_two(make_safetensors, "safetensors", MANY);
}

static void
insertion_in_gguf(void **state)
{
	(void)state;
	insertion_changes_two(make_gguf, "gguf", 5000);
}

/* A large tensor comes first: everything moves, and every run and piece is what it was. */
static void
frozen_tensors_move(void **state)
{
	static const uint64_t lens[] = {1 << 20, (40 << 20) + 12};
	const size_t n = 3000;
	struct mf_cut_plan *before, *after;
	struct sample a, b;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct sample_tensor *t = checkpoint(n);

		sample_init(&a);
		sample_safetensors(&a, t, n);
		before = sample_must(&a, "safetensors");
		insert(t, n, 0, lens[i], "F16");
		sample_init(&b);
		sample_safetensors(&b, t, n + 1);
		after = sample_must(&b, "safetensors");
		assert_true(after->chunks[0].len > before->chunks[0].len);
		assert_int_equal(
		    sample_changed(&a, before, &b, after, before->chunks[0].len), i == 0 ? 1 : 5);
		mf_cut_plan_free(before);
		mf_cut_plan_free(after);
		sample_fini(&a);
		sample_fini(&b);
		free(t);
	}
}

/* One tensor is trained on: only its chunks change. */
static void
changed_tensor(void **state)
{
	const size_t n = 3000, which[] = {0, 1500, 999};
	struct mf_cut_plan *before, *after;
	struct sample a, b;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct sample_tensor *t = checkpoint(n);

		sample_init(&a);
		sample_safetensors(&a, t, n);
		before = sample_must(&a, "safetensors");
		t[which[i]].content = 7;
		sample_init(&b);
		sample_safetensors(&b, t, n);
		after = sample_must(&b, "safetensors");
		assert_in_range(
		    sample_changed(&a, before, &b, after, 0), 1, t[which[i]].len / (8 << 20) + 1);
		mf_cut_plan_free(before);
		mf_cut_plan_free(after);
		sample_fini(&a);
		sample_fini(&b);
		free(t);
	}
}

/* 100,000 small tensors are some hundred chunks, none needlessly small. */
static void
few_objects(void **state)
{
	struct sample_tensor *t = checkpoint(MANY);
	struct mf_cut_plan *p;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_safetensors(&s, t, MANY);
	p = sample_must(&s, "safetensors");
	assert_true(p->n_chunks < s.size / (1 << 20));
	mf_cut_plan_free(p);
	sample_fini(&s);
	free(t);
}

/* A file of 10 TB: the plan is made from its header alone, in the budget. */
static void
huge_file(void **state)
{
	struct sample_tensor t[100];
	struct mf_cut_plan *p;
	struct sample s;
	size_t i;

	(void)state;
	memset(t, 0, sizeof(t));
	for (i = 0; i < 100; i++) {
		(void)snprintf(t[i].name, sizeof(t[i].name), "%zu", i);
		t[i].dtype = "BF16";
		t[i].len = (uint64_t)100 << 30;
	}
	sample_init(&s);
	sample_safetensors(&s, t, 100);
	p = sample_must(&s, "safetensors");
	assert_int_equal(p->n_chunks, 1 + 100 * 12800);
	assert_true(s.bytes_read < 100000);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

/* Sparse files claim any size. */
static void
absurd_file(void **state)
{
	struct sample_tensor t = {.name = "t", .dtype = "F32", .len = UINT64_MAX / 2};
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_safetensors(&s, &t, 1);
	sample_refused(&s, "budget");
	sample_fini(&s);
}

static void
free_nothing(void **state)
{
	(void)state;
	mf_cut_plan_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(insertion_among_many),
	    cmocka_unit_test(insertion_in_gguf),
	    cmocka_unit_test(frozen_tensors_move),
	    cmocka_unit_test(changed_tensor),
	    cmocka_unit_test(few_objects),
	    cmocka_unit_test(huge_file),
	    cmocka_unit_test(absurd_file),
	    cmocka_unit_test(free_nothing),
	};

	return cmocka_run_group_tests_name("chunk/cutter", tests, NULL, NULL);
}
