#include "src/traffic/serves_metric.h"

#include <stdio.h>
#include <string.h>

#include "src/base/text.h"

#define EVERY_US 1000000u
#define TEXT_BYTES 128u

static const char *
label_of(const struct mf_prom_series *s, const char *name)
{
	const struct mf_node *v = s->labels == NULL ? NULL : mf_node_get(s->labels, name);

	return v != NULL && v->kind == MF_NODE_STRING ? v->text : NULL;
}

/* Has an earlier series the same instance? */
static bool
is_known(const struct mf_prom_answer *a, size_t i)
{
	const char *mine = label_of(&a->series[i], "instance"), *other;
	size_t k;

	for (k = 0; mine != NULL && k < i; k++) {
		other = label_of(&a->series[k], "instance");
		if (other != NULL && strcmp(mine, other) == 0)
			return true;
	}
	return false;
}

static int
wrong(const struct mf_prom_series *s, const char *says, const char *version, struct mf_error *e)
{
	const char *instance = label_of(s, "instance");
	char who[TEXT_BYTES], what[TEXT_BYTES];

	mf_text_escape(who, sizeof who, instance == NULL ? "" : instance);
	mf_text_escape(what, sizeof what, says);
	(void)mf_error_set(e, MF_EFAIL, "%s%s serves %s, not %s",
	    instance == NULL ? "a server" : "server ", who, what, version);
	return 1;
}

int
mf_serves_metric_judge(const struct mf_prom_answer *a, const char *label, const char *version,
    size_t n_servers, struct mf_error *e)
{
	const char *says;
	size_t i, n = 0;

	if (a->type != MF_PROM_VECTOR)
		return mf_error_set(
		    e, MF_EFAIL, "the answer is no vector, whose series would have labels");
	for (i = 0; i < a->n_series; i++) {
		says = label_of(&a->series[i], label);
		if (says == NULL)
			return mf_error_set(e, MF_EFAIL, "a series has no label %s", label);
		if (strcmp(says, version) != 0)
			return wrong(&a->series[i], says, version, e);
		n += !is_known(a, i);
	}
	if (n >= n_servers)
		return 0;
	(void)mf_error_set(
	    e, MF_EFAIL, "%zu of %zu servers say that they serve %s", n, n_servers, version);
	return 1;
}

/* 0: all do. -1: *e says why not, or not yet. */
static int
ask(const struct mf_serves_metric_params *p, uint64_t left_us, struct mf_error *e)
{
	struct mf_metric_source *s = mf_metric_source_of(p->prometheus);
	const struct mf_metric_query *q = &p->plan->metric;
	const uint64_t own_us = mf_metric_timeout_us(q);
	uint64_t us = own_us < left_us ? own_us : left_us;
	struct mf_region *r = mf_metric_region(e);
	struct mf_prom_answer answer;
	int rc = -1;

	if (r == NULL)
		return -1;
	if (mf_prometheus_query(s, q, q->query, false, &us, r, &answer, e) == 0)
		rc = mf_serves_metric_judge(&answer, p->plan->label, p->version, p->n_servers, e);
	mf_region_free(r);
	return rc == 0 ? 0 : -1;
}

int
mf_serves_metric_wait(const struct mf_serves_metric_params *p, struct mf_error *e)
{
	const uint64_t every_us = p->every_us != 0 ? p->every_us : EVERY_US;
	const uint64_t end_us = p->now_us(p->arg) + p->timeout_us;
	struct mf_error why = {0};
	uint64_t now_us, left_us;

	while ((now_us = p->now_us(p->arg)) < end_us) {
		mf_error_clear(&why);
		if (ask(p, end_us - now_us, &why) == 0)
			return 0;
		if (p->interrupted != NULL && p->interrupted(p->arg))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		now_us = p->now_us(p->arg);
		left_us = end_us > now_us ? end_us - now_us : 0;
		if (left_us > 0 && !p->wait(p->arg, every_us < left_us ? every_us : left_us))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	}
	return mf_error_set(e, MF_EFAIL, "serves.metric: %s", why.message);
}
