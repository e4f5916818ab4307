/* Several leases as one. */
#include <stdlib.h>
#include <string.h>

#include "src/repo/lease_file.h"
#include "src/repo/lease_int.h"

static int
by_order(const void *a, const void *b)
{
	const struct mf_lease_params *const *x = a, *const *y = b;

	if ((*x)->kind != (*y)->kind)
		return (*x)->kind < (*y)->kind ? -1 : 1;
	return strcmp((*x)->name, (*y)->name);
}

int
mf_lease_set_init(struct mf_lease_set *set, struct mf_repo *repo,
    const struct mf_lease_params *params, size_t n, struct mf_error *e)
{
	const struct mf_lease_params *order[MF_LEASES_MAX];
	size_t i;

	*set = (struct mf_lease_set){.n = 0};
	if (n > MF_LEASES_MAX)
		return mf_error_set(e, MF_EUSAGE, "%zu leases are more than %u", n, MF_LEASES_MAX);
	for (i = 0; i < n; i++)
		order[i] = &params[i];
	if (n > 1)
		qsort(order, n, sizeof order[0], by_order);
	for (i = 0; i < n; i++) {
		if (i > 0 && by_order(&order[i - 1], &order[i]) == 0)
			continue;
		if (mf_lease_new(repo, order[i], &set->items[set->n], e) != 0) {
			mf_lease_set_fini(set);
			return -1;
		}
		set->n++;
	}
	return 0;
}

int
mf_lease_set_add_file(struct mf_lease_set *set, const char *path,
    const struct mf_lease_params *params, struct mf_error *e)
{
	struct mf_lease *first;

	if (set->n == MF_LEASES_MAX)
		return mf_error_set(e, MF_EUSAGE, "more than %u leases", MF_LEASES_MAX);
	if (mf_lease_new_file(path, params, &first, e) != 0)
		return -1;
	memmove(set->items + 1, set->items, set->n * sizeof set->items[0]);
	set->items[0] = first;
	set->n++;
	return 0;
}

void
mf_lease_set_fini(struct mf_lease_set *set)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		mf_lease_free(set->items[i]);
	*set = (struct mf_lease_set){.n = 0};
}

/* The last one first. */
static int
release_first(struct mf_lease_set *set, size_t n, struct mf_error *e)
{
	int rc = 0;

	while (n-- > 0)
		if (mf_lease_release(set->items[n], rc == 0 ? e : NULL) != 0)
			rc = -1;
	return rc;
}

int
mf_lease_set_take(struct mf_lease_set *set, const struct mf_lease **which,
    struct mf_lease_holder *other, uint64_t *wait_us, struct mf_error *e)
{
	size_t i;
	int rc;

	for (i = 0; i < set->n; i++) {
		if ((rc = mf_lease_take(set->items[i], other, wait_us, e)) == 0)
			continue;
		if (which != NULL)
			*which = set->items[i];
		release_first(set, i, NULL);
		return rc;
	}
	return 0;
}

int
mf_lease_set_renew(struct mf_lease_set *set, struct mf_error *e)
{
	struct mf_error first = {0}, now = {0};
	size_t i;

	for (i = 0; i < set->n; i++) {
		if (mf_lease_renew(set->items[i], &now) == 0)
			continue;
		if (first.code == MF_OK || now.code == MF_ECONFLICT)
			first = now;
		if (now.code == MF_ECONFLICT)
			break;
		mf_error_clear(&now); /* the others must not run out because of this one */
	}
	if (first.code == MF_OK)
		return 0;
	if (e != NULL)
		*e = first;
	return -1;
}

int
mf_lease_set_release(struct mf_lease_set *set, struct mf_error *e)
{
	return release_first(set, set->n, e);
}

bool
mf_lease_set_may_act(const struct mf_lease_set *set, uint64_t act_timeout_us)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (!mf_lease_may_act(set->items[i], act_timeout_us))
			return false;
	return true;
}

static bool
all_held(const struct mf_lease_set *set)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (!mf_lease_is_held(set->items[i]))
			return false;
	return true;
}

uint64_t
mf_lease_set_token(const struct mf_lease_set *set)
{
	uint64_t sum = 0;
	size_t i;

	if (!all_held(set))
		return 0;
	for (i = 0; i < set->n; i++)
		if (set->items[i]->repo != NULL)
			sum += mf_lease_token(set->items[i]);
	return sum > 0 || set->n == 0 ? sum : mf_lease_token(set->items[0]);
}

uint64_t
mf_lease_set_traffic_token(const struct mf_lease_set *set)
{
	const struct mf_lease *l;
	size_t i;

	if (!all_held(set))
		return 0;
	for (i = 0; i < set->n; i++) {
		l = set->items[i];
		if (l->repo != NULL && l->p.kind == MF_LEASE_TRAFFIC)
			return mf_lease_token(l);
	}
	return mf_lease_set_token(set);
}

bool
mf_lease_set_was_elsewhere(const struct mf_lease_set *set)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (mf_lease_was_elsewhere(set->items[i]))
			return true;
	return false;
}

uint64_t
mf_lease_set_deadline_us(const struct mf_lease_set *set)
{
	uint64_t first = UINT64_MAX, one;
	size_t i;

	for (i = 0; i < set->n; i++)
		if ((one = mf_lease_deadline_us(set->items[i])) < first)
			first = one;
	return set->n > 0 ? first : 0;
}
