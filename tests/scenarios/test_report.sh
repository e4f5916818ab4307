#!/usr/bin/env bash
# How a run is told to others: webhook, pings, metrics file, Pushgateway, JSON log.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
if ! command -v python3 >/dev/null; then
	echo "1..0 # SKIP no python3"
	exit 0
fi
unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
unset MODELFERRY_RUN_ID

python3 "$MF_TOP_SRCDIR/tests/scenarios/listen.py" port told &
server=$!
# shellcheck disable=SC2154 # scratch is lib.sh's
trap 'kill $server 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 1200); do
	[ -e port ] && break
	sleep 0.05
done
base=http://127.0.0.1:$(cat port)
touch told

# told NAME EXPRESSION: true of rows, the requests since the record was emptied (a list of dicts)
told() {
	if python3 - "$2" <<-'EOF' >out 2>err; then ok "$1"; else cat told >>err; not_ok "$1"; fi
		import json, sys
		rows = [json.loads(line) for line in open("told", encoding="utf-8")]
		hooks = [json.loads(r["body"]) for r in rows if "/hooks/" in r["path"]]
		pings = [r for r in rows if "/ping/" in r["path"]]
		pushes = [r for r in rows if "/metrics/" in r["path"]]
		def field(title):
		    return [f["value"] for f in hooks[-1]["attachments"][0]["fields"] if f["title"] == title][0]
		sys.exit(not eval(sys.argv[1]))
	EOF
}
# value METRIC: of the one series in m.prom
value() { sed -n "s/^modelferry_$1\({.*}\)\? //p" m.prom; }

export MODELFERRY_REPO=$scratch/repo
"$MF" init >/dev/null
data src/model.bin 400000 1
echo "$base/hooks/s3cr3t-hook" >hook-url
export MODELFERRY_NOTIFY_URL_FILE=$scratch/hook-url MODELFERRY_NOTIFY_ON=always
export MODELFERRY_PING_URL="$base/ping/s3cr3t-check?create=1"
export MODELFERRY_METRICS_FILE=$scratch/m.prom MODELFERRY_PUSHGATEWAY=$base/
export MODELFERRY_METRICS_INSTANCE=nightly MODELFERRY_LOG_FORMAT=json
uid=0b5aa4dc-6d1f-4b0c-9d2e-1f7a5d8e9c01

umask 077
status 0 "a push that succeeds" "$MF" -v -v push src churn@v1 --run-id $uid
umask 022
cp err log-1
check "... is one line of results" test "$(wc -l <out)" = 1
told "the webhook is told, in its form" 'len(hooks) == 1 and hooks[0]["text"].startswith("modelferry push churn@v1 on ") and "succeeded" in hooks[0]["text"] and hooks[0]["attachments"][0]["fallback"] == hooks[0]["text"] and all(r["type"] == "application/json" for r in rows if "/hooks/" in r["path"])'
told "... what, where, how long, which run" "field('Command') == 'push' and field('Model') == 'churn' and field('Version') == 'v1' and field('Store') == '$scratch/repo' and field('Exit status') == '0: done' and field('Run') == '$uid' and field('Duration') and field('Host')"
told "the check is pinged at the start and at the end" '[r["path"] for r in pings] == ["/ping/s3cr3t-check/start", "/ping/s3cr3t-check"]'
told "... by a run id" "all(r['query'] == 'create=1&rid=$uid' and r['method'] == 'POST' for r in pings)"
told "... with the end of the log" 'len(pings[1]["body"]) <= 10000 and "done: push" in pings[1]["body"]'
told "the gateway gets a group of its own" 'len(pushes) == 1 and pushes[0]["method"] == "POST" and pushes[0]["path"].startswith("/metrics/job/modelferry/instance/nightly/command/push/model/churn/store@base64/") and "modelferry_last_success_timestamp_seconds{" in pushes[0]["body"]'
check "the metrics file is readable by all" test "$(stat -c %a m.prom)" = 644
check "... and nothing else lies beside it" test "$(echo m.prom*)" = m.prom
check "... says 0" test "$(value last_run_exit_status)" = 0
check "... says what was handled" test "$(value last_run_bytes)" = 400000
check "... names run and version" grep -q "^modelferry_last_run_info{.*version=\"v1\",run_id=\"$uid\"" m.prom
success=$(value last_success_timestamp_seconds)
check "... and when, to the second" test "$(($(date +%s) - ${success%.*}))" -lt 60
if command -v promtool >/dev/null; then
	status 0 "promtool check metrics" sh -c 'promtool check metrics <m.prom'
