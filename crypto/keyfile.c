#include "config.h"

#include "crypto/keyfile.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keyfile_int.h"

const char *
mf_unlock_kind_name(unsigned kind)
{
	switch (kind) {
	case MF_UNLOCK_RAW: return "raw pair";
	case MF_UNLOCK_PASSPHRASE: return "passphrase";
	case MF_UNLOCK_IDENTITY: return "identity";
	default: return NULL;
	}
}

struct mf_unlock *
mf_unlock_take(enum mf_unlock_kind kind, const char *origin, struct mf_secret *secret,
    struct mf_secret *hmac, struct mf_error *e)
{
	struct mf_unlock *u = NULL;

	if (secret == NULL || (kind == MF_UNLOCK_RAW && hmac == NULL))
		goto fail;
	if ((u = calloc(1, sizeof *u)) == NULL || (u->origin = strdup(origin)) == NULL) {
		mf_error_nomem(e, "an unlock source");
		goto fail;
	}
	u->kind = kind;
	u->secret = secret;
	u->hmac = hmac;
	return u;
fail:
	free(u);
	mf_secret_free(secret);
	mf_secret_free(hmac);
	return NULL;
}

void
mf_unlock_free(struct mf_unlock *u)
{
	if (u == NULL)
		return;
	mf_secret_free(u->secret);
	mf_secret_free(u->hmac);
	free(u->origin);
	free(u);
}

enum mf_unlock_kind
mf_unlock_kind(const struct mf_unlock *u)
{
	return u->kind;
}

const char *
mf_unlock_origin(const struct mf_unlock *u)
{
	return u->origin;
}

struct mf_unlock *
mf_unlock_from_passphrase_file(const char *path, struct mf_error *e)
{
	struct mf_secret *file, *pass = NULL;
	const uint8_t *text, *nl;
	char origin[512];
	size_t n;

	/* the passphrase and its line end; of a longer file only an error is made */
	file = mf_secret_read_file(path, MF_PASSPHRASE_MAX_BYTES + 2, "passphrase file", e);
	if (file == NULL)
		return NULL;
	text = mf_secret_view(file);
	nl = memchr(text, '\n', mf_secret_len(file));
	n = nl != NULL ? (size_t)(nl - text) : mf_secret_len(file);
	if (nl != NULL && n > 0 && text[n - 1] == '\r')
		n--;
	if (n == 0)
		mf_error_set(e, MF_EKEY, "passphrase file %s begins with an empty line", path);
	else if (n > MF_PASSPHRASE_MAX_BYTES)
		mf_error_set(e, MF_EKEY, "passphrase in %s is longer than %d bytes", path,
		    MF_PASSPHRASE_MAX_BYTES);
	else
		pass = mf_secret_of(text, n, e);
	mf_secret_free(file);
	snprintf(origin, sizeof origin, "passphrase file %s", path);
	return mf_unlock_take(MF_UNLOCK_PASSPHRASE, origin, pass, NULL, e);
}

struct mf_unlock *
mf_unlock_from_identity_file(const char *path, struct mf_error *e)
{
	struct mf_secret *key = mf_textkey_load(path, MF_IDENTITY_LABEL, "identity file", e);
	char origin[512];

	snprintf(origin, sizeof origin, "identity file %s", path);
	return mf_unlock_take(MF_UNLOCK_IDENTITY, origin, key, NULL, e);
}

int
mf_unlock_public(const struct mf_unlock *u, uint8_t out[MF_PUBLIC_BYTES], struct mf_error *e)
{
	if (u->kind != MF_UNLOCK_IDENTITY)
		return mf_error_set(e, MF_EUSAGE, "%s has no public half of its own: only an "
		    "identity file has", u->origin);
	crypto_scalarmult_base(out, mf_secret_view(u->secret));
	return 0;
}

int
mf_identity_generate(const char *path, char public_text[MF_TEXTKEY_BYTES], struct mf_error *e)
{
	struct mf_secret *key = mf_secret_random(MF_KEY_BYTES, e);
	char comment[MF_TEXTKEY_BYTES + 128];
	uint8_t public[MF_PUBLIC_BYTES];
	int rc;

	if (key == NULL)
		return -1;
	crypto_scalarmult_base(public, mf_secret_view(key));
	mf_textkey_format(MF_PUBLIC_LABEL, public, public_text);
	snprintf(comment, sizeof comment,
	    "# modelferry identity: keep this file secret. Its public half, for `key add`:\n# %s\n",
	    public_text);
	rc = mf_textkey_save(path, comment, MF_IDENTITY_LABEL, mf_secret_view(key),
	    "identity file", e);
	mf_secret_free(key);
	return rc;
}

/* A point of small order would give every sender the same shared secret. */
static int
check_point(const uint8_t public[MF_PUBLIC_BYTES], const char *origin, struct mf_error *e)
{
	uint8_t scalar[32], shared[32];
	int rc;

	randombytes_buf(scalar, sizeof scalar);
	rc = crypto_scalarmult(shared, scalar, public);
	sodium_memzero(scalar, sizeof scalar);
	sodium_memzero(shared, sizeof shared);
	if (rc != 0)
		return mf_error_set(e, MF_EKEY, "%s is no usable X25519 public half", origin);
	return 0;
}

int
mf_public_parse(const char *text, const char *origin, uint8_t out[MF_PUBLIC_BYTES],
    struct mf_error *e)
{
	const size_t n = strnlen(text, MF_TEXTKEY_MAX_FILE);
	size_t got;

	if (mf_base64_key(text, n, out, &got) != MF_BASE64_OK &&
	    mf_textkey_parse((const uint8_t *)text, n, MF_PUBLIC_LABEL, origin, out, e) != 0)
		return -1;
	return check_point(out, origin, e);
}

int
mf_public_load(const char *path, uint8_t out[MF_PUBLIC_BYTES], struct mf_error *e)
{
	struct mf_secret *key = mf_textkey_load(path, MF_PUBLIC_LABEL, "public key file", e);

	if (key == NULL)
		return -1;
	memcpy(out, mf_secret_view(key), MF_PUBLIC_BYTES);
	mf_secret_free(key);
	return check_point(out, path, e);
}
