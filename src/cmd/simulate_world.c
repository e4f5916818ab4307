#include "src/cmd/simulate_world.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/migrate/engine.h"

/* Of 100 years: a clock that cannot wrap. */
#define WAIT_MAX_S 3155760000.0

static const struct mf_canary_plan *
canary_of(const struct mf_world *w)
{
	return w->simulation->plan->canary;
}

static int
refuse(const struct mf_world *w, const char *field, const char *why, struct mf_error *e)
{
	return mf_simulate_refuse(w->simulation, w->n, field, why, e);
}

static int note(struct mf_world *w, struct mf_error *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
note(struct mf_world *w, struct mf_error *e, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (json_array_append_new(w->did, json_string(text)) != 0)
		return mf_error_nomem(e, "the simulation");
	return 0;
}

/* ---- reading fields ---- */

static int
get_word(const struct mf_world *w, const json_t *from, const char *key, const char **out,
    struct mf_error *e)
{
	const json_t *v = json_object_get(from, key);

	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return refuse(w, key, "is not a string", e);
	*out = json_string_value(v);
	return 0;
}

static int
get_revision(const struct mf_world *w, const json_t *from, const char *key, const char **out,
    struct mf_error *e)
{
	if (get_word(w, from, key, out, e) != 0)
		return -1;
	return *out != NULL && strlen(*out) >= MF_REVISION_BYTES ? refuse(w, key, "is too long", e)
								 : 0;
}

static int
get_whole(const struct mf_world *w, const json_t *from, const char *key, int least, int most,
    int *out, struct mf_error *e)
{
	const json_t *v = json_object_get(from, key);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most)
		return refuse(w, key, "is not a whole number in its range", e);
	*out = (int)json_integer_value(v);
	return 0;
}

static int
get_weights(const struct mf_world *w, const json_t *from, const char *key, unsigned out[2],
    struct mf_error *e)
{
	const json_t *v = json_object_get(from, key), *p, *c;
	json_int_t primary, canary;

	if (v == NULL)
		return 0;
	p = json_array_get(v, 0);
	c = json_array_get(v, 1);
	if (!json_is_integer(p) || !json_is_integer(c) || json_array_size(v) != 2)
		return refuse(w, key, "is not [PRIMARY, CANARY]", e);
	primary = json_integer_value(p);
	canary = json_integer_value(c);
	if (primary < 0 || canary < 0 || primary + canary != 100)
		return refuse(w, key, "does not add up to 100", e);
	out[0] = (unsigned)primary;
	out[1] = (unsigned)canary;
	return 0;
}

static int
get_ready(const struct mf_world *w, const char *key, enum mf_ready *out, struct mf_error *e)
{
	const char *word = "ok";

	if (get_word(w, w->tick, key, &word, e) != 0)
		return -1;
	if (strcmp(word, "ok") == 0)
		*out = MF_READY;
	else if (strcmp(word, "wait") == 0)
		*out = MF_READY_WAIT;
	else if (strcmp(word, "dead") == 0)
		*out = MF_READY_DEAD;
	else if (strcmp(word, "few") == 0)
		*out = MF_READY_FEW;
	else
		return refuse(w, key, "is none of ok, wait, few, dead", e);
	return 0;
}

static int
get_control(const struct mf_world *w, enum mf_steer *out, struct mf_error *e)
{
	static const char *const words[] = {
	    [MF_STEER_NONE] = "",
	    [MF_STEER_ABORT] = "abort",
	    [MF_STEER_PROMOTE] = "promote",
	    [MF_STEER_PROMOTE_FULL] = "promoteFull",
	    [MF_STEER_PAUSE] = "pause",
	    [MF_STEER_CONTINUE] = "continue",
	    [MF_STEER_RETRY] = "retry",
	};
	const char *word = "";
	size_t i;

	if (get_word(w, w->tick, "control", &word, e) != 0)
		return -1;
	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i], word) == 0) {
			*out = (enum mf_steer)i;
			return 0;
		}
	return refuse(
	    w, "control", "is none of abort, promote, promoteFull, pause, continue, retry", e);
}

/* ---- the beginning and the ticks ---- */

