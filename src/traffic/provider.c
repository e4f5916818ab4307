#include "config.h"

#include "src/traffic/provider.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "src/base/text.h"
#include "src/net/url.h"
#include "src/traffic/provider_int.h"

#define LINE_BYTES 512u

static const struct {
	const char *name;
	const struct mf_metric_provider_ops *ops;
} types[MF_PROVIDER_TYPES] = {
    [MF_PROVIDER_PROMETHEUS] = {"prometheus", &mf_metric_prometheus_ops},
    [MF_PROVIDER_GRAPHITE] = {"graphite", &mf_metric_graphite_ops},
    [MF_PROVIDER_INFLUXDB] = {"influxdb", &mf_metric_influxdb_ops},
    [MF_PROVIDER_EXTERNAL_METRICS] = {"externalmetrics", &mf_metric_external_ops},
    [MF_PROVIDER_WEB] = {"web", &mf_metric_web_ops},
    [MF_PROVIDER_COMMAND] = {"command", &mf_metric_command_ops},
    [MF_PROVIDER_DRIFT] = {"drift", &mf_metric_drift_ops},
    [MF_PROVIDER_JOB] = {"job", NULL},
};

int
mf_metric_open(enum mf_provider_type type, const struct mf_metric_params *params,
    struct mf_metric_provider **out, struct mf_error *e)
{
	struct mf_metric_source *s;

	*out = NULL;
	if (types[type].ops == NULL)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "a metric of provider %s needs a cluster to run in", types[type].name);
	if ((s = calloc(1, sizeof *s)) == NULL)
		return mf_error_nomem(e, "a provider of metrics");
	s->provider.ops = types[type].ops;
	s->params = *params;
	if (params->dialer_params != NULL)
		s->dialer_params = *params->dialer_params;
	*out = &s->provider;
	return 0;
}

void
mf_metric_close(struct mf_metric_provider *p)
{
	struct mf_metric_source *s = mf_metric_source_of(p);
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n_dialers; i++) {
		mf_dialer_close(s->dialers[i].dialer);
		free(s->dialers[i].ca_file);
	}
	free(s);
}

/* A dialer that trusts what the query says. */
static struct mf_dialer *
dialer_for(struct mf_metric_source *s, const struct mf_metric_query *q, struct mf_error *e)
{
	struct mf_dialer_params p = s->dialer_params;
	struct mf_dialer *dialer;
	size_t i;

	if (q->ca_file == NULL)
		return s->params.dialer;
	for (i = 0; i < s->n_dialers; i++)
		if (strcmp(s->dialers[i].ca_file, q->ca_file) == 0)
			return s->dialers[i].dialer;
	if (s->params.dialer_params == NULL || s->n_dialers == MF_METRIC_DIALERS_MAX) {
		mf_error_set(
		    e, MF_EUNSUPPORTED, "the certificates of %s cannot be used here", q->ca_file);
		return NULL;
	}
	p.ca_file = q->ca_file;
	if ((dialer = mf_dialer_open(&p, e)) == NULL)
		return NULL;
	if ((s->dialers[s->n_dialers].ca_file = strdup(q->ca_file)) == NULL) {
		mf_dialer_close(dialer);
		mf_error_nomem(e, "a provider of metrics");
		return NULL;
	}
	s->dialers[s->n_dialers++].dialer = dialer;
	return dialer;
}

/* Append DIR/NAME/KEY. 1: that file is there; 0: it is not; -1. */
static int
put_secret_path(const struct mf_metric_source *s, const char *name, const char *key,
    struct mf_buf *out, struct mf_error *e)
{
	if (s->params.secrets_dir == NULL) {
		mf_error_set(e, MF_EUNSUPPORTED, "the secret %s cannot be read", name);
		return mf_error_hint(e, "say where they are mounted with --secrets-dir, or name files in auth");
	}
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is no name of a secret", name);
	mf_buf_printf(out, "%s/%s/%s", s->params.secrets_dir, name, key);
	if (mf_buf_cstr(out) == NULL)
		return mf_error_nomem(e, "a path");
	return access(mf_buf_cstr(out), F_OK) == 0 ? 1 : 0;
}

