/*
 * A small Google Cloud Storage for tests, on 127.0.0.1: the XML API of one bucket or more, in
 * memory, as far as modelferry speaks it, and what gives tokens for it: a token endpoint, the
 * security token service, service account credentials, a metadata server.
 *
 * It is strict where Google is, by its documentation: tokens end, signatures of HMAC keys are
 * computed anew from what arrived, after a front end has added to Accept-Encoding; x-goog-hash is
 * checked; x-goog-if-generation-match holds, and If-None-Match of a put is ignored in silence;
 * x-amz- headers beside x-goog- ones are an error; there is no deletion of several objects at once.
 * An object that was put in parts has no MD5; one of the encoding gzip is unpacked for whoever does
 * not take that; no part is a copy of another object.
 */
#ifndef TESTS_HARNESS_FAKE_GCS_H
#define TESTS_HARNESS_FAKE_GCS_H

#include <stdbool.h>

/* Zero: nothing of it. */
struct fake_gcs_params {
	unsigned page;          /* keys in a page at most; 0: 1000 */
	unsigned token_uses;    /* requests to objects that a token is good for, then 401; 0: all */
	unsigned refuse_every;  /* that often 429 or 503, by turns, with Retry-After: 1 */
	bool ignore_conditions; /* puts always succeed */
};

struct fake_gcs;

struct fake_gcs *fake_gcs_start(const struct fake_gcs_params *p);
void fake_gcs_stop(struct fake_gcs *f);
const char *fake_gcs_url(const struct fake_gcs *f);  /* "http://127.0.0.1:PORT" */
const char *fake_gcs_host(const struct fake_gcs *f); /* "127.0.0.1:PORT" */

/* Write into dir: service.json, user.json, external.json (with subject-token) and
 * impersonated.json, hmac-id and hmac-secret. */
void fake_gcs_write_credentials(const struct fake_gcs *f, const char *dir);

/* How often something happened. */
enum fake_gcs_count {
	FAKE_GCS_TOKENS,     /* tokens given */
	FAKE_GCS_EXPIRED,    /* requests with a token that had ended */
	FAKE_GCS_REFUSED,    /* 429 and 503 */
	FAKE_GCS_SIGNED,     /* requests by a right signature */
	FAKE_GCS_SUMS,       /* puts whose x-goog-hash was checked */
	FAKE_GCS_CONDITIONS, /* puts that a condition stopped */
	FAKE_GCS_PAGES,      /* of listings */
	FAKE_GCS_BILLED,     /* requests with x-goog-user-project */
	FAKE_GCS_COUNTS
};
unsigned fake_gcs_count(const struct fake_gcs *f, enum fake_gcs_count what);

/* Change a byte of what the next n gets of objects answer. */
void fake_gcs_corrupt(struct fake_gcs *f, unsigned n);
/* Answer the next n completions of uploads with 502, carried out or not. */
void fake_gcs_fail_completions(struct fake_gcs *f, unsigned n, bool carried_out);
/* End every token that was given so far. */
void fake_gcs_end_tokens(struct fake_gcs *f);
/* The value of a header that an object was put with, "" where there was none. Not thread safe. */
const char *fake_gcs_put_header(struct fake_gcs *f, const char *path, const char *name);

#endif