fi
if python3 - "$uid" log-1 <<-'EOF' >out 2>err; then ok "each line of the JSON log says which run"; else not_ok "each line of the JSON log says which run"; fi
	import json, sys
	lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
	sys.exit(not (len(lines) > 3 and all(l["run"] == sys.argv[1] and l["command"] == "push" and
	    l["model"] == "churn" and l["version"] == "v1" and l["store"] for l in lines)))
EOF
# the debug log names every request
check "the webhook's URL is in no log" sh -c '! grep -r s3cr3t log-1'
# shellcheck disable=SC2016 # for the shell that runs it
check "no key is in what is told" sh -c '! grep -F -e "$MODEL_ENCRYPTION_KEY" -e "$MODEL_HMAC_KEY" told m.prom log-1'

: >told
status 3 "a pull that fails" "$MF" pull churn@v9 dst
told "the webhook is told why" "field('Exit status') == '3: no such repository, model, version or ref' and 'failed' in hooks[0]['text'] and 'v9' in hooks[0]['attachments'][0]['text']"
told "... in red" 'hooks[0]["attachments"][0]["color"] == "#a30200"'
told "the check is pinged with the status" 'pings[1]["path"] == "/ping/s3cr3t-check/3" and "v9" in pings[1]["body"]'
told "a failure pushes no success" '"last_success" not in pushes[0]["body"] and "_exit_status{" in pushes[0]["body"]'
check "the file has both commands" test "$(grep -c ^modelferry_last_run_exit_status m.prom)" = 2
check "... and one success" test "$(grep -c ^modelferry_last_success_timestamp_seconds m.prom)" = 1

: >told
status 2 "the same push fails" "$MF" push missing churn@v1
check "the time of the last success stays" grep -q "^modelferry_last_success_timestamp_seconds{command=\"push\".* $success\$" m.prom
check "... beside the new status" grep -q '^modelferry_last_run_exit_status{command="push".* 2$' m.prom
told "a run without an id has a random one" '__import__("uuid").UUID(field("Run")).version == 4 and pings[0]["query"].endswith("rid=" + field("Run"))'

: >told
status 0 "on failure only" env MODELFERRY_NOTIFY_ON=failure "$MF" versions
told "... a success is not notified" 'not hooks and len(pings) == 2 and pushes'
: >told
status 0 "a dry run" "$MF" push src churn --dry-run
status 0 "help" "$MF" help
status 2 "a command line that cannot be read" "$MF" push src
told "... tell nobody" 'not rows'

# what could not be told is refused before anything is done
: >told
status 2 "two URLs" "$MF" push src churn@v2 --notify-url "$base/hooks/s3cr3t-2"
says "... are refused" "exclude each other"
told "... and the others are told" 'not hooks and [r["path"] for r in pings] == ["/ping/s3cr3t-check/2"]'
status 2 "plain http to another machine" env -u MODELFERRY_NOTIFY_URL_FILE "$MF" push src churn@v2 --notify-url http://chat.example/hooks/s3cr3t-3
says "... is refused" "plain http"
never_says "... without naming it" s3cr3t
status 2 "no URL" env MODELFERRY_PING_URL='s3cr3t nonsense' "$MF" push src churn@v2
never_says "... is not named either" s3cr3t
status 2 "a URL file that is missing" env MODELFERRY_NOTIFY_URL_FILE=none "$MF" push src churn@v2
status 2 "a bad run id" "$MF" push src churn@v2 --run-id 'a b'
status 3 "nothing was pushed" "$MF" show churn@v2

