#!/bin/sh
# The manual pages agree with the option table, name no option that it lacks, and mandoc has nothing
# to say about them.
top=${MF_TOP_SRCDIR:-.}
build=${MF_TOP_BUILDDIR:-.}
echo 1..3
if out=$("$top/scripts/update-man" --check "$build" 2>&1); then
	echo "ok 1 - the pages agree with the option table"
else
	echo "$out" | sed 's/^/# /'
	echo "not ok 1 - the pages agree with the option table: run scripts/update-man"
fi
# modelferry.1 is read twice: first for the options that the table brought there. What is written as
# the beginning of several, --keep, is one.
out=$(cd "$top/man" && awk '
	{ gsub(/\\-/, "-"); gsub(/\\&/, "") }
	/^\.\\" BEGIN [a-z-]*options:/ { table = 1 }
	/^\.\\" END / { table = 0 }
	NR == FNR && !(table && /^\.It Fl /) { next }
	{
		for (rest = $0; match(rest, /(Fl |\\fB-)-[a-z][a-z0-9-]*/); ) {
			name = substr(rest, RSTART, RLENGTH)
			rest = substr(rest, RSTART + RLENGTH)
			sub(/^(Fl |\\fB-)-/, "", name)
			if (NR > FNR) {
				if (!(name in known))
					print FILENAME ":" FNR ": --" name
				continue
			}
			known[name] = 1
			while (sub(/-[^-]*$/, "", name))
				known[name] = 1
		}
	}' modelferry.1 modelferry*.[1-8])
if [ -z "$out" ]; then
	echo "ok 2 - the pages name no option that is not there"
else
	echo "$out" | sed 's/^/# /'
	echo "not ok 2 - the pages name no option that is not there"
fi
if ! command -v mandoc >/dev/null 2>&1; then
	echo "ok 3 - mandoc -Tlint # SKIP no mandoc"
	exit 0
fi
# pages refer to each other before they are installed
if out=$(cd "$top/man" && mandoc -Tlint -Wstyle *.[1-8] 2>&1 |
	grep -v 'referenced manual not found: Xr modelferry') && [ -n "$out" ]; then
	echo "$out" | sed 's/^/# /'
	echo "not ok 3 - mandoc -Tlint"
else
	echo "ok 3 - mandoc -Tlint"
fi
