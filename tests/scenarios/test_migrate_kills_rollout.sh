#!/usr/bin/env bash
# A Migration by a Rollout that is killed at each act: as test_migrate_kills.sh, with its steps and
# its analysis in the background. MF_STRESS=1 and MF_KILL_RUNS as there.
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
	killed_at route.before-journal rollback
	killed_at route.after-journal continue
	killed_at route.after-act rollback
	killed_at route.after-answer:2 continue
	killed_at reference.before-journal continue
	killed_at reference.after-answer rollback
	killed_at tick.after-state:2 continue
	killed_back_at alert.after-act continue
	killed_back_at route.after-journal:2 rollback
	killed_back_at drain.after-answer continue
	killed_back_at referenceBack.after-act rollback
	killed_back_at fallback.before-journal continue
	killed_down_at restore.after-act rollback
}

everywhere() {
	local place how act
	for place in before-journal after-journal after-act after-answer; do
		for how in continue rollback; do
			for act in route reference; do
				killed_at $act.$place $how
			done
			killed_at route.$place:2 $how
			killed_back_at route.$place:2 $how
			for act in alert drain referenceBack fallback; do
				killed_back_at $act.$place $how
			done
			killed_down_at restore.$place $how
		done
	done
	killed_at_its_end continue
	killed_at_its_end rollback
	for how in 1 2 3 4 5; do # a quick run has no sixth
		killed_at tick.after-state:$how continue
		killed_at tick.after-state:$how rollback
	done
}

clients
by_rollout
how_long
if [[ -z ${MF_STRESS-} ]]; then
	a_few
	at_moments 4
else
	everywhere
	at_random "${MF_KILL_RUNS:-100}"
fi
no_client_failed "kills of a Rollout"
end
