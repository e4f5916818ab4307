/*
 * Pull: bring a version into a directory, whole or not at all. Everything is written and
 * checked in a staging directory first; then one atomic step shows it. See modelferry(1),
 * pull, for what a reader of the directory sees.
 */
#ifndef MF_REPO_PULL_H
#define MF_REPO_PULL_H

#include "src/base/progress.h"
#include "src/repo/ref.h"
#include "src/repo/repo.h"
#include "src/repo/version.h"

#define MF_PULL_PATH_BYTES 4096u

struct mf_pull_params {
	const char *spec; /* MODEL[@VERSION|@REF] */
	const char *dir;
	const char *link; /* flip this symlink in dir; NULL: dir itself becomes the version */
	const struct mf_trust *trust; /* demand signatures and recompute ids; NULL: neither */
	unsigned keep_local;	  /* old versions kept beside the new (with link); default 2 */
	int64_t local_grace_us;	  /* and any younger than this */
	bool hard_link, no_perms, dry_run;
	bool no_direct_io; /* large files go through the page cache, too (base/direct_io.h) */
	bool leave_same; /* a dir that is this very version and selection stays as it is */
	bool afresh;	 /* what a pull made of this version earlier is damaged: replace it */
	uint32_t chmod_set, chmod_mask; /* --chmod: mode = (mode & ~mask) | set; 0, 0: none */
	uint64_t min_sequence;	  /* refuse an older ref */
	int64_t max_ref_age_us;	  /* refuse a ref moved longer ago; 0: any */
	bool (*selects)(void *arg, const char *path, bool is_dir);
	void *selects_arg;
	unsigned threads;
	size_t memory_bytes;
	int64_t now_us;
	bool (*interrupted)(void);
	struct mf_progress *progress;
};

struct mf_pull_result {
	char version[160];
	uint64_t sequence; /* of the ref that led there; 0: none did */
	bool already; /* the link showed this version already, or dir was it (leave_same) */
	uint64_t files, bytes, chunks, fetched_bytes;
	uint64_t reused_bytes; /* of those that lay here already */
	uint64_t shared_bytes; /* of the reused: one on the disk with another local version */
	char path[4096]; /* where the version lies now */
};

/* MF_ECONFLICT: another pull works on dir. MF_EEXIST: dir is in the way. */
int mf_pull(struct mf_repo *repo, const struct mf_pull_params *p, struct mf_pull_result *out,
    struct mf_error *e);

struct mf_pull_look {
	char version[160]; /* that the ref points at */
	uint64_t sequence;
	bool shown; /* dir shows that version; with p->selects: it, or a part of it */
	char path[4096]; /* where it lies, if it is shown */
};

/* Look where a pull of p->spec would lead, which names a ref (none: production): from the ref's
 * record alone, under the demands of p, and from dir. One listing and one object are read from the
 * store. MF_ENOTFOUND, MF_EKEY as mf_pull; MF_EUSAGE: `previous`, which is derived from more than
 * one record. */
int mf_pull_look(struct mf_repo *repo, const struct mf_pull_params *p, struct mf_pull_look *out,
    struct mf_error *e);

/* Does p->dir hold all of v, with p->link shown or not? Looks at the directory alone. path (may be
 * NULL) gets where it lies. */
bool mf_pull_has(
    const struct mf_pull_params *p, const struct mf_version *v, char path[MF_PULL_PATH_BYTES]);

/* Write one file of a version to fd, checked chunk by chunk; d may be NULL. MF_ECLOSED: fd is a pipe that
 * nobody reads any more. */
int mf_cat(struct mf_repo *repo, const char *spec, const char *path, const struct mf_demands *d,
    int fd, struct mf_error *e);

#endif
