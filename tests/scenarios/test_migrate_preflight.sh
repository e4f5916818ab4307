#!/usr/bin/env bash
# What a migration refuses before anything moves, and what it finds when nobody ran it for a while:
# tags that a site requires, weights that are not its own, a primary that follows what the run
# moves, a run that is through, one that was left alone.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

# ---- tags that a site requires ----

require() { # LINE of the destination's requires
	plan v2 >plan.yaml
	sed -i "s|^    link: current|&\n    requires: [$1]|" plan.yaml
}
require '{tag: runtime, value: onnx-1.19}'
status 2 "a tag that the version does not have" "$MF" migrate plan.yaml
says "... is named, with what is wanted" \
    "site new requires runtime=onnx-1.19, and churn@v2 has no tag runtime"
"$MF" tag churn@v2 runtime=onnx-1.17 served=v1 >out 2>err
status 2 "a tag that is another" "$MF" migrate plan.yaml
says "... with what it is" "requires runtime=onnx-1.19, and churn@v2 has runtime=onnx-1.17"
ends "requires" 100/0 v1 v1
status 2 "doctor finds it, too" "$MF" doctor plan.yaml
require '{tag: runtime, url: "{server}/version", jsonPath: "{.version}"}'
status 2 "a server that answers another" "$MF" migrate plan.yaml
says "... is named" "by what it answers at http://.* requires runtime=v1, and .* has runtime=onnx-1.17"
# before the reload it answers v1, and v2 after it
require '{tag: served, url: "{server}/version", jsonPath: "{.version}"}'
status 2 "servers are asked once more when they have loaded it" "$MF" migrate plan.yaml
says "... for what they answer then" "requires served=v2, and churn@v2 has served=v1"
ends "asked again: it never got traffic" 100/0 v1 v2
"$MF" tag churn@v2 runtime=onnx-1.19 >out 2>err
require '{tag: runtime, value: onnx-1.19}'
status 0 "tags that are as required" "$MF" migrate plan.yaml --dry-run

# ---- one link for both sites ----

ln -s new alias
plan v2 >plan.yaml
sed -i "s|^  source: .*|  source: {name: old, dir: $scratch/alias, link: current, servers: [\"http://$old\"], serves: unchecked}|" plan.yaml
link_before=$(readlink new/current)
status 2 "both sites have one link, by two names" "$MF" migrate plan.yaml
says "... both names are told" "/alias and .*/new are one directory, so that current is the link of both"
check "... and it was not turned" test "$(readlink new/current)" = "$link_before"
rm alias

# ---- a server that the plan does not name ----

plan v2 | sed 's|canary: .*|canary: ["churn/new*"]|' >plan.yaml
set_haproxy "add server churn/new-2 127.0.0.1:1 weight 0"
status 2 "a canary of two servers, of which the plan names one" "$MF" migrate plan.yaml
says "... both counts are told" "destination.servers names 1, and the router's canary has 2"
set_haproxy "del server churn/new-2"
status 0 "one of one" "$MF" migrate plan.yaml --dry-run

# ---- servers that say by a metric which version they serve ----

start_over v1
plan v3 >plan.yaml
sed -i "s|    serves: .*|    serves: {within: 4s, metric: {address: '$MF_PROMETHEUS_URL', query: 'model_accuracy{site=\"new\"}', label: version}}|" plan.yaml
sed "s|reload: .*|reload: {url: '{server}/ready', method: POST}|" plan.yaml >deaf.yaml
status 1 "a server that does not load, by its metric" "$MF" migrate deaf.yaml
says "... is named" "serves.metric: server .* serves v., not v3"
check "... and never got traffic" test "$(weights)" = 100/0

# ---- warmed up, and compared ----

cat >requests <<'EOF'
{"path":"/predict","body":{"instances":[[1,2]]},"ignore":["version"]}
{"path":"/predict","body":{"instances":[[3,4]]}}
EOF
sed -i "s|^    link: current|&\n    warmup: {requests: $scratch/requests, count: 5, concurrency: 2}|" plan.yaml
echo "  compare: {requests: $scratch/requests, minAgreement: 0.9}" >>plan.yaml
asked() { # what the new site's server has predicted
	curl -s "http://$new/metrics" | awk '$1 == "model_requests_total{code=\"ok\"}" { print $2 }'
}
was=$(asked)
status 1 "answers that do not agree" "$MF" migrate plan.yaml
says "... as many as do are told" "1 of 2 answers agree, and 90 % of them should"
says "... and which do not" "compare: line 2: version is .?v1.? and .?v3"
check "... no weight has moved" test "$(weights)" = 100/0
check "... and the server was warm" test $(($(asked) - was)) -eq 7
ill new "status 500"
status 1 "a server that cannot be warmed up" "$MF" migrate plan.yaml
says "... is named" "5 of 5 requests failed at http://$new, the first is that of line [12]"
check "... and never got traffic" test "$(weights)" = 100/0
sed -i 's/minAgreement: 0.9/minAgreement: 0.5/' plan.yaml

