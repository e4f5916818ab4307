#!/usr/bin/env bash
# A Canary and a Rollout of other programs, as people have them: as the analysis of a Migration, and
# run as they stand with what the command line says. HAProxy moves the traffic, Prometheus measures.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"
# shellcheck source=tests/scenarios/rollouts.sh
. "$MF_TOP_SRCDIR/tests/scenarios/rollouts.sh"

succeeded="info the migration succeeded"
rolled_back="error the migration was rolled back"
router=haproxy:unix:$scratch/haproxy.sock,primary=churn/old,canary=churn/new,drainTimeout=2s

# ---- a bare Canary ----

# its ticks are ten seconds apart, as Flagger's are at least
cat >canary.yaml <<'PLAN'
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: churn}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: churn}
  service: {port: 80}
  analysis: {interval: 10s, threshold: 2, stepWeight: 100}
PLAN
status 2 "a Canary of a cluster" "$MF" migrate canary.yaml
says "... names its provider" "the provider istio of a cluster is not moved"
status 2 "a router that there is not" "$MF" migrate canary.yaml --router haproxi:x
says "... is named" "no router haproxi"
status 2 "a router's word that there is not" "$MF" migrate canary.yaml --router "$router,frob=1"
says "... is named" "haproxy has no frob"
status 2 "half a router" "$MF" migrate canary.yaml --router haproxy:unix:/x,primary=churn/old
says "... is refused by a Migration's own rules" "spec.router.haproxy.canary: is missing"
status 2 "half of the data" "$MF" migrate canary.yaml --router "$router" --to "$scratch/new"
says "... names what is missing" "go together: --from is missing"
plan v2 >plan.yaml
status 2 "a Migration with a router of its own" "$MF" migrate plan.yaml --router "$router"
says "... needs none" "says all of it itself"

status 2 "without a repository and a lease" env -u MODELFERRY_REPO "$MF" migrate canary.yaml \
    --router "$router"
clients
status 0 "traffic alone" env -u MODELFERRY_REPO "$MF" migrate canary.yaml --router "$router" \
    --lease "file:$scratch/lease"
head -n 1 out >first
says "... says so first" "finish: stay, data: none" first
check "... all of it is there" test "$(weights)" = 0/100
status 0 "run again" env -u MODELFERRY_REPO "$MF" migrate canary.yaml --router "$router" \
    --lease "file:$scratch/lease"
says "... it is done" "^already done: weights 0/100$" out
no_client_failed "traffic alone"

start_over v1
clients
cat >router.yaml <<PLAN
haproxy:
  sockets: ["unix:$scratch/haproxy.sock"]
  primary: [churn/old]
  canary: [churn/new]
PLAN
carry() { # VERSION FROM OPTION...
	"$MF" migrate canary.yaml --router router.yaml --model "churn@$1" --from "$2" \
	    --to "$scratch/new,link=current" "${@:3}"
}
status 2 "a version that nobody pushed, of a directory of another name" carry v5 v4
says "... may be spelled wrongly" \
    "churn@v5 is not in the repository, and .*/v4 does not say that it is v5"
says "... which a person settles" "^HINT: .*modelferry versions churn.*--new-version"
status 3 "... nothing was pushed" "$MF" show churn@v5
status 2 "... nor does a look ahead pass it" carry v5 v4 --dry-run
status 3 "a source that is not there" carry v4 nosuch --dry-run
says "... also of a version that is" "the source's directory nosuch is not there"
status 0 "data and traffic" carry v5 v4 --new-version --json
head -n 1 out >first
says "... says which first" '"version": "v5"' first
ends "a bare Canary" 0/100 v5 v4
no_client_failed "a bare Canary"

# ---- a Rollout ----

back_to_v1() { # and clients begin
	start_over v1
	"$MF" pull churn@v1 new --link current >out 2>err
	clients
}

back_to_v1
{ migration v2 "${seen[@]}" "  bake: {duration: 1s, interval: 1s}"; steps 1 | rollout; } >plan.yaml
status 0 "plan check takes a Rollout" "$MF" plan check plan.yaml
check "... that can verify its way back" sh -c '! grep -q measures err'
sed '/primaryArgs/d' plan.yaml >blind.yaml
status 0 "... and one that cannot" "$MF" plan check blind.yaml
says "... is warned of, with the field" 'no metric measures the primary \(accuracy, as-number\).*add primaryArgs'
status 0 "a Rollout that goes well" "$MF" migrate plan.yaml --json
cp out run.out
for w in 20 40 60 80 100; do
	says "... by $w" "\"canaryWeight\": $w," run.out
done
says "... a line a tick" '"step": 1, .*"phase": "Paused", "stable": "v1"' run.out
says "... measured" 'metric:accuracy:\[0.95\]' run.out
says "... as a vector is, a list" 'metric:as-number:\[0.95\]' run.out
says "... and a result" '"result": "succeeded"' run.out
came_out "a Rollout" 0/100 v2 v2 "$succeeded"
status 0 "run again" "$MF" migrate plan.yaml
says "... it is done already" "already done" out

