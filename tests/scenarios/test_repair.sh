#!/bin/bash
# Damaged manifests, and forgets that were cut off: what is wrong is named, with the command to
# type; typed, it helps.
. "${MF_TOP_SRCDIR:-.}/tests/scenarios/lib.sh"

# damage FILE...: other bytes under the same name
damage() { for file; do chmod u+w "$file" && printf 'not what it was' >"$file"; done; }

"$MF" -r repo init >/dev/null
for v in 1 2 3; do
	data "model/weights.bin" 300000 "$v"
	"$MF" -r repo push model "churn@v$v" >/dev/null
	ls repo/m/*/* >"roots-$v"
done
# the root of a version: what its push added
root_of() { if [ "$1" = 1 ]; then cat roots-1; else comm -13 "roots-$(($1 - 1))" "roots-$1"; fi; }
"$MF" -r repo ref churn production v2 >/dev/null

cp -r repo whole
damage "$(root_of 2)"
status 4 "prune stops at a damaged manifest" "$MF" -r repo prune --grace 0s
says "... names the version" 'churn@v2 cannot be read in full, so no chunk was deleted'
says "... and the command" 'HINT: .modelferry forget --damaged churn@v2.'
status 4 "verify names it" "$MF" -r repo verify
says "... by version and object" '^damaged: churn@v2: m/' out
says "... and the command" 'modelferry forget --damaged churn@v2'
status 4 "forget alone refuses" "$MF" -r repo forget churn@v2
says "... and names the word" 'modelferry forget --damaged churn@v2'
status 7 "a ref points at it" "$MF" -r repo forget --damaged churn@v2
says "... and is named" 'modelferry ref churn production OTHER'
status 0 "the ref is moved" "$MF" -r repo ref churn production v3
status 0 "now it can go" "$MF" -r repo forget --damaged churn@v2
says "... and it says what is lost" 'forgot churn@v2; its list of files, tags and metrics are lost' out
status 0 "prune goes on" "$MF" -r repo prune --grace 0s
says "... and deletes" 'deleted 1 manifests and [2-9] objects' out
status 0 "all is well with the others" "$MF" -r repo verify --read-data
says "... two of them" '^2 versions' out

rm -rf repo && mv whole repo
export MODELFERRY_STATE_DIR=$scratch/state-2 # this is an older state of the repository
object=$(root_of 3)
object=${object#repo/}
damage "repo/$object"
status 4 "a version that nothing names" "$MF" -r repo prune --grace 0s
says "... goes by its object" "modelferry forget --damaged $object"
status 0 "... typed" "$MF" -r repo forget --damaged "$object" --json
says "... as JSON" '"damaged": *true' out
status 3 "... once" "$MF" -r repo forget --damaged "$object"
status 0 "prune goes on" "$MF" -r repo prune --grace 0s
status 0 "all is well with the others" "$MF" -r repo verify --read-data

# a list of files: all that a new link adds
"$MF" -r repo push model churn@v3 >/dev/null
ls repo/c/*/* >before
ln -s weights.bin model/link
"$MF" -r repo push model churn@v4 >/dev/null
ls repo/c/*/* >after
segment=$(comm -13 before after)
damage "$segment"
cp -a model copy
status 4 "verify names the damaged list" "$MF" -r repo verify
says "... by version and object" '^damaged: churn@v4: c/.*manifest segment' out
says "... and the way" 'verify --repair-from DIR'
status 4 "prune stops at it" "$MF" -r repo prune --grace 0s
says "... and names the commands" 'verify --repair-from DIR churn@v4. may put it back.*forget churn@v4'
status 4 "a copy of the directory has other inode numbers" "$MF" -r repo verify --repair-from copy
says "... and it says so" 'it cannot be made again: .*inode numbers' out
says "... and what is left to do" 'push the files under another name, and .modelferry forget churn@v4'
rm -rf cache
status 0 "the directory itself brings it back" "$MF" -r repo verify --repair-from model --read-data
says "... and is told" '1 manifest segments repaired: all is well' out
status 0 "the version can be pulled" "$MF" -r repo pull churn@v4 pulled
check "... as it was" diff -r -x .modelferry model pulled
status 0 "prune goes on" "$MF" -r repo prune --grace 0s
check "... and the damaged object is gone" test ! -e "$segment"

# the directory is another by now, and the push's cache has the list
ls repo/c/*/* >before
ln -s weights.bin model/another
"$MF" -r repo push model churn@v5 >/dev/null
ls repo/c/*/* >after
damage "$(comm -13 before after)"
rm model/another
status 0 "the cache of the push brings it back" "$MF" -r repo verify --repair-from model --json
says "... and is told" '"repaired_segments": *1' out
status 0 "all is well" "$MF" -r repo verify --read-data

# a forget killed at each of its operations
if ! "$MF" version --json | grep -q '"failpoints": *true'; then
	end
fi
rm -rf repo "$MODELFERRY_STATE_DIR"
"$MF" -r repo init >/dev/null
for v in 1 2 3; do
	data "model/weights.bin" 300000 "$v"
	"$MF" -r repo push model "churn@v$v" >/dev/null
done
cp -r repo three && cp -r "$MODELFERRY_STATE_DIR" three-state
lists() { find repo/x -type f 2>/dev/null; }
for ((n = 1; n < 100; n++)); do
	rm -rf repo "$MODELFERRY_STATE_DIR"
	cp -r three repo && cp -r three-state "$MODELFERRY_STATE_DIR"
	MODELFERRY_TEST_KILL_AT_OP=$n "$MF" -r repo forget churn@v2 >out 2>err
	got=$?
	[ "$got" = 137 ] || break
	"$MF" -r repo prune --grace 0s >out 2>err
	if [ -n "$(lists)" ] && ! grep -q "modelferry forget churn@v2" err; then
		not_ok "killed at operation $n: prune says what to do about the list"
		break
	fi
	"$MF" -r repo forget churn@v2 >out 2>err
	"$MF" -r repo prune --grace 0s >out 2>err
	if "$MF" -r repo show churn@v2 >out 2>&1 || [ -n "$(lists)" ]; then
		not_ok "killed at operation $n, run again, pruned: nothing is left of it"
		break
	fi
done 2>/dev/null
if [ "$got" = 0 ] && [ "$n" -gt 3 ]; then
	ok "forget: killed at each of $((n - 1)) operations"
else
	not_ok "forget: $n operations, status $got"
fi

# A list that a killed forget left behind, and that was damaged then.
rm -rf repo "$MODELFERRY_STATE_DIR"
cp -r three repo && cp -r three-state "$MODELFERRY_STATE_DIR"
for ((n = 1; n < 100; n++)); do
	MODELFERRY_TEST_KILL_AT_OP=$n "$MF" -r repo forget churn@v2 >out 2>err
	[ -z "$(lists)" ] || break
done 2>/dev/null
list=$(lists)
damage "$list"
list=${list#repo/}
data model/weights.bin 300000 9
status 4 "a damaged condemned list stops a push" "$MF" -r repo push model churn@v9
says "... which names it, and the command" "HINT: .*modelferry forget --damaged $list."
status 4 "verify names it" "$MF" -r repo verify
says "... too" "$list" out
status 0 "the command" "$MF" -r repo forget --damaged "$list"
says "... says what it did" "^forgot $list, which could not be read: " out
status 0 "the push goes on" "$MF" -r repo push model churn@v9
status 0 "and so does prune" "$MF" -r repo prune --grace 0s
status 0 "nothing else is damaged" "$MF" -r repo verify --read-data
end
