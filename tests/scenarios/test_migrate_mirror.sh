#!/usr/bin/env bash
# A destination that is a plain mirror: files under a prefix of the version's own, in a directory
# and in a bucket (tests/harness/fault-server), whole before the pointer names them, never written
# over, gone on with where a run was cut off; and back goes the pointer.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"
unset "${!AWS_@}"

mirror_plan() { # NAME VERSION URL: data alone
	cat <<-EOF2
		apiVersion: modelferry.dev/v1alpha1
		kind: Migration
		metadata: {name: $1}
		spec:
		  model: {name: churn, version: $2}
		  source: {name: old, serves: unchecked}
		  destination: {name: plain, mirror: "$3", serves: unchecked}
		  router: none
	EOF2
}
at() { "$MF" ref churn production "$1" >/dev/null 2>&1; }
# shellcheck disable=SC2317 # check calls these
field() { # FILE NAME: of a record
	python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}
# shellcheck disable=SC2317
field_is() { test "$(field "$1" "$2")" = "$3"; }

# ---- a directory ----

mirror=$scratch/mirror
mirror_plan plain v2 "file://$mirror/{version}/" >plain.yaml
at v1
status 0 "plan check" "$MF" plan check plain.yaml
says "... says where the pointer will lie" "pointer: .*$mirror/modelferry-pointer.json" out
status 0 "doctor looks at the place" "$MF" doctor plain.yaml
says "... nothing is there" "mirror/v2: nothing lies there yet" out
check "... and nothing was made" test ! -e mirror
status 0 "to a directory" "$MF" migrate plain.yaml
check "the very files" diff -r v2 mirror/v2
check "the record says complete" field_is mirror/modelferry-version-v2.json complete True
check "the pointer names it" field_is mirror/modelferry-pointer.json version v2
check "... and where it lies" field_is mirror/modelferry-pointer.json prefix v2
check "... and which manifest" \
    grep -Eq '"manifest": "[0-9a-f]{64}"' mirror/modelferry-pointer.json
at v1
touch -d 2001-02-03 mirror/v2/weights.bin
status 0 "what is whole is used as it is" "$MF" migrate plain.yaml
check "... not written again" test "$(stat -c %Y mirror/v2/weights.bin)" = "$(date -d 2001-02-03 +%s)"

rm mirror/v2/version.txt
at v1
status 4 "whole by its record, and not by its files" "$MF" migrate plain.yaml
says "... is told" "v2 holds 1 files"
mkdir mirror/v3
echo mine >mirror/v3/weights.bin
mirror_plan plain v3 "file://$mirror/{version}/" >plain.yaml
status 2 "a prefix that somebody else uses" "$MF" migrate plain.yaml
says "... is left alone" "v3 holds files, and no record says whose"
check "... as it was" test "$(cat mirror/v3/weights.bin)" = mine
check "... and the pointer, too" field_is mirror/modelferry-pointer.json version v2
rm -r mirror/v3
sed 's/"version": "v2"/"version": "v3"/; s/"prefix": "v2"/"prefix": "v3"/' \
    mirror/modelferry-version-v2.json >mirror/modelferry-version-v3.json
status 2 "a prefix with another manifest" "$MF" migrate plain.yaml
says "... is named" "another version, as its record says"
rm mirror/modelferry-version-v3.json
mkdir links
echo 1 >links/a
ln -s a links/b
"$MF" push links churn@links >out 2>err
mirror_plan plain links "file://$mirror/{version}/" >plain.yaml
status 2 "a symbolic link" "$MF" migrate plain.yaml
says "... is refused by name" "b is a symbolic link"

# ---- a bucket ----

mkdir server big
"$MF_TOP_BUILDDIR/tests/harness/fault-server" server --page 60 2>>servers.log &
pids+=($!)
in_time test -s server/url
url=$(cat server/url)
export MODELFERRY_ENDPOINT_URL=$url AWS_ACCESS_KEY_ID=first AWS_SECRET_ACCESS_KEY=secret
export AWS_EC2_METADATA_DISABLED=true NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
faults() {
	curl -sf -X DELETE "$url/_fault" >/dev/null || exit 99
	: >server/log
	[ -z "${1-}" ] || curl -sf -X POST "$url/_fault?$1" >/dev/null || exit 99
}
# shellcheck disable=SC2317
object() { "$MF" copy "s3://bucket/models/churn" fetched >out 2>err; }

data big/a.bin 300000 21
data big/weights.bin 20000000 22 # in parts
mkdir big/sub
echo tiny >big/sub/config.json
: >big/empty
"$MF" push big churn@v9 >out 2>err
mirror_plan bucket v9 "s3://bucket/models/churn/{version}/1/" >bucket.yaml
faults "fault=reset&name=v9/1/weights.bin"
at v1
status 6 "a bucket that fails" "$MF" migrate bucket.yaml --retries 1 --transfers 1
faults
check "fetch what is there" object
check "... the record says that it is not whole" \
    field_is fetched/modelferry-version-v9.json complete False
