#!/usr/bin/env bash
# scripts/demo tells its story to the end, on a terminal, where runs are drawn, and to a pipe, where
# they are lines; it says how both runs came out, and leaves nothing behind.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
haproxy=$(PATH=$PATH:/usr/sbin command -v haproxy) || haproxy=
if [[ -z $haproxy ]] || ! command -v prometheus >/dev/null; then
	[[ ${MF_SERVERS-} = required ]] || { echo "1..0 # SKIP haproxy or prometheus is not installed"; exit 0; }
	echo "haproxy or prometheus is not installed" >&2
	exit 99
fi

# nothing is left of a demonstration that ran below DIR: no process there, or that names it; no file
# shellcheck disable=SC2317 # check calls it
none_left() { # DIR
	local process
	for process in /proc/[0-9]*; do
		! { tr '\0' ' ' <"$process/cmdline"; readlink "$process/cwd"; } 2>/dev/null |
		    grep -F "$1/mf-demo" || return 1
	done
	! find "$1" -mindepth 1 | grep .
}
tells_it_all() { # NAME FILE
	says "$1: a healthy version goes over" '^succeeded: v2, weights 0/100, ' "$2"
	says "$1: all traffic, and the new site serves it" \
	    '^weights at the proxy: 0/100; the new site serves v2' "$2"
	says "$1: the other one goes back" '^rolledBack: v3, weights 100/0, ' "$2"
	says "$1: with its status" \
	    '^exit status 8 .*; weights at the proxy: 100/0; the new site serves v2$' "$2"
	says "$1: at 40 %, by failed checks" 'RollingBack .*100/0 +failed [0-9].*metric:accuracy:out' "$2"
	says "$1: the record has one" 'succeeded.*churn-to-new' "$2"
	says "$1: and the other" 'rolledBack.*churn-to-new' "$2"
}

# both at once: they wait for clocks most of the time; but one after the other looks whether all is
# built, and neither waits for the make that runs this
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir terminal pipe
begun=$SECONDS
TMPDIR=$scratch/terminal script -qec "stty cols 100 rows 40; $MF_TOP_SRCDIR/scripts/demo $MF_TOP_BUILDDIR" \
    screen.raw >/dev/null 2>&1 </dev/null &
on_terminal=$!
for ((i = 0; i < 600; i++)); do
	! grep -qs "A model at the old site" screen.raw || break
	sleep 0.1
done
TMPDIR=$scratch/pipe "$MF_TOP_SRCDIR/scripts/demo" "$MF_TOP_BUILDDIR" >piped 2>piped.err </dev/null
check "through a pipe" test $? -eq 0
wait $on_terminal
check "on a terminal" test $? -eq 0
# a minute on a machine that has nothing else to do
check "... in less than five minutes" test $((SECONDS - begun)) -lt 300
tr -d '\r' <screen.raw | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' >screen
cp piped out
cp piped.err err
tells_it_all pipe piped
check "pipe: nothing is drawn" test "$(tr -dc '\033' <piped)" = ""
tells_it_all terminal screen
says "terminal: both sides are drawn as bars" '^ *primary +\[#+\.+\] +60 %' screen
says "terminal: with how many servers are up" '^ *canary +\[#+\.+\] +40 %.*1 of 1 up' screen
says "terminal: the metric stands against its range" 'accuracy +0\.95 +pass +at least 0\.9' screen
says "terminal: also when it is out of it" 'accuracy +0\.7 +out +at least 0\.9' screen
says "terminal: what it waits for, and until when" '(waits for|next) ' screen
for where in terminal pipe; do
	check "$where: no process and no file is left" none_left "$scratch/$where"
done
end
