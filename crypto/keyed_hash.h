/*
 * BLAKE2b-256 with a key (RFC 7693), which names chunks and segments by their content: by far the
 * most of what a push computes. One implementation behind a row with a function pointer, as in
 * digest.h: keyed_hash.c holds the reference, by libsodium; keyed_hash_evp.c computes the same
 * bytes by libcrypto, whose plain C does 1.45 GB/s on a Zen 5 where libsodium's AVX2 does 0.75.
 *
 * Pure functions, any thread.
 */
#ifndef MF_CRYPTO_KEYED_HASH_H
#define MF_CRYPTO_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>

#define MF_KEYED_HASH_BYTES 32
#define MF_KEYED_HASH_KEY_BYTES 32

struct mf_keyed_hash_row {
	const char *name;
	/* The hash of n bytes (bytes may be NULL if n is 0). Cannot fail; leaves the key nowhere.
	 */
	void (*hash)(const uint8_t key[MF_KEYED_HASH_KEY_BYTES], const void *bytes, size_t n,
	    uint8_t out[MF_KEYED_HASH_BYTES]);
};

extern const struct mf_keyed_hash_row mf_keyed_hash_sodium;
extern const struct mf_keyed_hash_row mf_keyed_hash_evp;

/* By the fastest row. */
void mf_keyed_hash(const uint8_t key[MF_KEYED_HASH_KEY_BYTES], const void *bytes, size_t n,
    uint8_t out[MF_KEYED_HASH_BYTES]);

#endif
