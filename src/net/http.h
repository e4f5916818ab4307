/*
 * An HTTP client: blocking requests from any number of threads, carried by a few network
 * threads (one by default), each with a curl multi handle and its pool of connections. Short ones
 * (no sink, a body of at most MF_HTTP_SHORT_BYTES, no limit of rates at the time) are carried by
 * the threads that make them, on handles and connections that lie idle between them: no other
 * thread is woken for such a request.
 *
 * What it does not do, on purpose: follow redirects (a redirected request to a bucket has to be
 * signed again: the caller sees status and Location), repeat requests that a server may have
 * seen (unless a request says that it does no harm), keep cookies, read .netrc, read proxies
 * from the environment (they are parameters, so that one place decides), share one HTTP/2
 * connection between requests (one stream of bytes a connection is what far buckets want).
 *
 * Trust. TLS is at least version 1.2, and peer and host name are verified, unless an engine was
 * opened as `unverified`. Plain http goes to this machine only, unless allowed. A header with a
 * control character is refused. Messages and logs name the host, and the log the path, but never
 * a query, a header's value or a body.
 * (OpenSSL writes TLS session keys to the file that SSLKEYLOGFILE names, as in every program
 * with libcurl: whoever can set our environment can read our memory anyway.)
 *
 * Threads. The caller's thread checks, signs and sends off the request, runs the sink and polls
 * `interrupted`; network threads move bytes and ask the pacer, and run nothing else of the
 * caller's. A caller's thread that carries its request itself does that too: it should ignore
 * SIGPIPE, and a signal that it takes ends no wait. No lock is held while any callback runs.
 * Network threads block all signals.
 */
#ifndef MF_NET_HTTP_H
#define MF_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/net/headers.h"
#include "src/net/url.h"

#define MF_HTTP_THREADS_MAX 64
#define MF_HTTP_SHORT_BYTES ((size_t)64 << 10)
#define MF_HTTP_ERROR_BODY_BYTES ((size_t)256 << 10)

struct mf_http;

/*
 * Rates, applied where bytes go to the socket and come from it. A ticket says "these n bytes may
 * pass when the time comes": take always gives one, wait says how long that is (0: now), and is
 * asked again at least ten times a second, so that a change of the rate is felt by those who
 * wait. That is a token bucket's take and wait; its burst should be about a twentieth of a
 * second: less loses tokens whenever a thread wakes late, more shows in a second's bytes.
 *
 * Counted are bytes of HTTP messages, headers and bodies; those of TLS, TCP and IP are not.
 *
 * All members are set, or none. Called on network threads, several at once where there are
 * several: they lock for themselves, and neither block nor call the engine.
 */
enum mf_http_direction { MF_HTTP_UP, MF_HTTP_DOWN };

struct mf_http_pacer {
	/* Bytes per second at present; 0: no limit, nothing else is asked. */
	uint64_t (*rate)(void *arg, enum mf_http_direction direction, uint64_t now_us);
	uint64_t (*take)(void *arg, enum mf_http_direction direction, uint64_t n_bytes,
	    uint64_t now_us);
	uint64_t (*wait)(void *arg, enum mf_http_direction direction, uint64_t ticket,
	    uint64_t now_us);
	void *arg;
};

/* How long to put up with what. Of a server that is silent for a quarter of connect_us or
 * answer_us, and 5 s, the log warns, at most once a minute. Zero: what the engine's parameters
 * say, there: the default. */
struct mf_http_patience {
	uint64_t connect_us;  /* name, connection, TLS; default 30 s */
	uint64_t stall_us;    /* cut what is slower than stall_bytes a second over that long; not */
	uint64_t stall_bytes; /* counting time in which we hold back; defaults 60 s and 1024 */
	uint64_t answer_us;   /* from the last byte sent to the first one back; default 120 s */
	uint64_t total_us;    /* the whole request; default: for ever */
};

