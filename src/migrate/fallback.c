/*
 * What takes over on the primary's side when traffic goes back to it, in the order of the plan:
 * what it served before, another version of the model, or a lighter model.
 *
 * It is the primary's side that falls back, because that is where the traffic goes: the
 * destination, which has just failed, gets none, whatever it serves (destination_back.c).
 */
#include "src/migrate/migrate_int.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/base/log.h"
#include "src/repo/ref.h"

#define BEST_MOST 4u    /* the best may not verify: so many are kept, and tried in turn */
#define BEST_LOOKED 16u /* of so many, since some may not suit the site */
#define FALLBACKS_MAX 32u

struct candidate {
	char model[MF_VERSION_BYTES], version[MF_VERSION_BYTES];
	bool tried;
};

struct mf_candidates {
	size_t n;
	struct candidate of[BEST_MOST];
};

/* ---- which they are ---- */

static void
take(struct mf_candidates *c, const struct mf_version *v)
{
	struct candidate *one = &c->of[c->n++];

	(void)snprintf(one->model, sizeof one->model, "%s", v->root.model);
	(void)snprintf(one->version, sizeof one->version, "%s", v->root.version);
}

/* Do the version's tags suit the source? 0; 1: they do not, as *e says; -1: it could not be asked,
 * which on a way back that goes on is no reason to do without a fallback. */
static int
suits(struct mf_migrating *x, const struct mf_version *v, struct mf_error *e)
{
	if (strcmp(v->root.model, x->m->model) != 0 ||
	    mf_migrating_suits_source(x, v->root.version, e) == 0)
		return 0;
	if (e->code == MF_EUSAGE)
		return 1;
	if (x->p->resume == MF_MIGRATE_FRESH)
		return -1;
	mf_log(MF_LOG_WARNING, "whether %s@%s suits the source is not known: %s", v->root.model,
	    v->root.version, e->message);
	mf_error_clear(e);
	return 0;
}

static int
find_one(struct mf_migrating *x, const char *spec, struct mf_candidates *out, struct mf_error *e)
{
	struct mf_demands d = {.trust = x->p->trust, .now_us = x->p->unix_us()};
	struct mf_version v = {0};
	int rc = mf_version_resolve_as(x->p->repo, spec, &d, &v, e);

	if (rc == 0 && v.rejected)
		rc = mf_error_set(e, MF_EUSAGE, "%s@%s was rejected", v.root.model, v.root.version);
	else if (rc == 0 && strcmp(v.root.model, x->m->model) == 0 &&
		 strcmp(v.root.version, x->version) == 0)
		rc = mf_error_set(e, MF_EUSAGE, "%s@%s is what the run carries: it is no way back",
		    v.root.model, v.root.version);
	if (rc == 0 && suits(x, &v, e) != 0)
		rc = -1;
	if (rc == 0)
		take(out, &v);
	mf_version_fini(&v);
	return rc;
}

/* Not what failed, nor what stands before it in the plan: when the best is asked for, that was
 * tried. */
static size_t
list_without(const struct mf_migrating *x, size_t i, const char *out[FALLBACKS_MAX + 1])
{
	const struct mf_fallback_plan *plans = x->m->rollback.fallbacks;
	size_t n = 0, k;

	out[n++] = x->version;
	for (k = 0; k < i && k < FALLBACKS_MAX; k++)
		if (plans[k].kind == MF_FALLBACK_PREVIOUS)
			out[n++] = x->previous;
		else if (plans[k].kind == MF_FALLBACK_VERSION)
			out[n++] = x->candidates[k].of[0].version;
	return n;
}

static int
find_best(struct mf_migrating *x, size_t i, struct mf_error *e)
{
	struct mf_demands d = {.trust = x->p->trust, .now_us = x->p->unix_us()};
	const char *without[FALLBACKS_MAX + 1];
	struct mf_best p = {
	    .model = x->m->model,
	    .metric = x->m->rollback.fallbacks[i].metric,
	    .without = without,
	    .most = BEST_LOOKED,
	};
	struct mf_candidates *out = &x->candidates[i];
	struct mf_versions best;
	size_t k;
	int rc = 0;

	p.n_without = list_without(x, i, without);
	if (mf_ref_list_best(x->p->repo, &p, &d, &best, e) != 0)
		return -1;
	for (k = 0; rc >= 0 && k < best.n && out->n < BEST_MOST; k++)
		if ((rc = suits(x, &best.items[k], e)) == 0)
			take(out, &best.items[k]);
	mf_versions_fini(&best);
	if (rc < 0 || out->n == 0)
		return -1; /* *e is why the last one does not suit */
	mf_error_clear(e);
	return 0;
}

