/* From the name of a version or ref to the version. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/units.h"
#include "src/repo/annotation_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/seen_int.h"
#include "src/repo/version_int.h"

/* The listed version of that name, with this digest (NULL: any). 0; 1: there is none. */
static int
find_version(struct mf_repo *repo, const char *model, const char *version, const uint8_t *digest,
    struct mf_version *out, struct mf_error *e)
{
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	char spec[MF_VERSION_SPEC_BYTES];
	struct mf_names marks = {0}, manifests = {0};
	size_t i;
	int rc = -1;

	snprintf(spec, sizeof(spec), "%s@%s", model, version);
	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", model, version, v);
	snprintf(prefix, sizeof(prefix), "v/%s/%s-", m, v);
	if (mf_names_list(repo, prefix, &marks, e) != 0)
		goto out;
	prefix[0] = 'm';
	if (mf_names_list(repo, prefix, &manifests, e) != 0)
		goto out;
	for (i = 0, rc = 1; i < marks.n && rc == 1; i++) {
		if (!mf_version_is_listed(&manifests, marks.items[i]))
			continue;
		rc = mf_version_read_root(repo, marks.items[i] + 2, out, e);
		if (rc != 0)
			mf_damaged_hint(repo, marks.items[i] + 2, spec, e);
		if (rc == 0 && digest != NULL && memcmp(out->digest, digest, 32) != 0)
			rc = mf_error_set(e, MF_ENOTFOUND, "another version of that name");
		if (rc == 0)
			rc = mf_annotations_apply(repo, out, 1, NULL, NULL, e);
		if (rc != 0) {
			mf_version_fini(out);
			rc = e->code == MF_ENOTFOUND ? 1 : -1;
		}
	}
out:
	mf_names_fini(&marks);
	mf_names_fini(&manifests);
	return rc;
}

int
mf_version_find(struct mf_repo *repo, const char *model, const char *version,
    struct mf_version *out, struct mf_error *e)
{
	return find_version(repo, model, version, NULL, out, e);
}

int
mf_version_split(const char *spec, char **model, char **name, struct mf_error *e)
{
	const char *at = strrchr(spec, '@');

	*model = *name = NULL;
	*model = at != NULL ? strndup(spec, (size_t)(at - spec)) : strdup(spec);
	if (at != NULL)
		*name = strdup(at + 1);
	if (*model == NULL || (at != NULL && *name == NULL))
		mf_error_nomem(e, "a name");
	else if (mf_repo_check_name("model", *model, e) == 0 &&
	    (at == NULL || mf_repo_check_name("version or ref", *name, e) == 0))
		return 0;
	free(*model);
	free(*name);
	*model = *name = NULL;
	return -1;
}

/* "v1, v2 and 3 more" for the error of a name that is not there. */
static void
what_there_is(struct mf_repo *repo, const char *model, char *out, size_t bytes)
{
	struct mf_versions vs;
	struct mf_error ignored;
	size_t i, at = 0;

	out[0] = '\0';
	mf_error_clear(&ignored);
	if (mf_versions_list(repo, model, NULL, NULL, &vs, &ignored) != 0)
		return;
	for (i = vs.n; i-- > 0 && vs.n - i <= 5 && at < bytes;)
		at += (size_t)snprintf(out + at, bytes - at, "%s%s", at ? ", " : "",
		    vs.items[i].root.version);
	if (vs.n > 5 && at < bytes)
		snprintf(out + at, bytes - at, " and %zu older", vs.n - 5);
	mf_versions_fini(&vs);
}

static int
only_version(struct mf_repo *repo, const char *model, struct mf_version *out, struct mf_error *e)
{
	struct mf_versions vs;
	char text[300];

	if (mf_versions_list(repo, model, NULL, NULL, &vs, e) != 0)
		return -1;
	if (vs.n == 1) {
		*out = vs.items[0];
		vs.items[0] = (struct mf_version){0};
		mf_versions_fini(&vs);
		return 0;
	}
	if (vs.n == 0) {
		mf_error_set(e, MF_ENOTFOUND, "model %s has no version in %s", model,
		    mf_store_label(repo->store));
	} else {
		what_there_is(repo, model, text, sizeof(text));
		mf_error_set(e, MF_ENOTFOUND, "model %s has %zu versions and no ref `production`",
		    model, vs.n);
		mf_error_hint(e, "name one: %s", text);
	}
	mf_versions_fini(&vs);
	return -1;
}

static int
version_of_ref(struct mf_repo *repo, const struct mf_ref *ref, struct mf_version *out,
    struct mf_error *e)
{
	int rc = find_version(repo, ref->model, ref->version, ref->digest, out, e);

	if (rc <= 0)
		return rc;
	rc = find_version(repo, ref->model, ref->version, NULL, out, e);
	if (rc < 0)
		return -1;
	mf_version_fini(out);
	if (rc == 0)
		return mf_error_set(e, MF_EKEY,
		    "%s@%s is not the manifest that the ref %s was set to", ref->model,
		    ref->version, ref->name);
	return mf_error_set(e, MF_EDAMAGED, "the ref %s@%s points at %s, which is not there",
	    ref->model, ref->name, ref->version);
}

