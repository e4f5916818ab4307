/*
 * Where a pulled version lies, and the one atomic step that shows it.
 *
 * With a link NAME:  DIR/.modelferry/{lock,staging/KEY,versions/KEY}, DIR/NAME -> version.
 * Without:           PARENT/.NAME.modelferry-KEY is staged, then renamed to (or exchanged
 *                    with) DIR; DIR/.modelferry/version says that a pull made it.
 * KEY is "<version>-<first 16 digits of the root's digest>", and for a part of the version
 * (--include and the like) ".<8 digits of a hash of what was selected>" behind it.
 */
#ifndef MF_REPO_PLACE_INT_H
#define MF_REPO_PLACE_INT_H

#include "src/repo/pull.h"

#define MF_PLACE_KEY_BYTES 200

struct mf_place {
	const struct mf_pull_params *p;
	char key[MF_PLACE_KEY_BYTES];
	int rootfd;	   /* DIR (with a link) or its parent */
	int lockfd;
	char staging[600]; /* below rootfd */
	char final[600];   /* below rootfd: where staging goes */
	char leaf[300];	   /* without a link: DIR's last component */
	bool exchange;	   /* DIR is an older pull: exchange, then remove */
	bool resumed;	   /* staging was there */
	bool present;	   /* the version is complete already (with a link) */
	bool replaces;	   /* it is there, and goes when the new one is complete (with a link) */
};

#define MF_PLACE_PART_BYTES 4
#define MF_PLACE_OWN ".modelferry"
#define MF_PLACE_NAME_BYTES 256 /* of a file's name, with its NUL */
#define MF_PLACE_PATH_BYTES 700
#define MF_PLACE_LEAF_BYTES 200 /* of DIR's name in the names beside it */

/* KEY of a version, from its root's digest; part as below. */
void mf_place_key(char out[MF_PLACE_KEY_BYTES], const char *version, const uint8_t digest[32],
    const uint8_t *part);
/* Check that DIR can take the version, lock it. part: MF_PLACE_PART_BYTES that tell one
 * selection from another; NULL: the whole version. MF_EEXIST: DIR is in the way;
 * MF_ECONFLICT: another pull is at work. */
int mf_place_open(struct mf_place *pl, const struct mf_pull_params *p,
    const struct mf_version *v, const uint8_t *part, struct mf_error *e);
int mf_place_staging(struct mf_place *pl, struct mf_error *e); /* open descriptor */
/* Remove it, of a pull that failed before it put anything there. Failing is only warned of. */
void mf_place_drop_staging(struct mf_place *pl);
/* Does the symbolic link DIR/link show one of our versions? name gets its KEY. */
bool mf_place_shows(const struct mf_place *pl, const char *link, char name[MF_PLACE_NAME_BYTES]);
/* The KEY of the version that the open directory was made of without a link; false: of none. */
bool mf_place_mark(int dirfd, char key[MF_PLACE_NAME_BYTES]);
/* Show it. path gets where it lies. */
int mf_place_show(struct mf_place *pl, char *path, size_t path_bytes, struct mf_error *e);

/* place_local.c */
#define MF_PLACE_LOCALS_MAX 16

/* A version that a pull brought here earlier. */
struct mf_place_local {
	char key[MF_PLACE_NAME_BYTES]; /* as KEY above */
	int fd;			       /* its directory, open */
};

/* Fill l with the local versions but the one of pl->key: the one shown now first, then by age,
 * the youngest first. Returns how many; none after an error, since they only help. */
size_t mf_place_open_locals(const struct mf_place *pl, struct mf_place_local l[MF_PLACE_LOCALS_MAX]);
void mf_place_close_locals(struct mf_place_local *l, size_t n);
/* Remove old local versions (with a link; none that any link of DIR shows, and none of the model
 * that a run keeps), and what killed pulls of other versions staged. After mf_place_show. */
int mf_place_tidy(
    struct mf_place *pl, struct mf_repo *repo, const char *model, struct mf_error *e);
void mf_place_close(struct mf_place *pl);

#endif
