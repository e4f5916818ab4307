#include "config.h"

#include "src/endpoint/endpoint.h"

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/base/units.h"
#include "src/endpoint/endpoint_int.h"

#define PEM_BYTES ((size_t)256 << 10)
#define HEAD_BYTES ((size_t)32 << 10) /* of a request, with what the library needs itself */
#define TOKEN_BYTES_MIN 16u
#define TOKEN_BYTES_MAX 1024u
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct mf_endpoint {
	struct mf_endpoint_params params;
	struct mf_endpoint_socket socket;
	struct mf_secret *cert, *key; /* strings */
	struct MHD_Daemon *daemon;
	char url[MF_ENDPOINT_NAME_BYTES + 16];
};

/* One request on its way. */
struct asking {
	struct mf_buf body;
	bool too_long;
};

static enum MHD_Result
send_answer(struct MHD_Connection *c, const struct mf_endpoint_answer *a)
{
	const char *text = a->text != NULL ? a->text : "";
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	rc = MHD_add_response_header(r, "Content-Type",
	    a->content_type != NULL ? a->content_type : "text/plain; charset=utf-8");
	if (rc == MHD_YES)
		rc = MHD_add_response_header(r, "Cache-Control", "no-store");
	if (rc == MHD_YES && a->allow != NULL)
		rc = MHD_add_response_header(r, "Allow", a->allow);
	if (rc == MHD_YES && a->status == 401)
		rc = MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
	if (rc == MHD_YES)
		rc = MHD_queue_response(c, (unsigned)a->status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
refuse(struct MHD_Connection *c, int status, const char *text)
{
	const struct mf_endpoint_answer a = {.status = status, .text = text};

	return send_answer(c, &a);
}

static const char *
header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static bool
shows_token(const struct mf_endpoint *p, struct MHD_Connection *c)
{
	static const char lead[] = "Bearer ";
	const char *given = header(c, "Authorization");
	const size_t n = mf_secret_len(p->params.token);

	return given != NULL && strncasecmp(given, lead, sizeof lead - 1) == 0 &&
	       strlen(given) - (sizeof lead - 1) == n &&
	       sodium_memcmp(given + sizeof lead - 1, mf_secret_view(p->params.token), n) == 0;
}

static bool
may(const struct mf_endpoint *p, struct MHD_Connection *c, const char *path)
{
	return p->params.token == NULL || p->params.is_guarded == NULL ||
	       !p->params.is_guarded(p->params.arg, path) || shows_token(p, c);
}

/* The head is there. What cannot be anything is refused before its body is read. */
static enum MHD_Result
begin(struct mf_endpoint *p, struct MHD_Connection *c, const char *path, void **state)
{
	const char *length = header(c, "Content-Length");
	struct asking *q;
	uint64_t bytes = 0;

	if (!may(p, c, path))
		return refuse(c, 401, "A token is needed\n");
	if (length != NULL && (mf_parse_u64(length, UINT64_MAX, &bytes, NULL) != 0 ||
				  bytes > p->params.max_body_bytes))
		return refuse(c, 413, "The body is too long\n");
	if ((q = calloc(1, sizeof *q)) == NULL)
		return MHD_NO;
	*state = q;
	return MHD_YES;
}

static enum MHD_Result
finish(struct mf_endpoint *p, struct MHD_Connection *c, const char *path, const char *method,
    const struct asking *q)
{
	const struct mf_endpoint_request request = {
	    .method = method, .path = path, .body = q->body.data, .body_bytes = q->body.len};
	struct mf_endpoint_answer a = {.status = 500, .text = "No answer\n"};

	if (q->too_long)
		return refuse(c, 413, "The body is too long\n");
	if (q->body.failed)
		return refuse(c, 503, "Out of memory\n");
	p->params.answer(p->params.arg, &request, &a);
	return send_answer(c, &a);
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
    const char *version, const char *upload, size_t *upload_bytes, void **state)
{
	struct mf_endpoint *p = arg;
	struct asking *q = *state;

	(void)version;
	if (q == NULL)
		return begin(p, c, path, state);
	if (*upload_bytes == 0)
		return finish(p, c, path, method, q);
	if (q->body.len + *upload_bytes > p->params.max_body_bytes)
		q->too_long = true;
	else
		mf_buf_put(&q->body, upload, *upload_bytes);
	*upload_bytes = 0;
	return MHD_YES;
}

static void
on_end(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct asking *q = *state;

	(void)arg;
	(void)c;
	(void)why;
	if (q == NULL)
		return;
	mf_buf_fini(&q->body);
	free(q);
	*state = NULL;
}

/* Paths stay as they are written: no two of them are the same. */
static size_t
keep_escapes(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg;
	(void)c;
	return strlen(text);
}

/* A PEM file as a string, in guarded memory, since one of them is a key. */
static struct mf_secret *
read_pem(const char *path, const char *what, struct mf_error *e)
{
	struct mf_secret *bytes = mf_secret_read_file(path, PEM_BYTES, what, e), *text = NULL;

	if (bytes == NULL) {
		if (e != NULL && e->code == MF_EKEY)
			e->code = MF_EUSAGE;
		return NULL;
	}
	text = mf_secret_new(mf_secret_len(bytes) + 1, e);
	if (text != NULL)
		memcpy(mf_secret_bytes(text), mf_secret_view(bytes), mf_secret_len(bytes));
	mf_secret_free(bytes);
	return text;
}

static int
take_params(struct mf_endpoint *p, const struct mf_endpoint_params *params, struct mf_error *e)
{
	p->params = *params;
	if (p->params.connections == 0)
		p->params.connections = MF_ENDPOINT_CONNECTIONS;
	if (p->params.max_body_bytes == 0)
		p->params.max_body_bytes = MF_ENDPOINT_BODY_BYTES;
	if (p->params.idle_s == 0)
		p->params.idle_s = MF_ENDPOINT_IDLE_S;
	if ((params->cert_file == NULL) != (params->key_file == NULL))
		return mf_error_set(e, MF_EUSAGE, "a certificate and its key go together");
	if (params->cert_file == NULL)
		return 0;
	if (MHD_is_feature_supported(MHD_FEATURE_SSL) != MHD_YES)
		return mf_error_set(e, MF_EUNSUPPORTED, "this libmicrohttpd has no TLS");
	p->cert = read_pem(params->cert_file, "certificate", e);
	if (p->cert != NULL)
		p->key = read_pem(params->key_file, "key of the certificate", e);
	return p->key != NULL ? 0 : -1;
}

/* The library's own words go nowhere: they would be in another form than the log's, and what
 * clients do wrong is no news. */
static void
say_nothing(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	(void)fmt;
	(void)ap;
}

static struct MHD_Daemon *
start(struct mf_endpoint *p)
{
	const struct mf_endpoint_params *q = &p->params;
	const struct MHD_OptionItem tls[] = {
	    {MHD_OPTION_HTTPS_MEM_CERT, 0, p->cert != NULL ? mf_secret_bytes(p->cert) : NULL},
	    {MHD_OPTION_HTTPS_MEM_KEY, 0, p->key != NULL ? mf_secret_bytes(p->key) : NULL},
	    {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
	    {MHD_OPTION_END, 0, NULL}};
	const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
	const unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG |
			       MHD_USE_ITC | (p->cert != NULL ? MHD_USE_TLS : 0);

	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, p, MHD_OPTION_EXTERNAL_LOGGER,
	    say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, p->socket.fd, MHD_OPTION_CONNECTION_LIMIT,
	    q->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (q->connections + 3) / 4,
	    MHD_OPTION_CONNECTION_TIMEOUT, q->idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)HEAD_BYTES, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_ARRAY, p->cert != NULL ? tls : plain, MHD_OPTION_END);
}

struct mf_endpoint *
mf_endpoint_open(const struct mf_endpoint_params *params, struct mf_error *e)
{
	struct mf_endpoint *p = calloc(1, sizeof *p);
	sigset_t all, before;

	if (p == NULL) {
		mf_error_nomem(e, "an endpoint");
		return NULL;
	}
	p->socket.fd = -1;
	if (take_params(p, params, e) != 0 ||
	    mf_endpoint_listen(params->listen, &p->socket, e) != 0)
		goto fail;
	(void)snprintf(
	    p->url, sizeof p->url, "http%s://%s", p->cert != NULL ? "s" : "", p->socket.name);
	/* Signals are for the thread that opened it. */
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	p->daemon = start(p);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (p->daemon != NULL)
		return p;
	if (p->cert != NULL)
		mf_error_set(e, MF_EUSAGE, "the certificate %s and the key %s are of no use",
		    params->cert_file, params->key_file);
	else
		mf_error_set(e, MF_EFAIL, "cannot start to serve on %s", p->socket.name);
fail:
	mf_endpoint_close(p);
	return NULL;
}

void
mf_endpoint_close(struct mf_endpoint *p)
{
	if (p == NULL)
		return;
	if (p->daemon != NULL)
		MHD_stop_daemon(p->daemon); /* closes the socket */
	else if (p->socket.fd >= 0)
		close(p->socket.fd);
	mf_secret_free(p->cert);
	mf_secret_free(p->key);
	free(p);
}

const char *
mf_endpoint_url(const struct mf_endpoint *p)
{
	return p->url;
}

bool
mf_endpoint_is_open_to_others(const struct mf_endpoint *p)
{
	return !p->socket.loopback;
}

struct mf_secret *
mf_endpoint_read_token(const char *path, struct mf_error *e)
{
	struct mf_secret *text = mf_secret_read_file(path, TOKEN_BYTES_MAX, "token file", e),
			 *token;
	const uint8_t *bytes;
	size_t n, i;

	if (text == NULL) {
		if (e != NULL && e->code == MF_EKEY)
			e->code = MF_EUSAGE;
		return NULL;
	}
	bytes = mf_secret_view(text);
	n = mf_secret_len(text);
	while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	for (i = 0; i < n && bytes[i] > ' ' && bytes[i] < 0x7f; i++)
		continue;
	token = i == n && n >= TOKEN_BYTES_MIN ? mf_secret_of(bytes, n, e) : NULL;
	if (token == NULL && (i < n || n < TOKEN_BYTES_MIN)) {
		mf_error_set(e, MF_EUSAGE, "%s does not hold one token of at least %u characters",
		    path, TOKEN_BYTES_MIN);
		mf_error_hint(e, "make one with: openssl rand -hex 32");
	}
	mf_secret_free(text);
	return token;
}
