#!/usr/bin/env bash
# The EXAMPLES of modelferry(1), taken out of the page and run, line by line, as they stand;
# only /tmp/ is a directory of the test's own. Of kubectl the arguments alone are looked at: a
# stand-in takes them.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
page=$MF_TOP_SRCDIR/man/modelferry.1
unset MODEL_ENCRYPTION_KEY MODEL_HMAC_KEY

# what the examples presuppose
mkdir tmp bin
ln -s "$MF" bin/modelferry
PATH=$scratch/bin:$PATH
data checkpoint/model.bin 300000 1
echo '{"v":1}' >checkpoint/config.json
cp -r checkpoint checkpoint-2
data checkpoint-2/model.bin 310000 2
cat >bin/kubectl <<'EOF'
#!/bin/bash
# is this a command that would make the Secret? its values must be base64 of 32 bytes
[ "$1 $2 $3" = "create secret generic" ] && [ -n "$4" ] || exit 1
shift 4
for a; do
	case $a in
	--from-literal=MODEL_ENCRYPTION_KEY=*) encryption=${a#*=*=} ;;
	--from-literal=MODEL_HMAC_KEY=*) hmac=${a#*=*=} ;;
	*) exit 1 ;;
	esac
done
for v in "$encryption" "$hmac"; do
	[ "$(printf %s "$v" | base64 -d | wc -c)" = 32 ] || exit 1
done
EOF
chmod +x bin/kubectl

# each command of the literal blocks on a line of its own
awk '/^\.Sh /{ on = ($2 == "EXAMPLES") }
	on && /^\.Bd -literal/ { inside = 1; next }
	/^\.Ed/ { inside = 0 }
	on && inside {
		gsub(/\\e/, "\\"); gsub(/\\-/, "-"); gsub(/\\&/, "")
		if (sub(/\\$/, "")) printf "%s", $0; else print
	}' "$page" | sed "s|/tmp/|$scratch/tmp/|g" >commands
check "the page has examples" test "$(wc -l <commands)" -ge 10
while IFS= read -r command <&3; do
	case $command in
	kubectl*) note=" (arguments only)" ;;
	*) note= ;;
	esac
	if eval "$command" >out 2>err </dev/null; then
		ok "${command//$scratch/}$note"
	else
		not_ok "${command//$scratch/}"
	fi
done 3<commands

# and they did what the page says
for command in init push pull follow "ref churn" versions rollback verify prune; do
	check "an example has $command" grep -q "^modelferry $command" commands
done
check "production went back to v1" diff -r checkpoint tmp/serving/current
status 0 "both versions are kept" "$MF" versions churn
says "... v2 too, with its tag" "churn@v2.*site=here" out
end
