# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # some of it is for who sources it, some comes from there
# Two sites, each with a model server, behind one HAProxy: for scenarios and for scripts/demo.
# Sourced, in a directory to work in, $scratch; needs $MF, $MF_TOP_BUILDDIR, and old/current and
# new/current, which the model servers serve.
#
#   start_sites           the servers and the proxy; old and new are then the servers' addresses,
#                         and prometheus.yml is a configuration that watches all three
#   well SITE             the server of that site is as well as can be
#   ill SITE LINE...      it is as the lines say (tests/harness/model-server.c)
#   weights               what HAProxy gives each side, in percent: "60/40"
#   set_haproxy COMMAND.. commands of HAProxy's runtime API
#   stop_sites            for the end, however it comes

haproxy=$(PATH=$PATH:/usr/sbin command -v haproxy) || haproxy=
model_server=$MF_TOP_BUILDDIR/tests/harness/model-server
proxy=haproxy # whom weights and set_haproxy talk to: $proxy.sock
pids=()

in_time() { # COMMAND...: true within a minute, or longer where the machine is slow
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

# Only what still runs: the number of one that ended may be another's by now.
stop_sites() {
	local pid running
	running=$(jobs -pr)
	for pid in "${pids[@]}"; do
		[[ $'\n'$running$'\n' != *$'\n'$pid$'\n'* ]] || kill -KILL "$pid" 2>/dev/null
	done
	wait "${pids[@]}" 2>/dev/null
}

well() { ill "$1" "accuracy 0.95" "status 200" "latency_ms 0" "ready 1"; }

ill() {
	printf '%s\n' "${@:2}" >"$1.health.new" && mv "$1.health.new" "$1.health"
}

start_site() { # SITE
	well "$1"
	"$model_server" "$scratch/$1/current" "$1.health" "$1.url" 2>>servers.log &
	pids+=($!)
	in_time test -s "$1.url"
}

start_haproxy() {
	cat >haproxy.cfg <<-EOF
		global
		  stats socket $scratch/haproxy.sock mode 600 level admin
		defaults
		  mode http
		  timeout connect 2s
		  timeout client 10s
		  timeout server 10s
		  timeout check 5s
		frontend exporter
		  bind fd@3
		  http-request use-service prometheus-exporter if { path /metrics }
		frontend in
		  bind unix@$scratch/in.sock
		  default_backend churn
		backend churn
		  balance roundrobin
		  option redispatch
		  option httpchk GET /health
		  default-server check inter 300ms fall 2 rise 1
		  server old $old weight 100
		  server new $new weight 0
	EOF
	# what measures it needs to know the port, and nobody else is to have it: it is listened at
	# before HAProxy is there
	python3 -c 'import os, socket, sys
s = socket.create_server(("127.0.0.1", 0))
with open("exporter.new", "w") as f:
    f.write("%s:%d" % s.getsockname())
os.rename("exporter.new", "exporter")
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.execv(sys.argv[1], sys.argv[1:])' "$haproxy" -f haproxy.cfg >>servers.log 2>&1 &
	pids+=($!)
	in_time test -S haproxy.sock
}

start_sites() {
	start_site old && start_site new || return 1
	old=$(cat old.url) new=$(cat new.url)
	start_haproxy || return 1
	cat >prometheus.yml <<-EOF
		global: {scrape_interval: 200ms, scrape_timeout: 200ms}
		scrape_configs:
		- job_name: models
		  static_configs:
		  - {targets: ["$old"], labels: {site: old}}
		  - {targets: ["$new"], labels: {site: new}}
		- job_name: haproxy
		  static_configs: [{targets: ["$(cat exporter)"]}]
	EOF
}

# one connection a command, as the runtime API has it
ask_haproxy() {
	python3 -c 'import socket, sys
for line in sys.stdin:
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(line.encode())
    while True:
        more = s.recv(65536)
        if not more:
            break
        sys.stdout.write(more.decode())' "$scratch/$proxy.sock"
}

set_haproxy() { printf '%s\n' "$@" | ask_haproxy >/dev/null; }

weights() {
	echo "show servers state" | ask_haproxy | awk '$2 == "churn" && NF > 8 { w[substr($4, 1, 3)] += $8 }
		END { all = w["old"] + w["new"]; if (all == 0) all = 1
		      printf "%.0f/%.0f\n", 100 * w["old"] / all, 100 * w["new"] / all }'
}
