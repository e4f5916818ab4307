#!/usr/bin/env bash
# Sources as they come: every kind of file and name, what is refused, what changes meanwhile.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

status 0 "init" "$MF" -r repo init

# names and kinds that must survive
data s/big.bin 20000000 1
data s/small/a 100 2
data s/small/b 5000 3
: >s/empty
mkdir -p s/empty-dir s/deep
printf 'x' >"s/new
line"
printf 'y' >"$(printf 's/not-utf8-\377\376')"
ln -s small/a s/inner-link
ln -s ../small/b s/deep/up-link
ln s/big.bin s/big-again.bin
truncate -s 30000000 s/sparse.bin
chmod 640 s/small/a
p=s/deep
for _ in 1 2 3 4 5 6 7 8 9 10; do
	p=$p/$(printf 'd%.0s' $(seq 1 200))
	mkdir -p "$p"
done
echo long >"$p/leaf"
status 0 "push everything" "$MF" -r repo push s all@v1
status 0 "pull it" "$MF" -r repo pull all@v1 got
check "the same bytes, links and names" diff -r --no-dereference -x .modelferry s got
check "an inner link is kept" test "$(readlink got/inner-link)" = small/a
check "a hard link is one" test got/big.bin -ef got/big-again.bin
check "an empty directory is there" test -d got/empty-dir
check "modes are kept" test "$(stat -c %a got/small/a)" = 640
check "modification times are kept" test "$(stat -c %Y s/big.bin)" = "$(stat -c %Y got/big.bin)"
status 0 "verify a local directory" "$MF" -r repo verify all@v1 --local got
echo changed >>got/small/a
status 4 "... and a changed one" "$MF" -r repo verify all@v1 --local got
grep -q 'small/a' out err && ok "... is named" || not_ok "... is named"

# a Hugging Face cache: snapshots are links into blobs
data hf/blobs/abc 2000000 4
mkdir -p hf/snapshots/rev
ln -s ../../blobs/abc hf/snapshots/rev/model.safetensors
status 0 "a cache layout is pushed" "$MF" -r repo push hf/snapshots/rev hf@v1
status 0 "... and pulled" "$MF" -r repo pull hf@v1 hfgot
check "... as files" cmp hf/blobs/abc hfgot/model.safetensors
check "... not links" test ! -L hfgot/model.safetensors

# refused by name
mkdir r
echo x >r/x
mkfifo r/fifo
status 12 "a FIFO is refused" "$MF" -r repo push r bad@v1
says "... by name" "r/fifo"
status 0 "... or left out on demand" "$MF" -r repo push r bad@v1 --allow-partial
rm r/fifo
ln -s loop-b r/loop-a
ln -s loop-a r/loop-b
status 0 "a loop of inner links is kept, not followed" "$MF" -r repo push r loop@v1
rm r/loop-a r/loop-b
ln -s /nonexistent/model r/dangling
status 12 "a link to nothing is refused" "$MF" -r repo push r bad@v2
says "... by name" "r/dangling"
rm r/dangling
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("r/sock")'
status 12 "a socket is refused" "$MF" -r repo push r bad@v3
status 0 "... or excluded" "$MF" -r repo push r bad@v3 --exclude '/sock'
rm r/sock
if [ "$(id -u)" != 0 ]; then
	chmod 000 r/x
	status 12 "a file without permission" "$MF" -r repo push r bad@v4
	chmod 600 r/x
fi
status 2 "a source that is not there" "$MF" -r repo push nowhere bad@v5
says "... is named" "nowhere"

# a file that keeps changing
data ch/f 400000000 5
(for _ in $(seq 1 200); do echo x >>ch/f; sleep 0.01; done) &
writer=$!
"$MF" -r repo push ch moving@v1 >out 2>err
got=$?
kill $writer 2>/dev/null
wait $writer 2>/dev/null
if [ $got = 12 ] || [ $got = 0 ]; then ok "a growing file: read whole or refused (status $got)"; else not_ok "a growing file: status $got"; fi
status 0 "whatever came of it verifies" "$MF" -r repo verify --read-data

# an unchanged push
status 0 "push again" "$MF" -r repo --json push s all
says "... makes no version" '"unchanged": *true|"version": *"v1"' out
end
