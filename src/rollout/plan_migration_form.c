/*
 * The form of kind Migration: each field once, for the reader, the schema and modelferry-plan(5).
 */
#include <stddef.h>

#include "src/rollout/plan_migration_int.h"

#define NONE MF_FIELD_NOWHERE
#define COUNT(fields) (sizeof(fields) / sizeof(fields)[0])
#define FORM(ident, name_, struct_, fields_)           \
	const struct mf_form ident = {.name = (name_), \
	    .bytes = sizeof(struct_),                  \
	    .fields = (fields_),                       \
	    .n_fields = COUNT(fields_)}

/* Rows: key, place in the struct IN, ..., what it is for. */
#define AT(field) offsetof(IN, field)
#define ROW(key_, type_, field, about_)                                                 \
	{                                                                               \
		.key = (key_), .type = MF_FIELD_##type_, .at = AT(field), .more = NONE, \
		.about = (about_)                                                       \
	}
#define NEED(key_, type_, field, about_)                                                \
	{                                                                               \
		.key = (key_), .type = MF_FIELD_##type_, .need = true, .at = AT(field), \
		.more = NONE, .about = (about_)                                         \
	}
#define WHOLE(key_, type_, field, min_, max_, about_)                                   \
	{                                                                               \
		.key = (key_), .type = MF_FIELD_##type_, .at = AT(field), .more = NONE, \
		.min = (min_), .max = (max_), .about = (about_)                         \
	}
#define MANY(key_, type_, field, n_field, about_)                                              \
	{                                                                                      \
		.key = (key_), .type = MF_FIELD_##type_, .at = AT(field), .more = AT(n_field), \
		.about = (about_)                                                              \
	}
#define WORD(key_, field, words_, about_)                                            \
	{                                                                            \
		.key = (key_), .type = MF_FIELD_ENUM, .at = AT(field), .more = NONE, \
		.words = (words_), .about = (about_)                                 \
	}
#define INNER(key_, field, form_, about_)                                           \
	{                                                                           \
		.key = (key_), .type = MF_FIELD_MAP, .at = AT(field), .more = NONE, \
		.form = (form_), .about = (about_)                                  \
	}
#define INNER_IF(key_, field, has, form_, about_)                                      \
	{                                                                              \
		.key = (key_), .type = MF_FIELD_MAP, .at = AT(field), .more = AT(has), \
		.form = (form_), .about = (about_)                                     \
	}
/* The same struct, seen by a form of its own. */
#define SAME(key_, has, form_, about_)                                                        \
	{                                                                                     \
		.key = (key_), .type = MF_FIELD_MAP, .at = 0, .more = (has), .form = (form_), \
		.about = (about_)                                                             \
	}
#define NODE(key_, field, form_, words_, list_, about_)                                \
	{                                                                              \
		.key = (key_), .type = MF_FIELD_NODE, .at = AT(field), .more = NONE,   \
		.form = (form_), .words = (words_), .list = (list_), .about = (about_) \
	}

#define IN struct mf_bounds
static const struct mf_field bounds_fields[] = {
    MANY("min", NUMBER, min, has_min, "The least value that passes"),
    MANY("max", NUMBER, max, has_max, "The greatest value that passes"),
};
static FORM(bounds_form, "Range", IN, bounds_fields);
#undef IN

/* Calls: HTTP, or a program. */

/* P: where the call lies in the struct, with its dot. */
#define CALL_ROWS(P)                                                                         \
	ROW("url", STRING, P url,                                                            \
	    "Where; {server} is each server, {model} and {version} what is carried"),        \
	    ROW("method", STRING, P method, "GET, POST or PUT; POST where there is a body"), \
	    ROW("body", STRING, P body, "What is sent, as it stands; JSON"),                 \
	    MANY("headers", PAIRS, P headers, P n_headers, "Headers by name; no secrets"),   \
	    ROW("command", STRINGS, P command,                                               \
		"A program and its arguments in place of url; there is no shell"),           \
	    ROW("timeout", DURATION, P timeout_us, "Of one attempt; 10s"),                   \
	    WHOLE("retries", UNSIGNED, P retries, 0, 20, "Attempts beyond the first; 0")

