/* Bringing a version to a site's directory, and what the link there shows. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/repo/intact.h"
#include "src/repo/pull.h"
#include "src/repo/version.h"

#define LINK_TARGET_BYTES 1024u

static bool
is_interrupted(void *arg)
{
	return mf_migrating_interrupted(arg);
}

int
mf_migrating_spec(
    char out[MF_VERSION_SPEC_BYTES], const char *model, const char *version, struct mf_error *e)
{
	int n = snprintf(out, MF_VERSION_SPEC_BYTES, "%s@%s", model, version);

	if (n < 0 || n >= (int)MF_VERSION_SPEC_BYTES)
		return mf_error_set(e, MF_EUSAGE, "%s: the name is too long", model);
	return 0;
}

void
mf_migrating_read_link(
    const struct mf_site_plan *site, const char *link, char out[MF_VERSION_BYTES])
{
	char path[4096], target[LINK_TARGET_BYTES];
	const char *key;
	ssize_t n;
	size_t len;

	out[0] = '\0';
	if (snprintf(path, sizeof path, "%s/%s", site->dir, link) >= (int)sizeof path)
		return;
	n = readlink(path, target, sizeof target - 1);
	target[n < 0 ? 0 : n] = '\0';
	key = strrchr(target, '/');
	key = key == NULL ? target : key + 1;
	len = strlen(key);
	if (len > MF_KEY_TAIL_BYTES && len - MF_KEY_TAIL_BYTES < MF_VERSION_BYTES) {
		memcpy(out, key, len - MF_KEY_TAIL_BYTES);
		out[len - MF_KEY_TAIL_BYTES] = '\0';
	}
}

/* A pull takes a version that lies there for whole, as it was when it came. */
int
mf_migrating_reread(
    struct mf_migrating *x, const struct mf_bringing *b, bool *damaged, struct mf_error *e)
{
	const struct mf_pull_params has = {.dir = b->site->dir, .link = b->link};
	char path[MF_PULL_PATH_BYTES];
	struct mf_intact_params p = {.model = b->model, .version = b->version, .dir = path};
	struct mf_intact *data = NULL;
	struct mf_version v = {0};
	int rc;

	*damaged = false;
	if (b->site->kind != MF_DESTINATION_DIR)
		return 0;
	rc = mf_version_find(x->p->repo, b->model, b->version, &v, e);
	if (rc == 0 && mf_pull_has(&has, &v, path) &&
	    ((rc = mf_intact_open(&data, x->p->repo, &p, e)) != 0 ||
		(rc = mf_intact_look(data, is_interrupted, x, e)) != 0))
		rc = -1;
	*damaged = rc < 0 && data != NULL && e->code == MF_EDAMAGED;
	mf_intact_close(data);
	mf_version_fini(&v);
	if (!*damaged)
		return rc < 0 ? -1 : 0;
	mf_log(MF_LOG_WARNING, "%s@%s at %s is damaged, and is pulled again: %s", b->model,
	    b->version, b->site->name, e->message);
	mf_error_clear(e);
	return 0;
}

int
mf_migrating_pull(struct mf_migrating *x, const struct mf_bringing *b, struct mf_error *e)
{
	char spec[MF_VERSION_SPEC_BYTES];
	struct mf_pull_result result;
	struct mf_pull_params p = {
	    .spec = spec,
	    .dir = b->site->dir,
	    .link = b->link,
	    .trust = x->p->trust,
	    .keep_local = b->keep_local,
	    .leave_same = true,
	    .afresh = b->afresh,
	    .threads = x->p->threads,
	    .memory_bytes = x->p->memory_bytes,
	    .no_direct_io = x->p->no_direct_io,
	    .now_us = x->p->unix_us(),
	    .interrupted = x->leaving ? NULL : x->p->stopped,
	    .progress = x->p->progress,
	};

	if (mf_migrating_spec(spec, b->model, b->version, e) != 0 ||
	    mf_pull(x->p->repo, &p, &result, e) != 0)
		return -1;
	if (b->came_now != NULL)
		*b->came_now = result.fetched_bytes + result.reused_bytes > 0;
	return result.already ? 1 : 0;
}
