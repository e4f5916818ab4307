/* Condemned lists: x/RAND names the objects that one prune run may delete. A name on any list
 * is burned: nobody may rely on it. */
#ifndef MF_REPO_CONDEMNED_INT_H
#define MF_REPO_CONDEMNED_INT_H

#include "src/repo/repo_int.h"

#define MF_CONDEMNED_MAX_NAMES 150000 /* a list stays below the 16 MiB of a sealed object */

/* The plaintext of a list: append it; out->failed is sticky. */
void mf_condemned_encode(const struct mf_names *names, struct mf_buf *out);
/* Add a plaintext's names to *names. 0; -1: MF_EDAMAGED, MF_EUNSUPPORTED for a later format,
 * MF_ENOMEM; then some may have been added, and names is the caller's to fini all the same. */
int mf_condemned_decode(const uint8_t *bytes, size_t n_bytes, struct mf_names *names,
    struct mf_error *e);
/* All names on all lists, sorted. lists (may be NULL) gets the lists' own names. */
int mf_condemned_read(struct mf_repo *repo, struct mf_names *names, struct mf_names *lists,
    struct mf_error *e);
/* Names on one list, sorted. MF_ENOTFOUND: it was removed meanwhile. */
int mf_condemned_read_one(struct mf_repo *repo, const char *list, struct mf_names *names,
    struct mf_error *e);
/* Put a list of these names; list gets its name. Durable. */
int mf_condemned_put(struct mf_repo *repo, const struct mf_names *names,
    char list[MF_OBJECT_NAME_BYTES], struct mf_error *e);

#endif
