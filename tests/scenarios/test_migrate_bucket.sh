#!/usr/bin/env bash
# The bucket falls silent while a migration has 40 % of the traffic at the new site: it takes
# connections and answers nothing. A run that is well holds, and goes on when the bucket is
# back; one whose canary is bad brings the traffic back all the same, and in time.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

repository() {
	mkdir server
	"$MF_TOP_BUILDDIR/tests/harness/fault-server" server 2>>servers.log &
	bucket=$!
	pids+=("$bucket")
	in_time test -s server/url
	MODELFERRY_ENDPOINT_URL=$(cat server/url)
	export MODELFERRY_ENDPOINT_URL AWS_ACCESS_KEY_ID=first AWS_SECRET_ACCESS_KEY=secret \
	    AWS_EC2_METADATA_DISABLED=true MODELFERRY_REPO=s3://bucket/repo
}
# shellcheck source=tests/scenarios/migrate.sh
. "$MF_TOP_SRCDIR/tests/scenarios/migrate.sh"

silent() { kill -STOP "$bucket"; }
answers_again() { kill -CONT "$bucket"; }

plan v2 >plan.yaml
clients
"$MF" migrate plan.yaml --run-id silent >silent.out 2>silent.err &
run=$!
in_time grep -q "route:60/40" silent.out
silent
check "the bucket is silent: held" in_time grep -q "held: repository" silent.out
sleep 3
check "... nothing was raised" test "$(weights)" = 60/40
answers_again
wait $run
check "... and on when it is back: status 0" test $? -eq 0
ends "silent and back" 0/100 v2 v2

start_over v1
"$MF" pull churn@v1 new --link current >out 2>err
plan v3 >plan.yaml
"$MF" migrate plan.yaml --run-id bad >bad.out 2>bad.err &
run=$!
in_time grep -q "route:60/40" bad.out
silent
ill new "accuracy 0.5" "status 200"
# shellcheck disable=SC2317 # in_time calls it
is_back() { test "$(weights)" = 100/0; }
check "a bad canary goes back without the bucket" in_time is_back
answers_again
wait $run
check "... status 8" test $? -eq 8
cp bad.err err
says "... for that reason" "rolled back: threshold"
no_client_failed bucket
ends "bad and silent" 100/0 v1 v1
end
