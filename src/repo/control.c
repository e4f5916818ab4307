/* Control records: o/RUN/SEQ, or o/RUN/SEQ-RAND where the store has no conditional put. */
#include "src/repo/control.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/control_int.h"
#include "src/repo/run_int.h"
#include "src/repo/signing_int.h"

#define TRIES 16
#define SEEN_MAX 64 /* nonces of one reading */

static int
encode(struct mf_repo *repo, const char *run, struct mf_control *x, const struct mf_signer *signer,
    struct mf_buf *b, struct mf_error *e)
{
	int rc = 0;

	mf_buf_clear(b);
	mf_control_put_signed(run, x, mf_keyring_repo_id(repo->keyring), b);
	x->is_signed = signer != NULL;
	if (x->is_signed && !b->failed) {
		memcpy(x->signer, mf_signer_public(signer), sizeof x->signer);
		rc = mf_signing_sign(
		    signer, MF_CONTROL_SIGN_DOMAIN, b->data, b->len, x->signature, e);
	}
	mf_control_put_signature(x, b);
	return rc == 0 && b->failed ? mf_error_nomem(e, "a control record") : rc;
}

/* Read one, which must be the one that its name says. */
static int
read_control(struct mf_repo *repo, const char *name, const struct mf_trust *trust, int64_t now_us,
    struct mf_control *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES], *run = NULL;
	struct mf_buf plain = MF_BUF_INIT;
	size_t n = 0;
	int rc = mf_object_get(repo, MF_OBJECT_CONTROL, name, &plain, e);

	if (rc == 0)
		rc = mf_control_decode(
		    plain.data, plain.len, mf_keyring_repo_id(repo->keyring), &run, out, &n, e);
	if (rc == 0) {
		mf_run_prefix(repo, 'o', run, prefix);
		if (strncmp(prefix, name, MF_RUN_PREFIX_BYTES) != 0 ||
		    out->sequence != mf_run_sequence_of(name))
			rc = mf_error_set(
			    e, MF_EDAMAGED, "control record %s belongs elsewhere", name);
	}
	if (rc == 0 && trust != NULL && !out->is_signed)
		rc = mf_error_set(e, MF_EKEY, "the control record %s is not signed", name);
	else if (rc == 0 && trust != NULL)
		rc = mf_signing_verify(trust, out->signer, MF_CONTROL_SIGN_DOMAIN, plain.data, n,
		    out->signature, now_us, e);
	free(run);
	mf_buf_fini(&plain);
	return rc;
}

/* Is the one at this name ours, after a put whose answer was lost? */
static int
is_own(struct mf_repo *repo, const char *name, const struct mf_control *x, struct mf_error *e)
{
	struct mf_control there;

	if (read_control(repo, name, NULL, 0, &there, e) != 0)
		return e->code == MF_ENOTFOUND || mf_error_is_damage(e) ? 0 : -1;
	return memcmp(there.nonce, x->nonce, sizeof there.nonce) == 0;
}

/* The highest number of the names, and how many have `number`. */
static uint64_t
newest_of(const struct mf_names *names, uint64_t number, size_t *same)
{
	uint64_t newest = 0, one;
	size_t i;

	for (*same = i = 0; i < names->n; i++) {
		one = mf_run_sequence_of(names->items[i]);
		newest = one > newest ? one : newest;
		*same += one == number;
	}
	return newest;
}

/* Without conditional put: is it alone at its number? Else a run that has read the other one may
 * never look at this. 0; 1: no, and it is taken back. */
static int
check_alone(
    struct mf_repo *repo, const char *name, const char *prefix, uint64_t number, struct mf_error *e)
{
	struct mf_names names;
	size_t same;

	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	newest_of(&names, number, &same);
	mf_names_fini(&names);
	if (same <= 1)
		return 0;
	return mf_store_del(repo->store, name, e) == 0 ? 1 : -1;
}

/* 0; 1: the number is taken; -1. */
static int
put_at(struct mf_repo *repo, const char *prefix, const struct mf_control *x, const struct mf_buf *b,
    struct mf_error *e)
{
	bool conditional = (mf_store_capabilities(repo->store) & MF_STORE_CONDITIONAL) != 0;
	char name[MF_OBJECT_NAME_BYTES], rand[MF_RANDOM_NAME_BYTES];
	struct mf_error first;
	int rc, own;