#define IN struct mf_call_plan
static const struct mf_field call_fields[] = {CALL_ROWS()};
static FORM(call_form, "Call", IN, call_fields);
#undef IN

static const char *const reload_words[] = {"triton", "torchserve", "vllm", NULL};

#define IN struct mf_site_words
static const struct mf_field reload_fields[] = {
    {.key = "preset",
	.type = MF_FIELD_ENUM,
	.at = AT(preset),
	.more = AT(has_preset),
	.words = reload_words,
	.about = "A server that is known, in place of url: triton, torchserve or vllm"},
    CALL_ROWS(plan.reload.),
};
static FORM(reload_form, "Reload", IN, reload_fields);
#undef IN

/* Which version a server serves. */

#define IN struct mf_serves_words
static const struct mf_field serves_metric_fields[] = {
    ROW("address", STRING, plan.metric.address, "URL of Prometheus"),
    ROW("query", STRING, plan.metric.query, "A query with a series for each server of the site"),
    ROW("label", STRING, plan.label, "The label that holds the version"),
};
static FORM(serves_metric_form, "ServesMetric", IN, serves_metric_fields);

static const struct mf_field serves_fields[] = {
    CALL_ROWS(plan.call.),
    ROW("jsonPath", STRING, plan.json_path,
	"Where in the answer the version stands; all of it where absent"),
    SAME("metric", AT(has_metric), &serves_metric_form, "A metric that says it, in place of url"),
    ROW("within", DURATION, plan.timeout_us,
	"Until all servers say it; 10m, or by the model's size and loadRate where that is more"),
};
FORM(mf_form_serves, "Serves", IN, serves_fields);
#undef IN

#define IN struct mf_warmup_plan
static const struct mf_field warmup_fields[] = {
    NEED("requests", STRING, requests, "A file of recorded requests, a JSON object a line"),
    WHOLE("count", UNSIGNED, count, 1, 1000000, "How many are sent to each server; 100"),
    WHOLE("concurrency", UNSIGNED, concurrency, 1, 256, "How many at once; 1"),
    ROW("timeout", DURATION, timeout_us, "Of all of them; 5m"),
};
static FORM(warmup_form, "Warmup", IN, warmup_fields);
#undef IN

#define IN struct mf_compare_plan
static const struct mf_field compare_fields[] = {
    NEED("requests", STRING, requests, "A file of recorded requests, a JSON object a line"),
    ROW("tolerance", NUMBER, tolerance, "By how much numbers of two answers may differ; 0"),
    ROW("minAgreement", NUMBER, min_agreement, "Which part of the answers must agree, 0 to 1; 1"),
};
static FORM(compare_form, "Compare", IN, compare_fields);
#undef IN

#define IN struct mf_requires_plan
static const struct mf_field requires_fields[] = {
    NEED("tag", STRING, tag, "A tag of the version"),
    ROW("value", TEXT, value, "What it must be"),
    CALL_ROWS(call.),
    ROW("jsonPath", STRING, json_path, "Where in the answer it stands; all of it where absent"),
};
static FORM(requires_form, "Requires", IN, requires_fields);
#undef IN

static const char *const unchecked[] = {"unchecked", NULL};