static int
find(struct mf_migrating *x, size_t i, struct mf_error *e)
{
	const struct mf_fallback_plan *f = &x->m->rollback.fallbacks[i];
	char spec[MF_VERSION_SPEC_BYTES];

	switch (f->kind) {
	case MF_FALLBACK_PREVIOUS: return 0;
	case MF_FALLBACK_BEST: return find_best(x, i, e);
	case MF_FALLBACK_LIGHT: return find_one(x, f->model, &x->candidates[i], e);
	default:
		if (mf_migrating_spec(spec, x->m->model, f->version, e) != 0)
			return -1;
		return find_one(x, spec, &x->candidates[i], e);
	}
}

int
mf_migrating_find_candidates(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_rollback_plan *back = &x->m->rollback;
	size_t i;

	if (x->candidates != NULL || x->p->repo == NULL)
		return 0;
	x->candidates = calloc(back->n_fallbacks + 1, sizeof *x->candidates);
	if (x->candidates == NULL)
		return mf_error_nomem(e, "the fallbacks");
	for (i = 0; i < back->n_fallbacks; i++) {
		if (find(x, i, e) != 0) {
			free(x->candidates);
			x->candidates = NULL;
			return mf_error_while(e, "looking for fallback %zu of the plan", i + 1);
		}
	}
	return 0;
}

int
mf_migrating_look_at_fallbacks(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	const char *text;
	size_t i, k;
	int rc;

	if (x->p->repo == NULL || x->version[0] == '\0' || x->m->rollback.n_fallbacks == 0)
		return 0;
	rc = mf_migrating_find_candidates(x, e);
	for (i = 0; rc == 0 && i < x->m->rollback.n_fallbacks; i++) {
		mf_buf_printf(&b, "%s%s", i == 0 ? "" : ", then ",
		    x->m->rollback.fallbacks[i].kind == MF_FALLBACK_PREVIOUS ? "previous" : "");
		for (k = 0; k < x->candidates[i].n; k++)
			mf_buf_printf(&b, "%s%s@%s", k == 0 ? "" : " or ",
			    x->candidates[i].of[k].model, x->candidates[i].of[k].version);
	}
	text = mf_buf_cstr(&b);
	rc = mf_migrating_looked(x, "fallback", rc, text == NULL ? "they are there" : text, e);
	mf_buf_fini(&b);
	return rc;
}

int
mf_migrating_keep_candidates(struct mf_migrating *x, struct mf_error *e)
{
	const struct candidate *c;
	size_t i, k;

	if (mf_migrating_find_candidates(x, e) != 0)
		return -1;
	for (i = 0; i < x->m->rollback.n_fallbacks; i++)
		for (k = 0; k < x->candidates[i].n; k++) {
			c = &x->candidates[i].of[k];
			if (mf_migrating_keep_one(x, c->model, c->version, e) != 0)
				return -1;
		}
	return 0;
}

bool
mf_migrating_is_candidate(const struct mf_migrating *x, const char *version)
{
	size_t i, k;

	for (i = 0; x->candidates != NULL && i < x->m->rollback.n_fallbacks; i++)
		for (k = 0; k < x->candidates[i].n; k++)
			if (strcmp(x->candidates[i].of[k].model, x->m->model) == 0 &&
			    strcmp(x->candidates[i].of[k].version, version) == 0)
				return true;
	return false;
}

/* ---- taking over ---- */

/* The source as the fallback needs it: a lighter model has a link and servers' words of its own. */
static struct mf_site_plan
site_for(const struct mf_migrating *x, const struct mf_fallback_plan *f)
{
	struct mf_site_plan site = x->m->source;

	if (f != NULL && f->kind == MF_FALLBACK_LIGHT) {
		site.link = f->link;
		site.serves = f->serves;
	}
	return site;
}

/* To the source, and shown. What lies there already is read before servers are told to load it: once,
 * however often this is tried. 0; 1: it was shown already; -1. */
static int
bring(struct mf_migrating *x, struct mf_bringing *b, struct mf_error *e)
{
	char name[MF_SERVING_BYTES];

	(void)snprintf(name, sizeof name, "%s@%s", b->model, b->version);
	if (strcmp(name, x->reread) != 0 && mf_migrating_reread(x, b, &b->afresh, e) != 0)
		return -1;
	if (!b->afresh)
		(void)snprintf(x->reread, sizeof x->reread, "%s", name);
	return mf_migrating_bring(x, b, e);
}

