#!/bin/sh
# The directory store at every possible power cut; and the recorder itself: without the sync
# before the manifest it must find the loss.
set -u
here=${MF_TOP_BUILDDIR:-.}/tests/durability
work=$(mktemp -d "${TMPDIR:-/tmp}/modelferry-power-XXXXXX") || exit 99
work=$(cd "$work" && pwd -P)
trap 'rm -rf "$work"' EXIT

# record NAME ARGUMENT...: what `exercise write` does, into $work/NAME.log
record() {
	name=$1
	shift
	mkdir "$work/$name" || exit 99
	MF_RECORD_ROOT=$work/$name MF_RECORD_LOG=$work/$name.log MF_RECORD_TAG=write \
		LD_PRELOAD=$here/record.so "$here/exercise" write "$work/$name/repo" "$@"
}

number=0
result() { # STATUS DESCRIPTION
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}

echo 1..4
record good
result $? "a run is recorded"
"$here/replay" "$work/good.log" "$work/state" "$here/exercise" check repo
result $? "every promise holds after a cut at any moment"
"$here/replay" -q -v keep "$work/good.log" "$work/state" true &&
	rm -rf "$work/state/repo/.tmp" "$work/good/repo/.tmp" &&
	diff -r "$work/good" "$work/state"
result $? "the replayed whole is the recorded directory"
record careless careless
"$here/replay" -q -v drop "$work/careless.log" "$work/state" "$here/exercise" check repo \
	>"$work/found"
[ $? -eq 1 ] && grep -q 'lacks c/' "$work/found"
result $? "a missing sync is found"
