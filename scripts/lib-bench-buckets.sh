# shellcheck shell=bash
# Sourced by scripts/bench: the rows that measure buckets. The server is a Ceph gateway of the
# tests (tests/servers/rgw), which shares the machine with its clients: what it costs is printed too.
# shellcheck disable=SC2154 # variables of scripts/bench

gateway='' gateway_options=() discard_pid=''

start_gateway() {
	[[ -z $gateway ]] || return 0
	gateway=$dir/rgw
	"$top/tests/servers/rgw" start ${gateway_options[@]+"${gateway_options[@]}"} "$gateway" \
		> "$log" 2>&1 || {
		tail -n 5 "$log" >&2
		gateway=''
		die "no Ceph gateway (scripts/install-deps --servers)"
	}
	# its addresses and keys, for us; rclone reads them from its own file
	eval "$("$top/tests/servers/rgw" env "$gateway" | sed 's/^/export /')"
	unset AWS_CA_BUNDLE
	cat > "$RCLONE_CONFIG" << END
[ceph]
type = s3
provider = Ceph
access_key_id = $AWS_ACCESS_KEY_ID
secret_access_key = $AWS_SECRET_ACCESS_KEY
endpoint = $MODELFERRY_ENDPOINT_URL
[sealed]
type = crypt
remote = ceph:peer-bench/sealed
password = $crypt_password
END
	"$top/tests/servers/rgw" bucket "$gateway" ours-bench > "$log" 2>&1
	"$top/tests/servers/rgw" bucket "$gateway" peer-bench > "$log" 2>&1
}

stop_gateway() {
	[[ -z $gateway ]] || "$top/tests/servers/rgw" stop "$gateway"
	gateway=''
}

new_gateway() {
	stop_gateway
	rm -rf -- "$dir/rgw"
	start_gateway
}

