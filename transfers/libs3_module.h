/*
 * What the program and its module s3v2.so say to each other. The module is the only code that is
 * linked with libs3, which brings a libcurl of its own; the program loads it when a place of
 * s3+v2:// is opened (libs3_load.h), and not before.
 *
 * The module carries out one request: libs3 composes and signs it (Signature Version 2), its curl
 * sends it. Everything else is the program's: credentials, reading answers, patience, limits.
 * Plain C types only, and nothing of the program's is called but through the request.
 *
 * libs3 as Debian has it (2.0) is not to be trusted with an answer, so its curl passes through
 * libs3_guard.c.
 */
#ifndef MF_TRANSFERS_LIBS3_MODULE_H
#define MF_TRANSFERS_LIBS3_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of everything in this file: one more with each change. */
#define MF_LIBS3_VERSION 1

/* What libs3 has room for; it cuts what is longer, and the signature is wrong then. */
#define MF_LIBS3_KEY_ID_MAX 79 /* its header is 127 bytes long: "Authorization: AWS ID:..." */
#define MF_LIBS3_SECRET_MAX 64 /* of its HMAC, which does not hash longer ones as RFC 2104 asks */

enum mf_libs3_verb {
	MF_LIBS3_PUT,
	MF_LIBS3_GET,
	MF_LIBS3_HEAD,
	MF_LIBS3_DELETE,
	MF_LIBS3_LIST, /* version 1 of the call, names as they are */
};

/* One request. All is borrowed until perform returns; callbacks come on its thread. */
struct mf_libs3_request {
	enum mf_libs3_verb verb;
	bool tls, virtual_host;
	const char *host; /* with the port, where that is not the scheme's; without the bucket */
	const char *bucket;
	const char *key; /* "": the bucket itself; unused by LIST */
	const char *key_id, *secret;
	/* LIST; NULL and 0: none. */
	const char *prefix, *marker;
	int max_keys;
	/* GET: count bytes from offset on; count 0: to the end. */
	uint64_t offset, count;
	/* PUT. */
	const void *body;
	uint64_t body_bytes;
	const char *md5; /* of the body, base64 */
	bool if_absent;  /* with If-None-Match: *, which a Signature V2 does not cover */

	bool repeatable;     /* may be sent again where a kept connection turns out to be dead */
	const char *ca_file; /* NULL: the system's */
	const char *proxy;   /* "": none */
	const char *no_proxy;
	const char *user_agent;
	long connect_ms;

	/* A line of the answer's head, with its end. Not 0: stop. */
	int (*head)(void *arg, const char *line, size_t n);
	/* Bytes of its body. The same. */
	int (*sink)(void *arg, const void *bytes, size_t n);
	/* Once a second at least, with the bytes of bodies that have moved. The same. */
	int (*look)(void *arg, bool connected, uint64_t sent, uint64_t received);
	void *arg;
};

struct mf_libs3_result {
	/* libs3's word for why it sent nothing; "": it did. */
	char refusal[64];
	/* curl's: a CURLcode, 0 where there is an answer, the errno behind it, its words. */
	int curl_code;
	long sys_errno;
	char text[256];
	bool maybe_sent; /* some of the request may have reached the server */
	bool new_connection;
	uint64_t sent_bytes; /* of the body */
};

struct mf_libs3_module {
	uint32_t version; /* MF_LIBS3_VERSION: where it is another, nothing behind it is known */
	/* Make ready, once in a process, before anything else. NULL, or why it cannot be, a text
	 * for the user. */
	const char *(*begin)(void);
	/* Carry out. Blocking. Any number of threads. */
	void (*perform)(const struct mf_libs3_request *q, struct mf_libs3_result *out);
};

/* The module's one name. */
#define MF_LIBS3_SYMBOL "mf_libs3_module"

#endif
