#include "config.h"

#include "tests/harness/fault_rules.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/http_words.h"

#define RULES_MAX 16
#define ANY S3_OPS

struct rule {
	const struct fault *fault;
	enum s3_op op; /* or ANY */
	char name[256];
	unsigned after, times; /* times 0: for ever */
	char value[FAULT_VALUE_BYTES];
	unsigned n_seen;
};

struct fault_rules {
	pthread_mutex_t lock;
	struct rule rules[RULES_MAX];
	unsigned n, played, edition;
};

struct fault_rules *
fault_rules_new(void)
{
	struct fault_rules *r = calloc(1, sizeof *r);

	if (r == NULL)
		harness_die("no memory");
	(void)pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
fault_rules_free(struct fault_rules *r)
{
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static bool
find_op(const char *name, enum s3_op *op)
{
	for (*op = S3_PUT; *op < S3_OPS; ++*op)
		if (strcmp(s3_op_name(*op), name) == 0)
			return true;
	return name[0] == '\0'; /* ANY */
}

static unsigned
number(const struct http_seen *q, const char *name)
{
	char text[16];

	return (unsigned)strtoul(harness_param(q, name, text, sizeof text), NULL, 10);
}

/* Who was held goes on by what is left and added. */
static void
end_holds(struct fault_rules *r)
{
	unsigned i, n = 0;

	for (i = 0; i < r->n; i++)
		if (!r->rules[i].fault->holds)
			r->rules[n++] = r->rules[i];
	r->n = n;
	r->edition++;
}

const char *
fault_rules_add(struct fault_rules *r, const struct http_seen *q)
{
	struct rule rule = {.after = number(q, "after"), .times = number(q, "times")};
	const struct fault *f;
	char name[64], op[16];
	bool full;

	harness_param(q, "fault", name, sizeof name);
	for (f = fault_table; f->name != NULL && strcmp(f->name, name) != 0; f++)
		continue;
	if (f->name == NULL)
		return "no such fault";
	if (!find_op(harness_param(q, "op", op, sizeof op), &rule.op))
		return "no such operation";
	rule.fault = f;
	harness_param(q, "name", rule.name, sizeof rule.name);
	harness_param(q, "value", rule.value, sizeof rule.value);
	pthread_mutex_lock(&r->lock);
	end_holds(r);
	if (!(full = r->n == RULES_MAX))
		r->rules[r->n++] = rule;
	pthread_mutex_unlock(&r->lock);
	return full ? "too many rules" : NULL;
}

void
fault_rules_clear(struct fault_rules *r)
{
	pthread_mutex_lock(&r->lock);
	r->n = r->played = 0;
	r->edition++;
	pthread_mutex_unlock(&r->lock);
}

static bool
plays(struct rule *rule, const struct s3_query *q)
{
	if ((rule->op != ANY && rule->op != q->op) || strstr(q->path, rule->name) == NULL ||
	    (rule->fault->fits != NULL && !rule->fault->fits(q, rule->value)))
		return false;
	rule->n_seen++;
	return rule->n_seen > rule->after &&
	       (rule->times == 0 || rule->n_seen - rule->after <= rule->times);
}

void
fault_rules_choose(struct fault_rules *r, const struct s3_query *q, struct fault_choice *choice)
{
	unsigned i;

	choice->fault = NULL;
	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->n && choice->fault == NULL; i++)
		if (plays(&r->rules[i], q)) {
			choice->fault = r->rules[i].fault;
			memcpy(choice->value, r->rules[i].value, sizeof choice->value);
			r->played++;
		}
	pthread_mutex_unlock(&r->lock);
}

long
fault_rules_clock_s(struct fault_rules *r)
{
	long ahead_s = 0;
	unsigned i;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->n; i++)
		if (r->rules[i].fault->sets_clock)
			ahead_s = strtol(r->rules[i].value, NULL, 10);
	pthread_mutex_unlock(&r->lock);
	return ahead_s;
}

unsigned
fault_rules_played(struct fault_rules *r)
{
	unsigned played;

	pthread_mutex_lock(&r->lock);
	played = r->played;
	pthread_mutex_unlock(&r->lock);
	return played;
}

unsigned
fault_rules_edition(struct fault_rules *r)
{
	unsigned edition;

	pthread_mutex_lock(&r->lock);
	edition = r->edition;
	pthread_mutex_unlock(&r->lock);
	return edition;
}