static bool
has_ref_rules(const struct mf_demands *d)
{
	return d != NULL && (d->min_sequence != 0 || d->max_ref_age_us != 0);
}

/* sequence 0: there is no such ref, and then none can have been seen. */
static int
check_seen(struct mf_repo *repo, const char *model, const char *name, uint64_t sequence,
    const struct mf_demands *d, struct mf_error *e)
{
	char key[600], what[400];

	if (d == NULL || d->seen == NULL)
		return 0;
	snprintf(key, sizeof(key), "%s/%s", model, name);
	snprintf(what, sizeof(what), "the ref %s@%s%s", model, name, sequence == 0 ? " (absent)" : "");
	return mf_seen_check(d->seen, repo->id_hex, key, sequence, what, e);
}

int
mf_ref_check_absent(struct mf_repo *repo, const char *model, const char *name,
    const struct mf_demands *d, struct mf_error *e)
{
	return check_seen(repo, model, name, 0, d, e);
}

int
mf_ref_check(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_demands *d,
    struct mf_error *e)
{
	char age[MF_UNIT_TEXT_BYTES];

	if (d == NULL)
		return 0;
	if (check_seen(repo, ref->model, ref->name, ref->sequence, d, e) != 0)
		return -1;
	if (ref->sequence < d->min_sequence)
		return mf_error_set(e, MF_EKEY, "the ref %s@%s has sequence %llu, --min-sequence "
		    "demands %llu", ref->model, ref->name, (unsigned long long)ref->sequence,
		    (unsigned long long)d->min_sequence);
	if (d->max_ref_age_us != 0 && ref->moved_us + d->max_ref_age_us < d->now_us)
		return mf_error_set(e, MF_EKEY, "the ref %s@%s was moved %s ago, longer than "
		    "--max-ref-age allows", ref->model, ref->name,
		    mf_format_duration((uint64_t)(d->now_us - ref->moved_us), age));
	return d->trust != NULL ? mf_ref_verify(repo, ref, d->trust, d->now_us, e) : 0;
}

static int
refuse_rules(const char *spec, struct mf_error *e)
{
	return mf_error_set(e, MF_EUSAGE, "%s names no ref, and --min-sequence and --max-ref-age "
	    "are about one", spec);
}

static int
nothing_of_that_name(struct mf_repo *repo, const char *model, const char *name,
    struct mf_error *e)
{
	char text[300];

	what_there_is(repo, model, text, sizeof(text));
	mf_error_set(e, MF_ENOTFOUND, "no version or ref %s@%s in %s", model, name,
	    mf_store_label(repo->store));
	if (text[0] != '\0')
		mf_error_hint(e, "its versions: %s", text);
	return -1;
}

/* What is demanded of the ref is asked of the very record that leads to the version. */
static int
follow_ref(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_demands *d,
    struct mf_version *out, struct mf_error *e)
{
	if (mf_ref_check(repo, ref, d, e) != 0 || version_of_ref(repo, ref, out, e) != 0)
		return -1;
	out->ref_sequence = ref->sequence;
	return 0;
}

/* name: NULL where none was given. */
static int
resolve(struct mf_repo *repo, const char *model, const char *name, const struct mf_demands *d,
    struct mf_version *out, struct mf_error *e)
{
	struct mf_ref ref;
	int rc;

	if (name != NULL && strcmp(name, "previous") == 0)
		return mf_ref_previous(repo, model, false, d, out, e);
	if (name != NULL && (rc = find_version(repo, model, name, NULL, out, e)) <= 0)
		return rc == 0 && has_ref_rules(d) ? refuse_rules(name, e) : rc;
	if (mf_ref_get(repo, model, name != NULL ? name : "production", &ref, e) == 0) {
		rc = follow_ref(repo, &ref, d, out, e);
		mf_ref_fini(&ref);
		return rc;
	}
	if (e->code != MF_ENOTFOUND ||
	    mf_ref_check_absent(repo, model, name != NULL ? name : "production", d, e) != 0)
		return -1;
	if (name != NULL)
		return nothing_of_that_name(repo, model, name, e);
	rc = only_version(repo, model, out, e);
	return rc == 0 && has_ref_rules(d) ? refuse_rules(model, e) : rc;
}

int
mf_version_resolve_as(struct mf_repo *repo, const char *spec, const struct mf_demands *d,
    struct mf_version *out, struct mf_error *e)
{
	char *model, *name;
	int rc;

	*out = (struct mf_version){0};
	if (mf_version_split(spec, &model, &name, e) != 0)
		return -1;
	rc = resolve(repo, model, name, d, out, e);
	if (rc == 0 && d != NULL && d->trust != NULL)
		rc = mf_root_verify(&out->root, out->root_bytes.data, out->root_bytes.len, d->trust,
		    d->now_us, e);
	if (rc != 0)
		mf_version_fini(out);
	free(model);
	free(name);
	return rc;
}

int
mf_version_resolve(struct mf_repo *repo, const char *spec, struct mf_version *out,
    struct mf_error *e)
{
	return mf_version_resolve_as(repo, spec, NULL, out, e);
}
