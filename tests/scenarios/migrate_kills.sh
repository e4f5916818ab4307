# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # some of it is for who sources it, some comes from there
# Sourced after migrate.sh: migrations that are killed and gone on with. Short runs, from v1 to v2
# by two steps, with a clock in tenths.
#
#	by_canary                       from here on runs of a Canary: with a gate, and hooks of all
#	                                kinds that are asked at each tick
#	by_rollout                      of a Rollout, with an analysis in the background
#	killed_at WHAT.PLACE[:N] continue|rollback         a healthy run, killed there, resumed so
#	killed_back_at WHAT.PLACE[:N] continue|rollback    one on its way back
#	killed_down_at WHAT.PLACE[:N] continue|rollback    the same, and the primary's server is down
#	killed_at_its_end continue|rollback                one that had succeeded
#	killed_anywhere SECONDS continue|rollback [begun]  killed after so long, whatever it did, or
#	                                                   so long after it has begun
#	how_long; at_moments RUNS; at_random RUNS          that, over a run; moments once it has begun
#
# Each starts over, and checks status, weights, production, the link, and what served last.

# shellcheck source=tests/scenarios/rollouts.sh
. "$MF_TOP_SRCDIR/tests/scenarios/rollouts.sh"

python3 "$MF_TOP_SRCDIR/tests/scenarios/listen.py" listen.port listen.seen &
pids+=($!)
in_time test -s listen.port
hooks=http://127.0.0.1:$(cat listen.port)

