/* The contract, on every store and under every decorator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/transfers/scratch.h"
#include "tests/unit/transfers/store_contract.h"
#include "transfers/dir.h"
#include "transfers/fault.h"
#include "transfers/gate.h"
#include "transfers/limit.h"
#include "transfers/memory.h"
#include "transfers/retry.h"

/* ---- a directory ---- */

static struct mf_store *
dir_open_with(const char *path, unsigned flags)
{
	struct mf_store *s = NULL;
	struct mf_error e;

	if (mf_dir_open(path, MF_DIR_WRITE | flags, &s, &e) != 0)
		fprintf(stderr, "%s\n", e.message);
	return s;
}

static struct mf_store *
dir_make(void **world)
{
	char *path = malloc(SCRATCH_PATH);

	if (path == NULL)
		abort();
	scratch_make(path);
	*world = path;
	return dir_open_with(path, 0);
}

static struct mf_store *
dir_again(void *world)
{
	return dir_open_with(world, 0);
}

static struct mf_store *
temp_again(void *world)
{
	return dir_open_with(world, MF_DIR_NO_TMPFILE);
}

/* As on a file system that knows no unnamed files. */
static struct mf_store *
temp_make(void **world)
{
	mf_store_close(dir_make(world));
	return temp_again(*world);
}

static void
dir_drop(void *world)
{
	scratch_remove(world);
	free(world);
}

/* ---- memory ---- */

static struct mf_store *
memory_again(void *world)
{
	struct mf_store *s = NULL;

	return mf_memory_open(world, NULL, NULL, &s, NULL) == 0 ? s : NULL;
}

static struct mf_store *
memory_make(void **world)
{
	*world = mf_memory_new(NULL);
	return *world == NULL ? NULL : memory_again(*world);
}

static struct mf_store *
unconditional_make(void **world)
{
	struct mf_store *s = memory_make(world);

	mf_memory_set_conditional(*world, false);
	return s;
}

static void
memory_drop(void *world)
{
	mf_memory_release(world);
}

/* ---- decorators ---- */

static struct mf_store *
under_fault(struct mf_store *s)
{
	return mf_store_fault_take(s, NULL, NULL, &s, NULL) == 0 ? s : NULL;
}

static struct mf_limiter *limiter; /* of all that are made */

/* A limit that is there and never holds anybody for long. */
static struct mf_store *
under_limit(struct mf_store *s)
{
	struct mf_limits limits = {.requests_per_1000s = 1000000000, .requests_burst = 1000};
	const struct mf_waiting waiting = {.now_us = NULL};

	if (mf_bwlimit_parse("00:00,100G 12:00,90G:80G", &limits.bandwidth, NULL) != 0)
		return NULL;
	if (limiter == NULL && mf_limiter_new(&limits, &waiting, &limiter, NULL) != 0)
		return NULL;
	return mf_store_limit_take(s, limiter, &s, NULL) == 0 ? s : NULL;
}

static struct mf_store *
under_retry(struct mf_store *s)
{
	const struct mf_retry_params p = {.attempts = 3};

	return mf_store_retry_take(s, &p, &s, NULL) == 0 ? s : NULL;
}

/* As narrow as can be: the contract's threads wait for each other. */
static struct mf_store *
under_gate(struct mf_store *s)
{
	const struct mf_gate_params p = {.transfers = 1, .checkers = 1};

	return mf_store_gate_take(s, &p, &s, NULL) == 0 ? s : NULL;
}

#define DECORATED(kind, decorator) \
	static struct mf_store *kind##_##decorator(void **world) \
	{ \
		return under_##decorator(kind##_make(world)); \
	}

DECORATED(dir, fault)
DECORATED(dir, gate)
DECORATED(dir, limit)
DECORATED(dir, retry)
DECORATED(memory, fault)
DECORATED(memory, gate)
DECORATED(memory, limit)
DECORATED(memory, retry)

static struct mf_store *
memory_all(void **world)
{
	return under_retry(under_limit(under_fault(memory_make(world))));
}

static const struct mf_contract_subject subjects[] = {
	{"dir", dir_make, dir_again, dir_drop, 0},
	{"dir, temporary names", temp_make, temp_again, dir_drop, 0},
	{"dir+fault", dir_fault, dir_again, dir_drop, 0},
	{"dir+gate", dir_gate, dir_again, dir_drop, 0},
	{"dir+limit", dir_limit, dir_again, dir_drop, 0},
	{"dir+retry", dir_retry, dir_again, dir_drop, 0},
	{"memory", memory_make, memory_again, memory_drop, 0},
	{"memory, unconditional", unconditional_make, memory_again, memory_drop, 0},
	{"memory+fault", memory_fault, memory_again, memory_drop, 0},
	{"memory+gate", memory_gate, memory_again, memory_drop, 0},
	{"memory+limit", memory_limit, memory_again, memory_drop, 0},
	{"memory+retry", memory_retry, memory_again, memory_drop, 0},
	{"memory+fault+limit+retry", memory_all, memory_again, memory_drop, 0},
};

int
main(void)
{
	const int failed = mf_contract_run("store", subjects, sizeof subjects / sizeof subjects[0]);

	mf_limiter_free(limiter);
	return failed;
}
