/* Replicate: the copy has the same files under other keys, and is made once. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "src/repo/replicate.h"
#include "src/repo/verify.h"

static int
replicate(struct fixture *from, const char *spec, struct fixture *to,
    const struct mf_signer *signer, struct mf_replicate_result *out, struct mf_error *e)
{
	mf_error_clear(e);
	return mf_replicate(from->repo, spec, to->repo, signer, fixture_now_us(), NULL, out, e);
}

static void
make_source(struct fixture *f)
{
	char path[256];

	f->repo->threads = 3; /* readers */
	f->repo->memory_bytes = (size_t)1 << 30;
	snprintf(path, sizeof(path), "%s/sub", f->dir);
	assert_int_equal(mkdir(path, 0750), 0);
	snprintf(path, sizeof(path), "%s/sub/link", f->dir);
	assert_int_equal(symlink("../large", path), 0);
	fixture_write(f, "large", 1, 20u << 20);
	fixture_write(f, "sub/same", 1, 20u << 20); /* the same chunks, much later */
	fixture_write(f, "small-a", 2, 100);
	fixture_write(f, "small-b", 3, 5000);
	snprintf(path, sizeof(path), "%s/empty", f->dir);
	fclose(fopen(path, "w"));
}

/* The copy in `to` is what the directory of `from` holds, and everything of it opens. */
static void
expect_whole(struct fixture *from, struct fixture *to, const char *spec)
{
	struct mf_verify_params p = {.spec = spec, .local = from->dir, .read_data = true};
	struct mf_verify_result out;
	struct mf_error e = {0};

	fixture_expect_ok(mf_verify(to->repo, &p, &out, &e), &e, "verify the copy");
	assert_true(out.chunks > 0);
}

static void
test_copy(void **state)
{
	struct fixture *from = *state, to;
	struct mf_replicate_result out;
	struct mf_annotation bad = {.rejected = 1, .reason = "slow", .by = "somebody"};
	struct mf_version v, copy;
	struct mf_error e = {0};

	fixture_init(&to);
	make_source(from);
	fixture_push(from, "v1");
	fixture_expect_ok(mf_version_resolve(from->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "v1");
	fixture_expect_ok(mf_version_annotate(from->repo, &v, &bad, fixture_now_us(), &e), &e,
	    "annotate");
	fixture_expect_ok(replicate(from, FIXTURE_MODEL, &to, NULL, &out, &e), &e, "replicate");
	assert_false(out.already);
	assert_int_equal(out.new_chunks, out.chunks);
	assert_int_equal(out.bytes, 2 * (20u << 20) + 5100);
	assert_true(out.stored_bytes > (20u << 20) && out.stored_bytes < (24u << 20));
	expect_whole(from, &to, FIXTURE_MODEL "@v1");
	fixture_expect_ok(mf_version_resolve(to.repo, FIXTURE_MODEL "@v1", &copy, &e), &e, "copy");
	assert_true(copy.root.created_us == v.root.created_us);
	assert_true(copy.rejected);
	assert_string_equal(copy.rejected_reason, "slow");
	assert_memory_not_equal(copy.root.repo_id, v.root.repo_id, 32);
	mf_version_fini(&copy);
	mf_version_fini(&v);

	fixture_expect_ok(replicate(from, FIXTURE_MODEL "@v1", &to, NULL, &out, &e), &e, "again");
	assert_true(out.already);
	assert_int_equal(out.new_chunks, 0);
	assert_int_equal(fixture_count(&to, "m/"), 1);

	fixture_write(from, "small-b", 4, 5000);
	fixture_push(from, "v2");
	fixture_expect_ok(replicate(from, FIXTURE_MODEL "@v2", &to, NULL, &out, &e), &e, "v2");
	assert_int_equal(out.new_chunks, 1); /* what v1 brought is known */
	expect_whole(from, &to, FIXTURE_MODEL "@v2");
	assert_int_equal(fixture_check_versions(&to), 2);
	fixture_fini(&to);
}

static void
test_conflict(void **state)
{
	struct fixture *from = *state, to;
	struct mf_replicate_result out;
	struct mf_error e = {0};

	fixture_init(&to);
	fixture_write(from, "a", 1, 100);
	fixture_write(&to, "a", 2, 100);
	fixture_push(from, "v1");
	fixture_push(&to, "v1");
	assert_int_equal(replicate(from, FIXTURE_MODEL "@v1", &to, NULL, &out, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_int_equal(replicate(from, FIXTURE_MODEL "@v9", &to, NULL, &out, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	fixture_fini(&to);
}

static void
test_signed(void **state)
{
	struct fixture *from = *state, to;
	struct mf_replicate_result out;
	struct mf_signer *signer;
	struct mf_version v;
	struct mf_error e = {0};

	fixture_init(&to);
	signer = mf_signer_generate(&e);
	assert_non_null(signer);
	fixture_write(from, "a", 1, 100);
	fixture_push(from, "v1");
	fixture_expect_ok(replicate(from, FIXTURE_MODEL, &to, signer, &out, &e), &e, "replicate");
	fixture_expect_ok(mf_version_resolve(to.repo, FIXTURE_MODEL "@v1", &v, &e), &e, "resolve");
	assert_true(v.root.is_signed);
	assert_memory_equal(v.root.signer, mf_signer_public(signer), 32);
	mf_version_fini(&v);
	mf_signer_free(signer);
	fixture_fini(&to);
}

static void
test_damaged_source(void **state)
{
	struct fixture *from = *state, to;
	struct mf_replicate_result out;
	struct mf_names chunks;
	struct mf_error e = {0};

	fixture_init(&to);
	make_source(from);
	fixture_push(from, "v1");
	fixture_expect_ok(mf_names_list(from->repo, "c/", &chunks, &e), &e, "list");
	for (size_t i = 0; i < chunks.n; i++) {
		struct mf_store_stat st;

		fixture_expect_ok(mf_store_head(from->repo->store, chunks.items[i], &st, &e), &e,
		    "head");
		if (st.size > 1000000)
			fixture_expect_ok(mf_store_put(from->repo->store, chunks.items[i], "MFRY", 4,
					      0, &e), &e, "cut");
	}
	mf_names_fini(&chunks);
	assert_int_equal(replicate(from, FIXTURE_MODEL "@v1", &to, NULL, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_non_null(strstr(e.message, "chunk c/"));
	assert_int_equal(fixture_count(&to, "m/"), 0);
	fixture_fini(&to);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_copy), T(test_conflict), T(test_signed), T(test_damaged_source),
	};

	return cmocka_run_group_tests_name("replicate", tests, NULL, NULL);
}
