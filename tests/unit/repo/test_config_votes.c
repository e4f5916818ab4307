/*
 * Configurations in a store without conditional put: two that change the keys at once, in every
 * order of their store operations with two switches; an init that is killed at every operation, and
 * one beside another.
 */
#include <string.h>

#include "tests/unit/repo/orders.h"

static int
setup(void **state)
{
	struct fixture *f;

	assert_int_equal(fixture_setup(state), 0);
	f = *state;
	mf_memory_set_conditional(f->world, false);
	return 0;
}

static int
add_slot(void *arg, struct mf_repo *repo, struct mf_error *e)
{
	const char *label = arg;
	const uint8_t keys[2][MF_KEY_BYTES] = {{(uint8_t)label[0]}, {2}};
	struct mf_unlock *source = mf_unlock_from_pair(keys[0], keys[1], "test", e);
	struct mf_slot_params slot = {.label = label, .source = source, .now_us = FIXTURE_NOW_US};

	assert_non_null(source);
	assert_int_equal(
	    mf_config_add_slot(mf_repo_config_edit(repo), repo->keyring, &slot, NULL, e), 0);
	mf_unlock_free(source);
	return mf_repo_save_config(repo, NULL, e);
}

/* Where both put what was decided there are two, and they are the same. */
static void
check_configs(const struct fixture *f)
{
	struct mf_buf first = MF_BUF_INIT, other = MF_BUF_INIT;
	struct mf_error e = {0};
	struct mf_names names;
	size_t i;

	fixture_expect_ok(mf_names_list(f->repo, "config/", &names, &e), &e, "names");
	for (i = 0; i < names.n; i++) {
		mf_buf_clear(&other);
		fixture_expect_ok(mf_store_get(f->repo->store, names.items[i], 0, 100000,
				      i == 0 ? &first : &other, &e), &e, "configuration");
		if (i > 0) {
			assert_int_equal(first.len, other.len);
			assert_memory_equal(first.data, other.data, first.len);
		}
	}
	mf_names_fini(&names);
	mf_buf_fini(&first);
	mf_buf_fini(&other);
}

static void
add_slots_once(void *arg, unsigned k, unsigned j, unsigned ops[2])
{
	char a[] = "a", b[] = "b";
	struct orders_actor actors[2] = {{.work = add_slot, .arg = a}, {.work = add_slot, .arg = b}};
	struct mf_error e = {0};
	struct fixture f;
	unsigned done = 0;
	size_t i;

	fixture_clone(arg, &f);
	orders_act(&f, actors, k, j, NULL, NULL);
	for (i = 0; i < 2; i++) {
		ops[i] = actors[i].ops;
		done += actors[i].rc == 0;
		if (actors[i].rc != 0 && actors[i].e.code != MF_ECONFLICT)
			fail_msg("%u %u: %s", k, j, actors[i].e.message);
	}
	assert_int_equal(done, 1);
	mf_repo_close(f.repo);
	f.repo = fixture_open(&f, NULL, NULL, NULL);
	assert_int_equal(mf_config_slots(f.repo->config), 2);
	fixture_expect_ok(mf_config_find_slot(f.repo->config, actors[0].rc == 0 ? a : b, &i, &e), &e,
	    "the slot of who was told so");
	check_configs(&f);
	fixture_fini(&f);
}

static void
test_two_change_keys(void **state)
{
	orders_all(add_slots_once, *state, 1);
}

/* --- the first configuration */

struct initing {
	struct mf_memory *world;
	unsigned count, dies_at; /* 0: lives */
	bool has_rival;		 /* somebody else inits before our first vote */
	int rival_rc;
};

static int
try_init(struct mf_memory *world, const char *label, mf_memory_step *step, void *arg,
    struct mf_error *e)
{
	const uint8_t key[MF_KEY_BYTES] = {1};
	struct mf_unlock *source = mf_unlock_from_pair(key, key, "test", e);
	struct mf_config_params cp = {.now_us = FIXTURE_NOW_US};
	struct mf_slot_params slot = {.label = label, .source = source, .now_us = FIXTURE_NOW_US};
	struct mf_keyring *kr = mf_keyring_create(MF_CIPHER_XCHACHA20_POLY1305, MF_PADDING_NONE, e);
	struct mf_config *c = mf_config_create(kr, &cp, e);
	struct mf_store *store;
	int rc;

	assert_int_equal(mf_config_add_slot(c, kr, &slot, NULL, e), 0);
	assert_int_equal(mf_memory_open(world, step, arg, &store, e), 0);
	rc = mf_repo_init(store, c, kr, e);
	mf_store_close(store);
	mf_config_free(c);
	mf_keyring_free(kr);
	mf_unlock_free(source);
	return rc;
}

/* Whose repository is it? */
static void
expect_label(struct mf_memory *world, const char *label)
{
	const uint8_t key[MF_KEY_BYTES] = {1};
	struct mf_error e = {0};
	struct mf_unlock *source = mf_unlock_from_pair(key, key, "test", &e);
	const struct mf_unlock *sources[] = {source};
	struct mf_repo_params p = {.unlock = sources, .n_unlock = 1, .threads = 1};
	struct mf_repo *repo;

	fixture_expect_ok(mf_memory_open(world, NULL, NULL, &p.store, &e), &e, "memory");
	fixture_expect_ok(mf_repo_open(&p, &repo, &e), &e, "open");
	assert_string_equal(mf_config_slot(repo->config, 0).label, label);
	mf_repo_close(repo);
	mf_unlock_free(source);
}

static int
init_step(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct initing *i = arg;

	if (++i->count >= i->dies_at && i->dies_at != 0)
		return mf_error_set(e, MF_ETRANSFER, "the machine is gone");
	if (i->has_rival && op == MF_OP_PUT && strstr(name, ".v") != NULL) {
		i->has_rival = false;
		i->rival_rc = try_init(i->world, "rival", NULL, NULL, e);
	}
	return 0;
}

static void
test_init(void **state)
{
	struct initing i = {0};
	struct mf_error e = {0};
	int rc = -1, later;

	(void)state;
	for (i.dies_at = 1; rc != 0; i.dies_at++) {
		i.count = 0;
		i.world = mf_memory_new(&e);
		assert_non_null(i.world);
		mf_memory_set_conditional(i.world, false);
		rc = try_init(i.world, "first", init_step, &i, &e);
		later = try_init(i.world, "later", NULL, NULL, &e);
		assert_true(later == 0 || e.code == MF_EEXIST);
		assert_true(rc != 0 || later != 0);
		expect_label(i.world, later == 0 ? "later" : "first");
		mf_memory_release(i.world);
	}
	assert_true(i.dies_at > 8);
	i = (struct initing){.world = mf_memory_new(&e), .has_rival = true, .rival_rc = 7};
	mf_memory_set_conditional(i.world, false);
	assert_int_equal(try_init(i.world, "first", init_step, &i, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_int_equal(i.rival_rc, 0);
	expect_label(i.world, "rival");
	mf_memory_release(i.world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_change_keys, setup, fixture_teardown),
		cmocka_unit_test(test_init),
	};

	return cmocka_run_group_tests_name("votes on configurations", tests, NULL, NULL);
}
