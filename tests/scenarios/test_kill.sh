#!/usr/bin/env bash
# Killed at every store operation of a small push, ref move, prune and pull; and at random
# moments with two pushers and a pruner side by side. Then: every listed version verifies with
# --read-data, no ref points nowhere, a pulled directory is the old version or the new.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

data a/model.bin 1500000 1
echo '{"v":1}' >a/config.json
cp -r a b
data b/model.bin 1600000 2
data b/extra.bin 300000 3
if ! "$MF" version --json 2>/dev/null | grep -q '"failpoints": *true'; then
	echo "1..0 # SKIP built without --enable-failpoints"
	exit 0
fi

sound() { # NAME
	if "$MF" -r repo verify --read-data >out 2>err &&
		"$MF" -r repo versions --json >versions.json 2>>err &&
		{ ! "$MF" -r repo ref churn production >out 2>>err ||
			"$MF" -r repo ls churn@production >out 2>>err; }; then
		return 0
	fi
	not_ok "$1"
	return 1
}

# fresh: a repository with version v1 in production
fresh() {
	rm -rf repo state
	"$MF" -r repo init >/dev/null && "$MF" -r repo push a churn@v1 --ref production >/dev/null
}

# killed_everywhere NAME PREPARE COMMAND...: raise SIGKILL before operation 1, 2, 3, ... until
# the command ends by itself
killed_everywhere() {
	local name=$1 prepare=$2 n got
	shift 2
	for ((n = 1; n < 400; n++)); do
		$prepare
		MODELFERRY_TEST_KILL_AT_OP=$n "$@" >out 2>err
		got=$?
		sound "$name: killed at operation $n" || return
		[ "$got" = 137 ] || break
		"$@" >out 2>err # run again: finishes
		got=$?
		if [ $got != 0 ] && [ $got != 7 ] && [ $got != 10 ]; then
			not_ok "$name: run again after a kill at operation $n: status $got"
			return
		fi
		sound "$name: run again after operation $n" || return
	done
	if [ "$n" -gt 3 ] && [ "$n" -lt 400 ]; then
		ok "$name: killed at each of $((n - 1)) operations"
	else
		not_ok "$name: $n operations"
	fi
}

killed_everywhere push fresh "$MF" -r repo push b churn@v2 --ref production
garbage() {
	fresh
	"$MF" -r repo push b churn@v2 >/dev/null
	"$MF" -r repo forget churn@v2 >/dev/null
}
killed_everywhere prune garbage "$MF" -r repo prune --grace 0s
two() {
	fresh
	"$MF" -r repo push b churn@v2 >/dev/null
}
killed_everywhere "ref move" two "$MF" -r repo ref churn production v2

# pull: the link shows the old version or the new, whole
two
for ((n = 1; n < 400; n++)); do
	rm -rf local
	"$MF" -r repo pull churn@v1 local --link current >/dev/null
	MODELFERRY_TEST_KILL_AT_OP=$n "$MF" -r repo pull churn@v2 local --link current >out 2>err
	got=$?
	if ! diff -r a local/current >out 2>&1 && ! diff -r b local/current >>out 2>&1; then
		not_ok "pull: killed at operation $n shows a mixture"
		break
	fi
	[ "$got" = 137 ] || break
done
if [ "$n" -gt 3 ] && [ "$n" -lt 400 ]; then
	ok "pull: killed at each of $((n - 1)) operations"
fi

# random moments: two pushers, a pruner
fresh
rounds=${MF_KILL_ROUNDS:-12}
killed=0
for ((i = 0; i < rounds; i++)); do
	data c/model.bin $((400000 + RANDOM)) $((100 + i))
	"$MF" -r repo push c churn >/dev/null 2>&1 &
	p1=$!
	"$MF" -r repo push b "other@v$i" --force >/dev/null 2>&1 &
	p2=$!
	"$MF" -r repo prune --grace 0s >/dev/null 2>&1 &
	p3=$!
	sleep "0.0$((RANDOM % 9))"
	for p in $p1 $p2 $p3; do
		[ $((RANDOM % 2)) = 0 ] && kill -9 "$p" 2>/dev/null && killed=$((killed + 1))
	done
	wait $p1 $p2 $p3 2>/dev/null
	sound "round $i" || break
done
[ "$i" = "$rounds" ] && ok "$rounds rounds of two pushers and a pruner, $killed killed"
end
