/* The runs that the repository knows of, for `status` and `history`. */
#ifndef MF_CMD_RUNS_H
#define MF_CMD_RUNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/migrate/view.h"
#include "src/repo/run_record.h"

/* A run's head, with texts of its own. */
struct mf_cmd_run {
	char *id, *plan, *digest, *model, *actor, *from, *to, *result, *reason;
	char *because; /* what stands behind the reason's word: what failed, or who said so */
	int64_t begun_us, ended_us;
};

struct mf_cmd_runs {
	struct mf_cmd_run *items;
	size_t n, capacity;
	const char *only; /* NULL: all */
	bool open_only;
	bool failed; /* out of memory */
};

/* The newest first. */
int mf_cmd_runs_load(struct mf_repo *repo, struct mf_cmd_runs *rs, struct mf_error *e);
void mf_cmd_runs_fini(struct mf_cmd_runs *rs);
json_t *mf_cmd_run_json(const struct mf_cmd_run *r);

/* A run as its last heartbeat shows it. */
struct mf_cmd_run_seen {
	bool has_beat, has_view;
	struct mf_run_beat beat;
	uint64_t age_us; /* of the heartbeat */
	int64_t now_us;  /* by the clock of the machine that runs it */
	struct mf_migrate_view view;
	const char *unwell; /* what needs attention; NULL: nothing */
};

/* status_json.c: the run's object. NULL: out of memory. */
json_t *mf_cmd_status_json(const struct mf_cmd_run *r, const struct mf_cmd_run_seen *seen);

#endif
