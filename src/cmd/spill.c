#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "src/cmd/repo.h"
#include "src/state/cache.h"

#define TMPFS 0x01021994u /* statfs(2) */
#define RAMFS 0x858458f6u

/* Takes dir; NULL where it will not do. */
static char *
if_on_disk(char *dir)
{
	struct statfs fs;

	if (dir != NULL && dir[0] == '/' && access(dir, W_OK | X_OK) == 0 &&
	    statfs(dir, &fs) == 0 && (unsigned long)fs.f_type != TMPFS &&
	    (unsigned long)fs.f_type != RAMFS)
		return dir;
	free(dir);
	return NULL;
}

static char *
copy(const char *dir)
{
	return dir != NULL ? strdup(dir) : NULL;
}

char *
mf_cmd_spill_dir(const struct mf_cmd *c)
{
	const char *cache = mf_options_text(c->options, MF_OPT_CACHE_DIR);
	char *dir = if_on_disk(cache != NULL ? realpath(cache, NULL) : mf_cache_default_dir(NULL));

	if (dir == NULL)
		dir = if_on_disk(copy(getenv("TMPDIR")));
	if (dir == NULL)
		dir = if_on_disk(copy("/var/tmp"));
	return dir != NULL ? dir : if_on_disk(copy("/tmp"));
}
