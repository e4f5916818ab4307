#!/usr/bin/env bash
# Plain mirrors with a bucket, by hand: a Ceph gateway over TLS, where not said otherwise, and
# rclone beside us over http.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
need_rgw --tls --set=rgw_max_listing_results=50

data 'src/model 1/weights.bin' 40000000 1 # in parts
data src/config.json 900 2
data 'src/odd/50% + more&b?c#d' 10 3
data $'src/odd/caf\xc3\xa9' 10 4
data src/junk.tmp 10 5
: >src/empty
for i in {01..60}; do echo "$i" >"src/odd/f$i"; done
touch -d '2001-02-03 04:05:06.123456789' src/config.json
dst="s3://$bucket/models"

cat >rclone.conf <<END
[gw]
type = s3
provider = Ceph
access_key_id = $AWS_ACCESS_KEY_ID
secret_access_key = $AWS_SECRET_ACCESS_KEY
endpoint = $SERVER_HTTP_URL
END
export RCLONE_CONFIG=$scratch/rclone.conf
theirs="gw:$bucket/models"
check "rclone is there" command -v rclone

# --- up, and again
status 0 "sync: the nightly script as it stands" "$MF" sync src "$dst" --progress --stats 30s \
	--stats-file-name-length 0 --tpslimit 10 --checkers 8 --transfers 4 --exclude "*.tmp" \
	--log-level INFO --log-file nightly.log
says "sync: its log" 'info: copied config.json' nightly.log
rm src/junk.tmp
status 0 "rclone check after sync" rclone check src "$theirs"
status 0 "rclone sync --dry-run after sync" rclone sync --dry-run src "$theirs"
never_says "rclone sync --dry-run: nothing to do" Skipped
status 0 "again" "$MF" sync src "$dst" --json --log-level debug
json "again: nothing to do" 'r["files"] == 0 and r["touched"] == 0 and r["deletes"] == 0 and
	r["checks"] == 65 and r["errors"] == 0'
check "again: nothing but listings" test "$(grep -c 'http request method=HEAD' err)" = 0
status 0 "again, knowing nothing" "$MF" sync src "$dst" --json --cache-dir "$scratch/none"
json "again, knowing nothing: nothing to do" 'r["files"] == 0 and r["touched"] == 0'
status 0 "check" "$MF" check src "$dst" --json
json "check: nothing by size alone" 'r["same"] == 65 and r["not_hashed"] == 0'
status 0 "check --download" "$MF" check src "$dst" --download

# --- over http
http=(--endpoint-url "$SERVER_HTTP_URL")
status 0 "http: sync" "$MF" sync src "s3://$bucket/http" "${http[@]}" --json
json "http: sync: all of it" 'r["files"] == 65 and r["errors"] == 0'
status 0 "http: again" "$MF" sync src "s3://$bucket/http" "${http[@]}" --json
json "http: again: nothing to do" 'r["files"] == 0 and r["touched"] == 0'
status 0 "http: down" "$MF" copy "s3://$bucket/http" http-back "${http[@]}"
check "http: down: the same bytes" diff -r src http-back
status 0 "http: down, unchecked" "$MF" copy "s3://$bucket/http" unchecked "${http[@]}" --ignore-checksum
check "http: down, unchecked: the same bytes" diff -r src unchecked
status 0 "http: check" "$MF" check src "s3://$bucket/http" "${http[@]}"

# --- unsigned bodies
status 0 "unsigned" "$MF" copy src "s3://$bucket/unsigned" --s3-unsigned-payload
status 0 "unsigned: check" "$MF" check src "s3://$bucket/unsigned" --download
status 2 "unsigned, over http" "$MF" copy src "s3://$bucket/unsigned" "${http[@]}" --s3-unsigned-payload
says "unsigned, over http: why" 'only where TLS guards them'

