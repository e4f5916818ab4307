#!/bin/bash
# A reader in Python, written from modelferry-repository(5) alone, opens what modelferry made:
# it lists the same versions and refs, and extracts the same trees, to the byte.
# shellcheck source=tests/scenarios/lib.sh
. "${MF_TOP_SRCDIR:-$PWD}/tests/scenarios/lib.sh"
page=$MF_TOP_SRCDIR/man/modelferry-repository.5

# shellcheck disable=SC2317 # by status
second() {
	python3 "$MF_TOP_SRCDIR/tests/tools/second-reader.py" "$@"
}

# Types, modes, times, link targets and link counts of a tree, and its content.
describe() {
	(cd "$1" && find . -mindepth 1 -printf '%p %y %m %T@ %l %n\n' | sort | sed 's/ d\(.*\) [0-9]*$/ d\1/' &&
	    find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# extracts NAME SPEC TREE: the second reader's extract of the version is the tree
extracts() {
	rm -rf extracted
	status 0 "$1: extracted" second "$MODELFERRY_REPO" extract "$2" extracted
	describe "$3" >want
	describe extracted >got 2>&1
	check "$1: the same types, modes, times and bytes" cmp want got
}

# Everything that a manifest can say: each format, many small files, links, odd names.
make_trees() {
	"$MF_TOP_SRCDIR/scripts/make-checkpoint" tree --kind mixed --size 24M --zero 10 --repeat 5
	mkdir -p tree/empty-directory tree/many tree/a-b
	local i
	for i in $(seq 300); do
		echo "small file $i" >"tree/many/$i"
	done
	data tree/a 20000000 7
	data tree/a-b/c 3000000 8
	: >tree/empty
	ln -s many/1 tree/link
	ln -s nowhere tree/dangling
	ln tree/many/2 tree/another-name
	echo newline >"tree/$(printf 'new\nline')"
	echo bytes >"tree/$(printf 'not-utf8-\377')"
	chmod 0640 tree/a
	chmod 0755 tree/many/3
	chmod 0750 tree/many
	cp -a tree next
	data next/a-b/c 3000001 9
	rm next/many/7
	mv next/a next/z
	for i in f32 f16 f8; do
		"$MF_TOP_SRCDIR/scripts/make-checkpoint" "next/$i" --size 4M --dtype "$i"
	done
}

status 0 "the page's worked example" second page "$page"
make_trees

export MODELFERRY_REPO=$scratch/repository
status 0 "a repository" "$MF" init
status 0 "a signing key" "$MF" key generate --signing --out signing.key
status 0 "first version, signed" "$MF" push tree some/model@v1 --sign-key signing.key \
	--tag site=here --metric accuracy=0.93 --ref production
status 0 "second version" "$MF" push next some/model@v2 --ref production
status 0 "another model" "$MF" push next/f16 other@1
extracts "first version" some/model@v1 tree
extracts "second version, by its ref" some/model@production next
extracts "the only version of a model" other next/f16

status 0 "rolled back" "$MF" rollback some/model --reason test
status 0 "and noted again" "$MF" tag some/model@v2 site=there
status 0 "the second reader lists versions" second "$MODELFERRY_REPO" versions
says "it sees that the second was rejected" '^some/model@v2 .* rejected$' out
sed 's/ .*//' out | sort >second-versions
status 0 "modelferry lists versions" "$MF" versions --json
python3 -c 'import json, sys
for v in json.load(sys.stdin): print("%s@%s" % (v["model"], v["version"]))' <out | sort >versions
check "both list the same" cmp versions second-versions
status 0 "the second reader lists refs" second "$MODELFERRY_REPO" refs some/model
says "production is back at v1" '^some/model@production -> v1 \(3\)$' out
extracts "production after the rollback" some/model tree

status 0 "rekeyed" "$MF" key rekey
extracts "after a rekey" some/model@v2 next
status 0 "forgotten" "$MF" forget some/model@v2
status 0 "pruned and resealed" "$MF" prune --grace 0 --reseal
extracts "after a prune" some/model@v1 tree
status 3 "a forgotten version is not there" "$MF" show some/model@v2
status 1 "nor for the second reader" second "$MODELFERRY_REPO" extract some/model@v2 nothing

for kind in "--cipher aes-256-gcm" --pad; do
	export MODELFERRY_REPO=$scratch/other${kind%% *}
	# shellcheck disable=SC2086
	status 0 "a repository with $kind" "$MF" init $kind
	status 0 "push with $kind" "$MF" push tree model@v1
	extracts "with $kind" model tree
done

victim=$(find "$MODELFERRY_REPO/c" -type f -size +100k | head -n 1)
printf damage | dd of="$victim" bs=1 seek=5000 conv=notrunc status=none
status 4 "a damaged chunk stops the second reader" second "$MODELFERRY_REPO" extract model nothing
status 4 "as it does modelferry" "$MF" pull model nothing-either
MODEL_HMAC_KEY=$(new_key)
status 5 "so does a wrong HMAC key" second "$MODELFERRY_REPO" versions
MODEL_ENCRYPTION_KEY=$(new_key)
status 5 "and a wrong encryption key" second "$MODELFERRY_REPO" versions
end
