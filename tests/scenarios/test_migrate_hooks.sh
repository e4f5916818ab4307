#!/usr/bin/env bash
# What a migration tells others: hooks and a registry of models; and who is told what after it was
# killed. Receivers keep what they are told (listen.py, registry.py).
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"
# shellcheck disable=SC2154 # old and new are the servers' addresses; migrate.sh sets them

scenarios=$MF_TOP_SRCDIR/tests/scenarios
python3 "$scenarios/listen.py" hooks.port told 2>>servers.log &
pids+=($!)
python3 "$scenarios/registry.py" registry.port registry 2>>servers.log &
pids+=($!)
check "receivers are there" in_time test -s hooks.port -a -s registry.port
url=http://127.0.0.1:$(cat hooks.port)
registry=http://127.0.0.1:$(cat registry.port)

# heard NAME EXPRESSION [FILE]: t holds what was told, in order: (path, body)
heard() {
	if python3 - "$2" "${3:-told}" <<'END' >out 2>err
import json, sys
t = []
for line in open(sys.argv[2]):
    row = json.loads(line)
    t.append((row["path"], json.loads(row["body"])))
def at(path): return [b for p, b in t if p == path]
def said(path): return [b["metadata"]["eventMessage"] for b in at(path)]
if not eval(sys.argv[1]):
    print("\n".join(str(x) for x in t))
    sys.exit(1)
END
	then ok "$1"; else not_ok "$1"; fi
}
mlflow="  - {name: registry, type: mlflow, url: $registry, metadata: {model: churn, alias: champion, tag.site: new}}"

# ---- all is well ----

plan v2 "  hooks:" "  - {name: watcher, type: event, url: $url/events, metadata: {team: ml}}" \
    "  - {name: cache, type: purge, url: $url/purge}" "  - {name: check, url: $url/check}" \
    "  - {name: end, type: post-rollout, url: $url/end}" "$mlflow" >plan.yaml
: >told
status 0 "a migration with hooks" "$MF" migrate plan.yaml
ends hooks 0/100 v2 v2
heard "events tell every change of weights, in order" \
    '[m for m in said("/events") if m.startswith("weights")] == ["weights 60/40", "weights 20/80", "weights 0/100"]'
heard "... and of phases" \
    '[m[6:] for m in said("/events") if m.startswith("phase")] == ["Progressing", "Promoting", "Baking", "Succeeded"]'
heard "... stages before, and the end" \
    '"reload: new" in said("/events") and said("/events")[-1] == "the migration succeeded"'
heard "an event has Flagger's members, and its own" 'all(
    set(b) == {"name", "namespace", "phase", "checksum", "metadata"} and
    b["name"] == "churn-to-new" and b["namespace"] == "default" and
    set(b["metadata"]) == {"eventMessage", "eventType", "timestamp", "team", "version"} and
    b["metadata"]["timestamp"].isdigit() for b in at("/events"))'
heard "... one checksum for all hooks" 'len({b["checksum"] for p, b in t}) == 1'
heard "... and the version" 'all(b["metadata"]["version"] == "v2" for p, b in t)'
heard "caches are emptied when traffic moved, and at the end" \
    'len(at("/purge")) >= 2 and at("/purge")[-1]["phase"] == "Succeeded"'
heard "the check was asked, and the end told" \
    'at("/check") and [b["phase"] for b in at("/end")] == ["Succeeded"]'
check "the registry's alias moved" grep -q '"alias": "2"' registry
check "... and its tags are set" grep -q '"site": "new"' registry

# ---- it fails before anything moves ----

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
plan v3 "  hooks:" "  - {name: watcher, type: event, url: $url/events}" >plan.yaml
sed -i 's|{server}/reload|{server}/ready|; s|within: 5s|within: 1s|' plan.yaml
: >told
status 1 "a server that does not load" "$MF" migrate plan.yaml
heard "... is told, too" 'all([
    at("/events")[-1]["metadata"]["eventType"] == "Warning",
    said("/events")[-1].startswith("ended before any weight moved: "),
    {b["phase"] for b in at("/events")} == {"Initializing"}])'
