#!/usr/bin/env bash
# Limits and patience with a real gateway: a bandwidth that SIGHUP changes in mid-run, a server that
# asks for less, one that does not answer; and two buckets of different owners in one command.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
# shellcheck disable=SC2119 # it takes none
need_rgw

data src/weights.bin 12000000 1
export MODELFERRY_REPO=s3://$bucket/repo
status 0 "init" "$MF" init

# took SINCE LEAST MOST: milliseconds, SINCE as date +%s%3N has it
took() {
	local ms=$(($(date +%s%3N) - $1))
	echo "took $ms ms" >out
	((ms >= $2 && ms <= $3))
}
# wait_for_line FILE PATTERN: a minute at most
wait_for_line() {
	local i
	for ((i = 0; i < 600; i++)); do
		grep -q -- "$2" "$1" && return
		sleep 0.1
	done
	return 1
}

# --- the limit of the file, changed while a push runs; without a terminal SIGHUP asks for it
echo 'bwlimit: 512k' >limits.conf
begun=$(date +%s%3N)
setsid "$MF" -v --config limits.conf push src churn@v1 >pushed 2>log &
pushing=$!
sleep 1.5
echo 'bwlimt: off' >limits.conf
kill -HUP "$pushing"
check "a bad file is noticed" wait_for_line log 'limits stay as they are: .*unknown key bwlimt'
check "the push goes on" kill -0 "$pushing"
echo 'bwlimit: "00:00,off"' >limits.conf
kill -HUP "$pushing"
check "the file is read again" wait_for_line log 'limits were read again bwlimit=00:00,off'
check "the push is done" wait "$pushing"
# 12 MB at 512 KiB/s take more than 22 s
check "it was held back at first, and then no more" took "$begun" 1500 20000

# on_terminal PATTERN COMMAND ...: run it on a terminal of its own, and send it SIGHUP once its
# output has the pattern
on_terminal() {
	python3 -c '
import os, pty, re, signal, sys
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGHUP, signal.SIG_DFL) # whoever runs the tests may ignore it
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while not re.search(sys.argv[1].encode(), seen):
    seen += os.read(fd, 4096)
os.kill(pid, signal.SIGHUP)
try:
    while os.read(fd, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@"
}
status 11 "on a terminal SIGHUP ends it" on_terminal 'begun: push' "$MF" -v -v push src \
	churn@v2 --force --bwlimit 100k

data src/weights.bin 6000000 2
begun=$(date +%s%3N)
status 0 "a limit that stays" "$MF" push src churn@v2 --bwlimit 2M
check "a limit that stays: it was kept" took "$begun" 2700 20000
begun=$(date +%s%3N)
status 0 "it comes down as slowly" "$MF" pull churn@v2 dst --bwlimit off:2M
check "it comes down as slowly: it was kept" took "$begun" 2500 20000
# all of it has been read long before the time is over
data src/weights.bin 6000000 3
status 11 "what is on its way ends with --max-duration" "$MF" push src churn@short --bwlimit 500k \
	--max-duration 1s
says "what is on its way ends with --max-duration: by name" 'stopped by --max-duration'
status 0 "the rest of it is pushed" "$MF" push src churn@short
begun=$(date +%s%3N)
status 0 "requests a second" "$MF" versions --tpslimit 1.5
check "requests a second: one after the other" took "$begun" 1300 20000

# --- another owner's bucket at another address
keys=$("$servers/rgw" user "$scratch/rgw" second)
other_id=$(sed -n "1s/.*='\(.*\)'/\1/p" <<<"$keys")
other_secret=$(sed -n "2s/.*='\(.*\)'/\1/p" <<<"$keys")
printf '[second]\naws_access_key_id=%s\naws_secret_access_key=%s\n' "$other_id" "$other_secret" >keys
other_url=http://localhost:${MODELFERRY_ENDPOINT_URL##*:}
other() { # COMMAND ...: as the other owner
	env AWS_ACCESS_KEY_ID="$other_id" AWS_SECRET_ACCESS_KEY="$other_secret" "$@"
}
other_bucket() { # NAME
	curl -sS --fail --max-time 30 -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --config - \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$other_url/$1" <<-END
			user = "$other_id:$other_secret"
		END
}
check "another owner's bucket" other_bucket others
status 0 "another owner's repository" other "$MF" -r s3://others/repo init
status 5 "by the first's credentials it is refused" "$MF" replicate churn@v2 --to s3://others/repo
status 0 "by its own it is not" "$MF" replicate churn@v2 --to s3://others/repo \
	--to-endpoint-url "$other_url" --to-s3-credentials-file keys --to-s3-profile second
