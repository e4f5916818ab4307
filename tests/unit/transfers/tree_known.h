/* A memory of one upload in parts, for a tree in a bucket. For trees that send one part at a time.
 */
#ifndef TESTS_UNIT_TRANSFERS_TREE_KNOWN_H
#define TESTS_UNIT_TRANSFERS_TREE_KNOWN_H

#include "transfers/tree.h"

struct tree_known {
	struct mf_tree_memory memory;
	bool refuses; /* to remember */
	unsigned n;   /* uploads: 0 or 1 */
	char path[64];
	struct mf_tree_upload upload;
	struct {
		char etag[64];
		uint32_t sum;
	} parts[3];
	unsigned n_parts; /* that were remembered */
};

struct tree_known tree_known_nothing(void);
/* t remembers there from now on, k staying where it is. */
void tree_known_begin(struct tree_known *k, struct mf_tree *t);

#endif
