#!/bin/sh
# The store contract by way of libs3 on a Ceph gateway of the test's own, over TLS, whose listings
# come in small pages.
if [ ! -x "$MF_TOP_BUILDDIR/tests/unit/transfers/test_libs3_store" ]; then
	echo "1..0 # SKIP built without libs3"
	exit 0
fi
exec "$MF_TOP_SRCDIR/tests/servers/with-rgw" --tls --set=rgw_max_listing_results=90 \
	"$MF_TOP_BUILDDIR/tests/unit/transfers/test_libs3_store"