#define IN struct mf_site_words
static const struct mf_field site_fields[] = {
    ROW("name", STRING, plan.name, "Its name, for people and receipts"),
    ROW("remote", BOOL, plan.remote,
	"Another process pulls there, with `pull --site` or `follow --site`, and writes receipts"),
    ROW("dir", STRING, plan.dir, "The directory that versions lie in"),
    ROW("link", STRING, plan.link, "The link in dir that points at the version that is served"),
    ROW("mirror", STRING, plan.mirror,
	"In place of dir: a URL with {version} that a plain copy goes to, for servers that read "
	"buckets"),
    MANY("servers", STRINGS, plan.servers, plan.n_servers,
	"URLs of the model servers: what {server} stands for"),
    ROW("pinned", BOOL, plan.pinned, "It does not follow a ref that this run moves"),
    WHOLE("receipts", UNSIGNED, plan.receipts, 1, 10000,
	"Of a remote site: how many fresh receipts must be there before weight moves; 1"),
    ROW("receiptAge", DURATION, plan.receipt_age_us, "How old a receipt may be; 1h"),
    SAME("reload", AT(plan.has_reload), &reload_form,
	"How its servers are told to load what the link points at"),
    NODE("serves", serves, &mf_form_serves, unchecked, false,
	"How its servers say which version they serve, or `unchecked`"),
    INNER("warmup", plan.warmup, &warmup_form,
	"Requests for every server before weight moves; no metric counts them"),
    {.key = "requires",
	.type = MF_FIELD_LIST,
	.at = AT(plan.requires),
	.more = AT(plan.n_requires),
	.form = &requires_form,
	.about = "What tags of the version must be, so that the site can run it"},
};
static FORM(site_form, "Site", IN, site_fields);
#undef IN

/* Routers. */

#define IN struct mf_router_words
static const struct mf_field haproxy_fields[] = {
    MANY("sockets", STRINGS, plan.sockets, plan.n_sockets,
	"unix:PATH or tcp:HOST:PORT of each proxy's runtime API"),
    MANY("primary", STRINGS, plan.primary, plan.n_primary,
	"The primary's servers: BACKEND/SERVER, or BACKEND/PREFIX*"),
    MANY("canary", STRINGS, plan.canary, plan.n_canary, "The canary's servers, the same way"),
    MANY("config", STRINGS, plan.config, plan.n_config,
	"Its configuration files, which tell of redispatch and reloads; modelferry-routers(7)"),
    ROW("redispatch", BOOL, plan.redispatch,
	"Clients of a server that is gone go to another, where `config` cannot tell"),
    ROW("cutStreams", BOOL, plan.cut_streams,
	"End sessions that are still open at the end of a rollback"),
    ROW("drainTimeout", DURATION, plan.drain_timeout_us,
	"How long a rollback waits for open sessions; 60s"),
    ROW("timeout", DURATION, plan.timeout_us, "Of one call; 10s"),
};
static FORM(haproxy_form, "HAProxy", IN, haproxy_fields);

static const struct mf_field file_fields[] = {
    NEED("template", STRING, plan.template_path, "The template's file"),
    NEED("output", STRING, plan.output_path, "The file that is written, and restored on failure"),
    ROW("reload", STRINGS, plan.reload, "The program that makes the proxy read it; no shell"),
    ROW("check", STRINGS, plan.check, "A program that looks at the new file before the reload"),
    ROW("timeout", DURATION, plan.timeout_us, "Of one call; 10s"),
};
static FORM(file_form, "FileRouter", IN, file_fields);

static const struct mf_field exec_fields[] = {
    ROW("command", STRINGS, plan.command, "The program, which speaks JSON; no shell"),
    ROW("timeout", DURATION, plan.timeout_us, "Of one call; 10s"),
};
static FORM(exec_form, "ExecRouter", IN, exec_fields);

static const struct mf_field router_fields[] = {
    SAME("haproxy", AT(haproxy), &haproxy_form, "HAProxy, over its runtime API"),
    SAME("file", AT(file), &file_form, "A template that becomes a file, and a reload"),
    SAME("exec", AT(exec), &exec_form, "A program of yours"),
};
FORM(mf_form_router, "Router", IN, router_fields);
#undef IN

/* Analysis. */

static const char *const no_data_words[] = {"fail", "hold", "pass", NULL};
static const char *const breach_words[] = {"fail", "alert", NULL};
static const char *const relative_words[] = {"primary", NULL};
static const char *const hold_words[] = {"rollback", "alert", NULL};
static const char *const drift_words[] = {"psi", "ks", NULL};

#define IN struct mf_metric_words
static const struct mf_field template_ref_fields[] = {
    NEED("name", STRING, template_name, "Of a MetricTemplate of this file"),
    ROW("namespace", STRING, template_namespace, "Its namespace; the plan's where absent"),
};
static FORM(template_ref_form, "TemplateRef", IN, template_ref_fields);