# --- down, and to another prefix within the store
status 0 "down" "$MF" copy "$dst" back
check "down: the same bytes" diff -r src back
check "down: the same time" test "$(stat -c %.9Y back/config.json)" = "$(stat -c %.9Y src/config.json)"
status 0 "within the bucket" "$MF" copy "$dst" "s3://$bucket/copy" --json
json "within the bucket: all of it" 'r["files"] == 65'
status 0 "within the bucket: the same" rclone check src "gw:$bucket/copy"
status 0 "within the bucket: times too" rclone sync --dry-run src "gw:$bucket/copy"
never_says "within the bucket: nothing to do for rclone" Skipped
status 2 "into itself" "$MF" sync "$dst" "$dst/odd"
status 2 "an object as the source" "$MF" sync "$dst/config.json" back
says "an object as the source: what to do" '--include /NAME'
check "an object as the source: nothing is deleted" diff -r src back

# --- a large file comes in ranges, several at once
mkdir large
head -c 140000001 /dev/urandom > large/weights.bin
status 0 "large: up" "$MF" copy large "s3://$bucket/large"
status 0 "large: down" "$MF" copy "s3://$bucket/large" large-back --log-level debug --log-format json
check "large: down: five ranges" test "$(grep -c '"method":"GET".*"status":"206"' err)" = 5
check "large: down: the same bytes" cmp large/weights.bin large-back/weights.bin
rclone copyto --s3-upload-cutoff 5Gi large/weights.bin "gw:$bucket/large-whole/weights.bin" || exit 99
status 0 "large, with an MD5: down" "$MF" copy "s3://$bucket/large-whole" whole-back --log-level debug \
	--log-format json
check "large, with an MD5: five ranges" test "$(grep -c '"method":"GET".*"status":"206"' err)" = 5
check "large, with an MD5: the same bytes" cmp large/weights.bin whole-back/weights.bin
rm -rf large large-back whole-back

# --- what was put in parts is compared with its ETag
part_bytes() { # PATH: what its metadata say
	s3 "/$bucket/$1" -sS -I | sed -n 's/^x-amz-meta-modelferry-part-bytes: *\([0-9]*\).*/\1/pi'
}
check "in parts: how large they are" test "$(part_bytes models/model%201/weights.bin)" = 16777216
check "in parts: copied within the bucket" test "$(part_bytes copy/model%201/weights.bin)" = 16777216
check "in one part: nothing" test -z "$(part_bytes models/config.json)"
theirs_in_parts() { # NAME RCLONE-OPTION ...: the same file by rclone, in other parts
	rclone copyto --s3-upload-cutoff 5Mi --s3-disable-checksum "${@:2}" "src/model 1/weights.bin" \
		"gw:$bucket/$1/weights.bin" || exit 99
}
theirs_in_parts other --s3-chunk-size 17Mi
status 0 "others' parts: nobody knows" "$MF" copy "s3://$bucket/other" others-back
check "others' parts: the same bytes" cmp "src/model 1/weights.bin" others-back/weights.bin
theirs_in_parts copied --s3-chunk-size 5Mi \
	--header-upload "x-amz-meta-modelferry-part-bytes: 16777216"
check "others' parts, our metadata: they have them" test "$(part_bytes copied/weights.bin)" = 16777216
status 0 "others' parts, our metadata: too many" "$MF" copy "s3://$bucket/copied" copied-back
check "others' parts, our metadata: the same bytes" cmp "src/model 1/weights.bin" \
	copied-back/weights.bin
# as many, for all that can be told: other bytes
theirs_in_parts damaged --s3-chunk-size 17Mi \
	--header-upload "x-amz-meta-modelferry-part-bytes: 16777216"
status 4 "in parts, damaged" "$MF" copy "s3://$bucket/damaged" damaged-back
says "in parts, damaged: its name" 'weights.bin is not what its ETag says' err
check "in parts, damaged: nothing comes of it" test -z "$(find damaged-back -type f)"
status 0 "in parts, damaged: as it comes" "$MF" copy "s3://$bucket/damaged" damaged-back \
	--ignore-checksum
check "in parts, damaged: the same bytes" cmp "src/model 1/weights.bin" damaged-back/weights.bin

