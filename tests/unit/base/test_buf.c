#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/buf.h"

static void
test_layout(void **state)
{
	static const uint8_t expected[] = {1, 2, 1, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1, 2, 0, 0, 0,
	    'h', 'i', 0, 0, 0, 0};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	mf_buf_put_u8(&b, 1);
	mf_buf_put_u16(&b, 0x0102);
	mf_buf_put_u32(&b, 0x01020304);
	mf_buf_put_u64(&b, 0x0102030405060708ULL);
	mf_buf_put_string(&b, "hi");
	mf_buf_put_block(&b, NULL, 0);
	assert_false(b.failed);
	assert_int_equal(b.len, sizeof expected);
	assert_memory_equal(b.data, expected, sizeof expected);
	mf_buf_fini(&b);
	assert_null(b.data);
	mf_buf_fini(&b);
}

static void
test_round_trip(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_reader r;
	const uint8_t *p;
	size_t n;
	char *s;

	(void)state;
	mf_buf_put_u8(&b, 0xff);
	mf_buf_put_u16(&b, 0xfedc);
	mf_buf_put_u32(&b, 0xfedcba98);
	mf_buf_put_u64(&b, UINT64_MAX - 1);
	mf_buf_put_string(&b, "model");
	mf_buf_put_block(&b, "\0x", 2);
	r = mf_reader_of(b.data, b.len);
	assert_int_equal(mf_reader_u8(&r), 0xff);
	assert_int_equal(mf_reader_u16(&r), 0xfedc);
	assert_int_equal(mf_reader_u32(&r), 0xfedcba98);
	assert_true(mf_reader_u64(&r) == UINT64_MAX - 1);
	s = mf_reader_string(&r, 5);
	assert_string_equal(s, "model");
	free(s);
	p = mf_reader_block(&r, 2, &n);
	assert_int_equal(n, 2);
	assert_memory_equal(p, "\0x", 2);
	assert_int_equal(r.left, 0);
	assert_non_null(mf_reader_bytes(&r, 0));
	assert_false(r.failed);
	mf_buf_fini(&b);
}

static void
test_reader_end(void **state)
{
	static const uint8_t bytes[3] = {1, 2, 3};
	struct mf_reader r = mf_reader_of(bytes, sizeof bytes);

	(void)state;
	assert_int_equal(mf_reader_u32(&r), 0);
	assert_true(r.failed);
	/* Sticky: what would have fitted fails as well. */
	assert_int_equal(mf_reader_u8(&r), 0);
	assert_null(mf_reader_bytes(&r, 0));
	r = mf_reader_of(NULL, 0);
	assert_non_null(mf_reader_bytes(&r, 0));
	assert_null(mf_reader_bytes(&r, SIZE_MAX));
}

static void
test_reader_blocks(void **state)
{
	static const uint8_t longer[] = {5, 0, 0, 0, 'a', 'b', 'c'};
	static const uint8_t huge[] = {255, 255, 255, 255, 'a'};
	static const uint8_t with_nul[] = {3, 0, 0, 0, 'a', 0, 'c'};
	static const uint8_t empty[] = {0, 0, 0, 0};
	struct mf_reader r;
	size_t n = 7;
	char *s;

	(void)state;
	r = mf_reader_of(longer, sizeof longer);
	assert_null(mf_reader_block(&r, 100, &n));
	assert_int_equal(n, 0);
	assert_true(r.failed);
	r = mf_reader_of(huge, sizeof huge);
	assert_null(mf_reader_string(&r, 1 << 20));
	r = mf_reader_of(with_nul, sizeof with_nul);
	assert_null(mf_reader_string(&r, 100));
	assert_true(r.failed);
	r = mf_reader_of(with_nul, sizeof with_nul);
	assert_null(mf_reader_block(&r, 2, &n));
	assert_true(r.failed);
	r = mf_reader_of(empty, sizeof empty);
	s = mf_reader_string(&r, 0);
	assert_string_equal(s, "");
	free(s);
}

static void
test_sticky_failure(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	size_t n;

	(void)state;
	mf_buf_put_u8(&b, 'a');
	assert_int_equal(mf_buf_reserve(&b, SIZE_MAX), -1);
	assert_true(b.failed);
	mf_buf_put_u8(&b, 'b');
	mf_buf_printf(&b, "c");
	assert_int_equal(b.len, 1);
	assert_null(mf_buf_cstr(&b));
	assert_null(mf_buf_take(&b, &n));
	assert_int_equal(n, 0);
	assert_false(b.failed);
	assert_null(b.data);
}

static void
test_take_and_text(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	uint8_t *bytes;
	size_t n, i;

	(void)state;
	assert_string_equal(mf_buf_cstr(&b), "");
	assert_int_equal(b.len, 0);
	for (i = 0; i < 1000; i++)
		mf_buf_printf(&b, "%zu,", i % 10);
	assert_int_equal(b.len, 2000);
	assert_int_equal(strlen(mf_buf_cstr(&b)), 2000);
	bytes = mf_buf_take(&b, &n);
	assert_int_equal(n, 2000);
	assert_memory_equal(bytes, "0,1,2,3,", 8);
	assert_null(b.data);
	assert_int_equal(b.capacity, 0);
	free(bytes);
	mf_buf_put_u8(&b, 'x');
	mf_buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_true(b.capacity > 0);
	mf_buf_fini(&b);
}

/* A text of each length into a buffer that has room for so much, also for its NUL, or not. */
static void
test_text_at_the_edge(void **state)
{
	static const char text[] = "0123456789";
	size_t room, n;

	(void)state;
	for (room = 1; room < 8; room++)
		for (n = 0; n < sizeof text; n++) {
			struct mf_buf b = MF_BUF_INIT;

			assert_int_equal(mf_buf_reserve(&b, 64), 0);
			while (b.capacity - b.len > room)
				mf_buf_put_u8(&b, '-');
			mf_buf_printf(&b, "%.*s", (int)n, text);
			mf_buf_put_text(&b, text + (sizeof text - 1 - n));
			assert_int_equal(strlen(mf_buf_cstr(&b)), 64 - room + 2 * n);
			assert_memory_equal(b.data + 64 - room, text, n);
			assert_memory_equal(
			    b.data + 64 - room + n, text + (sizeof text - 1 - n), n);
			mf_buf_fini(&b);
		}
}

static void
test_unaligned_integers(void **state)
{
	uint8_t p[16] = {0};

	(void)state;
	mf_set_u32(p + 1, 0x80000001U);
	assert_int_equal(mf_get_u32(p + 1), 0x80000001U);
	mf_set_u64(p + 3, 0x8000000000000001ULL);
	assert_true(mf_get_u64(p + 3) == 0x8000000000000001ULL);
	assert_int_equal(p[3], 1);
	assert_int_equal(p[10], 0x80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_layout),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_reader_end),
	    cmocka_unit_test(test_reader_blocks),
	    cmocka_unit_test(test_sticky_failure),
	    cmocka_unit_test(test_take_and_text),
	    cmocka_unit_test(test_text_at_the_edge),
	    cmocka_unit_test(test_unaligned_integers),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
