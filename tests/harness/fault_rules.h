/*
 * Which requests have to do with which fault: a few rules, added and removed while the server runs.
 * A rule names a fault, an operation, a part of the path, how many requests that fit pass before
 * it plays, how often it plays, and a value, whose meaning is the fault's. Any number of threads.
 */
#ifndef TESTS_HARNESS_FAULT_RULES_H
#define TESTS_HARNESS_FAULT_RULES_H

#include <stdbool.h>

#include "tests/harness/memory_s3.h"

#define FAULT_VALUE_BYTES 128

/* A fault has one of the three functions at most. */
struct fault {
	const char *name;
	bool (*fits)(const struct s3_query *q, const char *value); /* NULL: any request */
	/* Read the body, into q->body. false: the connection is done for. */
	bool (*read)(struct http_conn *c, struct s3_query *q);
	/* Instead of carrying out. */
	void (*refuse)(const struct s3_query *q, const char *value, struct s3_reply *reply);
	/* What was carried out is answered so. false: close the connection. */
	bool (*answer)(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply);
	bool holds; /* it waits until a rule is added or all are removed, which ends this one */
	bool sets_clock; /* the value: seconds that the server's clock is ahead */
};

/* fault_answers.c; ends with a row without a name. */
extern const struct fault fault_table[];

struct fault_choice {
	const struct fault *fault; /* NULL: none */
	char value[FAULT_VALUE_BYTES];
};

struct fault_rules;

struct fault_rules *fault_rules_new(void);
void fault_rules_free(struct fault_rules *r);

/* Add what the query of a request says: fault, op, name, after, times, value. NULL, or what is
 * wrong with it, which stays valid. */
const char *fault_rules_add(struct fault_rules *r, const struct http_seen *q);
void fault_rules_clear(struct fault_rules *r);

/* The fault of this request, which counts. */
void fault_rules_choose(
    struct fault_rules *r, const struct s3_query *q, struct fault_choice *choice);
long fault_rules_clock_s(struct fault_rules *r);
unsigned fault_rules_played(struct fault_rules *r); /* since they were cleared */
/* Changes when rules are added or removed. */
unsigned fault_rules_edition(struct fault_rules *r);

#endif