/* Link, reload, serves; and production, which may name only what is served, last. */
static int
take_over(struct mf_migrating *x, unsigned index, const char *model, const char *version,
    struct mf_error *e)
{
	const struct mf_rollback_plan *back = &x->m->rollback;
	const struct mf_site_plan site =
	    site_for(x, index < back->n_fallbacks ? &back->fallbacks[index] : NULL);
	struct mf_bringing b = {
	    .site = &site,
	    .link = site.link,
	    .model = model,
	    .version = version,
	    .keep_local = UINT_MAX, /* a way back deletes nothing */
	};
	int shown = bring(x, &b, e);

	if (shown < 0)
		return -1;
	x->called_model = model;
	if (shown == 0 || x->fell_to != index + 1) {
		if (mf_migrating_reload(x, &site, version, e) != 0)
			return -1;
		x->fell_to = index + 1;
	}
	if (mf_migrating_serves(x, &site, version, e) != 0)
		return -1;
	x->changed_us = mf_migrating_now(x);
	mf_world_changed(x->world, x->changed_us); /* what was measured before is of another */
	(void)snprintf(x->serving, sizeof x->serving, "%s@%s", model, version);
	if (strcmp(model, x->m->model) != 0)
		return 0;
	return mf_migrating_follow_fallback(x, version, e);
}

/* What the primary served before the run. Nothing is touched there unless this run, or another
 * fallback, put something else there. */
static int
previous(struct mf_migrating *x, unsigned index, struct mf_error *e)
{
	if (x->previous[0] == '\0')
		return 0;
	if (index > 0 && x->p->repo != NULL &&
	    (x->m->source.link != NULL || x->m->source.kind == MF_DESTINATION_MIRROR))
		return take_over(x, index, x->m->model, x->previous, e);
	return mf_migrating_serves(x, &x->m->source, x->previous, e);
}

static bool
tried_before(const struct mf_migrating *x, unsigned index, const struct candidate *c)
{
	unsigned i;
	size_t k;

	for (i = 0; i < index; i++)
		for (k = 0; k < x->candidates[i].n; k++)
			if (x->candidates[i].of[k].tried &&
			    strcmp(x->candidates[i].of[k].version, c->version) == 0)
				return true;
	return false;
}

/* It is no good as it lies in the repository, which no further try would change. */
static bool
is_unusable(const struct mf_error *e)
{
	return e->code == MF_EDAMAGED || e->code == MF_EKEY || e->code == MF_ENOTFOUND;
}

static int
best(struct mf_migrating *x, unsigned index, struct mf_error *e)
{
	struct mf_candidates *list = &x->candidates[index];
	struct mf_error why;
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (tried_before(x, index, &list->of[i]))
			continue;
		why = (struct mf_error){0};
		if (take_over(x, index, list->of[i].model, list->of[i].version, &why) == 0) {
			list->of[i].tried = true;
			return 0;
		}
		if (!is_unusable(&why)) {
			*e = why;
			return -1;
		}
		mf_log(MF_LOG_WARNING, "%s@%s is passed over: %s", list->of[i].model,
		    list->of[i].version, why.message);
	}
	return mf_error_set(e, MF_ENOTFOUND, "no version with a metric %s could be taken",
	    x->m->rollback.fallbacks[index].metric);
}

/* The primary's side serves this fallback. */
static int
serve(struct mf_migrating *x, unsigned index, struct mf_error *e)
{
	const struct mf_rollback_plan *back = &x->m->rollback;
	const struct candidate *c;

	x->called_model = x->m->model;
	if (index >= back->n_fallbacks || back->fallbacks[index].kind == MF_FALLBACK_PREVIOUS)
		return previous(x, index, e);
	if (mf_migrating_find_candidates(x, e) != 0)
		return -1;
	if (back->fallbacks[index].kind == MF_FALLBACK_BEST)
		return best(x, index, e);
	c = &x->candidates[index].of[0];
	return take_over(x, index, c->model, c->version, e);
}

int
mf_migrating_fall_back(struct mf_migrating *x, unsigned index, struct mf_error *e)
{
	int rc = serve(x, index, e);

	mf_migrating_turn_destination(x); /* behind what the traffic is with */
	return rc;
}
