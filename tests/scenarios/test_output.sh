#!/usr/bin/env bash
# Where results go: a pipe that is closed early ends quietly, a full disk is an error.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# more than a pipe holds (64 KiB) and stdio buffers, in names and in bytes
mkdir many
for i in $(seq 1500); do
	echo >"many/a-file-whose-name-is-long-enough-that-many-of-them-fill-a-pipe-$i"
done
data many/big 1000000 1
"$MF" -r repo init >/dev/null
"$MF" -r repo push many churn@v1 --ref production >/dev/null

mkdir few
echo 1 >few/one
"$MF" -r repo push few churn@v2 >/dev/null

# closed NAME COMMAND...: its reader takes one byte and goes
closed() {
	local name=$1 got
	shift
	# shellcheck disable=SC2216 # it is to be closed
	"$@" 2>err </dev/null | head -c 1 >out
	got=${PIPESTATUS[0]}
	if [ "$got" -eq 141 ]; then ok "$name: status 141"; else not_ok "$name: status $got"; fi
	if [ -s err ]; then not_ok "... and not a word"; else ok "... and not a word"; fi
}
closed "ls" "$MF" -r repo ls churn@v1
closed "ls --json" "$MF" -r repo ls churn@v1 --json
closed "ls with a log" "$MF" -r repo ls churn@v1 --log-format json
closed "diff" "$MF" -r repo diff churn@v1 churn@v2
closed "cat" "$MF" -r repo cat churn@v1 big
# a reader that is gone before the first byte, and results that fit a buffer
"$MF" -r repo versions 2>err | :
# shellcheck disable=SC2181
got=${PIPESTATUS[0]}
case $got in 0 | 141) ok "versions into nothing" ;; *) not_ok "versions into nothing: $got" ;; esac
status 141 "no reader at all" bash -c "exec 3> >(:); wait \$!; '$MF' -r repo versions >&3"
check "... and not a word" test ! -s err
status 4 "an error is told all the same" bash -c "rm -rf broken; cp -r repo broken; rm broken/c/*/*; exec 3> >(:); wait \$!; '$MF' -r broken ls churn@v1 >&3"

# a full disk
if [ -w /dev/full ]; then
	for command in "ls churn@v1" "ls churn@v1 --json" "cat churn@v1 big" "diff churn@v1 churn@v2" versions "versions --json" \
		"ref churn production" stats help version "completion bash"; do
		# shellcheck disable=SC2086 # words
		"$MF" -r repo $command >/dev/full 2>err
		got=$?
		if [ "$got" -eq 6 ]; then ok "$command to a full disk: status 6"; else not_ok "$command to a full disk: status $got"; fi
		says "... which is named" "No space left"
	done
fi
end
