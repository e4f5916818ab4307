#include "config.h"

#include "transfers/libs3_guard.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <libs3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "src/net/curl_policy.h"

/* curl's macros check types at the call of what they name; here the functions are meant. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define CONNECT_MS_MAX 86400000L

/* Of what this module defines in place of curl's: libs3 calls it. */
#define EXPORTED __attribute__((visibility("default")))

/* The functions of the curl that libs3 is linked with. Constant once begin has returned; libs3
 * keeps state for the whole process, and so must whoever guards it. */
static struct {
	CURLcode (*global_init)(long flags);
	CURLcode (*perform)(CURL *c);
	CURLcode (*setopt)(CURL *c, CURLoption option, ...);
	CURLcode (*getinfo)(CURL *c, CURLINFO info, ...);
	const char *(*strerror)(CURLcode code);
	struct curl_slist *(*append)(struct curl_slist *list, const char *text);
	void (*free_all)(struct curl_slist *list);
	bool reached; /* libs3's call of curl_global_init came here */
} real;

/* Held from enter until curl is called: by at most one thread, for no I/O. */
static pthread_mutex_t composing = PTHREAD_MUTEX_INITIALIZER;

struct exchange {
	const struct mf_libs3_request *q;
	struct mf_libs3_result *out;
	CURL *curl;
	uint64_t body_at;
	bool connected, performed, dead;
	long before_bytes; /* sent before the request: a CONNECT to a proxy */
	char text[CURL_ERROR_SIZE];
};

static _Thread_local struct exchange exchange;

/* ---- callbacks ---- */

static bool
has_left(const struct exchange *x)
{
	long head = 0;
	curl_off_t up = 0;

	if (!x->connected)
		return false;
	if (real.getinfo(x->curl, CURLINFO_REQUEST_SIZE, &head) != CURLE_OK ||
	    real.getinfo(x->curl, CURLINFO_SIZE_UPLOAD_T, &up) != CURLE_OK)
		return true;
	return head > x->before_bytes || up > 0;
}

/* A connection is there. curl comes here again where a kept one turned out to be dead. */
static int
on_ready(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct exchange *x = arg;

	(void)peer;
	(void)local;
	(void)peer_port;
	(void)local_port;
	if (!x->q->repeatable && has_left(x)) {
		x->dead = true;
		return CURL_PREREQFUNC_ABORT;
	}
	(void)real.getinfo(x->curl, CURLINFO_REQUEST_SIZE, &x->before_bytes);
	x->connected = true;
	x->body_at = 0;
	return CURL_PREREQFUNC_OK;
}

static size_t
on_head(char *line, size_t size, size_t n, void *arg)
{
	const struct exchange *x = arg;

	n *= size;
	return x->q->head(x->q->arg, line, n) == 0 ? n : 0;
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	const struct exchange *x = arg;

	n *= size;
	return x->q->sink(x->q->arg, bytes, n) == 0 ? n : 0;
}

static size_t
on_read(char *out, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	const uint64_t left = x->q->body_bytes - x->body_at;

	n *= size;
	n = n < left ? n : (size_t)left;
	if (n > 0)
		memcpy(out, (const char *)x->q->body + x->body_at, n);
	x->body_at += n;
	return n;
}

static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct exchange *x = arg;

	if (!x->q->repeatable || origin != SEEK_SET || offset < 0 ||
	    (uint64_t)offset > x->q->body_bytes)
		return CURL_SEEKFUNC_FAIL;
	x->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *arg, curl_off_t down_of, curl_off_t down, curl_off_t up_of, curl_off_t up)
{
	const struct exchange *x = arg;

	(void)down_of;
	(void)up_of;
	return x->q->look(
	    x->q->arg, x->connected, up > 0 ? (uint64_t)up : 0, down > 0 ? (uint64_t)down : 0);
}

/* ---- options ---- */

