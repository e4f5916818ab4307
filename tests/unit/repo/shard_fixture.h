/* Shards and commits on the fixture's repository. What fails fails the running test, but where a
 * struct mf_error is taken. */
#ifndef TESTS_UNIT_REPO_SHARD_FIXTURE_H
#define TESTS_UNIT_REPO_SHARD_FIXTURE_H

#include "src/repo/commit.h"
#include "tests/unit/repo/repo_fixture.h"

/* Push shard number of `of` of FIXTURE_MODEL@version from f's directory. */
int shard_try_push(struct mf_repo *repo, const struct fixture *f, const char *version,
    unsigned number, unsigned of, struct mf_push_result *out, struct mf_error *e);
struct mf_push_result shard_push(struct fixture *f, const char *version, unsigned number,
    unsigned of);
void shard_push_all(struct fixture *f, const char *version, unsigned of);

/* Each commit sees a later time than the one before, so that no two roots are the same bytes;
 * shard_stop_clock(true): all see the same. */
int shard_try_commit(struct mf_repo *repo, const char *version, unsigned of, const char *ref,
    struct mf_commit_result *out, struct mf_error *e);
void shard_stop_clock(bool stopped);
struct mf_commit_result shard_commit(struct fixture *f, const char *version, unsigned of);
/* It must fail with MF_ECONFLICT, and this in its message. */
void shard_expect_refusal(struct fixture *f, const char *version, unsigned of, const char *text);

/* How many marked roots have the name. */
size_t shard_count_versions(const struct fixture *f, const char *version);
size_t shard_count_partials(const struct fixture *f);

#endif
