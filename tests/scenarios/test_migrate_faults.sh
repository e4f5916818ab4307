#!/usr/bin/env bash
# A migration whose surroundings fail: hooks that refuse or hang, another run on the same proxy, a
# disk that is full, data that is damaged under the run, a bucket that falls silent. Each says how
# the run ended, where traffic, production and the link are then, who was told what, and that no
# client saw a failure.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"
# shellcheck source=tests/scenarios/migrate_kills.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate_kills.sh"

clients

# ---- hooks that refuse, and hooks that hang ----

# hooks VERSION KIND NAME TYPE [MORE]: a plan with one of them, of "gates" or "hooks"
hooking() {
	quick "$1"
	echo "  $2: [{name: $3, type: $4, url: \"$hooks/as/$3\", timeout: 300ms${5-}}]"
}
gate_closed="warn held: a gate is closed"
damaged="warn the data at the destination is damaged: weights.bin has another content"
succeeded="info the migration succeeded"
rolled_back="error the migration was rolled back"
begin() { # RUN [OPTION ...]: in the background, its words in RUN.out
	"$MF" migrate plan.yaml --run-id "$@" >"$1.out" 2>"$1.err" &
	run=$!
}
ended() { # NAME STATUS RUN
	wait $run
	echo $? >out
	cat "$3.err" >err
	check "$1: status $2" test "$(cat out)" = "$2"
}

anew
hooking v2 gates gate confirm-rollout >plan.yaml
answers gate 403
begin closed
check "a closed confirm-rollout: held" in_time grep -q "held: gate" closed.out
check "... nothing moved" test "$(weights)" = 100/0
answers gate 200
ended "... opened" 0 closed
told "confirm-rollout" "$gate_closed" "$succeeded"
ends "confirm-rollout" 0/100 v2 v2

anew
sed -i 's/maxHold: 30s/maxHold: 500ms/' plan.yaml
answers gate 403
status 8 "one that stays closed: back at the end of the hold" "$MF" migrate plan.yaml
cp out stays.out
says "... by name" "holdTooLong"
told "stays closed" "$gate_closed" "$rolled_back"
check "... at no time forward" sh -c '! grep -q "route:50/50" stays.out'
ends "stays closed" 100/0 v1 v1

anew
hooking v2 gates promotion confirm-promotion >plan.yaml
answers promotion hang
begin held
check "a confirm-promotion that hangs: held" in_time grep -q "held: gate" held.out
check "... at the weights of the analysis" test "$(weights)" = 50/50
answers promotion 200
ended "... answered" 0 held
told "confirm-promotion" "$gate_closed" "$succeeded"
ends "confirm-promotion" 0/100 v2 v2

anew
hooking v3 hooks before pre-rollout >plan.yaml
answers before 500
status 8 "pre-rollout fails: back" "$MF" migrate plan.yaml
cp out before.out
check "... at no time forward" sh -c '! grep -q "route:50/50" before.out'
check "... for that reason" grep -q "failed 2 " before.out
told "pre-rollout" "$rolled_back"
ends "pre-rollout" 100/0 v1 v1

anew
hooking v4 hooks each rollout >plan.yaml
answers each 200
begin failing
in_time grep -q "route:50/50" failing.out
answers each hang
ended "a rollout hook that hangs: failed checks, and back" 8 failing
check "... each of them counted" grep -q "failed 1 " failing.out
told "rollout hook" "$rolled_back"
ends "rollout hook" 100/0 v1 v1

# ---- two plans on one proxy ----

anew
hooking v2 gates promotion confirm-promotion >plan.yaml
sed -e 's/name: churn-to-new/name: another/' -e 's/maxHold: 30s/maxHold: 20s/' plan.yaml >other.yaml
answers promotion 403
begin first
in_time grep -q "held: gate" first.out
who="[^ ]+@[^ ]+, process $run, since 20[0-9-]+T[0-9:.]+Z"
status 7 "another plan on the same backend" "$MF" migrate other.yaml
says "... it names who is there" "on this machine, .*haproxy:churn is held by first, $who"
says "... and what to do" 'modelferry status first. .*modelferry migrate --abort first'
status 7 "... also with a lease of its own" "$MF" migrate other.yaml --lease "file:$scratch/lease"
says "... it names who is there" "haproxy:churn is held by first, $who"
status 7 "... and on another machine" "$MF" migrate other.yaml --state-dir "$scratch/elsewhere"
says "... by the repository" "haproxy:churn is held by first, $who, renewed .* ago"
cat >canary.yaml <<'PLAN'
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: another}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: churn}
  service: {port: 80}
  analysis: {interval: 10s, threshold: 2, stepWeight: 100}
