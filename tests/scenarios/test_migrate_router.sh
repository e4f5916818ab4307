#!/usr/bin/env bash
# The router of a migration, played by HAProxy itself: loaded again, restarted, gone, one of two,
# with servers that go, with cookies, streams and connections that are kept. Each scenario states
# the weights, production, the link, the status, what people were told, and what clients saw.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

# runs wait at 60/40 for a gate, which is a server of its own
mkdir -p gate/current
start_site gate
python3 "$MF_TOP_SRCDIR/tests/scenarios/listen.py" listen.port listen.seen 2>>servers.log &
pids+=($!)
in_time test -s listen.port
hooks=http://127.0.0.1:$(cat listen.port)
closed() { ill gate "status 403"; }
open_gate() { ill gate "status 200"; }

has_measured() {
	curl -gs "$MF_PROMETHEUS_URL/api/v1/query?query=count(model_accuracy)" | grep -q '"2"'
}
check "Prometheus has looked at both sites" in_time has_measured

declare -A master=() # of the HAProxys by name: process ids
version=v1           # the last one that was pushed
back="error the migration was rolled back"
through="info the migration succeeded"
more="warn the router gave the canary more than wanted"
less="warn held: somebody lowered the canary's weight"
gone="warn held: the router cannot be read or written"
refused="cannot connect: Connection refused"

# ---- proxies ----

# configure NAME [LINE...]: NAME.cfg, with these lines in its backend
configure() {
	cat >"$1.cfg" <<-END
		global
		  stats socket $scratch/$1.sock mode 600 level admin expose-fd listeners
		  server-state-file $scratch/$1.state
		defaults
		  mode http
		  timeout connect 1s
		  timeout client 10s
		  timeout server 10s
		  timeout check 5s
		frontend in
		  bind unix@$scratch/$1.in
		  default_backend churn
		backend churn
		  balance roundrobin
		  option httpchk GET /health
		  default-server check inter 200ms fall 1 rise 1
		$(printf '  %s\n' "${@:2}")
	END
}
redispatch="option redispatch 1"
both=("server old $old weight 100" "server new $new weight 0")

is_there() { # NAME: its runtime API answers
	proxy=$1
	[[ -n $(worker) ]]
}
worker() { echo "show info" | ask_haproxy 2>/dev/null | awk '$1 == "Pid:" { print $2 }'; }
launch() { # NAME: with a master, so that it can be told to read its configuration again
	"$haproxy" -W -f "$1.cfg" >>servers.log 2>&1 &
	master[$1]=$!
	pids+=($!)
	in_time is_there "$1"
}
load_again() { # NAME
	local before
	proxy=$1
	before=$(worker)
	kill -USR2 "${master[$1]}"
	in_time is_another "$before"
}
is_another() { # PID
	local now
	now=$(worker)
	[[ -n $now && $now != "$1" ]]
}
lose() { # NAME: it is gone at once
	local pid
	proxy=$1
	pid=$(worker)
	kill -KILL "${master[$1]}" "$pid"
	wait "${master[$1]}" 2>/dev/null
	unset "master[$1]"
	in_time is_dead "$pid"
}
is_dead() { # PID
	! kill -0 "$1"
}

# ---- runs ----

