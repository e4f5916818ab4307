/*
 * The contract of transfers/store.h as tests, for every store. A subject makes an empty store
 * and throws it away; mf_contract_run runs every case on every subject, each on a store of
 * its own.
 */
#ifndef MF_TESTS_STORE_CONTRACT_H
#define MF_TESTS_STORE_CONTRACT_H

#include <stddef.h>

#include "transfers/store.h"

#define MF_CONTRACT_THREADS 8

struct mf_contract_subject {
	const char *name;
	/* A new, empty store opened for writing, or NULL; *world is kept for the others. */
	struct mf_store *(*make)(void **world);
	/* A second handle on the same objects, or NULL where there can be none. */
	struct mf_store *(*again)(void *world);
	void (*drop)(void *world); /* after the handles are closed */
	/* How far an object's time may be ahead of the store's clock, as told in whole seconds. */
	int64_t rounding_us;
};

/* Run them as one cmocka group. The number of failures. */
int mf_contract_run(const char *group, const struct mf_contract_subject *subjects, size_t n);

#endif
