#!/usr/bin/env bash
# A repository that somebody else writes to: every object removed, truncated, replaced by
# another, every byte flipped (tamper.py); and older states put back.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

data a/model.bin 20000 1
echo '{"v":1}' >a/config.json
mkdir a/sub b
cp -r a/* b
data b/model.bin 21000 2
echo hello >b/sub/more
"$MF" -r repo init >/dev/null
"$MF" -r repo push a churn@v1 --ref production >/dev/null
"$MF" -r repo push b churn@v2 --ref production >/dev/null
"$MF" -r repo tag churn@v1 quality=good >/dev/null
"$MF" -r repo tag churn@v2 quality=better >/dev/null
check "a sound repository" "$MF" -r repo verify --read-data
python3 "$MF_TOP_SRCDIR/tests/scenarios/tamper.py" "$MF" 2 >tap 2>&1 || tap_failed=1
cat tap
tap_n=$((tap_n + $(grep -cE '^(not )?ok ' tap)))
[ "$(grep -cE '^(not )?ok ' tap)" -gt 30 ] || not_ok "tamper.py looked at every object"

# what a pull must never do
shows_nothing() { # NAME DIR
	if [ -z "$(find "$2" -mindepth 1 -maxdepth 1 ! -name .modelferry 2>/dev/null)" ]; then
		ok "$1"
	else
		not_ok "$1"
	fi
}
fresh() { rm -rf fresh-state && MODELFERRY_STATE_DIR=$scratch/fresh-state "$@"; }

# an older ref
"$MF" -r repo pull churn seen >/dev/null
cp -r repo good
rm -f repo/r/*/*/0000000000000002
status 5 "the newest move of a ref removed: refused by who has seen it" "$MF" -r repo pull churn old
says "... and named" "production"
shows_nothing "... nothing is shown" old
status 5 "... also where the ref is read" "$MF" -r repo ref churn production
status 5 "... and where it is to be moved" "$MF" -r repo ref churn production v2
status 0 "... taken by a client that has not" fresh "$MF" -r repo pull churn old1
check "... which gets that version, whole" diff -r -x .modelferry a old1
status 5 "... unless told what to expect" fresh "$MF" -r repo pull churn old2 --min-sequence 2
rm -f repo/r/*/*/*
status 5 "all of a ref removed: refused by who has seen it" "$MF" -r repo pull churn@production old3
shows_nothing "... nothing is shown" old3
rm -rf repo
cp -r good repo
cp repo/r/*/*/0000000000000001 "$(echo repo/r/*/*)/0000000000000003"
status 4 "an older move under a newer number: damaged" "$MF" -r repo pull churn old4
shows_nothing "... nothing is shown" old4
status 4 "... also for a client that has seen nothing" fresh "$MF" -r repo pull churn old4
rm -rf repo
cp -r good repo

# an older configuration
cp repo/config/0000000000000001 config-1
echo secret >passphrase
chmod 600 passphrase
status 0 "a key slot is added" "$MF" -r repo key add --new-passphrase-file passphrase --label second
check "the older configuration is gone" test ! -e repo/config/0000000000000001
cp repo/config/0000000000000002 config-2
cp config-1 repo/config/0000000000000001
status 0 "an older configuration beside the newer: the newer counts" "$MF" -r repo key list
says "... with the slot" "second" out
rm repo/config/0000000000000002
status 5 "instead of the newer: refused by who has seen it" "$MF" -r repo versions
says "... as what it is" "older"
status 5 "... no pull" "$MF" -r repo pull churn@v1 old5
shows_nothing "... nothing is shown" old5
status 0 "... taken by a client that has not" fresh "$MF" -r repo pull churn@v1 old6
cp config-1 repo/config/0000000000000002
rm repo/config/0000000000000001
status 4 "an older configuration under the newer's name: damaged" "$MF" -r repo versions
says "... and named" "config/0000000000000002"
status 4 "... also for a client that has seen nothing" fresh "$MF" -r repo versions
cp config-2 repo/config/0000000000000002
status 0 "all is well with the newer" "$MF" -r repo verify --read-data

# an older manifest: a version of the same name that was forgotten
"$MF" -r repo ref churn production v2 >/dev/null
rm -rf repo.old
cp -r repo repo.old
old=$("$MF" -r repo show churn@v1 --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["created"])')
status 0 "forget v1" "$MF" -r repo forget churn@v1
status 0 "another v1" "$MF" -r repo push b churn@v1 --force --ref staging
status 0 "is pulled" "$MF" -r repo pull churn@v1 again
check "... and is the other" test "$("$MF" -r repo show churn@v1 --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["created"])')" != "$old"
rm -rf repo/m repo/v
cp -r repo.old/m repo.old/v repo
status 5 "the earlier v1 in its place: not what a ref was set to" "$MF" -r repo pull churn@staging old7
shows_nothing "... nothing is shown" old7
status 5 "... for nobody" fresh "$MF" -r repo pull churn@staging old7
status 5 "by its name: refused by who has pulled the later one" "$MF" -r repo pull churn@v1 old8
shows_nothing "... nothing is shown" old8
status 0 "... taken by a client that has not" fresh "$MF" -r repo pull churn@v1 old9
check "... which gets it whole" diff -r -x .modelferry a old9

# what was noted about a version
rm -rf repo
cp -r good repo
status 0 "production moves on" fresh "$MF" -r repo push a churn@v3 --force --ref production
status 0 "v2 is noted once" fresh "$MF" -r repo tag churn@v2 site=here
status 0 "... and again" fresh "$MF" -r repo tag churn@v2 site=there
notes=$(echo repo/a/*/*/)
for d in $notes; do
	if [ "$(find "$d" -type f | wc -l)" = 3 ]; then rm "$(find "$d" -type f | sort | sed -n 2p)"; fi
done
status 0 "one removed that another came after: v2 is shown" fresh "$MF" -r repo show churn@v2
says "... and it is told" "was noted about churn@v2, was removed"
status 4 "... verify calls it damage" fresh "$MF" -r repo verify
status 4 "... nothing rolls back to v2 by itself" fresh "$MF" -r repo rollback churn
status 0 "... versions are listed" fresh "$MF" -r repo versions
status 0 "... and v2 is pulled" fresh "$MF" -r repo pull churn@v2 noted
status 0 "... a person says where to go" fresh "$MF" -r repo rollback churn --to v2

# what a reader would refuse is not written
status 2 "a tag that is too long" fresh "$MF" -r repo tag churn@v1 "k=$(head -c 70000 /dev/zero | tr '\0' x)"
status 2 "... with a push" fresh "$MF" -r repo push a churn@v4 --force --tag "k=$(head -c 70000 /dev/zero | tr '\0' x)"
status 2 "a reason that is too long" fresh "$MF" -r repo rollback churn --to v3 --allow-rejected --reason "$(head -c 70000 /dev/zero | tr '\0' x)"
status 0 "the model is as it was" fresh "$MF" -r repo versions churn
end
