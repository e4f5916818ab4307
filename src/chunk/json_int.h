/*
 * A pull parser for JSON (RFC 8259) that keeps nothing: a safetensors header is read through
 * a window of a few KiB, however long it is. Strict, except that numbers are only looked at
 * where one is asked for.
 *
 * Every function answers 0, or 1: not what was asked for, or the scan's status is not 0.
 */
#ifndef MF_CHUNK_JSON_INT_H
#define MF_CHUNK_JSON_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/chunk/plan_int.h"

#define MF_JSON_DEPTH_MAX 32

struct mf_json_text {
	char *bytes; /* UTF-8 with escapes resolved; NUL bytes are possible */
	size_t capacity;
	size_t len;
};

/* Skip white space, then take this character. */
int mf_json_expect(struct mf_scan *s, char c);
/* Skip white space and look at the next character: -1 at the end. */
int mf_json_peek(struct mf_scan *s);
/* A string. out NULL: only checked. One longer than out's capacity is refused. */
int mf_json_string(struct mf_scan *s, struct mf_json_text *out);
/* A non-negative integer, without fraction or exponent, below 2^64. */
int mf_json_u64(struct mf_scan *s, uint64_t *value);
/* Any value, at most MF_JSON_DEPTH_MAX deep, is passed over. */
int mf_json_skip(struct mf_scan *s);
/* Inside an object or array: called before each member (first: is it the first?). *more says
 * whether one follows; if not, `close` has been taken. */
int mf_json_next(struct mf_scan *s, char close, bool first, bool *more);

#endif
