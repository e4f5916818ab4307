/*
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), which stores and protocols check transfers by. It
 * finds accidents and protects against nobody. Pure, any thread.
 */
#ifndef MF_BASE_CRC32C_H
#define MF_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of what went before, crc (0: nothing), and n more bytes; bytes may be NULL if n is 0. By the
 * processor's instruction where it has one. */
uint32_t mf_crc32c(uint32_t crc, const void *bytes, size_t n);

/* The same by a table, for every processor and for tests. */
uint32_t mf_crc32c_table(uint32_t crc, const void *bytes, size_t n);

/* Of n_b bytes with the sum b behind whatever has the sum a. */
uint32_t mf_crc32c_join(uint32_t a, uint32_t b, uint64_t n_b);

#endif
