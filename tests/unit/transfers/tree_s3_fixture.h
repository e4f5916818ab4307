/* A bucket's tree on a scripted server: what it asks, and in what order. */
#ifndef TESTS_TREE_S3_FIXTURE_H
#define TESTS_TREE_S3_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/transfers/s3_fixture.h"
#include "tests/unit/transfers/s3_script.h"
#include "transfers/tree_s3_int.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define ERROR_BODY(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code></Error>"
#define MODIFIED "Last-Modified: Sat, 31 Jan 2026 12:00:00 GMT\r\n"
#define MIB ((uint64_t)1 << 20)

struct tree_s3_fixture {
	struct s3_world world;
	struct s3_script script;
	struct mf_tree *t;
	struct mf_error e;
};

/* "models/a b" on a server that gives these replies in turn; in parts of 5 MiB one after the other,
 * copies too, above 8 MiB. */
void tree_s3_begin(struct tree_s3_fixture *f, const struct s3_reply *replies, size_t n);
/* The same, whose objects are given these. */
void tree_s3_begin_with(struct tree_s3_fixture *f, const struct mf_s3_put_options *put,
    const struct s3_reply *replies, size_t n);
void tree_s3_end(struct tree_s3_fixture *f);
unsigned tree_s3_asked(const struct tree_s3_fixture *f);
/* The nth request was that, and its target has this in it. */
void assert_asked(
    const struct tree_s3_fixture *f, unsigned nth, const char *method, const char *target);
/* "": it had no such header. */
void assert_header(
    const struct tree_s3_fixture *f, unsigned nth, const char *name, const char *value);

#endif
