/*
 * What holds for every request that leaves this program by a curl, ours or the one that libs3
 * brings: no surprises, and no trust without verification. A list alone, so that what must not link
 * the engine can include it: MF_CURL_POLICY(SET) calls SET(option, value) for each.
 */
#ifndef MF_NET_CURL_POLICY_H
#define MF_NET_CURL_POLICY_H

#include <curl/curl.h>

#define MF_CURL_KEEPALIVE_S 30L
#define MF_CURL_KEPT_IDLE_S 50L /* servers close what is idle for a minute or so */

/* QUICK_EXIT: never wait for a name server to give up. */
#define MF_CURL_POLICY(SET)                                          \
	SET(CURLOPT_NOSIGNAL, 1L)                                    \
	SET(CURLOPT_QUICK_EXIT, 1L)                                  \
	SET(CURLOPT_PROTOCOLS_STR, "http,https")                     \
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https")                    \
	SET(CURLOPT_FOLLOWLOCATION, 0L)                              \
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED)                 \
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L)                    \
	SET(CURLOPT_PATH_AS_IS, 1L)                                  \
	SET(CURLOPT_HTTP09_ALLOWED, 0L)                              \
	SET(CURLOPT_FAILONERROR, 0L)                                 \
	SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE)            \
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)                    \
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)       \
	SET(CURLOPT_SSL_VERIFYPEER, 1L)                              \
	SET(CURLOPT_SSL_VERIFYHOST, 2L)                              \
	SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) \
	SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L)                        \
	SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L)                        \
	SET(CURLOPT_TCP_KEEPALIVE, 1L)                               \
	SET(CURLOPT_TCP_KEEPIDLE, MF_CURL_KEEPALIVE_S)               \
	SET(CURLOPT_TCP_KEEPINTVL, MF_CURL_KEEPALIVE_S / 2)          \
	SET(CURLOPT_MAXAGE_CONN, MF_CURL_KEPT_IDLE_S)

#endif
