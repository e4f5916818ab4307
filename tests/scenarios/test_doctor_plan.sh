#!/usr/bin/env bash
# doctor PLAN: the preflight of a migration alone. It says what it found, also behind the first
# thing that is wrong, its status is that of the cause, and nothing is written anywhere.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

everything() { find repo old new -printf '%p %s %T@ %l\n' | sort; }

# ---- well ----

plan v2 >plan.yaml
everything >before
status 0 "a plan that could be run" "$MF" doctor plan.yaml
cp out text.out
says "... the plan" '^plan +nothing in it is refused' text.out
says "... the version" '^version +churn@v2 is in the repository, 195' text.out
says "... the ref" '^ref +production names v1' text.out
says "... the router and its weights" '^router +100/0' text.out
says "... the metric, and what it is now" '^metric +accuracy \(plan.yaml:[0-9]+\): 0\.9' text.out
says "... on the primary's side, too" \
    '^metric +accuracy of the primary \(plan.yaml:[0-9]+\): 0\.9' text.out
says "... the destination" "^target +$scratch/new can be written" text.out
says "... the bytes" '^data +at most 0 B to push and 195.* to pull$' text.out
says "... the space" '^space +[0-9.]+ [KMGT]iB free, 195' text.out
says "... the source's server" "^server +http://$old answers" text.out
says "... the destination's, and what it serves" "^server +http://$new serves v1" text.out
everything >after
check "... nothing was written" cmp before after
check "... no run was begun" test ! -e state/journal.db
check "... no weight was moved" test "$(weights)" = 100/0
status 0 "the same for programs, with a rate" "$MF" doctor plan.yaml --json --bwlimit 10Ki
json "... bytes" "r['ok'] and r['push_bytes'] == 0 and r['pull_bytes'] == $(du -bs --apparent-size v2/weights.bin | cut -f1) + 3"
json "... time" '19 < r["move_seconds"] < 20 and "load_seconds" not in r'
json "... space" 'r["free_bytes"] > r["pull_bytes"] and r["weights"] == [100, 0]'
json "... and every finding" 'len(r["findings"]) == 14 and all(f["ok"] for f in r["findings"])'
"$MF" pull churn@v2 new --link spare >out 2>err
status 0 "a version that lies there" "$MF" doctor plan.yaml --json
json "... is not pulled again" 'r["pull_bytes"] == 0 and r["version_bytes"] > 200000'

plan v9 >new.yaml
sed -i "s|source: {name: old,|source: {name: old, dir: $scratch/v3,|" new.yaml
status 2 "a version that the source does not say it is" "$MF" doctor new.yaml
says "... is no version to be made" "churn@v9 is not in the repository, and .*/v3 does not say" \
    out
status 0 "a version that is to be made" "$MF" doctor new.yaml --json --new-version
json "... is pushed and pulled" "r['push_bytes'] == 200003 and r['pull_bytes'] == 200003"
sed 's/^  router:$/  router: none/; /^    haproxy:/,/drainTimeout/d; /^  analysis:/,$d' plan.yaml |
    sed 's/version: v2/version: v1/' >done.yaml
status 0 "a plan that was carried out" "$MF" doctor done.yaml
says "... is told from others" 'carried out already' out

cat >canary.yaml <<'PLAN'
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: churn}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: churn}
  service: {port: 80}
  analysis: {interval: 10s, threshold: 2, stepWeight: 100}
PLAN
status 0 "a bare Canary" env -u MODELFERRY_REPO "$MF" doctor canary.yaml --json \
    --router "haproxy:unix:$scratch/haproxy.sock,primary=churn/old,canary=churn/new"
json "... its router" '[f for f in r["findings"] if f["subject"] == "router" and f["ok"]]'

cat >rollout.yaml <<PLAN
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: churn}
spec:
  selector: {matchLabels: {app: churn}}
  template: {metadata: {labels: {app: churn}}, spec: {containers: []}}
  strategy:
    canary:
      steps: [{setWeight: 50}]
      analysis: {templates: [{templateName: accuracy}], args: [{name: site, value: new}]}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: accuracy}
