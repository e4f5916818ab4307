/* Whether a store does conditional puts is tried: some answer 501, some ignore the header. */
#include "config.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "src/base/log.h"
#include "transfers/backoff.h"
#include "transfers/s3_int.h"

#define PROBE_NAME_BYTES 48
#define TRIES 5 /* where a try fails for a passing reason */
#define WAIT_BASE_US 500000u
#define WAIT_CAP_US 10000000u

/* One of those who put the same name. */
struct racer {
	struct s3_store *s;
	const char *name, *text;
	int rc; /* of s3_put_once */
	enum mf_s3_class class;
	struct mf_error e;
};

static void *
run(void *arg)
{
	struct racer *r = arg;

	r->rc = s3_put_once(r->s, r->name, r->text, 1, true, false, &r->class, &r->e);
	return NULL;
}

/* Two at once; one after the other where no thread can be had. */
static void
race(struct racer *a, struct racer *b)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, b) != 0) {
		run(a);
		run(b);
		return;
	}
	run(a);
	(void)pthread_join(thread, NULL);
}

/* 0, 1: it cannot do that; -1. */
static int
judge(const struct racer *r, struct mf_error *e)
{
	if (r->rc >= 0)
		return 0;
	if (r->class == MF_S3_UNSUPPORTED)
		return 1;
	*e = r->e;
	return -1;
}

/* One try under a fresh name. 0, and *yes says; -1. */
static int
try_once(struct s3_store *s, bool *yes, struct mf_error *e)
{
	const struct mf_waiting *w = mf_s3_client_waiting(s->client);
	char name[PROBE_NAME_BYTES];
	struct racer a = {.s = s, .name = name, .text = "1"};
	struct racer b = {.s = s, .name = name, .text = "2"};
	struct racer c = {.s = s, .name = name, .text = "3", .rc = -1}; /* not run yet */
	int rc;

	(void)snprintf(name, sizeof name, "probe/%016" PRIx64 "%016" PRIx64, mf_waiting_random(w),
	    mf_waiting_random(w));
	race(&a, &b);
	if ((rc = judge(&a, e)) == 0 && (rc = judge(&b, e)) == 0) {
		run(&c);
		rc = judge(&c, e);
	}
	if (a.rc == 0 || b.rc == 0 || c.rc == 0)
		(void)s3_del(&s->store, name, NULL);
	*yes = rc == 0 && a.rc + b.rc == 1 && c.rc == 1;
	return rc < 0 ? -1 : 0;
}

int
mf_s3_probe_run(struct mf_store *store, struct mf_s3_probe *out, struct mf_error *e)
{
	struct s3_store *s = s3_of(store);
	const struct mf_waiting *w = mf_s3_client_waiting(s->client);
	unsigned tries;

	out->conditional = out->md5 = false;
	for (tries = 0; try_once(s, &out->conditional, e) != 0; tries++)
		if (e->code != MF_ETRANSFER || tries + 1 == TRIES ||
		    mf_s3_client_gave_up(s->client, e) ||
		    !mf_waiting_sleep(
			w, mf_backoff_us(WAIT_BASE_US, WAIT_CAP_US, tries, mf_waiting_random(w))))
			return mf_error_while(
			    e, "trying whether %s has conditional puts", s->label);
	out->md5 = mf_s3_client_sends_md5(s->client);
	mf_log(MF_LOG_DEBUG, "%s: conditional puts %s", s->label,
	    out->conditional ? "work" : "do not work");
	return 0;
}
