#include "src/cmd/cmd.h"

int
main(int argc, char **argv)
{
	return mf_cmd_main(argc, argv);
}