spec:
  args: [{name: site}]
  metrics:
  - name: accuracy
    interval: 1s
    successCondition: result[0] > 0.8
    provider:
      prometheus: {address: "$MF_PROMETHEUS_URL", query: 'model_accuracy{site="{{args.site}}"}'}
PLAN
bare() { # OPTION...
	env -u MODELFERRY_REPO "$MF" doctor rollout.yaml "$@" \
	    --router "haproxy:unix:$scratch/haproxy.sock,primary=churn/old,canary=churn/new"
}
status 0 "a bare Rollout" bare
says "... that nothing measures its primary is said, with what to write" \
    'warning: the command line: spec.analysis: .*--primary-arg NAME=VALUE.*--verify-for 0'
says "... its metric" '^metric +accuracy of accuracy \(rollout.yaml:[0-9]+\): \[0.9' out
status 0 "... with an argument of the primary's side" bare --primary-arg site=old
check "... there is nothing to warn of" sh -c '! grep -q warning: err'
status 0 "... whose metric is asked, too" bare --primary-arg site=old
says "... by its name" '^metric +accuracy of accuracy of the primary .*: \[0.9' out
status 2 "an argument that no analysis has" bare --primary-arg stray=x
says "... is refused by name" "no analysis of the Rollout has the argument stray" out
status 0 "a way back that nobody looks at" bare --verify-for 0
says "... is no warning" "^way back|^server|^plan" out

# ---- not well: each by its status, and all of it looked at ----

# not_well STATUS NAME SUBJECT PATTERN PLAN
not_well() {
	status "$1" "$2" "$MF" doctor "$5" --json
	cp out json.out
	json "... is told" "[f for f in r['findings'] if f['subject'] == '$3' and not f['ok']
		and __import__('re').search(r'$4', f['text'])] and not r['ok']"
}
all_others() { # after not_well
	cp json.out out
	json "... and all else was looked at" "len(r['findings']) >= 9 and
		len([f for f in r['findings'] if not f['ok']]) == 1"
}

