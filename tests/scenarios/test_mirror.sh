#!/usr/bin/env bash
# Plain mirrors between directories, by hand: sync, copy, check, and rclone beside them where it
# is installed.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

mtime() { stat -c %.9Y "$1"; }

data 'src/model 1/weights.bin' 3000000 1
data src/config.json 900 2
data $'src/odd/new\nline' 10 3
data $'src/odd/caf\xc3\xa9' 10 4
data src/odd/$'bad\xff' 10 5
: >src/empty
touch -d '2001-02-03 04:05:06.123456789' src/config.json
ln -s config.json src/link
mkdir src/hollow
mkfifo src/pipe

# --- copy and sync
status 0 "copy" "$MF" copy src dst
says "copy: links are skipped by name" 'link: skipped a symbolic link'
says "copy: special files are skipped by name" 'pipe: skipped'
says "copy: what was done" '^copied 6 files, .* 2 skipped' out
check "copy: the same bytes" cmp 'src/model 1/weights.bin' 'dst/model 1/weights.bin'
check "copy: the same time" test "$(mtime dst/config.json)" = "$(mtime src/config.json)"
check "copy: every name" test -f $'dst/odd/new\nline' -a -f dst/odd/$'bad\xff' -a -e dst/empty
check "copy: no link, no empty directory" test ! -e dst/link -a ! -e dst/hollow -a ! -e dst/pipe
status 0 "copy again" "$MF" copy src dst --json
json "copy again: nothing to do" 'r["files"] == 0 and r["checks"] == 6 and r["errors"] == 0'
status 0 "check" "$MF" check src dst
mkdir -p dst/gone/deep
echo old >dst/gone/deep/file
echo old >dst/extra
status 10 "check finds what is more" "$MF" check src dst
says "check: by name" '^- gone/deep/file$' out
status 0 "check --one-way" "$MF" check src dst --one-way
status 0 "copy deletes nothing" "$MF" copy src dst
check "copy deletes nothing: it is there" test -e dst/extra
status 0 "sync --dry-run" "$MF" sync src dst --dry-run
says "sync --dry-run: what would go" '^delete extra$' out
check "sync --dry-run: nothing went" test -e dst/extra -a -e dst/gone/deep/file
status 1 "sync --max-delete" "$MF" sync src dst --max-delete 1
says "sync --max-delete: why" '2 files would be deleted, more than --max-delete 1'
check "sync --max-delete: nothing went" test -e dst/extra -a -e dst/gone/deep/file
status 0 "sync" "$MF" sync src dst --max-delete 2 --delete-after --create-empty-src-dirs
check "sync: gone with its directories" test ! -e dst/gone -a ! -e dst/extra
check "sync --create-empty-src-dirs" test -d dst/hollow
mkdir src/hollow-too
echo beside >src/hollow-1
echo in-the-way >dst/hollow-too
status 0 "an empty directory before names that begin as its own" "$MF" sync src dst --create-empty-src-dirs
check "an empty directory before such names: all are there" test -d dst/hollow -a -s dst/hollow-1
check "an empty directory: a file in its place" test -d dst/hollow-too
status 0 "an empty directory before such names: check" "$MF" check src dst
rm -r src/hollow-too src/hollow-1 dst/hollow-1

status 0 "sync --dry-run to nowhere" "$MF" sync src nowhere/yet --dry-run --json
json "sync --dry-run to nowhere: all of it" 'r["files"] == 6'
check "sync --dry-run to nowhere: it is not made" test ! -e nowhere
begun=$(date +%s%3N)
status 0 "--bwlimit between directories" "$MF" copy src slow --bwlimit 2M:off
check "--bwlimit between directories: it was kept" test $(($(date +%s%3N) - begun)) -gt 1200
status 0 "--bwlimit between directories: for what is received" "$MF" copy src slow2 --bwlimit off:1k
"$MF" copy src slow3 --bwlimit 100k >/dev/null 2>&1 &
copying=$!
for _ in $(seq 300); do
	compgen -G 'slow3/model 1/.modelferry-part-*' >/dev/null && break
	sleep 0.05
done
kill -TERM "$copying"
wait "$copying"
check "--bwlimit between directories: interrupted" test $? = 11

