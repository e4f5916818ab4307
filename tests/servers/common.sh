# shellcheck shell=bash
# Sourced by the programs beside it, each of which runs a server on 127.0.0.1 for the tests:
#   PROGRAM start [OPTION ...] DIR	bring it up; returns when it answers
#   PROGRAM env DIR			where it is and how to get in, as shell assignments
#   PROGRAM stop DIR			end it; nothing is wrong if it does not run
#   PROGRAM curl DIR PATH [ARGUMENT ...]	a signed request by curl(1)
# DIR belongs to the server until it is stopped: run/ holds a file "PID START-TIME" for each
# process, log/ what they said, env the assignments. Several servers of a kind run at once; ports
# are chosen at random. An ordinary user can run them all.
# Exit status: 0, 1 after a failure (the logs are shown), 2 for wrong usage, 77 if the server is
# not installed.

set -euo pipefail
umask 077
# Debian keeps daemons where an ordinary user's PATH does not lead.
PATH=$PATH:/usr/sbin:/sbin
me=${0##*/}
here=$(cd "$(dirname "$0")" && pwd)
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
# Debian's own, which knows its modules, whatever else is in the PATH.
# shellcheck disable=SC2034 # for the programs
python=/usr/bin/python3
dir= # of this server

die() {
	echo "$me: $*" >&2
	exit 1
}

need() { # PROGRAM...
	local program missing=()
	for program; do
		command -v "$program" >/dev/null || missing+=("$program")
	done
	((${#missing[@]} == 0)) && return
	echo "$me: not installed: ${missing[*]} (scripts/install-deps --servers)" >&2
	exit 77
}

# started_at PID: $REPLY is when the process began, in ticks since the machine's start; with it
# a PID names one process for ever. 1 if there is none; one that waits for its parent to take
# note of its end has ended.
started_at() {
	local stat fields
	{ read -rd '' stat <"/proc/$1/stat" || [[ -n ${stat-} ]]; } 2>/dev/null || return 1
	read -ra fields <<<"${stat##*) }"
	[[ ${fields[0]} != [ZX] ]] || return 1
	REPLY=${fields[19]}
}

# process_of NAME: $REPLY is the PID of a process that runs; 1 if it does not
process_of() {
	local pid start
	{ read -r pid start <"$dir/run/$1.pid"; } 2>/dev/null || return 1
	started_at "$pid" && [[ $REPLY == "$start" ]] || return 1
	REPLY=$pid
}

# launch NAME COMMAND...: in the background, without terminal, session or open files of ours.
# The process notes itself before it becomes the server, so that none is ever unknown.
launch() {
	local name=$1 out=$dir/log/$1.log
	shift
	(
		started_at "$BASHPID"
		echo "$BASHPID $REPLY" >"$dir/run/$name.new"
		mv "$dir/run/$name.new" "$dir/run/$name.pid"
		cd "$dir"
		for fd in "/proc/$BASHPID/fd"/*; do
			fd=${fd##*/}
			((fd <= 2)) || eval "exec $fd>&-"
		done
		exec setsid "$@" </dev/null >>"$out" 2>&1
	) &
	local child=$!
	until [[ -s $dir/run/$name.pid ]]; do
		kill -0 "$child" 2>/dev/null || return 1
		sleep 0.01
	done
}

end_process() { # NAME
	local tries
	for ((tries = 0; tries < 500; tries++)); do
		process_of "$1" || break
		kill -KILL "$REPLY" 2>/dev/null || true
		sleep 0.02
	done
	! process_of "$1" || die "process $REPLY ($1) does not end"
	rm -f "$dir/run/$1.pid"
}

# Nothing that a server holds is kept, so that none is asked to tidy up.
end_all() {
	local file name
	for file in "$dir"/run/*.pid; do
		[[ -e $file ]] || continue
		name=${file##*/}
		name=${name%.pid}
		# the watcher may be the one who asks
		if process_of "$name" && ((REPLY == $$)); then continue; fi
		end_process "$name"
	done
	rm -f "$dir"/run/*
}

# within SECONDS NAME COMMAND...: until the command succeeds; 1 at the end of the time or of
# the process NAME
within() {
	local deadline=$((SECONDS + $1)) name=$2
	shift 2
	until "$@"; do
		process_of "$name" || return 1
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

# listens NAME PORT: it is this very process that has the port. The kernel's table takes long to
# read, so that a connection is tried first.
listens() {
	local inode
	{ : <>"/dev/tcp/127.0.0.1/$2"; } 2>/dev/null || return 1
	inode=$(awk -v address="$(printf '0100007F:%04X' "$2")" \
	    '$2 == address && $4 == "0A" { print $10 }' /proc/net/tcp)
	[[ -n $inode ]] && process_of "$1" &&
	    [[ -n $(find "/proc/$REPLY/fd" -lname "socket:\[$inode\]" -print -quit) ]]
}

# choose_ports COUNT: ${ports[@]}, below those that outgoing connections take, and free just now
choose_ports() {
	local used port
	used=$(awk '{ print substr($2, length($2) - 3) }' /proc/net/tcp /proc/net/tcp6 2>/dev/null) ||
	    true
	ports=()
	while ((${#ports[@]} < $1)); do
		port=$((10000 + SRANDOM % 22000))
		[[ $used == *$(printf %04X $port)* || " ${ports[*]} " == *" $port "* ]] ||
		    ports+=("$port")
	done
}

# fill TEMPLATE NAME=VALUE...: the template on standard output, each @NAME@ replaced
fill() {
	local text pair
	text=$(<"$here/$1")
	shift
	for pair; do
		text=${text//"@${pair%%=*}@"/"${pair#*=}"}
	done
	printf '%s\n' "$text"
}

# random_text COUNT CHARACTERS: COUNT of those (a set as tr takes it)
random_text() {
	head -c $(($1 * 40)) /dev/urandom | LC_ALL=C tr -dc "$2" | head -c "$1"
}

# An authority that nobody else trusts, and a certificate of 127.0.0.1 and localhost by it:
# tls/ca.pem, tls/server.pem, tls/server.key.
make_certificates() {
	local tls=$dir/tls new=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30)
	mkdir "$tls"
	cat >"$tls/conf" <<-'END'
		[req]
		distinguished_name = name
		[name]
		[ca]
		basicConstraints = critical, CA:TRUE
		keyUsage = critical, keyCertSign
		subjectKeyIdentifier = hash
		[server]
		basicConstraints = CA:FALSE
		subjectAltName = IP:127.0.0.1, DNS:localhost, DNS:*.localhost
		authorityKeyIdentifier = keyid
	END
	openssl req -x509 -config "$tls/conf" -extensions ca "${new[@]}" \
	    -subj "/CN=authority of a modelferry test" -keyout "$tls/ca.key" -out "$tls/ca.pem"
	openssl req -x509 -config "$tls/conf" -extensions server "${new[@]}" \
	    -subj "/CN=127.0.0.1" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" \
	    -keyout "$tls/server.key" -out "$tls/server.pem"
} 2>>"$dir/log/openssl.log"

# give NAME VALUE: an assignment for "env"; values are ours, without quotes
give() {
	echo "$1='$2'" >>"$dir/env"
}

# asked NAME [DIR]: the value that "env" gives it, or nothing
asked() {
	local line
	while read -r line; do
		if [[ $line == "$1='"* ]]; then
			line=${line#*\'}
			echo "${line%\'}"
		fi
	done <"${2:-$dir}/env"
}

# signed PATH [ARGUMENT ...]: a request of curl's, with the keys that "env" gives. They are in the
# address, since Swift's hold a colon, and not among the arguments, which everybody may read.
signed() {
	local url authority access secret path=$1
	shift
	url=$(asked MODELFERRY_ENDPOINT_URL)
	authority=$(asked MODELFERRY_CA_FILE)
	access=$(asked AWS_ACCESS_KEY_ID)
	secret=$(asked AWS_SECRET_ACCESS_KEY)
	curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:s3 --config - \
	    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@" <<-END
		url = "${url%%://*}://${access/:/%3A}:${secret//\//%2F}@${url#*://}$path"
		${authority:+cacert = "$authority"}
	END
}

make_bucket() { # NAME
	signed "/$1" --fail-with-body -o "$dir/answer" -X PUT ||
	    die "cannot make the bucket $1: $(cat "$dir/answer")"
}

show_logs() {
	local log
	for log in "$dir"/log/*.log; do
		[[ -s $log ]] || continue
		echo "--- $log"
		tail -n 25 "$log"
	done >&2
}

# enter DIR: make it the server's; never someone else's
enter() {
	local file
	dir=$1
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	[[ $dir != *[\'[:space:]\$@#\;]* ]] || die "$dir: no such characters in the path of a server"
	if [[ -e $dir/run || -e $dir/log ]]; then
		for file in "$dir"/run/*.pid; do
			file=${file##*/}
			process_of "${file%.pid}" && die "$dir: a server runs there"
		done
		[[ -e $dir/kind ]] || die "$dir: not the directory of a server"
		rm -rf "${dir:?}"/*
	fi
	[[ -z $(ls -A "$dir") ]] || die "$dir: not empty"
	mkdir "$dir/run" "$dir/log"
	echo "$me" >"$dir/kind"
}

builder= # what runs bring_up, with a process group of its own
end_builder() {
	trap '' HUP INT TERM # a second one must not end this
	if [[ -n $builder ]]; then
		kill -KILL -- "-$builder" || true
		wait "$builder" || true
	fi 2>/dev/null
	end_all
}

# start_server DIR: call bring_up, again with other ports if one was just taken by somebody.
# It runs in a subshell: whatever fails there ends it.
start_server() {
	local tries status
	enter "$1"
	trap end_builder EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	for ((tries = 0; tries < 5; tries++)); do
		status=0
		set -m
		(
			set +m
			trap - EXIT
			bring_up
		) 2>>"$dir/log/start.log" &
		builder=$!
		set +m
		wait "$builder" || status=$?
		builder=
		if ((status == 0)); then
			[[ -z $watched ]] || launch watch "$here/$me" watch "$dir" "$watched"
			trap - EXIT
			return
		fi
		grep -qsiE 'address already in use|cannot bind|unable to bind|could not bind|address in use' \
		    "$dir"/log/*.log || break
		end_all
		rm -rf "$dir"
		enter "$dir"
	done
	show_logs
	die "does not start (status $status); the end of its logs is above"
}

# watch DIR PID: end the server soon after the process has ended, however it ended
watch() {
	local start
	dir=$1
	if started_at "$2"; then
		start=$REPLY
		exec {never}<> <(:)
		while started_at "$2" && [[ $REPLY == "$start" ]]; do
			read -rt 0.5 -u "$never" || true
		done
	fi
	end_all
}

# take_directory ARGUMENT...: $dir, of a server that was started
take_directory() {
	(($# >= 1)) || usage
	[[ -d $1 ]] || die "$1: no server there"
	dir=$(cd "$1" && pwd)
	[[ $(cat "$dir/kind" 2>/dev/null) == "$me" ]] || die "$dir: no $me was started there"
}

# What all of them understand. The program's own are usage, start_option OPTION (1 if it is
# none), prepare (before the server's directory is touched) and bring_up.
watched= # the process of --while
usage_status=2
common_command() {
	local command=${1-}
	(($# > 0)) && shift
	case $command in
	start)
		while [[ ${1-} == -* ]]; do
			case $1 in
			--while=*) watched=${1#*=} ;;
			*) start_option "$1" || usage ;;
			esac
			shift
		done
		(($# == 1)) || usage
		prepare
		start_server "$1"
		;;
	stop)
		(($# == 1)) || usage
		[[ -d $1/run ]] || return 0
		take_directory "$@"
		end_all
		;;
	env)
		take_directory "$@"
		cat "$dir/env"
		;;
	curl)
		(($# >= 2)) || usage
		take_directory "$@"
		signed "${@:2}"
		;;
	watch)
		take_directory "$@"
		watch "$dir" "$2"
		;;
	-h | --help)
		# shellcheck disable=SC2034 # for the programs
		usage_status=0
		usage
		;;
	*) usage ;;
	esac
}
