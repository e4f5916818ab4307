#!/usr/bin/env bash
# Every command as a person and as a script uses it: text and JSON, statuses, refusals.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
repo=$(place repo)
other=$(place other)

data a/model.bin 400000 1
echo '{"v":1}' >a/config.json
cp -r a b
data b/model.bin 410000 2
mkdir b/sub
echo new >b/sub/more
id_of() { python3 -c 'import json; print(json.load(open("out"))["id"])'; }

# before there is a repository
status 3 "no repository there" "$MF" -r nowhere versions
says "... with what makes one" "init"
status 2 "no repository named" "$MF" versions
status 2 "no command" "$MF"
status 0 "help" "$MF" help
says "... lists the commands" "push" out
status 0 "help of a command" "$MF" help push
says "... shows its options" "--ready-file" out
status 0 "--help of a command" "$MF" push --help
status 0 "version" "$MF" version
status 0 "version --json" "$MF" version --json
json "... is an object" '"version" in r'
for shell in bash zsh fish; do
	status 0 "completion for $shell" "$MF" completion $shell
	says "... knows push" "push" out
done
status 2 "completion for another shell" "$MF" completion tcsh

# usage
status 2 "an unknown command" "$MF" -r "$repo" frobnicate
says "... is named" "frobnicate"
status 2 "an unknown option" "$MF" -r "$repo" versions --frobnicate
says "... is named" "--frobnicate"
status 2 "an option slightly misspelt" "$MF" -r "$repo" push a churn --metrik x=1
says "... is told the nearest" "--metric"
status 2 "an option of another command" "$MF" -r "$repo" versions --link x
says "... is named" "--link"
status 2 "an option without its value" "$MF" -r "$repo" push a churn --ref
says "... is named" "--ref"
status 2 "a value that is no number" "$MF" -r "$repo" versions --transfers many
says "... is named" "many"
status 2 "too few arguments" "$MF" -r "$repo" push a
status 2 "too many arguments" "$MF" -r "$repo" show a b c
status 2 "a name that is none" "$MF" -r "$repo" push a 'chu rn'
status 2 "daemon is of a later release" "$MF" -r "$repo" daemon x y
says "... and refused by name" "daemon"
status 2 "a plan that is not there" "$MF" -r "$repo" plan check none.yaml
says "... is named" "none.yaml"
status 3 "a run that is not there" "$MF" -r "$repo" status nobody

# init
status 0 "init --json" "$MF" -r "$repo" init --json
json "... gives the id" 'len(r["id"]) == 64'
id=$(id_of)
status 2 "init again" "$MF" -r "$repo" init
says "... is refused" "already"
status 0 "init with another cipher and padding" "$MF" -r "$other" init --cipher aes-256-gcm --pad

# push
status 0 "push --json" "$MF" -r "$repo" --json push a churn@v1 --tag site=here --metric accuracy=0.9 \
	--ref production
json "... gives what it promises" 'r["model"] == "churn" and r["version"] == "v1" and
	{"files", "bytes", "stored_bytes", "new_bytes", "chunks", "new_chunks", "seconds"} <= set(r)'
json "... and counts" 'r["files"] == 2 and r["bytes"] == 400008 and r["new_chunks"] >= 1'
echo '{"loss": 0.5, "accuracy": 0.1}' >metrics.json
status 0 "push" "$MF" -r "$repo" push b churn@v2 --metrics-from metrics.json --metric accuracy=0.95 \
	--ref production
status 0 "an unchanged push" "$MF" -r "$repo" push b churn@v3
says "... says so" "[Uu]nchanged|nothing changed|v2" out
status 0 "... and makes no version" "$MF" -r "$repo" versions churn --json
json "... indeed" 'len(r) == 2'
status 0 "push without a version" "$MF" -r "$repo" push b churn --force --json
json "... is named by time" 'r["version"][:2] == "20" and len(r["version"]) > 12'
auto=$(python3 -c 'import json; print(json.load(open("out"))["version"])')
status 7 "a version of a name that is taken" "$MF" -r "$repo" push b churn@v1 --force
says "... is of other files" 'churn@v1 exists already, of other files'
status 0 "... run again with its own" "$MF" -r "$repo" push a churn@v1 --force
says "... makes none" '^churn: nothing changed since v1, no version made$' out
status 2 "push of a directory that is not there" "$MF" -r "$repo" push nothing churn
status 0 "--dry-run" "$MF" -r "$repo" push a churn@dry --force --dry-run --json
status 3 "... makes nothing" "$MF" -r "$repo" show churn@dry

