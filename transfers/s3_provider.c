#include "config.h"

#include "transfers/s3_provider.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "src/base/log.h"
#include "src/base/units.h"

struct mf_s3_provider {
	struct mf_s3_source *source;
	pthread_mutex_t lock; /* of all below; never held while the source is asked */
	pthread_cond_t fetched;
	struct mf_s3_credentials *current; /* or NULL */
	bool refused;                      /* current was, by the store */
	bool fetching;                     /* a thread is asking the source */
	uint64_t n_fetches;                /* done, whatever came of them */
	int64_t pause_until_unix_s;        /* the source is not bothered early before */
	int64_t trust_until_unix_s;        /* current just came, whatever its expiry says */
	struct mf_error why;               /* of the last fetch, MF_OK where it worked */
};

void
mf_s3_source_free(struct mf_s3_source *s)
{
	if (s != NULL)
		s->free(s);
}

struct mf_s3_provider *
mf_s3_provider_take(struct mf_s3_source *source, struct mf_error *e)
{
	struct mf_s3_provider *p = calloc(1, sizeof *p);

	if (p == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->fetched, NULL);
	p->pause_until_unix_s = p->trust_until_unix_s = INT64_MIN;
	p->source = source;
	return p;
}

void
mf_s3_provider_free(struct mf_s3_provider *p)
{
	if (p == NULL)
		return;
	mf_s3_credentials_unref(p->current);
	mf_s3_source_free(p->source);
	pthread_cond_destroy(&p->fetched);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Whether the credentials at hand do for a request. */
static bool
usable(const struct mf_s3_provider *p, int64_t now)
{
	return p->current != NULL && !p->refused &&
	       (now < mf_s3_credentials_expires(p->current) || now < p->trust_until_unix_s);
}

/* Whether to ask for newer ones although the old are usable. */
static bool
due(const struct mf_s3_provider *p, int64_t now)
{
	const int64_t expires = mf_s3_credentials_expires(p->current);

	return expires != MF_S3_NEVER && now >= expires - MF_S3_REFRESH_EARLY_S &&
	       now >= p->pause_until_unix_s;
}

static void
log_fetched(const struct mf_s3_credentials *c)
{
	const int64_t expires = mf_s3_credentials_expires(c);
	char text[MF_TIME_TEXT_BYTES];

	if (expires == MF_S3_NEVER || expires < 0 || expires > INT64_MAX / 1000000)
		mf_log(MF_LOG_DEBUG, "credentials: %s", mf_s3_credentials_origin(c));
	else
		mf_log(MF_LOG_DEBUG, "credentials: %s, until %s", mf_s3_credentials_origin(c),
		    mf_format_time(expires * 1000000, text));
}

static int
still_refused(const struct mf_s3_credentials *c, struct mf_error *e)
{
	mf_error_set(e, MF_EPERM,
	    "the store refuses the credentials from %s, and there are no "
	    "others",
	    mf_s3_credentials_origin(c));
	return mf_error_hint(e, "renew them there: they have expired or were withdrawn");
}

/* Take over what the source gave, under the lock. */
static void
settle(struct mf_s3_provider *p, int rc, struct mf_s3_credentials *fresh, int64_t now,
    const struct mf_error *e)
{
	p->pause_until_unix_s = now + MF_S3_REFRESH_PAUSE_S;
	p->why = *e;
	if (rc != 0)
		return;
	if (p->refused && mf_s3_credentials_same(p->current, fresh)) {
		still_refused(fresh, &p->why);
		mf_s3_credentials_unref(fresh);
		return;
	}
	mf_s3_credentials_unref(p->current);
	p->current = fresh;
	p->refused = false;
	p->trust_until_unix_s = now + MF_S3_REFRESH_PAUSE_S;
}

/* Ask the source. Called and left with the lock held, which is given up meanwhile. */
static void
fetch(struct mf_s3_provider *p, int64_t now)
{
	struct mf_s3_credentials *fresh = NULL;
	struct mf_error e;
	int rc;

	p->fetching = true;
	pthread_mutex_unlock(&p->lock);
	mf_error_clear(&e);
	rc = p->source->fetch(p->source, now, &fresh, &e);
	if (rc == 0)
		log_fetched(fresh);
	pthread_mutex_lock(&p->lock);
	settle(p, rc, fresh, now, &e);
	p->fetching = false;
	p->n_fetches++;
	pthread_cond_broadcast(&p->fetched);
}

/* The source was asked early and failed: say so, and go on with what is valid. */
static void
warn(const struct mf_error *why)
{
	char text[MF_ERROR_MESSAGE_BYTES + MF_ERROR_HINT_BYTES];

	if (why->code != MF_OK)
		mf_log(MF_LOG_WARNING, "the credentials cannot be renewed yet: %s",
		    mf_error_text(why, text, sizeof text));
}

/* Under the lock: wait until there are credentials that do. 0, or -1 with p->why. */
static int
obtain(struct mf_s3_provider *p, int64_t now)
{
	uint64_t seen;

	while (!usable(p, now)) {
		if (!p->fetching) {
			fetch(p, now);
		} else {
			for (seen = p->n_fetches; p->n_fetches == seen;)
				pthread_cond_wait(&p->fetched, &p->lock);
		}
		if (p->why.code != MF_OK)
			return -1;
		/* Fine, unless another thread's store has refused the new ones already. */
		if (!p->refused)
			break;
	}
	return 0;
}

int
mf_s3_provider_get(struct mf_s3_provider *p, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	struct mf_error early;
	int rc = 0;

	mf_error_clear(&early);
	pthread_mutex_lock(&p->lock);
	if (!usable(p, now_unix_s)) {
		rc = obtain(p, now_unix_s);
	} else if (!p->fetching && due(p, now_unix_s)) {
		fetch(p, now_unix_s);
		early = p->why;
	}
	if (rc == 0)
		*out = mf_s3_credentials_ref(p->current);
	else if (e != NULL)
		*e = p->why;
	pthread_mutex_unlock(&p->lock);
	warn(&early);
	return rc;
}

void
mf_s3_provider_refused(struct mf_s3_provider *p, const struct mf_s3_credentials *c)
{
	pthread_mutex_lock(&p->lock);
	if (p->current != NULL && mf_s3_credentials_same(p->current, c))
		p->refused = true;
	pthread_mutex_unlock(&p->lock);
}
