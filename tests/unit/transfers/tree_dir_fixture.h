/* A directory's tree in a scratch directory of the test's own, for the contract and beside it. */
#ifndef TESTS_UNIT_TRANSFERS_TREE_DIR_FIXTURE_H
#define TESTS_UNIT_TRANSFERS_TREE_DIR_FIXTURE_H

#include <stdbool.h>

#include "transfers/tree_dir.h"

/* The tree at a path; fails the test where it cannot be opened. write: made where it is missing. */
struct mf_tree *tree_dir_at(const char *path, enum mf_tree_links links, bool write);
/* For struct mf_tree_subject: an empty scratch directory is made, and its path is the world; it is
 * removed with all that is in it. */
void tree_dir_make(void **world);
void tree_dir_drop(void *world);
/* For cmocka: the test runs in such a directory, and *state is its path. 0. */
int tree_dir_set_up(void **state);
int tree_dir_tear_down(void **state);
void tree_dir_write_file(const char *path); /* of one byte */

#endif
