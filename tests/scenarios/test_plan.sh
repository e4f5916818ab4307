#!/usr/bin/env bash
# plan check: the plans of modelferry-plan(5) as they stand, what is refused, what is warned of.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
page=$MF_TOP_SRCDIR/man/modelferry-plan.5
unset MODEL_ENCRYPTION_KEY MODEL_HMAC_KEY

# the literal blocks of the page that are documents, a file each
awk '/^\.Bd -literal/ { n++; inside = 1; next }
	/^\.Ed/ { inside = 0 }
	inside { gsub(/\\e/, "\\"); gsub(/\\-/, "-"); gsub(/\\&/, ""); print >("example-" n ".yaml") }' "$page"
for kind in Migration Canary Rollout; do
	check "the page has a $kind" grep -q "^kind: $kind" example-*.yaml
done
for f in example-*.yaml; do
	grep -q "^kind:" "$f" || continue
	kind=$(sed -n 's/^kind: //p' "$f" | head -1)
	status 0 "the $kind of the page ($f) is accepted" "$MF" plan check "$f"
	says "... and shown" "^kind: $kind" out
	status 0 "... also as JSON" "$MF" --json plan check "$f"
	json "... of that kind" "r['kind'] == '$kind'"
done

status 0 "a Canary in the profile of Flagger" "$MF" plan check --profile flagger example-2.yaml
says "... ends as Flagger does" "^finish: copy-back" out
status 0 "... or as --finish says" "$MF" plan check --profile flagger --finish stay example-2.yaml
says "... which is shown" "^finish: stay" out

sed 's/stepWeight: 10/stepWeight: 0/; s/provider: istio/provider: consul/' example-2.yaml >bad.yaml
status 2 "a plan that would hang is refused" "$MF" plan check bad.yaml
line=$(grep -n stepWeight bad.yaml | cut -d: -f1)
says "... by file, line and field" "^bad.yaml:$line: spec.analysis.stepWeight: " out
says "... and so is what else is wrong" "^bad.yaml:[0-9]+: spec.provider: " out
cp err counted
check "... which the error counts, and does not say again" \
    sh -c '! grep -q spec. counted && grep -q "bad.yaml is refused for 2 reasons" counted'
status 2 "... also for programs" "$MF" --json plan check bad.yaml
json "... with all reasons" "not r['ok'] and len(r['refused']) == 2 and r['warnings'] == []"
sed 's/stepWeight: 10/stepWeight: 0/; s/threshold:/treshold:/' example-1.yaml >worse.yaml
status 2 "migrate has the first one" "$MF" migrate worse.yaml
says "... and counts them" "worse.yaml:.*, while reading the plan, which is refused for [2-9] reasons"
sed 's/^  analysis:/  colour: blue\n  analysis:/' bad.yaml >both.yaml
status 2 "what is warned of is said of a plan that is refused, too" "$MF" plan check both.yaml
says "... after the refusals" "both.yaml:[0-9]+: spec.colour: nobody knows"
status 2 "... also for programs" "$MF" --json plan check both.yaml
json "... by field" "len(r['refused']) == 2 and r['warnings'][0]['field'] == 'spec.colour'"

sed 's/^  analysis:/  colour: blue\n  analysis:/' example-2.yaml >odd.yaml
status 0 "a field that nobody knows is no refusal" "$MF" plan check odd.yaml
says "... but a warning" "odd.yaml:[0-9]+: spec.colour: nobody knows"

# ---- an editor, which goes by the JSON Schema, says the same ----

for python in python3 /usr/bin/python3; do
	"$python" -c "import jsonschema, yaml" 2>err && break
	python=
done
check "python3 has jsonschema and yaml (scripts/install-deps)" test -n "$python"
by_schema() { # FILE
	"$python" - "$MF_TOP_SRCDIR/src/rollout/migration.schema.json" "$1" <<-'END'
		import json, sys, jsonschema, yaml
		with open(sys.argv[1]) as f:
		    schema = json.load(f)
		jsonschema.Draft202012Validator.check_schema(schema)
		with open(sys.argv[2]) as f:
		    plans = [d for d in yaml.safe_load_all(f) if d and d.get("kind") == "Migration"]
		if not plans:
		    sys.exit("no Migration in there")
		for plan in plans:
		    plan = json.loads(json.dumps(plan, default=str)) # dates are text
		    jsonschema.validate(plan, schema, jsonschema.Draft202012Validator)
	END
}
for f in example-*.yaml; do
	grep -q "^kind: Migration" "$f" || continue
	status 0 "the Migration of the page ($f), by the schema" by_schema "$f"
	for word in name dir haproxy interval thresholdRange bake; do
		sed "0,/\<$word:/s//${word}s:/" "$f" >odd.yaml
		cmp -s "$f" odd.yaml && continue
		status 1 "... with ${word}s in place of $word it is refused" by_schema odd.yaml
		status 2 "... as it is by plan check" "$MF" plan check odd.yaml
	done
done

sed -e 's|^      canary: \[models.*|&\n      config: [/etc/haproxy/haproxy.cfg]|' \
    -e '$a\  alerts: [{name: pager, url: "http://pager/", retries: 4}]' example-1.yaml >told.yaml
status 0 "what a router's files and an alert's tries are" "$MF" plan check --json told.yaml
json "... is shown" "(r['migration']['router']['config'], r['migration']['alerts'][0]['retries']) \
== (['/etc/haproxy/haproxy.cfg'], 4)"

