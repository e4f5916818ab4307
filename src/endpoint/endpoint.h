/*
 * A small HTTP server within this program, over libmicrohttpd: short requests, short answers, all
 * from memory. For gates, probes and metrics, not for files.
 *
 * Bounded: connections, in all and of one address; the head of a request; its body, of which a
 * longer one is answered 413 without being read; and the time that a connection may be silent.
 * A request is given to its handler whole or not at all. Paths are taken as they are written,
 * nothing is decoded.
 *
 * A token guards what the handler's owner says is guarded: those requests need "Authorization:
 * Bearer TOKEN", else 401. It is compared in constant time, and is never logged.
 *
 * With a certificate it speaks TLS 1.2 or later and nothing else.
 *
 * Threads: one of its own, which takes no signals and on which all handlers run, one after the
 * other.
 */
#ifndef MF_ENDPOINT_ENDPOINT_H
#define MF_ENDPOINT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/secret.h"
#include "src/base/error.h"

#define MF_ENDPOINT_CONNECTIONS 256u
#define MF_ENDPOINT_BODY_BYTES ((size_t)64 << 10)
#define MF_ENDPOINT_IDLE_S 15u
#define MF_ENDPOINT_NAME_BYTES 300u

struct mf_endpoint;

/* Views, until the handler returns. */
struct mf_endpoint_request {
	const char *method;
	const char *path; /* without query */
	const void *body;
	size_t body_bytes;
};

struct mf_endpoint_answer {
	int status;
	const char *text;         /* the body, a string; copied. NULL: none */
	const char *content_type; /* NULL: "text/plain; charset=utf-8" */
	const char *allow;        /* of 405 */
};

struct mf_endpoint_params {
	/* "ADDRESS:PORT", an IPv4 address or an IPv6 one in brackets; port 0: any that is free. */
	const char *listen;
	/* On the endpoint's thread. */
	void (*answer)(
	    void *arg, const struct mf_endpoint_request *q, struct mf_endpoint_answer *a);
	bool (*is_guarded)(void *arg, const char *path); /* NULL: nothing is */
	void *arg;
	const struct mf_secret
	    *token; /* without a NUL; borrowed until close. NULL: nothing guarded */
	/* PEM; both or none; read at open. The key's file is to be read by its owner alone. */
	const char *cert_file, *key_file;
	unsigned connections;  /* 0: MF_ENDPOINT_CONNECTIONS; a quarter of them of one address */
	size_t max_body_bytes; /* 0: MF_ENDPOINT_BODY_BYTES */
	unsigned idle_s;       /* 0: MF_ENDPOINT_IDLE_S */
};

/* It listens when this returns. NULL: MF_EUSAGE (no such address, a certificate that does not fit),
 * MF_ECONFLICT (the port is another's), MF_EPERM, MF_EUNSUPPORTED (no TLS in the library). */
struct mf_endpoint *mf_endpoint_open(const struct mf_endpoint_params *params, struct mf_error *e);
/* Requests under way are cut. NULL is fine. */
void mf_endpoint_close(struct mf_endpoint *p);

/* Where it listens: "http://127.0.0.1:4711". A view. */
const char *mf_endpoint_url(const struct mf_endpoint *p);
/* Can anybody but this machine reach it? */
bool mf_endpoint_is_open_to_others(const struct mf_endpoint *p);

/* A token out of a file: its one line, at least 16 bytes of visible ASCII. NULL: MF_EUSAGE, ... */
struct mf_secret *mf_endpoint_read_token(const char *path, struct mf_error *e);

#endif
