#include "transfers/limit.h"

#include <pthread.h>
#include <stdlib.h>

#include "transfers/bucket.h"

#define BURST_BYTES ((uint64_t)4 << 20)
#define PER_OP 1000u /* tokens of the operations' bucket: thousandths */
#define LOOK_AGAIN_US 1000000u /* the timetable may have changed the rate */

struct limit_store {
	struct mf_store store;
	struct mf_store *inner;
	struct mf_limit_params params;
	pthread_mutex_t lock; /* protects the buckets */
	struct mf_bucket up, down, ops;
};

/* Under the lock. */
static void
set_rates(struct limit_store *l, uint64_t now)
{
	const unsigned minute = mf_waiting_week_minute(&l->params.waiting);
	struct mf_bwlimit_rate rate = mf_bwlimit_at(&l->params.bandwidth, minute);

	mf_bucket_set_rate(&l->up, rate.up_bps, l->params.burst_bytes, now);
	mf_bucket_set_rate(&l->down, rate.down_bps, l->params.burst_bytes, now);
}

/* Take n tokens and wait for them. false when cancelled. */
static bool
pay(struct limit_store *l, struct mf_bucket *bucket, uint64_t n)
{
	const struct mf_waiting *w = &l->params.waiting;
	uint64_t now = mf_waiting_now_us(w), ticket, us;

	pthread_mutex_lock(&l->lock);
	set_rates(l, now);
	ticket = mf_bucket_take(bucket, n, now);
	us = mf_bucket_wait(bucket, ticket, now);
	pthread_mutex_unlock(&l->lock);
	while (us > 0) {
		if (!mf_waiting_sleep(w, us < LOOK_AGAIN_US ? us : LOOK_AGAIN_US))
			return false;
		now = mf_waiting_now_us(w);
		pthread_mutex_lock(&l->lock);
		set_rates(l, now);
		us = mf_bucket_wait(bucket, ticket, now);
		pthread_mutex_unlock(&l->lock);
	}
	return true;
}

/* One operation that sends n bytes. The inner store, or NULL with *e set. */
static struct mf_store *
begin(struct mf_store *s, uint64_t n, struct mf_error *e)
{
	struct limit_store *l = (struct limit_store *)s;

	if ((l->params.ops_per_1000s > 0 && !pay(l, &l->ops, PER_OP)) ||
	    (n > 0 && !pay(l, &l->up, n))) {
		mf_error_set(e, MF_EINTERRUPTED, "interrupted while waiting for bandwidth");
		return NULL;
	}
	return l->inner;
}

static int
limit_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct mf_store *inner = begin(s, n, e);

	return inner == NULL ? -1 : mf_store_put(inner, name, bytes, n, flags, e);
}

static int
limit_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);
	size_t before = out->len;
	int r;

	if (inner == NULL)
		return -1;
	r = mf_store_get(inner, name, offset, max_bytes, out, e);
	if (r == 0 && out->len > before)
		(void)pay((struct limit_store *)s, &((struct limit_store *)s)->down,
		    out->len - before); /* cancelled: the bytes are there all the same */
	return r;
}

static int
limit_head(struct mf_store *s, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);

	return inner == NULL ? -1 : mf_store_head(inner, name, out, e);
}

static int
limit_del(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);

	return inner == NULL ? -1 : mf_store_del(inner, name, e);
}

static int
limit_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);

	return inner == NULL ? -1 : mf_store_list(inner, prefix, cb, arg, e);
}

static int
limit_sync(struct mf_store *s, struct mf_error *e)
{
	return mf_store_sync(((struct limit_store *)s)->inner, e);
}

static int
limit_adopt(struct mf_store *s, const char *name, struct mf_error *e)
{
	return mf_store_adopt(((struct limit_store *)s)->inner, name, e);
}

static int
limit_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e)
{
	return mf_store_now(((struct limit_store *)s)->inner, unix_us, e);
}

static unsigned
limit_capabilities(struct mf_store *s)
{
	return mf_store_capabilities(((struct limit_store *)s)->inner);
}

static const char *
limit_label(struct mf_store *s)
{
	return mf_store_label(((struct limit_store *)s)->inner);
}

static void
limit_close(struct mf_store *s)
{
	struct limit_store *l = (struct limit_store *)s;

	mf_store_close(l->inner);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static const struct mf_store_ops limit_ops = {
	.scheme = "limit",
	.put = limit_put,
	.get = limit_get,
	.head = limit_head,
	.del = limit_del,
	.list = limit_list,
	.close = limit_close,
	.sync = limit_sync,
	.adopt = limit_adopt,
	.now = limit_now,
	.capabilities = limit_capabilities,
	.label = limit_label,
};

int
mf_store_limit_take(struct mf_store *inner, const struct mf_limit_params *params,
    struct mf_store **out, struct mf_error *e)
{
	struct limit_store *l = calloc(1, sizeof *l);
	uint64_t now, ops_burst;

	if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return mf_error_nomem(e, "a store");
	}
	l->store.ops = &limit_ops;
	l->inner = inner;
	l->params = *params;
	if (l->params.burst_bytes == 0)
		l->params.burst_bytes = BURST_BYTES;
	ops_burst = params->ops_burst == 0 ? 1 : params->ops_burst;
	if (ops_burst > MF_BUCKET_RATE_MAX / PER_OP)
		ops_burst = MF_BUCKET_RATE_MAX / PER_OP;
	now = mf_waiting_now_us(&l->params.waiting);
	mf_bucket_init(&l->up, 0, l->params.burst_bytes, now);
	mf_bucket_init(&l->down, 0, l->params.burst_bytes, now);
	mf_bucket_init(&l->ops, params->ops_per_1000s, ops_burst * PER_OP, now);
	set_rates(l, now);
	*out = &l->store;
	return 0;
}
