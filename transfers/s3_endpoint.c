#include "config.h"

#include "transfers/s3_endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define AMAZON ".amazonaws.com"
#define AMAZON_CHINA ".amazonaws.com.cn"
#define BUCKET_MIN 3
#define LABEL_MAX 63

static bool
is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

static bool
is_alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

bool
mf_s3_bucket_is_valid(const char *bucket)
{
	const size_t n = strlen(bucket);
	size_t i;

	if (n < BUCKET_MIN || n > MF_S3_BUCKET_MAX || !is_alnum(bucket[0]) ||
	    !is_alnum(bucket[n - 1]))
		return false;
	for (i = 0; i < n; i++)
		if (!is_alnum(bucket[i]) && strchr("._-", bucket[i]) == NULL)
			return false;
	return strstr(bucket, "..") == NULL;
}

/* A label of a host's name that Amazon's wildcard certificate covers too. */
static bool
is_label(const char *bucket)
{
	size_t i;

	for (i = 0; bucket[i] != '\0'; i++)
		if (bucket[i] == '.' || bucket[i] == '_' || isupper((unsigned char)bucket[i]))
			return false;
	return i <= LABEL_MAX;
}

static bool
region_is_valid(const char *region)
{
	size_t i;

	for (i = 0; region[i] != '\0'; i++)
		if (!is_alnum(region[i]) && region[i] != '-' && region[i] != '_')
			return false;
	return i > 0 && i < MF_S3_REGION_BYTES;
}

static bool
is_amazon_host(const char *host)
{
	return ends_with(host, AMAZON) || ends_with(host, AMAZON_CHINA);
}

static bool
is_address(const struct mf_url *u)
{
	return u->ipv6 || u->host[strspn(u->host, "0123456789.")] == '\0';
}

/* 0; -1: too long for a host. */
static int
set_authority(struct mf_s3_endpoint *ep, const char *bucket, const char *authority)
{
	const char *dot = ep->virtual_host ? "." : "";
	const int n = snprintf(ep->authority, sizeof ep->authority, "%s%s%s",
	    ep->virtual_host ? bucket : "", dot, authority);

	return n > 0 && (size_t)n < sizeof ep->authority ? 0 : -1;
}

static int
set_amazon(struct mf_s3_endpoint *ep, const char *bucket)
{
	const bool china = strncmp(ep->region, "cn-", 3) == 0;
	char host[128];

	ep->tls = true;
	ep->base[0] = '\0';
	(void)snprintf(host, sizeof host, "s3.%s%s", ep->region, china ? AMAZON_CHINA : AMAZON);
	return set_authority(ep, bucket, host);
}

/* The path of the URL, decoded, without '/' at its end. 0, -1. */
static int
set_base(struct mf_s3_endpoint *ep, const char *path)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc = mf_url_decode(&b, path, strlen(path));

	while (rc == 0 && b.len > 0 && b.data[b.len - 1] == '/')
		b.len--;
	if (rc == 0 && !b.failed && b.len < sizeof ep->base) {
		if (b.len > 0)
			memcpy(ep->base, b.data, b.len);
		ep->base[b.len] = '\0';
	} else {
		rc = -1;
	}
	mf_buf_fini(&b);
	return rc;
}

static int
set_custom(struct mf_s3_endpoint *ep, const struct mf_s3_endpoint_params *p, const struct mf_url *u,
    struct mf_error *e)
{
	char authority[MF_URL_AUTHORITY_BYTES];

	if (u->query != NULL)
		return mf_error_set(e, MF_EUSAGE, "the endpoint URL has a query");
	ep->tls = u->tls;
	ep->virtual_host =
	    p->addressing == MF_S3_VIRTUAL ||
	    (p->addressing == MF_S3_AUTO && is_amazon_host(u->host) && is_label(p->bucket));
	if (ep->virtual_host && is_address(u)) {
		mf_error_set(e, MF_EUSAGE,
		    "the endpoint %s is an address: no bucket's name can "
		    "stand before it",
		    u->host);
		return mf_error_hint(e, "name the endpoint by its host's name, or leave the bucket "
					"in the path: --addressing path");
	}
	if (set_base(ep, u->path) != 0 ||
	    set_authority(ep, p->bucket, mf_url_authority(u, authority)) != 0)
		return mf_error_set(e, MF_EUSAGE, "the endpoint URL is too long");
	return 0;
}

