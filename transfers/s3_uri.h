/*
 * Percent-encoding as S3 and its Signature V4 want it: everything but A-Z a-z 0-9 - . _ ~ is
 * written as %XY with upper-case digits, in paths also '/' stays (Amazon S3 API Reference,
 * "Signature Calculations for the Authorization Header", UriEncode). Bytes, no character sets.
 * Pure, any thread.
 */
#ifndef MF_TRANSFERS_S3_URI_H
#define MF_TRANSFERS_S3_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"

/* One parameter of a query, raw. An absent value is an empty one. */
struct mf_s3_param {
	const char *name;
	const char *value; /* NULL: "" */
};

#define MF_S3_QUERY_MAX 32

/* Append n bytes of text, encoded. slash: '/' stays. */
void mf_s3_uri_encode(struct mf_buf *out, const char *text, size_t n, bool slash);

/* Append the parameters encoded and joined, "a=1&b=&b=2": sorted by encoded name, then value,
 * as Signature V4 signs them, which is fit to be sent too. n is at most MF_S3_QUERY_MAX. */
void mf_s3_uri_query(struct mf_buf *out, const struct mf_s3_param *params, size_t n);

/* Decode %XY and '+' (a space: so Amazon writes one in a listing with encoding-type=url) in
 * place, n bytes, *len of them when it is done. 0; -1 for a '%' without two hexadecimal digits and
 * for an encoded NUL, with text in disorder. */
int mf_s3_uri_decode(char *text, size_t n, size_t *len);

#endif
