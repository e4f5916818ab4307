#!/usr/bin/env bash
# A model goes from one site to another: HAProxy moves the traffic, Prometheus measures, model
# servers serve what was pulled, and clients count what they see. Each run states status, weights,
# ref, link and what the clients saw.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

succeeded="info the migration succeeded"
rolled_back="error the migration was rolled back"

# ---- healthy ----

plan v2 >plan.yaml
status 0 "plan check takes the plan" "$MF" plan check plan.yaml
status 0 "dry run" "$MF" migrate plan.yaml --dry-run
ends "dry run: nothing moved" 100/0 v1 v1
clients
status 0 "a healthy migration" "$MF" migrate plan.yaml --json
cp out run.out
says "... a line a tick" '"weights": \[60, 40\]' run.out
says "... by steps" '"weights": \[20, 80\]' run.out
says "... and a result" '"result": "succeeded"' run.out
no_client_failed healthy
check "healthy: clients saw both versions" sh -c 'grep -q v1 seen && grep -q v2 seen'
ends healthy 0/100 v2 v2
told healthy "$succeeded"
tail -n 1 run.out >out
json "healthy: the report says which finish ran" 'r["finish"] == "stay" and r["servesUnchecked"] == ["source"]'
json "... whether the weights survive a reload" '"survive a reload" in r["routerNote"]'
json "... and which lines keep them" \
    'r["permanent"][0] == "backend churn" and any("server old" in x and "weight 0" in x for x in r["permanent"])'
status 0 "the version that was left" "$MF" show churn@v1 --json
json "... is kept for a way back" 'len(r["kept_by"]) == 1'
status 7 "... and cannot be forgotten" "$MF" forget churn@v1
status 0 "run again" "$MF" migrate plan.yaml
says "... it is done already" "already done" out

# ---- data alone ----

cat >data.yaml <<EOF
apiVersion: modelferry.dev/v1alpha1
kind: Migration
metadata: {name: data-alone}
spec:
  model: {name: churn, version: v2}
  source: {name: old, serves: unchecked}
  destination: {name: third, dir: $scratch/third, link: current, serves: unchecked}
  router: none
EOF
"$MF" ref churn production v1 >out 2>err
status 0 "a plan that moves no traffic" "$MF" migrate data.yaml
check "data alone: the link shows v2" test "$(cat third/current/version.txt)" = v2
check "data alone: production is v2" sh -c "\"$MF\" ref churn production | grep -q ' is v2,'"
sed -e "s|{name: third, dir.*|{name: fourth, remote: true, dir: /models, link: current, receipts: 1, serves: unchecked}|" \
    -e 's/name: data-alone/name: remote/' data.yaml >remote.yaml
"$MF" ref churn production v1 >out 2>err
"$MF" pull churn@v2 elsewhere --link current --site elsewhere >>out 2>>err
"$MF" migrate remote.yaml >remote.out 2>&1 &
run=$!
check "a site that pulls by itself: it is told of another one's receipt" \
    in_time grep -q "site elsewhere has churn@v2.* --site fourth are waited for" remote.out
check "... which does not count" kill -0 $run
"$MF" follow churn@candidate fourth --link current --site fourth --interval 0.2s \
    --state-dir "$scratch/state-fourth" >>servers.log 2>&1 &
pids+=($!)
wait $run
check "... its own does" test $? -eq 0
check "remote: it has it" test "$(cat fourth/current/version.txt)" = v2
kill "${pids[-1]}"
"$MF" ref churn production v1 >out 2>err
sed -e "s|version: v2|version: v3|; s|link: current, serves: unchecked}|link: current, servers: [\"http://$new\"],\
    serves: {url: \"{server}/version\", jsonPath: \"{.version}\", within: 2m}}|" data.yaml >waits.yaml
begin_waiting() { # RUN: no server will say that it serves the version
	"$MF" migrate waits.yaml --run-id "$1" >"$1.out" 2>&1 &
	run=$!
	in_time grep -q "^serves:" "$1.out"
}
begin_waiting early
status 0 "data alone, aborted while it waits for a server" "$MF" migrate --abort early
wait $run
check "... the run ends with 8" test $? -eq 8
check "... the link shows what it did" test "$(cat third/current/version.txt)" = v2
begin_waiting killed-early
kill -KILL $run
wait $run 2>/dev/null
status 8 "data alone, killed, and taken back" "$MF" migrate waits.yaml --resume --on-resume rollback
check "... the link shows what it did" test "$(cat third/current/version.txt)" = v2
check "... production is v1" sh -c "\"$MF\" ref churn production | grep -q ' is v1,'"
status 0 "history" "$MF" history
says "... has both runs" 'succeeded.*churn-to-new' out
status 0 "status: nothing is under way" "$MF" status