int
mf_s3_endpoint_make(
    struct mf_s3_endpoint *out, const struct mf_s3_endpoint_params *p, struct mf_error *e)
{
	const char *region = is_empty(p->region) ? MF_S3_DEFAULT_REGION : p->region;
	struct mf_url u;
	int rc;

	*out = (struct mf_s3_endpoint){0};
	if (!mf_s3_bucket_is_valid(p->bucket))
		return mf_error_set(e, MF_EUSAGE, "\"%.80s\" is no bucket's name", p->bucket);
	if (!region_is_valid(region))
		return mf_error_set(e, MF_EUSAGE, "\"%.80s\" is no region", region);
	memcpy(out->region, region, strlen(region) + 1);
	if (is_empty(p->url)) {
		out->amazon = true;
		out->virtual_host = p->addressing == MF_S3_VIRTUAL ||
				    (p->addressing == MF_S3_AUTO && is_label(p->bucket));
		if (set_amazon(out, p->bucket) != 0)
			return mf_error_set(e, MF_EUSAGE, "the bucket's name is too long");
		return 0;
	}
	if (mf_url_parse(&u, p->url, e) != 0)
		return mf_error_while(e, "reading the endpoint URL");
	rc = set_custom(out, p, &u, e);
	mf_url_fini(&u);
	return rc;
}

/* Go to that host. The redirection names it with the bucket or without; where it is another
 * host than ours it is taken as it stands. */
static bool
move_to(struct mf_s3_endpoint *ep, const char *bucket, const struct mf_url *u)
{
	struct mf_s3_endpoint next = *ep;
	const size_t n = strlen(bucket);

	if ((ep->tls && !u->tls) || (ep->amazon && !is_amazon_host(u->host)))
		return false;
	next.tls = u->tls;
	next.virtual_host = strncmp(u->host, bucket, n) == 0 && u->host[n] == '.';
	(void)mf_url_authority(u, next.authority);
	if (next.base[0] != '\0' && strncmp(u->path, next.base, strlen(next.base)) != 0)
		next.base[0] = '\0';
	if (next.tls == ep->tls && strcmp(next.authority, ep->authority) == 0)
		return false;
	*ep = next;
	return true;
}

static bool
follow_url(struct mf_s3_endpoint *ep, const char *bucket, const char *text)
{
	struct mf_url u;
	bool moved;

	if (mf_url_parse(&u, text, NULL) != 0)
		return false;
	moved = move_to(ep, bucket, &u);
	mf_url_fini(&u);
	return moved;
}

static bool
follow_host(struct mf_s3_endpoint *ep, const char *bucket, const char *host)
{
	char text[512];

	if (strlen(host) > sizeof text - 16)
		return false;
	(void)snprintf(text, sizeof text, "%s://%s/", ep->tls ? "https" : "http", host);
	return follow_url(ep, bucket, text);
}

bool
mf_s3_endpoint_follow(struct mf_s3_endpoint *ep, const char *bucket, const struct mf_s3_redirect *r)
{
	bool moved = false;

	if (!is_empty(r->region) && region_is_valid(r->region) &&
	    strcmp(r->region, ep->region) != 0) {
		memcpy(ep->region, r->region, strlen(r->region) + 1);
		if (ep->amazon)
			return set_amazon(ep, bucket) == 0;
		moved = true;
	}
	if (!is_empty(r->location) && follow_url(ep, bucket, r->location))
		return true;
	return (!is_empty(r->host) && follow_host(ep, bucket, r->host)) || moved;
}

void
mf_s3_endpoint_path(
    const struct mf_s3_endpoint *ep, const char *bucket, const char *key, struct mf_buf *out)
{
	mf_buf_printf(out, "%s", ep->base);
	if (!ep->virtual_host)
		mf_buf_printf(out, "/%s", bucket);
	if (key != NULL || ep->virtual_host)
		mf_buf_put(out, "/", 1);
	if (key != NULL)
		mf_buf_put(out, key, strlen(key));
}

void
mf_s3_endpoint_url(const struct mf_s3_endpoint *ep, const char *path,
    const struct mf_s3_param *query, size_t n_query, struct mf_buf *out)
{
	mf_buf_printf(out, "%s://%s", ep->tls ? "https" : "http", ep->authority);
	mf_s3_uri_encode(out, path, strlen(path), true);
	if (n_query == 0)
		return;
	mf_buf_put(out, "?", 1);
	mf_s3_uri_query(out, query, n_query);
}
