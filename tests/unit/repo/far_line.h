/* For tests of what is done at once on a far store: a step of the memory store (mf_memory_step)
 * that holds operations until enough of them have come. */
#ifndef TESTS_UNIT_REPO_FAR_LINE_H
#define TESTS_UNIT_REPO_FAR_LINE_H

#include <pthread.h>

#include "transfers/memory.h"

struct far_line {
	/* which ones: of this kind, of objects whose names begin so */
	enum mf_store_op op;
	const char *prefix;
	unsigned enough;  /* go on when so many wait, or when that takes too long */
	unsigned fail_at; /* the one that is refused (MF_EPERM), from 1; 0: none */
	/* so many came, are inside, and were at a time */
	unsigned seen, inside, most;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

void far_line_init(struct far_line *l, enum mf_store_op op, const char *prefix, unsigned enough);
void far_line_fini(struct far_line *l);
/* arg is the line. */
int far_line_step(void *arg, enum mf_store_op op, const char *name, struct mf_error *e);

#endif
