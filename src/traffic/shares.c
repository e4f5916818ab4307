#include "src/traffic/shares.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A side's part that may lie on some of its servers alone, at most. */
#define SOME_PERCENT 5

/* A side's part, before it is cut into whole numbers. */
struct side {
	bool all_equal;
	double percent;
	double capacity; /* of those that are up */
	double largest;  /* of one of them */
};

static double
capacity_of(const struct side *side, const struct mf_share_server *s)
{
	return side->all_equal ? 1 : (double)s->capacity;
}

static void
measure(struct side sides[2], const struct mf_share_server *servers, size_t n)
{
	struct side *side;
	double capacity;
	size_t i;

	for (i = 0; i < n; i++)
		if (servers[i].capacity == 0)
			sides[servers[i].canary].all_equal = true;
	for (i = 0; i < n; i++) {
		if (servers[i].state != MF_SERVER_UP)
			continue;
		side = &sides[servers[i].canary];
		capacity = capacity_of(side, &servers[i]);
		side->capacity += capacity;
		if (capacity > side->largest)
			side->largest = capacity;
	}
}

/* Its weight at that scale. */
static unsigned
weight_of(const struct side sides[2], const struct mf_share_server *s, double scale)
{
	const struct side *side = &sides[s->canary];
	double weight = round(scale * side->percent * capacity_of(side, s) / side->capacity);

	if (weight < 1)
		return 1;
	return weight > MF_SHARES_WEIGHT_MAX ? MF_SHARES_WEIGHT_MAX : (unsigned)weight;
}

static double
share_of(const double sums[2])
{
	const double sum = sums[0] + sums[1];

	return sum > 0 ? 100 * sums[1] / sum : -1;
}

/* The canary's share at that scale. */
static double
try_scale(const struct side sides[2], const struct mf_share_server *servers, size_t n, double scale)
{
	double sums[2] = {0, 0};
	size_t i;

	for (i = 0; i < n; i++)
		if (servers[i].state == MF_SERVER_UP)
			sums[servers[i].canary] += weight_of(sides, &servers[i], scale);
	return share_of(sums);
}

/* The scale that comes nearest, and of equals the one with the largest weights. */
static double
best_scale(
    const struct side sides[2], const struct mf_share_server *servers, size_t n, double *share)
{
	const double heaviest[2] = {sides[0].percent * sides[0].largest / sides[0].capacity,
	    sides[1].percent * sides[1].largest / sides[1].capacity};
	const double unit = heaviest[0] > heaviest[1] ? heaviest[0] : heaviest[1];
	double best = 0, best_off = INFINITY, got;
	unsigned most;

	for (most = MF_SHARES_WEIGHT_MAX; most > 0; most--) {
		got = try_scale(sides, servers, n, most / unit);
		if (fabs(got - sides[1].percent) < best_off - 1e-9) {
			best_off = fabs(got - sides[1].percent);
			best = most / unit;
			*share = got;
		}
	}
	return best;
}

/* All to one side. */
static void
weigh_one(const struct side sides[2], struct mf_share_server *servers, size_t n, bool canary)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (servers[i].canary != canary)
			servers[i].weight = 0;
		else if (sides[canary].all_equal)
			servers[i].weight = 100;
		else
			servers[i].weight = servers[i].capacity;
	}
}

/*
 * One percent of 1 primary and 4 canaries: even a weight of 1 is too much for each. The side with
 * little then has traffic on some of its servers alone, which costs none of them much; the other
 * side never, where it would. The canary's share.
 */
