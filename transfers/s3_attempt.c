/* One attempt of a call: credentials, URL, signature, the engine, and reading a refusal. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "transfers/s3_client_int.h"
#include "transfers/s3_source_int.h"

#define OBJECT_TEXT_BYTES 400
#define CLEANING_US 15000000
#define DROPPED_MAX ((size_t)1 << 20) /* of an answer that nobody wants; a listing's is less */

int64_t
mf_s3_attempt_now(const struct mf_s3_attempt *a)
{
	return a->client->unix_us(a->client->waiting.arg) / 1000000 + a->skew_s;
}

/* "s3://bucket/key" */
static const char *
object_text(const struct mf_s3_attempt *a, char out[OBJECT_TEXT_BYTES])
{
	(void)snprintf(out, OBJECT_TEXT_BYTES, "%s://%s%s%s", a->client->dialect->scheme,
	    a->client->bucket, a->call->key != NULL ? "/" : "",
	    a->call->key != NULL ? a->call->key : "");
	return out;
}

/* A bearer token instead of a signature (RFC 6750, section 2.1). */
static int
add_token(const struct mf_s3_attempt *a, struct mf_http_signing *s, struct mf_error *e)
{
	const char *token = mf_s3_credentials_token(a->credentials);
	struct mf_buf text = MF_BUF_INIT;
	int rc;

	if (mf_buf_reserve(&text, strlen(token) + sizeof "Bearer ") == 0)
		mf_buf_printf(&text, "Bearer %s", token);
	rc = mf_buf_cstr(&text) != NULL
		 ? mf_http_headers_add(s->headers, "Authorization", mf_buf_cstr(&text), e)
		 : mf_error_nomem(e, "a request");
	mf_s3_wipe(&text);
	return rc;
}

static enum mf_s3_payload
payload_of(const struct mf_s3_attempt *a)
{
	if (!a->call->has_body)
		return MF_S3_NO_PAYLOAD;
	return a->client->unsigned_bodies ? MF_S3_UNSIGNED_PAYLOAD : MF_S3_HASHED_PAYLOAD;
}

/* The engine's callback: on this thread, when all is ready to be sent. */
static int
sign(void *arg, struct mf_http_signing *s, struct mf_error *e)
{
	struct mf_s3_attempt *a = arg;
	const struct mf_s3_call *call = a->call;
	const struct mf_s3_request r = {
	    .dialect = a->client->dialect,
	    .credentials = a->credentials,
	    .region = a->endpoint.region,
	    .now_unix_s = mf_s3_attempt_now(a),
	    .method = s->method,
	    .host = s->authority,
	    .path = a->path,
	    .query = call->query,
	    .n_query = call->n_query,
	    .headers = a->headers,
	    .n_headers = a->n_headers,
	    .payload = payload_of(a),
	    .payload_sha256 = a->sha256,
	};
	size_t i;

	if (mf_s3_credentials_key_id(a->credentials) == NULL)
		return add_token(a, s, e);
	/* the endpoint had TLS at first, and no redirection leads away from it */
	if (r.payload == MF_S3_UNSIGNED_PAYLOAD && !a->endpoint.tls)
		return mf_error_set(e, MF_EPERM, "a body is not sent unsigned without TLS");
	mf_s3_signed_fini(&a->signature);
	if (mf_s3_sign(&r, &a->signature, e) != 0)
		return -1;
	for (i = 0; i < a->signature.n_added; i++)
		if (mf_http_headers_add(s->headers, a->signature.added[i].name,
			a->signature.added[i].value, e) != 0)
			return -1;
	s->target = a->signature.target;
	return 0;
}

static bool
is_cancelled(void *arg)
{
	const struct mf_s3_client *c = arg;

	return mf_waiting_cancelled(&c->waiting);
}

static bool
changes_nothing(const struct mf_s3_call *call)
{
	return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
}

static int
collect_headers(struct mf_s3_attempt *a, struct mf_error *e)
{
	const struct mf_s3_client *c = a->client;
	const struct mf_s3_call *call = a->call;

	if (call->n_headers + 2 > MF_S3_HEADERS_MAX)
		return mf_error_set(e, MF_EUSAGE, "too many headers for a request");
	for (a->n_headers = 0; a->n_headers < call->n_headers; a->n_headers++)
		a->headers[a->n_headers] = call->headers[a->n_headers];
	if (c->header_name != NULL)
		a->headers[a->n_headers++] = (struct mf_s3_header){c->header_name, c->header_value};
	if (a->sum_name != NULL)
		a->headers[a->n_headers++] = (struct mf_s3_header){a->sum_name, a->sum};
	return 0;
}

