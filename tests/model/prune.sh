#!/usr/bin/env bash
# Checks the write orders of push and prune (prune.pml), of refs and forget (ref.pml), of commits of
# shards (commit.pml), of votes on refs (ballot.pml), and of leases (lease.pml), with SPIN: small
# instances hold, and the model finds the error when a step is left out, so that it can find one at
# all. With MF_STRESS=1 every switch and the larger instances, some minutes.
set -u
models=${MF_TOP_SRCDIR:-$(cd -- "$(dirname -- "$0")/../.." && pwd)}/tests/model
cases=()
model=prune.pml
holds() { cases+=("holds|$1|$models/$model $2"); }
finds() { cases+=("finds|$1|$models/$model $2"); }

one='-DONEPUSH -DONEPRUNE'
holds 'S1 holds: one push, one prune, two generations' "-DCHUNKS -DNID=1 -DNV=2 $one"
holds 'S1 holds: a chunk named only in a segment' "-DCHUNKS -DNG=1 -DNV=2 -DSEGMENTS $one"
holds 'S2 holds: one push, one prune, late marks' "-DNID=0 -DNG=0 -DNV=2 -DLATEMARK $one"
holds 'P1 and P2 hold: whoever stopped before' "-DPROGRESS -DNID=1 -DNG=2 -DNV=2 $one"
finds 'found: chunks are looked for before the lists' \
	'-DBUG_ORDER -DCHUNKS -DNID=1 -DNV=2 -DONEPUSH'
finds 'found: a sweep does not read the marks' "-DBUG_SWEEP -DNID=0 -DNG=0 -DNV=2 $one"
if [[ -n ${MF_STRESS:-} ]]; then
	holds 'S1 and S2 hold together' "-DNID=1 -DNV=2 $one"
	holds 'S1 and S2 hold: paged listings, late marks' "-DNID=1 -DNV=2 -DPAGED -DLATEMARK $one"
	holds 'S1 holds: two prunes, paged listings' '-DCHUNKS -DNID=1 -DNG=1 -DNV=2 -DPAGED -DONEPUSH'
	finds 'found: a push does not look again' "-DBUG_NOPOST -DNID=0 -DNG=0 -DNV=2 $one"
	finds 'found: roots are not read again' '-DBUG_NOREREAD -DCHUNKS -DNID=1 -DNV=2 -DONEPUSH'
	finds 'found: a prune heeds only its own list' '-DBUG_OWNLIST -DCHUNKS -DNID=1 -DNV=2 -DONEPUSH'
	finds 'found: standing lists are tidied up' '-DBUG_TIDY -DCHUNKS -DNID=1 -DNV=2 -DONEPUSH'
	finds 'found: a burned name is put again' '-DBUG_REUSE -DCHUNKS -DNID=1 -DNV=2 -DONEPUSH'
	finds 'found: an unreadable root needs nothing' \
		"-DBUG_SEGMENTS -DCHUNKS -DNG=1 -DNV=2 -DSEGMENTS $one"
fi

model=ref.pml
holds 'R holds: one moves the ref, one forgets' '-DMOVERS=1 -DFORGETTERS=1'
holds 'R holds: two move the ref, one forgets' '-DFORGETTERS=1 -DLAST=2'
finds 'found: a ref is put without a hold' '-DBUG_NOHOLD -DMOVERS=1 -DFORGETTERS=1'
finds 'found: a forget reads the refs before the holds' '-DBUG_REFSFIRST -DMOVERS=1 -DFORGETTERS=1'
if [[ -n ${MF_STRESS:-} ]]; then
	holds 'R holds: two of each' '-DLAST=2'
	finds 'found: the hold comes after the look' '-DBUG_LATEHOLD -DMOVERS=1 -DFORGETTERS=1'
	finds 'found: the hold goes before the put' '-DBUG_EARLYLETGO -DMOVERS=1 -DFORGETTERS=1'
	finds 'found: an old hold is taken for dead' '-DBUG_OLDHOLD -DMOVERS=1 -DFORGETTERS=1'
	finds 'found: the list of a sleeping forget is tidied up' \
		'-DBUG_TIDY -DMOVERS=1 -DFORGETTERS=1'
fi

model=commit.pml
holds 'C1 and C2 hold: two commits, one prune' '-DTRIES=1'
finds 'found: what stays is not looked at again' '-DBUG_NOTSURE -DTRIES=1'
if [[ -n ${MF_STRESS:-} ]]; then
	holds 'C1 and C2 hold: two commits that begin again' '-DTRIES=2'
	finds 'found: what stays is looked at before the list' '-DBUG_LOOKFIRST -DTRIES=1'
fi

model=ballot.pml
holds 'D1 and D2 hold: two writers vote' '-DNUMBERS=1'
finds 'found: ballots are not announced' '-DBUG_NOTRY -DNUMBERS=1'
if [[ -n ${MF_STRESS:-} ]]; then
	holds 'D1 and D2 hold: two writers vote, twice each' '-DNUMBERS=2'
	holds 'D1 and D2 hold: three writers vote' '-DWRITERS=3 -DNUMBERS=1'
	finds 'found: a vote counts without another look' '-DBUG_NOLOOK -DNUMBERS=1'
	finds 'found: everybody votes for their own' '-DBUG_OWN -DNUMBERS=1'
	finds 'found: positions are listed before ballots' '-DBUG_TAKENFIRST -DNUMBERS=1'
	finds 'found: ballots are deleted before there is a position' '-DBUG_TIDY -DNUMBERS=1'
fi

model=lease.pml
holds 'L holds: two take a lease' '-DTAKERS=2'
finds 'found: a put counts without a look' '-DBUG_NOLOOK'
if [[ -n ${MF_STRESS:-} ]]; then
	finds 'found: a record is known since it was asked for' '-DBUG_SINCE'
	finds 'found: a term begins with the answer' '-DBUG_SENT'
	finds 'found: a lease is let go by deleting it' '-DBUG_DELETE'
fi

if ! command -v spin > /dev/null || ! command -v "${CC:-gcc}" > /dev/null; then
	echo "1..0 # SKIP spin or gcc is not installed"
	exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd -- "$dir" || exit 1

# search MODEL OPTION...: the verifier's output, or that of what failed before it, in ./out.
search() {
	local optimise=-O0 file=$1
	shift
	[[ -n ${MF_STRESS:-} ]] && optimise=-O2
	spin -a "$@" "$file" > out 2>&1 &&
		"${CC:-gcc}" "$optimise" -w -DSAFETY -DBFS -DCOLLAPSE -DNOREDUCE -DMEMLIM=4000 \
			-o pan pan.c >> out 2>&1 &&
		./pan -w22 > out 2>&1
}

echo "1..${#cases[@]}"
number=0
status=0
for row in "${cases[@]}"; do
	IFS='|' read -r want name options <<< "$row"
	number=$((number + 1))
	# shellcheck disable=SC2086 # the options are words
	search "${options%% *}" ${options#* }
	if [[ $want == holds ]]; then
		grep -q 'errors: 0' out && ! grep -qi 'not completed' out
	else
		grep -q 'assertion violated' out
	fi && result=ok || result='not ok'
	echo "$result $number - $name"
	sed -n 's/^ *\([0-9.e+]*\) states, stored.*/# \1 states/p' out
	[[ $result == ok ]] && continue
	status=1
	sed 's/^/# /' out
done
exit "$status"
