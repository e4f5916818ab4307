#include "src/cmd/cmd.h"

static mf_cmd_function *const functions[MF_COMMANDS] = {
    [MF_CMD_COMPLETION] = mf_cmd_completion,
    [MF_CMD_VERSION] = mf_cmd_version,
    [MF_CMD_HELP] = mf_cmd_help,
};

mf_cmd_function *
mf_cmd_find(enum mf_command command)
{
	return command < MF_COMMANDS ? functions[command] : NULL;
}