static int
carry(struct mf_s3_attempt *a, struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_s3_call *call = a->call;
	const struct mf_s3_carrier *carrier = &a->client->carrier;
	struct mf_s3_carried q = {
	    .call = call,
	    .endpoint = &a->endpoint,
	    .bucket = a->client->bucket,
	    .credentials = a->credentials,
	    .headers = a->headers,
	    .n_headers = a->n_headers,
	};

	if (call->although_cancelled) {
		q.patience.total_us = CLEANING_US;
	} else {
		q.interrupted = is_cancelled;
		q.interrupted_arg = a->client;
	}
	return carrier->perform(carrier->arg, &q, r, e);
}

static int
perform(struct mf_s3_attempt *a, const char *url, struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_s3_call *call = a->call;
	struct mf_http_header headers[MF_S3_HEADERS_MAX];
	struct mf_http_request q = {
	    .method = call->method,
	    .url = url,
	    .headers = headers,
	    .n_headers = a->n_headers,
	    .body = call->body,
	    .body_bytes = call->body_bytes,
	    .has_body = call->has_body,
	    .sign = sign,
	    .sign_arg = a,
	    .sink = call->sink,
	    .sink_arg = call->sink_arg,
	    .window_bytes = call->window_bytes,
	    .piece_bytes = call->piece_bytes,
	    .place = call->place,
	    .max_body_bytes = call->max_body_bytes,
	    .repeatable = call->repeatable,
	    .interrupted = is_cancelled,
	    .interrupted_arg = a->client,
	};
	size_t i;

	if (a->client->carrier.perform != NULL)
		return carry(a, r, e);
	if (call->although_cancelled) {
		q.interrupted = NULL;
		q.patience.total_us = CLEANING_US;
	}

	for (i = 0; i < a->n_headers; i++)
		headers[i] = (struct mf_http_header){a->headers[i].name, a->headers[i].value};
	return mf_http_perform(a->client->http, &q, r, e);
}

static void
note_date(struct mf_s3_client *c, const struct mf_http_response *r)
{
	const uint64_t now_us = mf_waiting_now_us(&c->waiting);

	if (r->date_unix_s < 0)
		return;
	pthread_mutex_lock(&c->lock);
	c->date_unix_s = r->date_unix_s;
	c->date_at_us = now_us;
	pthread_mutex_unlock(&c->lock);
}

/* No answer came. Of what changes something and was on its way the outcome is unknown, so that
 * it must not be called interrupted. */
static int
engine_failed(const struct mf_s3_attempt *a, const struct mf_http_response *r, struct mf_error *e)
{
	char text[OBJECT_TEXT_BYTES];

	if (e->code == MF_EINTERRUPTED && r->maybe_sent && !changes_nothing(a->call))
		e->code = MF_ETRANSFER;
	return mf_error_while(e, "%s %s", a->call->doing, object_text(a, text));
}

static size_t
skip_space(const struct mf_buf *b, size_t at)
{
	while (at < b->len && memchr(" \t\r\n", b->data[at], 4) != NULL)
		at++;
	return at;
}

/* Where the answer's document begins, behind white space and an XML declaration: some requests are
 * answered before the work is done, with white space until then. The end: there is none. */
static size_t
document_at(const struct mf_http_response *r)
{
	size_t at = skip_space(&r->body, 0);
	const uint8_t *end;

	if (r->body.len - at > 2 && memcmp(r->body.data + at, "<?", 2) == 0) {
		end = memmem(r->body.data + at, r->body.len - at, "?>", 2);
		if (end == NULL)
			return r->body.len;
		at = skip_space(&r->body, (size_t)(end - r->body.data) + 2);
	}
	return at;
}

/* Is an Error document all that this 2xx answer brought? */
static bool
is_error_document(const struct mf_http_response *r)
{
	static const char name[] = "<Error";
	const size_t at = document_at(r);

	return r->body.len - at > sizeof name - 1 &&
	       memcmp(r->body.data + at, name, sizeof name - 1) == 0 &&
	       memchr("> \t\r\n", r->body.data[at + sizeof name - 1], 5) != NULL;
}

/* Did somebody between say 2xx to a change, and the store never see it? A page to log in to, say.
 * The store's own answers to these have a tag, a document of S3, or no body at all. */
