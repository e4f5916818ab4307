#include "config.h"

#include "tests/unit/transfers/tree_dir_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/fs.h"

struct mf_tree *
tree_dir_at(const char *path, enum mf_tree_links links, bool write)
{
	const struct mf_tree_dir_params p = {
	    .path = path, .links = links, .write = write, .create = write};
	struct mf_error e = {0};
	struct mf_tree *t;

	if (mf_tree_dir_open(&p, &t, &e) != 0)
		fail_msg("%s", e.message);
	return t;
}

void
tree_dir_make(void **world)
{
	char path[] = "/tmp/mf-test-tree-XXXXXX";

	assert_non_null(mkdtemp(path));
	*world = strdup(path);
	assert_non_null(*world);
}

void
tree_dir_drop(void *world)
{
	struct mf_error e = {0};

	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, world, &e), 0);
	free(world);
}

int
tree_dir_set_up(void **state)
{
	tree_dir_make(state);
	assert_int_equal(chdir(*state), 0);
	return 0;
}

int
tree_dir_tear_down(void **state)
{
	assert_int_equal(chdir("/"), 0);
	tree_dir_drop(*state);
	return 0;
}

void
tree_dir_write_file(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs("x", f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}
