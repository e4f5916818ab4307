/*
 * Allocation-failure torture: run a piece of work with its first allocation failing, then with
 * its second, and so on until it gets through; once with that one alone failing, once with all
 * from that one on. It must not crash, must fail with an error set or succeed in spite of it,
 * and must give back all that it took.
 *
 * What counts as an allocation: malloc and its like, sodium_malloc, the contexts of libzstd,
 * xxhash and libcrypto, and starting a thread, wherever our own code asks for one (--wrap,
 * see Makefile.inc); not what a library asks for inside.
 */
#ifndef TESTS_UNIT_TORTURE_H
#define TESTS_UNIT_TORTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/error.h"

struct torture {
	const char *name;
	void *arg;
	void (*prepare)(void *arg); /* before each run, nothing fails; may be NULL */
	/* 0, or -1 with the error set. All that it allocates is freed when it, or finish, returns. */
	int (*body)(void *arg, struct mf_error *e);
	void (*finish)(void *arg, int rc); /* after each run, nothing fails; may be NULL */
	unsigned step;			   /* failing the 1st, 1+step-th, ...; 0: each */
};

/* Fails the running test where something is wrong. */
void torture(const struct torture *t);

#endif
