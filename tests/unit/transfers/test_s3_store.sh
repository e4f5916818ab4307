#!/bin/sh
# The store contract on a Ceph gateway of the test's own, over http and over TLS, whose
# listings come in small pages.
exec "$MF_TOP_SRCDIR/tests/servers/with-rgw" --tls --set=rgw_max_listing_results=90 \
	"$MF_TOP_BUILDDIR/tests/unit/transfers/test_s3_store"
