/* Receipts: what a remote site says that it has. */
#include "src/migrate/migrate_int.h"

#include <string.h>

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/repo/receipt.h"
#include "src/repo/version.h"

#define RECEIPT_AGE_US UINT64_C(3600000000) /* where the plan does not say */
#define RECEIPT_POLL_US UINT64_C(2000000)

struct waiting {
	const struct mf_version *v;
	size_t n;   /* instances of the destination that have it */
	bool other; /* it was said that another site has it */
};

/* One that calls itself otherwise would be waited for in vain, and nobody would know why. */
static void
tell_other(struct mf_migrating *x, const struct mf_receipts *list, uint64_t age, struct waiting *w)
{
	const struct mf_site_plan *d = &x->m->destination;
	char site[MF_SITE_NAME_MAX_BYTES * 2];
	size_t i;

	if (w->n > 0 || w->other)
		return;
	for (i = 0; i < list->n && !w->other; i++)
		w->other =
		    mf_receipts_count(list, list->items[i].site, w->v->digest, age, false) > 0;
	if (!w->other)
		return;
	mf_text_escape(site, sizeof site, list->items[i - 1].site);
	mf_log(MF_LOG_WARNING,
	    "site %s has %s@%s, which says nothing of the destination: receipts of --site %s are "
	    "waited for",
	    site, x->m->model, w->v->root.version, d->name);
}

/* How many instances of the destination have it, by receipts that are fresh. 0; -1. */
static int
count_receipts(struct mf_migrating *x, struct waiting *w, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	uint64_t age = d->receipt_age_us == 0 ? RECEIPT_AGE_US : d->receipt_age_us;
	struct mf_receipts list;

	if (mf_receipts_list(x->p->repo, x->m->model, x->p->trust, x->p->unix_us(), &list, e) != 0)
		return -1;
	w->n = mf_receipts_count(&list, d->name, w->v->digest, age, false);
	tell_other(x, &list, age, w);
	mf_receipts_fini(&list);
	return 0;
}

/*
 * A remote site pulls by itself, from the candidate ref, and says so in receipts. Waits until
 * enough of its instances have the version, for at most `most_us`; 0: as long as it takes.
 */
int
mf_migrating_wait_for_receipts(
    struct mf_migrating *x, const char *version, uint64_t most_us, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	const unsigned wanted = d->receipts == 0 ? 1 : d->receipts;
	int64_t begun_us = x->p->boot_us();
	struct mf_version v = {0};
	struct waiting w = {.v = &v};
	int rc = mf_version_find(x->p->repo, x->m->model, version, &v, e);

	if (rc > 0)
		rc = mf_error_set(
		    e, MF_ENOTFOUND, "%s@%s is not there any more", x->m->model, version);
	if (rc == 0)
		mf_migrating_show_wait(
		    x, most_us, "%u receipts of site %.60s for %.80s", wanted, d->name, version);
	while (rc == 0 && (rc = count_receipts(x, &w, e)) == 0 && w.n < wanted) {
		if (mf_migrating_interrupted(x))
			rc = mf_error_set(e, MF_EINTERRUPTED,
			    "interrupted with %zu of %u receipts of site %s for %s", w.n, wanted,
			    d->name, version);
		else if (most_us != 0 && (uint64_t)(x->p->boot_us() - begun_us) >= most_us)
			rc = mf_error_set(e, MF_EFAIL,
			    "%zu of %u receipts of site %s for %s came in time", w.n, wanted,
			    d->name, version);
		else
			x->p->sleep(RECEIPT_POLL_US);
	}
	mf_version_fini(&v);
	return rc;
}