static const struct mf_field web_fields[] = {
    NEED("url", STRING, web_url, "The endpoint, which answers JSON"),
    ROW("method", STRING, own.method, "GET, POST or PUT; GET where absent"),
    ROW("body", STRING, own.body, "What is sent; JSON"),
    MANY("headers", PAIRS, own.headers, own.n_headers, "Headers by name; no secrets"),
    ROW("jsonPath", STRING, own.json_path,
	"Where in the answer the number stands; true is 1, false 0; {$} where absent"),
};
static FORM(web_form, "Web", IN, web_fields);

static const struct mf_field drift_fields[] = {
    WORD("test", own.drift.test, drift_words, "psi or ks (Kolmogorov-Smirnov)"),
    ROW("current", STRING, drift_current, "A query for the canary's histogram buckets (le)"),
    ROW("currentFile", STRING, drift_current_file, "Or a file of samples, a number a line"),
    ROW("reference", STRING, drift_reference, "A query for the buckets that they are held against"),
    ROW("referenceFile", STRING, drift_reference_file, "Or a file of samples"),
    ROW("referenceIsPrimary", BOOL, own.drift.reference_is_primary,
	"The reference is what the primary predicts at present: drift may roll back"),
    WHOLE("bins", UNSIGNED, own.drift.bins, 2, 1000, "Of samples; 10"),
};
static FORM(drift_form, "Drift", IN, drift_fields);

static const struct mf_field auth_fields[] = {
    ROW("bearerFile", STRING, own.auth.bearer_file, "A file that holds a bearer token"),
    ROW("userFile", STRING, own.auth.user_file, "A file that holds a user's name"),
    ROW("passwordFile", STRING, own.auth.password_file, "A file that holds the password"),
};
static FORM(auth_form, "Auth", IN, auth_fields);

static const struct mf_field metric_fields[] = {
    NEED("name", STRING, name, "Its name; request-success-rate and request-duration are built in"),
    ROW("interval", TEXT, interval, "The window that it looks back over; 1m"),
    INNER_IF("thresholdRange", range, has_range, &bounds_form, "Which values pass"),
    MANY("threshold", NUMBER, threshold, has_threshold,
	"Flagger's old word: the least success rate, the greatest of all else"),
    ROW("query", STRING, query,
	"PromQL, with {{ name }}, {{ namespace }}, {{ interval }}, {{ variables.KEY }}"),
    SAME("templateRef", AT(has_template), &template_ref_form, "A MetricTemplate"),
    MANY("templateVariables", PAIRS, variables, n_variables, "What {{ variables.KEY }} is"),
    ROW("preset", STRING, preset, "A server whose metric name is known: modelferry-metrics(7)"),
    MANY("labels", PAIRS, labels, n_labels, "Of a preset: which series are the canary's"),
    MANY("primaryLabels", PAIRS, primary_labels, n_primary_labels,
	"Of a preset: which are the primary's"),
    ROW("primaryQuery", STRING, primary_query,
	"The query for the primary, for relativeTo and to tell a fault of both sides"),
    ROW("countQuery", STRING, own.count_query, "How many samples are behind query"),
    ROW("ageQuery", STRING, own.age_query, "Seconds since the newest sample behind query"),
    SAME("web", AT(has_web), &web_form, "An endpoint that answers JSON"),
    ROW("command", STRINGS, own.argv, "A program that prints a number or JSON; no shell"),
    SAME("drift", AT(has_drift), &drift_form, "How far two distributions lie apart"),
    ROW("address", STRING, own.address, "URL of Prometheus; the analysis' where absent"),
    SAME("auth", NONE, &auth_form, "How to prove who asks"),
    ROW("caFile", STRING, own.ca_file, "Certificates that are trusted"),
    ROW("timeout", DURATION, own.timeout_us, "Of one question; 5s"),
    WORD("onNoData", on_no_data, no_data_words,
	"What no data means: fail counts a failed check, hold waits up to maxHold, pass passes; "
	"hold"),
    WORD("onBreach", on_breach, breach_words,
	"What a value that does not pass does: fail counts a failed check, alert tells people; "
	"fail, "
	"and alert for drift from a stored reference"),
    ROW("optional", BOOL, optional, "No step waits for a value of it"),
    WHOLE("minSamples", U64, min_samples, 1, 1000000000000,
	"With fewer samples in the window it is no value yet"),
    ROW("maxAge", DURATION, max_age_us, "With an older newest sample it is no data"),
    INNER("abort", abort, &bounds_form, "A measured value outside rolls back at once"),
    {.key = "relativeTo",
	.type = MF_FIELD_ENUM,
	.at = AT(relative_to),
	.more = AT(has_relative),
	.words = relative_words,
	.about = "primary: the value is held against that of the primary"},
    MANY("maxRatio", NUMBER, max_ratio, has_max_ratio, "Canary divided by primary at most"),
    MANY("maxDelta", NUMBER, max_delta, has_max_delta, "Canary minus primary at most"),
};
FORM(mf_form_metric, "Metric", IN, metric_fields);
#undef IN

