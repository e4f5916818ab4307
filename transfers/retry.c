#include "transfers/retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "transfers/backoff.h"

#define ATTEMPTS 8
#define BASE_US 200000u
#define CAP_US 20000000u

struct retry_store {
	struct mf_store store;
	struct mf_store *inner;
	struct mf_retry_params params;
};

/* One operation with what it needs; the members are its arguments. */
struct call {
	enum mf_store_op op;
	const char *name;
	const void *bytes;
	size_t n;
	unsigned flags;
	uint64_t offset;
	struct mf_buf *out;
	struct mf_store_stat *stat;
	int64_t *unix_us;
	/* a listing */
	mf_store_list_cb *cb;
	void *arg;
	bool names_only, shown, skipping;
	char last[MF_STORE_NAME_MAX + 1]; /* the last name shown */
};

static struct mf_retry_params
with_defaults(const struct mf_retry_params *params)
{
	struct mf_retry_params p = *params;

	if (p.attempts == 0)
		p.attempts = ATTEMPTS;
	if (p.base_us == 0)
		p.base_us = BASE_US;
	if (p.cap_us == 0)
		p.cap_us = CAP_US;
	return p;
}

/* Wait after the attempt of that number, from 1, that failed with e. false: no more, it was
 * cancelled or patience is over, which e says then. The log counts those that were made within
 * the attempt, too. */
static bool
wait_after(const struct mf_retry_params *p, unsigned attempt, const char *key, struct mf_error *e)
{
	char next[16];

	if (p->flow != NULL && mf_flow_gave_up(p->flow, e))
		return false;
	if (!mf_waiting_sleep(&p->waiting, mf_backoff_us(p->base_us, p->cap_us, attempt - 1,
					       mf_waiting_random(&p->waiting))) ||
	    (p->flow != NULL && !mf_flow_may_retry(p->flow, e)))
		return false;
	if (p->retries != NULL)
		atomic_fetch_add_explicit(p->retries, 1, memory_order_relaxed);
	mf_log_attempts_next();
	(void)snprintf(next, sizeof next, "%u", mf_log_attempt());
	if (key != NULL && key[0] != '\0')
		mf_log_fields(MF_LOG_INFO, "trying again", "key", key, "attempt", next, "error",
		    e->message, NULL);
	else
		mf_log_fields(MF_LOG_INFO, "trying again", "attempt", next, "error", e->message,
		    NULL);
	return true;
}

int
mf_retry_run(const struct mf_retry_params *params, const char *key,
    int (*attempt)(void *arg, struct mf_error *e), void *arg, struct mf_error *e)
{
	const struct mf_retry_params once = {.attempts = 1};
	const struct mf_retry_params p = with_defaults(params != NULL ? params : &once);
	const bool begun = mf_log_attempts_begin();
	unsigned n;
	int rc;

	for (n = 1; (rc = attempt(arg, e)) < 0 && e->code == MF_ETRANSFER && n < p.attempts; n++)
		if (!wait_after(&p, n, key, e)) {
			if (mf_waiting_cancelled(&p.waiting))
				e->code = MF_EINTERRUPTED;
			break;
		}
	mf_log_attempts_end(begun);
	return rc < 0 && n > 1 ? mf_error_while(e, "trying %u times", n) : rc;
}

/* Pass on what was not shown by an earlier attempt. */
static int
show(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct call *c = arg;

	if (c->skipping && strcmp(name, c->last) <= 0)
		return 0;
	c->skipping = false;
	c->shown = true;
	memcpy(c->last, name, strlen(name) + 1);
	return c->cb(c->arg, name, size, mtime_us);
}

static int
attempt_once(struct mf_store *inner, struct call *c, struct mf_error *e)
{
	switch (c->op) {
	case MF_OP_PUT: return mf_store_put(inner, c->name, c->bytes, c->n, c->flags, e);
	case MF_OP_GET: return mf_store_get(inner, c->name, c->offset, c->n, c->out, e);
	case MF_OP_HEAD: return mf_store_head(inner, c->name, c->stat, e);
	case MF_OP_DEL: return mf_store_del(inner, c->name, e);
	case MF_OP_ADOPT: return mf_store_adopt(inner, c->name, e);
	case MF_OP_NOW: return mf_store_now(inner, c->unix_us, e);
	case MF_OP_LIST:
		c->skipping = c->shown;
		return (c->names_only ? mf_store_list_names : mf_store_list)(inner, c->name, show, c, e);
	default: return mf_store_sync(inner, e);
	}
}

/* The rule of the header. */
static bool
may_repeat(struct mf_store *inner, const struct call *c)
{
	switch (c->op) {
	case MF_OP_PUT:
		return (c->flags & MF_STORE_REPEATABLE) != 0 ||
		    ((c->flags & MF_STORE_IF_ABSENT) != 0 && c->n > 0);
	case MF_OP_LIST:
		return !c->shown || (mf_store_capabilities(inner) & MF_STORE_ORDERED) != 0;
	case MF_OP_SYNC: return false;
	default: return true;
	}
}

