/* Pulling from the small repository of repo_fixture.h into a directory of the test's own, which
 * is the source directory's name and "-local". */
#ifndef TESTS_UNIT_REPO_PULL_FIXTURE_H
#define TESTS_UNIT_REPO_PULL_FIXTURE_H

#include "src/repo/pull.h"
#include "tests/unit/repo/repo_fixture.h"

#define MIB ((size_t)1 << 20)

/* Teardown for cmocka: that directory too. */
int local_teardown(void **state);
/* A path in that directory; returns path. */
const char *local_path(const struct fixture *f, const char *below, char path[512]);

/* Pull a version with the parameters in more, which may be NULL: then with --link current.
 * dir NULL: into that directory. keep_local 0: all stay. */
int try_pull(struct fixture *f, const char *version, const struct mf_pull_params *more,
    struct mf_pull_result *out, struct mf_error *e);
struct mf_pull_result pull_ok(struct fixture *f, const char *version,
    const struct mf_pull_params *more);

/* The whole content of a file, in out. */
void local_read(const char *dir, const char *name, struct mf_buf *out);
/* The link `current` shows those files of the source directory, and nothing else. */
void expect_shown(struct fixture *f, const char *const *names, size_t n);
/* How many names a directory holds. */
size_t count_names(const char *dir);

#endif
