/*
 * Verify. One listing of the chunks becomes a table of ids; the manifests are streamed past
 * it, each segment once, however many versions share it. What is missing or, with read_data,
 * found damaged is gathered as chunk ids; only then, if there are any, are the manifests read
 * again to name the files. So memory is one table of ids, whatever the number of files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/verify_int.h"

bool
verify_interrupted(const struct verify *s, struct mf_error *e)
{
	if (s->p->interrupted == NULL || !s->p->interrupted())
		return false;
	mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	return true;
}

char *
verify_join(const char *model, const char *name, struct mf_error *e)
{
	size_t n = strlen(model) + strlen(name) + 2;
	char *joined = malloc(n);

	if (joined == NULL)
		mf_error_nomem(e, "a name");
	else
		snprintf(joined, n, "%s@%s", model, name);
	return joined;
}

char *
verify_name_of(const struct mf_version *v, struct mf_error *e)
{
	return verify_join(v->root.model, v->root.version, e);
}

void
verify_report(struct verify *s, const char *version, const char *path, const char *reason)
{
	struct mf_verify_damage d = {version != NULL ? version : "", path, reason};

	s->out->damaged_files++;
	if (s->p->damage != NULL)
		s->p->damage(s->p->arg, &d);
}

static int
note_locked(struct verify *s, const struct mf_chunk_ref *ref, const char *reason, bool is_short)
{
	struct verify_chunk *more, c = {.ref = *ref, .is_short = is_short};
	uint64_t at = s->n_bad;
	size_t want;

	if (s->n_bad == s->bad_capacity) {
		want = s->bad_capacity ? s->bad_capacity * 2 : 64;
		if ((more = reallocarray(s->bad, want, sizeof(*more))) == NULL)
			return -1;
		s->bad = more;
		s->bad_capacity = want;
	}
	if (reason != NULL && (c.reason = strdup(reason)) == NULL)
		return -1;
	if (mf_idmap_add(&s->bad_ids, &ref->id, &at) != 0) {
		free(c.reason);
		return -1;
	}
	s->bad[s->n_bad++] = c;
	return 0;
}

int
verify_note_chunk(struct verify *s, const struct mf_chunk_ref *ref, const char *reason,
    bool is_short, struct mf_error *e)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = note_locked(s, ref, reason, is_short);
	pthread_mutex_unlock(&s->lock);
	return rc == 0 ? 0 : mf_error_nomem(e, "the list of damage");
}

struct verify_chunk *
verify_find_bad(const struct verify *s, const struct mf_id *id)
{
	const uint64_t *at = mf_idmap_get(&s->bad_ids, id);
	struct verify_chunk *c = at != NULL ? &s->bad[*at] : NULL;

	return c == NULL || c->repaired || c->is_there ? NULL : c;
}

static void
take_damaged(void *arg, const struct mf_version *v, const char *object,
    const struct mf_error *why)
{
	char version[MF_VERSION_SPEC_BYTES] = "", spec[MF_VERSION_SPEC_BYTES];
	struct verify *s = arg;

	if (v != NULL)
		snprintf(version, sizeof(version), "%s@%s", v->root.model, v->root.version);
	else if (object[0] == 'm') {
		if (mf_damaged_name(s->repo, object + 2, spec) == 0)
			memcpy(version, spec, sizeof(version));
		if (s->lost_root[0] == '\0')
			memcpy(s->lost_root, spec, sizeof(s->lost_root));
	}
	verify_report(s, version, object, why->message);
}

/* One version, by name or by what the model's refs say. */
static int
take_one(struct verify *s, struct mf_error *e)
{
	struct mf_version v;

	if (mf_version_resolve(s->repo, s->p->spec, &v, e) != 0) {
		if (mf_error_is_damage(e))
			verify_report(s, s->p->spec, "", e->message);
		return -1;
	}
	if ((s->versions.items = calloc(1, sizeof(v))) == NULL) {
		mf_version_fini(&v);
		return mf_error_nomem(e, "the list of versions");
	}
	s->versions.items[0] = v;
	s->versions.n = 1;
	return 0;
}

