/* Holds: the announcement of a ref's move. */
#include <stdio.h>
#include <string.h>

#include "src/repo/damaged_int.h"
#include "src/repo/hold_int.h"

#define MODEL_VER_DIGITS 65 /* "MODEL/VER" */

static void
prefix_of(struct mf_repo *repo, const char *model, const char *version,
    char out[MF_OBJECT_NAME_BYTES])
{
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES];

	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", model, version, v);
	snprintf(out, MF_OBJECT_NAME_BYTES, "h/%s/%s/", m, v);
}

struct hold_put {
	struct mf_repo *repo;
	const struct mf_buf *plain;
	char *name;
	size_t prefix_len;
};

/* Each time under another name: one whose put failed may still arrive, and is dead then as soon
 * as the ref moves on. */
static int
put_once(void *arg, struct mf_error *e)
{
	const struct hold_put *p = arg;
	char rand[MF_RANDOM_NAME_BYTES];

	mf_name_random(rand);
	snprintf(p->name + p->prefix_len, MF_OBJECT_NAME_BYTES - p->prefix_len, "%s", rand);
	return mf_object_put_new(p->repo, MF_OBJECT_REF, p->name, p->plain->data, p->plain->len,
	    MF_STORE_DURABLE, e);
}

int
mf_hold_put(struct mf_repo *repo, const struct mf_ref *ref, char name[MF_OBJECT_NAME_BYTES],
    struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	struct hold_put put = {.repo = repo, .plain = &b, .name = name};
	int rc;

	prefix_of(repo, ref->model, ref->version, name);
	put.prefix_len = strlen(name);
	mf_ref_put_signed(ref, mf_keyring_repo_id(repo->keyring), &b);
	mf_buf_put_u8(&b, 0); /* not signed */
	rc = b.failed ? mf_error_nomem(e, "a hold")
		      : mf_retry_run(&repo->retry, name, put_once, &put, e);
	mf_buf_fini(&b);
	return rc;
}

int
mf_hold_read(struct mf_repo *repo, const char *name, struct mf_ref *out, struct mf_error *e)
{
	char want[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	int rc = mf_object_get(repo, MF_OBJECT_REF, name, &plain, e);

	if (rc == 0)
		rc = mf_ref_decode(plain.data, plain.len, mf_keyring_repo_id(repo->keyring), out, e);
	mf_buf_fini(&plain);
	if (rc != 0) {
		mf_damaged_obstacle_hint(name, e);
		return mf_error_while(e, "reading the hold %s", name);
	}
	prefix_of(repo, out->model, out->version, want);
	if (strncmp(want, name, strlen(want)) == 0)
		return 0;
	mf_ref_fini(out);
	mf_error_set(e, MF_EDAMAGED, "hold %s belongs elsewhere", name);
	mf_damaged_obstacle_hint(name, e);
	return -1;
}

int
mf_hold_list(struct mf_repo *repo, const char *object, struct mf_refs *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_ref hold;
	size_t i;
	int rc = 0;

	*out = (struct mf_refs){0};
	snprintf(prefix, sizeof(prefix), "h/%.*s/", MODEL_VER_DIGITS, object);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		rc = mf_hold_read(repo, names.items[i], &hold, e);
		if (rc == 0)
			rc = mf_refs_append(out, &hold, e);
		else if (e->code == MF_ENOTFOUND)
			rc = 0; /* its writer is done: what it did is in the refs by now */
	}
	mf_names_fini(&names);
	if (rc != 0)
		mf_refs_fini(out);
	return rc;
}

bool
mf_hold_is_live(const struct mf_ref *hold, const struct mf_refs *refs)
{
	size_t i;

	for (i = 0; i < refs->n; i++)
		if (strcmp(refs->items[i].name, hold->name) == 0)
			return refs->items[i].sequence < hold->sequence;
	return true;
}
