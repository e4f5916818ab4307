/* What the two files of `follow` share. */
#ifndef MF_CMD_FOLLOW_INT_H
#define MF_CMD_FOLLOW_INT_H

#include "src/cmd/cmd.h"
#include "src/cmd/pull.h"
#include "src/cmd/repo.h"
#include "src/sync/follow.h"

struct mf_cmd_following {
	struct mf_cmd *c;
	struct mf_cmd_pull_options pull;
	struct mf_cmd_repo r;
	struct mf_trust *trust; /* read anew with the repository; NULL: the one of pull */
	char *model, *ref;
	char *spec;          /* MODEL@REF, also where no ref was given */
	const char *program; /* --notify-cmd, or NULL */
};

/* follow_tell.c: a trouble, or its end, to the log and to --notify-url. */
void mf_cmd_follow_trouble(struct mf_cmd_following *s, const struct mf_follow_event *event);
void mf_cmd_follow_well(struct mf_cmd_following *s, const struct mf_follow_event *event);
/* The directory shows what a pull brought: to --notify-url, where it is to hear of success. */
void mf_cmd_follow_shown(struct mf_cmd_following *s, const struct mf_follow_event *event);
/* --notify-cmd failed. */
void mf_cmd_follow_program_failed(
    struct mf_cmd_following *s, const struct mf_follow_event *event, const struct mf_error *error);

/* follow_program.c: run --notify-cmd, where it was not run to its end for what lies at path. -1:
 * it failed, *e says how. */
int mf_cmd_follow_run_program(
    struct mf_cmd_following *s, const struct mf_follow_event *event, struct mf_error *e);

#endif
