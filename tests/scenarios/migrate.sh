# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # some of it is for who sources it, some comes from there
# Sourced after lib.sh by the scenarios of migrations: a repository with versions v1 to v4 of the
# model churn, two sites that serve v1, HAProxy before them, Prometheus watching, and:
#
#	plan VERSION [LINE...]          a plan, and lines behind it
#	start_over VERSION              all traffic at the old site, both well, production VERSION
#	ends NAME WEIGHTS REF LINK      three checks: the proxy's weights, production, the link
#	clients, no_client_failed NAME  load, until told; each answer's status and version are in seen
#	clients_end                     the load ends
#	told NAME LINE...               these alerts were sent since start_over, and no other but news:
#	                                "error the migration was rolled back"
#	heard NAME LINE...              these were among the news: "info weights 60/40"
#	came_out NAME WEIGHTS REF LINK LINE...  all of it: no client failed, ends, and told
#	kill_run                        $run is killed with traffic on its canary: a check that the
#	                                weights stay
#	push_version VERSION            one more version of the model
#
# A script that must not run while HAProxy is missing ends here.

# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
# shellcheck source=tests/harness/two-sites.sh
. "$MF_TOP_SRCDIR/tests/harness/two-sites.sh"
if [[ -z $haproxy ]]; then
	[[ ${MF_SERVERS-} = required ]] || { echo "1..0 # SKIP haproxy is not installed"; exit 0; }
	echo "haproxy is not installed" >&2
	exit 99
fi
eval "trap_words=($(trap -p EXIT))"
# shellcheck disable=SC2154 # set in the line above
before_end=${trap_words[2]-}
trap 'stop_sites; eval "$before_end"' EXIT

# ---- two sites ----

export MODELFERRY_REPO=file://$scratch/repo
# who wants another one has a function of this name that says so
! declare -F repository >/dev/null || repository
"$MF" init >out 2>err
push_version() { # VERSION: v1, v2, ...
	mkdir -p "$1"
	echo "$1" >"$1/version.txt"
	data "$1/weights.bin" 200000 "${1#v}"
	"$MF" push "$1" "churn@$1" >>out 2>>err
}
for v in v1 v2 v3 v4; do push_version $v; done
{
	"$MF" ref churn production v1
	"$MF" pull churn@v1 old --link current
	"$MF" pull churn@v1 new --link current
} >>out 2>>err
check "two sites serve v1" test -e new/current/version.txt

start_sites
bring_up prometheus prometheus --config="$scratch/prometheus.yml"
eval "$("$servers/prometheus" env "$scratch/prometheus")"
export MF_PROMETHEUS_URL
# it says that it is ready some seconds before it measures anything
is_measured() { # QUERY
	curl -sf "$MF_PROMETHEUS_URL/api/v1/query" --data-urlencode "query=$1" | grep -q '"value"'
}
in_time is_measured 'count(up == 1) == 3'

# who is told
python3 "$MF_TOP_SRCDIR/tests/scenarios/listen.py" alerts.port alerts 2>>servers.log &
pids+=($!)
in_time test -s alerts.port
alerts_url=http://127.0.0.1:$(cat alerts.port)/