# looking
status 0 "versions" "$MF" -r "$repo" versions
says "... the newest first" "$auto" <(head -1 out)
status 0 "versions --json" "$MF" -r "$repo" versions --json
json "... an array with what it promises" 'len(r) == 3 and all({"model", "version", "created",
	"files", "bytes", "refs", "tags", "metrics"} <= set(v) for v in r)'
json "... with refs, tags and metrics" '{v["version"]: (v["refs"], v["tags"], v["metrics"])
	for v in r}["v1"] == (["previous"], {"site": "here"}, {"accuracy": 0.9})'
json "... --metric wins over --metrics-from" '[v["metrics"] for v in r if v["version"] == "v2"] ==
	[{"accuracy": 0.95, "loss": 0.5}]'
status 0 "versions of a model without any" "$MF" -r "$other" versions --json
json "... is an empty array" 'r == []'
status 0 "show" "$MF" -r "$repo" show churn@v1
says "... has the tag" "site=here" out
status 0 "show --json of a ref" "$MF" -r "$repo" show churn@production --json
json "... is its version" 'r["version"] == "v2" and r["parent"] == "v1"'
status 0 "ls" "$MF" -r "$repo" ls churn@v2
says "... has the files" "sub/more" out
status 0 "ls --json" "$MF" -r "$repo" ls churn@v2 --json
json "... an array of entries" '[e["path"] for e in r] == ["config.json", "model.bin", "sub", "sub/more"]'
status 0 "cat" "$MF" -r "$repo" cat churn@v2 model.bin
check "... gives the bytes" cmp <("$MF" -r "$repo" cat churn@v2 model.bin) b/model.bin
status 3 "cat of a file that is not there" "$MF" -r "$repo" cat churn@v2 nothing
status 2 "cat of a directory" "$MF" -r "$repo" cat churn@v2 sub
status 10 "diff" "$MF" -r "$repo" diff churn@v1 churn@v2
says "... new" "^\+ sub/more" out
says "... changed" "^M model.bin" out
status 10 "diff --json" "$MF" -r "$repo" diff churn@v2 churn@v1 --json
json "... an object" 'not r["equal"] and [e["path"] for e in r["removed"]] == ["sub", "sub/more"]'
status 0 "diff of equals" "$MF" -r "$repo" diff churn@v2 "churn@$auto" --json
json "... equal" 'r["equal"]'
status 3 "a model that is not there" "$MF" -r "$repo" show nobody
status 3 "a version that is not there" "$MF" -r "$repo" show churn@v99

# refs
status 0 "ref" "$MF" -r "$repo" ref churn production
says "... its version" "v2" out
status 0 "ref --json" "$MF" -r "$repo" ref churn production --json
json "... its sequence" 'r["version"] == "v2" and r["sequence"] == 2'
status 0 "a new ref" "$MF" -r "$repo" ref churn staging v1
status 7 "--expect of another version" "$MF" -r "$repo" ref churn staging v2 --expect v2
says "... and what it expects would do" 'nothing moved: .* expect v1$'
status 0 "--expect of its version" "$MF" -r "$repo" ref churn staging v2 --expect v1
status 7 "--expect of none" "$MF" -r "$repo" ref churn staging v1 --expect ""
status 3 "a ref that is not there" "$MF" -r "$repo" ref churn nothing
status 3 "a ref to no version" "$MF" -r "$repo" ref churn staging v99
status 2 "a ref of a version's name" "$MF" -r "$repo" ref churn v1 v2
status 2 "previous cannot be moved" "$MF" -r "$repo" ref churn previous v1