# ---- turned back ----

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
plan v3 >plan.yaml
clients
ill new "accuracy 0.5" "status 200"
status 8 "accuracy falls: rolled back" "$MF" migrate plan.yaml
says "... for that reason" "rolled back: threshold"
no_client_failed accuracy
ends accuracy 100/0 v1 v1
told accuracy "$rolled_back"
status 0 "the version" "$MF" show churn@v3 --json
json "... is marked as rejected" 'r["rejected"]'
in_maintenance() { # SERVER, by a command
	echo "show servers state" | ask_haproxy |
	    awk -v s="$1" '$2 == "churn" && $4 == s && $7 % 2 == 1 { found = 1 } END { exit !found }'
}
check "the way back left the canary in maintenance" in_maintenance new
well new
plan v2 >plan.yaml
status 0 "... which the next run ends by itself" "$MF" migrate plan.yaml --run-id next
ends "after a way back" 0/100 v2 v2
status 3 "a run that has ended" "$MF" migrate --abort next
says "... is not steered" "has ended \(succeeded\): it cannot be steered"
status 3 "... nor does it begin again" "$MF" migrate --retry next
says "... the hint says how" "migrate PLAN. begins a new run"
plan v3 >plan.yaml
start_over v1
status 2 "a rejected version is not tried again" "$MF" migrate plan.yaml
says "... and is named" "churn@v3 was rejected by an earlier run or rollback: threshold"
says "... with what takes it all the same" "^HINT: .*--allow-rejected"
status 0 "... which a look ahead does, too" "$MF" doctor plan.yaml --allow-rejected
status 0 "... and carries it through" "$MF" migrate plan.yaml --allow-rejected
ends "allowed" 0/100 v3 v3
status 0 "... and takes the mark off" "$MF" show churn@v3 --json
json "... for who looks for a version to go back to" 'not r["rejected"]'
start_over v1
sed -e 's|primary: .*|primary: [x/nosuch]|' plan.yaml >astray.yaml
status 2 "a backend that is not there" "$MF" migrate astray.yaml
says "... is named" "haproxy.sock: HAProxy has no backend x"
sed -e 's|primary: .*|primary: [churn/old, churn/nosuch]|' plan.yaml >astray.yaml
status 2 "a server that is not there" "$MF" migrate astray.yaml
says "... is named" "backend churn has no server nosuch, which the router's primary names"
says "... beside those that are" "^HINT: its servers are .*old"
sed -i 's/    threshold: 2/    treshold: 2/' plan.yaml
status 2 "a word that nobody knows" "$MF" migrate plan.yaml
says "... is refused by name" "spec.analysis.treshold: nobody knows this field"

# ---- a remote site, with traffic ----

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
"$MF" ref churn candidate v1 >>out 2>>err
"$MF" follow churn@candidate new --link current --site new --interval 0.2s \
    --state-dir "$scratch/state-new" >>servers.log 2>&1 &
follower=$!
pids+=("$follower")
push_version v30
cat >reload <<'EOF'
#!/bin/sh
# SERVER VERSION: tells the server to load, but for the version that `deaf` names
echo "$2" >>reloads
grep -qsx "$2" deaf || curl -sf -X POST "$1/reload"
EOF
chmod +x reload
by_program="s|    reload: .*|    reload: {command: [$scratch/reload, \"{server}\", \"{version}\"]}|"
plan v30 | sed -e "$by_program" -e "s|^    dir: .*|    remote: true\n    dir: /models|" >plan.yaml
ill new "accuracy:v30 0.5" "status 200"
"$MF" migrate plan.yaml --run-id far >far.out 2>&1 &
run=$!
in_time grep -q "route:60/40" far.out
kill -STOP $follower
is_candidate() { "$MF" ref churn candidate | grep -q " is $1,"; }
check "a remote site with traffic: candidate names what it goes back to" in_time is_candidate v1
check "... when the traffic is back" test "$(weights)" = 100/0
sleep 0.5
check "... and its receipts are waited for again" kill -0 $run
kill -CONT $follower
wait $run
check "... rolled back" test $? -eq 8
ends "remote" 100/0 v1 v1
check "... its servers were told what to load" test "$(paste -sd ' ' reloads)" = "v30 v1"
check "... and serve what they did" sh -c "curl -sf http://$new/version | grep -q '\"v1\"'"
kill $follower

