#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/chunk/sample.h"

static void
elements(void **state)
{
	static const struct {
		const char *descr;
		enum mf_element element;
	} cases[] = {
	    {"'<f8'", MF_ELEMENT_F64},
	    {"'<f4'", MF_ELEMENT_F32},
	    {"\"<f2\"", MF_ELEMENT_F16},
	    {"'<i8'", MF_ELEMENT_I64},
	    {"'|u1'", MF_ELEMENT_I8},
	    {"'<c8'", MF_ELEMENT_F32},
	    {"'<M8[ns]'", MF_ELEMENT_I64},
	    {"'|V2'", MF_ELEMENT_BF16},
	    {"'|O'", MF_ELEMENT_BYTES},
	    {"'>f4'", MF_ELEMENT_UNKNOWN},
	    {"'<f44'", MF_ELEMENT_UNKNOWN},
	    {"[('a', '<f4'), ('b', '<i4')]", MF_ELEMENT_UNKNOWN},
	    {"''", MF_ELEMENT_UNKNOWN},
	    {"'<f4", MF_ELEMENT_UNKNOWN},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mf_buf b = MF_BUF_INIT;
		struct mf_cut_plan *p;
		struct sample s;

		sample_init(&s);
		sample_npy(&b, cases[i].descr);
		sample_bytes(&s, b.data, b.len);
		sample_virtual(&s, 20 << 20, 1);
		p = sample_must(&s, "npy");
		assert_int_equal(p->n_chunks, 4);
		assert_int_equal(p->chunks[0].len, b.len);
		assert_int_equal(p->chunks[1].element, cases[i].element);
		assert_int_equal(p->chunks[1].len, 8 << 20);
		assert_int_equal(p->chunks[3].len, 4 << 20);
		mf_cut_plan_free(p);
		sample_fini(&s);
		mf_buf_fini(&b);
	}
}

static void
hostile(void **state)
{
	static const struct {
		uint8_t bytes[14];
		const char *word;
	} cases[] = {
	    {"\223NUMPY\001\000\377\377", "longer"},
	    {"\223NUMPY\002\000\377\377\377\377", "longer"},
	    {"\223NUMPY\002\000\000\000\001\000", "longer"},
	    {"\223NUMPY\000\000\002\000", "version"},
	    {"\223NUMPY\004\000\002\000", "version"},
	};
	struct sample s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sample_init(&s);
		sample_bytes(&s, cases[i].bytes, 14);
		sample_virtual(&s, 100, 1);
		sample_refused(&s, cases[i].word);
		sample_fini(&s);
	}
	for (i = 6; i < 10; i++) {
		sample_init(&s);
		sample_bytes(&s, cases[0].bytes, i);
		sample_refused(&s, "cut short");
		sample_fini(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(elements),
	    cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests_name("chunk/npy", tests, NULL, NULL);
}
