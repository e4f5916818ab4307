#!/usr/bin/env bash
# A directory that follows a ref: moves, kills, a version that does not verify, a bucket that is
# away, and who is told.
#
# Nothing here is about power cuts: in memory it takes a third of the time.
[ -w /dev/shm ] && [ -z "${TMPDIR-}" ] && export TMPDIR=/dev/shm
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
if ! command -v python3 >/dev/null; then
	echo "1..0 # SKIP no python3"
	exit 0
fi
unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
unset "${!MODELFERRY_NOTIFY_@}" "${!MODELFERRY_GCS_@}" "${!GOOGLE_@}" STORAGE_EMULATOR_HOST
export NO_GCE_CHECK=true

children=()
# shellcheck disable=SC2154 # scratch is lib.sh's
trap 'kill -9 "${children[@]}" 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT

# by_and_by NAME COMMAND...: it succeeds within a minute
by_and_by() {
	local name=$1 i
	shift
	for ((i = 0; i < 1200; i++)); do
		if "$@" >/dev/null 2>&1; then
			ok "$name"
			return
		fi
		sleep 0.05
	done
	cat log >err 2>/dev/null
	not_ok "$name"
}
# follow ARGUMENT...: in the background, as $pid, its results in shown, its log in log
follow() {
	: >log
	: >shown
	"$MF" follow --interval 100ms "$@" >shown 2>log </dev/null &
	pid=$!
	children+=("$pid")
}
# ends STATUS NAME: it does, on SIGTERM
ends() {
	kill -TERM $pid
	wait $pid
	local got=$?
	cp log err
	if [ "$got" = "$1" ]; then ok "$2"; else echo "# status $got"; not_ok "$2"; fi
}
shows() { diff -r -x .modelferry "$1" "$2"; }
lines() { grep -cE -- "$1" "$2"; }
is() { [ "$(lines "$1" "$2")" = "$3" ]; }

MODELFERRY_REPO=$(place repo)
export MODELFERRY_REPO
for n in 1 2 3 4; do
	v=$(echo $n | tr 1234 abcd)
	data "$v/model.bin" 900000 $n
	echo "$v" >"$v/name"
done
"$MF" init >/dev/null
"$MF" push a churn@v1 --ref production >/dev/null
cat >hook <<'END'
#!/bin/sh
env >"hook-env.$FOLLOW_VERSION"
echo "$FOLLOW_VERSION" >>hook-ran
ls -l /proc/self/fd >hook-files
echo "out of the hook"
END
chmod +x hook

# --- once
status 0 "--once" "$MF" follow churn@production once --once --json
json "... pulls" 'r["version"] == "v1" and r["sequence"] == 1 and r["already"] is False and r["bytes"] > 900000 and r["path"] == "once"'
check "... the version" shows a once
status 0 "--once again" "$MF" follow churn once --once
says "... finds it there" "^churn@v1 is there already" out
status 0 "... with a filter" "$MF" follow churn once --once --include name
check "... a part is another thing" test ! -e once/model.bin
inode=$(stat -c %i once)
status 0 "... the same part" "$MF" follow churn once --once --include name
says "... is there" "already" out
check "... and was not replaced meanwhile" test "$(stat -c %i once)" = "$inode"
status 3 "no such ref" "$MF" follow churn@nothing x --once
says "... is named" "has no ref nothing"
status 3 "a version is no ref" "$MF" follow churn@v1 x --once
status 2 "previous" "$MF" follow churn@previous x
says "... is refused by name" "previous.*history of production"
status 2 "a directory that is in the way" "$MF" follow churn "$scratch/a"
status 3 "no repository ends it" "$MF" -r "$scratch/nowhere" follow churn x
status 5 "and so does a wrong key" env MODEL_HMAC_KEY="$(new_key)" "$MF" follow churn x
status 5 "--min-sequence" "$MF" follow churn x --once --min-sequence 2
status 2 "--notify-cmd with arguments" "$MF" follow churn x --notify-cmd "./hook now"
says "... is refused" "no program that can be run"
check "and nothing was made" test ! -e x
status 2 "--interval 0" "$MF" follow churn x --interval 0

