/*
 * Opening a tree by its URL:
 *   /srv/models, ./dir, dir       a directory
 *   file://PATH                   the same; PATH is taken literally
 *   s3://BUCKET, s3://BUCKET/PATH a bucket: tree_s3.h
 *   gs://BUCKET, gs://BUCKET/PATH the same at Google
 *   s3+v2://...                   MF_EUNSUPPORTED
 * Anything else with "://" is MF_EUSAGE.
 */
#ifndef MF_TRANSFERS_TREE_OPEN_H
#define MF_TRANSFERS_TREE_OPEN_H

#include "transfers/tree_dir.h"
#include "transfers/tree_s3.h"

/* Zero: the default of each. */
struct mf_tree_open_params {
	bool write;                       /* without it whatever changes something is MF_EPERM */
	enum mf_tree_links links;         /* of a directory */
	bool create;                      /* make a directory that is missing; a bucket never */
	const struct mf_s3_options *s3;   /* NULL: defaults, and no environment */
	const struct mf_gcs_options *gcs; /* the same */
	struct mf_tree_s3_params bucket;
};

/* 0, and *out is the caller's: mf_tree_close; -1. params may be NULL. */
int mf_tree_open(const char *url, const struct mf_tree_open_params *params, struct mf_tree **out,
    struct mf_error *e);

#endif
