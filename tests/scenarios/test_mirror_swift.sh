#!/usr/bin/env bash
# Plain mirrors with OpenStack Swift by its S3 API, of files that go in parts: there a copy of an
# object in parts is listed under another ETag than it is read under.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
need_swift

data 'src/model 1/weights.bin' 40000000 1 # in parts
data src/config.json 900 2
same() { # NAME SRC DST: all of it, and not by size alone
	status 0 "$1: check" "$MF" check "$2" "$3" --json
	json "$1: check: not by size alone" 'r["same"] == 2 and r["not_hashed"] == 0'
}

status 0 "up" "$MF" sync src "s3://$bucket/a"
same "up" src "s3://$bucket/a"
status 0 "up: down" "$MF" copy "s3://$bucket/a" back
check "up: down: the same bytes" diff -r src back

status 0 "within the bucket" "$MF" copy "s3://$bucket/a" "s3://$bucket/b" --json
json "within the bucket: all of it" 'r["files"] == 2 and r["errors"] == 0'
same "within the bucket" "s3://$bucket/a" "s3://$bucket/b"
status 0 "within the bucket: down" "$MF" copy "s3://$bucket/b" back2
check "within the bucket: down: the same bytes" diff -r src back2

touch -d '2011-01-01' 'src/model 1/weights.bin' src/config.json
status 0 "new times alone" "$MF" sync src "s3://$bucket/a" --json
json "new times alone: kept" 'r["files"] + r["touched"] == 2 and r["errors"] == 0'
status 0 "new times alone: again" "$MF" sync src "s3://$bucket/a" --json
json "new times alone: again: nothing to do" 'r["files"] + r["touched"] == 0'
same "new times alone" src "s3://$bucket/a"
status 0 "new times alone: down" "$MF" copy "s3://$bucket/a" back3
check "new times alone: down: the same bytes" diff -r src back3
end
