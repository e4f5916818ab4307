/*
 * Two actors on one repository, in every order of their store operations with two switches: the
 * first does k operations, then the second j, then the first runs to its end, then the second.
 */
#ifndef TESTS_UNIT_REPO_ORDERS_H
#define TESTS_UNIT_REPO_ORDERS_H

#include "tests/unit/repo/repo_fixture.h"

struct orders_actor {
	/* The work; its answer and error are kept. */
	int (*work)(void *arg, struct mf_repo *repo, struct mf_error *e);
	void *arg;
	int rc;
	struct mf_error e;
	unsigned ops; /* store operations that it did */
};

/* One order, on f's world; each actor has a thread and a handle of its own, and one of them works
 * at a time. at_switch (may be NULL) is called once, at the first switch. */
void orders_act(const struct fixture *f, struct orders_actor actors[2], unsigned k, unsigned j,
    void (*at_switch)(void *arg), void *arg);

/* All k, and of the j every stride-th, at another offset for each k; fewer of both under a
 * sanitizer, and all with MF_TEST_EXHAUSTIVE (fixture_stride). act does one order and leaves how
 * many operations each did in ops. */
void orders_all(void (*act)(void *arg, unsigned k, unsigned j, unsigned ops[2]), void *arg,
    unsigned stride);

#endif
