#include "src/cmd/cmd.h"

static mf_cmd_function *const functions[MF_COMMANDS] = {
    [MF_CMD_INIT] = mf_cmd_init,
    [MF_CMD_PUSH] = mf_cmd_push,
    [MF_CMD_COMMIT] = mf_cmd_commit,
    [MF_CMD_PULL] = mf_cmd_pull,
    [MF_CMD_FOLLOW] = mf_cmd_follow,
    [MF_CMD_VERSIONS] = mf_cmd_versions,
    [MF_CMD_SHOW] = mf_cmd_show,
    [MF_CMD_LS] = mf_cmd_ls,
    [MF_CMD_CAT] = mf_cmd_cat,
    [MF_CMD_DIFF] = mf_cmd_diff,
    [MF_CMD_REF] = mf_cmd_ref,
    [MF_CMD_TAG] = mf_cmd_tag,
    [MF_CMD_FORGET] = mf_cmd_forget,
    [MF_CMD_ROLLBACK] = mf_cmd_rollback,
    [MF_CMD_VERIFY] = mf_cmd_verify,
    [MF_CMD_PRUNE] = mf_cmd_prune,
    [MF_CMD_REPLICATE] = mf_cmd_replicate,
    [MF_CMD_STATS] = mf_cmd_stats,
    [MF_CMD_SYNC] = mf_cmd_sync,
    [MF_CMD_COPY] = mf_cmd_sync,
    [MF_CMD_CHECK] = mf_cmd_check,
    [MF_CMD_KEY_GENERATE] = mf_cmd_key_generate,
    [MF_CMD_KEY_ADD] = mf_cmd_key_add,
    [MF_CMD_KEY_LIST] = mf_cmd_key_list,
    [MF_CMD_KEY_REMOVE] = mf_cmd_key_remove,
    [MF_CMD_KEY_ROTATE] = mf_cmd_key_rotate,
    [MF_CMD_KEY_REKEY] = mf_cmd_key_rekey,
    [MF_CMD_MIGRATE] = mf_cmd_migrate,
    [MF_CMD_STATUS] = mf_cmd_status,
    [MF_CMD_HISTORY] = mf_cmd_history,
    [MF_CMD_PLAN_CHECK] = mf_cmd_plan_check,
    [MF_CMD_SIMULATE] = mf_cmd_simulate,
    [MF_CMD_SERVE] = mf_cmd_serve,
    [MF_CMD_DOCTOR] = mf_cmd_doctor,
    [MF_CMD_COMPLETION] = mf_cmd_completion,
    [MF_CMD_VERSION] = mf_cmd_version,
    [MF_CMD_HELP] = mf_cmd_help,
};

mf_cmd_function *
mf_cmd_find(enum mf_command command)
{
	return command < MF_COMMANDS ? functions[command] : NULL;
}
