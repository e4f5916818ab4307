#!/bin/bash
exec "$MF_TOP_SRCDIR/tests/servers/with-prometheus" \
    --history="$MF_TOP_SRCDIR/tests/unit/traffic/expositions" \
    "$MF_TOP_BUILDDIR/tests/unit/traffic/test_queries"