/* As `migrate` does when the data is in place. */
static void
begin_to_carry(const struct mf_world *w, struct mf_canary_state *state)
{
	struct mf_engine engine;

	mf_engine_canary(&engine, canary_of(w));
	engine.ops->start(&engine, w->carried, MF_SIMULATE_SERVED);
	*state = engine.state.canary;
}

int
mf_world_start(struct mf_world *w, struct mf_canary_state *state, struct mf_error *e)
{
	static const char *const known[] = {"phase", "applied", "promoted", "weights",
	    "canaryScaled", "statusWeight", "primaryRevision", "failedChecks", "iterations",
	    "mirrored", NULL};
	json_t *from = w->simulation->start;
	const char *phase = "Succeeded", *applied = MF_SIMULATE_SERVED,
		   *promoted = MF_SIMULATE_SERVED, *primary = NULL;
	int weight = -1, failed = 0, iterations = 0;

	w->weights[0] = 100;
	w->carried = mf_simulate_carried(w->simulation);
	if (w->carried != NULL) {
		begin_to_carry(w, state);
		return 0;
	}
	if (from != NULL && (mf_simulate_known(w->simulation, 0, from, known, e) != 0 ||
				get_word(w, from, "phase", &phase, e) != 0 ||
				get_revision(w, from, "applied", &applied, e) != 0 ||
				get_revision(w, from, "promoted", &promoted, e) != 0 ||
				get_revision(w, from, "primaryRevision", &primary, e) != 0 ||
				get_weights(w, from, "weights", w->weights, e) != 0 ||
				get_whole(w, from, "statusWeight", 0, 100, &weight, e) != 0 ||
				get_whole(w, from, "failedChecks", 0, 1000000, &failed, e) != 0 ||
				get_whole(w, from, "iterations", -1, 1000000, &iterations, e) != 0))
		return -1;
	*state = (struct mf_canary_state){.phase = mf_phase_find(phase)};
	if (state->phase == MF_PHASES)
		return refuse(w, "phase", "is not a phase", e);
	w->mirrored = json_is_true(json_object_get(from, "mirrored"));
	(void)snprintf(state->applied, sizeof state->applied, "%s", applied);
	(void)snprintf(state->promoted, sizeof state->promoted, "%s", promoted);
	state->weight = weight < 0 ? w->weights[1] : (unsigned)weight;
	state->failed_checks = (unsigned)failed;
	state->iterations = iterations;
	state->primary_created = state->phase > MF_PHASE_INITIALIZING;
	return 0;
}

/* The time between two ticks, or what the tick says has passed. */
static int
pass_time(struct mf_world *w, struct mf_error *e)
{
	const json_t *wait = json_object_get(w->tick, "wait");
	double seconds;

	if (wait == NULL) {
		w->now_us += canary_of(w)->interval_us;
		return 0;
	}
	seconds = json_number_value(wait);
	if (!json_is_number(wait) || !(seconds >= 0 && seconds <= WAIT_MAX_S))
		return refuse(w, "wait", "is not a number of seconds", e);
	w->now_us += (uint64_t)(seconds * 1e6);
	return 0;
}

int
mf_world_see(struct mf_world *w, json_t *tick, struct mf_canary_state *state,
    struct mf_canary_tick *out, struct mf_error *e)
{
	static const char *const known[] = {"rev", "metrics", "primaryMetrics", "fallbackMetrics",
	    "hooks", "primaryReady", "canaryReady", "setRoutes", "patch", "forceWeights",
	    "setFailedChecks", "wait", "control", "noStepsNow", "weightsUnknown", "damaged", "acts",
	    NULL};
	int failed = (int)state->failed_checks;

