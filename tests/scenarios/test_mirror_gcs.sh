#!/usr/bin/env bash
# Plain mirrors with a bucket at gs://, by hand, on the fake Google of tests/harness: its tokens end
# in mid-run, it refuses requests now and then, and lists in small pages. Beside it an S3 server,
# for what goes from the one to the other.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

unset "${!AWS_@}" "${!GOOGLE_@}" "${!GCE_@}" "${!CLOUDSDK_@}" "${!MODELFERRY_GCS_@}" STORAGE_EMULATOR_HOST
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 NO_GCE_CHECK=true

fake=
s3=
stop_s3() {
	[ -z "$s3" ] || { kill -TERM "$s3" && wait "$s3"; } 2>/dev/null
	s3=
}
stop_fake() {
	[ -z "$fake" ] || { kill -TERM "$fake" && wait "$fake"; } 2>/dev/null
	fake=
}
trap 'stop_fake; stop_s3; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
started() { # DIR: the server there says its address
	for _ in $(seq 3000); do
		[ -e "$1/url" ] && return
		sleep 0.02
	done
	exit 99
}
mkdir gcs s3
"$MF_TOP_BUILDDIR/tests/harness/fake-gcs" gcs --page 9 --token-uses 60 --refuse-every 151 &
fake=$!
"$MF_TOP_BUILDDIR/tests/harness/fault-server" s3 --page 9 &
s3=$!
started gcs
started s3
MODELFERRY_GCS_ENDPOINT_URL=$(cat gcs/url)
MODELFERRY_ENDPOINT_URL=$(cat s3/url)
export MODELFERRY_GCS_ENDPOINT_URL MODELFERRY_ENDPOINT_URL
export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret AWS_EC2_METADATA_DISABLED=true
export MODELFERRY_GCS_CREDENTIALS_FILE=$scratch/gcs/service.json
count() { # NAME: what the fake server counted, once it has ended
	sed -n "s/^$1 //p" gcs/counts
}

data 'src/model 1/weights.bin' 40000000 1 # in parts
data src/config.json 900 2
data 'src/odd/50% + more&b?c#d' 10 3
data $'src/odd/caf\xc3\xa9' 10 4
data src/junk.tmp 10 5
: >src/empty
for i in {01..40}; do echo "$i" >"src/odd/f$i"; done
touch -d '2001-02-03 04:05:06.123456789' src/config.json
dst=gs://models-1/mirror

# --- up, and again
status 0 "sync" "$MF" sync src "$dst" --exclude "*.tmp" --json
json "sync: all of it" 'r["files"] == 45 and r["errors"] == 0'
status 0 "again" "$MF" sync src "$dst" --exclude "*.tmp" --json --log-level debug
json "again: nothing to do" 'r["files"] == 0 and r["touched"] == 0 and r["checks"] == 45'
check "again: nothing but listings" test "$(grep -c 'http request method=HEAD' err)" = 0
status 0 "again, knowing nothing" "$MF" sync src "$dst" --exclude "*.tmp" --json \
	--cache-dir "$scratch/none"
json "again, knowing nothing: nothing to do" 'r["files"] == 0 and r["touched"] == 0'
status 0 "check" "$MF" check src "$dst" --exclude "*.tmp" --json
json "check: an object that was put in parts has no MD5" 'r["same"] == 45 and r["not_hashed"] == 1'
status 0 "check --download" "$MF" check src "$dst" --exclude "*.tmp" --download --json
json "check --download: all of it" 'r["same"] == 45 and r["not_hashed"] == 0'

# --- down, and to another prefix within the store
status 0 "down" "$MF" copy "$dst" back
rm src/junk.tmp
check "down: the same bytes" diff -r src back
check "down: the same time" test "$(stat -c %.9Y back/config.json)" = "$(stat -c %.9Y src/config.json)"
status 0 "within the bucket" "$MF" copy "$dst" gs://models-1/copy --json --log-level debug
json "within the bucket: all of it" 'r["files"] == 45'
check "within the bucket: no bytes pass through here" test "$(grep -c 'http request method=GET' err)" -lt 15
status 0 "within the bucket: the same" "$MF" check "$dst" gs://models-1/copy
status 2 "into itself" "$MF" sync "$dst" "$dst/odd"
status 0 "HMAC keys" env -u MODELFERRY_GCS_CREDENTIALS_FILE "$MF" sync src "$dst" --json \
	--gcs-access-key-file gcs/hmac-id --gcs-secret-key-file gcs/hmac-secret
json "HMAC keys: nothing to do" 'r["files"] == 0'