"$MF" pull churn@v1 new --link current >out 2>err

# ---- hooks that fail, and a way back ----

start_over v1
plan v3 "  hooks:" "  - {name: watcher, type: event, url: $url/hang/events, timeout: 2s}" \
    "  - {name: cache, type: purge, url: $url/gone/purge}" "$mlflow" >plan.yaml
sed -i 's/drainTimeout: 2s/drainTimeout: 1s/' plan.yaml
cp registry registry.before
: >told
ill new "accuracy 0.5" "status 200"
"$MF" migrate plan.yaml --run-id failing >failing.out 2>&1
check "an event hook that never answers holds up no way back" test $? -eq 8
ends "failing hooks" 100/0 v1 v1
check "people are told of a cache that was not emptied" \
    grep -q "alert:purge cache: answered 404" failing.out
heard "the cache was asked again at the end" 'at("/gone/purge")[-1]["phase"] == "Failed"'
check "a registry that was not told before is not told of the way back" cmp registry registry.before

# ---- killed: who goes on calls what was owed ----

start_over v1
echo "$url/hang/purge" >purge.url
echo "$url/gate" >gate.url
plan v4 "  gates:" "  - {name: gate, type: confirm-traffic-increase, urlFile: $scratch/gate.url}" \
    "  hooks:" "  - {name: cache, type: purge, urlFile: $scratch/purge.url, timeout: 60s}" \
    "  - {name: watcher, type: event, url: $url/events}" >plan.yaml
sed -i "s/interval: 1s$/interval: 5s/; s/maxWeight: 40/maxWeight: 80/" plan.yaml # so that it waits at 60/40
: >told
"$MF" migrate plan.yaml --run-id owing >owing.out 2>&1 &
run=$!
in_time grep -q "route:60/40" owing.out
in_time grep -q /hang/purge told
kill -KILL $run
wait $run 2>/dev/null
echo "$url/purge" >purge.url
echo "$url/gone/gate" >gate.url # it stays where it is
: >told
"$MF" migrate plan.yaml --resume >owing.out 2>&1 &
run=$!
in_time grep -q '"path": "/purge"' told
heard "killed while a cache was asked: it is asked by who resumes" \
    'at("/purge") and all(b["phase"] == "Progressing" for b in at("/purge"))'
in_time grep -q "held: gate" owing.out
check "... though no weight moved" test "$(weights)" = 60/40
in_time grep -q "resumed in phase" told
heard "... whose first event says where it stands" \
    'said("/events")[0] == "resumed in phase Progressing with weights 60/40"'
echo "$url/gate" >gate.url
wait $run
check "... and which then goes on to the end" test $? -eq 0
ends owing 0/100 v4 v4

# ---- killed after production moved, told to turn back ----

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
echo "$url/hang/end" >end.url
plan v4 "  hooks:" "  - {name: end, type: post-rollout, urlFile: $scratch/end.url, timeout: 60s}" \
    "$mlflow" >plan.yaml
cp registry registry.before
"$MF" migrate plan.yaml --run-id late >late.out 2>&1 &
run=$!
in_time grep -q /hang/end told
registry_told() { test "$(grep -o '"site"' registry | wc -l)" -eq 2; }
in_time registry_told
kill -KILL $run
wait $run 2>/dev/null
check "killed when production had moved" sh -c "\"$MF\" ref churn production | grep -q ' is v4,'"
check "... and the registry with it" grep -q '"alias": "4"' registry
echo "$url/end" >end.url
status 8 "... and told to turn back" "$MF" migrate plan.yaml --resume --on-resume rollback
ends "late: production goes back with the traffic" 100/0 v1 v1
check "... and so does the registry" cmp registry registry.before
end
