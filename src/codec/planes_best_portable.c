/* Choice of kernel on a processor for which there is only the reference. */
#include "src/codec/planes.h"

const struct mf_planes_kernel *
mf_planes_best(void)
{
	return mf_planes_scalar();
}

const struct mf_planes_kernel *
mf_planes_nth(unsigned i)
{
	return i == 0 ? mf_planes_scalar() : NULL;
}