# --- what counts as a difference
touch -d '2010-01-01' src/config.json
status 0 "a new time alone" "$MF" sync src dst --json
json "a new time alone: no bytes" 'r["files"] == 0 and r["touched"] == 1'
check "a new time alone: it is set" test "$(mtime dst/config.json)" = "$(mtime src/config.json)"
touch -d '2010-01-01 00:00:00.4' src/config.json
status 0 "within the window" "$MF" sync src dst --modify-window 500ms --json
json "within the window: nothing" 'r["touched"] == 0'
touch -r src/config.json keep-time
tr '[:lower:]' 'b-za' <src/config.json >changed
cat changed >src/config.json
touch -r keep-time src/config.json dst/config.json
status 0 "the same size and time" "$MF" sync src dst --json
json "the same size and time: taken for the same" 'r["files"] == 0'
status 10 "check sees it" "$MF" check src dst
says "check sees it: by name" '^\* config.json$' out
status 0 "check --size-only does not" "$MF" check src dst --size-only
status 0 "sync --checksum" "$MF" sync src dst --checksum --json
json "sync --checksum: sees it" 'r["files"] == 1'
echo newer >dst/config.json
status 0 "sync --update" "$MF" sync src dst --update
check "sync --update: what is newer stays" grep -q newer dst/config.json
status 7 "sync --immutable" "$MF" sync src dst --immutable
says "sync --immutable: by name" 'config.json differs, and --immutable'
status 0 "sync --ignore-existing" "$MF" sync src dst --ignore-existing
check "sync --ignore-existing: stays" grep -q newer dst/config.json

# --- what is replaced and deleted is kept
echo extra >dst/extra
status 0 "sync --backup-dir" "$MF" sync src dst --backup-dir kept --suffix .old
check "sync --backup-dir: what was replaced" grep -q newer kept/config.json.old
check "sync --backup-dir: what was deleted" grep -q extra kept/extra.old
status 2 "a backup inside" "$MF" sync src dst --backup-dir dst/kept
status 2 "into itself" "$MF" sync src src/copy
status 2 "the same" "$MF" copy src ./src/
status 0 "a name that only begins the same" "$MF" copy src src2

# --- filters
echo t >src/x.tmp
echo t >dst/y.tmp
status 0 "--exclude" "$MF" sync src dst --exclude '*.tmp'
check "--exclude: on both sides" test ! -e dst/x.tmp -a -e dst/y.tmp
status 0 "--delete-excluded" "$MF" sync src dst --exclude '*.tmp' --delete-excluded
check "--delete-excluded" test ! -e dst/y.tmp
rm src/x.tmp
echo config.json >list
status 0 "--files-from" "$MF" copy src one --files-from list
check "--files-from: that one" test "$(find one -type f)" = one/config.json

# --- failures: the others go on, nothing is deleted
echo extra >dst/extra
echo new >src/new
if [ "$(id -u)" != 0 ]; then
	mkdir src/closed
	chmod 0 src/closed
	status 12 "a directory that cannot be read" "$MF" sync src dst
	says "a directory that cannot be read: what to do" 'let this user read it, or leave it out'
	status 0 "a directory that cannot be read and is left out" "$MF" copy src around --exclude /closed/
	check "a directory that cannot be read: nothing is deleted" test -e dst/extra
	rmdir src/closed
	echo secret >src/shut
	chmod 0 src/shut
	status 12 "a file that cannot be read" "$MF" sync src dst
	check "a file that cannot be read: the others" test -e dst/new
	check "a file that cannot be read: nothing is deleted" test -e dst/extra
	rm -f src/shut
fi
status 2 "a file as the source" "$MF" sync src/config.json dst
says "a file as the source: what to do" '--include /NAME'
status 0 "a file as the source: by its directory" "$MF" copy src single --include /config.json
check "a file as the source: that one" test "$(find single -type f)" = single/config.json
status 2 "a file as the destination" "$MF" copy src single/config.json
status 3 "no source" "$MF" sync nowhere dst
check "no source: nothing is deleted" test -e dst/extra
rm -rf dst/new
mkdir -p dst/new/below
echo in-the-way >dst/new/below/x
status 7 "copy where a directory is in the way" "$MF" copy src dst
status 0 "sync makes room" "$MF" sync src dst
check "sync makes room: the file" grep -q new dst/new

# --- cut off in the middle
data src/big.bin 30000000 6
"$MF" sync src dst2 --transfers 2 >/dev/null 2>&1 &
copying=$!
for _ in $(seq 500); do
	[ -n "$(find dst2 -type f 2>/dev/null | head -n 1)" ] && break
	sleep 0.01
done
kill -KILL "$copying"
wait "$copying" 2>/dev/null
check "killed: no half of a file" test ! -e dst2/big.bin -o "$(stat -c %s dst2/big.bin 2>/dev/null)" = 30000000
status 0 "killed: the next run" "$MF" sync src dst2
status 0 "killed: all is there" "$MF" check src dst2

