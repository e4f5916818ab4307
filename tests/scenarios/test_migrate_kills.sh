#!/usr/bin/env bash
# A migration that is killed at each act, before and after its line in the journal, when it was
# done and when its answer is written: what resumes it ends it as asked, and no client notices.
#
# Each act at some of its places, and ten moments of a run; with MF_STRESS=1 every act at every
# place both ways, and kills at random moments. MF_KILL_RUNS: how many of these (100).
# test_migrate_kills_rollout.sh does the same with Rollouts.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
if ! has_failpoints; then
	echo "1..0 # SKIP built without --enable-failpoints"
	exit 0
fi
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"
# shellcheck source=tests/scenarios/migrate_kills.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate_kills.sh"

a_few() {
	killed_at route.before-journal continue
	killed_at route.after-journal rollback
	killed_at route.after-act continue
	killed_at route.after-answer:2 rollback
	killed_at hook.after-act:3 continue
	killed_at reference.after-journal continue
	killed_at reference.after-act rollback
	killed_at tick.after-state:3 rollback
	killed_back_at route.after-act:2 continue
	killed_back_at drain.after-act rollback
	killed_back_at referenceBack.after-journal continue
	killed_back_at fallback.after-act continue
	killed_down_at alert.before-journal:2 continue # the first is of the gate
	killed_down_at restore.after-journal rollback
}

everywhere() {
	local place how act
	for place in before-journal after-journal after-act after-answer; do
		for how in continue rollback; do
			for act in route hook reference; do
				killed_at $act.$place $how
			done
			for act in route hook; do # of later ticks
				killed_at $act.$place:2 $how
			done
			killed_at hook.$place:9 $how
			killed_back_at route.$place:2 $how
			for act in drain referenceBack fallback; do
				killed_back_at $act.$place $how
			done
			killed_down_at alert.$place:2 $how # the first is of the gate
			killed_down_at restore.$place $how
		done
	done
	killed_before_it_began
	killed_at_its_end continue
	killed_at_its_end rollback
	for how in 1 2 3 4; do
		killed_at tick.after-state:$how continue
		killed_at tick.after-state:$how rollback
	done
}

clients
by_canary
how_long
if [[ -z ${MF_STRESS-} ]]; then
	a_few
	at_moments 10
	killed_at_its_end rollback # the last: whoever came next would wait for its leases
else
	everywhere
	at_random "${MF_KILL_RUNS:-100}"
fi
no_client_failed kills
end