back_to_v1
{ migration v3 "${seen[@]}"; steps 2 | rollout; } >plan.yaml
"$MF" migrate plan.yaml --run-id falls >falls.out 2>falls.err &
run=$!
in_time grep -q "route:60/40" falls.out
ill new "accuracy 0.5" "status 200"
wait $run
check "accuracy falls: rolled back" test $? -eq 8
check "... for that reason" grep -q "rolled back: threshold" falls.err
check "... the primary was looked at first, and was well" \
    grep -q 'left:accuracy:\[0.5\].*primary:accuracy:\[0.95\].*alert:aborted.*route:100/0' falls.out
check "... with how many failed and how many may" \
    grep -q 'analysis:accuracy:failed 1, limit 0' falls.out
check "... and watched afterwards" grep -q '100/0 *step 0  primary:accuracy:\[0.95\]' falls.out
came_out "a Rollout that falls" 100/0 v1 v1 "warn aborted" "$rolled_back"
status 0 "the version" "$MF" show churn@v3 --json
json "... is marked as rejected" 'r["rejected"]'
status 0 "history" "$MF" history
says "... has how it ended" 'rolledBack.*churn-by-rollout' out

# both sites are as bad: going back would not mend it
push_version v6
back_to_v1
{ migration v6 "${seen[@]}"; steps 2 | rollout; } >plan.yaml
"$MF" migrate plan.yaml --run-id shared >shared.out 2>shared.err &
run=$!
in_time grep -q "route:80/20" shared.out
# the canary's fault alone, seen before the primary's, would be a reason to go back
scraped() { # SITE VALUE
	curl -sS "$MF_PROMETHEUS_URL/api/v1/query" --data-urlencode \
	    "query=model_accuracy{site=\"$1\"}" 2>>servers.log | grep -q "\"$2\""
}
ill old "accuracy 0.5" "status 200"
check "the primary's fault is seen first" in_time scraped old 0.5
ill new "accuracy 0.5" "status 200"
check "a fault of both sides is held" \
    in_time grep -q 'the primary, which fares no better' shared.out
check "... where it stands" test "$(weights)" != 100/0
well new
well old
wait $run
check "... and goes on when they are well" test $? -eq 0
check "... people were told" grep -q 'alert:held: the primary fares no better' shared.out
came_out shared 0/100 v6 v6 "warn held: the primary fares no better than the canary" \
    "$succeeded"

back_to_v1
{ migration v4 "${seen[@]}"; steps 2 | rollout; } >plan.yaml
"$MF" migrate plan.yaml --run-id killed >killed.out 2>&1 &
run=$!
in_time sh -c "'$MF' status killed | grep -q 'weights [1-9]0/'"
kill_run
status 0 "status of the run" "$MF" status killed
says "... weights and heartbeat" 'weights [1-9]0/[1-9]0, tick .*heartbeat' out
status 0 "resumed" "$MF" migrate plan.yaml --resume
came_out resumed 0/100 v4 v4 "$succeeded"

# ---- blue/green, steered ----

blue_green() {
	cat <<PLAN
  strategy:
    blueGreen:
      activeService: old
      previewService: new
      autoPromotionEnabled: false
PLAN
}
back_to_v1
{ migration v2; blue_green | bare_rollout; } >plan.yaml
"$MF" migrate plan.yaml --run-id blue >blue.out 2>&1 &
run=$!
in_time grep -q "a pause until somebody promotes" blue.out
check "blue/green: no traffic before somebody promotes" test "$(weights)" = 100/0
status 0 "promoted from elsewhere" "$MF" migrate --promote blue --state-dir "$scratch/elsewhere"
wait $run
check "... the run succeeds" test $? -eq 0
came_out "blue/green" 0/100 v2 v2 "$succeeded"

back_to_v1
"$MF" migrate plan.yaml --run-id aborted >aborted.out 2>&1 &
run=$!
in_time grep -q "a pause until somebody promotes" aborted.out
status 0 "aborted from elsewhere" "$MF" migrate --abort aborted --state-dir "$scratch/elsewhere"
wait $run
check "... nothing measures the primary: the run ends with 9" test $? -eq 9
check "... and says what to do" grep -q 'see that the primary serves v1 and is well' aborted.out
came_out aborted 100/0 v1 v1 "warn aborted" "warn the rollback is not complete: a person is needed" \
    "error the migration needs a person"

# ---- a bare Rollout ----

start_over v1
clients
steps 1 | bare_rollout >rollout.yaml
status 2 "a Rollout without a router" "$MF" migrate rollout.yaml
says "... needs one" "needs --router"
status 0 "traffic alone, by a Rollout, with its records in the repository" "$MF" migrate \
    rollout.yaml --router "$router" --run-id alone
head -n 1 out >first
says "... says so first" "a bare Rollout, churn: finish: stay, data: none" first
check "... all of it is there" test "$(weights)" = 0/100
status 0 "history" "$MF" history
says "... has it" "churn .* traffic alone .* run alone$" out
no_client_failed "a bare Rollout"

# ---- what cannot be ----

sed 's/- pause: {duration: 1}/- setHeaderRoute: {name: by-header}/' rollout.yaml >headers.yaml
start_over v1
status 2 "routes by header" "$MF" migrate headers.yaml --router "$router" --lease "file:$scratch/lease"
says "... are refused by name" setHeaderRoute
status 2 "an end at the primary" "$MF" migrate rollout.yaml --finish copy-back --router "$router" \
    --lease "file:$scratch/lease"
says "... is refused by name" "finish: copy-back"
end