# ---- weights, and a run that is through ----

start_over v1
set_haproxy "set server churn/new weight 43"
status 2 "a router that somebody moved" "$MF" migrate plan.yaml
says "... both weights are named" "the router shows 70/30, and a run begins at 100/0"
"$MF" ref churn production v3 >out 2>err
status 2 "... also where production names the version already" "$MF" migrate plan.yaml
says "... which is not done" "the router shows 70/30"
start_over v1
status 0 "a migration, whose server says it by a metric" "$MF" migrate plan.yaml
says "... its report has what did not agree" "^compare: line 2: version is .?v1.? and .?v3" out
ends "there" 0/100 v3 v3
status 0 "run again" "$MF" migrate plan.yaml
says "... it is done" "already done" out
"$MF" pull churn@v1 old --link current >out 2>err
plan v1 | sed -e 's|source: .*|source: {name: new, servers: ["http://'"$new"'"], serves: unchecked}|' \
    -e 's|^    name: new|    name: old|' -e "s|dir: .*new|dir: $scratch/old|" \
    -e 's|servers: \["http://'"$new"'"\]$|servers: ["http://'"$old"'"]|' \
    -e 's|primary: .*|primary: [churn/new]|; s|canary: \[.*|canary: [churn/old]|' \
    -e 's|site="new"|site="X"|; s|site="old"|site="new"|; s|site="X"|site="old"|' \
    -e 's/name: churn-to-new/name: churn-back/' >back.yaml
status 0 "the way back, as a migration of its own" "$MF" migrate back.yaml
check "... the old site has the traffic" test "$(weights)" = 100/0
check "... and production its version" sh -c "\"$MF\" ref churn production | grep -q ' is v1,'"

# ---- clients that are kept with a server ----

start_over v1
sed -e '/option redispatch/d' -e 's/balance roundrobin/&\n  cookie S insert/' haproxy.cfg >sticky.cfg
plan v4 >plan.yaml
sed "s|^      primary: .*|&\n      config: [$scratch/sticky.cfg]|" plan.yaml >sticky.yaml
status 2 "clients that nothing would take off the canary" "$MF" migrate sticky.yaml
says "... are named" 'backend churn keeps clients with servers and has no "option redispatch"'
sed 's/balance roundrobin/&\n  cookie S insert/' haproxy.cfg >sticky.cfg
status 0 "... unless they are sent on" "$MF" migrate sticky.yaml --dry-run

# ---- an end that nobody could carry out ----

status 2 "an end at the primary" "$MF" migrate plan.yaml --finish copy-back
says "... is refused by name" "finish: copy-back"

# ---- a primary that follows what the run moves ----

sed -i 's/source: {name: old,/source: {name: old, remote: true,/' plan.yaml
status 2 "a source that pulls by itself" "$MF" migrate plan.yaml
says "... is refused by name" "source: site old pulls by itself, and this run moves candidate and production"
sed -i 's/remote: true,/remote: true, pinned: true,/' plan.yaml
status 0 "... unless it is pinned" "$MF" migrate plan.yaml --dry-run
"$MF" pull churn@v1 old --link current --site old >out 2>err
plan v4 >plan.yaml
status 2 "one that says so in a receipt" "$MF" migrate plan.yaml
says "... as well" "site old pulls by itself"
sed -i 's/source: {name: old,/source: {name: old, pinned: true,/' plan.yaml

# ---- nobody ran it ----

left_alone() { # RUN: it dies at 60/40, and nobody comes for longer than maxUnattended
	start_over v1
	"$MF" pull churn@v1 new --link current >out 2>err
	"$MF" migrate plan.yaml --run-id "$1" >"$1.out" 2>&1 &
	run=$!
	in_time grep -q "route:60/40" "$1.out"
	kill -KILL $run
	wait $run 2>/dev/null
	sleep 2.5
}
echo "  maxUnattended: 1s" >>plan.yaml
left_alone alone
status 8 "nobody ran it for too long: it goes back" "$MF" migrate plan.yaml --resume \
    --on-resume continue
says "... for that reason" "rolled back: interrupted"
says "... and people are told" "nobody ran it for .*, and maxUnattended is 1s"
ends "alone" 100/0 v1 v1
left_alone looked-after
find repo/b -type f -exec touch -d '10 minutes ago' {} +
status 1 "status: it needs attention" "$MF" status looked-after
says "... because nobody runs it" "attention: its heartbeat is old" out
# killed between a line's way to the repository and the note of that: it is its own all the same
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE run SET mirrored = mirrored - 1 WHERE id = ?", ("looked-after",))
assert db.total_changes == 1
db.commit()' "$MODELFERRY_STATE_DIR/journal.db"
"$MF" migrate --continue looked-after --reason "all is well" >out 2>err
status 0 "a person who says to go on is heard" "$MF" migrate plan.yaml --resume
ends "looked after" 0/100 v4 v4
end
