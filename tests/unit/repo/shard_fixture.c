#include "tests/unit/repo/shard_fixture.h"

#include <stdatomic.h>
#include <string.h>

#include "src/repo/partial_int.h"

int
shard_try_push(struct mf_repo *repo, const struct fixture *f, const char *version, unsigned number,
    unsigned of, struct mf_push_result *out, struct mf_error *e)
{
	struct mf_push_params p = {.dir = f->dir,
	    .model = FIXTURE_MODEL,
	    .version = version,
	    .by = "test",
	    .now_us = fixture_now_us,
	    .threads = 1,
	    .shard = {number, of}};

	return mf_push(repo, &p, out, e);
}

struct mf_push_result
shard_push(struct fixture *f, const char *version, unsigned number, unsigned of)
{
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_expect_ok(
	    shard_try_push(f->repo, f, version, number, of, &out, &e), &e, "push of a shard");
	return out;
}

void
shard_push_all(struct fixture *f, const char *version, unsigned of)
{
	unsigned i;

	for (i = 1; i <= of; i++)
		shard_push(f, version, i, of);
}

static bool clock_stopped;
static atomic_int_least64_t clock_us;

void
shard_stop_clock(bool stopped)
{
	clock_stopped = stopped;
}

static int64_t
now_us(void)
{
	return fixture_now_us() + (clock_stopped ? 0 : atomic_fetch_add(&clock_us, 1));
}

int
shard_try_commit(struct mf_repo *repo, const char *version, unsigned of, const char *ref,
    struct mf_commit_result *out, struct mf_error *e)
{
	struct mf_commit_params p = {.model = FIXTURE_MODEL,
	    .version = version,
	    .shards = of,
	    .ref = ref,
	    .by = "test",
	    .now_us = now_us};

	return mf_commit(repo, &p, out, e);
}

struct mf_commit_result
shard_commit(struct fixture *f, const char *version, unsigned of)
{
	struct mf_commit_result out;
	struct mf_error e = {0};

	fixture_expect_ok(shard_try_commit(f->repo, version, of, NULL, &out, &e), &e, "commit");
	return out;
}

void
shard_expect_refusal(struct fixture *f, const char *version, unsigned of, const char *text)
{
	struct mf_commit_result out;
	struct mf_error e = {0};

	assert_int_equal(shard_try_commit(f->repo, version, of, NULL, &out, &e), -1);
	if (e.code != MF_ECONFLICT || strstr(e.message, text) == NULL)
		fail_msg("%d: %s", e.code, e.message);
}

size_t
shard_count_versions(const struct fixture *f, const char *version)
{
	struct mf_versions vs;
	struct mf_error e = {0};
	size_t i, n = 0;

	fixture_expect_ok(
	    mf_versions_list(f->repo, FIXTURE_MODEL, NULL, NULL, &vs, &e), &e, "list versions");
	for (i = 0; i < vs.n; i++)
		n += strcmp(vs.items[i].root.version, version) == 0;
	mf_versions_fini(&vs);
	return n;
}

size_t
shard_count_partials(const struct fixture *f)
{
	struct mf_partials ps;
	struct mf_error e = {0};
	size_t n;

	fixture_expect_ok(mf_partials_list(f->repo, NULL, NULL, &ps, &e), &e, "list partials");
	n = ps.n;
	mf_partials_fini(&ps);
	return n;
}
