#!/usr/bin/env bash
# A repository in a bucket, by hand: a Ceph gateway over http and TLS, then one that plays faults,
# and OpenStack Swift, which has no conditional put.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
need_rgw --tls

# The whole life of a repository, at MODELFERRY_REPO. BYTES: of its first version.
whole_life() { # WHERE BYTES
	local at=$1 bytes=$2
	rm -rf src dst
	data src/weights.bin "$bytes" 1
	data src/config.json 5000 2
	status 0 "$at: init" "$MF" init
	says "$at: init says what the bucket can do" "compare-and-swap works" out
	status 2 "$at: a second init is refused" "$MF" init
	status 0 "$at: push" "$MF" push src churn@v1 --ref production
	status 0 "$at: push again: nothing is new" "$MF" push src churn --json
	json "$at: push again: says so" 'r["unchanged"] and r["new_chunks"] == 0'
	status 0 "$at: pull" "$MF" pull churn dst --link current
	check "$at: pull: the same bytes" diff -r src dst/current/
	data src/weights.bin $((bytes + 1)) 1
	status 0 "$at: push the next" "$MF" push src churn@v2 --ref production
	status 7 "$at: a ref that moved meanwhile stays" "$MF" ref churn production v1 --expect v1
	status 0 "$at: rollback" "$MF" rollback churn --reason worse
	status 0 "$at: pull follows" "$MF" pull churn dst --link current
	check "$at: pull follows: back to the first" \
		test "$(stat -Lc %s dst/current/weights.bin)" = "$bytes"
	status 0 "$at: versions" "$MF" versions churn
	says "$at: versions: both" 'churn@v2' out
	status 0 "$at: verify" "$MF" verify --read-data
	status 0 "$at: forget" "$MF" forget churn@v2
	status 0 "$at: prune" "$MF" prune --grace 0
	status 0 "$at: verify after prune" "$MF" verify --read-data
	status 0 "$at: doctor" "$MF" doctor
	says "$at: doctor: tried it" 'compare-and-swap works' out
	status 0 "$at: a shard" "$MF" push src parts@v1 --shard 1/2
	status 7 "$at: a shard is missing" "$MF" commit parts@v1 --shards 2
	status 0 "$at: the other one" "$MF" push src parts@v1 --shard 2/2
	status 0 "$at: commit" "$MF" commit parts@v1 --shards 2
	rm -rf parts
	status 0 "$at: pull what was committed" "$MF" pull parts@v1 parts
	check "$at: of shards: the same bytes" diff -r src parts --exclude=.modelferry
}

# A push is killed; the next one sends only what had not arrived.
killed_push() { # WHERE BYTES BYTES-A-SECOND
	local at=$1 pushing
	rm -f killed.log
	data src/weights.bin "$2" 3
	"$MF" push src churn@killed --bwlimit "$3" --log-level debug --log-file killed.log \
		>/dev/null 2>&1 &
	pushing=$!
	for _ in $(seq 3000); do # until a chunk is there
		grep -qs 'http request method=PUT .*/c/.* status=200' killed.log && break
		sleep 0.02
	done
	kill -KILL "$pushing"
	wait "$pushing" 2>/dev/null
	status 0 "$at: a killed push: again" "$MF" push src churn@killed --json
	json "$at: a killed push: what arrived is not sent again" \
		'0 < r["new_chunks"] < r["chunks"]'
}

# --- over http, as it is let do to this machine alone
https_url=$MODELFERRY_ENDPOINT_URL
# shellcheck disable=SC2154 # of the gateway's environment
export MODELFERRY_ENDPOINT_URL=$SERVER_HTTP_URL
export MODELFERRY_REPO=s3://$bucket/http
whole_life http 3000000
killed_push http 40000000 10M
rm -rf pulled
status 0 "http: pull it" "$MF" pull churn@killed pulled
check "http: pull it: the same bytes" diff -r src pulled --exclude=.modelferry

# --- over TLS
export MODELFERRY_ENDPOINT_URL=$https_url
repo="s3://$bucket/site 1/repo"
export MODELFERRY_REPO=$repo
whole_life https 20000000
status 0 "replicate to another path" "$MF" -r "s3://$bucket/other" init
status 0 "replicate" "$MF" replicate churn@v1 --to "s3://$bucket/other"

# --- credentials
secret=$AWS_SECRET_ACCESS_KEY
printf %s "$AWS_ACCESS_KEY_ID" >id
printf '%s\n' "$secret" >secret
status 0 "credentials in files" env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$MF" versions \
	--s3-access-key-file id --s3-secret-key-file secret
mkdir .aws
printf '[ops]\naws_access_key_id=%s\naws_secret_access_key=%s\n' "$AWS_ACCESS_KEY_ID" "$secret" \
	>.aws/credentials
status 0 "credentials in a profile" env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$MF" \
	versions --s3-profile ops
status 5 "no credentials" env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY \
	AWS_EC2_METADATA_DISABLED=true "$MF" versions
status 5 "a wrong secret" env AWS_SECRET_ACCESS_KEY=wrong "$MF" -v -v versions
says "a wrong secret: the store's word" SignatureDoesNotMatch
status 5 "an unknown key" env AWS_ACCESS_KEY_ID=nobody "$MF" -v -v versions
never_says "messages have no secret in them" "$secret"
"$servers/rgw" user "$scratch/rgw" second >keys
status 5 "somebody else" env "$(sed -n "1s/'//gp" keys)" "$(sed -n "2s/'//gp" keys)" "$MF" \
	versions