# The process ids of the server that is measured beside: the gateway and its disk, or the bucket that
# discards.
server_pids() {
	local file pid
	if [[ -n $discard_pid ]]; then
		echo "$discard_pid"
		return
	fi
	for file in "$gateway"/run/*.pid; do
		read -r pid _ < "$file"
		echo "$pid"
	done
}

# CPU seconds that it has used so far.
server_cpu() {
	local pid ticks=0 stat fields
	for pid in $(server_pids); do
		read -rd '' stat < "/proc/$pid/stat" || true
		read -ra fields <<< "${stat##*) }"
		ticks=$((ticks + fields[11] + fields[12]))
	done
	awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f\n", t / hz }'
}

# served WHO COMMAND...: timed, with the server's CPU time beside it.
served() {
	local before after
	before=$(server_cpu)
	timed "$@"
	after=$(server_cpu)
	printf 'server\t%s\t%s\t%s\t%s\n' "$row" "$1" "$run" \
		"$(awk -v a="$after" -v b="$before" 'BEGIN { printf "%.2f", a - b }')" >> "$results"
}

# A new repository in the bucket; whatever was there goes.
new_bucket_repo() { # URL
	fresh "$dir/state" "$dir/cache"
	rclone purge "ceph:${1#s3://}" > /dev/null 2>&1 || true
	ferry -r "$1" init > "$log" 2>&1 || {
		cat "$log" >&2
		die "init failed"
	}
}

row_bucket() {
	local url=s3://ours-bench/sealed
	note "the disk: $(stat -f -c %T "$disk_dir")"
	make_bf16
	start_gateway
	for ((run = 0; run <= runs; run++)); do
		say "bucket: run $run of $runs"
		fresh "$dir/pulled"
		new_bucket_repo "$url"
		served push "$program" -r "$url" push "$dir/bf16" model
		served pull "$program" -r "$url" pull model "$dir/pulled"
		((run > 0)) || diff -r --exclude .modelferry "$dir/bf16" "$dir/pulled" ||
			die "pull differs"
		fresh "$dir/pulled"
		served 'pull, to a disk' "$program" -r "$url" pull model "$disk_dir/pulled"
		((run > 0)) || diff -r --exclude .modelferry "$dir/bf16" "$disk_dir/pulled" ||
			die "pull to a disk differs"
		fresh "$disk_dir/pulled"
		rclone purge ceph:ours-bench/sealed > /dev/null 2>&1
		served 'rclone crypt' rclone copy "$dir/bf16" sealed:
		served 'rclone back' rclone copy sealed: "$dir/pulled"
		fresh "$dir/pulled"
		served 'rclone back, to a disk' rclone copy sealed: "$disk_dir/pulled"
		fresh "$disk_dir/pulled"
		# what a pull did when it ends
		# shellcheck disable=SC2016 # for the inner shell
		served 'rclone back, to a disk, synced' bash -c \
			'rclone copy sealed: "$0/pulled" && sync -f "$0/pulled"' "$disk_dir"
		fresh "$disk_dir/pulled"
		rclone purge sealed: > /dev/null 2>&1
	done
}

# with_discarding COMMAND...: beside a bucket that drops what it is sent; $discard is its address.
with_discarding() {
	if [[ ! -x $tools/tests/tools/s3-discard ]]; then
		note "left out: $tools/tests/tools/s3-discard is not built"
		return 0
	fi
	fresh "$dir/discard" "$dir/discard.url"
	mkfifo "$dir/discard"
	"$tools/tests/tools/s3-discard" < "$dir/discard" > "$dir/discard.url" &
	discard_pid=$!
	exec 8> "$dir/discard"
	until [[ -s $dir/discard.url ]]; do
		sleep 0.05
	done
	discard=$(< "$dir/discard.url")
	"$@"
	exec 8>&-
	wait "$discard_pid"
	discard_pid=''
}

# A push of directory $2 to a new repository behind endpoint $3, which is known from its init.
discarded() { # who, data, endpoint, more options...
	local who=$1 data=$2 endpoint=$3
	shift 3
	fresh "$dir/state" "$dir/cache"
	AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=nothing AWS_REGION=us-east-1 \
		ferry -r "s3://bench/$RANDOM$RANDOM" --endpoint-url "$endpoint" init > "$dir/made" 2> "$log" ||
		die "init failed"
	AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=nothing AWS_REGION=us-east-1 \
		served "$who" "$program" -r "$(sed -n 's/^made the repository //p' "$dir/made")" \
		--endpoint-url "$endpoint" push "$data" model "$@"
}

discard_once() {
	discarded 'push, discarding server' "$dir/bf16" "$discard"
	new_repo "$dir/repo"
	timed 'push, file://' "$program" -r "file://$dir/repo" push "$dir/bf16" model
	fresh "$dir/repo"
}

row_discard() {
	make_bf16
	for ((run = 0; run <= runs; run++)); do
		say "discard: run $run of $runs"
		with_discarding discard_once
	done
}

# on_far_line COMMAND...: beside a line to $discard with 40 ms round trips and 80 Mbit/s a
# connection; $far is its address.
on_far_line() {
	local pid
	fresh "$dir/far" "$dir/far.port"
	mkfifo "$dir/far"
	"$tools/tests/tools/far-proxy" --to "${discard##*:}" --delay-ms 20 --rate-mbit 80 \
		< "$dir/far" > "$dir/far.port" &
	pid=$!
	exec 9> "$dir/far"
	until [[ -s $dir/far.port ]]; do
		sleep 0.05
	done
	far=http://127.0.0.1:$(< "$dir/far.port")
	"$@"
	exec 9>&-
	wait "$pid"
}

far_push() { # DIRECTORY TRANSFERS [MEMORY]
	local who="push, --transfers $2" options=(--transfers "$2")
	if [[ -n ${3:-} ]]; then
		who+=", --memory $3"
		options+=(--memory "$3")
	fi
	discarded "$who" "$1" "$far" "${options[@]}"
}

# What so many connections allow that send 8 MiB, wait for the answer, and send the next: by curls
# that do nothing else.
far_curl() { # CONNECTIONS
	local config=$dir/curl.conf i n=$(($1 * far_bodies))
	{
		printf 'header = "Expect:"\nfail\nsilent\nparallel\nparallel-max = %s\n' "$1"
		for ((i = 0; i < n; i++)); do
			printf 'upload-file = "%s"\nurl = "%s/bench/%s"\n' "$dir/body" "$far" "$i"
		done
	} > "$config"
	value "input, curl -T, $1 at once" $((n * (8 << 20)))
	served "curl -T, $1 at once" curl -K "$config"
}

far_once() {
	local n
	for n in 4 32; do
		on_far_line far_curl "$n"
	done
	on_far_line far_push "$dir/noise" 4
	# the default --memory does not hold as many chunks as 32 connections want
	on_far_line far_push "$dir/noise" 32
	on_far_line far_push "$disk_dir/noise" 32 1G
}

# What no codec makes smaller, and enough of it that what comes before the first chunk and after
# the last weighs little: 32 connections take eight times as much in that time, which is on the disk,
# for memory may not hold it.
row_far() {
	if [[ ! -x $tools/tests/tools/far-proxy ]]; then
		note "left out: $tools/tests/tools/far-proxy is not built"
		return 0
	fi
	mkdir -p "$dir/noise" "$disk_dir/noise"
	head -c "$far_bytes" /dev/urandom > "$dir/noise/data"
	head -c $((far_bytes * 8)) /dev/urandom > "$disk_dir/noise/data"
	head -c $((8 << 20)) /dev/urandom > "$dir/body"
	value 'input, push, --transfers 4' "$far_bytes"
	value 'input, push, --transfers 32' "$far_bytes"
	value 'input, push, --transfers 32, --memory 1G' $((far_bytes * 8))
	for ((run = 0; run <= runs; run++)); do
		say "far: run $run of $runs"
		with_discarding far_once
	done
	fresh "$dir/noise" "$disk_dir/noise" "$dir/body"
}

# What is listed one page after the other with --checkers 1. Each time another model: a parent would
# be read, and the server has dropped it.
among_once() {
	local at=(-r s3://bench/many --endpoint-url "$far")
	local checkers
	for checkers in 1 8; do
		fresh "$dir/cache" "$dir/little"
		mkdir -- "$dir/little"
		head -c 1000000 /dev/urandom > "$dir/little/data"
		timed "push, --checkers $checkers" "$program" "${at[@]}" push "$dir/little" "$model-$checkers" \
			--checkers "$checkers"
	done
}

among_all() {
	local model
	ferry copy "$dir/many-chunks" s3://bench/many --endpoint-url "$discard" --transfers 16 \
		> "$dir/made" 2> "$log" || die "copying the repository failed"
	for ((run = 0; run <= runs; run++)); do
		say "among: run $run of $runs"
		model=model-$run
		on_far_line among_once
	done
}

row_among() {
	local n=$((chunks / 10))
	if [[ ! -x $tools/tests/tools/make-million || ! -x $tools/tests/tools/far-proxy ]]; then
		note "left out: tests/tools/make-million and far-proxy are not built in $tools"
		return 0
	fi
	say "among: fabricating $n chunks"
	new_repo "$dir/many-chunks"
	"$tools/tests/tools/make-million" "$dir/many-chunks" "$n" > "$log" 2>&1 ||
		die "make-million failed"
	note "$n chunks"
	AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=nothing AWS_REGION=us-east-1 \
		with_discarding among_all
	fresh "$dir/many-chunks" "$dir/little"
}

has_copy() {
	ferry help copy > /dev/null 2>&1 && return
	note "left out: this modelferry has no copy"
	return 1
}

# curl sends files of $1 to the bucket of the peers, eight at once, each in one request, and fetches
# them into $2: what it takes to move bytes and nothing else.
curl_eight() { # directory, directory
	local file config=$dir/curl.conf back=$dir/curl-back.conf
	{
		curl_words
		printf 'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\n'
		for file in "$1"/*; do
			printf 'upload-file = "%s"\nurl = "%s/peer-bench/curl/%s"\n' "$file" \
				"$MODELFERRY_ENDPOINT_URL" "${file##*/}"
		done
	} > "$config"
	served 'curl -T, 8 at once' curl -K "$config"
	sed '/^upload-file/d; s|^url = ".*/\(.*\)"$|&\noutput = "'"$2"'/\1"|' "$config" > "$back"
	mkdir -p "$2"
	served 'curl -o, 8 at once' curl -K "$back"
}

