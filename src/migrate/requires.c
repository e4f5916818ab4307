/*
 * What tags of a version must be, so that a site can run it: a runtime, a version of the features.
 * The plan says it, or the site is asked; each of its servers where the call names {server}.
 *
 * The destination is held against the version that is carried; the source against what production
 * names, which a rollback goes back to, and against the versions that it may fall back to.
 */
#include "src/migrate/migrate_int.h"

#include <string.h>

#include "src/base/text.h"
#include "src/repo/version.h"
#include "src/traffic/serves.h"

struct requirement {
	struct mf_migrating *x;
	const struct mf_site_plan *site;
	const struct mf_requires_plan *plan;
	const char *version;
	const char *has; /* what the tag says, as in messages; NULL: there is none */
};

static const char *
tag_of(const struct mf_version *v, const char *key)
{
	size_t i;

	for (i = 0; i < v->root.n_tags; i++)
		if (strcmp(v->root.tags[i].key, key) == 0)
			return v->root.tags[i].value;
	return NULL;
}

/* wanted, as the plan or who ("": the plan) says. */
static int
hold_against(const struct requirement *r, const char *wanted, const char *who, struct mf_error *e)
{
	const char *model = r->x->m->model, *tag = r->plan->tag;

	if (r->has != NULL && strcmp(r->has, wanted) == 0)
		return 0;
	(void)mf_error_set(e, MF_EUSAGE, "%s: site %s%s%s requires %s=%s, and %s@%s has %s%s%s",
	    r->x->m->name, r->site->name, who[0] == '\0' ? "" : ", by what it answers at ", who,
	    tag, wanted, model, r->version, r->has == NULL ? "no tag " : tag,
	    r->has == NULL ? tag : "=", r->has == NULL ? "" : r->has);
	return mf_error_hint(e, "carry a version that the site can run, or set what its tag should "
				"be with `modelferry tag`");
}

static int
ask(const struct requirement *r, const char *server, struct mf_error *e)
{
	struct mf_buf answer = MF_BUF_INIT;
	char wanted[MF_SERVES_SAID_BYTES];
	int rc = mf_migrating_ask(r->x, &r->plan->call, server, r->version, &answer, e);

	if (rc == 0)
		rc = mf_serves_read(r->plan->json_path, answer.data, answer.len, wanted, e);
	mf_buf_fini(&answer);
	if (rc != 0)
		return mf_error_while(
		    e, "asking site %s what it requires of tag %s", r->site->name, r->plan->tag);
	return hold_against(r, wanted, server == NULL ? r->site->name : server, e);
}

static int
check_one(const struct requirement *r, struct mf_error *e)
{
	size_t i;
	int rc = 0;

	if (r->plan->value != NULL)
		return hold_against(r, r->plan->value, "", e);
	if (!mf_migrating_for_each_server(&r->plan->call))
		return ask(r, NULL, e);
	for (i = 0; rc == 0 && i < r->site->n_servers; i++)
		rc = ask(r, r->site->servers[i], e);
	return rc;
}

/* asked: those alone for which the site is asked. */
static int
check_site(struct mf_migrating *x, const struct mf_site_plan *site, const char *version, bool asked,
    struct mf_error *e)
{
	struct requirement r = {.x = x, .site = site, .version = version};
	char has[MF_SERVES_SAID_BYTES];
	struct mf_version v = {0};
	const char *tag;
	size_t i;
	int rc;

	if (site->n_requires == 0 || version[0] == '\0')
		return 0;
	rc = mf_version_find(x->p->repo, x->m->model, version, &v, e);
	if (rc < 0)
		return -1;
	/* one that is to be pushed has no tags yet, nor after the push */
	for (rc = 0, i = 0; rc == 0 && i < site->n_requires; i++) {
		r.plan = &site->requires[i];
		tag = tag_of(&v, r.plan->tag);
		if (tag != NULL)
			mf_text_escape(has, sizeof has, tag);
		r.has = tag == NULL ? NULL : has;
		if (!asked || r.plan->value == NULL)
			rc = check_one(&r, e);
	}
	mf_version_fini(&v);
	return rc;
}

int
mf_migrating_check_requires(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *s = &x->m->source, *d = &x->m->destination;

	if (s->n_requires + d->n_requires > 0 && x->p->repo == NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "%s: requires is about tags of a version, and this plan carries no model",
		    x->m->name);
	return check_site(x, d, x->version, false, e) != 0 ||
		       check_site(x, s, x->previous, false, e) != 0
		   ? -1
		   : 0;
}

int
mf_migrating_suits_source(struct mf_migrating *x, const char *version, struct mf_error *e)
{
	return check_site(x, &x->m->source, version, false, e);
}

int
mf_migrating_ask_requires(struct mf_migrating *x, struct mf_error *e)
{
	return check_site(x, &x->m->destination, x->version, true, e);
}
