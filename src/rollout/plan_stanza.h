/*
 * The analysis of a Canary (flagger.app/v1beta1) and of a Migration, which is the same stanza with
 * more words: forms that are filled first, and what is made of them.
 */
#ifndef MF_ROLLOUT_PLAN_STANZA_H
#define MF_ROLLOUT_PLAN_STANZA_H

#include "src/rollout/builtin.h"
#include "src/rollout/plan_form.h"

/* What spec.analysis says. */
struct mf_stanza {
	struct mf_canary_plan plan; /* the fields that go straight into it */
	int64_t threshold;
	bool has_iterations, has_step_weight, has_step_weights; /* the words are there */
	const struct mf_node *interval;
	const struct mf_node *step_weights; /* lists, read by hand */
	const struct mf_node *metrics, *webhooks, *match, *alerts, *affinity;
	/* A Migration's own. */
	const struct mf_node *canary_ref, *rollout_ref;
	struct mf_builtin_names names;
	const char *address; /* of the metrics' server, where a metric names none */
	const char *provider;
	const char *primary_target;
	const struct mf_pair *primary_args; /* of rolloutRef */
	size_t n_primary_args;
};

/* What one of its metrics says. */
struct mf_metric_words {
	const char *name, *query, *interval;
	struct mf_bounds range;
	bool has_range, has_threshold, has_template;
	uint64_t window_us; /* of interval */
	double threshold;
	const char *template_name, *template_namespace;
	const struct mf_pair *variables;
	size_t n_variables;
	/* A Migration's own. */
	const char *preset;
	const struct mf_pair *labels, *primary_labels;
	size_t n_labels, n_primary_labels;
	const char *primary_query;
	struct mf_metric_query own; /* address, web, command, drift, auth */
	bool has_web, has_drift;
	const char *web_url;
	const char *drift_current, *drift_reference, *drift_current_file, *drift_reference_file;
	enum mf_no_data on_no_data;
	bool optional;
	uint64_t min_samples;
	struct mf_bounds abort;
	unsigned relative_to; /* 1: primary */
	bool has_relative;
	double max_ratio, max_delta;
	bool has_max_ratio, has_max_delta;
	uint64_t max_age_us;
	unsigned on_breach; /* 1: people are told, and nothing else */
};

/* What metrics are read for. */
struct mf_metrics_for {
	bool migration;       /* our words, and our stricter rules */
	const char *provider; /* of built-in queries; NULL: there are none */
	const char *address;  /* of their server, and of inline queries */
	struct mf_builtin_names names;
	struct mf_builtin_names primary; /* a Migration's other side; all NULL: none */
	enum mf_no_data on_no_data;      /* where a metric says nothing */
};

extern const struct mf_form mf_form_canary_metric, mf_form_canary_hook;
extern const struct mf_form mf_form_gate, mf_form_hook, mf_form_any_hook;

/* A duration as Flagger's CRD has it: it begins with digits and m or s. Stays where absent. */
void mf_stanza_interval(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *us);
/* stepWeights, and what goes together of the words that say how traffic moves. */
void mf_stanza_weights(struct mf_plan_reading *rd, const struct mf_node *analysis,
    struct mf_stanza *s, struct mf_canary_plan *plan);
/* The metrics of a list in Flagger's order: built-in and inline ones, then those of templates. */
void mf_stanza_metrics(struct mf_plan_reading *rd, const struct mf_node *list,
    const struct mf_form *form, const struct mf_metrics_for *what, struct mf_canary_plan *plan);
/* The hooks of a list behind those that the plan has already. */
void mf_stanza_hooks(struct mf_plan_reading *rd, const struct mf_node *list,
    const struct mf_form *form, struct mf_canary_plan *plan);

/* A metric in a Migration's own words: preset, web, command, drift. In plan_migration_metrics.c. */
void mf_stanza_own_metric(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_metric_words *words, const struct mf_metrics_for *what,
    struct mf_canary_metric *out);
/* What goes together of a Migration's words for one metric, and for all of them. */
void mf_stanza_check_metric(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_metric_words *words, bool built_in);
void mf_stanza_check_metrics(
    struct mf_plan_reading *rd, const struct mf_node *analysis, const struct mf_canary_plan *plan);

/* The query of a MetricTemplate of the file. */
bool mf_stanza_template(struct mf_plan_reading *rd, const struct mf_node *at,
    const struct mf_metric_words *words, const struct mf_metrics_for *what,
    struct mf_metric_query *out);
/* Text with {{ name }}, {{ interval }}, {{ variables.x }} and so on; NULL: refused at `at`. */
const char *mf_stanza_render(struct mf_plan_reading *rd, const struct mf_node *at, const char *text,
    const struct mf_metric_words *words, const struct mf_metrics_for *what);

/* "http://host..." or https; anything else is refused without being quoted. */
bool mf_plan_is_url(struct mf_plan_reading *rd, const struct mf_node *at, const char *url);

#endif