curl_words() {
	[[ -z ${MODELFERRY_CA_FILE:-} ]] || printf 'cacert = "%s"\n' "$MODELFERRY_CA_FILE"
	printf 'fail\nsilent\nparallel\nparallel-max = 8\naws-sigv4 = "aws:amz:us-east-1:s3"\n'
	printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
}

# The same with bodies that the gateway compares with their SHA-256, as ours are over http: each
# curl is told it by an openssl.
curl_signed() { # directory, configuration
	local digest file next=''
	while read -r digest file; do
		printf '%s' "$next"
		curl_words
		printf 'header = "x-amz-content-sha256: %s"\n' "$digest"
		printf 'upload-file = "%s"\nurl = "%s/peer-bench/curl/%s"\n' "${file#\*}" \
			"$MODELFERRY_ENDPOINT_URL" "${file##*/}"
		next=$'next\n'
	done > "$2" < <(printf '%s\0' "$1"/* |
		xargs -0 -n 4 -P "$(nproc)" openssl dgst -sha256 -r)
	curl -K "$2"
}
export -f curl_words curl_signed # for a bash that is timed

# copied_back WHAT DIRECTORY TO: what was copied from the directory, with what is compared and without.
copied_back() {
	served "copy back$1" "$program" copy s3://ours-bench/plain "$3" --transfers 8
	((run > 0)) || diff -r "$2" "$3" || die "copy differs"
	fresh "$3"
	served "copy back$1, --ignore-checksum" "$program" copy s3://ours-bench/plain "$3" \
		--ignore-checksum --transfers 8
	fresh "$3"
}

# copied_by_both WHAT DIRECTORY: to the gateway and back, by us and by rclone.
copied_by_both() {
	served "copy$1" "$program" copy "$2" s3://ours-bench/plain --transfers 8
	copied_back "$1" "$2" "$dir/copied"
	copied_back "$1, to a disk" "$2" "$disk_dir/copied"
	rclone purge ceph:ours-bench/plain > /dev/null 2>&1
	served "rclone copy$1" rclone copy "$2" ceph:peer-bench/plain --transfers 8
	served "rclone back$1" rclone copy ceph:peer-bench/plain "$dir/copied" --transfers 8
	fresh "$dir/copied"
	served "rclone back$1, to a disk" rclone copy ceph:peer-bench/plain "$disk_dir/copied" \
		--transfers 8
	fresh "$disk_dir/copied"
	rclone purge ceph:peer-bench/plain > /dev/null 2>&1
}

row_copy() {
	has_copy || return 0
	note "the disk: $(stat -f -c %T "$disk_dir")"
	make_bf16
	start_gateway
	mkdir -p "$dir/parts"
	cat -- "$dir"/bf16/*.safetensors | split -b 8M - "$dir/parts/part-"
	value input "$(bytes_in "$dir/parts")"
	for ((run = 0; run <= runs; run++)); do
		say "copy: run $run of $runs"
		fresh "$dir/copied"
		copied_by_both '' "$dir/bf16"
		copied_by_both ', files of 8 MiB' "$dir/parts"
		curl_eight "$dir/parts" "$dir/copied"
		rclone purge ceph:peer-bench/curl > /dev/null 2>&1
		# shellcheck disable=SC2016 # for the inner shell
		served 'curl -T, signed, 8 at once' bash -c 'curl_signed "$0" "$1"' "$dir/parts" \
			"$dir/curl.conf"
		((run > 0)) || diff -r "$dir/parts" "$dir/copied" || die "curl -o differs"
		fresh "$dir/copied"
		timed 'openssl sha256' openssl dgst -sha256 "$dir"/parts/*
		timed 'openssl md5' openssl dgst -md5 "$dir"/parts/*
		rclone purge ceph:peer-bench/curl > /dev/null 2>&1
	done
	fresh "$dir/parts"
}

# Over TLS a body may go without its SHA-256, on both sides, as curl sends it anywhere.
row_tls() {
	has_copy || return 0
	make_bf16
	stop_gateway
	gateway_options=(--tls)
	new_gateway
	export RCLONE_CA_CERT=$MODELFERRY_CA_FILE
	mkdir -p "$dir/parts"
	cat -- "$dir"/bf16/*.safetensors | split -b 8M - "$dir/parts/part-"
	for ((run = 0; run <= runs; run++)); do
		say "tls: run $run of $runs"
		served 'copy, unsigned bodies' "$program" copy "$dir/parts" s3://ours-bench/plain \
			--s3-unsigned-payload --transfers 8
		rclone purge ceph:ours-bench/plain > /dev/null 2>&1
		curl_eight "$dir/parts" "$dir/copied"
		((run > 0)) || diff -r "$dir/parts" "$dir/copied" || die "curl -o differs"
		rclone purge ceph:peer-bench/curl > /dev/null 2>&1
		fresh "$dir/copied"
	done
	fresh "$dir/parts"
	stop_gateway
	fresh "$dir/rgw"
	gateway_options=()
	unset MODELFERRY_CA_FILE RCLONE_CA_CERT
}

# Requests of an unchanged copy of $1 to $2 that do not list, by what the copy before it left in the
# cache (without it, mtimes take a HEAD for each). Not timed: a log costs time.
requests_but_listings() { # directory, URL
	ferry copy "$1" "$2" --log-level debug --log-format json > "$dir/made" 2> "$log" ||
		die "copying $1 again failed"
	grep '"message":"http request"' "$log" | grep -vc '"method":"GET"' || true
}

# How far it can go: a client that only sends requests which were made before, one thread on 8
# connections, is 3 to 10 % faster than ours, and takes 0.3 processor seconds where ours takes 1.8 and
# the gateway 15 of the 20 that two processors have (2 are idle). So the ratio is mostly that of the
# gateway's cost of a PUT to its cost of a PUT and a HEAD, which is what rclone asks for: a HEAD costs
# two thirds of a PUT. What a PUT says makes little of it (without a mtime 5 % less, unsigned 2 %), nor
# do more index shards, fewer placement groups, bbr or cubic, another scheduling class of ours; without
# the gateway's debugging log both are 15 % faster. Tried, no gain: more threads than connections, so
# that a request lies ready when an answer comes; a network thread that waits a little for more answers.
# Over a line of 40 ms (2,000 files) it is 0.505 at 8 and at 32: a request for each file, sent as soon
# as the answer before it is there, in place of rclone's two.
#
# A gateway that holds much is slower (the second 20,000 objects take a tenth longer), and to delete
# them takes longer than to measure: so each program has an empty one.
small_ours() { # transfers
	new_gateway
	fresh "$dir/cache"
	served "copy, --transfers $1" "$program" copy "$dir/small" s3://ours-bench/small --transfers "$1"
	(($1 == 8)) || return 0
	served 'copy, unchanged' "$program" copy "$dir/small" s3://ours-bench/small --transfers 8
	((run == runs)) || return 0
	value 'copy, unchanged: requests but listings' \
		"$(requests_but_listings "$dir/small" s3://ours-bench/small)"
}

small_rclone() { # transfers
	new_gateway
	served "rclone copy, --transfers $1" rclone copy "$dir/small" ceph:peer-bench/small --transfers "$1"
	(($1 == 8)) || return 0
	served 'rclone copy, unchanged' rclone copy "$dir/small" ceph:peer-bench/small --transfers 8
}

row_small() {
	local transfers
	has_copy || return 0
	python3 "$bench_py" files "$dir/small" "$small_files"
	for ((run = 0; run <= runs; run++)); do
		for transfers in 8 32; do
			say "small: run $run of $runs, --transfers $transfers"
			small_ours "$transfers"
			small_rclone "$transfers"
		done
	done
	fresh "$dir/small"
}

listed_once() {
	local copy=(copy "$dir/many" s3://bench/many --endpoint-url "$discard")
	AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=nothing AWS_REGION=us-east-1 \
		"$program" "${copy[@]}" > "$dir/made" 2> "$log" ||
		die "copying $files files failed"
	for ((run = 0; run <= runs; run++)); do
		say "listed: run $run of $runs"
		fresh "$dir/cache"
		AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=nothing AWS_REGION=us-east-1 \
			served 'copy --size-only' "$program" "${copy[@]}" --size-only
	done
}

# What comparing takes where both sides are long: an unchanged directory, by size alone.
row_listed() {
	has_copy || return 0
	python3 "$bench_py" files "$dir/many" "$files"
	with_discarding listed_once
	fresh "$dir/many"
}