#define IN struct mf_hook
#define HOOK_ROWS                                                                                 \
	NEED("name", STRING, name, "Its name"), ROW("url", STRING, url, "Where it is posted to"), \
	    ROW("urlFile", STRING, url_file,                                                      \
		"Or a file that holds the URL, where it is a secret"),                            \
	    ROW("timeout", DURATION, timeout_us, "Of one attempt; 10s"),                          \
	    WHOLE("retries", UNSIGNED, retries, 0, 20, "Attempts beyond the first; 0"),           \
	    MANY("metadata", PAIRS, metadata, n_metadata, "What it is told beside the rest"),     \
	    ROW("muteAlert", BOOL, mute_alert, "No alert while it holds the run"),                \
	    ROW("bearerFile", STRING, auth.bearer_file, "A file that holds a bearer token"),      \
	    ROW("userFile", STRING, auth.user_file, "A file that holds a user's name"),           \
	    ROW("passwordFile", STRING, auth.password_file, "A file that holds the password")

/* By enum mf_hook_type. */
static const char *const any_words[] = {"rollout", "confirm-rollout", "pre-rollout",
    "confirm-traffic-increase", "confirm-promotion", "rollback", "post-rollout", "event", "purge",
    "mlflow", NULL};
/* plan_hooks.c knows which types these are. */
static const char *const gate_words[] = {
    "confirm-rollout", "confirm-traffic-increase", "confirm-promotion", NULL};
static const char *const hook_words[] = {
    "rollout", "pre-rollout", "rollback", "post-rollout", "event", "purge", "mlflow", NULL};

static const struct mf_field gate_fields[] = {
    {.key = "type",
	.type = MF_FIELD_ENUM,
	.need = true,
	.at = AT(type),
	.more = NONE,
	.words = gate_words,
	.about = "confirm-rollout, confirm-traffic-increase or confirm-promotion"},
    HOOK_ROWS,
};
FORM(mf_form_gate, "Gate", IN, gate_fields);

static const struct mf_field hook_fields[] = {
    WORD("type", type, hook_words,
	"pre-rollout, rollout, rollback, post-rollout, event, purge or mlflow; rollout"),
    HOOK_ROWS,
};
FORM(mf_form_hook, "Hook", IN, hook_fields);

static const struct mf_field any_hook_fields[] = {
    WORD("type", type, any_words, "Any type of gates and hooks; rollout"),
    HOOK_ROWS,
};
FORM(mf_form_any_hook, "Webhook", IN, any_hook_fields);
#undef IN

static const char *const severity_words[] = {"info", "warn", "error", NULL};
static const char *const alert_words[] = {"generic", "slack", NULL};