in_a_hurry() {
	sed -e 's/interval: 1s/interval: 200ms/' -e 's/interval: 500ms/interval: 100ms/' \
	    -e 's/settle: 300ms/settle: 10ms/' -e 's/watch: 500ms/watch: 200ms/' \
	    -e 's/: 40/: 50/' -e 's/{duration: 1s/{duration: 200ms/' \
	    -e 's/verifyFor: 1s/verifyFor: 200ms/'
}
quick() { plan "$1" | in_a_hurry; } # VERSION: the plan, in a hurry
# what all of these runs call; a file per name says how it answers
hooked() { # VERSION
	quick "$1"
	cat <<-END
	  gates:
	  - {name: may-begin, type: confirm-rollout, url: "$hooks/as/may-begin"}
	  - {name: may-end, type: confirm-promotion, url: "$hooks/as/may-end"}
	  hooks:
	  - {name: before, type: pre-rollout, url: "$hooks/as/before"}
	  - {name: each, type: rollout, url: "$hooks/as/each"}
	  - {name: back, type: rollback, url: "$hooks/as/back"}
	  - {name: after, type: post-rollout, url: "$hooks/as/after"}
	END
}
rolling() { # VERSION PAUSE: as a Rollout, with that pause at half of the traffic
	{
		migration "$1" "${seen[@]}" "  bake: {duration: 1s, interval: 1s}"
		rollout <<-END
		  strategy:
		    canary:
		      steps:
		      - setWeight: 50
		      - pause: {duration: $2}
		END
	} | in_a_hurry
}
of= # whose run it is, for the names of checks
by_canary() {
	of=
	hooked v2 >plan.yaml
}
by_rollout() {
	of="a Rollout "
	rolling v2 300ms >plan.yaml
}
# once half of the traffic is there: a hook asks for the way back, or the analysis does
goes_bad() {
	if [[ -z $of ]]; then answers back 200; else ill new "accuracy 0.5" "status 200"; fi
}
answers() { # NAME STATUS...: of hooks
	while (($# > 0)); do
		echo "$2" >"$1.new" && mv "$1.new" "$1"
		shift 2
	done
}
all_pass() { answers may-begin 200 may-end 200 before 200 each 200 back 500 after 200; }

loads() { # VERSION: what the new site's link shows and its server serves
	"$MF" pull "churn@$1" new --link current >out 2>err
	curl -sf -X POST "http://$new/reload" >out
}
# shellcheck disable=SC2317 # in_time calls it
is_measured_well() { # a run measures as soon as it has weight, and is not to see the last one's fault
	curl -sfG "$MF_PROMETHEUS_URL/api/v1/query" --data-urlencode 'query=model_accuracy < 0.9' |
	    grep -q '"result":\[\]'
}
anew() {
	all_pass
	start_over v1
	loads v1
	in_time is_measured_well
}
serves_now() { curl -sf "http://$new/version" | grep -q "\"$1\""; }

# as_wanted NAME WEIGHTS VERSION: all of it together, as one check
as_wanted() {
	local got
	got="weights $(weights), production $("$MF" ref churn production 2>&1 |
	    sed 's/.* is \(v[0-9]\),.*/\1/'), link $(cat new/current/version.txt)"
	echo "$got; wanted $2 and $3" >out
	if [[ $got = "weights $2, production $3, link $3" ]] && serves_now "$3"; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

# killed NAME RUN: that process of it ends by SIGKILL
killed() {
	wait "$2" 2>/dev/null
	(($? == 137)) && return
	cp killed.out err
	not_ok "$1: it was killed there"
	return 1
}

# begin_run [OPTION...]: a run, to be killed where MODELFERRY_TEST_KILL_AT says; its process is $run.
# The Rollouts that failed have their version rejected.
begin_run() {
	: >killed.out # what the last one said is no word of this one
	"$MF" migrate plan.yaml --allow-rejected "$@" >killed.out 2>err &
	run=$!
}

# go_on [OPTION...]: the plan is run again; its status is in got
go_on() {
	"$MF" migrate plan.yaml "$@" >resumed.out 2>resumed.err
	got=$?
}
# ended_so NAME STATUS WEIGHTS VERSION: what went on ended so
ended_so() {
	if [[ $got = "$2" ]]; then
		as_wanted "$1" "$3" "$4"
	else
		echo "# exit status $got, not $2"
		tail -n 3 resumed.out | cat - resumed.err >err
		not_ok "$1"
	fi
}
# how it ended, once
were_told() { # STATUS
	local ends=("info the migration succeeded" "error the migration was rolled back")
	all_told | grep -E '^(error|info the migration)' >heard
	diff heard - <<<"${ends[$1 / 8]}"
}
# gone_on NAME continue|rollback STATUS WEIGHTS VERSION: who resumes it ends so
gone_on() {
	go_on --resume --on-resume "$2"
	ended_so "$1" "${@:3}"
	[[ $3 = 3 ]] || check "... people were told once" were_told "$3"
}

killed_at() {
	local name="${of}killed at $1, $2" run
	anew
	MODELFERRY_TEST_KILL_AT=$1 begin_run
	killed "$name" "$run" || return
	if [[ $2 = rollback ]]; then
		gone_on "$name" rollback 8 100/0 v1
		return
	fi
	gone_on "$name" continue 0 0/100 v2
	check "... by no failed check" sh -c '! grep -q "failed [1-9]" resumed.out'
}

# Something asks for the way back once half of the traffic is there.
killed_back_at() {
	local name="${of}killed on its way back at $1, $2" run
	anew
	MODELFERRY_TEST_KILL_AT=$1 begin_run
	in_time grep -q "route:50/50" killed.out
	goes_bad
	killed "$name" "$run" && gone_on "$name" "$2" 8 100/0 v1
}

# shellcheck disable=SC2317 # in_time calls it
is_down() { # SITE
	echo "show servers state" | ask_haproxy |
	    awk -v s="$1" '$4 == s { down = $6 == 0 } END { exit !down }'
}
# It waits at half of the traffic until there is nowhere to go back to, and then it is to go back.
killed_down_at() {
	local name="${of}killed with the primary down at $1, $2" run
	anew
	if [[ -z $of ]]; then answers may-end 403; else rolling v2 1m >plan.yaml; fi
	MODELFERRY_TEST_KILL_AT=$1 begin_run
	in_time grep -q "route:50/50" killed.out
	ill old "ready 0"
	in_time is_down old
	sleep 0.5 # the tick that had asked the proxy before ends as if it were up
	goes_bad
	killed "$name" "$run"
	well old
	gone_on "$name" "$2" 8 100/0 v1
	[[ -z $of ]] || by_rollout
}

# Killed with its leases and before its line: nobody knows of the run, and its leases run out.
killed_before_it_began() {
	local name="${of}killed with nothing but leases" run
	anew
	MODELFERRY_TEST_KILL_AT=run.after-leases begin_run
	killed "$name" "$run" || return
	status 0 "$name: run again" "$MF" migrate plan.yaml
	as_wanted "$name" 0/100 v2
}

# Killed with its end in the journal alone: it is done, and the repository hears of it.
killed_at_its_end() { # continue|rollback
	local name="${of}killed at its end, $1" run id="end-$1-${of:0:3}"
	id=${id// /}
	anew
	MODELFERRY_TEST_KILL_AT=run.after-end begin_run --run-id "$id"
	killed "$name" "$run" || return
	gone_on "$name: nothing to resume" "$1" 3 0/100 v2
	check "... which the repository knows" sh -c "'$MF' history | grep 'succeeded.* run $id\$'"
	status 0 "... run again, it is done already" "$MF" migrate plan.yaml
}

# nothing was begun, or all of it was done
is_at_an_end() {
	grep -qF "$(weights) $("$MF" ref churn production | sed 's/.* is \(v[0-9]\),.*/\1/')" <<-END
		100/0 v1
		0/100 v2
	END
}
# whoever finds the run at its end only says so
did_nothing() { ! grep -qE '^ +[0-9]+  ' resumed.out; }

# Killed before it began, or when it had succeeded, is no error: there is nothing to turn back.
# From everywhere else it ends as it was asked to.
killed_anywhere() {
	local name="${of}killed after $1 s${3:+ of the run}, $2" run i
	anew
	begin_run
	for ((i = 0; i < 2000; i++)); do
		[[ -n ${3-} ]] && ! grep -q "^deliver:" killed.out || break
		sleep 0.01
	done
	sleep "$1"
	kill -KILL "$run" 2>/dev/null
	wait "$run" 2>/dev/null
	go_on --resume --on-resume "$2"
	if ((got == 3)); then
		is_at_an_end || not_ok "$name: it waits to be resumed"
		go_on --allow-rejected # begun anew, or done
		ended_so "$name: nothing to resume" 0 0/100 v2
	elif [[ $2 = continue ]] || { ((got == 0)) && did_nothing; }; then
		ended_so "$name" 0 0/100 v2
	else
		ended_so "$name" 8 100/0 v1
	fi
}

# how_long: a run takes so many milliseconds here, and a little longer
how_long() {
	local begun
	anew
	begun=$(date +%s%3N)
	"$MF" migrate plan.yaml --allow-rejected >out 2>err
	run_ms=$((($(date +%s%3N) - begun) * 11 / 10))
}
# Whoever comes after one that was killed before it was known, or between its end and
# giving back its leases, waits for these.
at_moments() { # RUNS: over all of a run that has begun
	local i how=(continue rollback)
	for ((i = 0; i < $1; i++)); do
		killed_anywhere "$((i * (run_ms - 500) / $1))e-3" "${how[i % 2]}" begun
	done
}
at_random() { # RUNS
	local i how=(continue rollback)
	for ((i = 0; i < $1; i++)); do
		killed_anywhere "$((SRANDOM % run_ms))e-3" "${how[i % 2]}"
	done
}
