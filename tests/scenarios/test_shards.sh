#!/bin/bash
# A version pushed in shards: four processes side by side, of which one is killed and run again, as
# the pods of a Kubernetes Indexed Job are; a commit twice at once; and what comes out is the source.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2317 # by status
second() {
	python3 "$MF_TOP_SRCDIR/tests/tools/second-reader.py" "$@"
}

sizes=(24M 40000000 200)
in_bucket && sizes=(4M 6000000 60)
"$MF_TOP_SRCDIR/scripts/make-checkpoint" tree --kind mixed --size "${sizes[0]}"
data tree/blob "${sizes[1]}" 7
mkdir tree/many tree/empty
for i in $(seq "${sizes[2]}"); do
	data "tree/many/$i" 5000 "$i"
done
ln -s many/1 tree/link
ln tree/many/2 tree/second-name
MODELFERRY_REPO=$(place repo)
export MODELFERRY_REPO
status 0 "a repository" "$MF" init

# ---- four pods, one of which is killed ----

pod() { # INDEX [VARIABLE=VALUE]: as Kubernetes starts it
	local index=$1
	shift
	env JOB_COMPLETION_INDEX="$index" MODELFERRY_SHARDS=4 MODELFERRY_STATE_DIR="$scratch/pod$index" \
		MODELFERRY_CACHE_DIR="$scratch/pod$index" "$@" "$MF" push tree churn@v1 --json \
		>"pod$index.out" 2>"pod$index.err"
}

kill_one=()
has_failpoints && kill_one=(MODELFERRY_TEST_KILL_AT_OP=14)
pids=()
for i in 0 1 3; do
	pod "$i" &
	pids+=($!)
done
pod 2 "${kill_one[@]}"
killed=$?
for i in "${!pids[@]}"; do
	wait "${pids[$i]}" || echo "pod $i failed" >>failed
done
check "three pods are done" test ! -e failed
if has_failpoints; then
	check "one was killed" test "$killed" = 137
	status 7 "its shard is missing" "$MF" commit churn@v1 --shards 4
	says "... and named" 'missing 3$|missing 3,'
	status 0 "versions tells of the others" "$MF" versions
	says "... by their number" '^not committed: 3 of 4 shards of churn@v1$' out
	status 0 "stats counts them" "$MF" stats --json
	json "... too" 'r["partials"] == 3 and r["versions"] == 0'
	status 0 "verify has nothing against them" "$MF" verify -v
	says "... and mentions them" '3 of 4 shards of churn@v1 are pushed and not committed'
	status 0 "it is run again" pod 2
	cp pod2.out out
	json "... as shard 3 of 4" 'r["shard"] == 3 and r["shards"] == 4'
	# of so little as a bucket is given all may have arrived, or nothing
	in_bucket || json "... and sends what had not arrived" '0 < r["new_chunks"] < r["chunks"]'
fi
python3 - >parts 2>err <<'END'
import json
pods = [json.load(open("pod%d.out" % i)) for i in range(4)]
assert len({p["listing"] for p in pods}) == 1, pods
most, least = (f(p["bytes"] for p in pods) for f in (max, min))
assert most - least <= 2 * (16 << 20), pods
print(sum(p["bytes"] for p in pods), sum(p["files"] for p in pods))
END
bytes=$(find tree -type f -printf '%i %s\n' | sort -u | awk '{ n += $2 } END { print n, NR }')
check "the parts are of one listing, balanced, and all of it" test "$(cat parts)" = "$bytes"

# ---- committed twice at once ----

status 3 "before that there is no version" "$MF" show churn@v1
"$MF" commit churn@v1 --shards 4 --tag site=here --ref production --json >one.out 2>one.err &
one=$!
"$MF" commit churn@v1 --shards 4 --tag site=here --ref production --json >two.out 2>two.err &
two=$!
wait $one
check "one commit is done" test $? = 0
wait $two
check "so is one beside it" test $? = 0
status 0 "another number of shards is not taken for the version's" "$MF" commit churn@v1 --shards 3
says "... which does not say how many there were" '^churn@v1 is there already: [0-9]* files, [^,]*$' out
status 0 "a third finds it there" "$MF" commit churn@v1 --shards 4 --ref production --json
json "... and says so" 'r["already"] and r["ref"]["name"] == "production"'
status 0 "there is one version" "$MF" versions --json
json "... of that name" '[v["version"] for v in r] == ["v1"] and r[0]["tags"] == {"site": "here"}'
json "... and the ref is at it" 'r[0]["refs"] == ["production"]'
if ! in_bucket; then
	left=$(find repo/m -type f | wc -l)
	check "nothing is left of the shards" test "$left" = 1 -o "$left" = 2
