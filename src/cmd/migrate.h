/* The parts of `migrate`. */
#ifndef MF_CMD_MIGRATE_H
#define MF_CMD_MIGRATE_H

#include <jansson.h>

#include "src/cmd/cmd.h"
#include "src/migrate/migrate.h"
#include "src/rollout/plan.h"

/* migrate_live.c: the run as it is now, on a terminal. *out is NULL where nothing is to be drawn,
 * which is fine for the others. mf_live_stop wipes it. */
struct mf_live;
int mf_live_start(struct mf_cmd *c, const char *name, struct mf_live **out, struct mf_error *e);
void mf_live_show(struct mf_live *l, const struct mf_migrate_view *view);
void mf_live_stop(struct mf_live *l);

struct mf_cmd_telling {
	struct mf_cmd *c;
	struct mf_live *live; /* NULL: no terminal */
};

/* migrate_tell.c: what happens, for people or as a line of JSON a tick; arg: struct
 * mf_cmd_telling. */
void mf_cmd_tell_migration(void *arg, const struct mf_migrate_event *event);
/* migrate_report.c: how it ended, and the error that makes the status. */
int mf_cmd_end_migration(struct mf_cmd *c, const char *run_id, const struct mf_plan *plan,
    const struct mf_migrate_report *r, struct mf_error *e);

/* migrate_steps.c: what a person does after a way back that the run could not go: how many steps,
 * each a line without its end, in their order. The buffers are the caller's, empty ones. */
#define MF_CMD_MANUAL_STEPS 3u
size_t mf_cmd_manual_steps(const struct mf_migration_plan *plan, const struct mf_migrate_report *r,
    struct mf_buf steps[MF_CMD_MANUAL_STEPS]);

/* migrate_compare.c: what compare found, as lines and as an object; nothing and null where nothing
 * was compared. NULL: no memory. */
void mf_cmd_put_compared(FILE *out, const struct mf_replay_agreement *a);
json_t *mf_cmd_compared_json(const struct mf_replay_agreement *a);

/* plan.c: a plan's file, appended to *out. -1: MF_EUSAGE where there is none. */
int mf_cmd_read_plan_file(const char *path, struct mf_buf *out, struct mf_error *e);
/* What a plan says that is not heard, each a line of the log. */
void mf_cmd_warn_of_plan(const struct mf_plan *plan);

/* migrate_bare.c: what the options say of a Canary or Rollout that stands alone. */
struct mf_cmd_bare {
	struct mf_plan_bare words; /* views of what is below, and of the options */
	struct mf_pair *args;      /* whose names are owned, too */
	char *model;
	char *to;
	struct mf_buf router;
};
/* Read the options. What is there is to be freed, also after -1: MF_EUSAGE, MF_ENOMEM. */
int mf_cmd_read_bare(struct mf_cmd *c, struct mf_cmd_bare *b, struct mf_error *e);
void mf_cmd_free_bare(struct mf_cmd_bare *b);
/* What such a run does, in the first line of the output. */
int mf_cmd_tell_bare(struct mf_cmd *c, const struct mf_plan *plan, struct mf_error *e);

/* migrate.c: the preflight of the plan that the first positional names, and nothing more: tell
 * hears each thing that it looks at. out is filled in any case. */
int mf_cmd_preflight(struct mf_cmd *c,
    void (*tell)(void *arg, const struct mf_migrate_event *event), void *arg,
    struct mf_migrate_report *out, struct mf_error *e);

/* migrate_steer.c: --abort RUN and its like. 1: none was given. */
int mf_cmd_steer(struct mf_cmd *c, struct mf_error *e);

#endif