# tags
status 0 "tag" "$MF" -r "$repo" tag churn@v1 quality=good site=there
status 0 "... is shown" "$MF" -r "$repo" show churn@v1 --json
json "... the later one counts" 'r["tags"] == {"quality": "good", "site": "there"}'
status 0 "an empty tag" "$MF" -r "$repo" tag churn@v1 site= --json
status 0 "... removes it" "$MF" -r "$repo" show churn@v1 --json
json "... indeed" 'r["tags"] == {"quality": "good"}'
status 2 "a tag without =" "$MF" -r "$repo" tag churn@v1 quality

# pull
status 0 "pull --json" "$MF" -r "$repo" pull churn@v1 pulled --json
json "... says what and where" 'r["version"] == "v1" and r["files"] == 2 and "path" in r'
check "... the bytes" diff -r -x .modelferry a pulled
status 4 "verify --local of another version" "$MF" -r "$repo" verify churn@v2 --local pulled
says "... names what differs" "sub/more" out
status 0 "verify --local" "$MF" -r "$repo" verify churn@v1 --local pulled

# rollback
status 0 "rollback --best" "$MF" -r "$repo" rollback churn --best accuracy --reason "was slow" --json
status 0 "... goes to the best other" "$MF" -r "$repo" ref churn production --json
json "... by its metric" 'r["version"] == "v1" and r["sequence"] == 3'
status 0 "... and rejects what it leaves" "$MF" -r "$repo" show churn@v2 --json
json "... with the reason" 'r["rejected"] and "was slow" in str(r)'
status 3 "no healthy version has the metric" "$MF" -r "$repo" rollback churn --best accuracy
status 0 "a rejected one if allowed" "$MF" -r "$repo" rollback churn --best accuracy --allow-rejected
status 0 "... is v2" "$MF" -r "$repo" ref churn production
says "... again" "v2" out
status 0 "rollback --to" "$MF" -r "$repo" rollback churn --to "$auto"
status 0 "... is there" "$MF" -r "$repo" ref churn production
says "... now" "$auto" out
status 0 "rollback rejects it" "$MF" -r "$repo" rollback churn --to v2 --allow-rejected
status 2 "--to a rejected version" "$MF" -r "$repo" rollback churn --to "$auto"
status 0 "... only if allowed" "$MF" -r "$repo" rollback churn --to "$auto" --allow-rejected
status 0 "a ref on a rejected version" "$MF" -r "$repo" ref churn production v2
says "... is moved, and told" \
    "churn@v2, which production names now, was rejected by an earlier run or rollback"
"$MF" -r "$repo" ref churn production "$auto" >out 2>err
status 3 "rollback of a model that is not there" "$MF" -r "$repo" rollback nobody

# forget, prune
status 7 "forget what a ref points at" "$MF" -r "$repo" forget "churn@$auto"
says "... names the ref" "production"
data c/x 50000 3
for v in 4 5 6; do
	echo $v >c/y
	"$MF" -r "$repo" push c "churn@v$v" >/dev/null
done
"$MF" -r "$repo" tag churn@v4 keep=yes >/dev/null
status 0 "prune --dry-run with rules" "$MF" -r "$repo" prune --keep-last 1 --keep-tag keep=yes --dry-run --json
json "... says what would go" '{v["version"] for v in r["forgotten"]} == {"v1", "v5"} and r["dry_run"]'
status 0 "... and nothing went" "$MF" -r "$repo" versions churn --json
json "... indeed" 'len(r) == 6'
status 0 "prune with rules" "$MF" -r "$repo" prune --keep-last 1 --keep-tag keep=yes --grace 0s --json
json "... says what went" '{v["version"] for v in r["forgotten"]} == {"v1", "v5"}'
status 0 "... a ref's version stays, and what the rules keep" "$MF" -r "$repo" versions churn --json
json "... indeed" "{v['version'] for v in r} == {'v2', 'v4', 'v6', '$auto'}"
status 0 "--keep-within keeps the young" "$MF" -r "$repo" prune --keep-within 1h --json
json "... all of them" 'r["forgotten"] == []'
status 0 "forget" "$MF" -r "$repo" forget churn@v6
status 3 "... is forgotten" "$MF" -r "$repo" show churn@v6
status 0 "prune without rules" "$MF" -r "$repo" prune --grace 0s
status 0 "verify --json" "$MF" -r "$repo" verify --read-data --json
json "... an object" 'r["ok"] is True and r["damaged"] == [] and r["versions"] == 3'

