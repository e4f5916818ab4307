/* Receipts: s/MODEL/VER/SITE/TIME-RAND. */
#include "src/repo/receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/receipt_int.h"
#include "src/repo/repo_int.h"
#include "src/repo/signing_int.h"

#define DIGITS 32
#define MODEL_PREFIX_BYTES (2 + DIGITS + 1)                 /* "s/MODEL/" */
#define SITE_AT (MODEL_PREFIX_BYTES + DIGITS + 1)           /* "SITE/" */
#define NAME_BYTES (SITE_AT + DIGITS + 1 + 16 + 1 + DIGITS) /* all of it */

static void
prefix_of(struct mf_repo *repo, const struct mf_receipt *r, char out[MF_OBJECT_NAME_BYTES])
{
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES], s[MF_NAME_HASH_BYTES];

	mf_keyring_name_hash(repo->keyring, "model", r->model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", r->model, r->version, v);
	mf_keyring_name_hash(repo->keyring, "site", r->site, r->instance, s);
	snprintf(out, MF_OBJECT_NAME_BYTES, "s/%s/%s/%s/", m, v, s);
}

static bool
is_receipt(const char *name)
{
	return strlen(name) == NAME_BYTES;
}

/* What the site said before, about any version of the model. */
static void
delete_older(struct mf_repo *repo, const char *newest)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	size_t i;

	snprintf(prefix, sizeof prefix, "%.*s", MODEL_PREFIX_BYTES, newest);
	if (mf_names_list(repo, prefix, &names, NULL) != 0)
		return;
	for (i = 0; i < names.n; i++)
		if (is_receipt(names.items[i]) && strcmp(names.items[i], newest) != 0 &&
		    strncmp(names.items[i] + SITE_AT, newest + SITE_AT, DIGITS) == 0)
			mf_store_del(repo->store, names.items[i], NULL);
	mf_names_fini(&names);
}

static int
encode(struct mf_repo *repo, const struct mf_receipt *r, const struct mf_signer *signer,
    struct mf_buf *b, struct mf_error *e)
{
	struct mf_receipt x = *r;
	int rc = 0;

	mf_receipt_put_signed(&x, mf_keyring_repo_id(repo->keyring), b);
	x.is_signed = signer != NULL;
	if (x.is_signed && !b->failed) {
		memcpy(x.signer, mf_signer_public(signer), sizeof x.signer);
		rc = mf_signing_sign(
		    signer, MF_RECEIPT_SIGN_DOMAIN, b->data, b->len, x.signature, e);
	}
	mf_receipt_put_signature(&x, b);
	return rc == 0 && b->failed ? mf_error_nomem(e, "a receipt") : rc;
}

int
mf_receipt_put(struct mf_repo *repo, const struct mf_receipt *r, const struct mf_signer *signer,
    struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES], rand[MF_RANDOM_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	size_t at;
	int rc;

	if (mf_repo_check_name("site", r->site, e) != 0 ||
	    (r->instance[0] != '\0' && mf_repo_check_name("instance", r->instance, e) != 0))
		return -1;
	prefix_of(repo, r, name);
	at = strlen(name);
	mf_name_random(rand);
	snprintf(name + at, sizeof name - at, "%016" PRIx64 "-%s", (uint64_t)r->time_us, rand);
	rc = encode(repo, r, signer, &b, e);
	if (rc == 0)
		rc = mf_object_put_new(
		    repo, MF_OBJECT_RECEIPT, name, b.data, b.len, MF_STORE_DURABLE, e);
	mf_buf_fini(&b);
	if (rc != 0)
		return mf_error_while(e, "writing the receipt of the site %s", r->site);
	delete_older(repo, name);
	return 0;
}

/* Read one, which must be the one that its name says. */
static int
read_receipt(struct mf_repo *repo, const char *name, const struct mf_trust *trust, int64_t now_us,
    struct mf_receipt *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	size_t n = 0;
	int rc = mf_object_get(repo, MF_OBJECT_RECEIPT, name, &plain, e);

	*out = (struct mf_receipt){0};
	if (rc == 0)
		rc = mf_receipt_decode(
		    plain.data, plain.len, mf_keyring_repo_id(repo->keyring), out, &n, e);
	if (rc == 0) {
		prefix_of(repo, out, prefix);
		if (strncmp(prefix, name, strlen(prefix)) != 0)
			rc = mf_error_set(e, MF_EDAMAGED, "receipt %s belongs elsewhere", name);
	}
	if (rc == 0 && trust != NULL && !out->is_signed)
		rc =
		    mf_error_set(e, MF_EKEY, "the receipt of the site %s is not signed", out->site);
	else if (rc == 0 && trust != NULL)
		rc = mf_signing_verify(trust, out->signer, MF_RECEIPT_SIGN_DOMAIN, plain.data, n,
		    out->signature, now_us, e);
	mf_buf_fini(&plain);
	if (rc != 0)
		mf_receipt_fini(out);
	return rc;
}

