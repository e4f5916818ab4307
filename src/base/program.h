/*
 * Running a program of the user's, without a shell. It leads a process group of its own, which is
 * ended with it where it is cut off; no other file of ours is open in it.
 *
 * Its environment is ours and what the caller adds, without MODEL_ENCRYPTION_KEY, MODEL_HMAC_KEY,
 * MODELFERRY_NOTIFY_URL and MODELFERRY_PING_URL. What it says on standard error goes where ours
 * goes.
 *
 * Waits for the child by its number, and looks at the environment: no other thread may change
 * that meanwhile, or wait for children at large.
 */
#ifndef MF_BASE_PROGRAM_H
#define MF_BASE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

struct mf_program {
	const char *const *argv;      /* ends with NULL; the first is the path of a file */
	bool search;                  /* a name without a slash is looked for in PATH */
	const char *const *variables; /* "NAME=value" */
	size_t n_variables;
	const void *input; /* of its standard input, which is empty otherwise */
	size_t input_bytes;
	/* Where its standard output goes, at the end of it; NULL: where standard error does (ours
	 * is for results). A program that says more than max_output_bytes is cut off. */
	struct mf_buf *output;
	size_t max_output_bytes;
	uint64_t timeout_us;           /* then it gets SIGTERM, and grace_us later SIGKILL */
	uint64_t grace_us;             /* 0: 5 s */
	uint64_t (*now_us)(void *arg); /* monotonic */
	/* From when this says so it has grace_us before its SIGTERM. NULL: never */
	bool (*interrupted)(void *arg);
	void *arg; /* of both */
};

/* Can it be run at all, as far as one can tell before? MF_EUSAGE. */
int mf_program_check(const char *path, struct mf_error *e);
/* The same of a name that is looked for in PATH where it has no slash. */
int mf_program_check_search(const char *name, struct mf_error *e);
/* Run it and wait. 0: it ended with status 0. -1: MF_EFAIL, it could not be started, failed or
 * said too much; MF_EINTERRUPTED: it was cut off, by time or by `interrupted`. Output of a program
 * that failed is there, too. What it leaves running in the background may hold its output open:
 * that is not waited for. */
int mf_program_run(const struct mf_program *p, struct mf_error *e);

#endif
