/* A run as JSON: modelferry(1), status. */
#include <math.h>
#include <string.h>

#include "src/cmd/output.h"
#include "src/cmd/runs.h"

/* What is no number in JSON is a word. */
static json_t *
number(double value)
{
	if (isfinite(value))
		return json_real(value);
	return json_string(isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
}

static int
set_number(json_t *o, const char *key, bool there, double value)
{
	return json_object_set_new(o, key, there ? number(value) : json_null());
}

static int
set_seconds(json_t *o, const char *key, bool there, double us)
{
	return json_object_set_new(o, key, there ? json_real(us / 1e6) : json_null());
}

static int
set_when(json_t *o, const char *key, int64_t us)
{
	return us > 0 ? mf_output_set_time(o, key, us) : json_object_set_new(o, key, json_null());
}

static json_t *
drop(json_t *o)
{
	json_decref(o);
	return NULL;
}

static json_t *
metric_json(const struct mf_view_metric *m, int64_t now_us)
{
	json_t *o = json_object();

	if (mf_output_set_name(o, "name", m->name) != 0 ||
	    mf_output_set_name(o, "state", m->check) != 0 ||
	    set_number(o, "value", m->has_value, m->value) != 0 ||
	    set_number(o, "min", m->has_min, m->min) != 0 ||
	    set_number(o, "max", m->has_max, m->max) != 0 ||
	    set_number(o, "abort_min", m->has_abort_min, m->abort_min) != 0 ||
	    set_number(o, "abort_max", m->has_abort_max, m->abort_max) != 0 ||
	    set_number(o, "primary", m->has_primary, m->primary) != 0 ||
	    json_object_set_new(o, "samples",
		m->samples > 0 ? json_integer((json_int_t)m->samples) : json_null()) != 0 ||
	    set_seconds(o, "sample_age_seconds", m->age_us > 0, (double)m->age_us) != 0 ||
	    set_seconds(o, "age_seconds", m->asked_us > 0, (double)(now_us - m->asked_us)) != 0 ||
	    json_object_set_new(o, "alert_only", json_boolean(m->alert_only)) != 0 ||
	    json_object_set_new(o, "optional", json_boolean(m->optional)) != 0 ||
	    mf_output_set_name(o, "why", m->why) != 0)
		return drop(o);
	return o;
}

static json_t *
metrics_json(const struct mf_migrate_view *v, int64_t now_us)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < v->n_metrics; i++)
		if (json_array_append_new(all, metric_json(&v->metrics[i], now_us)) != 0)
			return drop(all);
	return all;
}

/* The router, as it was read last. */
static json_t *
real_json(const struct mf_migrate_view *v, int64_t now_us)
{
	json_t *o = json_pack("{s:b, s:[i,i]}", "known", v->router_known, "weights",
	    (int)(100 - v->canary), (int)v->canary);

	if (set_number(o, "canary_share", v->router_known, v->share) != 0 ||
	    set_seconds(o, "age_seconds", v->at_us > 0, (double)(now_us - v->at_us)) != 0 ||
	    (v->capacity &&
		(json_object_set_new(o, "primary_up", json_integer(v->primary_up)) != 0 ||
		    json_object_set_new(o, "primary_servers", json_integer(v->primary_servers)) !=
			0 ||
		    json_object_set_new(o, "canary_up", json_integer(v->canary_up)) != 0 ||
		    json_object_set_new(o, "canary_servers", json_integer(v->canary_servers)) !=
			0)) ||
	    mf_output_set_name(o, "note", v->router_note) != 0)
		return drop(o);
	return o;
}

static json_t *
hold_json(const struct mf_migrate_view *v)
{
	json_t *o = json_object();

	if (mf_output_set_name(o, "name", v->hold) != 0 ||
	    set_when(o, "since", v->hold_since_us) != 0 ||
	    set_when(o, "until", v->hold_until_us) != 0 ||
	    mf_output_set_name(o, "then", v->hold_end) != 0)
		return drop(o);
	return o;
}

static int
set_unchecked(json_t *o, const struct mf_migrate_view *v)
{
	json_t *list = json_array();

	if ((v->source_unchecked && json_array_append_new(list, json_string("source")) != 0) ||
	    (v->destination_unchecked &&
		json_array_append_new(list, json_string("destination")) != 0)) {
		json_decref(list);
		return -1;
	}
	return json_object_set_new(o, "serves_unchecked", list);
}

static int
set_view(json_t *o, const struct mf_cmd_run_seen *seen)
{
	const struct mf_migrate_view *v = &seen->view;

	if (mf_output_set_name(o, "holder", v->left_us > 0 ? "" : v->by) != 0 ||
	    set_when(o, "interrupted", v->left_us) != 0 ||
	    set_when(o, "back_after", v->back_after_us) != 0 ||
	    mf_output_set_name(o, "stage", v->stage) != 0 ||
	    mf_output_set_name(o, "doing", v->doing) != 0 ||
	    mf_output_set_name(o, "step", v->step) != 0 ||
	    json_object_set_new(
		o, "wanted", json_pack("[i,i]", (int)(100 - v->wanted), (int)v->wanted)) != 0 ||
	    json_object_set_new(o, "real", real_json(v, seen->now_us)) != 0 ||
	    json_object_set_new(o, "failed_checks", json_integer(v->failed_checks)) != 0 ||
	    json_object_set_new(o, "threshold", json_integer(v->threshold)) != 0 ||
	    json_object_set_new(o, "hold", v->hold[0] == '\0' ? json_null() : hold_json(v)) != 0 ||
	    mf_output_set_name(o, "waits_for", v->waits) != 0 ||
	    mf_output_set_name(o, "going_back", v->reason) != 0 ||
	    mf_output_set_name(o, "because", v->because) != 0 ||
	    set_when(o, "next_tick", v->next_us) != 0 || set_unchecked(o, v) != 0 ||
	    json_object_set_new(o, "metrics", metrics_json(v, seen->now_us)) != 0 ||
	    json_object_set_new(o, "metrics_left_out", json_integer(v->metrics_left_out)) != 0 ||
	    mf_output_set_name(o, "rollback", v->rollback) != 0)
		return -1;
	return 0;
}

static json_t *
beat_json(const struct mf_cmd_run_seen *seen)
{
	const struct mf_run_beat *b = &seen->beat;
	json_t *o = json_pack("{s:[i,i], s:I, s:f}", "weights", (int)(100 - b->canary_weight),
	    (int)b->canary_weight, "tick", (json_int_t)b->tick, "age_seconds",
	    (double)seen->age_us / 1e6);

	if (mf_output_set_name(o, "phase", b->phase) != 0 ||
	    mf_output_set_name(o, "note", b->note) != 0)
		return drop(o);
	return o;
}

json_t *
mf_cmd_status_json(const struct mf_cmd_run *r, const struct mf_cmd_run_seen *seen)
{
	json_t *o = mf_cmd_run_json(r);

	if (json_object_set_new(o, "healthy", json_boolean(seen->unwell == NULL)) != 0 ||
	    mf_output_set_name(o, "attention", seen->unwell == NULL ? "" : seen->unwell) != 0 ||
	    (seen->has_beat && json_object_set_new(o, "heartbeat", beat_json(seen)) != 0) ||
	    (seen->has_view && r->ended_us == 0 && set_view(o, seen) != 0))
		return drop(o);
	return o;
}