struct reading {
	struct mf_repo *repo;
	const struct mf_trust *trust;
	int64_t now_us, store_us;
	struct mf_receipts *out;
	struct mf_error *e;
	int rc;
};

static uint64_t
age_of(const struct reading *r, const struct mf_receipt *x, int64_t mtime_us)
{
	int64_t by_store = r->store_us - mtime_us, by_site = r->now_us - x->time_us;
	int64_t age = by_store > by_site ? by_store : by_site;

	return age > 0 ? (uint64_t)age : 0;
}

static int
append(struct reading *r, struct mf_receipt *take)
{
	struct mf_receipt *more = reallocarray(r->out->items, r->out->n + 1, sizeof *more);

	if (more == NULL) {
		mf_receipt_fini(take);
		r->rc = mf_error_nomem(r->e, "receipts");
		return 1;
	}
	r->out->items = more;
	more[r->out->n++] = *take;
	return 0;
}

static int
take(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct reading *r = arg;
	struct mf_receipt x;

	(void)size;
	if (!is_receipt(name))
		return 0;
	if (read_receipt(r->repo, name, r->trust, r->now_us, &x, r->e) != 0) {
		if (r->e->code != MF_ENOTFOUND && !mf_error_is_damage(r->e)) {
			r->rc = -1;
			return 1;
		}
		if (r->e->code != MF_ENOTFOUND)
			mf_log(MF_LOG_WARNING, "%s; it counts for nothing", r->e->message);
		mf_error_clear(r->e);
		return 0;
	}
	x.age_us = age_of(r, &x, mtime_us);
	return append(r, &x);
}

int
mf_receipts_list(struct mf_repo *repo, const char *model, const struct mf_trust *trust,
    int64_t now_us, struct mf_receipts *out, struct mf_error *e)
{
	char hash[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	struct mf_error own = {0};
	struct reading r = {.repo = repo, .trust = trust, .now_us = now_us};

	*out = (struct mf_receipts){0};
	r.out = out;
	r.e = e == NULL ? &own : e;
	mf_keyring_name_hash(repo->keyring, "model", model, NULL, hash);
	snprintf(prefix, sizeof prefix, "s/%s/", hash);
	if (mf_store_now(repo->store, &r.store_us, r.e) != 0 ||
	    mf_store_list(repo->store, prefix, take, &r, r.e) != 0 || r.rc != 0) {
		mf_receipts_fini(out);
		return mf_error_while(r.e, "reading the receipts of %s", model);
	}
	return 0;
}

void
mf_receipts_fini(struct mf_receipts *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		mf_receipt_fini(&list->items[i]);
	free(list->items);
	*list = (struct mf_receipts){0};
}

static bool
is_same_site(const struct mf_receipt *a, const struct mf_receipt *b)
{
	return strcmp(a->site, b->site) == 0 && strcmp(a->instance, b->instance) == 0;
}

/* Of one site and instance only the newest counts: it may say that it left the version. */
static bool
is_newest(const struct mf_receipts *list, const struct mf_receipt *x)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (is_same_site(&list->items[i], x) &&
		    (list->items[i].time_us > x->time_us ||
			(list->items[i].time_us == x->time_us && &list->items[i] > x)))
			return false;
	return true;
}

size_t
mf_receipts_count(const struct mf_receipts *list, const char *site, const uint8_t digest[32],
    uint64_t max_age_us, bool serving)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		n += strcmp(list->items[i].site, site) == 0 &&
		     memcmp(list->items[i].digest, digest, 32) == 0 &&
		     list->items[i].age_us <= max_age_us &&
		     (!serving || list->items[i].serving == MF_SERVING_YES) &&
		     is_newest(list, &list->items[i]);
	return n;
}