# --- a byte of a large file is another one, at the same size and time
cp -a "src/model 1/weights.bin" kept.bin
printf x | dd of="src/model 1/weights.bin" bs=1 seek=20000000 conv=notrunc status=none
touch -r kept.bin "src/model 1/weights.bin"
status 10 "a byte: check" "$MF" check src "$dst"
says "a byte: check: where" '^\* model 1/weights.bin$' out
status 10 "a byte: check, of a bucket as SRC" "$MF" check "$dst" src
status 0 "a byte: size and time do not tell" "$MF" sync src "$dst" --dry-run --json
json "a byte: size and time do not tell: nothing" 'r["files"] == 0'
status 0 "a byte: --checksum" "$MF" sync src "$dst" --checksum --json
json "a byte: --checksum: one file" 'r["files"] == 1'
status 0 "a byte: --checksum, again" "$MF" sync src "$dst" --checksum --json
json "a byte: --checksum, again: nothing" 'r["files"] == 0'
never_says "a byte: --checksum: nothing by size alone" 'by size alone' err
status 10 "a byte: two objects" "$MF" check "$dst" "s3://$bucket/copy"
says "a byte: two objects: where" '^\* model 1/weights.bin$' out
touch -d '2011-01-01' "src/model 1/weights.bin"
status 0 "a large file's time alone" "$MF" sync src "$dst" --json
json "a large file's time alone: no bytes" 'r["files"] == 0 and r["touched"] == 1'
status 0 "a large file's time alone: check" "$MF" check src "$dst" --json
json "a large file's time alone: nothing by size alone" 'r["not_hashed"] == 0'
status 0 "a large file's time alone: rclone" rclone sync --dry-run src "$theirs"
never_says "a large file's time alone: nothing to do for rclone" Skipped
mv kept.bin "src/model 1/weights.bin"
status 0 "a byte: back again" "$MF" sync src "$dst" --json
json "a byte: back again: one file" 'r["files"] == 1'

# --- after rclone
data src/new.bin 5000000 6
rm src/odd/f01
status 0 "rclone sync" rclone sync src "$theirs"
status 0 "sync after rclone" "$MF" sync src "$dst" --json
json "sync after rclone: nothing to do" 'r["files"] == 0 and r["touched"] == 0 and r["deletes"] == 0'

# --- what changes
touch -d '2010-01-01' src/config.json
status 0 "a new time alone" "$MF" sync src "$dst" --json
json "a new time alone: no bytes" 'r["files"] == 0 and r["touched"] == 1'
status 0 "a new time alone: rclone sees it" rclone sync --dry-run src "$theirs"
never_says "a new time alone: nothing to do for rclone" Skipped
rm src/odd/f02 src/odd/f03
status 1 "--max-delete" "$MF" sync src "$dst" --max-delete 1
status 0 "--backup-dir" "$MF" sync src "$dst" --backup-dir "s3://$bucket/old" --json
json "--backup-dir: deleted" 'r["deletes"] == 2'
check "--backup-dir: kept" test "$(rclone lsf "gw:$bucket/old/odd" | wc -l)" = 2
status 10 "check finds a difference" "$MF" check src "s3://$bucket/copy"
says "check: by name" '^- odd/f02$' out

