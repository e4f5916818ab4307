/*
 * Where a pulled version lies, and the one atomic step that shows it.
 *
 * With a link NAME:  DIR/.modelferry/{lock,staging/KEY,versions/KEY}, DIR/NAME -> version.
 * Without:           PARENT/.NAME.modelferry-KEY is staged, then renamed to (or exchanged
 *                    with) DIR; DIR/.modelferry/version says that a pull made it.
 * KEY is "<version>-<first 16 digits of the root's digest>".
 */
#ifndef MF_REPO_PLACE_INT_H
#define MF_REPO_PLACE_INT_H

#include "src/repo/pull.h"

struct mf_place {
	const struct mf_pull_params *p;
	char key[200];
	int rootfd;	   /* DIR (with a link) or its parent */
	int lockfd;
	char staging[600]; /* below rootfd */
	char final[600];   /* below rootfd: where staging goes */
	char leaf[300];	   /* without a link: DIR's last component */
	bool exchange;	   /* DIR is an older pull: exchange, then remove */
	bool resumed;	   /* staging was there */
	bool present;	   /* the version is complete already (with a link) */
};

/* Check that DIR can take the version, lock it, make the staging directory. MF_EEXIST: DIR is
 * in the way; MF_ECONFLICT: another pull is at work. */
int mf_place_open(struct mf_place *pl, const struct mf_pull_params *p,
    const struct mf_version *v, struct mf_error *e);
int mf_place_staging(struct mf_place *pl, struct mf_error *e); /* open descriptor */
/* The version that the link shows now, open; -1 where there is none. */
int mf_place_current(const struct mf_place *pl);
/* Show it. path gets where it lies. */
int mf_place_show(struct mf_place *pl, char *path, size_t path_bytes, struct mf_error *e);
/* Remove old local versions (with a link). */
int mf_place_tidy(struct mf_place *pl, struct mf_error *e);
void mf_place_close(struct mf_place *pl);

#endif
