#include "config.h"

#include "transfers/gcs_open.h"

#include <stdlib.h>

#include "transfers/gcs_chain.h"
#include "transfers/s3_fetch_http.h"
#include "transfers/s3_open_int.h"
#include "transfers/s3_source_int.h"

/* In the scope of a signature, whichever the bucket's location. */
#define REGION "auto"

static const char *
given(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static const char *
variable(void *arg, const char *name)
{
	const struct mf_gcs_options *o = arg;

	return o->variable != NULL ? o->variable(o->variable_arg, name) : NULL;
}

/* What a store leans on; until it has it. */
struct parts {
	struct mf_http *http;
	struct mf_s3_fetcher *fetcher;
	struct mf_s3_provider *provider;
	struct mf_s3_client *client;
};

static void
release(void *arg)
{
	struct parts *p = arg;

	mf_s3_client_close(p->client);
	mf_s3_provider_free(p->provider);
	mf_s3_fetcher_free(p->fetcher);
	mf_http_close(p->http);
	free(p);
}

static int
refuse_emulator(struct mf_gcs_options *o, struct mf_error *e)
{
	if (given(o->endpoint_url) != NULL || given(variable(o, "STORAGE_EMULATOR_HOST")) == NULL)
		return 0;
	mf_error_set(e, MF_EUNSUPPORTED,
	    "STORAGE_EMULATOR_HOST is set, which names a server of the "
	    "JSON API of Google Cloud Storage; modelferry speaks the XML API");
	return mf_error_hint(
	    e, "unset it, or name a server of the XML API with --gcs-endpoint-url");
}

/* The credentials, and what opening them says of the endpoint: whoever reads a bearer token can
 * use it. */
static int
open_provider(struct parts *p, struct mf_gcs_options *o, const char *url, struct mf_error *e)
{
	const struct mf_gcs_chain chain = {
	    .access_key_file = given(o->access_key_file),
	    .secret_key_file = given(o->secret_key_file),
	    .credentials_file = given(o->credentials_file),
	    .variable = variable,
	    .variable_arg = o,
	    .fetch = mf_s3_fetcher_fetch(p->fetcher),
	};
	bool bearer;

	if ((p->provider = mf_gcs_chain_open(&chain, &bearer, e)) == NULL)
		return -1;
	return bearer ? mf_s3_check_url(url, NULL, "the endpoint of gs:// stores", e) : 0;
}

static int
open_client(struct parts *p, const char *bucket, const struct mf_gcs_options *o, struct mf_error *e)
{
	const struct mf_s3_options net = {
	    .allow_http = o->allow_http,
	    .net_threads = o->net_threads,
	    .sending = o->sending,
	    .variable = o->variable,
	    .variable_arg = o->variable_arg,
	};
	const char *url = given(o->endpoint_url);
	struct mf_gcs_options mine = *o;
	struct mf_s3_client_params params = {
	    .dialect = &mf_s3_goog4,
	    .endpoint = {.url = url != NULL ? url : MF_GCS_ENDPOINT_URL,
		.bucket = bucket,
		.region = REGION,
		.addressing = MF_S3_PATH},
	    .patience_us = o->sending.patience_us,
	    .limiter = o->sending.limiter,
	    .flow = o->sending.flow,
	    .waiting = o->waiting,
	};

	if (given(o->user_project) != NULL)
		params.header = (struct mf_s3_header){"x-goog-user-project", o->user_project};
	if (refuse_emulator(&mine, e) != 0 ||
	    (p->http = mf_s3_open_engine(&net, given(o->ca_file), e)) == NULL ||
	    (p->fetcher = mf_s3_fetcher_new(p->http, &o->waiting, e)) == NULL ||
	    open_provider(p, &mine, params.endpoint.url, e) != 0)
		return -1;
	params.http = p->http;
	params.provider = p->provider;
	return mf_s3_client_open(&params, &p->client, e);
}

void
mf_gcs_place(const char *rest, const struct mf_gcs_options *o, struct mf_buf *out)
{
	mf_buf_printf(out, "gs://");
	mf_s3_put_trimmed(out, rest);
	if (given(o->endpoint_url) == NULL)
		return;
	mf_buf_printf(out, " at ");
	mf_s3_put_trimmed(out, o->endpoint_url);
}

int
mf_gcs_open(const char *rest, const struct mf_gcs_options *o, bool write, struct mf_store **out,
    struct mf_error *e)
{
	struct mf_s3_store_params params = {
	    .write = write, .options = o->put, .lists_at_once = o->sending.lists_at_once};
	struct parts *p = calloc(1, sizeof *p);
	char *bucket = NULL;
	int rc = -1;

	if (p == NULL)
		return mf_error_nomem(e, "a store");
	if (mf_s3_split_place(rest, &bucket, &params.prefix, e) != 0 ||
	    open_client(p, bucket, o, e) != 0)
		goto out;
	params.client = p->client;
	params.release = release;
	params.release_arg = p;
	rc = mf_s3_store_open(&params, out, e);
out:
	if (rc != 0)
		release(p);
	free(bucket);
	return rc;
}
