/*
 * The annotations of many versions, read before they are applied: on a far store several at once,
 * where one after the other would take a round trip each. On a local one nothing is read ahead.
 */
#ifndef MF_REPO_ANNOTATION_AHEAD_INT_H
#define MF_REPO_ANNOTATION_AHEAD_INT_H

#include "src/repo/repo_int.h"

struct mf_annotations_ahead {
	struct mf_repo *repo;
	/* the reader's own */
	const struct mf_names *names;
	struct mf_buf *plain; /* of each name; empty: it was not read */
	size_t bytes_left;
};

/* Read those of names (sorted; borrowed until fini) that begin with one of prefixes (sorted), as
 * far as memory goes. One that cannot be read is left to the call of get. ahead has its repo, and
 * else is zero; fini also after a failure. 0; -1: MF_ENOMEM. */
int mf_annotations_ahead_read(struct mf_annotations_ahead *ahead, const struct mf_names *names,
    const struct mf_names *prefixes, struct mf_error *e);
/* mf_object_get of an annotation, from what was read ahead if it is there. */
int mf_annotations_ahead_get(
    struct mf_annotations_ahead *ahead, const char *name, struct mf_buf *plain, struct mf_error *e);
void mf_annotations_ahead_fini(struct mf_annotations_ahead *ahead);

#endif