fi
status 0 "all its data is there" "$MF" verify --read-data
status 0 "pulled" "$MF" pull churn pulled --link current
check "it is the source" diff -r --no-dereference tree pulled/current/
stored=$MODELFERRY_REPO
if in_bucket; then
	stored=$scratch/stored
	check "the repository is copied" "$MF" copy "$MODELFERRY_REPO" "$stored"
fi
status 0 "the second reader extracts it" second "$stored" extract churn@production extracted
check "... to the byte" diff -r --no-dereference tree extracted
status 0 "a pod that comes late" pod 1
cp pod1.out out
json "... has nothing to do" 'r["unchanged"]'
status 0 "a whole push finds every chunk" "$MF" push tree churn@v2 --force --json
json "... since shards cut alike" 'r["new_chunks"] == 0'
status 0 "and the same files" "$MF" diff churn@v1 churn@v2

# ---- what is refused ----

status 0 "a shard of the next version" "$MF" push tree churn@v3 --shard 1/2
touch tree/blob
status 0 "another, when a file had changed" "$MF" push tree churn@v3 --shard 2/2
status 7 "they do not go together" "$MF" commit churn@v3 --shards 2
says "... and both are named" '\.\.\. by 1; .*\.\.\. by 2|\.\.\. by 2; .*\.\.\. by 1'
status 0 "the first once more" "$MF" push tree churn@v3 --shard 1/2
status 0 "now they do" "$MF" commit churn@v3 --shards 2
for option in "--ref x" "--tag a=b" "--metric a=1" --allow-partial --force "--ready-file x"; do
	# shellcheck disable=SC2086
	status 2 "$option is refused with --shard" "$MF" push tree churn@v4 --shard 1/2 $option
	says "... by name" "^modelferry: ${option%% *} cannot be given for one shard"
done
status 2 "a shard needs a version" "$MF" push tree churn --shard 1/2
status 2 "--shards needs an index" "$MF" push tree churn@v4 --shards 2
says "... and says whose" JOB_COMPLETION_INDEX
status 2 "an index past the end" env JOB_COMPLETION_INDEX=2 "$MF" push tree churn@v4 --shards 2
status 2 "shards count from 1" "$MF" push tree churn@v4 --shard 0/2
status 2 "--shard and --shards of two minds" "$MF" push tree churn@v4 --shard 1/2 --shards 3
status 2 "a commit needs --shards" "$MF" commit churn@v4
status 7 "... and shards" "$MF" commit churn@v4 --shards 2

# ---- limits are for all shards together ----

mkdir slow
for i in $(seq 40); do
	data "slow/$i" 30000 "$((300 + i))"
done
# took LEAST COMMAND...: milliseconds; how much longer is the machine's affair
took() {
	local begun least=$1
	shift
	begun=$(date +%s%3N)
	"$@" >out 2>err || return
	echo "took $(($(date +%s%3N) - begun)) ms" >>out
	test $(($(date +%s%3N) - begun)) -ge "$least"
}
# 1.2 MB by 600k a second would take 2 s, and a quarter of it half a second
check "a shard of four takes a quarter of --bwlimit" \
	took 1500 "$MF" push slow churn@slow --shard 1/4 --bwlimit 600k
# 8 operations a second at least
check "... and of --tpslimit" took 1500 "$MF" push slow churn@slow --shard 2/4 --tpslimit 20

# ---- signed ----

status 0 "a key" "$MF" key generate --signing --out signing.key
awk '/MODELFERRY-VERIFY-KEY-1/' out >trusted
status 0 "a signed shard" "$MF" push tree churn@v5 --shard 1/2 --sign-key signing.key
status 0 "an unsigned one" "$MF" push tree churn@v5 --shard 2/2
status 7 "an unsigned one does not count" "$MF" commit churn@v5 --shards 2 --trusted-keys trusted
says "... and is missing" "missing 2"
status 0 "signed, too" "$MF" push tree churn@v5 --shard 2/2 --sign-key signing.key
status 0 "committed, and signed" "$MF" commit churn@v5 --shards 2 --trusted-keys trusted \
	--sign-key signing.key --ref signed
status 0 "pulled by its signature" "$MF" pull churn@signed there --trusted-keys trusted
end