# --- cut off in the middle of a large file
data src/large.bin 60000000 7
unfinished() { # PREFIX
	rclone backend list-multipart-uploads "gw:$bucket/$1" | grep -o '"UploadId"'
}
for signal in KILL TERM; do
	name="SIG$signal in a large file"
	"$MF" copy src "s3://$bucket/$signal" --include large.bin --bwlimit 15M --log-level debug \
		--log-file "$signal.log" >/dev/null 2>&1 &
	copying=$!
	for _ in $(seq 500); do
		grep -qs 'http request method=PUT .*status=200' "$signal.log" && break
		sleep 0.02
	done
	kill "-$signal" "$copying"
	wait "$copying" 2>/dev/null
	check "$name: its status" test $? = "$([ "$signal" = TERM ] && echo 11 || echo 137)"
	check "$name: nothing is seen of it" test -z "$(rclone lsf "gw:$bucket/$signal/large.bin")"
	check "$name: its parts stay" test "$(unfinished "$signal" | wc -l)" = 1
	status 0 "$name: again" "$MF" copy src "s3://$bucket/$signal" --include large.bin --json \
		--log-level debug
	json "$name: again, one file" 'r["files"] == 1'
	says "$name: again, not what had arrived" 'going on with its upload: [1-3] of 4 parts'
	check "$name: again, fewer parts" test "$(grep -c 'http request method=PUT' err)" -lt 4
	status 0 "$name: whole" rclone check --include large.bin src "gw:$bucket/$signal"
	check "$name: no upload is left" test -z "$(unfinished "$signal")"
	check "$name: how large its parts are" test "$(part_bytes "$signal/large.bin")" = 16777216
	status 0 "$name: check" "$MF" check src "s3://$bucket/$signal" --include large.bin --json
	json "$name: check: not by size alone" 'r["same"] == 1 and r["not_hashed"] == 0'
	status 0 "$name: down" "$MF" copy "s3://$bucket/$signal" "$signal-back"
	check "$name: down: the same bytes" cmp src/large.bin "$signal-back/large.bin"
done
rm src/large.bin

# --- wrong places and keys
status 3 "no such bucket" "$MF" copy src "s3://no-such-bucket-here/x"
AWS_SECRET_ACCESS_KEY=wrong status 5 "a wrong key" "$MF" copy src "$dst"

# --- faults, of every kind that the proxy plays: up, within the bucket and down
# shellcheck disable=SC2119 # it takes none
need_faults
# faulty NAME COMMAND...: it is done, or ends with a status that says "again", and is done then
faulty() {
	local name=$1 got
	shift
	"$@" --answer-timeout 1s --patience 10s >out 2>err </dev/null
	got=$?
	played=$((played + $("$servers/s3-faults" count faults)))
	case $got in
	0) ok "$name" ;;
	6 | 11 | "$may")
		ok "$name: to be run again"
		faults none
		status 0 "$name: again" "$@"
		;;
	*)
		echo "# exit status $got: $*"
		not_ok "$name"
		;;
	esac
}
turn=0
left=0
for fault in slowdown internal toomany error200 redirect blackhole close tarpit lostack lateerror \
	badetag noetag; do
	turn=$((turn + 1))
	played=0
	rm -rf small
	for i in {1..6}; do data "small/$fault-$i" $((i * 7000)) $((turn * 10 + i)); done
	how=("$fault" 50 any 4)
	down=("${how[@]}")
	may=6
	case $fault in
	error200) how=(error200 100 any 2) down=(none) ;; # of copies, and what is a POST
	badetag | noetag) # with the next ETag it would be right again
		how=("$fault" 100 PUT) down=("$fault" 100 GET)
		may=12 # what is another object by its ETag has changed
		;;
	esac
	case $fault in
	error200 | lostack | lateerror | badetag | noetag) data small/large.bin 17000000 "$turn" ;;
	esac # in parts
	faults "${how[@]}"
	faulty "$fault: up" "$MF" sync small "s3://$bucket/faulty"
	faults "${how[@]}"
	faulty "$fault: within the bucket" "$MF" sync "s3://$bucket/faulty" "s3://$bucket/faulty2"
	faults "${down[@]}"
	faulty "$fault: down" "$MF" sync "s3://$bucket/faulty2" faulty3
	faults none
	check "$fault: it was played" test "$played" -ge 2
	# what was copied within the bucket is what had come up
	status 0 "$fault: check" "$MF" check small "s3://$bucket/faulty2" --download
	check "$fault: down, the same bytes" diff -r small faulty3
	before=$left
	left=$(unfinished faulty | wc -l)
	case $fault in
	lostack | lateerror) ;; # an upload is nobody's whose beginning was not answered: sync sweeps it
	*) check "$fault: no upload is left" test "$left" = "$before" ;;
	esac
done
end
