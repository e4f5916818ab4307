#!/usr/bin/env bash
# What directories are tried with, once more in a bucket: other scenarios, each with a place of its
# own at one Ceph gateway, over TLS. Every check of theirs is one here, behind the scenario's name.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
need_rgw --tls

# shellcheck disable=SC2154 # bucket is need_rgw's
for name in commands follow keys receipts shards; do
	MF_TEST_STORE=s3://$bucket/$name bash "$MF_TOP_SRCDIR/tests/scenarios/test_$name.sh" </dev/null >"$name.tap" 2>&1
	ended=$?
	# another's plan and numbers are none of ours; what a failed check says stays
	: >out
	: >err
	while IFS= read -r line; do
		case $line in
		"ok "*) ok "$name: ${line#ok * - }" ;;
		"not ok "*) not_ok "$name: ${line#not ok * - }" ;;
		"1.."*) ;;
		*) echo "# ${line#"# "}" ;;
		esac
	done <"$name.tap"
	check "$name: it came to its end" grep -qxE '1\.\.[1-9][0-9]*' "$name.tap"
	check "$name: nothing failed" test "$ended" = 0
done
end
