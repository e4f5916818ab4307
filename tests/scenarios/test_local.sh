#!/usr/bin/env bash
# What a pull takes from the versions that lie there already: on a file system that shares
# blocks, where this machine lets us mount one.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# pull ARGUMENT...: with its JSON in result
pull() { "$MF" -r repo --json pull "$@" >result; }
field() { # NAME: a number or string of it
	python3 -c 'import json,sys; print(json.load(open("result"))[sys.argv[1]])' "$1"
}

used_kib() {
	sync -f "$1" && df --output=used -k "$1" | tail -1
}

data a/model.bin 30000003 1
data a/config.json 300 2
status 0 "init" "$MF" -r repo init
status 0 "push v1" "$MF" -r repo push a m@v1
mv a/model.bin a/weights.bin
status 0 "push v2, in which a file has another name" "$MF" -r repo push a m@v2

status 0 "pull v1" pull m@v1 plain --link current
status 0 "pull v2" pull m@v2 plain --link current
check "nothing is fetched" test "$(field fetched_bytes)" = 0
check "the bytes are right" diff -r a plain/current

# a file system of our own that shares blocks, which takes a privilege
mount_reflink() {
	truncate -s 320M image && mkfs.xfs -q -m reflink=1 image && mkdir -p shared &&
		mount -o loop image shared
}
if mount_reflink >out 2>&1; then
	trap 'umount "$scratch/shared"; rm -rf "$scratch"' EXIT
	status 0 "pull v1 to a file system that shares blocks" \
		pull m@v1 shared/dir --link current
	fallocate -l $(($(df --output=avail -k shared | tail -1) - 15000))KiB shared/filler
	before=$(used_kib shared)
	status 0 "pull v2 there, where it would not fit by itself" pull m@v2 shared/dir --link current
	check "nothing is fetched" test "$(field fetched_bytes)" = 0
	check "the renamed file is shared" test "$(field shared_bytes)" = 30000003
	check "it takes next to no space" test $(($(used_kib shared) - before)) -lt 1000
	check "the bytes are right" diff -r a shared/dir/current
	old=$(find shared/dir/.modelferry/versions -maxdepth 1 -name 'v1-*')
	chmod u+w "$old/model.bin"
	printf scribble | dd of="$old/model.bin" bs=1 seek=5000000 conv=notrunc status=none
	check "writing to one version leaves the other as it was" diff -r a shared/dir/current
else
	ok "no file system that shares blocks # SKIP mkfs.xfs or mount: not here"
fi
end
