#!/usr/bin/env bash
# What a server, or something on the way to it, can do wrong, byte by byte, by tests/harness/
# fault-server: whatever happens, a run is done or ends with a status that says "again", the next
# one finishes it without sending what had arrived, and every byte is right.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

unset "${!AWS_@}"
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=first AWS_SECRET_ACCESS_KEY=secret MODELFERRY_REPO=s3://bucket/repo
impatient=(--stall-time 1s --answer-timeout 2s --patience 1s)
twice=(--retries 1 --stall-time 1s --answer-timeout 2s --patience 1s)

mkdir server
"$MF_TOP_BUILDDIR/tests/harness/fault-server" server --page 60 &
server=$!
trap 'kill "$server"; wait "$server"; rm -rf "$scratch"' EXIT
for _ in $(seq 3000); do
	[ -e server/url ] && break
	sleep 0.02
done
url=$(cat server/url) || exit 99
export MODELFERRY_ENDPOINT_URL=$url
log=server/log

# faults RULE...: these from now on, and an empty log. A rule is the query of fault-server.c
faults() {
	local rule
	curl -sf -X DELETE "$url/_fault" >/dev/null || exit 99
	: >"$log"
	for rule; do
		curl -sf -X POST "$url/_fault?$rule" >/dev/null || exit 99
	done
}
no_faults() { curl -sf -X DELETE "$url/_fault" >/dev/null; }
played() { # AT LEAST
	local n
	n=$(curl -sf "$url/_fault")
	echo "$n times" >out
	test "$n" -ge "$1"
}
wait_for() { # PATTERN: in the server's log, a minute at most
	local i
	for ((i = 0; i < 3000; i++)); do
		grep -q -- "$1" "$log" && return
		sleep 0.02
	done
	return 1
}
# not_twice: nothing was put again, a file's part neither, whose put was answered as it should be.
# Chunks go by their ids: another copy has another name.
not_twice() {
	awk '$1 == "put" || $1 == "part" {
		id = $6
		if (id ~ /\/c\/..\//) sub(/\.[0-9a-f]*$/, "", id)
		if (id in arrived) { print; bad = 1 }
		if ($2 == 200 && $5 == "-") arrived[id] = 1
	} END { exit bad }' "$log"
}

turn=0
fresh() { # another source, in chunks of its own
	local i
	turn=$((turn + 1))
	data all 5500000 "$turn"
	mkdir -p src
	for i in 0 1 2 3 4; do
		dd if=all of="src/w$i.bin" bs=1100000 skip="$i" count=1 status=none
	done
	echo "{\"turn\": $turn}" >src/config.json
}

# push_with NAME STATUS RULE...: a push with these faults; then, after a failure, one without
push_with() {
	local name="push, $1" want=$2 limits=("${impatient[@]}")
	shift 2
	[ "$want" = 0 ] || limits=("${twice[@]}")
	fresh
	faults "$@"
	status "$want" "$name" "$MF" push src "m@v$turn" "${limits[@]}"
	check "$name: all were played" played $#
	no_faults
	if [ "$want" != 0 ]; then
		status 0 "$name: again" "$MF" push src "m@v$turn"
	fi
	check "$name: nothing was sent again" not_twice
	check "$name: it can be pulled" "$MF" pull "m@v$turn" pulled
	check "$name: the same bytes" diff -r src pulled --exclude=.modelferry
}

# pull_with NAME STATUS RULE...: the same of a pull, of the last version
pull_with() {
	local name="pull, $1" want=$2 limits=("${impatient[@]}")
	shift 2
	[ "$want" = 0 ] || limits=("${twice[@]}" --transfers 1)
	rm -rf dst
	faults "$@"
	status "$want" "$name" "$MF" pull "m@v$turn" dst --link current "${limits[@]}"
	check "$name: all were played" played $#
	no_faults
	if [ "$want" != 0 ]; then
		check "$name: nothing is to be seen" test ! -e dst/current
		status 0 "$name: again" "$MF" pull "m@v$turn" dst --link current --json
		check "$name: again, the rest" test \
			"$(sed -n 's/.*"fetched_bytes": \([0-9]*\).*/\1/p' out)" -lt 5000000
	fi
	check "$name: the same bytes" diff -r src dst/current/
}

