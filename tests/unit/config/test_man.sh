#!/bin/sh
# The manual pages agree with the option table, and mandoc has nothing to say about them.
top=${MF_TOP_SRCDIR:-.}
build=${MF_TOP_BUILDDIR:-.}
echo 1..2
if out=$("$top/scripts/update-man" --check "$build" 2>&1); then
	echo "ok 1 - the pages agree with the option table"
else
	echo "$out" | sed 's/^/# /'
	echo "not ok 1 - the pages agree with the option table: run scripts/update-man"
fi
if ! command -v mandoc >/dev/null 2>&1; then
	echo "ok 2 - mandoc -Tlint # SKIP no mandoc"
	exit 0
fi
# pages refer to each other before they are installed
if out=$(cd "$top/man" && mandoc -Tlint -Wstyle *.[1-8] 2>&1 |
	grep -v 'referenced manual not found: Xr modelferry') && [ -n "$out" ]; then
	echo "$out" | sed 's/^/# /'
	echo "not ok 2 - mandoc -Tlint"
else
	echo "ok 2 - mandoc -Tlint"
fi