static int
take_versions(struct verify *s, struct mf_error *e)
{
	const char *spec = s->p->spec;
	size_t i;

	if (spec != NULL && (s->p->local != NULL || strchr(spec, '@') != NULL)) {
		if (take_one(s, e) != 0)
			return -1;
	} else {
		if (spec != NULL && mf_repo_check_name("model", spec, e) != 0)
			return -1;
		if (mf_versions_list(s->repo, spec, take_damaged, s, &s->versions, e) != 0)
			return -1;
		if (spec != NULL && s->versions.n == 0 && s->out->damaged_files == 0)
			return mf_error_set(e, MF_ENOTFOUND, "model %s has no version in %s", spec,
			    mf_store_label(s->repo->store));
	}
	s->out->versions = s->versions.n;
	for (i = 0; i < s->versions.n; i++)
		s->out->files += s->versions.items[i].root.n_files;
	return 0;
}

static int
verify_stored(struct verify *s, struct mf_error *e)
{
	const char *spec = s->p->spec;
	size_t i;

	if (s->p->repair_from != NULL && verify_repair_segments(s, e) != 0)
		return -1;
	if (verify_structure(s, e) != 0)
		return -1;
	mf_idmap_fini(&s->chunks); /* most of the budget; a repair needs it */
	mf_idmap_fini(&s->segments);
	if (s->p->repair_from != NULL && verify_repair(s, e) != 0)
		return -1;
	if (verify_name_files(s, e) != 0)
		return -1;
	for (i = 0; i < s->n_bad; i++) {
		s->out->repaired_chunks += s->bad[i].repaired;
		s->out->damaged_chunks += s->bad[i].repaired || s->bad[i].is_named;
	}
	if (spec != NULL && (s->p->local != NULL || strchr(spec, '@') != NULL))
		return 0;
	return verify_objects(s, spec, e);
}

static int
say_what_helps(const struct verify *s, struct mf_error *e)
{
	const struct mf_verify_params *p = s->p;

	if (p->local != NULL)
		return mf_error_hint(e, "pull the version again");
	if (s->lost_root[0] != '\0')
		return mf_error_hint(e, "a manifest (m/...) cannot be made again: `modelferry forget "
		    "--damaged %s` gives the version up", s->lost_root);
	if (s->given_up[0] != '\0')
		return mf_error_hint(e, "a list of files that DIR does not bring back is lost: push the "
		    "files under another name, and `modelferry forget %s`", s->given_up);
	if (p->repair_from != NULL)
		return mf_error_hint(e,
		    "what DIR does not have can be repaired from another copy of the "
		    "files");
	/* what only reading finds, only reading repairs */
	return mf_error_hint(e,
	    "`verify%s --repair-from DIR` puts back what a healthy copy of the "
	    "files has; best is the directory that was pushed",
	    p->read_data ? " --read-data" : "");
}

static int
verify_all(struct verify *s, struct mf_error *e)
{
	const struct mf_verify_params *p = s->p;

	if (p->local != NULL && p->spec == NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "a directory is compared with one version: name it, MODEL@VERSION");
	if (take_versions(s, e) != 0)
		return -1;
	if (p->local != NULL && verify_local(s, &s->versions.items[0], e) != 0)
		return -1;
	/* a directory can be checked without the store's chunks
	 * NOLINTNEXTLINE(clang-analyzer-unix.Malloc): mf_verify frees s->versions */
	if ((p->local == NULL || p->read_data || p->repair_from != NULL) && verify_stored(s, e) != 0)
		return -1;
	if (s->out->damaged_files == 0)
		return 0;
	mf_error_set(e, MF_EDAMAGED, "%llu files or objects of %s are damaged or missing",
	    (unsigned long long)s->out->damaged_files,
	    p->local != NULL ? p->local : mf_store_label(s->repo->store));
	return say_what_helps(s, e);
}

int
mf_verify(struct mf_repo *repo, const struct mf_verify_params *p, struct mf_verify_result *out,
    struct mf_error *e)
{
	struct verify s = {.repo = repo, .p = p, .out = out};
	size_t i;
	int rc;

	*out = (struct mf_verify_result){0};
	pthread_mutex_init(&s.lock, NULL);
	rc = verify_all(&s, e);
	mf_versions_fini(&s.versions);
	mf_idmap_fini(&s.chunks);
	mf_idmap_fini(&s.segments);
	mf_idmap_fini(&s.bad_ids);
	mf_idmap_fini(&s.lost_ids);
	free(s.lost);
	for (i = 0; i < s.n_bad; i++)
		free(s.bad[i].reason);
	free(s.bad);
	pthread_mutex_destroy(&s.lock);
	return rc == 0 ? 0 : mf_error_while(e, "verifying %s", mf_store_label(repo->store));
}
