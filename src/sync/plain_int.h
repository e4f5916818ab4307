/* What the files of plain mirrors of versions share. */
#ifndef MF_SYNC_PLAIN_INT_H
#define MF_SYNC_PLAIN_INT_H

#include "src/sync/plain.h"

#define PLAIN_POINTER "modelferry-pointer.json"
#define PLAIN_PATH_BYTES (MF_TREE_PATH_MAX + 1)

/* A record, as it lies in the tree. */
struct plain_record {
	char model[MF_PLAIN_VERSION_BYTES], version[MF_PLAIN_VERSION_BYTES];
	char manifest[65]; /* hex of the digest of the version's root */
	char prefix[PLAIN_PATH_BYTES];
	bool complete;
	uint64_t files, bytes;
};

/* plain_record.c */
void plain_record_of(struct plain_record *r, const struct mf_plain_params *p, bool complete);
/* The path of a version's record. -1: MF_EUSAGE: no such name can be had. */
int plain_record_path(char out[PLAIN_PATH_BYTES], const char *version, struct mf_error *e);
/* 0; 1: it is not there; -1: MF_EDAMAGED: it is no record. */
int plain_record_get(
    struct mf_tree *t, const char *path, struct plain_record *out, struct mf_error *e);
/* Durable when it returns. */
int plain_record_put(struct mf_tree *t, const char *path, const struct plain_record *r,
    int64_t now_us, struct mf_error *e);

/* plain_files.c: the entry that has the content of one, itself or of a hard link; NULL: it has
 * none. */
const struct mf_entry *plain_content(const struct mf_listing *l, const struct mf_entry *entry);
int plain_path(char out[PLAIN_PATH_BYTES], const struct mf_plain_params *p,
    const struct mf_entry *entry, struct mf_error *e);
/* Send what is missing, and compare all with the manifest. some: files may be there already. */
int plain_files(
    const struct mf_plain_params *p, bool some, struct mf_plain_result *out, struct mf_error *e);

#endif
