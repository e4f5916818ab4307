/*
 * A call of a plan to a model server: over HTTP, or a program that is run without a shell. It is
 * what `reload`, `restore` and `requires` are, and one question of `serves`.
 *
 * In URL, body and each word of a command {server}, {model} and {version} are replaced; a URL takes
 * model and version percent-encoded. A brace that begins no such name stays as it is.
 *
 * Threads: any number of calls at once over HTTP; programs as src/base/program.h says.
 */
#ifndef MF_TRAFFIC_CALL_H
#define MF_TRAFFIC_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/migration_plan.h"
#include "src/traffic/dial.h"

struct mf_call_values {
	const char *server; /* a URL; its last slash is dropped. NULL: there is none */
	const char *model, *version;
};

struct mf_call_params {
	struct mf_dialer *dialer;      /* borrowed */
	uint64_t (*now_us)(void *arg); /* monotonic; for programs */
	bool (*interrupted)(void *arg);
	void *arg;
};

/* Append text with its names replaced. in_url: model and version are percent-encoded. */
void mf_call_put(
    struct mf_buf *b, const char *text, const struct mf_call_values *values, bool in_url);

/* Do it and wait; timeout_us 0: the plan's, else the shorter one. What was answered or printed goes
 * to the end of *out (NULL: dropped), at most MF_DIAL_ANSWER_BYTES. 0: a 2xx answer, or status 0 of
 * the program. -1: MF_ETRANSFER, MF_EFAIL, MF_EINTERRUPTED, MF_EUSAGE, MF_ENOMEM. Blocking. */
int mf_call_do(const struct mf_call_params *params, const struct mf_call_plan *plan,
    const struct mf_call_values *values, uint64_t timeout_us, struct mf_buf *out,
    struct mf_error *e);

#endif
