#!/usr/bin/env bash
# Filters mean what they mean to rclone: both copy the same files by the same rules. What differs
# on purpose is in modelferry(1), PATTERNS, and here at the end.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

if ! command -v rclone >/dev/null; then
	[[ ${MF_SERVERS-} == required ]] && not_ok "rclone is not installed"
	[[ ${MF_SERVERS-} == required ]] || ok "rclone # SKIP not installed"
	end
fi
export RCLONE_CONFIG=$PWD/no-such-file

for dir in '' sub/ sub/deep/ sub.bin/ .git/ 'a b/' x/y/z/ sub/tmp/; do
	mkdir -p "src/$dir"
	for name in a b.bin xb.bin A.BIN 'c d' model-00001.safetensors x.tmp .hid 'a{b' '[x]' 'q?' 'st*r' \
	    'a+b' a.b.c '(p)' 'e^f' 'b$' $'caf\xc3\xa9'; do
		echo x >"src/$dir$name"
	done
done

# taken PROGRAM ...: what it copies, sorted.
taken() {
	rm -rf dst
	"$@" >out 2>err && (cd dst 2>/dev/null && find . -type f | sort)
}

# same NAME OPTION ...: ours and rclone's choice are the same, and not trivially.
same() {
	local name=$1
	shift
	taken "$MF" -q copy src dst "$@" >ours
	taken rclone -q copy src dst "$@" >theirs
	check "$name" cmp ours theirs
}

rules() { printf '%s\n' "$@" >rules; }

same "one suffix" --include '*.bin'
check "one suffix: not nothing" grep -q xb.bin ours
same "from any component on" --include 'b.bin'
same "from the top" --include '/b.bin'
same "one level" --exclude '/sub/*'
same "all levels" --exclude '/sub/**'
same "a directory by its slash" --exclude 'sub/' --exclude .git/
same "in the middle" --include 'sub/**/a'
same "a set" --include '[a-c]*' --exclude 'a{b,.}*'
same "either" --include '{*.bin,*.tmp,c d}'
same "one character" --include 'caf?' --include 'q?'
same "escaped" --exclude 'st\*r' --exclude 'q\?' --exclude '\[x\]'
same "signs of regular expressions" --include '(p)' --include 'a+b' --include 'e^f' --include 'b$' --include 'a.b'
same "several excludes" --exclude '*.tmp' --exclude '.*' --exclude '/x/y/'
rules '# what a serving node needs' '; and no more' '' '- *.tmp' '+ /sub/**' '+ *.safetensors' '- *'
same "rules of a file" --filter-from rules
check "rules of a file: not nothing" grep -q '^./sub/deep/a$' ours
rules '+ *.bin' '!' '- /sub/' '- *.bin'
same "forgotten rules" --filter-from rules
rules '+ sub/deep/**' '- sub/**'
same "the first that matches" --filter-from rules

printf '# names\n\n/a\n  x.tmp \t\r\nsub/deep/b.bin\n;\nno/such\n' >list
same "a list of names" --files-from list
check "a list of names: not nothing" test "$(wc -l <ours)" = 3
printf '  # blanks\n + /sub/*.bin \t\r\n\t- *\n' >rules
same "blanks around rules" --filter-from rules
check "blanks around rules: not nothing" grep -q sub/xb.bin ours

# --- a directory that is left out is left alone
mkdir -p src/out/empty src/in/empty out.before/out/there out.before/in/there
if [ "$(id -u)" != 0 ]; then
	chmod 0 src/out
fi
left() {
	rm -rf dst
	cp -r out.before dst
	"$@" -q sync src dst --create-empty-src-dirs >out 2>err --filter-from rules && find dst | sort
}
printf '%s\n' '+ /in/**' '- /**' >rules
left "$MF" >ours
left rclone >theirs
check "empty directories that are left out" cmp ours theirs
check "empty directories that are left out: made, and not deleted" test -d dst/in/empty -a -d dst/out/there
left "$MF" >ours
check "a directory that is left out is not read" grep -qx dst/in/empty ours
chmod 755 src/out
mkdir -p src/out/there
rm -rf dst && cp -r out.before dst
status 0 "--delete-excluded and empty directories" "$MF" sync src dst --filter-from rules --delete-excluded
check "--delete-excluded: empty directories go, also those that the source has" test ! -e dst/out -a -d dst/in
rm -r src/out src/in

# --- on purpose
taken "$MF" -q copy src dst --include '/[!a]' >ours
taken "$MF" -q copy src dst --include '/[^a]' >theirs
check "a set of others, as the shell says it" cmp ours theirs
taken "$MF" -q copy src dst --include '/sub/' >ours
check "a directory is what lies below it" grep -q '^./sub/deep/a$' ours
taken "$MF" -q copy src dst --include 'deep/a' >ours
check "several components at any depth" grep -qx ./sub/deep/a ours
status 2 "a brace that does not close" "$MF" copy src dst --include '{a,b'
says "a brace that does not close: by name" '{a,b'
status 2 "a regular expression" "$MF" copy src dst --include '{{.*}}'
says "a regular expression: by name" 'has {{, a regular expression.*{{\.\*}}'
taken "$MF" -q copy src dst --exclude '*.tmp' --include '/sub/*' >ours
check "the order given" test -z "$(grep tmp ours)" -a -n "$(cat ours)"
end
