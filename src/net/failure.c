#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/net/http_int.h"

/* What curl's codes mean here (libcurl-errors(3)). Those that are missing are MF_HTTP_OTHER. */
static const struct {
	CURLcode code;
	enum mf_http_failure failure;
} failures[] = {
    {CURLE_OK, MF_HTTP_OK},
    {CURLE_COULDNT_RESOLVE_PROXY, MF_HTTP_PROXY},
    {CURLE_PROXY, MF_HTTP_PROXY},
    {CURLE_COULDNT_RESOLVE_HOST, MF_HTTP_LOOKUP},
    {CURLE_COULDNT_CONNECT, MF_HTTP_CONNECT},
    {CURLE_OPERATION_TIMEDOUT, MF_HTTP_CONNECT}, /* the only time limit that curl is given */
    {CURLE_SSL_CONNECT_ERROR, MF_HTTP_TLS},
    {CURLE_SSL_CIPHER, MF_HTTP_TLS},
    {CURLE_USE_SSL_FAILED, MF_HTTP_TLS},
    {CURLE_SSL_CLIENTCERT, MF_HTTP_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, MF_HTTP_CERTIFICATE},
    {CURLE_SSL_ISSUER_ERROR, MF_HTTP_CERTIFICATE},
    {CURLE_SSL_INVALIDCERTSTATUS, MF_HTTP_CERTIFICATE},
    {CURLE_SSL_CACERT_BADFILE, MF_HTTP_CERTIFICATE},
    {CURLE_SEND_ERROR, MF_HTTP_RESET},
    {CURLE_RECV_ERROR, MF_HTTP_RESET},
    {CURLE_GOT_NOTHING, MF_HTTP_RESET},
    {CURLE_SEND_FAIL_REWIND, MF_HTTP_RESET},
    {CURLE_PARTIAL_FILE, MF_HTTP_SHORT},
    {CURLE_WEIRD_SERVER_REPLY, MF_HTTP_PROTOCOL},
    {CURLE_UNSUPPORTED_PROTOCOL, MF_HTTP_PROTOCOL}, /* HTTP/0.9: ours are checked before */
    {CURLE_HTTP2, MF_HTTP_PROTOCOL},
    {CURLE_HTTP2_STREAM, MF_HTTP_PROTOCOL},
};

static const struct {
	const char *name;
	const char *text; /* "%s" behind it is the host */
} words[MF_HTTP_FAILURES] = {
    [MF_HTTP_OK] = {"ok", NULL},
    [MF_HTTP_REFUSED] = {"refused", "the request was not sent to"},
    [MF_HTTP_LOOKUP] = {"lookup", "found no address of"},
    [MF_HTTP_CONNECT] = {"connect", "cannot connect to"},
    [MF_HTTP_PROXY] = {"proxy", "the proxy gave no way to"},
    [MF_HTTP_TLS] = {"tls", "no TLS connection to"},
    [MF_HTTP_CERTIFICATE] = {"certificate", "cannot trust the certificate of"},
    [MF_HTTP_SLOW] = {"slow", "too slow:"},
    [MF_HTTP_RESET] = {"reset", "the connection broke to"},
    [MF_HTTP_SHORT] = {"short", "the answer ended too early of"},
    [MF_HTTP_LARGE] = {"large", "the answer is too large of"},
    [MF_HTTP_PROTOCOL] = {"protocol", "the answer is no HTTP of"},
    [MF_HTTP_CANCELLED] = {"cancelled", "interrupted while talking to"},
    [MF_HTTP_OTHER] = {"other", "failed to talk to"},
};

const char *
mf_http_failure_name(enum mf_http_failure failure)
{
	return words[(unsigned)failure < MF_HTTP_FAILURES ? failure : MF_HTTP_OTHER].name;
}

int
mf_http_cut(struct mf_http_job *job, enum mf_http_failure why, enum mf_code code, const char *fmt,
    ...)
{
	char text[MF_ERROR_MESSAGE_BYTES];
	va_list ap;

	if (job->cut != MF_HTTP_OK) /* the first reason is the one */
		return -1;
	job->cut = why;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	return mf_error_set(&job->error, code, "%s", text);
}

static enum mf_http_failure
failure_of(CURLcode code)
{
	size_t i;

	for (i = 0; i < sizeof failures / sizeof failures[0]; i++)
		if (failures[i].code == code)
			return failures[i].failure;
	return MF_HTTP_OTHER;
}

static enum mf_code
code_of(CURLcode code, enum mf_http_failure failure)
{
	if (code == CURLE_OUT_OF_MEMORY)
		return MF_ENOMEM;
	if (failure == MF_HTTP_CERTIFICATE)
		return MF_EPERM;
	return failure == MF_HTTP_OTHER ? MF_EFAIL : MF_ETRANSFER;
}

/* curl's own words hold no header, no query and no body. */
static void
describe(CURLcode code, enum mf_http_failure failure, int sys_errno, const char *authority,
    const char *why, struct mf_error *e)
{
	const char *what = words[failure].text;

	if (code == CURLE_OPERATION_TIMEDOUT)
		why = "no answer in time";
	if (failure == MF_HTTP_CONNECT && code == CURLE_COULDNT_CONNECT && sys_errno != 0)
		mf_error_sys(e, sys_errno, "%s %s", what, authority);
	else
		mf_error_set(e, MF_EFAIL, "%s %s: %s", what, authority, why);
	e->code = code_of(code, failure);
	e->sys_errno = sys_errno;
	if (failure == MF_HTTP_CERTIFICATE)
		mf_error_hint(e, "name the authority that signed it with --ca-file, "
				 "or check that this is the right server");
	if (failure == MF_HTTP_TLS) /* some bad certificates end here too, in OpenSSL's words */
		mf_error_hint(e, "check that it speaks TLS 1.2 or newer, and that "
				 "--ca-file names the authority that signed its certificate");
	if (failure == MF_HTTP_PROXY)
		mf_error_hint(e, "check the proxy, or name the host in no_proxy");
}

enum mf_http_failure
mf_http_failed(
    int curl_code, int sys_errno, const char *authority, const char *why, struct mf_error *e)
{
	const CURLcode code = (CURLcode)curl_code;
	const enum mf_http_failure failure = failure_of(code);

	describe(code, failure, sys_errno, authority, why, e);
	return failure;
}

static void
describe_job(struct mf_http_job *job, CURLcode code, enum mf_http_failure failure)
{
	char authority[MF_URL_AUTHORITY_BYTES];
	long sys_errno = 0;

	if (job->easy != NULL)
		(void)curl_easy_getinfo(job->easy, CURLINFO_OS_ERRNO, &sys_errno);
	describe(code, failure, (int)sys_errno, mf_url_authority(&job->url, authority),
	    job->curl_text[0] != '\0' ? job->curl_text : curl_easy_strerror(code), &job->error);
}

bool
mf_http_judge(struct mf_http_job *job, CURLcode code)
{
	enum mf_http_failure failure = failure_of(code);
	long proxy_status = 0;

	if (job->cut != MF_HTTP_OK) {
		job->r->failure = job->cut;
		return true;
	}
	if (failure == MF_HTTP_OK)
		return false;
	if (job->easy != NULL && job->connected_us == 0 && failure == MF_HTTP_RESET &&
	    curl_easy_getinfo(job->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status) == CURLE_OK &&
	    proxy_status != 0)
		failure = MF_HTTP_PROXY;
	if (code == CURLE_OPERATION_TIMEDOUT)
		job->r->silent_us = job->patience.connect_us;
	job->r->failure = failure;
	describe_job(job, code, failure);
	return true;
}
