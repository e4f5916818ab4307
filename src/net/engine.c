#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "src/net/http_int.h"

#define CONNECTIONS_DEFAULT 64
#define PROXY_BYTES_MAX 1024
/* Lanes of callers. One costs some ten KiB and five descriptors, and with TLS all certificates of
 * the system, which curl keeps for each multi handle: 13 ms to read them and 0.8 MiB. */
#define CALLERS_PLAIN 32
#define CALLERS_TLS 8
#define SECOND_US ((uint64_t)1000000)

static uint64_t
monotonic_us(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_US + (uint64_t)t.tv_nsec / 1000;
}

/* curl_global_init counts its calls and locks for itself where curl says so; otherwise two
 * engines could trip over each other, and we have no lock that others would take. */
static int
init_curl(struct mf_http *http, struct mf_error *e)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	if ((v->features & CURL_VERSION_THREADSAFE) == 0 || (v->features & CURL_VERSION_SSL) == 0 ||
	    v->version_num < 0x075500) {
		mf_error_set(e, MF_EUNSUPPORTED,
		    "libcurl %s is too old, has no TLS or is not thread safe", v->version);
		return mf_error_hint(e, "install libcurl4 of Debian 12 or newer");
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return mf_error_set(e, MF_EFAIL, "cannot start libcurl");
	http->curl_ready = true;
	http->curl_has_bundle = v->cainfo != NULL && v->cainfo[0] != '\0';
	return 0;
}

/* "[scheme://][user:pw@]host[:port]"; the text may hold a password and is never quoted. */
static int
check_proxy(const char *proxy, struct mf_error *e)
{
	static const char *const schemes[] = {"http", "https", "socks5", "socks5h"};
	const char *colon = strstr(proxy, "://");
	size_t i;

	if (strnlen(proxy, PROXY_BYTES_MAX + 1) > PROXY_BYTES_MAX)
		return mf_error_set(e, MF_EUSAGE, "the URL of a proxy is too long");
	for (i = 0; proxy[i] != '\0'; i++)
		if ((unsigned char)proxy[i] <= ' ' || proxy[i] == 0x7f)
			return mf_error_set(e, MF_EUSAGE,
			    "the URL of a proxy has a blank or a control character");
	for (i = 0; colon != NULL && i < sizeof schemes / sizeof schemes[0]; i++)
		if (strlen(schemes[i]) == (size_t)(colon - proxy) &&
		    strncasecmp(schemes[i], proxy, strlen(schemes[i])) == 0)
			return 0;
	if (colon == NULL)
		return 0;
	return mf_error_set(e, MF_EUSAGE,
	    "a proxy is reached by http, https, socks5 or socks5h only");
}

/* Better now than at the first connection, and with the file's name. */
static int
check_ca_file(const char *path, struct mf_error *e)
{
	char line[80];
	bool found = false;
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		mf_error_sys(e, errno, "cannot read the CA file %s", path);
		if (e != NULL)
			e->code = MF_EUSAGE;
		return -1;
	}
	while (!found && fgets(line, sizeof line, f) != NULL)
		found =
		    strstr(line, "-----BEGIN ") != NULL && strstr(line, "CERTIFICATE-----") != NULL;
	(void)fclose(f);
	return found ? 0 : mf_error_set(e, MF_EUSAGE, "the CA file %s holds no certificate", path);
}

/* NULL stands for fallback. */
static int
copy(char **out, const char *text, const char *fallback, struct mf_error *e)
{
	if (text == NULL)
		text = fallback;
	if (text == NULL)
		return 0;
	*out = strdup(text);
	return *out != NULL ? 0 : mf_error_nomem(e, "an HTTP client");
}

void
mf_http_patience_fill(struct mf_http_patience *p)
{
	const struct mf_http_patience defaults = {.connect_us = 30 * SECOND_US,
	    .stall_us = 60 * SECOND_US,
	    .stall_bytes = 1024,
	    .answer_us = 120 * SECOND_US};

	p->connect_us = p->connect_us != 0 ? p->connect_us : defaults.connect_us;
	p->stall_us = p->stall_us != 0 ? p->stall_us : defaults.stall_us;
	p->stall_bytes = p->stall_bytes != 0 ? p->stall_bytes : defaults.stall_bytes;
	p->answer_us = p->answer_us != 0 ? p->answer_us : defaults.answer_us;
}

