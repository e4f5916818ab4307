/*
 * The file of trusted keys: whose signatures a reader accepts. One key a line,
 *
 *	MODELFERRY-VERIFY-KEY-1 BASE64 [valid-until=RFC3339-TIME] [name ...]
 *
 * empty lines and lines that start with '#' do not count. The list is immutable once loaded:
 * any thread.
 */
#ifndef MF_CRYPTO_TRUST_H
#define MF_CRYPTO_TRUST_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"
#include "src/base/error.h"

#define MF_TRUST_MAX_FILE (1u << 20)
#define MF_TRUST_MAX_KEYS 4096
#define MF_TRUST_NAME_MAX 128

struct mf_trust;

/* Bytes of such a file; origin is its name for errors. NULL with MF_EKEY and the number of the
 * line that is wrong: no key, bad base64, bad time, unknown word before the name, the same key
 * twice. A list without a key is refused. */
struct mf_trust *mf_trust_parse(const void *text, size_t n, const char *origin,
    struct mf_error *e);
/* The same of a file. Blocking. */
struct mf_trust *mf_trust_load(const char *path, struct mf_error *e);
void mf_trust_free(struct mf_trust *t);
size_t mf_trust_keys(const struct mf_trust *t);

/* Accept msg? public and sig are what stands beside it; now_us is the time at which the
 * signer must still be valid (Unix, us). -1 with MF_EKEY and a message that says whether the
 * signer is not trusted, has expired (by name and time), or the signature does not fit. */
int mf_trust_verify(const struct mf_trust *t, const uint8_t public[MF_SIGN_PUBLIC_BYTES],
    const void *msg, size_t n, const uint8_t sig[MF_SIGN_BYTES], int64_t now_us,
    struct mf_error *e);
/* The name of a trusted key, "" where it has none; NULL: not in the list. View. */
const char *mf_trust_name(const struct mf_trust *t, const uint8_t public[MF_SIGN_PUBLIC_BYTES]);

#endif
