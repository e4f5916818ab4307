/*
 * Sending one small message to a server that is not part of the work, within a bounded time: a
 * few attempts, with backoff between them (transfers/backoff.h), and a Retry-After that is obeyed
 * where it fits in the time that is left, and ends the matter where it does not.
 *
 * Tried again is what may pass: the network, answers 408, 425, 429 and 5xx. A message whose
 * answer was lost is sent once more; what it says may then arrive twice. Redirects are not
 * followed: a message goes to the URL that was given and to no other.
 *
 * The URL of a webhook or of a ping is a secret: whoever knows it can post. It is taken from
 * guarded memory, errors and logs name the option that it was given by and the host, and the
 * engine is told to hide the path (src/net/http.h). (The engine itself holds it in plain memory
 * while it sends.)
 *
 * Threads: one message at a time.
 */
#ifndef MF_REPORT_POST_H
#define MF_REPORT_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"
#include "src/base/error.h"
#include "transfers/waiting.h"

#define MF_POST_ATTEMPTS 4u
#define MF_POST_BASE_US 500000u
#define MF_POST_CAP_US 5000000u

struct mf_post;

/* As in struct mf_http_params, copied. */
struct mf_post_params {
	bool allow_http;
	const char *ca_file;
	const char *http_proxy;
	const char *https_proxy;
	const char *no_proxy;
	struct mf_waiting waiting; /* its arg must outlive the sender */
};

/* Starts the HTTP engine's thread. NULL with *e set, as mf_http_open. */
struct mf_post *mf_post_open(const struct mf_post_params *params, struct mf_error *e);
void mf_post_close(struct mf_post *p);

struct mf_post_message {
	const char *what; /* how errors call the receiver: "--notify-url" */
	const char *method;
	const char *url;
	bool hide_path; /* the URL is a secret */
	const char *content_type;
	const void *body; /* borrowed */
	size_t body_bytes;
	uint64_t timeout_us; /* for all attempts and the waits between them; 0 is no time at all */
};

/* Send it. 0: some 2xx answer. -1: MF_ETRANSFER (also where time ran out), MF_EPERM (the
 * certificate, or the answers 401, 403), MF_EINTERRUPTED (waiting.cancelled), MF_EUSAGE, or
 * MF_EFAIL for another answer; e->http_status is the last answer's. Blocking, timeout_us long at
 * most, give or take a tenth of a second. */
int mf_post_send(struct mf_post *p, const struct mf_post_message *m, struct mf_error *e);

/* Could a message be sent there at all? MF_EUSAGE, with a text that quotes nothing of the URL:
 * it is none of http or https, or is plain http to another machine without allow_http. */
int mf_post_check_url(const char *what, const char *url, bool allow_http, struct mf_error *e);

/* A URL out of a file, such as one of a mounted Kubernetes Secret: its first line, the only one;
 * blanks at the ends are dropped. NUL-terminated in guarded memory. NULL: MF_EUSAGE, or the errno's
 * code where the file cannot be read. Blocking. */
#define MF_POST_URL_FILE_BYTES 8192
struct mf_secret *mf_post_read_url(const char *what, const char *path, struct mf_error *e);
/* The same of text that is at hand. */
struct mf_secret *mf_post_take_url(const char *what, const char *text, struct mf_error *e);
/* Such a URL as a string; a view. */
const char *mf_post_url_view(const struct mf_secret *url);

#endif