int
mf_metric_secret_line(const struct mf_metric_source *s, const struct mf_metric_query *q,
    const char *key, struct mf_buf *out, struct mf_error *e)
{
	struct mf_buf path = MF_BUF_INIT;
	struct mf_secret *text = NULL;
	size_t n = 0;
	int rc = 0;

	if (q->auth.secret_name != NULL)
		rc = put_secret_path(s, q->auth.secret_name, key, &path, e);
	if (rc == 1) {
		text = mf_secret_read_file(mf_buf_cstr(&path), LINE_BYTES, key, e);
		rc = text != NULL ? 1 : -1;
	}
	if (text != NULL) {
		while (n < mf_secret_len(text) && mf_secret_view(text)[n] > ' ')
			n++;
		mf_buf_put(out, mf_secret_view(text), n);
	}
	mf_secret_free(text);
	mf_buf_fini(&path);
	return rc;
}

struct paths {
	struct mf_buf token, user, password;
};

/* Where the query names a Secret: the files of it. */
static int
find_secret(const struct mf_metric_source *s, struct mf_metric_auth *auth, struct paths *paths,
    struct mf_error *e)
{
	const char *name = auth->secret_name;
	int token, user, password;

	if (name == NULL)
		return 0;
	if ((token = put_secret_path(s, name, "token", &paths->token, e)) < 0 ||
	    (user = put_secret_path(s, name, "username", &paths->user, e)) < 0 ||
	    (password = put_secret_path(s, name, "password", &paths->password, e)) < 0)
		return -1;
	*auth = (struct mf_metric_auth){.secret_name = NULL};
	if (token == 1)
		auth->bearer_file = mf_buf_cstr(&paths->token);
	else if (user == 1 && password == 1) {
		auth->user_file = mf_buf_cstr(&paths->user);
		auth->password_file = mf_buf_cstr(&paths->password);
	} else
		return mf_error_set(e, MF_EUSAGE,
		    "the secret %s has neither a token nor a username and password", name);
	return 0;
}

/* The query's headers, and one more: a content type takes the place of ours, and credentials in
 * files that of an Authorization header. */
static size_t
put_headers(struct mf_pair *out, const struct mf_metric_query *q, const struct mf_metric_call *call,
    bool has_auth, const char **content_type)
{
	size_t i, n = 0;

	for (i = 0; i < q->n_headers; i++)
		if (strcasecmp(q->headers[i].name, "Content-Type") == 0)
			*content_type = q->headers[i].value;
		else if (!has_auth || strcasecmp(q->headers[i].name, "Authorization") != 0)
			out[n++] = q->headers[i];
	if (call->header.name != NULL)
		out[n++] = call->header;
	return n;
}

static int
dial(struct mf_metric_source *s, const struct mf_metric_query *q, const struct mf_metric_call *call,
    const struct mf_metric_auth *auth, struct mf_dial_answer *answer, struct mf_error *e)
{
	struct mf_dialer *dialer = dialer_for(s, q, e);
	const bool has_auth = auth->bearer_file != NULL || auth->user_file != NULL;
	const char *content_type = call->content_type;
	struct mf_pair *headers;
	size_t n;

	if (dialer == NULL)
		return -1;
	if ((headers = calloc(q->n_headers + 1, sizeof *headers)) == NULL)
		return mf_error_nomem(e, "a request");
	n = put_headers(headers, q, call, has_auth, &content_type);
	mf_dial(dialer,
	    &(struct mf_dial_call){.method = call->method,
		.url = call->url,
		.auth = auth,
		.scheme = call->scheme,
		.headers = headers,
		.n_headers = n,
		.content_type = content_type,
		.body = call->body,
		.body_bytes = call->body_bytes,
		.timeout_us = *call->left_us,
		.unverified = q->insecure,
		.max_answer_bytes = MF_METRIC_ANSWER_BYTES},
	    answer);
	free(headers);
	*call->left_us -= answer->took_us < *call->left_us ? answer->took_us : *call->left_us;
	return 0;
}

int
mf_metric_fetch(struct mf_metric_source *s, const struct mf_metric_query *q,
    const struct mf_metric_call *call, struct mf_dial_answer *answer, struct mf_error *e)
{
	struct paths paths = {.token = MF_BUF_INIT, .user = MF_BUF_INIT, .password = MF_BUF_INIT};
	struct mf_metric_auth auth = q->auth;
	int rc = -1;

	if (*call->left_us == 0)
		return mf_error_set(e, MF_ETRANSFER, "no time is left to ask");
	if (find_secret(s, &auth, &paths, e) == 0)
		rc = dial(s, q, call, &auth, answer, e);
	mf_buf_fini(&paths.token);
	mf_buf_fini(&paths.user);
	mf_buf_fini(&paths.password);
	if (rc != 0 || answer->status != 0)
		return rc;
	return mf_error_set(e,
	    answer->cancelled       ? MF_EINTERRUPTED
	    : answer->code != MF_OK ? answer->code
				    : MF_ETRANSFER,
	    "%s", answer->why);
}

