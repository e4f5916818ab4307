#!/bin/bash
# Completion code is sound for its shell, and bash completes what it should.
bin=${MF_TOP_BUILDDIR:-.}/modelferry
n=0

check() { # description, command...
	local what=$1
	n=$((n + 1))
	shift
	if "$@"; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
	fi
}

# The words that bash offers behind "modelferry $@", the last one being completed.
offers() {
	local COMP_WORDS=(modelferry "$@") COMP_CWORD=$# COMPREPLY=()
	_modelferry
	echo " ${COMPREPLY[*]} "
}

has() { # word, words on the line...
	local word=$1
	shift
	[[ $(offers "$@") == *" $word "* ]]
}

lacks() {
	local word=$1
	shift
	[[ $(offers "$@") != *" $word "* ]]
}

sound() { # shell
	command -v "$1" >/dev/null 2>&1 || { echo "# no $1 here"; return 0; }
	"$bin" completion "$1" >"$tmp/$1" && "$1" -n "$tmp/$1"
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/here/adir" && : >"$tmp/here/afile"
export HOME=$tmp
echo 1..16
check "bash code is sound" sound bash
check "zsh code is sound" sound zsh
check "fish code is sound" sound fish
check "another shell is refused" eval '! "$bin" completion tcsh 2>/dev/null'
# shellcheck disable=SC1091
. "$tmp/bash"
cd "$tmp/here" || exit 1
check "commands" has push pu
check "a group once" has key k
check "second words" has rotate key r
check "options of the command" has --settle push --se
check "not of others" lacks --link push --
check "global options too" has --memory push --m
check "options of two words" has --signing key generate --s
check "choices" has aes-256-gcm init --cipher a
check "files" has afile push --sign-key a
check "directories only" lacks afile push a
check "behind an option's argument" has adir push --sign-key x a
check "shells" has fish completion f