# scenario NAME [LINE...]: a new version, and a proxy NAME with these lines in its backend
scenario() {
	local name
	for name in "${!master[@]}"; do lose "$name"; done
	version=v$((${version#v} + 1))
	push_version "$version"
	"$MF" pull churn@v1 new --link current >out 2>err
	configure "$@"
	launch "$1"
	start_over v1
	closed
	: >seen
	rm -f stop
	kinds=()
}
# the_plan NAME [SED-OPTION...]: NAME.yaml, quicker than most, and Prometheus may be slow
the_plan() {
	local name=$1
	shift
	plan "$version" | sed -e "s|haproxy.sock|$proxy.sock|" \
	    -e "s|    interval: 1s|    interval: 400ms|" -e "s|'\(model.*\)'|'last_over_time(\1[1m])'|" \
	    -e "s|settle: .*|settle: 200ms|" -e "s|watch: .*|watch: 200ms|" \
	    -e "s|      interval: 500ms|      interval: 200ms|" -e "s|drainTimeout: 2s|drainTimeout: 1s|" \
	    -e "s|maxHold: .*|maxHold: 60s|" "$@" >"$name.yaml"
	cat >>"$name.yaml" <<-END
		  gates:
		  - {name: gate, type: confirm-promotion, url: "http://$(cat gate.url)/", muteAlert: true}
	END
}
# run NAME [SED-OPTION...]: a run of that in the background, until it waits at 60/40
run() {
	local name=$1
	the_plan "$@"
	"$MF" migrate "$name.yaml" --run-id "$name" >"$name.out" 2>&1 &
	pid=$!
	pids+=("$pid")
	shows "$name" "held: gate"
}
shows() { # NAME PATTERN: the run comes to say so
	check "$1: comes to $2" in_time grep -qE -- "$2" "$1.out"
}
finishes() { # NAME STATUS
	local got
	wait "$pid"
	got=$?
	cp "$1.out" out
	: >err
	if ((got == $2)); then ok "$1: exit status $2"; else
		echo "# exit status $got"
		not_ok "$1: exit status $2"
	fi
}
go_on() { # NAME
	check "$1: a person lets it go on" "$MF" migrate --continue "$1" --reason "it is well"
}
load_clients() { # KIND N: behind $proxy, until told
	python3 "$MF_TOP_SRCDIR/tests/scenarios/clients.py" "$scratch/$proxy.in" seen "$@" 2>>servers.log &
	kinds+=($!)
	pids+=($!)
	in_time test -s seen
}
all_seen() { # NAME: clients end, and saw no failure
	touch stop
	wait "${kinds[@]}" 2>/dev/null
	check "$1: clients were there" test "$(wc -l <seen)" -gt 20
	check "$1: no client saw a failure" sh -c '! grep -v " 200 v" seen'
}
# seen_but NAME MOST: as all_seen, but for at most so many, each within the time from $from to $to
seen_but() {
	touch stop
	wait "${kinds[@]}" 2>/dev/null
	check "$1: clients were there" test "$(wc -l <seen)" -gt 20
	grep -v " 200 v" seen >failures
	check "$1: at most $2 failures" test "$(wc -l <failures)" -le "$2"
	check "$1: all of them when it was gone" within "$from" "$to" failures
}
within() { awk -v from="$1" -v to="$2" '$1 < from || $1 > to { exit 1 }' "$3"; }
now() { date +%s.%3N; }

# ---- HAProxy is loaded again ----

scenario below "$redispatch" "${both[@]}"
load_clients fresh 2
load_clients keep 2
run below
load_again below
shows below "held: lowered"
check "below: it stays lowered" test "$(weights)" = 100/0
go_on below
open_gate
finishes below 0
check "below: no check failed" sh -c '! grep -q "failed [1-9]" below.out'
all_seen below
ends below 0/100 "$version" "$version"
told below "$less" "$through"

scenario above "$redispatch" "server old $old weight 100" "server new $new weight 256"
load_clients fresh 2
load_clients keep 2
run above -e "s|threshold: 2|threshold: 9|"
load_again above
shows above "route:60/40, alert:the router gave the canary more than wanted"
check "above: that is a failed check" grep -q "failed 1" above.out
check "above: written back" test "$(weights)" = 60/40
open_gate
finishes above 0
all_seen above
ends above 0/100 "$version" "$version"
told above "$more" "$through"

scenario saved "$redispatch" "load-server-state-from-file global" "${both[@]}"
load_clients fresh 2
load_clients keep 2
run saved
echo "show servers state" | ask_haproxy >saved.state
load_again saved
check "saved: the weights come back" test "$(weights)" = 60/40
open_gate
finishes saved 0
check "saved: no check failed" sh -c '! grep -q "failed [1-9]" saved.out'
all_seen saved
ends saved 0/100 "$version" "$version"
told saved "$through"

# ---- it is restarted ----

scenario restarted "$redispatch" "${both[@]}"
load_clients fresh 2
run restarted
from=$(now)
lose restarted
shows restarted "held: router"
launch restarted
to=$(now)
shows restarted "held: lowered"
go_on restarted
open_gate
finishes restarted 0
seen_but restarted 1000000
ends restarted 0/100 "$version" "$version"
told restarted "$gone (unix:$scratch/restarted.sock: $refused)" "$less" "$through"

# ---- one of two ----

unknown="; whether weights survive a reload is not known"
missing() { # SOCKET-NAME
	echo "1 of 2 sockets (unix:$scratch/$1.sock: $refused)$unknown"
}
two() { # NAME: another one beside $proxy
	configure "$1" "$redispatch" "${both[@]}"
	launch "$1"
}
with_two=(-e "s|sockets: .*|sockets: [\"unix:$scratch/one.sock\", \"unix:$scratch/two.sock\"]|")

scenario one "$redispatch" "${both[@]}"
two two
proxy=one
load_clients fresh 2
run up "${with_two[@]}" -e "s|threshold: 2|threshold: 999|"
lose two
shows up "failed 2 .*held: router"
proxy=one
check "up: no step is taken" test "$(weights)" = 60/40
launch two
shows up "held: lowered"
check "up: the one that lost its weights is not raised" test "$(weights)" = 100/0
proxy=one
check "up: the other keeps its own" test "$(weights)" = 60/40
go_on up
open_gate
finishes up 0
all_seen up
ends up 0/100 "$version" "$version"
proxy=two
check "up: the other shows it, too" test "$(weights)" = 0/100
told up "$gone ($(missing two))" "$less" "$through"

scenario one "$redispatch" "${both[@]}"
configure two "$redispatch" "server old $old weight 60" "server new $new weight 40"
launch two
set_haproxy "set server churn/old weight 100" "set server churn/new weight 0"
proxy=one
load_clients fresh 2
run down "${with_two[@]}"
lose two
shows down "route:100/0:failed"
proxy=one
check "down: the one that answers is back" test "$(weights)" = 100/0
launch two
finishes down 8
check "down: the other follows" test "$(weights)" = 100/0
proxy=one
all_seen down
ends down 100/0 v1 v1
told down "$gone ($(missing two))" "$gone (unix:$scratch/two.sock: $refused)" "$back"

scenario one "$redispatch" "${both[@]}"
two two
proxy=one
load_clients fresh 2
run lost "${with_two[@]}" -e "s|maxHold: .*|maxHold: 4s|"
lose two
finishes lost 9
says "lost: who is not back is named" "person is needed.*unix:$scratch/two.sock: $refused" out
proxy=one
all_seen lost
ends lost 100/0 v1 "$version"
told lost "$gone ($(missing two))" "$gone (unix:$scratch/two.sock: $refused)" \
    "warn traffic cannot be moved back (unix:$scratch/two.sock: $refused)" \
    "error the migration needs a person"

# ---- servers go ----

scenario unready "$redispatch" "${both[@]}"
load_clients fresh 2
load_clients keep 2
no_value=(-e "s|last_over_time(\(.*\)\[1m\])|\1|") # where the server is gone
run unready "${no_value[@]}"
ill new "accuracy 0.95" "status 200" "ready 0"
finishes unready 8
says "unready: for failed checks, as its servers were down" \
    "rolled back: canaryDead: no server of the canary is up, of 1; .*is marked as rejected" out
check "unready: that is not called a lack of data" sh -c '! grep -q noData unready.out'
all_seen unready
ends unready 100/0 v1 v1
told unready "$back"

# a server of its own, so that the others live on; nobody tells a dead one to load
scenario killed "$redispatch" "${both[@]}"
ln -sfn "$scratch/new" other
start_site other
other_pid=${pids[-1]}
configure killed "$redispatch" "${both[0]}" "server new $(cat other.url) weight 0"
load_again killed
load_clients fresh 2
load_clients keep 2
run killed "${no_value[@]}" -e "/reload:/d" -e "/servers:.*$new/d" -e "s|serves: .url.*|serves: unchecked|"
from=$(now)
kill -KILL "$other_pid"
finishes killed 8
to=$(now)
says "killed: for failed checks, as its servers were down" \
    "rolled back: canaryDead: no server of the canary is up, of 1" out
check "killed: that is not called a lack of data" sh -c '! grep -q noData killed.out'
seen_but killed 4 # what was under way, of each client
ends killed 100/0 v1 v1
told killed "$back"

for i in 2 3 4; do
	ln -sfn "$scratch/old" "old$i"
	start_site "old$i"
done
old4_pid=${pids[-1]}
ln -sfn "$scratch/new" new2
start_site new2
three=("$redispatch" "${both[0]}")
for i in 2 3; do three+=("server old$i $(cat "old$i.url") weight 100"); done
four=("${three[@]}" "server old4 $(cat old4.url) weight 100" "${both[1]}")

# ---- the split at each step of a run ----

counted_is() { # PERCENT REQUESTS: so many were answered, and of these that part by the canary
	awk -v wanted="$1" -v all="$2" '$3 == 200 { n++ } $4 != "v1" { canary++ }
		END { off = 100 * canary / NR - wanted
		      exit !(NR == all && n == all && off <= 2 && off >= -2) }' counted
}
weights_are() { test "$(weights)" = "$1"; }
# steps_of NAME SED-OPTION...: a run of such steps, each of which waits for one_step
steps_of() {
	local name=$1 type
	the_plan "$name" -e "s|maxWeight: .*|stepWeightPromotion: 50|" \
	    -e "s|interval: 400ms|interval: 100ms|" "${@:2}"
	sed -i "/^  - {name: gate/d" "$name.yaml"
	for type in confirm-traffic-increase confirm-promotion; do
		echo "  - {name: $type, type: $type, url: \"$hooks/once/step\", muteAlert: true}"
	done >>"$name.yaml"
	rm -f step
	"$MF" migrate "$name.yaml" --run-id "$name" >"$name.out" 2>&1 &
	pid=$!
	pids+=("$pid")
}
one_step() { # NAME CANARY
	: >step
	check "$1: a step to $2" in_time weights_are "$((100 - $2))/$2"
}
# split NAME SERVERS-OF-CANARY LINE...: at each step the canary has its part of 2,000 requests,
# within 2 percent of them
split() {
	local name=$1 step
	scenario "$name" "${@:3}"
	load_clients fresh 1
	steps_of "$name" -e "s|stepWeight: .*|stepWeights: [10, 20, 30, 40, 50]|" \
	    -e "s|primary: .*|primary: [churn/old*]|" -e "s|canary: .*|canary: [churn/new*]|" \
	    -e "s|^    servers: .*|    servers: [$2]|"
	for step in 10 20 30 40 50 100; do
		one_step "$name" "$step"
		rm -f counted
		python3 "$MF_TOP_SRCDIR/tests/scenarios/clients.py" "$scratch/$name.in" counted keep 1 2000
		check "$name: the canary answers $step of 100 of 2,000 requests" counted_is "$step" 2000
	done
	finishes "$name" 0
	all_seen "$name"
	ends "$name" 0/100 "$version" "$version"
	told "$name" "$through"
}
split one-one "\"http://$new\"" "$redispatch" "${both[@]}"
split four-one "\"http://$new\"" "${four[@]}"
split three-two "\"http://$new\", \"http://$(cat new2.url)\"" "${three[@]}" "${both[1]}" \
    "server new2 $(cat new2.url) weight 0"

scenario four "${four[@]}"
load_clients fresh 2
run four -e "s|primary: .*|primary: [churn/old*]|" -e "s|maxWeight: 40|&\n    primaryReadyThreshold: 75|"
from=$(now)
kill -KILL "$old4_pid"
share_is() { # PERCENT: the canary's, of the servers that are up, within half a point
	echo "show servers state" | ask_haproxy | awk -v wanted="$1" '
		$2 == "churn" && NF > 8 && $6 == 2 { all += $8; if ($4 == "new") canary += $8 }
		END { off = 100 * canary / all - wanted; exit !(off <= 0.5 && off >= -0.5) }'
}
three_up() {
	(($(echo "show servers state" | ask_haproxy | awk '$2 == "churn" && $6 == 2' | wc -l) == 4))
}
check "four: HAProxy sees that one is gone" in_time three_up
check "four: the canary's share is as before" in_time share_is 40
to=$(now)
rm -f counted
python3 "$MF_TOP_SRCDIR/tests/scenarios/clients.py" "$scratch/four.in" counted keep 1 1000
check "four: and so it is of 1,000 requests, within 2 percent" counted_is 40 1000
open_gate
finishes four 0
seen_but four 2
ends four 0/100 "$version" "$version"
told four "$through"

# ---- clients that stay ----

cookie="cookie SRV insert indirect nocache"
sticky=("$cookie" "${both[0]} cookie old" "${both[1]} cookie new")
with_config=(-e "s|primary: .churn/old.|&\n      config: [$scratch/PROXY.cfg]|")

scenario refused "${sticky[@]}"
the_plan refused "${with_config[@]//PROXY/refused}"
status 2 "refused: exit status 2" "$MF" migrate refused.yaml
says "refused: clients that nothing would take off the canary" 'no "option redispatch"'
ends refused 100/0 v1 v1
check "refused: nobody was told" test ! -s alerts

# versions that the last answers of all clients came from
last_versions() { awk '{ last[$2] = $4 } END { for (i in last) print last[i] }' seen | sort -u; }
some_on_canary() { grep -q " $version\$" seen; }

scenario sticky "$redispatch" "${sticky[@]}"
run sticky "${with_config[@]//PROXY/sticky}"
load_clients cookie 6
check "sticky: clients are kept with the canary" in_time some_on_canary
ill new "accuracy 0.5" "status 200"
finishes sticky 8
sleep 0.1
check "sticky: all of them moved" test "$(last_versions)" = v1
all_seen sticky
ends sticky 100/0 v1 v1
told sticky "$back"

# streams: five answers that go on until told, some of them from the canary
sessions() { # SITE
	echo "show stat churn 4 -1" | ask_haproxy | awk -F, -v site="$1" '$2 == site { print $5 }'
}
are_open() {
	(($(sessions old) + $(sessions new) == 5))
}
open_streams() {
	ill old "accuracy 0.95" "status 200" "stream 1"
	ill new "accuracy 0.95" "status 200" "stream 1"
	: >streams
	python3 "$MF_TOP_SRCDIR/tests/scenarios/clients.py" "$scratch/$proxy.in" streams stream 5 \
	    2>>servers.log &
	streams_pid=$!
	pids+=("$streams_pid")
	in_time are_open
	on_canary=$(sessions new)
}
end_streams() {
	well old
	well new
	wait "$streams_pid" 2>/dev/null
}

scenario streams "$redispatch" "${both[@]}"
run streams
check "streams: are under way" open_streams
load_clients keep 4
check "streams: other clients see the canary" in_time some_on_canary
ill new "accuracy 0.5" "status 200" "stream 1"
finishes streams 8
says "streams: the wait for them has an end" "drain:$on_canary left" out
check "streams: none has ended" test "$(wc -l <streams)" -eq 0
sleep 0.1
check "streams: following requests of the same connections moved" test "$(last_versions)" = v1
end_streams
check "streams: all were complete" test "$(grep -c " 200 v" streams)" -eq 5
check "streams: also those of the canary" test "$(grep -c " 200 $version" streams)" -eq "$on_canary"
all_seen streams
ends streams 100/0 v1 v1
told streams "$back"

# The same from the first step of a run on, over more of them, and over the way back, which waits.
scenario long "$redispatch" "${both[@]}"
steps_of long -e "s|stepWeight: .*|stepWeights: [40, 50, 60, 70]|" -e "s|drainTimeout: .*|drainTimeout: 60s|"
one_step long 40
check "long: streams are under way" open_streams
check "long: some of them from the canary" test "$on_canary" -gt 0
load_clients keep 4
for step in 50 60 70; do one_step long $step; done
ill new "accuracy 0.5" "status 200" "stream 1"
check "long: traffic is back" in_time weights_are 100/0
sleep 1
check "long: the way back waits for the streams" kill -0 "$pid"
check "long: none has ended" test "$(wc -l <streams)" -eq 0
end_streams
finishes long 8
says "long: none was left" "drain:0 left" out
check "long: all have each of their words" test "$(grep -c " 200 v" streams)" -eq 5
check "long: also those of the canary" test "$(grep -c " 200 $version" streams)" -eq "$on_canary"
all_seen long
ends long 100/0 v1 v1
told long "$back"

scenario cut "$redispatch" "${both[@]}"
run cut -e "s|drainTimeout: .*|&\n      cutStreams: true|"
check "cut: streams are under way" open_streams
load_clients keep 4
ill new "accuracy 0.5" "status 200" "stream 1"
finishes cut 8
says "cut: none is left" "drain:0 left" out
end_streams
check "cut: those of the canary were" test "$(grep -c " lost $version" streams)" -eq "$on_canary"
check "cut: the others were not" test "$(grep -c " 200 v1" streams)" -eq $((5 - on_canary))
all_seen cut
ends cut 100/0 v1 v1
told cut "$back"
end