push_version v31
plan v31 | sed -e "$by_program" -e 's/within: 5s/within: 2s/' >plan.yaml
start_over v1
ill new "accuracy:v31 0.5" "status 200"
echo v1 >deaf
status 8 "a destination that does not come back: rolled back all the same" \
    "$MF" migrate plan.yaml --json
says "... and it is told" '; the destination is not back: server .* serves v31, not v1'
says "... in the result, too" '"destinationNotBack": "server' out
ends "not back" 100/0 v1 v1
curl -sf -X POST "http://$new/reload" >out

# ---- a server that does not load ----

start_over v1
plan v4 >plan.yaml
sed -i "s|reload: .*|reload: {url: \"{server}/ready\", method: POST}|" plan.yaml
status 1 "a server that ignores the flip" "$MF" migrate plan.yaml
ends "ignores the flip: it never got traffic" 100/0 v1 v4
told "ignores the flip" "error the migration ended before any weight moved"
"$MF" pull churn@v1 new --link current >out 2>err
sed -i 's/within: 5s/within: 2m/' plan.yaml
"$MF" migrate plan.yaml --run-id early-traffic >early.out 2>&1 &
run=$!
in_time grep -q "^serves:" early.out
in_time "$MF" status early-traffic # the repository knows of it
status 0 "aborted before any weight moved" "$MF" migrate --abort early-traffic
wait $run
check "... the run ends with 8" test $? -eq 8
ends "aborted early" 100/0 v1 v1

# a push that takes a minute, at that rate
mkdir v9
for part in {1..150}; do head -c 65536 /dev/urandom >"v9/part-$part.bin"; done
cp v1/version.txt v9/
start_over v1
plan v9 | sed "s|source: {name: old,|source: {name: old, dir: $scratch/v9,|" >plan.yaml
"$MF" migrate plan.yaml --run-id slow --bwlimit 150K >slow.out 2>&1 &
run=$!
in_time grep -q "^push:" slow.out
begun=$SECONDS
kill -TERM $run
wait $run
check "told to end while it pushes: status 11" test $? -eq 11
check "... within seconds" test $((SECONDS - begun)) -lt 25
status 1 "... as status says" "$MF" status slow
says "... beside what resumes it" "nobody: interrupted .*; it was run by" out
"$MF" migrate plan.yaml --resume --bwlimit 150K >slow.out 2>&1 &
run=$!
in_time grep -q "^push:" slow.out
begun=$SECONDS
status 0 "aborted while it pushes" "$MF" migrate --abort slow
wait $run
check "... the run ends with 8" test $? -eq 8
check "... within seconds" test $((SECONDS - begun)) -lt 25
ends "aborted in the push" 100/0 v1 v1

# ---- killed, resumed, steered ----

start_over v1
clients
plan v4 >plan.yaml
"$MF" migrate plan.yaml --run-id killed >killed.out 2>&1 &
run=$!
in_time grep -q "route:60/40" killed.out
in_time "$MF" status killed # its heartbeat is there
kill_run
status 0 "status of the run" "$MF" status killed
# the last one that it put before it was killed
says "... weights and heartbeat" 'weights [0-9]+/[0-9]+, tick [0-9], heartbeat .* ago' out
status 7 "a second run of the plan is refused" "$MF" migrate plan.yaml
says "... it names the run" "killed"
rm -rf state
status 0 "resumed from the repository alone" "$MF" migrate plan.yaml --resume
says "... it says whose leases it waits for, and until when" \
    "waiting for the leases of killed, .* to run out, .*: until 20.*Z at the latest" out
check "... once" test "$(grep -c "waiting for" out)" = 1
ends resumed 0/100 v4 v4
told resumed "$succeeded"

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
plan v2 >plan.yaml
sed -i "s/interval: 1s$/interval: 5s/" plan.yaml
"$MF" migrate plan.yaml --run-id steered >steered.out 2>&1 &
run=$!
in_time grep -q "route:60/40" steered.out
status 0 "aborted from elsewhere" "$MF" migrate --abort steered --reason "a person said so" \
    --state-dir "$scratch/elsewhere"
