/* Choice of kernel on x86-64, at run time: see src/codec/planes_best_x86.c. */
#include "crypto/md5_lanes_x86.h"

const struct mf_md5_kernel *
mf_md5_nth(unsigned i)
{
	if (i == 0)
		return mf_md5_scalar();
	if (i == 1)
		return __builtin_cpu_supports("avx2") ? mf_md5_avx2() : NULL;
	return i == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
		   ? mf_md5_avx512()
		   : NULL;
}

const struct mf_md5_kernel *
mf_md5_best(void)
{
	unsigned i = 2;

	while (mf_md5_nth(i) == NULL)
		i--;
	return mf_md5_nth(i);
}
