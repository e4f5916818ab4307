/*
 * A list of HTTP header fields, in the order they were added. Names compare without case.
 *
 * Refused, so that no header can smuggle in another one: names that are no tokens (RFC 9110,
 * 5.6.2), values with CR, LF, NUL or another control character but tab. Bounded in number and
 * bytes. The memory is wiped when it is let go, since values may be secrets.
 *
 * Not thread safe.
 */
#ifndef MF_NET_HEADERS_H
#define MF_NET_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_HTTP_HEADERS_MAX 256
#define MF_HTTP_HEADER_BYTES_MAX ((size_t)64 << 10) /* of all names and values */

struct mf_http_headers {
	struct mf_buf text; /* name NUL value NUL ... */
	unsigned n;
};

#define MF_HTTP_HEADERS_INIT ((struct mf_http_headers){.n = 0})

void mf_http_headers_fini(struct mf_http_headers *h);  /* wipes, frees, leaves an empty list */
void mf_http_headers_clear(struct mf_http_headers *h); /* wipes; memory kept */

/* Add one; both are copied, white space around the value is dropped. 0; -1 with MF_EUSAGE (the
 * name or value is refused; the message names the header, never the value), or past the bounds,
 * or MF_ENOMEM. Pointers that were handed out are void after. */
int mf_http_headers_add(struct mf_http_headers *h, const char *name, const char *value,
    struct mf_error *e);
/* The same with lengths, neither ends with a NUL. */
int mf_http_headers_add_n(struct mf_http_headers *h, const char *name, size_t name_n,
    const char *value, size_t value_n, struct mf_error *e);

/* The value of the first of that name, or NULL. A view, until the list changes. */
const char *mf_http_headers_get(const struct mf_http_headers *h, const char *name);

/* Walk: start with *at = 0; true, and views of a name and its value, until there are no more. */
bool mf_http_headers_next(const struct mf_http_headers *h, size_t *at, const char **name,
    const char **value);

/* Is it a token of at least one character? */
bool mf_http_is_token(const char *s, size_t n);

#endif
