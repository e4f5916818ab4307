/* Where a pull would lead: the ref's record, and what the directory shows. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/repo/place_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/repo_int.h"
#include "src/repo/seen_int.h"

/* The KEY of what the open directory shows; false: nothing of ours. */
static bool
shown_key(const struct mf_pull_params *p, int dirfd, char key[MF_PLACE_NAME_BYTES])
{
	const struct mf_place pl = {.p = p, .rootfd = dirfd, .lockfd = -1};
	struct stat st;

	if (p->link == NULL)
		return mf_place_mark(dirfd, key);
	return mf_place_shows(&pl, p->link, key) && fstatat(dirfd, p->link, &st, 0) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* A part of the version has a suffix of its own (place_int.h), which only its list of files can
 * tell: where less than all is selected, any part will do here. */
static bool
shows(const struct mf_pull_params *p, const struct mf_ref *ref, const char key[MF_PLACE_NAME_BYTES])
{
	char want[MF_PLACE_KEY_BYTES];
	size_t n;

	mf_place_key(want, ref->version, ref->digest, NULL);
	n = strlen(want);
	if (strncmp(key, want, n) != 0)
		return false;
	return key[n] == '\0' || (key[n] == '.' && p->selects != NULL);
}

bool
mf_pull_has(
    const struct mf_pull_params *p, const struct mf_version *v, char path[MF_PULL_PATH_BYTES])
{
	const int fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char want[MF_PLACE_KEY_BYTES], key[MF_PLACE_NAME_BYTES], below[MF_PLACE_PATH_BYTES] = "";
	struct stat st;
	bool has;

	if (fd < 0)
		return false;
	mf_place_key(want, v->root.version, v->digest, NULL);
	if (p->link == NULL) {
		has = mf_place_mark(fd, key) && strcmp(key, want) == 0;
	} else {
		snprintf(below, sizeof(below), MF_PLACE_OWN "/versions/%s", want);
		has = fstatat(fd, below, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	}
	close(fd);
	if (has && path != NULL)
		snprintf(path, MF_PULL_PATH_BYTES, "%s%s%s", p->dir, below[0] == '\0' ? "" : "/",
		    below);
	return has;
}

/* The directory's own memory keeps up with a ref that moves to where it was. */
static int
compare(const struct mf_pull_params *p, const struct mf_ref *ref, struct mf_seen *seen,
    struct mf_pull_look *out, struct mf_error *e)
{
	const int fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char key[MF_PLACE_NAME_BYTES];
	int rc = 0;

	if (fd < 0)
		return 0; /* not there, or for the pull to say */
	out->shown = shown_key(p, fd, key) && shows(p, ref, key);
	if (out->shown) {
		snprintf(out->path, sizeof(out->path), "%s%s%s", p->dir,
		    p->link != NULL ? "/" MF_PLACE_OWN "/versions/" : "",
		    p->link != NULL ? key : "");
		rc = mf_seen_save(seen, fd, ".", e);
	}
	close(fd);
	return rc;
}

static int
look(struct mf_repo *repo, const struct mf_pull_params *p, const char *model, const char *name,
    struct mf_seen *seen, struct mf_pull_look *out, struct mf_error *e)
{
	const struct mf_demands d = {.trust = p->trust,
	    .now_us = p->now_us,
	    .min_sequence = p->min_sequence,
	    .max_ref_age_us = p->max_ref_age_us,
	    .seen = seen};
	struct mf_ref ref;
	int rc;

	if (mf_repo_check_seen(repo, seen, e) != 0)
		return -1;
	if (mf_ref_get(repo, model, name, &ref, e) != 0) {
		if (e->code == MF_ENOTFOUND && mf_ref_check_absent(repo, model, name, &d, e) == 0)
			mf_error_hint(e,
			    "name a ref, not a version; `modelferry ref %s NAME VERSION` "
			    "makes one",
			    model);
		return -1;
	}
	rc = mf_ref_check(repo, &ref, &d, e);
	if (rc == 0) {
		snprintf(out->version, sizeof(out->version), "%s", ref.version);
		out->sequence = ref.sequence;
		rc = compare(p, &ref, seen, out, e);
	}
	mf_ref_fini(&ref);
	return rc;
}

int
mf_pull_look(struct mf_repo *repo, const struct mf_pull_params *p, struct mf_pull_look *out,
    struct mf_error *e)
{
	char *model, *name;
	struct mf_seen seen;
	int rc = -1;

	*out = (struct mf_pull_look){0};
	if (mf_version_split(p->spec, &model, &name, e) != 0)
		return -1;
	if (name != NULL && strcmp(name, "previous") == 0) {
		mf_error_set(e, MF_EUSAGE,
		    "`previous` is no ref of its own: it follows from the "
		    "history of production");
		mf_error_hint(e, "name a ref, such as %s@production", model);
	} else if (mf_seen_load(&seen, p->dir, e) == 0) {
		rc = look(repo, p, model, name != NULL ? name : "production", &seen, out, e);
		mf_seen_fini(&seen);
	}
	free(model);
	free(name);
	return rc == 0 ? 0 : mf_error_while(e, "looking at %s", p->spec);
}
