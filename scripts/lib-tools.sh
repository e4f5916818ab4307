# shellcheck shell=bash
# Sourced by scripts that need a program of tests/tools: build_tool NAME SOURCE... prints the
# path of the program, which lies in a cache below $TMPDIR, one for each state of its sources.

build_tool() {
	local name=$1 cc=${CC:-cc} digest cache tmp source sources=()
	shift
	for source in "$@"; do
		[[ $source == *.h ]] || sources+=("$source")
	done
	digest=$(cat -- "$@" | sha256sum | cut -c1-16)
	cache=${TMPDIR:-/tmp}/modelferry-tools-$(id -u)
	mkdir -m 0700 -- "$cache" 2> /dev/null || true
	if [[ ! -O $cache || -L $cache ]]; then
		echo "$0: $cache belongs to somebody else" >&2
		return 1
	fi
	if [[ ! -x $cache/$name-$digest ]]; then
		if ! command -v "${cc%% *}" > /dev/null; then
			echo "$0: a C compiler is needed (apt-get install gcc libc6-dev)" >&2
			return 1
		fi
		tmp=$(mktemp "$cache/$name.XXXXXX")
		# -ffp-contract=off: the same bytes on machines that have fused multiply-add
		$cc -O2 -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -ffp-contract=off -pthread \
			-o "$tmp" "${sources[@]}" -lm || return 1
		mv -f -- "$tmp" "$cache/$name-$digest"
	fi
	printf '%s\n' "$cache/$name-$digest"
}
