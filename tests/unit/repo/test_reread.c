/* What comes over a network may have been changed on the way: an object that is no good is read
 * once more before anybody calls it damaged. What lies on this machine is read once. */
#include "tests/unit/repo/pull_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"

/* Damages one object for some of its gets. */
struct spoiler {
	pthread_mutex_t lock;
	struct mf_store *beneath;
	const char *prefix; /* the object: of those with that prefix, the one read after skip */
	unsigned skip;      /* others */
	unsigned times;     /* gets that see it damaged */
	unsigned gets;      /* so far */
	char name[MF_OBJECT_NAME_BYTES], last[MF_OBJECT_NAME_BYTES];
	struct mf_buf good;
};

static void
put_back(struct spoiler *s, bool damaged)
{
	struct mf_error e = {0};

	s->good.data[s->good.len / 2] ^= damaged;
	fixture_expect_ok(
	    mf_store_put(s->beneath, s->name, s->good.data, s->good.len, 0, &e), &e, "spoil");
	s->good.data[s->good.len / 2] ^= damaged;
}

/* Is it the one? */
static bool
is_it(struct spoiler *s, const char *name)
{
	struct mf_error e = {0};

	if (s->name[0] != '\0')
		return strcmp(name, s->name) == 0;
	if (strncmp(name, s->prefix, strlen(s->prefix)) != 0)
		return false;
	if (s->skip > 0) {
		s->skip -= strcmp(name, s->last) != 0;
		snprintf(s->last, sizeof s->last, "%s", name);
		return false;
	}
	if (strcmp(name, s->last) == 0)
		return false;
	snprintf(s->name, sizeof s->name, "%s", name);
	fixture_expect_ok(mf_store_get(s->beneath, name, 0, 64 * MIB, &s->good, &e), &e, "get");
	return true;
}

static int
spoil(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct spoiler *s = arg;

	(void)e;
	pthread_mutex_lock(&s->lock);
	if (op == MF_OP_GET && is_it(s, name))
		put_back(s, ++s->gets <= s->times);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void
begin(struct fixture *f, struct spoiler *s, const char *prefix, unsigned skip, unsigned times)
{
	struct mf_error e = {0};

	*s = (struct spoiler){.prefix = prefix, .skip = skip, .times = times};
	pthread_mutex_init(&s->lock, NULL);
	fixture_expect_ok(mf_memory_open(f->world, NULL, NULL, &s->beneath, &e), &e, "open memory");
	mf_repo_close(f->repo);
	f->repo = fixture_open(f, spoil, s, NULL);
}

/* Everything is as it was. */
static void
end(struct fixture *f, struct spoiler *s)
{
	if (s->name[0] != '\0')
		put_back(s, false);
	mf_repo_close(f->repo);
	f->repo = fixture_open(f, NULL, NULL, NULL);
	mf_store_close(s->beneath);
	mf_buf_fini(&s->good);
	pthread_mutex_destroy(&s->lock);
}

/* A pull, with a damaged object: what comes of it, and how often that was read. */
static void
pull_with(struct fixture *f, const char *prefix, unsigned skip, unsigned times, enum mf_code code,
    unsigned gets)
{
	static const char *const names[] = {"a", "b"};
	struct mf_pull_result out;
	struct mf_error e = {0};
	struct spoiler s;
	char path[512];

	begin(f, &s, prefix, skip, times);
	if (try_pull(f, "v1", NULL, &out, &e) != 0 && e.code != code)
		fail_msg("%s", e.message);
	assert_int_equal(e.code, code);
	assert_int_equal(s.gets, gets);
	if (code == MF_OK)
		expect_shown(f, names, 2);
	end(f, &s);
	fixture_expect_ok(
	    mf_fs_remove_tree(AT_FDCWD, local_path(f, ".modelferry", path), &e), &e, "remove");
	(void)unlink(local_path(f, "current", path));
}

static void
push_two(struct fixture *f, bool far)
{
	fixture_write(f, "a", 1, 3 * MIB);
	fixture_write(f, "b", 2, 3 * MIB);
	fixture_push(f, "v1");
	mf_memory_set_far(f->world, far);
}

static void
over_a_network(void **state)
{
	struct fixture *f = *state;

	push_two(f, true);
	pull_with(f, "m/", 0, 0, MF_OK, 1);
	pull_with(f, "m/", 0, 1, MF_OK, 2);
	pull_with(f, "m/", 0, 2, MF_EDAMAGED, 2);
	pull_with(f, "c/", 0, 1, MF_OK, 2); /* the segment with the list of files */
	pull_with(f, "c/", 0, 2, MF_EDAMAGED, 2);
	pull_with(f, "c/", 1, 1, MF_OK, 2); /* a chunk */
	pull_with(f, "c/", 1, 2, MF_EDAMAGED, 2);
}

static void
on_this_machine(void **state)
{
	struct fixture *f = *state;

	push_two(f, false);
	pull_with(f, "m/", 0, 1, MF_EDAMAGED, 1);
	pull_with(f, "c/", 0, 1, MF_EDAMAGED, 1);
	pull_with(f, "c/", 1, 1, MF_EDAMAGED, 1);
}

/* A damaged slot looks like a wrong key. */
static void
configuration(void **state)
{
	struct fixture *f = *state;
	struct spoiler s;

	mf_memory_set_far(f->world, true);
	begin(f, &s, "config/", 0, 1);
	assert_int_equal(s.gets, 2);
	end(f, &s);
}

/* A prune takes what it cannot open for gone. */
static void
prune_looks_twice(void **state)
{
	struct fixture *f = *state;
	struct mf_prune_result out;
	struct mf_error e = {0};
	struct spoiler s;

	push_two(f, true);
	begin(f, &s, "c/", 0, 1);
	fixture_expect_ok(fixture_try_prune(f->repo, 0, &out, &e), &e, "prune");
	end(f, &s);
	assert_int_equal(fixture_check_versions(f), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(over_a_network, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(on_this_machine, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(configuration, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(prune_looks_twice, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("reading once more", tests, NULL, NULL);
}
