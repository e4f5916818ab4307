/*
 * The command table: one row a command. A command of two words ("key add") is one row whose
 * name has a space. Constant; any thread may read it.
 */
#ifndef MF_CONFIG_COMMAND_H
#define MF_CONFIG_COMMAND_H

#include <stddef.h>
#include <stdint.h>

enum mf_command {
	MF_CMD_INIT,
	MF_CMD_PUSH,
	MF_CMD_COMMIT,
	MF_CMD_PULL,
	MF_CMD_FOLLOW,
	MF_CMD_VERSIONS,
	MF_CMD_SHOW,
	MF_CMD_LS,
	MF_CMD_CAT,
	MF_CMD_DIFF,
	MF_CMD_REF,
	MF_CMD_TAG,
	MF_CMD_FORGET,
	MF_CMD_ROLLBACK,
	MF_CMD_VERIFY,
	MF_CMD_PRUNE,
	MF_CMD_REPLICATE,
	MF_CMD_STATS,
	MF_CMD_SYNC,
	MF_CMD_COPY,
	MF_CMD_CHECK,
	MF_CMD_KEY_GENERATE,
	MF_CMD_KEY_ADD,
	MF_CMD_KEY_LIST,
	MF_CMD_KEY_REMOVE,
	MF_CMD_KEY_ROTATE,
	MF_CMD_KEY_REKEY,
	MF_CMD_MIGRATE,
	MF_CMD_STATUS,
	MF_CMD_HISTORY,
	MF_CMD_PLAN_CHECK,
	MF_CMD_SIMULATE,
	MF_CMD_SERVE,
	MF_CMD_DOCTOR,
	MF_CMD_COMPLETION,
	MF_CMD_VERSION,
	MF_CMD_HELP,
	MF_COMMANDS
};

#define MF_FOR(name) (UINT64_C(1) << MF_CMD_##name)
#define MF_ARGS_MAX 64u /* where a command takes any number of positionals */

struct mf_command_row {
	const char *name;	/* "push", "key add" */
	const char *args;	/* "DIR MODEL[@VERSION]"; "" without any */
	unsigned min_args;	/* positionals */
	unsigned max_args;
	const char *complete;	/* of each positional in turn: d directory, f file, s shell,
				 * c command, - nothing known */
	const char *help;	/* one line, lower case, no full stop */
	const char *man;	/* sentences, marked up as in option.h; a blank line parts
				 * paragraphs */
};

extern const struct mf_command_row mf_command_table[MF_COMMANDS];

/* The command called name (both words where there are two); MF_COMMANDS: none. */
enum mf_command mf_command_find(const char *name);
/* Is this the first word of commands of two words ("key")? */
int mf_command_is_group(const char *word);
/* Words of the command line that belong to a later release; they are refused by name. */
int mf_command_is_planned(const char *word);
/* The known command closest to word, for "did you mean"; NULL where none is close. A group is
 * answered by its first word. */
const char *mf_command_closest(const char *word);

#endif
