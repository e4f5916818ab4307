/*
 * Showing a plan: one tree, which is printed as JSON and as lines for people. What is absent, off
 * or zero is left out; so is what memory was short for.
 */
#ifndef MF_ROLLOUT_PLAN_PUT_INT_H
#define MF_ROLLOUT_PLAN_PUT_INT_H

#include <jansson.h>

#include "src/rollout/plan_int.h"

/* Members of a map; those of no value are not set. */
void mf_tree_set(json_t *map, const char *key, json_t *value); /* takes value */
void mf_tree_text(json_t *map, const char *key, const char *text);
void mf_tree_number(json_t *map, const char *key, uint64_t number);
void mf_tree_flag(json_t *map, const char *key, bool flag);
void mf_tree_duration(json_t *map, const char *key, uint64_t us); /* "90s" */
json_t *mf_tree_texts(const char *const *texts, size_t n);
void mf_tree_argv(json_t *map, const char *key, const char *const *argv);
void mf_tree_names(json_t *map, const char *key, const struct mf_pair *pairs, size_t n);
/* How long a hold lasts and what ends it; 0 is what holds by default. */
void mf_tree_holds(json_t *map, uint64_t interval_us, uint64_t max_hold_us, enum mf_hold_end end,
    uint64_t watch_us);

/* Parts of plans, new. */
json_t *mf_tree_query(const struct mf_metric_query *q);
json_t *mf_tree_metric(const struct mf_canary_metric *m);
json_t *mf_tree_hook(const struct mf_hook *h);
json_t *mf_tree_bake(const struct mf_bake *b);
json_t *mf_tree_canary(const struct mf_canary_plan *c);
json_t *mf_tree_migration(const struct mf_migration_plan *m);
json_t *mf_tree_rollout(const struct mf_rollout_plan *r);
json_t *mf_tree_analysis(const struct mf_analysis_plan *a);

#endif