	mf_name_random(rand);
	snprintf(name, sizeof name, "%.*s%016" PRIx64 "%s%s", MF_RUN_PREFIX_BYTES, prefix,
	    x->sequence, conditional ? "" : "-", conditional ? "" : rand);
	rc = mf_object_put_new(repo, MF_OBJECT_CONTROL, name, b->data, b->len,
	    MF_STORE_DURABLE | (conditional ? MF_STORE_IF_ABSENT : 0), e);
	if (rc != 0 && conditional && !(rc < 0 && e->code == MF_ECONFLICT)) {
		first = *e;
		if ((own = is_own(repo, name, x, e)) == 1) {
			mf_error_clear(e);
			rc = 0;
		} else if (own == 0) {
			*e = first;
		} else {
			rc = -1;
		}
	}
	if (rc == 0 && !conditional)
		rc = check_alone(repo, name, prefix, x->sequence, e);
	return rc;
}

static int
is_known(struct mf_repo *repo, const char *run, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	size_t n;

	mf_run_prefix(repo, 'j', run, prefix);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	n = names.n;
	mf_names_fini(&names);
	if (n > 0)
		return 0;
	mf_error_set(e, MF_ENOTFOUND, "there is no run %s in %s", run, mf_store_label(repo->store));
	return mf_error_hint(e, "modelferry status lists those that are under way");
}

/* At the next number. */
static int
try_put(struct mf_repo *repo, const char *run, struct mf_control *x, const struct mf_signer *signer,
    struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	struct mf_names names;
	size_t same;
	int rc;

	mf_run_prefix(repo, 'o', run, prefix);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	x->sequence = newest_of(&names, 0, &same) + 1;
	mf_names_fini(&names);
	rc = encode(repo, run, x, signer, &b, e);
	if (rc == 0)
		rc = put_at(repo, prefix, x, &b, e);
	mf_buf_fini(&b);
	return rc;
}

int
mf_control_put(struct mf_repo *repo, const char *run, struct mf_control *control,
    const struct mf_signer *signer, struct mf_error *e)
{
	struct mf_error own = {0};
	int rc = 1, tries;

	e = e == NULL ? &own : e;
	if (mf_run_check_id(run, e) != 0 || is_known(repo, run, e) != 0)
		return -1;
	randombytes_buf(control->nonce, sizeof control->nonce);
	for (tries = 0; rc == 1 && tries < TRIES; tries++)
		rc = try_put(repo, run, control, signer, e);
	if (rc == 1)
		return mf_error_set(e, MF_ECONFLICT, "others steer the run %s all the time", run);
	return rc == 0 ? 0
		       : mf_error_while(e, "telling the run %s to %s", run,
			     mf_control_verb_name(control->verb));
}

struct reading {
	struct mf_repo *repo;
	const struct mf_trust *trust;
	int64_t now_us;
	uint8_t seen[SEEN_MAX][MF_CONTROL_NONCE_BYTES];
	size_t n_seen;
};

/* The same wish under two numbers, where an answer was lost. */
static bool
was_seen(struct reading *r, const struct mf_control *x)
{
	size_t i;

	for (i = 0; i < r->n_seen; i++)
		if (memcmp(r->seen[i], x->nonce, sizeof x->nonce) == 0)
			return true;
	if (r->n_seen < SEEN_MAX)
		memcpy(r->seen[r->n_seen++], x->nonce, sizeof x->nonce);
	return false;
}

static int
read_one(struct reading *r, const char *name, mf_control_cb *cb, void *arg, struct mf_error *e)
{
	struct mf_control x;

	if (read_control(r->repo, name, r->trust, r->now_us, &x, e) == 0)
		return was_seen(r, &x) ? 0 : cb(arg, &x);
	if (e->code != MF_ENOTFOUND && !mf_error_is_damage(e))
		return -1;
	mf_log(MF_LOG_WARNING, "%s; it is passed over", e->message);
	mf_error_clear(e);
	return 0;
}

int
mf_control_each(struct mf_repo *repo, const char *run, uint64_t answered,
    const struct mf_trust *trust, int64_t now_us, mf_control_cb *cb, void *arg, struct mf_error *e)
{
	struct reading r = {.repo = repo, .trust = trust, .now_us = now_us};
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_error own = {0};
	struct mf_names names;
	size_t i;
	int rc = 0;

	e = e == NULL ? &own : e;
	if (mf_run_check_id(run, e) != 0)
		return -1;
	mf_run_prefix(repo, 'o', run, prefix);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++)
		if (mf_run_sequence_of(names.items[i]) > answered)
			rc = read_one(&r, names.items[i], cb, arg, e);
	mf_names_fini(&names);
	return rc;
}