wait $run
check "... the run ends with 8" test $? -eq 8
check "... because of it" grep -q "rolled back: byHand: .*@.*: a person said so; weights" steered.out
all_told >heard
says "... which people are told" "warn going back: byHand: .*a person said so" heard
"$MF" history --json >out 2>err
json "... history keeps it" '[h for h in r if h["run"] == "steered" and h["reason"] == "byHand" and h["because"].endswith(": a person said so")]'
"$MF" status steered --json >out 2>err
json "... and so does status" 'r[0]["reason"] == "byHand" and "a person said so" in r[0]["because"]'
ends aborted 100/0 v1 v1
told aborted "$rolled_back"

start_over v1
plan v2 >plan.yaml
"$MF" migrate plan.yaml --run-id told >told.out 2>&1 &
run=$!
in_time grep -q "route:60/40" told.out
kill -TERM $run
wait $run
check "SIGTERM with traffic on the canary: it goes back" test $? -eq 8
ends told 100/0 v1 v1
told SIGTERM "$rolled_back"

start_over v1
plan v2 "  onInterrupt: hold" >plan.yaml
"$MF" migrate plan.yaml --run-id left >left.out 2>&1 &
run=$!
in_time grep -q "route:60/40" left.out
kill -TERM $run
wait $run
check "... or stays, as the plan says" test $? -eq 11
status 1 "a run that was told to end needs attention" "$MF" status left
says "... because nobody runs it" "attention: it was interrupted, and nobody runs it" out
says "... since then" "held by +nobody: interrupted .* ago, at 2.*; it was run by .+@" out
says "... and is resumed so" "migrate PLAN --resume.*; after 2.* it goes back in any case" out
status 1 "... also for programs" "$MF" status --json left
json "... by fields" 'r[0]["interrupted"] and r[0]["back_after"] and not r[0]["holder"]'
status 0 "... which it is" "$MF" migrate plan.yaml --resume
ends left 0/100 v2 v2
told left "$succeeded"

# ---- a holder that stood still past its lease ----

# it waits for a lease to run out: once is enough, in the build that is not slowed by a sanitizer
if has_failpoints; then
	start_over v1
	plan v4 >plan.yaml
	"$MF" migrate plan.yaml --run-id still >still.out 2>&1 &
	run=$!
	in_time grep -q "route:60/40" still.out
	kill -STOP $run
	status 0 "another machine takes the run over" "$MF" migrate plan.yaml --resume \
	    --state-dir "$scratch/other-machine"
	kill -CONT $run
	wait $run
	check "... the one that stood still ends with 7" test $? -eq 7
	ends "stood still" 0/100 v4 v4
	told "stood still" "$succeeded" "error somebody else holds the leases of the run now"
	# killed here, ended there: what lies here is old
	start_over v1
	plan v4 >plan.yaml
	"$MF" migrate plan.yaml --run-id behind >behind.out 2>&1 &
	run=$!
	in_time grep -q "route:60/40" behind.out
	kill -KILL $run
	wait $run 2>>servers.log
	status 0 "killed here, another machine ends the run" "$MF" migrate plan.yaml --resume \
	    --state-dir "$scratch/third-machine"
	status 3 "... nothing is resumed here" "$MF" migrate plan.yaml --resume --on-resume rollback
	ends "... nor taken back" 0/100 v4 v4
	status 0 "... and the plan is done here, too" "$MF" migrate plan.yaml
	says "... which it says" "already done" out
fi

# ---- somebody else moves weights ----

start_over v1
# it waits at 60/40 for a gate: somebody else may take as long as a busy machine does
python3 "$MF_TOP_SRCDIR/tests/scenarios/listen.py" gate.port gate.seen 2>>servers.log &
pids+=($!)
in_time test -s gate.port
echo 403 >gate
plan v2 "  gates:" "  - {name: gate, type: confirm-promotion, muteAlert: true," \
    "     url: \"http://127.0.0.1:$(cat gate.port)/as/gate\"}" >plan.yaml
"$MF" migrate plan.yaml --run-id reset >reset.out 2>&1 &
run=$!
in_time grep -q "held: gate" reset.out
set_haproxy "set server churn/new weight 256"
in_time grep -q "gave the canary more than wanted" reset.out
echo 200 >gate.new && mv gate.new gate
wait $run
check "a router that was reset: written back, and on" test $? -eq 0
check "... people were told" grep -q "gave the canary more than wanted" reset.out
ends reset 0/100 v2 v2
told reset "warn the router gave the canary more than wanted" "$succeeded"
no_client_failed "killed, steered, reset"
end
