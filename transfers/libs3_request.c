/* What libs3 can be asked, and what it cannot. */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/digest.h"
#include "src/net/foreign.h"
#include "transfers/libs3_int.h"

#define DIGITS "0123456789"

static bool
is_below(const char *host, const char *domain)
{
	const size_t n = strlen(host), m = strlen(domain);

	return n >= m && strcmp(host + n - m, domain) == 0 && (n == m || host[n - m - 1] == '.');
}

int
mf_libs3_check_host(const char *host, struct mf_error *e)
{
	const bool google = is_below(host, "googleapis.com");

	if (!google && !is_below(host, "amazonaws.com") && !is_below(host, "amazonaws.com.cn"))
		return 0;
	mf_error_set(
	    e, MF_EUSAGE, "s3+v2:// signs by Signature V2, which is no way to speak to %s", host);
	return mf_error_hint(e, google ? "use gs://BUCKET/PATH" : "use s3://BUCKET/PATH");
}

/* Whom to ask, and by which way. */
static int
set_server(const struct mf_libs3 *l, const struct mf_s3_carried *c, struct libs3_request *out,
    struct mf_error *e)
{
	const struct mf_s3_endpoint *ep = c->endpoint;
	const size_t skip = ep->virtual_host ? strlen(c->bucket) + 1 : 0;
	char text[MF_URL_AUTHORITY_BYTES + sizeof "https:///"];
	struct mf_url u;
	int rc;

	if (ep->base[0] != '\0')
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "libs3 cannot talk to an endpoint with a path in its URL: %s", ep->base);
	(void)snprintf(text, sizeof text, "%s://%s/", ep->tls ? "https" : "http", ep->authority);
	if (mf_url_parse(&u, text, e) != 0)
		return -1;
	(void)snprintf(out->host, sizeof out->host, "%s", ep->authority + skip);
	out->q.tls = ep->tls;
	out->q.virtual_host = ep->virtual_host;
	out->q.host = out->host;
	out->q.bucket = c->bucket;
	out->q.ca_file = l->ca_file;
	out->q.proxy = mf_url_is_loopback(&u) ? "" : u.tls ? l->https_proxy : l->http_proxy;
	out->q.no_proxy = l->no_proxy;
	rc = mf_libs3_check_host(u.host, e) == 0 ? mf_http_check_plain(&u, l->allow_http, e) : -1;
	mf_url_fini(&u);
	return rc;
}

static int
set_keys(const struct mf_s3_carried *c, struct libs3_request *out, struct mf_error *e)
{
	const char *origin = mf_s3_credentials_origin(c->credentials);

	out->q.key_id = mf_s3_credentials_key_id(c->credentials);
	out->q.secret = mf_s3_credentials_secret(c->credentials);
	if (out->q.key_id == NULL || mf_s3_credentials_token(c->credentials) != NULL) {
		mf_error_set(e, MF_EUNSUPPORTED,
		    "libs3 cannot send the session token of the credentials (%s)", origin);
		return mf_error_hint(e, "s3+v2:// takes an access key and its secret alone");
	}
	if (strlen(out->q.key_id) > MF_LIBS3_KEY_ID_MAX)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "libs3 has no room for the access key id (%s): it takes %d bytes", origin,
		    MF_LIBS3_KEY_ID_MAX);
	if (strlen(out->q.secret) > MF_LIBS3_SECRET_MAX)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "libs3 signs wrongly with the secret key (%s): it takes %d bytes", origin,
		    MF_LIBS3_SECRET_MAX);
	return 0;
}

static int
set_key(const char *key, struct libs3_request *out, struct mf_error *e)
{
	out->q.key = key != NULL ? key : "";
	if (strlen(out->q.key) > MF_S3_KEY_MAX)
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "libs3 takes keys of at most %d bytes", MF_S3_KEY_MAX);
	if (strchr(out->q.key, ' ') != NULL) {
		mf_error_set(e, MF_EUNSUPPORTED,
		    "libs3 cannot say a key with a space in it: \"%.100s\"", out->q.key);
		return mf_error_hint(e, "take a path in the bucket without one");
	}
	return 0;
}