# --- a ref that moves
follow churn vol --link current --notify-cmd ./hook
by_and_by "it shows v1" shows a vol/current
by_and_by "... and says so" is '^churn@v1: 2 files' shown 1
by_and_by "--notify-cmd is run" is v1 hook-ran 1
"$MF" push b churn@v2 --ref production >/dev/null
by_and_by "the ref moves, and it shows v2" shows b vol/current
by_and_by "--notify-cmd is run again" is v2 hook-ran 1
says "... with the model" '^FOLLOW_MODEL=churn$' hook-env.v2
says "... the ref" '^FOLLOW_REF=production$' hook-env.v2
says "... its sequence" '^FOLLOW_SEQUENCE=2$' hook-env.v2
says "... the directory" '^FOLLOW_DIR=vol$' hook-env.v2
says "... where the version lies" '^FOLLOW_PATH=vol/.modelferry/versions/v2-' hook-env.v2
check "... and no key" sh -c '! grep -E "^MODEL_(ENCRYPTION|HMAC)_KEY=" hook-env.v2'
check "... no file of ours" test "$(grep -c -- '->' hook-files)" -le 4
says "its output goes to standard error" '^out of the hook' log
check "... and not among results" is 'hook' shown 0
status 0 "rollback" "$MF" rollback churn
by_and_by "it goes back, too" shows a vol/current
by_and_by "... and is told" is v1 hook-ran 2
ln -sfn .modelferry/versions/none vol/current
by_and_by "a link that somebody bent is put right" shows a vol/current
kill -HUP $pid
ends 0 "SIGTERM between looks: status 0"
follow churn vol --link current --notify-cmd ./hook
by_and_by "started again, it finds v1" is '^churn@v1 is there already' shown 1
ends 0 "... ends"
check "... and was not told again" is . hook-ran 3
rm vol/.modelferry/notified
follow churn vol --link current --notify-cmd ./hook
by_and_by "one that was never told is told at the start" is . hook-ran 4
ends 0 "... ends"

# --- a program that fails
printf '#!/bin/sh\nexit 3\n' >fails && printf '#!/bin/sh\nsleep 100 & wait\n' >hangs && chmod +x fails hangs
rm vol/.modelferry/notified
status 0 "--notify-cmd that fails" "$MF" follow churn vol --link current --once --notify-cmd ./fails
says "... is logged" "notify-cmd failed; vol shows churn@v1 all the same: ./fails ended with status 3"
status 0 "... once" "$MF" follow churn vol --link current --once --notify-cmd ./fails
never_says "... for a version" "notify-cmd"
rm vol/.modelferry/notified
status 0 "one that hangs" "$MF" follow churn vol --link current --once --notify-cmd ./hangs --notify-cmd-timeout 200ms
says "... is ended" "took longer than 200ms"
check "... and is to be told yet" test ! -e vol/.modelferry/notified

# --- killed in a pull
if has_failpoints && ! in_bucket; then
	"$MF" ref churn production v2 >/dev/null
	for ((n = 1; n < 100; n++)); do
		rm -rf vol && "$MF" pull churn@v1 vol >/dev/null
		MODELFERRY_TEST_KILL_AT_OP=$n "$MF" follow churn vol --once >out 2>err
		got=$?
		[ $got = 137 ] || break
		shows a vol >/dev/null || shows b vol >/dev/null || { not_ok "killed at operation $n: a mixture"; break; }
		"$MF" follow churn vol --once >out 2>err && shows b vol >/dev/null || { not_ok "killed at operation $n: the next"; break; }
	done 2>/dev/null
	check "killed at each of $((n - 1)) operations" test "$got:$((n > 6 && n < 100))" = 0:1
fi

# --- stopped in a pull
head -c 3000000 /dev/urandom >c/noise
"$MF" push c churn@v3 --ref production >/dev/null
cat >conf <<'END'
bwlimit: 100K
END
rm -rf vol && "$MF" pull churn@v1 vol --link current >/dev/null
follow churn vol --link current --config conf --log-level info
by_and_by "a slow pull" sh -c 'ls -d vol/.modelferry/staging/v3-*'
ends 11 "SIGTERM in a pull: status 11"
check "... v1 stays" shows a vol/current
follow churn vol --link current --config conf --log-level debug
by_and_by "it begins again" is 'begun: follow' log 1
echo 'bwlimit: off' >conf
kill -HUP $pid
by_and_by "SIGHUP lets it read the limits again" is 'limits were read again' log 1
by_and_by "... and it goes on to v3" shows c vol/current
ends 0 "... and ends"

