/*
 * A thread that looks whether the data at the destination is still what was verified, while
 * traffic goes there: a disk or a file system that hangs must not keep the run from sending
 * traffic back, nor must the reading of a large model.
 */
#ifndef MF_MIGRATE_WATCHER_H
#define MF_MIGRATE_WATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/repo/intact.h"

enum mf_watcher_state {
	MF_WATCHER_WELL,
	MF_WATCHER_LOOKING, /* something was touched and is being read, or nobody looked yet */
	MF_WATCHER_DAMAGED, /* for ever */
};

struct mf_watcher;

/* Look every so often. looked: all of it was well just now. The data is the watcher's, also on
 * failure. */
int mf_watcher_start_take(struct mf_watcher **out, struct mf_intact *data, uint64_t every_us,
    bool looked, struct mf_error *e);
/* Waits until a read that is under way has ended. NULL is fine. */
void mf_watcher_stop(struct mf_watcher *w);

/* why (MF_ERROR_MESSAGE_BYTES; may be NULL) says what is damaged. */
enum mf_watcher_state mf_watcher_state(struct mf_watcher *w, char *why);
/* Did a look that began after this call find all well? Waits for it, wait_us at most. */
bool mf_watcher_look_now(struct mf_watcher *w, uint64_t wait_us);

#endif
