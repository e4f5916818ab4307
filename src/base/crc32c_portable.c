/* Choice of the way where no processor's instruction is known. */
#include "src/base/crc32c.h"

uint32_t
mf_crc32c(uint32_t crc, const void *bytes, size_t n)
{
	return mf_crc32c_table(crc, bytes, n);
}