# up_with, down_with NAME STATUS RULE...: copy of a plain tree to the bucket, and from it
up_with() {
	local name="copy up, $1" want=$2 limits=("${impatient[@]}")
	shift 2
	[ "$want" = 0 ] || limits=("${twice[@]}")
	fresh
	[ ! -e large.bin ] || ln -f large.bin src/large.bin
	faults "$@"
	status "$want" "$name" "$MF" copy src "s3://bucket/plain$turn" "${limits[@]}"
	check "$name: all were played" played $#
	no_faults
	if [ "$want" != 0 ]; then
		status 0 "$name: again" "$MF" copy src "s3://bucket/plain$turn"
	fi
	check "$name: nothing was sent again" not_twice
	status 0 "$name: check" "$MF" check src "s3://bucket/plain$turn" --download
	rm -f src/large.bin
}
down_with() {
	local name="copy down, $1" want=$2 limits=("${impatient[@]}")
	shift 2
	[ "$want" = 0 ] || limits=("${twice[@]}")
	rm -rf back
	faults "$@"
	status "$want" "$name" "$MF" copy "s3://bucket/plain$turn" back "${limits[@]}"
	check "$name: all were played" played $#
	no_faults
	if [ "$want" != 0 ]; then
		check "$name: no wrong file" test ! -e back/w1.bin
		status 0 "$name: again" "$MF" copy "s3://bucket/plain$turn" back
	fi
	check "$name: the same bytes" diff -r src back
}

# once push_with|... NAME PART FAULT...: each of them once, for one request after the other
once() {
	local kind=$1 name=$2 part=$3 rules=() fault
	shift 3
	for fault; do rules+=("fault=$fault&$part&times=1"); done
	"$kind" "$name" 0 "${rules[@]}"
}

status 0 "init" "$MF" init

# --- listings, of which one page is wrong
limit=96 # --memory and 32 MiB
grep -q fsanitize "$MF_TOP_BUILDDIR/Makefile" && limit=1024 # of which sanitizers take their share
memory() { # MIB COMMAND...: its status, unless it took more
	python3 -c '
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
print(f"{peak} MiB")
sys.exit(status if peak < int(sys.argv[1]) else 99)' "$@"
}
rules=()
for fault in malformed-list entities deep-list endless-list endless-text repeat-token repeat-page \
	html gzip; do
	rules+=("fault=$fault&op=list&after=${#rules[@]}&times=1")
done
push_with "listings" 0 "${rules[@]}"
for fault in malformed-list entities repeat-token repeat-page; do
	faults "fault=$fault&op=list&after=2"
	status 6 "versions, $fault" "$MF" versions "${twice[@]}"
done
for fault in deep-list endless-list endless-text; do
	faults "fault=$fault&op=list&after=2"
	status 6 "versions, $fault" memory "$limit" "$MF" versions --memory 64M "${twice[@]}"
done

# --- a push: what breaks, what somebody else answers, what does not arrive as it was sent
chunk='op=put&name=/c/'
once push_with "connections that break" "$chunk" reset reset-request lose
once push_with "answers that are none" "$chunk" garbage html late-error
once push_with "errors without form or end" "$chunk" malformed-error endless-error
once push_with "sums that differ" "$chunk" corrupt-request checksum \
	'refuse&value=400,XAmzContentChecksumMismatch'
once push_with "a slow reader" "$chunk" stall-request
push_with "conditional puts that met" 0 \
	'fault=refuse&value=409,ConditionalRequestConflict&op=put&name=/m/&times=2' \
	'fault=lose&op=put&name=/m/&times=1'
for fault in lose html; do
	push_with "$fault, for long" 6 "fault=$fault&$chunk&after=1"
done
push_with "a manifest that is lost for long" 6 'fault=html&op=put&name=/m/'

# --- a pull
# the first one is the list of files
chunk='op=get&name=/c/&after=1'
once pull_with "bodies of another length" "$chunk" truncate shorten lengthen tail
once pull_with "connections that break" "$chunk" reset-answer lose endless-head garbage
once pull_with "bodies that are something else" "$chunk" html gzip late-error
once pull_with "corrupt bodies" "$chunk" corrupt corrupt-half
once pull_with "a slow body" "$chunk" drip
pull_with "corrupt records" 0 'fault=corrupt&op=get&name=/config/&times=1' \
	'fault=corrupt&op=get&name=/m/&times=1'
pull_with "reset-answer, for long" 6 "fault=reset-answer&op=get&name=/c/&after=3"
# what is corrupt each time it is read is damaged, as far as anybody can tell
pull_with "corrupt, for long" 4 "fault=corrupt&op=get&name=/c/&after=3"

