/* Choice of kernel on x86-64, at run time. __builtin_cpu_supports reads a word that the C
 * runtime filled in at start: no resolver (ifunc), no state of our own. */
#include "src/codec/planes_x86.h"

const struct mf_planes_kernel *
mf_planes_best(void)
{
	return __builtin_cpu_supports("avx2") ? mf_planes_avx2() : mf_planes_sse2();
}

const struct mf_planes_kernel *
mf_planes_nth(unsigned i)
{
	if (i == 0)
		return mf_planes_scalar();
	if (i == 1)
		return mf_planes_sse2();
	return i == 2 && __builtin_cpu_supports("avx2") ? mf_planes_avx2() : NULL;
}
