#!/usr/bin/env bash
# A repository by Signature V2 and libs3, on a Ceph gateway over TLS: the same repository as by
# s3://. The program is one that takes the module from the build tree.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
module=$MF_TOP_BUILDDIR/transfers/s3v2.so
here=$MF_TOP_BUILDDIR/tests/tools/modelferry-here
export MODELFERRY_ENDPOINT_URL=https://127.0.0.1:1
export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret

if [[ ! -e $module ]]; then
	status 2 "built without libs3: refused" "$MF" -r s3+v2://models/a versions
	says "built without libs3: by name" 'built without libs3'
	end
fi

# --- what is linked with what
# shellcheck disable=SC2317 # check calls these two
needs() { # FILE PATTERN: does it need such a library, itself or through others?
	ldd "$1" >libraries && grep -q "$2" libraries
}
# shellcheck disable=SC2317
fails() { ! "$@"; }
check "the program needs no libs3" fails needs "$MF" libs3
check "the program needs one libcurl" fails needs "$MF" 'curl-gnutls'
check "the module needs libs3" needs "$module" libs3
loading() { # COMMAND...: what it loads; its status does not matter
	LD_DEBUG=files LD_DEBUG_OUTPUT="$scratch/loaded" "$@" >/dev/null 2>&1
	cat "$scratch"/loaded.* >loaded
	rm "$scratch"/loaded.*
}
loading "$here" -r s3://models/a versions --retries 0
check "s3:// loads no module" fails grep -qE 's3v2|libs3[.]so' loaded
loading "$here" -r s3+v2://models/a versions --retries 0
check "s3+v2:// loads it" grep -q 's3v2\.so' loaded
cp "$module" s3v2.so
loading env LD_LIBRARY_PATH="$scratch" "$here" -r s3+v2://models/a versions --retries 0
check "from its own place only" fails grep -qF "$scratch/s3v2.so" loaded
# where something puts that libcurl before the module, TLS would go unverified
curl=$(ldd "$module" | sed -n 's/.*=> \(.*libcurl[^ ]*\).*/\1/p')
status 2 "its libcurl past the module" env LD_PRELOAD="$curl" "$here" -r s3+v2://models/a versions
says "its libcurl past the module: refused" 'past the guard'

# --- a repository
need_rgw --tls
data src/weights.bin 3000000 1
repo=$bucket/site/repo
export MODELFERRY_REPO=s3+v2://$repo
status 0 "init" "$here" init
status 0 "push" "$here" push src churn@v1 --ref production
status 0 "pull" "$here" pull churn dst --link current
check "pull: the same bytes" diff -r src dst/current/
data src/weights.bin 3000001 2
status 0 "push by Signature V4" "$here" -r "s3://$repo" push src churn@v2 --ref production
status 0 "pull the next" "$here" pull churn dst --link current
check "pull the next: the same bytes" diff -r src dst/current/
status 0 "forget" "$here" forget churn@v1
status 0 "prune" "$here" prune --grace 0
status 0 "verify" "$here" verify --read-data
status 0 "replicate to a bucket of s3://" "$here" -r "s3://$bucket/other" init
status 0 "replicate" "$here" replicate churn@v2 --to "s3://$bucket/other"
status 0 "the other libcurl reads no proxy of its own" env https_proxy=http://127.0.0.1:1 \
	no_proxy=example.net NO_PROXY=example.net "$here" versions --retries 0
status 0 "doctor" "$here" doctor
says "doctor: what was tried" 'compare-and-swap works' out

# --- what is refused
status 5 "an authority that is not trusted" env -u MODELFERRY_CA_FILE "$here" versions --retries 0
status 5 "a wrong secret" env AWS_SECRET_ACCESS_KEY=wrong "$here" versions
says "a wrong secret: the store's word" SignatureDoesNotMatch
never_says "messages have no secret in them" "$AWS_SECRET_ACCESS_KEY"
status 2 "a session token" env AWS_SESSION_TOKEN=token "$here" versions
says "a session token: by name" 'session token'
status 2 "Amazon" "$here" versions --endpoint-url https://s3.eu-west-1.amazonaws.com
says "Amazon: what to take" 's3://BUCKET'
status 2 "a storage class" "$here" push src churn@v3 --s3-storage-class STANDARD
status 2 "a plain mirror" "$here" sync src "s3+v2://$bucket/plain"
says "a plain mirror: by name" 'no plain mirror'
end