# --- what the server thinks of time, place and credentials
push_with "a clock that is ahead" 0 'fault=skew&value=3600'
pull_with "a clock that is behind" 0 'fault=skew&value=-3600'
faults 'fault=skew&value=-3600'
status 0 "a clock that is behind: others" "$MF" versions
says "a clock that is behind: says so" 'clock is off by (3599|360[01]) s'
push_with "another region" 0 'fault=region&value=eu-faulty-7'
check "another region: asked for once" test "$(grep -c ' region ' "$log")" = 1
pull_with "another region" 0 'fault=region&value=eu-faulty-7'
faults 'fault=front'
status 0 "a front that changes Accept-Encoding" "$MF" verify
check "a front that changes Accept-Encoding: nobody had signed it" test "$(curl -sf "$url/_fault")" = 0

credentials() { # ID
	printf '[default]\naws_access_key_id=%s\naws_secret_access_key=s\naws_session_token=t\n' \
		"$1" >credentials.new
	mv credentials.new credentials
}
# held COMMAND...: begun, with its third chunk on the way
held() {
	faults 'fault=hold&op=put&name=/c/&after=2'
	"$@" >pushed 2>&1 &
	pushing=$!
	wait_for ' hold '
}
credentials old
fresh
held env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$MF" push src "m@v$turn" \
	--s3-credentials-file credentials
credentials new
curl -sf -X POST "$url/_fault?fault=expired&value=old" >/dev/null
check "a token that ends in mid-run: it goes on with the new one" wait "$pushing"
check "a token that ends in mid-run: it had ended" grep -q '^put 400 .* old expired ' "$log"
check "a token that ends in mid-run: the new one was taken" grep -q '^put 200 .* new - ' "$log"
check "a token that ends in mid-run: nothing was sent again" not_twice
push_with "a token that is not renewed" 5 'fault=expired&value=first&op=put&name=/c/&after=2'