plan v9 >bad.yaml
not_well 3 "no such version, and nothing to push" version "no directory to push" bad.yaml
plan v2 | sed "s|dir: .*|dir: $scratch/plan.yaml|" >bad.yaml
not_well 2 "a destination that is no directory" target "is no directory" bad.yaml
plan v2 | sed "s|link: current|link: taken|" >bad.yaml
: >new/taken
not_well 2 "a link that is a file" target "is no symbolic link" bad.yaml
all_others
plan v2 | sed "s|unix:.*haproxy.sock|unix:$scratch/nobody.sock|" >bad.yaml
not_well 6 "a router that is not there" router "nobody.sock" bad.yaml
plan v2 | sed "/primaryQuery:/d; s|address: .*|address: http://127.0.0.1:9|" >bad.yaml
not_well 6 "a provider that is not there" metric "^accuracy .bad.yaml:[0-9]*.: cannot connect" bad.yaml
all_others
json "... with what to do" "any('address' in f.get('hint', '') for f in r['findings'])"
plan v2 | sed "s|servers: \[\"http://$new\"\]|servers: [\"http://127.0.0.1:9\"]|" >bad.yaml
not_well 6 "a server that is not there" server "http://127.0.0.1:9" bad.yaml
all_others
set_haproxy "set server churn/new weight 50"
not_well 2 "traffic at the destination already" router "begins at 100/0" plan.yaml
all_others
start_over v1
plan v2 | sed '/primaryQuery:/d; s/^      query: .*/      query: rate(model_accuracy)/' >bad.yaml
not_well 2 "a query that Prometheus cannot parse" metric "parse error" bad.yaml
json "... by name and line" "any('accuracy (bad.yaml:' in f['text'] for f in r['findings'])"
all_others
status 2 "... which a run refuses, too" "$MF" migrate bad.yaml
says "... by name and line" "metric accuracy \(bad.yaml:[0-9]+\): bad_data: .*parse error"
check "... before weights move" test "$(weights)" = 100/0
plan v2 | sed '/primaryQuery:/d; s/^      query: .*/      query: "no_such_series"/' >bare.yaml
status 0 "a query that has no data yet is none" "$MF" doctor bare.yaml
says "... which is said" "^metric +accuracy .*: no data yet: the result is empty" out
web() { # URL PATH
	plan v2 | sed "/primaryQuery:/d; /^      address:/d
		s|^      query: .*|      web: {url: \"$1\", jsonPath: \"$2\"}|"
}
web "http://$old/version" "{.nowhere}" >bad.yaml
not_well 2 "a jsonPath that matches nothing" metric "leads to nothing|is not found" bad.yaml
all_others
web "${alerts_url}gone" "{.version}" >bad.yaml
not_well 2 "a URL that there is not" metric "answered 404" bad.yaml
web "http://$old/version" "{.version}" >bad.yaml
not_well 2 "an answer that is no number" metric "no number" bad.yaml
echo 401 >token
plan v2 | sed "/primaryQuery:/d; s|address: .*|address: ${alerts_url}as/token|" >bad.yaml
not_well 5 "a provider that wants to know who asks" metric "answered 401" bad.yaml
json "... with what to write" "any('bearerFile' in f.get('hint', '') for f in r['findings'])"
all_others
echo wrong >secret
chmod 600 secret
sed "s|^      query:|      auth: {bearerFile: $scratch/secret}\n&|" bad.yaml >worse.yaml
not_well 5 "a token that it does not take" metric "answered 401" worse.yaml
json "... names its file" "any('$scratch/secret' in f.get('hint', '') for f in r['findings'])"
rm secret
not_well 5 "a token's file that is not there" metric "$scratch/secret" worse.yaml
plan v2 | sed "s|canary: \[churn/new\]|canary: [churn/nobody]|" >bad.yaml
not_well 2 "a server that the router does not have" router "no server nobody" bad.yaml
plan v2 | sed "s|: \[churn/|: [nobody/|" >bad.yaml
not_well 2 "a backend that the router does not have" router "no backend nobody" bad.yaml
plan v2 | sed 's|^  source: .*|  source: {name: old, servers: ["http://'"$old"'"],\
    serves: {url: "{server}/version", jsonPath: "{.version}"}}|' >asked.yaml
status 0 "a source that serves what production names" "$MF" doctor asked.yaml
"$MF" ref churn production v3 >out 2>err
not_well 2 "a source that serves another version" server "serves v1, and production names v3" \
    asked.yaml
status 2 "... which a run refuses, too" "$MF" migrate asked.yaml
says "... before weights move" "serves v1, and production names v3"
cp json.out out
json "... with what to write" "any('ref churn production' in f.get('hint', '') for f in r['findings'])"
all_others
start_over v1
sed 's/jsonPath: "{.version}"}}/jsonPath: "{.v}"}}/' asked.yaml >bad.yaml
not_well 2 "a source whose answer has no version" server "no version" bad.yaml

sed 's/threshold: 2/threshold: 0/' plan.yaml >bad.yaml
status 2 "a plan that is refused" "$MF" doctor bad.yaml --json
json "... says why" 'not r["ok"] and "threshold" in r["findings"][0]["text"]'
sed 's/stepWeight: 40/stepWeight: 0/' bad.yaml >worse.yaml
status 2 "... for all reasons" "$MF" doctor worse.yaml
cp err counted
check "... a line each" test "$(grep -c '^plan  *TROUBLE: worse.yaml:[0-9]*: spec' out)" = 2
says "... and counts them" "worse.yaml: 2 troubles found" counted
check "... and says none again" sh -c '! grep -q spec.analysis counted'
status 2 "no plan" "$MF" doctor nowhere.yaml
MODEL_HMAC_KEY=$(new_key) status 5 "another repository's keys" "$MF" doctor plan.yaml
end
