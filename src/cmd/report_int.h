/* What a run is about, as far as the options say. */
#ifndef MF_CMD_REPORT_INT_H
#define MF_CMD_REPORT_INT_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "src/base/log.h"
#include "src/cmd/cmd.h"
#include "src/report/run.h"

#define FACT_BYTES 256

/* Texts are cut to fit. */
struct mf_cmd_facts {
	bool tells; /* is this a run that is told at all? */
	bool in_pieces; /* it lives long, and its work is told piece by piece */
	char run_id[MF_REPORT_RUN_ID_MAX + 1];
	char model[FACT_BYTES], version[FACT_BYTES]; /* "": none */
	char store[4 * FACT_BYTES];
	char host[HOST_NAME_MAX + 1];
	const char *command;
	int64_t begun_us; /* monotonic */
	struct mf_log_field fields[4];
	size_t n_fields;
};

/* All but fields. -1: a bad --run-id; then it has a random one. */
int mf_cmd_facts_take(struct mf_cmd_facts *f, const struct mf_options *o, struct mf_error *e);
/* Make f->fields the context of the log. */
void mf_cmd_facts_to_log(struct mf_cmd_facts *f);
/* A store's URL without what might be a secret in it: user information and a query. */
void mf_cmd_facts_store(char *out, size_t out_bytes, const char *url);

#endif
