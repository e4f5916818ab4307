/* The contract: listings and names. */
#include "tests/unit/transfers/store_contract_int.h"

#include <string.h>

void
contract_prefixes(struct contract_fixture *f)
{
	contract_put_text(f, "c/0a/x", "1");
	contract_put_text(f, "c/0a/y", "22");
	contract_put_text(f, "c/0b/z", "333");
	contract_put_text(f, "c/1b/z", "333");
	contract_put_text(f, "ca", "");
	contract_put_text(f, "d.e/x", "");
	contract_put_text(f, "d-e", "");
	contract_put_text(f, "d/f", "");
	contract_put_text(f, "d0", "");
	contract_assert_list(f, "", "c/0a/x=1 c/0a/y=2 c/0b/z=3 c/1b/z=3 ca=0 d-e=0 d.e/x=0 d/f=0 d0=0 ");
	contract_assert_list(f, "c", "c/0a/x=1 c/0a/y=2 c/0b/z=3 c/1b/z=3 ca=0 ");
	contract_assert_list(f, "c/", "c/0a/x=1 c/0a/y=2 c/0b/z=3 c/1b/z=3 ");
	contract_assert_list(f, "c/0", "c/0a/x=1 c/0a/y=2 c/0b/z=3 ");
	contract_assert_list(f, "c/0a", "c/0a/x=1 c/0a/y=2 ");
	contract_assert_list(f, "c/0a/", "c/0a/x=1 c/0a/y=2 ");
	contract_assert_list(f, "c/0a/x", "c/0a/x=1 ");
	contract_assert_list(f, "c/0a/xx", "");
	contract_assert_list(f, "c/0a/x/", "");
	contract_assert_list(f, "d", "d-e=0 d.e/x=0 d/f=0 d0=0 ");
	contract_assert_list(f, "zz/top/", "");
	contract_assert_list(f, "q", "");
}

void
contract_stopping_a_list(struct contract_fixture *f)
{
	struct contract_seen v = {.stop_after = 2};

	contract_put_text(f, "a/1", "");
	contract_put_text(f, "a/2", "");
	contract_put_text(f, "b/3", "");
	assert_int_equal(mf_store_list(f->s, "", contract_see, &v, &f->e), 0);
	assert_int_equal(v.calls, 2);
}

static int
delete_it(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct contract_fixture *f = arg;

	(void)size;
	(void)mtime_us;
	return mf_store_del(f->s, name, &f->e);
}

void
contract_calls_from_a_list(struct contract_fixture *f)
{
	contract_put_text(f, "a/1", "");
	contract_put_text(f, "a/2", "");
	contract_put_text(f, "b/3", "");
	assert_int_equal(mf_store_list(f->s, "", delete_it, f, &f->e), 0);
	contract_assert_list(f, "", "");
}

void
contract_bad_names(struct contract_fixture *f)
{
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a",
	    "a/../b", "./a", "a/.b", ".tmp/x", "A", "a b", "a\n", "a_b", "a\\b", "\xc3\xa4", "a/*"};
	static const char *const bad_prefixes[] = {"/", "..", "a/..", ".", "a//", "A", ".tmp"};
	char name[MF_STORE_NAME_MAX + 2];
	struct contract_seen v = {.calls = 0};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(mf_store_put(f->s, bad[i], "x", 1, 0, &f->e), -1);
		assert_int_equal(f->e.code, MF_EUSAGE);
		assert_int_equal(mf_store_get(f->s, bad[i], 0, 1, &b, &f->e), -1);
		assert_int_equal(f->e.code, MF_EUSAGE);
		assert_int_equal(mf_store_head(f->s, bad[i], NULL, NULL), -1);
		assert_int_equal(mf_store_del(f->s, bad[i], &f->e), -1);
		assert_int_equal(mf_store_adopt(f->s, bad[i], &f->e), -1);
	}
	for (i = 0; i < sizeof bad_prefixes / sizeof bad_prefixes[0]; i++) {
		assert_int_equal(mf_store_list(f->s, bad_prefixes[i], contract_see, &v, &f->e), -1);
		assert_int_equal(f->e.code, MF_EUSAGE);
	}
	assert_int_equal(mf_store_put(f->s, "a", "x", 1, 64, &f->e), -1);
	assert_int_equal(f->e.code, MF_EUSAGE);
	memset(name, 'a', sizeof name);
	name[20] = '/';
	name[MF_STORE_NAME_MAX] = '\0';
	name[MF_STORE_COMPONENT_MAX] = '/';
	contract_put_text(f, name, "the longest");
	contract_assert_text(f, name, "the longest");
	name[MF_STORE_NAME_MAX] = 'a';
	name[MF_STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(mf_store_put(f->s, name, "x", 1, 0, &f->e), -1);
	memset(name, 'a', MF_STORE_COMPONENT_MAX + 1);
	name[MF_STORE_COMPONENT_MAX + 1] = '\0';
	assert_int_equal(mf_store_put(f->s, name, "x", 1, 0, &f->e), -1);
	name[MF_STORE_COMPONENT_MAX] = '\0';
	contract_put_text(f, name, "the longest component");
	contract_assert_text(f, name, "the longest component");
}
