#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/chunk/sample.h"

#define TENSOR(name, begin, end) \
	"\"" name "\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[" #begin "," #end "]}"

static void
two_tensors(void **state)
{
	struct sample s;
	struct mf_cut_plan *p;

	(void)state;
	sample_init(&s);
	sample_header(&s, "{" TENSOR("a", 0, 4) "," TENSOR("b", 4, 8) "}   ", 8);
	p = sample_must(&s, "safetensors");
	assert_int_equal(p->n_chunks, 2);
	assert_int_equal(p->chunks[0].element, MF_ELEMENT_TEXT);
	assert_int_equal(p->chunks[0].len, s.size - 8);
	assert_int_equal(p->chunks[1].element, MF_ELEMENT_BF16);
	assert_int_equal(p->chunks[1].n_extents, 1);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

/* 8 MiB pieces from the start, a short rest joins; small tensors of one kind share a run past
 * the large one. */
static void
pieces_and_runs(void **state)
{
	static const struct sample_tensor t[] = {
	    {"norm.0", "F32", 0, 1000, 10},
	    {"big", "BF16", 0, (24 << 20) + 1000, 11},
	    {"norm.1", "F32", 0, 2000, 12},
	    {"mid", "BF16", 0, (9 << 20), 13},
	    {"bias", "BF16", 0, 500, 14},
	};
	struct sample s;
	struct mf_cut_plan *p;

	(void)state;
	sample_init(&s);
	sample_safetensors(&s, t, 5);
	p = sample_must(&s, "safetensors");
	assert_int_equal(p->n_chunks, 1 + 1 + 3 + 2 + 1);
	assert_int_equal(p->chunks[1].element, MF_ELEMENT_F32);
	assert_int_equal(p->chunks[1].len, 3000);
	assert_int_equal(p->chunks[1].n_extents, 2);
	assert_int_equal(p->chunks[2].len, 8 << 20);
	assert_int_equal(p->chunks[3].len, 8 << 20);
	assert_int_equal(p->chunks[4].len, (8 << 20) + 1000);
	assert_int_equal(p->chunks[5].len, 8 << 20);
	assert_int_equal(p->chunks[6].len, 1 << 20);
	assert_int_equal(p->chunks[7].element, MF_ELEMENT_BF16);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

static void
elements(void **state)
{
	static const struct {
		const char *dtype;
		enum mf_element element;
	} cases[] = {
	    {"F64", MF_ELEMENT_F64},
	    {"F32", MF_ELEMENT_F32},
	    {"F16", MF_ELEMENT_F16},
	    {"BF16", MF_ELEMENT_BF16},
	    {"F8_E4M3", MF_ELEMENT_F8_E4M3},
	    {"F8_E5M2", MF_ELEMENT_F8_E5M2},
	    {"U64", MF_ELEMENT_I64},
	    {"I32", MF_ELEMENT_I32},
	    {"I16", MF_ELEMENT_I16},
	    {"BOOL", MF_ELEMENT_I8},
	    {"F4", MF_ELEMENT_UNKNOWN},
	    {"", MF_ELEMENT_UNKNOWN},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample_tensor t = {"t", cases[i].dtype, 0, 3 << 20, 1};
		struct sample s;
		struct mf_cut_plan *p;

		sample_init(&s);
		sample_safetensors(&s, &t, 1);
		p = sample_must(&s, "safetensors");
		assert_int_equal(p->chunks[1].element, cases[i].element);
		mf_cut_plan_free(p);
		sample_fini(&s);
	}
}

/* In any order in the header; holes and a tail become pieces; empty tensors lie anywhere. */
static void
order_holes_and_empty(void **state)
{
	struct sample s;
	struct mf_cut_plan *p;

	(void)state;
	sample_init(&s);
	sample_header(&s,
	    "{" TENSOR("c", 3000000, 3000100) "," TENSOR("e", 50, 50) "," TENSOR("a", 0, 100) "}",
	    3000200);
	p = sample_must(&s, "safetensors");
	assert_int_equal(p->n_chunks, 4); /* header, run, hole, tail */
	assert_int_equal(p->chunks[1].n_extents, 2);
	assert_int_equal(p->chunks[2].len, 3000000 - 100);
	assert_int_equal(p->chunks[2].element, MF_ELEMENT_BYTES);
	assert_int_equal(p->chunks[3].len, 100);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

static void
accepted(void **state)
{
	static const char *const headers[] = {
	    "{}",
	    "{ }",
	    "{\n\t\"__metadata__\" : { } }  ",
	    "{\"__metadata__\":{\"a\":\"b\",\"c\":\"\\u0041\\n\\\\\\\"\"}}",
	    "{\"__metadata__\":{\"a\":{\"b\":[1,-2.5e+3,true,null,[[]],{}]}}}",
	    "{\"\":{\"shape\":[],\"data_offsets\":[0,0],\"dtype\":\"F32\"}}",
	    "{\"\\ud83d\\ude00\":{\"dtype\":\"I8\",\"shape\":[2,[3]],\"data_offsets\":[ 0 , 10 ]}}",
	    "{" TENSOR("a", 0, 10) "," TENSOR("b", 10, 10) "}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct sample s;

		sample_init(&s);
		sample_header(&s, headers[i], 10);
		mf_cut_plan_free(sample_must(&s, "safetensors"));
		sample_fini(&s);
	}
}

static void
hostile(void **state)
{
	static const struct {
		const char *header, *word;
	} cases[] = {
	    {"{\"a\"}", "malformed"},
	    {"{\"a\":1}", "malformed"},
	    {"{\"a\":{}}", "malformed"},
	    {"{" TENSOR("a", 0, 1) ",}", "malformed"},
	    {"{" TENSOR("a", 0, 1) "}x", "malformed"},
	    {"{" TENSOR("a", 0, 1), "malformed"},
	    {"{" TENSOR("a", 2, 1) "}", "malformed"},
	    {"{" TENSOR("a", -1, 1) "}", "malformed"},
	    {"{" TENSOR("a", 0, 1.0) "}", "malformed"},
	    {"{" TENSOR("a", 0, 1e1) "}", "malformed"},
	    {"{" TENSOR("a", 00, 1) "}", "malformed"},
	    {"{" TENSOR("a", 0, 18446744073709551616) "}", "malformed"},
	    {"{" TENSOR("a", 0, 18446744073709551615) "}", "past the end"},
	    {"{" TENSOR("a", 18446744073709551615, 18446744073709551615) "}", "past the end"},
	    {"{" TENSOR("a", 0, 11) "}", "past the end"},
	    {"{" TENSOR("a", 0, 6) "," TENSOR("b", 5, 10) "}", "overlap"},
	    {"{" TENSOR("a", 0, 10) "," TENSOR("b", 2, 4) "}", "overlap"},
	    {"{" TENSOR("a", 0, 4) "," TENSOR("a", 4, 8) "}", "same name"},
	    {"{" TENSOR("a", 0, 4) "," TENSOR("\\u0061", 4, 8) "}", "same name"},
	    {"{" TENSOR("\\ud800", 0, 4) "}", "malformed"},
	    {"{" TENSOR("\\udc00", 0, 4) "}", "malformed"},
	    {"{" TENSOR("\\x", 0, 4) "}", "malformed"},
	    {"{" TENSOR("a\001", 0, 4) "}", "malformed"},
	    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,0,0]}}", "malformed"},
	    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}", "malformed"},
	    {"{\"a\":{\"dtype\":\"F32\",\"shape\":0,\"data_offsets\":[0,0]}}", "malformed"},
	    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,0]}}",
		"malformed"},
	    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,0],\"x\":1}}",
		"malformed"},
	    {"{\"__metadata__\":{},\"__metadata__\":{}}", "malformed"},
	    {"{\"__metadata__\":[]}", "malformed"},
	    {"{\"__metadata__\":{\"a\":[1,]}}", "malformed"},
	    {"{\"__metadata__\":{\"a\":}}", "malformed"},
	    {"{\"__metadata__\":{\"a\":[}}", "malformed"},
	    {"{\"__metadata__\":{\"a\" 1}}", "malformed"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample s;

		sample_init(&s);
		sample_header(&s, cases[i].header, 10);
		sample_refused(&s, cases[i].word);
		sample_fini(&s);
	}
}

