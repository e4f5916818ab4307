/* The variant of libs3_load.c for a build without libs3. */
#include "config.h"

#include "transfers/libs3_load.h"

const struct mf_libs3_module *
mf_libs3_load(struct mf_error *e)
{
	mf_error_set(
	    e, MF_EUNSUPPORTED, "this modelferry was built without libs3, which s3+v2:// takes");
	mf_error_hint(e, "servers that know Signature V4 are reached by s3://; else build it where "
			 "libs3-dev is installed");
	return NULL;
}