# what decides something is shown, also where the plan leaves it to the defaults
status 0 "the conditions of a Rollout's analyses" "$MF" plan check --json example-3.yaml
json "... are shown as they are read" \
    "r['rollout']['analyses'][0]['metrics'][0]['successCondition'] == 'result == true'"
json "... and how long a hold may last, and what its arguments are" \
    "(r['rollout']['maxHold'], r['rollout']['onHoldEnd'], r['rollout']['analyses'][0]['args']) \
== ('10m', 'rollback', {'model-version': 'v7'})"
status 0 "the defaults of a Migration" "$MF" plan check --json example-1.yaml
json "... are shown, too" "(r['analysis']['maxHold'], r['analysis']['watch'],
r['migration']['destination']['serves']['timeout'], r['migration']['rollback']['verifyFor']) \
== ('10m', '5s', '10s', '5m')"
sed -e 's|    - name: accuracy|&\n      auth: {bearerFile: /run/token}\n      caFile: /run/ca|' \
    -e 's/verifyFor: 5m/verifyFor: 0/' example-1.yaml >told.yaml
status 0 "who asks for a metric" "$MF" plan check --json told.yaml
json "... and whom it trusts is shown" "(r['analysis']['metrics'][1]['ask']['bearerFile'],
r['analysis']['metrics'][1]['ask']['caFile'], r['migration']['rollback']['verifyFor']) \
== ('/run/token', '/run/ca', 'one look')"

sed '0,/^  analysis:/s//&\n    sessionAffinity: {cookieName: canary}/' example-2.yaml >cookies.yaml
status 0 "a Canary that wants cookies" "$MF" plan check cookies.yaml
says "... is told that none are set" "spec.analysis.sessionAffinity: no cookies are set here"

status 2 "no such file" "$MF" plan check nowhere.yaml
: >empty.yaml
status 2 "an empty file" "$MF" plan check empty.yaml

# what nobody means to write: one line each, by file, line and field
one_line() { # NAME PATTERN, of hostile.yaml
	status 2 "$1" "$MF" plan check hostile.yaml
	says "... in a line" "^hostile.yaml:$2" out
	check "... and no other" test "$(wc -l <out)" = 1
}
with() { sed "$1" example-1.yaml >hostile.yaml; }
with '3,4d; 2a metadata: null'
one_line "metadata that is null" "1: metadata: is missing"
with "5,\$d; 4a spec: null"
one_line "a spec that is null" "1: spec: is missing"
with "\$a rollback: {verifyFor: 0}"
one_line "a stanza that lost its indentation" "[0-9]+: rollback: nobody knows this field"
with 's/^kind:.*/kind: [Migration]/'
one_line "a kind that is a list" "2: kind: a string is wanted here, not a list"
with 's/^apiVersion:.*/apiVersion: migrations.example.com\/v1/'
one_line "a Migration of another group" "1: apiVersion: a Migration has the apiVersion modelferry"
with '0,/dir:.*/s//dir: ""/'
one_line "an empty directory" "[0-9]+: spec.source.dir: is empty"
with '0,/version: v7/s//version: a\/b/'
one_line "a version that no repository takes" '[0-9]+: spec.model.version: "a/b" is no name'
with '0,/name: churn$/s//name: ..\/x/'
one_line "such a model" '[0-9]+: spec.model.name: "../x" is no name'
with 's/{min: 99}/{min: .nan}/'
one_line "a bound that is no number" "[0-9]+: .nan is no number"
with 's/threshold: 5/&\n    threshold: 6/'
one_line "a key twice" "[0-9]+: key threshold a second time"
with "\$a ---\napiVersion: v1\nkind: Service\n---\nkind: Canary"
one_line "a bad third document" "[0-9]+: apiVersion: is missing"
printf 'a: &a [x,x,x,x,x,x,x,x,x]\n%s' "$(for i in b c d e f g; do
	printf '%s: &%s [%s*%s]\n ' $i $i "$(printf "*$(echo $i | tr b-g a-f),%.0s" 1 2 3 4 5 6 7 8)" \
	    "$(echo $i | tr b-g a-f)"; done)" | sed 's/^ //' >hostile.yaml
one_line "a bomb of anchors" "[0-9]+: more than 200000 values"
printf 'a: %s\n' "$(printf '[%.0s' {1..5000})" >hostile.yaml
one_line "lists in lists" "1: nested deeper than 64"
with 's/churn-to-eu/ch\xfcrn/'
one_line "bytes that are no UTF-8" "4: invalid leading UTF-8"
with 's/^    threshold/\tthreshold/'
one_line "a tab" "[0-9]+: found a tab"
{ cat example-1.yaml; head -c 10000000 /dev/zero | tr '\0' '#'; } >hostile.yaml
status 2 "ten megabytes" "$MF" plan check hostile.yaml
says "... are too many" "hostile.yaml is larger than"
{ printf '\xef\xbb\xbf'; sed 's/$/\r/' example-1.yaml; } >hostile.yaml
status 0 "a mark of the byte order and lines that end in CR LF are no matter" \
    "$MF" plan check hostile.yaml

printf 'a: [b\n' >broken.yaml
status 2 "a file that is no YAML" "$MF" plan check broken.yaml
says "... by line" "^broken.yaml:[12]: " out
end
