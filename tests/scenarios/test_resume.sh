#!/usr/bin/env bash
# A pull that is killed when nine tenths of the bytes are there fetches the rest, and little
# more, when it is run again.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

if ! has_failpoints; then
	echo "1..0 # SKIP built without --enable-failpoints"
	exit 0
fi

# checkpoint PATH N SEED: safetensors of N tensors of 8 MiB, each a chunk of its own
checkpoint() {
	python3 - "$1" "$2" <<-'EOF'
	import json, struct, sys
	size = 8 << 20
	header = json.dumps({f"layer.{i:03}.weight": {"dtype": "U8", "shape": [size],
	    "data_offsets": [i * size, (i + 1) * size]} for i in range(int(sys.argv[2]))}).encode()
	open(sys.argv[1], "wb").write(struct.pack("<Q", len(header)) + header)
	EOF
	data noise $(($2 << 23)) "$3"
	cat noise >>"$1"
	rm noise
}

field() { # FILE NAME: of the JSON object in it
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

mkdir model
echo '{"layers": 32}' >model/config.json
checkpoint model/model.safetensors 32 1
total=$(stat -c %s model/model.safetensors)
status 0 "init" "$MF" -r repo init
status 0 "push a checkpoint" "$MF" -r repo push model m@v1
pull() { # DIR
	"$MF" -r repo --json --threads 2 pull m@v1 "$1" --link current
}

MODELFERRY_TEST_OPS_FILE=$scratch/ops pull whole >whole.json 2>err
chunks=$(field whole.json chunks)
check "it has at least 30 chunks" test "$chunks" -ge 30
# the last reads of a pull are its chunks; kill it where nine tenths of them are done, though
# one thread may not be done with its own
operations=$(wc -l <ops)
kill_at=$((operations - chunks + (chunks * 9 + 9) / 10 + 2))
rm ops
MODELFERRY_TEST_OPS_FILE=$scratch/ops MODELFERRY_TEST_KILL_AT_OP=$kill_at pull dir >out 2>err
check "the pull was killed" test $? = 137
check "... when fewer than all chunks had been asked for" test "$(wc -l <ops)" -lt "$operations"
staged=$(($(find dir/.modelferry/staging -type f -printf '%b + ')0))
check "... and at least nine tenths of the bytes were there" \
	test $((staged * 512 * 10)) -ge $((total * 9))
check "it shows nothing" test ! -e dir/current

pull dir >again.json 2>err
check "it is run again" test $? = 0
fetched=$(field again.json fetched_bytes)
echo "# $chunks chunks, $total bytes; killed with $((staged * 512)) there; fetched then: $fetched"
check "it fetches at most 15 %" test $((fetched * 100)) -le $((total * 15))
check "it fetches something" test "$fetched" -gt 0
check "the bytes are right" diff -r model dir/current
end