#define IN struct mf_alert_plan
static const struct mf_field alert_fields[] = {
    NEED("name", STRING, name, "Its name"),
    WORD("kind", kind, alert_words, "What it understands: generic JSON, or slack's"),
    WORD("severity", severity, severity_words, "What it is told: info all, warn, or error alone"),
    ROW("url", STRING, url, "Where it is posted to"),
    ROW("urlFile", STRING, url_file, "Or a file that holds the URL, which is a secret with Slack"),
    ROW("timeout", DURATION, timeout_us, "Of one attempt; 10s"),
    WHOLE("retries", UNSIGNED, retries, 0, 20, "Attempts beyond the first; 2"),
};
static FORM(alert_form, "Alert", IN, alert_fields);
#undef IN

static const struct mf_field ref_fields[] = {
    {.key = "name",
	.type = MF_FIELD_STRING,
	.need = true,
	.more = NONE,
	.about = "Of a document of this file"},
};
struct ref_words {
	const char *name;
};
static FORM(ref_form, "Ref", struct ref_words, ref_fields);

#define IN struct mf_stanza
static const struct mf_field names_fields[] = {
    ROW("namespace", STRING, names.namespace_name, "The namespace label; the plan's where absent"),
    ROW("target", STRING, names.target, "The canary's workload, or Envoy's cluster"),
    ROW("primaryTarget", STRING, primary_target,
	"Of envoy and knative: what the primary is called"),
    ROW("service", STRING, names.service, "The apex service; target where absent"),
    ROW("ingress", STRING, names.ingress, "The ingress; target where absent"),
    ROW("route", STRING, names.route, "The route; target where absent"),
};
static FORM(names_form, "Names", IN, names_fields);

static const struct mf_field stanza_fields[] = {
    NODE("canaryRef", canary_ref, &ref_form, NULL, false,
	"A Canary of this file, whose analysis this is; beside it only provider, names, settle, "
	"maxHold, onHoldEnd and watch are heard"),
    NODE("rolloutRef", rollout_ref, &ref_form, NULL, false,
	"A Rollout of this file, whose steps and analyses these are; beside it only primaryArgs, "
	"interval, settle, maxHold, onHoldEnd and watch are heard"),
    MANY("primaryArgs", PAIRS, primary_args, n_primary_args,
	"Of a Rollout's analyses: the values that their arguments have where the primary is "
	"measured"),
    ROW("interval", DURATION, plan.interval_us, "The time from one check to the next; 60s"),
    WHOLE("threshold", UNSIGNED, plan.threshold, 1, 1000000,
	"The number of failed checks that rolls back; 1"),
    ROW("maxWeight", WEIGHT, plan.max_weight,
	"The weight at which the analysis has been passed; 100"),
    ROW("stepWeight", WEIGHT, plan.step_weight, "By how much the weight is raised each time"),
    NODE("stepWeights", step_weights, NULL, NULL, false, "Or all weights, rising"),
    ROW("stepWeightPromotion", WEIGHT, plan.step_weight_promotion,
	"The step from maxWeight to 100; stepWeight where absent"),
    WHOLE("iterations", UNSIGNED, plan.iterations, 1, 1000000,
	"In place of weights: so many checks, then all traffic at once (blue/green)"),
    ROW("mirror", BOOL, plan.mirror, "Mirror before the first weight, where the router can"),
    ROW("mirrorWeight", WEIGHT, plan.mirror_weight,
	"100 alone: no router of a Migration mirrors a part"),
    ROW("primaryReadyThreshold", WEIGHT, plan.primary_ready_threshold,
	"How many of the primary's servers must be up for a step forward, percent of those in "
	"service; only where the router counts them; 100"),
    ROW("canaryReadyThreshold", WEIGHT, plan.canary_ready_threshold, "The same of the canary; 100"),
    MANY("progressDeadline", DURATION, plan.progress_deadline_us, plan.has_progress_deadline,
	"How long servers may take to become ready; 10m, or by the model's size and loadRate where "
	"that is more"),
    ROW("settle", DURATION, plan.settle_us,
	"After a change of weights, before a metric's window may begin (two scrapes); 30s"),
    ROW("maxHold", DURATION, plan.max_hold_us, "How long a hold may last; 10 intervals, and longer than the longest window"),
    WORD("onHoldEnd", plan.hold_end, hold_words,
	"What then: rollback, or alert and end as it stands; rollback"),
    ROW("watch", DURATION, plan.watch_us,
	"Between checks, how often readiness and abort metrics are looked at; 5s"),
    ROW("address", STRING, address, "URL of Prometheus, where a metric names none"),
    ROW("provider", STRING, provider,
	"Whose series built-in metrics read: haproxy with that router, where the Canary of "
	"canaryRef "
	"names none; modelferry-metrics(7)"),
    SAME("names", NONE, &names_form, "What provider's series call the canary"),
    NODE("metrics", metrics, &mf_form_metric, NULL, true, "What is measured"),
    NODE("webhooks", webhooks, &mf_form_any_hook, NULL, true,
	"Flagger's word for gates and hooks, of any type"),
};
FORM(mf_form_analysis, "Analysis", IN, stanza_fields);
#undef IN