static int
set_query(const struct mf_s3_call *call, struct libs3_request *out, struct mf_error *e)
{
	const struct mf_s3_param *p;
	size_t i;

	for (i = 0; i < call->n_query; i++) {
		p = &call->query[i];
		if (strcmp(p->name, "prefix") == 0)
			out->q.prefix = p->value;
		else if (strcmp(p->name, "marker") == 0)
			out->q.marker = p->value;
		else if (strcmp(p->name, "max-keys") == 0)
			out->q.max_keys = (int)strtol(p->value, NULL, 10);
		else
			return mf_error_set(
			    e, MF_EUNSUPPORTED, "libs3 cannot send the parameter %s", p->name);
	}
	return 0;
}

/* "bytes=0-99" */
static int
set_range(const char *text, struct libs3_request *out)
{
	const char *first = text + strlen("bytes="), *last;
	size_t n;

	if (strncmp(text, "bytes=", strlen("bytes=")) != 0)
		return -1;
	n = strspn(first, DIGITS);
	last = first + n + 1;
	if (n == 0 || n > 19 || first[n] != '-' || last[0] == '\0' ||
	    last[strspn(last, DIGITS)] != '\0')
		return -1;
	out->q.offset = strtoull(first, NULL, 10);
	out->q.count = strtoull(last, NULL, 10) - out->q.offset + 1;
	return 0;
}

static int
set_header(const struct mf_s3_header *h, struct libs3_request *out)
{
	if (out->q.verb == MF_LIBS3_GET && strcasecmp(h->name, "Range") == 0)
		return set_range(h->value, out);
	out->q.if_absent = out->q.verb == MF_LIBS3_PUT &&
			   strcasecmp(h->name, "If-None-Match") == 0 && strcmp(h->value, "*") == 0;
	return out->q.if_absent ? 0 : -1;
}

static int
set_headers(const struct mf_s3_carried *c, struct libs3_request *out, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < c->n_headers; i++)
		if (set_header(&c->headers[i], out) != 0)
			return mf_error_set(e, MF_EUNSUPPORTED, "libs3 cannot send the header %s",
			    c->headers[i].name);
	return 0;
}

static int
set_body(const struct mf_s3_call *call, struct libs3_request *out, struct mf_error *e)
{
	uint8_t digest[MF_MD5_BYTES];
	struct mf_md5 *md5;
	int rc;

	if (!call->has_body)
		return mf_error_set(e, MF_EUNSUPPORTED, "libs3 cannot put without a body");
	if ((md5 = mf_md5_new(e)) == NULL)
		return -1;
	mf_md5_update(md5, call->body, call->body_bytes);
	rc = mf_md5_final(md5, digest, e);
	mf_md5_free(md5);
	if (rc != 0)
		return -1;
	(void)sodium_bin2base64(
	    out->md5, sizeof out->md5, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
	out->q.body = call->body;
	out->q.body_bytes = call->body_bytes;
	out->q.md5 = out->md5;
	return 0;
}

static int
set_verb(const struct mf_s3_call *call, struct libs3_request *out, struct mf_error *e)
{
	static const struct {
		const char *method;
		enum mf_libs3_verb of_object;
	} methods[] = {{"PUT", MF_LIBS3_PUT}, {"GET", MF_LIBS3_GET}, {"HEAD", MF_LIBS3_HEAD},
	    {"DELETE", MF_LIBS3_DELETE}};
	const bool of_bucket = call->key == NULL;
	size_t i;

	for (i = 0; i < 4 && strcmp(methods[i].method, call->method) != 0;)
		i++;
	if (i == 4 || (of_bucket && i != 1 && i != 2) || (call->has_body && i != 0) ||
	    (call->n_query > 0 && !(of_bucket && i == 1)))
		return mf_error_set(e, MF_EUNSUPPORTED, "libs3 cannot send such a %s of %s",
		    call->method, of_bucket ? "a bucket" : "an object");
	out->q.verb = of_bucket && i == 1 ? MF_LIBS3_LIST : methods[i].of_object;
	out->q.repeatable = call->repeatable || i == 1 || i == 2;
	return 0;
}

int
libs3_request_make(const struct mf_libs3 *l, const struct mf_s3_carried *carried,
    struct libs3_request *out, struct mf_error *e)
{
	const struct mf_s3_call *call = carried->call;

	*out = (struct libs3_request){.q = {.key = ""}};
	if (set_verb(call, out, e) != 0 || set_server(l, carried, out, e) != 0 ||
	    set_keys(carried, out, e) != 0 || set_key(call->key, out, e) != 0 ||
	    set_query(call, out, e) != 0 || set_headers(carried, out, e) != 0)
		return -1;
	return out->q.verb == MF_LIBS3_PUT ? set_body(call, out, e) : 0;
}
