/*
 * A small repository in a memory store, for tests: a world that outlives its handles, so that
 * several actors (each with its own handle and step hook) look at the same objects, and a
 * directory to push from. Everything fails the running test instead of returning errors, but
 * where a struct mf_error is taken.
 */
#ifndef TESTS_UNIT_REPO_FIXTURE_H
#define TESTS_UNIT_REPO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/repo/prune.h"
#include "src/repo/push.h"
#include "src/repo/ref.h"
#include "src/repo/repo_int.h"
#include "src/repo/version.h"
#include "transfers/memory.h"

#define FIXTURE_NOW_US INT64_C(1700000000000000)
#define FIXTURE_HOUR_US INT64_C(3600000000)
#define FIXTURE_MODEL "team/churn"

struct fixture {
	struct mf_memory *world;
	struct mf_repo *repo; /* a handle without a hook */
	char dir[64];	      /* the source, empty at first */
};

/* How far apart the cases are that a test takes of many: stride as a rule, 1 with
 * MF_TEST_EXHAUSTIVE in the environment (make stress), and sanitized times as far with MF_SANITIZER,
 * which the makefile sets in such builds: there each case takes ten times as long, and what is
 * looked for is in the code that they share. */
unsigned fixture_stride(unsigned stride, unsigned sanitized);

/* Setup and teardown for cmocka: *state is a struct fixture. One thread a handle, so that the
 * order of store operations is the same in each run. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A new world with an empty repository; fixture_fini frees it. The n-th repository of a program
 * has the same keys in each run, so that the same bytes are cut into the same chunks. */
void fixture_init(struct fixture *f);
void fixture_fini(struct fixture *f);
/* A copy of the world's objects, times too, in a world of its own. */
void fixture_clone(const struct fixture *from, struct fixture *to);

/* Another handle; step and state (pins) may be NULL. */
struct mf_repo *fixture_open(const struct fixture *f, mf_memory_step *step, void *arg,
    struct mf_state *state);

/* The clock that pushes and refs see, and the world's; they stand still in between. */
int64_t fixture_now_us(void);
void fixture_advance(struct fixture *f, int64_t us);
void fixture_set_clock(struct fixture *f, int64_t us);

/* dir/path holds n bytes of noise that follow from the seed; n of 0 removes it. */
void fixture_write(const struct fixture *f, const char *path, unsigned seed, size_t n);

/* Push the source directory to FIXTURE_MODEL@version. */
int fixture_try_push(struct mf_repo *repo, const struct fixture *f, const char *version,
    struct mf_push_result *out, struct mf_error *e);
struct mf_push_result fixture_push(struct fixture *f, const char *version);
void fixture_set_ref(struct fixture *f, const char *ref, const char *version);
/* Delete the mark of a version. */
void fixture_forget(struct fixture *f, const char *version);

/* Prune with this grace and no rule. */
int fixture_try_prune(struct mf_repo *repo, int64_t grace_us, struct mf_prune_result *out,
    struct mf_error *e);
struct mf_prune_result fixture_prune(struct fixture *f, int64_t grace_us);

/* Copy every chunk and segment to this generation; one that has gone meanwhile is passed over. */
void fixture_put_generation(const struct fixture *f, uint64_t generation);

/* Objects with a prefix. */
size_t fixture_count(const struct fixture *f, const char *prefix);
bool fixture_is_listed(const struct fixture *f, const char *version);
/* Every listed version can be read, and all its chunks open and are what their names say.
 * Returns how many there are. */
size_t fixture_check_versions(const struct fixture *f);

/* rc must be 0. */
void fixture_expect_ok(int rc, const struct mf_error *e, const char *what);

#endif
