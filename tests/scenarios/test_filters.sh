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

# --- on purpose
taken "$MF" -q copy src dst --include '/[!a]' >ours
taken "$MF" -q copy src dst --include '/[^a]' >theirs
check "a set of others, as the shell says it" cmp ours theirs
taken "$MF" -q copy src dst --include '/sub/' >ours
check "a directory is what lies below it" grep -q '^./sub/deep/a$' ours
status 2 "a brace that does not close" "$MF" copy src dst --include '{a,b'
says "a brace that does not close: by name" '{a,b'
end
