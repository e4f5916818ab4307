/*
 * For requests that are not carried by the engine (http.h) but by the libcurl of another library,
 * and whose answers are to look the same: reading an answer's head, and what a failure means.
 * Pure, any thread.
 */
#ifndef MF_NET_FOREIGN_H
#define MF_NET_FOREIGN_H

#include "src/net/http.h"

/* Heads of one answer, interim ones (100 Continue) and the final one. */
struct mf_http_head {
	struct mf_http_response *r; /* status, headers and what is read of them */
	const char *host;           /* for messages */
	bool done;                  /* the final one is complete */
	size_t trailer_bytes;
};

/* Read one line, of n bytes with the line's end, as CURLOPT_HEADERFUNCTION is given it. MF_HTTP_OK;
 * else why the answer cannot be used, and *e is set. */
enum mf_http_failure mf_http_head_line(
    struct mf_http_head *h, const char *line, size_t n, struct mf_error *e);

/* Make r as it is before an answer; memory is kept. */
void mf_http_response_clear(struct mf_http_response *r);

/* Give the members that are 0 the engine's defaults. */
void mf_http_patience_fill(struct mf_http_patience *p);

/* What curl's code means, which is not CURLE_OK, with the errno behind it (0: none) and curl's
 * words: *e is set. authority: of the server, for the message. */
enum mf_http_failure mf_http_failed(
    int curl_code, int sys_errno, const char *authority, const char *why, struct mf_error *e);

/* May it be spoken to in plain http? 0; -1 with MF_EUSAGE and a hint. */
int mf_http_check_plain(const struct mf_url *url, bool allow_http, struct mf_error *e);

#endif
