#include "config.h"

#include "tests/unit/transfers/s3_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/secret.h"

struct source {
	struct mf_s3_source source;
	struct s3_world *world;
};

static int
fetch(
    struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out, struct mf_error *e)
{
	struct s3_world *w = ((struct source *)s)->world;
	struct mf_s3_credentials_params p = {.key_id = w->key_id,
	    .secret = w->secret,
	    .expires_unix_s = MF_S3_NEVER,
	    .origin = "the test"};

	(void)now_unix_s;
	if (w->key_ids != NULL && *w->key_ids != NULL)
		p.key_id = *w->key_ids++;
	atomic_fetch_add(&w->asked, 1);
	*out = mf_s3_credentials_new(&p, e);
	return *out != NULL ? 0 : -1;
}

static void
free_source(struct mf_s3_source *s)
{
	free(s);
}

void
s3_world_make(struct s3_world *w, const char *key_id, const char *secret)
{
	s3_world_make_trusting(w, key_id, secret, NULL);
}

void
s3_world_make_trusting(
    struct s3_world *w, const char *key_id, const char *secret, const char *ca_file)
{
	const struct mf_http_params params = {.net_threads = 1, .ca_file = ca_file};
	struct source *s = calloc(1, sizeof *s);

	assert_non_null(s);
	assert_int_equal(mf_crypto_init(NULL), 0);
	*w = (struct s3_world){.key_id = key_id, .secret = secret};
	atomic_init(&w->now_us, 1000000);
	s->source = (struct mf_s3_source){.fetch = fetch, .free = free_source};
	s->world = w;
	w->provider = mf_s3_provider_take(&s->source, NULL);
	w->http = mf_http_open(&params, NULL);
	assert_non_null(w->provider);
	assert_non_null(w->http);
}

void
s3_world_drop(struct s3_world *w)
{
	mf_s3_provider_free(w->provider);
	mf_http_close(w->http);
}

static uint64_t
now_us(void *arg)
{
	return atomic_load(&((struct s3_world *)arg)->now_us);
}

static void
sleep_us(void *arg, uint64_t us)
{
	struct s3_world *w = arg;

	atomic_fetch_add(&w->now_us, us);
	atomic_fetch_add(&w->sleeps, 1);
	if (atomic_load(&w->cancel_at_sleep))
		atomic_store(&w->cancelled, true);
}

static uint64_t
random_half(void *arg)
{
	struct s3_world *w = arg;

	return w->random != NULL ? w->random(arg) : 0x7fffffffffffffffu;
}

static bool
is_cancelled(void *arg)
{
	struct s3_world *w = arg;

	if (w->cancel_after_polls > 0 && ++w->polls >= w->cancel_after_polls)
		return true;
	return atomic_load(&w->cancelled);
}

static int64_t
unix_us(void *arg)
{
	return ((struct s3_world *)arg)->unix_us;
}

struct mf_waiting
s3_world_waiting(struct s3_world *w)
{
	return (struct mf_waiting){.now_us = now_us,
	    .sleep_us = sleep_us,
	    .random = random_half,
	    .cancelled = is_cancelled,
	    .arg = w};
}

struct mf_s3_client *
s3_world_client(struct s3_world *w, const char *url, const char *bucket, bool fake)
{
	struct mf_s3_client_params p = {.endpoint = {.url = url, .bucket = bucket},
	    .http = w->http,
	    .provider = w->provider,
	    .limiter = w->limiter,
	    .flow = w->flow};
	struct mf_s3_client *c = NULL;
	struct mf_error e = {0};

	if (fake) {
		p.waiting = s3_world_waiting(w);
		p.unix_us = w->unix_us != 0 ? unix_us : NULL;
	}
	if (mf_s3_client_open(&p, &c, &e) != 0)
		fail_msg("%s", e.message);
	return c;
}

static void
close_client(void *arg)
{
	mf_s3_client_close(arg);
}

struct mf_store *
s3_world_store(
    struct s3_world *w, const char *url, const char *bucket, const char *prefix, bool fake)
{
	struct mf_s3_client *c = s3_world_client(w, url, bucket, fake);
	const struct mf_s3_store_params p = {.client = c,
	    .prefix = prefix,
	    .write = true,
	    .options = w->put,
	    .lists_at_once = w->lists_at_once,
	    .release = close_client,
	    .release_arg = c};
	struct mf_store *s = NULL;
	struct mf_error e = {0};

	if (mf_s3_store_open(&p, &s, &e) != 0)
		fail_msg("%s", e.message);
	return s;
}