plan() { # VERSION [LINE-OF-ANALYSIS...]
	cat <<EOF
apiVersion: modelferry.dev/v1alpha1
kind: Migration
metadata: {name: churn-to-new}
spec:
  model: {name: churn, version: $1}
  source: {name: old, servers: ["http://$old"], serves: unchecked}
  destination:
    name: new
    dir: $scratch/new
    link: current
    servers: ["http://$new"]
    reload: {url: "{server}/reload", method: POST}
    serves: {url: "{server}/version", jsonPath: "{.version}", within: 5s}
  router:
    haproxy:
      sockets: ["unix:$scratch/haproxy.sock"]
      primary: [churn/old]
      canary: [churn/new]
      drainTimeout: 2s
  analysis:
    interval: 1s
    threshold: 2
    stepWeight: 40
    maxWeight: 40
    settle: 300ms
    watch: 500ms
    maxHold: 30s
    metrics:
    - name: accuracy
      address: $MF_PROMETHEUS_URL
      query: 'model_accuracy{site="new"}'
      primaryQuery: 'model_accuracy{site="old"}'
      interval: 500ms
      thresholdRange: {min: 0.9}
      onNoData: hold
  bake: {duration: 1s, interval: 1s}
  rollback: {verifyFor: 1s}
  alerts: [{name: pager, severity: info, url: "$alerts_url"}]
EOF
	((${#@} < 2)) || printf '%s\n' "${@:2}"
}
start_over() { # all traffic at the old site, production VERSION
	set_haproxy "set server churn/old state ready" "set server churn/new state ready" \
	    "set server churn/old weight 100" "set server churn/new weight 0"
	"$MF" ref churn production "$1" >out 2>err
	well old
	well new
	: >alerts
}
ends() { # NAME WEIGHTS PRODUCTION LINK
	check "$1: weights $2" test "$(weights)" = "$2"
	check "$1: production is $3" sh -c "\"$MF\" ref churn production | grep -q ' is $3,'"
	check "$1: the link shows $4" test "$(cat new/current/version.txt)" = "$4"
}
# clients, until the file `stop` is there; each answer's version or status goes to seen
clients() {
	rm -f stop
	: >seen
	python3 - "$scratch/in.sock" <<'EOF' &
import os, socket, sys, time
with open("seen", "w", buffering=1) as seen:
    while not os.path.exists("stop"):
        try:
            s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1])
            s.sendall(b"GET /predict HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
            text = b""
            while True:
                more = s.recv(65536)
                if not more: break
                text += more
            s.close()
            status = text.split(b" ", 2)[1].decode()
            body = text.split(b'"version":"')[1].split(b'"')[0].decode() if status == "200" else ""
            seen.write("%s %s\n" % (status, body))
        except OSError as e:
            seen.write("lost %s\n" % e)
        time.sleep(0.01)
EOF
	clients_pid=$!
	pids+=("$clients_pid")
}
clients_end() {
	touch stop
	wait "$clients_pid" 2>/dev/null
}
no_client_failed() { # NAME
	clients_end
	check "$1: clients were there" test "$(wc -l <seen)" -gt 20
	check "$1: no client saw a failure" sh -c '! grep -v "^200 " seen'
}
kill_run() { # stopped first: a busy machine may take longer over this than a run over its next step
	local stands
	kill -STOP "$run"
	stands=$(weights)
	kill -KILL "$run"
	wait "$run" 2>/dev/null
	check "killed with traffic on the canary" sh -c "case $stands in 100/0 | 0/100) false ;; esac"
	check "... it stays where it was" test "$(weights)" = "$stands"
}
all_told() {
	python3 -c 'import json
for line in open("alerts", encoding="utf-8"):
    alert = json.loads(json.loads(line)["body"])
    print(alert["severity"], alert["message"])'
}
heard() { # NAME LINE...
	all_told >heard
	local line
	for line in "${@:2}"; do check "$1: heard: $line" grep -qxF "$line" heard; done
}
told() { # NAME LINE...: without what each names behind the words
	printf '%s\n' "${@:2}" >told.wanted
	# a router that goes just when it is asked resets the connection, or closes it
	all_told |
	    sed -E 's/: (no answer|cannot connect): (Connection reset by peer|Broken pipe)|: the connection was closed without an answer/: cannot connect: Connection refused/g' |
	    sed -E 's/^(warn (held: (a metric has no value|a gate is closed|the primary [a-z ]+)|held too long|nowhere to go back to: [a-z ]+|the rollback is not complete: a person is needed|metric [^ ]+ is out of its range|aborted)): .*/\1/' |
	    grep -v '^warn \(failed check\|going back: \|told to end \)' |
	    sed '/^info the migration succeeded$/!{/^info /d}' >told
	check "$1: people were told just that" diff told.wanted told
}
came_out() { # NAME WEIGHTS PRODUCTION LINK LINE...
	no_client_failed "$1"
	ends "${@:1:4}"
	told "$1" "${@:5}"
}
