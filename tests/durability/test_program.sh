#!/bin/sh
# The program at power cuts: init, two pushes that move production, two pulls with a link,
# forget and prune are recorded; what a cut could have left after any of it must open, verify,
# and keep what had been promised. All moments with MF_STRESS=1, else every third or so.
set -u
here=${MF_TOP_BUILDDIR:-.}/tests/durability
MF_TOP_BUILDDIR=$(cd "${MF_TOP_BUILDDIR:-.}" && pwd -P)
checks=${MF_TOP_SRCDIR:-.}/tests/durability/check-program.sh
export MF_TOP_BUILDDIR
work=$(mktemp -d "${TMPDIR:-/tmp}/modelferry-power-XXXXXX") || exit 99
work=$(cd "$work" && pwd -P)
trap 'rm -rf "$work"' EXIT

unset MODELFERRY_REPO MODELFERRY_CONFIG MODEL_ENCRYPTION_KEY_FILE MODEL_HMAC_KEY_FILE
MODEL_ENCRYPTION_KEY=$(head -c 32 /dev/urandom | base64)
MODEL_HMAC_KEY=$(head -c 32 /dev/urandom | base64)
export MODEL_ENCRYPTION_KEY MODEL_HMAC_KEY MODELFERRY_PROGRESS=off HOME="$work"

number=0
result() { # STATUS DESCRIPTION
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}

# record TAG ARGUMENT...: one run of the program, appended to the log
record() {
	tag=$1
	shift
	MF_RECORD_ROOT=$work/root MF_RECORD_LOG=$work/log MF_RECORD_TAG=$tag \
		MODELFERRY_STATE_DIR=$work/root/state MODELFERRY_CACHE_DIR=$work/cache-0 \
		LD_PRELOAD=$here/record.so "$MF_TOP_BUILDDIR/modelferry" -r "$work/root/repo" "$@" \
		>"$work/out" 2>&1
}

mkdir "$work/root" "$work/a" "$work/a/sub"
head -c 90000 /dev/urandom >"$work/a/model.bin"
echo '{"v":1}' >"$work/a/config.json"
echo common >"$work/a/sub/file"
cp -r "$work/a" "$work/b"
head -c 95000 /dev/urandom >"$work/b/model.bin"
echo new >"$work/b/sub/more"
echo 1..4
record init init &&
	record push-1 push "$work/a" churn@v1 --ref production &&
	record pull-1 pull churn "$work/root/local" --link current &&
	record push-2 push "$work/b" churn@v2 --ref production &&
	record pull-2 pull churn "$work/root/local" --link current &&
	record forget forget churn@v1 &&
	record prune prune --grace 0s
result $? "a run is recorded"
[ -s "$work/out" ] && sed 's/^/# /' "$work/out"

step=3
[ "${MF_STRESS:-0}" = 1 ] && step=1
for variant in drop torn; do
	"$here/replay" -v $variant -s $step "$work/log" "$work/state" "$checks" "$work"
	result $? "every promise holds after a cut, variant $variant"
done
# the check itself: without the bytes of a chunk it must find the loss
"$here/replay" -q -v keep -s 100000 "$work/log" "$work/state" true
find "$work/state/repo/c" -type f -size +64k -exec truncate -s 1000 {} +
MF_REPLAY_DIR=$work/state MF_REPLAY_EVENT=end MF_REPLAY_VARIANT=damaged \
	MF_REPLAY_EXITED=" init=0 push-1=0 pull-1=0 push-2=0 pull-2=0 " "$checks" "$work" \
	>"$work/found"
[ $? -eq 1 ] && grep -q verify "$work/found"
result $? "a lost chunk is found by the check"
