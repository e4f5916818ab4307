#!/bin/sh
# One state that a power cut could have left, for tests/durability/test_program.sh (whose
# order of commands this knows): is every promise kept? usage: check-program.sh WORK
set -u
work=$1
MF=$MF_TOP_BUILDDIR/modelferry
cd "$MF_REPLAY_DIR" || exit 2
out=$work/out
pulled=$work/pulled
export MODELFERRY_STATE_DIR="$MF_REPLAY_DIR/state" MODELFERRY_CACHE_DIR="$work/cache"

fail() {
	echo "# after${MF_REPLAY_EXITED}at event $MF_REPLAY_EVENT, $MF_REPLAY_VARIANT: $1"
	sed 's/^/#   /' "$out"
	exit 1
}
ended() { # TAG: had this command ended, with 0?
	case $MF_REPLAY_EXITED in *" $1=0 "*) return 0 ;; *) return 1 ;; esac
}
modelferry() { "$MF" -r repo "$@" >"$out" 2>&1; }
is_same() { diff -r -x .modelferry "$1" "$2" >"$out" 2>&1; }

# verified: all that is listed is whole, the ref leads somewhere
verified() {
	modelferry verify --read-data || fail "$1: verify"
	modelferry ref churn production || [ $? = 3 ] || fail "$1: the ref"
	if modelferry ref churn production; then
		modelferry ls churn@production || fail "$1: the ref leads nowhere"
	fi
}
# gives NAME ORIGINAL...: it is pulled, and is one of these
gives() {
	name=$1
	shift
	rm -rf "$pulled"
	modelferry pull "churn@$name" "$pulled" || fail "$name is not pulled"
	for original; do
		is_same "$work/$original" "$pulled" && return
	done
	fail "$name has other bytes"
}

modelferry versions
status=$?
if [ $status != 0 ]; then
	! ended init && [ $status = 3 ] && exit 0
	fail "the repository does not open"
fi
verified "as it was left"

# versions and the ref
if ended push-1 && ! ended pull-2; then gives v1 a; fi
if ended push-2; then
	gives v2 b
	gives production b
elif ended push-1; then
	gives production a b
fi
if ended forget; then
	modelferry ls churn@v1
	[ $? = 3 ] || fail "the forgotten version is back"
fi

# the directory that was pulled into
if [ -e local/current ] || [ -L local/current ] || ended pull-1; then
	if ended pull-2; then
		is_same "$work/b" local/current || fail "the link shows not the second version"
	else
		is_same "$work/a" local/current || is_same "$work/b" local/current ||
			fail "the link shows no version whole"
	fi
fi

# what a push had stored is trusted by the next one only if it is whole
if ended init && ! ended push-2; then
	modelferry push "$work/b" churn@again --force || fail "push again"
	verified "pushed again"
fi
exit 0
