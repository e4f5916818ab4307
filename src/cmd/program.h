/*
 * Running a program of the user's, without a shell: one file, no arguments. Standard input is
 * empty, standard output goes where standard error does (ours is for results), no other file of
 * ours is open in it, and it leads a process group of its own, which is ended with it.
 *
 * Its environment is ours and what the caller adds, without MODEL_ENCRYPTION_KEY, MODEL_HMAC_KEY,
 * MODELFERRY_NOTIFY_URL and MODELFERRY_PING_URL.
 *
 * Main thread only: it waits for children by their number, and looks at the environment.
 */
#ifndef MF_CMD_PROGRAM_H
#define MF_CMD_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

struct mf_program {
	const char *path;
	const char *const *variables; /* "NAME=value" */
	size_t n_variables;
	uint64_t timeout_us; /* then it gets SIGTERM, and 5 s later SIGKILL */
	/* From when this says so it has 5 s before its SIGTERM. NULL: never */
	bool (*interrupted)(void);
};

/* Can it be run at all, as far as one can tell before? MF_EUSAGE. */
int mf_program_check(const char *path, struct mf_error *e);
/* Run it and wait. 0: it ended with status 0. -1: MF_EFAIL, it could not be started or failed;
 * MF_EINTERRUPTED: it was cut off. */
int mf_program_run(const struct mf_program *p, struct mf_error *e);

#endif
