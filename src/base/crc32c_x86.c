/* CRC-32C by the instruction of SSE4.2, where the processor has that. */
#include <nmmintrin.h>
#include <string.h>

#include "src/base/crc32c.h"

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t wide = (uint32_t)~crc, word;

	for (; n >= sizeof word; n -= sizeof word, at += sizeof word) {
		memcpy(&word, at, sizeof word);
		wide = _mm_crc32_u64(wide, word);
	}
	for (crc = (uint32_t)wide; n > 0; n--)
		crc = _mm_crc32_u8(crc, *at++);
	return ~crc;
}

uint32_t
mf_crc32c(uint32_t crc, const void *bytes, size_t n)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, bytes, n)
						: mf_crc32c_table(crc, bytes, n);
}
