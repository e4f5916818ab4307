/* The files of a version to their prefix, and compared there with the manifest. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "crypto/digest.h"
#include "src/base/crew.h"
#include "src/sync/plain_int.h"

struct writing {
	const struct mf_plain_params *p;
	bool some;
	struct mf_crew *crew;
	_Atomic size_t next; /* entry of the listing */
	_Atomic uint64_t files, bytes, read_back;
};

/* One file on its way. */
struct sending {
	struct writing *run;
	const struct mf_entry *content;
	bool has_md5; /* of what was sent in one piece */
	uint8_t md5[MF_MD5_BYTES];
};

static bool
interrupted(const struct writing *run)
{
	return (run->p->interrupted != NULL && run->p->interrupted()) ||
	       mf_crew_cancelled(run->crew);
}

const struct mf_entry *
plain_content(const struct mf_listing *l, const struct mf_entry *entry)
{
	if (entry->type == MF_ENTRY_HARDLINK)
		entry = mf_listing_find(l, entry->target);
	return entry != NULL && entry->type == MF_ENTRY_FILE ? entry : NULL;
}

int
plain_path(char out[PLAIN_PATH_BYTES], const struct mf_plain_params *p,
    const struct mf_entry *entry, struct mf_error *e)
{
	int n = snprintf(out, PLAIN_PATH_BYTES, "%s/%s", p->prefix, entry->path);

	if (n < 0 || n >= (int)PLAIN_PATH_BYTES)
		return mf_error_set(e, MF_EUSAGE, "%s: its path under %s would be too long",
		    entry->path, p->prefix);
	return 0;
}

/* ---- comparing ---- */

struct reading {
	struct writing *run;
	struct mf_files_sum *sum;
};

static int
take_bytes(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct reading *r = arg;

	if (interrupted(r->run))
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	mf_files_sum_add(r->sum, bytes, n);
	atomic_fetch_add(&r->run->read_back, n);
	return 0;
}

/* 0: it is the file. 1: it is another, also where the tree says that it is damaged: what is sent
 * takes its place. -1. */
static int
read_back(struct writing *run, const struct mf_tree_entry *there, const struct mf_entry *content,
    struct mf_error *e)
{
	struct reading r = {.run = run, .sum = mf_files_sum_new(run->p->files, e)};
	int rc;

	if (r.sum == NULL)
		return -1;
	rc = mf_tree_get(run->p->tree, there, take_bytes, &r, e);
	if (rc == 0) {
		rc = mf_files_sum_is(r.sum, content) ? 0 : 1;
	} else if (e->code == MF_EDAMAGED) {
		mf_error_clear(e);
		rc = 1;
	}
	mf_files_sum_free(r.sum);
	return rc;
}

/* Does the place hold the file? By size, and by what the store says of the bytes that were sent in
 * this run; where it says nothing, by reading them. 0; 1: it does not; -1. */
static int
compare(struct writing *run, const char *path, const struct mf_entry *content,
    const struct sending *sent, struct mf_error *e)
{
	struct mf_tree_entry there;
	int rc = mf_tree_look(run->p->tree, path, &there, e);

	if (rc != 0)
		return rc;
	if (there.kind != MF_TREE_FILE || there.size != content->size)
		return 1;
	if (sent != NULL && sent->has_md5 && there.has_md5)
		return memcmp(sent->md5, there.md5, sizeof there.md5) == 0 ? 0 : 1;
	return read_back(run, &there, content, e);
}

/* ---- sending ---- */

static int
sum_up(struct sending *s, const void *bytes, size_t n, struct mf_error *e)
{
	struct mf_md5 *md5 = mf_md5_new(e);
	int rc;

	if (md5 == NULL)
		return -1;
	mf_md5_update(md5, bytes, n);
	rc = mf_md5_final(md5, s->md5, e);
	mf_md5_free(md5);
	s->has_md5 = rc == 0;
	return rc;
}

static int
read_at(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	struct sending *s = arg;
	struct mf_error no_md5 = {0};

	if (interrupted(s->run))
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	if (mf_files_read(s->run->p->files, s->content, offset, buf, n, e) != 0)
		return -1;
	if (offset == 0 && n == s->content->size)
		(void)sum_up(s, buf, n, &no_md5); /* without it the file is read back */
	return 0;
}

static int
send_file(struct writing *run, const char *path, const struct mf_entry *content, struct sending *s,
    struct mf_error *e)
{
	struct mf_tree_source source = {
	    .size = content->size,
	    .read_at = read_at,
	    .arg = s,
	    .mtime_ns = content->mtime_ns,
	    .mode = content->mode & 0777,
	};

	*s = (struct sending){.run = run, .content = content};
	if (mf_tree_put(run->p->tree, path, &source, NULL, e) != 0)
		return -1;
	atomic_fetch_add(&run->files, 1);
	atomic_fetch_add(&run->bytes, content->size);
	return 0;
}

static int
one(struct writing *run, const struct mf_entry *entry, struct mf_error *e)
{
	const struct mf_entry *content = plain_content(mf_files_listing(run->p->files), entry);
	char path[PLAIN_PATH_BYTES];
	struct sending sent;
	int rc = 1;

	if (plain_path(path, run->p, entry, e) != 0)
		return -1;
	if (run->some)
		rc = compare(run, path, content, NULL, e);
	if (rc == 1) {
		if (send_file(run, path, content, &sent, e) != 0)
			return -1;
		rc = compare(run, path, content, &sent, e);
	}
	if (rc == 1)
		return mf_error_set(e, MF_EDAMAGED, "%s/%s is not what was sent there",
		    mf_tree_label(run->p->tree), path);
	MF_PROGRESS_ADD(run->p->progress, bytes_done, content->size);
	MF_PROGRESS_ADD(run->p->progress, files_done, 1);
	return rc;
}

static int
work(void *arg, struct mf_error *e)
{
	struct writing *run = arg;
	const struct mf_listing *l = mf_files_listing(run->p->files);
	size_t i;

	while ((i = atomic_fetch_add(&run->next, 1)) < l->n_entries) {
		if (interrupted(run))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		if (l->entries[i].type != MF_ENTRY_DIR && one(run, &l->entries[i], e) != 0)
			return -1;
	}
	return 0;
}

int
plain_files(
    const struct mf_plain_params *p, bool some, struct mf_plain_result *out, struct mf_error *e)
{
	struct writing run = {.p = p, .some = some, .crew = mf_crew_new(e)};
	struct mf_error start = {0};
	unsigned i;
	int rc = 0;

	if (run.crew == NULL)
		return -1;
	for (i = 0; rc == 0 && i < p->transfers; i++)
		rc = mf_crew_start(run.crew, "mf-plain", work, &run, &start);
	if (rc != 0)
		mf_crew_cancel(run.crew, &start);
	rc = mf_crew_join(run.crew, e);
	mf_crew_free(run.crew);
	out->files = run.files;
	out->bytes = run.bytes;
	out->read_back = run.read_back;
	return rc;
}
