/*
 * The files of a version as bytes at offsets: decoded from their chunks as they are asked for, each
 * chunk checked before a byte of it is given out, so that who carries them elsewhere needs no copy
 * on a disk. A few decoded chunks stay in memory, because small files share one and the ends of a
 * read lie within one.
 *
 * Threads: mf_files_read from any number of threads; the rest by one.
 */
#ifndef MF_REPO_FILES_H
#define MF_REPO_FILES_H

#include "src/repo/version.h"

struct mf_files;

/* Those of a version that a spec names (mf_version_resolve_as under d). memory_bytes is for decoded
 * chunks, and is taken whole when several threads read; two chunks and their readers are always
 * had. *out is the caller's. */
int mf_files_open(struct mf_repo *repo, const char *spec, const struct mf_demands *d,
    size_t memory_bytes, struct mf_files **out, struct mf_error *e);
void mf_files_close(struct mf_files *f); /* NULL is fine */

const struct mf_version *mf_files_version(const struct mf_files *f);
/* All entries, sorted by path: views that hold until close. */
const struct mf_listing *mf_files_listing(const struct mf_files *f);

/* n bytes of a file's content, from offset. 0; -1: MF_EDAMAGED and what else reading a chunk may
 * fail with; MF_EUSAGE: the file has no such bytes. */
int mf_files_read(struct mf_files *f, const struct mf_entry *entry, uint64_t offset, void *buf,
    size_t n, struct mf_error *e);

/* Of bytes that came back from elsewhere, in order: are they the file's content? */
struct mf_files_sum;
struct mf_files_sum *mf_files_sum_new(const struct mf_files *f, struct mf_error *e);
void mf_files_sum_add(struct mf_files_sum *s, const void *bytes, size_t n);
bool mf_files_sum_is(struct mf_files_sum *s, const struct mf_entry *entry);
void mf_files_sum_free(struct mf_files_sum *s); /* NULL is fine */

#endif
