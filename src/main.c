#include "src/base/large.h"
#include "src/cmd/cmd.h"

int
main(int argc, char **argv)
{
	mf_large_prepare();
	return mf_cmd_main(argc, argv);
}
