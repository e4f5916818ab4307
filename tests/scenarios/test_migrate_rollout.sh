#!/usr/bin/env bash
# A Canary and a Rollout of other programs, as people have them: run as they stand with what the
# command line says, with HAProxy to move the traffic.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/migrate.sh
. "$(dirname "$0")/migrate.sh"

router=haproxy:unix:$scratch/haproxy.sock,primary=churn/old,canary=churn/new,drainTimeout=2s

# ---- a bare Canary ----

# its ticks are ten seconds apart, as Flagger's are at least
cat >canary.yaml <<'PLAN'
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: churn}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: churn}
  service: {port: 80}
  analysis: {interval: 10s, threshold: 2, stepWeight: 100}
PLAN
status 2 "a Canary of a cluster" "$MF" migrate canary.yaml
says "... names its provider" "the provider istio of a cluster is not moved"
status 2 "a router that there is not" "$MF" migrate canary.yaml --router haproxi:x
says "... is named" "no router haproxi"
status 2 "a router's word that there is not" "$MF" migrate canary.yaml --router "$router,frob=1"
says "... is named" "haproxy has no frob"
status 2 "half a router" "$MF" migrate canary.yaml --router haproxy:unix:/x,primary=churn/old
says "... is refused by a Migration's own rules" "spec.router.haproxy.canary: is missing"
status 2 "half of the data" "$MF" migrate canary.yaml --router "$router" --to "$scratch/new"
says "... names what is missing" "go together: --from is missing"
plan v2 >plan.yaml
status 2 "a Migration with a router of its own" "$MF" migrate plan.yaml --router "$router"
says "... needs none" "says all of it itself"

status 0 "traffic alone" env -u MODELFERRY_REPO "$MF" migrate canary.yaml --router "$router" \
    --lease "file:$scratch/lease"
head -n 1 out >first
says "... says so first" "finish: stay, data: none" first
check "... all of it is there" test "$(weights)" = 0/100
status 0 "run again" env -u MODELFERRY_REPO "$MF" migrate canary.yaml --router "$router" \
    --lease "file:$scratch/lease"
says "... it is done" "^already done: weights 0/100$" out
start_over v1
status 2 "without a repository and a lease" env -u MODELFERRY_REPO "$MF" migrate canary.yaml \
    --router "$router"

start_over v1
cat >router.yaml <<PLAN
haproxy:
  sockets: ["unix:$scratch/haproxy.sock"]
  primary: [churn/old]
  canary: [churn/new]
PLAN
status 0 "data and traffic" "$MF" migrate canary.yaml --router router.yaml \
    --model churn@v5 --from v4 --to "$scratch/new,link=current" --json
head -n 1 out >first
says "... says which first" '"version": "v5"' first
ends "a bare Canary" 0/100 v5 v4
end