int
mf_metric_refused(const struct mf_dial_answer *answer, struct mf_error *e)
{
	const int status = answer->status;
	enum mf_code code = MF_EUSAGE; /* it is asked for what is not there, or wrongly */

	if (status == 401 || status == 403 || status == 407)
		code = MF_EPERM;
	else if (status < 400 || status >= 500 || status == 408 || status == 429)
		code = MF_ETRANSFER;
	(void)mf_error_set(e, code, "the server %s",
	    *answer->why != '\0' ? answer->why : "answered without a body");
	if (e != NULL)
		e->http_status = status;
	return -1;
}

int
mf_metric_fetch_ok(struct mf_metric_source *s, const struct mf_metric_query *q,
    const struct mf_metric_call *call, struct mf_dial_answer *answer, struct mf_error *e)
{
	if (mf_metric_fetch(s, q, call, answer, e) != 0)
		return -1;
	if (answer->status >= 200 && answer->status < 300)
		return 0;
	return mf_metric_refused(answer, e);
}

uint64_t
mf_metric_timeout_us(const struct mf_metric_query *q)
{
	return q->timeout_us != 0 ? q->timeout_us : MF_METRIC_TIMEOUT_US;
}

bool
mf_metric_address(const struct mf_metric_query *q, size_t i, struct mf_buf *out)
{
	const char *at = q->address != NULL ? q->address : "";
	size_t n;

	for (;; i--) {
		at += strspn(at, " \t\r\n");
		n = strcspn(at, " \t\r\n");
		if (n == 0)
			return false;
		if (i == 0)
			break;
		at += n;
	}
	mf_buf_put(out, at, n);
	return true;
}

void
mf_metric_put_url(struct mf_buf *out, const char *base, const char *path)
{
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	mf_buf_put(out, base, n);
	mf_buf_put(out, path, strlen(path));
}

struct mf_region *
mf_metric_region(struct mf_error *e)
{
	static const struct mf_region_params params = {.plain_bytes = (size_t)128 << 20,
	    .what = "the answer of a provider of metrics",
	    .reserve_bytes = (size_t)1 << 28};
	struct mf_region *r;

	return mf_region_new(&params, &r, e) == 0 ? r : NULL;
}

static int
check_urls(const struct mf_metric_query *q, bool allow_http, struct mf_error *e)
{
	struct mf_buf url = MF_BUF_INIT;
	struct mf_dial_call call = {.auth = NULL};
	int rc = 0;
	size_t i;

	for (i = 0; rc == 0; i++) {
		mf_buf_clear(&url);
		if (!mf_metric_address(q, i, &url))
			break;
		call.url = mf_buf_cstr(&url);
		rc = call.url != NULL ? mf_dial_check(&call, allow_http, e)
				      : mf_error_nomem(e, "a URL");
	}
	mf_buf_fini(&url);
	if (rc == 0 && i == 0)
		return mf_error_set(
		    e, MF_EUSAGE, "provider %s needs the address of a server", types[q->type].name);
	return rc;
}

static bool
needs_address(const struct mf_metric_query *q)
{
	return q->type != MF_PROVIDER_COMMAND && q->type != MF_PROVIDER_JOB &&
	       !(q->type == MF_PROVIDER_DRIFT && q->drift.current_is_file &&
		   q->drift.reference_is_file);
}

int
mf_metric_check(const struct mf_metric_query *q, bool allow_http, struct mf_error *e)
{
	const bool asks = q->type != MF_PROVIDER_COMMAND && q->type != MF_PROVIDER_WEB &&
			  q->type != MF_PROVIDER_DRIFT && q->type != MF_PROVIDER_JOB;

	if (asks && (q->query == NULL || *q->query == '\0'))
		return mf_error_set(e, MF_EUSAGE, "provider %s needs a query", types[q->type].name);
	if (q->type == MF_PROVIDER_COMMAND && (q->argv == NULL || q->argv[0] == NULL))
		return mf_error_set(e, MF_EUSAGE, "provider command needs a program");
	if (q->type == MF_PROVIDER_DRIFT &&
	    (q->drift.current == NULL || q->drift.reference == NULL))
		return mf_error_set(
		    e, MF_EUSAGE, "provider drift needs a current and a reference distribution");
	if (q->min_samples > 0 && q->count_query == NULL && q->type != MF_PROVIDER_DRIFT)
		return mf_error_set(e, MF_EUSAGE,
		    "minSamples needs a query that counts: how many samples are behind a value is "
		    "not known");
	return needs_address(q) ? check_urls(q, allow_http, e) : 0;
}
