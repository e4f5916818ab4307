#!/usr/bin/env bash
# The servers that other tests run against (tests/servers): each does what those rely on, and
# nothing of it is left afterwards.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"

# answers NAME STATUS PATH [CURL-ARGUMENT ...]: a signed request is answered so; 000: not at all
answers() {
	local name=$1 want=$2 got path=$3
	shift 3
	got=$(s3 "$path" -o body -D head -w '%{http_code}' "$@" 2>err)
	if [ "$got" = "$want" ]; then
		ok "$name"
	else
		echo "# answered $got, not $want"
		: >out
		not_ok "$name"
	fi
}
# statuses FIRST LAST [CURL-ARGUMENT ...]: of requests for models/many-FIRST to LAST, by one curl
statuses() {
	s3 "/$bucket/many-[$1-$2]" -o /dev/null -w '%{http_code}\n' "${@:3}"
}
# running DIR...: the processes of the servers there that have not ended
running() {
	local dir pid
	for dir; do
		cat "$dir"/run/*.pid
	done 2>/dev/null | while read -r pid _; do
		still_running "$pid" >/dev/null && echo "$pid"
	done
}
still_running() { # PID...
	local pid
	for pid; do
		grep -s '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" && return
	done
	return 1
}
seq 50000 >file

# --- the gateway, over TLS, as many requests at a time as it likes
need_rgw --tls --throttle
answers "rgw: put over TLS" 200 "/$bucket/a" -T file
answers "rgw: get" 200 "/$bucket/a"
check "rgw: the same bytes" cmp file body
answers "rgw: conditional put is refused where there is an object" 412 "/$bucket/a" -T file \
	-H 'If-None-Match: *'
status 60 "rgw: its authority is nobody's but ours" curl -s "$MODELFERRY_ENDPOINT_URL"
check "rgw: which is in MODELFERRY_CA_FILE" curl -s --cacert "$MODELFERRY_CA_FILE" \
	"$MODELFERRY_ENDPOINT_URL"
status 1 "rgw: a directory has one server" "$servers/rgw" start rgw
says "rgw: and says so" "a server runs there"

check "rgw: makes a second user" "$servers/rgw" user rgw second
second=$(sed -n "s/^AWS_.*='\(.*\)'/\1/p" out | paste -s -d :)
curl -s -o out --cacert "$MODELFERRY_CA_FILE" --aws-sigv4 aws:amz:us-east-1:s3 -u "$second" \
	-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$MODELFERRY_ENDPOINT_URL/$bucket/a" 2>err
says "rgw: who may not read what is the first one's" '<Code>AccessDenied</Code>' out

check "rgw: restarts" "$servers/rgw" restart "$scratch/rgw"
answers "rgw: still has the object" 200 "/$bucket/a"
statuses 1 12 -Z --parallel-max 12 -T file --limit-rate 200k >out 2>err
if grep -qx 503 out && grep -qx 200 out; then
	ok "rgw: throttles"
else
	not_ok "rgw: throttles"
fi

# --- faults in front of it
need_faults --tls
played() { # NAME COUNT
	check "$1" test "$("$servers/s3-faults" count faults)" = "$2"
}
answers "faults: none" 200 "/$bucket/a" --http2
check "faults: HTTP/2" grep -q '^HTTP/2' head
faults slowdown
answers "faults: 503" 503 "/$bucket/a" --http1.1
says "faults: SlowDown" '<Code>SlowDown</Code>' body
says "faults: Retry-After" '^[Rr]etry-[Aa]fter: 1' head
played "faults: are counted" 1
faults internal 100 PUT
answers "faults: of one method only" 200 "/$bucket/a"
answers "faults: 500" 500 "/$bucket/b" -T file
faults toomany 100 any 2
statuses 1 4 | tr '\n' ' ' >out
says "faults: 429, twice and not again" '^429 429 (200|404) (200|404) ' out
faults error200
answers "faults: 200 with an error in it" 200 "/$bucket/a?uploads" -X POST
says "faults: (an error)" '<Error><Code>InternalError' body
answers "faults: but none in what is read" 200 "/$bucket/a"
check "faults: (the bytes)" cmp file body
faults redirect
answers "faults: 307" 307 "/$bucket/a?x=1"
says "faults: to the server itself" "^[Ll]ocation: $SERVER_HTTP_URL/$bucket/a\?x=1" head
faults blackhole
answers "faults: no answer" 000 "/$bucket/a" --max-time 1
says "faults: (in time)" 'timed out'
faults close
answers "faults: a closed connection" 000 "/$bucket/a" --http1.1
says "faults: (closed)" 'Empty reply'
faults tarpit
answers "faults: late" 503 "/$bucket/a" --max-time 20
faults lostack 100 PUT
status 52 "faults: a lost acknowledgement" s3 "/$bucket/lost" -T file --http1.1
answers "faults: of what was done" 200 "/$bucket/lost"
faults lateerror 100 PUT
answers "faults: an error after the work" 500 "/$bucket/late" -T file
answers "faults: (the work)" 200 "/$bucket/late"
faults badetag
answers "faults: a wrong ETag" 200 "/$bucket/a"
says "faults: (wrong)" '^[Ee][Tt]ag: "0{32}"' head
faults noetag
answers "faults: no ETag" 200 "/$bucket/a"
check "faults: (none)" sh -c '! grep -qi "^etag:" head'
faults internal 50
statuses 1 40 >many
seen=$(grep -cx 500 many)
check "faults: of half of the requests" test "$seen" -gt 2 -a "$seen" -lt 38
played "faults: (so many)" "$seen"
status 1 "faults: one of the wrong name is refused" "$servers/s3-faults" set faults nonsense
faults none
answers "faults: gone" 200 "/$bucket/a"
says "faults: the proxy's log has each request" "^badetag GET 200 [0-9]+ /$bucket/a" \
	faults/log/haproxy.log

# --- what goes wrong around them
sleep 60 &
victim=$!
disown
check "watch: a server with a process" "$servers/s3-faults" start --before=rgw --while=$victim \
	watched
watched=$(running watched)
kill -KILL $victim
for ((i = 0; i < 100; i++)); do
	[ -n "$(running watched)" ] || break
	sleep 0.1
done
# shellcheck disable=SC2086 # several
status 1 "watch: ends after it" still_running $watched

mkdir bin
haproxy=$(PATH=$PATH:/usr/sbin command -v haproxy)
cat >bin/haproxy <<END
#!/bin/sh
[ -e $scratch/tried ] && exec $haproxy "\$@"
: >$scratch/tried
echo "cannot bind socket (Address already in use)"
exit 1
END
chmod +x bin/haproxy
check "start: takes other ports if those were taken" env PATH="$scratch/bin:$PATH" \
	"$servers/s3-faults" start --before=rgw clash
check "start: (there was a clash)" test -e tried
# shellcheck disable=SC2016 # the program expands them
check "stop: a server of which one process crashed" sh -c \
	'kill -KILL "$(cut -d" " -f1 clash/run/haproxy.pid)" && "$0" stop clash' "$servers/s3-faults"
check "stop: again" "$servers/s3-faults" stop clash
check "stop: where there was none" "$servers/s3-faults" stop nowhere
printf '#!/bin/sh\necho "no such option"\nexit 1\n' >bin/haproxy
status 1 "start: fails if the server does" env PATH="$scratch/bin:$PATH" \
	"$servers/s3-faults" start --before=rgw broken
says "start: and shows its log" 'no such option'
mkdir mine && : >mine/file
status 1 "start: takes no directory of somebody's" "$servers/s3-faults" start --before=rgw mine
check "start: (and leaves it)" test -e mine/file

all=$(running rgw faults)
check "stop: there was something to stop" test "$(echo "$all" | wc -l)" -ge 6
stop_servers
# shellcheck disable=SC2086 # several
status 1 "stop: nothing is left" still_running $all

# --- Swift
need_swift
answers "swift: put" 200 "/$bucket/a" -T file
answers "swift: get" 200 "/$bucket/a"
check "swift: the same bytes" cmp file body
answers "swift: has no conditional put" 501 "/$bucket/a" -T file -H 'If-None-Match: *'
answers "swift: a wrong signature" 403 "/$bucket/a" -H 'Authorization: AWS4-HMAC-SHA256 '\
'Credential=test:tester/20200101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, '\
'Signature=0'
all=$(running swift)
stop_servers
# shellcheck disable=SC2086 # several
status 1 "swift: nothing is left" still_running $all

# --- a program beside a gateway
# shellcheck disable=SC2016 # the program expands them
status 3 "with-rgw: the program's status" "$servers/with-rgw" --faults sh -c '
	curl -s -o seen "$MODELFERRY_ENDPOINT_URL/$MF_TEST_BUCKET" &&
	"$0" set "$MF_FAULTS_DIR" toomany && curl -s -o played "$MF_FAULTS_URL" &&
	cat "$MF_FAULTS_DIR"/run/*.pid "$MF_FAULTS_DIR"/../rgw/run/*.pid >pids &&
	echo "$MF_FAULTS_DIR" >where && exit 3' "$servers/s3-faults"
says "with-rgw: there is a bucket" '<Code>AccessDenied</Code>' seen
says "with-rgw: and faults" '<Code>TooManyRequests</Code>' played
check "with-rgw: the servers" test "$(wc -l <pids)" -ge 6
# shellcheck disable=SC2046 # several
status 1 "with-rgw: nothing is left" still_running $(cut -d' ' -f1 pids)
check "with-rgw: nor its directory" test ! -e "$(cat where)"
end
