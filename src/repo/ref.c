/* Reading refs: the objects r/MODEL/REF/SEQ and r/MODEL/REF/SEQ-RAND, of which the lowest of a
 * sequence number counts. Their bytes: ref_record.c; how they come there: ref_move.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/ref_int.h"
#include "src/repo/signing_int.h"

#define PIN_KEY_BYTES 600 /* of "MODEL/NAME" */

void
mf_refs_fini(struct mf_refs *refs)
{
	size_t i;

	for (i = 0; i < refs->n; i++)
		mf_ref_fini(&refs->items[i]);
	free(refs->items);
	*refs = (struct mf_refs){0};
}

void
mf_ref_prefix(struct mf_repo *repo, const char *model, const char *name,
    char out[MF_OBJECT_NAME_BYTES])
{
	char m[MF_NAME_HASH_BYTES], r[MF_NAME_HASH_BYTES];

	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "ref", model, name, r);
	snprintf(out, MF_OBJECT_NAME_BYTES, "r/%s/%s/", m, r);
}

uint64_t
mf_ref_sequence_of(const char *object)
{
	return strlen(object) <= MF_REF_PREFIX_BYTES
	    ? 0
	    : strtoull(object + MF_REF_PREFIX_BYTES, NULL, 16);
}

/* Do names i and k of the listing have the same sequence number of the same ref? */
static bool
is_same(const struct mf_names *names, size_t i, size_t k)
{
	return strncmp(names->items[i], names->items[k], MF_REF_POSITION_BYTES) == 0;
}

bool
mf_ref_counts(const struct mf_names *names, size_t i)
{
	return i == 0 || !is_same(names, i - 1, i);
}

bool
mf_ref_is_newest(const struct mf_names *names, size_t i)
{
	size_t k;

	if (!mf_ref_counts(names, i))
		return false;
	for (k = i + 1; k < names->n && is_same(names, i, k); k++)
		;
	return k == names->n ||
	    strncmp(names->items[i], names->items[k], MF_REF_PREFIX_BYTES) != 0;
}

/* "" or "-RAND" */
static bool
is_random_or_nothing(const char *rest)
{
	return rest[0] == '\0' ||
	    (rest[0] == '-' && strlen(rest) == MF_RANDOM_NAME_BYTES &&
		strspn(rest + 1, "0123456789abcdef") == MF_RANDOM_NAME_BYTES - 1);
}

