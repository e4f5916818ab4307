# shellcheck shell=bash
# Sourced by a scenario after tests/scenarios/lib.sh. The servers are this script's own, and end
# with it, however it ends. Without them installed the whole script is skipped, or fails where
# MF_SERVERS=required; so the need_ functions come before the first check.
#   need_rgw [OPTION ...]	a Ceph gateway in $scratch/rgw (options of tests/servers/rgw start)
#   need_swift		OpenStack Swift in $scratch/swift
#   need_faults [--tls]	a proxy in $scratch/faults that plays faults, before what was started last
# Each exports MODELFERRY_ENDPOINT_URL (need_faults: the proxy's), AWS_ACCESS_KEY_ID,
# AWS_SECRET_ACCESS_KEY, AWS_REGION, with --tls MODELFERRY_CA_FILE, and the name of an empty
# bucket: bucket.

servers=$MF_TOP_SRCDIR/tests/servers
servers_up=()
server= # the program and its directory in $scratch that s3 talks to
server_dir=
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
unset "${!AWS_@}" MODELFERRY_ENDPOINT_URL MODELFERRY_CA_FILE

# before what the script did at its end so far
stop_servers() {
	local up
	for up in "${servers_up[@]}"; do
		"$servers/${up%% *}" stop "${up#* }"
	done
}
eval "trap_words=($(trap -p EXIT))"
# shellcheck disable=SC2154 # set in the line above
at_end=${trap_words[2]-}
trap 'trap "" HUP INT TERM; stop_servers; eval "$at_end"' EXIT

# shellcheck disable=SC2154 # $scratch and $tap_n are the scenario's
bring_up() { # PROGRAM DIR [OPTION ...]
	local status=0
	server=$1
	server_dir=$scratch/$2
	servers_up=("$server $server_dir" "${servers_up[@]}")
	"$servers/$server" start --while=$$ "${@:3}" "$server_dir" >out 2>err || status=$?
	if ((status == 77)) && [[ ${MF_SERVERS-} != required ]] && ((tap_n == 0)); then
		echo "1..0 # SKIP $(tail -n 1 err)"
		exit 0
	elif ((status != 0)); then
		sed 's/^/# /' err
		echo "Bail out! $server is not there"
		exit 99
	fi
	unset MODELFERRY_CA_FILE
	set -a
	eval "$("$servers/$server" env "$server_dir")"
	set +a
}

need_rgw() {
	bring_up rgw rgw "$@"
	export bucket=models
	new_bucket "$bucket"
}

need_swift() {
	bring_up swift swift
	export bucket=models
	new_bucket "$bucket"
}

need_faults() {
	bring_up s3-faults faults --before="$server_dir" "$@"
}

# faults FAULT [PERCENT [METHOD [TIMES]]]: from the next request on; tests/servers/s3-faults
faults() {
	"$servers/s3-faults" set "$scratch/faults" "$@"
}

new_bucket() { # NAME
	"$servers/$server" bucket "$server_dir" "$1" || exit 99
}

# s3 PATH [ARGUMENT ...]: a signed request of curl's where MODELFERRY_ENDPOINT_URL leads
s3() {
	"$servers/$server" curl "$server_dir" "$@"
}
