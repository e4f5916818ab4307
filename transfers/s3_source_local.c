/* Credentials from the machine or the container that this runs in. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/s3_source_int.h"

#define CONTAINER_TIMEOUT_US 5000000u
#define INSTANCE_TIMEOUT_US 1000000u
#define INSTANCE_ATTEMPTS 2
#define ROLE_BYTES 129
#define URL_BYTES 512

/* A container. */

struct container {
	struct mf_s3_source source;
	struct mf_s3_fetch fetch;
	char *url; /* its path may be a secret of sorts: not for messages or logs */
	struct mf_secret *authorization; /* with its NUL; or NULL */
	char *authorization_path;        /* or NULL */
};

static int
container_fetch(struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	static const char who[] = "the container's endpoint";
	const struct container *c = (const struct container *)s;
	struct mf_s3_header header = {.name = "Authorization"};
	struct mf_s3_fetch_request r = {.method = "GET",
	    .url = c->url,
	    .headers = &header,
	    .timeout_us = CONTAINER_TIMEOUT_US,
	    .hide_path = true};
	struct mf_secret *line = NULL;
	struct mf_buf answer = MF_BUF_INIT;
	int http_status, rc = -1;

	(void)now_unix_s;
	if (c->authorization_path != NULL &&
	    (line = mf_s3_read_line(c->authorization_path, MF_S3_TOKEN_MAX,
		 "container authorization file", e)) == NULL)
		return -1;
	if (line != NULL || c->authorization != NULL) {
		header.value = (const char *)mf_secret_view(line != NULL ? line : c->authorization);
		r.n_headers = 1;
	}
	if (mf_s3_ask(&c->fetch, r, true, who, &http_status, &answer, e) != 0)
		goto out;
	if (http_status != 200)
		rc = mf_s3_ask_failed(who, http_status, e);
	else
		rc = (*out = mf_s3_json_credentials(&answer, who, e)) != NULL ? 0 : -1;
out:
	mf_s3_wipe(&answer);
	mf_secret_free(line);
	return rc;
}

static void
container_free(struct mf_s3_source *s)
{
	struct container *c = (struct container *)s;

	free(c->url);
	free(c->authorization_path);
	mf_secret_free(c->authorization);
	free(c);
}

/* A line end in it would end the header that it becomes. */
static int
check_authorization(const char *text, struct mf_error *e)
{
	if (text == NULL || strpbrk(text, "\r\n") == NULL)
		return 0;
	return mf_error_set(e, MF_EUSAGE, "the container's authorization has a line end in it");
}

