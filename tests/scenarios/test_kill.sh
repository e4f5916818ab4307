#!/usr/bin/env bash
# Killed at every store operation of a small push, ref move, prune and pull; and at random
# moments with two pushers, a pruner and a puller side by side, while somebody else pulls over
# and over. After each: every listed version verifies with --read-data, no ref points nowhere,
# and a pulled directory is the old version or the new.
#
# The second part counts a round only where the log of a killed program says that its work had
# begun and was not done. MF_KILL_ROUNDS: how many (100).
#
# A killed process loses nothing that it wrote, so all of this can lie in memory, where it is
# many times faster; power cuts are the matter of tests/durability.
[ -w /dev/shm ] && [ -z "${TMPDIR-}" ] && export TMPDIR=/dev/shm
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

if ! has_failpoints; then
	echo "1..0 # SKIP built without --enable-failpoints"
	exit 0
fi

data a/model.bin 1500000 1
echo '{"v":1}' >a/config.json
cp -r a b
data b/model.bin 1600000 2
data b/extra.bin 300000 3

sound() { # NAME: the repository is
	if "$MF" -r repo verify --read-data >out 2>err &&
		"$MF" -r repo versions --json >versions.json 2>>err &&
		{ ! "$MF" -r repo ref churn production >out 2>>err ||
			"$MF" -r repo ls churn@production >out 2>>err; }; then
		return 0
	fi
	not_ok "$1"
	return 1
}

# ---- at every operation ----

# What each case starts from is made once, and copied.
"$MF" -r repo init >/dev/null && "$MF" -r repo push a churn@v1 --ref production >/dev/null &&
	"$MF" -r repo pull churn@v1 local --link current >/dev/null
mkdir one && cp -r repo state local one
"$MF" -r repo push b churn@v2 >/dev/null
mkdir two && cp -r repo state local two
"$MF" -r repo forget churn@v2 >/dev/null
mkdir garbage && cp -r repo state local garbage

start_from() {
	rm -rf repo state local && cp -r "$1"/* .
}

old_or_new() {
	diff -r a local/current >out 2>&1 || diff -r b local/current >>out 2>&1
}

# killed_everywhere NAME START COMMAND...: SIGKILL before operation 1, 2, 3, ... until the
# command ends by itself
killed_everywhere() {
	local name=$1 start=$2 n got
	shift 2
	for ((n = 1; n < 400; n++)); do
		start_from "$start"
		MODELFERRY_TEST_KILL_AT_OP=$n "$@" >out 2>err
		got=$?
		sound "$name: killed at operation $n" || return
		old_or_new || { not_ok "$name: killed at operation $n, the directory is a mixture"; return; }
		[ "$got" = 137 ] || break
		"$@" >out 2>err # run again: finishes
		got=$?
		if [ $got != 0 ] && [ $got != 7 ] && [ $got != 10 ]; then
			not_ok "$name: run again after a kill at operation $n: status $got"
			return
		fi
		sound "$name: run again after operation $n" || return
	done
	if [ "$got" = 0 ] && [ "$n" -gt 3 ] && [ "$n" -lt 400 ]; then
		ok "$name: killed at each of $((n - 1)) operations"
	else
		not_ok "$name: $n operations, status $got"
	fi
}

killed_everywhere push one "$MF" -r repo push b churn@v2 --ref production 2>/dev/null
killed_everywhere prune garbage "$MF" -r repo prune --grace 0s 2>/dev/null
killed_everywhere "ref move" two "$MF" -r repo ref churn production v2 2>/dev/null
killed_everywhere pull two "$MF" -r repo pull churn@v2 local --link current 2>/dev/null
check "the last of these pulls shows the new version" diff -r b local/current

# ---- at random moments ----

pause=$(mktemp -u) && mkfifo "$pause" && exec 8<>"$pause" && rm "$pause"
sleep_ms() { # without a process of its own
	local text
	printf -v text '0.%03d' "$1"
	read -rt "$text" -u 8
}

# A version that says itself whether it is whole.
version() { # DIR NUMBER
	data "$1/model.bin" $((400000 + RANDOM)) "$2"
	data "$1/more.bin" $((1000 + RANDOM)) $((100000 + $2))
	echo "$2" >"$1/number"
	(cd "$1" && sha256sum model.bin more.bin number >SUMS)
}
whole() { (cd -P "$1" 2>/dev/null && sha256sum --quiet -c SUMS >/dev/null 2>&1); }

# Somebody who pulls over and over, and whose directory is always whole.
pull_loop() {
	while [ ! -e stop ]; do
		"$MF" -r repo pull churn loop --link current --keep-local 2 --local-grace 0s >/dev/null 2>&1
		whole loop/current && echo . >>loop.good || { echo . >>loop.bad; touch stop; }
	done
}

# begin NAME COMMAND...: in the background, with its log in NAME.log
begin() {
	local name=$1
	shift
	: >"$name.log"
	"$MF" -r repo --log-level debug --log-file "$scratch/$name.log" "$@" >/dev/null 2>&1 &
	pid[$name]=$!
}

inside() { grep -q 'begun: ' "$1.log" && ! grep -qE '(done|failed): ' "$1.log"; }

kill_soon() { # NAME: some time after its work began
	local i text
	for ((i = 0; i < 500; i++)); do
		text=$(<"$1.log")
		[[ $text == *begun:* ]] && break
		kill -0 "${pid[$1]}" 2>/dev/null || break
		sleep_ms 1
	done
	sleep_ms $((RANDOM % 25))
	kill -9 "${pid[$1]}" 2>/dev/null
}

rm -rf repo state local
declare -A pid
names=(push1 push2 prune pull)
rounds=${MF_KILL_ROUNDS:-100}
version c 1
"$MF" -r repo init >/dev/null && "$MF" -r repo push c churn --ref production >/dev/null
"$MF" -r repo pull churn live --link current >/dev/null
counted=0 kills=0
pull_loop &
loop=$!
for ((i = 2; counted < rounds && i < 20 * rounds + 50; i++)); do
	[ ! -e stop ] || break
	version c "$i"
	cp -r c d && echo "other $i" >d/extra
	begin push1 push c churn --ref production
	begin push2 push d churn
	begin prune prune --grace 0s --keep-last 2
	begin pull pull churn live --link current --local-grace 0s
	first=$((RANDOM % 4))
	kill_soon "${names[first]}"
	second=$((RANDOM % 8)) # in half of the rounds one more
	[ "$second" -lt 4 ] && [ "$second" != "$first" ] && kill_soon "${names[second]}"
	wait "${pid[@]}" 2>/dev/null
	before=$kills
	for name in "${names[@]}"; do # none that lived ends in the middle
		if inside "$name"; then kills=$((kills + 1)); fi
	done
	[ "$kills" -gt "$before" ] && counted=$((counted + 1))
	sound "round $i" || break
	whole live/current || { not_ok "round $i: the pulled directory is a mixture"; break; }
	rm -rf d
done 2>/dev/null
touch stop
wait $loop 2>/dev/null
if [ "$counted" = "$rounds" ]; then
	ok "$rounds rounds of two pushers, a pruner and a puller, with $kills kills inside their work"
else
	not_ok "$counted of $rounds rounds"
fi
echo "# $((i - 2)) rounds ran, $(wc -l <loop.good) pulls beside them"
check "who pulled over and over never saw a mixture" test ! -e loop.bad
check "... and pulled" test -s loop.good
status 0 "a pull afterwards" "$MF" -r repo pull churn live --link current
check "... shows production" whole live/current
end