# a container's endpoint that has others each time: key1, key2, ...
cat >keys.py <<'END'
import http.server, json, os
n = 0
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global n
        n += 1
        body = json.dumps({"AccessKeyId": "key%d" % n, "SecretAccessKey": "s", "Token": "t",
                           "Expiration": "2099-01-01T00:00:00Z"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("keys-port.new", "w").write(str(server.server_address[1]))
os.rename("keys-port.new", "keys-port")
server.serve_forever()
END
python3 keys.py &
keys=$!
trap 'kill "$server" "$keys"; wait "$server" "$keys"; rm -rf "$scratch"' EXIT
for _ in $(seq 3000); do
	[ -e keys-port ] && break
	sleep 0.02
done
fresh
name="a token refused six times, with another each time"
faults fault=expired\&op=put\&name=/c/\&value=key{1,2,3,4,5,6}
status 0 "$name" env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY \
	AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:$(cat keys-port)/" \
	"$MF" push src "m@v$turn"
check "$name: each was" played 6
check "$name: the seventh was taken" grep -q '^put 200 .* key7 - .*/c/' "$log"
check "$name: nothing was sent again" not_twice
no_faults

# --- a bucket that locks what is put into it
push_with "a bucket that wants MD5s" 0 'fault=locked'
fresh
faults 'fault=locked'
export MODELFERRY_STATE_DIR=$scratch/locked
status 0 "a bucket that wants MD5s: found out by trying" "$MF" push src "m@v$turn"
check "... was refused there" played 1
faults 'fault=locked'
status 0 "a bucket that wants MD5s: known" "$MF" push src "m@w$turn"
check "... is refused no more" test "$(curl -sf "$url/_fault")" = 0
no_faults
export MODELFERRY_STATE_DIR=$scratch/state

# --- from without
for signal in TERM KILL; do
	fresh
	held "$MF" push src "m@v$turn"
	kill "-$signal" "$pushing"
	wait "$pushing" 2>/dev/null
	ended=$?
	check "SIG$signal: its status" test "$ended" = "$([ "$signal" = TERM ] && echo 11 || echo 137)"
	no_faults
	status 0 "SIG$signal: again" "$MF" push src "m@v$turn" --json
	check "SIG$signal: nothing was sent again" not_twice
done
status 0 "verify after all that" "$MF" verify --read-data

# --- objects that the store keeps: a retention, as those of a bucket with object lock
listed() { # PREFIX: how many objects
	curl -sf -H "x-amz-content-sha256: $(sha256sum </dev/null | cut -d' ' -f1)" \
		"$url/bucket?list-type=2&prefix=locked/$1/" | grep -o '<Key>' | wc -l
}
lock() { # "" or NAME, as of a rule: those are refused, and say that they are kept
	faults "fault=refuse&op=delete&value=403,AccessDenied&name=$1" 'fault=kept&op=head'
}
locked=(-r s3://bucket/locked)
prune=("${locked[@]}" prune --grace 0s --json)
status 0 "locked: init" "$MF" "${locked[@]}" init
for v in v1 v2 v3 v4; do
	fresh
	check "locked: push $v" "$MF" "${locked[@]}" push src "m@$v"
done
check "locked: forget v1" "$MF" "${locked[@]}" forget m@v1
faults 'fault=refuse&op=delete&value=403,AccessDenied&name=/c/&after=1'
status 5 "refused, and not locked: prune ends" "$MF" "${prune[@]}"
says "refused, and not locked: why" 'AccessDenied'
check "refused, and not locked: the others are left alone" test "$(listed c)" -gt 17
faults 'fault=refuse&op=delete&value=403,AccessDenied&name=/c/&times=2' 'fault=kept&op=head'
status 5 "locked chunks: prune" "$MF" "${prune[@]}"
json "locked chunks: all others go" 'r["locked"] == 2 and r["objects_deleted"] >= 2'
says "locked chunks: by name" '^warning: c/.* stays until 2099-01-02T03:04:05Z: it is under a retention'
says "locked chunks: how many" 'deleting 2 objects that are locked'
no_faults
status 0 "locked chunks: the next prune" "$MF" "${prune[@]}"
json "locked chunks: the next prune takes them" 'r["locked"] == 0 and r["objects_deleted"] == 2'
check "locked chunks: no list is left" test "$(listed x)" = 0

check "a locked manifest: forget v2" "$MF" "${locked[@]}" forget m@v2
for night in one two; do
	lock /m/
	status 5 "a locked manifest: night $night" "$MF" "${prune[@]}"
	json "a locked manifest: night $night: what it needs stays" \
		'r["locked"] == 1 and r["objects_deleted"] == 0'
	check "a locked manifest: night $night: nothing is copied, no list is left" \
		test "$(grep -c '^put .*/c/' "$log") $(listed x)" = "0 0"
done
no_faults
status 0 "a locked manifest: the night after" "$MF" "${prune[@]}"
json "a locked manifest: the night after: all of it goes" \
	'r["manifests_deleted"] == 1 and r["objects_deleted"] > 5'
check "a locked list: forget v3" "$MF" "${locked[@]}" forget m@v3
lock /x/
status 5 "a locked list" "$MF" "${prune[@]}"
json "a locked list: all else goes" 'r["locked"] == 2 and r["objects_deleted"] > 5'
no_faults
status 0 "a locked list: the next prune" "$MF" "${prune[@]}"
check "a locked list: none is left" test "$(listed x)" = 0
fresh
check "a locked mark: push v5" "$MF" "${locked[@]}" push src m@v5
lock /v/
status 5 "a locked mark" "$MF" "${prune[@]}" --keep-last 1
json "a locked mark: the version stays" 'r["locked"] == 1 and r["versions_forgotten"] == 0'
says "a locked mark: by name" '^warning: v/.* stays until 2099-'
no_faults
check "a locked mark: no list is left" test "$(listed x)" = 0
lock /x/
status 0 "a locked list of a forget" "$MF" "${locked[@]}" forget m@v4
no_faults
status 0 "a locked list of a forget: the next prune" "$MF" "${prune[@]}"
check "a locked list of a forget: none is left" test "$(listed x)" = 0
status 0 "locked: what stays is whole" "$MF" "${locked[@]}" verify --read-data

# --- plain trees
file='op=put&name=.bin'
once up_with "connections that break" "$file" reset reset-request lose
once up_with "answers that are none" "$file" garbage html checksum
once up_with "what does not arrive as it was sent" "$file" corrupt-request late-error
up_with "html, for long" 6 'fault=html&op=put&name=w1'
file='op=get&name=.bin'
once down_with "bodies of another length" "$file" truncate shorten lengthen tail
once down_with "bodies that are something else" "$file" html gzip corrupt reset-answer
once down_with "a sum that is another" "$file" checksum
down_with "shorten, for long" 6 'fault=shorten&op=get&name=w1'
down_with "corrupt, for long" 4 'fault=corrupt&op=get&name=w1'

# --- the log: requests, waits and repetitions say which object and which attempt they are of
# logged NAME PATTERN COMMAND...: of keys with that pattern one is put off twice, and then not answered by the store
logged() {
	local name="the log, $1" keys=$2
	shift 2
	rm -f lines
	faults "fault=refuse&value=503,SlowDown&op=put&name=$keys&times=2" \
		"fault=html&op=put&name=$keys&times=1"
	status 0 "$name" "$@" --log-format json --log-level debug --log-file lines --transfers 1
	check "$name: all were played" played 3
	no_faults
	# shellcheck disable=SC2016 # python's
	check "$name: key and attempt" python3 -c '
import json, sys
of = {}
for line in open("lines"):
    r = json.loads(line)
    of.setdefault(r["message"], []).append(r)
waits, again, sent = (of[m] for m in ("waiting for the store", "trying again", "http request"))
print(waits, again)
assert all(sys.argv[1].strip("/") in r["key"] for r in waits + again)
assert [(r["attempt"], r["level"]) for r in waits] == [("2", "info"), ("3", "debug")]
assert all("SlowDown" in r["error"] for r in waits)
assert [r["attempt"] for r in again] == ["4"]
assert all(int(r["attempt"]) >= 1 for r in sent)
for r in waits + again:  # a chunk has another generation each time
    key = r["key"].rsplit(".", 1)[0]
    assert any(key in s["path"] and s["attempt"] == r["attempt"] for s in sent), r' "$keys"
}
fresh
logged push /c/ "$MF" push src "m@v$turn"
logged "copy up" w1 "$MF" copy src "s3://bucket/plain$turn"

cp -r back kept
for fault in malformed-list repeat-token endless-list; do
	faults "fault=$fault&op=list&after=1"
	status 6 "sync, $fault" memory "$limit" "$MF" sync "s3://bucket" back --memory 64M "${twice[@]}"
	check "sync, $fault: nothing was deleted" test -e back/w1.bin
done

# in parts
uploads() {
	curl -sf -H "x-amz-content-sha256: $(sha256sum </dev/null | cut -d' ' -f1)" \
		"$url/bucket?uploads&prefix=$1" >uploads && ! grep '<UploadId>' uploads
}
data large.bin 17000000 9999
up_with "parts" 0 'fault=lose&op=begin&times=1' 'fault=lose&op=part&times=1' \
	'fault=corrupt-request&op=part&times=1' 'fault=lose&op=complete&times=1'
up_with "an upload that ends late" 0 'fault=late-error&op=complete&times=1'
up_with "a bucket that wants MD5s" 0 'fault=locked'
up_with "parts, for long" 6 'fault=reset-request&op=part&after=1'
says "parts, for long: a part had arrived" '^part 200 .* - bucket/plain[0-9]*/large.bin#' "$log"
check "parts, for long: nothing of it is left" uploads "plain$turn/"
up_with "a completion, for long" 6 'fault=html&op=complete'
check "a completion, for long: nothing of it is left" uploads "plain$turn/"

# of a large file that was cut off what arrived is not sent again
parts() { grep -c "^part $1" "$log"; }
cut_off() { # SIGNAL NAME: a copy of cut/ to that prefix, with two parts there and two on their way
	local i
	faults 'fault=hold&op=part&after=2'
	"$MF" copy cut "s3://bucket/$2" >copied 2>&1 &
	copying=$!
	for ((i = 0; i < 3000 && $(parts 200) + $(parts 0) < 4; i++)); do sleep 0.02; done
	kill "-$1" "$copying"
	wait "$copying" 2>/dev/null
	ended=$?
	no_faults
}
mkdir cut
data cut/large.bin 60000000 9998
for signal in TERM KILL; do
	name="SIG$signal in a large file"
	cut_off "$signal" "cut$signal"
	check "$name: its status" test "$ended" = "$([ "$signal" = TERM ] && echo 11 || echo 137)"
	status 10 "$name: nothing is to be seen" "$MF" check cut "s3://bucket/cut$signal"
	: >"$log"
	status 0 "$name: again" "$MF" copy cut "s3://bucket/cut$signal" --log-level info
	says "$name: again: goes on" 'going on with its upload: 2 of 4 parts are there'
	check "$name: again: two parts" test "$(parts 200)" = 2
	status 0 "$name: check" "$MF" check cut "s3://bucket/cut$signal" --download
	check "$name: nothing of it is left" uploads "cut$signal/"
done
cut_off TERM changed
data cut/large.bin 60000000 9997
: >"$log"
status 0 "a large file that changed" "$MF" copy cut s3://bucket/changed
check "a large file that changed: all of it" test "$(parts 200)" = 4
check "a large file that changed: nothing else is left" uploads changed/
cut_off KILL gone
rm cut/large.bin
check "a large file that is gone: its parts are there" test "$(uploads gone/ | wc -l)" = 1
status 0 "a large file that is gone" "$MF" copy cut s3://bucket/gone
check "a large file that is gone: nothing is left" uploads gone/
end
