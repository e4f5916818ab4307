#include "tests/unit/transfers/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/fs.h"

void
scratch_make(char path[SCRATCH_PATH])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(path, SCRATCH_PATH, "%.150s/modelferry-test-XXXXXX",
	    tmp == NULL || tmp[0] == '\0' ? "/tmp" : tmp);
	if (mkdtemp(path) == NULL) {
		perror(path);
		abort();
	}
}

void
scratch_remove(const char *path)
{
	struct mf_error e;

	if (mf_fs_remove_tree(AT_FDCWD, path, &e) != 0)
		fprintf(stderr, "%s: %s\n", path, e.message);
}
