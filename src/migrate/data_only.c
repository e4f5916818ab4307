/* How a plan ends that moves no traffic: production names the version, or all is as it was. */
#include "src/migrate/migrate_int.h"

#include "src/base/log.h"
#include "src/state/journal.h"

#define END_US UINT64_C(30000000) /* how long the end waits for its leases */

static void
end(struct mf_migrating *x, struct mf_migrate_report *out, enum mf_result result)
{
	struct mf_error ignored = {0};

	out->result = result;
	out->reason = result == MF_RESULT_ROLLED_BACK ? MF_REASON_BY_HAND : MF_REASON_NONE;
	out->primary = 100;
	mf_migrating_let_go(x, result == MF_RESULT_SUCCEEDED);
	mf_migrating_tell_people_end(x, result, out->reason, 0);
	mf_migrating_let_people_hear(x, END_US);
	if (mf_journal_end(x->p->journal, x->p->run_id, mf_result_name(result),
		mf_reason_name(out->reason), x->p->unix_us(), &ignored) != 0)
		mf_log(MF_LOG_WARNING, "the end of the run is not in the journal: %s",
		    ignored.message);
}

/* Production first, so that nobody who follows it is sent to what goes. */
static int
turn_back(struct mf_migrating *x, struct mf_error *e)
{
	return mf_migrating_refs_back(x, e) != 0 ? -1 : mf_migrating_destination_back(x, e);
}

int
mf_migrating_end_data_only(
    struct mf_migrating *x, struct mf_migrate_report *out, struct mf_error *e)
{
	if (!mf_keeper_may_go_forward(x->keeper, 0, END_US))
		return mf_error_set(e, MF_ECONFLICT,
		    "%s: the leases of this run are not held any more", x->m->name);
	if (x->shift.control == MF_STEER_ABORT) {
		/* a process of it that was killed may have moved it: what it names now tells */
		x->referenced = x->p->resume != MF_MIGRATE_FRESH;
		if (turn_back(x, e) != 0)
			return -1;
		end(x, out, MF_RESULT_ROLLED_BACK);
		return 0;
	}
	if (mf_migrating_move_production(x, e) != 0)
		return -1;
	end(x, out, MF_RESULT_SUCCEEDED);
	return 0;
}