# servers that fail change nothing
: >told
unset MODELFERRY_NOTIFY_URL_FILE
status 0 "servers that are gone" env MODELFERRY_NOTIFY_URL="$base/gone/hooks/s3cr3t" MODELFERRY_PING_URL="$base/gone/ping/s3cr3t" "$MF" versions
says "... are warned of" "not told.*answered 404"
never_says "... without their URL" s3cr3t
begin=$(date +%s%N)
status 3 "a server that hangs" env MODELFERRY_NOTIFY_URL="$base/hang/hooks/s3cr3t" MODELFERRY_PING_URL="$base/hang/ping/s3cr3t" "$MF" pull churn@v9 dst --report-timeout 1s
took=$((($(date +%s%N) - begin) / 1000000))
says "... is warned of" "server of --notify-url was not told"
check "... and not waited for" test $took -lt 60000
: >told
status 0 "a server that is busy" env MODELFERRY_PING_URL="$base/once-busy/ping/x" "$MF" versions
told "... is asked again" '[r["path"] for r in pings].count("/once-busy/ping/x/start") == 2'
echo "# HELP other_metric of somebody else" >other.prom
cp other.prom kept.prom
status 0 "a metrics file of somebody else" "$MF" versions --metrics-file other.prom
says "... is warned of" "line 1 is not one that modelferry writes"
check "... and stays" cmp other.prom kept.prom

# interrupted: told as well; a second signal ends at once
: >told
export MODELFERRY_NOTIFY_URL=$base/hooks/x
"$MF" push src churn@v3 --settle 1h >out 2>err &
pid=$!
for _ in $(seq 1200); do
	grep -q /start told && break
	sleep 0.05
done
kill -TERM $pid
wait $pid
check "an interrupted run ends with 11" test $? = 11
told "... and is told" "field('Exit status').startswith('11: interrupted') and pings[-1]['path'].endswith('/11')"
: >told
MODELFERRY_NOTIFY_URL=$base/hang/hooks/x "$MF" pull churn@v9 dst --report-timeout 10m >out 2>err &
pid=$!
for _ in $(seq 1200); do
	grep -q /hang/ told && break
	sleep 0.05
done
for _ in $(seq 100); do # a signal that is pending takes another one with it
	kill -TERM $pid 2>/dev/null || break
	sleep 0.1
done
wait $pid
check "a second signal ends the telling" test $? = 143

# the real gateway
if command -v prometheus-pushgateway >/dev/null; then
	gateway=
	# shellcheck disable=SC2154
	trap 'kill $server $gateway 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
	for _ in 1 2 3 4 5; do # somebody else may have the port meanwhile
		port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
		prometheus-pushgateway --web.listen-address="127.0.0.1:$port" >gateway.log 2>&1 &
		gateway=$!
		for _ in $(seq 1200); do
			curl -sf "http://127.0.0.1:$port/-/ready" >/dev/null && break 2
			kill -0 $gateway 2>/dev/null || break
			sleep 0.05
		done
	done
	unset MODELFERRY_NOTIFY_URL MODELFERRY_PING_URL
	export MODELFERRY_PUSHGATEWAY=http://127.0.0.1:$port
	status 0 "a run to a Pushgateway" "$MF" push src churn@v4 --force
	status 2 "and one that fails" "$MF" push missing churn@v4
	curl -s "http://127.0.0.1:$port/metrics" >scraped
	check "it has the last success" grep -q '^modelferry_last_success_timestamp_seconds{command="push",instance="nightly",job="modelferry",model="churn",store=' scraped
	check "... beside the failure" grep -q '^modelferry_last_run_exit_status{.* 2$' scraped
	kill $gateway
fi
end
