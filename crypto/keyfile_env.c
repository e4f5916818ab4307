/* The raw pair: MODEL_ENCRYPTION_KEY and MODEL_HMAC_KEY, or files of their content. */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keyfile.h"
#include "crypto/keyfile_int.h"

#define ENCRYPTION "MODEL_ENCRYPTION_KEY"
#define HMAC "MODEL_HMAC_KEY"

static void
secret_hint(struct mf_error *e)
{
	mf_error_hint(e,
	    "make the Secret with: kubectl create secret generic modelferry-keys "
	    "--from-literal=" ENCRYPTION "=$(openssl rand -base64 32) "
	    "--from-literal=" HMAC "=$(openssl rand -base64 32); in a manifest put these base64 "
	    "texts under stringData:, for data: is decoded once on its way");
}

/* text, of n bytes, is the value of what ("variable X", "file Y"). */
static struct mf_secret *
parse_base64(const char *text, size_t n, const char *what, struct mf_error *e)
{
	struct mf_secret *key = mf_secret_new(MF_KEY_BYTES, e);
	size_t got;

	if (key == NULL)
		return NULL;
	switch (mf_base64_key(text, n, mf_secret_bytes(key), &got)) {
	case MF_BASE64_OK: return key;
	case MF_BASE64_LENGTH:
		mf_error_set(e, MF_EKEY, "%s is base64 of %zu bytes, not of %d%s", what, got,
		    MF_KEY_BYTES, got == 44 || got == 45 ? ": it seems to be encoded twice" : "");
		break;
	case MF_BASE64_BAD:
		mf_error_set(e, MF_EKEY, "%s is not valid base64", what);
		break;
	}
	secret_hint(e);
	mf_secret_free(key);
	return NULL;
}

struct mf_secret *
mf_raw_key_load(const char *path, const char *what, struct mf_error *e)
{
	struct mf_secret *file = mf_secret_read_file(path, MF_TEXTKEY_MAX_FILE, what, e), *key;
	char name[512];

	if (file == NULL) {
		secret_hint(e);
		return NULL;
	}
	if (mf_secret_len(file) == MF_KEY_BYTES)
		return file;
	snprintf(name, sizeof name, "%s %s (%zu bytes, so not a raw key of %d)", what, path,
	    mf_secret_len(file), MF_KEY_BYTES);
	key = parse_base64((const char *)mf_secret_view(file), mf_secret_len(file), name, e);
	mf_secret_free(file);
	return key;
}

/* Set and not empty: an empty variable is what a manifest makes of a missing key. */
static const char *
variable(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

static struct mf_secret *
key_from_env(const char *name, const char *file_name, struct mf_error *e)
{
	const char *value = variable(name), *path = variable(file_name);
	char what[96];

	if (value != NULL && path != NULL) {
		mf_error_set(e, MF_EKEY, "both %s and %s are set: use one", name, file_name);
		return NULL;
	}
	if (value != NULL) {
		snprintf(what, sizeof what, "variable %s", name);
		return parse_base64(value, strlen(value), what, e);
	}
	if (path != NULL) {
		snprintf(what, sizeof what, "%s:", file_name);
		return mf_raw_key_load(path, what, e);
	}
	mf_error_set(e, MF_EKEY, "variable %s is missing (and %s too): " ENCRYPTION " and " HMAC
	    " are both needed", name, file_name);
	secret_hint(e);
	return NULL;
}

bool
mf_unlock_in_env(void)
{
	return variable(ENCRYPTION) != NULL || variable(ENCRYPTION "_FILE") != NULL ||
	    variable(HMAC) != NULL || variable(HMAC "_FILE") != NULL;
}

struct mf_unlock *
mf_unlock_from_env(struct mf_error *e)
{
	struct mf_secret *enc, *hmac = NULL;

	if ((enc = key_from_env(ENCRYPTION, ENCRYPTION "_FILE", e)) != NULL)
		hmac = key_from_env(HMAC, HMAC "_FILE", e);
	return mf_unlock_take(MF_UNLOCK_RAW, ENCRYPTION " and " HMAC, enc, hmac, e);
}

struct mf_unlock *
mf_unlock_from_pair(const uint8_t encryption[MF_KEY_BYTES], const uint8_t hmac[MF_KEY_BYTES],
    const char *origin, struct mf_error *e)
{
	struct mf_secret *enc, *mac = NULL;

	if ((enc = mf_secret_of(encryption, MF_KEY_BYTES, e)) != NULL)
		mac = mf_secret_of(hmac, MF_KEY_BYTES, e);
	return mf_unlock_take(MF_UNLOCK_RAW, origin, enc, mac, e);
}

struct mf_unlock *
mf_unlock_from_pair_files(const char *encryption_path, const char *hmac_path, struct mf_error *e)
{
	struct mf_secret *enc, *hmac = NULL;
	char origin[512];

	if ((enc = mf_raw_key_load(encryption_path, "encryption key file", e)) != NULL)
		hmac = mf_raw_key_load(hmac_path, "HMAC key file", e);
	snprintf(origin, sizeof origin, "key files %s and %s", encryption_path, hmac_path);
	return mf_unlock_take(MF_UNLOCK_RAW, origin, enc, hmac, e);
}