static int
take_params(struct mf_http *http, const struct mf_http_params *p, struct mf_error *e)
{
	const unsigned kept = p->connections == 0 ? CONNECTIONS_DEFAULT : p->connections;

	http->n_threads = p->net_threads == 0 ? 1 : p->net_threads;
	if (http->n_threads > MF_HTTP_THREADS_MAX)
		return mf_error_set(e, MF_EUSAGE, "at most %d network threads",
		    MF_HTTP_THREADS_MAX);
	http->kept_per_thread = (kept + http->n_threads - 1) / http->n_threads;
	http->allow_http = p->allow_http;
	http->unverified = p->unverified;
	http->http2 = p->http2;
	http->patience = p->patience;
	mf_http_patience_fill(&http->patience);
	http->pacer = p->pacer;
	http->now_us = p->now_us != NULL ? p->now_us : monotonic_us;
	if ((p->http_proxy != NULL && check_proxy(p->http_proxy, e) != 0) ||
	    (p->https_proxy != NULL && check_proxy(p->https_proxy, e) != 0))
		return -1;
	if (p->ca_file != NULL && check_ca_file(p->ca_file, e) != 0)
		return -1;
	if (copy(&http->ca_file, p->ca_file, NULL, e) != 0 ||
	    copy(&http->http_proxy, p->http_proxy, "", e) != 0 ||
	    copy(&http->https_proxy, p->https_proxy, "", e) != 0 ||
	    copy(&http->no_proxy, p->no_proxy, "", e) != 0)
		return -1;
	return copy(&http->user_agent, p->user_agent, "modelferry/" PACKAGE_VERSION, e);
}

/* 0 or an errno. */
static int
start_thread(struct mf_http_lane *t)
{
	sigset_t all, old;
	int status;

	sigfillset(&all);
	if ((status = pthread_sigmask(SIG_SETMASK, &all, &old)) != 0)
		return status;
	status = pthread_create(&t->thread, NULL, mf_http_loop, t);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	t->started = status == 0;
	return status;
}

static int
start_threads(struct mf_http *http, struct mf_error *e)
{
	unsigned i;
	int status;

	http->threads = calloc(http->n_threads, sizeof *http->threads);
	if (http->threads == NULL)
		return mf_error_nomem(e, "network threads");
	/* All of them first: what is sent to one is chosen among all. */
	for (i = 0; i < http->n_threads; i++)
		if (mf_http_lane_init(&http->threads[i], http, http->kept_per_thread, e) != 0)
			return -1;
	for (i = 0; i < http->n_threads; i++)
		if ((status = start_thread(&http->threads[i])) != 0)
			return mf_error_sys(e, status, "cannot start a network thread");
	return 0;
}

struct mf_http *
mf_http_open(const struct mf_http_params *params, struct mf_error *e)
{
	struct mf_http *http = calloc(1, sizeof *http);

	if (http == NULL) {
		mf_error_nomem(e, "an HTTP client");
		return NULL;
	}
	atomic_init(&http->cancelled, false);
	atomic_init(&http->warn_after_us, 0);
	mf_http_callers_init(&http->plain, http, CALLERS_PLAIN);
	mf_http_callers_init(&http->tls, http, CALLERS_TLS);
	if (take_params(http, params, e) == 0 && mf_http_windows_init(http, e) == 0 &&
	    init_curl(http, e) == 0 && start_threads(http, e) == 0)
		return http;
	mf_http_close(http);
	return NULL;
}

unsigned
mf_http_jobs(struct mf_http *http)
{
	unsigned n = 0, i;

	for (i = 0; i < http->n_threads; i++)
		n += atomic_load_explicit(&http->threads[i].n_jobs, memory_order_relaxed);
	return n > 0 ? n : 1;
}

uint64_t
mf_http_down_rate(const struct mf_http *http)
{
	const struct mf_http_pacer *p = &http->pacer;

	return p->rate == NULL ? 0 : p->rate(p->arg, MF_HTTP_DOWN, http->now_us());
}

void
mf_http_wake(struct mf_http_lane *t)
{
	mf_events_wake(&t->events);
}

static void
end_thread(struct mf_http_lane *t)
{
	if (t->started) {
		pthread_mutex_lock(&t->lock);
		t->closing = true;
		pthread_mutex_unlock(&t->lock);
		mf_http_wake(t);
		(void)pthread_join(t->thread, NULL);
	}
	mf_http_lane_fini(t);
}

static void
wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
mf_http_close(struct mf_http *http)
{
	unsigned i;

	if (http == NULL)
		return;
	for (i = 0; http->threads != NULL && i < http->n_threads; i++)
		end_thread(&http->threads[i]);
	free(http->threads);
	mf_http_callers_fini(&http->plain);
	mf_http_callers_fini(&http->tls);
	if (http->curl_ready)
		curl_global_cleanup();
	mf_http_windows_fini(http);
	wipe(http->http_proxy);
	wipe(http->https_proxy);
	free(http->ca_file);
	free(http->no_proxy);
	free(http->user_agent);
	free(http);
}

void
mf_http_cancel(struct mf_http *http)
{
	unsigned i;

	atomic_store(&http->cancelled, true);
	for (i = 0; i < http->n_threads; i++)
		mf_http_wake(&http->threads[i]);
	mf_http_callers_wake(&http->plain);
	mf_http_callers_wake(&http->tls);
}
