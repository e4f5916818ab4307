#!/bin/bash
# serve: every path of the gates over HTTP, what is refused, what survives a restart, a kill and a
# full table, tokens and TLS.
# shellcheck source=tests/scenarios/lib.sh
. "${MF_TOP_SRCDIR:-.}/tests/scenarios/lib.sh"
command -v curl >/dev/null || { echo "1..0 # SKIP no curl"; exit 0; }

server=
# start ARGUMENT...: a server at a free port; its URL in $url
start() {
	: >serve.out
	"$MF" serve --listen 127.0.0.1:0 "$@" >serve.out 2>serve.err &
	server=$!
	for _ in $(seq 1200); do
		url=$(sed -n 's/^listening on //p' serve.out)
		[ -n "$url" ] && return
		kill -0 $server 2>/dev/null || break
		sleep 0.05
	done
	url=http://127.0.0.1:1
}
# stop SIGNAL STATUS NAME: the server ends so
stop() {
	kill "-$1" $server
	for _ in $(seq 400); do
		kill -0 $server 2>/dev/null || break
		sleep 0.05
	done
	kill -9 $server 2>/dev/null
	wait $server 2>/dev/null
	got=$?
	server=
	if [ $got -eq "$2" ]; then ok "$3"; else echo "# status $got"; not_ok "$3"; fi
}
trap '[ -z "$server" ] || kill -9 $server; rm -rf "$scratch"' EXIT

ask() { curl -s -m 10 -o body -w '%{http_code}' "$@"; }
# answers STATUS NAME CURL-ARGUMENT...
answers() {
	local want=$1 name=$2 got
	shift 2
	got=$(ask "$@")
	if [ "$got" = "$want" ]; then ok "$name"; else echo "# $got"; not_ok "$name"; fi
}
canary='{"name":"podinfo","namespace":"test","phase":"Progressing","checksum":"8577","metadata":{"a":"b"}}'

start
answers 200 "alive" "$url/healthz"
answers 200 "approve approves" -d "$canary" "$url/gate/approve"
answers 403 "halt halts" -d "$canary" "$url/gate/halt"
for kind in gate rollback; do
	answers 403 "$kind: closed at first" -d "$canary" "$url/$kind/check"
	answers 202 "$kind: open" -d "$canary" "$url/$kind/open"
	answers 200 "$kind: is open" -d "$canary" "$url/$kind/check"
	answers 403 "$kind: another canary's is not" -d '{"name":"x","namespace":"test"}' "$url/$kind/check"
	answers 202 "$kind: close" -d "$canary" "$url/$kind/close"
	answers 403 "$kind: is closed" -d "$canary" "$url/$kind/check"
done
answers 405 "a check by GET" "$url/gate/check"
answers 405 "an open by PUT" -X PUT -d "$canary" "$url/gate/open"
answers 404 "another path" -d "$canary" "$url/gates"
answers 400 "no JSON" -d "podinfo" "$url/gate/open"
answers 400 "no name" -d '{"namespace":"test"}' "$url/gate/open"
head -c 70000 /dev/zero | tr '\0' ' ' >large
answers 413 "a large body" --data-binary @large "$url/gate/open"
answers 413 "a large body in chunks" -H 'Transfer-Encoding: chunked' --data-binary @large "$url/gate/open"
answers 200 "still alive" "$url/healthz"

# a restart and a kill forget nothing
answers 202 "open before a restart" -d "$canary" "$url/gate/open"
status 7 "a second server of the same state" "$MF" serve --listen 127.0.0.1:0
says "names the directory" 'are another program'
status 7 "a second server at the same port" "$MF" serve --listen "${url#http://}" --state-dir other
stop TERM 0 "SIGTERM ends it well"
start
answers 200 "open after a restart" -d "$canary" "$url/gate/check"
answers 202 "a rollback is asked for" -d "$canary" "$url/rollback/open"
stop KILL 137 "kill -9"
start
answers 200 "open after kill -9" -d "$canary" "$url/rollback/check"

# many names: 10000 fit, and no more
python3 - "$url" <<'PY' >many 2>&1
import http.client, json, sys
host = sys.argv[1].split("//")[1]
c = http.client.HTTPConnection(host, timeout=30)
def ask(path, name):
    c.request("POST", path, json.dumps({"name": name, "namespace": "many"}))
    r = c.getresponse()
    r.read()
    return r.status
for i in range(300):
    assert ask("/gate/check", "checked%d" % i) == 403
for i in range(100):
    assert ask("/gate/open", "n%d" % i) == 202
print("fine")
PY
says "a hundred gates are open" '^fine$' many
stop TERM 0 "a hundred gates end well"
check "what is kept is what is open" test "$(grep -c . state/gates)" -eq 104
start
answers 200 "one of the hundred" -d '{"name":"n77","namespace":"many"}' "$url/gate/check"
stop TERM 0 "and ends"
{
	echo 'modelferry gates 1'
	for i in $(seq 10000); do echo "gate n$i.s"; done
	echo '10000 open'
} >state/gates
start
answers 503 "no room for one more" -d "$canary" "$url/gate/open"
answers 202 "but for one that is open" -d '{"name":"n1","namespace":"s"}' "$url/gate/open"
answers 202 "one is closed" -d '{"name":"n2","namespace":"s"}' "$url/gate/close"
answers 202 "then there is room" -d "$canary" "$url/gate/open"
stop TERM 0 "a full table ends well"
echo nonsense >state/gates
status 4 "a damaged file is told" "$MF" serve --listen 127.0.0.1:0
says "and named" 'state/gates'
rm state/gates

# a token guards what changes
echo 0123456789abcdef0123456789abcdef >token
start --token-file token
answers 401 "open without the token" -d "$canary" "$url/gate/open"
answers 401 "open with another" -H 'Authorization: Bearer no' -d "$canary" "$url/gate/open"
answers 403 "a check needs none" -d "$canary" "$url/gate/check"
answers 202 "open with the token" -H "Authorization: Bearer $(cat token)" -d "$canary" "$url/gate/open"
answers 200 "it is open" -d "$canary" "$url/gate/check"
stop TERM 0 "and ends"
if grep -q 0123456789abcdef serve.out serve.err; then not_ok "no token in the log"; else ok "no token in the log"; fi
echo short >token
status 2 "a short token" "$MF" serve --listen 127.0.0.1:0 --token-file token

# TLS
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=gates \
	-addext subjectAltName=IP:127.0.0.1 2>/dev/null
start --tls-cert cert.pem --tls-key key.pem
answers 200 "over TLS" --cacert cert.pem -d "$canary" "$url/gate/check"
stop TERM 0 "and ends"
status 2 "a certificate without a key" "$MF" serve --listen 127.0.0.1:0 --tls-cert cert.pem

# usage
status 2 "no address" "$MF" serve --listen nowhere
status 2 "a host's name" "$MF" serve --listen localhost:80
"$MF" serve --listen 0.0.0.0:0 >serve.out 2>serve.err &
server=$!
for _ in $(seq 100); do [ -s serve.out ] && break; sleep 0.05; done
stop TERM 0 "open to others"
says "is warned of" 'may open and close gates' serve.err
status 0 "its help" "$MF" serve --help
end
