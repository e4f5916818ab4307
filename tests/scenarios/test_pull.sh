#!/usr/bin/env bash
# Pulls: flips, resumes, what is refused before the first byte, full and read-only targets.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

data a/model.bin 60000000 1
echo '{"v":1}' >a/config.json
cp -r a b
data b/model.bin 61000000 2
status 0 "init" "$MF" -r repo init
status 0 "push v1" "$MF" -r repo push a churn@v1 --ref production
status 0 "push v2" "$MF" -r repo push b churn@v2

# a link
status 0 "pull production with a link" "$MF" -r repo pull churn vol --link current
check "the link shows v1" diff -r a vol/current
check "the link is relative" test "$(readlink vol/current)" = "$(readlink vol/current | sed 's|^/||')"
status 0 "move production" "$MF" -r repo ref churn production v2
status 2 "pull to its directory without a link" "$MF" -r repo pull churn vol
says "... is told what it has" 'vol has versions of a pull with --link in it'
status 0 "pull again" "$MF" -r repo pull churn vol --link current
check "the link shows v2" diff -r b vol/current
check "the old version stays for its readers" test "$(find vol/.modelferry/versions -mindepth 1 -maxdepth 1 | wc -l)" = 2
status 0 "a pull of what is there does nothing" "$MF" -r repo --json pull churn vol --link current
status 0 "roll back" "$MF" -r repo rollback churn
status 0 "pull after the rollback" "$MF" -r repo pull churn vol --link current
check "the link shows v1 again" diff -r a vol/current
status 3 "a second rollback has nowhere to go" "$MF" -r repo rollback churn

# written through: the other local version is its own
v2=$(find vol/.modelferry/versions -maxdepth 1 -name 'v2-*')
chmod u+w "$v2/config.json"
echo scribble >"$v2/config.json"
check "writing through one local version leaves the other intact" diff -r a vol/current

# no link
status 0 "pull into an absent directory" "$MF" -r repo pull churn@v1 d/new -v
says "... and says where the time went" \
	"by stage .*check=[0-9.]*[1-9].* seal=[0-9.]*[1-9].* store=[0-9.]*[1-9].* write=[0-9.]*[1-9]"
check "the bytes are there" diff -r -x .modelferry a d/new
status 0 "pull another version into the same directory" "$MF" -r repo pull churn@v2 d/new
check "it was exchanged" diff -r -x .modelferry b d/new
check "nothing else is left beside it" test "$(find d -mindepth 1 -maxdepth 1 | wc -l)" = 1
mkdir mine
echo precious >mine/file
status 2 "a directory with somebody's files is refused" "$MF" -r repo pull churn@v1 mine
says "... with the way out" "--link"
check "... and untouched" test "$(cat mine/file)" = precious

# resume
if has_failpoints; then
	MODELFERRY_TEST_KILL_AT_OP=12 "$MF" -r repo pull churn@v2 res --link current >out 2>err
	check "a pull is killed" test $? = 137
	check "... and shows nothing" test ! -e res/current
	status 0 "... and resumes" "$MF" -r repo --json pull churn@v2 res --link current
	python3 -c 'import json,sys; r=json.load(open("out")); sys.exit(not r["reused_bytes"] > 0)' &&
		ok "... fetching only what was missing" || not_ok "... fetching only what was missing"
	check "... to the right bytes" diff -r b res/current
fi

# hard links between local versions
status 0 "pull v1 with --hard-link" "$MF" -r repo pull churn@v1 hl --link current --hard-link
cp -r --preserve=timestamps a c
echo '{"v":3}' >c/config.json
status 0 "push v3, which shares a file with v1" "$MF" -r repo push c churn@v3
old=$(readlink -f hl/current)
status 0 "pull v3 with --hard-link" "$MF" -r repo pull churn@v3 hl --link current --hard-link
check "the equal file is one on the disk" test "$old/model.bin" -ef hl/current/model.bin
check "... that nobody is to write" test "$(stat -L -c %a hl/current/model.bin)" = 444
check "the other file is not shared" test ! "$old/config.json" -ef hl/current/config.json
check "the bytes are right" diff -r c hl/current

# modes, as the command line says them
modes() { stat -c %a "$1/model.bin" "$1/tool" "$1/sub" | xargs; }
mkdir -m 711 m && mkdir -m 700 m/sub && echo x >m/model.bin && echo y >m/sub/file && chmod 600 m/model.bin
echo z >m/tool && chmod 755 m/tool
status 0 "push private files" "$MF" -r repo push m modes@v1
status 0 "pull them" "$MF" -r repo pull modes@v1 m1
check "the group may read them" test "$(modes m1)" = "640 755 750"
status 0 "pull --no-perms" "$MF" -r repo pull modes@v1 m2 --no-perms
check "modes are fixed ones" test "$(modes m2)" = "640 640 750"
status 0 "pull --chmod" "$MF" -r repo pull modes@v1 m3 --chmod 0604
check "modes are those" test "$(modes m3)" = "604 604 705"
status 2 "--chmod takes octal digits" "$MF" -r repo pull modes@v1 m4 --chmod u+r