static bool
is_foreign(const struct mf_s3_call *call, const struct mf_http_response *r)
{
	const size_t at = document_at(r), n = r->body.len - at;
	const char *text;

	if (strcmp(call->method, "PUT") != 0 && strcmp(call->method, "DELETE") != 0)
		return false;
	if (n == 0 || mf_http_response_header(r, "ETag") != NULL)
		return false;
	text = (const char *)r->body.data + at;
	return n < 5 || text[0] != '<' || text[1] < 'A' || text[1] > 'Z' ||
	       strncasecmp(text, "<html", 5) == 0;
}

static int
not_the_stores(const struct mf_s3_attempt *a, const struct mf_http_response *r, struct mf_error *e)
{
	char text[OBJECT_TEXT_BYTES];

	mf_error_set(e, MF_ETRANSFER, "%s %s: the answer is not the store's (HTTP %d)",
	    a->call->doing, object_text(a, text), r->status);
	return mf_error_hint(e, "something on the way, a proxy perhaps, answered in the "
				"store's place: log in to it, or go around it");
}

/* Of a 2xx answer: is it the store's, and did what was sent arrive? */
static int
check_done(const struct mf_s3_attempt *a, const struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_s3_call *call = a->call;
	char text[OBJECT_TEXT_BYTES];

	if (is_foreign(call, r))
		return not_the_stores(a, r, e);
	if (strcmp(call->method, "PUT") != 0 || call->body_bytes == 0 ||
	    a->client->dialect->sum_header != NULL || /* the store looks itself */
	    s3_sums_fit(a->client->dialect, r, call->body, (size_t)call->body_bytes))
		return 0;
	return mf_error_set(e, MF_ETRANSFER,
	    "%s %s: by its checksum it arrived as something else than was sent", call->doing,
	    object_text(a, text));
}

static void
copy_header(const struct mf_http_response *r, const char *name, char *out, size_t bytes)
{
	const char *value = mf_http_response_header(r, name);

	if (out[0] == '\0' && value != NULL)
		(void)snprintf(out, bytes, "%s", value);
}

/* The store's words, from the body if it has one, from headers where that is silent. false: the
 * body has other words. */
static bool
read_refusal(const struct mf_http_response *r, struct mf_s3_error_answer *out)
{
	const bool empty = document_at(r) == r->body.len;
	bool told;

	*out = (struct mf_s3_error_answer){.code = ""};
	told = !empty && mf_s3_xml_error(r->body.data, r->body.len, out, NULL) == 0;
	if (!told)
		*out = (struct mf_s3_error_answer){.code = ""};
	copy_header(r, "x-amz-request-id", out->request_id, sizeof out->request_id);
	copy_header(r, "x-amz-bucket-region", out->region, sizeof out->region);
	return told || empty;
}

static int
refused(const struct mf_s3_attempt *a, struct mf_s3_answer *out, struct mf_error *e)
{
	char text[OBJECT_TEXT_BYTES];
	const struct mf_s3_refusal r = {
	    .doing = a->call->doing,
	    .object = object_text(a, text),
	    .http_status = out->http.status,
	    .answer = &out->error,
	};

	out->refused = true;
	out->class = mf_s3_classify(out->http.status, out->error.code);
	return mf_s3_refused(&r, e);
}

static int
send_once(struct mf_s3_attempt *a, struct mf_s3_answer *out, struct mf_error *e)
{
	struct mf_buf path = MF_BUF_INIT, url = MF_BUF_INIT;
	int rc = -1;

	if (!a->call->although_cancelled && a->client->limiter != NULL &&
	    !mf_limiter_request(a->client->limiter))
		return mf_error_set(e, MF_EINTERRUPTED,
		    "interrupted while waiting to send a request");
	mf_s3_credentials_unref(a->credentials);
	a->credentials = NULL;
	if (mf_s3_provider_get(a->client->provider, mf_s3_attempt_now(a), &a->credentials, e) != 0)
		return -1;
	mf_s3_endpoint_path(&a->endpoint, a->client->bucket, a->call->key, &path);
	if ((a->path = mf_buf_cstr(&path)) != NULL)
		mf_s3_endpoint_url(&a->endpoint, a->path, a->call->query, a->call->n_query, &url);
	if (a->path == NULL || mf_buf_cstr(&url) == NULL)
		mf_error_nomem(e, "a request");
	else if (mf_s3_credentials_key_id(a->credentials) == NULL && !a->client->dialect->bearer)
		mf_error_set(e, MF_EUNSUPPORTED, "s3:// takes an access key, no bearer token");
	else if (collect_headers(a, e) != 0)
		rc = -1;
	else if (perform(a, mf_buf_cstr(&url), &out->http, e) != 0)
		engine_failed(a, &out->http, e);
	else
		rc = 0;
	a->path = NULL;
	mf_s3_signed_fini(&a->signature);
	mf_buf_fini(&path);
	mf_buf_fini(&url);
	if (rc != 0)
		return -1;
	note_date(a->client, &out->http);
	if (out->http.status >= 200 && out->http.status < 300 && !is_error_document(&out->http))
		return check_done(a, &out->http, e);
	if (read_refusal(&out->http, &out->error) || out->http.status != 404)
		return refused(a, out, e);
	/* An ingress without its server says that as well, and nobody is to take it for a store
	 * that has no such object: what keeps others would seem to be gone. */
	out->refused = true;
	out->class = MF_S3_RETRY;
	return not_the_stores(a, &out->http, e);
}

