#include "config.h"

#include "transfers/s3_fetch_http.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct mf_s3_fetcher {
	struct mf_http *http;
	struct mf_waiting waiting;
	pthread_mutex_t lock;   /* of direct, which stays once it is there */
	struct mf_http *direct; /* NULL: not needed yet */
};

struct mf_s3_fetcher *
mf_s3_fetcher_new(struct mf_http *http, const struct mf_waiting *waiting, struct mf_error *e)
{
	struct mf_s3_fetcher *f = calloc(1, sizeof *f);

	if (f == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	f->http = http;
	f->waiting = *waiting;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void
mf_s3_fetcher_free(struct mf_s3_fetcher *f)
{
	if (f == NULL)
		return;
	mf_http_close(f->direct);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* The engine for an address that is this machine's, made when it is first needed. */
static struct mf_http *
direct_engine(struct mf_s3_fetcher *f, struct mf_error *e)
{
	const struct mf_http_params params = {.allow_http = true, .connections = 2};
	struct mf_http *http, *mine = NULL;

	pthread_mutex_lock(&f->lock);
	http = f->direct;
	pthread_mutex_unlock(&f->lock);
	if (http != NULL || (mine = mf_http_open(&params, e)) == NULL)
		return http;
	pthread_mutex_lock(&f->lock);
	if (f->direct == NULL) {
		f->direct = mine;
		mine = NULL;
	}
	http = f->direct;
	pthread_mutex_unlock(&f->lock);
	mf_http_close(mine);
	return http;
}

/* Where the body of an answer goes. It is a secret: the buffer must not move. */
struct answer {
	struct mf_buf *out;
	size_t left;
};

static int
take(void *arg, const struct mf_http_response *response, const void *bytes, size_t n,
    struct mf_error *e)
{
	struct answer *a = arg;

	(void)response;
	if (n > a->left)
		return mf_error_set(e, MF_ETRANSFER, "the answer is too long");
	mf_buf_put(a->out, bytes, n);
	a->left -= n;
	return 0;
}

static bool
is_cancelled(void *arg)
{
	const struct mf_s3_fetcher *f = arg;

	return mf_waiting_cancelled(&f->waiting);
}

static int
check_expected(const struct mf_s3_fetch_request *r, const struct mf_http_response *response,
    struct mf_error *e)
{
	const char *value;

	if (r->expect.name == NULL)
		return 0;
	value = mf_http_response_header(response, r->expect.name);
	if (value != NULL && strcmp(value, r->expect.value) == 0)
		return 0;
	return mf_error_set(e, MF_EPERM,
	    "the answer lacks the header %s: %s, so that it comes from "
	    "somebody else",
	    r->expect.name, r->expect.value);
}

static int
fetch(void *arg, const struct mf_s3_fetch_request *r, int *http_status, struct mf_buf *answer,
    struct mf_error *e)
{
	struct mf_s3_fetcher *f = arg;
	struct mf_http *http = r->direct ? direct_engine(f, e) : f->http;
	struct mf_http_response response = MF_HTTP_RESPONSE_INIT;
	struct mf_http_header headers[MF_S3_HEADERS_MAX];
	struct answer a = {.out = answer, .left = r->max_bytes};
	const struct mf_http_request q = {
	    .method = r->method,
	    .url = r->url,
	    .headers = headers,
	    .n_headers = r->n_headers,
	    .body = r->body,
	    .body_bytes = r->body_len,
	    .has_body = strcmp(r->method, "GET") != 0,
	    .sink = take,
	    .sink_arg = &a,
	    .hide_path = r->hide_path,
	    .patience = {.connect_us = r->timeout_us, .total_us = r->timeout_us},
	    .interrupted = is_cancelled,
	    .interrupted_arg = f,
	};
	size_t i;
	int rc;

	if (http == NULL)
		return -1;
	if (r->n_headers > MF_S3_HEADERS_MAX)
		return mf_error_set(e, MF_EUSAGE, "too many headers for a request");
	for (i = 0; i < r->n_headers; i++)
		headers[i] = (struct mf_http_header){r->headers[i].name, r->headers[i].value};
	rc = mf_http_perform(http, &q, &response, e);
	*http_status = response.status;
	if (rc == 0)
		rc = check_expected(r, &response, e);
	/* What is no 2xx came here: an error's text. */
	if (rc == 0 && answer->len == 0 && response.body.len <= r->max_bytes)
		mf_buf_put(answer, response.body.data, response.body.len);
	if (rc == 0 && answer->failed)
		rc = mf_error_nomem(e, "credentials");
	if (response.body.data != NULL)
		explicit_bzero(response.body.data, response.body.len);
	mf_http_response_fini(&response);
	return rc;
}

struct mf_s3_fetch
mf_s3_fetcher_fetch(struct mf_s3_fetcher *f)
{
	return (struct mf_s3_fetch){.fetch = fetch, .arg = f};
}
