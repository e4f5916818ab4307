#include "tests/unit/traffic/router_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <time.h>

static uint64_t
now_us(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct mf_router_params
router_test_params(void)
{
	return (struct mf_router_params){.now_us = now_us};
}

static struct mf_router *
begin(const struct router_contract *c)
{
	struct mf_error e = {0};
	struct mf_router *r;

	c->by_hand(c->world, 0);
	if ((r = c->open(c->world, &e)) == NULL)
		fail_msg("open: %s", e.message);
	return r;
}

static void
assert_in_force(const struct router_contract *c, unsigned canary)
{
	const double is = c->in_force(c->world);

	if (fabs(is - canary) > 0.5)
		fail_msg("%.2f percent in force, not %u", is, canary);
}

static void
assert_set(const struct router_contract *c, struct mf_router *r, unsigned canary)
{
	struct mf_router_seen seen;
	struct mf_error e = {0};

	if (r->ops->set(r, 100 - canary, canary, false, "token:1", &e) != 0)
		fail_msg("set %u: %s (%s)", canary, e.message, e.hint);
	assert_in_force(c, canary);
	if (r->ops->get(r, &seen, &e) != 0)
		fail_msg("get: %s", e.message);
	assert_int_equal(seen.primary, 100 - canary);
	assert_int_equal(seen.canary, canary);
	assert_true(fabs(seen.canary_share - canary) <= 0.5);
	assert_true(fabs(seen.canary_share + seen.primary_share - 100) < 1e-6);
	assert_false(mf_router_is_off(&seen));
	assert_false(seen.mirror);
	assert_true(seen.instances > 0 && seen.instances == seen.instances_seen);
	assert_true(memchr(seen.note, '\0', sizeof seen.note) != NULL);
}

static void
preflight(const struct router_contract *c)
{
	struct mf_router *r = begin(c);
	struct mf_router_can can = {.mirror = !c->mirrors};
	struct mf_router_seen seen;
	struct mf_error e = {0};

	if (r->ops->check(r, &can, &e) != 0)
		fail_msg("check: %s", e.message);
	assert_int_equal(can.mirror, c->mirrors);
	assert_int_equal(can.sessions, r->ops->drain != NULL);
	assert_in_force(c, 0);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary, 0);
	assert_int_equal(seen.primary, 100);
	if (can.capacity)
		assert_true(seen.primary_up > 0 && seen.primary_servers >= seen.primary_up &&
			    seen.canary_up > 0);
	mf_router_close(r);
}

static void
steps(const struct router_contract *c)
{
	static const unsigned up[] = {5, 10, 10, 50, 90, 100, 60, 0, 0, 100, 0};
	struct mf_router *r = begin(c);
	size_t i;

	for (i = 0; i < sizeof up / sizeof up[0]; i++)
		assert_set(c, r, up[i]);
	mf_router_close(r);
}

static void
nonsense(const struct router_contract *c)
{
	struct mf_router *r = begin(c);
	struct mf_error e = {0};

	assert_set(c, r, 20);
	assert_int_equal(r->ops->set(r, 80, 30, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(r->ops->set(r, 0, 101, false, NULL, &e), -1);
	assert_int_equal(r->ops->set(r, 0, 0, false, NULL, NULL), -1);
	if (!c->mirrors) {
		assert_int_equal(r->ops->set(r, 100, 0, true, NULL, &e), -1);
		assert_int_equal(e.code, MF_EUNSUPPORTED);
	}
	assert_in_force(c, 20);
	mf_router_close(r);
}

/* Another process goes on, and somebody else's hand is seen. */
static void
others(const struct router_contract *c)
{
	struct mf_router *r = begin(c);
	struct mf_router_seen seen;
	struct mf_error e = {0};

	assert_set(c, r, 40);
	mf_router_close(r);
	r = c->open(c->world, &e);
	assert_non_null(r);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary, 40);
	assert_set(c, r, 50);
	c->by_hand(c->world, 80);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary, 80);
	assert_int_equal(seen.primary, 20);
	assert_set(c, r, 50);
	c->by_hand(c->world, 0);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary, 0);
	mf_router_close(r);
}

/* A step that fails leaves what was; the way back is made by calling again. */
static void
failures(const struct router_contract *c)
{
	struct mf_router *r = begin(c);
	struct mf_error e = {0};

	assert_set(c, r, 10);
	c->cut(c->world, true);
	assert_int_equal(r->ops->set(r, 70, 30, false, NULL, &e), -1);
	assert_true(e.code != MF_OK && e.message[0] != '\0');
	assert_int_equal(r->ops->set(r, 70, 30, false, NULL, NULL), -1);
	c->cut(c->world, false);
	assert_in_force(c, 10);
	assert_set(c, r, 30);
	c->cut(c->world, true);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), -1);
	c->cut(c->world, false);
	assert_set(c, r, 0);
	mf_router_close(r);
}

static void
drains(const struct router_contract *c)
{
	struct mf_router *r = begin(c);
	struct mf_error e = {0};
	uint64_t left = 99;

	if (r->ops->drain != NULL) {
		assert_set(c, r, 10);
		assert_int_equal(r->ops->drain(r, &left, &e), -1);
		assert_int_equal(e.code, MF_ECONFLICT);
		assert_in_force(c, 10);
		assert_set(c, r, 0);
		if (r->ops->drain(r, &left, &e) != 0)
			fail_msg("drain: %s", e.message);
		assert_int_equal(left, 0);
		/* and again; then the next run brings it back */
		assert_int_equal(r->ops->drain(r, &left, &e), 0);
		assert_set(c, r, 0);
		assert_set(c, r, 10);
	}
	mf_router_close(r);
}

void
router_contract_run(const struct router_contract *c)
{
	preflight(c);
	steps(c);
	nonsense(c);
	others(c);
	failures(c);
	drains(c);
}
