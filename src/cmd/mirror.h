/* What the commands of plain mirrors (sync, copy, check) share. */
#ifndef MF_CMD_MIRROR_H
#define MF_CMD_MIRROR_H

#include "src/cmd/cmd.h"
#include "src/cmd/tree.h"
#include "src/config/filter.h"
#include "src/state/cache.h"
#include "src/state/uploads.h"
#include "src/sync/mirror_names.h"

struct mf_cmd_mirror {
	struct mf_cmd *c;
	struct mf_cmd_end src, dst, backup;
	struct mf_filter *filter;
	struct mf_names *names;
	struct mf_cache *cache;
	struct mf_uploads *uploads;
	char *spill_dir;
};

/* Open the ends, make the filter and what progress needs. mirrors: DST may be written to. m is
 * ended by mf_cmd_mirror_fini, also after -1. */
int mf_cmd_mirror_prepare(struct mf_cmd_mirror *m, bool mirrors, struct mf_error *e);
void mf_cmd_mirror_fini(struct mf_cmd_mirror *m);
/* Begin to draw progress: "syncing SRC to DST". */
int mf_cmd_mirror_begin(struct mf_cmd_mirror *m, const char *word, struct mf_error *e);
/* For `takes`; arg is the filter. */
bool mf_cmd_mirror_takes(void *arg, const char *path);
/* For `empty`; arg is the struct mf_cmd_mirror. Where the bucket of SRC has an object of that very
 * name it is MF_EUSAGE: nothing lies below it, and a sync would delete everything; -1 also where
 * that cannot be found out. */
int mf_cmd_mirror_refuse_object(void *arg, struct mf_error *e);

#endif
