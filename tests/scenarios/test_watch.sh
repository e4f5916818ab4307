#!/usr/bin/env bash
# Watching a run: on the terminal that runs it, and with `status` from a machine that has the
# repository and its keys alone.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

# on_terminal COMMAND...: its output, as a terminal of 80 columns gets it, is in screen
on_terminal() {
	python3 - "$@" <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
with open("screen", "wb") as out:
    while True:
        try:
            more = os.read(fd, 65536)
        except OSError:
            break
        if not more:
            break
        out.write(more)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

# ---- killed on its way; who looks has another state directory ----

clients
plan v2 >plan.yaml
sed -i "s/interval: 1s$/interval: 4s/" plan.yaml
"$MF" migrate plan.yaml --run-id watched >watched.out 2>&1 &
run=$!
elsewhere=(--state-dir "$scratch/elsewhere" --cache-dir "$scratch/elsewhere-cache")
beats() { "$MF" status watched "${elsewhere[@]}" 2>/dev/null | grep -q "accuracy .* pass"; }
check "its heartbeat is in the repository" in_time beats
kill -KILL $run
wait $run 2>/dev/null
status 0 "status of a run that is well" "$MF" status watched "${elsewhere[@]}"
cp out status.out
says "... who holds it" "held by +[a-z]" status.out
says "... real weights and servers" "canary .*% +1 of 1 up, read .* ago" status.out
says "... the step" "step +canary [0-9]+ %, then [0-9]+ %.* maxWeight 40 %" status.out
says "... a metric with value, range and age" \
    "accuracy +0.95 +pass +at least 0.9.*asked .* ago" status.out
says "... what a rollback would do" "rollback +weights [0-9/]+ to 100/0 at once; drain" status.out
says "... what is not checked" "what the source serves is not asked" status.out
status 0 "status as JSON" "$MF" status watched --json "${elsewhere[@]}"
json "... says the same" 'r[0]["healthy"] and r[0]["wanted"][1] in (40, 80, 100)
    and r[0]["real"]["weights"] == r[0]["wanted"] and r[0]["real"]["age_seconds"] < 60
    and r[0]["metrics"][0]["name"] == "accuracy" and r[0]["metrics"][0]["value"] == 0.95
    and r[0]["metrics"][0]["min"] == 0.9 and r[0]["metrics"][0]["max"] is None
    and r[0]["hold"] is None and "100/0" in r[0]["rollback"]'
status 8 "taken back" "$MF" migrate plan.yaml --resume --on-resume rollback
came_out "watched" 100/0 v1 v1 "error the migration was rolled back"
status 1 "status of a run that has ended" "$MF" status watched "${elsewhere[@]}"
says "... how it ended" "rolledBack: byHand" out

# ---- held ----

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
clients
plan v3 >plan.yaml
ill new "accuracy 0.95" "status 200"
sed -i "s/query: 'model_accuracy{site=\"new\"}'/query: 'model_accuracy{site=\"nowhere\"}'/" plan.yaml
"$MF" migrate plan.yaml --run-id held >held.out 2>&1 &
run=$!
in_time grep -q "held: noData" held.out
holds() { "$MF" status held 2>/dev/null | grep -q "held  "; }
check "its heartbeat says that it holds" in_time holds
status 1 "a run that holds needs attention" "$MF" status held
says "... why, until when, and what then" "held +noData for .*, until .* \(in .*\), then rollback" out
says "... which metric" "waits for accuracy has no value" out
says "... for what reason it is not well" "attention: it holds" out
"$MF" migrate --abort held >out 2>err
wait $run
check "aborted" test $? -eq 8
came_out held 100/0 v1 v1 "warn held: a metric has no value" "error the migration was rolled back"

# ---- paused by hand ----

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
clients
plan v2 >plan.yaml
sed -i "s/interval: 1s$/interval: 2s/" plan.yaml
"$MF" migrate plan.yaml --run-id paused -v >paused.out 2>paused.err &
run=$!
in_time grep -q "route:60/40" paused.out
status 0 "paused from elsewhere" "$MF" migrate --pause paused --reason "let me look" "${elsewhere[@]}"
check "a paused run says so" in_time grep -q "held: paused" paused.out
stands=$(weights)
check "... by whom and why" grep -q "pause by .*: let me look" paused.err
pauses() { "$MF" status paused "${elsewhere[@]}" 2>/dev/null | grep -q "held  "; }
check "... and its heartbeat" in_time pauses
status 1 "a run that is paused needs attention" "$MF" status paused "${elsewhere[@]}"
says "... why, until when, and what then" "held +paused for .*, until .* \(in .*\), then rollback" out
says "... what it waits for" "waits for paused by hand; --continue goes on" out
ticks() { grep -c "held: paused" paused.out; }
ticked() { test "$(ticks)" -ge 3; }
check "... ticks go on" in_time ticked
check "... and the weights stay" test "$(weights)" = "$stands"
status 0 "it goes on from elsewhere" "$MF" migrate --continue paused "${elsewhere[@]}"
wait $run
check "... to its end" test $? -eq 0
came_out paused 0/100 v2 v2 "info the migration succeeded"

# ---- on a terminal ----

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
plan v4 >plan.yaml
status 0 "a run on a terminal" on_terminal "$MF" migrate plan.yaml --progress auto
says "... it is drawn in place" $'\e\\[[0-9]+Achurn-to-new: v1 -> v4, Progressing, tick 1' screen
says "... with bars" "canary +\[#+\.+\] +40 %" screen
says "... and metrics" "accuracy +0.95 +pass" screen
says "... and a line a tick" "1  Progressing .*route:60/40" screen
check "... nothing is left of it below the result" python3 - <<'END'
import re
text = open("screen", "rb").read().decode()
last = text.rsplit("\033[J", 1)[1]
assert last.startswith("succeeded: v4") and "primary " not in last, last
# nothing but moves up, and clearing
assert not re.search(r"\033(?!\[(\d+A|K|J))", text)
END
start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
plan v2 >plan.yaml
status 0 "without progress" on_terminal "$MF" migrate plan.yaml --progress off
escapes() { grep -c $'\033' screen; }
check "... nothing is drawn" test "$(escapes)" = 0
end
