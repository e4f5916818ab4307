# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # seen is for who sources it; old, new and their like come from migrate.sh
# Sourced after migrate.sh: Rollouts as people have them, and a Migration with one for its analysis.
#
#	steps PAUSE                     a strategy: 20, 40, 60, 80, each for so long
#	bare_rollout                    a Rollout of the strategy on standard input
#	rollout                         the same with an analysis in the background
#	migration VERSION [LINE...]     a Migration with that Rollout, and lines behind it: "${seen[@]}"
#	                                lets it watch the primary, too

steps() { # PAUSE-SECONDS
	cat <<PLAN
  strategy:
    canary:
      steps:
      - setWeight: 20
      - pause: {duration: $1}
      - setWeight: 40
      - pause: {duration: $1}
      - setWeight: 60
      - pause: {duration: $1}
      - setWeight: 80
      - pause: {duration: $1}
PLAN
}
bare_rollout() { # of a strategy, which comes from standard input
	cat <<PLAN
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: churn}
spec:
PLAN
	cat
}
rollout() { # the same with an analysis in the background, and its template
	bare_rollout
	cat <<PLAN
      analysis:
        templates:
        - templateName: accuracy
        args:
        - {name: site, value: new}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: accuracy}
spec:
  args:
  - name: site
  metrics:
  - name: accuracy
    interval: 1s
    successCondition: result == true
    provider:
      prometheus:
        address: $MF_PROMETHEUS_URL
        query: avg(model_accuracy{site="{{ args.site }}"}) > 0.9
  - name: as-number
    interval: 1s
    successCondition: result[0] > 0.1
    provider:
      prometheus:
        address: $MF_PROMETHEUS_URL
        query: avg(model_accuracy{site="{{ args.site }}"})
PLAN
}
migration() { # VERSION [LINE-OF-SPEC...]: with that Rollout for its analysis
	cat <<PLAN
apiVersion: modelferry.dev/v1alpha1
kind: Migration
metadata: {name: churn-by-rollout}
spec:
  model: {name: churn, version: $1}
  source: {name: old, servers: ["http://$old"], serves: unchecked}
  destination:
    name: new
    dir: $scratch/new
    link: current
    servers: ["http://$new"]
    reload: {url: "{server}/reload", method: POST}
    serves: {url: "{server}/version", jsonPath: "{.version}", within: 5s}
  router:
    haproxy:
      sockets: ["unix:$scratch/haproxy.sock"]
      primary: [churn/old]
      canary: [churn/new]
      drainTimeout: 2s
  alerts: [{name: pager, severity: info, url: "$alerts_url"}]
  analysis:
    rolloutRef: {name: churn}
    interval: 1s
    settle: 300ms
    watch: 500ms
    maxHold: 30s
PLAN
	((${#@} < 2)) || printf '%s\n' "${@:2}"
}
# what the analysis has for an argument where it measures the primary, and for how long it does
seen=("    primaryArgs: {site: old}" "  rollback: {verifyFor: 1s}")