# --- signatures
"$MF" key generate --signing --out signer >out && grep -o "MODELFERRY-VERIFY-KEY-1 .*" out >trusted
"$MF" push c churn@v6 --force --ref production --sign-key signer >/dev/null
follow churn signed --link current --trusted-keys trusted
by_and_by "signed, and trusted" shows c signed/current
"$MF" ref churn production v1 >/dev/null
by_and_by "a ref that nobody signed is refused" is 'is not signed, and --trusted-keys demands it' log 1
check "... v6 stays" shows c signed/current
"$MF" ref churn production v6 --sign-key signer >/dev/null
by_and_by "... until somebody signs" is 'well again' log 1
"$MF" key generate --signing --out second >out && grep -o "MODELFERRY-VERIFY-KEY-1 .*" out >>trusted
"$MF" push b churn@v7 --force --ref production --sign-key second >/dev/null
by_and_by "the file of trusted keys is read again" shows b signed/current
check "... before a stranger is talked of" is 'cannot' log 1
ends 0 "... and it ends"

# what follows is about directories, or brings a bucket of its own
if in_bucket; then
	end
fi
"$MF" ref churn production v3 >/dev/null

# --- a disk that is full: known before the first byte, or found out while files are written, each
# of which takes a page there
if unshare -rm true 2>/dev/null; then
	data large/model.bin 4000000 9
	mkdir tiny pages
	for n in $(seq 400); do echo "$n" >"pages/$n"; done
	MODELFERRY_REPO=$scratch/full
	"$MF" init >/dev/null
	"$MF" push large full@large >/dev/null
	"$MF" push pages full@pages >/dev/null
	"$MF" push a full@a --ref production >/dev/null
	cat >full.sh <<'END'
mount -t tmpfs -o size=4m,mode=755 none tiny
"$MF" follow full tiny/vol --link current --once >/dev/null 2>&1
"$MF" ref full production large >/dev/null
"$MF" follow full tiny/vol --link current --once >full.out 2>full.err
echo $? >full.code
diff -r -x .modelferry a tiny/vol/current >full.diff 2>&1 || echo differs >>full.diff
ls -A tiny/vol/.modelferry/staging >full.staged
"$MF" ref full production pages >/dev/null
head -c 2400000 /dev/zero >tiny/other
"$MF" follow full tiny/vol --link current --interval 100ms >/dev/null 2>full.log </dev/null &
for i in $(seq 1200); do
	grep -q "cannot be pulled" full.log && break
	sleep 0.05