/* object: its whole name, which must be the one that the record hashes to. */
int
mf_ref_read(struct mf_repo *repo, const char *object, struct mf_ref *out, struct mf_error *e)
{
	char want[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	size_t at;
	int rc = mf_object_get(repo, MF_OBJECT_REF, object, &plain, e);

	if (rc == 0)
		rc = mf_ref_decode(plain.data, plain.len, mf_keyring_repo_id(repo->keyring), out, e);
	mf_buf_fini(&plain);
	if (rc != 0)
		return mf_error_while(e, "reading the ref %s", object);
	mf_ref_prefix(repo, out->model, out->name, want);
	at = strlen(want);
	snprintf(want + at, sizeof(want) - at, "%016" PRIx64, out->sequence);
	at = strlen(want);
	if (strncmp(want, object, at) != 0 || !is_random_or_nothing(object + at)) {
		mf_ref_fini(out);
		return mf_error_set(e, MF_EDAMAGED, "ref %s belongs elsewhere", object);
	}
	return 0;
}

static const char *
pin_key(const char *model, const char *name, char key[PIN_KEY_BYTES])
{
	snprintf(key, PIN_KEY_BYTES, "%s/%s", model, name);
	return key;
}

int
mf_ref_saw(struct mf_repo *repo, const struct mf_ref *ref, struct mf_error *e)
{
	char key[PIN_KEY_BYTES];

	return mf_pin_raise(repo, pin_key(ref->model, ref->name, key), ref->sequence, e);
}

/* What this client has seen of it, to be asked before the store is. */
static int
seen_of(struct mf_repo *repo, const char *model, const char *name, uint64_t *seen,
    struct mf_error *e)
{
	char key[PIN_KEY_BYTES];

	return mf_pin_seen(repo, pin_key(model, name, key), seen, e);
}

/* Check the ref against that (MF_EKEY), and remember it. */
static int
check_seen(struct mf_repo *repo, const struct mf_ref *ref, uint64_t seen, struct mf_error *e)
{
	char what[400];

	snprintf(what, sizeof(what), "the ref %s@%s", ref->model, ref->name);
	return mf_pin_compare(ref->sequence, seen, what, e) != 0 ? -1 : mf_ref_saw(repo, ref, e);
}

/* A ref that this client has seen cannot vanish. */
static int
check_absent(const char *model, const char *name, uint64_t seen, struct mf_error *e)
{
	char what[400];

	snprintf(what, sizeof(what), "the ref %s@%s (absent)", model, name);
	return mf_pin_compare(0, seen, what, e);
}

int
mf_ref_get(struct mf_repo *repo, const char *model, const char *name, struct mf_ref *out,
    struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	uint64_t seen;
	size_t i;
	int rc;

	*out = (struct mf_ref){0};
	mf_ref_prefix(repo, model, name, prefix);
	if (seen_of(repo, model, name, &seen, e) != 0 || mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	if (names.n == 0) {
		mf_names_fini(&names);
		if (check_absent(model, name, seen, e) != 0)
			return -1;
		return mf_error_set(e, MF_ENOTFOUND, "model %s has no ref %s", model, name);
	}
	for (i = names.n - 1; !mf_ref_counts(&names, i);)
		i--;
	rc = mf_ref_read(repo, names.items[i], out, e);
	mf_names_fini(&names);
	if (rc == 0 && (rc = check_seen(repo, out, seen, e)) != 0)
		mf_ref_fini(out);
	return rc;
}

int
mf_refs_append(struct mf_refs *refs, struct mf_ref *take, struct mf_error *e)
{
	struct mf_ref *more = reallocarray(refs->items, refs->n + 1, sizeof(*more));

	if (more == NULL) {
		mf_ref_fini(take);
		return mf_error_nomem(e, "a list of refs");
	}
	refs->items = more;
	refs->items[refs->n++] = *take;
	return 0;
}

int
mf_ref_history(struct mf_repo *repo, const char *model, const char *name, struct mf_refs *out,
    struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_ref ref;
	uint64_t seen;
	size_t i;
	int rc = 0;

	*out = (struct mf_refs){0};
	mf_ref_prefix(repo, model, name, prefix);
	if (seen_of(repo, model, name, &seen, e) != 0 || mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		if (!mf_ref_counts(&names, i))
			continue;
		rc = mf_ref_read(repo, names.items[i], &ref, e);
		if (rc == 0)
			rc = mf_refs_append(out, &ref, e);
		else if (e->code == MF_ENOTFOUND)
			rc = 0; /* an old entry that a prune trimmed meanwhile */
	}
	mf_names_fini(&names);
	if (rc == 0 && out->n > 0)
		rc = check_seen(repo, &out->items[out->n - 1], seen, e);
	if (rc != 0)
		mf_refs_fini(out);
	return rc;
}

static int
add_previous(struct mf_repo *repo, const char *model, struct mf_refs *out, struct mf_error *e)
{
	struct mf_version v;
	struct mf_ref ref = {0};

	if (mf_ref_previous_shown(repo, model, &v, e) != 0)
		return e->code == MF_ENOTFOUND ? 0 : -1;
	ref.model = strdup(model);
	ref.name = strdup("previous");
	ref.version = strdup(v.root.version);
	ref.by = strdup("");
	memcpy(ref.digest, v.digest, sizeof(ref.digest));
	mf_version_fini(&v);
	if (ref.model != NULL && ref.name != NULL && ref.version != NULL && ref.by != NULL)
		return mf_refs_append(out, &ref, e);
	mf_ref_fini(&ref);
	return mf_error_nomem(e, "a list of refs");
}

/* The names were not known before the listing: a ref that is older than what was seen is read again,
 * as it stands now. After a failure *ref is empty. */
static int
check_listed(struct mf_repo *repo, struct mf_ref *ref, struct mf_error *e)
{
	struct mf_ref now = {0};
	uint64_t seen;
	int rc = seen_of(repo, ref->model, ref->name, &seen, e);

	if (rc == 0 && ref->sequence >= seen && (rc = mf_ref_saw(repo, ref, e)) == 0)
		return 0;
	if (rc == 0)
		rc = mf_ref_get(repo, ref->model, ref->name, &now, e);
	mf_ref_fini(ref);
	if (rc == 0)
		*ref = now;
	return rc;
}

int
mf_ref_list(struct mf_repo *repo, const char *model, struct mf_refs *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES], m[MF_NAME_HASH_BYTES];
	struct mf_names names;
	struct mf_ref ref;
	size_t i;
	int rc = 0;

	*out = (struct mf_refs){0};
	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	snprintf(prefix, sizeof(prefix), "r/%s/", m);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		if (!mf_ref_is_newest(&names, i))
			continue;
		rc = mf_ref_read(repo, names.items[i], &ref, e);
		if (rc == 0)
			rc = check_listed(repo, &ref, e);
		if (rc == 0)
			rc = mf_refs_append(out, &ref, e);
	}
	mf_names_fini(&names);
	if (rc == 0)
		rc = add_previous(repo, model, out, e);
	if (rc != 0)
		mf_refs_fini(out);
	return rc;
}

int
mf_ref_verify(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_trust *trust,
    int64_t now_us, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	if (!ref->is_signed)
		return mf_error_set(e, MF_EKEY,
		    "the ref %s@%s is not signed, and --trusted-keys demands it", ref->model, ref->name);
	mf_ref_put_signed(ref, mf_keyring_repo_id(repo->keyring), &b);
	rc = b.failed ? mf_error_nomem(e, "a ref")
		      : mf_signing_verify(trust, ref->signer, MF_REF_SIGN_DOMAIN, b.data,
			    b.len, ref->signature, now_us, e);
	mf_buf_fini(&b);
	return rc == 0 ? 0
		       : mf_error_while(e, "checking the signature of the ref %s@%s", ref->model,
			     ref->name);
}
