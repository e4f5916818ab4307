/* The reading stage of push: a source tree to chunks and the entries of a listing. */
#ifndef MF_REPO_READ_INT_H
#define MF_REPO_READ_INT_H

#include "src/repo/ingest_int.h"
#include "src/repo/shard_int.h"
#include "src/repo/walk_int.h"

/* A file is unchanged where the newest version has it with the same size, times and inode,
 * and both times are this much older than the scan that recorded them: a clock's tick. */
#define MF_UNCHANGED_MARGIN_NS ((int64_t)2000000000)

struct mf_read_params {
	struct mf_repo *repo;
	const char *dir;
	struct mf_source_tree *tree;
	struct mf_ingest *ingest;
	struct mf_listing *listing;      /* filled with entries, in order; of a shard: its own */
	const struct mf_listing *parent; /* of the newest version; NULL: read everything */
	int64_t parent_scanned_us;
	const struct mf_index *index;
	const struct mf_shard_range *shard; /* push this part alone; NULL: everything. No parent */
	bool ignore_inode, ignore_ctime, allow_partial;
	size_t memory_bytes;
	struct mf_progress *progress;
};

/* Read what changed; entries of unchanged files name the parent's chunks. MF_ESOURCE: a file
 * cannot be read, vanished, or keeps changing; for a shard, also one that is not as it was when
 * the tree was read, since the parts of the shards are made of that. left_out counts files under
 * allow_partial. */
int mf_read_tree(const struct mf_read_params *p, uint64_t *left_out, struct mf_error *e);

#endif
