/*
 * URLs of http and https, as RFC 3986 writes them, and its percent-encoding.
 *
 * Strict: what two readers could understand differently is refused rather than guessed. There
 * is no user information (a password in a URL ends up in logs), no fragment, no host that is a
 * number in disguise ("0x7f.1"), no zone id, no byte that ought to be encoded. A path is taken
 * as it stands: "a/../b" and "a//b" are names like others, nothing is normalised.
 *
 * Pure, any thread. An error message never quotes the query, which may be a signature.
 */
#ifndef MF_NET_URL_H
#define MF_NET_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_URL_TEXT_MAX 8192                         /* bytes of a whole URL, without the NUL */
#define MF_URL_HOST_MAX 253                          /* of a host */
#define MF_URL_AUTHORITY_BYTES (MF_URL_HOST_MAX + 9) /* "[host]:65535" and the NUL */

struct mf_url {
	bool tls;                       /* https */
	bool ipv6;                      /* the host is an IPv6 address, here without brackets */
	uint16_t port;                  /* never 0: the scheme's where none is written */
	char host[MF_URL_HOST_MAX + 1]; /* lower case */
	char *path;                     /* owned, encoded, begins with '/' */
	char *query;                    /* owned, encoded, without '?'; NULL: none */
};

#define MF_URL_INIT ((struct mf_url){.path = NULL})

/* Read text. 0, and *u (which is overwritten) needs mf_url_fini; -1 with MF_EUSAGE, or MF_ENOMEM.
 */
int mf_url_parse(struct mf_url *u, const char *text, struct mf_error *e);
void mf_url_fini(struct mf_url *u); /* wipes the query; leaves an empty one */

/* Append the URL as text; a port that is the scheme's default is left out. A failure stays in
 * out->failed. */
void mf_url_put(struct mf_buf *out, const struct mf_url *u);

/* What stands in the Host header: host, and the port where it is not the scheme's. Returns out. */
const char *mf_url_authority(const struct mf_url *u, char out[MF_URL_AUTHORITY_BYTES]);

/* Is it this machine for sure: 127.0.0.0/8, ::1, localhost and what ends in .localhost (RFC 6761)?
 */
bool mf_url_is_loopback(const struct mf_url *u);

/* Append n bytes, percent-encoded: A-Z a-z 0-9 - . _ ~ and the characters of keep ("/" in a
 * path, or "") stay, all else becomes %XY with upper-case digits. */
void mf_url_encode(struct mf_buf *out, const void *bytes, size_t n, const char *keep);

/* Append n characters of text, decoded. '+' stays a '+'. 0; -1: a '%' without two hexadecimal
 * digits, an encoded NUL, or out of memory (out->failed). */
int mf_url_decode(struct mf_buf *out, const char *text, size_t n);

#endif
