#include "config.h"

#include <string.h>

#include "src/net/curl_policy.h"
#include "src/net/http_int.h"

#define UPLOAD_BUFFER_BYTES (256 << 10)
#define DOWNLOAD_BUFFER_BYTES ((size_t)128 << 10)
#define DOWNLOAD_BUFFER_MAX ((size_t)512 << 10) /* of curl */
#define DOWNLOAD_BUFFER_MIN 1024 /* CURLOPT_BUFFERSIZE(3) */

/* Set an option; an error stays. */
#define SET(easy, rc, option, value)                                        \
	do {                                                                \
		if ((rc) == CURLE_OK)                                       \
			(rc) = curl_easy_setopt((easy), (option), (value)); \
	} while (0)

static CURLcode
set_policy(CURL *c)
{
	CURLcode rc = CURLE_OK;

#define SET_ONE(option, value) SET(c, rc, option, value);
	MF_CURL_POLICY(SET_ONE)
#undef SET_ONE
	return rc;
}

/* With a file of our own nothing else is trusted; a bundle without a directory beside it is
 * parsed once a day instead of once a connection (CURLOPT_CA_CACHE_TIMEOUT(3)). */
static CURLcode
set_trust(CURL *c, const struct mf_http *http)
{
	CURLcode rc = CURLE_OK;

	SET(c, rc, CURLOPT_SSL_VERIFYPEER, http->unverified ? 0L : 1L);
	SET(c, rc, CURLOPT_SSL_VERIFYHOST, http->unverified ? 0L : 2L);
	if (http->ca_file != NULL) {
		SET(c, rc, CURLOPT_CAINFO, http->ca_file);
		SET(c, rc, CURLOPT_PROXY_CAINFO, http->ca_file);
	}
	if (http->ca_file != NULL || http->curl_has_bundle) {
		SET(c, rc, CURLOPT_CAPATH, NULL);
		SET(c, rc, CURLOPT_PROXY_CAPATH, NULL);
	}
	return rc;
}

/* Nothing is left for curl to look up in the environment. */
static CURLcode
set_proxy(CURL *c, const struct mf_http_job *job)
{
	const struct mf_http *http = job->http;
	const char *proxy = job->url.tls ? http->https_proxy : http->http_proxy;
	CURLcode rc = CURLE_OK;

	SET(c, rc, CURLOPT_PROXY, mf_url_is_loopback(&job->url) ? "" : proxy);
	SET(c, rc, CURLOPT_NOPROXY, http->no_proxy);
	return rc;
}

