#!/usr/bin/env bash
# What a pull keeps in DIR/.modelferry: a client that lost its state directory still refuses an
# older repository, on the volume that it filled before.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

data a/model.bin 20000 1
data b/model.bin 21000 2
"$MF" -r repo init >/dev/null
"$MF" -r repo push a churn@v1 --ref production >/dev/null
cp -r repo older
"$MF" -r repo push b churn@v2 --ref production >/dev/null
cp -r repo newer

# put WHICH: the repository as it was then
put() {
	rm -rf repo
	cp -r "$1" repo
}
# amnesia COMMAND...: as a pod that has nothing but the volume
# shellcheck disable=SC2317 # called through status
amnesia() {
	rm -rf "$scratch/state"
	"$@"
}
# shows NAME DIR WANT
shows() { check "$1" diff -r -x .modelferry "$3" "$2"; }

for layout in link plain; do
	options=()
	see=vol
	rm -rf vol
	put newer
	if [ $layout = link ]; then
		options=(--link current)
		see=vol/current
	fi
	status 0 "$layout: a pull" amnesia "$MF" -r repo pull churn vol "${options[@]}"
	check "$layout: ... remembers the ref" grep -q "2 churn/production" vol/.modelferry/seen
	shows "$layout: ... and shows v2" $see b
	put older
	status 5 "$layout: an older ref is refused" amnesia "$MF" -r repo pull churn vol "${options[@]}"
	says "$layout: ... for what the directory has seen" "this directory has seen 2"
	says "$layout: ... which file says so" "vol/.modelferry/seen"
	shows "$layout: ... v2 stays" $see b
	status 5 "$layout: ... as previous, too" amnesia "$MF" -r repo pull churn@previous vol "${options[@]}"
	rm -f repo/r/*/*/*
	status 5 "$layout: a ref that vanished" amnesia "$MF" -r repo pull churn vol "${options[@]}"
	status 5 "$layout: ... asked for by name" amnesia "$MF" -r repo pull churn@production vol "${options[@]}"
	status 5 "$layout: ... and previous" amnesia "$MF" -r repo pull churn@previous vol "${options[@]}"
	put older
	status 0 "$layout: a new directory cannot know" amnesia "$MF" -r repo pull churn fresh-$layout "${options[@]}"

	# a version of the same name
	put older
	status 0 "$layout: v1 by name" amnesia "$MF" -r repo pull churn@v1 vol "${options[@]}"
	put newer
	"$MF" -r repo forget churn@v1 >/dev/null
	"$MF" -r repo push b churn@v1 --force >/dev/null
	status 0 "$layout: another v1" amnesia "$MF" -r repo pull churn@v1 vol "${options[@]}"
	put older
	status 5 "$layout: the v1 before it is refused" amnesia "$MF" -r repo pull churn@v1 vol "${options[@]}"

	# the configuration
	put newer
	echo secret >passphrase
	chmod 600 passphrase
	"$MF" -r repo key add --new-passphrase-file passphrase --label second >/dev/null
	status 0 "$layout: with a newer configuration" amnesia "$MF" -r repo pull churn vol "${options[@]}"
	put newer
	status 5 "$layout: an older one is refused" amnesia "$MF" -r repo pull churn vol "${options[@]}"
	says "$layout: ... as what it is" "configuration"

	# another repository
	rm -rf repo s2
	"$MF" --state-dir s2 -r repo init >/dev/null
	"$MF" --state-dir s2 -r repo push a churn@v1 --ref production >/dev/null
	status 5 "$layout: another repository behind the URL" amnesia "$MF" -r repo pull churn vol "${options[@]}"
	says "$layout: ... as what it is" "another repository"
	put newer
	check "$layout: ... which left no mark in the state" bash -c "'$MF' -r repo versions"

	# a directory that others write to
	rm -rf vol
	"$MF" -r repo pull churn vol "${options[@]}" >/dev/null
	cp vol/.modelferry/seen good
	echo more >>vol/.modelferry/seen
	status 4 "$layout: a damaged memory is refused" amnesia "$MF" -r repo pull churn vol "${options[@]}"
	says "$layout: ... by name" "vol/.modelferry/seen"
	rm vol/.modelferry/seen
	mkfifo vol/.modelferry/seen
	status 4 "$layout: a FIFO in its place" timeout 20 "$MF" -r repo pull churn vol "${options[@]}"
	rm vol/.modelferry/seen
	ln -s "$scratch/good" vol/.modelferry/seen
	status 5 "$layout: a link in its place" "$MF" -r repo pull churn vol "${options[@]}"
	rm vol/.modelferry/seen
	status 0 "$layout: one that is gone is made again" "$MF" -r repo pull churn vol "${options[@]}"
	check "$layout: ... with what was seen" cmp good vol/.modelferry/seen
done

# a pull that fails later remembers all the same
put older
rm -rf vol
amnesia "$MF" -r repo pull churn vol --link current >/dev/null
put newer
find repo/c -type f -size +20k -delete
status 4 "a version that lacks its data" amnesia "$MF" -r repo pull churn vol --link current
put older
status 5 "... is not gone back from" amnesia "$MF" -r repo pull churn vol --link current

# a dry run looks and does not write
put newer
rm -rf vol
"$MF" -r repo pull churn@v1 vol --link current >/dev/null
cp vol/.modelferry/seen good
status 0 "a dry run" "$MF" -r repo pull churn vol --link current --dry-run
check "... remembers nothing" cmp good vol/.modelferry/seen

# what a pull keeps is no part of what a push takes
rm -rf vol
"$MF" -r repo pull churn@v2 vol >/dev/null
status 0 "push what was pulled" "$MF" -r repo push vol churn@again --force
status 0 "list it" "$MF" -r repo ls churn@again
never_says "... without .modelferry" .modelferry
status 0 "... which is no difference" "$MF" -r repo diff churn@v2 churn@again
end
