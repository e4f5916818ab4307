# shellcheck shell=bash
# What scenario scripts share: TAP output, a scratch directory, keys, the program under test.
# Each check runs a command and says what must hold; a failed one prints what was seen.

set -u
: "${MF_TOP_BUILDDIR:=$PWD}"
: "${MF_TOP_SRCDIR:=$MF_TOP_BUILDDIR}"
# shellcheck disable=SC2034 # for the scripts
MF=$MF_TOP_BUILDDIR/modelferry
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mf-scenario.XXXXXX")
trap 'chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99

export MODELFERRY_STATE_DIR=$scratch/state MODELFERRY_CACHE_DIR=$scratch/cache
export MODELFERRY_PROGRESS=off HOME=$scratch
unset MODELFERRY_REPO MODELFERRY_CONFIG XDG_STATE_HOME XDG_CONFIG_HOME
unset MODEL_ENCRYPTION_KEY_FILE MODEL_HMAC_KEY_FILE

# Where a scenario's repositories are: directories of its own, or, for test_bucket.sh, which runs
# some of them a second time, below the address MF_TEST_STORE.
place() { # NAME
	echo "${MF_TEST_STORE:-$scratch}/$1"
}
in_bucket() { [ -n "${MF_TEST_STORE-}" ]; }

new_key() { head -c 32 /dev/urandom | base64 -w0; }
MODEL_ENCRYPTION_KEY=$(new_key)
MODEL_HMAC_KEY=$(new_key)
export MODEL_ENCRYPTION_KEY MODEL_HMAC_KEY

has_failpoints() { # built with --enable-failpoints?
	"$MF" version --json 2>/dev/null | grep -q '"failpoints": *true'
}

tap_n=0
tap_failed=0
ok() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}
not_ok() {
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	sed 's/^/# /' out err 2>/dev/null | head -20
}
# end: the plan, and the status
end() {
	echo "1..$tap_n"
	exit $((tap_failed > 0))
}
# status STATUS NAME COMMAND...: the command exits so; its output is in out and err
status() {
	local want=$1 name=$2 got
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	if [ "$got" -eq "$want" ]; then
		ok "$name"
	else
		echo "# exit status $got, not $want: $*"
		not_ok "$name"
	fi
}
# says NAME PATTERN [FILE]: the last command's messages (or FILE) match
says() {
	if grep -qE -- "$2" "${3:-err}"; then
		ok "$1"
	else
		echo "# no line matches: $2"
		not_ok "$1"
	fi
}
# never_says NAME TEXT: neither output holds the text
never_says() {
	if grep -qF -- "$2" out err; then not_ok "$1"; else ok "$1"; fi
}
# check NAME COMMAND...: the command succeeds
check() {
	local name=$1
	shift
	if "$@" >out 2>err </dev/null; then ok "$name"; else not_ok "$name"; fi
}
# json NAME EXPRESSION: the last command's output is one JSON value r, for which this holds
json() {
	if python3 -c 'import json, sys
r = json.load(open("out"))
sys.exit(not eval("(" + sys.argv[1] + ")"))' "$2" 2>json-err; then
		ok "$1"
	else
		echo "# not so: $2"
		sed 's/^/# /' json-err
		not_ok "$1"
	fi
}
# tree FILE...: write a small directory: data of some size at each path
data() { # PATH BYTES SEED
	mkdir -p "$(dirname "$1")"
	head -c "$2" < <(openssl enc -aes-128-ctr -nosalt -K "$(printf '%032x' "$3")" \
		-iv 00000000000000000000000000000000 -in /dev/zero 2>/dev/null) >"$1"
}
