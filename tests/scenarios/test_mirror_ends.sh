#!/usr/bin/env bash
# Plain mirrors between two buckets that are at two S3 servers, or two accounts' at one, on the
# servers of tests/harness/fault-server, whose logs say who asked for what.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

unset "${!AWS_@}" "${!MODELFERRY_TO_@}"
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=first AWS_SECRET_ACCESS_KEY=secret
printf '[other]\naws_access_key_id = second\naws_secret_access_key = secret\n' >keys

servers=()
trap 'kill "${servers[@]}"; wait "${servers[@]}"; rm -rf "$scratch"' EXIT
serve() { # DIR: a server, its address in DIR/url
	mkdir "$1"
	"$MF_TOP_BUILDDIR/tests/harness/fault-server" "$1" --page 9 &
	servers+=($!)
	for _ in $(seq 3000); do
		[ -e "$1/url" ] && return
		sleep 0.02
	done
	exit 99
}
serve one
serve two
one=$(cat one/url)
two=$(cat two/url)
export MODELFERRY_ENDPOINT_URL=$one
there=(--to-endpoint-url "$two" --to-s3-credentials-file keys --to-s3-profile other)

# faults RULE...: of the first server from now on; and empty logs
faults() {
	local rule
	curl -sf -X DELETE "$one/_fault" >/dev/null || exit 99
	for rule; do
		curl -sf -X POST "$one/_fault?$rule" >/dev/null || exit 99
	done
	: >one/log
	: >two/log
}
asked() { # SERVER OPERATION KEY: how often
	awk -v op="$2" -v key="$3" '$1 == op && $4 == key { n++ } END { print n + 0 }' "$1/log"
}
by_others() { # SERVER KEY: requests by anybody else
	awk -v key="$2" '$4 != key { n++ } END { print n + 0 }' "$1/log"
}

data 'tree/model 1/weights.bin' 20000000 1 # in parts
data tree/config.json 900 2
data $'tree/odd/caf\xc3\xa9' 10 3
: >tree/empty
for i in {01..20}; do echo "$i" >"tree/odd/f$i"; done
touch -d '2001-02-03 04:05:06.123456789' tree/config.json
status 0 "what there is to carry" "$MF" sync tree s3://models/a --json
json "what there is to carry: all of it" 'r["files"] == 24'

# --- what was put in parts comes back as something else
weights='op=get&name=/weights.bin'
faults "fault=corrupt&$weights&times=1"
status 0 "corrupt once: down" "$MF" copy s3://models/a once
says "corrupt once: down: it is read again" 'is not what its ETag says, trying once more' err
check "corrupt once: down: the same bytes" diff -r tree once
faults "fault=corrupt&$weights"
status 4 "corrupt, for long: down" "$MF" copy s3://models/a corrupt
check "corrupt, for long: down: nothing comes of it" test -z "$(find corrupt -name '*weights*' -o -name '.*.?*')"
check "corrupt, for long: down: the others come" test -e corrupt/config.json
status 0 "corrupt, for long: unchecked" "$MF" copy s3://models/a unchecked --ignore-checksum
check "corrupt, for long: unchecked: it was" test "$(cmp -l "tree/model 1/weights.bin" \
	"unchecked/model 1/weights.bin" | wc -l)" = 1

faults 'fault=corrupt&op=get&name=/config.json'
status 10 "corrupt: check --download" "$MF" check tree s3://models/a --download
says "corrupt: check --download: where" '^\* config.json$' out
faults
status 0 "in parts: check" "$MF" check tree s3://models/a --json
json "in parts: check: nothing by size alone" 'r["same"] == 24 and r["not_hashed"] == 0'
check "in parts: check: reads no object" test "$(grep -c '^get ' one/log)" = 0

# --- to another server
faults
status 0 "two servers: sync" "$MF" sync s3://models/a s3://models/a "${there[@]}" --json
json "two servers: sync: all of it" 'r["files"] == 24 and r["errors"] == 0'
check "two servers: the first is asked by its own key, and nothing is put there" \
	test "$(by_others one first) $(asked one put first) $(asked one begin first)" = "0 0 0"
check "two servers: the second by its own" test "$(by_others two second)" = 0
check "two servers: what is large goes in parts" test "$(asked two part second)" = 2
status 0 "two servers: again" "$MF" sync s3://models/a s3://models/a "${there[@]}" --json
json "two servers: again: nothing to do" 'r["files"] == 0 and r["touched"] == 0 and r["checks"] == 24'
status 0 "two servers: again, knowing nothing" "$MF" sync s3://models/a s3://models/a "${there[@]}" \
	--json --cache-dir "$scratch/none"
json "two servers: again, knowing nothing: by the times" 'r["files"] == 0 and r["touched"] == 0'
status 0 "two servers: check" "$MF" check s3://models/a s3://models/a "${there[@]}" --download
status 0 "two servers: down from the second" "$MF" copy s3://models/a back \
	--endpoint-url "$two" --s3-credentials-file keys --s3-profile other
