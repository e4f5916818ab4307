#!/usr/bin/env bash
# What a run makes of its metrics, with real parts: latency, errors, a breach between two ticks, no
# data, NaN, a Prometheus that is slow or gone, a fault of both sides, a primary that is dead. Each
# scenario says how the run ended: weights, production, link, exit status, whether the version was
# rejected, which alerts were sent, and that clients saw just the failures that were played.
# shellcheck disable=SC2317 # functions that in_time and check call
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

for v in v5 v6 v7 v8 v9; do push_version $v; done

# measuring VERSION [LINE...]: a plan with the metrics of standard input in place of its own
measuring() {
	plan "$@" >whole
	sed '/^    metrics:$/q' whole
	cat
	sed -n '/^  bake:/,$p' whole
}
accuracy() { # [LINE...]: of the canary, held against 0.9
	cat <<-END
		    - name: accuracy
		      address: $MF_PROMETHEUS_URL
		      query: 'model_accuracy{site="new"}'
		      primaryQuery: 'model_accuracy{site="old"}'
		      interval: 500ms
		      thresholdRange: {min: 0.9}
	END
	(($# == 0)) || printf '      %s\n' "$@"
}
# set_plan KEY VALUE: of the analysis
set_plan() { sed -i "s|^    $1: .*|    $1: $2|" plan.yaml; }

begin() { # from the beginning, under load
	start_over v1
	"$MF" pull churn@v1 new --link current >out 2>err
	clients
}
# run_until PATTERN: the plan is run, and has come to that tick
run_until() {
	: >run.out # what the run before said is no word of this one
	"$MF" migrate plan.yaml >run.out 2>run.err &
	run=$!
	in_time grep -qE "$1" run.out
}
# run_ends STATUS NAME: the run that was begun ends so; out and err are then its
run_ends() {
	local got
	wait "$run"
	got=$?
	cp run.out out
	cp run.err err
	if [ "$got" -eq "$1" ]; then
		ok "$2: exit status $1"
	else
		echo "# exit status $got, not $1"
		not_ok "$2: exit status $1"
	fi
}
rejected() { # NAME VERSION true|false
	"$MF" show "churn@$2" --json >out 2>err
	json "$1: rejected: $3" "str(bool(r[\"rejected\"])).lower() == \"$3\""
}
held_ticks() { grep -c "held: noData" run.out; }
held_times() { test "$(held_ticks)" -ge "$1"; } # N
at() { test "$(weights)" = "$1"; } # WEIGHTS
moved_from() { ! at "$1"; }
# counter SITE SERIES: what its model server has counted
counter() {
	curl -s "http://$(cat "$1.url")/metrics" |
	    awk -v series="$2" '$1 == series { print $2 }'
}
is_down() { # SERVER: HAProxy says so
	echo "show stat" | ask_haproxy |
	    awk -F, -v name="$1" '$1 == "churn" && $2 == name && $18 == "DOWN" { down = 1 }
		END { exit !down }'
}
# where it was before, with what it had
prometheus=$(cut -d' ' -f1 prometheus/run/prometheus.pid)
start_prometheus() {
	(cd prometheus && exec prometheus --config.file=prometheus.yml --storage.tsdb.path=data \
	    --web.listen-address="${MF_PROMETHEUS_URL#http://}" --log.level=error) >>servers.log 2>&1 &
	prometheus=$!
	pids+=("$prometheus")
	in_time curl -sf "$MF_PROMETHEUS_URL/-/ready"
}

# ---- latency ----

begin
measuring v2 >plan.yaml <<EOF
    - name: request-duration
      address: $MF_PROMETHEUS_URL
      query: >-
        1000 * rate(model_prediction_latency_seconds_sum{site="new"}[2s])
        / rate(model_prediction_latency_seconds_count{site="new"}[2s])
      primaryQuery: >-
        1000 * rate(model_prediction_latency_seconds_sum{site="old"}[2s])
        / rate(model_prediction_latency_seconds_count{site="old"}[2s])
      interval: 2s
      thresholdRange: {max: 60}
EOF
ill new "latency_ms 120"
status 8 "latency: exit status 8" "$MF" migrate plan.yaml
says "latency: the value is told" "metric:request-duration:out:1[12][0-9]" out
says "latency: and the reason" "rolled back: threshold"
no_client_failed latency
ends latency 100/0 v1 v1
rejected latency v2 true
told latency "error the migration was rolled back"
heard latency "info weights 60/40" "info weights 100/0"
says "latency: what failed, with value and range" \
    'failed check 1 of 2: request-duration 1[12][0-9.]+, is to be at most 60' heard
says "latency: why it goes back" \
    'going back: threshold: request-duration 1[12][0-9.]+, is to be at most 60' heard
says "latency: and at its end" \
    'details[^t]*threshold: request-duration 1[12][0-9.]+, is to be at most 60, weights 100/0' alerts

# ---- 5xx, as the proxy's own exporter counts them ----

begin
bad=$(counter new 'model_requests_total{code="error"}')
measuring v3 >plan.yaml <<EOF
    - name: request-success-rate
      address: $MF_PROMETHEUS_URL
      interval: 2s
      minSamples: 3
      thresholdRange: {min: 99}
EOF
ill new "status 503"
status 8 "5xx: exit status 8" "$MF" migrate plan.yaml
says "5xx: all of the canary's answers" "metric:request-success-rate:out:0," out
clients_end
bad=$(($(counter new 'model_requests_total{code="error"}') - bad))
check "5xx: $bad were given" test "$bad" -gt 0
check "5xx: clients saw just those" test "$(grep -c '^503 ' seen)" -eq "$bad"
check "5xx: and no other failure" sh -c '! grep -qvE "^(200|503) " seen'
ends 5xx 100/0 v1 v1
rejected 5xx v3 true
told 5xx "error the migration was rolled back"

# ---- what it predicts drifts away from a stored sample ----

push_version v30
seq 0 0.01 1 >reference.samples
cp reference.samples current.samples
drift_files="currentFile: $scratch/current.samples, referenceFile: $scratch/reference.samples"
begin
{
	accuracy
	cat <<-EOF
		    - name: drift
		      interval: 500ms
		      drift: {test: ks, $drift_files}
		      thresholdRange: {max: 0.2}
		      onBreach: fail
		    - name: drift-watched
		      interval: 500ms
		      drift: {test: psi, $drift_files}
		      thresholdRange: {max: 0.2}
	EOF
} | measuring v30 >plan.yaml
run_until "metric:drift:pass"
seq 0.5 0.01 1.5 >drifted
mv drifted current.samples
run_ends 8 "drift"
says "drift: within its range at first" "metric:drift:pass:0" out
says "drift: and then not" "metric:drift:out:0.4[0-9]" out
says "drift: so it goes back" "rolled back: threshold"
no_client_failed drift
ends drift 100/0 v1 v1
rejected drift v30 true
# one that nobody said should fail a check is told to people alone
told drift "warn metric drift-watched is out of its range" "error the migration was rolled back"

# ---- an abort bound, between two ticks ----

begin
accuracy "abort: {min: 0.6}" | measuring v4 >plan.yaml
set_plan interval 60s
run_until "route:60/40"
ill new "accuracy 0.7"
sleep 1.5
check "abort: out of range alone waits for the tick" at 60/40
ill new "accuracy 0.5"
check "abort: beyond the bound it goes back, a minute before the tick" in_time at 100/0
run_ends 8 abort
says "abort: for that reason" "rolled back: abortMetric"
no_client_failed abort
ends abort 100/0 v1 v1
rejected abort v4 true
told abort "error the migration was rolled back"

# ---- no data ----

# a query that finds nothing: held, and then what the plan says
begin
accuracy | sed 's/query: .*new.*/query: model_accuracy{site="nowhere"}/' |
    measuring v5 >plan.yaml
set_plan maxHold 2s
status 8 "no data: exit status 8" "$MF" migrate plan.yaml
says "no data: it was held" "60/40 .* held: noData" out
says "no data: and for too long, for want of what" \
    "rolled back: holdTooLong: noData: accuracy has no value"
all_told >heard
says "no data: the hold names it" "held: a metric has no value: accuracy has no value" heard
says "no data: with its range" "a metric has no value: accuracy .*it is to be at least" heard
no_client_failed "no data"
ends "no data" 100/0 v1 v1
rejected "no data" v5 false
told "no data" "warn held: a metric has no value" "error the migration was rolled back"

begin
sed -i 's/^    maxHold: .*/&\n    onHoldEnd: alert/' plan.yaml
status 9 "no data, alert: exit status 9" "$MF" migrate plan.yaml
says "no data, alert: where the traffic is" "a person is needed: traffic is at 60/40"
no_client_failed "no data, alert"
ends "no data, alert" 60/40 v1 v5
rejected "no data, alert" v5 false
told "no data, alert" "warn held: a metric has no value" "warn held too long" \
    "error the migration needs a person"

# NaN is no value, and neither good nor bad: when there is one the run goes on
begin
accuracy | measuring v5 >plan.yaml
ill new "accuracy nan"
run_until "held: noData"
check "NaN: held where it was" at 60/40
well new
run_ends 0 NaN
says "NaN: it was no value" "metric:accuracy:novalue:the value is NaN"  out
no_client_failed NaN
ends NaN 0/100 v5 v5
rejected NaN v5 false
told NaN "warn held: a metric has no value" "info the migration succeeded"

# ---- a Prometheus that is slow, gone and there again, hangs for good ----

# there again, it knows at first only what it measured before
begin
accuracy "timeout: 3s" "maxAge: 3s" | measuring v6 >plan.yaml
run_until "route:60/40"
kill -STOP "$prometheus"
check "slow: held" in_time grep -q "held: noData" run.out
held=$(weights)
check "slow: for more than a tick" in_time held_times 3
check "slow: where it was" at "$held"
kill -CONT "$prometheus"
in_time moved_from "$held"
kill -KILL "$prometheus"
again=$(held_ticks)
check "gone: held again" in_time held_times $((again + 2))
held=$(weights)
check "gone: for more than a tick" in_time held_times $((again + 4))
check "gone: where it was" at "$held"
start_prometheus
run_ends 0 "slow, gone, there again"
says "gone: what it measured before does not count" "novalue:the newest sample is [0-9]+ s old" out
no_client_failed "slow, gone, there again"
ends "slow, gone, there again" 0/100 v6 v6
rejected "slow, gone, there again" v6 false
told "slow, gone, there again" "warn held: a metric has no value" \
    "warn held: a metric has no value" "info the migration succeeded"

# it cannot be measured whether the primary is well: the traffic goes back, and a person is called
begin
accuracy "timeout: 3s" | measuring v7 >plan.yaml
set_plan maxHold 2s
run_until "route:60/40"
kill -STOP "$prometheus"
run_ends 9 "hangs for good"
kill -CONT "$prometheus"
says "hangs for good: held too long, and that the primary cannot be measured" \
    "traffic is at 100/0 \(holdTooLong\); the primary's accuracy has no value: .+; it is to be"
says "hangs for good: what is still to be done" "see that the primary serves v1 and is well"
check "hangs for good: and nothing that is done" sh -c '! grep -q "ref churn production\|modelferry pull" err out'
all_told >heard
says "hangs for good: and people are told" \
    "a person is needed: .*the primary's accuracy has no value: " heard
no_client_failed "hangs for good"
ends "hangs for good" 100/0 v1 v1
rejected "hangs for good" v7 false
told "hangs for good" "warn held: a metric has no value" \
    "warn the rollback is not complete: a person is needed" "error the migration needs a person"

# ---- a fault of both sides ----

begin
accuracy | measuring v7 >plan.yaml
ill old "accuracy 0.8"
ill new "accuracy 0.8"
run_until "held: sharedFault"
check "shared: the canary keeps what it has" at 60/40
well old
run_ends 8 shared
says "shared: back as soon as the primary is better" "rolled back: threshold"
no_client_failed shared
ends shared 100/0 v1 v1
rejected shared v7 true
told shared "warn held: the primary fares no better than the canary" \
    "error the migration was rolled back"

begin
accuracy | measuring v8 >plan.yaml
set_plan maxHold "2s\n    onHoldEnd: alert"
ill old "accuracy 0.8"
ill new "accuracy 0.8"
status 9 "shared for too long: exit status 9" "$MF" migrate plan.yaml
no_client_failed "shared for too long"
ends "shared for too long" 60/40 v1 v8
rejected "shared for too long" v8 false
told "shared for too long" "warn held: the primary fares no better than the canary" \
    "warn held too long" "error the migration needs a person"

# ---- a primary that is dead ----

# it is restored, and then takes the traffic
begin
accuracy | measuring v8 "  rollback: {verifyFor: 1s, restore: {command: [$scratch/restore]}}" |
    sed '/^  rollback: {verifyFor: 1s}$/d' >plan.yaml
printf '#!/bin/sh\ntouch %s/restored\necho "ready 1" >%s/old.health\n' "$scratch" "$scratch" >restore
chmod +x restore
run_until "route:60/40"
ill old "ready 0"
check "dead: the proxy sees it" in_time is_down old
ill new "accuracy 0.5"
run_ends 8 dead
says "dead: it was not sent any traffic" "alert:held: the primary has no ready capacity" out
check "dead: what restores it was called" test -e restored
no_client_failed dead
ends dead 100/0 v1 v1
rejected dead v8 true
told dead "warn held: the primary has no ready capacity" "error the migration was rolled back"

# nothing restores it: the better side keeps the traffic, and a person is told what to do
begin
accuracy | measuring v9 >plan.yaml
set_plan maxHold 2s
run_until "route:60/40"
ill old "ready 0"
check "dead for good: the proxy sees it" in_time is_down old
kill -KILL "${pids[0]}" # its model server, which was started first
wait "${pids[0]}" 2>>servers.log
ill new "accuracy 0.5"
run_ends 9 "dead for good"
says "dead for good: where the traffic is" "a person is needed: traffic is at 60/40"
says "dead for good: what to do" "see that the primary serves v1 and is well"
says "dead for good: and then" 'set server churn/old weight 256; set server churn/new weight 0'
check "dead for good: never sent any traffic" sh -c '! grep -qE "route:(100|[789])" run.out'
no_client_failed "dead for good"
ends "dead for good" 60/40 v1 v9
rejected "dead for good" v9 false
told "dead for good" "warn held: the primary has no ready capacity" \
    "warn nowhere to go back to: the better side keeps the traffic" \
    "error the migration needs a person"
end
