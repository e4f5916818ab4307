#!/usr/bin/env bash
# Receipts: what a site says after a pull, who may say it, and what `show` makes of it.
#
# Nothing here is about power cuts: in memory it takes a third of the time.
[ -w /dev/shm ] && [ -z "${TMPDIR-}" ] && export TMPDIR=/dev/shm
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
if ! command -v python3 >/dev/null; then
	echo "1..0 # SKIP no python3"
	exit 0
fi

repo=$(place repo)
mkdir -p c && echo weights >c/model.bin
status 0 "init" "$MF" -r "$repo" init
status 0 "push v1" "$MF" -r "$repo" push c churn@v1
status 0 "v1 is in production" "$MF" -r "$repo" ref churn production v1
status 0 "a site signs with a key" "$MF" key generate --signing --out site.key

# has NAME EXPRESSION: what `show` says of v1's receipts, as a list x
has() {
	"$MF" -r "$repo" show churn@v1 --json >out 2>err
	json "$1" "(lambda x: $2)(r['receipts'])"
}
status 0 "nobody has it yet" "$MF" -r "$repo" show churn@v1 --json
says "... and show says so" '"receipts": \[\]' out
status 0 "pull --site" "$MF" -r "$repo" pull churn east --link current --site east --instance pod-0
status 0 "show" "$MF" -r "$repo" show churn@v1
says "... names site and instance" '^receipt +east/pod-0, serving, .* ago$' out
status 0 "another instance, signed" "$MF" -r "$repo" pull churn@v1 east1 --link current --site east \
	--instance pod-1 --sign-key site.key
status 0 "show" "$MF" -r "$repo" show churn@v1
says "... says which is signed" '^receipt +east/pod-1, serving, .* ago, signed$' out
has "two receipts" "sorted(i['instance'] for i in x) == ['pod-0', 'pod-1']"
status 0 "pull again writes it anew" "$MF" -r "$repo" pull churn east --link current --site east --instance pod-0
has "still two" "len(x) == 2"
has "bytes are the version's" "all(i['bytes'] == 8 and i['serving'] is True for i in x)"
status 0 "without --instance it is the host's name" "$MF" -r "$repo" pull churn west --site west
has "three receipts" "sorted(i['site'] for i in x) == ['east', 'east', 'west']"

status 0 "--dry-run says nothing" "$MF" -r "$repo" pull churn dry --dry-run --site north
status 2 "a part of a version is none" "$MF" -r "$repo" pull churn part --site north --include '*.json'
says "... and it says so" "part of a version"
status 2 "a site is a name" "$MF" -r "$repo" pull churn bad --site 'a b'
status 2 "--instance without --site" "$MF" -r "$repo" pull churn bad --instance x
check "nothing was pulled" test ! -e bad
status 0 "--sign-key alone may come from a configuration file" env MODELFERRY_SIGN_KEY="$PWD/site.key" \
	"$MF" -r "$repo" pull churn keyed
has "still three" "len(x) == 3"

# a site that goes on to the next version does not have the first one any more
echo new >c/model.bin
status 0 "push v2" "$MF" -r "$repo" push c churn@v2
status 0 "v2 is in production" "$MF" -r "$repo" ref churn production v2
status 0 "follow --once --site" "$MF" -r "$repo" follow churn east --link current --once --site east --instance pod-0
has "it left v1" "all(i['instance'] != 'pod-0' for i in x)"
status 0 "show v2" "$MF" -r "$repo" show churn@v2
says "... and has v2" '^receipt +east/pod-0, serving' out
printf '#!/bin/sh\nexit 1\n' >reload && chmod +x reload
status 0 "a server that does not load it" "$MF" -r "$repo" follow churn east1 --link current --once \
	--site east --instance pod-1 --notify-cmd ./reload
status 0 "show v2" "$MF" -r "$repo" show churn@v2
says "... does not serve it" '^receipt +east/pod-1, not serving' out

end
