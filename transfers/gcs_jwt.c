#include "config.h"

#include "transfers/gcs_jwt.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/rs256.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

void
mf_gcs_base64url(struct mf_buf *out, const void *bytes, size_t n)
{
	const size_t len = sodium_base64_encoded_len(n, VARIANT); /* with the NUL */

	if (mf_buf_reserve(out, len) != 0)
		return;
	(void)sodium_bin2base64((char *)out->data + out->len, len, bytes, n, VARIANT);
	out->len += len - 1;
}

/* Append an object, which is given up. */
static int
put_object(struct mf_buf *out, json_t *object, struct mf_error *e)
{
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text != NULL)
		mf_gcs_base64url(out, text, strlen(text));
	json_decref(object);
	free(text);
	return text != NULL && !out->failed ? 0 : mf_error_nomem(e, "credentials");
}

int
mf_gcs_jwt_make(const struct mf_gcs_jwt *c, const struct mf_secret *key, const char *origin,
    struct mf_buf *out, struct mf_error *e)
{
	const size_t start = out->len;
	struct mf_buf signature = MF_BUF_INIT;
	int rc = -1;

	if (put_object(out,
		json_pack("{s:s, s:s, s:s*}", "alg", "RS256", "typ", "JWT", "kid", c->key_id),
		e) != 0)
		return -1;
	mf_buf_put(out, ".", 1);
	if (put_object(out,
		json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", c->issuer, "scope", c->scope, "aud",
		    c->audience, "iat", (json_int_t)c->now_unix_s, "exp",
		    (json_int_t)c->now_unix_s + MF_GCS_JWT_LIFETIME_S),
		e) != 0)
		return -1;
	if (mf_rs256_sign(key, origin, out->data + start, out->len - start, &signature, e) == 0) {
		mf_buf_put(out, ".", 1);
		mf_gcs_base64url(out, signature.data, signature.len);
		rc = out->failed ? mf_error_nomem(e, "credentials") : 0;
	}
	mf_buf_fini(&signature);
	return rc;
}
