/* What the plan builder shares with run.c: the two halves of mf_run_closes. */
#ifndef MF_CHUNK_RUN_INT_H
#define MF_CHUNK_RUN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/chunk/run.h"

/* Keyed 64-bit hash of a name: the first 8 bytes, little-endian, of BLAKE2b-128(key, name). */
uint64_t mf_run_name_hash(const uint8_t *key, const void *name, size_t n);

/* mf_run_closes with the name hashed already. */
bool mf_run_closes_hashed(
    const uint8_t *key, uint64_t name_hash, uint64_t size, uint64_t run_bytes);

#endif