struct mf_http_params {
	unsigned net_threads; /* 0: 1; at most MF_HTTP_THREADS_MAX */
	unsigned connections; /* kept open by network threads between requests; 0: 64 */
	bool allow_http;      /* plain http to other machines too */
	/* Offer HTTP/2 to https servers; else HTTP/1.1 only, whose uploads no second flow control
	 * holds back: the better one for large bodies. */
	bool http2;
	const char *ca_file; /* PEM; NULL: the system's. It replaces those, it does not add */
	/* Ask no server of this engine who it is: whoever stands between may read and answer. Only
	 * where a plan says so in so many words (a webhook's disableTLS); proxies are verified. */
	bool unverified;
	/* Proxies: [http|https|socks5|socks5h://][user:password@]host[:port] for http:// and for
	 * https:// URLs; NULL or "": none. Those of this machine (mf_url_is_loopback) and what
	 * no_proxy names, "a.example,.b.example,10.0.0.0/8" (CURLOPT_NOPROXY(3)), are reached
	 * directly. */
	const char *http_proxy;
	const char *https_proxy;
	const char *no_proxy;
	const char *user_agent; /* NULL: "modelferry/VERSION" */
	struct mf_http_patience patience;
	struct mf_http_pacer pacer;
	uint64_t (*now_us)(void); /* NULL: the monotonic clock */
};

/* Start. All strings are copied. NULL with *e set: MF_EUSAGE (a bad parameter, an unreadable
 * ca_file), MF_EUNSUPPORTED (a libcurl without TLS or not thread safe), MF_ENOMEM, MF_EFAIL. */
struct mf_http *mf_http_open(const struct mf_http_params *params, struct mf_error *e);
/* Stop the threads and close all connections. No thread may be in mf_http_perform. */
void mf_http_close(struct mf_http *http);
/* End all requests, and every later one at once, with MF_EINTERRUPTED. Any thread; for good. */
void mf_http_cancel(struct mf_http *http);

struct mf_http_header {
	const char *name;
	const char *value;
};

/* What a signer sees and may change. */
struct mf_http_signing {
	const char *method;
	const struct mf_url *url;        /* of the request */
	const char *authority;           /* what the Host header will be */
	struct mf_http_headers *headers; /* the request's; the signer adds its own */
	/* To send another path and query than the URL's: encoded, begins with '/'. Copied when the
	 * signer returns. */
	const char *target;
};

struct mf_http_response;

/* Memory of the caller's for the body of an answer (see mf_http_request.place). */
struct mf_http_place {
	uint8_t *at;   /* NULL: nowhere yet */
	size_t n;      /* as much may come */
	size_t filled; /* by the engine, when mf_http_perform returns */
};

#define MF_HTTP_WINDOW_ALIGN ((size_t)64 << 10)

struct mf_http_request {
	const char *method; /* "GET", "HEAD", "PUT", "POST", "DELETE", or another token */
	const char *url;    /* mf_url_parse must like it */
	/* Any but Host, Content-Length, Transfer-Encoding, Connection, Expect, TE and their like,
	 * which are the engine's. */
	const struct mf_http_header *headers;
	size_t n_headers;
	const void *body; /* borrowed until mf_http_perform returns; NULL with body_bytes 0: none */
	uint64_t body_bytes;
	bool has_body; /* an empty body is one too: Content-Length: 0 */

	/* Called on the caller's thread when all is ready to be sent, so that the time and the
	 * credentials of a signature are fresh. NULL: none. 0, or -1 with *e set. */
	int (*sign)(void *arg, struct mf_http_signing *signing, struct mf_error *e);
	void *sign_arg;

	/* Given the body of a 2xx answer piece by piece, on the caller's thread, which may block
	 * there: when window_bytes (0: 256 KiB) wait for it, the connection is left unread until
	 * it has caught up. response has status and headers. 0, or -1 with *e set to end the
	 * request with that error. NULL: the body goes to response->body. */
	int (*sink)(void *arg, const struct mf_http_response *response, const void *bytes, size_t n,
	    struct mf_error *e);
	void *sink_arg;
	size_t window_bytes;
	/* A power of two of at least MF_HTTP_WINDOW_ALIGN, at most half of window_bytes: the sink
	 * is given as much at once where it comes within a tenth of a second, else multiples of
	 * MF_HTTP_WINDOW_ALIGN, and at the end what is left. Each piece begins in memory on a
	 * boundary of the latter. Few large pieces cost less than many small ones. 0: whatever is
	 * there. */
	size_t piece_bytes;
	/*
	 * For a sink that puts the body together in memory: in its first call it may set *place, to
	 * where the bytes that follow those of that call belong. What was read by then still goes
	 * through the sink, in order; all behind that the engine puts there itself, right after it,
	 * and wakes the caller at the end alone: a large body is copied once less, and the two threads
	 * take no turns. More than fits is a failure. NULL: all goes through the sink.
	 */
	struct mf_http_place *place;