static void
deep_nesting(void **state)
{
	unsigned depth;

	(void)state;
	for (depth = 30; depth < 34; depth++) {
		struct mf_buf json = MF_BUF_INIT;
		struct sample s;
		unsigned i;

		/* the metadata object is a level itself */
		mf_buf_printf(&json, "{\"__metadata__\":{\"a\":");
		for (i = 0; i < depth; i++)
			mf_buf_put_u8(&json, '[');
		for (i = 0; i < depth; i++)
			mf_buf_put_u8(&json, ']');
		mf_buf_printf(&json, "}}");
		sample_init(&s);
		sample_header(&s, mf_buf_cstr(&json), 10);
		if (depth <= 31)
			mf_cut_plan_free(sample_must(&s, "safetensors"));
		else
			sample_refused(&s, "malformed");
		sample_fini(&s);
		mf_buf_fini(&json);
	}
}

/* A header that only looks like one has no structure, which is no reason to log. */
static void
not_safetensors(void **state)
{
	static const uint8_t lengths[][10] = {
	    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '"'},
	    {0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '"'},
	    {1, 0, 0, 0, 0, 0, 0, 0, '{', '}'},
	    {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'},
	    {2, 0, 0, 0, 0, 0, 0, 0, '[', ']'},
	};
	size_t i;

	(void)state;
	for (i = 0; i <= sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct mf_cut_plan *p;
		struct mf_error e;
		struct sample s;

		sample_init(&s);
		if (i > 0)
			sample_bytes(&s, lengths[i - 1], 10);
		assert_int_equal(sample_plan(&s, &p, &e), 1);
		assert_int_equal(e.code, MF_OK);
		assert_int_equal(sample_plan(&s, &p, NULL), 1);
		sample_fini(&s);
	}
}