static int
run(struct retry_store *r, struct call *c, struct mf_error *e)
{
	const struct mf_retry_params *p = &r->params;
	const bool begun = mf_log_attempts_begin();
	unsigned attempt;
	int status;

	for (attempt = 1;; attempt++) {
		status = attempt_once(r->inner, c, e);
		if (status >= 0 || e->code != MF_ETRANSFER || !may_repeat(r->inner, c))
			break;
		if (attempt >= p->attempts)
			break;
		if (wait_after(p, attempt, c->name, e))
			continue;
		if (c->op != MF_OP_PUT && c->op != MF_OP_DEL && mf_waiting_cancelled(&p->waiting))
			e->code = MF_EINTERRUPTED;
		break;
	}
	mf_log_attempts_end(begun);
	if (status < 0 && attempt > 1)
		return mf_error_while(e, "trying %u times", attempt);
	/* 1 for a put that was repeated: perhaps it was our own that took the name */
	if (status == 1 && attempt > 1 && c->op == MF_OP_PUT)
		return 2;
	return status;
}

/* Is the object what we put? 0, 1: no, -1. */
static int
compare_stored(struct retry_store *r, const struct call *put, struct mf_error *e)
{
	struct mf_buf stored = MF_BUF_INIT;
	struct call get = {.op = MF_OP_GET, .name = put->name, .n = put->n + 1, .out = &stored};
	int status = run(r, &get, e);

	if (status == 0)
		status = stored.len != put->n ||
		    (put->n > 0 && memcmp(stored.data, put->bytes, put->n) != 0);
	else if (e->code == MF_ENOTFOUND)
		status = mf_error_set(e, MF_ETRANSFER,
		    "cannot tell whether %s was stored: it is gone again", put->name);
	else
		mf_error_while(e, "looking whether %s was stored", put->name);
	mf_buf_fini(&stored);
	return status;
}

static int
retry_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct call c = {.op = MF_OP_PUT, .name = name, .bytes = bytes, .n = n, .flags = flags};
	int status = run((struct retry_store *)s, &c, e);

	return status == 2 ? compare_stored((struct retry_store *)s, &c, e) : status;
}

static int
retry_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct call c = {
		.op = MF_OP_GET, .name = name, .offset = offset, .n = max_bytes, .out = out};

	return run((struct retry_store *)s, &c, e);
}

static int
retry_head(struct mf_store *s, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	struct call c = {.op = MF_OP_HEAD, .name = name, .stat = out};

	return run((struct retry_store *)s, &c, e);
}

static int
retry_del(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct call c = {.op = MF_OP_DEL, .name = name};

	return run((struct retry_store *)s, &c, e);
}

static int
retry_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct call c = {.op = MF_OP_LIST, .name = prefix, .cb = cb, .arg = arg};

	return run((struct retry_store *)s, &c, e);
}

static int
retry_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct call c = {
		.op = MF_OP_LIST, .name = prefix, .cb = cb, .arg = arg, .names_only = true};

	return run((struct retry_store *)s, &c, e);
}

static int
retry_sync(struct mf_store *s, struct mf_error *e)
{
	return mf_store_sync(((struct retry_store *)s)->inner, e);
}

static int
retry_adopt(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct call c = {.op = MF_OP_ADOPT, .name = name};

	return run((struct retry_store *)s, &c, e);
}

static int
retry_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e)
{
	struct call c = {.op = MF_OP_NOW, .unix_us = unix_us};

	return run((struct retry_store *)s, &c, e);
}

static unsigned
retry_capabilities(struct mf_store *s)
{
	return mf_store_capabilities(((struct retry_store *)s)->inner);
}

static const char *
retry_label(struct mf_store *s)
{
	return mf_store_label(((struct retry_store *)s)->inner);
}

static void
retry_close(struct mf_store *s)
{
	mf_store_close(((struct retry_store *)s)->inner);
	free(s);
}

static const struct mf_store_ops retry_ops = {
	.scheme = "retry",
	.put = retry_put,
	.get = retry_get,
	.head = retry_head,
	.del = retry_del,
	.list = retry_list,
	.list_names = retry_list_names,
	.close = retry_close,
	.sync = retry_sync,
	.adopt = retry_adopt,
	.now = retry_now,
	.capabilities = retry_capabilities,
	.label = retry_label,
};

int
mf_store_retry_take(struct mf_store *inner, const struct mf_retry_params *params,
    struct mf_store **out, struct mf_error *e)
{
	struct retry_store *r = calloc(1, sizeof *r);

	if (r == NULL)
		return mf_error_nomem(e, "a store");
	r->store.ops = &retry_ops;
	r->inner = inner;
	r->params = with_defaults(params);
	*out = &r->store;
	return 0;
}
