/* Arithmetic of sizes, checked where it may overflow: each such function returns false, and leaves
 * *out alone, on overflow. */
#ifndef MF_BASE_SIZE_H
#define MF_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool
mf_size_add(size_t a, size_t b, size_t *out)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool
mf_size_mul(size_t a, size_t b, size_t *out)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool
mf_u64_add(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool
mf_is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

#endif