check "... no pointer names it" test ! -e fetched/modelferry-pointer.json
check "... a part is there" test -e fetched/v9/1/a.bin
status 0 "doctor" "$MF" doctor bucket.yaml
says "... says that it is gone on with" "a part is there, and is gone on with" out
faults "fault=reset&name=v9/1/weights.bin"
curl -sf -X POST "$url/_fault?fault=corrupt&op=get&name=v9/1/a.bin&times=1" >/dev/null || exit 99
status 6 "what is there is damaged" "$MF" migrate bucket.yaml --retries 1 --transfers 1
check "... and is sent again" grep -Eq "^put 200 .*v9/1/a.bin" server/log
faults
status 0 "the next run goes on" "$MF" migrate bucket.yaml
check "... and sends nothing twice" sh -c '! grep -E "^put .*v9/1/a.bin" server/log'
check "... but what is missing" grep -Eq "^part 200 .*v9/1/weights.bin" server/log
check "... and the pointer last" \
    sh -c 'grep "^put 200" server/log | tail -1 | grep -q /modelferry-pointer.json'
check "fetch it all" object
check "the very files" diff -r big fetched/v9/1
check "the pointer names it" field_is fetched/modelferry-pointer.json prefix v9/1
faults
at v1
status 0 "again" "$MF" migrate bucket.yaml
check "... nothing is sent" sh -c '! grep -E "^(put|part) .*v9/" server/log'

mkdir bigger
data bigger/weights.bin 20000000 23
"$MF" push bigger churn@v10 >out 2>err
mirror_plan bucket v10 "s3://bucket/models/churn/{version}/1/" >bucket.yaml
faults "fault=corrupt&op=get&name=v10/1/weights.bin"
at v1
status 4 "an object that reads back as another" "$MF" migrate bucket.yaml
says "... is named" "v10/1/weights.bin is not what was sent there"
faults
check "fetch it" object
check "... the pointer names the old version still" \
    field_is fetched/modelferry-pointer.json version v9
unset MODELFERRY_ENDPOINT_URL

# ---- back ----

# the servers are told the version, and find it under its name
cat >load <<-EOF2 # SITE PLACE VERSION ADDRESS
	#!/bin/sh
	ln -sfn "$scratch/\$2/\$3" "$scratch/\$1/current" && exec curl -sf -X POST "http://\$4/reload"
EOF2
chmod +x load
# shellcheck disable=SC2317 # check calls it
is_served() { curl -sf "http://${!1}/version" | grep -q "\"$2\""; } # SITE VERSION
traffic_plan() { # VERSION [LINE...]
	plan "$@" | sed -e "s|    dir: .*|    mirror: \"file://$scratch/plain/{version}/\"|" \
	    -e '/^    link: current/d' \
	    -e "s|    reload: .*|    reload: {command: [$scratch/load, new, plain, \"{version}\", \"$new\"]}|" \
	    -e "s|source: .*|source: {name: old, mirror: \"file://$scratch/plain-old/{version}/\", servers: [\"http://$old\"],\n    reload: {command: [$scratch/load, old, plain-old, \"{version}\", \"$old\"]},\n    serves: {url: \"{server}/version\", jsonPath: \"{.version}\", within: 5s}}|"
}
start_over v1
clients
traffic_plan v2 >plan.yaml
status 0 "a mirror takes the traffic over" "$MF" migrate plan.yaml
check "... by the pointer" field_is plain/modelferry-pointer.json version v2
check "... and what it shows is served" is_served new v2
came_out "over by a mirror" 0/100 v2 v2 "info the migration succeeded"

start_over v1
clients
ill new "accuracy 0.3" "status 200"
traffic_plan v3 >plan.yaml
status 8 "it degrades: rolled back" "$MF" migrate plan.yaml
check "... and the pointer names what it did" field_is plain/modelferry-pointer.json version v2
check "... the mirror of what failed stays" diff -r v3 plain/v3
check "... the servers there have the old one" is_served new v2
came_out "back by a mirror" 100/0 v1 v2 "error the migration was rolled back"

start_over v1
clients
ill new "accuracy 0.3" "status 200"
ill old "accuracy:v1 0.85" "status 200"
traffic_plan v4 "  fallback: [previous, {version: v2}]" >plan.yaml
status 8 "what it goes back to is no good either" "$MF" migrate plan.yaml
says "... a fallback takes over" "the primary serves churn@v2"
check "... by the pointer of the source's mirror" \
    field_is plain-old/modelferry-pointer.json version v2
check "... and what it shows is served" is_served old v2
came_out "a fallback by a mirror" 100/0 v2 v2 "error the migration was rolled back"
end
