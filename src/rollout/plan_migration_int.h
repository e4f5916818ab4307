/*
 * kind: Migration: what its files share. The form is in plan_migration_form.c, the rest reads what
 * a form cannot say, and checks.
 */
#ifndef MF_ROLLOUT_PLAN_MIGRATION_INT_H
#define MF_ROLLOUT_PLAN_MIGRATION_INT_H

#include "src/rollout/plan_stanza.h"

enum mf_reload_preset {
	MF_RELOAD_TRITON,
	MF_RELOAD_TORCHSERVE,
	MF_RELOAD_VLLM,
};

/* What a site says, beside what goes straight into its plan. */
struct mf_site_words {
	struct mf_site_plan plan;
	const struct mf_node *serves; /* "unchecked", or a map */
	enum mf_reload_preset preset;
	bool has_preset;
};

struct mf_serves_words {
	struct mf_serves_plan plan;
	bool has_metric;
};

struct mf_fallback_words {
	struct mf_fallback_plan plan;
	const struct mf_node *serves, *metrics;
};

struct mf_freeze_words {
	const char *from, *to;
};

struct mf_router_words {
	struct mf_router_plan plan;
	bool haproxy, file, exec;
};

struct mf_migration_words {
	struct mf_migration_plan plan;
	struct mf_site_words source, destination;
	const struct mf_node *router, *analysis, *gates, *hooks, *fallback;
	const char *const *windows;
	size_t n_windows;
	const struct mf_freeze_words *freezes;
	size_t n_freezes;
	const char *lease;
	unsigned finish;
	bool suspend;
	unsigned bake_by; /* 1: the daemon */
	struct mf_bake bake;
};

extern const struct mf_form mf_form_analysis, mf_form_metric, mf_form_serves, mf_form_router, mf_form_fallback;
/* router and analysis alone, in place of mf_form_migration */
extern const struct mf_form mf_form_traffic;

/* Of the sites: data, servers, reload, serves, warm-up. moves: traffic will. */
void mf_migration_sites(struct mf_plan_reading *rd, const struct mf_node *spec,
    struct mf_migration_words *w, bool moves);
void mf_migration_serves(struct mf_plan_reading *rd, const struct mf_node *at,
    const struct mf_node *node, bool has_servers, struct mf_serves_plan *out);
void mf_migration_router(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w);
/* Fills rd->plan->canary or ->rollout. */
void mf_migration_analysis(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w);
void mf_migration_fallbacks(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w);
void mf_migration_times(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w);
/* url or command, and what {server} needs. */
void mf_migration_call(struct mf_plan_reading *rd, const struct mf_node *at,
    const struct mf_call_plan *call, bool has_servers);
bool mf_migration_says_server(const struct mf_call_plan *call);
/* It is no name that a link in a directory may have. */
bool mf_migration_is_bad_link(const char *name);

#endif