/* Set an option; an error stays. */
#define SET(c, rc, option, value)                                   \
	do {                                                        \
		if ((rc) == CURLE_OK)                               \
			(rc) = real.setopt((c), (option), (value)); \
	} while (0)

static CURLcode
set_policy(CURL *c)
{
	CURLcode rc = CURLE_OK;

#define SET_ONE(option, value) SET(c, rc, option, value);
	MF_CURL_POLICY(SET_ONE)
#undef SET_ONE
	SET(c, rc, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* libs3's own: the program looks after that */
	SET(c, rc, CURLOPT_LOW_SPEED_LIMIT, 0L);
	SET(c, rc, CURLOPT_LOW_SPEED_TIME, 0L);
	return rc;
}

static CURLcode
set_request(CURL *c, struct exchange *x)
{
	const struct mf_libs3_request *q = x->q;
	CURLcode rc = CURLE_OK;

	if (q->ca_file != NULL) {
		SET(c, rc, CURLOPT_CAINFO, q->ca_file);
		SET(c, rc, CURLOPT_PROXY_CAINFO, q->ca_file);
		SET(c, rc, CURLOPT_CAPATH, NULL);
		SET(c, rc, CURLOPT_PROXY_CAPATH, NULL);
	}
	SET(c, rc, CURLOPT_PROXY, q->proxy);
	SET(c, rc, CURLOPT_NOPROXY, q->no_proxy);
	SET(c, rc, CURLOPT_USERAGENT, q->user_agent);
	SET(c, rc, CURLOPT_CONNECTTIMEOUT_MS,
	    q->connect_ms < CONNECT_MS_MAX ? q->connect_ms : CONNECT_MS_MAX);
	if (q->verb == MF_LIBS3_PUT)
		SET(c, rc, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_bytes);
	SET(c, rc, CURLOPT_ERRORBUFFER, x->text);
	return rc;
}

static CURLcode
set_callbacks(CURL *c, struct exchange *x)
{
	CURLcode rc = CURLE_OK;

	SET(c, rc, CURLOPT_PREREQFUNCTION, on_ready);
	SET(c, rc, CURLOPT_PREREQDATA, (void *)x);
	SET(c, rc, CURLOPT_HEADERFUNCTION, on_head);
	SET(c, rc, CURLOPT_HEADERDATA, (void *)x);
	SET(c, rc, CURLOPT_WRITEFUNCTION, on_body);
	SET(c, rc, CURLOPT_WRITEDATA, (void *)x);
	SET(c, rc, CURLOPT_READFUNCTION, on_read);
	SET(c, rc, CURLOPT_READDATA, (void *)x);
	SET(c, rc, CURLOPT_SEEKFUNCTION, on_seek);
	SET(c, rc, CURLOPT_SEEKDATA, (void *)x);
	SET(c, rc, CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(c, rc, CURLOPT_XFERINFODATA, (void *)x);
	SET(c, rc, CURLOPT_NOPROGRESS, 0L);
	return rc;
}

/* ---- what libs3 calls ---- */

EXPORTED CURLcode
curl_global_init(long flags)
{
	real.reached = true;
	return real.global_init(flags);
}

/* A list begins with what libs3 does not say. Where memory is short it loses the list and may begin
 * another; without any it has no signature either. */
EXPORTED struct curl_slist *
curl_slist_append(struct curl_slist *list, const char *data)
{
	const struct exchange *x = &exchange;
	struct curl_slist *first, *all;

	if (list != NULL || x->q == NULL || x->performed)
		return real.append(list, data);
	first = real.append(NULL, "Expect:");
	if (first == NULL || !x->q->if_absent)
		return first != NULL ? real.append(first, data) : NULL;
	all = real.append(first, "If-None-Match: *");
	if (all == NULL)
		real.free_all(first);
	return all != NULL ? real.append(all, data) : NULL;
}

static void
report(struct exchange *x, CURLcode rc)
{
	struct mf_libs3_result *out = x->out;
	long connections = 0;
	curl_off_t up = 0;

	if (x->dead)
		rc = CURLE_GOT_NOTHING;
	out->curl_code = (int)rc;
	(void)real.getinfo(x->curl, CURLINFO_OS_ERRNO, &out->sys_errno);
	(void)real.getinfo(x->curl, CURLINFO_NUM_CONNECTS, &connections);
	(void)real.getinfo(x->curl, CURLINFO_SIZE_UPLOAD_T, &up);
	out->new_connection = connections > 0;
	out->sent_bytes = up > 0 ? (uint64_t)up : 0;
	out->maybe_sent = has_left(x);
	(void)snprintf(out->text, sizeof out->text, "%s",
	    x->dead              ? "the connection was closed before an answer came"
	    : x->text[0] != '\0' ? x->text
				 : real.strerror(rc));
}

EXPORTED CURLcode
curl_easy_perform(CURL *c)
{
	struct exchange *x = &exchange;
	CURLcode rc;

	if (x->q == NULL || x->performed) /* not by our leave */
		return CURLE_FAILED_INIT;
	x->performed = true;
	pthread_mutex_unlock(&composing);
	x->curl = c;
	if ((rc = set_policy(c)) == CURLE_OK && (rc = set_request(c, x)) == CURLE_OK &&
	    (rc = set_callbacks(c, x)) == CURLE_OK)
		rc = real.perform(c);
	report(x, rc);
	/* libs3 keeps the handle: nothing of this exchange may stay in it. It resets the rest. */
	(void)real.setopt(c, CURLOPT_ERRORBUFFER, NULL);
	return rc;
}

/* ---- the module's side ---- */

/* dlsym gives data pointers; POSIX has them hold functions, ISO C has no way to say so. */
static bool
find(void *library, const char *name, void *out, size_t n)
{
	void *found = dlsym(library, name);

	memcpy(out, &found, n);
	return found != NULL;
}

#define FIND(library, name, member) find((library), (name), &real.member, sizeof real.member)

/* Of libs3 and what it needs: not of the module, and not of the program. */
static bool
find_curl(void)
{
	S3Status (*const anything)(const char *, int, const char *) = S3_initialize;
	void *address, *library;
	Dl_info info;

	memcpy(&address, &anything, sizeof address);
	if (dladdr(address, &info) == 0 ||
	    (library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD)) == NULL)
		return false;
	return FIND(library, "curl_global_init", global_init) &&
	       FIND(library, "curl_easy_perform", perform) &&
	       FIND(library, "curl_easy_setopt", setopt) &&
	       FIND(library, "curl_easy_getinfo", getinfo) &&
	       FIND(library, "curl_easy_strerror", strerror) &&
	       FIND(library, "curl_slist_append", append) &&
	       FIND(library, "curl_slist_free_all", free_all);
}

/* Something else put that libcurl, or another, before the module. */
static const char past[] = "libs3 calls its libcurl past the guard that makes it verify TLS peers";

const char *
mf_libs3_guard_begin(void)
{
	if (!find_curl())
		return "libs3 is not linked with a libcurl as it should be";
	if (real.perform == curl_easy_perform || real.global_init == curl_global_init ||
	    real.append == curl_slist_append)
		return past;
	if (S3_initialize("modelferry", S3_INIT_ALL, "localhost") != S3StatusOK)
		return "libs3 cannot begin";
	return real.reached ? NULL : past;
}

void
mf_libs3_guard_enter(const struct mf_libs3_request *q, struct mf_libs3_result *out)
{
	pthread_mutex_lock(&composing);
	exchange = (struct exchange){.q = q, .out = out};
}

bool
mf_libs3_guard_leave(void)
{
	const bool performed = exchange.performed;

	if (!performed)
		pthread_mutex_unlock(&composing);
	exchange.q = NULL;
	return performed;
}
