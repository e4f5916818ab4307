/*
 * What opens a repository: the raw pair of a Kubernetes Secret, a passphrase, or an X25519
 * identity. An unlock source holds the secret in guarded memory and remembers where it came
 * from, for messages; it never says what it holds.
 *
 * One owner; several threads may read one source.
 */
#ifndef MF_CRYPTO_KEYFILE_H
#define MF_CRYPTO_KEYFILE_H

#include <stdbool.h>

#include "crypto/secret.h"
#include "crypto/textkey.h"
#include "src/base/error.h"

/* Numbers of the format (kind of a slot); never renumbered. */
enum mf_unlock_kind {
	MF_UNLOCK_RAW = 1,
	MF_UNLOCK_PASSPHRASE = 2,
	MF_UNLOCK_IDENTITY = 3,
};

#define MF_PASSPHRASE_MAX_BYTES 1024
#define MF_IDENTITY_LABEL "MODELFERRY-IDENTITY-1"
#define MF_PUBLIC_LABEL "MODELFERRY-PUBLIC-1"
#define MF_PUBLIC_BYTES 32

struct mf_unlock;

/* "raw pair", "passphrase", "identity"; NULL for a number without a name. */
const char *mf_unlock_kind_name(unsigned kind);

/* Does the environment have any of the four variables of mf_unlock_from_env? */
bool mf_unlock_in_env(void);
/* MODEL_ENCRYPTION_KEY and MODEL_HMAC_KEY, each base64 of 32 bytes, or ..._FILE naming a file
 * with base64 text or exactly 32 raw bytes. NULL with MF_EKEY and a message that names the
 * variable: missing, set twice, bad base64, wrong length. Not beside setenv(3). Blocking. */
struct mf_unlock *mf_unlock_from_env(struct mf_error *e);
/* A raw pair at hand; for tests and for `key rotate` with freshly made keys. */
struct mf_unlock *mf_unlock_from_pair(const uint8_t encryption[MF_KEY_BYTES],
    const uint8_t hmac[MF_KEY_BYTES], const char *origin, struct mf_error *e);
/* The same as mf_unlock_from_env, of two files: for `key add` and `key rotate`, where the
 * environment holds the pair in use. */
struct mf_unlock *mf_unlock_from_pair_files(const char *encryption_path, const char *hmac_path,
    struct mf_error *e);
/* The first line of the file, without its line end; 1 to 1024 bytes, taken as they are. */
struct mf_unlock *mf_unlock_from_passphrase_file(const char *path, struct mf_error *e);
/* A file that mf_identity_generate wrote. */
struct mf_unlock *mf_unlock_from_identity_file(const char *path, struct mf_error *e);
/* Wipes and frees; NULL is fine. */
void mf_unlock_free(struct mf_unlock *u);

/* Raw pair, passphrase or identity. */
enum mf_unlock_kind mf_unlock_kind(const struct mf_unlock *u);
/* Where it came from: "MODEL_ENCRYPTION_KEY and MODEL_HMAC_KEY", "passphrase file /x". View. */
const char *mf_unlock_origin(const struct mf_unlock *u);

/* A new identity in a new file of mode 0600; its public half, as text, into public_text,
 * and in the file's comment too. */
int mf_identity_generate(const char *path, char public_text[MF_TEXTKEY_BYTES],
    struct mf_error *e);
/* The public half of an identity. Error MF_EUSAGE for another kind of source. */
int mf_unlock_public(const struct mf_unlock *u, uint8_t out[MF_PUBLIC_BYTES],
    struct mf_error *e);
/* "MODELFERRY-PUBLIC-1 BASE64" (or the base64 alone), as an argument or a file's text, into
 * out. Refuses points of small order. origin names it in errors. */
int mf_public_parse(const char *text, const char *origin, uint8_t out[MF_PUBLIC_BYTES],
    struct mf_error *e);
/* The same of a file. Blocking. */
int mf_public_load(const char *path, uint8_t out[MF_PUBLIC_BYTES], struct mf_error *e);

#endif
