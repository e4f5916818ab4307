/* A provider, a server that answers it by a script, and a question. */
#ifndef TESTS_UNIT_TRAFFIC_ASKING_H
#define TESTS_UNIT_TRAFFIC_ASKING_H

#include "tests/unit/traffic/web_script.h"

#include <math.h>
#include <time.h>

#include "crypto/secret.h"
#include "src/traffic/provider.h"

#define ASKING_NOW_US INT64_C(1700000000250000)

struct asking {
	struct web_script web;
	struct web_clock clock;
	struct mf_dialer *dialer;
	struct mf_dialer_params dialer_params;
	struct mf_metric_provider *provider;
	struct mf_metric_query q;
	struct mf_measured out;
	struct mf_region *r;
	char secrets_dir[128];
};

static inline int64_t
asking_unix_us(void *arg)
{
	(void)arg;
	return ASKING_NOW_US;
}

static inline int64_t
asking_real_us(void *arg)
{
	(void)arg;
	return (int64_t)time(NULL) * 1000000;
}

static inline uint64_t
asking_now_us(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline void
asking_open(struct asking *a, enum mf_provider_type type)
{
	static const struct mf_region_params region = {
	    .plain_bytes = (size_t)64 << 20, .what = "a test", .reserve_bytes = (size_t)1 << 28};
	const struct mf_metric_params params = {.dialer_params = &a->dialer_params,
	    .secrets_dir = a->secrets_dir[0] != '\0' ? a->secrets_dir : NULL,
	    .unix_us = asking_unix_us,
	    .now_us = asking_now_us};
	struct mf_metric_params p = params;
	struct mf_error e = {0};

	a->dialer = web_dialer(&a->clock, NULL);
	p.dialer = a->dialer;
	if (mf_metric_open(type, &p, &a->provider, &e) != 0 ||
	    mf_region_new(&region, &a->r, &e) != 0)
		fail_msg("%s", e.message);
	a->q = (struct mf_metric_query){
	    .type = type, .address = a->web.origin, .query = "up", .timeout_us = 5000000};
}

static inline void
asking_begin(struct asking *a, enum mf_provider_type type, const char *script)
{
	memset(a, 0, sizeof *a);
	web_start(&a->web, script);
	asking_open(a, type);
}

static inline void
asking_end(struct asking *a)
{
	a->provider->ops->close(a->provider);
	mf_dialer_close(a->dialer);
	web_stop(&a->web);
	mf_region_free(a->r);
}

static inline enum mf_measure_end
asking_ask(struct asking *a)
{
	memset(&a->out, 0xff, sizeof a->out); /* all of it is filled */
	a->provider->ops->ask(a->provider, &a->q, a->r, &a->out);
	return a->out.end;
}

static inline int
asking_crypto(void **state)
{
	struct mf_error e;

	(void)state;
	return mf_crypto_init(&e);
}

#endif