	w->tick = tick;
	*out = (struct mf_canary_tick){.revision = state->applied};
	if (state->applied[0] == '\0' && w->carried != NULL)
		out->revision = w->carried; /* a gate is asked before it is applied */
	if (mf_simulate_known(w->simulation, w->n, tick, known, e) != 0 || pass_time(w, e) != 0 ||
	    get_revision(w, tick, "rev", &out->revision, e) != 0 ||
	    get_ready(w, "primaryReady", &out->primary, e) != 0 ||
	    get_ready(w, "canaryReady", &out->canary, e) != 0 ||
	    get_weights(w, tick, "forceWeights", w->weights, e) != 0 ||
	    get_whole(w, tick, "setFailedChecks", 0, 1000000, &failed, e) != 0 ||
	    get_control(w, &out->control, e) != 0)
		return -1;
	state->failed_checks = (unsigned)failed;
	out->now_us = w->now_us;
	out->primary_weight = w->weights[0];
	out->canary_weight = w->weights[1];
	out->mirrored = w->mirrored;
	out->no_steps_now = json_is_true(json_object_get(tick, "noStepsNow"));
	out->weights_unknown = json_is_true(json_object_get(tick, "weightsUnknown"));
	out->damaged = json_is_true(json_object_get(tick, "damaged"));
	return 0;
}

/* ---- acts ---- */

/* The Gateway API's router of Flagger writes the mirror's filter only for blue/green. */
static bool
keeps_mirror(const struct mf_world *w)
{
	const struct mf_canary_plan *p = canary_of(w);

	return strncmp(p->provider, "gatewayapi", strlen("gatewayapi")) != 0 || p->iterations > 0;
}

static int
do_route(struct mf_world *w, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const char *how = "";

	if (get_word(w, w->tick, "setRoutes", &how, e) != 0)
		return -1;
	if (strcmp(how, "conflict") == 0) {
		out->end = MF_ANSWER_CONFLICT;
		return note(w, e, "setRoutes:409");
	}
	if (strcmp(how, "error") == 0) {
		out->end = MF_ANSWER_FAILED;
		return note(w, e, "setRoutes:error");
	}
	if (*how != '\0')
		return refuse(w, "setRoutes", "is neither conflict nor error", e);
	w->weights[0] = act->primary;
	w->weights[1] = act->canary;
	w->mirrored = act->mirror && keeps_mirror(w);
	return note(w, e, "route:%u/%u%s", act->primary, act->canary, act->mirror ? "+mirror" : "");
}

static int
do_hook(struct mf_world *w, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const char *name = canary_of(w)->hooks[act->index].name;
	const json_t *hooks = json_object_get(w->tick, "hooks"), *v = json_object_get(hooks, name);

	if (v == NULL)
		out->status = 200;
	else if (json_is_integer(v) && json_integer_value(v) >= 100 && json_integer_value(v) < 600)
		out->status = (int)json_integer_value(v);
	else if (json_is_string(v) && strcmp(json_string_value(v), "timeout") == 0)
		out->status = 0;
	else
		return refuse(w, "hooks", "holds neither an HTTP status nor \"timeout\"", e);
	return note(w, e, "hook:%s", name);
}

static int
read_value(const struct mf_world *w, const char *field, const json_t *v, struct mf_measured *out,
    struct mf_error *e)
{
	const char *word = json_string_value(v);

	if (v == NULL || json_is_null(v)) {
		out->end = MF_MEASURE_NONE;
		return 0;
	}
	out->end = MF_MEASURE_VALUE;
	if (json_is_number(v) || json_is_boolean(v)) {
		out->value = json_is_boolean(v) ? json_is_true(v) : json_number_value(v);
		return 0;
	}
	if (word != NULL && strcmp(word, "+Inf") == 0)
		out->value = INFINITY;
	else if (word != NULL && strcmp(word, "-Inf") == 0)
		out->value = -INFINITY;
	else if (word != NULL && strcmp(word, "NaN") == 0)
		out->end = MF_MEASURE_NAN;
	else if (word != NULL && strcmp(word, "error") == 0)
		out->end = MF_MEASURE_ERROR;
	else if (word != NULL && strcmp(word, "early") == 0)
		out->end = MF_MEASURE_EARLY;
	else
		return refuse(w, field,
		    "holds no number, null, \"NaN\", \"+Inf\", \"-Inf\", \"error\" or \"early\"",
		    e);
	return 0;
}