# --- to another kind of store, and back from there
status 0 "gs to s3" "$MF" sync "$dst" s3://models/from-gs --json
json "gs to s3: all of it" 'r["files"] == 45 and r["errors"] == 0'
status 0 "gs to s3: again" "$MF" sync "$dst" s3://models/from-gs --json --cache-dir "$scratch/none"
json "gs to s3: again: nothing to do" 'r["files"] == 0 and r["touched"] == 0 and r["checks"] == 45'
status 0 "gs to s3: the same as here" "$MF" check src s3://models/from-gs --download
status 0 "gs to s3: the same as there" "$MF" check "$dst" s3://models/from-gs --json
json "gs to s3: without an MD5 by size" 'r["same"] == 45 and r["not_hashed"] == 1'
status 0 "gs to s3: its times" "$MF" sync src s3://models/from-gs --json
json "gs to s3: its times are those here" 'r["files"] == 0 and r["touched"] == 0'
status 0 "s3 to gs" "$MF" sync s3://models/from-gs gs://models-1/from-s3 --json
json "s3 to gs: all of it" 'r["files"] == 45 and r["errors"] == 0'
status 0 "s3 to gs: the same" "$MF" check src gs://models-1/from-s3 --download
status 0 "s3 to gs: its times" "$MF" sync src gs://models-1/from-s3 --json --cache-dir "$scratch/none"
json "s3 to gs: its times are those here" 'r["files"] == 0 and r["touched"] == 0'
curl -sf -X POST "$MODELFERRY_ENDPOINT_URL/_fault?fault=reset-answer&op=get&name=weights" >/dev/null
status 6 "s3 to gs: broken off in the middle" "$MF" copy s3://models/from-gs gs://models-1/broken \
	--json --retries 1 --patience 1s
json "s3 to gs: broken off in the middle: the rest is there" 'r["files"] == 44 and r["errors"] == 1'
curl -sf -X DELETE "$MODELFERRY_ENDPOINT_URL/_fault" >/dev/null
status 10 "s3 to gs: broken off in the middle: nothing is seen of it" \
	"$MF" check s3://models/from-gs gs://models-1/broken
says "s3 to gs: broken off in the middle: by name" '^[+] model 1/weights.bin$' out
status 0 "s3 to gs: the next run" "$MF" copy s3://models/from-gs gs://models-1/broken --json
json "s3 to gs: the next run: what is missing" 'r["files"] == 1 and r["checks"] == 44'

# --- the nightly script of rclone, with the program's name and the destination changed
mkdir -p models/production/odd bin
cp -p src/config.json src/empty models/production
cp -p src/odd/f0? models/production/odd
data models/production/half.tmp 10 5
ln -s "$MF" bin/modelferry
nightly='rclone sync /models/production gcs:bucket/models --progress --stats 30s --stats-file-name-length 0 --tpslimit 10 --checkers 8 --transfers 4 --exclude "*.tmp" --log-level INFO --log-file F'
nightly=${nightly/#rclone/bin\/modelferry}
nightly=${nightly/gcs:bucket/gs:\/\/bucket}
nightly=${nightly/\/models/models}
status 0 "the nightly script as it stands" eval "$nightly"
says "the nightly script: what it did" '^copied 11 files, .* 0 unchanged' out
says "the nightly script: its log" 'info: copied odd/f01' F
check "the nightly script: half files stay away" test "$(grep -c half.tmp F)" = 0
status 0 "the nightly script: the next night" eval "$nightly"
says "the nightly script: the next night: nothing to do" '^copied 0 files, .* 11 unchanged' out
rm models/production/half.tmp
status 0 "the nightly script: a mirror" "$MF" check models/production gs://bucket/models

# --- what changes
touch -d '2010-01-01' src/config.json
status 0 "a new time alone" "$MF" sync src "$dst" --json
json "a new time alone: no bytes" 'r["files"] == 0 and r["touched"] == 1'
rm src/odd/f0[123]
status 1 "--max-delete" "$MF" sync src "$dst" --max-delete 1
echo 40 >src/odd/f04
status 0 "--backup-dir" "$MF" sync src "$dst" --backup-dir gs://models-1/old --checksum --json
json "--backup-dir: replaced and deleted" 'r["deletes"] == 3 and r["files"] == 1'
status 0 "--backup-dir: kept" "$MF" copy gs://models-1/old old
check "--backup-dir: what it was" test "$(cat old/odd/f04)" = 04 -a -e old/odd/f01
rm src/odd/f*
status 0 "many deletions" "$MF" sync src "$dst" --json
json "many deletions: counted" 'r["deletes"] == 37 and r["errors"] == 0'
status 10 "check finds a difference" "$MF" check src gs://models-1/copy
says "check: by name" '^- odd/f05$' out
status 0 "at the end" "$MF" check src "$dst"

# --- wrong places and keys
status 5 "no credentials" env -u MODELFERRY_GCS_CREDENTIALS_FILE "$MF" copy src "$dst"
status 2 "an emulator is not Google" env -u MODELFERRY_GCS_ENDPOINT_URL \
	STORAGE_EMULATOR_HOST=localhost:4443 "$MF" copy src "$dst"

stop_fake
check "tokens ended in mid-run" test "$(count expired)" -ge 1
check "requests were refused for a while" test "$(count refused)" -ge 1
check "every put had its checksum" test "$(count sums)" -gt 45
end
