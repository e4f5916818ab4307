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

# ---- a migration, while it is under way and when it is over ----

# shellcheck disable=SC2317 # by check
in_time() { # COMMAND...: true within a minute
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}
echo "modelferry-weights {{primary}}/{{canary}}" >weights.in
echo "modelferry-weights 100/0" >weights
cat >plan.yaml <<EOF
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: to-the-branch}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: other}
  service: {port: 80}
  analysis: {interval: 10s, threshold: 2, stepWeight: 10}
EOF
"$MF" migrate plan.yaml --run-id ours --model other@1 --from next/f16 --new-version \
    --to "$scratch/there,link=current" \
    --router "file:template=$scratch/weights.in,output=$scratch/weights,reload=true" \
    >ours.out 2>&1 &
ours=$!
check "the run moves traffic" in_time grep -q 'route:90/10' ours.out
status 0 "a wish, signed" "$MF" migrate --pause ours --reason "wait for it" --sign-key signing.key
check "the run waits" in_time grep -q 'held: ' ours.out
status 0 "leases" second "$MODELFERRY_REPO" leases
says "the ref is held by the run" '^ref other@production: ours, .* token=[0-9]+$' out
says "... and the traffic" "^traffic file:$scratch/weights: ours, .* token=[0-9]+$" out
says "... and the destination" "^destination [^:]*:$scratch/there: ours, .* token=[0-9]+$" out
status 0 "what runs keep" second "$MODELFERRY_REPO" kept
says "its version is kept until it is over" '^other@1 ours open$' out
status 0 "runs" second "$MODELFERRY_REPO" runs
says "... with its heartbeat" \
    '^ours plan=to-the-branch model=other version=1 previous= lines=[1-9][0-9]* phase=[A-Z][a-zA-Z]+ canary=[1-9]0$' out
status 0 "a wish that nobody signed" "$MF" migrate --promote --full ours
status 0 "control records" second "$MODELFERRY_REPO" controls
says "the first, and that its signature fits" '^ours 1 pause: wait for it \(signed\)$' out
says "the second" '^ours 2 promote-full: $' out
wait $ours
check "the run ends well" test $? -eq 0
status 0 "leases" second "$MODELFERRY_REPO" leases
says "nobody holds the ref" '^ref other@production: free$' out
status 0 "what runs keep" second "$MODELFERRY_REPO" kept
says "its version is kept for a while" '^other@1 ours [0-9]{16}$' out
status 0 "modelferry's history" "$MF" history --json
python3 -c 'import json, sys
for r in json.load(sys.stdin): print(r["run"], r["plan"], r["version"], r["result"])' <out >runs
status 0 "runs" second "$MODELFERRY_REPO" runs
sed 's/^\([^ ]*\) plan=\([^ ]*\) .* version=\([^ ]*\) .*result=\([^ ]*\).*/\1 \2 \3 \4/' out >second-runs
check "both know the same runs" cmp runs second-runs
status 0 "lines" second "$MODELFERRY_REPO" lines
says "an act and its answer" '^ours [0-9]+ answer tick=[0-9]+ of=[1-9]' out
says "... and the end" '^ours [0-9]+ end tick=[0-9]+ of=0 succeeded$' out
status 0 "a site pulls" "$MF" pull other@1 branch --link current --site branch --instance pod-0 \
    --sign-key signing.key
status 0 "receipts" second "$MODELFERRY_REPO" receipts
says "the site has it" '^other@1 branch/pod-0 files=[0-9]+ bytes=[0-9]+ served \(signed\)$' out

status 0 "rekeyed" "$MF" key rekey
for records in leases runs controls receipts kept; do
	status 0 "$records after a rekey" second "$MODELFERRY_REPO" "$records"
	says "... are still there" . out
done
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