/* What the endpoint's flow is told of an attempt. */
static enum mf_flow_outcome
outcome_of(int rc, const struct mf_s3_answer *out, const struct mf_error *e)
{
	const int status = out->http.status;

	if (rc == 0)
		return MF_FLOW_DONE;
	if (out->refused && out->class == MF_S3_THROTTLE)
		return MF_FLOW_BUSY;
	if (out->refused)
		return out->class == MF_S3_RETRY && (status >= 500 || status < 300) ? MF_FLOW_FAILED
										    : MF_FLOW_DONE;
	switch (out->http.failure) {
	case MF_HTTP_LOOKUP:
	case MF_HTTP_CONNECT:
	case MF_HTTP_PROXY:
	case MF_HTTP_TLS:
	case MF_HTTP_SLOW:
	case MF_HTTP_RESET:
	case MF_HTTP_SHORT:
	case MF_HTTP_PROTOCOL: return e->code == MF_ETRANSFER ? MF_FLOW_FAILED : MF_FLOW_ABANDONED;
	default: return MF_FLOW_ABANDONED;
	}
}

int
mf_s3_attempt_send(struct mf_s3_attempt *a, struct mf_s3_answer *out, struct mf_error *e)
{
	struct mf_flow_endpoint *flow = a->client->endpoint_flow;
	struct mf_flow_pass pass;
	char text[OBJECT_TEXT_BYTES];
	enum mf_flow_outcome outcome;
	int rc;

	out->refused = false;
	out->http.failure = MF_HTTP_OK;
	if (flow == NULL || a->call->although_cancelled)
		return send_once(a, out, e);
	if (mf_flow_enter(flow, &pass, e) != 0)
		return mf_error_while(e, "%s %s", a->call->doing, object_text(a, text));
	rc = send_once(a, out, e);
	outcome = outcome_of(rc, out, e);
	pass.silent_us = outcome == MF_FLOW_FAILED ? out->http.silent_us : 0;
	mf_flow_leave(flow, &pass, outcome, e);
	return rc;
}

/* arg: how much more of the answer may come. A store may give all of an object to whoever asks for
 * its first byte. */
static int
drop(void *arg, const struct mf_http_response *response, const void *bytes, size_t n,
    struct mf_error *e)
{
	size_t *left = arg;

	(void)response;
	(void)bytes;
	if (n > *left)
		return mf_error_set(e, MF_EFAIL, "enough");
	*left -= n;
	return 0;
}

void
mf_s3_attempt_diagnose(struct mf_s3_attempt *a, struct mf_s3_answer *out, struct mf_error *e)
{
	static const struct mf_s3_header first_byte = {"Range", "bytes=0-0"};
	const struct mf_s3_call *head = a->call;
	size_t left = DROPPED_MAX;
	const struct mf_s3_call get = {
	    .method = "GET",
	    .key = head->key,
	    .query = head->query,
	    .n_query = head->n_query,
	    .headers = &first_byte,
	    .n_headers = head->key != NULL ? 1 : 0,
	    .doing = head->doing,
	    .sink = drop,
	    .sink_arg = &left,
	};
	struct mf_s3_answer answer = MF_S3_ANSWER_INIT;
	struct mf_error why = {0};

	a->call = &get;
	if (mf_s3_attempt_send(a, &answer, &why) != 0 && answer.refused) {
		out->class = answer.class;
		out->error = answer.error;
		out->http.date_unix_s = answer.http.date_unix_s;
		*e = why;
	}
	a->call = head;
	mf_s3_answer_fini(&answer);
}