struct mf_s3_source *
mf_s3_source_container(const char *url, const char *authorization, const char *authorization_path,
    const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	static const char *const hosts[] = {
	    "169.254.170.2", "169.254.170.23", "fd00:ec2::23", NULL};
	struct container *c;

	if (mf_s3_check_url(url, hosts, "the container's URL for credentials", e) != 0 ||
	    check_authorization(authorization, e) != 0)
		return NULL;
	if ((c = calloc(1, sizeof *c)) == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	c->source = (struct mf_s3_source){container_fetch, container_free};
	c->fetch = *fetch;
	if ((c->url = strdup(url)) == NULL ||
	    (authorization_path != NULL &&
		(c->authorization_path = strdup(authorization_path)) == NULL) ||
	    (authorization != NULL && (c->authorization = mf_secret_of(authorization,
					   strlen(authorization) + 1, NULL)) == NULL)) {
		mf_error_nomem(e, "credentials");
		container_free(&c->source);
		return NULL;
	}
	return &c->source;
}

/* An instance of EC2. */

struct instance {
	struct mf_s3_source source;
	struct mf_s3_fetch fetch;
	char *url; /* without a slash at its end */
	uint64_t timeout_us;
	unsigned attempts;
	bool reached; /* once */
};

static const char service[] = "the instance metadata service";

/* It was asked since nothing else is set up: most likely that was forgotten. */
static int
hint_others(struct mf_error *e)
{
	if (e == NULL || e->code != MF_EPERM)
		return -1;
	return mf_error_hint(e,
	    "it was asked since no credentials are set: set AWS_ACCESS_KEY_ID and "
	    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
}

/* Nobody has ever answered: most likely there is nobody. */
static int
nobody(const struct instance *i, struct mf_error *e)
{
	struct mf_error why;

	if (i->reached || e == NULL || e->code != MF_ETRANSFER)
		return -1;
	why = *e;
	mf_error_set(e, MF_EPERM, "no credentials: none are set, and no instance metadata service "
	    "answers at %s: %s", i->url, why.message);
	return mf_error_hint(e, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
}

static int
get_token(struct instance *i, struct mf_buf *token, struct mf_error *e)
{
	static const struct mf_s3_header ttl = {"x-aws-ec2-metadata-token-ttl-seconds", "300"};
	struct mf_s3_fetch_request r = {
	    .method = "PUT", .headers = &ttl, .n_headers = 1, .timeout_us = i->timeout_us};
	char url[URL_BYTES];
	unsigned attempt;
	int http_status;

	(void)snprintf(url, sizeof url, "%s/latest/api/token", i->url);
	r.url = url;
	for (attempt = 1; mf_s3_ask(&i->fetch, r, true, service, &http_status, token, e) != 0;
	     attempt++) {
		token->len = 0;
		if (attempt >= i->attempts)
			return nobody(i, e);
	}
	i->reached = true;
	if (http_status != 200) {
		(void)mf_s3_ask_failed(service, http_status, e);
		return hint_others(e);
	}
	if (token->len == 0 || strpbrk((const char *)token->data, "\r\n") != NULL)
		return mf_error_set(e, MF_ETRANSFER, "%s gives no token", service);
	return 0;
}

/* GET .../iam/security-credentials/NAME. */
static int
get(const struct instance *i, const struct mf_buf *token, const char *name, int *http_status,
    struct mf_buf *answer, struct mf_error *e)
{
	const struct mf_s3_header header = {"x-aws-ec2-metadata-token", (const char *)token->data};
	struct mf_s3_fetch_request r = {
	    .method = "GET", .headers = &header, .n_headers = 1, .timeout_us = i->timeout_us};
	char url[URL_BYTES];

	(void)snprintf(url, sizeof url, "%s/latest/meta-data/iam/security-credentials/%s", i->url,
	    name);
	r.url = url;
	return mf_s3_ask(&i->fetch, r, true, service, http_status, answer, e);
}

/* The role of this instance: the first line of the answer, of characters that IAM allows. */
static int
get_role(const struct instance *i, const struct mf_buf *token, char role[ROLE_BYTES],
    struct mf_error *e)
{
	struct mf_buf answer = MF_BUF_INIT;
	int http_status, rc = -1;
	const char *text;
	size_t n;

	if (get(i, token, "", &http_status, &answer, e) != 0)
		goto out;
	if (http_status == 404) {
		mf_error_set(e, MF_EPERM, "no credentials: this instance has no role");
		hint_others(e);
		goto out;
	}
	if (http_status != 200) {
		mf_s3_ask_failed(service, http_status, e);
		hint_others(e);
		goto out;
	}
	text = (const char *)answer.data;
	n = strcspn(text, "\r\n");
	if (n == 0 || n >= ROLE_BYTES ||
	    n != strspn(text, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-")) {
		mf_error_set(e, MF_ETRANSFER, "%s names no role", service);
		goto out;
	}
	memcpy(role, text, n);
	role[n] = '\0';
	rc = 0;
out:
	mf_s3_wipe(&answer);
	return rc;
}

static int
instance_fetch(struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	struct instance *i = (struct instance *)s;
	struct mf_buf token = MF_BUF_INIT, answer = MF_BUF_INIT;
	char role[ROLE_BYTES], origin[sizeof service + ROLE_BYTES + 16];
	struct mf_error own;
	int http_status, rc = -1;

	(void)now_unix_s;
	if (e == NULL)
		e = &own;
	if (get_token(i, &token, e) != 0 || get_role(i, &token, role, e) != 0 ||
	    get(i, &token, role, &http_status, &answer, e) != 0)
		goto out;
	(void)snprintf(origin, sizeof origin, "%s, role %s", service, role);
	if (http_status != 200)
		rc = mf_s3_ask_failed(service, http_status, e);
	else
		rc = (*out = mf_s3_json_credentials(&answer, origin, e)) != NULL ? 0 : -1;
out:
	mf_s3_wipe(&token);
	mf_s3_wipe(&answer);
	return rc;
}

static void
instance_free(struct mf_s3_source *s)
{
	struct instance *i = (struct instance *)s;

	free(i->url);
	free(i);
}

struct mf_s3_source *
mf_s3_source_instance(const char *url, uint64_t timeout_us, unsigned attempts,
    const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	static const char *const hosts[] = {"169.254.169.254", "fd00:ec2::254", NULL};
	struct instance *i;
	size_t n;

	if (url == NULL)
		url = MF_S3_INSTANCE_URL;
	if (mf_s3_check_url(url, hosts, "the endpoint of instance metadata", e) != 0)
		return NULL;
	n = strlen(url);
	if (n + ROLE_BYTES + 64 > URL_BYTES) {
		mf_error_set(e, MF_EUSAGE, "the endpoint of instance metadata is too long");
		return NULL;
	}
	if ((i = calloc(1, sizeof *i)) == NULL || (i->url = strdup(url)) == NULL) {
		free(i);
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	if (i->url[n - 1] == '/')
		i->url[n - 1] = '\0';
	i->source = (struct mf_s3_source){instance_fetch, instance_free};
	i->fetch = *fetch;
	i->timeout_us = timeout_us > 0 ? timeout_us : INSTANCE_TIMEOUT_US;
	i->attempts = attempts > 0 ? attempts : INSTANCE_ATTEMPTS;
	return &i->source;
}
