#include "config.h"

#include "transfers/limiter.h"

#include <pthread.h>
#include <stdlib.h>

#include "transfers/bucket.h"

#define PER_REQUEST 1000u     /* tokens of the requests' bucket: thousandths */
#define LOOK_AGAIN_US 100000u /* the timetable, and whoever waits, is looked at this often */
#define BURSTS_PER_S 20u      /* see struct mf_http_pacer */
#define SLICES_PER_S 50u
#define SLICE_MIN 1024u
#define REQUESTS_BURST_MAX (MF_BUCKET_RATE_MAX / PER_REQUEST)

struct mf_limiter {
	struct mf_waiting waiting; /* constant */

	pthread_mutex_t lock; /* of all below */
	struct mf_limits limits;
	unsigned share;
	uint64_t due_us;           /* when to look at the timetable again */
	struct mf_bucket bytes[2]; /* by enum mf_http_direction */
	struct mf_bucket requests;
};

/* One of share parts; what is limited stays so. */
static uint64_t
part(uint64_t rate, unsigned share)
{
	const uint64_t mine = rate / share;

	return rate > 0 && mine == 0 ? 1 : mine;
}

static void
set_bytes(struct mf_limiter *l, enum mf_http_direction direction, uint64_t bps, uint64_t now_us)
{
	const uint64_t rate = part(bps, l->share);

	if (l->bytes[direction].rate != rate)
		mf_bucket_set_rate(&l->bytes[direction], rate, rate / BURSTS_PER_S, now_us);
}

/* What the timetable says now. Under the lock, as all that follow. */
static void
turn(struct mf_limiter *l, uint64_t now_us)
{
	struct mf_bwlimit_rate rate;

	if (now_us < l->due_us)
		return;
	rate = mf_bwlimit_at(&l->limits.bandwidth, mf_waiting_week_minute(&l->waiting));
	set_bytes(l, MF_HTTP_UP, rate.up_bps, now_us);
	set_bytes(l, MF_HTTP_DOWN, rate.down_bps, now_us);
	l->due_us = now_us + LOOK_AGAIN_US;
}

static void
apply(struct mf_limiter *l)
{
	const uint64_t now_us = mf_waiting_now_us(&l->waiting);
	uint64_t burst = l->limits.requests_burst > 0 ? l->limits.requests_burst : 1;

	if (burst > REQUESTS_BURST_MAX)
		burst = REQUESTS_BURST_MAX;
	mf_bucket_set_rate(&l->requests, part(l->limits.requests_per_1000s, l->share),
	    part(burst, l->share) * PER_REQUEST, now_us);
	l->due_us = 0;
	turn(l, now_us);
}

int
mf_limiter_new(const struct mf_limits *limits, const struct mf_waiting *waiting,
    struct mf_limiter **out, struct mf_error *e)
{
	struct mf_limiter *l = calloc(1, sizeof *l);
	const uint64_t burst = limits != NULL ? limits->requests_burst : 0;
	uint64_t now_us;

	*out = NULL;
	if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return mf_error_nomem(e, "the limits");
	}
	l->waiting = *waiting;
	l->share = 1;
	if (limits != NULL)
		l->limits = *limits;
	now_us = mf_waiting_now_us(&l->waiting);
	mf_bucket_init(&l->bytes[MF_HTTP_UP], 0, 0, now_us);
	mf_bucket_init(&l->bytes[MF_HTTP_DOWN], 0, 0, now_us);
	mf_bucket_init(&l->requests, 0,
	    (burst > 0 && burst < REQUESTS_BURST_MAX ? burst : 1) * PER_REQUEST, now_us);
	apply(l);
	*out = l;
	return 0;
}

void
mf_limiter_free(struct mf_limiter *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void
mf_limiter_set(struct mf_limiter *l, const struct mf_limits *limits)
{
	pthread_mutex_lock(&l->lock);
	l->limits = *limits;
	apply(l);
	pthread_mutex_unlock(&l->lock);
}

void
mf_limiter_set_share(struct mf_limiter *l, unsigned n)
{
	pthread_mutex_lock(&l->lock);
	l->share = n > 0 ? n : 1;
	apply(l);
	pthread_mutex_unlock(&l->lock);
}

/* ---- waiting ---- */

static uint64_t
take(struct mf_limiter *l, struct mf_bucket *bucket, uint64_t n, uint64_t now_us)
{
	uint64_t ticket;

	pthread_mutex_lock(&l->lock);
	turn(l, now_us);
	ticket = mf_bucket_take(bucket, n, now_us);
	pthread_mutex_unlock(&l->lock);
	return ticket;
}

static uint64_t
wait_us(struct mf_limiter *l, struct mf_bucket *bucket, uint64_t ticket, uint64_t now_us)
{
	uint64_t us;

	pthread_mutex_lock(&l->lock);
	turn(l, now_us);
	us = mf_bucket_wait(bucket, ticket, now_us);
	pthread_mutex_unlock(&l->lock);
	return us;
}

static bool
pay(struct mf_limiter *l, struct mf_bucket *bucket, uint64_t n)
{
	const struct mf_waiting *w = &l->waiting;
	const uint64_t ticket = take(l, bucket, n, mf_waiting_now_us(w));
	uint64_t us;

	while ((us = wait_us(l, bucket, ticket, mf_waiting_now_us(w))) > 0)
		if (!mf_waiting_sleep(w, us < LOOK_AGAIN_US ? us : LOOK_AGAIN_US))
			return false;
	return true;
}

bool
mf_limiter_request(struct mf_limiter *l)
{
	return pay(l, &l->requests, PER_REQUEST);
}

bool
mf_limiter_bytes(struct mf_limiter *l, enum mf_http_direction direction, uint64_t n)
{
	return n == 0 || pay(l, &l->bytes[direction], n);
}

size_t
mf_limiter_slice(struct mf_limiter *l, enum mf_http_direction direction, size_t n)
{
	uint64_t rate = 0, slice;

	if (l != NULL) {
		pthread_mutex_lock(&l->lock);
		turn(l, mf_waiting_now_us(&l->waiting));
		rate = l->bytes[direction].rate;
		pthread_mutex_unlock(&l->lock);
	}
	slice = rate / SLICES_PER_S > SLICE_MIN ? rate / SLICES_PER_S : SLICE_MIN;
	return rate == 0 || n < slice ? n : (size_t)slice;
}

/* ---- on the wire ---- */

static uint64_t
pacer_rate(void *arg, enum mf_http_direction direction, uint64_t now_us)
{
	struct mf_limiter *l = arg;
	uint64_t rate;

	pthread_mutex_lock(&l->lock);
	turn(l, now_us);
	rate = l->bytes[direction].rate;
	pthread_mutex_unlock(&l->lock);
	return rate;
}

static uint64_t
pacer_take(void *arg, enum mf_http_direction direction, uint64_t n_bytes, uint64_t now_us)
{
	struct mf_limiter *l = arg;

	return take(l, &l->bytes[direction], n_bytes, now_us);
}

static uint64_t
pacer_wait(void *arg, enum mf_http_direction direction, uint64_t ticket, uint64_t now_us)
{
	struct mf_limiter *l = arg;

	return wait_us(l, &l->bytes[direction], ticket, now_us);
}

struct mf_http_pacer
mf_limiter_pacer(struct mf_limiter *l)
{
	return (struct mf_http_pacer){pacer_rate, pacer_take, pacer_wait, l};
}