# stats, doctor
status 0 "stats" "$MF" -r "$repo" stats
status 0 "stats --json" "$MF" -r "$repo" stats --json
json "... counts" 'r["versions"] == 3 and r["models"] == 1 and r["stored_bytes"] > 0'
status 0 "doctor" "$MF" -r "$repo" doctor
status 0 "doctor --json" "$MF" -r "$repo" doctor --json
json "... an object" 'r["ok"] and len(r["findings"]) > 3'
status 0 "doctor of this machine" "$MF" doctor

# replicate
status 0 "replicate" "$MF" -r "$repo" replicate churn@v2 --to "$other" --json
status 0 "... again" "$MF" -r "$repo" replicate churn@v2 --to "$other" --json
json "... is there already" 'r["already"] and r["model"] == "churn" and r["version"] == "v2"'
status 0 "... by a ref" "$MF" -r "$repo" replicate churn@staging --to "$other" --json
json "... says which version that is" 'r["model"] == "churn" and r["version"] == "v2" and r["already"]'
status 2 "replicate to a place of no known kind" "$MF" -r "$repo" replicate churn --to ftp://other
says "... and which there are" '^HINT: .*s3://BUCKET/PATH'
status 0 "... is pulled from there" "$MF" -r "$other" pull churn@v2 from-other
check "... the bytes" diff -r -x .modelferry b from-other
status 3 "replicate to no repository" "$MF" -r "$repo" replicate churn@v2 --to nowhere

# damage, repair
stored=$other
if in_bucket; then
	stored=$scratch/stored
	check "the repository is copied" "$MF" copy "$other" "$stored"
fi
chunk=$(find "$stored/c" -type f -size +100k | head -1)
chmod u+w "$chunk"
printf 'XXXXXXXX' | dd of="$chunk" bs=1 seek=5000 conv=notrunc 2>/dev/null
if in_bucket; then check "... and back, damaged" "$MF" copy "$stored" "$other"; fi
status 4 "damage is found" "$MF" -r "$other" verify --read-data
says "... and its file named" "model.bin" <(cat out err)
# shellcheck disable=SC2016 # the backquotes are of the message
says "... and what finds it again" '`verify --read-data --repair-from DIR`' err
status 4 "a damaged file is not pulled" "$MF" -r "$other" pull churn@v2 broken
check "... nothing is there" test ! -e broken
status 0 "repair from a healthy copy" "$MF" -r "$other" verify --read-data --repair-from b
status 0 "well again" "$MF" -r "$other" verify --read-data

# two pushes that commit at once
both() { # NAME VERSION VERSION: of a and of b; each is done, or ends with 7
	"$MF" -r "$other" push a "race@$2" --force --ref production >one.out 2>one.err &
	one=$!
	"$MF" -r "$other" push b "race@$3" --force --ref production >out 2>err
	two=$?
	wait "$one"
	one=$?
	cat one.err >>err
	case $one:$two in
	[07]:[07]) ok "$1" ;;
	*)
		echo "# statuses $one and $two"
		not_ok "$1"
		;;
	esac
}
both "two pushes at once" v1 v2
check "... of which one is done, and the other one, too, or finds that the ref was moved" \
	test "$one:$two" != 7:7
status 0 "... make two versions" "$MF" -r "$other" versions race --json
json "... of which one is the ref's" 'sorted(v["version"] for v in r) == ["v1", "v2"] and
	sum("production" in v["refs"] for v in r) == 1'
# each that sees the other one's mark takes its own back: never do two stay, perhaps none
both "two at once of one name" v3 v3
check "... are never both done" test "$one:$two" != 0:0
came=$(((one == 0) + (two == 0)))
status 0 "... and there is what was said" "$MF" -r "$other" versions race --json
json "... once, or not at all" 'sum(v["version"] == "v3" for v in r) == '"$came"
status 0 "... all is well" "$MF" -r "$other" verify --read-data

