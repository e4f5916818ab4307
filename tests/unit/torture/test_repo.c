/* Allocation failure in the repository: manifests, and a push and pull of a small directory. */
#include "tests/unit/torture/torture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "src/base/fs.h"
#include "src/repo/pull.h"
#include "src/repo/verify.h"
#include "tests/unit/repo/repo_fixture.h"

/* ---- manifests ---- */

struct bytes {
	struct mf_buf root, segment;
};

static int
encode_segment(struct mf_buf *out, struct mf_error *e)
{
	struct mf_chunk_ref c = {.generation = 5, .plain_len = 1000};
	struct mf_listing l = {0};
	struct mf_entry x;
	size_t next = 0, slice_next = 0;
	uint32_t index;
	char path[64];
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < 40; i++) {
		snprintf(path, sizeof(path), "dir-%03u", i);
		x = (struct mf_entry){.type = i % 2 ? MF_ENTRY_SYMLINK : MF_ENTRY_FILE,
		    .size = i % 2 ? 0 : 10, .path = path, .target = i % 2 ? path : NULL,
		    .first_slice = l.n_slices, .n_slices = i % 2 ? 0 : 1};
		c.id.bytes[0] = (uint8_t)i;
		if (i % 2 == 0)
			rc = mf_listing_add_chunk(&l, &c, &index, e);
		if (rc == 0 && i % 2 == 0)
			rc = mf_listing_add_slice(&l, (struct mf_slice){index, 0, 10}, e);
		if (rc == 0)
			rc = mf_listing_add_entry(&l, &x, e);
	}
	if (rc == 0)
		rc = mf_segment_encode(&l, &next, &slice_next, out, e);
	mf_listing_fini(&l);
	return rc;
}

static int
encode_root(struct mf_buf *out, struct mf_error *e)
{
	char model[] = "m", version[] = "v", empty[] = "", key[] = "k", value[] = "w";
	struct mf_tag tag = {key, value};
	struct mf_metric metric = {key, 0.5};
	struct mf_segment_ref segment = {.plain_len = 100};
	struct mf_root r = {.model = model, .version = version, .parent = empty, .tool = model,
	    .tags = &tag, .n_tags = 1, .metrics = &metric, .n_metrics = 1, .segments = &segment,
	    .n_segments = 1, .n_entries = 1};
	struct mf_signer *s = mf_signer_generate(e);
	int rc = s != NULL ? mf_root_encode(&r, s, out, e) : -1;

	mf_signer_free(s);
	return rc;
}

static int
encode(void *arg, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc = encode_segment(&b, e);

	(void)arg;
	if (rc == 0)
		rc = encode_root(&b, e);
	mf_buf_fini(&b);
	return rc;
}

static int
decode(void *arg, struct mf_error *e)
{
	const struct bytes *b = arg;
	struct mf_listing l = {0};
	struct mf_root r = {0};
	int rc = mf_segment_decode(b->segment.data, b->segment.len, &l, e);

	if (rc == 0) {
		assert_int_equal(l.n_entries, 40);
		rc = mf_root_decode(b->root.data, b->root.len, &r, e);
	}
	if (rc == 0)
		assert_string_equal(r.model, "m");
	mf_root_fini(&r);
	mf_listing_fini(&l);
	return rc;
}

static void
manifest(void **state)
{
	struct bytes b = {MF_BUF_INIT, MF_BUF_INIT};
	struct torture encoding = {.name = "encode a manifest", .body = encode};
	struct torture decoding = {.name = "decode a manifest", .arg = &b, .body = decode};
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_crypto_init(&e), 0);
	fixture_expect_ok(encode_segment(&b.segment, &e), &e, "segment");
	fixture_expect_ok(encode_root(&b.root, &e), &e, "root");
	torture(&encoding);
	torture(&decoding);
	mf_buf_fini(&b.segment);
	mf_buf_fini(&b.root);
}

/* ---- the way of a version ---- */

struct trip {
	struct fixture f;    /* with v1 */
	struct fixture copy; /* in which a run works */
	char target[80];
};

static int
open_repo(struct mf_memory *world, struct mf_repo **out, struct mf_error *e)
{
	static const uint8_t encryption[MF_KEY_BYTES] = {
	    [0 ... MF_KEY_BYTES - 1] = 0x11}, hmac[MF_KEY_BYTES] = {[0 ... MF_KEY_BYTES - 1] = 0x22};
	struct mf_unlock *u = mf_unlock_from_pair(encryption, hmac, "the test", e);
	const struct mf_unlock *sources[] = {u};
	struct mf_repo_params p = {.url = "mem://test", .unlock = sources, .n_unlock = 1,
	    .threads = 2, .now_us = FIXTURE_NOW_US};
	int rc = -1;

	*out = NULL;
	if (u != NULL && mf_memory_open(world, NULL, NULL, &p.store, e) == 0)
		rc = mf_repo_open(&p, out, e);
	mf_unlock_free(u);
	return rc;
}

static void
copy_world(void *arg)
{
	struct trip *t = arg;

	fixture_clone(&t->f, &t->copy);
}

/* What a run left, failed or not: every version that is listed is whole, and v1 is. */
static void
check_world(void *arg, int rc)
{
	struct trip *t = arg;

	(void)rc;
	assert_true(fixture_check_versions(&t->copy) >= 1);
	assert_true(fixture_is_listed(&t->copy, "v1"));
	fixture_fini(&t->copy);
}

static void
check_pushed(void *arg, int rc)
{
	struct trip *t = arg;

	if (rc == 0)
		assert_true(fixture_is_listed(&t->copy, "v2"));
	check_world(arg, rc);
}

static long
size_in_target(const struct trip *t, const char *name)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", t->target, name);
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

