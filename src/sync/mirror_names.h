/*
 * The paths that a mirror is sending at this moment, for whoever draws its progress. Any thread.
 */
#ifndef MF_SYNC_MIRROR_NAMES_H
#define MF_SYNC_MIRROR_NAMES_H

#include <stddef.h>

#include "src/base/error.h"

struct mf_names;

/* Room for this many at once; NULL: out of memory. */
struct mf_names *mf_names_new(size_t slots, struct mf_error *e);
void mf_names_free(struct mf_names *n);
/* Note a path (borrowed until left). The slot, or -1 where all are taken. n may be NULL. */
int mf_names_enter(struct mf_names *n, const char *path);
void mf_names_leave(struct mf_names *n, int slot);
/* The paths in the order of their slots, parted by ", ", control characters escaped, each cut in
 * its middle to max_chars characters (0: none is cut); as many as fit into out. Returns out. */
const char *mf_names_text(struct mf_names *n, size_t max_chars, char *out, size_t out_bytes);

#endif
