/*
 * A version as plain files under a prefix of its own, for servers that read a bucket or a directory
 * themselves and know nothing of repositories; modelferry-plan(5), Mirrors.
 *
 *	PREFIX/...                            the files, PREFIX being VERSION or VERSION/MORE
 *	modelferry-version-VERSION.json       which manifest lies there, and whether all of it does
 *	modelferry-pointer.json               the same record, of the version that is to be served
 *
 * Written in this order: a record that says incomplete, the files, the record that says complete
 * once every file was compared with the manifest as the place has it, and last, by a call of its
 * own, the pointer. A prefix is never written over: what is complete stays as it is, what is
 * incomplete is gone on with if it is of the same manifest, and what no record explains is refused.
 *
 * The bytes go from the repository to the place without a copy on a disk. Symbolic links are
 * refused; a hard link becomes a file; directories are not written of themselves.
 *
 * Blocks; one call at a time for a tree. The calls within have threads of their own.
 */
#ifndef MF_SYNC_PLAIN_H
#define MF_SYNC_PLAIN_H

#include "src/base/progress.h"
#include "src/repo/files.h"
#include "transfers/tree.h"

#define MF_PLAIN_VERSION_BYTES 160u

enum mf_plain {
	MF_PLAIN_NOT,
	MF_PLAIN_PARTLY,
	MF_PLAIN_WHOLE,
};

struct mf_plain_params {
	struct mf_tree *tree; /* all of these are borrowed */
	const char *prefix;   /* a path in it, without a '/' at its end */
	struct mf_files *files;
	unsigned transfers; /* files at once; at least 1 */
	int64_t now_us;
	bool (*interrupted)(void); /* any thread; NULL: never */
	struct mf_progress *progress;
};

struct mf_plain_result {
	uint64_t files, bytes; /* sent by this call */
	uint64_t read_back;    /* bytes that had to be read to be compared */
};

/* What lies at the prefix. p->files NULL: of a version that is not made yet, so that anything is
 * in the way. MF_EEXIST: something that is not this version, named; MF_EDAMAGED: its record says
 * complete, and it is not. */
int mf_plain_look(const struct mf_plain_params *p, enum mf_plain *out, struct mf_error *e);
/* Look, and then bring what is missing. MF_EDAMAGED: the place does not hold what was sent. */
int mf_plain_write(
    const struct mf_plain_params *p, struct mf_plain_result *out, struct mf_error *e);

/* The version that the pointer names. 0; 1: there is no pointer; -1: MF_EDAMAGED: it is none. */
int mf_plain_pointed(struct mf_tree *tree, char out[MF_PLAIN_VERSION_BYTES], struct mf_error *e);
/* Let it name this version, whose record must say complete: else MF_ENOTFOUND or MF_EDAMAGED. */
int mf_plain_point(struct mf_tree *tree, const char *version, int64_t now_us, struct mf_error *e);

#endif