/* The target shows all of v1 or nothing; nothing only after a failure. */
static void
check_pulled(void *arg, int rc)
{
	struct trip *t = arg;
	struct mf_error e = {0};
	bool shown = size_in_target(t, "a") >= 0 || size_in_target(t, "b") >= 0;

	assert_true(shown || rc != 0);
	if (shown) {
		assert_int_equal(size_in_target(t, "a"), 5000);
		assert_int_equal(size_in_target(t, "b"), 100);
	}
	if (access(t->target, F_OK) == 0)
		fixture_expect_ok(mf_fs_remove_tree(AT_FDCWD, t->target, &e), &e, "clean");
	check_world(arg, rc);
}

static int
push(void *arg, struct mf_error *e)
{
	struct trip *t = arg;
	struct mf_push_params p = {.dir = t->f.dir, .model = FIXTURE_MODEL, .version = "v2",
	    .ref = "production", .force = true, .now_us = fixture_now_us, .threads = 2};
	struct mf_push_result out;
	struct mf_repo *repo;
	int rc = open_repo(t->copy.world, &repo, e);

	if (rc == 0)
		rc = mf_push(repo, &p, &out, e);
	mf_repo_close(repo);
	return rc;
}

static int
pull(void *arg, struct mf_error *e)
{
	struct trip *t = arg;
	struct mf_pull_params p = {.spec = FIXTURE_MODEL "@v1", .dir = t->target,
	    .keep_local = 2, .threads = 2, .now_us = FIXTURE_NOW_US};
	struct mf_pull_result out;
	struct mf_repo *repo;
	int rc = open_repo(t->copy.world, &repo, e);

	if (rc == 0)
		rc = mf_pull(repo, &p, &out, e);
	mf_repo_close(repo);
	return rc;
}

/* A run that pulls v2 over v1. */
static void
have_v1(void *arg)
{
	struct trip *t = arg;
	struct mf_error e = {0};

	copy_world(t);
	fixture_expect_ok(pull(t, &e), &e, "pull v1");
}

static int
pull_v2(void *arg, struct mf_error *e)
{
	struct trip *t = arg;
	struct mf_pull_params p = {.spec = FIXTURE_MODEL "@v2", .dir = t->target, .hard_link = true,
	    .keep_local = 2, .threads = 2, .now_us = FIXTURE_NOW_US};
	struct mf_pull_result out;
	struct mf_repo *repo;
	int rc = open_repo(t->copy.world, &repo, e);

	if (rc == 0)
		rc = mf_pull(repo, &p, &out, e);
	mf_repo_close(repo);
	return rc;
}

/* The target shows v1, or v2. */
static void
check_replaced(void *arg, int rc)
{
	struct trip *t = arg;
	struct mf_error e = {0};
	const long b = size_in_target(t, "b");

	assert_true(b == 200 || (b == 100 && rc != 0));
	assert_int_equal(size_in_target(t, b == 200 ? "c" : "a"), 5000);
	assert_int_equal(size_in_target(t, b == 200 ? "a" : "c"), -1);
	fixture_expect_ok(mf_fs_remove_tree(AT_FDCWD, t->target, &e), &e, "clean");
	check_world(arg, rc);
}

static void
no_damage(void *arg, const struct mf_verify_damage *d)
{
	(void)arg;
	fail_msg("damage is reported where memory was short: %s: %s", d->path, d->reason);
}

static int
verify(void *arg, struct mf_error *e)
{
	struct trip *t = arg;
	struct mf_verify_params p = {.read_data = true, .damage = no_damage, .threads = 2,
	    .now_us = FIXTURE_NOW_US};
	struct mf_verify_result out;
	struct mf_repo *repo;
	int rc = open_repo(t->copy.world, &repo, e);

	if (rc == 0)
		rc = mf_verify(repo, &p, &out, e);
	mf_repo_close(repo);
	return rc;
}

static int
prune(void *arg, struct mf_error *e)
{
	struct trip *t = arg;
	struct mf_prune_params p = {.grace_us = 0, .now_us = FIXTURE_NOW_US};
	struct mf_prune_result out;
	struct mf_repo *repo;
	int rc = open_repo(t->copy.world, &repo, e);

	if (rc == 0)
		rc = mf_prune(repo, &p, &out, e);
	mf_repo_close(repo);
	return rc;
}

static void
trip(void **state)
{
	struct trip t = {0};
	struct torture work = {.name = "push", .arg = &t, .prepare = copy_world, .body = push,
	    .finish = check_pushed};

	(void)state;
	fixture_init(&t.f);
	snprintf(t.target, sizeof(t.target), "%s-pulled", t.f.dir);
	fixture_write(&t.f, "a", 1, 5000);
	fixture_write(&t.f, "b", 2, 100);
	fixture_push(&t.f, "v0");
	fixture_write(&t.f, "a", 3, 5000);
	fixture_push(&t.f, "v1");
	fixture_forget(&t.f, "v0");
	fixture_write(&t.f, "b", 4, 200);
	torture(&work);
	work.name = "pull";
	work.body = pull;
	work.finish = check_pulled;
	torture(&work);
	work.finish = check_world;
	work.name = "verify";
	work.body = verify;
	torture(&work);
	work.name = "prune";
	work.body = prune;
	torture(&work);
	fixture_write(&t.f, "a", 0, 0);
	fixture_write(&t.f, "c", 3, 5000);
	fixture_push(&t.f, "v2");
	work = (struct torture){.name = "pull over a local version", .arg = &t, .prepare = have_v1,
	    .body = pull_v2, .finish = check_replaced};
	torture(&work);
	fixture_fini(&t.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(manifest),
	    cmocka_unit_test(trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
