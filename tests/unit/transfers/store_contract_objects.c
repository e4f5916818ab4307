/* The contract: putting, getting and deleting objects. */
#include "tests/unit/transfers/store_contract_int.h"

#include <stdlib.h>
#include <string.h>

void
contract_round_trip(struct contract_fixture *f)
{
	contract_put_text(f, "config/0000000000000001", "hello");
	contract_assert_text(f, "config/0000000000000001", "hello");
	contract_put_text(f, "config/0000000000000001", "other"); /* replaces */
	contract_assert_text(f, "config/0000000000000001", "other");
	contract_put_text(f, "top", "at the root");
	contract_assert_text(f, "top", "at the root");
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
	assert_int_equal(mf_store_sync(f->s, NULL), 0);
}

void
contract_empty_object(struct contract_fixture *f)
{
	struct mf_store_stat st = {.size = 9};
	struct mf_buf b = MF_BUF_INIT;

	assert_int_equal(mf_store_put(f->s, "v/a/b", NULL, 0, MF_STORE_REPEATABLE, &f->e), 0);
	assert_int_equal(mf_store_put(f->s, "v/a/b", NULL, 0, MF_STORE_REPEATABLE, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "v/a/b", 0, 10, &b, &f->e), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(mf_store_head(f->s, "v/a/b", &st, &f->e), 0);
	assert_int_equal(st.size, 0);
	contract_assert_list(f, "v/", "v/a/b=0 ");
	mf_buf_fini(&b);
}

void
contract_large_object(struct contract_fixture *f)
{
	const size_t n = 16 << 20;
	struct mf_buf b = MF_BUF_INIT;
	uint32_t x = 1;
	uint8_t *bytes = malloc(n);
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(x >> 24);
	}
	assert_int_equal(mf_store_put(f->s, "c/00/large", bytes, n, 0, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/00/large", 0, n + 1, &b, &f->e), 0);
	assert_int_equal(b.len, n);
	assert_int_equal(memcmp(b.data, bytes, n), 0);
	mf_buf_clear(&b);
	assert_int_equal(mf_store_get(f->s, "c/00/large", n - 7, 100, &b, &f->e), 0);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, bytes + n - 7, 7);
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
	mf_buf_fini(&b);
	free(bytes);
}

void
contract_ranges(struct contract_fixture *f)
{
	struct mf_buf b = MF_BUF_INIT;

	contract_put_text(f, "c/ab/x", "0123456789");
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 2, 3, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 8, 100, &b, &f->e), 0); /* appended */
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 10, 100, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 1000, 100, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", UINT64_MAX, SIZE_MAX, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 0, 0, &b, &f->e), 0);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "23489", 5);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 0, SIZE_MAX, &b, &f->e), 0);
	assert_int_equal(b.len, 15);
	mf_buf_fini(&b);
}

void
contract_missing_objects(struct contract_fixture *f)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_store_stat st;

	contract_put_text(f, "a/b", "x");
	mf_buf_put(&b, "kept", 4);
	assert_int_equal(mf_store_get(f->s, "a/c", 0, 10, &b, &f->e), -1);
	assert_int_equal(f->e.code, MF_ENOTFOUND);
	assert_non_null(strstr(f->e.message, "a/c"));
	assert_int_equal(mf_store_get(f->s, "no/such/place", 0, 10, &b, &f->e), -1);
	assert_int_equal(f->e.code, MF_ENOTFOUND);
	assert_int_equal(mf_store_get(f->s, "a", 0, 10, &b, &f->e), -1); /* a directory */
	assert_int_equal(f->e.code, MF_ENOTFOUND);
	assert_int_equal(mf_store_get(f->s, "a", 0, 10, &b, NULL), -1);
	assert_int_equal(b.len, 4);
	assert_int_equal(mf_store_head(f->s, "a/c", &st, &f->e), 1);
	assert_int_equal(mf_store_head(f->s, "no/such/place", &st, &f->e), 1);
	assert_int_equal(mf_store_head(f->s, "a", NULL, &f->e), 1);
	assert_int_equal(mf_store_head(f->s, "a/b/c", &st, &f->e), 1); /* below an object */
	assert_int_equal(mf_store_del(f->s, "a/c", &f->e), 0);
	assert_int_equal(mf_store_del(f->s, "no/such/place", &f->e), 0);
	contract_assert_text(f, "a/b", "x");
	mf_buf_fini(&b);
}

void
contract_deleting(struct contract_fixture *f)
{
	contract_put_text(f, "c/00/one", "1");
	contract_put_text(f, "c/00/two", "2");
	assert_int_equal(mf_store_del(f->s, "c/00/one", &f->e), 0);
	assert_int_equal(mf_store_del(f->s, "c/00/one", &f->e), 0);
	assert_int_equal(mf_store_head(f->s, "c/00/one", NULL, &f->e), 1);
	contract_assert_list(f, "", "c/00/two=1 ");
	assert_int_equal(mf_store_del(f->s, "c/00/two", &f->e), 0);
	contract_assert_list(f, "", "");
	contract_put_text(f, "c/00/one", "again");
	contract_assert_text(f, "c/00/one", "again");
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
}
