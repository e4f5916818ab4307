/* Receipts: what remote sites say that they have. */
#include "src/migrate/migrate_int.h"

#include <string.h>

#include "src/repo/receipt.h"
#include "src/repo/version.h"

#define RECEIPT_AGE_US UINT64_C(3600000000) /* where the plan does not say */
#define RECEIPT_POLL_US UINT64_C(2000000)
#define BACK_US UINT64_C(600000000) /* how long a remote site may take to go back */

/* How many sites have the version, by receipts that are fresh. 0; -1. */
static int
count_receipts(struct mf_migrating *x, const struct mf_version *v, size_t *n, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	uint64_t age = d->receipt_age_us == 0 ? RECEIPT_AGE_US : d->receipt_age_us;
	struct mf_receipts list;

	if (mf_receipts_list(x->p->repo, x->m->model, x->p->trust, x->p->unix_us(), &list, e) != 0)
		return -1;
	*n = mf_receipts_count(&list, v->digest, age, false);
	mf_receipts_fini(&list);
	return 0;
}

/*
 * A remote site pulls by itself, from the candidate ref, and says so in receipts. Waits until
 * enough of them have the version, for at most `most_us`; 0: as long as it takes.
 */
int
mf_migrating_wait_for_receipts(
    struct mf_migrating *x, const char *version, uint64_t most_us, struct mf_error *e)
{
	const unsigned wanted = x->m->destination.receipts == 0 ? 1 : x->m->destination.receipts;
	int64_t begun_us = x->p->boot_us();
	struct mf_version v = {0};
	size_t n = 0;
	int rc = mf_version_find(x->p->repo, x->m->model, version, &v, e);

	if (rc > 0)
		rc = mf_error_set(
		    e, MF_ENOTFOUND, "%s@%s is not there any more", x->m->model, version);
	while (rc == 0 && (rc = count_receipts(x, &v, &n, e)) == 0 && n < wanted) {
		if (mf_migrating_interrupted(x))
			rc = mf_error_set(e, MF_EINTERRUPTED,
			    "interrupted with %zu of %u receipts of %s", n, wanted, version);
		else if (most_us != 0 && (uint64_t)(x->p->boot_us() - begun_us) >= most_us)
			rc = mf_error_set(e, MF_EFAIL, "%zu of %u receipts of %s came in time", n,
			    wanted, version);
		else
			x->p->sleep(RECEIPT_POLL_US);
	}
	mf_version_fini(&v);
	return rc;
}

/* A remote site follows the candidate ref: it is told by it, and its receipts say that it did. */
int
mf_migrating_remote_back(struct mf_migrating *x, struct mf_error *e)
{
	if (x->previous[0] == '\0' || strcmp(x->previous, x->version) == 0)
		return 1;
	if (mf_migrating_move_candidate(x, x->previous, e) != 0)
		return -1;
	return mf_migrating_wait_for_receipts(x, x->previous, BACK_US, e);
}