# --- where it is
status 3 "no such bucket" "$MF" -r s3://no-such-bucket/x versions
says "no such bucket: by name" NoSuchBucket
status 3 "no such repository" "$MF" -r "s3://$bucket/nowhere" versions
status 5 "an authority that is not trusted" env -u MODELFERRY_CA_FILE "$MF" versions --retries 0
status 6 "nobody answers" "$MF" versions --endpoint-url https://127.0.0.1:1 --retries 1
status 2 "plain http to another machine" "$MF" versions --endpoint-url http://192.0.2.1
says "plain http: how to allow it" '--allow-http'
status 0 "virtual hosts" "$MF" versions --addressing virtual \
	--endpoint-url "http://localhost:${SERVER_HTTP_URL##*:}"
status 2 "no virtual hosts at an address" "$MF" versions --addressing virtual
status 0 "more network threads" "$MF" verify --read-data --net-threads 3
status 0 "storage class" "$MF" push src churn@v3 --s3-storage-class STANDARD
status 2 "an archive is refused" "$MF" push src churn@v4 --s3-storage-class GLACIER

# --- cut off in the middle
killed_push https 60000000 20M
cp -r src src2
data src2/weights.bin 30000000 4
"$MF" push src2 other@v1 --bwlimit 15M >pushed 2>&1 &
pushing=$!
rm -rf pulled
"$MF" pull churn@killed pulled --bwlimit 30M >pulled.log 2>&1 &
pulling=$!
sleep 0.7
check "the gateway is killed and started again" "$servers/rgw" restart "$scratch/rgw"
check "a push goes on after that" wait "$pushing"
check "a pull goes on after that" wait "$pulling"
check "a pull goes on after that: the same bytes" diff -r src pulled --exclude=.modelferry

# --- faults
# shellcheck disable=SC2119 # it takes none
need_faults
for fault in slowdown internal toomany close lostack lateerror redirect tarpit badetag; do
	data src/weights.bin 6000000 "$RANDOM"
	if [ "$fault" = tarpit ]; then faults tarpit 30 any 4; else faults "$fault" 30; fi
	status 0 "$fault: push" "$MF" push src "churn@$fault" --ref production
	rm -rf dst
	status 0 "$fault: pull" "$MF" pull churn dst
	check "$fault: it was played" test "$("$servers/s3-faults" count faults)" -ge 1
	faults none
	check "$fault: the same bytes" cmp src/weights.bin dst/weights.bin
done
status 0 "verify after all that" "$MF" verify --read-data
faults slowdown
# --foreground: otherwise the signal comes twice, and the second one means "at once"
status 11 "an interrupted wait" timeout --foreground --preserve-status -s INT 3 "$MF" versions
faults internal
status 6 "an error that stays" "$MF" versions --retries 2
says "an error that stays: is told" 'InternalError.*HTTP 500.*trying 3 times'

# --- a store without conditional puts: writers vote
need_swift
export MODELFERRY_REPO=s3://$bucket/repo
status 0 "swift: init" "$MF" init
says "swift: init says what the bucket can do" 'compare-and-swap is not there \(writers vote\)' out
status 2 "swift: a second init is refused" "$MF" init
data small/weights.bin 300000 1
status 0 "swift: push" "$MF" push small churn@v1 --ref production
data small/weights.bin 300001 2
status 0 "swift: push the next" "$MF" push small churn@v2 --ref production
rm -rf dst
status 0 "swift: pull" "$MF" pull churn dst --link current
check "swift: pull: the same bytes" diff -r small dst/current/
"$MF" ref churn production v1 --expect v2 >one.log 2>&1 &
one=$!
"$MF" ref churn production v1 --expect v2 >two.log 2>&1
two=$?
wait "$one"
one=$?
check "swift: of two that move a ref at once one is too late" test "$((one + two))" = 7
status 0 "swift: the ref is moved" "$MF" ref churn production v2 --expect v1
status 0 "swift: rollback" "$MF" rollback churn --reason worse
status 0 "swift: pull follows" "$MF" pull churn dst --link current
check "swift: back to the first" test "$(stat -Lc %s dst/current/weights.bin)" = 300000
status 0 "swift: rekey" "$MF" key rekey
status 0 "swift: forget" "$MF" forget churn@v2
status 0 "swift: prune" "$MF" prune --grace 0
status 0 "swift: verify" "$MF" verify --read-data
status 0 "swift: doctor" "$MF" doctor
says "swift: doctor tells" 'writers vote on changes' out
# a copy has both kinds of names: what was voted on, and what a directory's conditional put makes
status 0 "swift: copied to a directory" "$MF" copy "$MODELFERRY_REPO" "$scratch/copied"
export MODELFERRY_REPO=$scratch/copied
status 0 "the copy: its ref moves" "$MF" push small churn@v3 --ref production
status 0 "the copy: a second reader" python3 "$MF_TOP_SRCDIR/tests/tools/second-reader.py" \
	"$MODELFERRY_REPO" refs churn
says "the copy: both kinds of names" 'churn@production -> v3 \(6\)' out
end