	/* A longer body is a failure. 0: 1 MiB without a sink, no bound with one. Other bodies than
	 * those of 2xx answers may have MF_HTTP_ERROR_BODY_BYTES in any case. */
	uint64_t max_body_bytes;

	/* Sending it twice does no harm (GET and HEAD always are so): where a connection that was
	 * kept open turns out to be dead, it is sent once more on a fresh one. Otherwise that is a
	 * failure with maybe_sent, because the server may have acted upon it. */
	bool repeatable;
	bool expect_continue; /* wait for "100 Continue" before the body, 1 s at most */
	bool hide_path;       /* the path is a secret too (a webhook's): not in logs */

	struct mf_http_patience patience;
	bool (*interrupted)(void *arg); /* ten times a second on the caller's thread; NULL: never */
	void *interrupted_arg;
};

/* What went wrong between us and the server, beside the error's code. */
enum mf_http_failure {
	MF_HTTP_OK,          /* there is an answer, of whatever status */
	MF_HTTP_REFUSED,     /* by us: a bad request, plain http, a signer's or sink's error */
	MF_HTTP_LOOKUP,      /* no address for the name */
	MF_HTTP_CONNECT,     /* refused, unreachable, or connect_us are over */
	MF_HTTP_PROXY,       /* the proxy could not be reached or said no */
	MF_HTTP_TLS,         /* no common protocol, broken handshake */
	MF_HTTP_CERTIFICATE, /* the peer is not who it should be: never worth another try */
	MF_HTTP_SLOW,        /* stall_bytes, answer_us or total_us */
	MF_HTTP_RESET,       /* the connection broke */
	MF_HTTP_SHORT,       /* the body ended early */
	MF_HTTP_LARGE,       /* the body or the headers are larger than allowed */
	MF_HTTP_PROTOCOL,    /* the answer is no HTTP */
	MF_HTTP_CANCELLED,   /* interrupted */
	MF_HTTP_OTHER,       /* memory, a failure within curl */
	MF_HTTP_FAILURES
};

struct mf_http_times {          /* us from the call of mf_http_perform; 0: not reached */
	uint64_t connected_us;  /* also where an open connection was taken */
	uint64_t first_byte_us; /* of the answer */
	uint64_t total_us;
};

struct mf_http_response {
	int status; /* 0: none came */
	struct mf_http_headers headers;
	struct mf_buf body;
	uint64_t body_bytes;    /* received, also by a sink */
	int64_t content_length; /* as announced; -1: not */
	int64_t date_unix_s;    /* of the Date header; -1: none, or one before 1970 or after 9999 */
	int64_t retry_after_s;  /* of Retry-After, at most a day; -1: none */
	enum mf_http_failure failure;
	/* Of MF_HTTP_SLOW, and of a connection that took too long: how long the server had been
	 * silent, or slower than stall_bytes, when it was given up. */
	uint64_t silent_us;
	bool maybe_sent; /* some of the request may have reached the server */
	bool new_connection;
	uint64_t sent_bytes; /* of the request's body */
	struct mf_http_times times;
};

#define MF_HTTP_RESPONSE_INIT ((struct mf_http_response){.status = 0})

void mf_http_response_fini(struct mf_http_response *r);

/*
 * Carry out one request and wait for its answer. 0: there is one, of any status: look at
 * r->status. -1 with *e set, and r tells what is known; codes:
 *   MF_ETRANSFER     the network, the server or the proxy failed; it may work later
 *   MF_EINTERRUPTED  interrupted() said so, or mf_http_cancel
 *   MF_EPERM         the server's certificate is not to be trusted
 *   MF_EUSAGE        a bad URL, method or header, plain http to another machine
 *   MF_ENOMEM, MF_EFAIL, or what sign or sink said
 * r begins as MF_HTTP_RESPONSE_INIT, or as an earlier call left it, whose memory is used again;
 * it needs mf_http_response_fini in either case. Not from within a callback of the engine.
 */
int mf_http_perform(struct mf_http *http, const struct mf_http_request *request,
    struct mf_http_response *r, struct mf_error *e);

/* The value of an answer's header, or NULL. A view. Any case. */
const char *mf_http_response_header(const struct mf_http_response *r, const char *name);

#endif
