#!/usr/bin/env bash
# doctor PLAN: the preflight of a migration alone. It says what it found, also behind the first
# thing that is wrong, its status is that of the cause, and nothing is written anywhere.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$(dirname "$0")/migrate.sh"

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
says "... the providers" '^metrics +their providers answer' text.out
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
json "... and every finding" 'len(r["findings"]) == 13 and all(f["ok"] for f in r["findings"])'
"$MF" pull churn@v2 new --link spare >out 2>err
status 0 "a version that lies there" "$MF" doctor plan.yaml --json
json "... is not pulled again" 'r["pull_bytes"] == 0 and r["version_bytes"] > 200000'

plan v9 >new.yaml
sed -i "s|source: {name: old,|source: {name: old, dir: $scratch/v3,|" new.yaml
status 0 "a version that is to be made" "$MF" doctor new.yaml --json
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

# ---- not well: each by its status, and all of it looked at ----

# not_well STATUS NAME SUBJECT PATTERN PLAN
not_well() {
	status "$1" "$2" "$MF" doctor "$5" --json
	cp out json.out
	json "... is told" "[f for f in r['findings'] if f['subject'] == '$3' and not f['ok']
		and '$4' in f['text']] and not r['ok']"
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
plan v2 | sed "s|address: .*|address: http://127.0.0.1:9|" >bad.yaml
not_well 6 "a provider that is not there" metrics "accuracy" bad.yaml
all_others
plan v2 | sed "s|servers: \[\"http://$new\"\]|servers: [\"http://127.0.0.1:9\"]|" >bad.yaml
not_well 6 "a server that is not there" server "http://127.0.0.1:9" bad.yaml
all_others
set_haproxy "set server churn/new weight 50"
not_well 2 "traffic at the destination already" router "begins at 100/0" plan.yaml
all_others
start_over v1
sed 's/threshold: 2/threshold: 0/' plan.yaml >bad.yaml
status 2 "a plan that is refused" "$MF" doctor bad.yaml --json
json "... says why" 'not r["ok"] and "threshold" in r["findings"][0]["text"]'
MODEL_HMAC_KEY=$(new_key) status 5 "another repository's keys" "$MF" doctor plan.yaml
end
