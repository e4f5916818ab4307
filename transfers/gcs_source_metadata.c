/* Tokens of the machine or the pod that this runs in. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/net/url.h"
#include "transfers/gcs_source_int.h"
#include "transfers/gcs_token.h"

#define TIMEOUT_US 3000000u
#define ATTEMPTS 3
#define URL_BYTES 512
#define PATH "/computeMetadata/v1/instance/service-accounts/default/token"

static const char service[] = "the metadata server";

struct metadata {
	struct mf_s3_source source;
	struct mf_s3_fetch fetch;
	char url[URL_BYTES];
	uint64_t timeout_us;
	unsigned attempts;
	bool reached; /* once */
};

/* Nobody has ever answered: most likely there is nobody. */
static int
nobody(const struct metadata *m, struct mf_error *e)
{
	struct mf_error why;

	if (m->reached || e->code != MF_ETRANSFER)
		return -1;
	why = *e;
	mf_error_set(e, MF_EPERM,
	    "no credentials: none are set, and no metadata server answers: %s", why.message);
	return mf_error_hint(
	    e, "set GOOGLE_APPLICATION_CREDENTIALS, or give --gcs-credentials-file");
}

static int
ask(struct metadata *m, int *http_status, struct mf_buf *answer, struct mf_error *e)
{
	static const struct mf_s3_header flavor = {"Metadata-Flavor", "Google"};
	const struct mf_s3_fetch_request r = {.method = "GET",
	    .url = m->url,
	    .headers = &flavor,
	    .n_headers = 1,
	    .expect = flavor,
	    .timeout_us = m->timeout_us};
	unsigned attempt;

	for (attempt = 1; mf_s3_ask(&m->fetch, r, true, service, http_status, answer, e) != 0;
	     attempt++) {
		answer->len = 0;
		if (e->code != MF_ETRANSFER || attempt >= m->attempts)
			return nobody(m, e);
	}
	m->reached = true;
	return 0;
}

static int
metadata_fetch(
    struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out, struct mf_error *e)
{
	struct metadata *m = (struct metadata *)s;
	struct mf_buf answer = MF_BUF_INIT;
	struct mf_error own;
	int http_status, rc = -1;

	if (e == NULL)
		e = &own;
	if (ask(m, &http_status, &answer, e) != 0)
		goto out;
	if (http_status == 404) {
		mf_error_set(e, MF_EPERM, "no credentials: this machine has no service account");
	} else if (http_status != 200) {
		mf_gcs_token_refused(service, http_status, answer.data, answer.len, e);
	} else {
		*out = mf_gcs_token_parse(answer.data, answer.len, now_unix_s, service, e);
		rc = *out != NULL ? 0 : -1;
	}
out:
	mf_s3_wipe(&answer);
	return rc;
}

static void
metadata_free(struct mf_s3_source *s)
{
	free(s);
}

/* A host with or without a port, and nothing else. */
static int
make_url(struct metadata *m, const char *host, struct mf_error *e)
{
	struct mf_url u;
	int n = snprintf(m->url, sizeof m->url, "http://%s/", host);
	bool plain;

	if (n < 0 || (size_t)n + sizeof PATH > sizeof m->url)
		return mf_error_set(e, MF_EUSAGE, "the name of the metadata server is too long");
	if (mf_url_parse(&u, m->url, e) != 0)
		return mf_error_while(e, "reading GCE_METADATA_HOST");
	plain = strcmp(u.path, "/") == 0 && u.query == NULL;
	mf_url_fini(&u);
	if (!plain)
		return mf_error_set(
		    e, MF_EUSAGE, "GCE_METADATA_HOST is no host with or without a port: %s", host);
	(void)snprintf(m->url + n - 1, sizeof m->url - (size_t)n + 1, "%s", PATH);
	return 0;
}

struct mf_s3_source *
mf_gcs_source_metadata(const char *host, uint64_t timeout_us, unsigned attempts,
    const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	struct metadata *m = calloc(1, sizeof *m);

	if (m == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	if (make_url(m, host != NULL ? host : MF_GCS_METADATA_HOST, e) != 0) {
		free(m);
		return NULL;
	}
	m->source = (struct mf_s3_source){metadata_fetch, metadata_free};
	m->fetch = *fetch;
	m->timeout_us = timeout_us > 0 ? timeout_us : TIMEOUT_US;
	m->attempts = attempts > 0 ? attempts : ATTEMPTS;
	return &m->source;
}
