/*
 * Segments of many versions, read before they are wanted: on a far store several at once, where one
 * after the other would take a round trip each. On a local one nothing is read ahead.
 */
#ifndef MF_REPO_SEGMENTS_AHEAD_INT_H
#define MF_REPO_SEGMENTS_AHEAD_INT_H

#include "src/repo/version.h"

struct mf_segments_ahead;

/* Begin with those of these versions, each once, in order; they are borrowed until finish. Up to an
 * eighth of the repository's memory is used. 0, also where nothing is read ahead; -1. */
int mf_segments_ahead_start(struct mf_repo *repo, const struct mf_versions *vs,
    struct mf_segments_ahead **out, struct mf_error *e);
/* mf_segment_get of the next one that is wanted: those that come before it, in the order above, are
 * not wanted any more. */
int mf_segments_ahead_get(struct mf_segments_ahead *a, const struct mf_segment_ref *ref,
    struct mf_buf *plain, struct mf_error *e);
/* NULL is fine. */
void mf_segments_ahead_finish(struct mf_segments_ahead *a);

#endif
