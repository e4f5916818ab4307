#!/usr/bin/env bash
# Traffic goes back, and what the primary served before is no good either: the fallbacks of the
# plan are tried in order, each on the primary's side, each held against its own metrics.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

# back_plan VERSION FALLBACKS [LINE...]: the plan, with a source whose link can be flipped
back_plan() {
	plan "$1" "  fallback: $2" "${@:3}" | sed \
	    -e "s|source: .*|source: {name: old, dir: $scratch/old, link: current, servers: [\"http://$old\"],\n    reload: {url: \"{server}/reload\", method: POST},\n    serves: {url: \"{server}/version\", jsonPath: \"{.version}\", within: 5s}}|"
}
rolled_back="error the migration was rolled back"
# begin_with NAME: v1 everywhere, v4 is bad, and v1 begins to be bad on the old site, too; clients
begin_with() {
	"$MF" pull churn@v1 old --link current >out 2>err
	"$MF" pull churn@v1 new --link current >>out 2>>err
	post old reload
	post new reload
	start_over v1
	ill new "accuracy:$1 0.2" "status 200"
	ill old "accuracy:v1 0.85" "status 200"
	clients
}
post() { python3 -c 'import sys, urllib.request
urllib.request.urlopen("http://" + sys.argv[1] + sys.argv[2], b"").read()' "${!1}" "/$2"; }
# shellcheck disable=SC2317 # check calls them
served() { python3 -c 'import sys, urllib.request
print(urllib.request.urlopen("http://" + sys.argv[1] + "/version").read().decode())' "${!1}"; }
# shellcheck disable=SC2317
is_served() { served "$1" | grep -q "\"$2\""; }

# ---- previous, then a named version ----

# v2 has lain there for long, and something has changed it since
"$MF" pull churn@v2 old --link current >out 2>err
chmod u+w old/current/ old/current/weights.bin
printf rot | dd of=old/current/weights.bin bs=1 seek=1000 conv=notrunc 2>>err
begin_with v4
back_plan v4 "[previous, {version: v2}]" >plan.yaml
status 0 "plan check takes fallbacks" "$MF" plan check plan.yaml
status 0 "doctor looks at the plan" "$MF" doctor plan.yaml
says "... says what it may fall back to" 'previous, then churn@v2' out
"$MF" migrate plan.yaml --run-id named --json >named.out 2>named.err &
run=$!
in_time grep -q "route:60/40" named.out
status 7 "a candidate is kept while the run is open" "$MF" forget churn@v2
wait $run
check "previous fails its own check: rolled back all the same" test $? -eq 8
cp named.out out
cp named.err err
says "... previous was tried first" 'fallback:0:ok' out
says "... and failed" 'primary:accuracy:out' out
says "... the named version came next" 'fallback:1:ok:churn@v2' out
says "... the report says what took over" 'the primary serves churn@v2'
says "... which was read first, and pulled again" "churn@v2 at old is damaged, and is pulled again"
came_out named 100/0 v2 v1 "$rolled_back"
check "named: the old site's link shows v2" test "$(cat old/current/version.txt)" = v2
check "... so that it is whole" cmp v2/weights.bin old/current/weights.bin
check "named: its server serves v2" is_served old v2
status 0 "the run is over" "$MF" show churn@v2 --json
json "... nothing keeps its candidates" 'r["kept_by"] == []'
status 0 "the version that failed" "$MF" show churn@v4 --json
json "... is rejected" 'r["rejected"]'

# ---- the best ----

for v in 5:0.93 6:0.97 7:0.96; do
	find repo/c -type f | sort >before
	mkdir "v${v%:*}"
	echo "v${v%:*}" >"v${v%:*}/version.txt"
	data "v${v%:*}/weights.bin" 200000 "${v%:*}"
	"$MF" push "v${v%:*}" "churn@v${v%:*}" --metric "accuracy=${v#*:}" >>out 2>>err
done
"$MF" ref churn production v6 >out 2>err
"$MF" rollback churn --to v1 >>out 2>>err # v6 is rejected
find repo/c -type f | sort | comm -13 before - | xargs rm -f # what v7 alone has
status 4 "v7 is damaged" "$MF" verify churn@v7 --read-data
mkdir v8
echo v8 >v8/version.txt
data v8/weights.bin 200000 8
"$MF" push v8 churn@v8 --metric accuracy=0.99 >out 2>err
begin_with v8
back_plan v8 "[{best: accuracy}]" >plan.yaml
status 8 "the best version takes over" "$MF" migrate plan.yaml
says "... what is damaged is passed over" "churn@v7 is passed over"
says "... it is neither what failed nor what was rejected" "the primary serves churn@v5"
came_out best 100/0 v5 v1 "$rolled_back"
check "best: its server serves v5" is_served old v5

# ---- a lighter model ----

mkdir lite
echo lite1 >lite/version.txt
data lite/weights.bin 1000 9
"$MF" push lite lite@lite1 >out 2>err
begin_with v3
ill old "accuracy:v1 0.85" "accuracy:lite1 0.7" "status 200"
back_plan v3 "[previous, {model: lite, link: current, serves: {url: '{server}/version', jsonPath: '{.version}', within: 5s}, metrics: [{name: light-accuracy, address: '$MF_PROMETHEUS_URL', query: 'model_accuracy{site=\"old\"}', interval: 500ms, thresholdRange: {min: 0.6}}]}]" >plan.yaml
status 8 "a lighter model takes over" "$MF" migrate plan.yaml
says "... within ranges of its own" 'fallback:1:light-accuracy:pass:0.7' out
says "... and is named" "the primary serves lite@lite1"
came_out light 100/0 v1 v1 "$rolled_back"
check "light: its server serves it" is_served old lite1

# ---- the primary is down ----

# its server goes down while the canary has weight, and comes up with another version alone
# shellcheck disable=SC2317 # check calls it
is_down() {
	echo "show servers state" | ask_haproxy | awk '$4 == "old" { down = $6 == 0 } END { exit !down }'
}
push_version v20
begin_with v20
well old
well new
back_plan v20 "[previous, {version: v2}]" | sed 's/maxHold: .*/maxHold: 1s/' >plan.yaml
"$MF" migrate plan.yaml --run-id down >down.out 2>down.err &
run=$!
in_time grep -q "route:60/40" down.out
ill old "ready 0"
check "the primary's server is down" in_time is_down
ill new "accuracy 0.2" "status 200"
in_time is_served old v2 && well old
wait $run
check "a primary that is down is brought up by a fallback" test $? -eq 8
cp down.out out
cp down.err err
says "... after it was waited for" 'held: primaryDown.*restore:failed' out
says "... by the first that comes up" 'held: primaryDown.*fallback:1:ok:churn@v2' out
says "... which then stays" 'the primary serves churn@v2'
came_out down 100/0 v2 v1 "warn held: the primary has no ready capacity" "$rolled_back"

# ---- killed on the way back ----

if has_failpoints; then
	push_version v21
	begin_with v21
	back_plan v21 "[previous, {version: v2}]" | sed 's/verifyFor: 1s/verifyFor: 3s/' >plan.yaml
	"$MF" migrate plan.yaml --run-id cut >cut.out 2>&1 &
	run=$!
	in_time grep -q "fallback:1:ok" cut.out
	kill -KILL $run
	wait $run 2>/dev/null
	status 8 "killed while a fallback is watched: the next process goes on with it" \
	    "$MF" migrate plan.yaml --resume
	says "... by its metrics alone" 'RollingBack .* primary:accuracy:(pass|early)' out
	came_out cut 100/0 v2 v1 "$rolled_back"
fi

# ---- nothing is any good ----

begin_with v9
mkdir v9
echo v9 >v9/version.txt
data v9/weights.bin 200000 10
"$MF" push v9 churn@v9 >out 2>err
ill old "accuracy 0.85" "status 200"
back_plan v9 "[previous, {version: v2}]" >plan.yaml
status 9 "all fallbacks fail: a person is needed" "$MF" migrate plan.yaml
says "... each was tried" 'fallback:1:ok:churn@v2' out
says "... the steps are printed" 'modelferry pull churn@'
says "... with the ref" 'modelferry ref churn production'
came_out "all fail" 100/0 v2 v1 "warn the rollback is not complete: a person is needed" \
    "error the migration needs a person"

# ---- nothing can say whether it is well ----

push_version v22
start_over v1
clients
plan v22 | sed '/primaryQuery/d' >plan.yaml
status 0 "a plan that cannot verify its way back" "$MF" plan check plan.yaml
says "... is warned of, with the field" \
    'verifyFor: no metric measures the primary \(accuracy\).*status 9: add primaryQuery'
status 0 "doctor says so, too" "$MF" doctor plan.yaml
says "... of that plan" '^way back +no metric measures the primary \(accuracy\)' out
plan v22 >well.yaml
status 0 "doctor of a plan that can" "$MF" doctor well.yaml
says "... names what watches" '^way back +the primary is watched for 1s: accuracy$' out
ill new "accuracy 0.2" "status 200"
status 9 "a way back that nobody can verify ends with 9" "$MF" migrate plan.yaml
says "... and says why" 'a person is needed: .*no metric of the plan measures the primary'
says "... and what is left to do" 'see that the primary serves v1 and is well$'
check "... production names v1 already" sh -c '! grep -q "ref churn" err'
check "... what the canary serves is as before" is_served new v1
came_out "nobody can verify" 100/0 v1 v1 \
    "warn the rollback is not complete: a person is needed" "error the migration needs a person"
start_over v1
clients
push_version v23
plan v23 | sed '/primaryQuery/d; s/verifyFor: 1s/verifyFor: 0s/' >plan.yaml
status 0 "verifyFor: 0" "$MF" plan check plan.yaml
check "... asks for no look, and there is no warning" sh -c '! grep -q measures err'
ill new "accuracy 0.2" "status 200"
status 8 "... nor is one missed" "$MF" migrate plan.yaml
came_out "no look wanted" 100/0 v1 v1 "$rolled_back"

# ---- refused before anything moves ----

back_plan v2 "[{version: v77}]" >plan.yaml
start_over v1
status 3 "a fallback that is not there" "$MF" migrate plan.yaml --dry-run
back_plan v2 "[{version: v6}]" >plan.yaml
status 2 "a fallback that was rejected" "$MF" migrate plan.yaml --dry-run
says "... is named" 'churn@v6 was rejected'
"$MF" tag churn@v1 runtime=onnx >out 2>err
"$MF" tag churn@v7 runtime=other >>out 2>>err
"$MF" tag churn@v5 runtime=onnx >>out 2>>err
back_plan v4 "[{version: v7}]" |
    sed 's/source: {/source: {requires: [{tag: runtime, value: onnx}], /' >plan.yaml
sed -i 's/version: v4}/version: v2}/' plan.yaml
status 2 "a fallback that the source cannot run" "$MF" migrate plan.yaml --dry-run
says "... is told with the tag" 'requires runtime=onnx, and churn@v7 has runtime=other'
sed -i 's/{version: v7}/{best: accuracy}/' plan.yaml
"$MF" pull churn@v1 old --link current >out 2>err # what production names
post old reload
status 0 "of the best, those that it can run" "$MF" doctor plan.yaml
says "... and no others" 'fallback +churn@v5$' out
plan v2 "  fallback: [{version: v3}]" >plan.yaml
status 2 "a source that has no link to flip" "$MF" plan check plan.yaml
says "... is told" 'fallback\[0\]: dir and link of the source are wanted' out
end
