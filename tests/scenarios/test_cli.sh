#!/usr/bin/env bash
# Every command as people and scripts use it: text, --json, exit statuses.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# json NAME EXPRESSION: the last output is JSON, and the Python expression on it (r) is true
json() {
	if python3 -c 'import json,sys; r=json.load(open("out")); sys.exit(not (eval(sys.argv[1])))' "$2" 2>>err; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

data a/model.bin 3000000 1
echo '{"v":1}' >a/config.json
cp -r a b
data b/model.bin 3100000 2
export MODELFERRY_REPO=$scratch/repo

status 3 "a repository that is not there" "$MF" versions
says "... with what makes one" "init"
status 0 "init" "$MF" init
status 2 "init again is refused" "$MF" init
status 0 "push with tags, metrics and a ref" "$MF" --json push a churn@v1 --tag stage=dev \
	--metric accuracy=0.9 --ref production
json "push --json has what scripts rely on" 'all(k in r for k in "model version files bytes stored_bytes new_bytes chunks new_chunks seconds".split()) and r["files"] == 2'
echo '{"accuracy": 0.95, "loss": 0.1}' >metrics.json
status 0 "push with metrics from a file" "$MF" push b churn@v2 --metrics-from metrics.json
status 7 "a version never changes" "$MF" push b churn@v1 --force
status 0 "versions" "$MF" versions
says "... lists both" "v2" out
status 0 "versions --json" "$MF" versions churn --json
json "... has what scripts rely on" 'len(r) == 2 and all(k in r[0] for k in "model version created files bytes refs tags metrics".split()) and r[1]["refs"] == ["production"] and r[0]["metrics"]["accuracy"] == 0.95'
status 0 "show" "$MF" show churn@v1
says "... names the tag" "stage" out
status 0 "ls" "$MF" ls churn@v1
says "... names the file" "model.bin" out
status 0 "cat" "$MF" cat churn@v1 config.json
mv out catted
check "... gives the bytes" cmp catted a/config.json
status 3 "cat of a file that is not there" "$MF" cat churn@v1 nothing
status 10 "diff finds the difference" "$MF" diff churn@v1 churn@v2
says "... and names the file" "model.bin" out
status 0 "diff of equal versions" "$MF" diff churn@v1 churn@production
status 0 "stats --json" "$MF" stats --json
json "... counts" 'r["versions"] == 2'

status 0 "ref shows" "$MF" ref churn production
says "... v1" "v1" out
status 7 "ref --expect is compare-and-swap" "$MF" ref churn production v2 --expect v2
status 0 "ref moves" "$MF" ref churn production v2 --expect v1
status 2 "a ref cannot have a version's name" "$MF" ref churn v1 v2
status 2 "previous cannot be set" "$MF" ref churn previous v1
status 7 "a ref's version cannot be forgotten" "$MF" forget churn@v2
status 0 "tag" "$MF" tag churn@v1 owner=me
status 0 "show --json" "$MF" show churn@v1 --json
json "... has the later tag" 'r["tags"]["owner"] == "me" and r["tags"]["stage"] == "dev"'
status 0 "rollback" "$MF" rollback churn --reason "accuracy fell"
status 0 "show the rejected version" "$MF" show churn@v2
says "... with the reason" "accuracy fell" out
status 2 "a rejected version is not gone back to" "$MF" rollback churn --to v2
status 0 "... unless allowed" "$MF" rollback churn --to v2 --allow-rejected
status 0 "push v3" "$MF" push a churn@v3 --force --metric accuracy=0.99
status 0 "rollback --best" "$MF" rollback churn --best accuracy
says "... takes the best" "v3" out

status 0 "verify --json" "$MF" verify --read-data --json
json "... is well" 'r["ok"] is True and r["damaged"] == []'
status 0 "forget" "$MF" forget churn@v1
status 0 "prune --dry-run" "$MF" prune --dry-run --grace 0s
status 0 "prune" "$MF" prune --grace 0s
status 0 "prune with a keep rule" "$MF" prune --keep-last 1 --grace 0s
status 0 "versions after it" "$MF" versions churn --json
json "... the ref's version stays" 'any("production" in v["refs"] for v in r)'
status 0 "all is well after it" "$MF" verify --read-data

# another repository
status 0 "init another" "$MF" -r other init
status 0 "replicate" "$MF" replicate churn@v3 --to other
status 0 "pull from it" "$MF" -r other pull churn@v3 from-other
check "... the same bytes" diff -r -x .modelferry a from-other

# damage, repair
chunk=$(find repo/c -type f -size +1000k | head -1)
chmod u+w "$chunk"
printf 'XXXXXXXX' | dd of="$chunk" bs=1 seek=5000 conv=notrunc 2>/dev/null
status 4 "damage is found" "$MF" verify --read-data
grep -q 'model.bin' out err && ok "... and its file named" || not_ok "... and its file named"
status 4 "a damaged file is not pulled" "$MF" pull churn@v3 broken
check "... nothing is there" test ! -e broken
status 0 "repair from a healthy copy" "$MF" verify --read-data --repair-from a
status 0 "well again" "$MF" verify --read-data

# keys
echo "correct horse" >pass
status 0 "an identity" "$MF" key generate --out me.key
status 0 "key add a passphrase" "$MF" key add --label team --new-passphrase-file pass
status 0 "the passphrase opens" env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY "$MF" --passphrase-file pass versions
echo "wrong horse" >wrong
status 5 "a wrong one does not" env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY "$MF" --passphrase-file wrong versions
status 0 "key add an identity" "$MF" key add --label me --new-key-file me.key
status 0 "the identity opens" env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY "$MF" --key-file me.key versions
status 0 "key list" "$MF" key list
says "... names the slot" "team" out
status 0 "key remove" "$MF" key remove team
status 5 "a removed passphrase does not open" env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY "$MF" --passphrase-file pass versions
status 0 "key rekey" "$MF" key rekey
status 0 "everything verifies after it" "$MF" verify --read-data
status 0 "and pulls" "$MF" pull churn@production after-rekey

# usage
status 2 "an unknown option" "$MF" push a churn --metrik x=1
says "... with the nearest" "--metric"
status 2 "an unknown command" "$MF" puhs
status 2 "too few arguments" "$MF" push a
status 2 "a bad size" "$MF" --memory lots versions
for later in migrate sync copy check follow commit daemon simulate status history; do
	status 2 "$later is refused by name" "$MF" "$later" x y
	says "... $later" "$later"
done
status 2 "a bucket is refused by name" "$MF" -r s3://bucket/x versions
says "... with the scheme" "s3"
status 0 "doctor" "$MF" doctor
status 0 "help" "$MF" help push
status 0 "completion" "$MF" completion bash
"$MF" ls churn@v3 2>err | true
check "a closed pipe is no crash" test "${PIPESTATUS[0]}" != 139
end