/* Back. */

#define IN struct mf_fallback_words
static const struct mf_field fallback_fields[] = {
    ROW("version", TEXT, plan.version, "A version of this model"),
    ROW("best", STRING, plan.metric,
	"The version with the highest recorded value of this metric, of those that verify and were "
	"not rejected"),
    ROW("model", STRING, plan.model,
	"A lighter model in its place: MODEL, MODEL@VERSION or MODEL@REF"),
    ROW("link", STRING, plan.link,
	"Of a lighter model: the link in the source's dir that points at it"),
    NODE("serves", serves, &mf_form_serves, unchecked, false, "Of a lighter model: who serves it"),
    NODE("metrics", metrics, &mf_form_metric, NULL, true,
	"Of a lighter model: its own metrics and ranges"),
};
FORM(mf_form_fallback, "Fallback", IN, fallback_fields);
#undef IN

#define IN struct mf_rollback_plan
static const struct mf_field rollback_fields[] = {
    ROW("verifyFor", DURATION, verify_for_us,
	"How long the primary's metrics, or the fallback's own, are watched; 0: one look; 5m"),
    ROW("stepWeight", WEIGHT, step_weight, "Traffic goes back in such steps; at once where absent"),
    ROW("keep", DURATION, keep_us, "How long after success the ways back stay pinned; 7d"),
    INNER_IF(
	"restore", restore, has_restore, &call_form, "What brings a primary without capacity back"),
};
static FORM(rollback_form, "Rollback", IN, rollback_fields);
#undef IN

static const char *const by_words[] = {"run", "daemon", NULL};

#define IN struct mf_migration_words
static const struct mf_field bake_fields[] = {
    NEED("duration", DURATION, bake.duration_us,
	"How long all traffic is watched before the ref moves"),
    ROW("interval", DURATION, bake.interval_us, "Between its checks; the analysis' where absent"),
    ROW("window", DURATION, bake.window_us, "Which failed checks count; the last 10 intervals"),
    WHOLE("maxFailed", UNSIGNED, bake.max_failed, 0, 1000000,
	"More failed checks than this within the window roll back; 0"),
    WORD("by", bake_by, by_words, "Who watches: run or daemon; run"),
};
static FORM(bake_form, "Bake", IN, bake_fields);
#undef IN

/* The whole. */

#define IN struct mf_migration_words
static const struct mf_field model_fields[] = {
    NEED("name", STRING, plan.model, "The model's name in the repository"),
    ROW("version", TEXT, plan.version, "The version that is carried"),
    ROW("ref", STRING, plan.from_ref, "Or the ref that names it"),
    ROW("candidateRef", STRING, plan.candidate_ref, "The ref that is set at the start; candidate"),
    ROW("productionRef", STRING, plan.production_ref, "The ref that moves at the end; production"),
    WHOLE("expectSequence", U64, plan.expect_sequence, 1, (uint64_t)1 << 53,
	"productionRef's sequence; any other is refused"),
    ROW("loadRate", SIZE, plan.load_rate_bps,
	"How many bytes a second a server loads: servers are waited for one and a half times as "
	"long as the version takes, where that is more than what else holds"),
};
static FORM(model_form, "Model", IN, model_fields);
#undef IN