# --- words of rclone's
status 0 "the nightly script's options" "$MF" sync src dst3 --progress --stats 30s \
	--stats-file-name-length 0 --tpslimit 100 --checkers 8 --transfers 4 --exclude "*.tmp" \
	--log-level INFO --log-file nightly.log
says "the nightly script's log" 'info: copied config.json' nightly.log
status 0 "--progress before a path" "$MF" sync --progress src dst3
status 2 "--delete-before is refused by name" "$MF" sync src dst3 --delete-before
says "--delete-before: by name" 'unknown option --delete-before of sync'
status 2 "another scheme" "$MF" sync src ftp://x/y
status 2 "--delete-after=false" "$MF" sync src dst3 --delete-after=false

# --- symbolic links
mkdir -p tied/dir aside
echo one >tied/dir/file
echo two >aside/file
ln -s file tied/dir/link
ln -s ../aside tied/out
ln -s "no such place" tied/broken
status 0 "--links" "$MF" sync tied kept --links --json
json "--links: as files" 'r["files"] == 4 and r["skipped"] == 0'
check "--links: links" test "$(readlink kept/out)" = ../aside -a "$(readlink kept/broken)" = "no such place"
check "--links: their time" test "$(mtime kept/out)" = "$(mtime tied/out)"
status 0 "--links: check" "$MF" check tied kept --links
status 0 "--links: by name where not" "$MF" sync tied plain
says "--links: by name where not: each" 'out: skipped a symbolic link'
status 0 "--links: to files" "$MF" check kept tied -l
rm kept/dir/link
echo other >kept/dir/link
status 0 "--links: a file in the place of a link" "$MF" sync tied kept --links --json
json "--links: a file in the place of a link: goes" 'r["files"] == 1 and r["deletes"] == 1'
check "--links: a file in the place of a link: is one again" test "$(readlink kept/dir/link)" = file
mkdir -p "evil/dir" outside
printf ../../outside >evil/dir.rclonelink
echo bad >evil/dir/file
mkdir taken
status 0 "--links: made of files" "$MF" copy evil taken --include dir.rclonelink
ln -s ../outside taken/dir
status 5 "--links: nothing is written through a link" "$MF" copy evil taken --links --include 'dir/**'
check "--links: nothing is written through a link: outside" test -z "$(ls outside)"
status 12 "--copy-links: a link that leads nowhere" "$MF" sync tied followed -L
says "--copy-links: a link that leads nowhere: by name" 'tied/broken leads nowhere'
check "--copy-links: the rest" test "$(cat followed/out/file followed/dir/link)" = "$(printf 'two\none')"
rm tied/broken
ln -s ../dir tied/dir/again
status 12 "--copy-links: a circle" "$MF" sync tied followed --copy-links
says "--copy-links: a circle: by name" 'tied/dir/again leads back to a directory that it lies in'
rm tied/dir/again
status 0 "--copy-links" "$MF" sync tied followed --copy-links --json
json "--copy-links: nothing more" 'r["files"] == 0 and r["skipped"] == 0'
status 0 "--copy-links: check" "$MF" check tied followed --copy-links
status 2 "--links and --copy-links" "$MF" sync tied followed -l -L

# --- either tool finds nothing to do after the other
if command -v rclone >/dev/null; then
	export RCLONE_CONFIG=/dev/null
	rm -f src/odd/$'bad\xff' # rclone writes such names in its own way
	status 0 "before rclone" "$MF" sync src dst
	status 0 "rclone check after sync" rclone check src dst
	status 0 "rclone sync --dry-run after sync" rclone sync --dry-run src dst
	never_says "rclone sync --dry-run: nothing to do" Skipped
	status 0 "before rclone --links" "$MF" sync tied kept --links
	status 0 "rclone check --links" rclone check --links tied kept
	status 0 "rclone sync --links --dry-run" rclone sync --links --dry-run tied kept
	never_says "rclone sync --links --dry-run: nothing to do" Skipped
	status 0 "rclone sync --copy-links --dry-run" rclone sync --copy-links --dry-run tied followed
	never_says "rclone sync --copy-links --dry-run: nothing to do" Skipped
	status 0 "rclone sync --links" rclone sync --links tied theirs2
	status 0 "sync --links after rclone" "$MF" sync tied theirs2 --links --json
	json "sync --links after rclone: nothing to do" 'r["files"] == 0 and r["touched"] == 0'
	status 0 "rclone sync" rclone sync src theirs
	status 0 "sync after rclone" "$MF" sync src theirs --json
	json "sync after rclone: nothing to do" 'r["files"] == 0 and r["touched"] == 0 and r["deletes"] == 0 and r["errors"] == 0'
	status 0 "check after rclone" "$MF" check src theirs
fi
end