PLAN
traffic_alone() {
	"$MF" migrate canary.yaml --router \
	    "haproxy:unix:$scratch/../${scratch##*/}/haproxy.sock,primary=churn/old,canary=churn/new" "$@"
}
status 7 "traffic alone, by the repository" traffic_alone --state-dir "$scratch/elsewhere"
says "... it names who is there" "haproxy:churn is held by first, $who, renewed .* ago"
begin_without() (unset MODELFERRY_REPO; traffic_alone --lease "file:$scratch/lease")
status 7 "... and without it, on this machine" begin_without
says "... it names who is there" "on this machine, .*haproxy:churn is held by first, $who"
says "... and what to do" "run this again when it has ended"
status 7 "the same plan" "$MF" migrate plan.yaml
says "... names who runs it" \
    "run first of this plan has not ended, and is under way: $who, heartbeat .* ago"
status 7 "... a look ahead, too" "$MF" migrate plan.yaml --dry-run
says "... in the same words" "run first of this plan has not ended, and is under way: $who"
for one in plan other; do
	status 7 "doctor of the $one plan" "$MF" doctor $one.yaml
	says "... names who is there" "haproxy:churn is held by first, $who" out
	check "... and takes its weights for no fault" sh -c '! grep -q "set it to 100/0" out err'
done
status 7 "... nor is it resumed" "$MF" migrate plan.yaml --resume
says "... for it is under way" "run first is under way: $who"
check "nothing was moved by any" test "$(weights)" = 50/50
answers promotion 200
ended "the first goes on" 0 first
ends "two plans" 0/100 v2 v2
told "two plans" "$gate_closed" "$succeeded"

# ---- a way back that takes its time ----

anew
old_serves() { # VERSION
	"$MF" pull "churn@$1" old --link current >out 2>err
	curl -sf -X POST "http://$old/reload" >out
}
push_version v12 # which is rejected then
answers promotion 403
hooking v12 gates promotion confirm-promotion | sed 's|serves: unchecked}|serves: {url: "{server}/version", jsonPath: "{.version}", within: 60s}}|' >plan.yaml
begin slowly
in_time grep -q "held: gate" slowly.out
old_serves v3
ill new "accuracy 0.2" "status 200"
# shellcheck disable=SC2317 # in_time calls it
waits_for_old() { "$MF" status slowly >status.out 2>err; grep -q "waits for old to serve v1" status.out; }
check "a way back waits for the primary: status says for what" in_time waits_for_old
cp status.out out
says "... and until when" "waits for old to serve v1, until 20[0-9-]+T[0-9:.]+Z$" out
says "... it is on its way back" "RollingBack, weights 100/0" out
says "... why" "going back: threshold" out
says "... the traffic is back" "primary +\\[#+\\] 100 %" out
says "... how far it has come" "step +the way back: the fallback is served, try 1 of" out
says "... what it does" "now +serves old" out
says "... what is left to do" "rollback +it is under way, because of threshold" out
old_serves v1
ended "... and it goes on" 8 slowly
ends "slowly" 100/0 v1 v1

# ---- one backend of two ----

cat >two.cfg <<END
global
  stats socket $scratch/two.sock mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
$(printf 'backend %s\n  option redispatch\n  server old %s weight 100\n  server new %s weight 0\n' \
	    web "$old" "$new" api "$old" "$new")
END
"$haproxy" -f two.cfg >>servers.log 2>&1 &
pids+=($!)
in_time test -S two.sock
anew
hooking v2 gates promotion confirm-promotion | sed -e "s|/haproxy.sock|/two.sock|" \
    -e 's|\[churn/old\]|[web/old, api/old]|' -e 's|\[churn/new\]|[web/new, api/new]|' >plan.yaml
cat >api.yaml <<END
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: api-alone}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  service: {port: 80}
  skipAnalysis: true
END
answers promotion 403
begin web-and-api
in_time grep -q "held: gate" web-and-api.out
status 7 "a plan on the second of two backends" "$MF" migrate api.yaml \
    --router "haproxy:unix:$scratch/two.sock,primary=api/old,canary=api/new" \
    --model api@v1 --from v1 --to "$scratch/api,link=current"
says "... it names who is there" "haproxy:api is held by web-and-api"
answers promotion 200
ended "both backends go on" 0 web-and-api

