#!/usr/bin/env bash
# Keys that are wrong, missing or malformed: status 5, a message that says which, never what.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

repo=$(place repo)
data src/model.bin 3000000 1
status 0 "init" "$MF" -r "$repo" init
status 0 "push" "$MF" -r "$repo" push src churn@v1 --ref production
good_e=$MODEL_ENCRYPTION_KEY good_h=$MODEL_HMAC_KEY

MODEL_ENCRYPTION_KEY=$(new_key)
status 5 "a wrong encryption key is refused" "$MF" -r "$repo" versions
says "... and the message says that it does not open a slot" "MODEL_ENCRYPTION_KEY"
never_says "... but not the key" "$MODEL_ENCRYPTION_KEY"
MODEL_ENCRYPTION_KEY=$good_e

MODEL_HMAC_KEY=$(new_key)
status 5 "a wrong HMAC key is refused" "$MF" -r "$repo" versions
says "... and named" "MODEL_HMAC_KEY"
never_says "... but not shown" "$MODEL_HMAC_KEY"
unset MODEL_HMAC_KEY
status 5 "a missing variable is refused" "$MF" -r "$repo" versions
says "... and named" "MODEL_HMAC_KEY"
export MODEL_HMAC_KEY="not base64 at all!"
status 5 "bad base64 is refused" "$MF" -r "$repo" versions
says "... and the variable named" "MODEL_HMAC_KEY"
never_says "... its text is not shown" "not base64 at all!"
short=$(head -c 31 /dev/urandom | base64 -w0)
export MODEL_HMAC_KEY=$short
status 5 "a key of 31 bytes is refused" "$MF" -r "$repo" versions
says "... with the length that it has" "31"
export MODEL_HMAC_KEY=$good_h

status 0 "the right pair opens" "$MF" -r "$repo" versions
head -c 32 /dev/urandom >raw-e
head -c 32 /dev/urandom >raw-h
status 5 "both a variable and its _FILE are refused" env MODEL_ENCRYPTION_KEY_FILE=raw-e "$MF" -r "$repo" versions
echo "$good_e" >file-e
echo "$good_h" >file-h
status 0 "keys from files of base64" env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY \
	MODEL_ENCRYPTION_KEY_FILE=file-e MODEL_HMAC_KEY_FILE=file-h "$MF" -r "$repo" versions
base64 -d file-e >bin-e
base64 -d file-h >bin-h
status 0 "keys from files of 32 raw bytes" env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY \
	MODEL_ENCRYPTION_KEY_FILE=bin-e MODEL_HMAC_KEY_FILE=bin-h "$MF" -r "$repo" versions
status 5 "no key at all" env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY "$MF" -r "$repo" versions

# another repository in the same place
if ! in_bucket; then
	mv repo other
	status 5 "another repository made in a known place is refused" "$MF" -r "$repo" init
	status 5 "another repository behind a known URL is refused" "$MF" -r "$repo" versions
	says "... and the way out named" "repo-id|state-dir"
	rm -rf repo
	mv other repo
fi

# signatures
status 0 "a signing key" "$MF" key generate --signing --out signer
status 0 "another" "$MF" key generate --signing --out stranger
status 0 "a signed version" "$MF" -r "$repo" push src churn@v2 --force --sign-key signer --ref production
grep -ho 'MODELFERRY-VERIFY-KEY-1 [A-Za-z0-9+/=]*' signer out 2>/dev/null | head -1 >trusted
if [ ! -s trusted ]; then "$MF" key generate --signing --out s3 >s3out 2>&1; cat s3out s3 | sed 's/^/# /' | head; fi
status 0 "pull with trusted keys" "$MF" -r "$repo" pull churn@v2 p2 --trusted-keys trusted
status 5 "an unsigned version is refused" "$MF" -r "$repo" pull churn@v1 p1 --trusted-keys trusted
check "... and nothing of it is there" test ! -e p1
status 0 "a version signed by a stranger" "$MF" -r "$repo" push src churn@v3 --force --sign-key stranger
status 5 "... is refused" "$MF" -r "$repo" pull churn@v3 p3 --trusted-keys trusted
check "... and nothing of it is there" test ! -e p3
# with trust, nobody without the signing key chooses what is signed
status 0 "another signed version" "$MF" -r "$repo" push src churn@v4 --force --sign-key signer --ref production
status 0 "previous, signed" "$MF" -r "$repo" pull churn@previous p5 --trusted-keys trusted
says "... is v2" "churn@v2" out
status 0 "cat with trusted keys" "$MF" -r "$repo" cat churn@previous "$(cd src && find . -type f | sed 's|^./||' | head -1)" --trusted-keys trusted
status 5 "... of an unsigned version" "$MF" -r "$repo" cat churn@v1 x --trusted-keys trusted
if ! in_bucket; then
	cp -r repo honest
	position=$(echo repo/r/*/*/)
fi
status 0 "somebody without the signing key moves production on" "$MF" -r "$repo" ref churn production v3
status 5 "... no previous any more, with trust" "$MF" -r "$repo" pull churn@previous p6 --trusted-keys trusted
check "... and nothing of it is there" test ! -e p6
status 5 "... nor a signed rollback" "$MF" -r "$repo" rollback churn --sign-key signer --trusted-keys trusted
status 0 "... without trust it would be signed" "$MF" -r "$repo" rollback churn --sign-key signer
if ! in_bucket; then
	rm -rf repo
	cp -r honest repo
	rm "$position"/0000000000000002
	status 5 "a position removed" env MODELFERRY_STATE_DIR="$scratch/s7" "$MF" -r "$repo" pull churn@previous p7 --trusted-keys trusted
	rm -rf repo
	cp -r honest repo
	status 0 "rollback with trust" env MODELFERRY_STATE_DIR="$scratch/s8" "$MF" -r "$repo" rollback churn --sign-key signer --trusted-keys trusted
	says "... to v2" "from v4 to v2" out
fi
sed 's/$/ valid-until=2020-01-01T00:00:00Z old/' trusted >expired
status 5 "an expired signer is refused" "$MF" -r "$repo" pull churn@v2 p4 --trusted-keys expired
says "... by name" "old"
end
