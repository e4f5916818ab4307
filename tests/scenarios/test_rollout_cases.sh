#!/usr/bin/env bash
# The conformance cases of plans (tests/rollout-cases): Flagger's canaries, Argo's analyses and
# Rollouts, and migrations of our own, tick by tick through `simulate`.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
unset MODEL_ENCRYPTION_KEY MODEL_HMAC_KEY
cases=$MF_TOP_SRCDIR/tests/rollout-cases

for case in "$cases"/*.json; do
	status 0 "$(basename "$case" .json)" python3 "$cases/run.py" "$MF" "$case"
	cat out >>all
	cat out err >err.new && mv err.new err
done
status 0 "there are cases of each kind" test "$(grep -cE '^ok (A|B|F|G|M|R)' all)" -ge 60

# what is no plan and no tick is refused by name
plan=one.yaml
cat >$plan <<'EOF'
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: app, namespace: test}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
  service: {port: 80}
  analysis: {interval: 1m, threshold: 2, stepWeight: 50, maxWeight: 50}
EOF
echo '[{"rev": "B"}, {"rev": "B", "colour": "red"}]' >ticks.json
status 2 "a tick with a field that nobody knows" "$MF" simulate $plan ticks.json
says "... is named with its number" "ticks.json: tick 2: colour"
echo '{"rev": "B"}' >ticks.json
status 2 "ticks that are no array" "$MF" simulate $plan ticks.json
echo '[{"rev": "B"}' >ticks.json
status 2 "ticks that are no JSON" "$MF" simulate $plan ticks.json
says "... with the line" "ticks.json:[0-9]+"
echo '[{"rev": "B"}, {"rev": "B"}, {"rev": "B"}, {"rev": "B"}]' >ticks.json
status 0 "for people" "$MF" simulate $plan ticks.json
says "... weights, phase and acts" "Progressing +50/50 .*route:50/50" out
echo '[{}, {}]' >ticks.json
status 0 "nothing to roll out" "$MF" simulate $plan ticks.json
says "... is no success that says anything" "Succeeded after 2 ticks: nothing was rolled out" out
says "... and is warned of" "ticks.json: nothing was rolled out: no tick has a rev other than A"
"$MF" simulate $plan ticks.json --json 2>err | tail -n 1 >out
json "... which programs are told, too" "r['began'] is False and 'no tick has a rev' in r['note']"
echo '[{"rev": "B"}]' >ticks.json
"$MF" simulate $plan ticks.json --json 2>err | tail -n 1 >out
json "... and that something was" "r['began'] is True and 'note' not in r"
cat >rollout.yaml <<'EOF'
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template: {metadata: {labels: {app: app}}, spec: {containers: []}}
  strategy: {canary: {steps: [{setWeight: 50}]}}
EOF
echo '[{}, {}]' >ticks.json
status 0 "nothing to roll out by a Rollout" "$MF" simulate rollout.yaml ticks.json
says "... is said" "Healthy after 2 ticks: nothing was rolled out" out
says "... and warned of" "no tick has a rev other than A"

# a Migration begins as migrate does
cat >migration.yaml <<'EOF'
apiVersion: modelferry.dev/v1alpha1
kind: Migration
metadata: {name: m}
spec:
  model: {name: churn, version: v2}
  source: {name: old, servers: ["http://127.0.0.1:1"], serves: unchecked}
  destination: {name: new, dir: /new, link: current, servers: ["http://127.0.0.1:2"],
    serves: unchecked}
  router: {haproxy: {sockets: ["unix:/ha"], primary: [be/old], canary: [be/new]}}
  analysis:
    interval: 1m
    threshold: 2
    stepWeight: 60
    metrics:
    - {name: accuracy, address: "http://127.0.0.1:9", query: a, thresholdRange: {min: 0.9}}
EOF
echo '[{}, {"metrics": {"accuracy": 0.95}}, {"metrics": {"accuracy": 0.95}}]' >ticks.json
status 0 "a Migration carries its version without a word" "$MF" simulate migration.yaml ticks.json
says "... from its first step" "^ +1 .*40/60 +failed 0  route:40/60$" out
says "... to its end" "^succeeded after 3 ticks" out
sed 's/{}/{"rev": "v3"}/' ticks.json >named.json
"$MF" simulate migration.yaml ticks.json >bare 2>err
status 0 "... or the one of the first tick" "$MF" simulate migration.yaml named.json
mv out named
check "... in the same way" diff bare named
echo '{"phase": "Sleeping"}' >start.json
status 2 "a start in no phase" "$MF" simulate --start start.json $plan ticks.json
says "... is named" "start.json: phase"
status 2 "a plan that is not there" "$MF" simulate none.yaml ticks.json
end
