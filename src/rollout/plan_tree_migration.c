/* The internal plan as a tree: what a Migration says beside its analysis. */
#include <stdio.h>
#include <string.h>

#include "src/base/units.h"
#include "src/rollout/plan_put_int.h"

#define DAY_MINUTES 1440u
#define CALL_US ((uint64_t)10 * 1000000) /* where a call says nothing */

static json_t *
call_tree(const struct mf_call_plan *c)
{
	json_t *map = json_object();

	mf_tree_text(map, "method", c->method);
	mf_tree_text(map, "url", c->url);
	mf_tree_names(map, "headers", c->headers, c->n_headers);
	mf_tree_text(map, "body", c->body);
	mf_tree_argv(map, "command", c->command);
	mf_tree_duration(map, "timeout", c->timeout_us > 0 ? c->timeout_us : CALL_US);
	if (c->retries > 0)
		mf_tree_number(map, "retries", c->retries);
	return map;
}

static json_t *
serves_tree(const struct mf_serves_plan *s)
{
	json_t *map;

	if (s->unchecked)
		return json_string("unchecked");
	if (s->by_metric) {
		map = mf_tree_query(&s->metric);
		mf_tree_text(map, "label", s->label);
	} else {
		map = call_tree(&s->call);
		mf_tree_text(map, "jsonPath", s->json_path);
	}
	if (s->timeout_us > 0)
		mf_tree_duration(map, "within", s->timeout_us);
	else
		mf_tree_text(map, "within", "10m, or by size and loadRate");
	return map;
}

static json_t *
requires_tree(const struct mf_site_plan *s)
{
	json_t *list = json_array(), *map;
	size_t i;

	for (i = 0; i < s->n_requires; i++) {
		map =
		    s->requires[i].value != NULL ? json_object() : call_tree(&s->requires[i].call);
		mf_tree_text(map, "tag", s->requires[i].tag);
		mf_tree_text(map, "value", s->requires[i].value);
		mf_tree_text(map, "jsonPath", s->requires[i].json_path);
		(void)json_array_append_new(list, map);
	}
	return list;
}

static json_t *
warmup_tree(const struct mf_warmup_plan *w)
{
	json_t *map = json_object();

	mf_tree_text(map, "requests", w->requests);
	mf_tree_number(map, "count", w->count);
	mf_tree_number(map, "concurrency", w->concurrency);
	mf_tree_duration(map, "timeout", w->timeout_us);
	return map;
}

/* Where the pointer of a mirror lies: before the version. */
static void
pointer_text(json_t *map, const char *mirror)
{
	const char *at = mirror == NULL ? NULL : strstr(mirror, "/{version}");
	char text[2048];

	if (at != NULL && snprintf(text, sizeof text, "%.*s/modelferry-pointer.json",
			      (int)(at - mirror), mirror) < (int)sizeof text)
		mf_tree_text(map, "pointer", text);
}

static json_t *
site_tree(const struct mf_site_plan *s)
{
	json_t *map = json_object();

	mf_tree_text(map, "name", s->name);
	mf_tree_flag(map, "remote", s->remote);
	mf_tree_text(map, "dir", s->dir);
	mf_tree_text(map, "link", s->link);
	mf_tree_text(map, "mirror", s->mirror);
	pointer_text(map, s->mirror);
	if (s->n_servers > 0)
		mf_tree_set(map, "servers", mf_tree_texts(s->servers, s->n_servers));
	mf_tree_flag(map, "pinned", s->pinned);
	if (s->remote) {
		mf_tree_number(map, "receipts", s->receipts);
		mf_tree_duration(map, "receiptAge", s->receipt_age_us);
	}
	if (s->has_reload)
		mf_tree_set(map, "reload", call_tree(&s->reload));
	mf_tree_set(map, "serves", serves_tree(&s->serves));
	if (s->warmup.requests != NULL)
		mf_tree_set(map, "warmup", warmup_tree(&s->warmup));
	if (s->n_requires > 0)
		mf_tree_set(map, "requires", requires_tree(s));
	return map;
}

static json_t *
model_tree(const struct mf_migration_plan *m)
{
	char rate[MF_UNIT_TEXT_BYTES];
	json_t *map = json_object();

	mf_tree_text(map, "name", m->model);
	mf_tree_text(map, "version", m->version);
	mf_tree_text(map, "ref", m->from_ref);
	mf_tree_text(map, "candidateRef", m->candidate_ref);
	mf_tree_text(map, "productionRef", m->production_ref);
	if (m->expect_sequence > 0)
		mf_tree_number(map, "expectSequence", m->expect_sequence);
	if (m->load_rate_bps > 0)
		mf_tree_text(map, "loadRate", mf_format_size(m->load_rate_bps, rate));
	return map;
}

static json_t *
router_tree(const struct mf_router_plan *r)
{
	static const char *const types[MF_ROUTER_TYPES] = {
	    "none", "haproxy", "file", "exec", "foreign"};
	json_t *map = json_object();

	mf_tree_text(map, "type", types[r->type]);
	mf_tree_text(map, "foreign", r->foreign);
	if (r->n_sockets > 0) {
		mf_tree_set(map, "sockets", mf_tree_texts(r->sockets, r->n_sockets));
		mf_tree_set(map, "primary", mf_tree_texts(r->primary, r->n_primary));
		mf_tree_set(map, "canary", mf_tree_texts(r->canary, r->n_canary));
	}
	if (r->n_config > 0)
		mf_tree_set(map, "config", mf_tree_texts(r->config, r->n_config));
	mf_tree_flag(map, "redispatch", r->redispatch);
	mf_tree_flag(map, "cutStreams", r->cut_streams);
	mf_tree_text(map, "template", r->template_path);
	mf_tree_text(map, "output", r->output_path);
	mf_tree_argv(map, "check", r->check);
	mf_tree_argv(map, "reload", r->reload);
	mf_tree_argv(map, "command", r->command);
	mf_tree_duration(map, "drainTimeout", r->drain_timeout_us);
	mf_tree_duration(map, "timeout", r->timeout_us);
	return map;
}