static void
long_header(void **state)
{
	uint8_t length[8];
	struct sample s;

	(void)state;
	sample_init(&s);
	mf_set_u64(length, (16 << 20) + 1);
	sample_bytes(&s, length, 8);
	sample_bytes(&s, "{ ", 2);
	sample_virtual(&s, 20 << 20, 1);
	sample_refused(&s, "16 MiB");
	assert_true(s.n_reads < 10);
	sample_fini(&s);
}

static void
many(struct sample *s, size_t n)
{
	struct sample_tensor *t = calloc(n, sizeof(*t));
	size_t i;

	assert_non_null(t);
	for (i = 0; i < n; i++) {
		(void)snprintf(t[i].name, sizeof(t[i].name), "%zu", i);
		t[i].dtype = i % 2 ? "BF16" : "F32";
		t[i].len = 2;
		t[i].content = i;
	}
	sample_init(s);
	sample_safetensors(s, t, n);
	free(t);
}

/* As many tensors as a 16 MiB header holds fit the default budget; a small budget refuses. */
static void
memory_is_bounded(void **state)
{
	struct mf_cut_plan *p;
	struct mf_error e;
	struct sample s;

	(void)state;
	many(&s, 240000);
	mf_cut_plan_free(sample_must(&s, "safetensors"));
	assert_int_equal(sample_plan_in(&s, 1 << 20, &p, &e), 1);
	assert_non_null(strstr(e.message, "budget"));
	sample_fini(&s);
}

static void
read_errors(void **state)
{
	static const uint64_t at[] = {0, 20, 9000};
	struct mf_cut_plan *p;
	struct mf_error e;
	struct sample s;
	size_t i;

	(void)state;
	many(&s, 500);
	for (i = 0; i < 3; i++) {
		s.fail_at = at[i];
		assert_int_equal(sample_plan(&s, &p, &e), -1);
		assert_int_equal(e.code, MF_ESOURCE);
	}
	sample_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_tensors),
	    cmocka_unit_test(pieces_and_runs),
	    cmocka_unit_test(elements),
	    cmocka_unit_test(order_holes_and_empty),
	    cmocka_unit_test(accepted),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(deep_nesting),
	    cmocka_unit_test(not_safetensors),
	    cmocka_unit_test(long_header),
	    cmocka_unit_test(memory_is_bounded),
	    cmocka_unit_test(read_errors),
	};

	return cmocka_run_group_tests_name("chunk/safetensors", tests, NULL, NULL);
}