#define IN struct mf_freeze_words
static const struct mf_field freeze_fields[] = {
    NEED("from", STRING, from, "From when no step forward is made: 2026-11-20T00:00:00Z"),
    NEED("to", STRING, to, "Until when"),
};
static FORM(freeze_form, "Freeze", IN, freeze_fields);
#undef IN

static const char *const finish_words[] = {"stay", "copy-back", NULL};
static const char *const interrupt_words[] = {"rollback", "hold", NULL};
static const char *const none_word[] = {"none", NULL};
static const char *const previous_word[] = {"previous", NULL};

#define IN struct mf_migration_words
static const struct mf_field migration_fields[] = {
    {.key = "model",
	.type = MF_FIELD_MAP,
	.need = true,
	.more = NONE,
	.form = &model_form,
	.about = "What is carried"},
    ROW("repository", STRING, plan.repository, "URL of the repository; --repo where absent"),
    INNER("source", source, &site_form, "The primary's site, where traffic is"),
    {.key = "destination",
	.type = MF_FIELD_MAP,
	.need = true,
	.at = AT(destination),
	.more = NONE,
	.form = &site_form,
	.about = "The canary's site, where traffic goes"},
    {.key = "router",
	.type = MF_FIELD_NODE,
	.need = true,
	.at = AT(router),
	.more = NONE,
	.form = &mf_form_router,
	.words = none_word,
	.about = "Who moves the traffic, or `none` where data alone is carried"},
    NODE("analysis", analysis, &mf_form_analysis, NULL, false, "How traffic moves, and when back"),
    NODE("gates", gates, &mf_form_gate, NULL, true, "Who must agree before what"),
    NODE("hooks", hooks, &mf_form_hook, NULL, true, "Who is called when"),
    {.key = "alerts",
	.type = MF_FIELD_LIST,
	.at = AT(plan.alerts),
	.more = AT(plan.n_alerts),
	.form = &alert_form,
	.about = "Who is told"},
    WORD("finish", finish, finish_words,
	"stay: traffic stays with the destination; copy-back: Flagger's ending; stay"),
    SAME("bake", NONE, &bake_form, "All traffic is there: how long it is watched"),
    INNER("rollback", plan.rollback, &rollback_form, "How traffic goes back"),
    NODE("fallback", fallback, &mf_form_fallback, previous_word, true,
	"What the primary's side serves after a rollback, tried in order; previous"),
    INNER("compare", plan.compare, &compare_form,
	"Recorded requests to both sides before weight moves"),
    MANY("windows", STRINGS, windows, n_windows,
	"When steps forward may happen (UTC): Mon-Fri 08:00-18:00"),
    {.key = "freeze",
	.type = MF_FIELD_LIST,
	.at = AT(freezes),
	.more = AT(n_freezes),
	.form = &freeze_form,
	.about = "When no step forward happens; rollback always may"},
    WORD("onInterrupt", plan.on_interrupt, interrupt_words,
	"Told to end while the canary has weight: rollback, at once, or hold, which leaves it; "
	"rollback"),
    ROW("maxUnattended", DURATION, plan.max_unattended_us,
	"After so long without a holder, whoever resumes rolls back; 10m"),
    ROW("lease", STRING, lease, "file:PATH, on stores without conditional writes"),
    ROW("suspend", BOOL, suspend, "No step forward is made; what turns back still does"),
};
FORM(mf_form_migration, "Migration", IN, migration_fields);

/* Of a Canary or Rollout that stands alone, with no data: nobody writes it in a file. */
static const struct mf_field traffic_fields[] = {
    NODE("router", router, &mf_form_router, none_word, false, "Who moves the traffic"),
    NODE("analysis", analysis, &mf_form_analysis, NULL, false, "How traffic moves, and when back"),
    INNER("rollback", plan.rollback, &rollback_form, "How traffic goes back"),
};
FORM(mf_form_traffic, "Traffic", IN, traffic_fields);
#undef IN
