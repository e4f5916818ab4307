#!/usr/bin/env bash
# The store contract on OpenStack Swift's S3 API, but for conditional puts, which it has not.
# shellcheck source=tests/scenarios/lib.sh
. "$MF_TOP_SRCDIR/tests/scenarios/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$MF_TOP_SRCDIR/tests/servers/lib.sh"
need_swift
# shellcheck disable=SC2154 # need_swift sets it
MF_TEST_BUCKET=$bucket MF_TEST_CONDITIONAL=no \
	"$MF_TOP_BUILDDIR/tests/unit/transfers/test_s3_store"
