/* A library that is no module. */
#include "config.h"

int mf_other_library(void);

int
mf_other_library(void)
{
	return 0;
}
