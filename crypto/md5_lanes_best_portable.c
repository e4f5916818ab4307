/* Choice of kernel on a processor for which there is only the reference. */
#include "crypto/md5_lanes.h"

const struct mf_md5_kernel *
mf_md5_best(void)
{
	return mf_md5_scalar();
}

const struct mf_md5_kernel *
mf_md5_nth(unsigned i)
{
	return i == 0 ? mf_md5_scalar() : NULL;
}