# keys
pair() { env -u MODEL_ENCRYPTION_KEY -u MODEL_HMAC_KEY "$@"; }
echo "correct horse" >phrase-1
echo "battery staple" >phrase-2
chmod 600 phrase-1 phrase-2
status 0 "key generate" "$MF" key generate --out identity-1 --json
json "... gives the public half" 'r["public"].startswith("MODELFERRY-PUBLIC-1 ")'
public=$(python3 -c 'import json; print(json.load(open("out"))["public"])')
check "... for its owner alone" test "$(stat -c %a identity-1)" = 600
status 2 "... never over a file" "$MF" key generate --out identity-1
status 0 "another" "$MF" key generate --out identity-2
status 0 "key add of a public half" "$MF" -r "$repo" key add --label colleague --recipient "$public"
status 0 "... opens with the other half" pair "$MF" -r "$repo" versions --key-file identity-1
status 5 "... not with another identity" pair "$MF" -r "$repo" versions --key-file identity-2
status 0 "key add of a passphrase" "$MF" -r "$repo" key add --label phrase --new-passphrase-file phrase-1
status 0 "... opens" pair "$MF" -r "$repo" versions --passphrase-file phrase-1
status 5 "... not with another" pair "$MF" -r "$repo" versions --passphrase-file phrase-2
status 2 "a label in use" "$MF" -r "$repo" key add --label phrase --new-passphrase-file phrase-2
status 0 "key list" "$MF" -r "$repo" key list
says "... has the labels" "colleague" out
status 0 "key list --json" "$MF" -r "$repo" key list --json
json "... three slots" '[s["kind"] for s in r["slots"]] == ["raw pair", "identity", "passphrase"]'
status 0 "key rotate of a passphrase" "$MF" -r "$repo" key rotate phrase --new-passphrase-file phrase-2
status 5 "... the old one opens no more" pair "$MF" -r "$repo" versions --passphrase-file phrase-1
status 0 "... the new one does" pair "$MF" -r "$repo" versions --passphrase-file phrase-2
status 0 "key rotate of an identity" "$MF" -r "$repo" key rotate colleague --new-key-file identity-2
status 0 "... the new one opens" pair "$MF" -r "$repo" versions --key-file identity-2
status 2 "removing the slot in use" "$MF" -r "$repo" key remove "raw pair"
says "... needs --force" "--force"
status 0 "key remove" "$MF" -r "$repo" key remove phrase
status 5 "... opens no more" pair "$MF" -r "$repo" versions --passphrase-file phrase-2
status 0 "key rekey" "$MF" -r "$repo" key rekey --json
json "... epoch 2" 'r["epoch"] == 2'
status 0 "... all is well" "$MF" -r "$repo" verify --read-data
status 0 "... for the other slot, too" pair "$MF" -r "$repo" versions --key-file identity-2
status 0 "prune --reseal" "$MF" -r "$repo" prune --reseal --grace 0s --json
json "... moves the chunks" 'r["resealed"] > 0'
status 0 "... all is well" "$MF" -r "$repo" verify --read-data
status 0 "the repository is the same" "$MF" -r "$repo" versions --repo-id "$id"
status 5 "... and no other" "$MF" -r "$repo" versions --repo-id "$(printf '%064d' 1)"

# where the output goes
for command in "versions" "ls churn@v2" "cat churn@v2 model.bin" "versions --json" "help"; do
	# shellcheck disable=SC2086
	"$MF" -r "$repo" $command 2>err | true
	got=${PIPESTATUS[0]}
	if [ "$got" -le 1 ] || [ "$got" = 141 ]; then
		ok "a pipe closed early: $command"
	else
		echo "# status $got"
		not_ok "a pipe closed early: $command"
	fi
done
status 6 "a full device" bash -c "'$MF' -r '$repo' versions >/dev/full"
status 0 "environment twins" env MODELFERRY_REPO="$repo" MODELFERRY_JSON=true "$MF" versions
json "... count" 'len(r) == 3'
status 2 "--log-file in no directory" "$MF" -r "$repo" versions --log-file nowhere/log
status 0 "--log-file" "$MF" -r "$repo" versions --log-file log --log-level debug
status 0 "--log-format json" "$MF" -r "$repo" verify --log-format json --log-level debug --json
json "... leaves results alone" 'r["ok"]'
end
