/*
 * Which run of a plan has not ended: what this machine's journal says, held against what the
 * repository says, where there is one. Another machine may have gone on with a run that this one
 * believes to be open, and even to its end; what lies here is old then, and nothing may be resumed
 * from it.
 */
#ifndef MF_MIGRATE_FIND_RUN_H
#define MF_MIGRATE_FIND_RUN_H

#include <stdbool.h>

#include "src/repo/run_record.h"
#include "src/rollout/plan.h"

struct mf_find_run {
	const struct mf_plan *plan;
	struct mf_journal *journal;
	struct mf_repo *repo; /* NULL: there is none */
	bool only_look;       /* leave journal and repository as they are */
};

/* Its id, or "" where there is none. One that the repository alone knows is in the journal then,
 * and an end that one of the two had not heard of is in both. A repository that does not answer
 * keeps nobody from what this machine knows by itself. MF_ECONFLICT: somebody went on with it from
 * another state directory. */
int mf_find_run(const struct mf_find_run *f, char id[MF_RUN_ID_MAX_BYTES + 1], struct mf_error *e);

#endif
