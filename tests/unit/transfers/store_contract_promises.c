/* The contract: conditions, durability, times, other handles. */
#include "tests/unit/transfers/store_contract_int.h"

#include <stdio.h>
#include <string.h>

void
contract_if_absent(struct contract_fixture *f)
{
	const unsigned flags = MF_STORE_IF_ABSENT;

	if ((mf_store_capabilities(f->s) & MF_STORE_CONDITIONAL) == 0)
		return;
	assert_int_equal(mf_store_put(f->s, "r/1/2/3", "mine", 4, flags, &f->e), 0);
	assert_int_equal(mf_store_put(f->s, "r/1/2/3", "late", 4, flags, &f->e), 1);
	assert_int_equal(
	    mf_store_put(f->s, "r/1/2/3", "late", 4, flags | MF_STORE_DURABLE, &f->e), 1);
	contract_assert_text(f, "r/1/2/3", "mine");
	assert_int_equal(mf_store_del(f->s, "r/1/2/3", &f->e), 0);
	assert_int_equal(
	    mf_store_put(f->s, "r/1/2/3", "new", 3, flags | MF_STORE_DURABLE, &f->e), 0);
	contract_assert_text(f, "r/1/2/3", "new");
}

void
contract_durable(struct contract_fixture *f)
{
	assert_int_equal(mf_store_put(f->s, "m/1/2", "root", 4, MF_STORE_DURABLE, &f->e), 0);
	assert_int_equal(mf_store_put(f->s, "m/1/2", "ROOT", 4, MF_STORE_DURABLE, &f->e), 0);
	contract_assert_text(f, "m/1/2", "ROOT");
	assert_int_equal(mf_store_adopt(f->s, "m/1/2", &f->e), 0);
	assert_int_equal(mf_store_adopt(f->s, "m/1/gone", &f->e), 0);
	assert_int_equal(mf_store_adopt(f->s, "gone/too", &f->e), 0);
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
}

/* More than any store syncs one by one. */
void
contract_large_batch(struct contract_fixture *f)
{
	char name[40];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "c/%02x/%d", i % 7, i);
		assert_int_equal(mf_store_put(f->s, name, name, strlen(name), 0, &f->e), 0);
	}
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "c/%02x/%d", i % 7, i);
		contract_assert_text(f, name, name);
	}
}

void
contract_times(struct contract_fixture *f)
{
	struct mf_store_stat st;
	int64_t before, after;

	assert_int_equal(mf_store_now(f->s, &before, &f->e), 0);
	contract_put_text(f, "x/1", "");
	assert_int_equal(mf_store_now(f->s, &after, &f->e), 0);
	assert_int_equal(mf_store_head(f->s, "x/1", &st, &f->e), 0);
	assert_true(before <= st.mtime_us && st.mtime_us <= after + f->subject->rounding_us);
	assert_true(before > 1600000000000000);
	contract_assert_list(f, "", "x/1=0 "); /* asking the time leaves nothing behind */
}

void
contract_second_handle(struct contract_fixture *f)
{
	struct mf_store *other;
	struct mf_buf b = MF_BUF_INIT;

	if (f->subject->again == NULL)
		return;
	other = f->subject->again(f->world);
	assert_non_null(other);
	contract_put_text(f, "a/b/c", "shared");
	assert_int_equal(mf_store_get(other, "a/b/c", 0, 100, &b, &f->e), 0);
	assert_int_equal(b.len, 6);
	assert_int_equal(mf_store_adopt(other, "a/b/c", &f->e), 0);
	assert_int_equal(mf_store_sync(other, &f->e), 0);
	assert_int_equal(mf_store_del(other, "a/b/c", &f->e), 0);
	assert_int_equal(mf_store_head(f->s, "a/b/c", NULL, &f->e), 1);
	mf_buf_fini(&b);
	mf_store_close(other);
}
