#!/usr/bin/env bash
# A repository at gs://, by hand, on the fake Google of tests/harness: with each kind of credentials,
# on a server whose tokens end in mid-run, that refuses requests now and then and lists in small pages.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

unset "${!GOOGLE_@}" "${!GCE_@}" "${!CLOUDSDK_@}" "${!MODELFERRY_GCS_@}" STORAGE_EMULATOR_HOST
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 NO_GCE_CHECK=true

fake=
stop_fake() {
	[ -z "$fake" ] || { kill -TERM "$fake" && wait "$fake"; } 2>/dev/null
	fake=
}
trap 'stop_fake; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
need_fake() { # DIR [OPTION ...]
	mkdir "$1"
	"$MF_TOP_BUILDDIR/tests/harness/fake-gcs" "$@" &
	fake=$!
	for _ in $(seq 3000); do
		[ -e "$1/url" ] && break
		sleep 0.02
	done
	MODELFERRY_GCS_ENDPOINT_URL=$(cat "$1/url") || exit 99
	export MODELFERRY_GCS_ENDPOINT_URL
	export MODELFERRY_GCS_CREDENTIALS_FILE=$scratch/$1/service.json
}
count() { # DIR NAME: what the fake server counted, once it has ended
	sed -n "s/^$2 //p" "$1/counts"
}

need_fake gcs --page 9 --token-uses 20 --refuse-every 101
data src/weights.bin 20000000 1
data src/config.json 5000 2
export MODELFERRY_REPO="gs://models-1/site 1/repo"

# --- the whole of it
status 0 "init" "$MF" init
says "init: says what the bucket can do" "compare-and-swap works" out
status 2 "a second init is refused" "$MF" init
status 0 "push" "$MF" push src churn@v1 --ref production
status 0 "push again: nothing is new" "$MF" push src churn --json
says "push again: says so" '"new_chunks": 0, .*"unchanged": true' out
status 0 "pull" "$MF" pull churn dst --link current
check "pull: the same bytes" diff -r src dst/current/
data src/weights.bin 20000001 1
status 0 "push the next" "$MF" push src churn@v2 --ref production
status 0 "rollback" "$MF" rollback churn --reason worse
status 0 "pull follows" "$MF" pull churn dst --link current
check "pull follows: back to the first" test "$(stat -Lc %s dst/current/weights.bin)" = 20000000
status 0 "versions" "$MF" versions churn
says "versions: both" 'churn@v2' out
status 0 "verify" "$MF" verify --read-data
status 0 "forget" "$MF" forget churn@v2
status 0 "prune" "$MF" prune --grace 0
status 0 "verify after prune" "$MF" verify --read-data
status 0 "doctor" "$MF" doctor
status 0 "another repository" "$MF" -r gs://models-1/other init
status 0 "replicate" "$MF" replicate churn@v1 --to gs://models-1/other
status 0 "replicate to a directory" "$MF" -r "$scratch/copy" init
status 0 "replicate to a directory" "$MF" replicate churn@v1 --to "$scratch/copy"
status 0 "storage class, key and payer" "$MF" push src churn@v3 --gcs-storage-class NEARLINE \
	--gcs-kms-key projects/p/locations/l/keyRings/r/cryptoKeys/k --gcs-user-project payer

# --- credentials
unset MODELFERRY_GCS_CREDENTIALS_FILE
status 0 "a user" env GOOGLE_APPLICATION_CREDENTIALS=gcs/user.json "$MF" versions
status 0 "workload identity" "$MF" versions --gcs-credentials-file gcs/external.json
status 0 "a service account behind it" "$MF" versions --gcs-credentials-file gcs/impersonated.json
mkdir -p .config/gcloud
cp gcs/user.json .config/gcloud/application_default_credentials.json
status 0 "gcloud's own" "$MF" versions
rm -r .config
status 0 "the metadata server" env -u NO_GCE_CHECK \
	GCE_METADATA_HOST="${MODELFERRY_GCS_ENDPOINT_URL#http://}" "$MF" versions
status 0 "HMAC keys" "$MF" push src hmac@v1 --gcs-access-key-file gcs/hmac-id \
	--gcs-secret-key-file gcs/hmac-secret --ref production
status 5 "no credentials" "$MF" versions
says "no credentials: what to do" GOOGLE_APPLICATION_CREDENTIALS
status 5 "nobody is the metadata server" env -u NO_GCE_CHECK GCE_METADATA_HOST=127.0.0.1:1 "$MF" \
	versions
status 2 "a credential file that is not there" "$MF" versions --gcs-credentials-file none.json
sed 's/1\/\/refresh/1\/\/withdrawn/' gcs/user.json >user.json
status 5 "a token that was withdrawn" "$MF" -v -v versions --gcs-credentials-file user.json
says "a token that was withdrawn: the server's words" 'invalid_grant, Token has been expired'
never_says "messages have no secret in them" s3cret
never_says "messages have no token in them" 1//withdrawn
sed 's/http:..127[^"]*/http:\/\/token.example\/x/' gcs/user.json >user.json
status 2 "a token endpoint by http" "$MF" versions --gcs-credentials-file user.json
printf wrong >wrong
status 5 "a wrong HMAC secret" "$MF" versions --gcs-access-key-file gcs/hmac-id \
	--gcs-secret-key-file wrong
says "a wrong HMAC secret: the store's word" SignatureDoesNotMatch
status 2 "half an HMAC key" "$MF" versions --gcs-access-key-file gcs/hmac-id
export MODELFERRY_GCS_CREDENTIALS_FILE=$scratch/gcs/service.json

# --- where it is
status 3 "no such repository" "$MF" -r gs://models-1/nowhere versions
status 6 "nobody answers" "$MF" versions --gcs-endpoint-url https://127.0.0.1:1 --retries 1
status 2 "tokens never go over http" "$MF" versions --gcs-endpoint-url http://192.0.2.1 --allow-http
status 2 "an emulator is not Google" env -u MODELFERRY_GCS_ENDPOINT_URL \
	STORAGE_EMULATOR_HOST=localhost:4443 "$MF" versions
says "an emulator is not Google: by name" STORAGE_EMULATOR_HOST

stop_fake
check "tokens ended in mid-run" test "$(count gcs expired)" -gt 3
check "requests were refused for a while" test "$(count gcs refused)" -gt 3
check "every put had its checksum" test "$(count gcs sums)" -gt 40
check "listings had several pages" test "$(count gcs pages)" -gt 20
check "HMAC keys signed" test "$(count gcs signed)" -gt 10
check "the payer was named" test "$(count gcs billed)" -gt 3
end