status 6 "at an address where nobody is" "$MF" replicate churn@v2 --to s3://others/repo \
	--to-endpoint-url http://127.0.0.1:1 --to-region eu-1 --retries 0 --patience 1s
says "at an address where nobody is: by name" '127.0.0.1:1'
status 0 "it is there" other "$MF" -r s3://others/repo verify --read-data

# --- HTTP/2, which there is with TLS alone: by the proxy's log, which has each request
need_faults --tls
# speaks VERSION NAME COMMAND...: done, and all of its requests were of that version
speaks() {
	local version=$1 name=$2
	shift 2
	: >faults/log/haproxy.log
	status 0 "$name" "$@"
	# lines are written when requests are over: that of this one after all of them
	s3 "/$bucket/the-end" -o answer
	wait_for_line faults/log/haproxy.log '/the-end '
	sed '/\/the-end /d; s/.* //' faults/log/haproxy.log | sort | uniq -c | sed 's/^ *//' >spoken
	cp spoken out
	check "$name: by $version" grep -qxE "[0-9]+ $version" spoken
	check "$name: by nothing else" test "$(wc -l <spoken)" = 1
}
data src/weights.bin 5000000 4
for version in 2.0 1.1; do
	how=()
	[ "$version" = 1.1 ] || how=(--http2)
	rm -rf dst back
	speaks HTTP/$version "push" "$MF" push src "churn@http-$version" --force "${how[@]}"
	speaks HTTP/$version "pull" "$MF" pull "churn@http-$version" dst "${how[@]}"
	check "pull: the same bytes" cmp src/weights.bin dst/weights.bin
	speaks HTTP/$version "sync" "$MF" sync src "s3://$bucket/plain$version" "${how[@]}"
	speaks HTTP/$version "sync, down" "$MF" sync "s3://$bucket/plain$version" back "${how[@]}"
	check "sync, down: the same bytes" diff -r src back
done

# --- a server that asks for less, and one that does not answer
faults slowdown 30
data src/weights.bin 8000000 3
status 0 "SlowDown and Retry-After: push" "$MF" -v -v push src churn@v3
says "SlowDown and Retry-After: waited for" 'waiting for the store key=.* attempt=2 error=.*SlowDown'
says "SlowDown and Retry-After: fewer at once" 'asks for less: [1-6] requests at once'
faults none
rm -rf dst
status 0 "SlowDown and Retry-After: nothing is lost" "$MF" pull churn@v3 dst
check "SlowDown and Retry-After: the same bytes" cmp src/weights.bin dst/weights.bin

faults blackhole
status 6 "no answer" "$MF" push src churn@v4 --answer-timeout 300ms --patience 7s
says "no answer: which, how many, since when, the last" \
	"^modelferry: $MODELFERRY_ENDPOINT_URL does not answer: [0-9]+ requests in a row have failed since 20[0-9T:-]+Z, given up after [0-9.]+s; the last: .* gave no answer in 300ms"
says "no answer: when the next may go" '^warning: .* not tried again before [0-9:]+Z'
begun=$(date +%s%3N)
status 6 "no answer, and no more patience than for one request" \
	"$MF" check src s3://models/churn --patience 2s --answer-timeout 1h
says "no answer, little patience: why it ended" \
	'^modelferry: .* does not answer: .* given up after .* gave no answer in 2s'
check "no answer, little patience: an hour is not waited for an answer" took "$begun" 2000 15000
status 6 "no answer, one request" \
	"$MF" check src s3://models/churn --patience 6s --retries 0
says "no answer: said while it waits" \
	'^warning: .* has the request and gave no answer for 5[0-9.]*s; it is given 6s$'
begun=$(date +%s%3N)
status 6 "no answer, while conditional puts are tried" \
	"$MF" -r "s3://$bucket/another" init --patience 2s
check "no answer, while conditional puts are tried: once" took "$begun" 2000 10000
faults none
status 0 "it is back" "$MF" push src churn@v4 --json
end