/* A value, or {"value": V, "samples": N}. */
static int
measure(const struct mf_world *w, const char *field, const char *name, struct mf_measured *out,
    struct mf_error *e)
{
	const json_t *v = json_object_get(json_object_get(w->tick, field), name);
	int samples = 0;

	out->samples = UINT64_MAX;
	if (!json_is_object(v))
		return read_value(w, field, v, out, e);
	if (get_whole(w, v, "samples", 0, 1000000000, &samples, e) != 0)
		return -1;
	out->samples = (uint64_t)samples;
	return read_value(w, field, json_object_get(v, "value"), out, e);
}

static int
do_metric(struct mf_world *w, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const struct mf_canary_metric *m = &canary_of(w)->metrics[act->index];
	struct mf_measured primary = {0};
	enum mf_check check;

	if (measure(w, "metrics", m->name, &out->measured, e) != 0)
		return -1;
	if (m->relative) {
		if (measure(w, "primaryMetrics", m->name, &primary, e) != 0)
			return -1;
		out->measured.has_primary = primary.end == MF_MEASURE_VALUE;
		out->measured.primary = primary.value;
	}
	check = mf_canary_check(m, &out->measured);
	if (check == MF_CHECK_PASS)
		return 0;
	return note(w, e, "metric:%s:%s", m->name, mf_check_name(check));
}

static int
do_primary_metric(
    struct mf_world *w, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const char *name = canary_of(w)->metrics[act->index].name;

	if (measure(w, "primaryMetrics", name, &out->measured, e) != 0)
		return -1;
	return note(w, e, "primary:%s", name);
}

static int
do_fallback_metric(
    struct mf_world *w, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const char *name = canary_of(w)->back.own[act->of].metrics[act->index].name;

	if (measure(w, "fallbackMetrics", name, &out->measured, e) != 0)
		return -1;
	return note(w, e, "fallback:%u:%s", act->of, name);
}

/* "acts": {"reference": "conflict", "fallback:0": "fail"}; what is not named goes well. */
static int
do_other(struct mf_world *w, const char *name, struct mf_answer *out, struct mf_error *e)
{
	const json_t *acts = json_object_get(w->tick, "acts");
	const char *how = "ok";

	if (get_word(w, acts, name, &how, e) != 0)
		return -1;
	if (strcmp(how, "fail") == 0)
		out->end = MF_ANSWER_FAILED;
	else if (strcmp(how, "conflict") == 0)
		out->end = MF_ANSWER_CONFLICT;
	else if (strcmp(how, "ok") != 0)
		return refuse(w, "acts", "holds none of ok, fail, conflict", e);
	return note(w, e, "%s%s%s", name, *how == 'o' ? "" : ":", *how == 'o' ? "" : how);
}

/* Flagger's primary is there at once, and ready when the tick says so. */
static int
create_primary(struct mf_world *w, struct mf_answer *out, struct mf_error *e)
{
	enum mf_ready ready;

	if (get_ready(w, "primaryReady", &ready, e) != 0)
		return -1;
	out->end = ready == MF_READY ? MF_ANSWER_OK : MF_ANSWER_FAILED;
	return ready == MF_READY ? note(w, e, "createPrimary") : 0;
}

int
mf_world_do(struct mf_world *w, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	char name[32];

	*out = (struct mf_answer){.end = MF_ANSWER_OK};
	switch (act->kind) {
	case MF_ACT_HOOK: return do_hook(w, act, out, e);
	case MF_ACT_METRIC: return do_metric(w, act, out, e);
	case MF_ACT_MEASURE_PRIMARY: return do_primary_metric(w, act, out, e);
	case MF_ACT_MEASURE_FALLBACK: return do_fallback_metric(w, act, out, e);
	case MF_ACT_ROUTE: return do_route(w, act, out, e);
	case MF_ACT_PROBE: return 0;
	case MF_ACT_CREATE_PRIMARY: return create_primary(w, out, e);
	case MF_ACT_ALERT: return note(w, e, "alert:%s", act->why);
	case MF_ACT_FALLBACK:
		(void)snprintf(name, sizeof name, "fallback:%u", act->index);
		return do_other(w, name, out, e);
	default: return do_other(w, mf_act_name(act->kind), out, e);
	}
}