static CURLcode
set_request(CURL *c, const struct mf_http_job *job)
{
	const struct mf_http_request *q = job->request;
	CURLcode rc = CURLE_OK;

	SET(c, rc, CURLOPT_URL, (const char *)job->text.data);
	if (job->body_with_head) {
		/* curl sends what is set so, and small, with the head: one packet, which is one
		 * wake-up of the server in place of two */
		SET(c, rc, CURLOPT_POSTFIELDS, (const char *)q->body);
		SET(c, rc, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_bytes);
		SET(c, rc, CURLOPT_CUSTOMREQUEST, q->method);
	} else if (job->has_body) {
		SET(c, rc, CURLOPT_UPLOAD, 1L);
		SET(c, rc, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_bytes);
		SET(c, rc, CURLOPT_CUSTOMREQUEST, q->method);
	} else if (strcmp(q->method, "HEAD") == 0) {
		SET(c, rc, CURLOPT_NOBODY, 1L);
	} else {
		SET(c, rc, CURLOPT_HTTPGET, 1L);
		SET(c, rc, CURLOPT_CUSTOMREQUEST, q->method);
	}
	SET(c, rc, CURLOPT_HTTPHEADER, job->list);
	SET(c, rc, CURLOPT_USERAGENT, job->http->user_agent);
	SET(c, rc, CURLOPT_HTTP_VERSION,
	    job->http->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
	return rc;
}

static CURLcode
set_callbacks(CURL *c, struct mf_http_job *job)
{
	CURLcode rc = CURLE_OK;

	SET(c, rc, CURLOPT_PRIVATE, (void *)job);
	SET(c, rc, CURLOPT_ERRORBUFFER, job->curl_text);
	SET(c, rc, CURLOPT_SOCKOPTFUNCTION, mf_http_on_socket);
	SET(c, rc, CURLOPT_SOCKOPTDATA, (void *)job);
	SET(c, rc, CURLOPT_CLOSESOCKETFUNCTION, mf_http_on_close);
	SET(c, rc, CURLOPT_CLOSESOCKETDATA, (void *)job->lane);
	SET(c, rc, CURLOPT_PREREQFUNCTION, mf_http_on_ready);
	SET(c, rc, CURLOPT_PREREQDATA, (void *)job);
	SET(c, rc, CURLOPT_SEEKFUNCTION, mf_http_on_seek);
	SET(c, rc, CURLOPT_SEEKDATA, (void *)job);
	SET(c, rc, CURLOPT_READFUNCTION, mf_http_on_read);
	SET(c, rc, CURLOPT_READDATA, (void *)job);
	SET(c, rc, CURLOPT_HEADERFUNCTION, mf_http_on_head);
	SET(c, rc, CURLOPT_HEADERDATA, (void *)job);
	SET(c, rc, CURLOPT_WRITEFUNCTION, mf_http_on_body);
	SET(c, rc, CURLOPT_WRITEDATA, (void *)job);
	return rc;
}

/* What is read from a connection at once. Without a limit as much as a wide window takes: each
 * reading tells the sender that there is room again, and fewer of them took a fifth less of a
 * download's processor time over a loopback. */
static uint64_t
buffer_bytes(const struct mf_http_job *job, uint64_t rate)
{
	const size_t half = job->window_bytes / 2;

	if (rate != 0)
		return mf_pace_slice(rate);
	if (half <= DOWNLOAD_BUFFER_BYTES)
		return DOWNLOAD_BUFFER_BYTES;
	return half < DOWNLOAD_BUFFER_MAX ? half : DOWNLOAD_BUFFER_MAX;
}

static CURLcode
set_limits(CURL *c, const struct mf_http_job *job)
{
	const uint64_t connect_ms = (job->patience.connect_us + 999) / 1000;
	const uint64_t rate = mf_http_down_rate(job->http);
	const uint64_t buffer = buffer_bytes(job, rate);
	CURLcode rc = CURLE_OK;
	uint64_t age_s;

	mf_window_set_rate(&job->lane->window, rate, job->http->now_us());
	age_s = mf_window_age_max_s(&job->lane->window, job->http->now_us());
	if (age_s > 0)
		SET(c, rc, CURLOPT_MAXLIFETIME_CONN, (long)age_s);
	SET(c, rc, CURLOPT_BUFFERSIZE,
	    (long)(buffer < DOWNLOAD_BUFFER_MIN ? DOWNLOAD_BUFFER_MIN : buffer));
	SET(c, rc, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
	SET(c, rc, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(connect_ms < 86400000 ? connect_ms : 86400000));
	return rc;
}

static CURL *
take_easy(struct mf_http_lane *t)
{
	CURL *c;

	if (t->n_spare == 0)
		return curl_easy_init();
	c = t->spare[--t->n_spare];
	curl_easy_reset(c);
	return c;
}

int
mf_http_transfer_begin(struct mf_http_lane *t, struct mf_http_job *job)
{
	CURLcode rc = CURLE_OK;
	CURL *c = take_easy(t);

	if (c == NULL)
		return mf_http_cut(job, MF_HTTP_OTHER, MF_ENOMEM, "out of memory for a request");
	job->easy = c;
	SET(c, rc, CURLOPT_SHARE, t->share);
	if (rc == CURLE_OK && (rc = set_policy(c)) == CURLE_OK &&
	    (rc = set_trust(c, job->http)) == CURLE_OK && (rc = set_proxy(c, job)) == CURLE_OK &&
	    (rc = set_request(c, job)) == CURLE_OK && (rc = set_callbacks(c, job)) == CURLE_OK)
		rc = set_limits(c, job);
	if (rc != CURLE_OK)
		return mf_http_cut(job, MF_HTTP_OTHER,
		    rc == CURLE_OUT_OF_MEMORY ? MF_ENOMEM : MF_EFAIL, "cannot set up a request: %s",
		    curl_easy_strerror(rc));
	if (curl_multi_add_handle(t->multi, c) != CURLM_OK)
		return mf_http_cut(job, MF_HTTP_OTHER, MF_EFAIL, "cannot begin a request");
	job->added = true;
	return 0;
}

bool
mf_http_transfer_left(const struct mf_http_job *job)
{
	long head = 0;
	curl_off_t up = 0;

	if (job->connected_us == 0)
		return false;
	if (curl_easy_getinfo(job->easy, CURLINFO_REQUEST_SIZE, &head) != CURLE_OK ||
	    curl_easy_getinfo(job->easy, CURLINFO_SIZE_UPLOAD_T, &up) != CURLE_OK)
		return true;
	return head > job->before_bytes || up > 0;
}

static void
measure(struct mf_http_job *job)
{
	struct mf_http_response *r = job->r;
	long connects = 0;
	curl_off_t up = 0;

	(void)curl_easy_getinfo(job->easy, CURLINFO_NUM_CONNECTS, &connects);
	(void)curl_easy_getinfo(job->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	r->maybe_sent = mf_http_transfer_left(job);
	r->new_connection = connects > 0;
	r->sent_bytes = up > 0 ? (uint64_t)up : 0;
	r->body_bytes = job->body_bytes;
	if (job->connected_us != 0)
		r->times.connected_us = job->connected_us - job->begin_us;
	if (job->first_byte_us != 0)
		r->times.first_byte_us = job->first_byte_us - job->begin_us;
}

void
mf_http_transfer_end(struct mf_http_lane *t, struct mf_http_job *job)
{
	if (job->easy == NULL)
		return;
	measure(job);
	if (job->added)
		(void)curl_multi_remove_handle(t->multi, job->easy);
	job->added = false;
	/* The handle must not point into a job that is gone. */
	(void)curl_easy_setopt(job->easy, CURLOPT_ERRORBUFFER, NULL);
	(void)curl_easy_setopt(job->easy, CURLOPT_HTTPHEADER, NULL);
	/* after a failed lookup it holds a buffer, of which no size can be set any more: it would
	 * refuse all that comes (libcurl 7.88) */
	if (job->r->failure == MF_HTTP_OK && t->n_spare < t->kept)
		t->spare[t->n_spare++] = job->easy;
	else
		curl_easy_cleanup(job->easy);
	job->easy = NULL;
}