done
diff -r -x .modelferry a tiny/vol/current >>full.diff 2>&1 || echo "differs in the middle" >>full.diff
ls -A tiny/vol/.modelferry/staging/*/ >full.begun
rm tiny/other
for i in $(seq 1200); do
	diff -r -x .modelferry pages tiny/vol/current >/dev/null 2>&1 && touch full.shown && break
	sleep 0.05
done
kill -TERM $!
wait $!
echo $? >full.end
END
	export MF
	unshare -rm bash full.sh
	MODELFERRY_REPO=$scratch/repo
	check "no space for a version: status 6" test "$(cat full.code)" = 6
	cp full.err err
	says "... which is told" "free, and the version takes"
	check "... and of it nothing is left" test ! -s full.staged
	cp full.log err
	says "no space in the middle" "is at pages.*which cannot be pulled; .*stays as it is: .*No space"
	check "... of some files" test "$(wc -l <full.begun)" -gt 50
	check "... the old version is whole all the while" test ! -s full.diff
	check "... until there is space" test -e full.shown
	check "... and it ends as ever" test "$(cat full.end)" = 0
fi

# --- who is told, and of what
python3 "$MF_TOP_SRCDIR/tests/scenarios/listen.py" port told &
children+=($!)
by_and_by "somebody listens" test -e port
touch told
export MODELFERRY_NOTIFY_URL MODELFERRY_METRICS_FILE=$scratch/m.prom
MODELFERRY_NOTIFY_URL=http://127.0.0.1:$(cat port)/hooks/x
newest() { find repo/r -name "$(printf '%016x' "$1")"; }
# shellcheck disable=SC2012 # names without surprises
sequence() { ls repo/r/*/* | sort | tail -1; }
follow churn vol --link current --notify-on always
by_and_by "it shows v3" is 'v3 is there already' shown 1
last=$((16#$(sequence)))
file=$(newest $last)
mv "$file" kept
by_and_by "an older ref is refused" is 'cannot look at churn@production; vol stays as it is: .*older one back.* code=key' log 1
mv kept "$file"
by_and_by "... until it is put right" is 'churn@production: well again' log 1
check "... while v3 stays" shows c vol/current

find repo/c -type f | sort >before
"$MF" push d churn@v4 >/dev/null
find repo/c -type f | sort | comm -13 before - | while read -r f; do
	chmod u+w "$f" && echo rot >"$f"
done
"$MF" ref churn production v4 >/dev/null
by_and_by "a version that does not verify" is "is at v4 \(sequence $((last + 1))\), which cannot be pulled; vol stays as it is" log 1
by_and_by "... is a failed run" grep -qE '^modelferry_last_run_exit_status\{command="follow".* 4$' m.prom
"$MF" push b churn@v5 --force --ref production >/dev/null
by_and_by "... and the next one is pulled" shows b vol/current
by_and_by "... which is a run that went well" grep -qE '^modelferry_last_run_exit_status\{command="follow".* 0$' m.prom
by_and_by "all of it is told" is 'shows churn@v5' told 1
ends 0 "it ends"
# shellcheck disable=SC2016 # for the shell that runs it
check "refusal, recovery, damage, recovery, success: each once" sh -c 'test "$(wc -l <told)" = 5 &&
	test "$(grep -c "cannot look at" told)" = 1 && test "$(grep -c "cannot be pulled" told)" = 1 &&
	test "$(grep -c "well again" told)" = 2'
check "... and its end is no event" is 'succeeded' told 0
unset MODELFERRY_NOTIFY_URL MODELFERRY_METRICS_FILE

# --- a bucket that goes away and comes back
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
mkdir gcs
"$MF_TOP_BUILDDIR/tests/harness/fake-gcs" gcs &
children+=($!)
by_and_by "a bucket" test -e gcs/url
cat >relay.py <<'END'
import socket, sys, threading
to = sys.argv[1].rsplit(":", 1)[1].strip("/\n")
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[2])))
s.listen(50)
open("relay-port.new", "w").write(str(s.getsockname()[1]))
import os
os.rename("relay-port.new", "relay-port")
def copy(a, b):
    try:
        while True:
            d = a.recv(65536)
            if not d:
                break
            b.sendall(d)
    except OSError:
        pass
    for x in (a, b):
        try:
            x.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
while True:
    a, _ = s.accept()
    b = socket.create_connection(("127.0.0.1", int(to)))
    threading.Thread(target=copy, args=(a, b), daemon=True).start()
    threading.Thread(target=copy, args=(b, a), daemon=True).start()
END
relay() {
	python3 relay.py "$(cat gcs/url)" "$1" &
	relay=$!
	children+=("$relay")
}
relay 0
by_and_by "a way to it" test -e relay-port
port=$(cat relay-port)
export MODELFERRY_GCS_ENDPOINT_URL=http://127.0.0.1:$port MODELFERRY_GCS_CREDENTIALS_FILE=$scratch/gcs/service.json
export MODELFERRY_REPO=gs://models-1/site
"$MF" init >/dev/null
"$MF" push a churn@v1 --ref production >/dev/null
follow churn far --link current --retries 0 --patience 1s
by_and_by "from a bucket" shows a far/current
kill $relay && wait $relay 2>/dev/null
by_and_by "a bucket that is away" is 'warning: cannot look at churn@production; far stays as it is' log 1
says "... and is looked for again" 'the store; it is tried again"$' log
check "... changes nothing" shows a far/current
sleep 0.5
check "... and is told once" is 'cannot look at' log 1
rm relay-port
relay "$port"
by_and_by "it is back" test -e relay-port
"$MF" push b churn@v2 --ref production >/dev/null
by_and_by "... and so is the follower" shows b far/current
check "... which says so" is 'well again, after' log 1
kill $relay && wait $relay 2>/dev/null
by_and_by "away again" is 'cannot look at' log 2
ends 11 "SIGTERM while it is away: status 11"
end
