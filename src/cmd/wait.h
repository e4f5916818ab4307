/* What push waits for before it reads: a marker, and quiet. */
#ifndef MF_CMD_WAIT_H
#define MF_CMD_WAIT_H

#include <stdint.h>

#include "src/base/error.h"

/* Is there a file directly in dir whose name matches? 1, 0, -1. */
int mf_wait_is_ready(const char *dir, const char *glob, struct mf_error *e);
/* Return once nothing below dir has changed for quiet_us, by the times, sizes and number of
 * its entries. MF_EINTERRUPTED on a signal, or at deadline_us of the monotonic clock (0: none).
 * What vanishes or cannot be read meanwhile is for the push to find. */
int mf_wait_settle(const char *dir, uint64_t quiet_us, int64_t deadline_us, struct mf_error *e);

#endif