static double
weigh_some(const struct side sides[2], struct mf_share_server *servers, size_t n)
{
	const bool minor = sides[1].percent < 50;
	const double scale = MF_SHARES_WEIGHT_MAX * sides[!minor].capacity /
			     (sides[!minor].percent * sides[!minor].largest);
	double sum = 0, left;
	size_t i;

	for (i = 0; i < n; i++) {
		if (servers[i].canary == minor)
			continue;
		servers[i].weight = weight_of(sides, &servers[i], scale);
		if (servers[i].state == MF_SERVER_UP)
			sum += servers[i].weight;
	}
	left = round(sum * sides[minor].percent / sides[!minor].percent);
	for (i = 0; i < n; i++) {
		if (servers[i].canary != minor)
			continue;
		servers[i].weight = servers[i].state == MF_SERVER_UP && left > 0;
		left -= servers[i].weight;
	}
	return mf_shares_canary(servers, n);
}

/* Keep the best that the weights make, or what was before. */
static double
settle(const struct side sides[2], struct mf_share_server *servers, size_t n)
{
	double share = -1, some;
	const double scale = best_scale(sides, servers, n, &share);
	struct mf_share_server *before;
	size_t i;

	if (fabs(share - sides[1].percent) <= MF_SHARES_POINTS) {
		for (i = 0; i < n; i++)
			servers[i].weight = weight_of(sides, &servers[i], scale);
		return share;
	}
	if (fmin(sides[0].percent, sides[1].percent) > SOME_PERCENT ||
	    (before = malloc(n * sizeof *before)) == NULL)
		return share;
	memcpy(before, servers, n * sizeof *before);
	some = weigh_some(sides, servers, n);
	if (fabs(some - sides[1].percent) <= MF_SHARES_POINTS)
		share = some;
	else
		memcpy(servers, before, n * sizeof *before);
	free(before);
	return share;
}

static int
refuse(const struct mf_share_count *c, unsigned percent, double share, struct mf_error *e)
{
	mf_error_set(e, MF_EUNSUPPORTED,
	    "%u percent for the canary cannot be expressed: %u servers of the canary beside %u of "
	    "the primary get %.2f percent at best",
	    percent, c->canary_up, c->primary_up, share);
	return mf_error_hint(e,
	    "a server's weight is a whole number from 0 to 256; let the sides have servers of a "
	    "like number, or take other steps");
}

int
mf_shares_weigh(
    struct mf_share_server *servers, size_t n, unsigned canary_percent, struct mf_error *e)
{
	const struct mf_share_count c = mf_shares_count(servers, n);
	struct side sides[2] = {{.percent = 100.0 - canary_percent}, {.percent = canary_percent}};
	double share;

	if (canary_percent > 100)
		return mf_error_set(
		    e, MF_EUSAGE, "a share is at most 100 percent, not %u", canary_percent);
	if (canary_percent > 0 && c.canary_up == 0)
		return mf_error_set(
		    e, MF_EFAIL, "none of the %u servers of the canary is up", c.canary);
	if (canary_percent > 0 && canary_percent < 100 && c.primary_up == 0)
		return mf_error_set(
		    e, MF_EFAIL, "none of the %u servers of the primary is up", c.primary);
	measure(sides, servers, n);
	if (canary_percent == 0 || canary_percent == 100) {
		weigh_one(sides, servers, n, canary_percent == 100);
		return 0;
	}
	share = settle(sides, servers, n);
	return fabs(share - canary_percent) <= MF_SHARES_POINTS
		   ? 0
		   : refuse(&c, canary_percent, share, e);
}

double
mf_shares_canary(const struct mf_share_server *servers, size_t n)
{
	double sums[2] = {0, 0};
	size_t i;

	for (i = 0; i < n; i++)
		if (servers[i].state == MF_SERVER_UP)
			sums[servers[i].canary] += servers[i].weight;
	return share_of(sums);
}

struct mf_share_count
mf_shares_count(const struct mf_share_server *servers, size_t n)
{
	struct mf_share_count c = {0};
	size_t i;

	for (i = 0; i < n; i++) {
		const bool up = servers[i].state == MF_SERVER_UP;

		if (servers[i].canary) {
			c.canary++;
			c.canary_up += up;
		} else {
			c.primary++;
			c.primary_up += up;
		}
	}
	return c;
}