check "two servers: the same bytes" diff -r tree back
check "two servers: the same time" \
	test "$(stat -c %.9Y back/config.json)" = "$(stat -c %.9Y tree/config.json)"
echo changed >tree/odd/f01
rm tree/odd/f02
status 0 "two servers: up to the first" "$MF" sync tree s3://models/a
status 10 "two servers: check finds a difference" \
	"$MF" check s3://models/a s3://models/a "${there[@]}"
says "two servers: check: by name" '^- odd/f02$' out
status 0 "two servers: --backup-dir" "$MF" sync s3://models/a s3://models/a "${there[@]}" \
	--backup-dir s3://models/old --json
json "two servers: --backup-dir: replaced and deleted" 'r["files"] == 1 and r["deletes"] == 1'
status 0 "two servers: --backup-dir is beside the destination" "$MF" copy s3://models/old old \
	--endpoint-url "$two" --s3-credentials-file keys --s3-profile other
check "two servers: --backup-dir: what it was" test "$(cat old/odd/f01) $(cat old/odd/f02)" = "01 02"

# --- the source breaks off in mid-body
faults 'fault=reset-answer&op=get&name=weights&times=1'
status 0 "broken off: once" "$MF" copy s3://models/a s3://models/once "${there[@]}" --json
json "broken off: once: all of it" 'r["files"] == 23 and r["errors"] == 0'
status 0 "broken off: once: the same bytes" "$MF" check tree s3://models/once --download \
	--endpoint-url "$two" --s3-credentials-file keys --s3-profile other
faults 'fault=reset-answer&op=get&name=weights'
status 6 "broken off: always" "$MF" sync s3://models/a s3://models/never "${there[@]}" --json \
	--retries 1 --patience 1s
json "broken off: always: the rest" 'r["files"] == 22 and r["errors"] == 1'
check "broken off: always: nothing is seen of it, and its upload stays" test \
	"$(asked two begin second) $(asked two complete second) $(asked two abort second)" = "1 0 0"
faults
status 0 "broken off: the next run" "$MF" sync s3://models/a s3://models/never "${there[@]}" --json
json "broken off: the next run: what is missing" 'r["files"] == 1 and r["checks"] == 22'
check "broken off: the next run: by the same upload" \
	test "$(asked two begin second) $(asked two complete second)" = "0 1"

# --- another account's bucket at the same server
faults
status 0 "two accounts" "$MF" copy s3://models/a s3://theirs/a --json \
	--to-s3-credentials-file keys --to-s3-profile other
json "two accounts: all of it" 'r["files"] == 23'
check "two accounts: no copy within the server is asked for" \
	test "$(grep -c ' 501 ' one/log) $(asked one put first)" = "0 0"
check "two accounts: put by the other" test "$(asked one put second)" = 22
faults
status 0 "one account" "$MF" copy s3://models/a s3://ours/a --json
check "one account: a copy within the server is asked for" grep -q '^put 501 ' one/log

# --- another region at the same server
curl -sf -X POST "$two/_fault?fault=region&value=far-1" >/dev/null
faults
status 0 "another region" "$MF" copy tree s3://models/far --to-endpoint-url "$two" --to-region far-1
check "another region: as it was said" test "$(grep -c ' 301 ' two/log)" = 0

# --- where there is no second bucket
status 2 "to a directory" "$MF" copy s3://models/a down --to-endpoint-url "$two"
says "to a directory: why" '--to-endpoint-url is for a second place at s3://, and that is down$'
check "to a directory: nothing was made" test ! -e down
status 2 "check against a directory" "$MF" check s3://models/a tree --to-region far-1
status 2 "to Google" "$MF" sync tree gs://models/a --to-s3-profile other
status 2 "replicate to a directory" "$MF" -r s3://models/r replicate m --to "$scratch/r" \
	--to-s3-credentials-file keys
status 0 "what the environment says is for whom it fits" \
	env MODELFERRY_TO_ENDPOINT_URL="$two" "$MF" copy s3://models/a down
status 2 "within itself, whoever asks" "$MF" sync s3://models/a s3://models/a/odd \
	--to-s3-credentials-file keys --to-s3-profile other

# --- a source that turns out to be empty may be the name of an object
data kept/file 100 4
faults 'fault=refuse&op=head&value=500,InternalError'
status 6 "an object that cannot be asked about" "$MF" sync s3://models/a/config.json kept \
	--retries 1 --patience 1s
check "an object that cannot be asked about: nothing is deleted" test -s kept/file
faults
status 2 "an object" "$MF" sync s3://models/a/config.json kept
says "an object: why" 'config.json is an object, and nothing lies below it'
check "an object: nothing is deleted" test -s kept/file
faults 'fault=refuse&op=head&value=403,AccessDenied'
status 0 "an empty place, where nobody may ask" "$MF" sync s3://models/nothing kept
check "an empty place: it is gone" test ! -e kept/file
end
