#!/bin/bash
# scripts/quickstart tells its story to the end, and cleans up behind itself.
# shellcheck source=tests/scenarios/lib.sh
. "${MF_TOP_SRCDIR:-$PWD}/tests/scenarios/lib.sh"
quickstart=$MF_TOP_SRCDIR/scripts/quickstart

mkdir tmp
status 0 "the story, from the first push to the rollback" \
	env TMPDIR="$scratch/tmp" "$quickstart" --program "$MF" --size 24M
cp out story
says "verify named the damaged file" 'damaged: churn@v1: model-0000' story
says "it was repaired" 'repaired' story
says "production went back" 'equal to checkpoint-1 byte for byte' story
check "nothing is left of the demonstration" \
	test -z "$(find tmp -maxdepth 1 -name 'modelferry-quickstart.*')"
status 0 "--keep leaves it" \
	env TMPDIR="$scratch/tmp" "$quickstart" --keep --program "$MF" --size 24M
says "and says where" "^The demonstration lies in $scratch/tmp/modelferry-quickstart" out
check "there it is" test -L "$(find tmp -path '*/serving/current')"
status 1 "a step that does not do what it says ends the story" \
	env TMPDIR="$scratch/tmp" "$quickstart" --program /bin/true --size 24M
status 2 "an unknown option" "$quickstart" --no-such-option
end
