#include "src/chunk/run_int.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "src/base/buf.h"

/* A draw in [0, 2^21) is below s with probability s / 2 MiB. */
#define DRAW_BITS 21
_Static_assert(MF_RUN_TARGET_BYTES == (uint64_t)1 << DRAW_BITS, "the draw covers the target");

static uint64_t
hash64(const uint8_t *key, const void *bytes, size_t n)
{
	uint8_t out[crypto_generichash_BYTES_MIN];

	/* cannot fail: all lengths are inside their bounds */
	(void)crypto_generichash(out, sizeof(out), bytes, n, key, crypto_generichash_KEYBYTES);
	return mf_get_u64(out);
}

uint64_t
mf_run_name_hash(const uint8_t *key, const void *name, size_t n)
{
	return hash64(key, name, n);
}

bool
mf_run_closes_hashed(const uint8_t *key, uint64_t name_hash, uint64_t size, uint64_t run_bytes)
{
	uint8_t member[16];

	if (run_bytes == 0 || size == 0)
		return false;
	if (size > MF_RUN_MAX_BYTES || run_bytes > MF_RUN_MAX_BYTES - size)
		return true;
	mf_set_u64(member, name_hash);
	mf_set_u64(member + 8, size);
	return hash64(key, member, sizeof(member)) >> (64 - DRAW_BITS) < size;
}

bool
mf_run_closes(const uint8_t *key, const char *name, uint64_t size, uint64_t run_bytes)
{
	assert(key != NULL && name != NULL);
	if (run_bytes == 0 || size == 0)
		return false;
	return mf_run_closes_hashed(
	    key, mf_run_name_hash(key, name, strlen(name)), size, run_bytes);
}
