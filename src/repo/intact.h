/*
 * Is a directory that a version was pulled to still that version? Looked at over and over while
 * it serves: size, times and inode of each file tell at once that nothing touched it; a file that
 * something did touch is read and held against the version's checksum.
 *
 * It does not see what leaves no trace in a file's metadata, such as a disk that rots; `verify
 * --local` reads everything. Files that the version does not have are nobody's damage.
 *
 * Threads: one at a time. The version is read once, when it is opened; looking needs no store.
 */
#ifndef MF_REPO_INTACT_H
#define MF_REPO_INTACT_H

#include <stdbool.h>

#include "src/base/error.h"
#include "src/repo/repo.h"

struct mf_intact;

struct mf_intact_params {
	const char *model, *version;
	const char *dir;  /* where its files lie; may be a link */
	bool just_pulled; /* what is there now was checked: read nothing of it at the first look */
};

/* Reads the version's list of files. dir is followed once: a link that is turned later changes
 * nothing. */
int mf_intact_open(struct mf_intact **out, struct mf_repo *repo, const struct mf_intact_params *p,
    struct mf_error *e);
void mf_intact_close(struct mf_intact *x); /* NULL is fine */

/* Could a look find something to read, as far as metadata tell? Reads no file. */
bool mf_intact_is_touched(const struct mf_intact *x);
/* 0: all is as the version says. -1: MF_EDAMAGED, which names the first file that is not or cannot
 * be read; MF_EINTERRUPTED where stop (NULL: never) says so. */
int mf_intact_look(struct mf_intact *x, bool (*stop)(void *arg), void *arg, struct mf_error *e);

#endif