# one at a time
mkdir -p lock/.modelferry
exec 9>lock/.modelferry/lock
flock 9
status 7 "a second pull in the same directory" "$MF" -r repo pull churn@v1 lock --link x
exec 9>.beside.modelferry-lock
flock 9
status 7 "... and without a link" "$MF" -r repo pull churn@v1 beside
exec 9>&-

# rules about the ref
status 5 "--min-sequence refuses an older ref" "$MF" -r repo pull churn mseq --min-sequence 99
status 5 "--max-ref-age refuses an old ref" bash -c "sleep 1.1; '$MF' -r repo pull churn mage --max-ref-age 1s"
status 3 "a version that is not there" "$MF" -r repo pull churn@v9 none
says "... with what there is" "v1"
status 0 "--dry-run says what it would do" "$MF" -r repo pull churn@v1 dry --dry-run
check "... and does nothing" test ! -e dry

# selection
status 0 "--include takes a part" "$MF" -r repo pull churn@v1 part --include '*.json'
check "... only that" test "$(find part -type f -not -path '*/.modelferry/*' | wc -l)" = 1

# full and read-only targets: in a mount namespace of our own
small() { unshare -rm bash -c "mkdir -p tiny; mount -t tmpfs -o size=$1 none tiny; $2" 2>err >out; }
namespaces=no
unshare -rm true 2>/dev/null && namespaces=yes
if [ $namespaces = yes ]; then
	small 8m "'$MF' -r repo pull churn@v1 tiny/x --link l; echo \$? >code; ls -A tiny/x/.modelferry/staging >left-staged"
	if [ "$(cat code)" = 6 ]; then ok "a target that is too small: status 6"; else not_ok "a target that is too small: $(cat code)"; fi
	says "... and the message says how much is free" "free"
	check "... and nothing is left of it" test ! -s left-staged
	small 8m "'$MF' -r repo pull churn@v1 tiny/d; echo \$? >code; ls -A tiny >left-staged"
	if [ "$(cat code)" = 6 ]; then ok "... without a link: status 6"; else not_ok "... without a link: $(cat code)"; fi
	check "... and nothing is left of it" test ! -s left-staged
	small 8m "'$MF' -r tiny/repo init && '$MF' -r tiny/repo push a churn@v1; echo \$? >code"
	if [ "$(cat code)" = 6 ]; then ok "a full repository: status 6"; else not_ok "a full repository: $(cat code)"; fi
	small 4k "'$MF' -r repo --state-dir tiny/state show churn@v1; echo \$? >code"
	if [ "$(cat code)" = 6 ]; then ok "no room for the state: status 6"; else not_ok "no room for the state: $(cat code)"; fi
	says "... and the message says what helps" "free some space there, or give --state-dir DIR"
	small 200m "mkdir tiny/d; mount -o remount,ro none tiny; '$MF' -r repo pull churn@v1 tiny/d --link l; echo \$? >code"
	if [ "$(cat code)" = 5 ]; then ok "a read-only target: status 5"; else not_ok "a read-only target: $(cat code)"; fi
	small 8m "'$MF' -r repo pull churn@v1 tiny; echo \$? >code"
	if [ "$(cat code)" = 2 ]; then ok "a mount point cannot be exchanged: status 2"; else not_ok "mount point: $(cat code)"; fi
	says "... and the message says so" "tiny is a mount point"
	says "... with the way out" "--link"
	mkdir many
	for i in $(seq 40); do echo "$i" >"many/$i"; done
	"$MF" -r repo push many many@v1 >/dev/null 2>&1
	small 8m,nr_inodes=30 "'$MF' -r repo pull many@v1 tiny/x --link l; echo \$? >code"
	if [ "$(cat code)" = 6 ]; then ok "too few inodes: status 6"; else not_ok "too few inodes: $(cat code)"; fi
	says "... and the message says so" "[0-9]+ inodes free, and the version takes 40"
	small 90m "'$MF' -r repo pull churn@v1 tiny/x --link l --hard-link && '$MF' -r repo pull churn@v3 tiny/x --link l --hard-link; echo \$? >code"
	if [ "$(cat code)" = 0 ]; then ok "what is linked takes no space"; else not_ok "what is linked takes no space: $(cat code)"; fi
fi
if [ $namespaces = yes ] && has_failpoints; then
	small 90m "MODELFERRY_TEST_KILL_AT_OP=12 '$MF' -r repo pull churn@v1 tiny/x --link l; head -c 20m /dev/zero >tiny/other; '$MF' -r repo pull churn@v1 tiny/x --link l; echo \$? >code"
	if [ "$(cat code)" = 0 ]; then ok "what a killed pull wrote is not counted twice"; else not_ok "what a killed pull wrote: $(cat code)"; fi
	small 90m "MODELFERRY_TEST_KILL_AT_OP=12 '$MF' -r repo pull churn@v1 tiny/x --link l; head -c 60m /dev/zero >tiny/other; '$MF' -r repo pull churn@v1 tiny/x --link l; echo \$? >code"
	if [ "$(cat code)" = 6 ]; then ok "the rest of it does not fit: status 6"; else not_ok "the rest of it does not fit: $(cat code)"; fi
	says "... before the first byte" "free, and the version takes"
fi
end
