#include "src/report/post.h"

#include <stdlib.h>
#include <string.h>

#include "src/net/http.h"
#include "transfers/backoff.h"

struct mf_post {
	struct mf_http *http;
	struct mf_waiting waiting;
	bool allow_http;
};

/* What came of one attempt. */
enum outcome { DELIVERED, AGAIN, FINAL };

static uint64_t
engine_now(void)
{
	const struct mf_waiting real = {.now_us = NULL};

	return mf_waiting_now_us(&real);
}

struct mf_post *
mf_post_open(const struct mf_post_params *params, struct mf_error *e)
{
	const struct mf_http_params http = {.connections = 4,
	    .allow_http = params->allow_http,
	    .ca_file = params->ca_file,
	    .http_proxy = params->http_proxy,
	    .https_proxy = params->https_proxy,
	    .no_proxy = params->no_proxy,
	    .now_us = engine_now};
	struct mf_post *p = calloc(1, sizeof *p);

	if (p == NULL) {
		mf_error_nomem(e, "a sender");
		return NULL;
	}
	p->waiting = params->waiting;
	p->allow_http = params->allow_http;
	if ((p->http = mf_http_open(&http, e)) != NULL)
		return p;
	free(p);
	return NULL;
}

void
mf_post_close(struct mf_post *p)
{
	if (p == NULL)
		return;
	mf_http_close(p->http);
	free(p);
}

static bool
is_cancelled(void *arg)
{
	const struct mf_post *p = arg;

	return mf_waiting_cancelled(&p->waiting);
}

