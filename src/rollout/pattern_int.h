/* A pattern as an automaton. */
#ifndef MF_ROLLOUT_PATTERN_INT_H
#define MF_ROLLOUT_PATTERN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/text.h"
#include "src/rollout/pattern.h"

#define MF_PATTERN_BAD_BYTE 0x200000u /* and the byte's value: none of Unicode's characters */
#define MF_PATTERN_RANGES_MAX 2000u

enum mf_pattern_kind {
	MF_PATTERN_MATCH,
	MF_PATTERN_CHAR,
	MF_PATTERN_DOT,
	MF_PATTERN_SET,
	MF_PATTERN_SPLIT, /* to out and to other */
	MF_PATTERN_JUMP,
	MF_PATTERN_START,  /* on only where the text begins */
	MF_PATTERN_FINISH, /* ... ends */
};

struct mf_pattern_range {
	uint32_t low, high;
};

struct mf_pattern_state {
	enum mf_pattern_kind kind;
	bool negated;
	uint32_t c;
	uint32_t out, other;
	uint32_t first_range, n_ranges;
};

struct mf_pattern {
	struct mf_pattern_state *states;
	size_t n_states;
	struct mf_pattern_range *ranges;
	size_t n_ranges;
	uint32_t start, match;
	bool ignore_case;
};

/* The code point of n valid bytes. */
static inline uint32_t
mf_pattern_decode(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	size_t i;

	for (i = 1; i < n; i++)
		c = c << 6 | (u[i] & 0x3fu);
	return c;
}

#endif
