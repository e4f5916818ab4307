/*
 * Is there room for what has to be written? What a killed pull wrote is there already, links
 * take none, and neither does what shares the blocks of a local version, where that works.
 */
#include "config.h" /* O_TMPFILE */

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/units.h"
#include "src/repo/stage_work_int.h"

#define PROBE_BYTES (1u << 16)
#define BLOCKS_UNIT_BYTES 512 /* of st_blocks, stat(3type) */

/* Try with the first file that is large enough. */
static bool
can_clone(struct stage *s)
{
	int from = -1, to, rc = 1;
	struct stat st;
	uint32_t i;

	to = openat(s->p->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	for (i = 0; to >= 0 && rc == 1 && i < s->n_sources; i++) {
		if ((from = stage_open_source(s, i)) < 0)
			continue;
		if (fstat(from, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= PROBE_BYTES) {
			rc = mf_fs_clone_range(from, 0, to, 0, PROBE_BYTES);
			i = s->n_sources;
		}
		close(from);
	}
	if (to >= 0)
		close(to);
	if (rc == 2)
		atomic_store(&s->no_clone, true);
	return rc == 0;
}

static uint64_t
clonable_bytes(struct stage *s)
{
	uint64_t bytes = 0;
	size_t n, i;

	if (s->n_found == 0 || !can_clone(s))
		return 0;
	for (n = 0; n < s->n; n++) {
		i = stage_first_found(s, s->chunk[n]);
		if (i < s->n_found && s->found[i].chunk == s->chunk[n])
			bytes += s->p->listing->chunks[s->chunk[n]].plain_len;
	}
	return bytes;
}

/* What one entry still takes. */
static void
add_need(const struct stage *s, size_t entry, uint64_t *bytes, uint64_t *inodes)
{
	const struct mf_entry *x = &s->p->listing->entries[entry];
	uint64_t there = 0;
	struct stat st;

	if (!s->p->selected[entry] || s->linked[entry] || x->type == MF_ENTRY_HARDLINK)
		return;
	if (s->p->resume && fstatat(s->p->dirfd, x->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		there = (uint64_t)st.st_blocks * BLOCKS_UNIT_BYTES;
	else
		(*inodes) += x->type != MF_ENTRY_DIR; /* those are made already */
	if (x->type == MF_ENTRY_FILE && x->size > there)
		*bytes += x->size - there;
}

int
stage_check_space(struct stage *s, struct mf_error *e)
{
	char need[MF_UNIT_TEXT_BYTES], have[MF_UNIT_TEXT_BYTES];
	const char *dir = s->p->pull->dir;
	uint64_t bytes = 0, inodes = 0, free_bytes, shared;
	struct statvfs v;
	size_t i;

	if (fstatvfs(s->p->dirfd, &v) != 0 || v.f_blocks == 0)
		return 0;
	for (i = 0; i < s->p->listing->n_entries; i++)
		add_need(s, i, &bytes, &inodes);
	free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	if (bytes > free_bytes && (shared = clonable_bytes(s)) > 0)
		bytes -= shared < bytes ? shared : bytes;
	if (bytes > free_bytes)
		return mf_error_set(e, MF_ENOSPC, "%s has %s free, and the version takes %s", dir,
		    mf_format_size(free_bytes, have), mf_format_size(bytes, need));
	if (v.f_files != 0 && v.f_favail < inodes)
		return mf_error_set(e, MF_ENOSPC,
		    "%s has %llu inodes free, and the version takes %llu", dir,
		    (unsigned long long)v.f_favail, (unsigned long long)inodes);
	return 0;
}