static bool
may_pass(int status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* An answer that is no success, as an error. */
static enum outcome
judge(const struct mf_post_message *m, int status, struct mf_error *e)
{
	enum mf_code code = MF_EFAIL;

	if (status >= 200 && status < 300)
		return DELIVERED;
	if (may_pass(status))
		code = MF_ETRANSFER;
	else if (status == 401 || status == 403)
		code = MF_EPERM;
	mf_error_set(e, code, "the server of %s answered %d", m->what, status);
	if (e != NULL)
		e->http_status = status;
	if (status >= 300 && status < 400)
		mf_error_hint(e, "redirects are not followed; give the URL that it leads to");
	else if (status == 404 || status == 410)
		mf_error_hint(e, "nobody listens at that URL any more; make a new one");
	return may_pass(status) ? AGAIN : FINAL;
}

static enum outcome
attempt(struct mf_post *p, const struct mf_post_message *m, uint64_t left_us,
    struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_http_header type = {"content-type", m->content_type};
	const struct mf_http_request q = {.method = m->method,
	    .url = m->url,
	    .headers = &type,
	    .n_headers = m->content_type != NULL,
	    .body = m->body,
	    .body_bytes = m->body_bytes,
	    .has_body = m->body_bytes > 0,
	    .max_body_bytes = MF_HTTP_ERROR_BODY_BYTES,
	    .repeatable = true,
	    .hide_path = m->hide_path,
	    .patience = {.connect_us = left_us, .answer_us = left_us, .total_us = left_us},
	    .interrupted = is_cancelled,
	    .interrupted_arg = p};

	if (mf_http_perform(p->http, &q, r, e) == 0)
		return judge(m, r->status, e);
	return e->code == MF_ETRANSFER ? AGAIN : FINAL;
}

/* How long to wait after that attempt, from 0: what the server asked for, or the backoff. */
static uint64_t
pause_us(const struct mf_post *p, const struct mf_http_response *r, unsigned n)
{
	const uint64_t own =
	    mf_backoff_us(MF_POST_BASE_US, MF_POST_CAP_US, n, mf_waiting_random(&p->waiting));
	const uint64_t asked =
	    r->status != 0 && r->retry_after_s > 0 ? (uint64_t)r->retry_after_s * 1000000 : 0;

	return asked > own ? asked : own;
}

int
mf_post_send(struct mf_post *p, const struct mf_post_message *m, struct mf_error *e)
{
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	const uint64_t begin_us = mf_waiting_now_us(&p->waiting);
	struct mf_error why = {0};
	uint64_t gone_us = 0, wait_us;
	enum outcome outcome = FINAL;
	unsigned n = 0;

	if (m->timeout_us == 0)
		mf_error_set(&why, MF_ETRANSFER, "no time was left for %s", m->what);
	while (gone_us < m->timeout_us) {
		r.retry_after_s = -1;
		r.status = 0;
		outcome = attempt(p, m, m->timeout_us - gone_us, &r, &why);
		if (++n >= MF_POST_ATTEMPTS || outcome != AGAIN)
			break;
		wait_us = pause_us(p, &r, n - 1);
		gone_us = mf_waiting_now_us(&p->waiting) - begin_us;
		if (wait_us >= m->timeout_us || gone_us >= m->timeout_us - wait_us)
			break; /* it could not be sent in time any more */
		if (!mf_waiting_sleep(&p->waiting, wait_us)) {
			why.code = MF_EINTERRUPTED;
			break;
		}
		gone_us = mf_waiting_now_us(&p->waiting) - begin_us;
	}
	mf_http_response_fini(&r);
	if (outcome == DELIVERED)
		return 0;
	if (e != NULL)
		*e = why;
	return n > 1 ? mf_error_while(e, "sending to %s %u times", m->what, n)
		     : mf_error_while(e, "sending to %s", m->what);
}

int
mf_post_check_url(const char *what, const char *url, bool allow_http, struct mf_error *e)
{
	struct mf_url u = MF_URL_INIT;
	struct mf_error why = {0};
	bool plain;

	if (mf_url_parse(&u, url, &why) != 0)
		return mf_error_set(
		    e, MF_EUSAGE, "%s is no http or https URL: %s", what, why.message);
	plain = !u.tls && !allow_http && !mf_url_is_loopback(&u);
	mf_url_fini(&u);
	if (!plain)
		return 0;
	mf_error_set(e, MF_EUSAGE, "%s is plain http to another machine", what);
	return mf_error_hint(e, "use https, or allow it with --allow-http");
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* n bytes as a string without blanks at its ends; nothing but printable ASCII may be inside. */
static struct mf_secret *
take(const char *what, const uint8_t *bytes, size_t n, struct mf_error *e)
{
	struct mf_secret *url;
	size_t i;

	for (; n > 0 && is_blank(bytes[0]); bytes++, n--)
		continue;
	while (n > 0 && is_blank(bytes[n - 1]))
		n--;
	for (i = 0; i < n && bytes[i] > ' ' && bytes[i] < 0x7f; i++)
		continue;
	if (n == 0 || i < n) {
		mf_error_set(e, MF_EUSAGE, n == 0 ? "%s is empty" : "%s is not one URL", what);
		return NULL;
	}
	if ((url = mf_secret_new(n + 1, e)) == NULL)
		return NULL;
	memcpy(mf_secret_bytes(url), bytes, n);
	mf_secret_freeze(url);
	return url;
}

struct mf_secret *
mf_post_read_url(const char *what, const char *path, struct mf_error *e)
{
	struct mf_secret *text = mf_secret_read_file(path, MF_POST_URL_FILE_BYTES, what, e), *url;

	if (text == NULL) {
		if (e != NULL && e->code == MF_EKEY)
			e->code = MF_EUSAGE; /* it holds no key */
		mf_error_hint(e, "the file holds one line, the URL");
		return NULL;
	}
	url = take(what, mf_secret_view(text), mf_secret_len(text), e);
	mf_secret_free(text);
	return url;
}

struct mf_secret *
mf_post_take_url(const char *what, const char *text, struct mf_error *e)
{
	return take(what, (const uint8_t *)text, strlen(text), e);
}

const char *
mf_post_url_view(const struct mf_secret *url)
{
	return (const char *)mf_secret_view(url);
}
