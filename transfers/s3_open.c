#include "config.h"

#include "transfers/s3_open.h"

#include <stdlib.h>
#include <string.h>

#include "src/net/foreign.h"
#include "transfers/libs3.h"
#include "transfers/s3_chain.h"
#include "transfers/s3_fetch_http.h"
#include "transfers/s3_open_int.h"

static const char *
variable(const struct mf_s3_options *o, const char *name)
{
	const char *value = o->variable != NULL ? o->variable(o->variable_arg, name) : NULL;

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The first that is set. */
static const char *
first_of(const struct mf_s3_options *o, const char *option, const char *a, const char *b)
{
	if (option != NULL && option[0] != '\0')
		return option;
	return variable(o, a) != NULL || b == NULL ? variable(o, a) : variable(o, b);
}

static const char *
endpoint_url(const struct mf_s3_options *o)
{
	return first_of(o, o->endpoint_url, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
}

static const char *
no_variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

static const char *
proxy(const struct mf_s3_options *o, const char *lower, const char *upper)
{
	const char *found = first_of(o, NULL, lower, upper);

	return found != NULL ? found : first_of(o, NULL, "all_proxy", "ALL_PROXY");
}

/* limit_us 0: none. */
static uint64_t
least(uint64_t us, uint64_t limit_us)
{
	return limit_us != 0 && limit_us < us ? limit_us : us;
}

/* One attempt waits for a silent store no longer than all of them are to. */
static struct mf_http_patience
patience_of(const struct mf_s3_sending *s)
{
	struct mf_http_patience p = s->patience;

	mf_http_patience_fill(&p);
	p.connect_us = least(p.connect_us, s->patience_us);
	p.answer_us = least(p.answer_us, s->patience_us);
	p.stall_us = least(p.stall_us, s->patience_us);
	return p;
}

static struct mf_http_params
engine_params(const struct mf_s3_options *o, const char *ca_file)
{
	struct mf_http_params params = {
	    .net_threads = o->net_threads,
	    .allow_http = o->allow_http,
	    .http2 = o->sending.http2,
	    .ca_file = ca_file,
	    /* HTTP_PROXY can be a header of somebody's request (CVE-2016-5385) */
	    .http_proxy = proxy(o, "http_proxy", NULL),
	    .https_proxy = proxy(o, "https_proxy", "HTTPS_PROXY"),
	    .no_proxy = first_of(o, NULL, "no_proxy", "NO_PROXY"),
	    .patience = patience_of(&o->sending),
	};

	if (o->sending.limiter != NULL)
		params.pacer = mf_limiter_pacer(o->sending.limiter);
	return params;
}

struct mf_http *
mf_s3_open_engine(const struct mf_s3_options *o, const char *ca_file, struct mf_error *e)
{
	const struct mf_http_params params = engine_params(o, ca_file);

	return mf_http_open(&params, e);
}

/* What a store leans on; until it has it. */
struct parts {
	struct mf_http *http;
	struct mf_s3_fetcher *fetcher;
	struct mf_s3_provider *provider;
	struct mf_libs3 *libs3; /* of s3+v2:// */
	struct mf_s3_client *client;
};

static void
free_parts(struct parts *p)
{
	mf_s3_client_close(p->client);
	mf_libs3_close(p->libs3);
	mf_s3_provider_free(p->provider);
	mf_s3_fetcher_free(p->fetcher);
	mf_http_close(p->http);
}

/* Have requests go by way of libs3, which asks no limiter. */
static int
take_libs3(struct parts *p, const struct mf_s3_options *o, const char *ca_file,
    struct mf_s3_client_params *params, struct mf_error *e)
{
	const struct mf_http_params http = engine_params(o, ca_file);

	if (mf_libs3_open(&http, &p->libs3, e) != 0)
		return -1;
	params->dialect = &mf_s3_aws2;
	params->carrier = mf_libs3_carrier(p->libs3);
	params->limiter = NULL;
	return 0;
}

static int
open_client(
    struct parts *p, const char *bucket, const struct mf_s3_options *o, bool v2, struct mf_error *e)
{
	const char *ca_file = first_of(o, o->ca_file, "AWS_CA_BUNDLE", NULL);
	struct mf_s3_chain chain = {
	    .access_key_file = o->access_key_file,
	    .secret_key_file = o->secret_key_file,
	    .session_token_file = o->session_token_file,
	    .credentials_file = o->credentials_file,
	    .profile = o->profile,
	    .variable = o->variable != NULL ? o->variable : no_variable,
	    .variable_arg = o->variable_arg,
	};
	char region[MF_S3_REGION_BYTES] = "";
	struct mf_s3_client_params params = {.limiter = o->sending.limiter,
	    .flow = o->sending.flow,
	    .patience_us = o->sending.patience_us,
	    .waiting = o->waiting};

	if ((v2 && take_libs3(p, o, ca_file, &params, e) != 0) ||
	    (p->http = mf_s3_open_engine(o, ca_file, e)) == NULL ||
	    (p->fetcher = mf_s3_fetcher_new(p->http, &o->waiting, e)) == NULL)
		return -1;
	chain.fetch = mf_s3_fetcher_fetch(p->fetcher);
	if ((p->provider = mf_s3_chain_open(&chain, e)) == NULL)
		return -1;
	params.http = p->http;
	params.provider = p->provider;
	params.endpoint.bucket = bucket;
	params.endpoint.url = endpoint_url(o);
	params.endpoint.addressing = o->addressing;
	params.unsigned_bodies = o->unsigned_bodies;
	params.endpoint.region = o->region;
	if (o->region == NULL || o->region[0] == '\0') {
		if (mf_s3_chain_region(&chain, region, e) != 0)
			return -1;
		params.endpoint.region = region;
	}
	return mf_s3_client_open(&params, &p->client, e);
}

int
mf_s3_split_place(const char *rest, char **bucket, const char **prefix, struct mf_error *e)
{
	size_t n;
	char *slash;

	if ((*bucket = strdup(rest)) == NULL)
		return mf_error_nomem(e, "a store");
	for (n = strlen(*bucket); n > 0 && (*bucket)[n - 1] == '/';)
		(*bucket)[--n] = '\0';
	*prefix = *bucket + n;
	if ((slash = strchr(*bucket, '/')) != NULL) {
		*slash = '\0';
		*prefix = slash + 1;
	}
	return 0;
}

void
mf_s3_put_trimmed(struct mf_buf *out, const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && text[n - 1] == '/')
		n--;
	mf_buf_put(out, text, n);
}

void
mf_s3_place(const char *rest, const struct mf_s3_options *o, struct mf_buf *out)
{
	const char *endpoint = endpoint_url(o);

	mf_buf_printf(out, "s3://");
	mf_s3_put_trimmed(out, rest);
	if (endpoint == NULL)
		return;
	mf_buf_printf(out, " at ");
	mf_s3_put_trimmed(out, endpoint);
}

static void
release(void *arg)
{
	struct parts *p = arg;

	free_parts(p);
	free(p);
}

static int
open_store(const char *rest, const struct mf_s3_options *o, bool v2, bool write,
    struct mf_store **out, struct mf_error *e)
{
	struct mf_s3_store_params params = {
	    .write = write, .options = o->put, .lists_at_once = o->sending.lists_at_once};
	struct parts *p = calloc(1, sizeof *p);
	char *bucket = NULL;
	int rc = -1;

	if (p == NULL)
		return mf_error_nomem(e, "a store");
	if (mf_s3_split_place(rest, &bucket, &params.prefix, e) != 0 ||
	    open_client(p, bucket, o, v2, e) != 0)
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

int
mf_s3_open(const char *rest, const struct mf_s3_options *o, bool write, struct mf_store **out,
    struct mf_error *e)
{
	return open_store(rest, o, false, write, out, e);
}

/* What was asked for and cannot be done, before anything is. */
static int
check_v2(const char *rest, const struct mf_s3_options *o, struct mf_error *e)
{
	const struct {
		const char *value, *what;
	} refused[] = {
	    {o->session_token_file, "a session token"},
	    {o->put.storage_class, "a storage class"},
	    {o->put.encryption, "encryption by the server"},
	    {o->put.kms_key_id, "a KMS key"},
	};
	const char *url = endpoint_url(o);
	struct mf_url u;
	size_t i;
	int rc;

	for (i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (refused[i].value != NULL && refused[i].value[0] != '\0')
			return mf_error_set(e, MF_EUNSUPPORTED,
			    "s3+v2:// cannot ask for %s: libs3 has no word for it",
			    refused[i].what);
	if (o->unsigned_bodies)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "s3+v2:// cannot leave bodies unsigned: Signature V2 covers their MD5");
	if (strchr(rest, ' ') != NULL)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "s3+v2:// takes no path with a space in it: libs3 writes that as '+'");
	if (url == NULL) {
		mf_error_set(e, MF_EUSAGE, "s3+v2:// has no server of its own");
		return mf_error_hint(e, "name it: --endpoint-url https://s3.example");
	}
	if (mf_url_parse(&u, url, e) != 0)
		return mf_error_while(e, "reading the endpoint URL");
	rc = mf_libs3_check_host(u.host, e);
	mf_url_fini(&u);
	return rc;
}

int
mf_s3_open_v2(const char *rest, const struct mf_s3_options *o, bool write, struct mf_store **out,
    struct mf_error *e)
{
	if (check_v2(rest, o, e) != 0)
		return -1;
	return open_store(rest, o, true, write, out, e);
}
