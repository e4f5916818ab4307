/*
 * The contract of transfers/tree.h as tests, for every tree. A subject makes an empty tree and
 * throws it away; mf_tree_contract_run runs every case on a tree of its own.
 */
#ifndef MF_TESTS_TREE_CONTRACT_H
#define MF_TESTS_TREE_CONTRACT_H

#include <stddef.h>

#include "transfers/tree.h"

struct mf_tree_subject {
	const char *name;
	/* A new, empty tree open for writing; *world is kept for drop. */
	struct mf_tree *(*make)(void **world);
	/* Another handle on the same place; NULL: there is none. */
	struct mf_tree *(*again)(void *world);
	void (*drop)(void *world); /* after the handles are closed */
	size_t large_bytes;	   /* of a file that goes in several parts, where there are parts */
};

struct CMUnitTest;

/* Run them as one cmocka group, with tests of the program's own behind them. The number of
 * failures. */
int mf_tree_contract_run(const char *group, const struct mf_tree_subject *subjects,
    size_t n_subjects, const struct CMUnitTest *own, size_t n_own);

#endif