# ---- told to end, and to leave things as they are ----

anew
hooking v2 gates promotion confirm-promotion >plan.yaml
cat >>plan.yaml <<END
  onInterrupt: hold
  windows: ["Mon-Sun 00:00-24:00"]
  freeze: [{from: 2020-01-01, to: 2020-02-01}]
END
answers promotion 403
begin left
in_time grep -q "held: gate" left.out
kill -TERM $run
ended "onInterrupt: hold" 11 left
check "... the canary keeps its weight" test "$(weights)" = 50/50
check "... production is v1" sh -c "\"$MF\" ref churn production | grep -q ' is v1,'"
answers promotion 200
status 0 "... another process goes on at once" "$MF" migrate plan.yaml --resume --state-dir elsewhere
ends "left and resumed" 0/100 v2 v2

# ---- a freeze ----

anew
quick v2 >plan.yaml
echo "  freeze: [{from: 2020-01-01, to: $(date -u -d '+2 days' +%F)}]" >>plan.yaml
begin frozen -v
check "a freeze: it says what it waits for" in_time grep -q "waits for the end of a freeze" frozen.out
status 0 "... a person skips the steps" "$MF" migrate --promote --full frozen
check "... which is heard" in_time grep -q "promote --full by" frozen.err
status 0 "... and asks for a retry" "$MF" migrate --retry frozen
check "... which a Canary does not hear" in_time grep -q "retry by .*; not heard: a Canary" frozen.err
heard=$(wc -l <frozen.out)
more_ticks() { (($(wc -l <frozen.out) > heard + 1)); }
check "... ticks go on" in_time more_ticks
check "... and nothing moves" test "$(weights)" = 100/0
status 0 "... aborted" "$MF" migrate --abort frozen
ended "a freeze" 8 frozen
ends "a freeze" 100/0 v1 v1

# ---- a disk that is full ----

mkdir v5
echo v5 >v5/version.txt
data v5/weights.bin 6000000 5
"$MF" push v5 churn@v5 >out 2>err
anew
quick v5 | sed "s|dir: $scratch/new|dir: $scratch/tiny|" >plan.yaml
mkdir tiny
if unshare -rm true 2>/dev/null; then
	# shellcheck disable=SC2016 # for the other shell
	status 6 "no room at the destination" unshare -rm bash -c \
	    'mount -t tmpfs -o size=4m none tiny && exec "$0" migrate plan.yaml' "$MF"
	says "... is said before anything is written" "space"
	ends "no room" 100/0 v1 v1
	quick v5 >plan.yaml
	status 0 "with room it goes" "$MF" migrate plan.yaml
	ends "room" 0/100 v5 v5
else # no server that could be installed: the kernel forbids it
	echo "# no mount in a namespace of its own: not tried with a full disk"
fi

# ---- data that is damaged ----

# spoil VERSION: one byte of what was pulled, its time as before
spoil() {
	local file
	file=$(echo new/.modelferry/versions/"$1"-*/weights.bin)
	touch -r "$file" when
	printf 'x' | dd of="$file" bs=1 seek=100000 conv=notrunc status=none
	touch -r when "$file"
}
is_whole() { # NAME VERSION: what lies at the destination
	check "$1" "$MF" verify "churn@$2" --local "$(echo new/.modelferry/versions/"$2"-*)"
}

push_version v6
anew
hooking v6 gates promotion confirm-promotion >plan.yaml
answers promotion 403
begin damaged
in_time grep -q "held: gate" damaged.out
spoil v6
ended "data that is damaged at half of the traffic" 8 damaged
says "... for that reason" "rolled back: dataDamaged" damaged.err
told damaged "$gate_closed" "$damaged" "$rolled_back"
ends damaged 100/0 v1 v1
is_whole "... it was pulled again" v6
status 0 "the version" "$MF" show churn@v6 --json
json "... is not at fault" 'not r["rejected"]'

anew
spoil v6
answers promotion 200
status 0 "damaged before the run: pulled again, and on" "$MF" migrate plan.yaml
told "damaged before" "$damaged" "$succeeded"
is_whole "... it is whole" v6
ends "damaged before" 0/100 v6 v6

push_version v7
anew
hooking v7 gates promotion confirm-promotion >plan.yaml
answers promotion 403
begin touched
in_time grep -q "held: gate" touched.out
touch new/.modelferry/versions/v7-*/weights.bin
answers promotion 200
ended "a file that was only touched is read, and well" 0 touched
ends touched 0/100 v7 v7

no_client_failed faults
end