static json_t *
fallback_tree(const struct mf_fallback_plan *f)
{
	json_t *map, *metrics;
	size_t i;

	if (f->kind == MF_FALLBACK_PREVIOUS)
		return json_string("previous");
	map = json_object();
	mf_tree_text(map, "version", f->version);
	mf_tree_text(map, "best", f->metric);
	if (f->kind != MF_FALLBACK_LIGHT)
		return map;
	mf_tree_text(map, "model", f->model);
	mf_tree_text(map, "link", f->link);
	mf_tree_set(map, "serves", serves_tree(&f->serves));
	metrics = json_array();
	for (i = 0; i < f->n_metrics; i++)
		(void)json_array_append_new(metrics, mf_tree_metric(&f->metrics[i]));
	mf_tree_set(map, "metrics", metrics);
	return map;
}

static json_t *
rollback_tree(const struct mf_rollback_plan *r)
{
	json_t *map = json_object(), *list = json_array();
	size_t i;

	if (r->step_weight > 0)
		mf_tree_number(map, "stepWeight", r->step_weight);
	if (r->verify_for_us > 0)
		mf_tree_duration(map, "verifyFor", r->verify_for_us);
	else
		mf_tree_text(map, "verifyFor", "one look");
	mf_tree_duration(map, "keep", r->keep_us);
	if (r->has_restore)
		mf_tree_set(map, "restore", call_tree(&r->restore));
	for (i = 0; i < r->n_fallbacks; i++)
		(void)json_array_append_new(list, fallback_tree(&r->fallbacks[i]));
	if (r->n_fallbacks == 0)
		(void)json_array_append_new(list, json_string("previous"));
	mf_tree_set(map, "fallback", list);
	return map;
}

static json_t *
windows_tree(const struct mf_migration_plan *m)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	json_t *list = json_array();
	char text[48];
	size_t i;

	for (i = 0; i < m->n_windows; i++) {
		unsigned from = m->windows[i].from_minute, to = m->windows[i].to_minute;

		(void)snprintf(text, sizeof text, "%s %02u:%02u to %s %02u:%02u",
		    days[from / DAY_MINUTES % 7], from % DAY_MINUTES / 60, from % 60,
		    days[to / DAY_MINUTES % 7], to % DAY_MINUTES / 60, to % 60);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *
freezes_tree(const struct mf_migration_plan *m)
{
	json_t *list = json_array();
	char from[MF_TIME_TEXT_BYTES], to[MF_TIME_TEXT_BYTES], text[2 * MF_TIME_TEXT_BYTES + 4];
	size_t i;

	for (i = 0; i < m->n_freezes; i++) {
		(void)snprintf(text, sizeof text, "%s to %s",
		    mf_format_time(m->freezes[i].from_unix_s * 1000000, from),
		    mf_format_time(m->freezes[i].to_unix_s * 1000000, to));
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *
alerts_tree(const struct mf_migration_plan *m)
{
	static const char *const kinds[] = {"generic", "slack"};
	static const char *const severities[] = {"info", "warn", "error"};
	json_t *list = json_array(), *map;
	size_t i;

	for (i = 0; i < m->n_alerts; i++) {
		map = json_object();
		mf_tree_text(map, "name", m->alerts[i].name);
		mf_tree_text(map, "kind", kinds[m->alerts[i].kind]);
		mf_tree_text(map, "severity", severities[m->alerts[i].severity]);
		mf_tree_text(map, "urlFile", m->alerts[i].url_file);
		mf_tree_number(map, "retries", m->alerts[i].retries);
		mf_tree_duration(map, "timeout", m->alerts[i].timeout_us);
		(void)json_array_append_new(list, map);
	}
	return list;
}

json_t *
mf_tree_migration(const struct mf_migration_plan *m)
{
	json_t *map = json_object(), *compare;

	mf_tree_set(map, "model", model_tree(m));
	mf_tree_text(map, "repository", m->repository);
	mf_tree_set(map, "source", site_tree(&m->source));
	mf_tree_set(map, "destination", site_tree(&m->destination));
	mf_tree_set(map, "router", router_tree(&m->router));
	if (m->compare.requests != NULL) {
		compare = json_object();
		mf_tree_text(compare, "requests", m->compare.requests);
		mf_tree_set(compare, "tolerance", json_real(m->compare.tolerance));
		mf_tree_set(compare, "minAgreement", json_real(m->compare.min_agreement));
		mf_tree_set(map, "compare", compare);
	}
	mf_tree_set(map, "rollback", rollback_tree(&m->rollback));
	mf_tree_text(
	    map, "onInterrupt", m->on_interrupt == MF_INTERRUPT_HOLD ? "hold" : "rollback");
	mf_tree_duration(map, "maxUnattended", m->max_unattended_us);
	if (m->n_windows > 0)
		mf_tree_set(map, "windows", windows_tree(m));
	if (m->n_freezes > 0)
		mf_tree_set(map, "freeze", freezes_tree(m));
	if (m->n_alerts > 0)
		mf_tree_set(map, "alerts", alerts_tree(m));
	mf_tree_text(map, "leaseFile", m->lease_file);
	return map;
}
