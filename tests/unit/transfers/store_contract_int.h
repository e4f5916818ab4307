/* What the files of the store contract share: a store for a case, and the cases. */
#ifndef MF_TESTS_STORE_CONTRACT_INT_H
#define MF_TESTS_STORE_CONTRACT_INT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/transfers/store_contract.h"

struct contract_fixture {
	const struct mf_contract_subject *subject;
	void *world;
	struct mf_store *s;
	struct mf_error e;
};

struct contract_seen {
	char text[1000]; /* "name=size " per object */
	int calls;
	int stop_after; /* 0: never */
};

void contract_put_text(struct contract_fixture *f, const char *name, const char *text);
void contract_assert_text(struct contract_fixture *f, const char *name, const char *text);
/* A callback of mf_store_list; arg is a struct contract_seen. */
int contract_see(void *arg, const char *name, uint64_t size, int64_t mtime_us);
/* The listing, sorted, must be this. */
void contract_assert_list(struct contract_fixture *f, const char *prefix, const char *expected);

/* store_contract_objects.c */
void contract_round_trip(struct contract_fixture *f);
void contract_empty_object(struct contract_fixture *f);
void contract_large_object(struct contract_fixture *f);
void contract_ranges(struct contract_fixture *f);
void contract_missing_objects(struct contract_fixture *f);
void contract_deleting(struct contract_fixture *f);

/* store_contract_list.c */
void contract_prefixes(struct contract_fixture *f);
void contract_stopping_a_list(struct contract_fixture *f);
void contract_calls_from_a_list(struct contract_fixture *f);
void contract_bad_names(struct contract_fixture *f);

/* store_contract_promises.c */
void contract_if_absent(struct contract_fixture *f);
void contract_durable(struct contract_fixture *f);
void contract_large_batch(struct contract_fixture *f);
void contract_times(struct contract_fixture *f);
void contract_second_handle(struct contract_fixture *f);

/* store_contract_threads.c */
void contract_one_winner(struct contract_fixture *f);
void contract_list_during_puts(struct contract_fixture *f);

#endif
